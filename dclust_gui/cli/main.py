"""The command line's root: all commands, and what becomes of errors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from dclust_gui import __version__
from dclust_gui.cli import (
    about,
    bench,
    cluster,
    distilling,
    duplicates,
    edit,
    exports,
    importing,
    names,
    outliers,
    output,
    projects,
    reclustering,
    reviewing,
    runs,
    similar,
    stacks,
    trees,
)
from dclust_gui.cli.running import EXIT_FAILED, EXIT_INTERRUPTED
from dclust_gui.domain.control import Cancelled
from dclust_gui.domain.errors import KnownError

OpenWindow = Callable[[Path | None], int]


def _version(wanted: bool) -> None:
    if wanted:
        output.say(f"dclust {__version__}")
        raise typer.Exit


def make_app(open_window: OpenWindow) -> typer.Typer:
    """The command line.

    Args:
        open_window: Opens the window on a project or folder; returns its exit code.
    """
    app = typer.Typer(
        name="dclust",
        help="Turn folders of images into named groups.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.callback()
    def root(
        version: Annotated[
            bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")
        ] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    ) -> None:
        """Turn folders of images into named groups; originals are never written to."""

    @app.command("open")
    def open_(
        target: Annotated[Path | None, typer.Argument(help="Project file or folder.")] = None,
    ) -> None:
        """Open the window."""
        raise typer.Exit(open_window(target))

    app.command()(cluster.cluster)
    app.command()(projects.add)
    app.command()(projects.relink)
    app.command()(projects.evaluate)
    app.command()(exports.export)
    app.command("undo-export")(exports.undo_export)
    app.command("import")(importing.import_labels)
    app.add_typer(edit.edit_app, name="edit")
    app.command()(runs.runs)
    app.command()(trees.tree)
    app.command()(trees.cut)
    app.command()(similar.similar)
    app.command()(names.names)
    app.command()(outliers.outliers)
    app.command()(stacks.stacks)
    app.command()(duplicates.duplicates)
    app.command()(reclustering.recluster)
    app.command()(reviewing.review)
    app.command()(distilling.distil)
    app.command()(distilling.classify)
    app.add_typer(about.models_app, name="models")
    app.command()(about.methods)
    app.command()(about.doctor)
    app.command()(about.demo)
    app.command()(bench.bench)
    return app


def run(arguments: list[str], open_window: OpenWindow) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name; `--debug` may stand anywhere.
        open_window: Opens the window.

    Returns:
        Exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    debug = "--debug" in arguments
    plain = [a for a in arguments if a != "--debug"]
    output.allow_any_text()
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # what matters is in the reasons
    try:
        code = typer.main.get_command(make_app(open_window)).main(
            plain, prog_name="dclust", standalone_mode=False
        )
        output.flush()
    except KnownError as error:
        return _failed(error, debug=debug)
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        output.discard_rest()
        return EXIT_FAILED
    except typer.Exit as done:
        return done.exit_code
    except Exception as error:  # noqa: BLE001 -- the last resort of the command line
        return _usage_or_bug(error, debug=debug)
    if code == EXIT_INTERRUPTED:  # how typer passes on Ctrl+C
        return _interrupted()
    return code if isinstance(code, int) else 0


def _interrupted() -> int:
    output.say_error("interrupted; what is finished is kept and the next run goes on from there")
    return EXIT_INTERRUPTED


def _failed(error: KnownError, *, debug: bool) -> int:
    if debug:
        raise error
    output.say_error(" ".join(str(error).split()))
    return EXIT_FAILED


def _usage_or_bug(error: Exception, *, debug: bool) -> int:
    """Usage errors show themselves and end with 2; the rest is the system's, or ours."""
    show = getattr(error, "show", None)
    if callable(show) and hasattr(error, "exit_code"):
        show()
        return int(error.exit_code)
    if debug:
        raise error
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        output.discard_rest()
        output.say_error(f"the system reports: {error.strerror}{place} (--debug shows where)")
        return EXIT_FAILED
    text = " ".join(f"{type(error).__name__}: {error}".split())
    output.say_error(f"an unexpected error, please report it: {text} (--debug shows where)")
    return EXIT_FAILED

"""Measurements of the window, each in a process of its own that paints and prints its rows."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.services.bench import WINDOW_BENCH
from dclust_gui.services.bench.rows import BenchRow
from dclust_gui.services.bench.startup import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LIMIT_S = 600


def bench_gallery(
    say: Callable[[str], None],
    *,
    long: bool = False,  # noqa: ARG001 -- the same for all benchmarks
) -> Iterator[BenchRow]:
    """Scroll through 100,000 images.

    Args:
        say: Told what is measured.
        long: Changes nothing.

    Yields:
        Frame times in milliseconds, and resident memory.

    Raises:
        InputError: If the window cannot be measured.
    """
    say("Scrolling through 100,000 images")
    yield from rows_of("gallery", _command("gallery"))


def bench_dendrogram(
    say: Callable[[str], None],
    *,
    long: bool = False,  # noqa: ARG001 -- the same for all benchmarks
) -> Iterator[BenchRow]:
    """Zoom, pan and cut a tree of 100,000 images.

    Args:
        say: Told what is measured.
        long: Changes nothing.

    Yields:
        Seconds to open it, frame times in milliseconds, and resident memory.

    Raises:
        InputError: If the window cannot be measured.
    """
    say("Zooming and cutting a tree of 100,000 images")
    yield from rows_of("dendrogram", _command("dendrogram"))


def bench_map(
    say: Callable[[str], None],
    *,
    long: bool = False,  # noqa: ARG001 -- the same for all benchmarks
) -> Iterator[BenchRow]:
    """Zoom, pan and lasso a map of 100,000 images.

    Args:
        say: Told what is measured.
        long: Changes nothing.

    Yields:
        Frame times in milliseconds, and resident memory.

    Raises:
        InputError: If the window cannot be measured.
    """
    say("Zooming and lassoing a map of 100,000 images")
    yield from rows_of("map", _command("map"))


def bench_open(
    say: Callable[[str], None],
    *,
    long: bool = False,  # noqa: ARG001 -- the same for all benchmarks
) -> Iterator[BenchRow]:
    """Open and edit a project of 100,000 images in the whole window.

    Args:
        say: Told what is measured.
        long: Changes nothing.

    Yields:
        Seconds to open it, edits and the longest pauses in milliseconds, and resident memory.

    Raises:
        InputError: If the window cannot be measured.
    """
    say("Opening a project of 100,000 images")
    yield from rows_of("open", _command("open"))


def bench_edit_window(say: Callable[[str], None]) -> Iterator[BenchRow]:
    """Edit a project of 100,000 images in the window, in a process of its own.

    Args:
        say: Told what is measured.

    Yields:
        Milliseconds of each kind of edit, its undo and its redo, from the call to the end of
        painting, the slowest of all repeats.

    Raises:
        InputError: If the window cannot be measured.
    """
    say("Editing a project of 100,000 images in the window")
    yield from rows_of("edit", _command("edit"))


def rows_of(name: str, command: Sequence[str]) -> list[BenchRow]:
    """Run a measuring process and read what it printed.

    Args:
        name: Name of the benchmark.
        command: Prints a JSON list of [what, value, unit] as its last line.

    Returns:
        A row for each.

    Raises:
        InputError: If the process fails, takes too long or prints something else.
    """
    with tempfile.TemporaryDirectory(prefix="dclust-") as home:
        try:
            done = subprocess.run(  # noqa: S603 -- ourselves
                list(command),
                env=_environment(Path(home)),
                capture_output=True,
                text=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _not_measured(name, f"It took more than {_LIMIT_S} s.") from None
        except OSError as error:
            raise _not_measured(name, str(error)) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"It ended with code {done.returncode}."]
        raise _not_measured(name, lines[-1])
    try:
        told = json.loads((done.stdout.strip().splitlines() or [""])[-1])
        return [BenchRow(name, str(w), float(value), str(unit)) for w, value, unit in told]
    except (ValueError, TypeError):
        raise _not_measured(name, "What it printed is no list of rows.") from None


def _command(name: str) -> list[str]:
    return [*program(), WINDOW_BENCH, name]


def _environment(home: Path) -> dict[str, str]:
    """This process's, with user folders that nothing of the user's lies in."""
    own = {"DCLUST_CACHE_DIR": str(home / "cache"), "DCLUST_DATA_DIR": str(home / "data")}
    return {**os.environ, **own}


def _not_measured(name: str, why: str) -> InputError:
    return InputError(f"The window could not be measured ('{name}').", why, "Try 'dclust doctor'.")

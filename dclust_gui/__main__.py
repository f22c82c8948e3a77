"""All entry points: the command line (`dclust`, `python -m dclust_gui`) and the window."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

from dclust_gui.services.bench import WINDOW_BENCH


def open_window(target: Path | None) -> int:
    """Open the window on a project or folder, or empty.

    Args:
        target: What to open; None for nothing.

    Returns:
        The window's exit code.
    """
    from dclust_gui.ui.app import run_window

    return run_window(target)


def _serve_helper() -> None:
    """Be the decoding helper, where a frozen build was started as one; then does not return."""
    if getattr(sys, "frozen", False):
        from dclust_gui.imaging.helper_child import run_if_helper

        if run_if_helper(sys.argv):
            sys.exit(0)


def _serve_window_bench() -> None:
    """Measure the window, where `dclust bench` started this process for it; then does not return.

    The command line cannot do it itself, as it knows nothing of the window.
    """
    if sys.argv[1:2] == [WINDOW_BENCH] and len(sys.argv) == 3:
        from dclust_gui.ui.bench import run

        sys.exit(run(sys.argv[2]))


def main() -> None:
    """Run the command line and exit with its code."""
    multiprocessing.freeze_support()
    _serve_helper()
    _serve_window_bench()
    from dclust_gui.cli.main import run

    sys.exit(run(sys.argv[1:], open_window))


def main_window() -> None:
    """Open the window on the first argument, if any, and exit with its code."""
    multiprocessing.freeze_support()
    _serve_helper()
    arguments = [a for a in sys.argv[1:] if not a.startswith("-")]
    sys.exit(open_window(Path(arguments[0]) if arguments else None))


if __name__ == "__main__":
    main()

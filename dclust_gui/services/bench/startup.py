"""How soon the window is seen after the program was started."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.services.bench import EXIT_WHEN_PAINTED
from dclust_gui.services.bench.rows import BenchRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPEATS = 5
LONG_REPEATS = 20

_LIMIT_S = 120
_CHECKOUT = Path(__file__).resolve().parents[3]


def bench_startup(say: Callable[[str], None], *, long: bool = False) -> Iterator[BenchRow]:
    """Start the window in processes of their own, without a screen, and let it close again.

    Args:
        say: Told what is measured.
        long: Start it more often.

    Yields:
        Median seconds from the start of the process to the end of the first paint, warm; and how
        many of torch, timm, scikit-learn and SciPy were loaded by then.

    Raises:
        InputError: If the window cannot be opened.
    """
    say("Starting the window")
    with tempfile.TemporaryDirectory(prefix="dclust-") as name:
        start_once(Path(name))  # reads the files into the system's memory
        starts = [start_once(Path(name)) for _ in range(LONG_REPEATS if long else REPEATS)]
    seconds = statistics.median(s for s, _ in starts)
    yield BenchRow("startup", "window visible", seconds, "s")
    n_loaded = max(len(loaded) for _, loaded in starts)
    yield BenchRow("startup", "engine libraries loaded by then", float(n_loaded), "")


def start_once(home: Path) -> tuple[float, tuple[str, ...]]:
    """Start the window once.

    Args:
        home: Folder for cache and settings.

    Returns:
        Seconds until it was painted, and the engine's libraries that were loaded by then.

    Raises:
        InputError: If the window cannot be opened.
    """
    environment = {
        **os.environ,
        EXIT_WHEN_PAINTED: "1",
        "QT_QPA_PLATFORM": "offscreen",
        "DCLUST_CACHE_DIR": str(home / "cache"),
        "DCLUST_DATA_DIR": str(home / "data"),
    }
    started = time.time()
    done = subprocess.run(  # noqa: S603 -- ourselves
        [*program(), "open"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        why = (done.stderr.strip().splitlines() or ["It said nothing."])[-1]
        raise InputError("The window could not be opened.", why, "Try 'dclust doctor'.")
    told = json.loads(lines[-1])
    return float(told["painted_at"]) - started, tuple(map(str, told["loaded"]))


def program() -> list[str]:
    """What starts this program: itself if frozen, else this interpreter with this package."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    code = f"import sys; sys.path.insert(0, {str(_CHECKOUT)!r}); " if _is_checkout() else ""
    return [sys.executable, "-c", f"{code}from dclust_gui.__main__ import main; main()"]


def _is_checkout() -> bool:
    return (_CHECKOUT / "pyproject.toml").is_file()

"""Try a built window: start it on a virtual screen, wait for its pictures, save a screenshot.

    python packaging/try_window.py PROGRAM FOLDER OUT.png

PROGRAM runs on FOLDER with an empty environment: no Python on PATH, a home and a cache of its own.
Needs Xvfb, xdotool and ImageMagick's `import`. Exits with 1 when the window or its thumbnails do
not appear.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

SCREEN = "1400x900x24"
WAIT_S = 120.0
BLOCK_PX = 16
BUSY_SPREAD = 18.0
"""Standard deviation of grey above which a block shows part of a picture, not plain ground."""

LEAST_BUSY = 0.1
"""Share of such blocks in the middle of the screen once thumbnails are there."""


class WindowMissingError(Exception):
    """The window did not come as it should."""


@contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block."""
    process = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def virtual_screen() -> Iterator[str]:
    """The name of a fresh display, on a free number."""
    ours, theirs = os.pipe()
    command = ["Xvfb", "-displayfd", str(theirs), "-screen", "0", SCREEN, "-nolisten", "tcp"]
    with running(command, pass_fds=(theirs,), stderr=subprocess.DEVNULL):
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise WindowMissingError("Xvfb did not start")
        yield f":{number}"


def is_named(display: str, name: str) -> bool:
    """Whether a window has a name in its title."""
    command = ["xdotool", "search", "--onlyvisible", "--name", name]
    found = subprocess.run(
        command, env={**os.environ, "DISPLAY": display}, capture_output=True, check=False
    )
    return bool(found.stdout.strip())


def take_screenshot(display: str, path: Path) -> None:
    """Save the whole screen."""
    command = ["import", "-display", display, "-window", "root", f"png24:{path}"]
    subprocess.run(command, check=True, timeout=60)


def busy_share(path: Path) -> float:
    """Share of the blocks in the middle of a screenshot that show pictures."""
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"), np.float32)
    height, width = grey.shape
    middle = grey[height // 5 : height * 4 // 5, width // 4 : width * 3 // 4]
    rows, columns = (side // BLOCK_PX for side in middle.shape)
    blocks = middle[: rows * BLOCK_PX, : columns * BLOCK_PX]
    spread = blocks.reshape(rows, BLOCK_PX, columns, BLOCK_PX).std(axis=(1, 3))
    return float((spread > BUSY_SPREAD).mean())


def wait_for_pictures(
    display: str, name: str, program: subprocess.Popen[bytes], path: Path
) -> float:
    """Wait until the window is there and two screenshots in a row show the same thumbnails.

    Returns:
        Seconds until then.

    Raises:
        WindowMissingError: If the program ends, or it takes too long.
    """
    started, before = time.monotonic(), 0.0
    pause = threading.Event()
    while time.monotonic() - started < WAIT_S:
        pause.wait(1)
        if program.poll() is not None:
            raise WindowMissingError(f"the program ended with {program.returncode}")
        if not is_named(display, name):
            continue
        take_screenshot(display, path)
        share = busy_share(path)
        if share >= LEAST_BUSY and abs(share - before) < 0.01:
            return time.monotonic() - started
        before = share
    what = "thumbnails" if is_named(display, name) else f"window named '{name}'"
    raise WindowMissingError(f"no {what} after {WAIT_S:.0f} s")


def clean_environment(home: Path, display: str) -> dict[str, str]:
    """All that the program is told."""
    return {
        "HOME": str(home),
        "PATH": "/nonexistent",
        "LANG": "C.UTF-8",
        "DISPLAY": display,
        "DCLUST_CACHE_DIR": str(home / "cache"),
        "DCLUST_DATA_DIR": str(home / "data"),
    }


def try_window(program: Path, folder: Path, out: Path) -> float:
    """Start the program on a folder and save what is seen; seconds until the thumbnails."""
    with tempfile.TemporaryDirectory() as home, virtual_screen() as display:
        command = [str(program.resolve()), str(folder.resolve())]
        environment = clean_environment(Path(home), display)
        with running(command, env=environment, cwd=home) as process:
            seconds = wait_for_pictures(display, folder.resolve().name, process, out)
    return seconds


def main() -> int:
    """Run the command line; returns the exit code."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    missing = [name for name in ("Xvfb", "xdotool", "import") if shutil.which(name) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 1
    program, folder, out = map(Path, sys.argv[1:])
    try:
        seconds = try_window(program, folder, out)
    except WindowMissingError as error:
        print(f"the window failed: {error}", file=sys.stderr)
        return 1
    print(f"window with thumbnails after {seconds:.0f} s: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Files that are either wholly there or not at all: written beside their place, then renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TEMPORARY_PREFIX = ".tmp-"
"""Start of the names of files that are still being written."""

_STALE_SECONDS = 24 * 3600.0


def temporary_beside(path: Path) -> Path:
    """A name in the folder of `path` that nobody else uses."""
    return path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{secrets.token_hex(6)}")


def write_file(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file so that it appears whole under its name, also after a power failure.

    Args:
        path: Its place; a file that is there is replaced. The folder is made if need be.
        parts: Its content, in order.

    Raises:
        OSError: If it cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can do that."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def set_aside(path: Path) -> None:
    """Rename a damaged file to `NAME.damaged`, in place of an earlier one; never raises."""
    with contextlib.suppress(OSError):
        path.replace(path.with_name(path.name + ".damaged"))


def remove_stale(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder a day ago or earlier."""
    limit = time.time() - _STALE_SECONDS
    with contextlib.suppress(OSError):
        for path in folder.glob(TEMPORARY_PREFIX + "*"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()

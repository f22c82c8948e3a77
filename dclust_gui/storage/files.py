"""Files that are either wholly there or not at all: written beside their place, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dclust_gui.storage.verified_copy import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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
    with _removed_on_failure(temporary):
        _write_through(temporary, parts)
        temporary.replace(path)
    sync_folder(path.parent)


def write_new_file(paths: Iterable[Path], parts: Iterable[bytes | memoryview]) -> Path:
    """Write a file under the first name that is free; nothing is ever replaced.

    Args:
        paths: Names to try, all in one folder, which is made if need be.
        parts: Its content, in order.

    Returns:
        The name it got.

    Raises:
        OSError: If it cannot be written or no name is free; nothing is left behind.
    """
    names = iter(paths)
    path = next(names)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    with _removed_on_failure(temporary):
        _write_through(temporary, parts)
        while not _placed(temporary, path):
            following = next(names, None)
            if following is None:
                raise FileExistsError(errno.EEXIST, "Every name for it is taken", str(path))
            path = following
    sync_folder(path.parent)
    return path


def _placed(temporary: Path, path: Path) -> bool:
    """Give a file its name; False where that is taken."""
    try:
        place(temporary, path)
    except FileExistsError:
        return False
    return True


@contextmanager
def _removed_on_failure(temporary: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _write_through(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a new file and wait until it is on the disk."""
    with path.open("xb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


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

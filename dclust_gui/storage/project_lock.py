"""The lock that lets one process at a time write to a project."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Self

from dclust_gui.domain.errors import ProjectLockedError
from dclust_gui.storage.failures import storage_error

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Where the locked byte is: beyond the text, which others may still read."""

    def _take(handle: int) -> None:
        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_ATTEMPTS = 20


class ProjectLock:
    """An operating system's lock on `NAME.dclust.lock`; it ends with the process at the latest."""

    def __init__(self, path: Path, handle: int) -> None:
        """Use `take`."""
        self._path = path
        self._handle: int | None = handle

    @classmethod
    def take(cls, project: Path) -> Self:
        """Lock a project for writing.

        Args:
            project: The project file, which need not exist.

        Raises:
            ProjectLockedError: If another process (or another part of this one) holds it.
            StorageError: If no file can be made beside it.
        """
        path = project.with_name(project.name + ".lock")
        for _ in range(_ATTEMPTS):
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise storage_error(f"Could not open {project} for writing.", error) from error
            try:
                _take(handle)
            except (BlockingIOError, PermissionError) as error:
                os.close(handle)
                raise _locked(project) from error
            except OSError as error:
                os.close(handle)
                raise storage_error(f"Could not lock {project}.", error) from error
            if _is_same_file(handle, path):
                _write_holder(handle)
                return cls(path, handle)
            # Its holder removed the file between our opening and locking it.
            os.close(handle)
        raise _locked(project)

    def release(self) -> None:
        """Give the project free; may be called twice."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        if sys.platform == "win32":
            os.close(handle)
            with contextlib.suppress(OSError):
                self._path.unlink()
        else:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(handle)


def _is_same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _write_holder(handle: int) -> None:
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": _user(),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    with contextlib.suppress(OSError):
        os.lseek(handle, 0, os.SEEK_SET)
        os.truncate(handle, 0)
        os.write(handle, json.dumps(holder).encode())


def describe_holder(project: Path) -> str:
    """Who holds a project, e.g. `process 4711 of anna on studio`."""
    try:
        holder = json.loads(project.with_name(project.name + ".lock").read_bytes())
        user = f" of {holder['user']}" if holder["user"] else ""
        return f"process {holder['pid']}{user} on {holder['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _locked(project: Path) -> ProjectLockedError:
    return ProjectLockedError(
        f"{project} is open elsewhere.",
        f"It is held for writing by {describe_holder(project)}.",
        "Close it there, or open it here read-only.",
    )

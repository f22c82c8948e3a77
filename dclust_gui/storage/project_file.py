"""How a project's SQLite file is checked, opened, copied and closed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import ProjectLockedError, StorageError
from dclust_gui.storage.failures import is_damage, sqlite_code, storage_error
from dclust_gui.storage.files import sync_folder, temporary_beside
from dclust_gui.storage.migrations import APPLICATION_ID, latest_version, migrate
from dclust_gui.storage.project_lock import describe_holder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_SIDE_FILES = ("-wal", "-shm", "-journal")
_BUSY_SECONDS = 5.0
_READONLY_ROLLBACK = 776
"""SQLite's SQLITE_READONLY_ROLLBACK: an interrupted change must be taken back first."""

_NETWORK_TYPES = frozenset(
    {
        "9p", "afpfs", "afs", "ceph", "cifs", "davfs", "fuse.davfs2", "fuse.rclone", "fuse.sshfs",
        "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "prl_fs", "smb3", "smbfs", "vboxsf",
        "virtiofs", "webdav",
    }
)  # fmt: skip


def check_header(path: Path) -> int:
    """Check, without opening it as a database, that a file is a project we can read.

    Args:
        path: The file.

    Returns:
        Its version as far as the header tells.

    Raises:
        StorageError: If it is missing, foreign or newer.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise StorageError(
            f"Could not open {path}.", "There is no such file.", "Check the name and the drive."
        ) from error
    except OSError as error:
        raise storage_error(f"Could not open {path}.", error) from error
    is_ours = (
        len(header) == _HEADER_BYTES
        and header.startswith(_MAGIC)
        and struct.unpack(">I", header[68:72]) == (APPLICATION_ID,)
    )
    if not is_ours:
        raise StorageError(
            f"Could not open {path}.",
            "It is not a dclust project, or its beginning is damaged.",
            "Choose a file that dclust has written, or a backup of it.",
        )
    version: int = struct.unpack(">i", header[60:64])[0]
    _refuse_newer(path, version)
    return version


def check(path: Path, *, is_repairable: bool) -> int:
    """Check version and damage through a connection that cannot write.

    Args:
        path: The project file.
        is_repairable: The caller may write, so that an interrupted change can be taken back.

    Returns:
        The project's version.

    Raises:
        StorageError: If it is foreign, newer or damaged.
    """
    version = check_header(path)
    try:
        with reading(path) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            _refuse_newer(path, version)
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        if is_repairable and getattr(error, "sqlite_errorcode", 0) == _READONLY_ROLLBACK:
            return version
        raise open_error(path, error) from error
    if verdict != "ok":
        raise damaged(path)
    return version


def open_error(path: Path, error: sqlite3.Error) -> StorageError:
    """What to say when SQLite cannot open or read a project."""
    if is_damage(error):
        return damaged(path)
    if sqlite_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ProjectLockedError(
            f"{path} is open elsewhere.",
            f"It is held by {describe_holder(path)}.",
            "Close it there and try again.",
        )
    return storage_error(f"Could not open {path}.", error)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A short-lived connection that cannot write, so that it is in nobody's way for long."""
    connection = sqlite3.connect(
        path.absolute().as_uri() + "?mode=ro",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        yield connection
    finally:
        connection.close()


def up_to_date_copy(path: Path) -> sqlite3.Connection:
    """A copy of an older project in memory, brought up to date; the file stays as it is.

    Raises:
        StorageError: If it cannot be read.
    """
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        with reading(path) as source:
            source.backup(copy)
        with transaction(copy, f"Could not open {path}."):
            migrate(copy, int(copy.execute("PRAGMA user_version").fetchone()[0]))
    except BaseException as error:
        copy.close()
        if isinstance(error, sqlite3.Error):
            raise open_error(path, error) from error
        raise
    return copy


def connect(path: Path) -> sqlite3.Connection:
    """Open a project for writing; the caller holds its lock.

    Raises:
        StorageError: If it cannot be opened.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise open_error(path, error) from error
    try:
        if is_on_network(path):
            # Shared memory, which WAL needs, does not work across computers.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE")
        else:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        raise open_error(path, error) from error
    return connection


def close(connection: sqlite3.Connection) -> None:
    """Close a project so that one file is left, which can be copied as it is."""
    with contextlib.suppress(sqlite3.Error):
        # Fails while another process reads; the next close makes up for it.
        connection.execute("PRAGMA busy_timeout=1000")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, what: str) -> Iterator[None]:
    """All statements inside become durable together, or none does.

    Args:
        connection: A connection opened for writing.
        what: Sentence that says what could not be done.

    Raises:
        StorageError: If they cannot be written.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise storage_error(what, error) from error


def copy_database(source: sqlite3.Connection, place: Path, *, overwrite: bool = False) -> None:
    """Copy a database consistently; the copy appears whole under its name.

    Args:
        source: A connection to the database.
        place: Where the copy goes.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        FileExistsError: If there is a file and it may not be replaced.
        OSError: If it cannot be written.
        sqlite3.Error: If it cannot be read or written.
    """
    temporary = temporary_beside(place)
    try:
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
        put_in_place(temporary, place, overwrite=overwrite)
    finally:
        for end in ("", *_SIDE_FILES):
            with contextlib.suppress(OSError):
                temporary.with_name(temporary.name + end).unlink(missing_ok=True)


def keep_backup(source: sqlite3.Connection, path: Path, version: int) -> Path:
    """Copy a project before it is brought up to date.

    Args:
        source: A connection to the project.
        path: Its file.
        version: Its version before.

    Returns:
        The backup beside it, `NAME.version-1.dclust`, numbered if there is one already.

    Raises:
        OSError: If it cannot be written.
        sqlite3.Error: If it cannot be read or written.
    """
    number = 1
    while True:
        end = "" if number == 1 else f"-{number}"
        place = path.with_name(f"{path.stem}.version-{version}{end}{path.suffix}")
        try:
            copy_database(source, place)
        except FileExistsError:
            number += 1
        else:
            return place


def put_in_place(temporary: Path, place: Path, *, overwrite: bool) -> None:
    """Give a finished file its name.

    Raises:
        FileExistsError: If the name is taken and `overwrite` is false.
        OSError: If it cannot be renamed.
    """
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    if not overwrite and place.exists():
        raise FileExistsError(place)
    for end in _SIDE_FILES:
        # A journal left by a file that is gone would be played into the new one.
        place.with_name(place.name + end).unlink(missing_ok=True)
    if overwrite:
        temporary.replace(place)
    else:
        _rename_to_new(temporary, place)
    sync_folder(place.parent)


def is_on_network(path: Path) -> bool:
    """Whether a file lies on another computer's disk, as far as the system tells."""
    import psutil

    resolved = str(path.absolute().resolve())
    if os.name == "nt" and resolved.startswith("\\\\"):
        return True
    best, is_network = "", False
    for part in psutil.disk_partitions(all=True):
        mount = part.mountpoint.rstrip("/\\")
        is_below = resolved == mount or resolved.startswith((mount + "/", mount + "\\"))
        if is_below and len(mount) >= len(best):
            best = mount
            is_network = part.fstype.lower() in _NETWORK_TYPES or "remote" in part.opts.split(",")
    return is_network


def _rename_to_new(temporary: Path, place: Path) -> None:
    try:
        os.link(temporary, place)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links
        if place.exists():
            raise FileExistsError(place) from None
        temporary.rename(place)


def _refuse_newer(path: Path, version: int) -> None:
    if version > latest_version():
        raise StorageError(
            f"Could not open {path}.",
            f"It was written by a newer dclust (file version {version}, this one knows"
            f" {latest_version()}).",
            "Install the newer version. The file was not changed.",
        )


def damaged(path: Path) -> StorageError:
    """What to say of a project whose content cannot be right."""
    return StorageError(
        f"Could not open {path}.",
        "The project file is damaged.",
        "Open a backup of it. The file was not changed.",
    )

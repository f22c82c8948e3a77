"""Turns errors of the disk and of SQLite into words fit to show."""

from __future__ import annotations

import errno
import sqlite3

from dclust_gui.domain.errors import StorageError

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_ENVIRONMENT = _DAMAGED | {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_AUTH,
}
_WORDS = {
    sqlite3.SQLITE_CORRUPT: ("The file is damaged.", ""),
    sqlite3.SQLITE_NOTADB: ("The file is damaged.", ""),
    sqlite3.SQLITE_FULL: ("The disk is full.", "Free some space and try again."),
    sqlite3.SQLITE_READONLY: ("It may only be read.", "Check the permissions of file and folder."),
    sqlite3.SQLITE_PERM: ("Access is denied.", "Check the permissions of file and folder."),
    sqlite3.SQLITE_CANTOPEN: ("It cannot be opened.", "Check the permissions of file and folder."),
    sqlite3.SQLITE_BUSY: ("Another program is using it.", "Close that program and try again."),
    sqlite3.SQLITE_LOCKED: ("Another program is using it.", "Close that program and try again."),
    sqlite3.SQLITE_IOERR: ("The disk reports an error.", "Check the disk or the connection."),
}
_DISK_WORDS = {
    errno.ENOSPC: _WORDS[sqlite3.SQLITE_FULL],
    errno.EDQUOT: ("Your disk quota is used up.", "Free some space and try again."),
    errno.EFBIG: ("The file would be larger than the disk allows.", ""),
    errno.EROFS: ("The disk may only be read.", "Choose another folder."),
    errno.EACCES: _WORDS[sqlite3.SQLITE_PERM],
    errno.EPERM: _WORDS[sqlite3.SQLITE_PERM],
    errno.EIO: _WORDS[sqlite3.SQLITE_IOERR],
}


def sqlite_code(error: sqlite3.Error) -> int:
    """SQLite's primary error code; 0 for errors of the Python module itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file's content is damaged or is no database."""
    return sqlite_code(error) in _DAMAGED


def is_environment(error: sqlite3.Error) -> bool:
    """Whether an error comes from the disk or another process, not from our own statements."""
    return sqlite_code(error) in _ENVIRONMENT


def storage_error(what: str, error: OSError | sqlite3.Error) -> StorageError:
    """An error with words for the user.

    Args:
        what: Sentence 1: what could not be done, naming the file.
        error: The reason.
    """
    if isinstance(error, sqlite3.Error):
        why, hint = _WORDS.get(sqlite_code(error), (f"The database says: {error}.", ""))
    else:
        code = error.errno or 0
        why, hint = _DISK_WORDS.get(code, (f"{error.strerror or error}.", ""))
    return StorageError(what, why, hint)

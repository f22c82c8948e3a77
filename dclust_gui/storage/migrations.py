"""The project file's tables, and how files of older versions become present ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

APPLICATION_ID = 0x44434C55
"""`DCLU` in the file's header: tells projects from other SQLite files."""

_VERSION_1 = (
    "CREATE TABLE root (id INTEGER PRIMARY KEY, path BLOB NOT NULL)",
    # inode has no type: numbers of 2 ** 63 and more are kept as text.
    """CREATE TABLE image (
        id INTEGER PRIMARY KEY,
        root INTEGER NOT NULL REFERENCES root (id),
        relative BLOB NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        inode NOT NULL,
        content BLOB NOT NULL,
        status TEXT NOT NULL, reason TEXT NOT NULL,
        width INTEGER NOT NULL, height INTEGER NOT NULL,
        taken_at TEXT NOT NULL, camera TEXT NOT NULL, format TEXT NOT NULL,
        is_missing INTEGER NOT NULL)""",
    """CREATE TABLE companion (
        image INTEGER NOT NULL REFERENCES image (id),
        place INTEGER NOT NULL,
        relative BLOB NOT NULL, kind TEXT NOT NULL,
        size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        inode NOT NULL,
        PRIMARY KEY (image, place)) WITHOUT ROWID""",
    """CREATE TABLE step (
        place INTEGER PRIMARY KEY,
        kind TEXT NOT NULL, title TEXT NOT NULL, time TEXT NOT NULL, user TEXT NOT NULL,
        n_bytes INTEGER NOT NULL, edit BLOB NOT NULL)""",
    "CREATE TABLE snapshot (place INTEGER PRIMARY KEY, state BLOB NOT NULL)",
    """CREATE TABLE present (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        position INTEGER NOT NULL, next_id INTEGER NOT NULL)""",
    "INSERT INTO present VALUES (1, 0, 1)",
    """CREATE TABLE run (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        created TEXT NOT NULL, settings TEXT NOT NULL, backbone TEXT NOT NULL,
        n_images INTEGER NOT NULL, k INTEGER NOT NULL,
        report TEXT NOT NULL, arrays BLOB NOT NULL)""",
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)


def _to_version_1(connection: sqlite3.Connection) -> None:
    for statement in _VERSION_1:
        connection.execute(statement)


_VERSION_2 = (
    "ALTER TABLE step ADD COLUMN selection BLOB",
    "ALTER TABLE run ADD COLUMN adopted BLOB",
    """CREATE TABLE marker (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL, time TEXT NOT NULL, user TEXT NOT NULL,
        place INTEGER NOT NULL, is_exact INTEGER NOT NULL)""",
)


def _to_version_2(connection: sqlite3.Connection) -> None:
    """Steps know what was selected, runs their clusters; exports are part of the history."""
    for statement in _VERSION_2:
        connection.execute(statement)


def _to_version_3(connection: sqlite3.Connection) -> None:
    """Projects know true classes; versions before could not read imports in the history."""
    connection.execute(
        """CREATE TABLE truth (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            source TEXT NOT NULL, time TEXT NOT NULL,
            classes TEXT NOT NULL, arrays BLOB NOT NULL)"""
    )


def _to_version_4(_connection: sqlite3.Connection) -> None:
    """Steps and snapshots may bind images into stacks, which versions before would drop."""


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _to_version_1,
    _to_version_2,
    _to_version_3,
    _to_version_4,
)
"""Entry i makes version i + 1 of version i; published entries never change."""


def latest_version() -> int:
    """Version of the files that this program writes."""
    return len(MIGRATIONS)


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a project up to date; call it inside a transaction.

    Args:
        connection: The project, inside a transaction.
        version: Its present version.

    Raises:
        sqlite3.Error: If it cannot be written; the transaction must be rolled back.
    """
    for number, step in enumerate(MIGRATIONS[version:], version + 1):
        step(connection)
        connection.execute(f"PRAGMA user_version={number}")

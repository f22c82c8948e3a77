"""Thumbnails of images by content, packed into one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.storage.cache_database import CacheDatabase, in_groups, marks

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FILE_NAME = "thumbnails-1.sqlite3"
"""Name of the store in the cache folder; the number is the schema's."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS thumbnail (content BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
"""
_BATCH_BYTES = 8 << 20


class ThumbnailStore:
    """JPEG bytes by content hash; every method may be called on any thread."""

    def __init__(self, folder: Path) -> None:
        """Use the store of a cache folder."""
        self._database = CacheDatabase(folder / FILE_NAME, _SCHEMA)

    def put(self, content: bytes, data: bytes) -> None:
        """Keep one thumbnail.

        Raises:
            StorageError: If the cache cannot be written; the first time only.
        """
        self.put_many([(content, data)])

    def put_many(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep thumbnails, many in one transaction.

        Args:
            rows: Content hash and JPEG bytes.

        Raises:
            StorageError: If the cache cannot be written; the first time only.
        """
        batch: list[tuple[bytes, bytes]] = []
        size = 0
        for row in rows:
            batch.append(row)
            size += len(row[1])
            if size >= _BATCH_BYTES:
                self._put(batch)
                batch, size = [], 0
        if batch:
            self._put(batch)

    def get(self, content: bytes) -> bytes | None:
        """The thumbnail of a content; None when there is none."""
        return self.get_many([content]).get(content)

    def get_many(self, contents: Sequence[bytes]) -> dict[bytes, bytes]:
        """Thumbnails by content hash, of those that are there."""

        def query(connection: sqlite3.Connection) -> dict[bytes, bytes]:
            found: dict[bytes, bytes] = {}
            for group in in_groups(contents):
                sql = f"SELECT content, data FROM thumbnail WHERE content IN ({marks(len(group))})"  # noqa: S608
                found.update(connection.execute(sql, group))
            return found

        return self._database.read(query) or {}

    def contains(self, contents: Sequence[bytes]) -> NDArray[np.bool_]:
        """Which contents have a thumbnail.

        Args:
            contents: Content hashes.

        Returns:
            bool (n,).
        """

        def query(connection: sqlite3.Connection) -> set[bytes]:
            found: set[bytes] = set()
            for group in in_groups(sorted(set(contents))):
                sql = f"SELECT content FROM thumbnail WHERE content IN ({marks(len(group))})"  # noqa: S608
                found.update(row[0] for row in connection.execute(sql, group))
            return found

        found = self._database.read(query) or set()
        return np.fromiter((content in found for content in contents), np.bool_, len(contents))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _put(self, rows: list[tuple[bytes, bytes]]) -> None:
        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO thumbnail VALUES (?, ?)", rows)

        self._database.write(insert)

"""What is known of files and image contents from earlier runs, so that nothing is read twice."""

from __future__ import annotations

import struct
from itertools import islice
from typing import TYPE_CHECKING

from dclust_gui.domain.images import FileStamp, ImageFacts, ImageStatus
from dclust_gui.storage.cache_database import CacheDatabase, in_groups, marks

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

FILE_NAME = "files-1.sqlite3"
"""Name of the index in the cache folder; the number is the schema's."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
    path BLOB PRIMARY KEY, stamp BLOB NOT NULL, content BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    content BLOB NOT NULL, decoder INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, taken_at TEXT NOT NULL, camera TEXT NOT NULL,
    format TEXT NOT NULL, PRIMARY KEY (content, decoder)
) WITHOUT ROWID;
"""
_STAMP = struct.Struct("<QQQQ")
_WORD = (1 << 64) - 1
_BATCH = 10_000

_Row = tuple[bytes | int | str, ...]


class FileIndex:
    """Content hashes by file and stamp, and facts by content; any thread, several processes."""

    def __init__(self, folder: Path, decoder_version: int = 1) -> None:
        """Use the index of a cache folder.

        Args:
            folder: The cache folder.
            decoder_version: Facts told by another version of the decoder are not given out.
        """
        self._database = CacheDatabase(folder / FILE_NAME, _SCHEMA)
        self._decoder = decoder_version

    def known(self, paths: Sequence[bytes], stamps: Sequence[FileStamp]) -> list[bytes]:
        """Content hashes of files that have not changed.

        Args:
            paths: Absolute paths, `os.fsencode`d.
            stamps: The files' present stamps.

        Returns:
            For each file its content hash (16 bytes), or `b""` when it is new or has changed.
        """

        def query(connection: sqlite3.Connection) -> dict[bytes, tuple[bytes, bytes]]:
            found: dict[bytes, tuple[bytes, bytes]] = {}
            for group in in_groups(sorted(set(paths))):
                sql = f"SELECT path, stamp, content FROM file WHERE path IN ({marks(len(group))})"  # noqa: S608
                found.update((row[0], (row[1], row[2])) for row in connection.execute(sql, group))
            return found

        found = self._database.read(query) or {}
        answer = []
        for path, stamp in zip(paths, stamps, strict=True):
            row = found.get(path)
            answer.append(row[1] if row is not None and row[0] == _packed(stamp) else b"")
        return answer

    def remember(self, rows: Iterable[tuple[bytes, FileStamp, bytes]]) -> None:
        """Keep content hashes.

        Args:
            rows: Absolute path, stamp from before the file was read, content hash.

        Raises:
            StorageError: If the cache cannot be written; the first time only.
        """
        packed = ((path, _packed(stamp), content) for path, stamp, content in rows)
        for batch in _batches(packed):
            self._insert("INSERT OR REPLACE INTO file VALUES (?, ?, ?)", batch)

    def facts(self, contents: Sequence[bytes]) -> list[ImageFacts | None]:
        """What the present decoder told of contents.

        Args:
            contents: Content hashes.

        Returns:
            For each content its facts; None where they are not known.
        """

        def query(connection: sqlite3.Connection) -> dict[bytes, ImageFacts]:
            found: dict[bytes, ImageFacts] = {}
            for group in in_groups(sorted(set(contents))):
                sql = (
                    "SELECT content, status, reason, width, height, taken_at, camera, format"  # noqa: S608
                    f" FROM facts WHERE decoder = ? AND content IN ({marks(len(group))})"
                )
                for row in connection.execute(sql, (self._decoder, *group)):
                    found[row[0]] = ImageFacts(ImageStatus(row[1]), *row[2:])
            return found

        found = self._database.read(query) or {}
        return [found.get(content) for content in contents]

    def remember_facts(self, rows: Iterable[tuple[bytes, ImageFacts]]) -> None:
        """Keep facts.

        Args:
            rows: Content hash and what reading it told.

        Raises:
            StorageError: If the cache cannot be written; the first time only.
        """
        sql = "INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        for batch in _batches(self._facts_rows(rows)):
            self._insert(sql, batch)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _insert(self, sql: str, rows: list[_Row]) -> None:
        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(sql, rows)

        self._database.write(insert)

    def _facts_rows(self, rows: Iterable[tuple[bytes, ImageFacts]]) -> Iterator[_Row]:
        for content, facts in rows:
            yield (
                content,
                self._decoder,
                facts.status.value,
                facts.reason,
                facts.width,
                facts.height,
                facts.taken_at,
                facts.camera,
                facts.format,
            )


def _packed(stamp: FileStamp) -> bytes:
    """A stamp as bytes that are equal only for equal stamps (numbers below 2 ** 64)."""
    return _STAMP.pack(
        stamp.size & _WORD, stamp.mtime_ns & _WORD, stamp.ctime_ns & _WORD, stamp.inode & _WORD
    )


def _batches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH)):
        yield batch

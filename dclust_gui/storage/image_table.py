"""Images and root folders of a project as rows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.images import (
    Companion,
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageRecord,
    ImageStatus,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

_BIGGEST = (1 << 63) - 1
_COLUMNS = (
    "root, relative, size, mtime_ns, ctime_ns, inode, content,"
    " status, reason, width, height, taken_at, camera, format, is_missing"
)

_Value = bytes | int | str


@dataclass(frozen=True, slots=True)
class PreparedImages:
    """Values of rows of images and of their companions."""

    images: list[Sequence[_Value]]
    companions: list[Sequence[_Value]]


def load_roots(connection: sqlite3.Connection) -> tuple[Path, ...]:
    """The root folders in order."""
    rows = connection.execute("SELECT path FROM root ORDER BY id")
    return tuple(Path(os.fsdecode(row[0])) for row in rows)


def save_root(connection: sqlite3.Connection, index: int, path: Path) -> None:
    """Write where a root folder is; call it inside a transaction."""
    connection.execute(
        "INSERT INTO root VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET path = excluded.path",
        (index, os.fsencode(path.absolute())),
    )


def delete_root(connection: sqlite3.Connection, index: int) -> None:
    """Forget a root folder that no image is in; call it inside a transaction."""
    connection.execute("DELETE FROM root WHERE id = ?", (index,))


def count_images(connection: sqlite3.Connection) -> int:
    """Number of images."""
    n_images: int = connection.execute("SELECT coalesce(max(id), -1) + 1 FROM image").fetchone()[0]
    return n_images


def load_images(connection: sqlite3.Connection, n_images: int) -> tuple[ImageRecord, ...]:
    """The first n images, in order of their ids.

    Raises:
        ValueError: If one is missing or holds unknown values.
        sqlite3.Error: If they cannot be read.
    """
    companions = _load_companions(connection)
    statuses = {status.value: status for status in ImageStatus}
    sql = f"SELECT id, {_COLUMNS} FROM image WHERE id < ? ORDER BY id"  # noqa: S608
    records: list[ImageRecord] = []
    for row in connection.execute(sql, (n_images,)):
        key, root, relative, size, mtime, ctime, inode, content, status, *facts, missing = row
        if key != len(records) or status not in statuses:
            raise ValueError("the table of images is damaged")
        stamp = FileStamp(size, mtime, ctime, int(inode))
        told = ImageFacts(statuses[status], *facts)
        records.append(
            ImageRecord(
                root, relative, stamp, content, told, companions.get(key, ()), bool(missing)
            )
        )
    return tuple(records)


def save_images(
    connection: sqlite3.Connection, rows: Iterable[tuple[int, ImageRecord]], *, is_new: bool
) -> None:
    """Write images under their ids; call it inside a transaction.

    Args:
        connection: The project, inside a transaction.
        rows: Ids and records.
        is_new: Whether none of the ids has been written before.

    Raises:
        sqlite3.Error: If they cannot be written.
    """
    save_prepared(connection, prepare(rows), is_new=is_new)


def prepare(rows: Iterable[tuple[int, ImageRecord]]) -> PreparedImages:
    """Turn images into the values of their rows, which needs no connection."""
    rows = list(rows)
    return PreparedImages(
        [_image_row(image, record) for image, record in rows],
        [
            (image, place, companion.relative, companion.kind.value, *_stamp(companion.stamp))
            for image, record in rows
            for place, companion in enumerate(record.companions)
        ],
    )


def save_prepared(
    connection: sqlite3.Connection, rows: PreparedImages, *, is_new: bool = False
) -> None:
    """Write prepared images; see `save_images`."""
    if not is_new:
        connection.executemany(
            "DELETE FROM companion WHERE image = ?", [(row[0],) for row in rows.images]
        )
    assignments = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", "))
    connection.executemany(
        f"INSERT INTO image (id, {_COLUMNS}) VALUES (?{', ?' * 15})"  # noqa: S608
        f" ON CONFLICT (id) DO UPDATE SET {assignments}",
        rows.images,
    )
    connection.executemany("INSERT INTO companion VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows.companions)


def _image_row(image: int, record: ImageRecord) -> Sequence[_Value]:
    facts = record.facts
    return (
        image,
        record.root,
        record.relative,
        *_stamp(record.stamp),
        record.content,
        facts.status.value,
        facts.reason,
        facts.width,
        facts.height,
        facts.taken_at,
        facts.camera,
        facts.format,
        int(record.is_missing),
    )


def _stamp(stamp: FileStamp) -> tuple[int, int, int, int | str]:
    """A stamp's columns; SQLite's integers end at 2 ** 63 - 1, file numbers do not."""
    inode = stamp.inode if stamp.inode <= _BIGGEST else str(stamp.inode)
    return stamp.size, stamp.mtime_ns, stamp.ctime_ns, inode


def _load_companions(connection: sqlite3.Connection) -> dict[int, tuple[Companion, ...]]:
    found: dict[int, list[Companion]] = {}
    rows = connection.execute(
        "SELECT image, relative, kind, size, mtime_ns, ctime_ns, inode FROM companion"
        " ORDER BY image, place"
    )
    for image, relative, kind, size, mtime, ctime, inode in rows:
        stamp = FileStamp(size, mtime, ctime, int(inode))
        found.setdefault(image, []).append(Companion(relative, CompanionKind(kind), stamp))
    return {image: tuple(companions) for image, companions in found.items()}

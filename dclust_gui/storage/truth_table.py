"""The true classes of a project's images as a row."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dclust_gui.domain.truth import Truth
from dclust_gui.storage.arrays import DamagedArraysError, from_bytes, smallest, to_bytes
from dclust_gui.storage.edit_codec import pack_ids, unpack_ids

if TYPE_CHECKING:
    import sqlite3


def save_truth(connection: sqlite3.Connection, truth: Truth | None) -> None:
    """Replace the true classes, or forget them; call it inside a transaction.

    Raises:
        sqlite3.Error: If it cannot be written.
    """
    connection.execute("DELETE FROM truth")
    if truth is None:
        return
    arrays = to_bytes({"images": pack_ids(truth.images), "codes": smallest(truth.codes)})
    classes = json.dumps(truth.classes, ensure_ascii=False)
    row = (truth.source, truth.time, classes, arrays)
    connection.execute(
        "INSERT INTO truth (id, source, time, classes, arrays) VALUES (1, ?, ?, ?, ?)", row
    )


def load_truth(connection: sqlite3.Connection) -> Truth | None:
    """Read the true classes; None if there are none.

    Raises:
        ValueError: If they are damaged.
        sqlite3.Error: If they cannot be read.
    """
    row = connection.execute("SELECT source, time, classes, arrays FROM truth").fetchone()
    if row is None:
        return None
    source, time, text, data = row
    arrays = from_bytes(data)
    try:
        images = unpack_ids(arrays["images"])
        codes = arrays["codes"].astype(images.dtype)
    except KeyError as error:
        raise DamagedArraysError(f"not true classes: {error}") from error
    classes = tuple(str(name) for name in json.loads(text))
    is_whole = len(images) == len(codes) and (not len(codes) or codes.max() < len(classes))
    if not is_whole or (len(codes) and codes.min() < 0):
        raise DamagedArraysError("not true classes: they do not fit each other")
    for array in (images, codes):
        array.setflags(write=False)
    return Truth(images, codes, classes, source, time)

"""The private format in which image ids are dragged inside the window."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

IMAGE_IDS_MIME = "application/x-dclust-image-ids"
"""Format of dragged images: the process's number and the ids, int64 each."""


def encode_ids(image_ids: Iterable[int]) -> bytes:
    """Ids as dragged bytes."""
    ids = np.fromiter(image_ids, np.int64)
    return bytes(np.concatenate([np.array([os.getpid()], np.int64), ids]).tobytes())


def decode_ids(data: bytes) -> tuple[int, ...]:
    """The ids of a drag; empty when it comes from another process, whose ids mean nothing here."""
    if len(data) < 8 or len(data) % 8:
        return ()
    values = np.frombuffer(data, np.int64)
    return tuple(values[1:].tolist()) if values[0] == os.getpid() else ()

"""Pixmaps of images seen lately, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PySide6.QtGui import QPixmap

DEFAULT_LIMIT_BYTES = 128 << 20


@dataclass(frozen=True, slots=True, eq=False)
class CachedPicture:
    """What is known of an image's thumbnail.

    Attributes:
        side_px: The longest side that was asked for, device pixels.
        pixmap: The picture; None if the file is unreadable.
        size_bytes: What it costs.
    """

    side_px: int
    pixmap: QPixmap | None
    size_bytes: int


class ThumbnailCache:
    """Pictures by image id; the least recently used go first.

    Args:
        limit_bytes: What all pictures may cost together.
    """

    def __init__(self, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._entries: OrderedDict[int, CachedPicture] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """What all pictures cost now."""
        return self._size_bytes

    def get(self, image_id: int) -> CachedPicture | None:
        """The picture in the size that was loaded last, and count it as used."""
        entry = self._entries.get(image_id)
        if entry is not None:
            self._entries.move_to_end(image_id)
        return entry

    def needs(self, image_id: int, side_px: int) -> bool:
        """Whether the picture is not there in this size."""
        entry = self._entries.get(image_id)
        return entry is None or (entry.pixmap is not None and entry.side_px != side_px)

    def accepts(self, image_id: int, side_px: int, wanted_px: int) -> bool:
        """Whether a picture that came late is still of use: right size, or better than nothing."""
        return side_px == wanted_px or image_id not in self._entries

    def put(self, image_id: int, side_px: int, pixmap: QPixmap | None) -> None:
        """Keep a picture in place of the one there was; None marks an unreadable file."""
        size = 64 if pixmap is None else pixmap.width() * pixmap.height() * 4 + 256
        self.discard([image_id])
        self._entries[image_id] = CachedPicture(side_px, pixmap, size)
        self._size_bytes += size
        while self._size_bytes > self._limit_bytes and len(self._entries) > 1:
            _, oldest = self._entries.popitem(last=False)
            self._size_bytes -= oldest.size_bytes

    def discard(self, image_ids: Iterable[int]) -> None:
        """Forget some pictures."""
        for image_id in image_ids:
            entry = self._entries.pop(image_id, None)
            if entry is not None:
                self._size_bytes -= entry.size_bytes

    def discard_unreadable(self) -> None:
        """Forget which files could not be read."""
        self.discard([key for key, entry in self._entries.items() if entry.pixmap is None])

    def clear(self) -> None:
        """Forget all pictures."""
        self._entries.clear()
        self._size_bytes = 0

"""Pictures for the window: from the thumbnail store, or decoded on demand; any thread."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import ImageUnreadableError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.storage.stores import Stores

STORED_SIDE = 256
"""Long side of stored thumbnails, pixels."""


class ThumbnailService:
    """Gives upright sRGB pictures of any size.

    Args:
        stores: Where thumbnails are kept.
        engine: Its reader decodes what is not there.
    """

    def __init__(self, stores: Stores, engine: Engine) -> None:
        self._stores = stores
        self._engine = engine

    def load(self, path: Path, content: bytes, side_px: int) -> NDArray[np.uint8] | None:
        """A small picture.

        Args:
            path: The image file.
            content: Its content hash; empty when it has not been read yet.
            side_px: Longest side wanted, pixels.

        Returns:
            uint8 (height, width, 3), sRGB, upright, long side at most `side_px`; None if the file
            cannot be read. Read from the store when the size allows, so that pictures show while
            a drive is unplugged.
        """
        from dclust_gui.imaging.thumbnails import decode_thumbnail, make_thumbnail

        if content and side_px <= STORED_SIDE:
            data = self._stores.thumbnails.get(content)
            if data is not None:
                return decode_thumbnail(data)
        pixels = self.full(path, max(side_px, STORED_SIDE))
        if pixels is None:
            data = self._stores.thumbnails.get(content) if content else None
            return decode_thumbnail(data) if data is not None else None
        if side_px <= STORED_SIDE:
            data = make_thumbnail(pixels, STORED_SIDE)
            if content:
                with contextlib.suppress(StorageError):  # shown all the same
                    self._stores.thumbnails.put(content, data)
            return decode_thumbnail(data)
        return pixels

    def encoded(self, path: Path, content: bytes, side_px: int) -> bytes | None:
        """A small picture as a JPEG file; see `load`.

        Args:
            path: The image file.
            content: Its content hash; empty when it has not been read yet.
            side_px: Long side, pixels.
        """
        from dclust_gui.imaging.thumbnails import make_thumbnail

        pixels = self.load(path, content, side_px)
        return None if pixels is None else make_thumbnail(pixels, side_px)

    def full(self, path: Path, max_side: int) -> NDArray[np.uint8] | None:
        """A large preview.

        Args:
            path: The image file.
            max_side: Longest side wanted, pixels.

        Returns:
            uint8 (height, width, 3), sRGB, upright, never enlarged; None if unreadable.
        """
        try:
            return self._engine.reader.full(path, max_side).pixels
        except ImageUnreadableError:
            return None

    def details(self, path: Path) -> tuple[tuple[str, str], ...]:
        """Camera settings and the like, as rows of name and value fit to show."""
        from dclust_gui.imaging.exif import exif_summary

        return exif_summary(path)

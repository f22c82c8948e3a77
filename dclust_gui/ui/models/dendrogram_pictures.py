"""Thumbnails beside a tree: those in view are loaded, in sizes that change seldom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPixmap

from dclust_gui.ui.models.thumbnail_cache import ThumbnailCache

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Protocol

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

    class PictureFiles(Protocol):
        """Where images are."""

        def path_of(self, image: int) -> Path:
            """An image's file."""

        def content_of(self, image: int) -> bytes:
            """Its content hash."""


_DELAY_MS = 15
_LIMIT_BYTES = 64 << 20


class DendrogramPictures(QObject):
    """Pixmaps by image id.

    Args:
        loader: Brings thumbnails; not shared with other views, whose requests it would drop.
        files: Where images are.
        parent: Owner.

    Signals:
        arrived: More pictures are there.
    """

    arrived = Signal()

    def __init__(
        self, loader: ThumbnailLoader, files: PictureFiles, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._loader = loader
        self._files = files
        self._cache = ThumbnailCache(_LIMIT_BYTES)
        self._next: tuple[tuple[int, ...], int] = ((), 0)
        self._asked: tuple[frozenset[int], int] = (frozenset(), 0)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        loader.loaded.connect(self._on_loader_loaded)

    def picture(self, image: int) -> QPixmap | None:
        """An image's picture in whatever size is there."""
        entry = self._cache.get(image)
        return None if entry is None else entry.pixmap

    def is_unreadable(self, image: int) -> bool:
        """Whether an image's file could not be read."""
        entry = self._cache.get(image)
        return entry is not None and entry.pixmap is None

    def want(self, images: Iterable[int], side_px: int) -> None:
        """Load these images and no others, a moment later.

        Args:
            images: Ids in view, the most important first.
            side_px: Longest side in device pixels.
        """
        self._next = (tuple(images), side_px)
        if not self._timer.isActive():
            self._timer.start()

    def clear(self) -> None:
        """Forget all pictures: the ids mean other images now."""
        self._loader.clear()
        self._cache.clear()
        self._asked = (frozenset(), 0)
        self._next = ((), 0)

    @Slot()
    def _on_timer_timeout(self) -> None:
        images, side = self._next
        missing = [i for i in images if self._cache.needs(i, side)]
        asked, asked_side = self._asked
        stale = asked if asked_side != side else asked.difference(missing)
        self._loader.forget(stale, asked_side)
        self._asked = (frozenset(missing), side)
        for image in reversed(missing):
            path, content = self._files.path_of(image), self._files.content_of(image)
            self._loader.request(image, path, content, side)

    @Slot(int, int, object)
    def _on_loader_loaded(self, image: int, side_px: int, picture: QImage | None) -> None:
        if self._cache.accepts(image, side_px, self._asked[1]):
            pixmap = None if picture is None else QPixmap.fromImage(picture)
            self._cache.put(image, side_px, pixmap)
            self.arrived.emit()


def request_side(side_px: float, ratio: float) -> int:
    """The size to load for a picture of a size: exact for small ones, else of a few steps.

    Args:
        side_px: Device-independent pixels.
        ratio: Device pixel ratio.
    """
    wanted = round(side_px * ratio)
    if wanted <= 64 * ratio:
        return max(wanted, 1)
    return next((step for step in (128, 192, 256, 384, 512) if step >= wanted), 512)

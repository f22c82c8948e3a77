"""Reads large pictures and EXIF rows for the preview: the newest request replaces the older."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal, Slot

from dclust_gui.ui.bridge.pictures import image_of

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtGui import QImage

    from dclust_gui.ui.bridge.sources import ThumbnailSource

log = logging.getLogger(__name__)

_SHUTDOWN_MS = 5000
_EVERY_PIXEL = 1 << 16


@dataclass(frozen=True, slots=True)
class LargePicture:
    """A picture for the preview.

    Attributes:
        image: Id of the image.
        max_side: The longest side that was asked for; 0 for every pixel of the file.
        picture: Upright, sRGB; None if the file is unreadable.
        details: EXIF and file facts as label and text.
    """

    image: int
    max_side: int
    picture: QImage | None
    details: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Request:
    image: int
    path: Path
    max_side: int


class PreviewLoader(QObject):
    """Reads one large picture at a time, and the neighbours while nothing else is wanted.

    Args:
        source: Decodes; called on the loader's thread.
        parent: Owner.

    Signals:
        loaded: A `LargePicture`.
    """

    loaded = Signal(object)

    _arrived = Signal(object)

    def __init__(self, source: ThumbnailSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(1)
        self._lock = threading.Lock()
        self._waiting: list[_Request] = []
        self._is_running = False
        self._generation = 0
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    def request(self, wishes: list[tuple[int, Path]], max_side: int) -> None:
        """Ask for pictures, the most wanted first; older requests are dropped.

        Args:
            wishes: Image ids and files.
            max_side: Longest side in device pixels; 0 for every pixel of the file.
        """
        with self._lock:
            self._waiting = [_Request(image, path, max_side) for image, path in wishes]
            must_start = bool(self._waiting) and not self._is_running
            self._is_running |= must_start
        if must_start:
            self._pool.start(self._drain)

    def clear(self) -> None:
        """Drop all requests and what is under way."""
        with self._lock:
            self._generation += 1
            self._waiting.clear()

    def shutdown(self, timeout_ms: int = _SHUTDOWN_MS) -> bool:
        """Drop all requests and wait for the thread; True if it ended in time."""
        self.clear()
        return self._pool.waitForDone(timeout_ms)

    def _drain(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._is_running = False
                    return
                wish, generation = self._waiting.pop(0), self._generation
            self._arrived.emit((generation, self._read(wish)))

    def _read(self, wish: _Request) -> LargePicture:
        picture: QImage | None = None
        details: tuple[tuple[str, str], ...] = ()
        try:
            pixels = self._source.full(wish.path, wish.max_side or _EVERY_PIXEL)
            picture = None if pixels is None else image_of(pixels)
            details = self._source.details(wish.path)
        except Exception:
            log.exception("could not load a preview of image %d", wish.image)
        return LargePicture(wish.image, wish.max_side, picture, details)

    @Slot(object)
    def _on_arrived(self, message: tuple[int, LargePicture]) -> None:
        generation, picture = message
        if generation == self._generation:
            self.loaded.emit(picture)

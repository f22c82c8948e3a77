"""Loads thumbnails on a few threads: what was asked for last comes first."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QThreadPool, QTimer, Signal, Slot

from dclust_gui.ui.bridge.memory import give_back_memory
from dclust_gui.ui.bridge.pictures import framed, image_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from PySide6.QtGui import QImage

    from dclust_gui.ui.bridge.sources import ThumbnailSource

log = logging.getLogger(__name__)

_MAX_THREADS = 4
_DELIVERY_BUDGET_S = 0.004
_SHUTDOWN_MS = 5000
_TRIM_WHEN_IDLE = 1_000
_TRIM_AT_LATEST = 4_000


@dataclass(frozen=True, slots=True)
class _Request:
    """One wish; `generation` tells collections apart whose ids are the same."""

    image: int
    path: Path
    content: bytes
    side_px: int
    generation: int

    @property
    def key(self) -> tuple[int, int]:
        return self.image, self.side_px


class ThumbnailLoader(QObject):
    """Reads thumbnails off the GUI thread; lives on it.

    Visible images go before prefetched ones, newer requests before older ones. Results come in
    small portions, so that painting is never held up.

    Args:
        source: Decodes; called on the loader's threads.
        parent: Owner.
        n_threads: Threads; 0 for one per processor, at most 4.

    Signals:
        loaded: image id, side_px, a QImage, or None if the file is unreadable.
    """

    loaded = Signal(int, int, object)

    _arrived = Signal()

    def __init__(
        self, source: ThumbnailSource, parent: QObject | None = None, n_threads: int = 0
    ) -> None:
        super().__init__(parent)
        self._source = source
        self._pool = QThreadPool()
        self._pool.setMaxThreadCount(n_threads or min(_MAX_THREADS, os.cpu_count() or 1))
        self._lock = threading.Lock()
        self._visible: dict[tuple[int, int], _Request] = {}
        self._ahead: dict[tuple[int, int], _Request] = {}
        self._in_hand: set[tuple[int, int]] = set()
        self._ready: deque[tuple[_Request, QImage | None]] = deque()
        self._generation = 0
        self._n_drains = 0
        self._n_read = 0
        self._is_closing = False
        self._is_announced = False
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(0)
        self._again.timeout.connect(self._on_arrived)

    @property
    def n_waiting(self) -> int:
        """Number of requests that no thread has taken up."""
        with self._lock:
            return len(self._visible) + len(self._ahead)

    def request(
        self, image_id: int, path: Path, content: bytes, side_px: int, *, ahead: bool = False
    ) -> None:
        """Ask for one thumbnail; one that waits or is being read already is not read twice.

        Args:
            image_id: The image.
            path: Its file.
            content: Its content hash; empty when it is not known.
            side_px: Longest side in device pixels.
            ahead: Not visible yet: after all visible ones.
        """
        wish = _Request(image_id, path, content, side_px, self._generation)
        with self._lock:
            if self._is_closing or wish.key in self._in_hand:
                return
            self._ahead.pop(wish.key, None)
            is_visible = self._visible.pop(wish.key, None) is not None
            (self._ahead if ahead and not is_visible else self._visible)[wish.key] = wish
            is_idle = self._n_drains < self._pool.maxThreadCount()
            self._n_drains += is_idle
        if is_idle:
            self._pool.start(self._drain)

    def forget(self, image_ids: Iterable[int], side_px: int) -> None:
        """Take back requests that no thread has taken up, for images no longer in sight."""
        with self._lock:
            for image in image_ids:
                self._visible.pop((image, side_px), None)
                self._ahead.pop((image, side_px), None)

    def clear(self) -> None:
        """Take back all requests and drop what is under way: the ids mean other images now."""
        with self._lock:
            self._generation += 1
            self._visible.clear()
            self._ahead.clear()
            self._in_hand.clear()
            self._ready.clear()

    def shutdown(self, timeout_ms: int = _SHUTDOWN_MS) -> bool:
        """Drop all requests and wait for the threads; True if they ended in time."""
        self._is_closing = True
        self.clear()
        self._again.stop()
        return self._pool.waitForDone(timeout_ms)

    def _drain(self) -> None:
        """Read one request after another; on a thread of the pool."""
        while (wish := self._take()) is not None:
            picture = self._read(wish)
            with self._lock:
                if wish.generation != self._generation:
                    continue
                self._ready.append((wish, picture))
                is_first, self._is_announced = not self._is_announced, True
            if is_first:
                self._arrived.emit()
            self._tidy_up(_TRIM_AT_LATEST)
        self._tidy_up(_TRIM_WHEN_IDLE)

    def _tidy_up(self, after: int) -> None:
        """Hand freed memory back after so many pictures."""
        with self._lock:
            is_due = self._n_read >= after
            if is_due:
                self._n_read = 0
        if is_due:
            give_back_memory()

    def _take(self) -> _Request | None:
        with self._lock:
            waiting = self._visible or self._ahead
            if not waiting:
                self._n_drains -= 1
                return None
            key, wish = waiting.popitem()
            self._in_hand.add(key)
            self._n_read += 1
            return wish

    def _read(self, wish: _Request) -> QImage | None:
        try:
            pixels = self._source.load(wish.path, wish.content, wish.side_px)
            return None if pixels is None else framed(image_of(pixels, wish.side_px))
        except Exception:
            log.exception("could not load a thumbnail of image %d", wish.image)
            return None

    @Slot()
    def _on_arrived(self) -> None:
        until = time.perf_counter() + _DELIVERY_BUDGET_S
        while time.perf_counter() < until:
            with self._lock:
                if not self._ready:
                    self._is_announced = False
                    return
                wish, picture = self._ready.popleft()
                self._in_hand.discard(wish.key)
            self.loaded.emit(wish.image, wish.side_px, picture)
        self._again.start()

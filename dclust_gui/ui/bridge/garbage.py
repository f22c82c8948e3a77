"""Collects cyclic garbage in small portions on the window's thread, never in the midst of work.

Python's own collector stops every thread while it looks at all long-lived objects: 0.2 s with
100,000 images, whenever any thread makes many objects. It may also end a QObject on a thread that
the object does not belong to.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

_INTERVAL_MS = 1000
_BULK = 30_000
"""This many young objects are a list of images or the like, which will live long."""

_YOUNG = 2_000
_MIDDLE = 10
_OLD = 20


class GarbageKeeper(QObject):
    """Takes the place of Python's automatic collector until it is stopped.

    Lists of images are put aside when they appear: their memory is freed as soon as nothing
    refers to them, but the collector looks at them no more.

    Args:
        parent: Owner.
        interval_ms: How often it looks.
    """

    def __init__(self, parent: QObject | None = None, interval_ms: int = _INTERVAL_MS) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self._on_timer_timeout)

    def start(self) -> None:
        """Put what has been loaded so far aside, and collect from now on."""
        gc.disable()
        gc.freeze()
        self._timer.start()

    def stop(self) -> None:
        """Let Python collect as it does."""
        self._timer.stop()
        gc.enable()

    @Slot()
    def _on_timer_timeout(self) -> None:
        young, middle, old = gc.get_count()
        if young > _BULK:
            gc.freeze()
        elif old > _OLD:
            gc.collect(2)
        elif middle > _MIDDLE:
            gc.collect(1)
        elif young > _YOUNG:
            gc.collect(0)

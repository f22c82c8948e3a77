"""Tells when the window was first painted, and closes it: what the start-up benchmark measures."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Slot

if TYPE_CHECKING:
    from dclust_gui.ui.windows.main_window import MainWindow

ENGINE_LIBRARIES = ("torch", "timm", "sklearn", "scipy")
"""Libraries that must not be loaded before the window is seen."""


class FirstPaint(QObject):
    """Writes one line of JSON to the standard output after the first paint, then closes.

    Args:
        window: What is painted.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Wait for the paint event; its children are painted before the next turn of the loop."""
        if watched is self._window and event.type() == QEvent.Type.Paint:
            self._window.removeEventFilter(self)
            QTimer.singleShot(0, self, self._on_painted)
        return super().eventFilter(watched, event)

    @Slot()
    def _on_painted(self) -> None:
        loaded = [name for name in ENGINE_LIBRARIES if name in sys.modules]
        sys.stdout.write(json.dumps({"painted_at": time.time(), "loaded": loaded}) + "\n")
        sys.stdout.flush()
        self._window.allow_close()

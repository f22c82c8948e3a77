"""What the window's measurements share: the application, waiting, frame times and their rows."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import psutil
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication

from dclust_gui.ui.app import SWITCH_S
from dclust_gui.ui.bridge.garbage import GarbageKeeper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

Row = tuple[str, float, str]
"""What was measured, its value, its unit."""

N_IMAGES = 100_000
N_CLUSTERS = 40

IDLE = "idle"
BUSY = "with extraction running"

_WAIT_STEP_MS = 2


class PlainPictures:
    """Stands in for the thumbnail service: plain grey thumbnails at no cost."""

    def load(self, path: Path, content: bytes, side_px: int) -> NDArray[np.uint8] | None:
        """A grey picture of 4:3: uint8 (side_px * 3 / 4, side_px, 3)."""
        return np.full((max(1, side_px * 3 // 4), side_px, 3), content[-1], np.uint8)

    def full(self, path: Path, max_side: int) -> NDArray[np.uint8] | None:
        """Not needed."""
        return None

    def details(self, path: Path) -> tuple[tuple[str, str], ...]:
        """Not needed."""
        return ()


class FrameTimes:
    """How long frames took, by what was done, in milliseconds.

    Args:
        state: What else goes on: `idle`, or `with extraction running`.

    Attributes:
        state: The same.
        wall_ms: From the input to the end of painting.
        busy_ms: The part of it in which the GUI thread had a processor.
    """

    def __init__(self, state: str = IDLE) -> None:
        self.state = state
        self.wall_ms: dict[str, list[float]] = {}
        self.busy_ms: dict[str, list[float]] = {}

    def frame(self, what: str, act: Callable[[], None]) -> None:
        """Time one input and its painting.

        Args:
            what: Name of the gesture.
            act: Gives the input and paints.
        """
        wall, busy = time.perf_counter(), time.thread_time()
        act()
        self.wall_ms.setdefault(what, []).append(1e3 * (time.perf_counter() - wall))
        self.busy_ms.setdefault(what, []).append(1e3 * (time.thread_time() - busy))

    def rows(self) -> list[Row]:
        """Two rows for each gesture: wall time, and the GUI thread's processor time."""
        return [
            (
                f"frame 99th percentile, {what}, {self.state}{note}",
                float(np.percentile(times, 99)),
                "ms",
            )
            for what, wall in self.wall_ms.items()
            for note, times in (("", wall), (", GUI thread's processor time", self.busy_ms[what]))
        ]


def application() -> QApplication:
    """The one application object, made if there is none."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    return app


def dispose(*objects: QObject) -> None:
    """Delete objects now: at the end of the process their timers would find no event loop."""
    for item in objects:
        item.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@contextmanager
def as_in_the_window() -> Iterator[None]:
    """Let Python collect garbage and switch threads as it does in the running window."""
    before = sys.getswitchinterval()
    garbage = GarbageKeeper()
    garbage.start()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        garbage.stop()


def memory_row() -> Row:
    """What this process has in memory now."""
    return "resident memory", psutil.Process().memory_info().rss / 1e6, "MB"


def wait(delay_ms: int) -> None:
    """Run the event loop for a while."""
    loop = QEventLoop()
    QTimer.singleShot(delay_ms, loop.quit)
    loop.exec()


def wait_until(is_so: Callable[[], bool], limit_s: float = 60.0) -> None:
    """Run the event loop until something holds.

    Args:
        is_so: Asked every two milliseconds.
        limit_s: For how long at most.

    Raises:
        TimeoutError: If it does not come to hold.
    """
    until = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"The window did not answer within {limit_s:.0f} s.")
        wait(_WAIT_STEP_MS)

"""Fixtures that fail a UI test which leaves a thread or a window behind, or holds up the window."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QThread, QThreadPool, QTimer, Slot

from dclust_gui.domain.changes import ChangeSet
from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from PySide6.QtWidgets import QApplication


@pytest.fixture(autouse=True)
def no_leaks(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test after which a QThread, a pool job or a visible window is left."""
    started: list[QThread] = []
    start = QThread.start

    def recording_start(self: QThread, *args: QThread.Priority) -> None:
        started.append(self)
        start(self, *args)

    monkeypatch.setattr(QThread, "start", recording_start)
    windows = set(qapp.topLevelWidgets())
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert QThreadPool.globalInstance().waitForDone(2000), "a pool job still runs"
    deadline = time.monotonic() + 2
    while any(t.isRunning() for t in started) and time.monotonic() < deadline:
        QCoreApplication.sendPostedEvents()
        threading.Event().wait(0.005)
    running = [t.objectName() or repr(t) for t in started if t.isRunning()]
    assert not running, f"threads still running: {running}"
    left = [w for w in qapp.topLevelWidgets() if w not in windows and w.isVisible()]
    assert not left, f"windows left open: {left}"


class LoopWatch(QObject):
    """Measures what the window's thread computes between two turns of the event loop.

    It counts the thread's own processor time, so that a busy machine does not matter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest_s = 0.0
        self._last = time.thread_time()
        self._timer = QTimer(self)
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()

    def reset(self) -> None:
        """Forget the gaps so far."""
        self.longest_s = 0.0
        self._last = time.thread_time()

    def stop(self) -> None:
        """Measure no longer."""
        self._timer.stop()

    @Slot()
    def _on_timeout(self) -> None:
        now = time.thread_time()
        self.longest_s = max(self.longest_s, now - self._last)
        self._last = now


@pytest.fixture
def loop_watch(qapp: QApplication) -> Iterator[LoopWatch]:
    """The event loop's watchdog; a test asserts on `longest_s`."""
    watch = LoopWatch()
    yield watch
    watch.stop()


def record(
    name: str, *, taken_at: str = "", status: ImageStatus = ImageStatus.OK, content: bytes = b""
) -> ImageRecord:
    """An image with made-up facts."""
    facts = ImageFacts(status, width=40, height=30, taken_at=taken_at, format="JPEG")
    return ImageRecord(0, name.encode(), FileStamp(1000, 0), content or name.encode(), facts)


@dataclass
class FakeProject:
    """What views need of a session, in memory."""

    images: tuple[ImageRecord, ...]
    clustering: Clustering
    roots: tuple[Path, ...]
    scores: NDArray[np.float32]
    selection: Selection = field(default_factory=Selection)
    revision: int = 0
    _listeners: list[Callable[[ChangeSet], None]] = field(default_factory=list)
    _selection_listeners: list[Callable[[Selection], None]] = field(default_factory=list)

    def confidence(self) -> NDArray[np.float32]:
        """Confidence of each image."""
        return self.scores

    def subscribe(self, listener: Callable[[ChangeSet], None]) -> Callable[[], None]:
        """Follow the changes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        """Follow the selection."""
        self._selection_listeners.append(listener)
        return lambda: self._selection_listeners.remove(listener)

    def select_value(self, wanted: Selection) -> None:
        """Take a wish of a view, as the window's controller does."""
        if wanted != self.selection:
            self.selection = wanted
            for listener in tuple(self._selection_listeners):
                listener(wanted)

    def publish(self, change: ChangeSet) -> None:
        """Tell all followers."""
        for listener in tuple(self._listeners):
            listener(change)

    def relabel(self, images: list[int], target: int) -> None:
        """Move images and tell all followers."""
        labels = self.clustering.labels.copy()
        labels[images] = target
        self.clustering = Clustering(
            labels, self.clustering.flags, self.clustering.clusters, self.clustering.next_id
        )
        self.revision += 1
        self.publish(ChangeSet(self.revision, np.array(images, np.int32)))


def make_project(n_images: int, n_clusters: int, root: Path) -> FakeProject:
    """Images `img2.jpg`, `img1.jpg`, ... dealt out to clusters in turn."""
    records = tuple(
        record(
            f"sub/img{n_images - i}.jpg",
            taken_at=f"2024-01-{1 + i % 28:02d}T00:00:00",
            content=i.to_bytes(16, "big"),
        )
        for i in range(n_images)
    )
    labels = (np.arange(n_images) % n_clusters + 1).astype(np.int32)
    table = {k: Cluster(k, colour=(k - 1) % 12) for k in range(1, n_clusters + 1)}
    clustering = Clustering(labels, np.zeros(n_images, np.uint8), table, n_clusters + 1)
    scores = np.random.default_rng(0).random(n_images, np.float32)
    return FakeProject(records, clustering, (root,), scores)


@pytest.fixture
def project(tmp_path: Path) -> FakeProject:
    """Twelve images in three clusters."""
    return make_project(12, 3, tmp_path)


@pytest.fixture
def big_project(tmp_path: Path) -> FakeProject:
    """100,000 images in forty clusters."""
    return make_project(100_000, 40, tmp_path)


class FakeThumbnails:
    """Plain coloured pictures; counts and remembers what was asked for.

    Attributes:
        gate: Loading waits until it is set.
        unreadable: Paths (names) that give None.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.unreadable: set[str] = set()
        self.asked: list[tuple[str, int]] = []
        self.threads: set[int] = set()

    def load(self, path: Path, content: bytes, side_px: int) -> NDArray[np.uint8] | None:
        """A picture of 4:3."""
        self.gate.wait(5)
        self.asked.append((path.name, side_px))
        self.threads.add(threading.get_ident())
        if path.name in self.unreadable:
            return None
        shade = (hash(path.name) % 200) + 20
        return np.full((max(1, side_px * 3 // 4), side_px, 3), shade, np.uint8)

    def full(self, path: Path, max_side: int) -> NDArray[np.uint8] | None:
        """A large picture of 4:3."""
        return self.load(path, b"", min(max_side, 800))

    def details(self, path: Path) -> tuple[tuple[str, str], ...]:
        """Two rows."""
        return (("Camera", "Test 1"), ("Exposure", "1/60 s"))


@pytest.fixture
def thumbnails() -> Iterator[FakeThumbnails]:
    """A stand-in for the thumbnail service."""
    fake = FakeThumbnails()
    yield fake
    fake.gate.set()

"""How long the dendrogram takes to open, and each frame while zooming, panning and cutting."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.cuts import Cut
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.domain.selection import Selection
from dclust_gui.domain.tree_layout import TreeLayout
from dclust_gui.ui.bench.common import (
    BUSY,
    IDLE,
    N_CLUSTERS,
    N_IMAGES,
    FrameTimes,
    PlainPictures,
    Row,
    application,
    as_in_the_window,
    memory_row,
)
from dclust_gui.ui.bench.extraction import extraction_running
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.dendrogram_model import DendrogramModel
from dclust_gui.ui.views.dendrogram_view import DendrogramView

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_SIZE = (1600, 1000)


def random_tree(n_leaves: int, seed: int = 0) -> NDArray[np.float64]:
    """A tree of random neighbours, as deep as those of real collections."""
    heights = np.random.default_rng(seed).gamma(0.7, 1.0, n_leaves - 1)
    group = list(range(n_leaves))
    node = list(range(n_leaves))
    size = [1] * (2 * n_leaves - 1)
    rows = np.empty((n_leaves - 1, 4))

    def find(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    for row, gap in enumerate(np.argsort(heights, kind="stable").tolist()):
        a, b = find(gap), find(gap + 1)
        total = size[node[a]] + size[node[b]]
        rows[row] = (*sorted((node[a], node[b])), heights[gap], total)
        size[n_leaves + row] = total
        group[b] = a
        node[a] = n_leaves + row
    return rows


@dataclass
class Project:
    """Stands in for a session."""

    images: tuple[ImageRecord, ...]
    clustering: Clustering
    run: Run
    roots: tuple[Path, ...] = (Path(),)
    selection: Selection = field(default_factory=Selection)

    def confidence(self) -> NDArray[np.float32]:
        """Of each image."""
        return self.run.confidence

    @property
    def saved_clustering(self) -> Clustering:
        """The same."""
        return self.clustering

    def subscribe(self, _: object) -> Callable[[], None]:
        """Nothing ever changes."""
        return lambda: None

    def subscribe_selection(self, _: object) -> Callable[[], None]:
        """Nothing is ever selected."""
        return lambda: None


def make_project(n_leaves: int) -> Project:
    """A clustered collection."""
    tree = random_tree(n_leaves)
    labels = Cut.from_k(TreeLayout.of(tree), N_CLUSTERS).labels() + 1
    table = {k: Cluster(k, colour=(k - 1) % 12) for k in range(1, N_CLUSTERS + 1)}
    facts = ImageFacts(ImageStatus.OK, width=40, height=30, taken_at="", format="JPEG")
    images = tuple(
        ImageRecord(0, f"{i}.jpg".encode(), FileStamp(1, 0), i.to_bytes(16, "big"), facts)
        for i in range(n_leaves)
    )
    confidence = np.random.default_rng(1).random(n_leaves, np.float32)
    ids = np.arange(n_leaves, dtype=np.int32)
    run = Run(1, "2024-01-01T00:00:00+00:00", RunSettings(), "test", ids, labels - 1,
              confidence, tree)  # fmt: skip
    flags = np.zeros(n_leaves, np.uint8)
    clustering = Clustering(labels.astype(np.int32), flags, table, N_CLUSTERS + 1, 1)
    return Project(images, clustering, run)


class Frames:
    """Sends input to a view and measures until the end of painting."""

    def __init__(self, view: DendrogramView, state: str = IDLE) -> None:
        self._view = view
        self.times = FrameTimes(state)

    def frame(self, what: str, act: Callable[[], None]) -> None:
        """One input and its frame; pictures that have come in are taken over in between."""

        def act_and_paint() -> None:
            act()
            self._view.viewport().repaint()

        self.times.frame(what, act_and_paint)
        # Only what a window does between two frames: deliver queued events.
        QEventLoop().processEvents()

    def wheel(self, what: str, place: QPointF, steps: int) -> None:
        """Turn the wheel."""
        event = QWheelEvent(
            place, self._view.mapToGlobal(place), QPoint(), QPoint(0, 120 * steps),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,  # noqa: FBT003
        )  # fmt: skip
        self.frame(what, lambda: self._send(event))

    def mouse(self, what: str, kind: QEvent.Type, place: QPointF, button: Qt.MouseButton) -> None:
        """Press, move or release the mouse."""
        event = QMouseEvent(
            kind, place, self._view.mapToGlobal(place), button, button,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        self.frame(what, lambda: self._send(event))

    def _send(self, event: QEvent) -> None:
        QCoreApplication.sendEvent(self._view.viewport(), event)


def zoom_and_pan(frames: Frames, view: DendrogramView, places: NDArray[np.float64]) -> None:
    """Zoom in to single images at some places, pan there, zoom out again."""
    camera = view.camera
    for share in places.tolist():
        spot = camera.point(camera.axis_px + share * camera.content_px, 400.0)
        for step in [1] * 60 + [0] * 30 + [-1] * 60:
            if step:
                frames.wheel("zoom", spot, step)
            else:
                frames.frame("pan", lambda: view.navigator.pan(45.0))


def drag_the_cut(frames: Frames, view: DendrogramView, turns: int) -> None:
    """Drag the line from where it is to the top, down to the limit, and back."""
    camera = view.camera
    line = camera.v_at(view.model.cut.height)
    u = camera.axis_px + camera.content_px / 2
    left = Qt.MouseButton.LeftButton
    frames.mouse("drag the cut", QEvent.Type.MouseButtonPress, camera.point(u, line), left)
    low = camera.v_at(float(view.model.layout.tree[-1000, 2]))
    steps = np.concatenate([np.linspace(line, 40, 60), np.linspace(40, low, 200)])
    for v in np.tile(steps, turns).tolist():
        frames.mouse("drag the cut", QEvent.Type.MouseMove, camera.point(u, v), left)
    view.cancel_gesture()


def measure(n_leaves: int = N_IMAGES) -> list[Row]:
    """Zoom, pan and drag the cut in both directions of the tree, idle and during an extraction.

    Args:
        n_leaves: Number of images.

    Returns:
        Seconds until the first painted frame, frame times, memory before the engine's libraries
        were loaded.
    """
    application()
    with as_in_the_window():
        project = make_project(n_leaves)
        loader = ThumbnailLoader(PlainPictures(), n_threads=1)
        model = DendrogramModel()
        view = DendrogramView(model, loader)
        view.resize(*_SIZE)
        view.show()
        opened: Row = ("tree opened", _open(view, model, project), "s")
        idle, busy = Frames(view, IDLE), Frames(view, BUSY)
        _gestures(idle, view, np.array([0.13, 0.5, 0.87]), 2)
        memory = memory_row()
        with extraction_running():
            _gestures(busy, view, np.array([0.13, 0.87]), 1)
        view.set_source(None)
        model.shutdown()
        loader.shutdown()
        view.close()
    return [opened, *idle.times.rows(), *busy.times.rows(), memory]


def _gestures(
    frames: Frames, view: DendrogramView, places: NDArray[np.float64], turns: int
) -> None:
    """Everything once, with the root at the left and at the top."""
    for is_upright in (False, True):
        view.navigator.set_upright(is_upright)
        view.navigator.fit()
        zoom_and_pan(frames, view, places)
        drag_the_cut(frames, view, turns)
        for _ in range(12):
            view.navigator.zoom(1.25)
        drag_the_cut(frames, view, 1)


def _open(view: DendrogramView, model: DendrogramModel, project: Project) -> float:
    """Seconds from the wish to the first painted frame."""
    begin = time.perf_counter()
    loop = QEventLoop()
    model.tree_changed.connect(loop.quit)
    view.set_source(project)
    while model.tree is None:
        loop.exec()
    view.viewport().repaint()
    return time.perf_counter() - begin

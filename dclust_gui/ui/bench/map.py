"""A map of 100,000 images: each frame while zooming, panning, lassoing and pointing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.services.mapping import MapLayout, MapMethod
from dclust_gui.services.mapping_places import exemplars_first, framed, room_levels
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
    wait,
)
from dclust_gui.ui.bench.extraction import extraction_running
from dclust_gui.ui.bench.gallery import Project
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.map_model import MapModel
from dclust_gui.ui.views.map_view import MapTool, MapView

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.domain.selection import Selection

_SIZE = (1600, 1000)
_SPREAD = 4.0
_WAIT_S = 0.004
_READY_MS = 1_000


class SelectingProject(Project):
    """A project whose selection can be changed, told to one view."""

    def __init__(self, n_images: int) -> None:
        super().__init__(n_images)
        self.selection = replace(self.selection, images=frozenset())
        self._listener: Callable[[Selection], None] | None = None

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        """Follow the selection."""
        self._listener = listener
        return lambda: None

    def take(self, wanted: Selection) -> None:
        """Select what a view asks for."""
        self.selection = wanted
        if self._listener is not None:
            self._listener(wanted)


def make_layout(project: Project, seed: int = 0) -> MapLayout:
    """Images around their clusters' middles, some far away, as maps of photos look."""
    random = np.random.default_rng(seed)
    labels, n = project.clustering.labels, len(project.images)
    middles = random.normal(size=(N_CLUSTERS + 1, 2)) * _SPREAD
    widths = random.uniform(0.2, 1.0, (N_CLUSTERS + 1, 1))
    raw = middles[labels] + random.normal(size=(n, 2)) * widths[labels]
    places = framed(raw.astype(np.float32), n)
    order = exemplars_first(labels, random.random(n, np.float32))
    images = np.arange(n, dtype=np.int32)
    levels = room_levels(places, order)
    return MapLayout(MapMethod.UMAP, "bench", "none", (), n, images, places, places, levels, order)


class Frames:
    """Sends input to a map and measures until the end of painting."""

    def __init__(self, view: MapView, state: str) -> None:
        self._view = view
        self.times = FrameTimes(state)

    def frame(self, what: str, act: Callable[[], object]) -> None:
        """One input and its frame; pictures that have come in are taken over in between."""

        def act_and_paint() -> None:
            act()
            self._view.repaint()

        self.times.frame(what, act_and_paint)
        # Only what a window does between two frames: deliver queued events.
        QEventLoop().processEvents()
        until = time.perf_counter() + _WAIT_S
        while time.perf_counter() < until:
            QEventLoop().processEvents()

    def wheel(self, what: str, place: QPointF, steps: int) -> None:
        """Turn the wheel."""
        event = QWheelEvent(
            place, self._view.mapToGlobal(place), QPoint(), QPoint(0, 120 * steps),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,  # noqa: FBT003
        )  # fmt: skip
        self.frame(what, lambda: QCoreApplication.sendEvent(self._view, event))

    def mouse(self, what: str, kind: QEvent.Type, place: QPointF, button: Qt.MouseButton) -> None:
        """Press, move or release the mouse."""
        event = QMouseEvent(
            kind, place, self._view.mapToGlobal(place), button, button,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        self.frame(what, lambda: QCoreApplication.sendEvent(self._view, event))


def zoom_and_pan(frames: Frames, view: MapView) -> None:
    """Zoom in to single images at some places, pan at each step, zoom out again."""
    rows = np.flatnonzero(view.model.labels != UNASSIGNED)[[10, 5_000, 70_000]]
    for row in rows.tolist():
        spot = QPointF(*view.camera.point_of(*view.model.places[row].tolist()))
        for step in [1] * 36 + [-1] * 36:
            frames.wheel("zoom", spot, step)
            frames.frame("pan", lambda: view.pan(31.0, 17.0))
            frames.frame("pan", lambda: view.pan(-31.0, -17.0))
    view.fit()


def draw_lassos(frames: Frames, view: MapView, radii: NDArray[np.float64]) -> None:
    """Draw around parts of the map of several sizes, the selection at the end included."""
    view.set_tool(MapTool.LASSO)
    left = Qt.MouseButton.LeftButton
    middle = QPointF(view.width() / 2, view.height() / 2)
    for radius in radii.tolist():
        turns = np.linspace(0, 2 * np.pi, 120)
        wave = radius * (1 + 0.15 * np.sin(7 * turns))
        path = [
            middle + QPointF(1.5 * r * np.cos(t), r * np.sin(t))
            for r, t in zip(wave.tolist(), turns.tolist(), strict=True)
        ]
        frames.mouse("lasso", QEvent.Type.MouseButtonPress, path[0], left)
        for place in path[1:]:
            frames.mouse("lasso", QEvent.Type.MouseMove, place, left)
        frames.mouse("lasso", QEvent.Type.MouseButtonRelease, path[-1], left)
        view.clear_selection()
    view.set_tool(MapTool.PAN)


def point_at(frames: Frames, view: MapView) -> None:
    """Move the pointer over the map, whole and near."""
    for zoom in (1.0, 12.0):
        view.fit()
        view.zoom(zoom)
        for share in np.linspace(0.1, 0.9, 150).tolist():
            place = QPointF(share * view.width(), (0.5 + 0.3 * np.sin(9 * share)) * view.height())
            frames.mouse("hover", QEvent.Type.MouseMove, place, Qt.MouseButton.NoButton)
    view.fit()


def measure(n_images: int = N_IMAGES) -> list[Row]:
    """Zoom, pan, lasso and point, idle and while images are extracted.

    Args:
        n_images: Number of images.

    Returns:
        Frame times, and memory before the engine's libraries were loaded.
    """
    application()
    with as_in_the_window():
        project = SelectingProject(n_images)
        loaders = tuple(ThumbnailLoader(PlainPictures(), n_threads=1) for _ in range(2))
        view = MapView(MapModel(), loaders[0], loaders[1])
        view.selection_requested.connect(project.take)
        view.resize(*_SIZE)
        view.set_source(project)
        view.show()
        view.model.set_layout(make_layout(project))
        idle, busy = Frames(view, IDLE), Frames(view, BUSY)
        wait(_READY_MS)
        _gestures(idle, view)
        memory = memory_row()
        with extraction_running():
            _gestures(busy, view)
        view.set_source(None)
        for loader in loaders:
            loader.shutdown()
        view.close()
    return [*idle.times.rows(), *busy.times.rows(), memory]


def _gestures(frames: Frames, view: MapView) -> None:
    """Everything once, after a first frame that is not measured."""
    view.repaint()
    zoom_and_pan(frames, view)
    draw_lassos(frames, view, np.array([40.0, 120.0, 250.0, 420.0]))
    point_at(frames, view)

"""Moves over the tree: zoom, pan, fit, stretch heights, and the scroll bar that goes along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal, Slot

from dclust_gui.domain.height_scale import HeightScale
from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.ui.models.dendrogram_camera import Camera

if TYPE_CHECKING:
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QAbstractScrollArea, QScrollBar

    from dclust_gui.ui.models.dendrogram_model import DendrogramModel

_WHEEL_STEP = 1.2
_BAR_STEPS_PX = 60
_MOST_HEIGHT_ZOOM = 1e6
_BRANCH_HEADROOM = 1.15
_ROOT_HEADROOM = 1.04
_SURROUNDINGS = 1.6
_REVEALED_LEAF_PX = 70.0
_REVEALED_LEAVES = 4


class DendrogramNavigator(QObject):
    """Holds the camera of a view and keeps its scroll bar in step.

    Args:
        area: The view.
        model: The tree.

    Signals:
        moved: Another part of the tree is shown, or the same one elsewhere.
    """

    moved = Signal()

    def __init__(self, area: QAbstractScrollArea, model: DendrogramModel) -> None:
        super().__init__(area)
        self._area = area
        self._model = model
        self._is_log = False
        self._height_zoom = 1.0
        self._camera = Camera(1, 0.0, 1.0, 100.0, 100.0, is_upright=False, heights=HeightScale(1.0))
        for bar in (area.horizontalScrollBar(), area.verticalScrollBar()):
            bar.setSingleStep(_BAR_STEPS_PX)
        self._show_bars()

    @property
    def camera(self) -> Camera:
        """Which part of the tree is shown, and where."""
        return self._camera

    @Slot(bool)
    def set_upright(self, is_upright: bool) -> None:
        """Put the root at the top, or at the left; the same images stay in view."""
        if is_upright != self._camera.is_upright:
            camera = self._camera
            self._camera = replace(camera, is_upright=is_upright)
            self._show_bars()
            self._resize(camera.start, camera.stop, was_fit=camera.is_fit)

    @property
    def is_log(self) -> bool:
        """Whether heights are drawn as logarithms."""
        return self._is_log

    @Slot(bool)
    def set_log(self, is_log: bool) -> None:
        """Draw heights as logarithms, or in proportion."""
        self._is_log = is_log
        self._rescale_heights()

    @Slot()
    def fit(self) -> None:
        """Show the whole tree."""
        self._height_zoom = 1.0
        self._rescale_heights()
        self._set_camera(self._camera.fitted())

    def zoom(self, factor: float, u: float | None = None) -> None:
        """Show leaves larger or smaller.

        Args:
            factor: Above 1 for larger.
            u: The pixel along the leaves that stays in place; the middle if None.
        """
        camera = self._camera
        middle = camera.axis_px + camera.content_px / 2
        self._set_camera(camera.zoomed(factor, middle if u is None else u))

    def zoom_heights(self, factor: float) -> None:
        """Stretch the heights; leaves stay in place."""
        self._height_zoom = min(max(self._height_zoom * factor, 1.0), _MOST_HEIGHT_ZOOM)
        self._rescale_heights()

    def pan(self, pixels: float) -> None:
        """Move along the leaves."""
        self._set_camera(self._camera.panned(pixels))

    def show_branch(self, node: int) -> None:
        """Zoom so that a branch fills the view."""
        layout = self._model.layout
        start, stop = float(layout.start[node]), float(layout.stop[node])
        if node == layout.root:
            self.fit()
            return
        height = float(layout.height[layout.parent[node]])
        if not self._is_log and height > 0:
            self._height_zoom = max(layout.top / (height * _BRANCH_HEADROOM), 1.0)
            self._rescale_heights()
        self._set_camera(self._camera.showing(start, stop))

    def show_surroundings(self, node: int) -> None:
        """Zoom so that a branch fills a good part of the view, and not more than its pictures."""
        layout, camera = self._model.layout, self._camera
        start, stop = float(layout.start[node]), float(layout.stop[node])
        most = camera.content_px / _REVEALED_LEAF_PX
        room = max((stop - start) * _SURROUNDINGS, min(most, layout.n_leaves))
        middle = (start + stop) / 2
        around = node
        while layout.parent[around] != NO_NODE and layout.size(around) < _REVEALED_LEAVES:
            around = int(layout.parent[around])
        height = float(layout.height[layout.parent[around]]) if around != layout.root else 0.0
        is_squeezed = not self._is_log and 0 < height < layout.top / _BRANCH_HEADROOM
        most_zoom = layout.top / (height * _BRANCH_HEADROOM) if is_squeezed else 1.0
        self._height_zoom = min(most_zoom, _MOST_HEIGHT_ZOOM)
        self._rescale_heights()
        self._set_camera(self._camera.showing(middle - room / 2, middle + room / 2, 0.0))

    def show_image(self, image: int) -> None:
        """Bring an image into view, moving no more than needed."""
        position = self._model.position_of(image)
        camera = self._camera
        if position >= 0 and not camera.start <= position < camera.stop:
            room = camera.content_px / camera.scale
            self._set_camera(replace(camera, origin=position - room / 2).inside())

    def show_range(self, start: float, stop: float) -> None:
        """Bring a stretch of leaves into the middle, unless some of it is in view."""
        camera = self._camera
        if stop <= camera.start or start >= camera.stop:
            room = camera.content_px / camera.scale
            self._set_camera(replace(camera, origin=(start + stop - room) / 2).inside())

    def start_over(self) -> None:
        """Show the whole of another tree."""
        self._height_zoom = 1.0
        self._camera = replace(self._camera, n_leaves=self._model.layout.n_leaves)
        self._rescale_heights()
        self._resize(0.0, 1.0, was_fit=True)

    def follow_size(self) -> None:
        """Show the same images in the view's new size."""
        camera = self._camera
        self._resize(camera.start, camera.stop, was_fit=camera.is_fit)

    @Slot(int)
    def set_room_below(self, room_px: int) -> None:
        """Let one scroll on until what covers the lower edge hides no image; nothing jumps."""
        if room_px != self._camera.covered_px:
            self._set_camera(replace(self._camera, covered_px=float(room_px)).inside())

    def follow_bar(self) -> None:
        """Go where the scroll bar was taken to."""
        camera = self._camera
        self._set_camera(replace(camera, origin=self._bar.value() / camera.scale).inside())

    def turn_wheel(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; with Shift stretch heights, sideways pan."""
        turned = event.angleDelta()
        steps = turned.y() / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.zoom_heights(_WHEEL_STEP ** (steps or turned.x() / 120))
        elif abs(turned.x()) > abs(turned.y()):
            self.pan(-float(turned.x()))
        else:
            self.zoom(_WHEEL_STEP**steps, self._camera.uv(event.position())[0])

    # -- inside ------------------------------------------------------------------------------

    def _set_camera(self, camera: Camera) -> None:
        self._camera = camera
        self._show_place()
        self.moved.emit()

    def _rescale_heights(self) -> None:
        if self._model.tree is None:
            return
        layout = self._model.layout
        top = layout.top * _ROOT_HEADROOM / self._height_zoom
        scale = HeightScale.of(layout.tree[:, 2], top, is_log=self._is_log)
        self._set_camera(replace(self._camera, heights=scale))

    def _resize(self, start: float, stop: float, *, was_fit: bool) -> None:
        size = self._area.viewport().size()
        lengths = (float(size.width()), float(size.height()))
        length, depth = lengths if self._camera.is_upright else lengths[::-1]
        camera = replace(self._camera, length_px=length, depth_px=depth)
        self._set_camera(camera.fitted() if was_fit else camera.showing(start, stop, 0.0))

    def _show_bars(self) -> None:
        on, off = Qt.ScrollBarPolicy.ScrollBarAlwaysOn, Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        is_upright = self._camera.is_upright
        self._area.setHorizontalScrollBarPolicy(on if is_upright else off)
        self._area.setVerticalScrollBarPolicy(off if is_upright else on)

    @property
    def _bar(self) -> QScrollBar:
        area = self._area
        is_upright = self._camera.is_upright
        return area.horizontalScrollBar() if is_upright else area.verticalScrollBar()

    def _show_place(self) -> None:
        """Bring the scroll bar to where the camera is."""
        camera = self._camera
        bar = self._bar
        with QSignalBlocker(bar):
            bar.setRange(0, round(camera.most_px))
            bar.setPageStep(max(round(camera.content_px), 1))
            bar.setValue(round(camera.origin * camera.scale))

"""The map without hands: what is painted of it, from where, and how it moves."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEasingCurve, QEvent, QPointF, QRect, Qt, QTimer, QVariantAnimation, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.models.map_camera import MapCamera, extent_of
from dclust_gui.ui.models.map_shading import Canvas, image_over
from dclust_gui.ui.views.map_names import MapNames
from dclust_gui.ui.views.map_overlay import MapAttention, MapOverlay
from dclust_gui.ui.views.map_painter import MapLook, MapPainter
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.services.mapping import MapMethod
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.gallery_source import GallerySource
    from dclust_gui.ui.models.map_model import MapModel

_SETTLE_MS = 140
_WARM_MS = 30
_GLIDE_MS = 600
_LEAST_SIDE_PX = GRID * 20


class MapSurface(QWidget):
    """Shows a `MapModel`; `MapView` adds what pointer and keys do.

    Args:
        model: The images and their places.
        loader: Brings the pictures, for this view alone.
        preview_loader: Brings the picture under the pointer, likewise.
        parent: Owner.
    """

    def __init__(
        self,
        model: MapModel,
        loader: ThumbnailLoader,
        preview_loader: ThumbnailLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._pictures = DendrogramPictures(loader, model, self)
        self._previews = DendrogramPictures(preview_loader, model, self)
        self._painter = MapPainter(model, self._pictures)
        self._overlay = MapOverlay(model, self._painter, self._previews)
        self._names = MapNames(model, self._painter, self)
        self._attention = MapAttention()
        self._camera = MapCamera()
        self._canvas = Canvas(1, 1)
        self._painted: tuple[object, ...] = ()
        self._n_arrived = self._room_below = 0
        self._method: MapMethod | None = None
        self._has_pictures = self._has_legend = self._has_names = True
        self._is_moving = self._is_editable = False
        self._kept_outline: tuple[list[tuple[float, float]], int] = ([], -1)
        self._message = ""
        self._settling = self._timer(_SETTLE_MS)
        self._warming = self._timer(_WARM_MS)
        self._glide = QVariantAnimation(self)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(_LEAST_SIDE_PX, _LEAST_SIDE_PX)
        self._glide.setStartValue(0.0)
        self._glide.setEndValue(1.0)
        self._glide.setDuration(_GLIDE_MS)
        self._glide.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._connect()

    def _connect(self) -> None:
        self._settling.timeout.connect(self._on_settling_timeout)
        self._warming.timeout.connect(self._on_warming_timeout)
        self._glide.valueChanged.connect(self._on_glide_value_changed)
        self._glide.finished.connect(self._settling.start)
        self._model.layout_changed.connect(self._on_model_layout_changed)
        self._model.changed.connect(self._on_model_changed)
        self._pictures.arrived.connect(self._on_pictures_arrived)
        self._previews.arrived.connect(self.update)
        self._names.faded.connect(self.update)

    def _timer(self, interval_ms: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        return timer

    # -- what is shown -----------------------------------------------------------------------

    def set_source(self, source: GallerySource | None) -> None:
        """Show another project, or none."""
        self._pictures.clear()
        self._previews.clear()
        self._method = None
        self._kept_outline = ([], -1)
        self._model.set_source(source)

    def set_message(self, text: str) -> None:
        """What to say while there is no map."""
        self._message = text
        self.update()

    def set_editable(self, is_editable: bool) -> None:
        """Let images be dropped on clusters, or only be looked at."""
        self._is_editable = is_editable
        self.setAcceptDrops(is_editable)

    @property
    def is_editable(self) -> bool:
        """Whether images can be moved."""
        return self._is_editable

    @property
    def model(self) -> MapModel:
        """The images and their places."""
        return self._model

    @property
    def camera(self) -> MapCamera:
        """Which part of the map is shown, and how large."""
        return self._camera

    @property
    def painter(self) -> MapPainter:
        """What paints; knows what is in view."""
        return self._painter

    @property
    def pictures(self) -> DendrogramPictures:
        """The pictures on the map."""
        return self._pictures

    @property
    def attention(self) -> MapAttention:
        """What pointer and keys are at."""
        return self._attention

    @Slot(bool)
    def set_pictures_shown(self, is_wanted: bool) -> None:
        """Show pictures where they fit, or dots only."""
        self._has_pictures = is_wanted
        self.update()

    @Slot(bool)
    def set_legend_shown(self, is_wanted: bool) -> None:
        """Show which colour is which cluster."""
        self._has_legend = is_wanted
        self.update()

    @Slot(bool)
    def set_names_shown(self, is_wanted: bool) -> None:
        """Show clusters' names at their middles."""
        self._has_names = is_wanted
        self._settle_names()
        self.update()

    @property
    def named(self) -> tuple[int, ...]:
        """The clusters whose names stand on the map."""
        return self._names.clusters

    @Slot(int)
    def set_room_below(self, room_px: int) -> None:
        """Keep the legend above what covers the lower edge."""
        if room_px != self._room_below:
            self._room_below = room_px
            self.update()

    # -- moving ------------------------------------------------------------------------------

    @Slot()
    def fit(self) -> None:
        """Show the whole map."""
        self._set_camera(self._camera.fitted())

    def zoom(self, factor: float, point: QPointF | None = None) -> None:
        """Show the map larger or smaller.

        Args:
            factor: Above 1 for larger.
            point: The pixel that stays in place; the middle if None.
        """
        place = QPointF(self.width() / 2, self.height() / 2) if point is None else point
        self._set_camera(self._camera.zoomed(factor, place.x(), place.y()))

    def pan(self, dx: float, dy: float) -> None:
        """Move the map by pixels."""
        self._set_camera(self._camera.panned(dx, dy))

    def show_selected(self) -> None:
        """Zoom to the selected images."""
        rows = np.flatnonzero(self._model.is_selected)
        if len(rows):
            self._set_camera(self._camera.showing(extent_of(self._model.places[rows])))

    def show_row(self, row: int) -> None:
        """Bring an image into view, moving no more than needed."""
        if row < 0:
            return
        x, y = self._camera.point_of(*self._model.places[row].tolist())
        margin = GRID * 6
        dx = max(margin - x, 0) - max(x - self.width() + margin, 0)
        dy = max(margin - y, 0) - max(y - self.height() + margin, 0)
        if dx or dy:
            self.pan(dx, dy)

    # -- inside ------------------------------------------------------------------------------

    def _set_camera(self, camera: MapCamera) -> None:
        if camera != self._camera:
            self._camera = camera
            self._is_moving = True
            self._settling.start()
            self.update()

    def _outline_corners(self) -> NDArray[np.float64]:
        """The outline that made the selection, in pixels: float64 (n, 2)."""
        places, number = self._kept_outline
        if not places or number != self._model.n_selections:
            return np.empty((0, 2))
        return np.array([self._camera.point_of(x, y) for x, y in places])

    def _look(self) -> MapLook:
        return MapLook(
            colours(self.palette()),
            is_dark(self.palette()),
            self.devicePixelRatioF(),
            has_pictures=self._has_pictures,
            is_moving=self._is_moving,
        )

    @property
    def _is_gliding(self) -> bool:
        return self._glide.state() is QVariantAnimation.State.Running

    def _places(self) -> NDArray[np.float32] | None:
        """Where the images are on their way from one map to another; None when they are there."""
        before = self._model.before
        if before is None or not self._is_gliding:
            return None
        share = np.float32(self._glide.currentValue())
        moved: NDArray[np.float32] = before + (self._model.places - before) * share
        return moved

    def _paint_layer(self, look: MapLook) -> None:
        """Paint the map itself anew if anything of it has changed."""
        size = (math.ceil(self.width() * look.ratio), math.ceil(self.height() * look.ratio))
        places = self._places()
        share = -1.0 if places is None else float(self._glide.currentValue())
        key = (self._camera, self._model.revision, self._n_arrived, size, look, share)
        if key == self._painted:
            return
        if not self._canvas.has_size(*size):
            self._canvas = Canvas(*size)
        self._painter.paint(self._canvas, self._camera, look, places)
        self._painted = key
        side = request_side(self._painter.side_px - 4, look.ratio)
        if not self._is_moving or self._painter.dot_px:
            self._pictures.want(self._painter.wanted, side)

    def _paint(self, painter: QPainter) -> None:
        if not len(self._model.images):
            painter.fillRect(self.rect(), self.palette().base())
            painter.setPen(self.palette().placeholderText().color())
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(24, 24, -24, -24), flags, self._message)
            return
        look = self._look()
        self._paint_layer(look)
        image = image_over(self._canvas.pixels)
        image.setDevicePixelRatio(look.ratio)
        painter.drawImage(0, 0, image)
        attention = self._attention
        if not attention.is_drawing:
            corners = self._outline_corners().tolist()
            attention.outline = [QPointF(x, y) for x, y in corners]
        if self._has_names and not self._is_gliding:
            self._names.paint(painter, self._camera, look)
        self._overlay.paint(painter, self._free(), attention, look, has_legend=self._has_legend)

    def _free(self) -> QRect:
        """The part of the view that nothing else covers."""
        return self.rect().adjusted(0, 0, 0, -self._room_below)

    def _settle_names(self) -> None:
        """Choose which names are shown, and where."""
        if not self._has_names or self._is_gliding or not len(self._model.images):
            self._names.clear()
            return
        taken = []
        if self._has_legend:
            box = self._overlay.legend_box(self._free(), self.devicePixelRatioF())
            taken = [(box.left(), box.top(), box.right(), box.bottom())]
        self._names.settle(self._camera, self.font(), taken)

    def _drop_gesture(self) -> None:
        """What pointer and keys are at is no longer there."""

    @Slot()
    def _on_model_layout_changed(self) -> None:
        layout = self._model.layout
        method = None if layout is None else layout.method
        camera = replace(self._camera, extent=self._model.extent)
        if method is not self._method or self._camera.is_fit:
            camera = camera.fitted()
        self._method = method
        self._camera = camera
        self._kept_outline = ([], -1)
        self._attention = MapAttention(has_focus=self.hasFocus())
        self._names.clear()
        self._drop_gesture()
        self._glide.stop()
        self._settling.start()
        self._warming.start()
        if self._model.before is not None and self.isVisible():
            self._glide.start()
        self.update()

    @Slot()
    def _on_model_changed(self) -> None:
        self._is_moving = True
        self._settling.start()
        self.update()

    @Slot()
    def _on_pictures_arrived(self) -> None:
        self._n_arrived += 1
        if not self._settling.isActive():
            self._settling.start()  # names make room for pictures
        self.update()

    @Slot()
    def _on_settling_timeout(self) -> None:
        self._is_moving = False
        if self._camera.is_fit:
            self._overlay.settle_legend(self._free(), self.devicePixelRatioF())
        self._settle_names()
        self.update()

    @Slot()
    def _on_warming_timeout(self) -> None:
        if self._painter.warm_up(self._look()):
            self._warming.start()

    @Slot("QVariant")
    def _on_glide_value_changed(self, _share: object) -> None:
        self.update()

    # -- Qt ----------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint what is in view."""
        painter = QPainter(self)
        try:
            self._paint(painter)
        finally:
            painter.end()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Show the same part of the map in the new size."""
        self._set_camera(self._camera.resized(self.width(), self.height()))

    def changeEvent(self, event: QEvent) -> None:
        """Make everything ready in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._warming.start()

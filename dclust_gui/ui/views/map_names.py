"""Clusters' names on the map: they move with it, and fade in and out when it rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, QVariantAnimation, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap

from dclust_gui.ui.models.map_names import free_places, middles_of
from dclust_gui.ui.views.dendrogram_text import text_fonts
from dclust_gui.ui.views.map_painter import MARK_PX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.ui.models.map_camera import MapCamera
    from dclust_gui.ui.models.map_model import MapModel
    from dclust_gui.ui.models.map_names import Box
    from dclust_gui.ui.views.map_painter import MapLook, MapPainter

MOST_NAMES = 24
"""Names shown at once."""

_HEIGHT_PX = 21.0
_WIDEST_PX = 170.0
_PAD_PX = 6.0
_FADE_MS = 160
_SAMPLE = 12_000
_FEWEST = 3
"""A part of a cluster smaller than this gets no name."""

_MOST_KEPT = 400


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in its place.

    Attributes:
        cluster: Whose.
        place: The middle that it belongs to, in the map's own units.
        offset: From there to its upper left corner, pixels.
    """

    cluster: int
    place: tuple[float, float]
    offset: tuple[float, float]


class MapNames(QObject):
    """Chooses which names are shown, and paints them.

    Args:
        model: The images and their clusters.
        painter: Knows which images are in view.
        parent: Owner.

    Signals:
        faded: Names have to be painted anew.
    """

    faded = Signal()

    def __init__(self, model: MapModel, painter: MapPainter, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._painter = painter
        self._shown: dict[int, _Name] = {}
        self._leaving: dict[int, _Name] = {}
        self._coming: frozenset[int] = frozenset()
        self._plates: dict[tuple[object, ...], QPixmap] = {}
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.setDuration(_FADE_MS)
        self._fade.valueChanged.connect(self._on_fade_value_changed)
        self._fade.finished.connect(self._on_fade_finished)

    @property
    def clusters(self) -> tuple[int, ...]:
        """The clusters whose names are shown."""
        return tuple(self._shown)

    def clear(self) -> None:
        """Show none until the map rests again."""
        self._fade.stop()
        self._shown, self._leaving, self._coming = {}, {}, frozenset()

    def settle(self, camera: MapCamera, font: QFont, taken: Sequence[Box]) -> None:
        """Choose anew which names are shown and where.

        Args:
            camera: What is in view.
            font: Of the view.
            taken: What they must not cover, pixels.
        """
        before = self._shown
        self._shown = {name.cluster: name for name in self._chosen(camera, font, taken)}
        self._coming = frozenset(self._shown.keys() - before.keys())
        self._leaving = {c: name for c, name in before.items() if c not in self._shown}
        if self._coming or self._leaving:
            self._fade.stop()
            self._fade.start()

    def _chosen(self, camera: MapCamera, font: QFont, taken: Sequence[Box]) -> list[_Name]:
        model, rows = self._model, self._painter.rows
        rows = rows[:: max(1, len(rows) // _SAMPLE)]
        points = camera.points_of(model.places[rows])
        labels = np.where(model.is_dim[rows], -1, model.labels[rows])
        on_screen = (points >= 0).all(1) & (points <= (camera.width, camera.height)).all(1)
        found = middles_of(points, np.where(on_screen, labels, -1))
        named = found.counts >= min(_FEWEST, len(model.images))
        clusters, middles = found.clusters[named].tolist(), points[found.rows[named]].tolist()
        title, _ = text_fonts(font)
        metrics = QFontMetricsF(title)
        sizes = [(self._width(metrics, self._model.title_of(c)), _HEIGHT_PX) for c in clusters]
        pictures = [
            (float(p.left()), float(p.top()), float(p.right() + 1), float(p.bottom() + 1))
            for p in (card.place for card in self._painter.cards)
        ]
        area = (camera.width, camera.height)
        names = []
        for number, left, top in free_places(middles, sizes, area, taken, pictures, MOST_NAMES):
            x, y = middles[number]
            names.append(
                _Name(clusters[number], camera.place_at(x, y), (round(left - x), round(top - y)))
            )
        return names

    def _width(self, metrics: QFontMetricsF, title: str) -> float:
        room = _WIDEST_PX - MARK_PX - 3 * _PAD_PX
        return MARK_PX + 3 * _PAD_PX + min(metrics.horizontalAdvance(title), room)

    def paint(self, painter: QPainter, camera: MapCamera, look: MapLook) -> None:
        """Paint the names where their middles are now."""
        is_fading = self._fade.state() is QVariantAnimation.State.Running
        share = float(self._fade.currentValue()) if is_fading else 1.0
        if is_fading:
            for name in self._leaving.values():
                self._paint_name(painter, camera, look, name, 1 - share)
        for name in self._shown.values():
            opacity = share if name.cluster in self._coming else 1.0
            self._paint_name(painter, camera, look, name, opacity)
        painter.setOpacity(1.0)

    def _paint_name(
        self, painter: QPainter, camera: MapCamera, look: MapLook, name: _Name, opacity: float
    ) -> None:
        if not self._model.has_cluster(name.cluster):  # it has just ended
            return
        x, y = camera.point_of(*name.place)
        place = QPointF(round(x + name.offset[0]), round(y + name.offset[1]))
        painter.setOpacity(opacity)
        painter.drawPixmap(place, self._plate(painter.font(), look, name.cluster))

    def _plate(self, font: QFont, look: MapLook, cluster: int) -> QPixmap:
        """A name with its mark, ready to be set down."""
        words, colour = self._model.title_of(cluster), self._model.colour_of(cluster)
        key = (words, colour, look.dark, look.ratio, look.colours.raised)
        if key not in self._plates:
            if len(self._plates) >= _MOST_KEPT:
                self._plates.clear()
            self._plates[key] = self._plate_picture(font, look, words, colour)
        return self._plates[key]

    def _plate_picture(self, font: QFont, look: MapLook, words: str, colour: int) -> QPixmap:
        title, _ = text_fonts(font)
        metrics = QFontMetricsF(title)
        size = (self._width(metrics, words), _HEIGHT_PX)
        picture = QPixmap(round(size[0] * look.ratio), round(size[1] * look.ratio))
        picture.setDevicePixelRatio(look.ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = QColor(look.colours.raised)
        fill.setAlpha(215)
        painter.setPen(QPen(QColor(look.colours.border), 1))
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(0.5, 0.5, size[0] - 1, size[1] - 1), 5, 5)
        mark = self._painter.mark(colour, look)
        painter.drawPixmap(QPointF(_PAD_PX, (size[1] - MARK_PX) / 2), mark)
        room = QRectF(MARK_PX + 2 * _PAD_PX, 0, size[0] - MARK_PX - 2.5 * _PAD_PX, size[1])
        painter.setFont(title)
        painter.setPen(QColor(look.colours.text))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, flags, shown)
        painter.end()
        return picture

    @Slot("QVariant")
    def _on_fade_value_changed(self, _share: object) -> None:
        self.faded.emit()

    @Slot()
    def _on_fade_finished(self) -> None:
        self._leaving, self._coming = {}, frozenset()
        self.faded.emit()

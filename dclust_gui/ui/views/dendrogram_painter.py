"""Paints what is in view of a tree: its parts one above the other, the axis, names and the cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from dclust_gui.domain.clustering import PALETTE_SIZE
from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.ui.models.palette import mark_pixmap
from dclust_gui.ui.views.dendrogram_strip_painter import StripPainter
from dclust_gui.ui.views.dendrogram_text import TextPainter, along
from dclust_gui.ui.views.dendrogram_tones import Tones, mixed
from dclust_gui.ui.views.dendrogram_tree_painter import TreePainter

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

    from dclust_gui.ui.models.dendrogram_camera import Camera
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel
    from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures
    from dclust_gui.ui.models.dendrogram_strip import Block, Cell
    from dclust_gui.ui.views.theme import Colours

MARK_PX = 12
"""Side of the clusters' marks."""

_MOST_MARKS = 120
_LEAST_NAME_PX = 16
_LEAST_UPRIGHT_NAME_PX = 26
_TWO_LINES_PX = 32
_LINE_PX = 17.0
_LEAST_MARK_ROOM_PX = 9


@dataclass(slots=True)
class Attention:
    """What the pointer and the keys are at.

    Attributes:
        hover: Branch under the pointer.
        current: Branch that keys act on.
        target: Branch that a drag would be dropped on.
        is_cut_hot: The cut's line is under the pointer or being dragged.
        has_focus: Keys go to the view.
    """

    hover: int = NO_NODE
    current: int = NO_NODE
    target: int = NO_NODE
    is_cut_hot: bool = False
    has_focus: bool = False


class DendrogramPainter:
    """Paints one frame at a time.

    Args:
        model: The tree and its clusters.
        pictures: Its thumbnails.
    """

    def __init__(self, model: DendrogramModel, pictures: DendrogramPictures) -> None:
        self._model = model
        self._tree = TreePainter(model)
        self._strip = StripPainter(model, pictures)
        self._text = TextPainter(QFont())
        self._marks: dict[tuple[int, bool, float], QPixmap] = {}

    @property
    def cells(self) -> list[Cell]:
        """The pictures of the last frame."""
        return self._strip.cells

    @property
    def blocks(self) -> list[Block]:
        """The ranges of leaves that they stand for."""
        return self._strip.blocks

    def paint(
        self, painter: QPainter, camera: Camera, look: Colours, attention: Attention, *, dark: bool
    ) -> None:
        """Paint everything; afterwards `cells` and `blocks` say which pictures there are.

        Args:
            painter: On the view, a picture or a file.
            camera: What is in view.
            look: Colours of the window.
            attention: What the pointer and keys are at.
            dark: For a dark background.
        """
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        if not self._text.is_for(painter.font()):
            self._text = TextPainter(painter.font())
        base = QColor(look.base)
        painter.fillRect(camera.rect(0, 0, camera.length_px, camera.depth_px), base)
        self._paint_grid(painter, camera, look)
        self._paint_attention(painter, camera, look, attention)
        self._tree.paint(painter, camera, look, Tones(base, dark=dark))
        self._paint_names(painter, camera, look, dark=dark)
        self._strip.paint(painter, camera, look, self._text)
        self._paint_axis(painter, camera, look)
        self._paint_cut(painter, camera, look, attention, dark=dark)

    # -- names -------------------------------------------------------------------------------

    def _paint_names(self, painter: QPainter, camera: Camera, look: Colours, *, dark: bool) -> None:
        model, cut = self._model, self._model.cut
        stops = model.layout.stop[cut.nodes]
        low = np.maximum(camera.u_of(cut.starts.astype(np.float64)), camera.axis_px)
        high = np.minimum(camera.u_of(stops.astype(np.float64)), camera.length_px)
        least = _LEAST_UPRIGHT_NAME_PX if camera.is_upright else _LEAST_NAME_PX
        for number in np.flatnonzero(high - low >= least).tolist():
            room = QRectF(
                camera.rect(
                    float(low[number]),
                    camera.labels_start,
                    float(high[number] - low[number]),
                    camera.label_px,
                )
            ).adjusted(4, 0, -4, 0)
            self._paint_name(painter, room, number, look, dark=dark)

    def _paint_name(
        self, painter: QPainter, room: QRectF, number: int, look: Colours, *, dark: bool
    ) -> None:
        model, text = self._model, self._text
        node = int(model.cut.nodes[number])
        start, stop = int(model.layout.start[node]), int(model.layout.stop[node])
        cluster = int(model.cut_clusters[number])
        has_two = room.height() >= _TWO_LINES_PX
        top = room.center().y() - (_LINE_PX if has_two else _LINE_PX / 2)
        place = QPointF(room.left(), top + (_LINE_PX - MARK_PX) / 2)
        self._paint_mark(painter, place, model.colour_of(cluster), dark=dark)
        words, count = model.title_of(cluster), model.count_words(start, stop)
        colour = look.text if model.n_matching(start, stop) else look.faint
        place_x = room.left() + MARK_PX + 5
        line = QRectF(place_x, top, room.width() - MARK_PX - 5, _LINE_PX)
        if not has_two:
            words = f"{words} · {count}"
            if text.width(words, text.title) > line.width():
                words = f"{model.title_of(cluster)} · {model.n_matching(start, stop):,}"
        text.draw(painter, line, words, text.title, colour)
        if not has_two:
            return
        below = f"{count}{self._note(start, stop)}"
        if text.width(below, text.small) > line.width():
            below = count
        text.draw(painter, line.translated(0, _LINE_PX - 1), below, text.small, look.faint)

    def _note(self, start: int, stop: int) -> str:
        """What is worth knowing of a cluster besides its size."""
        placed = self._model.n_placed(start, stop)
        if placed:
            return f" · {placed:,} moved"
        quality = self._model.quality(start, stop)
        return "" if np.isnan(quality) else f" · quality {quality:.2f}"

    def _paint_mark(self, painter: QPainter, place: QPointF, index: int, *, dark: bool) -> None:
        ratio = painter.device().devicePixelRatio()
        key = (index if index < 0 else index % PALETTE_SIZE, dark, ratio)
        if key not in self._marks:
            self._marks[key] = mark_pixmap(MARK_PX, key[0], dark, ratio)
        painter.drawPixmap(place, self._marks[key])

    # -- axis, cut, attention ----------------------------------------------------------------

    def _paint_grid(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        line = mixed(QColor(look.border), QColor(look.base), 0.55)
        for height in camera.heights.ticks():
            v = round(camera.v_at(height))
            painter.fillRect(camera.rect(camera.axis_px, v, camera.content_px, 1), line)

    def _paint_axis(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        painter.fillRect(camera.rect(0, 0, camera.axis_px, camera.depth_px), QColor(look.base))
        for height in camera.heights.ticks():
            v = camera.v_at(height)
            if camera.is_upright:
                place = QRectF(0, v - 9, camera.axis_px - 8, 18)
                side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            else:
                place = QRectF(v - 40, 0, 80, camera.axis_px - 2)
                side = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            words, font = f"{height:.4g}", self._text.small
            self._text.draw(painter, place, words, font, look.faint, side)

    def _paint_cut(
        self, painter: QPainter, camera: Camera, look: Colours, attention: Attention, *, dark: bool
    ) -> None:
        model, cut = self._model, self._model.cut
        v = camera.v_at(cut.height)
        if v >= 0:
            thick = 3 if attention.is_cut_hot else 1
            box = camera.rect(camera.axis_px, round(v) - thick // 2, camera.content_px, thick)
            painter.fillRect(box, QColor(look.accent))
        centres = camera.u_of(model.layout.centre[cut.nodes])
        is_near = (centres >= camera.axis_px - 8) & (centres <= camera.length_px + 8)
        visible = np.flatnonzero(is_near)
        if len(visible) <= _MOST_MARKS and len(visible) * _LEAST_MARK_ROOM_PX < camera.content_px:
            places = camera.v_of(model.cut_heights[visible])
            for number, place in zip(visible.tolist(), places.tolist(), strict=True):
                point = camera.point(float(centres[number]), place) - QPointF(6, 6)
                colour = model.colour_of(int(model.cut_clusters[number]))
                self._paint_mark(painter, point, colour, dark=dark)
        if v >= 0:
            self._paint_handle(painter, camera, look, v)

    def _paint_handle(self, painter: QPainter, camera: Camera, look: Colours, v: float) -> None:
        """The knob of the cut's line, with the number of clusters."""
        text, count = self._text, self._model.cut.k
        words = f"{count:,}" if camera.is_upright else f"{count:,} cluster{'s' * (count != 1)}"
        width = text.width(words, text.title) + 16
        if camera.is_upright:
            box = QRectF(2, v - 10, max(camera.axis_px - 4, width), 20)
        else:
            left = min(max(v - width / 2, 2), camera.depth_px - width - 2)
            box = QRectF(left, 1, width, 20)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.accent))
        painter.drawRoundedRect(box, 6, 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        text.draw(painter, box, words, text.title, look.on_accent, Qt.AlignmentFlag.AlignCenter)

    def _paint_attention(
        self, painter: QPainter, camera: Camera, look: Colours, attention: Attention
    ) -> None:
        for node, colour, has_frame in (
            (attention.hover, mixed(QColor(look.soft_accent), QColor(look.base), 0.55), False),
            (attention.current, QColor(look.soft_accent), attention.has_focus),
            (attention.target, QColor(look.soft_accent), True),
        ):
            if node == NO_NODE or node >= self._model.layout.n_nodes:
                continue
            layout = self._model.layout
            ends = camera.u_at(float(layout.start[node])), camera.u_at(float(layout.stop[node]))
            low, high = along(camera, *ends)
            v = max(camera.v_at(float(layout.height[node])) - 5, 0.0)
            if high <= low:
                continue
            box = camera.rect(round(low), round(v), max(round(high - low), 2),
                              round(camera.tree_stop - v))  # fmt: skip
            painter.fillRect(box, colour)
            if has_frame:
                painter.setPen(QPen(QColor(look.accent), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(box.adjusted(0, 0, -1, -1))

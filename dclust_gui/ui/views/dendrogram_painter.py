"""Paints what is in view of a tree: lines, ribbon, names, pictures, the cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from dclust_gui.domain.clustering import PALETTE_SIZE
from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.ui.models.dendrogram_camera import LANE_PX, RIBBON_PX
from dclust_gui.ui.models.dendrogram_shapes import ABOVE_CUT, shapes_of
from dclust_gui.ui.models.dendrogram_strip import COUNT_PX, PICTURE_PX, blocks_of, cells_of
from dclust_gui.ui.models.palette import NO_COLOUR, cluster_colour, mark_pixmap

if TYPE_CHECKING:
    from numpy.typing import NDArray
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
_TWO_LINES_PX = 32
_LEAST_COUNT_PX = 13
_LEAST_MARK_ROOM_PX = 9
_STRAY_PX = 3
_STRAY_LENGTH_PX = 12
_NEUTRAL = PALETTE_SIZE
_ABOVE = PALETTE_SIZE + 1


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
        self._pictures = pictures
        self._marks: dict[tuple[int, bool, float], QPixmap] = {}
        self._fonts = text_fonts(QFont())
        self.cells: list[Cell] = []
        self.blocks: list[Block] = []

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
        self._fonts = text_fonts(painter.font())
        base = QColor(look.base)
        painter.fillRect(camera.rect(0, 0, camera.length_px, camera.depth_px), base)
        self._paint_grid(painter, camera, look)
        self._paint_attention(painter, camera, look, attention)
        self._paint_tree(painter, camera, base, dark=dark)
        self._paint_ribbon(painter, camera, look, dark=dark)
        self._paint_names(painter, camera, look, dark=dark)
        self._paint_strip(painter, camera, look)
        self._paint_axis(painter, camera, look)
        self._paint_cut(painter, camera, look, attention, dark=dark)

    # -- the tree ----------------------------------------------------------------------------

    def _paint_tree(self, painter: QPainter, camera: Camera, base: QColor, *, dark: bool) -> None:
        model = self._model
        shapes = shapes_of(model.layout, model.levels, model.cut, model.cut_heights, camera)
        strong = _tones(dark=dark)
        soft = [mixed(tone, base, 0.62) for tone in strong]
        numbers = self._cut_colours()
        self._fill(painter, camera, shapes.fills, _colours_of(numbers, shapes.fill_colours), soft)
        self._fill(painter, camera, shapes.lines, _colours_of(numbers, shapes.line_colours), strong)

    def _fill(
        self,
        painter: QPainter,
        camera: Camera,
        boxes: NDArray[np.integer],
        numbers: NDArray[np.int64],
        tones: list[QColor],
    ) -> None:
        """Fill boxes given along u and v; single calls are faster here than any batched one."""
        fill = painter.fillRect
        places = boxes if camera.is_upright else boxes[:, [1, 0, 3, 2]]
        for (x, y, width, height), number in zip(places.tolist(), numbers.tolist(), strict=True):
            fill(x, y, width, height, tones[number])

    def _cut_colours(self) -> NDArray[np.int64]:
        """int64 (k,), place in `_tones` of each branch of the cut."""
        return self._lookup()[self._model.cut_clusters]

    def _lookup(self) -> NDArray[np.int64]:
        """Place in `_tones` by cluster id; the last entry answers for Unassigned."""
        clusters = self._model.clusters
        table = np.full(max(clusters, default=0) + 2, _NEUTRAL)
        if clusters:
            table[list(clusters)] = [c.colour % PALETTE_SIZE for c in clusters.values()]
        return table

    # -- ribbon and lane ---------------------------------------------------------------------

    def _paint_ribbon(
        self, painter: QPainter, camera: Camera, look: Colours, *, dark: bool
    ) -> None:
        model = self._model
        first = int(camera.axis_px)
        n = model.layout.n_leaves
        edges = camera.origin + np.arange(int(camera.content_px) + 2) / camera.scale
        centres = np.clip((edges[:-1] + edges[1:]) / 2, 0, n - 1).astype(np.int64)
        tones = self._lookup()[model.labels[centres]]
        v = round(camera.tree_stop) + 1
        runs = np.array(_runs(tones))
        boxes = np.stack(
            [
                first + runs[:, 0],
                np.full(len(runs), v),
                runs[:, 1] - runs[:, 0],
                np.full(len(runs), RIBBON_PX - 1),
            ],
            axis=1,
        )
        self._fill(painter, camera, boxes, runs[:, 2], _tones(dark=dark))
        self._separate(painter, camera, QColor(look.base), v)
        self._paint_strays(painter, camera, look, v, dark=dark)
        places = np.clip(np.rint(edges).astype(np.int64), 0, n)
        places[1:] = np.maximum(places[1:], np.minimum(places[:-1] + 1, n))
        lanes = ((model.selected_sums, look.accent, 0), (model.placed_sums, look.text, 1))
        for sums, colour, offset in lanes:
            if not sums[-1]:
                continue
            has_some = (sums[places[1:]] - sums[places[:-1]] > 0).astype(np.int64)
            for start, stop, is_set in _runs(has_some):
                if is_set:
                    top = v + RIBBON_PX - 1 if offset == 0 else v + RIBBON_PX // 2 - 1
                    thick = LANE_PX if offset == 0 else 2
                    box = camera.rect(first + start, top, stop - start, thick)
                    painter.fillRect(box, QColor(colour))

    def _paint_strays(
        self, painter: QPainter, camera: Camera, look: Colours, v: int, *, dark: bool
    ) -> None:
        """Images that a person put into another cluster: ticks in that cluster's colour."""
        model = self._model
        first, last = np.searchsorted(model.strays, [camera.start, camera.stop])
        positions = model.strays[first:last]
        if not len(positions):
            return
        thick = max(_STRAY_PX, round(camera.scale * 0.5))
        u = np.rint(camera.u_of(positions.astype(np.float64) + 0.5) - thick / 2).astype(np.int64)
        u, chosen = np.unique(u, return_index=True)
        tones = self._lookup()[model.labels[positions[chosen]]]
        boxes = np.stack(
            [
                u,
                np.full(len(u), v - _STRAY_LENGTH_PX),
                np.full(len(u), thick),
                np.full(len(u), RIBBON_PX + _STRAY_LENGTH_PX),
            ],
            axis=1,
        )
        frame = boxes + np.array([-1, -1, 2, 1])
        self._fill(painter, camera, frame, np.zeros(len(u), np.int64), [QColor(look.base)])
        self._fill(painter, camera, boxes, tones, _tones(dark=dark))

    def _separate(self, painter: QPainter, camera: Camera, colour: QColor, v: int) -> None:
        """Thin gaps between neighbouring clusters, where there is room."""
        cut = self._model.cut
        starts = cut.starts[(cut.starts > camera.start) & (cut.starts < camera.stop)]
        if len(starts) * 6 > camera.content_px:
            return
        for u in np.rint(camera.u_of(starts.astype(np.float64))).tolist():
            painter.fillRect(camera.rect(u, v, 1, RIBBON_PX - 1), colour)

    # -- names -------------------------------------------------------------------------------

    def _paint_names(self, painter: QPainter, camera: Camera, look: Colours, *, dark: bool) -> None:
        model, cut = self._model, self._model.cut
        stops = model.layout.stop[cut.nodes]
        low = np.maximum(camera.u_of(cut.starts.astype(np.float64)), camera.axis_px)
        high = np.minimum(camera.u_of(stops.astype(np.float64)), camera.length_px)
        least = _LEAST_NAME_PX if not camera.is_upright else 26
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
        model = self._model
        node = int(model.cut.nodes[number])
        start, stop = int(model.layout.start[node]), int(model.layout.stop[node])
        cluster = int(model.cut_clusters[number])
        title, small = self._fonts
        has_two = room.height() >= _TWO_LINES_PX
        line = 17.0
        top = room.center().y() - (line if has_two else line / 2)
        place = QPointF(room.left(), top + (line - MARK_PX) / 2)
        self._paint_mark(painter, place, model.colour_of(cluster), dark=dark)
        words = model.title_of(cluster)
        count = f"{stop - start:,}"
        text = QRectF(room.left() + MARK_PX + 5, top, room.width() - MARK_PX - 5, line)
        _draw(painter, text, words if has_two else f"{words} · {count}", title, look.text)
        if not has_two:
            return
        quality, placed = model.quality(start, stop), model.n_placed(start, stop)
        notes = [count]
        if placed:
            notes.append(f"{placed:,} by hand")
        elif not np.isnan(quality):
            notes.append(f"quality {quality:.2f}")
        below = " · ".join(notes)
        if QFontMetricsF(small).horizontalAdvance(below) > text.width():
            below = count
        _draw(painter, text.translated(0, line - 1), below, small, look.faint)

    def _paint_mark(self, painter: QPainter, place: QPointF, index: int, *, dark: bool) -> None:
        ratio = painter.device().devicePixelRatio()
        key = (index if index < 0 else index % PALETTE_SIZE, dark, ratio)
        if key not in self._marks:
            self._marks[key] = mark_pixmap(MARK_PX, key[0], dark, ratio)
        painter.drawPixmap(place, self._marks[key])

    # -- pictures ----------------------------------------------------------------------------

    def _paint_strip(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        model = self._model
        self.blocks = blocks_of(model.layout, model.levels, model.cut, camera)
        self.cells = list(cells_of(model.exemplars, self.blocks, camera))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setClipRect(camera.rect(camera.axis_px, 0, camera.content_px, camera.depth_px))
        if camera.scale < PICTURE_PX:
            self._paint_counts(painter, camera, look)
        plate, accent = QColor(look.window), QPen(QColor(look.accent), 2)
        is_upright, ratio = camera.is_upright, painter.device().devicePixelRatio()
        for cell in self.cells:
            x, y = (cell.u, cell.v) if is_upright else (cell.v, cell.u)
            pixmap = self._pictures.picture(model.image_at(cell.position))
            place = (round(x), round(y), round(cell.side_px), round(cell.side_px))
            if pixmap is None:
                painter.fillRect(*place, plate)
            else:
                place = _paint_fitted(painter, pixmap, place, ratio)
            if model.is_selected[cell.position]:
                painter.setPen(accent)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place[0] + 1, place[1] + 1, place[2] - 2, place[3] - 2)
        if camera.scale >= PICTURE_PX:
            self._paint_file_names(painter, camera, look)
        painter.setClipping(False)

    def _paint_counts(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        """Number of images beside the pictures of each branch, with a line where it begins."""
        _, small = self._fonts
        line = QColor(look.border)
        clusters = frozenset(self._model.cut.nodes.tolist())
        for block in self.blocks:
            low = max(camera.u_at(block.start), camera.axis_px)
            high = min(camera.u_at(block.stop), camera.length_px)
            if camera.is_upright:
                place = QRectF(low, camera.strip_start + 8, high - low, 20)
            else:
                place = QRectF(camera.strip_start, low, COUNT_PX - 6, high - low)
            side = (
                Qt.AlignmentFlag.AlignCenter
                if camera.is_upright
                else Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            if block.node not in clusters and high - low >= _LEAST_COUNT_PX:
                _draw(painter, place, f"{block.stop - block.start:,}", small, look.faint, side)
            painter.fillRect(camera.rect(round(low), camera.strip_start, 1, camera.strip_px), line)

    def _paint_file_names(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        _, small = self._fonts
        for cell in self.cells:
            end = cell.v + cell.side_px + 6
            room = camera.depth_px - end - 4
            if camera.is_upright:
                if room < 18:
                    return
                place = QRectF(camera.u_at(cell.block.start) + 3, end, camera.scale - 6, 18)
            else:
                if room < 60:
                    return
                place = QRectF(end, cell.u, room, cell.side_px)
            _draw(painter, place, self._model.name_of(cell.position), small, look.faint)

    # -- axis, cut, attention ----------------------------------------------------------------

    def _paint_grid(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        line = mixed(QColor(look.border), QColor(look.base), 0.55)
        for height in camera.heights.ticks():
            v = round(camera.v_at(height))
            painter.fillRect(camera.rect(camera.axis_px, v, camera.content_px, 1), line)

    def _paint_axis(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        painter.fillRect(camera.rect(0, 0, camera.axis_px, camera.depth_px), QColor(look.base))
        _, small = self._fonts
        for height in camera.heights.ticks():
            v = camera.v_at(height)
            if camera.is_upright:
                place = QRectF(0, v - 9, camera.axis_px - 8, 18)
                side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            else:
                place = QRectF(v - 40, 0, 80, camera.axis_px - 2)
                side = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            _draw(painter, place, f"{height:.4g}", small, look.faint, side)

    def _paint_cut(
        self, painter: QPainter, camera: Camera, look: Colours, attention: Attention, *, dark: bool
    ) -> None:
        model, cut = self._model, self._model.cut
        v = camera.v_at(cut.height)
        accent = QColor(look.accent)
        if v >= 0:
            thick = 3 if attention.is_cut_hot else 1
            box = camera.rect(camera.axis_px, round(v) - thick // 2, camera.content_px, thick)
            painter.fillRect(box, accent)
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
        title, _ = self._fonts
        count = self._model.cut.k
        words = f"{count:,}" if camera.is_upright else f"{count:,} cluster{'s' * (count != 1)}"
        width = QFontMetricsF(title).horizontalAdvance(words) + 16
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
        _draw(painter, box, words, title, look.on_accent, Qt.AlignmentFlag.AlignCenter)

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
            low = max(camera.u_at(float(layout.start[node])), camera.axis_px)
            high = min(camera.u_at(float(layout.stop[node])), camera.length_px)
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


def text_fonts(font: QFont) -> tuple[QFont, QFont]:
    """Fonts of names and of notes, from the window's font."""
    title, small = QFont(font), QFont(font)
    title.setPixelSize(13)
    title.setWeight(QFont.Weight.DemiBold)
    small.setPixelSize(12)
    small.setWeight(QFont.Weight.Normal)
    return title, small


def _paint_fitted(
    painter: QPainter, pixmap: QPixmap, place: tuple[int, int, int, int], ratio: float
) -> tuple[int, int, int, int]:
    """Paint a picture as large as it fits, centred; returns where it is now."""
    x, y, room, _ = place
    width, height = pixmap.width(), pixmap.height()
    longest = max(width, height, 1)
    if ratio == 1.0 and longest == room:
        x, y = x + (room - width) // 2, y + (room - height) // 2
        painter.drawPixmap(x, y, pixmap)
        return x, y, width, height
    shown = (max(round(width * room / longest), 1), max(round(height * room / longest), 1))
    x, y = x + (room - shown[0]) // 2, y + (room - shown[1]) // 2
    painter.drawPixmap(x, y, *shown, pixmap)
    return x, y, *shown


def mixed(colour: QColor, other: QColor, share: float) -> QColor:
    """A colour between two.

    Args:
        colour: The one with `share` of the mixture.
        other: The one with the rest.
        share: 0 to 1.
    """
    rest = 1 - share
    return QColor(
        round(colour.red() * share + other.red() * rest),
        round(colour.green() * share + other.green() * rest),
        round(colour.blue() * share + other.blue() * rest),
    )


def _tones(*, dark: bool) -> list[QColor]:
    """The palette, then the tone of Unassigned, then that of what lies above the cut."""
    above = QColor("#b4b4b4") if dark else QColor("#6a6a6a")
    clusters = [cluster_colour(index, dark) for index in range(PALETTE_SIZE)]
    return [*clusters, cluster_colour(NO_COLOUR, dark), above]


def _colours_of(numbers: NDArray[np.int64], branches: NDArray[np.int32]) -> NDArray[np.int64]:
    """Places in `_tones` of shapes that belong to branches of the cut."""
    return np.where(branches == ABOVE_CUT, _ABOVE, numbers[np.maximum(branches, 0)])


def _runs(values: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Stretches of equal values: start, stop, value."""
    changes = (np.flatnonzero(np.diff(values)) + 1).tolist()
    starts, stops = [0, *changes], [*changes, len(values)]
    return list(zip(starts, stops, values[starts].tolist(), strict=True))


def _draw(
    painter: QPainter,
    place: QRectF,
    words: str,
    font: QFont,
    colour: str,
    side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
) -> None:
    """One line of text, shortened in the middle where it does not fit."""
    if place.width() < 10:
        return
    painter.setFont(font)
    painter.setPen(QColor(colour))
    metrics = QFontMetricsF(font)
    if metrics.horizontalAdvance(words) > place.width():
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, side | Qt.TextFlag.TextSingleLine, words)

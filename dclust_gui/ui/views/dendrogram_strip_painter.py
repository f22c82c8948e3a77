"""Paints the pictures beside the tree, with counts of branches or names of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from dclust_gui.ui.models.dendrogram_strip import COUNT_PX, PICTURE_PX, blocks_of, cells_of
from dclust_gui.ui.views.dendrogram_text import along

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

    from dclust_gui.ui.models.dendrogram_camera import Camera
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel
    from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures
    from dclust_gui.ui.models.dendrogram_strip import Block, Cell
    from dclust_gui.ui.views.dendrogram_text import TextPainter
    from dclust_gui.ui.views.theme import Colours

_LEAST_COUNT_PX = 13
_HIDDEN_OPACITY = 0.22


class StripPainter:
    """Paints the strip, and remembers which pictures it painted where.

    Args:
        model: The tree and its clusters.
        pictures: Its thumbnails.

    Attributes:
        cells: The pictures of the last frame.
        blocks: The ranges of leaves that they stand for.
    """

    def __init__(self, model: DendrogramModel, pictures: DendrogramPictures) -> None:
        self._model = model
        self._pictures = pictures
        self.cells: list[Cell] = []
        self.blocks: list[Block] = []

    def paint(self, painter: QPainter, camera: Camera, look: Colours, text: TextPainter) -> None:
        """Paint what is in view; afterwards `cells` and `blocks` say what that is.

        Args:
            painter: Where.
            camera: What is in view.
            look: Colours of the window.
            text: Paints words.
        """
        model = self._model
        self.blocks = blocks_of(model.layout, model.levels, model.cut, camera)
        self.cells = list(cells_of(model.exemplars, self.blocks, camera))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setClipRect(camera.rect(camera.axis_px, 0, camera.content_px, camera.depth_px))
        has_names = camera.scale >= PICTURE_PX
        if not has_names:
            self._paint_counts(painter, camera, look, text)
        self._paint_pictures(painter, camera, look)
        if has_names:
            self._paint_file_names(painter, camera, look, text)
        painter.setClipping(False)

    def _paint_pictures(self, painter: QPainter, camera: Camera, look: Colours) -> None:
        model, sums = self._model, self._model.match_sums
        picture_of, image_at = self._pictures.picture, model.image_at
        plate = QColor(look.window)
        is_upright, ratio = camera.is_upright, painter.device().devicePixelRatio()
        selected: list[tuple[int, int, int, int]] = []
        for position, u, v, side_px, _ in self.cells:
            x, y = (u, v) if is_upright else (v, u)
            place = (round(x), round(y), round(side_px), round(side_px))
            is_hidden = sums is not None and sums[position + 1] == sums[position]
            if is_hidden:
                painter.setOpacity(_HIDDEN_OPACITY)
            pixmap = picture_of(image_at(position))
            if pixmap is None:
                painter.fillRect(*place, plate)
            else:
                place = _paint_fitted(painter, pixmap, place, ratio)
            if is_hidden:
                painter.setOpacity(1.0)
            if model.is_selected[position]:
                selected.append(place)
        painter.setPen(QPen(QColor(look.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for x, y, width, height in selected:
            painter.drawRect(x + 1, y + 1, width - 2, height - 2)

    def _paint_counts(
        self, painter: QPainter, camera: Camera, look: Colours, text: TextPainter
    ) -> None:
        """Number of images beside the pictures of each branch, with a line where it begins."""
        model, line = self._model, QColor(look.border)
        centre = Qt.AlignmentFlag.AlignCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        clusters = frozenset(model.cut.nodes.tolist())
        strip_start, strip_px, is_upright = camera.strip_start, camera.strip_px, camera.is_upright
        for block in self.blocks:
            low, high = along(camera, camera.u_at(block.start), camera.u_at(block.stop))
            painter.fillRect(camera.rect(round(low), strip_start, 1, strip_px), line)
            # The count of a whole cluster stands below its name.
            if block.node in clusters or high - low < _LEAST_COUNT_PX:
                continue
            if is_upright:
                place, side = QRectF(low, strip_start + 8, high - low, 20), centre
            else:
                place, side = QRectF(strip_start, low, COUNT_PX - 6, high - low), right
            words = model.count_words(block.start, block.stop)
            if text.width(words, text.small) > place.width():
                words = f"{model.n_matching(block.start, block.stop):,}"
            text.draw(painter, place, words, text.small, look.faint, side)

    def _paint_file_names(
        self, painter: QPainter, camera: Camera, look: Colours, text: TextPainter
    ) -> None:
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
            name = self._model.name_of(cell.position)
            text.draw(painter, place, name, text.small, look.faint)


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

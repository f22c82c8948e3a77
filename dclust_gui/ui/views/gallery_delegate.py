"""Paints the cells and headers of the gallery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from dclust_gui.ui.models.gallery_cell import PictureState
from dclust_gui.ui.models.gallery_model import GalleryRole
from dclust_gui.ui.models.palette import mark_pixmap
from dclust_gui.ui.views.gallery_badges import (
    badge_pixmap,
    canvas,
    stack_pixmap,
    unreadable_pixmap,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.ui.models.gallery_cell import Badge, CellLook

PADDING_PX = 6
HEADER_PX = 34
_CAPTION_FROM_PX = 80
_MARK_PX = 12
_RADIUS = 6.0
_ELIDED_NAMES = 20_000
_NO_PEN = Qt.PenStyle.NoPen
_NO_BRUSH = Qt.BrushStyle.NoBrush
_ANTIALIASING = QPainter.RenderHint.Antialiasing


@dataclass(frozen=True, slots=True)
class Shades:
    """Colours of the gallery in one palette."""

    is_dark: bool
    ground: QColor
    plate: QColor
    hairline: QColor
    text: QColor
    dim_text: QColor
    hover: QColor
    selected: QColor
    selected_edge: QColor
    focus: QColor


def mixed(a: QColor, b: QColor, share: float) -> QColor:
    """The colour that lies `share` of the way from a to b."""
    parts = zip((a.red(), a.green(), a.blue()), (b.red(), b.green(), b.blue()), strict=True)
    return QColor(*[round(x + (y - x) * share) for x, y in parts])


def shades_of(palette: QPalette) -> Shades:
    """The gallery's colours for a palette, light or dark."""
    base, text = palette.base().color(), palette.text().color()
    accent = palette.highlight().color()
    is_dark = base.lightness() < 128
    ground = mixed(base, text, 0.02 if is_dark else 0.03)
    return Shades(
        is_dark,
        ground,
        plate=mixed(base, text, 0.10 if is_dark else 0.075),
        hairline=mixed(base, text, 0.28 if is_dark else 0.20),
        text=text,
        dim_text=mixed(base, text, 0.62),
        hover=mixed(ground, text, 0.07),
        selected=mixed(base, accent, 0.42 if is_dark else 0.26),
        selected_edge=mixed(accent, text, 0.35 if is_dark else 0.0),
        focus=mixed(accent, text, 0.55),
    )


class GalleryDelegate(QStyledItemDelegate):
    """One size for all cells: a thumbnail on a plate, below it the cluster's mark and the name."""

    def __init__(self) -> None:
        super().__init__()
        self._side = 160
        self._ratio = 1.0
        self._font = QFont()
        self._metrics = QFontMetrics(self._font)
        self._caption_px = 0
        self._shades = shades_of(QPalette())
        self._elided: dict[str, tuple[str, int]] = {}
        self._signs: dict[object, QPixmap] = {}
        self.set_style(QFont(), QPalette(), 1.0)

    @property
    def shades(self) -> Shades:
        """The colours in use."""
        return self._shades

    @property
    def side(self) -> int:
        """Side of a thumbnail's square, device-independent pixels."""
        return self._side

    @property
    def cell_size(self) -> QSize:
        """Size of every cell."""
        return QSize(self._side + 2 * PADDING_PX, self._side + 2 * PADDING_PX + self._caption_px)

    def set_side(self, side: int) -> None:
        """Use another size of thumbnails."""
        if side != self._side:
            self._side = side
            self._measure()

    def set_style(self, font: QFont, palette: QPalette, ratio: float) -> None:
        """Take over the view's font, colours and device pixel ratio."""
        self._font = QFont(font)
        self._metrics = QFontMetrics(self._font)
        self._shades = shades_of(palette)
        self._ratio = ratio
        self._measure()

    def picture_rect(self, cell: QRect) -> QRect:
        """The square in which a cell's thumbnail is centred."""
        return QRect(cell.x() + PADDING_PX, cell.y() + PADDING_PX, self._side, self._side)

    def paint_header(
        self, painter: QPainter, rect: QRect, title: str, count: str, colour: int, *, hot: bool
    ) -> None:
        """Paint a section's header.

        Args:
            painter: Active on the view.
            rect: Where.
            title: The cluster's name.
            count: `12 images`.
            colour: Palette index.
            hot: Images dragged over it would go there.
        """
        shades = self._shades
        painter.fillRect(rect, shades.selected if hot else shades.ground)
        mark = self._mark(colour)
        middle = rect.center().y()
        painter.drawPixmap(QPoint(rect.x() + 14, middle - _MARK_PX // 2), mark)
        bold = QFont(self._font)
        bold.setBold(True)
        painter.setFont(bold)
        painter.setPen(shades.text)
        metrics = QFontMetrics(bold)
        left = rect.x() + 14 + _MARK_PX + 10
        room = max(40, rect.width() - left - self._metrics.horizontalAdvance(count) - 32)
        name = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room)
        line = QRect(left, rect.y(), room, rect.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, name)
        left += metrics.horizontalAdvance(name) + 10
        painter.setFont(self._font)
        painter.setPen(shades.dim_text)
        rest = QRect(left, rect.y(), max(0, rect.right() - left), rect.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, count)
        edge = left + self._metrics.horizontalAdvance(count) + 12
        painter.setPen(shades.hairline)
        if edge < rect.right() - 14:
            painter.drawLine(edge, middle, rect.right() - 14, middle)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one cell of any view."""
        state = option.state
        self.paint_cell(
            painter,
            option.rect,
            index.data(GalleryRole.LOOK),
            is_selected=bool(state & QStyle.StateFlag.State_Selected),
            is_hovered=bool(state & QStyle.StateFlag.State_MouseOver),
            has_focus=bool(state & QStyle.StateFlag.State_HasFocus),
        )

    def paint_cell(
        self,
        painter: QPainter,
        cell: QRect,
        look: CellLook,
        *,
        is_selected: bool = False,
        is_hovered: bool = False,
        has_focus: bool = False,
    ) -> None:
        """Paint one cell whose look is known.

        Args:
            painter: Active on the view, with the view's font.
            cell: Where.
            look: What it shows.
            is_selected: The image is selected.
            is_hovered: The mouse is over it.
            has_focus: Keys act on it.
        """
        if is_selected:
            painter.drawPixmap(cell.topLeft(), self._sign("selected", self._selected_back))
        elif is_hovered:
            _paint_box(painter, cell, _NO_PEN, self._shades.hover)
        square = self.picture_rect(cell)
        if look.picture is not None:
            picture = self._paint_picture(painter, square, look.picture)
        else:
            picture = square
            painter.drawPixmap(square.topLeft(), self._plate(look.state))
        if look.badges:
            self._paint_badges(painter, picture, look)
        if look.stack:
            painter.drawPixmap(QPoint(picture.left() + 3, picture.top() + 4), self._stack(look))
        if self._caption_px:
            self._paint_caption(painter, cell, look)
        else:
            corner = QPoint(square.left() - 4, square.bottom() - _MARK_PX + 1)
            painter.drawPixmap(corner, self._corner_mark(look.colour))
        if has_focus:
            pen = QPen(self._shades.focus, 1.5, Qt.PenStyle.DashLine)
            _paint_box(painter, cell.adjusted(3, 3, -3, -3), pen, _NO_BRUSH)

    def sizeHint(
        self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """The one size of all cells."""
        return self.cell_size

    # -- inside ----------------------------------------------------------------------------

    def _measure(self) -> None:
        is_wide = self._side >= _CAPTION_FROM_PX
        self._caption_px = self._metrics.height() + 6 if is_wide else 0
        self._elided.clear()
        self._signs.clear()

    def _caption(self, name: str) -> tuple[str, int]:
        """A name cut to the cell's width, and how wide it is."""
        known = self._elided.get(name)
        if known is None:
            room = self._side - _MARK_PX - 6
            text = self._metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
            if len(self._elided) >= _ELIDED_NAMES:
                self._elided.clear()
            known = self._elided[name] = text, self._metrics.horizontalAdvance(text)
        return known

    def _mark(self, colour: int) -> QPixmap:
        return self._sign(
            ("mark", colour),
            lambda: mark_pixmap(_MARK_PX, colour, self._shades.is_dark, self._ratio),
        )

    def _badge(self, badge: Badge) -> QPixmap:
        return self._sign(badge, lambda: badge_pixmap(badge, self._ratio))

    def _stack(self, look: CellLook) -> QPixmap:
        return self._sign(
            ("stack", look.stack, look.is_bracket),
            lambda: stack_pixmap(look.stack, self._ratio, is_bracket=look.is_bracket),
        )

    def _sign(self, key: object, make: Callable[[], QPixmap]) -> QPixmap:
        """A small picture, painted once."""
        known = self._signs.get(key)
        if known is None:
            known = self._signs[key] = make()
        return known

    def _paint_picture(self, painter: QPainter, square: QRect, pixmap: QPixmap) -> QRect:
        """Paint the whole picture in the middle of its square; returns where it lies."""
        wide, high = pixmap.width(), pixmap.height()
        side = round(self._side * self._ratio)
        longest = max(wide, high, 1)
        is_exact = longest == side and pixmap.devicePixelRatio() == self._ratio
        scale = 1.0 if is_exact else side / longest
        width = max(1.0, wide * scale / self._ratio)
        height = max(1.0, high * scale / self._ratio)
        left = square.x() + (square.width() - width) / 2
        top = square.y() + (square.height() - height) / 2
        at = QPointF(
            round(left * self._ratio) / self._ratio, round(top * self._ratio) / self._ratio
        )
        if is_exact:
            painter.drawPixmap(at, pixmap)
        else:
            painter.drawPixmap(QRectF(at.x(), at.y(), width, height), pixmap, QRectF(pixmap.rect()))
        return QRectF(at.x(), at.y(), width, height).toRect()

    def _plate(self, state: PictureState) -> QPixmap:
        """What stands where there is no picture: calm while loading, marked when unreadable."""
        return self._sign(state, lambda: self._painted_plate(state))

    def _selected_back(self) -> QPixmap:
        size = self.cell_size
        picture, painter = canvas(size.width(), size.height(), self._ratio)
        edge = QPen(self._shades.selected_edge, 2)
        _paint_box(painter, QRect(0, 0, size.width(), size.height()), edge, self._shades.selected)
        painter.end()
        return picture

    def _painted_plate(self, state: PictureState) -> QPixmap:
        picture, painter = canvas(self._side, self._side, self._ratio)
        inset = max(3, self._side // 16)
        box = QRect(inset, inset, self._side - 2 * inset, self._side - 2 * inset)
        if state is PictureState.UNREADABLE:
            _paint_box(
                painter, box, QPen(self._shades.hairline, 1.5, Qt.PenStyle.DashLine), _NO_BRUSH
            )
            side = min(56, self._side // 2)
            sign = unreadable_pixmap(side, self._shades.dim_text, self._ratio)
            painter.drawPixmap(QRectF(box).center() - QPointF(side / 2, side / 2), sign)
        else:
            _paint_box(painter, box, _NO_PEN, self._shades.plate)
        painter.end()
        return picture

    def _corner_mark(self, colour: int) -> QPixmap:
        """Small cells have no caption: the mark lies on a corner of the thumbnail instead."""
        return self._sign(("corner", colour), lambda: self._painted_corner_mark(colour))

    def _painted_corner_mark(self, colour: int) -> QPixmap:
        picture, painter = canvas(_MARK_PX + 4, _MARK_PX + 4, self._ratio)
        painter.setPen(_NO_PEN)
        painter.setBrush(self._shades.ground)
        painter.drawEllipse(QRectF(0, 0, _MARK_PX + 4, _MARK_PX + 4))
        painter.drawPixmap(2, 2, self._mark(colour))
        painter.end()
        return picture

    def _paint_badges(self, painter: QPainter, picture: QRect, look: CellLook) -> None:
        right = picture.right() - 3
        for badge in look.badges:
            sign = self._badge(badge)
            width = round(sign.width() / self._ratio)
            if right - width < picture.left() - 2 and badge is not look.badges[0]:
                break
            painter.drawPixmap(QPoint(right - width, picture.top() + 4), sign)
            right -= width + 3

    def _paint_caption(self, painter: QPainter, cell: QRect, look: CellLook) -> None:
        top = cell.y() + PADDING_PX + self._side + 4
        text, text_width = self._caption(look.name)
        left = cell.x() + (cell.width() - text_width - _MARK_PX - 5) // 2
        mark = self._mark(look.colour)
        height = self._metrics.height()
        painter.drawPixmap(QPoint(left, top + (height - _MARK_PX) // 2), mark)
        painter.setPen(self._shades.text)
        painter.drawText(left + _MARK_PX + 5, top + self._metrics.ascent(), text)


def _paint_box(
    painter: QPainter, rect: QRect, pen: QPen | Qt.PenStyle, brush: QColor | Qt.BrushStyle
) -> None:
    """Paint a box with round corners, the line inside it."""
    painter.setRenderHint(_ANTIALIASING)
    painter.setPen(pen)
    painter.setBrush(brush)
    inset = pen.widthF() / 2 if isinstance(pen, QPen) else 0.0
    box = QRectF(rect).adjusted(inset, inset, -inset, -inset)
    painter.drawRoundedRect(box, _RADIUS - inset, _RADIUS - inset)

"""Sections of pictures, in one column or two: parts of a split, examples, sides of a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.palette import paint_mark
from dclust_gui.ui.views.comparison_strips import middle_of
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

GAP = 4
_MARK = 14
_HEAD = GRID * 4
_BETWEEN = GRID
_ROUND = 3
_SIGN = 20
_OUT, _FADED = 0.3, 0.55
"""Opacity of pictures that are taken out, and of those that are not meant."""


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Pictures under a heading.

    Attributes:
        title: In the colour of text; cut where there is no room.
        detail: After it, fainter; never cut.
        images: int32 (m,), ids.
        colour: Palette index of a cluster's mark; None for none.
        n_lines: Lines of pictures at most; those that do not fit are counted. 0 for all.
        is_checkable: A click takes a picture out, or in again.
        is_faded: The pictures are paler: they are not meant.
        column: 0 for the left, 1 for the right of two columns.
        n_all: How many there are, where `images` has only the first of them; 0 for no more.
        title_room: Width that another widget takes in the title's place; 0 for none.
    """

    title: str
    detail: str
    images: NDArray[np.int32]
    colour: int | None = None
    n_lines: int = 0
    is_checkable: bool = False
    is_faded: bool = False
    column: int = 0
    n_all: int = 0
    title_room: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a section lies: its corner, pictures in a line, pictures shown."""

    left: int
    top: int
    n_across: int
    n_shown: int


class SectionGrid(QWidget):
    """Paints what is in sight and loads its pictures; as high as its sections need.

    Args:
        loader: Brings thumbnails; nothing else in sight may use it.
        side: Side of a picture in device-independent pixels.
        parent: Owner.

    Signals:
        preview_requested: id of an image to show large.
        unchecked_changed: Other images are taken out now.
        current_moved: The keys went to this place (QRect).
        laid_out: Headings are at other places now; see `title_rect`.
    """

    preview_requested = Signal(int)
    unchecked_changed = Signal()
    current_moved = Signal(QRect)
    laid_out = Signal()

    def __init__(
        self, loader: ThumbnailLoader, side: int = GRID * 9, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._wanted = self._side = side
        self._sections: tuple[Section, ...] = ()
        self._places: tuple[_Place, ...] = ()
        self._files = ImageFiles()
        self._unchecked: set[int] = set()
        self._current = (0, 0)
        self._pictures = DendrogramPictures(loader, self, self)
        self._pictures.arrived.connect(self.update)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Pictures")

    # -- what is shown -----------------------------------------------------------------------

    @property
    def sections(self) -> tuple[Section, ...]:
        """What is shown."""
        return self._sections

    @property
    def unchecked(self) -> frozenset[int]:
        """Ids of the images that were taken out."""
        return frozenset(self._unchecked)

    def path_of(self, image: int) -> Path:
        """An image's file."""
        return self._files.path_of(image)

    def content_of(self, image: int) -> bytes:
        """An image's content hash."""
        return self._files.content_of(image)

    def set_files(self, files: ImageFiles) -> None:
        """Ids mean these files from now on; forgets what was taken out."""
        if files.images is not self._files.images:
            self._pictures.clear()
        self._files = files
        self._unchecked.clear()

    def restore_unchecked(self, images: Iterable[int]) -> None:
        """Take out exactly these images."""
        self._unchecked = set(images)
        self.update()

    def set_sections(self, sections: Sequence[Section]) -> None:
        """Show other sections; what was taken out stays so."""
        self._sections = tuple(sections)
        if self._current[0] >= len(self._sections):
            self._current = (0, 0)
        words = [f"{s.title}, {s.detail}".strip(", ") for s in self._sections[:20]]
        self.setAccessibleDescription(". ".join(words))
        self._lay_out()

    def set_side(self, side: int) -> None:
        """Show pictures of another size."""
        if side != self._wanted:
            self._wanted = side
            self._lay_out()

    # -- where things are --------------------------------------------------------------------

    def _room(self) -> tuple[int, int]:
        """Number of columns, width of each."""
        n_columns = 1 + max((s.column for s in self._sections), default=0)
        return n_columns, (self.width() - GRID * 2 * (n_columns - 1)) // n_columns

    def _lay_out(self) -> None:
        n_columns, room = self._room()
        n_across = max(1, (room + GAP) // (self._wanted + GAP))
        # Lines are filled: cells grow to the width that there is.
        self._side = max(16, min((room + GAP) // n_across - GAP, self._wanted * 3 // 2))
        tops = [0] * n_columns
        places = []
        for section in self._sections:
            n = len(section.images)
            n_shown = min(n, n_across * section.n_lines) if section.n_lines else n
            left = section.column * (room + GRID * 2)
            places.append(_Place(left, tops[section.column], n_across, n_shown))
            n_rows = -(-n_shown // n_across)
            tops[section.column] += _HEAD + n_rows * (self._side + GAP) + _BETWEEN
        self._places = tuple(places)
        self.setFixedHeight(max(tops, default=0) or _HEAD)
        self.update()
        self.laid_out.emit()

    def title_rect(self, section: int) -> QRect:
        """Where a section's title is, or what stands in its place."""
        known, place = self._sections[section], self._places[section]
        left = place.left + (0 if known.colour is None else _MARK + GRID)
        width = min(known.title_room or self._room()[1], self._room()[1])
        return QRect(left, place.top, width, _HEAD)

    def cell_rect(self, section: int, number: int) -> QRect:
        """Where a picture is."""
        place = self._places[section]
        row, column = divmod(number, place.n_across)
        step = self._side + GAP
        return QRect(
            place.left + column * step, place.top + _HEAD + row * step, self._side, self._side
        )

    def cell_at(self, point: QPoint) -> tuple[int, int] | None:
        """Section and number of the picture at a point; None beside all."""
        step = self._side + GAP
        for section, place in enumerate(self._places):
            row = (point.y() - place.top - _HEAD) // step
            column = (point.x() - place.left) // step
            number = row * place.n_across + column
            is_inside = 0 <= column < place.n_across and row >= 0 and number < place.n_shown
            if is_inside and self.cell_rect(section, number).contains(point):
                return section, number
        return None

    def _in_sight(self, section: int, rect: QRect) -> range:
        """Numbers of a section's pictures that a rectangle touches."""
        place, step = self._places[section], self._side + GAP
        first = max(0, (rect.top() - place.top - _HEAD) // step)
        last = (rect.bottom() - place.top - _HEAD) // step
        return range(
            min(place.n_shown, first * place.n_across),
            max(0, min(place.n_shown, (last + 1) * place.n_across)),
        )

    def _image(self, section: int, number: int) -> int:
        return int(self._sections[section].images[number])

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is in sight, and ask for its pictures."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        sight = self.visibleRegion().boundingRect()
        wanted: dict[int, None] = {}
        for number, section in enumerate(self._sections):
            place = self._places[number]
            if QRect(0, place.top, self.width(), _HEAD).intersects(event.rect()):
                self._paint_head(painter, section, place)
            for cell in self._in_sight(number, event.rect()):
                self._paint_cell(painter, number, cell)
            wanted |= dict.fromkeys(self._image(number, c) for c in self._in_sight(number, sight))
        painter.end()
        self._pictures.want(wanted, request_side(self._side * 4 / 3, self.devicePixelRatioF()))

    def _paint_head(self, painter: QPainter, section: Section, place: _Place) -> None:
        left, metrics = place.left, self.fontMetrics()
        if section.colour is not None:
            mark = QRectF(left, place.top + (_HEAD - _MARK) / 2, _MARK, _MARK)
            paint_mark(painter, mark, section.colour, is_dark(self.palette()))
            left += _MARK + GRID
        right = place.left + self._room()[1]
        detail = metrics.horizontalAdvance(section.detail) + GRID if section.detail else 0
        room = max(0, right - left - detail)
        title = metrics.elidedText(section.title, Qt.TextElideMode.ElideMiddle, room)
        align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        if section.title_room:
            left += section.title_room + GRID
        else:
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            painter.drawText(QRect(left, place.top, room + 2, _HEAD), align, title)
            left += metrics.horizontalAdvance(title) + GRID
        painter.setPen(QColor(colours(self.palette()).faint))
        painter.drawText(QRect(left, place.top, right - left + 2, _HEAD), align, section.detail)

    def _paint_cell(self, painter: QPainter, section: int, number: int) -> None:
        look, known, place = colours(self.palette()), self._sections[section], self._places[section]
        image, box = self._image(section, number), QRectF(self.cell_rect(section, number))
        is_out = known.is_checkable and image in self._unchecked
        shape = QPainterPath()
        shape.addRoundedRect(box, _ROUND, _ROUND)
        painter.fillPath(shape, QColor(look.border))
        picture = self._pictures.picture(image)
        if picture is not None:
            painter.save()
            painter.setClipPath(shape)
            painter.setOpacity(_OUT if is_out else _FADED if known.is_faded else 1.0)
            painter.drawPixmap(box, picture, middle_of(picture))
            painter.restore()
        n_all = max(known.n_all, len(known.images))
        if number == place.n_shown - 1 and place.n_shown < n_all:
            painter.fillPath(shape, QColor(0, 0, 0, 150))
            painter.setPen(QColor(255, 255, 255))
            n_more = n_all - place.n_shown + 1
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), f"+{n_more:,}")
        elif known.is_checkable:
            self._paint_sign(painter, box, is_in=not is_out)
        if (section, number) == self._current and self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.accent), 2.5))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), _ROUND, _ROUND)

    def _paint_sign(self, painter: QPainter, box: QRectF, *, is_in: bool) -> None:
        """A tick where a picture is in, an empty ring where it is taken out."""
        look = colours(self.palette())
        sign = QRectF(box.right() - _SIGN - 3, box.top() + 3, _SIGN, _SIGN)
        painter.setPen(QPen(QColor(look.on_accent if is_in else look.faint), 1.5))
        painter.setBrush(QColor(look.accent if is_in else look.base))
        painter.drawEllipse(sign)
        if is_in:
            corner = sign.topLeft()
            painter.setPen(QPen(QColor(look.on_accent), 2))
            steps = (QPointF(5.5, 10.5), QPointF(8.7, 13.7), QPointF(14.5, 7))
            painter.drawPolyline([corner + step for step in steps])

    # -- mouse and keys ----------------------------------------------------------------------

    def _act(self, section: int, number: int) -> None:
        """Take a picture out or in; show one large where there is nothing to choose."""
        image = self._image(section, number)
        if not self._sections[section].is_checkable:
            self.preview_requested.emit(image)
            return
        self._unchecked ^= {image}
        self.update()
        self.unchecked_changed.emit()

    def event(self, event: QEvent) -> bool:
        """Tell an image's name under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self.cell_at(event.pos())
            text = self._files.name_of(self._image(*cell)) if cell else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the picture under the pointer."""
        cell = self.cell_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self._current = cell
            self.update()
            self._act(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk by arrows; Space chooses."""
        key = Qt.Key(event.key())
        section, number = self._current
        has_current = section < len(self._places) and number < self._places[section].n_shown
        if key == Qt.Key.Key_Space and has_current:
            self._act(section, number)
        elif not self._walk(key):
            super().keyPressEvent(event)

    def _walk(self, key: Qt.Key) -> bool:
        """Take the focus to a neighbour; False for other keys."""
        if not self._places:
            return False
        section, number = self._current
        across, n_shown = self._places[section].n_across, self._places[section].n_shown
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -across,
            Qt.Key.Key_Down: across,
        }.get(key)
        if step is None:
            return False
        if 0 <= number + step < n_shown:
            self._current = (section, number + step)
        else:
            way = 1 if step > 0 else -1
            section += way
            while 0 <= section < len(self._places) and not self._places[section].n_shown:
                section += way
            if not 0 <= section < len(self._places):
                return True
            self._current = (section, 0 if way > 0 else self._places[section].n_shown - 1)
        self.update()
        self.current_moved.emit(self.cell_rect(*self._current))
        return True

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keys are."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show no longer where the keys were."""
        super().focusOutEvent(event)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the sections anew."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._lay_out()


def image_ids(images: Sequence[int]) -> NDArray[np.int32]:
    """Ids as a section has them."""
    return np.asarray(images, np.int32)

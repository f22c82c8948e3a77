"""Groups of copies, one below the other: pictures side by side, the best one marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip

from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.duplicate_painter import (
    N_LINES,
    CopyGroup,
    paint_badge,
    paint_focus,
    paint_frame,
    paint_head,
    paint_picture,
    paint_text,
    paint_words,
)
from dclust_gui.ui.views.message_bar import announce
from dclust_gui.ui.views.theme import GRID, Colours, colours

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import (
        QContextMenuEvent,
        QFocusEvent,
        QMouseEvent,
        QPaintEvent,
        QResizeEvent,
    )
    from PySide6.QtWidgets import QWidget

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

SIDE = GRID * 17
_CELL = SIDE + GRID
_HEAD = GRID * 4
_PAD = GRID
_GAP = GRID
_NEAR = 100
"""How many groups away a picture is looked for that has the focus."""
_MOVES = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


class DuplicateList(QAbstractScrollArea):
    """Paints the groups in sight and loads their pictures only.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        current_changed: Another group or picture has the focus.
        compare_requested: Look at the group large, one picture after the other.
        command_requested: A letter that stands for a command on the group: see `COMMAND_KEYS`.
        menu_requested: Place (QPoint, global) for the menu of the current group.
    """

    COMMAND_KEYS = "BISX"
    """Make best, ignore the others, select the others, no duplicates."""

    current_changed = Signal()
    compare_requested = Signal()
    command_requested = Signal(str)
    menu_requested = Signal(QPoint)

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: Sequence[CopyGroup] = ()
        self._files = ImageFiles()
        self._group = self._cell = self._room_below = 0
        self._last_image = -1
        self._pictures = DendrogramPictures(loader, self, self)
        self._pictures.arrived.connect(self.viewport().update)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Groups of duplicates")

    # -- what is shown -----------------------------------------------------------------------

    @property
    def groups(self) -> Sequence[CopyGroup]:
        """What is shown."""
        return self._groups

    @property
    def files(self) -> ImageFiles:
        """The files that ids mean."""
        return self._files

    @property
    def current(self) -> int:
        """The group with the focus; -1 where there is none."""
        return self._group if len(self._groups) else -1

    @property
    def current_image(self) -> int:
        """The picture with the focus; -1 where there is none."""
        return self._groups[self._group].cells[self._cell].image if len(self._groups) else -1

    def path_of(self, image: int) -> Path:
        """An image's file."""
        return self._files.path_of(image)

    def content_of(self, image: int) -> bytes:
        """An image's content hash."""
        return self._files.content_of(image)

    def set_groups(self, groups: Sequence[CopyGroup], files: ImageFiles) -> None:
        """Show other groups; the focus stays on the same picture, or at the same place.

        Args:
            groups: Asked for one by one when they come into sight, so that they may be many.
            files: Where images are.
        """
        if files.images is not self._files.images:
            self._pictures.clear()
        place, same = self._group, None
        self._groups, self._files = groups, files
        if len(groups):  # else the place is kept for when they come back
            near = range(max(0, place - _NEAR), min(len(groups), place + _NEAR))
            cells = ((g, c, cell) for g in near for c, cell in enumerate(groups[g].cells))
            same = next(((g, c) for g, c, cell in cells if cell.image == self._last_image), None)
            self._group, self._cell = same or (min(place, len(groups) - 1), 0)
        self._settle_bar()
        if same is not None:  # the group stays where it is seen
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + (self._group - place) * self._step())
        self.viewport().update()
        self._tell()

    def set_current(self, group: int, cell: int = 0) -> None:
        """Put the focus on a picture and scroll there."""
        if not self._groups:
            return
        group = max(0, min(group, len(self._groups) - 1))
        cell = max(0, min(cell, len(self._groups[group].cells) - 1))
        if (group, cell) != (self._group, self._cell):
            self._group, self._cell = group, cell
            self._tell()
        bar, top = self.verticalScrollBar(), group * self._step()
        if top < bar.value():
            bar.setValue(top)
        elif top + self._step() > bar.value() + self._height():
            bar.setValue(top + self._step() - self._height())
        self.viewport().update()

    def _tell(self) -> None:
        if self._groups:
            group = self._groups[self._group]
            cell = group.cells[self._cell]
            self._last_image = cell.image
            words = f"{group.title}. {cell.name}, {cell.facts}, {cell.verdict}"
            self.setAccessibleDescription(words)
            if self.hasFocus():
                announce(self, words)
        self.current_changed.emit()

    # -- where things are --------------------------------------------------------------------

    def _text_height(self) -> int:
        return self.fontMetrics().height() * N_LINES + GRID

    def _step(self) -> int:
        return _HEAD + SIDE + self._text_height() + _PAD + _GAP

    def _n_fit(self) -> int:
        return max(1, (self.viewport().width() - 2 * _PAD) // _CELL)

    def _shown(self, group: int) -> range:
        """The pictures of a group for which there is room; those round the focus."""
        n, n_fit = len(self._groups[group].cells), self._n_fit()
        first = max(0, self._cell - n_fit + 1) if group == self._group else 0
        return range(first, min(n, first + n_fit))

    def _height(self) -> int:
        """Of what nothing lies over."""
        return max(self._step(), self.viewport().height() - self._room_below)

    def set_room_below(self, room_px: int) -> None:
        """Let the last group be scrolled above something that lies over the lower edge."""
        self._room_below = room_px
        self._settle_bar()

    def _settle_bar(self) -> None:
        height = self._height()
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, len(self._groups) * self._step() - _GAP - height))
        bar.setPageStep(height)
        bar.setSingleStep(self._step() // 4)

    def card_rect(self, group: int) -> QRect:
        """Where a group is in the viewport."""
        top = group * self._step() - self.verticalScrollBar().value()
        return QRect(0, top, self.viewport().width(), self._step() - _GAP)

    def cell_rect(self, group: int, cell: int) -> QRect:
        """Where a picture is in the viewport."""
        card, place = self.card_rect(group), cell - self._shown(group).start
        return QRect(_PAD + place * _CELL, card.top() + _HEAD, SIDE, SIDE)

    def cell_at(self, point: QPoint) -> tuple[int, int] | None:
        """Group and picture at a place; a group's first one beside its pictures."""
        group, below = divmod(point.y() + self.verticalScrollBar().value(), self._step())
        if not 0 <= group < len(self._groups) or below >= self._step() - _GAP:
            return None
        shown = self._shown(group)
        cell = shown.start + (point.x() - _PAD) // _CELL
        return group, cell if below >= _HEAD and cell in shown else shown.start

    def _in_sight(self) -> range:
        top, step = self.verticalScrollBar().value(), self._step()
        last = (top + self.viewport().height()) // step + 1
        return range(top // step, min(last, len(self._groups)))

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint what is in sight, and ask for its pictures."""
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        look = colours(self.palette())
        wanted: list[int] = []
        for group in self._in_sight():
            self._paint_card(painter, group, look)
            cells = self._groups[group].cells
            wanted += [cells[place].image for place in self._shown(group)]
        painter.end()
        self._pictures.want(wanted, request_side(SIDE, self.devicePixelRatioF()))

    def _paint_card(self, painter: QPainter, number: int, look: Colours) -> None:
        group, card = self._groups[number], self.card_rect(number)
        paint_frame(painter, card, look, is_current=number == self._group)
        line = card.adjusted(_PAD, 0, -_PAD, 0)
        line.setHeight(_HEAD)
        paint_head(painter, line, group, look)
        shown = self._shown(number)
        for place in shown:
            box, cell = self.cell_rect(number, place), group.cells[place]
            paint_picture(painter, box, self._pictures.picture(cell.image), look)
            if self._pictures.is_unreadable(cell.image):
                paint_words(painter, box, "cannot be read", QColor(look.faint))
            if place == 0:
                paint_badge(painter, box, look)
            if (number, place) == (self._group, self._cell):
                paint_focus(painter, box, look, has_keys=self.hasFocus())
            paint_text(painter, box, cell, look, is_best=place == 0)
        n_more = len(group.cells) - shown.stop
        if n_more and (number, shown.stop - 1) != (self._group, self._cell):
            box = self.cell_rect(number, shown.stop - 1)
            painter.fillRect(box, QColor(0, 0, 0, 150))
            paint_words(painter, box, f"+{n_more + 1:,}", QColor(255, 255, 255))

    # -- mouse and keys ----------------------------------------------------------------------

    def viewportEvent(self, event: QEvent) -> bool:
        """Tell a picture's place and facts under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self.cell_at(event.pos())
            cell = self._groups[found[0]].cells[found[1]] if found else None
            text = f"{cell.place}\n{cell.facts}\n{cell.verdict}".strip() if cell else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().viewportEvent(event)

    def event(self, event: QEvent) -> bool:
        """Keep this list's letters from becoming commands of the window."""
        is_key = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_key and isinstance(event, QKeyEvent) and self._is_command(event):
            event.accept()
            return True
        return super().event(event)

    def _is_command(self, event: QKeyEvent) -> bool:
        is_plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        letter = event.text().upper()
        return is_plain and len(letter) == 1 and letter in self.COMMAND_KEYS

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Put the focus on the picture under the pointer."""
        found = self.cell_at(event.position().toPoint())
        if found is not None:
            self.set_current(*found)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Look at the group large."""
        if self.cell_at(event.position().toPoint()) is not None:
            self.compare_requested.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu, at the pointer or at the picture with the focus."""
        if not self._groups:
            return
        place = event.globalPos()
        if event.reason() == event.Reason.Keyboard:
            place = self.viewport().mapToGlobal(self.cell_rect(self._group, self._cell).center())
        self.menu_requested.emit(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk by arrows; Space or Enter compares; letters are commands."""
        key = Qt.Key(event.key())
        if key in _MOVES and self._groups:
            groups, cells = _MOVES[key]
            self.set_current(self._group + groups, 0 if groups else self._cell + cells)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            n = max(1, self._height() // self._step())
            self.set_current(self._group + (n if key == Qt.Key.Key_PageDown else -n))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.set_current(0 if key == Qt.Key.Key_Home else len(self._groups) - 1)
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._groups:
            self.compare_requested.emit()
        elif self._is_command(event) and self._groups:
            self.command_requested.emit(event.text().upper())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keys are."""
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show it paler."""
        super().focusOutEvent(event)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer groups are in sight."""
        super().resizeEvent(event)
        self._settle_bar()

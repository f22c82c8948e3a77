"""A proposal cluster by cluster: a check box, numbers, images that would come and would leave."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.palette import paint_mark
from dclust_gui.ui.models.proposal_choice import ProposalChoice, ProposalRow, row_numbers
from dclust_gui.ui.views.check_mark import paint_check
from dclust_gui.ui.views.comparison_strips import middle_of
from dclust_gui.ui.views.message_bar import announce
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

SIDE = GRID * 8
GAP = 4
NAMES = GRID * 26
_LEAST_NAMES = GRID * 21
HEAD = GRID * 4
_MARK = 14
_CHECK = 18
_LINE = 17
_OUT_OPACITY = 0.3


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture, or the number of those that do not fit.

    Attributes:
        image: Its id; -1 for the number.
        row: Index of the cluster's row.
        rect: Where it is.
        target: Where the image would go.
        n_more: Images that do not fit; 0 for a picture, -1 to show no more than fit again.
    """

    image: int
    row: int
    rect: QRect
    target: int
    n_more: int = 0


class ProposalStrips(QWidget):
    """Paints the rows in sight, and takes clicks on check boxes and images.

    A click on an image unchecks it, a double click shows it large. A row with more images than
    fit is opened by a click on their number.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        choice_changed: Something was checked or unchecked.
        preview_requested: id of an image to show large.
        cluster_requested: id of a cluster to show.
        sight_requested: A part of the widget that should be in sight (a `QRect`).
    """

    choice_changed = Signal()
    preview_requested = Signal(int)
    cluster_requested = Signal(int)
    sight_requested = Signal(object)

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice: ProposalChoice | None = None
        self._files = ImageFiles()
        self._pictures = DendrogramPictures(loader, self, self)
        self._pictures.arrived.connect(self.update)
        self._open: set[int] = set()
        self._tops: list[int] = [HEAD]
        self._row, self._place = 0, -1
        self._editable = True
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Proposed changes")

    # -- what is shown -----------------------------------------------------------------------

    def path_of(self, image: int) -> Path:
        """An image's file."""
        return self._files.path_of(image)

    def content_of(self, image: int) -> bytes:
        """An image's content hash."""
        return self._files.content_of(image)

    def set_choice(self, choice: ProposalChoice | None, files: ImageFiles) -> None:
        """Show another proposal, or none."""
        if files.images is not self._files.images:
            self._pictures.clear()
        if choice is not self._choice:
            self._open.clear()
            self._row, self._place = 0, -1
        self._choice, self._files = choice, files
        self.refresh()

    def set_editable(self, is_editable: bool) -> None:
        """Let the user check and uncheck, or only look."""
        self._editable = is_editable

    def refresh(self) -> None:
        """Show what has become of the choice."""
        self._row = max(0, min(self._row, len(self.rows) - 1))
        self._place = min(self._place, self._n_cells(self._row) - 1) if self.rows else -1
        self._measure()
        words = [self.row_text(row) for row in range(min(20, len(self.rows)))]
        self.setAccessibleDescription(". ".join(words))
        self.update()

    @property
    def rows(self) -> tuple[ProposalRow, ...]:
        """The clusters."""
        return () if self._choice is None else self._choice.rows

    def row_text(self, row: int) -> str:
        """A row in words."""
        shown, choice = self.rows[row], self._choice
        if choice is None:
            return shown.title
        parts = [shown.title, *row_numbers(shown, choice)]
        if shown.can_check:
            parts.append("checked" if choice.is_checked(shown.cluster) else "not checked")
        return ", ".join(part for part in parts if part)

    def check_rect(self, row: int) -> QRect:
        """Where a row's check box is."""
        return QRect(GRID * 2, self._tops[row] + GRID - 1, _CHECK, _CHECK)

    def cells(self, row: int) -> list[Cell]:
        """The pictures of a row, as far as there is room; all of an open row."""
        return [self._cell(row, place) for place in range(self._n_cells(row))]

    def sizeHint(self) -> QSize:
        """All rows."""
        return QSize(GRID * 90, self._tops[-1])

    # -- where things are --------------------------------------------------------------------

    def _names(self) -> int:
        """Width of the names: less in a narrow window, so that pictures have room."""
        return max(_LEAST_NAMES, min(NAMES, self.width() * 3 // 10))

    def _left(self) -> int:
        return self._names() + GRID

    def _strip(self) -> int:
        """Width of one side."""
        return max(0, (self.width() - self._names() - GRID * 5) // 2)

    def _middle(self) -> int:
        return self._left() + self._strip() + GRID * 3

    def _side(self) -> int:
        """Side of a picture: smaller where fewer than three would fit."""
        is_narrow = self._strip() < 3 * (SIDE + GAP) - GAP
        return SIDE * 3 // 4 if is_narrow else SIDE

    def _n_fit(self) -> int:
        return max(1, (self._strip() + GAP) // (self._side() + GAP))

    def _measure(self) -> None:
        """Where each row begins."""
        top, tops, fit = HEAD, [HEAD], self._n_fit()
        for row in self.rows:
            longest = max(len(row.change.arriving), len(row.change.leaving))
            longest += longest > fit
            n_lines = max(1, -(-longest // fit)) if row.cluster in self._open else 1
            top += max(SIDE, n_lines * (self._side() + GAP) - GAP) + GRID * 2
            tops.append(top)
        self._tops = tops
        if self.height() != top:
            self.setFixedHeight(top)

    def _sides(self, row: int) -> tuple[tuple[NDArray[np.int32], int, int, bool], ...]:
        """Images of both sides, how many of them are shown, their left edge, and which side."""
        change, fit = self.rows[row].change, self._n_fit()
        is_open = self.rows[row].cluster in self._open
        return tuple(
            (images, len(images) if is_open or len(images) <= fit else fit - 1, left, is_coming)
            for images, left, is_coming in (
                (change.arriving, self._left(), True),
                (change.leaving, self._middle(), False),
            )
        )

    def _n_cells(self, row: int) -> int:
        return sum(self._n_places(side) for side in self._sides(row))

    def _n_places(self, side: tuple[NDArray[np.int32], int, int, bool]) -> int:
        """Pictures of a side, and one place more where not all fit into its line."""
        return side[1] + (len(side[0]) > self._n_fit())

    def _cell(self, row: int, place: int) -> Cell:
        """The cell with a number, the coming ones first."""
        for side in self._sides(row):
            n_cells = self._n_places(side)
            if place < n_cells:
                return self._cell_of(row, side, place)
            place -= n_cells
        raise IndexError("no such cell")

    def _cell_of(
        self, row: int, side: tuple[NDArray[np.int32], int, int, bool], place: int
    ) -> Cell:
        images, n_shown, left, is_coming = side
        rect = self._cell_rect(left, self._tops[row] + GRID, place, self._n_fit())
        own = self.rows[row].cluster
        if place >= n_shown:
            return Cell(-1, row, rect, own, len(images) - n_shown or -1)
        image = int(images[place])
        target = own if is_coming or self._choice is None else self._choice.target_of(image)
        return Cell(image, row, rect, target)

    def _cells_near(self, row: int, sight: QRect) -> list[Cell]:
        """The cells of a row that lie on lines in sight."""
        top, step, fit = self._tops[row] + GRID, self._side() + GAP, self._n_fit()
        first = max(0, (sight.top() - top) // step) * fit
        last = max(0, (sight.bottom() - top) // step + 1) * fit
        return [
            self._cell_of(row, side, place)
            for side in self._sides(row)
            for place in range(first, min(last, self._n_places(side)))
        ]

    def _cell_rect(self, left: int, top: int, place: int, fit: int) -> QRect:
        line, column = divmod(place, fit)
        side = self._side()
        step = side + GAP
        return QRect(left + column * step, top + line * step, side, side)

    def _row_at(self, y: int) -> int:
        """Index of the row at a height; -1 for none."""
        row = bisect_right(self._tops, y) - 1
        return row if 0 <= row < len(self.rows) else -1

    def _in_sight(self, rect: QRect) -> range:
        first = max(0, bisect_right(self._tops, rect.top()) - 1)
        last = max(0, bisect_right(self._tops, rect.bottom()) - 1)
        return range(first, min(len(self.rows), last + 1))

    def _cell_at(self, place: QPoint) -> Cell | None:
        row = self._row_at(place.y())
        if row < 0:
            return None
        near = QRect(place.x(), place.y(), 1, 1)
        return next((c for c in self._cells_near(row, near) if c.rect.contains(place)), None)

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is in sight, and ask for its pictures."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        look = colours(self.palette())
        painter.setPen(QColor(look.faint))
        align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        if self.rows:
            for text, left in (("Would come", self._left()), ("Would leave", self._middle())):
                painter.drawText(QRect(left, 0, self._strip(), HEAD), align, text)
        for row in self._in_sight(event.rect()):
            self._paint_row(painter, row, event.rect())
        if self.rows:
            middle = self._middle() - GRID * 1.5
            painter.setPen(QPen(QColor(look.border), 1))
            painter.drawLine(QPointF(middle, 0), QPointF(middle, self.height()))
        painter.end()
        seen = self.visibleRegion().boundingRect()
        wanted = [
            cell.image
            for row in self._in_sight(seen)
            for cell in self._cells_near(row, seen)
            if cell.image >= 0
        ]
        self._pictures.want(dict.fromkeys(wanted), request_side(2 * SIDE, self.devicePixelRatioF()))

    def _paint_row(self, painter: QPainter, row: int, sight: QRect) -> None:
        look = colours(self.palette())
        top, bottom = self._tops[row], self._tops[row + 1]
        has_focus = row == self._row and self.hasFocus()
        painter.setPen(QPen(QColor(look.border), 1))
        painter.drawLine(QPointF(GRID * 2, bottom), QPointF(self.width() - GRID * 2, bottom))
        if has_focus and self._place < 0:
            painter.setPen(QPen(QColor(look.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            box = QRectF(4, top + 3, self.width() - 8, bottom - top - 6)
            painter.drawRoundedRect(box, 4, 4)
        self._paint_name(painter, row)
        focused = self._cell(row, self._place) if has_focus and self._place >= 0 else None
        for cell in self._cells_near(row, sight):
            if cell.n_more:
                self._paint_more(painter, cell)
            else:
                self._paint_cell(painter, cell)
            if focused is not None and cell.rect == focused.rect:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(look.text), 2))
                painter.drawRoundedRect(QRectF(cell.rect).adjusted(-2, -2, 2, 2), 4, 4)

    def _paint_name(self, painter: QPainter, row: int) -> None:
        shown, choice, look = self.rows[row], self._choice, colours(self.palette())
        if choice is None:
            return
        top = self._tops[row] + GRID
        if shown.can_check:
            n_taken = choice.n_taken(shown)
            has_all = n_taken == len(shown.change.arriving)
            state = Qt.CheckState.Checked if has_all else Qt.CheckState.PartiallyChecked
            if not choice.is_checked(shown.cluster):
                state = Qt.CheckState.Unchecked
            paint_check(painter, self.check_rect(row), self.palette(), state)
        left = GRID * 3 + _CHECK
        is_dim = shown.can_check and not choice.is_checked(shown.cluster)
        painter.setOpacity(0.6 if is_dim else 1.0)
        paint_mark(
            painter, QRectF(left, top + 1, _MARK, _MARK), shown.colour, is_dark(self.palette())
        )
        left += _MARK + GRID
        align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        for place, text in enumerate((shown.title, *row_numbers(shown, choice))):
            box = QRect(left, top + place * _LINE - 1, self._names() - left, _LINE)
            painter.setPen(
                QColor(look.faint) if place else self.palette().color(QPalette.ColorRole.Text)
            )
            elide = Qt.TextElideMode.ElideRight
            painter.drawText(box, align, painter.fontMetrics().elidedText(text, elide, box.width()))
        painter.setOpacity(1.0)

    def _paint_cell(self, painter: QPainter, cell: Cell) -> None:
        look, choice = colours(self.palette()), self._choice
        if choice is None:
            return
        is_taken = choice.takes(cell.image, cell.target)
        shape = QPainterPath()
        box = QRectF(cell.rect)
        shape.addRoundedRect(box, 3, 3)
        picture = self._pictures.picture(cell.image)
        painter.setOpacity(1.0 if is_taken else _OUT_OPACITY)
        painter.fillPath(shape, QColor(look.border))
        if picture is not None:
            painter.save()
            painter.setClipPath(shape)
            painter.drawPixmap(box, picture, middle_of(picture))
            painter.restore()
        painter.setOpacity(1.0)
        if choice.is_out(cell.image):
            self._paint_out(painter, box)

    def _paint_out(self, painter: QPainter, box: QRectF) -> None:
        """A cross: unchecked by hand."""
        look = colours(self.palette())
        middle, arm = box.center(), GRID * 0.75
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.text))
        painter.drawEllipse(middle, GRID * 1.5, GRID * 1.5)
        painter.setPen(QPen(QColor(look.base), 2))
        for sign in (1, -1):
            painter.drawLine(middle + QPointF(-arm, -arm * sign), middle + QPointF(arm, arm * sign))

    def _paint_more(self, painter: QPainter, cell: Cell) -> None:
        look = colours(self.palette())
        painter.setPen(QPen(QColor(look.border), 1))
        painter.setBrush(QColor(look.raised))
        painter.drawRoundedRect(QRectF(cell.rect).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        painter.setPen(QColor(look.text))
        painter.drawText(cell.rect, int(Qt.AlignmentFlag.AlignCenter), more_text(cell))

    # -- mouse and keys ----------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Tell under the pointer what a click would do."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos()), self)
            return True
        return super().event(event)

    def tip_at(self, place: QPoint) -> str:
        """What is at a place, in words."""
        cell, choice = self._cell_at(place), self._choice
        row = self._row_at(place.y())
        if cell is None:
            return self.rows[row].title if row >= 0 and place.x() < self._names() else ""
        if cell.n_more or choice is None:
            return "Show fewer" if cell.n_more < 0 else "Show all images of this cluster"
        does = (
            "stays where it is; click to move it"
            if choice.is_out(cell.image)
            else ("click if it should stay where it is")
        )
        return f"{self._files.name_of(cell.image)}\n{does}; double click shows it large"

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Check a cluster or an image, open a row, or show a cluster."""
        place = event.position().toPoint()
        row = self._row_at(place.y())
        if event.button() != Qt.MouseButton.LeftButton or row < 0:
            return
        self._row, self._place = row, -1
        cell = self._cell_at(place)
        if cell is not None:
            self._act_on(cell)
        elif self.check_rect(row).adjusted(-GRID, -GRID, GRID // 2, GRID).contains(place):
            self._toggle_row(row)
        elif place.x() < self._names():
            self.cluster_requested.emit(self.rows[row].cluster)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show an image large; the first click's change is taken back."""
        cell = self._cell_at(event.position().toPoint())
        if cell is not None and not cell.n_more:
            self._act_on(cell)
            self.preview_requested.emit(cell.image)
        else:
            self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk over rows and images; Space checks, Enter shows large or the cluster."""
        key = Qt.Key(event.key())
        arrows = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right)
        acts = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if not self.rows or key not in (*arrows, *acts):
            super().keyPressEvent(event)
            return
        if key in arrows:
            self._walk(key)
        else:
            self._press(is_check=key == Qt.Key.Key_Space)
        self.update()

    def _walk(self, key: Qt.Key) -> None:
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = 1 if key == Qt.Key.Key_Down else -1
            self._row, self._place = max(0, min(len(self.rows) - 1, self._row + step)), -1
        else:
            step = 1 if key == Qt.Key.Key_Right else -1
            last = self._n_cells(self._row) - 1
            self._place = max(-1, min(last, self._place + step))
        top, image = self._tops[self._row], -1
        sight = QRect(0, top, self.width(), SIDE + GRID * 2)
        if self._place >= 0:
            cell = self._cell(self._row, self._place)
            sight, image = cell.rect, cell.image
        self.sight_requested.emit(sight)
        words = self._files.name_of(image) if image >= 0 else self.row_text(self._row)
        announce(self, words)

    def _press(self, *, is_check: bool) -> None:
        if self._place < 0:
            if is_check:
                self._toggle_row(self._row)
            else:
                self.cluster_requested.emit(self.rows[self._row].cluster)
            return
        cell = self._cell(self._row, self._place)
        if is_check or cell.n_more:
            self._act_on(cell)
        else:
            self.preview_requested.emit(cell.image)

    def _act_on(self, cell: Cell) -> None:
        """Check or uncheck an image, or open its row."""
        if cell.n_more:
            self._open.symmetric_difference_update({self.rows[cell.row].cluster})
            self._measure()
            self._place = min(self._place, self._n_cells(cell.row) - 1)
            self.update()
        elif self._choice is not None and self._editable:
            self._choice.toggle_image(cell.image)
            self.choice_changed.emit()

    def _toggle_row(self, row: int) -> None:
        shown, choice = self.rows[row], self._choice
        if choice is not None and shown.can_check and self._editable:
            choice.set_checked(shown.cluster, is_checked=not choice.is_checked(shown.cluster))
            announce(self, self.row_text(row))
            self.choice_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or fewer images fit."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._measure()


def more_text(cell: Cell) -> str:
    """`+23`, or `Fewer` in an open row."""
    return "Fewer" if cell.n_more < 0 else f"+{cell.n_more:,}"

"""Clusters before and after, a row each: images on both sides, those that moved outlined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.palette import paint_mark
from dclust_gui.ui.views.theme import GRID, colours, is_dark

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QPixmap

    from dclust_gui.services.before_after import ClusterChange
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

SIDE = GRID * 8
ROW = SIDE + GRID * 2
NAMES = GRID * 24
GAP = 4
_MARK = 14
_HEAD = GRID * 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture.

    Attributes:
        image: Its id.
        row: Index of the cluster's row.
        rect: Where it is.
        is_moved: It is not on the other side.
    """

    image: int
    row: int
    rect: QRect
    is_moved: bool


class ComparisonStrips(QWidget):
    """Paints the rows in sight and loads their pictures.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        preview_requested: id of an image to show large.
        cluster_requested: id of a cluster to show.
    """

    preview_requested = Signal(int)
    cluster_requested = Signal(int)

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ClusterChange, ...] = ()
        self._files = ImageFiles()
        self._loader = loader
        self._pictures = DendrogramPictures(loader, self, self)
        self._pictures.arrived.connect(self.update)
        self._current = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Clusters before and after")

    def path_of(self, image: int) -> Path:
        """An image's file."""
        return self._files.path_of(image)

    def content_of(self, image: int) -> bytes:
        """An image's content hash."""
        return self._files.content_of(image)

    def set_rows(self, rows: Sequence[ClusterChange], files: ImageFiles) -> None:
        """Show other clusters."""
        self._rows = tuple(rows)
        self._files = files
        self._pictures.clear()
        self._current = 0
        self.setFixedHeight(_HEAD + ROW * len(self._rows))
        self.setAccessibleDescription(". ".join(row_text(row) for row in self._rows[:20]))
        self.update()

    @property
    def rows(self) -> tuple[ClusterChange, ...]:
        """What is shown."""
        return self._rows

    def cells(self, row: int) -> list[Cell]:
        """The pictures of a row, as far as there is room."""
        change = self._rows[row]
        top = _HEAD + row * ROW + GRID
        found = []
        for moved, left in ((change.left, self._left()), (change.came, self._middle())):
            n_moved, images = side_of(moved, change.stayed, self._n_fit())
            for place, image in enumerate(images):
                rect = QRect(left + place * (SIDE + GAP), top, SIDE, SIDE)
                found.append(Cell(image, row, rect, place < n_moved))
        return found

    def sizeHint(self) -> QSize:
        """All rows."""
        return QSize(GRID * 90, _HEAD + ROW * len(self._rows))

    # -- where things are --------------------------------------------------------------------

    def _left(self) -> int:
        return NAMES + GRID

    def _strip(self) -> int:
        """Width of one side."""
        return max(0, (self.width() - NAMES - GRID * 5) // 2)

    def _middle(self) -> int:
        return self._left() + self._strip() + GRID * 3

    def _n_fit(self) -> int:
        return max(1, (self._strip() + GAP) // (SIDE + GAP))

    def _in_sight(self, rect: QRect) -> range:
        first = max(0, (rect.top() - _HEAD) // ROW)
        return range(first, min(len(self._rows), max(0, (rect.bottom() - _HEAD) // ROW + 1)))

    # -- painting ----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is in sight, and ask for its pictures."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        look = colours(self.palette())
        self._paint_heads(painter)
        for row in self._in_sight(event.rect()):
            if row == self._current and self.hasFocus():
                box = QRectF(2, _HEAD + row * ROW + 2, self.width() - 4, ROW - 4)
                painter.setPen(QPen(QColor(look.accent), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(box, 4, 4)
            self._paint_name(painter, row)
            for cell in self.cells(row):
                self._paint_cell(painter, cell)
        middle = self._middle() - GRID * 1.5
        painter.setPen(QPen(QColor(look.border), 1))
        painter.drawLine(QPointF(middle, 0), QPointF(middle, self.height()))
        painter.end()
        sight = self._in_sight(self.visibleRegion().boundingRect())
        wanted = [cell.image for row in sight for cell in self.cells(row)]
        self._pictures.want(dict.fromkeys(wanted), request_side(2 * SIDE, self.devicePixelRatioF()))

    def _paint_heads(self, painter: QPainter) -> None:
        painter.setPen(QColor(colours(self.palette()).faint))
        align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        for text, left in (("Before", self._left()), ("After", self._middle())):
            painter.drawText(QRect(left, 0, self._strip(), _HEAD), align, text)

    def _paint_name(self, painter: QPainter, row: int) -> None:
        change, look = self._rows[row], colours(self.palette())
        top = _HEAD + row * ROW + GRID
        mark = QRectF(GRID * 2, top + 3, _MARK, _MARK)
        paint_mark(painter, mark, change.colour, is_dark(self.palette()))
        left = GRID * 3 + _MARK
        align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        lines = (change.title, sizes_text(change), moves_text(change))
        for place, text in enumerate(lines):
            box = QRect(left, top + place * 20, NAMES - left, 20)
            role = self.palette().color(QPalette.ColorRole.Text)
            painter.setPen(QColor(look.faint) if place else role)
            elide = Qt.TextElideMode.ElideRight
            painter.drawText(box, align, painter.fontMetrics().elidedText(text, elide, box.width()))

    def _paint_cell(self, painter: QPainter, cell: Cell) -> None:
        look = colours(self.palette())
        shape = QPainterPath()
        box = QRectF(cell.rect)
        shape.addRoundedRect(box, 3, 3)
        painter.fillPath(shape, QColor(look.border))
        picture = self._pictures.picture(cell.image)
        if picture is not None:
            painter.save()
            painter.setClipPath(shape)
            painter.drawPixmap(box, picture, middle_of(picture))
            painter.restore()
        if cell.is_moved:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.base), 4))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 3, 3)
            painter.setPen(QPen(QColor(look.accent), 2.5))
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 3, 3)

    # -- mouse and keys ----------------------------------------------------------------------

    def _cell_at(self, place: QPoint) -> Cell | None:
        row = (place.y() - _HEAD) // ROW
        if not 0 <= row < len(self._rows):
            return None
        return next((cell for cell in self.cells(row) if cell.rect.contains(place)), None)

    def event(self, event: QEvent) -> bool:
        """Tell an image's name under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self._cell_at(event.pos())
            QToolTip.showText(event.globalPos(), self._tip(cell) if cell else "", self)
            return True
        return super().event(event)

    def _tip(self, cell: Cell) -> str:
        name = self._files.name_of(cell.image)
        return f"{name}\nmoved" if cell.is_moved else name

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show the image large, or the cluster whose name was clicked."""
        place = event.position().toPoint()
        row = (place.y() - _HEAD) // ROW
        if event.button() != Qt.MouseButton.LeftButton or not 0 <= row < len(self._rows):
            return
        self._current = row
        self.update()
        cell = self._cell_at(place)
        if cell is not None:
            self.preview_requested.emit(cell.image)
        elif place.x() < NAMES and self._rows[row].n_after:
            self.cluster_requested.emit(self._rows[row].cluster)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk by arrows; Enter shows the cluster, Space its first image."""
        key = event.key()
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(key), 0)
        if not self._rows or not (
            step or key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        ):
            super().keyPressEvent(event)
            return
        change = self._rows[self._current]
        if step:
            self._current = max(0, min(len(self._rows) - 1, self._current + step))
            self.update()
        elif key == Qt.Key.Key_Space:
            self.preview_requested.emit((*change.came, *change.stayed, *change.left)[0])
        elif change.n_after:
            self.cluster_requested.emit(change.cluster)


def side_of(
    moved: tuple[int, ...], stayed: tuple[int, ...], n_fit: int
) -> tuple[int, tuple[int, ...]]:
    """The images of one side: those that moved, and for half of the room those that did not.

    Args:
        moved: Images that are on this side only.
        stayed: Images that are on both sides.
        n_fit: Images for which there is room.

    Returns:
        How many of them moved, and the images, those first.
    """
    n_moved = min(len(moved), max(n_fit - len(stayed), -(-n_fit // 2)))
    return n_moved, (*moved[:n_moved], *stayed[: n_fit - n_moved])


def middle_of(picture: QPixmap) -> QRectF:
    """The largest square in the middle of a picture."""
    side = min(picture.width(), picture.height())
    middle = QRectF(0, 0, side, side)
    middle.moveCenter(QRectF(picture.rect()).center())
    return middle


def sizes_text(change: ClusterChange) -> str:
    """`41 → 38 images`."""
    if change.n_before == change.n_after:
        return count_of(change.n_after)
    return f"{change.n_before:,} → {count_of(change.n_after)}"


def moves_text(change: ClusterChange) -> str:
    """`5 came, 8 left`, or that nothing did."""
    if not change.n_before:
        return "new"
    if not change.n_after:
        return "gone"
    parts = [f"{n:,} {what}" for n, what in ((change.n_came, "came"), (change.n_left, "left")) if n]
    return ", ".join(parts) or "unchanged"


def row_text(change: ClusterChange) -> str:
    """A row in words."""
    return f"{change.title}: {sizes_text(change)}, {moves_text(change)}"

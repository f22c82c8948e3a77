"""The matrix of the quality panel: true classes against clusters, darker where there are more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QPainter, QPalette
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.services.cluster_quality import FOLDER
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from dclust_gui.services.cluster_quality import Agreement

_CELL_PX = 26
_MOST_LABEL_PX = 112
_MOST_TITLE_PX = 84


class AgreementTable(QWidget):
    """Paints counts by class (rows) and cluster (columns); shades are shares of the row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: Agreement | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Folders against clusters")

    def set_agreement(self, agreement: Agreement | None) -> None:
        """Show another comparison, or none."""
        self._shown = agreement
        if agreement is not None:
            what = "Folders" if agreement.noun == FOLDER else "True classes"
            self.setAccessibleName(f"{what} against clusters")
            self.setAccessibleDescription(
                "; ".join(class_text(agreement, row) for row in range(len(agreement.classes)))
            )
        self.resize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """All cells with their titles."""
        if self._shown is None:
            return QSize(0, 0)
        n_rows, n_columns = self._shown.counts.shape
        return QSize(
            self._label_px() + n_columns * self._cell_px() + 1,
            self._title_px() + n_rows * _CELL_PX + 1,
        )

    def minimumSizeHint(self) -> QSize:
        """It scrolls rather than shrinks."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint titles, then cells."""
        if self._shown is None:
            return
        painter = QPainter(self)
        metrics = painter.fontMetrics()
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        for row, name in enumerate(self._shown.classes):
            box = QRect(
                0, self._title_px() + row * _CELL_PX, self._label_px() - GRID // 2, _CELL_PX
            )
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, box.width())
            align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(box, int(align), text)
        for column, title in enumerate(self._shown.titles):
            painter.save()
            painter.translate(
                self._label_px() + (column + 0.5) * self._cell_px(), self._title_px() - 4
            )
            painter.rotate(-90)
            room = QRect(0, -_CELL_PX // 2, self._title_px() - 4, _CELL_PX)
            text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)
            painter.restore()
        self._paint_cells(painter, self._shown)

    def _paint_cells(self, painter: QPainter, shown: Agreement) -> None:
        look = colours(self.palette())
        base, full = QColor(look.base), QColor(look.accent)
        totals = shown.counts.sum(axis=1)
        for row in range(shown.counts.shape[0]):
            for column in range(shown.counts.shape[1]):
                count = int(shown.counts[row, column])
                share = count / max(1, int(totals[row]))
                box = self._cell(row, column)
                painter.fillRect(box.adjusted(1, 1, 0, 0), mixed(base, full, share**0.7))
                if count:
                    painter.setPen(QColor(look.on_accent if share > 0.45 else look.text))
                    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), f"{count:,}")

    def _cell(self, row: int, column: int) -> QRect:
        left = self._label_px() + column * self._cell_px()
        return QRect(left, self._title_px() + row * _CELL_PX, self._cell_px(), _CELL_PX)

    def _cell_px(self) -> int:
        if self._shown is None:
            return _CELL_PX
        widest = f"{int(self._shown.counts.max(initial=0)):,}"
        return max(_CELL_PX, self._metrics().horizontalAdvance(widest) + GRID)

    def _label_px(self) -> int:
        names = () if self._shown is None else self._shown.classes
        widest = max((self._metrics().horizontalAdvance(name) for name in names), default=0)
        return min(_MOST_LABEL_PX, widest + GRID)

    def _title_px(self) -> int:
        titles = () if self._shown is None else self._shown.titles
        widest = max((self._metrics().horizontalAdvance(title) for title in titles), default=0)
        return min(_MOST_TITLE_PX, widest + GRID)

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(self.font())

    def event(self, event: QEvent) -> bool:
        """Tell a cell in words under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._text_at(event.pos()), self)
            return True
        return super().event(event)

    def _text_at(self, place: QPoint) -> str:
        shown = self._shown
        if shown is None:
            return ""
        row = (place.y() - self._title_px()) // _CELL_PX
        column = (place.x() - self._label_px()) // self._cell_px()
        if not (0 <= row < shown.counts.shape[0] and 0 <= column < shown.counts.shape[1]):
            return ""
        count = count_of(int(shown.counts[row, column]))
        return f"{count} of {shown.noun} '{shown.classes[row]}' in {shown.titles[column]}"


def class_text(agreement: Agreement, row: int) -> str:
    """One row in words, without its zeros."""
    parts = [
        f"{int(count)} in {title}"
        for title, count in zip(agreement.titles, agreement.counts[row].tolist(), strict=True)
        if count
    ]
    return f"{agreement.classes[row]}: {', '.join(parts)}"


def mixed(base: QColor, full: QColor, share: float) -> QColor:
    """A colour between two; `share` is 0 to 1."""
    return QColor(
        round(base.red() + share * (full.red() - base.red())),
        round(base.green() + share * (full.green() - base.green())),
        round(base.blue() + share * (full.blue() - base.blue())),
    )

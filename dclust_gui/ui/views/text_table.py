"""A table of texts that is read, searched with the keyboard and copied, never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex, QPersistentModelIndex

    from dclust_gui.ui.models.rows_model import RowsModel


class _RowDelegate(QStyledItemDelegate):
    """Paints cells without a frame around the current one: rows are chosen, not cells."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Leave the focus out of what is painted."""
        super().initStyleOption(option, index)
        option.state &= ~QStyle.StateFlag.State_HasFocus


class TextTable(QTableView):
    """Shows a `RowsModel`.

    Args:
        model: The rows.
        stretched: The column that takes the room that is left.
        parent: Owner.
    """

    def __init__(self, model: RowsModel, stretched: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.setModel(model)
        self.setItemDelegate(_RowDelegate(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + GRID)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setResizeContentsPrecision(64)
        header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)

    def copy_all(self) -> None:
        """Put all rows on the clipboard."""
        QGuiApplication.clipboard().setText(self._rows.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the selected rows; the rest is Qt's."""
        if event.matches(QKeySequence.StandardKey.Copy):
            numbers = sorted({index.row() for index in self.selectedIndexes()})
            text = "\n".join("\t".join(self._rows.rows[n]) for n in numbers)
            QGuiApplication.clipboard().setText(text)
            return
        super().keyPressEvent(event)

"""The sheet of keys: grouped, and searched by typing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QFont, QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.key_sheet import KeyRow, matching, sheet_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


class _SheetModel(RowsModel):
    """Lines with a bold title above each group."""

    def set_lines(self, lines: Sequence[KeyRow]) -> None:
        """Show other lines."""
        rows: list[tuple[str, str]] = []
        group = ""
        for line in lines:
            if line.group != group:
                group = line.group
                rows.append((group, ""))
            rows.append((f"    {line.what}", line.keys))
        self.set_rows(rows)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Titles are bold."""
        if role == Qt.ItemDataRole.FontRole and index.isValid() and not self.rows[index.row()][1]:
            font = QFont()
            font.setBold(True)
            return font
        return super().data(index, role)


class ShortcutsDialog(QDialog):
    """Lists what keys do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self._lines = sheet_rows()
        self._model = _SheetModel(("What", "Keys"), parent=self)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Find a command or a key")
        self.search.setAccessibleName("Find a command or a key")
        self.search.setClearButtonEnabled(True)
        self.search.setProperty("look", "field")
        table = TextTable(self._model, 0, self)
        table.setAccessibleName("Keyboard shortcuts")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(self.search)
        layout.addWidget(table)
        layout.addWidget(buttons)
        self.search.textChanged.connect(self._on_search_text_changed)
        self._on_search_text_changed("")
        self.resize(GRID * 88, GRID * 84)
        self.search.setFocus()

    def shown(self) -> tuple[tuple[str, ...], ...]:
        """The lines in the table, titles of groups among them."""
        return self._model.rows

    @Slot(str)
    def _on_search_text_changed(self, text: str) -> None:
        self._model.set_lines(matching(self._lines, text))

"""The sheet of keys."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.actions import key_rows

_GALLERY_ROWS = (
    ("Preview", "Space or Enter"),
    ("Close preview, then filter, then selection", "Esc"),
    ("Move the focus; extend the selection", "Arrows; Shift+arrows"),
    ("Add or take away the image with the focus", "Ctrl+Space"),
    ("First, last image; page up, page down", "Home, End, Page up, Page down"),
    ("Move the selection to one of nine clusters (the pinned ones)", "Alt+1 … Alt+9"),
    ("Zoom thumbnails", "Ctrl+mouse wheel"),
)


class ShortcutsDialog(QDialog):
    """Lists what keys do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        model = RowsModel(("What", "Keys"), parent=self)
        model.set_rows([*_GALLERY_ROWS, *key_rows()])
        table = TextTable(model, 0, self)
        table.setAccessibleName("Keyboard shortcuts")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(table)
        layout.addWidget(buttons)
        self.resize(GRID * 78, GRID * 78)

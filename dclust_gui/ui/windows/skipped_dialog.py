"""The files that were left out or are damaged, each with the reason, and Retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPushButton, QVBoxLayout, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.ui.windows.work import SkippedRow


class SkippedDialog(QDialog):
    """Lists files; stays open while the user mends them and tries again.

    Signals:
        retry_requested: Read these files again.
    """

    retry_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Skipped files")
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._model = RowsModel(("File", "What happened", "Why"), parent=self)
        self._table = TextTable(self._model, 0, self)
        self._table.setAccessibleName("Skipped files")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self._retry = QPushButton("Retry", self)
        self._retry.setToolTip("Look for the files again and read them")
        self._copy = QPushButton("Copy list", self)
        buttons.addButton(self._copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self._retry, QDialogButtonBox.ButtonRole.ActionRole)
        for button in (self._copy, self._retry):
            button.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        self._retry.clicked.connect(self._on_retry_clicked)
        self._copy.clicked.connect(self._table.copy_all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(self._text)
        layout.addWidget(self._table, 1)
        layout.addWidget(buttons)
        self.resize(GRID * 100, GRID * 55)

    def set_rows(self, rows: Sequence[SkippedRow], *, can_retry: bool) -> None:
        """Show other files.

        Args:
            rows: The files.
            can_retry: Whether reading can be started now.
        """
        skipped = sum(not row.is_damaged for row in rows)
        damaged = len(rows) - skipped
        parts = [f"{count_of(skipped, 'file')} left out"] if skipped else []
        parts += [f"{count_of(damaged)} damaged, but usable in part"] if damaged else []
        text = ", ".join(parts) + ". Nothing else is affected, and no file was changed."
        self._text.setText(text if rows else "No file was skipped.")
        self._model.set_rows(
            [(r.path, "Damaged" if r.is_damaged else "Left out", r.reason) for r in rows]
        )
        self._retry.setEnabled(can_retry and bool(rows))
        self._copy.setEnabled(bool(rows))

    @Slot()
    def _on_retry_clicked(self) -> None:
        self.retry_requested.emit()

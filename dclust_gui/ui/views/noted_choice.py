"""A control with a faint sentence below it that says what its present value means."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from dclust_gui.ui.views.theme import GRID


class NotedChoice(QWidget):
    """The base of such controls.

    Signals:
        changed: Something else is chosen now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setProperty("look", "faint")

    def _place(self, control: QWidget) -> None:
        """Put the control above its note."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(control)
        layout.addWidget(self.note)

    def _tell(self, text: str) -> None:
        """Say what the value means; nothing for nothing."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

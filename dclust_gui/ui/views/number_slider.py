"""A slider for a number between two ends that have words."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QSlider, QWidget

from dclust_gui.ui.views.theme import GRID

STEPS = 100
PAGE = 10


class NumberSlider(QWidget):
    """A slider with its number beside it and what its ends mean below.

    Args:
        low: Least value.
        high: Largest value.
        ends: What they mean, in a few words.
        parent: Its parent.

    Signals:
        changed: The value is another one now.
    """

    changed = Signal()

    def __init__(
        self, low: float, high: float, ends: tuple[str, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._low, self._high = low, high
        self._ends = ends
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, STEPS)
        self._slider.setPageStep(PAGE)
        self._number = QLabel(self)
        self._number.setMinimumWidth(self._number.fontMetrics().horizontalAdvance("0.00 "))
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        left, right = (QLabel(text, self) for text in ends)
        for label in (left, right):
            label.setWordWrap(True)
            label.setProperty("look", "faint")
        right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        left.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(GRID)
        layout.setVerticalSpacing(0)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 2)
        layout.addWidget(self._slider, 0, 0, 1, 2)
        layout.addWidget(self._number, 0, 2)
        layout.addWidget(left, 1, 0)
        layout.addWidget(right, 1, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self._slider)
        self._slider.valueChanged.connect(self._on_slider_value_changed)
        self._show()

    @property
    def value(self) -> float:
        """The number."""
        share = self._slider.value() / STEPS
        return round(self._low + share * (self._high - self._low), 10)

    def set_value(self, value: float) -> None:
        """Move the slider to the nearest of its steps."""
        self._slider.setValue(round((value - self._low) / (self._high - self._low) * STEPS))

    def setAccessibleName(self, name: str) -> None:
        """Name the slider itself, which takes the keyboard."""
        super().setAccessibleName(name)
        self._slider.setAccessibleName(name)

    def _show(self) -> None:
        self._number.setText(f"{self.value:.2f}")
        left, right = self._ends
        self._slider.setAccessibleDescription(f"{self.value:.2f}, from {left} to {right}")

    @Slot()
    def _on_slider_value_changed(self) -> None:
        self._show()
        self.changed.emit()

"""Whether a run trains on the images first: a switch, and under Advanced which head learns."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from dclust_gui.domain.runs import HEAD_PREFIX, NO_HEAD
from dclust_gui.services.methods import DEFAULT_HEAD, heads
from dclust_gui.ui.views.method_form import MethodForm
from dclust_gui.ui.views.theme import GRID

_HINT = (
    "A network learns from these images before they are grouped. It takes a minute or more and"
    " does not always help: you see both results and choose."
)


class TrainingSwitch(QWidget):
    """The switch `Train on my images`, with what it means.

    Signals:
        toggled: Whether it is on.
    """

    toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QCheckBox("Train on my images", self)
        self._box.setToolTip(_HINT)
        self._hint = QLabel(_HINT, self)
        self._hint.setWordWrap(True)
        self._hint.setProperty("look", "faint")
        self._hint.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self._box)
        layout.addWidget(self._hint)
        self._box.toggled.connect(self._on_box_toggled)

    @property
    def is_on(self) -> bool:
        """Whether a head is to learn."""
        return self._box.isChecked()

    def set_on(self, is_on: bool) -> None:
        """Turn it on or off."""
        self._box.setChecked(is_on)

    @Slot(bool)
    def _on_box_toggled(self, is_on: bool) -> None:
        self._hint.setVisible(is_on)
        self.toggled.emit(is_on)


class HeadChoice(MethodForm):
    """Which head learns, in one sentence what it does, and its settings."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(heads(), HEAD_PREFIX, "Head that learns", parent)
        self.set_method(DEFAULT_HEAD)


def head_of(switch: TrainingSwitch, choice: HeadChoice) -> str:
    """The head that a run uses; `none` when the switch is off."""
    return choice.method.name if switch.is_on else NO_HEAD

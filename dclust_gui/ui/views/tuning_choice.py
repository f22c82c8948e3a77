"""What learns when a run trains on the images: a small network, or the backbone's last part."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QLabel, QRadioButton, QVBoxLayout, QWidget

from dclust_gui.domain.runs import FINETUNE_PREFIX, NO_FINETUNE
from dclust_gui.services.methods import FINETUNERS
from dclust_gui.ui.views.method_form import MethodForm
from dclust_gui.ui.views.theme import GRID

_SMALL_TIP = "A small network learns from what the large one sees in your images; a minute or more"
_BACKBONE_TIP = "The last part of the network that sees your images is trained itself (fine-tuning)"
_BACKBONE_HINT = (
    "Trains the last part of the backbone, the network that sees your images, on random crops of"
    " them, and then reads all images again. Best with a graphics card. One click goes back. The"
    " trained backbone is kept: choose it again under Advanced."
)
_MEASURING = "Measuring how long it takes here…"


class TuningChoice(QWidget):
    """A small network, or the backbone itself; and how long the latter takes.

    Signals:
        changed: The other one is chosen, or a setting is another one.
        time_wanted: The backbone is chosen, or its settings changed: how long will it take?
    """

    changed = Signal()
    time_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._small = QRadioButton("A small network (quick)", self)
        self._backbone = QRadioButton("The large network (slow)", self)
        self._group = QButtonGroup(self)
        self._hint = QLabel(_BACKBONE_HINT, self)
        self._time = QLabel(self)
        self.form = MethodForm(FINETUNERS, FINETUNE_PREFIX, "How the backbone learns", self)
        self._small.setToolTip(_SMALL_TIP)
        self._backbone.setToolTip(_BACKBONE_TIP)
        self._small.setChecked(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        for button in (self._small, self._backbone):
            self._group.addButton(button)
            layout.addWidget(button)
        for label in (self._hint, self._time):
            label.setWordWrap(True)
            label.setProperty("look", "faint")
            label.hide()
            layout.addWidget(label)
        self._time.setAccessibleName("How long the training takes")
        self.form.hide()
        self._backbone.toggled.connect(self._on_backbone_toggled)
        self.form.changed.connect(self._on_form_changed)

    @property
    def is_backbone(self) -> bool:
        """Whether the backbone itself is to learn."""
        return self._backbone.isChecked()

    def set_method(self, name: str) -> None:
        """Choose a fine-tuning; `none` chooses the small network, an unknown name too."""
        known = self.form.set_method(name)
        (self._backbone if known else self._small).setChecked(True)

    def set_time(self, text: str) -> None:
        """Say how long it takes; empty for not known."""
        self._time.setText(text)
        self._time.setVisible(bool(text) and self.is_backbone)

    def set_measuring(self) -> None:
        """Say that it is being found out."""
        self.set_time(_MEASURING)

    @property
    def time_text(self) -> str:
        """What it says of the time."""
        return self._time.text()

    @Slot(bool)
    def _on_backbone_toggled(self, is_on: bool) -> None:
        self._hint.setVisible(is_on)
        self._time.setVisible(is_on and bool(self._time.text()))
        self.changed.emit()
        if is_on:
            self.time_wanted.emit()

    @Slot()
    def _on_form_changed(self) -> None:
        self.changed.emit()
        if self.is_backbone and not self.form.problem():
            self.time_wanted.emit()


def finetune_of(choice: TuningChoice, *, is_on: bool) -> str:
    """The fine-tuning that a run does; `none` when nothing trains or a small network does."""
    return choice.form.method.name if is_on and choice.is_backbone else NO_FINETUNE

"""Whether a run trains on the images first: a switch, and under Advanced which head learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from dclust_gui.domain.runs import HEAD_PREFIX, NO_HEAD
from dclust_gui.services.methods import DEFAULT_HEAD, heads
from dclust_gui.ui.views.parameter_form import ParameterForm
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class HeadChoice(QWidget):
    """Which head learns, in one sentence what it does, and its settings.

    Signals:
        changed: Another head, or a setting.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heads = {head.name: head for head in heads()}
        self._box = QComboBox(self)
        self._box.setAccessibleName("Head that learns")
        for head in self._heads.values():
            self._box.addItem(head.title, head.name)
            self._box.setItemData(self._box.count() - 1, head.summary, Qt.ItemDataRole.ToolTipRole)
        self._summary = QLabel(self)
        self._summary.setWordWrap(True)
        self._summary.setProperty("look", "faint")
        self._form = ParameterForm(self)
        rows = QFormLayout()
        rows.setSpacing(GRID)
        rows.addRow("Training", self._box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addLayout(rows)
        layout.addWidget(self._summary)
        layout.addWidget(self._form)
        self.set_head(DEFAULT_HEAD)
        self._show_head()
        self._box.currentIndexChanged.connect(self._on_box_current_index_changed)
        self._form.changed.connect(self.changed)

    @property
    def head(self) -> str:
        """Name of the head."""
        return str(self._box.currentData())

    @property
    def gives_labels(self) -> bool:
        """Whether the head groups the images itself."""
        return self._heads[self.head].gives_labels

    def set_head(self, name: str) -> None:
        """Choose a head; an unknown name changes nothing."""
        row = self._box.findData(name)
        if row >= 0:
            self._box.setCurrentIndex(row)

    def problem(self) -> str:
        """What is wrong with an entry; empty when all is well."""
        return self._form.problem()

    def values(self) -> dict[str, str]:
        """Settings that differ from the defaults, by the names they have in a run."""
        return {f"{HEAD_PREFIX}{name}": text for name, text in self._form.values().items()}

    def set_values(self, values: Mapping[str, str]) -> None:
        """Put settings into the fields; others than the head's are passed over."""
        own = {n.removeprefix(HEAD_PREFIX): v for n, v in values.items() if HEAD_PREFIX in n}
        self._form.set_values(own)

    def _show_head(self) -> None:
        chosen = self._heads[self.head]
        self._summary.setText(chosen.summary)
        self._form.set_parameters(chosen.parameters)

    @Slot()
    def _on_box_current_index_changed(self) -> None:
        self._show_head()
        self.changed.emit()


def head_of(switch: TrainingSwitch, choice: HeadChoice) -> str:
    """The head that a run uses; `none` when the switch is off."""
    return choice.head if switch.is_on else NO_HEAD

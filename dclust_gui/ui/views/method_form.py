"""One of several methods, in one sentence what it does, and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from dclust_gui.ui.views.parameter_form import ParameterForm
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dclust_gui.services.methods import Method


class MethodForm(QWidget):
    """A box to choose a method, its summary, and the fields of its settings.

    Args:
        methods: The methods, in the order in which they are offered; the first is chosen.
        prefix: What stands before the names of its settings in a run.
        name: What a screen reader calls the box.
        parent: The widget around it.

    Signals:
        changed: Another method, or a setting.
    """

    changed = Signal()

    def __init__(
        self,
        methods: Sequence[Method],
        prefix: str,
        name: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._methods = {method.name: method for method in methods}
        self._prefix = prefix
        self._box = QComboBox(self)
        self._box.setAccessibleName(name)
        for row, method in enumerate(methods):
            self._box.addItem(method.title, method.name)
            self._box.setItemData(row, method.summary, Qt.ItemDataRole.ToolTipRole)
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
        self._show_method()
        self._box.currentIndexChanged.connect(self._on_box_current_index_changed)
        self._form.changed.connect(self.changed)

    @property
    def method(self) -> Method:
        """The method that is chosen."""
        return self._methods[str(self._box.currentData())]

    def set_method(self, name: str) -> bool:
        """Choose a method; gives whether there is one of that name, else nothing changes."""
        row = self._box.findData(name)
        if row >= 0:
            self._box.setCurrentIndex(row)
        return row >= 0

    def problem(self) -> str:
        """What is wrong with an entry; empty when all is well."""
        return self._form.problem()

    def values(self) -> dict[str, str]:
        """Settings that differ from the defaults, by the names they have in a run."""
        return {f"{self._prefix}{name}": text for name, text in self._form.values().items()}

    def set_values(self, values: Mapping[str, str]) -> None:
        """Put settings into the fields; others than the method's are passed over."""
        start = self._prefix
        own = {n.removeprefix(start): v for n, v in values.items() if n.startswith(start)}
        self._form.set_values(own)

    def _show_method(self) -> None:
        self._summary.setText(self.method.summary)
        self._form.set_parameters(self.method.parameters)

    @Slot()
    def _on_box_current_index_changed(self) -> None:
        self._show_method()
        self.changed.emit()

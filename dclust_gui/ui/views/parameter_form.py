"""Fields for the parameters of a clustering method, made from its registry entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from dclust_gui.domain.errors import InputError
from dclust_gui.services.methods import Kind
from dclust_gui.ui.views.number_slider import NumberSlider
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dclust_gui.services.methods import Parameter

_LARGEST = 2_000_000_000
_WORDS = {
    "n_init": "Attempts",
    "max_iter": "Most rounds",
    "tol": "Tolerance",
    "size_prior": "Group sizes",
    "n_neighbors": "Neighbours",
    "n_heads": "Attempts",
    "n_groups": "Small groups",
}

Field = QCheckBox | QComboBox | QLineEdit | QSpinBox | NumberSlider


class ParameterForm(QWidget):
    """One labelled field per parameter.

    Signals:
        changed: A value is another one now.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: dict[str, tuple[Parameter, Field]] = {}
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GRID)
        self._layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)

    def set_parameters(self, parameters: Sequence[Parameter]) -> None:
        """Show fields for these parameters, at their defaults."""
        while self._layout.rowCount():
            self._layout.removeRow(0)
        self._fields.clear()
        for parameter in parameters:
            field = self._field(parameter)
            field.setToolTip(f"{parameter.help}\n{parameter.range_text}".strip())
            label = parameter_label(parameter.name)
            field.setAccessibleName(label)
            self._fields[parameter.name] = (parameter, field)
            self._layout.addRow(label, field)

    def values(self) -> dict[str, str]:
        """What differs from the defaults, as text by name; wrong entries are left out."""
        found: dict[str, str] = {}
        for name, (parameter, field) in self._fields.items():
            text = field_text(field)
            if problem(parameter, text) or parameter.parse(text) == parameter.default:
                continue
            found[name] = text
        return found

    def problem(self) -> str:
        """What is wrong with an entry; empty when all is well."""
        found = (problem(parameter, field_text(f)) for parameter, f in self._fields.values())
        return next((text for text in found if text), "")

    def set_values(self, values: Mapping[str, str]) -> None:
        """Put values into the fields; unknown names are passed over."""
        for name, text in values.items():
            if name in self._fields:
                parameter, field = self._fields[name]
                if not problem(parameter, text):
                    set_field(field, text)

    def _field(self, parameter: Parameter) -> Field:
        default = parameter.default
        match parameter.kind:
            case Kind.FLAG:
                box = QCheckBox(self)
                box.setChecked(default is True)
                box.toggled.connect(self._on_field_changed)
                return box
            case Kind.CHOICE:
                combo = QComboBox(self)
                combo.addItems(list(parameter.choices))
                combo.setCurrentText(str(default))
                combo.currentIndexChanged.connect(self._on_field_changed)
                return combo
            case Kind.INTEGER:
                return self._integer_field(parameter)
            case Kind.NUMBER if parameter.ends is not None:
                return self._slider(parameter)
            case Kind.NUMBER:
                line = QLineEdit(self)
                line.setText("auto" if default in (None, "auto") else str(default))
                line.textChanged.connect(self._on_field_changed)
                return line

    def _slider(self, parameter: Parameter) -> NumberSlider:
        low, high = parameter.minimum or 0.0, parameter.maximum or 1.0
        slider = NumberSlider(low, high, parameter.ends or ("", ""), self)
        if isinstance(parameter.default, (int, float)):
            slider.set_value(parameter.default)
        slider.changed.connect(self._on_field_changed)
        return slider

    def _integer_field(self, parameter: Parameter) -> QSpinBox:
        spin = QSpinBox(self)
        low = -_LARGEST if parameter.minimum is None else int(parameter.minimum)
        high = _LARGEST if parameter.maximum is None else int(parameter.maximum)
        chooses = parameter.default in (None, "auto")
        spin.setRange(low - 1 if chooses else low, min(high, _LARGEST))
        if chooses:
            spin.setSpecialValueText("auto")
            spin.setValue(low - 1)
        elif isinstance(parameter.default, int):
            spin.setValue(parameter.default)
        spin.valueChanged.connect(self._on_field_changed)
        return spin

    @Slot()
    def _on_field_changed(self) -> None:
        for parameter, field in self._fields.values():
            wrong = problem(parameter, field_text(field))
            error = colours(self.palette()).error
            field.setStyleSheet(f"border: 1px solid {error};" if wrong else "")
            if isinstance(field, QLineEdit):
                field.setToolTip(wrong or f"{parameter.help}\n{parameter.range_text}".strip())
        self.changed.emit()


def field_text(field: Field) -> str:
    """What is entered."""
    if isinstance(field, QCheckBox):
        return "true" if field.isChecked() else "false"
    if isinstance(field, QComboBox):
        return field.currentText()
    if isinstance(field, NumberSlider):
        return str(field.value)
    return field.text().strip()


def set_field(field: Field, text: str) -> None:
    """Enter a text that the field's parameter allows."""
    if isinstance(field, QCheckBox):
        field.setChecked(text.lower() in ("true", "yes", "1"))
    elif isinstance(field, QComboBox):
        field.setCurrentText(text)
    elif isinstance(field, QSpinBox):
        field.setValue(field.minimum() if text == "auto" else int(text))
    elif isinstance(field, NumberSlider):
        field.set_value(float(text))
    else:
        field.setText(text)


def problem(parameter: Parameter, text: str) -> str:
    """Why a text cannot be the value of a parameter; empty when it can."""
    try:
        parameter.parse(text)
    except InputError as error:
        return str(error)
    return ""


def parameter_label(name: str) -> str:
    """`max_iter` as `Most rounds`: plain words where there are some."""
    if name in _WORDS:
        return _WORDS[name]
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]

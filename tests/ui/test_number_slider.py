"""A number between two ends with words, in the form of a method's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSlider

from dclust_gui.services.methods import head
from dclust_gui.ui.views.number_slider import NumberSlider
from dclust_gui.ui.views.parameter_form import ParameterForm

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.fixture
def form(qtbot: QtBot) -> ParameterForm:
    form = ParameterForm()
    qtbot.addWidget(form)
    form.set_parameters(head("temi").parameters)
    form.show()
    return form


def handle_of(slider: NumberSlider) -> QSlider:
    handle = slider.findChild(QSlider)
    assert handle is not None
    return handle


def test_the_prior_of_sizes_is_a_slider_with_words_at_its_ends(form: ParameterForm) -> None:
    slider = form.findChild(NumberSlider)
    assert slider is not None
    texts = [label.text() for label in form.findChildren(QLabel)]
    assert "Group sizes" in texts
    assert "even" in texts
    assert "as uneven as the default clustering" in texts
    assert handle_of(slider).accessibleName() == "Group sizes"


def test_the_default_is_not_written_and_a_move_is(form: ParameterForm, qtbot: QtBot) -> None:
    slider = form.findChild(NumberSlider)
    assert slider is not None
    default = head("temi").parameter("size_prior").default
    assert slider.value == default
    assert "size_prior" not in form.values()
    with qtbot.waitSignal(form.changed):
        slider.set_value(0.5)
    assert form.values()["size_prior"] == "0.5"
    assert form.problem() == ""
    form.set_values({"size_prior": "0.25"})
    assert slider.value == 0.25
    assert isinstance(default, float)
    slider.set_value(default)
    assert "size_prior" not in form.values()


def test_the_keyboard_moves_it(form: ParameterForm, qtbot: QtBot) -> None:
    slider = form.findChild(NumberSlider)
    assert slider is not None
    slider.set_value(0.5)
    qtbot.keyClick(handle_of(slider), Qt.Key.Key_Right)
    assert slider.value == 0.51
    qtbot.keyClick(handle_of(slider), Qt.Key.Key_Home)
    assert slider.value == 0.0
    assert "0.00, from even" in handle_of(slider).accessibleDescription()

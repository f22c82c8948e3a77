"""The run panel gathers settings, refuses wrong ones, and remembers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from dclust_gui.services.estimate import best_cost
from dclust_gui.services.methods import methods
from dclust_gui.ui.views.run_panel import RunPanel

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.fixture
def panel(qtbot: QtBot) -> RunPanel:
    panel = RunPanel()
    qtbot.addWidget(panel)
    panel.set_scope(412, can_run=True)
    return panel


def choose(panel: RunPanel, name: str) -> None:
    panel._method.setCurrentIndex(panel._method.findData(name))


def test_untouched_it_asks_for_the_automatic_method(panel: RunPanel) -> None:
    settings = panel.settings()
    assert (settings.algorithm, settings.reduce, settings.k) == ("auto", "auto", 0)
    assert settings.parameters == {}


def test_quality_is_asked_for_and_best_says_what_it_costs(panel: RunPanel) -> None:
    assert panel.settings().quality == "fast"
    panel._better.setChecked(True)
    assert panel.settings().quality == "better"
    assert panel.settings().parameters == {}
    assert not panel._quality_note.isVisibleTo(panel)
    panel._best.setChecked(True)
    assert panel.settings().quality == "best"
    assert panel._quality_note.isVisibleTo(panel)
    assert f"{best_cost():.1f} times" in panel._quality_note.text()


@pytest.mark.parametrize("quality", ["fast", "better", "best"])
def test_quality_is_remembered(panel: RunPanel, quality: str) -> None:
    getattr(panel, f"_{quality}").setChecked(True)
    text = panel.text()
    panel._better.setChecked(True)
    panel.restore(text)
    assert panel.settings().quality == quality
    panel.restore('{"quality": "magic"}')
    assert panel.settings().quality == quality


def test_typing_a_number_means_exactly_that_many(panel: RunPanel) -> None:
    panel._k.setValue(7)
    assert panel._fixed_k.isChecked()
    assert panel.settings().k == 7


@pytest.mark.parametrize("name", [m.name for m in methods()])
def test_every_method_shows_its_parameters_at_their_defaults(panel: RunPanel, name: str) -> None:
    choose(panel, name)
    settings = panel.settings()
    assert settings.algorithm == name
    assert settings.parameters == {}
    assert not panel._form.problem()


def test_a_wrong_parameter_cannot_be_run(panel: RunPanel) -> None:
    choose(panel, "kmeans")
    line = panel._form.findChild(QLineEdit, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert isinstance(line, QLineEdit)
    line.setText("abc")
    assert not panel._run.isEnabled()
    assert "must be" in panel._form.problem()
    line.setText("0.01")
    assert panel._run.isEnabled()
    assert panel.settings().parameters == {"tol": "0.01"}


def test_the_button_says_what_it_clusters_and_sends_the_settings(
    panel: RunPanel, qtbot: QtBot
) -> None:
    assert panel._run.text() == "Cluster 412 images"
    with qtbot.waitSignal(panel.run_requested) as blocker:
        panel._run.click()
    assert blocker.args == [panel.settings()]
    panel.set_scope(412, can_run=False, reason="The project is open for reading only")
    assert not panel._run.isEnabled()
    assert "reading only" in panel._run.toolTip()


def test_entries_survive_text_and_nonsense_does_no_harm(panel: RunPanel, qtbot: QtBot) -> None:
    choose(panel, "kmeans")
    panel._k.setValue(9)
    panel._seed.setValue(3)
    other = RunPanel()
    qtbot.addWidget(other)
    other.restore(panel.text())
    assert other.settings() == panel.settings()
    for nonsense in ("", "[]", "{", '{"k": "x", "method": 3}'):
        other.restore(nonsense)
    assert other.settings().k in (0, 9)


def test_estimate_shows_only_while_images_are_unread(panel: RunPanel) -> None:
    panel.set_estimate(412, 95)
    assert panel._estimate.text() == "About 2 min to read 412 images first"
    panel.set_estimate(0, 0)
    assert panel._estimate.isHidden()


def test_a_small_folder_changes_no_wish(panel: RunPanel) -> None:
    panel.set_scope(3, can_run=True)
    assert panel._auto_k.isChecked()
    assert panel.settings().k == 0
    panel.set_scope(412, can_run=True)
    assert panel._k.value() == 10


def test_a_wanted_number_comes_back_with_the_images(panel: RunPanel) -> None:
    panel._k.setValue(40)
    panel.set_scope(5, can_run=True)
    assert panel.settings().k == 5
    assert '"k": 40' in panel.text()
    panel.set_scope(412, can_run=True)
    assert panel.settings().k == 40


def test_why_it_cannot_cluster_is_said_in_sight(panel: RunPanel) -> None:
    panel.set_scope(1, can_run=False, reason="It takes at least two images")
    assert panel._k.maximum() == 1
    assert not panel._run.isEnabled()
    assert panel._reason.text() == "It takes at least two images"
    assert not panel._reason.isHidden()
    panel.set_scope(2, can_run=True)
    assert panel._reason.isHidden()


def test_automatic_stays_automatic_when_restored(panel: RunPanel, qtbot: QtBot) -> None:
    panel._k.setValue(12)
    panel._auto_k.setChecked(True)
    other = RunPanel()
    qtbot.addWidget(other)
    other.restore(panel.text())
    assert other.settings().k == 0


def test_a_wish_for_the_sizes_goes_into_the_settings(panel: RunPanel) -> None:
    assert panel.settings().sizes == "auto"
    panel._sizes.set_sizes("uneven")
    assert panel.settings().sizes == "uneven"
    assert panel._sizes.note.text()
    again = RunPanel()
    again.restore(panel.text())
    assert again.settings().sizes == "uneven"
    again.deleteLater()


def test_a_method_that_cannot_follow_the_wish_takes_it_back(panel: RunPanel) -> None:
    panel._sizes.set_sizes("even")
    panel._method.setCurrentIndex(panel._method.findData("hdbscan"))
    assert panel.settings().sizes == "auto"
    assert not panel._sizes.box.isEnabled()
    panel._method.setCurrentIndex(0)
    assert panel._sizes.box.isEnabled()


def test_capture_time_is_mixed_in_by_the_slider_and_remembered(
    panel: RunPanel, qtbot: QtBot
) -> None:
    panel.set_times(412, 412)
    assert panel.settings().time_weight == 0.0
    assert not panel._time.note.isVisibleTo(panel)
    with qtbot.waitSignal(panel.changed):
        panel._time.set_weight(0.6)
    assert panel.settings().time_weight == pytest.approx(0.6)
    text = panel.text()
    panel._time.set_weight(0.0)
    panel.restore(text)
    assert panel.settings().time_weight == pytest.approx(0.6)
    panel.restore('{"time": "soon"}')
    panel._time.set_weight(7.0)
    assert panel.settings().time_weight == 1.0
    assert "Only the capture time counts" in panel._time.note.text()


def test_images_without_a_capture_time_are_told_of(panel: RunPanel) -> None:
    panel._time.set_weight(0.5)
    panel.set_times(400, 412)
    assert "12 images have no time" in panel._time.note.text()
    panel.set_times(0, 412)
    assert panel.settings().time_weight == 0.0
    assert not panel._time.slider.isEnabled()
    assert "None of these images has a capture time" in panel._time.note.text()
    panel.set_times(412, 412)
    assert panel.settings().time_weight == pytest.approx(0.5)

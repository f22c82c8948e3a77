"""The outliers panel shows what it is given; slider and clicks tell wishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from dclust_gui.services.outliers import Measure
from dclust_gui.ui.views.outlier_panel import NO_IMAGES, OutlierPanel, OutsideImages

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

FOUND = OutsideImages(
    (7, 3), ("0.9", "0.6"), ("a.jpg\n0.9", "b.jpg\n0.6"), 5, 40, "Above 0.5", "1 image stays."
)


@pytest.fixture
def panel(qtbot: QtBot) -> OutlierPanel:
    panel = OutlierPanel()
    qtbot.addWidget(panel)
    panel.resize(300, 700)
    panel.show()
    panel.set_about("How much could not be restored.")
    panel.set_outside(FOUND, editable=True)
    return panel


def test_count_limit_and_what_stays_are_told(panel: OutlierPanel) -> None:
    assert panel.count.text() == "5 of 40 images outside"
    assert panel.limit.text() == "Above 0.5"
    assert panel.left_out.isVisible()
    assert panel.button.text() == "Set aside 5 images"
    assert panel.wall.wall.images == (7, 3)


def test_the_slider_tells_the_threshold_and_the_button_puts_it_back(
    panel: OutlierPanel, qtbot: QtBot
) -> None:
    assert panel.deviations == pytest.approx(3.0)
    with qtbot.waitSignal(panel.threshold_changed):
        panel.slider.setValue(panel.slider.maximum())
    assert panel.deviations == pytest.approx(0.5)
    panel.set_outside(FOUND, editable=True)
    qtbot.mouseClick(panel.automatic, Qt.MouseButton.LeftButton)
    assert panel.deviations == pytest.approx(3.0)


def test_the_usual_threshold_moves_the_slider_unless_a_person_did(
    panel: OutlierPanel, qtbot: QtBot
) -> None:
    with qtbot.assertNotEmitted(panel.threshold_changed):
        panel.set_usual(1.5, "5 % likely")
    assert panel.deviations == pytest.approx(1.5)
    panel.set_outside(FOUND, editable=True)
    assert not panel.automatic.isEnabled()
    panel.set_deviations(4.0)
    panel.set_usual(99.0, "5 % likely")
    assert panel.deviations == pytest.approx(4.0)
    panel.set_outside(FOUND, editable=True)
    assert panel.automatic.isEnabled()
    assert panel.automatic.toolTip() == "5 % likely"


def test_measures_and_comparisons_can_be_chosen(panel: OutlierPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.measure_changed) as chosen:
        panel.measures.setCurrentIndex(2)
    assert chosen.args == [Measure.CONFIDENCE]
    with qtbot.waitSignal(panel.threshold_changed):
        panel.compared.setCurrentIndex(1)
    assert panel.is_per_cluster


def test_one_click_asks_to_set_aside(panel: OutlierPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.set_aside_requested):
        qtbot.mouseClick(panel.button, Qt.MouseButton.LeftButton)


def test_a_picture_can_be_chosen_by_click_and_by_key(panel: OutlierPanel, qtbot: QtBot) -> None:
    first = panel.wall.wall.index(0)
    place = panel.wall.visualRect(first).center()
    with qtbot.waitSignal(panel.image_chosen) as chosen:
        qtbot.mouseClick(panel.wall.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen.args == [7]
    assert first.data(Qt.ItemDataRole.ToolTipRole) == "a.jpg\n0.9"


def test_a_project_that_cannot_be_edited_sets_nothing_aside(panel: OutlierPanel) -> None:
    panel.set_outside(FOUND, editable=False)
    assert not panel.button.isEnabled()


def test_nothing_outside_is_said(panel: OutlierPanel) -> None:
    panel.set_outside(OutsideImages((), (), (), 0, 40, "Above 0.5", ""), editable=True)
    assert panel.count.text() == "Nothing lies outside"
    assert not panel.button.isEnabled()
    assert not panel.left_out.isVisible()


def test_without_clusters_only_a_note_is_shown(panel: OutlierPanel) -> None:
    panel.set_note(NO_IMAGES)
    assert not panel.button.isVisible()
    assert not panel.measures.isVisible()


def test_a_failure_leaves_the_choice_of_another_measure(panel: OutlierPanel) -> None:
    panel.set_failure("It needs two clusters.")
    assert panel.measures.isVisible()
    assert not panel.button.isVisible()

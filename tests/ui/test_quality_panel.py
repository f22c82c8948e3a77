"""The quality panel shows what it is given, in paint and in words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QLabel

from dclust_gui.services.cluster_quality import Agreement, ClusterBar, QualityReport
from dclust_gui.ui.views.agreement_table import AgreementTable
from dclust_gui.ui.views.quality_bars import QualityBars
from dclust_gui.ui.views.quality_panel import QualityPanel, measure_text

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def report() -> QualityReport:
    bars = (
        ClusterBar(1, "Cats", 0, 120, 0.4),
        ClusterBar(5, "Dogs", 1, 30, -0.1),
        ClusterBar(7, "Owls", 2, 1, math.nan),
    )
    counts = np.array([[110, 5], [10, 25]])
    agreement = Agreement(("cat", "dog"), ("Cats", "Dogs"), counts, 0.9, 0.5, 0.6)
    run = {"silhouette": 0.31, "calinski_harabasz": 12345.6}
    return QualityReport(bars, 0.3, run, "features", has_folders=True, agreement=agreement)


@pytest.fixture
def panel(qtbot: QtBot) -> QualityPanel:
    panel = QualityPanel()
    qtbot.addWidget(panel)
    panel.resize(280, 700)
    panel.show()
    return panel


def texts(panel: QualityPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if not label.isHidden()]


def test_without_clusters_it_says_so(panel: QualityPanel) -> None:
    panel.set_report(QualityReport((), math.nan, {}, "", has_folders=False, agreement=None))
    assert texts(panel) == ["There are no clusters yet."]


def test_bars_measures_and_folders_are_shown(panel: QualityPanel) -> None:
    panel.set_report(report())
    box = panel.findChild(QCheckBox)
    assert isinstance(box, QCheckBox)
    assert not box.isHidden()
    table = panel.findChild(AgreementTable)
    assert isinstance(table, AgreementTable)
    assert not table.isVisible()
    box.setChecked(True)
    panel.set_report(report())
    assert table.isVisible()
    shown = texts(panel)
    assert {"Silhouette", "0.310", "Calinski-Harabasz", "12,346"} <= set(shown)
    assert any(text.startswith("90.0% of the images") for text in shown)
    assert (
        table.accessibleDescription() == "cat: 110 in Cats, 5 in Dogs; dog: 10 in Cats, 25 in Dogs"
    )
    bars = panel.findChild(QualityBars)
    assert isinstance(bars, QualityBars)
    assert bars.accessibleDescription().startswith("Cats: 120 images, silhouette 0.40; Dogs: 30")
    assert not panel.grab().isNull()


def test_clicking_a_bar_or_enter_asks_for_its_cluster(panel: QualityPanel, qtbot: QtBot) -> None:
    panel.set_report(report())
    bars = panel.findChild(QualityBars)
    assert isinstance(bars, QualityBars)
    row = bars.sizeHint().height() // 3
    with qtbot.waitSignal(panel.cluster_requested) as asked:
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(20, row + row // 2))
    assert asked.args == [5]
    qtbot.keyClick(bars, Qt.Key.Key_Down)
    with qtbot.waitSignal(panel.cluster_requested) as asked:
        qtbot.keyClick(bars, Qt.Key.Key_Return)
    assert asked.args == [7]


def test_doubts_about_the_run_stay_in_sight(panel: QualityPanel) -> None:
    doubts = ("Little structure was found.", "About 60% of the images seem to have copies.")
    panel.set_report(replace(report(), trust=doubts))
    assert "\n\n".join(doubts) in texts(panel)
    panel.set_report(report())
    assert not any("structure" in text for text in texts(panel))
    panel.set_report(replace(report(), trust=doubts))
    panel.set_note("Measuring…")
    assert not any("structure" in text for text in texts(panel))


def test_a_note_takes_the_place_of_an_old_report(panel: QualityPanel) -> None:
    panel.set_report(report())
    panel.show_failure("No image has been read.")
    assert "No image has been read." in texts(panel)
    assert "Silhouette" not in texts(panel)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0583, "0.058"),
        (3.662, "3.66"),
        (145.31, "145.3"),
        (45678.9, "45,679"),
        (-0.5, "\u22120.500"),
    ],
)
def test_measures_have_a_sensible_number_of_digits(value: float, text: str) -> None:
    assert measure_text(value) == text

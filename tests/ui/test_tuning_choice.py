"""The choice between a small network and the backbone itself, and how long the latter takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.services.tuning import BackboneChoice
from dclust_gui.ui.views.run_panel import RunPanel
from dclust_gui.ui.views.training_panel import title_of
from dclust_gui.ui.windows.training import method_of, note_of

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

TUNED = BackboneChoice("tuned:beach-dec-1234", "beach-dec-1234", "efficientnet-lite0, ...")


@pytest.fixture
def panel(qtbot: QtBot) -> RunPanel:
    panel = RunPanel()
    qtbot.addWidget(panel)
    panel.set_scope(412, can_run=True)
    panel.show()
    return panel


def choose_backbone(panel: RunPanel) -> None:
    panel._training.set_on(True)
    panel._tuning._backbone.click()


def test_fine_tuning_is_off_until_it_is_chosen(panel: RunPanel) -> None:
    assert panel.settings().finetune == "none"
    assert not panel._tuning.isVisible()
    panel._training.set_on(True)
    assert panel._tuning.isVisible()
    assert (panel.settings().finetune, panel.settings().head) == ("none", "dec")
    choose_backbone(panel)
    assert (panel.settings().finetune, panel.settings().head) == ("dec", "none")
    panel._training.set_on(False)
    assert panel.settings().finetune == "none"


def test_its_own_settings_count_and_those_of_the_head_do_not(panel: RunPanel) -> None:
    choose_backbone(panel)
    panel._head.set_values({"head.epochs": "7"})
    panel._tuning.form.set_method("dcn")
    panel._tuning.form.set_values({"finetune.blocks": "2", "head.epochs": "9"})
    wanted = panel.settings()
    assert (wanted.finetune, dict(wanted.parameters)) == ("dcn", {"finetune.blocks": "2"})
    panel._advanced.click()
    assert panel._tuning.form.isVisible()
    assert not panel._head.isVisible()


def test_the_choice_is_remembered(panel: RunPanel, qtbot: QtBot) -> None:
    choose_backbone(panel)
    panel._tuning.form.set_values({"finetune.epochs": "3"})
    other = RunPanel()
    qtbot.addWidget(other)
    other.restore(panel.text())
    assert other.settings() == panel.settings()
    other.restore('{"finetune": "none"}')
    assert not other._tuning.is_backbone


def test_the_time_is_asked_for_when_it_matters_and_shown(panel: RunPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.tuning_time_requested) as asked:
        choose_backbone(panel)
    assert asked.args is not None
    assert asked.args[0].finetune == "dec"
    assert "Measuring" in panel._tuning.time_text
    panel.set_tuning_time("Fine-tuning will take about 7 min.")
    assert panel._tuning._time.isVisible()
    with qtbot.waitSignal(panel.tuning_time_requested):
        panel.set_scope(900, can_run=True)
    with qtbot.assertNotEmitted(panel.tuning_time_requested):
        panel._tuning._small.click()
        panel.set_scope(901, can_run=True)
    assert not panel._tuning._time.isVisible()


def test_trained_backbones_are_offered_once_there_are_some(panel: RunPanel) -> None:
    panel._advanced.click()
    assert not panel._backbone.isVisible()
    panel.set_backbones((TUNED,))
    assert panel._backbone.isVisible()
    assert panel.settings().backbone == RunSettings().backbone
    panel._backbone.setCurrentIndex(1)
    assert panel.settings().backbone == TUNED.name
    panel.set_backbones((replace(TUNED, name="tuned:other", title="other"), TUNED))
    assert panel.settings().backbone == TUNED.name
    panel.set_backbones(())
    assert panel.settings().backbone == RunSettings().backbone


def test_what_was_trained_is_told_by_its_name() -> None:
    assert title_of("finetune.dcn") == "DCN on the backbone"
    assert title_of("dec") != title_of("finetune.dec")
    report = json.dumps(
        {
            "finetune": {
                "method": "dec",
                "backbone": TUNED.name,
                "note": "Stopped early.",
                "agreement": {"start": 0.7, "end": 0.8},
            }
        }
    )
    empty = np.empty(0, np.int32)
    run = Run(
        1, "", RunSettings(), "", empty, empty, np.empty(0, np.float32), np.empty((0, 4)), report
    )
    assert method_of(run) == "finetune.dec"
    assert note_of(report).startswith("Stopped early. Kept as tuned:beach-dec-1234.")
    assert note_of("{}") == ""

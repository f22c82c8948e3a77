"""A fine-tuned backbone in the whole window: before and after, where from, one click back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.events import Notice, Severity
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.tuning_values import TuningFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.requests import IngestResult, RunRequest, RunResult
    from dclust_gui.ui.app import App

TUNED = RunSettings(finetune="dec", algorithm="auto", reduce="auto", k=3)
FACTS = TuningFacts(
    "dec", "efficientnet-lite0", "tuned:shots-dec-12ab34", agreement_start=0.71, agreement=0.76
)


class Tuning:
    """In place of the engine's clustering: a fine-tuning that moves one image."""

    def __init__(self, original: Callable[..., RunResult]) -> None:
        self._original = original

    def __call__(
        self,
        ingest: IngestResult,
        request: RunRequest,
        sink: EventSink,
        token: CancelToken,
        rows: NDArray[np.int32],
        stacks: NDArray[np.int32] | None = None,
    ) -> RunResult:
        is_tuned = request.settings.finetune != "none"
        plain = replace(request, settings=replace(request.settings, finetune="none"))
        result = self._original(ingest, plain, sink, token, rows, stacks)
        if not is_tuned:
            return result
        sink(Notice(Severity.WARNING, "It will take about 3 min.", is_passing=True))
        sink(Notice(Severity.INFO, "It came to something."))
        labels = result.clusters.labels.copy()
        labels[0] = (labels[0] + 1) % 3
        clusters = replace(result.clusters, labels=labels)
        return replace(result, clusters=clusters, tuning=FACTS)


@pytest.fixture
def tuning(clustered_app: App, monkeypatch: pytest.MonkeyPatch) -> App:
    """The window with clusters, and an engine that fine-tunes."""
    engine = clustered_app.work._engine
    monkeypatch.setattr(engine, "cluster", Tuning(engine.cluster))
    return clustered_app


def test_before_and_after_name_the_backbone_and_one_click_goes_back(
    tuning: App, qtbot: QtBot
) -> None:
    session = tuning.controller.session
    assert session is not None
    before = session.clustering.labels.copy()
    with qtbot.waitSignal(tuning.work.training_accepted, timeout=60_000):
        tuning.work.cluster(TUNED)
    qtbot.waitUntil(lambda: "moved" in tuning.training.view.text, timeout=60_000)
    assert tuning.training.is_shown
    qtbot.waitUntil(lambda: not tuning.work.is_busy)
    told = [frame.message.text for frame in tuning.window.messages._frames]
    assert "It came to something." in told
    assert "It will take about 3 min." not in told
    assert "DEC on the backbone" in tuning.training.view.text
    assert "tuned:shots-dec-12ab34" in tuning.training.view.text
    tuning.training.view.return_requested.emit()
    assert np.array_equal(session.clustering.labels, before)


def test_how_long_it_takes_is_asked_off_the_window_and_shown(
    tuning: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def measured(files: object, n_images: int, request: object, token: object) -> str:
        asked.append(n_images)
        return "Fine-tuning will take about 3 min."

    monkeypatch.setattr(tuning.work._engine, "tuning_time", measured)
    qtbot.waitUntil(lambda: not tuning.work.is_busy, timeout=60_000)
    panel = tuning.window.run_panel
    panel._training.set_on(True)
    panel._tuning._backbone.click()
    qtbot.waitUntil(lambda: "about 3 min" in panel._tuning.time_text, timeout=60_000)
    assert asked == [24]

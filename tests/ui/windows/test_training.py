"""A training in the whole window: curves, Stop early, Cancel, before and after, the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.events import TrainingProgressed
from dclust_gui.domain.runs import NO_HEAD, RunSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.requests import IngestResult, RunRequest, RunResult
    from dclust_gui.ui.app import App

TRAINED = RunSettings(head="dec", algorithm="auto", reduce="auto", k=3)


class Training:
    """In place of the engine's clustering: heads train until they are told to end or `is_quick`.

    Attributes:
        heads: Heads of the runs so far.
        is_quick: Trainings end at once.
    """

    def __init__(self, original: Callable[..., RunResult]) -> None:
        self._original = original
        self.heads: list[str] = []
        self.is_quick = False

    def __call__(
        self,
        ingest: IngestResult,
        request: RunRequest,
        sink: EventSink,
        token: CancelToken,
        rows: NDArray[np.int32],
        stacks: NDArray[np.int32] | None = None,
    ) -> RunResult:
        self.heads.append(request.settings.head)
        result = self._original(ingest, request, sink, token, rows, stacks)
        if request.settings.head == NO_HEAD:
            return result
        steps = 0
        while not (self.is_quick or token.is_ending_early):
            token.checkpoint()
            steps += 1
            done = min(0.9, steps / 100)
            sink(TrainingProgressed("dec", "clustering", "", steps, 100, done, (("total", 1.0),)))
            wait(0.01)
        labels = result.clusters.labels.copy()
        labels[0] = (labels[0] + 1) % 3
        return replace(result, clusters=replace(result.clusters, labels=labels))


def wait(seconds: float) -> None:
    """Let other threads work."""
    import threading

    threading.Event().wait(seconds)


@pytest.fixture
def training(clustered_app: App, monkeypatch: pytest.MonkeyPatch) -> Training:
    """The window with clusters, and an engine that trains."""
    engine = clustered_app.work._engine
    made = Training(engine.cluster)
    monkeypatch.setattr(engine, "cluster", made)
    return made


def finish(app: App, qtbot: QtBot, settings: RunSettings = TRAINED) -> None:
    """Train, and wait for the comparison."""
    with qtbot.waitSignal(app.work.training_accepted, timeout=60_000):
        app.work.cluster(settings)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=60_000)
    qtbot.waitUntil(lambda: "moved" in app.training.view.text, timeout=60_000)


def shown(app: App) -> str:
    """What is in sight."""
    return "comparison" if app.training.is_shown else "gallery"


def test_stop_early_keeps_the_clusters_so_far(
    clustered_app: App, qtbot: QtBot, training: Training
) -> None:
    app = clustered_app
    app.work.cluster(TRAINED)
    panel = app.window.training
    qtbot.waitUntil(lambda: panel.plot.n_points()[0] > 2, timeout=60_000)
    assert panel.isVisible()
    with qtbot.waitSignal(app.work.training_accepted, timeout=60_000):
        panel.end_requested.emit()
    qtbot.waitUntil(lambda: not panel.isVisible(), timeout=60_000)
    assert app.training.is_shown
    qtbot.waitUntil(lambda: "moved" in app.training.view.text, timeout=60_000)


def test_cancel_changes_nothing(clustered_app: App, qtbot: QtBot, training: Training) -> None:
    app = clustered_app
    session = app.controller.session
    assert session is not None
    before = session.history
    app.work.cluster(TRAINED)
    qtbot.waitUntil(app.window.training.isVisible, timeout=60_000)
    app.window.training.cancel_requested.emit()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=60_000)
    qtbot.waitUntil(lambda: not app.window.training.isVisible(), timeout=60_000)
    assert session.history is before
    assert not app.training.is_shown


def test_before_and_after_and_back_in_one_step(
    clustered_app: App, qtbot: QtBot, training: Training
) -> None:
    app, training.is_quick = clustered_app, True
    session = app.controller.session
    assert session is not None
    before, n_steps = session.clustering.labels.copy(), session.history.position
    finish(app, qtbot)
    assert "1 of 24 images moved" in app.training.view.text
    assert sum(row.n_changed for row in app.training.view.strips.rows) == 2
    assert session.history.position == n_steps + 1
    app.training.view.kept.emit()
    assert shown(app) == "gallery"
    app.window.actions_["comparison"].trigger()
    assert shown(app) == "comparison"
    app.training.view.return_requested.emit()
    assert np.array_equal(session.clustering.labels, before)
    assert session.history.position == n_steps
    assert shown(app) == "gallery"
    assert not app.window.actions_["comparison"].isEnabled()


def test_the_way_back_after_an_edit_is_a_step_that_can_be_undone(
    clustered_app: App, qtbot: QtBot, training: Training
) -> None:
    app, training.is_quick = clustered_app, True
    session = app.controller.session
    assert session is not None
    before = session.clustering.labels.copy()
    finish(app, qtbot)
    app.controller.rename(min(session.clustering.clusters), "Mine")
    position = session.history.position
    app.training.view.return_requested.emit()
    assert np.array_equal(session.clustering.labels, before)
    assert session.history.position == position + 1
    assert session.clustering.clusters[min(session.clustering.clusters)].name == "Mine"


def test_an_undo_ends_the_comparison(clustered_app: App, qtbot: QtBot, training: Training) -> None:
    app, training.is_quick = clustered_app, True
    finish(app, qtbot)
    app.controller.undo()
    qtbot.waitUntil(lambda: not app.training.is_shown, timeout=5000)


def test_the_features_as_they_are_are_clustered_first(
    open_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_app.work._engine
    training = Training(engine.cluster)
    training.is_quick = True
    monkeypatch.setattr(engine, "cluster", training)
    finish(open_app, qtbot)
    assert training.heads == [NO_HEAD, "dec"]
    session = open_app.controller.session
    assert session is not None
    assert session.history.position == 2

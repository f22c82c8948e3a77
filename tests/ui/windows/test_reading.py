"""The window reads images as the wanted run asks for, and goes on as the last run did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.events import Stage
from dclust_gui.domain.runs import RunSettings
from dclust_gui.ui.windows.work import Step

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.engine.requests import IngestResult, RunRequest
    from dclust_gui.ui.app import App


@pytest.fixture
def read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Quality of each reading that was finished."""
    found: list[str] = []
    whole = type(engine).ingest

    def ingest(self: Engine, scan: object, request: RunRequest, *rest: object) -> IngestResult:
        result = whole(self, scan, request, *rest)  # type: ignore[arg-type]
        found.append(request.settings.quality)
        return result

    monkeypatch.setattr(type(engine), "ingest", ingest)
    return found


def cluster(app: App, qtbot: QtBot, quality: str) -> None:
    with qtbot.waitSignal(app.work.run_accepted, timeout=10_000):
        app.work.cluster(RunSettings(k=3, quality=quality))
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=10_000)


def test_best_reads_once_more_and_is_what_later_readings_use(
    read: list[str], open_app: App, qtbot: QtBot
) -> None:
    app = open_app
    assert read == ["fast"]
    cluster(app, qtbot, "better")
    assert read == ["fast"]
    cluster(app, qtbot, "best")
    assert read == ["fast", "best"]
    assert app.controller.session is not None
    assert app.controller.session.run is not None
    assert app.controller.session.run.settings.quality == "best"
    app.work.rescan()
    qtbot.waitUntil(lambda: len(read) == 3, timeout=10_000)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=10_000)
    assert read[-1] == "best"
    cluster(app, qtbot, "fast")
    assert read[3:] == ["fast"]


def test_best_wanted_while_images_are_read_ends_that_reading(
    read: list[str],
    engine: Engine,
    app: App,
    photos: Path,
    start: Callable[[App, Path], None],
    qtbot: QtBot,
) -> None:
    import threading as threads

    gates: dict[Stage, threading.Event] = engine.gates  # type: ignore[attr-defined]
    gates[Stage.FEATURES] = threads.Event()
    start(app, photos)
    reached = engine.reached[Stage.FEATURES]  # type: ignore[attr-defined]
    qtbot.waitUntil(reached.is_set, timeout=10_000)
    with qtbot.waitSignal(app.work.run_accepted, timeout=10_000):
        app.work.cluster(RunSettings(k=3, quality="best"))
        gates.pop(Stage.FEATURES).set()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=10_000)
    assert read[-1] == "best"
    assert app.controller.session is not None
    assert app.controller.session.run is not None
    assert app.controller.session.run.settings.quality == "best"


def test_a_project_is_painted_before_its_files_are_looked_for(
    qtbot: QtBot, app: App, photos: Path, start: Callable[[App, Path], None]
) -> None:
    start(app, photos)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=10_000)
    session = app.controller.session
    assert session is not None
    searches: list[bool] = []
    app.work.state_changed.connect(lambda: searches.append(Step.SCAN in app.work._jobs.values()))
    app.work.open(session)
    at_once = (app.work.is_busy, any(searches))
    qtbot.waitUntil(lambda: any(searches))
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=10_000)
    app.work.open(session)
    app.work.close()
    assert (*at_once, app.work.is_busy) == (True, False, False)

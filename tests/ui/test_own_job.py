"""One owner's jobs on a thread that others use, too."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject

from dclust_gui.domain.events import Notice, Severity, Stage, StageProgressed
from dclust_gui.ui.bridge.engine_host import EngineHost
from dclust_gui.ui.bridge.own_job import OwnJob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken, EventSink


@dataclass
class Answer:
    """Reports once, waits at a gate, and answers."""

    answer: str
    error: Exception | None = None
    title: str = "Answering"
    gate: threading.Event = field(default_factory=threading.Event)

    def run(self, sink: EventSink, token: CancelToken, /) -> str:
        sink(Notice(Severity.INFO, "not for the owner"))
        sink(StageProgressed(Stage.EXPORT, 1, 2))
        while not self.gate.wait(0.01):
            token.checkpoint()
        if self.error is not None:
            raise self.error
        return self.answer


class Ear:
    """Remembers what an owner hears."""

    def __init__(self, jobs: OwnJob) -> None:
        self.heard: list[object] = []
        jobs.progressed.connect(self.heard.append)
        jobs.succeeded.connect(self.heard.append)
        jobs.failed.connect(self.heard.append)
        jobs.cancelled.connect(self.on_cancelled)

    def on_cancelled(self) -> None:
        self.heard.append("cancelled")


@pytest.fixture
def host(qtbot: QtBot) -> Iterator[EngineHost]:
    host = EngineHost("io")
    yield host
    assert host.shutdown()


@pytest.fixture
def owner(qtbot: QtBot) -> QObject:
    return QObject()


def ready(answer: str, error: Exception | None = None) -> Answer:
    job = Answer(answer, error)
    job.gate.set()
    return job


def test_the_owner_hears_of_progress_and_of_the_result(
    host: EngineHost, owner: QObject, qtbot: QtBot
) -> None:
    jobs = OwnJob(host, owner)
    ear = Ear(jobs)
    jobs.start(ready("done"))
    assert jobs.is_running
    qtbot.waitUntil(lambda: not jobs.is_running, timeout=5000)
    assert ear.heard == [StageProgressed(Stage.EXPORT, 1, 2), "done"]


def test_owners_do_not_hear_of_each_other(host: EngineHost, owner: QObject, qtbot: QtBot) -> None:
    mine, other = OwnJob(host, owner), OwnJob(host, owner)
    my_ear, other_ear = Ear(mine), Ear(other)
    mine.start(ready("mine"))
    other.start(ready("other"))
    qtbot.waitUntil(lambda: not mine.is_running and not other.is_running, timeout=5000)
    assert my_ear.heard[-1] == "mine"
    assert other_ear.heard[-1] == "other"
    assert "other" not in my_ear.heard


def test_a_new_job_takes_the_place_of_the_one_before(
    host: EngineHost, owner: QObject, qtbot: QtBot
) -> None:
    jobs = OwnJob(host, owner)
    ear = Ear(jobs)
    jobs.start(Answer("old"))
    jobs.start(ready("new"))
    qtbot.waitUntil(lambda: not jobs.is_running, timeout=5000)
    assert ear.heard[-1] == "new"
    assert "cancelled" not in ear.heard


def test_nothing_is_heard_of_a_job_that_its_owner_stopped(
    host: EngineHost, owner: QObject, qtbot: QtBot
) -> None:
    jobs = OwnJob(host, owner)
    ear = Ear(jobs)
    jobs.start(Answer("never"))
    jobs.stop()
    jobs.stop()  # once more does no harm
    assert not jobs.is_running
    qtbot.waitUntil(lambda: not host.is_busy, timeout=5000)
    assert ear.heard == []


def test_a_job_that_another_stops_is_heard_of(
    host: EngineHost, owner: QObject, qtbot: QtBot
) -> None:
    jobs = OwnJob(host, owner)
    ear = Ear(jobs)
    jobs.start(Answer("never"))
    host.cancel_all()
    qtbot.waitUntil(lambda: not jobs.is_running, timeout=5000)
    assert ear.heard[-1] == "cancelled"


def test_a_job_that_its_owner_cancels_is_heard_of_also_while_it_is_paused(
    host: EngineHost, owner: QObject, qtbot: QtBot
) -> None:
    jobs = OwnJob(host, owner)
    ear = Ear(jobs)
    for act in (jobs.pause, jobs.resume, jobs.cancel):
        act()  # without a job nothing happens
    jobs.start(Answer("never"))
    jobs.pause()
    jobs.cancel()
    qtbot.waitUntil(lambda: not jobs.is_running, timeout=5000)
    assert ear.heard[-1] == "cancelled"


def test_a_failure_reaches_the_owner_as_the_exception(
    host: EngineHost, owner: QObject, qtbot: QtBot
) -> None:
    jobs = OwnJob(host, owner)
    ear = Ear(jobs)
    error = ValueError("no")
    jobs.start(ready("", error))
    qtbot.waitUntil(lambda: not jobs.is_running, timeout=5000)
    assert ear.heard[-1] is error

"""The query thread: the newest question of a channel is answered, others are not."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject, Slot

from dclust_gui.domain.control import CancelToken
from dclust_gui.ui.bridge.query_host import QueryHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot


@dataclass(frozen=True)
class Ask:
    """Answers with a value, once its gate is open.

    Attributes:
        value: The answer; an exception is raised.
        gate: Waited for.
        begun: Set when the thread has taken it up.
    """

    value: object
    gate: threading.Event | None = None
    begun: threading.Event = field(default_factory=threading.Event)
    log: list[object] = field(default_factory=list)

    def run(self, token: CancelToken) -> object:
        self.begun.set()
        self.log.append(threading.get_ident())
        while self.gate is not None and not self.gate.wait(0.005):
            token.checkpoint()
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Ear(QObject):
    """Remembers what it hears, and on which thread."""

    def __init__(self, host: QueryHost) -> None:
        super().__init__()
        self.heard: list[tuple[int, object]] = []
        self.failures: list[tuple[int, object]] = []
        self.threads: set[int] = set()
        host.answered.connect(self._on_answered)
        host.failed.connect(self._on_failed)

    @Slot(int, object)
    def _on_answered(self, ticket: int, value: object) -> None:
        self.threads.add(threading.get_ident())
        self.heard.append((ticket, value))

    @Slot(int, object)
    def _on_failed(self, ticket: int, error: object) -> None:
        self.failures.append((ticket, error))


@pytest.fixture
def host(qapp: object) -> Iterator[QueryHost]:
    made = QueryHost("test")
    yield made
    assert made.shutdown()


def test_answer_comes_on_the_gui_thread_and_is_made_on_another(
    host: QueryHost, qtbot: QtBot
) -> None:
    ear, ask = Ear(host), Ask("x")
    ticket = host.ask("a", ask)
    assert ear.heard == []
    qtbot.waitUntil(lambda: ear.heard == [(ticket, "x")])
    assert ear.threads == {threading.get_ident()}
    assert ask.log != [threading.get_ident()]


def test_newer_question_cancels_the_running_one_and_drops_the_waiting_one(
    host: QueryHost, qtbot: QtBot
) -> None:
    ear = Ear(host)
    slow, waiting = Ask("slow", threading.Event()), Ask("waiting")
    host.ask("a", slow)
    assert slow.begun.wait(5)
    host.ask("a", waiting)
    last = host.ask("a", Ask("last"))
    qtbot.waitUntil(lambda: bool(ear.heard))
    assert ear.heard == [(last, "last")]
    assert not waiting.log or ear.heard == [(last, "last")]


def test_late_answer_of_a_replaced_question_is_not_heard(host: QueryHost, qtbot: QtBot) -> None:
    """The answer is on its way when the newer question comes."""
    ear, first = Ear(host), Ask("first")
    host.ask("a", first)
    assert first.begun.wait(5)
    host._pool.waitForDone(5000)
    last = host.ask("a", Ask("last"))
    qtbot.waitUntil(lambda: bool(ear.heard))
    assert ear.heard == [(last, "last")]


def test_channels_do_not_replace_each_other(host: QueryHost, qtbot: QtBot) -> None:
    ear, gate = Ear(host), threading.Event()
    tickets = [host.ask("a", Ask(1, gate)), host.ask("b", Ask(2)), host.ask("c", Ask(3))]
    gate.set()
    qtbot.waitUntil(lambda: len(ear.heard) == 3)
    assert ear.heard == list(zip(tickets, (1, 2, 3), strict=True))


def test_failure_is_told_and_the_thread_goes_on(host: QueryHost, qtbot: QtBot) -> None:
    ear, error = Ear(host), ValueError("no")
    ticket = host.ask("a", Ask(error))
    qtbot.waitUntil(lambda: ear.failures == [(ticket, error)])
    host.ask("a", Ask("fine"))
    qtbot.waitUntil(lambda: bool(ear.heard))


def test_dropped_question_is_not_answered(host: QueryHost, qtbot: QtBot) -> None:
    ear, slow = Ear(host), Ask("slow", threading.Event())
    host.ask("a", slow)
    assert slow.begun.wait(5)
    host.drop("a")
    last = host.ask("b", Ask("other"))
    qtbot.waitUntil(lambda: bool(ear.heard))
    assert ear.heard == [(last, "other")]


def test_shutdown_ends_a_running_question_and_takes_no_more(qapp: object) -> None:
    host, slow = QueryHost("test"), Ask("slow", threading.Event())
    host.ask("a", slow)
    assert slow.begun.wait(5)
    assert host.shutdown()
    late = Ask("late")
    host.ask("a", late)
    assert not late.begun.is_set()

"""Steps of a stage as messages."""

from __future__ import annotations

import pytest

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.events import Event, Stage, StageProgressed
from dclust_gui.engine.progress import StageMeter


class Clock:
    """Time that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("time.perf_counter", lambda: self.now)


def sent(events: list[Event]) -> list[tuple[int, int]]:
    """Steps and totals of the messages."""
    return [(e.done, e.total) for e in events if isinstance(e, StageProgressed)]


def test_at_most_one_message_in_fifty_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events = Clock(monkeypatch), list[Event]()
    meter = StageMeter(Stage.FEATURES, 1000, events.append, CancelToken())
    for _ in range(999):
        clock.now += 0.001
        meter.advance()
    assert len(events) <= 1 + 999 // 50
    assert meter.finish() == pytest.approx(0.999)
    assert sent(events)[-1] == (1000, 1000)


def test_the_end_is_told_exactly_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events = Clock(monkeypatch), list[Event]()
    meter = StageMeter(Stage.CLUSTER, 3, events.append, CancelToken())
    for _ in range(3):
        clock.now += 1
        meter.advance()
    clock.now += 1
    meter.finish()
    assert sent(events) == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_rate_and_time_left_follow_the_last_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, events = Clock(monkeypatch), list[Event]()
    meter = StageMeter(Stage.FEATURES, 100, events.append, CancelToken())
    for _ in range(10):
        clock.now += 1
        meter.advance(2)
    last = events[-1]
    assert isinstance(last, StageProgressed)
    assert last.rate == pytest.approx(2)
    assert last.seconds_left == pytest.approx(40)
    first = events[0]
    assert isinstance(first, StageProgressed)
    assert (first.rate, first.seconds_left) == (0, None)


def test_unknown_total_becomes_what_was_done() -> None:
    events: list[Event] = []
    meter = StageMeter(Stage.SCAN, 0, events.append, CancelToken())
    meter.advance(7)
    meter.finish()
    assert sent(events)[0] == (0, 0)
    assert sent(events)[-1] == (7, 7)
    assert StageMeter(Stage.TREE, 0, events.append, CancelToken()).finish() >= 0
    assert sent(events)[-1] == (1, 1)


def test_cancelled_job_stops_at_its_next_step() -> None:
    token = CancelToken()
    meter = StageMeter(Stage.FEATURES, 5, lambda _: None, token)
    meter.advance()
    token.cancel()
    with pytest.raises(Cancelled):
        meter.advance()
    assert meter.done == 1
    assert meter.seconds >= 0

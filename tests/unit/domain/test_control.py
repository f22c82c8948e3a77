from __future__ import annotations

import threading

import pytest

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.events import Notice, Severity


def test_checkpoint_passes_until_cancelled() -> None:
    token = CancelToken()
    token.checkpoint()
    assert not token.is_cancelled
    token.cancel()
    with pytest.raises(Cancelled):
        token.checkpoint()
    assert [token.is_cancelled, token.is_paused] == [True, False]


def run_to_checkpoint(token: CancelToken) -> tuple[threading.Thread, list[str]]:
    outcome: list[str] = []

    def work() -> None:
        try:
            token.checkpoint()
        except Cancelled:
            outcome.append("cancelled")
        else:
            outcome.append("went on")

    thread = threading.Thread(target=work)
    thread.start()
    return thread, outcome


def test_paused_job_waits_until_it_is_resumed() -> None:
    token = CancelToken()
    token.pause()
    assert token.is_paused
    thread, outcome = run_to_checkpoint(token)
    thread.join(0.05)
    assert thread.is_alive()
    assert outcome == []
    token.resume()
    thread.join(10)
    assert outcome == ["went on"]
    assert not token.is_paused


def test_cancel_ends_a_paused_job() -> None:
    token = CancelToken()
    token.pause()
    thread, outcome = run_to_checkpoint(token)
    token.cancel()
    thread.join(10)
    assert outcome == ["cancelled"]


def test_cancelled_job_cannot_be_paused() -> None:
    token = CancelToken()
    token.cancel()
    token.pause()
    assert not token.is_paused


def test_pause_that_meets_a_cancel_does_not_hold_the_job() -> None:
    token = CancelToken()
    answers = iter([False, True])
    token._stopped.is_set = lambda: next(answers)  # type: ignore[method-assign]
    token.pause()
    assert not token.is_paused


def test_ignoring_takes_any_message() -> None:
    ignore_events(Notice(Severity.INFO, "slow disk"))


def test_a_training_that_waits_can_be_ended_early() -> None:
    token = CancelToken()
    before = token.is_ending_early
    token.pause()
    token.end_early()
    assert (before, token.is_ending_early) == (False, True)
    token.checkpoint()  # neither waits nor raises

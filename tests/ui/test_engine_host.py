from __future__ import annotations

import threading
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QObject, QThread, Slot

from dclust_gui.domain.control import CancelToken, EventSink
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import (
    ImageSkipped,
    Notice,
    Severity,
    Stage,
    StageProgressed,
    ThumbnailReady,
)
from dclust_gui.ui.bridge.engine_host import EngineHost
from dclust_gui.ui.bridge.throttle import EventThrottle, ThumbnailsReady

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot


@dataclass(frozen=True)
class FunctionJob:
    body: Callable[[EventSink, CancelToken], object]
    title: str = "job"

    def run(self, sink: EventSink, token: CancelToken) -> object:
        return self.body(sink, token)


class Watcher(QObject):
    """Writes down every signal of a host."""

    def __init__(self, host: EngineHost) -> None:
        super().__init__()
        self.outcomes: list[tuple[str, int]] = []
        self.events: list[tuple[int, object]] = []
        self.payloads: list[object] = []
        self.on_gui_thread: set[bool] = set()
        host.progressed.connect(self._on_progressed)
        host.succeeded.connect(self._on_succeeded)
        host.cancelled.connect(self._on_cancelled)
        host.failed.connect(self._on_failed)

    @Slot(int, object)
    def _on_progressed(self, job_id: int, event: object) -> None:
        self.on_gui_thread.add(QThread.currentThread() is self.thread())
        self.events.append((job_id, event))

    @Slot(int, object)
    def _on_succeeded(self, job_id: int, result: object) -> None:
        self.payloads.append(result)
        self.outcomes.append(("succeeded", job_id))

    @Slot(int)
    def _on_cancelled(self, job_id: int) -> None:
        self.outcomes.append(("cancelled", job_id))

    @Slot(int, object)
    def _on_failed(self, job_id: int, error: object) -> None:
        self.payloads.append(error)
        self.outcomes.append(("failed", job_id))


@dataclass
class Setup:
    host: EngineHost
    seen: Watcher
    qtbot: QtBot
    release: threading.Event = field(default_factory=threading.Event)

    def start(self, body: Callable[[EventSink, CancelToken], object]) -> int:
        return self.host.start(FunctionJob(body))

    def wait_outcomes(self, n: int) -> None:
        self.qtbot.waitUntil(lambda: len(self.seen.outcomes) >= n, timeout=5000)


@pytest.fixture
def setup(qtbot: QtBot) -> Iterator[Setup]:
    host = EngineHost()
    made = Setup(host, Watcher(host), qtbot)
    yield made
    made.release.set()
    assert host.shutdown(), "the engine's thread did not stop"


def forever(_sink: EventSink, token: CancelToken) -> None:
    while True:
        token.checkpoint()
        threading.Event().wait(0.001)


def test_result_arrives_on_gui_thread(setup: Setup) -> None:
    def body(sink: EventSink, token: CancelToken) -> object:
        sink(StageProgressed(Stage.SCAN, 1, 1))
        return QThread.currentThread().objectName()

    job = setup.start(body)
    setup.wait_outcomes(1)
    assert setup.seen.outcomes == [("succeeded", job)]
    assert setup.seen.payloads == ["engine"]
    assert setup.seen.on_gui_thread == {True}


def test_cancel_ends_the_running_job(setup: Setup) -> None:
    job = setup.start(forever)
    setup.host.cancel(job)
    setup.wait_outcomes(1)
    assert setup.seen.outcomes == [("cancelled", job)]
    assert not setup.host.is_busy


def test_cancelled_job_that_does_not_end_frees_the_window_within_half_a_second(
    setup: Setup,
) -> None:
    late: list[str] = []

    def stubborn(sink: EventSink, token: CancelToken) -> object:
        setup.release.wait(5)
        sink(Notice(Severity.INFO, "too late"))
        late.append("ended")
        return "late"

    first = setup.start(stubborn)
    setup.qtbot.waitSignal(setup.host.started, timeout=5000).wait()
    asked = time.monotonic()
    setup.host.cancel(first)
    setup.wait_outcomes(1)
    assert time.monotonic() - asked < 0.5
    was_freed = not setup.host.is_busy
    second = setup.start(lambda sink, token: list(late))
    assert was_freed
    assert setup.host.is_busy
    setup.release.set()
    setup.wait_outcomes(2)
    assert setup.seen.outcomes == [("cancelled", first), ("succeeded", second)]
    assert setup.seen.payloads == [["ended"]], "the second job ran beside the first"
    assert setup.seen.events == []


def test_result_that_crosses_a_cancel_is_dropped(setup: Setup) -> None:
    job = setup.start(lambda sink, token: setup.release.wait(5))
    setup.host.cancel(job)
    setup.release.set()
    setup.wait_outcomes(1)
    assert setup.seen.outcomes == [("cancelled", job)]


def test_cancelled_queued_job_never_runs(setup: Setup) -> None:
    ran: list[int] = []
    first = setup.start(lambda sink, token: setup.release.wait(5))
    second = setup.start(lambda sink, token: ran.append(2))
    third = setup.start(lambda sink, token: ran.append(3))
    setup.host.cancel(second)
    assert setup.seen.outcomes == [("cancelled", second)]
    setup.release.set()
    setup.wait_outcomes(3)
    assert ran == [3]
    assert setup.seen.outcomes[1:] == [("succeeded", first), ("succeeded", third)]


def test_failure_is_reported_and_the_next_job_runs(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(sink: EventSink, token: CancelToken) -> object:
        raise ValueError("no")

    bad = setup.start(broken)
    good = setup.start(lambda sink, token: 1)
    setup.wait_outcomes(2)
    assert setup.seen.outcomes == [("failed", bad), ("succeeded", good)]
    assert isinstance(setup.seen.payloads[0], ValueError)
    assert "failed" in caplog.text


def test_job_started_from_an_outcome_slot_runs(setup: Setup) -> None:
    class Chain(QObject):
        @Slot(int, object)
        def _on_succeeded(self, job_id: int, result: object) -> None:
            if job_id == 1:
                setup.start(lambda sink, token: "second")

    chain = Chain()
    setup.host.succeeded.connect(chain._on_succeeded)
    setup.start(lambda sink, token: "first")
    setup.wait_outcomes(2)
    assert setup.seen.payloads == ["first", "second"]


def test_paused_job_waits_and_goes_on(setup: Setup) -> None:
    steps: list[int] = []

    def body(sink: EventSink, token: CancelToken) -> None:
        setup.release.wait(5)
        token.checkpoint()
        steps.append(1)

    job = setup.start(body)
    setup.host.pause(job)
    assert setup.host.is_paused(job)
    setup.release.set()
    with setup.qtbot.assertNotEmitted(setup.host.succeeded, wait=60):
        pass
    assert steps == []
    setup.host.resume(job)
    setup.wait_outcomes(1)
    assert steps == [1]


def test_paused_job_can_be_cancelled(setup: Setup) -> None:
    job = setup.start(forever)
    setup.host.pause(job)
    setup.host.cancel(job)
    setup.wait_outcomes(1)
    assert setup.seen.outcomes == [("cancelled", job)]


@pytest.mark.filterwarnings("default")
def test_warnings_of_the_job_and_its_helpers_become_notices(setup: Setup) -> None:
    def body(sink: EventSink, token: CancelToken) -> None:
        warnings.warn("from the job", UserWarning, stacklevel=1)
        helper = threading.Thread(
            target=warnings.warn, args=("from a helper",), kwargs={"stacklevel": 1}
        )
        helper.start()
        helper.join()

    before = warnings.showwarning
    setup.start(body)
    setup.wait_outcomes(1)
    texts = [e.text for _, e in setup.seen.events if isinstance(e, Notice)]
    assert texts == ["UserWarning: from the job", "UserWarning: from a helper"]
    assert warnings.showwarning is before


@pytest.mark.filterwarnings("default")
def test_warnings_of_two_hosts_are_told_apart(setup: Setup, qtbot: QtBot) -> None:
    other = EngineHost("io")
    seen = Watcher(other)
    first_open = threading.Event()

    def first(sink: EventSink, token: CancelToken) -> None:
        first_open.set()
        setup.release.wait(5)
        warnings.warn("first", UserWarning, stacklevel=1)

    def second(sink: EventSink, token: CancelToken) -> None:
        first_open.wait(5)
        warnings.warn("second", UserWarning, stacklevel=1)
        setup.release.set()

    before = warnings.showwarning
    setup.start(first)
    other.start(FunctionJob(second))
    setup.wait_outcomes(1)
    qtbot.waitUntil(lambda: bool(seen.outcomes), timeout=5000)
    assert other.shutdown()
    assert [e.text for _, e in setup.seen.events if isinstance(e, Notice)] == ["UserWarning: first"]
    assert [e.text for _, e in seen.events if isinstance(e, Notice)] == ["UserWarning: second"]
    warnings.showwarning = before


def test_shutdown_with_a_running_job_emits_nothing(qtbot: QtBot) -> None:
    host = EngineHost()
    seen = Watcher(host)
    host.start(FunctionJob(forever))
    host.start(FunctionJob(forever))
    assert host.shutdown()
    assert seen.outcomes == []
    with pytest.raises(RuntimeError, match="shut down"):
        host.start(FunctionJob(forever))


def test_progress_of_a_fast_loop_is_thinned_out_and_ends_with_the_last(setup: Setup) -> None:
    def body(sink: EventSink, token: CancelToken) -> None:
        for i in range(50_000):
            sink(StageProgressed(Stage.FEATURES, i + 1, 50_000))

    setup.start(body)
    setup.wait_outcomes(1)
    steps = [e for _, e in setup.seen.events if isinstance(e, StageProgressed)]
    assert 2 <= len(steps) < 50
    assert steps[-1].done == 50_000


def test_throttle_sends_a_held_message_when_the_stage_changes_or_the_job_ends() -> None:
    sent: list[object] = []
    throttle = EventThrottle(sent.append, clock=lambda: 0.0)
    for done in range(3):
        throttle(StageProgressed(Stage.SCAN, done, 0))
    throttle(StageProgressed(Stage.DECODE, 0, 9))
    throttle(StageProgressed(Stage.DECODE, 5, 9))
    throttle(ImageSkipped("a.jpg", "damaged"))
    throttle.close()
    throttle(ImageSkipped("b.jpg", "too late"))
    assert sent == [
        StageProgressed(Stage.SCAN, 0, 0),
        StageProgressed(Stage.SCAN, 2, 0),
        StageProgressed(Stage.DECODE, 0, 9),
        ImageSkipped("a.jpg", "damaged"),
        StageProgressed(Stage.DECODE, 5, 9),
    ]


def test_throttle_sends_thumbnails_in_batches() -> None:
    sent: list[object] = []
    throttle = EventThrottle(sent.append, clock=lambda: 0.0)
    for i in range(600):
        throttle(ThumbnailReady(i, b"c"))
    throttle.close()
    assert [len(e.items) for e in sent if isinstance(e, ThumbnailsReady)] == [512, 88]


def test_what_readers_of_images_warn_of_is_only_logged(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    def body(sink: EventSink, token: CancelToken) -> None:
        place = "/lib/site-packages/PIL/TiffImagePlugin.py"
        warnings.warn_explicit("Corrupt EXIF data", UserWarning, place, 1)

    with caplog.at_level("INFO"), warnings.catch_warnings():
        warnings.simplefilter("default")
        setup.start(body)
        setup.wait_outcomes(1)
    assert not [e for _, e in setup.seen.events if isinstance(e, Notice)]
    assert "Corrupt EXIF data" in caplog.text


def test_known_errors_are_logged_without_a_traceback(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    def body(sink: EventSink, token: CancelToken) -> None:
        raise InputError("Could not open the folder.", "There is none.")

    with caplog.at_level("INFO"):
        setup.start(body)
        setup.wait_outcomes(1)
    assert "Could not open the folder" in caplog.text
    assert "Traceback" not in caplog.text

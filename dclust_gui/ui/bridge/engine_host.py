"""The thread on which long jobs run one after another, and the only place that catches all."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, QThread, QTimer, Signal, Slot

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import KnownError
from dclust_gui.ui.bridge.priority import yield_to_window
from dclust_gui.ui.bridge.throttle import EventThrottle
from dclust_gui.ui.bridge.warning_tap import WarningTap

if TYPE_CHECKING:
    from dclust_gui.domain.control import EventSink
    from dclust_gui.domain.events import Event
    from dclust_gui.ui.bridge.throttle import ThumbnailsReady

log = logging.getLogger(__name__)

CANCEL_GRACE_MS = 400
"""How long a cancelled job may take to end before the window goes on without it."""

_STACK_BYTES = 16 << 20  # macOS gives secondary threads 512 KiB, too little for LAPACK


class Job(Protocol):
    """Work for the thread: a frozen value that brings all it needs with it."""

    @property
    def title(self) -> str:
        """What it does, for the status bar."""

    def run(self, sink: EventSink, token: CancelToken) -> object:
        """Do it, on the host's thread.

        Raises:
            Cancelled: If the token was cancelled.
        """


@dataclass(slots=True)
class _Entry:
    """One job on its way through the host."""

    id: int
    job: Job
    token: CancelToken = field(default_factory=CancelToken)
    is_settled: bool = False


class _Worker(QObject):
    """Runs jobs on the thread it lives in.

    Signals:
        begun: job id.
        reported: job id, an event.
        ended: job id, outcome name, the result or the exception or None.
    """

    begun = Signal(int)
    reported = Signal(int, object)
    ended = Signal(int, str, object)

    @Slot(int, object, object)
    def run(self, job_id: int, job: Job, token: CancelToken) -> None:
        """Run one job to its end; emits `ended` exactly once."""
        yield_to_window()
        self.begun.emit(job_id)
        throttle = EventThrottle(partial(self._report, job_id))
        outcome, payload = self._outcome_of(job_id, job, throttle, token)
        throttle.close()
        self.ended.emit(job_id, outcome, payload)

    def _outcome_of(
        self, job_id: int, job: Job, sink: EventSink, token: CancelToken
    ) -> tuple[str, object]:
        try:
            token.checkpoint()
            with WarningTap(sink):
                return "succeeded", job.run(sink, token)
        except Cancelled:
            return "cancelled", None
        except KnownError as error:
            log.info("job %d (%s): %s", job_id, type(job).__name__, error)
            return "failed", error
        except Exception as error:
            log.exception("job %d (%s) failed", job_id, type(job).__name__)
            return "failed", error

    def _report(self, job_id: int, event: Event | ThumbnailsReady) -> None:
        self.reported.emit(job_id, event)


class EngineHost(QObject):
    """Owns one thread and its queue of jobs; lives on the GUI thread.

    A cancelled job that is still running `CANCEL_GRACE_MS` later is reported as cancelled; its
    late messages and result are dropped, and the next job waits until the thread is free.

    Signals:
        started: job id; the thread has taken it up.
        progressed: job id, a domain event or `ThumbnailsReady`.
        succeeded: job id, the job's result.
        cancelled: job id.
        failed: job id, the exception.
    """

    started = Signal(int)
    progressed = Signal(int, object)
    succeeded = Signal(int, object)
    cancelled = Signal(int)
    failed = Signal(int, object)

    _run_requested = Signal(int, object, object)

    def __init__(self, name: str = "engine", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: deque[_Entry] = deque()
        self._active: _Entry | None = None
        self._last_id = 0
        self._is_closing = False
        self._thread = QThread()
        self._thread.setObjectName(name)
        self._thread.setStackSize(_STACK_BYTES)
        self._worker = _Worker()
        self._worker.moveToThread(self._thread)
        self._thread.finished.connect(self._worker.deleteLater)
        self._run_requested.connect(self._worker.run, Qt.ConnectionType.QueuedConnection)
        self._worker.begun.connect(self._on_begun, Qt.ConnectionType.QueuedConnection)
        self._worker.reported.connect(self._on_reported, Qt.ConnectionType.QueuedConnection)
        self._worker.ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)
        self._hand_over = QTimer(self)
        self._hand_over.setSingleShot(True)
        self._hand_over.setInterval(0)
        self._hand_over.timeout.connect(self._on_hand_over_timeout)
        self._grace = QTimer(self)
        self._grace.setSingleShot(True)
        self._grace.setInterval(CANCEL_GRACE_MS)
        self._grace.timeout.connect(self._on_grace_timeout)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether a job waits or runs that the window still expects to hear of."""
        return bool(self._queue) or (self._active is not None and not self._active.is_settled)

    @property
    def current_id(self) -> int | None:
        """Id of the job that runs; None when there is none, or it was given up."""
        return None if self._active is None or self._active.is_settled else self._active.id

    @property
    def current_title(self) -> str:
        """Title of the job that runs; empty when there is none."""
        return "" if self._active is None or self._active.is_settled else self._active.job.title

    def start(self, job: Job) -> int:
        """Queue a job; returns its id. Exactly one outcome is emitted for it, later.

        Raises:
            RuntimeError: If the host has been shut down.
        """
        if self._is_closing:
            raise RuntimeError("the host has been shut down")
        self._last_id += 1
        self._queue.append(_Entry(self._last_id, job))
        self._start_next()
        return self._last_id

    def cancel(self, job_id: int) -> None:
        """Stop a job; a waiting one is taken from the queue. Unknown and ended ones do no harm."""
        if self._active is not None and self._active.id == job_id:
            self._active.token.cancel()
            if not self._active.is_settled and not self._grace.isActive():
                self._grace.start()
            return
        entry = self._find(job_id)
        if entry is not None:
            self._queue.remove(entry)
            self.cancelled.emit(job_id)

    def cancel_all(self) -> None:
        """Stop the running job and empty the queue."""
        for entry in reversed(tuple(self._queue)):
            self.cancel(entry.id)
        if self._active is not None:
            self.cancel(self._active.id)

    def pause(self, job_id: int) -> None:
        """Let a job wait at its next checkpoint."""
        entry = self._find(job_id)
        if entry is not None:
            entry.token.pause()

    def resume(self, job_id: int) -> None:
        """Let a paused job go on."""
        entry = self._find(job_id)
        if entry is not None:
            entry.token.resume()

    def end_early(self, job_id: int) -> None:
        """Let a training job be content with the best it has so far; it still succeeds."""
        entry = self._find(job_id)
        if entry is not None:
            entry.token.end_early()

    def is_paused(self, job_id: int) -> bool:
        """Whether a job was told to wait."""
        entry = self._find(job_id)
        return entry is not None and entry.token.is_paused

    def shutdown(self, timeout_ms: int = 5000) -> bool:
        """Cancel everything and end the thread; nothing is emitted any more.

        Args:
            timeout_ms: How long to wait for the running job.

        Returns:
            Whether the thread ended. If not, a library call holds it: keep this object alive and
            leave the process by `os._exit`, for Qt aborts when a running thread is destroyed.
        """
        self._is_closing = True
        self._queue.clear()
        self._grace.stop()
        self._hand_over.stop()
        if self._active is not None:
            self._active.is_settled = True
            self._active.token.cancel()
        self._thread.quit()
        return self._thread.wait(timeout_ms)

    def _find(self, job_id: int) -> _Entry | None:
        entries = (*self._queue, *([self._active] if self._active is not None else []))
        return next((entry for entry in entries if entry.id == job_id), None)

    def _start_next(self) -> None:
        if self._active is None and self._queue and not self._is_closing:
            self._active = self._queue.popleft()
            self._hand_over.start()

    @Slot()
    def _on_hand_over_timeout(self) -> None:
        """Give the job to the thread, now that what led to it has been painted.

        Two threads that run Python code slow each other down, and a project is shown first.
        """
        entry = self._active
        if entry is not None and not self._is_closing:
            self._run_requested.emit(entry.id, entry.job, entry.token)

    @Slot(int)
    def _on_begun(self, job_id: int) -> None:
        if job_id == self.current_id:
            self.started.emit(job_id)

    @Slot(int, object)
    def _on_reported(self, job_id: int, event: Event | ThumbnailsReady) -> None:
        if job_id == self.current_id and not self._is_cancelling():
            self.progressed.emit(job_id, event)

    @Slot(int, str, object)
    def _on_ended(self, job_id: int, outcome: str, payload: object) -> None:
        entry = self._active
        if entry is None or entry.id != job_id:
            return
        is_settled, entry.is_settled = entry.is_settled, True
        self._grace.stop()
        self._active = None
        if not is_settled:
            self._emit_outcome(entry, outcome, payload)
        self._start_next()

    @Slot()
    def _on_grace_timeout(self) -> None:
        if self._active is not None and not self._active.is_settled:
            log.info("job %d does not end; going on without it", self._active.id)
            self._active.is_settled = True
            self.cancelled.emit(self._active.id)

    def _emit_outcome(self, entry: _Entry, outcome: str, payload: object) -> None:
        if entry.token.is_cancelled or outcome == "cancelled":
            self.cancelled.emit(entry.id)
        elif outcome == "succeeded":
            self.succeeded.emit(entry.id, payload)
        else:
            self.failed.emit(entry.id, payload)

    def _is_cancelling(self) -> bool:
        return self._active is not None and self._active.token.is_cancelled

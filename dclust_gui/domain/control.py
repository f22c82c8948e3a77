"""How a caller watches, pauses and stops a job."""

from __future__ import annotations

import threading
from typing import Protocol

from dclust_gui.domain.events import Event


class Cancelled(Exception):  # noqa: N818 -- control flow, not an error
    """The user asked the job to stop; never shown as an error."""


class CancelToken:
    """A one-way stop flag and a pause switch: set by any thread, checked by the engine."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._ending = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._stopped.is_set()

    @property
    def is_paused(self) -> bool:
        """Whether the job waits at its next checkpoint."""
        return not self._running.is_set()

    def cancel(self) -> None:
        """Ask the job to stop at its next checkpoint, also when it is paused."""
        self._stopped.set()
        self._running.set()

    @property
    def is_ending_early(self) -> bool:
        """Whether `end_early` was called."""
        return self._ending.is_set()

    def end_early(self) -> None:
        """Ask a training to be content with the best it has so far, also when it is paused.

        Unlike after `cancel` the job goes on and has a result; stages that train nothing do not
        look at it.
        """
        self._ending.set()
        self._running.set()

    def pause(self) -> None:
        """Ask the job to wait at its next checkpoint; without effect once cancelled."""
        if not self._stopped.is_set():
            self._running.clear()
            if self._stopped.is_set():
                self._running.set()

    def resume(self) -> None:
        """Let a paused job go on."""
        self._running.set()

    def checkpoint(self) -> None:
        """Return at once, wait while paused, or stop the job.

        Raises:
            Cancelled: If `cancel` was called.
        """
        if not self._running.is_set():  # waiting takes long even where there is nothing to wait for
            self._running.wait()
        if self._stopped.is_set():
            raise Cancelled


class EventSink(Protocol):
    """Takes a job's messages; called on the job's threads, must not block."""

    def __call__(self, event: Event, /) -> None:
        """Take one message."""


def ignore_events(event: Event, /) -> None:
    """Take a message and do nothing: the sink of callers that watch nothing."""

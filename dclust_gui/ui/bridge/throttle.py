"""Thins out a job's messages so that neither the job nor the window drowns in them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dclust_gui.domain.events import StageProgressed, ThumbnailReady

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.domain.events import Event, Stage

_INTERVAL_S = 0.05
_BATCH_INTERVAL_S = 0.2
_BATCH_SIZE = 512


@dataclass(frozen=True, slots=True)
class ThumbnailsReady:
    """Thumbnails that came into the store since the last such message.

    Attributes:
        items: One entry per image, in the order in which they came.
    """

    items: tuple[ThumbnailReady, ...]


class Send(Protocol):
    """Takes a message that got through; called on the job's threads."""

    def __call__(self, event: Event | ThumbnailsReady, /) -> None:
        """Take one message."""


class EventThrottle:
    """An `EventSink` that lets progress through every 50 ms and stage, the last always.

    Skipped images and notices pass at once, thumbnails in batches. Safe to call on any thread.

    Args:
        send: Takes what gets through.
        clock: Seconds of a clock that never goes back.
    """

    def __init__(self, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._sent_at: dict[Stage, float] = {}
        self._held: dict[Stage, StageProgressed] = {}
        self._thumbnails: list[ThumbnailReady] = []
        self._batch_sent_at = clock()
        self._is_closed = False

    def __call__(self, event: Event, /) -> None:
        """Take one message of the job; none gets through after `close`."""
        with self._lock:
            if self._is_closed:
                return
            now = self._clock()
            if isinstance(event, StageProgressed):
                self._take_progress(event, now)
            elif isinstance(event, ThumbnailReady):
                self._thumbnails.append(event)
            else:
                self._send(event)
            is_due = now - self._batch_sent_at >= _BATCH_INTERVAL_S
            if is_due or len(self._thumbnails) >= _BATCH_SIZE:
                self._send_thumbnails(now)

    def close(self) -> None:
        """Send what was held back; later messages are dropped."""
        with self._lock:
            self._is_closed = True
            for event in self._held.values():
                self._send(event)
            self._held.clear()
            self._send_thumbnails(self._clock())

    def _take_progress(self, event: StageProgressed, now: float) -> None:
        for stage in [s for s in self._held if s is not event.stage]:
            self._send(self._held.pop(stage))
        is_last = event.total > 0 and event.done >= event.total
        if is_last or now - self._sent_at.get(event.stage, -_INTERVAL_S) >= _INTERVAL_S:
            self._held.pop(event.stage, None)
            self._sent_at[event.stage] = now
            self._send(event)
        else:
            self._held[event.stage] = event

    def _send_thumbnails(self, now: float) -> None:
        self._batch_sent_at = now
        if self._thumbnails:
            items, self._thumbnails = tuple(self._thumbnails), []
            self._send(ThumbnailsReady(items))

"""Turns steps of a stage into progress messages: rate, time left, at most one per 50 ms."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from dclust_gui.domain.events import Stage, StageProgressed

if TYPE_CHECKING:
    from dclust_gui.domain.control import CancelToken, EventSink

_INTERVAL_S = 0.05
_WINDOW_S = 5.0


class StageMeter:
    """Counts the steps of one stage and tells the sink; checks the token at each step.

    Args:
        stage: The stage.
        total: Steps in all; 0 when not known.
        sink: Takes the messages.
        token: Stops or pauses the stage.
    """

    def __init__(self, stage: Stage, total: int, sink: EventSink, token: CancelToken) -> None:
        self.stage = stage
        self.total = total
        self.done = 0
        self._sink = sink
        self._token = token
        self._started = time.perf_counter()
        self._last_sent = 0.0
        self._seen: deque[tuple[float, int]] = deque([(self._started, 0)])
        self._send(self._started)

    @property
    def seconds(self) -> float:
        """Wall time since the stage began."""
        return time.perf_counter() - self._started

    def advance(self, steps: int = 1) -> None:
        """Count steps.

        Raises:
            Cancelled: If the job was cancelled.
        """
        self.set(self.done + steps, self.total)

    def set(self, done: int, total: int) -> None:
        """Say how far the stage is, as algorithm callbacks do; only `finish` says that it is done.

        Raises:
            Cancelled: If the job was cancelled.
        """
        self._token.checkpoint()
        self.done, self.total = done, total
        now = time.perf_counter()
        is_last = 0 < total <= done
        if not is_last and now - self._last_sent >= _INTERVAL_S:
            self._send(now)

    def finish(self) -> float:
        """Send the last message of the stage.

        Returns:
            Wall seconds of the stage.
        """
        self.done = self.total = max(self.done, self.total, 1)
        now = time.perf_counter()
        self._send(now)
        return now - self._started

    def _send(self, now: float) -> None:
        self._last_sent = now
        self._seen.append((now, self.done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        then, before = self._seen[0]
        rate = (self.done - before) / (now - then) if now > then else 0.0
        left = (self.total - self.done) / rate if rate > 0 and self.total else None
        self._sink(StageProgressed(self.stage, self.done, self.total, rate, left))

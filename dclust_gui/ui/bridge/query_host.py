"""The query thread: short questions about the project, where the newest one replaces the older."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt, QThreadPool, Signal, Slot

from dclust_gui.domain.control import Cancelled, CancelToken

if TYPE_CHECKING:
    from collections.abc import Hashable

log = logging.getLogger(__name__)

_SHUTDOWN_MS = 5000
_STACK_BYTES = 16 << 20  # macOS gives secondary threads 512 KiB, too little for LAPACK


class Query(Protocol):
    """A question: a frozen value that brings all it needs with it."""

    def run(self, token: CancelToken, /) -> object:
        """Answer it, on the host's thread.

        Raises:
            Cancelled: If the token was cancelled: a newer question has been asked.
        """


@dataclass(frozen=True, slots=True)
class _Asked:
    ticket: int
    channel: Hashable
    query: Query
    token: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, slots=True)
class _Answer:
    asked: _Asked
    value: object
    is_failure: bool


class QueryHost(QObject):
    """Owns one thread that answers questions; lives on the GUI thread.

    Questions of one channel replace each other: the waiting one is dropped, the running one is
    cancelled, and neither is answered. Channels take turns. Exactly one of `answered` and `failed`
    comes for each question that is not replaced or dropped, on a later turn of the event loop.

    Args:
        name: Name of the thread, for logs.
        parent: Owner.

    Signals:
        answered: ticket, the answer.
        failed: ticket, the exception.
    """

    answered = Signal(int, object)
    failed = Signal(int, object)

    _arrived = Signal(object)

    def __init__(self, name: str = "query", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._pool = QThreadPool()
        self._pool.setObjectName(name)
        self._pool.setMaxThreadCount(1)
        self._pool.setStackSize(_STACK_BYTES)
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, _Asked] = {}
        self._running: _Asked | None = None
        self._is_draining = False
        self._is_closing = False
        self._last_ticket = 0
        self._current: dict[Hashable, int] = {}
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    def ask(self, channel: Hashable, query: Query) -> int:
        """Ask a question instead of the last one of this channel; returns its ticket.

        Args:
            channel: Names who asks, such as "inspector".
            query: The question.
        """
        self._last_ticket += 1
        asked = _Asked(self._last_ticket, channel, query)
        self._current[channel] = asked.ticket
        with self._lock:
            if self._is_closing:
                return asked.ticket
            self._stop(channel)
            self._waiting[channel] = asked
            must_start, self._is_draining = not self._is_draining, True
        if must_start:
            self._pool.start(self._drain)
        return asked.ticket

    def drop(self, channel: Hashable) -> None:
        """Take the last question of a channel back; it is not answered."""
        self._current.pop(channel, None)
        with self._lock:
            self._stop(channel)

    def shutdown(self, timeout_ms: int = _SHUTDOWN_MS) -> bool:
        """Drop all questions and wait for the thread; True if it ended in time."""
        self._current.clear()
        with self._lock:
            self._is_closing = True
            self._waiting.clear()
            if self._running is not None:
                self._running.token.cancel()
        return self._pool.waitForDone(timeout_ms)

    def _stop(self, channel: Hashable) -> None:
        """Drop the waiting question and cancel the running one; under the lock."""
        self._waiting.pop(channel, None)
        if self._running is not None and self._running.channel == channel:
            self._running.token.cancel()

    def _drain(self) -> None:
        """Answer one question after another; on the thread."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._running = None
                    self._is_draining = False
                    return
                asked = self._waiting.pop(next(iter(self._waiting)))
                self._running = asked
            answer = self._answer(asked)
            if answer is not None:
                self._arrived.emit(answer)

    def _answer(self, asked: _Asked) -> _Answer | None:
        try:
            return _Answer(asked, asked.query.run(asked.token), is_failure=False)
        except Cancelled:
            return None
        except Exception as error:
            log.debug("query %s failed", type(asked.query).__name__, exc_info=True)
            return _Answer(asked, error, is_failure=True)

    @Slot(object)
    def _on_arrived(self, answer: _Answer) -> None:
        asked = answer.asked
        if self._current.get(asked.channel) != asked.ticket:
            return
        del self._current[asked.channel]
        (self.failed if answer.is_failure else self.answered).emit(asked.ticket, answer.value)

"""Catches what libraries warn of while a job runs, so that the window can show it."""

from __future__ import annotations

import logging
import threading
import warnings
from pathlib import PurePath
from typing import TYPE_CHECKING, Self, TextIO

from dclust_gui.domain.events import Notice, Severity

if TYPE_CHECKING:
    from types import TracebackType

    from dclust_gui.domain.control import EventSink

log = logging.getLogger(__name__)

_READERS = frozenset({"PIL", "pi_heif", "pillow_heif", "rawpy", "tifffile"})


class WarningTap:
    """Sends warnings of this thread and of the job's helper threads as notices.

    `warnings.catch_warnings` would do for one thread only: it saves and restores state of the whole
    process, so two jobs on two threads that end in another order than they began leave the wrong
    handler behind. Taps form a chain instead; a closed one passes everything on.

    Args:
        sink: Takes the notices.

    Attributes:
        is_open: Whether it takes warnings now.
    """

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._thread = threading.get_ident()
        self._previous = warnings.showwarning
        self.is_open = False

    def __enter__(self) -> Self:
        self._previous = warnings.showwarning
        self.is_open = True
        warnings.showwarning = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_open = False
        if warnings.showwarning is self:
            warnings.showwarning = self._previous

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """Take one warning: `warnings.showwarning`'s place and arguments."""
        caller = threading.get_ident()
        if is_of_reader(filename):
            log.info("%s: %s", category.__name__, message)
        elif self.is_open and file is None and self._takes(caller):
            self._sink(Notice(Severity.WARNING, f"{category.__name__}: {message}"))
        else:
            self._previous(message, category, filename, lineno, file, line)

    def _takes(self, caller: int) -> bool:
        """Whether a warning of this thread is this tap's: its own, or a helper's."""
        if caller == self._thread:
            return True
        if caller == threading.main_thread().ident:
            return False
        earlier = self._previous
        return not (isinstance(earlier, WarningTap) and earlier.is_open)


def is_of_reader(filename: str) -> bool:
    """Whether a library that reads images warns: in its own words, of files already listed."""
    return not _READERS.isdisjoint(PurePath(filename).parts)

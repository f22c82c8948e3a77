"""Helper processes for formats whose decoders may hang, crash or take all memory."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.imaging.helper_child import HELPER_FLAG
from dclust_gui.imaging.limits import DecodeLimits, HelperUnavailable, Refused
from dclust_gui.imaging.wire import Fields, Request, image_from, receive, request_fields, send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.imaging.results import DecodedImage

_TICK_SECONDS = 0.1
_START_SECONDS = 60.0
_QUIT_SECONDS = 0.5
_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from dclust_gui.imaging.helper_child import main; main(sys.argv[1:])"
)

_NOT_STARTED = "The helper process that decodes such files could not be started."

Outcome = tuple[Fields, bytes] | None
"""Head and body of an answer; None if the process died."""


def helper_command() -> tuple[str, ...]:
    """The command that starts a helper, in a checkout, an installation or a frozen build."""
    if getattr(sys, "frozen", False):
        return (sys.executable, HELPER_FLAG)
    return (sys.executable, "-P", "-c", _BOOT, str(_PACKAGE_PARENT))


class HelperPool:
    """A few helper processes, started when first needed and replaced when they end.

    Safe to use from many threads.
    """

    def __init__(
        self, limits: DecodeLimits, size: int, command: Sequence[str] | None = None
    ) -> None:
        self._is_closed = threading.Event()
        command = command or helper_command()
        self._all = tuple(_Helper(limits, command) for _ in range(max(1, size)))
        self._idle: queue.LifoQueue[_Helper] = queue.LifoQueue()
        for helper in self._all:
            self._idle.put(helper)

    def decode(
        self, data: bytes | memoryview, request: Request, token: CancelToken | None
    ) -> DecodedImage:
        """Decode one file in a helper; waits until one is free.

        Args:
            data: The whole file.
            request: What is wanted.
            token: Checked while waiting.

        Returns:
            The picture, status OK or DAMAGED.

        Raises:
            Refused: If the file cannot be decoded, with the reason.
            Cancelled: If the token says so, or the pool is closed meanwhile.
        """
        while True:
            if self._is_closed.is_set() or (token is not None and token.is_cancelled):
                raise Cancelled
            try:
                helper = self._idle.get(timeout=_TICK_SECONDS)
                break
            except queue.Empty:
                continue
        try:
            head, body = helper.ask(data, request, token, self._is_closed)
        finally:
            self._idle.put(helper)
        if head.get("is_refused"):
            raise Refused(str(head.get("reason")))
        try:
            return image_from(head, body)
        except (KeyError, ValueError) as error:
            raise Refused("The decoder gave no usable picture.") from error

    def close(self) -> None:
        """End all helpers; calls still waiting raise Cancelled."""
        self._is_closed.set()
        for helper in self._all:
            helper.close()


class _Helper:
    """One helper process; used by one thread at a time."""

    def __init__(self, limits: DecodeLimits, command: Sequence[str]) -> None:
        self._limits = limits
        self._command = (*command, str(limits.helper_seconds), str(limits.helper_bytes))
        self._process: subprocess.Popen[bytes] | None = None
        self._base_bytes = 0
        self._lock = threading.Lock()

    def ask(
        self,
        data: bytes | memoryview,
        request: Request,
        token: CancelToken | None,
        stop: threading.Event,
    ) -> tuple[Fields, bytes]:
        """Send a request and wait for the answer within the limits."""
        with self._lock:
            was_running = self._is_running()
            found = self._attempt(data, request, token, stop)
            if found is None and was_running:
                # It may have ended between two files; a second death is this file's doing.
                found = self._attempt(data, request, token, stop)
        if found is None:
            raise Refused(f"The decoder crashed on this {request.format_name} file.")
        return found

    def close(self) -> None:
        """End the process, kindly first."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with self._lock, contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_QUIT_SECONDS)
        with self._lock:
            self._end()

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _attempt(
        self,
        data: bytes | memoryview,
        request: Request,
        token: CancelToken | None,
        stop: threading.Event,
    ) -> Outcome:
        is_finished = False
        try:
            if not self._is_running():
                self._start(token, stop)
            found = self._wait(
                self._exchange(data, request), self._limits.helper_seconds, token, stop
            )
            is_finished = found is not None
            return found
        finally:
            if not is_finished:
                self._end()

    def _start(self, token: CancelToken | None, stop: threading.Event) -> None:
        self._end()
        environment = dict(os.environ)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = "1"
        environment["MALLOC_ARENA_MAX"] = "2"  # arenas reserve address space, which is limited
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise HelperUnavailable(_NOT_STARTED) from error
        greeting = self._wait(self._exchange(None, None), _START_SECONDS, token, stop)
        if greeting is None:
            raise HelperUnavailable(_NOT_STARTED)
        self._base_bytes = self._memory()

    def _exchange(
        self, data: bytes | memoryview | None, request: Request | None
    ) -> queue.SimpleQueue[Outcome]:
        """Write and read in a thread of its own: pipes have no time limits on all systems."""
        outcome: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        process = self._process

        def talk() -> None:
            found: Outcome = None
            with contextlib.suppress(OSError, EOFError, ValueError):
                if process is not None and process.stdin and process.stdout:
                    if request is not None and data is not None:
                        send(process.stdin, request_fields(request), data)
                    found = receive(process.stdout)
            outcome.put(found)

        threading.Thread(target=talk, name="image-helper-pipe", daemon=True).start()
        return outcome

    def _wait(
        self,
        outcome: queue.SimpleQueue[Outcome],
        seconds: float,
        token: CancelToken | None,
        stop: threading.Event,
    ) -> Outcome:
        deadline = time.monotonic() + seconds
        while True:
            try:
                return outcome.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                pass
            if stop.is_set() or (token is not None and token.is_cancelled):
                raise Cancelled
            if time.monotonic() > deadline:
                raise Refused(f"Decoding took longer than {seconds:g} seconds and was stopped.")
            if self._base_bytes and self._memory() > self._base_bytes + self._limits.helper_bytes:
                raise Refused("Decoding this file needs too much memory and was stopped.")

    def _memory(self) -> int:
        """Resident bytes of the process; 0 if it has just ended."""
        try:
            return psutil.Process(self._process.pid).memory_info().rss if self._process else 0
        except psutil.Error:
            return 0

    def _end(self) -> None:
        process, self._process, self._base_bytes = self._process, None, 0
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

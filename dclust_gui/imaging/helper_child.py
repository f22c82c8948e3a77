"""The helper process: takes one file after the other from its pipe and answers with pixels."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import signal
import sys
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import ImageFile

from dclust_gui.domain.images import ImageStatus
from dclust_gui.imaging.hard import HardDecoder
from dclust_gui.imaging.limits import DecodeLimits, Refused
from dclust_gui.imaging.reasons import reason_of
from dclust_gui.imaging.results import DecodedImage
from dclust_gui.imaging.wire import Fields, Request, image_fields, receive, request_from, send

if TYPE_CHECKING:
    from collections.abc import Sequence

HELPER_FLAG = "--decode-helper"
"""First argument with which a frozen application starts itself as a helper."""

_GRACE_SECONDS = 5.0


def run_if_helper(argv: Sequence[str]) -> bool:
    """Serve as a helper process if that is what this process was started for.

    A frozen application calls it before anything else.

    Args:
        argv: `sys.argv`.

    Returns:
        False if not; otherwise it returns when the work is over.
    """
    if len(argv) < 2 or argv[1] != HELPER_FLAG:
        return False
    main(argv[2:])
    return True


def main(arguments: Sequence[str]) -> None:
    """Answer requests until the pipe closes.

    Args:
        arguments: Most seconds for a file, most bytes for a file.
    """
    limits = DecodeLimits(helper_seconds=float(arguments[0]), helper_bytes=int(arguments[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent to decide
    requests, answers = _claim_pipes()
    warnings.simplefilter("ignore")
    inbox: queue.SimpleQueue[tuple[Fields, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, inbox), daemon=True).start()
    decoder = HardDecoder(limits)
    _limit_memory(limits.helper_bytes)
    send(answers, {"is_ready": True}, b"")
    with Path(os.devnull).open("w") as nowhere, contextlib.suppress(OSError):
        while True:
            fields, data = inbox.get()
            # A watchdog in C: ends this process even if the parent died during a call that
            # never returns and keeps the interpreter's lock.
            faulthandler.dump_traceback_later(
                limits.helper_seconds + _GRACE_SECONDS, exit=True, file=nowhere
            )
            head, body = answer(decoder, request_from(fields), data)
            del data
            send(answers, head, body)
            faulthandler.cancel_dump_traceback_later()


def answer(decoder: HardDecoder, request: Request, data: bytes) -> tuple[Fields, memoryview]:
    """Decode one file, strictly, then leniently.

    Args:
        decoder: Used from this thread only.
        request: What is wanted.
        data: The whole file.

    Returns:
        Head and body of the answer: a picture, or a refusal with its reason.
    """
    reason = ""
    for is_lenient in (False, True):
        if request.is_lenient and not is_lenient:
            continue
        ImageFile.LOAD_TRUNCATED_IMAGES = is_lenient
        try:
            image = decoder.decode(data, request.format_name, request.fit)
            if is_lenient:
                image = _damaged(image, reason)
            return image_fields(image), image.pixels.data.cast("B")
        except Refused as refusal:
            reason = reason or str(refusal)
            break
        except Exception as error:  # noqa: BLE001 -- decoders raise anything on hostile files
            reason = reason or reason_of(error, request.format_name)
    return {"is_refused": True, "reason": reason}, memoryview(b"")


def _damaged(image: DecodedImage, reason: str) -> DecodedImage:
    if image.pixels.size > 3 and bool((image.pixels == image.pixels[0, 0]).all()):
        raise Refused(reason or "Nothing of the image could be recovered.")
    return replace(image, facts=replace(image.facts, status=ImageStatus.DAMAGED, reason=reason))


def _claim_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take the pipes for messages and leave no way for libraries to print into them."""
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        for descriptor in (requests, answers):
            msvcrt.setmode(descriptor, os.O_BINARY)
    return os.fdopen(requests, "rb"), os.fdopen(answers, "wb")


def _listen(requests: IO[bytes], inbox: queue.SimpleQueue[tuple[Fields, bytes]]) -> None:
    """Pass requests on; end the process when the parent is gone, whatever the decoder does."""
    with contextlib.suppress(EOFError, OSError, ValueError):
        while True:
            inbox.put(receive(requests))
    os._exit(0)


def _limit_memory(extra_bytes: int) -> None:
    """Let this process take so much more address space, where the system can limit it."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 -- absent on Windows

    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        limit = pages * resource.getpagesize() + extra_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

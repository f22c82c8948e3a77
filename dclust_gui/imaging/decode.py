"""Reads image files: one read and one decode give content hash, pixels and facts."""

from __future__ import annotations

import hashlib
import stat
import warnings
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import ImageUnreadableError
from dclust_gui.domain.images import (
    CONTENT_HASH_BYTES,
    ImageFacts,
    ImageStatus,
)
from dclust_gui.imaging.formats import THREAD_FORMATS, identify
from dclust_gui.imaging.helper import HelperPool
from dclust_gui.imaging.limits import DecodeLimits, Fit, FitBy, HelperUnavailable, Refused
from dclust_gui.imaging.plain import PlainDecoder
from dclust_gui.imaging.reasons import os_reason, reason_of, unknown_content
from dclust_gui.imaging.results import DecodedImage, ReadResult
from dclust_gui.imaging.wire import Request

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = ["DecodeLimits", "DecodedImage", "ImageReader", "ReadResult", "content_hash"]

_HEAD_BYTES = 4096
_BLOCK_BYTES = 1 << 20


def content_hash(path: Path) -> bytes:
    """BLAKE2b of a whole file.

    Args:
        path: The file.

    Returns:
        16 bytes.

    Raises:
        OSError: If it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=CONTENT_HASH_BYTES)
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.digest()


class ImageReader:
    """Reads and decodes image files of all kinds.

    Safe to use from many threads: common formats decode in the calling thread, HEIC, AVIF, RAW,
    rare formats, very large pictures and second attempts on damaged files in helper processes,
    which start when first needed. Call `close` or use it as a context manager.
    """

    def __init__(
        self,
        limits: DecodeLimits = DecodeLimits(),  # noqa: B008 -- frozen
        helpers: int = 1,
        *,
        helper_command: Sequence[str] | None = None,
    ) -> None:
        # Pillow warns about odd metadata; what matters of it is in the facts.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        self._limits = limits
        self._plain = PlainDecoder(limits)
        self._helpers = HelperPool(limits, helpers, helper_command)
        weakref.finalize(self, self._helpers.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the helper processes; reads under way in them raise Cancelled."""
        self._helpers.close()

    def read(
        self,
        path: Path,
        min_side: int,
        token: CancelToken | None = None,
        *,
        is_known: Callable[[bytes], bool] | None = None,
    ) -> ReadResult:
        """Read a file once and decode it; a bad file is a result, not an error.

        Args:
            path: The file; opened for reading only.
            min_side: Short side of the pixels; smaller originals keep their size.
            token: Checked before the work and while a helper process works.
            is_known: Asked with the content hash; if it says yes, nothing is decoded and the
                result has no picture and status PENDING.

        Returns:
            Hash, picture and facts. The hash is empty if the file cannot be opened or no helper
            process can be started: that says nothing about the content, so do not remember it.

        Raises:
            Cancelled: If the token says so.
        """
        if token is not None and token.is_cancelled:
            raise Cancelled
        content = b""
        try:
            content, data = self._load(path)
            if is_known is not None and is_known(content):
                return ReadResult(content, None, ImageFacts(ImageStatus.PENDING))
            image = self._decode(data, path.name, Fit(min_side), token)
        except OSError as error:
            return ReadResult(content, None, _unreadable(os_reason(error)))
        except HelperUnavailable as refusal:
            return ReadResult(b"", None, _unreadable(str(refusal)))
        except Refused as refusal:
            return ReadResult(content, None, _unreadable(str(refusal)))
        return ReadResult(content, image, image.facts)

    def decode(
        self, data: bytes | memoryview | mmap.mmap, name: str, min_side: int
    ) -> DecodedImage:
        """Decode the content of a file.

        Args:
            data: The whole file.
            name: File name; its extension helps to tell RAW formats.
            min_side: Short side of the pixels; smaller originals keep their size.

        Returns:
            The picture, status OK or DAMAGED.

        Raises:
            ImageUnreadableError: If it cannot be decoded.
        """
        view = data if isinstance(data, bytes) else memoryview(data)
        try:
            return self._decode(view, name, Fit(min_side), None)
        except Refused as refusal:
            raise _unreadable_error(name, str(refusal)) from refusal

    def full(self, path: Path, max_side: int, token: CancelToken | None = None) -> DecodedImage:
        """A large picture for the preview.

        Args:
            path: The file.
            max_side: Most pixels of the long side.
            token: Checked while a helper process works.

        Returns:
            The picture, status OK or DAMAGED.

        Raises:
            ImageUnreadableError: If it cannot be read or decoded.
            Cancelled: If the token says so.
        """
        try:
            _, data = self._load(path, is_hashed=False)
            return self._decode(data, path.name, Fit(max_side, FitBy.LONG), token)
        except OSError as error:
            raise _unreadable_error(path.name, os_reason(error)) from error
        except Refused as refusal:
            raise _unreadable_error(path.name, str(refusal)) from refusal

    def _load(self, path: Path, *, is_hashed: bool = True) -> tuple[bytes, bytes]:
        """Hash and content; the content of files above the limit is left out."""
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused("This is not a regular file.")
        if status.st_size > self._limits.max_file_bytes:
            return (content_hash(path) if is_hashed else b""), _TOO_LARGE
        with path.open("rb", buffering=0) as file:
            data = file.readall()
        if not is_hashed:
            return b"", data
        return hashlib.blake2b(data, digest_size=CONTENT_HASH_BYTES).digest(), data

    def _decode(
        self, data: bytes | memoryview, name: str, fit: Fit, token: CancelToken | None
    ) -> DecodedImage:
        if data is _TOO_LARGE:
            gigabytes = self._limits.max_file_bytes / (1 << 30)
            raise Refused(f"The file is larger than {gigabytes:g} GB and is not opened.")
        if not data:
            raise Refused("The file is empty.")
        head = bytes(data[:_HEAD_BYTES])
        format_name = identify(head, name)
        if not format_name:
            raise Refused(unknown_content(head))
        request = Request(format_name, fit.side, fit.by, is_lenient=False)
        if format_name not in THREAD_FORMATS:
            return self._helpers.decode(data, request, token)
        try:
            opened = self._plain.open(data, format_name, fit)
            if not opened.needs_helper:
                return self._plain.finish(opened, fit)
        except Refused:
            raise
        except Exception as error:
            return self._rescue(data, request, reason_of(error, format_name), token)
        opened.image.close()
        return self._helpers.decode(data, request, token)

    def _rescue(
        self, data: bytes | memoryview, request: Request, reason: str, token: CancelToken | None
    ) -> DecodedImage:
        """Decode what is left of a damaged file, in a helper: Pillow's switch is process-wide."""
        try:
            image = self._helpers.decode(data, replace(request, is_lenient=True), token)
        except HelperUnavailable:
            raise
        except Refused as refusal:
            raise Refused(reason) from refusal
        facts = replace(image.facts, status=ImageStatus.DAMAGED, reason=reason)
        return replace(image, facts=facts)


_TOO_LARGE = b"\0 too large"
"""Stands for the content of a file above the limit; compared by identity."""


def _unreadable(reason: str) -> ImageFacts:
    return ImageFacts(ImageStatus.UNREADABLE, reason)


def _unreadable_error(name: str, reason: str) -> ImageUnreadableError:
    shown = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return ImageUnreadableError(f"Could not read '{shown}'.", reason)

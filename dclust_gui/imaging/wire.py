"""Messages between the reader and its helper processes: a JSON head and raw bytes, no pickles."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from dclust_gui.domain.images import ImageFacts, ImageStatus
from dclust_gui.imaging.limits import Fit, FitBy
from dclust_gui.imaging.results import DecodedImage

if TYPE_CHECKING:
    from collections.abc import Mapping

_LENGTHS = struct.Struct("<IQ")
_MAX_HEAD = 1 << 20
_MAX_BODY = 4 << 30

Fields = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Request:
    """One file to decode; its content is the message's body.

    Attributes:
        format_name: Format by content and name.
        side: Of the `Fit`.
        by: Of the `Fit`.
        is_lenient: Whether the strict attempt was made already and failed.
    """

    format_name: str
    side: int
    by: FitBy
    is_lenient: bool

    @property
    def fit(self) -> Fit:
        """The size wanted."""
        return Fit(self.side, self.by)


def send(stream: IO[bytes], head: Mapping[str, str | int | bool], body: bytes | memoryview) -> None:
    """Write one message.

    Args:
        stream: Unbuffered or buffered pipe.
        head: Plain fields.
        body: Bytes that follow.

    Raises:
        OSError: If the other side is gone.
    """
    text = json.dumps(dict(head)).encode()
    stream.write(_LENGTHS.pack(len(text), len(body)) + text)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[Fields, bytes]:
    """Read one message.

    Args:
        stream: Buffered pipe.

    Returns:
        Head and body.

    Raises:
        EOFError: If the other side is gone or sends nonsense.
    """
    head_length, body_length = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if head_length > _MAX_HEAD or body_length > _MAX_BODY:
        raise EOFError
    head = json.loads(_exactly(stream, head_length))
    if not isinstance(head, dict):
        raise EOFError  # noqa: TRY004 -- nonsense counts as a dead peer
    return head, _exactly(stream, body_length)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def request_fields(request: Request) -> Fields:
    """The head of a request."""
    return asdict(request)


def request_from(fields: Fields) -> Request:
    """The request of a head."""
    return Request(
        str(fields["format_name"]),
        int(fields["side"]),
        FitBy(str(fields["by"])),
        bool(fields["is_lenient"]),
    )


def image_fields(image: DecodedImage) -> Fields:
    """The head of an answer with a picture; its pixels are the body."""
    rows, columns = image.pixels.shape[:2]
    return {"rows": rows, "columns": columns, **asdict(image.facts)}


def image_from(fields: Fields, body: bytes) -> DecodedImage:
    """The picture of an answer.

    Args:
        fields: Head.
        body: Pixels.

    Returns:
        The picture; its pixels are the body, not a copy.

    Raises:
        ValueError: If body and head do not fit.
    """
    pixels = np.frombuffer(body, np.uint8).reshape(int(fields["rows"]), int(fields["columns"]), 3)
    facts = ImageFacts(
        ImageStatus(str(fields["status"])),
        str(fields["reason"]),
        int(fields["width"]),
        int(fields["height"]),
        str(fields["taken_at"]),
        str(fields["camera"]),
        str(fields["format"]),
    )
    return DecodedImage(pixels, facts)

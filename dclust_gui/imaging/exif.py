"""EXIF, read by a small parser that takes what is intact and never fails on the rest."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.imaging.formats import sniff_format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Number = int | float
TagValue = str | tuple[Number, ...]

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MAKE, _MODEL, _ORIENTATION, _DATETIME = 0x010F, 0x0110, 0x0112, 0x0132
_TAKEN, _DIGITIZED = 0x9003, 0x9004
_GPS_OFFSET = 0x10000
"""Added to the numbers of GPS tags, which overlap with the others."""

_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}
_MAX_ENTRIES, _MAX_VALUES, _MAX_TEXT = 512, 16, 4096
_DATE = re.compile(r"(\d{4})[:\-/.](\d\d)[:\-/.](\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?")
_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=\"|>)([1-8])")
_READ_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """What is kept of an image's EXIF.

    Attributes:
        orientation: 1-8; 1 when absent or invalid.
        taken_at: Capture time as `YYYY-MM-DDTHH:MM:SS`; empty when unknown.
        camera: Maker and model; empty when unknown.
    """

    orientation: int = 1
    taken_at: str = ""
    camera: str = ""


def read_facts(block: bytes | memoryview, xmp: bytes = b"") -> ExifFacts:
    """Orientation, capture time and camera.

    Args:
        block: EXIF data, with or without the `Exif` mark, or a whole TIFF-based file.
        xmp: XMP packet; asked for the orientation if EXIF has none.

    Returns:
        What could be read; broken parts count as absent.
    """
    tags = read_tags(block)
    found = _first_number(tags.get(_ORIENTATION))
    if found is None and xmp:
        match = _XMP_ORIENTATION.search(xmp)
        found = int(match[1]) if match else None
    orientation = int(found) if found is not None and found in range(1, 9) else 1
    return ExifFacts(orientation, _taken_at(tags), camera_name(tags))


def read_tags(block: bytes | memoryview) -> dict[int, TagValue]:
    """All readable tags of the first directory, the Exif and the GPS directory.

    Args:
        block: EXIF data, with or without the `Exif` mark, or a whole TIFF-based file.

    Returns:
        Tag number to text or numbers; GPS tags have `0x10000` added.
    """
    view = memoryview(block)
    if bytes(view[:4]) == b"Exif":
        view = view[6:]
    order = {b"II": "<", b"MM": ">"}.get(bytes(view[:2]), "")
    if not order or len(view) < 8 or bytes(view[2:4]) in (b"+\x00", b"\x00+"):
        return {}
    tags: dict[int, TagValue] = {}
    start = struct.unpack_from(order + "I", view, 4)[0]
    tags.update(_directory(view, start, order))
    for pointer, shift in ((_EXIF_IFD, 0), (_GPS_IFD, _GPS_OFFSET)):
        inner = _first_number(tags.get(pointer))
        if inner is not None:
            for tag, value in _directory(view, int(inner), order):
                tags.setdefault(tag + shift, value)
    return tags


def _directory(view: memoryview, start: int, order: str) -> Iterator[tuple[int, TagValue]]:
    if start < 8 or start + 2 > len(view):
        return
    count = struct.unpack_from(order + "H", view, start)[0]
    for index in range(min(count, _MAX_ENTRIES)):
        at = start + 2 + 12 * index
        if at + 12 > len(view):
            return
        tag, kind, number = struct.unpack_from(order + "HHI", view, at)
        value = _value(view, at + 8, kind, number, order)
        if value is not None:
            yield tag, value


def _value(view: memoryview, at: int, kind: int, number: int, order: str) -> TagValue | None:
    if kind in (2, 7):
        size, code = 1, ""
    elif kind in (5, 10):
        size, code = 8, "I" if kind == 5 else "i"
    elif kind in _FORMATS:
        code = _FORMATS[kind]
        size = struct.calcsize("=" + code)
    else:
        return None
    if size * number > 4:
        at = struct.unpack_from(order + "I", view, at)[0]
    if at + size * min(number, _MAX_VALUES if code else 1) > len(view) or number == 0:
        return None
    if not code:
        raw = bytes(view[at : at + min(number, _MAX_TEXT)]).split(b"\0", 1)[0]
        return raw.decode("utf-8", "replace").strip()
    number = min(number, _MAX_VALUES)
    if size == 8 and kind in (5, 10):
        pairs = struct.unpack_from(f"{order}{2 * number}{code}", view, at)
        return tuple(a / b if b else 0.0 for a, b in zip(pairs[::2], pairs[1::2], strict=True))
    return struct.unpack_from(f"{order}{number}{code}", view, at)


def _first_number(value: TagValue | None) -> Number | None:
    return value[0] if isinstance(value, tuple) and value else None


def _text(value: TagValue | None) -> str:
    return "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""


def _taken_at(tags: dict[int, TagValue]) -> str:
    for tag in (_TAKEN, _DIGITIZED, _DATETIME):
        match = _DATE.match(_text(tags.get(tag)))
        if match is None:
            continue
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        if year and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60:
            return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{min(second, 59):02}"
    return ""


def camera_name(tags: dict[int, TagValue]) -> str:
    """Maker and model without saying the maker twice.

    Args:
        tags: From `read_tags`.

    Returns:
        For example "Canon EOS 5D"; empty when unknown.
    """
    maker, model = _text(tags.get(_MAKE)), _text(tags.get(_MODEL))
    first = maker.split(" ")[0].lower()
    if not maker or (first and model.lower().startswith(first)):
        return model[:128]
    return f"{maker} {model}".strip()[:128]


def find_exif(data: bytes | memoryview) -> bytes | memoryview:
    """The EXIF block of a file's content.

    Args:
        data: The whole file.

    Returns:
        The block for `read_tags`; empty when there is none.
    """
    head = bytes(data[:64])
    kind = sniff_format(head)
    if kind == "TIFF" or (kind == "RAW" and head[:2] in (b"II", b"MM")):
        return data
    content = bytes(data)
    if kind == "PNG":
        at = content.find(b"eXIf")
        if at >= 4:
            return content[at + 4 : at + 4 + int.from_bytes(content[at - 4 : at], "big")]
    if kind == "WEBP":
        at = content.find(b"EXIF", 12)
        if at > 0:
            return content[at + 8 : at + 8 + int.from_bytes(content[at + 4 : at + 8], "little")]
    match = re.search(rb"Exif\0\0(?=II\*\0|MM\0\*)", content)
    return content[match.start() :] if match else b""


def exif_summary(path: Path) -> tuple[tuple[str, str], ...]:
    """Rows of an inspector: what the camera recorded.

    Args:
        path: An image file.

    Returns:
        Name and value pairs in reading order; empty when there is no EXIF or no file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_READ_LIMIT)
    except OSError:
        return ()
    tags = read_tags(find_exif(data))
    rows = (
        ("Taken", _taken_at(tags).replace("T", " ")),
        ("Camera", camera_name(tags)),
        ("Lens", _text(tags.get(0xA434))),
        ("Exposure", _exposure(_first_number(tags.get(0x829A)))),
        ("Aperture", _with_unit("f/{:g}", _first_number(tags.get(0x829D)))),
        ("ISO", _with_unit("{:g}", _first_number(tags.get(0x8827)))),
        ("Exposure bias", _with_unit("{:+.2g} EV", _first_number(tags.get(0x9204)))),
        ("Focal length", _with_unit("{:g} mm", _first_number(tags.get(0x920A)))),
        ("Focal length (35 mm)", _with_unit("{:g} mm", _first_number(tags.get(0xA405)))),
        ("Flash", _flash(_first_number(tags.get(0x9209)))),
        ("Position", _position(tags)),
        ("Software", _text(tags.get(0x0131))),
        ("Artist", _text(tags.get(0x013B))),
        ("Copyright", _text(tags.get(0x8298))),
        ("Description", _text(tags.get(0x010E))),
    )
    return tuple((name, value) for name, value in rows if value)


def _with_unit(pattern: str, number: Number | None) -> str:
    if number is None or (number == 0 and "EV" not in pattern):
        return ""
    return pattern.format(round(number, 2))


def _exposure(seconds: Number | None) -> str:
    if not seconds or seconds <= 0:
        return ""
    return f"1/{round(1 / seconds)} s" if seconds < 0.3 else f"{seconds:.3g} s"


def _flash(value: Number | None) -> str:
    return "" if value is None else ("fired" if int(value) & 1 else "did not fire")


def _position(tags: dict[int, TagValue]) -> str:
    parts: list[str] = []
    for tag, limit in ((2, 90), (4, 180)):
        value, side = tags.get(_GPS_OFFSET + tag), _text(tags.get(_GPS_OFFSET + tag - 1))
        if not isinstance(value, tuple) or len(value) < 3:
            return ""
        degrees = value[0] + value[1] / 60 + value[2] / 3600
        if not 0 <= degrees <= limit:
            return ""
        parts.append(f"{degrees:.5f}° {side[:1]}".strip())
    return ", ".join(parts)

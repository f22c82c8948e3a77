"""How an image was exposed, and when to the fraction of a second: for bursts and brackets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.imaging.exif import find_exif, read_tags
from dclust_gui.imaging.formats import sniff_format

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dclust_gui.imaging.exif import TagValue

_TIME, _APERTURE, _ISO, _BIAS, _SERIAL, _FRACTION = 0x829A, 0x829D, 0x8827, 0x9204, 0xA431, 0x9291
_HEAD_BYTES = 256 << 10
"""Where the EXIF of a JPEG ends at the latest, and that of most RAW files."""
_READ_LIMIT = 64 << 20
_COMPLETE_HEADS = frozenset({"JPEG", "MPO"})


@dataclass(frozen=True, slots=True)
class Exposure:
    """What EXIF tells besides the capture time.

    Attributes:
        fraction_s: Fraction of the second of the capture time, 0 up to 1; 0 if unknown.
        serial: Serial number of the camera; empty if unknown.
        stops: Light let in, as a power of two; NaN if unknown.
        bias: Exposure compensation in stops; NaN if unknown.
    """

    fraction_s: float = 0.0
    serial: str = ""
    stops: float = math.nan
    bias: float = math.nan


def read_exposure(path: Path) -> Exposure:
    """What a file says of its exposure; nothing where it cannot be read.

    Of a JPEG only the beginning is read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD_BYTES)
            tags = read_tags(find_exif(data))
            is_told = _TIME in tags or _BIAS in tags
            if not is_told and sniff_format(data[:64]) not in _COMPLETE_HEADS:
                data += file.read(_READ_LIMIT)
                tags = read_tags(find_exif(data))
    except OSError:
        return Exposure()
    return exposure_of(tags)


def exposure_of(tags: Mapping[int, TagValue]) -> Exposure:
    """The exposure from EXIF tags, see `exif.read_tags`."""
    time, aperture, iso = (_number(tags.get(tag)) for tag in (_TIME, _APERTURE, _ISO))
    stops = math.nan
    if time > 0:
        light = time * (iso if iso > 0 else 100.0) / (aperture if aperture > 0 else 1.0) ** 2
        stops = math.log2(light)
    serial, fraction = tags.get(_SERIAL), tags.get(_FRACTION)
    digits = fraction.strip() if isinstance(fraction, str) else ""
    return Exposure(
        float(f"0.{digits}") if digits.isascii() and digits.isdecimal() else 0.0,
        serial if isinstance(serial, str) else "",
        stops,
        _number(tags.get(_BIAS)),
    )


def _number(value: TagValue | None) -> float:
    """A tag's first number; NaN where there is none or it makes no sense."""
    found = float(value[0]) if isinstance(value, tuple) and value else math.nan
    return found if math.isfinite(found) else math.nan

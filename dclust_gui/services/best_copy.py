"""Which of several copies of a picture to keep, and why, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dclust_gui.domain.images import CompanionKind

if TYPE_CHECKING:
    from dclust_gui.domain.images import ImageRecord

Sharpness = Callable[[Sequence[int]], Sequence[float]]
"""Gives the sharpness of some images at a common scale; 0 for those that cannot be read."""

_MORE_PIXELS = 1.02
_LESS_COMPRESSED = 1.25
"""Bytes of one copy over those of another from which on it has lost visibly less."""
_SHARPER = 1.1
_EDGES, _MORE_BYTES = 2.5, 1.05
"""The edges of blocks make a strongly compressed JPEG seem sharper by up to so much (1.5 to 2.1 on
eleven photos saved at quality 50); so a copy with more bytes than this is not beaten by less."""
_LOOKS_COPIED = re.compile(
    rb"(?i)(\bcop(y|ies|ie)\b|\bkopie\b|\bcopia\b|\(\d+\)\.[^./]*$|\xe5\x89\xaf\xe6\x9c\xac)"
)
"""Names that systems give to copies: `a copy.jpg`, `a (2).jpg`, `a - Kopie.jpg`."""
_LOSSLESS = frozenset({"PNG", "TIFF", "BMP", "GIF", "PPM", "PSD", "TGA"})


@dataclass(frozen=True, slots=True)
class BestCopy:
    """The copy to keep.

    Attributes:
        image: Its id.
        reason: Why: `largest: 4000 x 3000, sharpest`.
    """

    image: int
    reason: str


def best_copy(
    records: Sequence[ImageRecord],
    images: Sequence[int],
    sharpness: Sharpness | None = None,
    *,
    is_identical: bool = False,
) -> BestCopy:
    """Choose by pixels, then format, compression, sharpness, camera data, age, shortest path.

    Each criterion only chooses among those that the ones before it leave.

    Args:
        records: All images of the project.
        images: Ids of the copies, at least one.
        sharpness: Asked only where several copies are still level; None to leave it out.
        is_identical: The files are the same byte by byte.
    """
    left, reasons = list(images), list[str]()
    if not is_identical:
        left, reasons = _by_picture(records, left, sharpness)
    if len(left) > 1:
        left = _kept(left, [float(_has_camera_data(records[i])) for i in left], 1.0)
        if not is_identical and len(left) < len(images) and not reasons:
            reasons.append("has camera data")
    if len(left) > 1:
        times = [age_of(records[i]) for i in left]
        oldest = [i for i, time in zip(left, times, strict=True) if time == min(times)]
        if len(oldest) < len(left):
            reasons.append("oldest")
        left = oldest
    if len(left) > 1:
        plain = [i for i in left if not _LOOKS_COPIED.search(records[i].relative)]
        if plain and len(plain) < len(left):
            left = plain
            reasons = reasons or ["original name"]
        left.sort(key=lambda i: (len(records[i].relative), records[i].relative, i))
        if not reasons:
            reasons.append("shortest path")
    return BestCopy(left[0], ", ".join(reasons))


def _by_picture(
    records: Sequence[ImageRecord], left: list[int], sharpness: Sharpness | None
) -> tuple[list[int], list[str]]:
    """Those that pixels, format, compression and sharpness leave, and why."""
    reasons = []
    kept = _kept(left, [float(n_pixels(records[i])) for i in left], _MORE_PIXELS)
    if len(kept) < len(left):
        facts = records[kept[0]].facts
        reasons.append(f"largest: {facts.width} \u00d7 {facts.height}")
    left, kept = kept, _kept(kept, [float(_format_rank(records[i])) for i in kept], 1.0)
    if len(kept) < len(left):
        is_raw = _format_rank(records[kept[0]]) == 2
        reasons.append("RAW" if is_raw else f"lossless {records[kept[0]].facts.format}")
    left, kept = kept, _kept(kept, [float(records[i].stamp.size) for i in kept], _LESS_COMPRESSED)
    if len(kept) < len(left):
        reasons.append("least compressed")
    if len(kept) > 1 and sharpness is not None:
        left, (kept, is_doubted) = kept, _sharpest(records, kept, sharpness(kept))
        if len(kept) < len(left):
            reasons.append("least compressed" if is_doubted else "sharpest")
    return kept, reasons


def _sharpest(
    records: Sequence[ImageRecord], images: Sequence[int], values: Iterable[float]
) -> tuple[list[int], bool]:
    """The sharpest, and whether sharper ones were passed over for their traces of compression."""
    sharp = dict(zip(images, map(float, values), strict=True))
    is_doubted = False
    while True:
        found, highest = _kept([*sharp], [*sharp.values()], _SHARPER), max(sharp.values())
        most = _MORE_BYTES * max(records[i].stamp.size for i in found)
        doubtful = {
            i: value
            for i, value in sharp.items()
            if i not in found and records[i].stamp.size > most and value * _EDGES >= highest
        }
        if not doubtful:
            return found, is_doubted
        sharp, is_doubted = doubtful, True


def _kept(images: Sequence[int], values: Sequence[float], factor: float) -> list[int]:
    """Those whose value is about the highest: the highest is at most `factor` times theirs."""
    highest = max(values)
    return [i for i, value in zip(images, values, strict=True) if value * factor >= highest]


def rank_key(record: ImageRecord) -> tuple[float, ...]:
    """What sorts copies, the best first, as far as it is known without reading them."""
    return (
        -float(n_pixels(record)),
        -float(_format_rank(record)),
        -float(record.stamp.size),
        -float(_has_camera_data(record)),
        age_of(record),
        float(len(record.relative)),
    )


def n_pixels(record: ImageRecord) -> int:
    """Width times height; 0 where unknown."""
    return record.facts.width * record.facts.height


def age_of(record: ImageRecord) -> float:
    """When it was taken, or else last changed: seconds since the epoch."""
    if record.facts.taken_at:
        try:
            taken = datetime.fromisoformat(record.facts.taken_at)
        except ValueError:
            pass
        else:
            return taken.replace(tzinfo=taken.tzinfo or UTC).timestamp()
    return record.stamp.mtime_ns / 1e9


def total_bytes(records: Sequence[ImageRecord], images: Iterable[int]) -> int:
    """Bytes of some images' files, and of those that move with them."""
    return sum(
        records[i].stamp.size + sum(c.stamp.size for c in records[i].companions) for i in images
    )


def _format_rank(record: ImageRecord) -> int:
    """2 for RAW, also beside a JPEG; 1 for lossless formats; 0 for others."""
    if record.facts.format == "RAW":
        return 2
    if any(c.kind is CompanionKind.IMAGE for c in record.companions):
        return 2
    return int(record.facts.format.upper() in _LOSSLESS)


def _has_camera_data(record: ImageRecord) -> bool:
    return bool(record.facts.camera or record.facts.taken_at)

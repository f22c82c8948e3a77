"""Finding bursts and brackets: images that one camera took right after each other and look alike.

What is found is a suggestion; `domain.stack_edits` binds what a person accepts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

GAP_S = 3.0
"""Seconds between neighbours of a burst, unless asked otherwise. Cameras take 3 to 30 images a
second in a burst; three seconds leave room for whole-second clocks and a second press."""

LEAST_SIMILARITY = 0.7
"""Cosine of the features of neighbours, unless asked otherwise; see `tests/benchmarks/RESULTS.md`
for what similarities bursts, brackets and different images have."""

SAME_EXPOSURE = 0.25
"""Stops by which exposures that are meant to be equal may differ; cameras step by a third."""

LEAST_SPREAD = 1.0
"""Stops between the darkest and the brightest image of a bracket."""

LEAST_UNTOLD = 3
"""Images of a bracket whose camera does not say that it varied the exposure on purpose: two
images may differ because the light did."""


class StackKind(StrEnum):
    """What a stack is."""

    BURST = "burst"
    BRACKET = "bracket"


@dataclass(frozen=True, slots=True)
class Shot:
    """When and how an image was taken.

    Attributes:
        image: Its id.
        seconds: Capture time in seconds on any clock that all images share; finite.
        camera: What tells its camera from others.
        name: Its path; images of one moment are in the order of their names.
        stops: Light that the exposure lets in, as a power of two: the logarithm of
            seconds x ISO / f-number squared; NaN if unknown.
        bias: Exposure compensation in stops; NaN if unknown.
    """

    image: int
    seconds: float
    camera: str
    name: bytes = b""
    stops: float = math.nan
    bias: float = math.nan


@dataclass(frozen=True, slots=True)
class FoundStack:
    """Images that might be bound.

    Attributes:
        images: Their ids in the order in which they were taken, at least two.
        kind: What they seem to be.
        seconds: From the first to the last.
        similarity: How like the images before it the least like image is, -1 to 1.
    """

    images: tuple[int, ...]
    kind: StackKind
    seconds: float
    similarity: float


def in_sequence(shots: Iterable[Shot], gap_s: float) -> list[list[Shot]]:
    """Shots of one camera that follow each other within a gap, two or more together.

    Args:
        shots: Any order.
        gap_s: Seconds between neighbours, at most.
    """
    ordered = sorted(shots, key=lambda shot: (shot.camera, shot.seconds, shot.name, shot.image))
    found: list[list[Shot]] = []
    for _, own in groupby(ordered, key=lambda shot: shot.camera):
        series: list[Shot] = []
        for shot in own:
            if series and shot.seconds - series[-1].seconds > gap_s:
                found.append(series)
                series = []
            series.append(shot)
        found.append(series)
    return [series for series in found if len(series) > 1]


def find_stacks(
    shots: Iterable[Shot],
    likeness: Callable[[NDArray[np.int32], NDArray[np.int32]], NDArray[np.float32]],
    gap_s: float = GAP_S,
    least_similarity: float = LEAST_SIMILARITY,
) -> tuple[FoundStack, ...]:
    """Bursts and brackets among images.

    Each image is compared with the one before it, so that a burst may follow something that
    moves, and with the one before that: in a bracket the darkest may come just before the
    brightest, and the middle one is more like both. A series of exposures that is taken again and
    again gives one bracket for each time.

    Args:
        shots: Images with a capture time; each once, any order.
        likeness: Gives the similarity of pairs of images: two int32 (m,) of ids to float32 (m,);
            NaN where it is not known, which ends a stack.
        gap_s: Seconds between neighbours, at most.
        least_similarity: Similarity of neighbours, at least.

    Returns:
        The stacks by time of their first image; no image is in two.
    """
    series = in_sequence(shots, gap_s)
    near = [
        (run[max(0, place - back)].image, run[place].image)
        for run in series
        for place in range(1, len(run))
        for back in (1, 2)
    ]
    ids = np.array(near, np.int32).reshape(-1, 2)
    values = likeness(ids[:, 0], ids[:, 1]).reshape(-1, 2).tolist() if len(ids) else []
    told = iter(values)
    found: list[tuple[float, bytes, FoundStack]] = []
    for shots_near in series:
        run, least = [shots_near[0]], math.inf
        for shot in shots_near[1:]:
            last, last_but_one = next(told)
            value = last
            if len(run) > 1 and not last >= last_but_one:
                value = last_but_one
            if value >= least_similarity:
                run.append(shot)
                least = min(least, value)
                continue
            found += _stacks(run, least)
            run, least = [shot], math.inf
        found += _stacks(run, least)
    found.sort(key=lambda row: row[:2])
    return tuple(stack for _, _, stack in found)


def _stacks(run: Sequence[Shot], similarity: float) -> list[tuple[float, bytes, FoundStack]]:
    """What a run of like images is: nothing, a burst, or one bracket or several."""
    if len(run) < 2:
        return []
    parts = _brackets(run)
    kind = StackKind.BRACKET if parts else StackKind.BURST
    return [
        (
            part[0].seconds,
            part[0].name,
            FoundStack(
                tuple(shot.image for shot in part),
                kind,
                part[-1].seconds - part[0].seconds,
                similarity,
            ),
        )
        for part in parts or [run]
    ]


def _brackets(run: Sequence[Shot]) -> list[Sequence[Shot]]:
    """The series of different exposures that a run consists of; none if it does not."""
    values = [shot.bias for shot in run]
    least = 2
    if not _spread(values) >= SAME_EXPOSURE:
        values, least = [shot.stops for shot in run], LEAST_UNTOLD
    if not _spread(values) >= LEAST_SPREAD:
        return []
    parts: list[list[int]] = [[]]
    for place, value in enumerate(values):
        if any(abs(value - values[other]) < SAME_EXPOSURE for other in parts[-1]):
            parts.append([])
        parts[-1].append(place)
    is_regular = len({len(part) for part in parts}) == 1 and len(parts[0]) >= least
    wide = all(_spread([values[i] for i in part]) >= LEAST_SPREAD for part in parts)
    return [[run[i] for i in part] for part in parts] if is_regular and wide else []


def _spread(values: Sequence[float]) -> float:
    """From the least to the greatest; NaN where one is unknown."""
    return math.nan if any(map(math.isnan, values)) else max(values) - min(values)

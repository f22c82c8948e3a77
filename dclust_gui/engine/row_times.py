"""Capture times of the rows that are clustered, and how far they can be used."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.capture import capture_times
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.events import Notice, Severity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.control import EventSink
    from dclust_gui.domain.runs import RunSettings
    from dclust_gui.engine.requests import IngestResult


def usable_time(
    settings: RunSettings, ingest: IngestResult, rows: NDArray[np.int32], sink: EventSink
) -> RunSettings:
    """The settings with the weight of time that the images allow; says what times are missing.

    Args:
        settings: As asked for.
        ingest: The images.
        rows: int32 (m,), indices of the units that take part.
        sink: Told how many have no time.
    """
    from dclust_gui.algorithms.capture_time import has_times

    if not settings.time_weight:
        return settings
    times = times_of(ingest, rows)
    n_without = int(np.isnan(times).sum())
    if not has_times(times):
        why = "No image has a capture time" if n_without == len(rows) else "All were taken at once"
        text = f"{why}: the content alone decides."
        sink(Notice(Severity.WARNING, text))
        return replace(settings, time_weight=0.0)
    if n_without:
        has = "has" if n_without == 1 else "have"
        text = (
            f"{n_without:,} of {count_of(len(rows))} {has} no capture time and count as taken"
            " in the middle of all."
        )
        sink(Notice(Severity.INFO, text))
    return settings


def times_of(ingest: IngestResult, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """Capture times of units in seconds: float64 (m,); NaN where unknown."""
    return capture_times(ingest.facts[i].taken_at for i in rows.tolist())


def time_key(weight: float, times: NDArray[np.float64]) -> str:
    """Text that differs with the capture times where they count; empty where they do not."""
    if not weight:
        return ""
    digest = hashlib.blake2b(times.astype("<f8").tobytes(), digest_size=16)
    return f" time {weight!r} {digest.hexdigest()}"

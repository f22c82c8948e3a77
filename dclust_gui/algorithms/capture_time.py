"""Capture time as columns beside the features, so that every algorithm can mix both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAUSE_S = 3600.0
"""A pause of an hour parts two events; what is far shorter belongs to one."""

MOST_COLUMNS = 128
"""Columns that the time takes at most."""

MOST_COMPARED = 1000
"""Images that are compared with each other to bring time and content to one scale."""

SAME_PLACE = 1e-9
"""Part of the line below which two places are one."""

LEAST_SPREAD = 1e-6
"""Content that varies less is taken as equal throughout."""


def shortened(times: NDArray[np.float64], pause_s: float = PAUSE_S) -> NDArray[np.float64]:
    """Places of capture times on a line on which long pauses are short.

    The line is the images in the order of their times, and each gap g between neighbours takes
    `0.5 ln(1 + (g / pause)^2)` of it. A long gap counts by its logarithm: 24 hours 3.2, a year
    9.1, ten years 11.4; so one photo of another decade, or a camera whose clock was reset, does
    not push all days of a collection together, as happens where times are divided by the longest
    difference. A gap far below the pause counts by its square: steady shooting advances hardly,
    ten minutes 0.014, one minute 0.0001; so an event that lasts for hours stays one. The ratio of
    short gaps stays clear, so that sessions minutes apart are told apart just as events are that
    lie days apart, when all gaps of the collection are short.

    Args:
        times: float64 (n,), seconds; NaN for unknown.
        pause_s: Seconds of a pause between events, > 0.

    Returns:
        float64 (n,), from 0 up; NaN where the time is unknown.

    Source:
        Events are told by gaps compared as logarithms in Platt, Czerwinski, Field, "PhotoTOC:
        Automatic Clustering for Browsing Personal Photographs", Microsoft Research technical
        report MSR-TR-2002-17, 2002.
    """
    places = np.full(len(times), np.nan)
    known = np.flatnonzero(np.isfinite(times))
    order = known[np.argsort(times[known], kind="stable")]
    gaps = np.diff(times[order], prepend=times[order[:1]])
    places[order] = np.cumsum(0.5 * np.log1p((gaps / pause_s) ** 2))
    return places


def thermometer(places: NDArray[np.float64], most: int = MOST_COLUMNS) -> NDArray[np.float32]:
    """Rows whose squared Euclidean distances are distances on a line.

    Each column stands for a piece of the line, of width w, and holds the square root of w times
    -1/2 for places before it and +1/2 for places behind it; so two rows differ by w in each piece
    between them. All rows of known places have one length, and so cosine distances agree, too.
    With more different places than columns, near ones share a piece, in which the value rises
    evenly; a distance is then short by 1 / `most` of the line at most, and gaps of more than
    2 / `most` of the line stay exact.

    Args:
        places: float64 (n,), from 0 up; NaN for unknown.
        most: Columns at most, 2 or more.

    Returns:
        float32 (n, c), c up to `most`; rows of unknown places are the mean of all others, which
        lies as near as can be to all of them, or zeros where there are none.
    """
    known = np.isfinite(places)
    points = np.unique(places[known])
    points = points[np.diff(points, prepend=-np.inf) > SAME_PLACE * points.max(initial=0.0)]
    if len(points) > most:
        # The ends of what lies in each of most / 2 equal parts: gaps between parts stay exact.
        part = np.minimum((points / points[-1] * (most // 2)).astype(np.int64), most // 2 - 1)
        is_end = np.diff(part, append=-1) != 0
        is_start = np.diff(part, prepend=-1) != 0
        points = points[is_end | is_start]
    widths = np.diff(points)
    code = np.zeros((len(places), len(widths)), np.float32)
    if len(widths):
        for column, (start, width) in enumerate(zip(points[:-1], widths, strict=True)):
            share = np.clip((places[known] - start) / width, 0.0, 1.0)
            code[known, column] = np.sqrt(width) * (share - 0.5)
        code[~known] = code[known].mean(0, dtype=np.float64)
    return code


def pair_spreads(
    rows: NDArray[np.float32], places: NDArray[np.float64], most: int = MOST_COMPARED
) -> tuple[float, float]:
    """How much the distances of pairs vary, in content and in time.

    Args:
        rows: float32 (n, d).
        places: float64 (n,), places on a line; NaN for unknown, which are left out.
        most: Images that are compared; of more, evenly spaced ones are taken.

    Returns:
        Standard deviations of the squared Euclidean distances of the rows, and of the distances
        of the places.
    """
    some = np.flatnonzero(np.isfinite(places))
    if len(some) > most:
        some = some[np.linspace(0, len(some) - 1, most).astype(np.int64)]
    rows, places = rows[some], places[some]
    lengths = np.einsum("ij,ij->i", rows, rows)
    content = np.maximum(lengths[:, None] + lengths[None] - 2.0 * (rows @ rows.T), 0.0)
    np.fill_diagonal(content, 0.0)
    return float(content.std(dtype=np.float64)), float(np.abs(places[:, None] - places).std())


def mixed_rows(
    rows: NDArray[np.float32], times: NDArray[np.float64], weight: float
) -> NDArray[np.float32]:
    """Rows whose distances are d = a x time + (1 - a) x content.

    Content is the squared Euclidean distance of the rows, which for rows of length 1 is twice
    their cosine distance. Time is the distance on the line of `shortened`, multiplied so that it
    varies as much from pair to pair as content does (equal standard deviations), whatever the
    collection spans. Equal means would not do: in many dimensions nearly all pairs lie equally
    far apart, and what differs little, decides little; a small weight would make time all.

    Args:
        rows: float32 (n, d), scaled features.
        times: float64 (n,), capture times in seconds; NaN for unknown, which counts as the
            middle of all.
        weight: a, 0 to 1.

    Returns:
        float32 (n, d + c) whose squared Euclidean distances are d; `rows` itself where the weight
        is 0 or the times do not differ.

    Raises:
        ValueError: If the weight is outside 0 to 1.

    Source:
        The mixture is that of imagecluster (S. Schmerler, github.com/elcorto/imagecluster), which
        divides both distances by their maximum; see `shortened` for why not here. A distance on a
        line is a squared Euclidean one of such codes: Deza, Laurent, "Geometry of Cuts and
        Metrics", Springer 1997.
    """
    if not 0.0 <= weight <= 1.0:
        raise ValueError("the weight of time is 0 to 1")
    if weight == 0.0 or not has_times(times):
        return rows
    places = shortened(times)
    content, time = pair_spreads(rows, places)
    if not time > 0.0:
        return rows
    scale = (content if content > LEAST_SPREAD else 1.0) / time
    code = thermometer(places * scale) * np.float32(np.sqrt(weight))
    if weight == 1.0:
        return code
    width = rows.shape[1]
    mixed = np.empty((len(rows), width + code.shape[1]), np.float32)
    np.multiply(rows, np.float32(np.sqrt(1.0 - weight)), out=mixed[:, :width])
    mixed[:, width:] = code
    return mixed


def has_times(times: NDArray[np.float64]) -> bool:
    """Whether two of the times differ, so that they can tell images apart."""
    known = times[np.isfinite(times)]
    return len(known) > 1 and bool((known != known[0]).any())

"""Choosing the number of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.internal import silhouette_values
from dclust_gui.algorithms.partition import KMeans

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class KChoice:
    """A number of clusters and the evidence for it.

    Attributes:
        k: The number with the best score.
        candidates: (k, score) of each number tried, in ascending order of k.
    """

    k: int
    candidates: tuple[tuple[int, float], ...]


def choose_k_by_silhouette(
    features: FloatArray,
    k_range: Iterable[int] = range(2, 21),
    *,
    sample: int = 2_000,
    random_state: int | None = None,
    callback: Callback | None = None,
) -> KChoice:
    """The number of clusters whose k-means partition has the highest mean silhouette.

    Args:
        features: (n_images, d), finite.
        k_range: Numbers to try; those not below the number of distinct images are left out.
        sample: Most images to use; more are sampled without replacement.
        random_state: Seed.
        callback: Called with (numbers tried, numbers to try); may raise `Cancelled`.

    Returns:
        The choice. With fewer than three distinct images k is their number (at least 1), and
        there are no candidates.

    Raises:
        UnusableDataError: If there are no images.
    """
    if not len(features):
        raise UnusableDataError("Could not choose the number of clusters.", "There are no images.")
    random = check_random_state(random_state)
    rows = features
    if len(features) > sample:
        rows = features[np.sort(random.choice(len(features), sample, replace=False))]
    wanted = sorted({int(k) for k in k_range if k >= 2})
    distinct = _count_distinct(rows, (wanted[-1] if wanted else 2) + 1)
    wanted = [k for k in wanted if k < distinct]
    if not wanted:
        return KChoice(max(1, min(distinct, 2)), ())
    scores = []
    for done, k in enumerate(wanted):
        report(callback, done, len(wanted))
        seed = int(random.randint(2**31 - 1))
        labels = KMeans(k, n_init=5, random_state=seed).fit(rows).labels_
        scores.append((k, float(silhouette_values(rows, labels).mean())))
    report(callback, len(wanted), len(wanted))
    return KChoice(max(scores, key=lambda pair: (pair[1], -pair[0]))[0], tuple(scores))


def _count_distinct(rows: FloatArray, enough: int) -> int:
    seen: set[bytes] = set()
    for row in rows:
        seen.add((row + 0.0).tobytes())
        if len(seen) >= enough:
            break
    return len(seen)

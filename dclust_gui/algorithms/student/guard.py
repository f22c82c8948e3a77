"""Images unlike anything that was taught: farther from their cluster's mean than its own images.

A classifier has to choose one of its classes, and is often sure of itself far from all of them.
So each image is also held against the mean of the class that it would get. How far a class's own
images lie is measured as if each had not been part of the mean (|x - m_without_x| =
n / (n - 1) |x - m|), in units of the class's spread, which for small classes is drawn towards the
spread of all; the limit is a quantile of these distances over all taught rows, so that it holds
for classes of two images, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.base import FloatArray

QUANTILE = 0.99
"""Share of the taught rows that count as near."""
BORROWED = 10.0
"""A class's spread is drawn towards that of all as if it had so many more rows of that."""
_BLOCK = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """Where the classes lie and how far they reach.

    Attributes:
        means: float32 (k, d).
        reach: float32 (k,), distance from the mean beyond which a row is unlike the class.
    """

    means: NDArray[np.float32]
    reach: NDArray[np.float32]

    def distance(self, rows: FloatArray, classes: NDArray[np.integer]) -> NDArray[np.float32]:
        """Distance of each row to the mean of a class, in units of the class's reach.

        Args:
            rows: (n, d).
            classes: int (n,), 0 to k - 1.

        Returns:
            float32 (n,); above 1 the row is unlike the class.
        """
        found: NDArray[np.float32] = np.asarray(
            _distances(rows, self.means, classes) / self.reach[classes], np.float32
        )
        return found


def learn_guard(rows: FloatArray, classes: NDArray[np.integer], count: int) -> Guard:
    """Learn how far the images of each class lie from its mean.

    Args:
        rows: (n, d), finite.
        classes: int (n,), 0 to `count` - 1, each at least once.
        count: Number of classes.
    """
    sizes = np.bincount(classes, minlength=count)
    means = np.zeros((count, rows.shape[1]), np.float32)
    for one in range(count):
        means[one] = rows[classes == one].mean(axis=0, dtype=np.float64)
    own = sizes[classes]
    outside = _distances(rows, means, classes) * own / np.maximum(own - 1, 1)
    is_known = own > 1
    if not is_known.any():
        return Guard(means, np.full(count, np.inf, np.float32))
    squared = np.where(is_known, outside**2, 0.0)
    pooled = float(squared[is_known].mean())
    known = np.where(sizes > 1, sizes, 0)
    spread = np.bincount(classes, weights=squared, minlength=count) + BORROWED * pooled
    spread = np.sqrt(spread / (known + BORROWED))
    if pooled <= 0:
        return Guard(means, np.full(count, np.inf, np.float32))
    limit = float(np.quantile((outside / spread[classes])[is_known], QUANTILE))
    return Guard(means, np.maximum(limit * spread, 1e-12).astype(np.float32))


def _distances(
    rows: FloatArray, means: NDArray[np.float32], classes: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Euclidean distance of each row to the mean of a class: float64 (n,)."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK):
        part = slice(start, start + _BLOCK)
        away = np.asarray(rows[part], np.float32) - means[classes[part]]
        found[part] = np.sqrt(np.einsum("ij,ij->i", away, away, dtype=np.float64))
    return found

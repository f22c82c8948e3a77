"""What a student is taught: which rows, with what weight, and how they are divided into folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.base import FloatArray

LEAST_KEPT = 5
"""So many rows of each class are taught, or all of a smaller one, whatever the share."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Rows with the classes that a teacher gave them.

    Attributes:
        rows: float32 (n, d).
        classes: int64 (n,), 0 to k - 1.
        soft: float32 (n, k), the teacher's probabilities, rows of sum 1; None where it has none.
        is_edited: bool (n,), a person placed or approved them.
        is_core: bool (n,), central enough to be taught; edited ones always are.
        weights: float32 (n,), of each row in the loss.
    """

    rows: NDArray[np.float32]
    classes: NDArray[np.int64]
    soft: NDArray[np.float32] | None
    is_edited: NDArray[np.bool_]
    is_core: NDArray[np.bool_]
    weights: NDArray[np.float32]


def central_rows(
    rows: FloatArray,
    classes: NDArray[np.integer],
    count: int,
    share: float,
    typicality: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """The most typical rows of each class; where nothing else says which, those nearest its mean.

    Args:
        rows: (n, d).
        classes: int (n,), 0 to `count` - 1.
        count: Number of classes.
        share: Of each class's rows, above 0 to 1; at least `LEAST_KEPT` of each.
        typicality: float64 (n,), the more the more typical; NaN where it is not known, which
            comes last; None for the nearness to the mean.

    Returns:
        bool (n,).
    """
    kept = np.zeros(len(rows), bool)
    for one in range(count):
        members = np.flatnonzero(classes == one)
        n_kept = min(len(members), max(LEAST_KEPT, int(np.ceil(share * len(members)))))
        if typicality is None:
            some = np.asarray(rows[members], np.float32)
            away = some - some.mean(axis=0, dtype=np.float64).astype(np.float32)
            order = np.argsort(np.einsum("ij,ij->i", away, away), kind="stable")
        else:
            order = np.argsort(-typicality[members], kind="stable")
        kept[members[order[:n_kept]]] = True
    return kept


def fold_numbers(
    classes: NDArray[np.integer], n_folds: int, random: np.random.RandomState
) -> NDArray[np.int64]:
    """Folds of nearly equal size, each class spread evenly over them.

    Args:
        classes: int (n,).
        n_folds: At least 1.
        random: Who is in which.

    Returns:
        int64 (n,), 0 to `n_folds` - 1.
    """
    order = random.permutation(len(classes))
    order = order[np.argsort(classes[order], kind="stable")]
    folds = np.empty(len(classes), np.int64)
    folds[order] = np.arange(len(classes)) % n_folds
    return folds

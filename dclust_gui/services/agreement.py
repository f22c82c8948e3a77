"""How far two passes over the same images agree: two people, or one person twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

_NUMBER = re.compile(r"-?[0-9]{1,18}")

UNASSIGNED = "-1"
"""Label of Unassigned in a labels table; it matches itself only."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Two passes beside each other.

    Attributes:
        n_images: Images that both have.
        only_first: Images that only the first pass has.
        only_second: Images that only the second pass has.
        agreement: Share of images with the same label in both, 0 to 1.
        kappa: Cohen's kappa: agreement beyond chance, 1 for full, 0 for none; NaN where both
            passes have one label only.
        is_matched: The passes share no label, so theirs were matched to each other for the
            greatest agreement; else equal labels mean the same.
        rows: Labels of the first pass.
        columns: Labels of the second pass.
        counts: int64 (rows, columns), images by both labels.

    Source:
        J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
        Measurement 20, 1960.
    """

    n_images: int
    only_first: int
    only_second: int
    agreement: float
    kappa: float
    is_matched: bool
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: NDArray[np.int64]

    def values(self) -> dict[str, object]:
        """All of it as `dclust evaluate A.csv B.csv` prints it."""
        return {
            "images": self.n_images,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "agreement": self.agreement,
            "kappa": None if np.isnan(self.kappa) else self.kappa,
            "matched": self.is_matched,
            "confusion": {
                "rows": list(self.rows),
                "columns": list(self.columns),
                "counts": self.counts.tolist(),
            },
        }


def compare_passes(first: Mapping[str, str], second: Mapping[str, str]) -> Agreement:
    """Compare two tables of labels.

    Args:
        first: Label by path.
        second: Label by path.

    Raises:
        InputError: If no image is in both.
    """
    common = sorted(first.keys() & second.keys())
    if not common:
        raise InputError("The two tables have no image in common.")
    rows = _labels(first[path] for path in common)
    columns = _labels(second[path] for path in common)
    counts = np.zeros((len(rows), len(columns)), np.int64)
    row_of = {label: i for i, label in enumerate(rows)}
    column_of = {label: i for i, label in enumerate(columns)}
    for path in common:
        counts[row_of[first[path]], column_of[second[path]]] += 1
    is_matched = not (set(rows) & set(columns)) - {UNASSIGNED}
    pairs = _matched(rows, columns, counts) if is_matched else _equal(rows, columns)
    agreement, kappa = _measures(counts, pairs)
    return Agreement(
        len(common),
        len(first) - len(common),
        len(second) - len(common),
        agreement,
        kappa,
        is_matched,
        rows,
        columns,
        counts,
    )


def _labels(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(found), key=_order))


def _order(label: str) -> tuple[int, int, str]:
    """Numbers by value, then names."""
    is_number = _NUMBER.fullmatch(label) is not None
    return (0, int(label), "") if is_number else (1, 0, label)


def _equal(rows: Sequence[str], columns: Sequence[str]) -> list[tuple[int, int]]:
    places = {label: i for i, label in enumerate(columns)}
    return [(i, places[label]) for i, label in enumerate(rows) if label in places]


def _matched(
    rows: Sequence[str], columns: Sequence[str], counts: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """One column for each row, so that most images agree."""
    from scipy.optimize import linear_sum_assignment

    gains = counts.astype(np.float64)
    for i, label in enumerate(rows):
        for j, other in enumerate(columns):
            if (label == UNASSIGNED) != (other == UNASSIGNED):
                gains[i, j] = 0.0
    found = linear_sum_assignment(-gains)
    return [(int(i), int(j)) for i, j in zip(*found, strict=True) if gains[i, j] > 0]


def _measures(counts: NDArray[np.int64], pairs: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Share of images on the pairs, and how far that is beyond chance."""
    total = int(counts.sum())
    observed = sum(int(counts[i, j]) for i, j in pairs) / total
    first, second = counts.sum(1) / total, counts.sum(0) / total
    expected = float(sum(first[i] * second[j] for i, j in pairs))
    if expected >= 1.0:
        return observed, float("nan")
    return observed, (observed - expected) / (1.0 - expected)

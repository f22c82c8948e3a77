"""Which of two groups belong together: pairs, each group once, of the greatest total weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def best_pairs(weights: Mapping[tuple[int, int], float]) -> dict[int, int]:
    """Pair lefts with rights so that the weights of the pairs add up to the most.

    Parts of the graph that are not joined are solved one by one, so that thousands of groups cost
    little as long as each overlaps with few.

    Args:
        weights: Weight of each possible pair (left, right), above 0; others are never paired.

    Returns:
        Left to right, for those that are paired; of equal solutions that with the lower numbers.

    Source:
        Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics 2, 1955;
        with shortest augmenting paths after Jonker and Volgenant, Computing 38, 1987.
    """
    chosen: dict[int, int] = {}
    for lefts, rights in _components(weights):
        table = np.array([[weights.get((a, b), 0.0) for b in rights] for a in lefts])
        is_tall = len(lefts) > len(rights)
        for row, column in enumerate(_solve(table.T if is_tall else table).tolist()):
            a, b = (column, row) if is_tall else (row, column)
            if table[a, b] > 0:
                chosen[lefts[a]] = rights[b]
    return chosen


def _components(
    weights: Mapping[tuple[int, int], float],
) -> list[tuple[list[int], list[int]]]:
    """Lefts and rights that are joined by possible pairs, each list ascending."""
    of_left: dict[int, list[int]] = {}
    of_right: dict[int, list[int]] = {}
    for a, b in sorted(weights):
        of_left.setdefault(a, []).append(b)
        of_right.setdefault(b, []).append(a)
    found = []
    seen: set[int] = set()
    for first in of_left:
        if first in seen:
            continue
        lefts, rights, waiting = {first}, set[int](), [first]
        while waiting:
            for b in of_left[waiting.pop()]:
                if b in rights:
                    continue
                rights.add(b)
                fresh = [a for a in of_right[b] if a not in lefts]
                lefts.update(fresh)
                waiting += fresh
        seen |= lefts
        found.append((sorted(lefts), sorted(rights)))
    return found


def _solve(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """The column of each row: float64 (r, c) with r <= c gives int64 (r,), all different."""
    n_rows, n_columns = weights.shape
    cost = weights.max() - weights
    row_price, column_price = np.zeros(n_rows), np.zeros(n_columns)
    row_of = np.full(n_columns, -1, np.int64)
    for start in range(n_rows):
        least = np.full(n_columns, np.inf)
        before = np.full(n_columns, -1, np.int64)
        is_done = np.zeros(n_columns, np.bool_)
        row, column = start, -1
        visited: list[tuple[int, int]] = []  # rows of the tree with the column that led there
        while True:
            visited.append((row, column))
            slack = cost[row] - row_price[row] - column_price
            is_nearer = ~is_done & (slack < least)
            least[is_nearer], before[is_nearer] = slack[is_nearer], column
            nearest = int(np.argmin(np.where(is_done, np.inf, least)))
            step = least[nearest]
            for tree_row, tree_column in visited:
                row_price[tree_row] += step
                if tree_column >= 0:
                    column_price[tree_column] -= step
            least[~is_done] -= step
            column = nearest
            is_done[column] = True
            if row_of[column] < 0:
                break
            row = int(row_of[column])
        while column >= 0:
            previous = int(before[column])
            row_of[column] = start if previous < 0 else row_of[previous]
            column = previous
    column_of = np.empty(n_rows, np.int64)
    taken = np.flatnonzero(row_of >= 0)
    column_of[row_of[taken]] = taken
    return column_of

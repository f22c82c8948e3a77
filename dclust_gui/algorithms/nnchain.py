"""Nearest-neighbour chains on a full distance matrix of weighted clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import Callback, report

if TYPE_CHECKING:
    from numpy.typing import NDArray


ROWS = 64
"""Rows of a matrix that are worked on at a time, in the cache."""


def pairwise_squared(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared Euclidean distances; near-copies from differences, the others from a product.

    Args:
        centres: float64 (k, d).

    Returns:
        float64 (k, k), symmetric, the diagonal 0.
    """
    rows = centres - centres.mean(axis=0)
    norms = np.einsum("ij,ij->i", rows, rows)
    squared: NDArray[np.float64] = rows @ rows.T
    for start in range(0, len(rows), ROWS):
        part = squared[start : start + ROWS]
        both = norms[start : start + ROWS, None] + norms[None, :]
        part *= -2.0
        part += both
        both *= 1e-9
        left, right = np.nonzero(part < both)
        for first in range(0, len(left), 4096):
            one, two = left[first : first + 4096], right[first : first + 4096]
            part[one, two] = ((rows[start + one] - rows[two]) ** 2).sum(axis=1)
    np.fill_diagonal(squared, 0.0)
    return squared


def ward_matrix(centres: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared Ward distances 2 wa wb / (wa + wb) |ca - cb|^2.

    Args:
        centres: float64 (k, d).
        weights: float64 (k,), > 0.

    Returns:
        float64 (k, k).
    """
    squared = pairwise_squared(centres)
    half = 0.5 / weights
    for start in range(0, len(centres), ROWS):
        part = slice(start, start + ROWS)
        squared[part] /= half[part, None] + half[None, :]
    return squared


def chain_merges(
    matrix: NDArray[np.float64],
    weights: NDArray[np.float64],
    method: str,
    callback: Callback | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """All merges of a reducible linkage, in the order in which the chain finds them.

    Args:
        matrix: float64 (k, k) distances (squared for Ward), symmetric; overwritten.
        weights: float64 (k,) cluster sizes, > 0.
        method: ward, average, complete or single.
        callback: Called with (merges, k - 1); may raise `Cancelled`.

    Returns:
        (k - 1, 2) slots, the merged cluster going on in the second one, and (k - 1,) distances.

    Source:
        Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983.
    """
    count = len(matrix)
    mass = weights.astype(np.float64)
    np.fill_diagonal(matrix, np.inf)
    pairs = np.empty((count - 1, 2), dtype=np.int64)
    distances = np.empty(count - 1)
    slots = np.arange(count)
    chain: list[int] = []
    first = 0
    dead = np.zeros(count, dtype=bool)
    step = 0
    while step < count - 1:
        if not chain:
            while dead[first]:
                first += 1
            chain.append(first)
        tip = chain[-1]
        row = matrix[tip]
        nearest = int(row.argmin())
        if len(chain) == 1 or row[chain[-2]] > row[nearest]:
            chain.append(nearest)
            continue
        chain.pop()
        kept = chain.pop()
        pairs[step] = slots[tip], slots[kept]
        distances[step] = row[kept]
        _merge(matrix, mass, tip, kept, method)
        dead[tip] = True
        step += 1
        if step % 256 == 0:
            report(callback, step, count - 1)
            if count - step < 0.75 * len(matrix):
                # without the dead rows and columns the others lie closer in memory
                alive = np.flatnonzero(~dead)
                place = np.cumsum(~dead) - 1
                matrix = matrix[np.ix_(alive, alive)]
                mass, slots, dead = mass[alive], slots[alive], dead[alive]
                chain, first = [int(place[link]) for link in chain], 0
    return pairs, distances


def _merge(
    matrix: NDArray[np.float64], mass: NDArray[np.float64], gone: int, kept: int, method: str
) -> None:
    """Lance and Williams' update of the row and column of `kept`; `gone` becomes unreachable."""
    one, two = matrix[gone], matrix[kept]
    if method == "ward":
        between = one[kept]
        new = (mass[gone] + mass) * one + (mass[kept] + mass) * two - mass * between
        new /= mass[gone] + mass[kept] + mass
    elif method == "average":
        new = (mass[gone] * one + mass[kept] * two) / (mass[gone] + mass[kept])
    elif method == "complete":
        new = np.maximum(one, two)
    else:
        new = np.minimum(one, two)
    new[kept] = new[gone] = np.inf
    # inf marks dead slots; both rows hold it, so the update keeps it
    matrix[kept] = new
    matrix[:, kept] = new
    matrix[gone] = np.inf
    matrix[:, gone] = np.inf
    mass[kept] += mass[gone]

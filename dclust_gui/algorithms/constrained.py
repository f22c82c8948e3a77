"""k-means that follows a person's decisions: seeded k-means, and PCK-means with soft links.

Seeded k-means starts from the means of the decided images and, clamped, never moves these ("Seeded"
and "Constrained" of Basu, Banerjee, Mooney, "Semi-supervised clustering by seeding", ICML 2002).

PCK-means (Basu, Banerjee, Mooney, "Active semi-supervision for pairwise constrained clustering",
SDM 2004, equation 1) minimises

    sum_i |x_i - mu_l(i)|^2 / 2  +  w #(must-links torn)  +  w #(cannot-links together)

so that a link which contradicts the others may be broken; the broken ones are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import (
    NOISE,
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    check_cluster_count,
    report,
)
from dclust_gui.algorithms.lloyd import cluster_means, nearest_two

if TYPE_CHECKING:
    from collections.abc import Iterable

Links = list[tuple[NDArray[np.int64], bool]]
"""Of each linked image: the other ends, and whether they are to be together."""

ORDERS = 30
"""Most passes over the images, each in another random order (PCK-means)."""


@dataclass(frozen=True, slots=True, eq=False)
class ConstrainedFit:
    """What was found.

    Attributes:
        labels: int32 (n,), 0 to n_clusters - 1.
        centres: float64 (n_clusters, d).
        inertia: Sum of squared distances to the own centre.
        n_iter: Iterations.
        broken_must: Must-links that are torn.
        broken_cannot: Cannot-links that are together.
    """

    labels: LabelArray
    centres: NDArray[np.float64]
    inertia: float
    n_iter: int
    broken_must: int = 0
    broken_cannot: int = 0


def seeded_kmeans(
    rows: FloatArray,
    seeds: LabelArray,
    n_clusters: int,
    *,
    clamp: bool = True,
    start: NDArray[np.float64] | None = None,
    max_iter: int = 300,
    random_state: int | np.random.RandomState | None = None,
    callback: Callback | None = None,
) -> ConstrainedFit:
    """k-means from the means of decided images; other clusters start far from all of these.

    Args:
        rows: (n, d) finite.
        seeds: int (n,), label of each decided image, 0 to `n_clusters` - 1; -1 for the others.
        n_clusters: Number of clusters.
        clamp: Decided images keep their label; otherwise they only give the start.
        start: (n_clusters, d) centres to start from; None for the means of the decided images.
        max_iter: Most iterations.
        random_state: For the starts of clusters without a seed.
        callback: Called with (done, total); may raise `Cancelled`.

    Raises:
        UnusableDataError: If labels and rows do not fit together.
    """
    seeds = _checked_seeds(rows, seeds, n_clusters)
    centres = _start(rows, seeds, n_clusters, random_state) if start is None else start
    fixed = np.flatnonzero(seeds >= 0)
    labels = np.full(len(rows), NOISE, np.int32)
    for done in range(1, max_iter + 1):
        report(callback, done - 1, max_iter)
        found = nearest_two(rows, centres)[0]
        if clamp:
            found[fixed] = seeds[fixed]
        found = _occupied(rows, found, centres, fixed if clamp else fixed[:0])
        stable = np.array_equal(found, labels)
        labels = found
        centres = cluster_means(rows, labels, n_clusters)
        if stable:
            break
    report(callback, max_iter, max_iter)
    return ConstrainedFit(labels, centres, _inertia(rows, centres, labels), done)


def pck_means(
    rows: FloatArray,
    n_clusters: int,
    must: Iterable[tuple[int, int]],
    cannot: Iterable[tuple[int, int]],
    *,
    weight: float | None = None,
    start: NDArray[np.float64] | None = None,
    max_iter: int = 100,
    random_state: int | np.random.RandomState | None = None,
    callback: Callback | None = None,
) -> ConstrainedFit:
    """k-means with soft must-links and cannot-links between images.

    Args:
        rows: (n, d) finite.
        n_clusters: Number of clusters.
        must: Pairs that belong together.
        cannot: Pairs that do not.
        weight: What a broken link costs; None for the mean squared distance within clusters.
        start: (n_clusters, d) centres to start from; None for those of the largest linked groups.
        max_iter: Most iterations.
        random_state: Seed.
        callback: Called with (done, total); may raise `Cancelled`.

    Raises:
        UnusableDataError: If a link names an image that does not exist, or links it with itself.
    """
    n_clusters = check_cluster_count(n_clusters, len(rows))
    random = check_random_state(random_state)
    pairs = (_checked_pairs(must, len(rows)), _checked_pairs(cannot, len(rows)))
    links = _links(pairs)
    groups = _neighbourhoods(pairs[0], len(rows), n_clusters)
    centres = _start(rows, groups, n_clusters, random) if start is None else start
    labels = nearest_two(rows, centres)[0]
    cost = weight if weight is not None else _mean_within(rows, centres, labels)
    for done in range(1, max_iter + 1):
        report(callback, done - 1, max_iter)
        before = labels
        labels = nearest_two(rows, centres)[0]
        _settle(rows, centres, labels, before, links, cost, random)
        labels = _occupied(rows, labels, centres, np.array(sorted(links), np.int64))
        centres = cluster_means(rows, labels, n_clusters)
        if np.array_equal(labels, before):
            break
    report(callback, max_iter, max_iter)
    torn, together = (labels[p[:, 0]] != labels[p[:, 1]] for p in pairs)
    return ConstrainedFit(
        labels,
        centres,
        _inertia(rows, centres, labels),
        done,
        int(torn.sum()),
        int((~together).sum()),
    )


def _checked_seeds(rows: FloatArray, seeds: LabelArray, n_clusters: int) -> LabelArray:
    check_cluster_count(n_clusters, len(rows))
    seeds = np.asarray(seeds, np.int32)
    if seeds.shape != (len(rows),) or seeds.max(initial=NOISE) >= n_clusters:
        raise UnusableDataError(
            "Could not start from the decided images.",
            f"There must be a label from -1 to {n_clusters - 1} for each of the {len(rows)} rows.",
        )
    return seeds


def _checked_pairs(pairs: Iterable[tuple[int, int]], n_rows: int) -> NDArray[np.int64]:
    array = np.array(list(pairs), np.int64).reshape(-1, 2)
    if len(array) and (array.min() < 0 or array.max() >= n_rows):
        raise UnusableDataError("Could not use the links.", "One names an image that is not there.")
    if (array[:, 0] == array[:, 1]).any():
        raise UnusableDataError("Could not use the links.", "One links an image with itself.")
    return array


def _start(
    rows: FloatArray,
    seeds: LabelArray,
    n_clusters: int,
    random_state: int | np.random.RandomState | None,
) -> NDArray[np.float64]:
    """Means of the seeds; for clusters without one, k-means++ draws away from all centres."""
    random = check_random_state(random_state)
    centres = cluster_means(rows, seeds, n_clusters)
    has = np.bincount(seeds[seeds >= 0], minlength=n_clusters) > 0
    for cluster in np.flatnonzero(~has):
        if has.any():
            far = np.square(nearest_two(rows, centres[has])[1])
            total = far.sum()
        else:
            far, total = np.ones(len(rows)), float(len(rows))
        chosen = random.choice(len(rows), p=far / total) if total > 0 else random.randint(len(rows))
        centres[cluster] = rows[chosen]
        has[cluster] = True
    return centres


def _neighbourhoods(must: NDArray[np.int64], n_rows: int, n_clusters: int) -> LabelArray:
    """The largest groups of must-linked images, as seeds of at most `n_clusters` clusters."""
    seeds = np.full(n_rows, NOISE, np.int32)
    if not len(must):
        return seeds
    graph = sparse.coo_array((np.ones(len(must)), (must[:, 0], must[:, 1])), (n_rows, n_rows))
    groups = csgraph.connected_components(graph, directed=False)[1]
    sizes = np.bincount(groups)
    order = np.argsort(-sizes, kind="stable")
    for label, group in enumerate(order[sizes[order] > 1][:n_clusters]):
        seeds[groups == group] = label
    return seeds


def _links(pairs: tuple[NDArray[np.int64], NDArray[np.int64]]) -> dict[int, Links]:
    """The links of each image that has any."""
    links: dict[int, Links] = {}
    for array, is_must in zip(pairs, (True, False), strict=True):
        both = np.concatenate([array, array[:, ::-1]])
        both = both[np.argsort(both[:, 0], kind="stable")]
        ends, starts = np.unique(both[:, 0], return_index=True)
        for image, others in zip(ends, np.split(both[:, 1], starts[1:]), strict=False):
            links.setdefault(int(image), []).append((others, is_must))
    return links


def _settle(
    rows: FloatArray,
    centres: NDArray[np.float64],
    labels: LabelArray,
    before: LabelArray,
    links: dict[int, Links],
    cost: float,
    random: np.random.RandomState,
) -> None:
    """Assign the linked images one after another, in random order, until none moves."""
    images = np.array(sorted(links), np.int64)
    labels[images] = before[images]
    difference = np.asarray(rows[images], np.float64)[:, None, :] - centres[None]
    half = 0.5 * np.einsum("ijk,ijk->ij", difference, difference)
    for _ in range(ORDERS):
        moved = False
        for place in random.permutation(len(images)):
            image = int(images[place])
            costs = half[place].copy()
            for others, is_must in links[image]:
                counts = np.bincount(labels[others], minlength=len(centres))
                costs += cost * (len(others) - counts if is_must else counts)
            best = int(costs.argmin())
            if costs[best] < costs[labels[image]] - 1e-12:
                labels[image] = best
                moved = True
        if not moved:
            return


def _occupied(
    rows: FloatArray, labels: LabelArray, centres: NDArray[np.float64], fixed: NDArray[np.int64]
) -> LabelArray:
    """An empty cluster takes the image farthest from its centre, out of a cluster with others."""
    counts = np.bincount(labels, minlength=len(centres))
    if counts.all():
        return labels
    labels = labels.copy()
    far = np.square(np.asarray(rows, np.float64) - centres[labels]).sum(axis=1)
    far[fixed] = -1.0
    for cluster in np.flatnonzero(counts == 0):
        for image in np.argsort(-far):
            if far[image] < 0.0:
                break
            if counts[labels[image]] > 1:
                counts[labels[image]] -= 1
                labels[image] = cluster
                counts[cluster] = 1
                far[image] = -1.0
                break
    return labels


def _inertia(rows: FloatArray, centres: NDArray[np.float64], labels: LabelArray) -> float:
    total = 0.0
    for start in range(0, len(rows), 4096):
        part = np.asarray(rows[start : start + 4096], np.float64)
        total += float(np.square(part - centres[labels[start : start + 4096]]).sum())
    return total


def _mean_within(rows: FloatArray, centres: NDArray[np.float64], labels: LabelArray) -> float:
    return _inertia(rows, centres, labels) / max(1, len(rows))

"""k-means for groups of similar size, and for groups of uneven size.

*Similar*: k-means in which every cluster keeps within a band of sizes around n / k. An assignment
with bounded sizes is a transport of the images to the centres; its dual has one price a centre,

    label(x) = argmin over j of |x - m_j|^2 + p_j,

p_j > 0 where a cluster is at its upper bound, < 0 at its lower one, 0 between: a power diagram.
The prices come from entropic transport with bounded column sums (the scaling algorithm of Chizat
et al.), its temperature falling; the few images by which rounding misses the bounds are then moved
where that costs least. Memory n k, so it serves 100,000 images as it does a hundred. Centres and
assignment alternate from the start of k-means until nothing changes.

*Uneven*: k-means, like Ward, weighs two groups by their sizes, so it halves a large group before it
tells a small one from what lies beside it. Here k-means makes twice as many groups as wanted, and
the two whose means are nearest are joined, whatever their sizes, until k are left (centroid
linkage). Large groups come together again, small ones that stand apart stay.

Source:
    Aurenhammer, Hoffmann, Aronov, "Minkowski-type theorems and least-squares clustering", 1998
    (bounded sizes are power diagrams); Bradley, Bennett, Demiriz, "Constrained k-means
    clustering", MSR-TR-2000-65 (alternation); Chizat, Peyre, Schmitzer, Vialard, "Scaling
    algorithms for unbalanced optimal transport problems", 2018; Sokal, Michener, "A statistical
    method for evaluating systematic relationships", 1958 (joining the nearest means).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from dclust_gui.algorithms.base import (
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    check_cluster_count,
    check_distinct,
    confidence_from_margin,
    report,
)
from dclust_gui.algorithms.clusterer import Clusterer
from dclust_gui.algorithms.lloyd import cluster_means, nearest_two
from dclust_gui.algorithms.partition import KMeans

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

TOLERANCE = 0.25
"""Clusters of similar size differ from n / k by at most this share."""
ROUNDS = 30
COOLING = 0.5
COLDEST = 1e-2
"""Last temperature, as a share of the mean gap between the best and the second best cost."""
WARM = 0.05
"""First temperature where prices are known already, likewise."""
LEARNT_FROM = 20_000
"""Most images from which prices are learnt."""
PARTS = 2
"""Groups for each wanted one, before the nearest are joined."""
SCALINGS = 40
SETTLED = 1e-3


def size_bounds(n_images: int, n_clusters: int, tolerance: float = TOLERANCE) -> tuple[int, int]:
    """Least and greatest size of a cluster.

    Args:
        n_images: At least `n_clusters`.
        n_clusters: Number of clusters.
        tolerance: Share of n / k by which a size may differ.

    Returns:
        Both, such that they can be kept: low * k <= n <= high * k.
    """
    mean = n_images / n_clusters
    low = max(1, math.ceil((1.0 - tolerance) * mean - 1e-9))
    high = math.floor((1.0 + tolerance) * mean + 1e-9)
    return min(low, math.floor(mean)), max(high, math.ceil(mean))


def bounded_labels(
    costs: FloatArray,
    low: int,
    high: int,
    *,
    prices: NDArray[np.float64] | None = None,
    callback: Callback | None = None,
) -> LabelArray:
    """The assignment of least cost in which every cluster keeps within bounds.

    Args:
        costs: (n, k), of each image in each cluster; finite.
        low: Least size.
        high: Greatest size; low * k <= n <= high * k.
        prices: float64 (k,) of a similar assignment to start from; set to this one's.
        callback: Asked at every step whether to go on; may raise `Cancelled`.

    Returns:
        int32 (n,). Optimal but for a few images at the edges of clusters that are at a bound
        (within 1 % of the least cost in the tests).

    Raises:
        UnusableDataError: If no assignment keeps within the bounds.
    """
    count, k = costs.shape
    if low * k > count or high * k < count:
        raise UnusableDataError(
            "Could not make groups of similar size.",
            f"{count} images do not fill {k} groups of {low} to {high}.",
        )
    values = costs.astype(np.float64)
    labels: LabelArray = values.argmin(axis=1).astype(np.int32)
    sizes = np.bincount(labels, minlength=k)
    if sizes.min() >= low and sizes.max() <= high:
        return labels
    known = np.zeros(k) if prices is None else prices
    rows = values
    if count > LEARNT_FROM:
        rows = values[np.random.default_rng(0).choice(count, LEARNT_FROM, replace=False)]
    share = len(rows) / count
    known[:] = _prices(rows, low * share, high * share, known, callback)
    values += known
    labels = values.argmin(axis=1).astype(np.int32)
    _repair(values, labels, low, high, callback)
    return labels


def _prices(
    costs: NDArray[np.float64],
    low: float,
    high: float,
    known: NDArray[np.float64],
    callback: Callback | None,
) -> NDArray[np.float64]:
    """(k,) the prices of the clusters."""
    two = np.partition(costs, 1, axis=1)[:, :2]
    unit = float((two[:, 1] - two[:, 0]).mean()) or 1.0
    prices = known.copy()
    temperature = unit * (WARM if known.any() else 1.0)
    while temperature > COLDEST * unit:
        for _ in range(SCALINGS):
            report(callback, 0, 0)
            values = (costs + prices) / -temperature
            values -= values.max(axis=1, keepdims=True)
            np.exp(values, out=values)
            sizes = values.T @ (1.0 / values.sum(axis=1))
            logs = np.log(np.maximum(sizes, 1e-300)) + prices / temperature
            new = -temperature * np.clip(0.0, np.log(low) - logs, np.log(high) - logs)
            moved = float(np.abs(new - prices).max())
            prices = new
            if moved < SETTLED * temperature:
                break
        temperature *= COOLING
    return prices


def _repair(
    costs: NDArray[np.float64], labels: LabelArray, low: int, high: int, callback: Callback | None
) -> None:
    """Move images out of clusters above a bound, and into those below, where it costs least."""
    sizes = np.bincount(labels, minlength=costs.shape[1])
    while sizes.max() > high or sizes.min() < low:
        report(callback, 0, 0)
        # out of those that are too large, or else into those that are too small
        floor = high if sizes.max() > high else low
        ceiling = low if sizes.min() < low else high
        gives, takes = sizes > floor, sizes < ceiling
        images = np.flatnonzero(gives[labels])
        extra = costs[images][:, takes]
        best = extra.argmin(axis=1)
        targets = np.flatnonzero(takes)[best]
        price = extra[np.arange(len(images)), best] - costs[images, labels[images]]
        for place in np.argsort(price, kind="stable").tolist():
            source, target = int(labels[images[place]]), int(targets[place])
            if sizes[source] > floor and sizes[target] < ceiling:
                labels[images[place]] = target
                sizes[source] -= 1
                sizes[target] += 1


class BalancedKMeans(KMeans):
    """k-means whose clusters are of similar size.

    Args:
        n_clusters: Number of clusters.
        tolerance: Share of n / k by which a size may differ; 0 makes them equal.
        n_init: Restarts of the k-means it starts from; "auto" as there.
        max_iter: Most iterations of a restart.
        metric: Distance.
        random_state: Seed.
        device: torch device.

    Attributes:
        labels_: int32 (n_images,).
        cluster_centers_: (n_clusters, d) in the space where the distance is Euclidean.
        inertia_: Sum of squared distances to the own centre.
        n_iter_: Rounds of assignment and centres.
        confidence_: float32 (n_images,), by distances to the own and the nearest other centre.

    Source:
        See the module.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        tolerance: float = TOLERANCE,
        n_init: int | str = "auto",
        max_iter: int = 300,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(
            n_clusters,
            n_init=n_init,
            max_iter=max_iter,
            metric=metric,
            random_state=random_state,
            device=device,
        )
        self.tolerance = tolerance

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        if not 0 <= self.tolerance <= 1:
            raise UnusableDataError(
                "Could not make groups of similar size.", "tolerance must be from 0 to 1."
            )
        super()._fit(features, callback)
        k = self.n_clusters
        low, high = size_bounds(len(features), k, self.tolerance)
        centres = np.asarray(self.cluster_centers_, dtype=np.float64)
        prices = np.zeros(k)
        best, labels = math.inf, self.labels_
        for number in range(ROUNDS):
            report(callback, number, ROUNDS)
            squared = squared_to(features, centres)
            found = bounded_labels(squared, low, high, prices=prices, callback=callback)
            inertia = float(squared[np.arange(len(found)), found].sum())
            if inertia >= best * (1.0 - 1e-6):
                break
            best, labels, self.n_iter_ = inertia, found, number + 1
            centres = cluster_means(features, labels, k)
        self.cluster_centers_ = centres.astype(features.dtype)
        self.labels_, self.inertia_ = labels, best
        self.confidence_ = own_confidence(squared_to(features, centres), labels)
        report(callback, ROUNDS, ROUNDS)


class UnevenKMeans(Clusterer):
    """k-means into more groups than wanted, of which the nearest are joined whatever their sizes.

    Args:
        n_clusters: Number of clusters.
        n_init: Restarts of the k-means; "auto" as there.
        metric: Distance.
        random_state: Seed.
        device: torch device.

    Attributes:
        labels_: int32 (n_images,).
        cluster_centers_: (n_clusters, d) means, where the distance is Euclidean.
        parts_: (m, d) means of the groups of the k-means.
        cluster_of_part_: int32 (m,).
        confidence_: float32 (n_images,), by distances to the nearest part of the own cluster and
            of another.

    Source:
        See the module.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        n_init: int | str = "auto",
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.metric = metric
        self.random_state = random_state
        self.device = device

    cluster_centers_: FloatArray
    parts_: FloatArray
    cluster_of_part_: LabelArray

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        k = check_cluster_count(self.n_clusters, len(features))
        check_distinct(features, k)
        try:
            check_distinct(features, wanted := min(PARTS * k, len(features)))
        except UnusableDataError:
            wanted = k
        model = KMeans(
            wanted, n_init=self.n_init, random_state=self.random_state, device=self.device
        ).fit(features, callback=callback)
        self.parts_ = model.cluster_centers_
        self.cluster_of_part_ = joined_parts(self.parts_, np.bincount(model.labels_), k)
        self.labels_ = self.cluster_of_part_[model.labels_]
        self.cluster_centers_ = cluster_means(features, self.labels_, k).astype(features.dtype)
        squared = squared_to(features, self.parts_.astype(np.float64))
        nearest = np.stack(
            [squared[:, self.cluster_of_part_ == c].min(axis=1) for c in range(k)], axis=1
        )
        self.confidence_ = own_confidence(nearest, self.labels_)

    def predict(self, X: ArrayLike) -> LabelArray:  # noqa: N803
        """Cluster of the nearest part of each row.

        Args:
            X: (n_images, d).

        Returns:
            int32 (n_images,).
        """
        features = self._mapped(X)
        nearest = nearest_two(features, self.parts_.astype(np.float64), device=self.device)[0]
        labels: LabelArray = self.cluster_of_part_[nearest]
        return labels


def joined_parts(parts: FloatArray, sizes: NDArray[np.integer], n_clusters: int) -> LabelArray:
    """Join the two groups whose means are nearest until so many are left.

    Args:
        parts: (m, d) means.
        sizes: int (m,), members; the mean of joined groups is that of their members.
        n_clusters: At most m.

    Returns:
        int32 (m,), 0 to `n_clusters` - 1, numbered by the first part.
    """
    means = parts.astype(np.float64)
    weights = sizes.astype(np.float64)
    owner = np.arange(len(parts))
    squared = squared_to(means, means)
    np.fill_diagonal(squared, np.inf)
    for _ in range(len(parts) - n_clusters):
        kept, gone = sorted(np.unravel_index(int(squared.argmin()), squared.shape))
        total = weights[kept] + weights[gone]
        means[kept] = (weights[kept] * means[kept] + weights[gone] * means[gone]) / total
        weights[kept] = total
        owner[owner == gone] = kept
        squared[gone] = squared[:, gone] = np.inf
        alive = np.isfinite(squared[kept])
        squared[kept, alive] = squared[alive, kept] = ((means[alive] - means[kept]) ** 2).sum(
            axis=1
        )
    found: LabelArray = np.unique(owner, return_inverse=True)[1].astype(np.int32)
    return found


def squared_to(rows: FloatArray, centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distance of each row to each centre: float64 (n, k)."""
    found: NDArray[np.float64] = cdist(rows, centres, "sqeuclidean")
    return found


def own_confidence(squared: NDArray[np.float64], labels: LabelArray) -> NDArray[np.float32]:
    """1 - the distance to the own centre over that to the nearest other one, at least 0.

    Args:
        squared: (n, k) squared distances.
        labels: int32 (n,), the own columns.
    """
    every = np.arange(len(labels))
    own = np.sqrt(squared[every, labels])
    rest = squared.copy()
    rest[every, labels] = np.inf
    return confidence_from_margin(own, np.sqrt(rest.min(axis=1)))

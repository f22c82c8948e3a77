"""Clusterers and measures beside SciPy and scikit-learn, on the same arrays and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.services.bench.rows import BenchRow, seconds_of, timed_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_NAME = "algorithms"


def groups_of_rows(n: int, dims: int, k: int, seed: int = 0) -> NDArray[np.float32]:
    """Rows around k centres: float32 (n, dims)."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(k, dims))
    return (centres[random.integers(k, size=n)] + 0.6 * random.normal(size=(n, dims))).astype(
        np.float32
    )


def bench_algorithms(say: Callable[[str], None], *, long: bool = False) -> Iterator[BenchRow]:
    """All rows, each as soon as it is measured.

    Args:
        say: Takes a line about what is being measured.
        long: Also the tree of 100,000 rows, which takes minutes.
    """
    say("Ward's tree of 20,000 x 64")
    yield from _ward()
    say("MeanShift of 5,000 x 32")
    yield from _mean_shift()
    say("k-means of 20,000 x 64")
    yield from _k_means()
    say("sampled silhouette of 100,000 x 64")
    yield from _silhouette()
    if long:
        say("Ward's tree of 100,000 x 64")
        yield from _large_ward()


def _ward() -> Iterator[BenchRow]:
    from scipy.cluster.hierarchy import linkage as scipy_linkage

    from dclust_gui.algorithms.hierarchy import linkage

    rows = np.random.default_rng(0).normal(size=(20_000, 64)).astype(np.float32)
    trees: dict[str, NDArray[np.float64]] = {}
    yield timed_row(
        _NAME,
        "Ward 20,000 x 64",
        lambda: trees.update(ours=linkage(rows, "ward")),
        "SciPy linkage",
        lambda: trees.update(peer=scipy_linkage(rows.astype(np.float64), "ward")),
        repeats=1,
    )
    ours, peer = trees["ours"][:, 2], trees["peer"][:, 2]
    allowed = 1e-5 * peer + 1e-7 * peer[-1]
    worst = float((np.abs(ours - peer) / allowed).max())
    yield BenchRow(_NAME, "Ward 20,000 x 64: worst height error / allowed", worst, "")


def _large_ward() -> Iterator[BenchRow]:
    from dclust_gui.algorithms.hierarchy import linkage
    from dclust_gui.compute.memory import peak_rss_mb

    rows = np.random.default_rng(1).normal(size=(100_000, 64)).astype(np.float32)
    seconds = seconds_of(lambda: linkage(rows, "ward"))
    yield BenchRow(_NAME, "Ward 100,000 x 64", seconds, "s")
    yield BenchRow(_NAME, "Ward 100,000 x 64: peak memory of the process", peak_rss_mb(), "MB")


def _mean_shift() -> Iterator[BenchRow]:
    from sklearn.cluster import MeanShift as PeerMeanShift

    from dclust_gui.algorithms.meanshift import MeanShift
    from dclust_gui.algorithms.measures import external_measures

    rows = groups_of_rows(5_000, 32, 12)
    radius = MeanShift(quantile=0.3, axes=32, random_state=0).fit(rows).bandwidth_
    labels: dict[str, NDArray[np.integer]] = {}
    yield timed_row(
        _NAME,
        "MeanShift 5,000 x 32",
        lambda: labels.update(ours=MeanShift(bandwidth=radius).fit(rows).labels_),
        "scikit-learn MeanShift",
        lambda: labels.update(peer=PeerMeanShift(bandwidth=radius).fit(rows).labels_),
        repeats=1,
    )
    ari = external_measures(labels["ours"], labels["peer"]).ari
    yield BenchRow(_NAME, "MeanShift 5,000 x 32: ARI with the peer", ari, "")


def _k_means() -> Iterator[BenchRow]:
    from sklearn.cluster import KMeans as PeerKMeans

    from dclust_gui.algorithms.partition import KMeans

    rows = groups_of_rows(20_000, 64, 20)
    inertia: dict[str, float] = {}
    yield timed_row(
        _NAME,
        "k-means 20,000 x 64, k 20, 10 starts",
        lambda: inertia.update(ours=KMeans(20, n_init=10, random_state=0).fit(rows).inertia_),
        "scikit-learn KMeans",
        lambda: inertia.update(peer=PeerKMeans(20, n_init=10, random_state=0).fit(rows).inertia_),
    )
    yield BenchRow(
        _NAME,
        "k-means 20,000 x 64: inertia",
        inertia["ours"],
        "",
        "scikit-learn KMeans",
        inertia["peer"],
        inertia["peer"] / inertia["ours"],
    )


def _silhouette() -> Iterator[BenchRow]:
    from sklearn.metrics import silhouette_score

    from dclust_gui.algorithms.internal import internal_measures
    from dclust_gui.algorithms.partition import KMeans

    rows = groups_of_rows(100_000, 64, 20)
    labels = KMeans(20, n_init=1, random_state=0).fit(rows).labels_
    values: dict[str, float] = {}
    yield timed_row(
        _NAME,
        "silhouette, Davies-Bouldin, Calinski-Harabasz and MSE of 100,000 x 64",
        lambda: values.update(ours=internal_measures(rows, labels, random_state=0).silhouette),
        "scikit-learn silhouette of 10,000 alone",
        lambda: values.update(
            peer=float(silhouette_score(rows, labels, sample_size=10_000, random_state=0))
        ),
    )
    yield BenchRow(
        _NAME, "silhouette of 100,000: difference to the peer", values["ours"] - values["peer"], ""
    )

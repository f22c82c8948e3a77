"""How many clusters: a short list with evidence, as no single estimate can be relied on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.density import HDBSCAN
from dclust_gui.algorithms.fuzzy_graph import fuzzy_graph
from dclust_gui.algorithms.internal import internal_measures, silhouette_values
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.lloyd import cluster_means
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.domain.tree import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LARGEST_K = 40
SAMPLE = 2_000
"""Most images that are looked at."""
REFERENCES = 3
"""Structureless sets that the gap is measured against."""
RESTARTS = 3
FEWEST = 5
"""Below so many images the list is simply the numbers that are possible."""


class Level(StrEnum):
    """How fine a number of clusters is among those of the list."""

    COARSE = "coarse"
    MEDIUM = "medium"
    FINE = "fine"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One number of clusters of the list.

    Attributes:
        k: The number.
        level: Its place in the list.
        reason: Why it is there, in words.
        silhouette: Mean silhouette of k-means with it, on the sample, between the
            numbers tried by interpolation; nan if not measured.
        tree_silhouette: The same of the run's tree cut into so many; nan if not measured.
    """

    k: int
    level: Level
    reason: str
    silhouette: float
    tree_silhouette: float = float("nan")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was measured; every curve has one value to a number of `ks`.

    Attributes:
        ks: Numbers of clusters tried.
        silhouette: Mean silhouette; higher is better.
        gap: Gap statistic: log error of structureless images minus that of these.
        gap_error: Its standard error.
        davies_bouldin: Lower is better; the weakest of the curves.
        eigengap: Number before the widest gap of the graph's eigenvalues; 0 if unknown.
        first_neighbour: Numbers of clusters of the first-neighbour levels, the finest first.
        density: Number of dense regions (HDBSCAN); 0 if none.
        n_sampled: Images looked at.
    """

    ks: tuple[int, ...] = ()
    silhouette: tuple[float, ...] = ()
    gap: tuple[float, ...] = ()
    gap_error: tuple[float, ...] = ()
    davies_bouldin: tuple[float, ...] = ()
    eigengap: int = 0
    first_neighbour: tuple[int, ...] = ()
    density: int = 0
    n_sampled: int = 0


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Up to three numbers of clusters.

    Attributes:
        candidates: In ascending order.
        preselected: The number that an automatic run takes.
        evidence: What they rest on.
    """

    candidates: tuple[Candidate, ...]
    preselected: int
    evidence: Evidence


def k_shortlist(
    rows: FloatArray,
    *,
    largest: int = LARGEST_K,
    random_state: int | np.random.RandomState | None = None,
    callback: Callback | None = None,
) -> Shortlist:
    """A coarse, a medium and a fine number of clusters, with the evidence.

    Args:
        rows: (n_images, d), finite; best the few coordinates that are clustered.
        largest: Largest number to try.
        random_state: Seed.
        callback: Called with (steps done, steps); may raise `Cancelled`.

    Returns:
        The list; for very few images one number or two, with reasons that say so.

    Raises:
        UnusableDataError: If there are no images.

    Source:
        Tibshirani, Walther, Hastie, "Estimating the number of clusters via the gap statistic",
        JRSS B 63, 2001; Sarfraz, Sharma, Stiefelhagen, "Efficient parameter-free clustering using
        first neighbor relations", CVPR 2019.
    """
    if not len(rows):
        raise UnusableDataError("Could not choose the number of clusters.", "There are no images.")
    random = check_random_state(random_state)
    sample = rows
    if len(rows) > SAMPLE:
        sample = rows[np.sort(random.choice(len(rows), SAMPLE, replace=False))]
    n_distinct = len(np.unique(sample, axis=0))
    top = min(largest, n_distinct - 1, max(3, int(np.sqrt(len(rows)))))
    if n_distinct < FEWEST or top < 3:
        return _tiny(n_distinct)
    evidence = _evidence(sample, top, random, callback)
    return _chosen(evidence, top)


def shortlist_of_silhouettes(
    candidates: Sequence[tuple[int, float]], chosen: int
) -> Shortlist | None:
    """A short list where nothing but silhouettes was measured.

    Args:
        candidates: (k, silhouette) of each number tried.
        chosen: The number that was taken.

    Returns:
        The chosen number, with the best of the fewer and the best of the more; None where there
        was nothing to choose between.
    """
    known = {k: score for k, score in sorted(candidates) if np.isfinite(score)}
    if chosen not in known:
        return None
    reasons = {chosen: "clusters stand apart best here (highest silhouette)"}
    for others, word in (
        ([k for k in known if k < chosen], "fewer"),
        ([k for k in known if k > chosen + 1], "more"),
    ):
        if others:
            best = max(others, key=lambda k: known[k])
            reasons[best] = f"the best of the {word} clusters (silhouette)"
    ordered = sorted(reasons)
    levels = _levels(len(ordered))
    found = tuple(
        Candidate(k, level, reasons[k], known[k]) for k, level in zip(ordered, levels, strict=True)
    )
    return Shortlist(found, chosen, Evidence(tuple(known), tuple(known.values())))


def with_tree(
    found: Shortlist, rows: FloatArray, tree: NDArray[np.float64], *, random_state: int = 0
) -> Shortlist:
    """The list with the silhouettes that the run's tree reaches at each of its numbers.

    The tree of a flat clustering is composed: below the run's number it joins whole clusters,
    above it divides them, and either may be worse than clustering anew with that number.

    Args:
        found: The list.
        rows: (n_images, d) in the space that was clustered.
        tree: float64 (n_images - 1, 4), linkage matrix over the rows.
        random_state: Seed of the sample.
    """
    total = len(rows)
    sample = np.arange(total)
    if total > SAMPLE:
        random = np.random.default_rng(random_state)
        sample = np.sort(random.choice(total, SAMPLE, replace=False))
    candidates = []
    for candidate in found.candidates:
        value = float("nan")
        if 2 <= candidate.k < total:
            labels = cut(tree, candidate.k)[sample]
            if 1 < len(np.unique(labels)) < len(sample):
                value = float(silhouette_values(rows[sample], labels).mean())
        candidates.append(replace(candidate, tree_silhouette=value))
    return replace(found, candidates=tuple(candidates))


def _levels(count: int) -> tuple[Level, ...]:
    """What so many numbers are called, from the least up."""
    return {1: (Level.MEDIUM,), 2: (Level.COARSE, Level.FINE)}.get(count, tuple(Level))


def _tiny(n_distinct: int) -> Shortlist:
    """The list where there is next to nothing to choose between."""
    k = max(1, min(2, n_distinct))
    reason = f"there are only {n_distinct} different images"
    candidate = Candidate(k, Level.COARSE, reason, float("nan"))
    return Shortlist((candidate,), k, Evidence(n_sampled=n_distinct))


def _evidence(
    rows: FloatArray, top: int, random: np.random.RandomState, callback: Callback | None
) -> Evidence:
    ks = tuple(k for k in _grid(top) if k <= top)
    seed = int(random.randint(2**31 - 1))
    references = [_structureless(rows, random) for _ in range(REFERENCES)]
    silhouettes, bouldins, gaps, errors = [], [], [], []
    for done, k in enumerate(ks):
        report(callback, done, len(ks) + 3)
        model = KMeans(k, n_init=RESTARTS, random_state=seed).fit(rows)
        found = internal_measures(rows, model.labels_)
        silhouettes.append(found.silhouette)
        bouldins.append(found.davies_bouldin)
        logs = [_log_error(r, k, seed) for r in references]
        gaps.append(float(np.mean(logs)) - float(np.log(max(model.inertia_, 1e-300))))
        errors.append(float(np.std(logs) * np.sqrt(1 + 1 / REFERENCES)))
    report(callback, len(ks), len(ks) + 3)
    eigengap = _eigengap(rows, top, seed)
    report(callback, len(ks) + 1, len(ks) + 3)
    levels = first_neighbour_levels(rows)
    report(callback, len(ks) + 2, len(ks) + 3)
    density = _density(rows)
    report(callback, len(ks) + 3, len(ks) + 3)
    return Evidence(
        ks,
        tuple(silhouettes),
        tuple(gaps),
        tuple(errors),
        tuple(bouldins),
        eigengap,
        levels,
        density,
        len(rows),
    )


def _grid(top: int) -> tuple[int, ...]:
    """Every number up to 15, then ever wider steps, and the last."""
    coarse = {round(15 * 1.13**step) for step in range(1, 30)}
    return tuple(sorted({*range(2, 16), *coarse, top}))


def _density(rows: FloatArray) -> int:
    """Number of dense regions that hold at least a fiftieth of the images each."""
    size = max(5, len(rows) // 50)
    labels = HDBSCAN(min_cluster_size=size, min_samples=min(10, size)).fit(rows).labels_
    return int(labels.max()) + 1


def _structureless(rows: FloatArray, random: np.random.RandomState) -> NDArray[np.float32]:
    """As many points, evenly spread over the box along the principal axes."""
    centred = rows - rows.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1]
    turned = centred @ axes
    spread = random.uniform(turned.min(axis=0), turned.max(axis=0), turned.shape)
    points: NDArray[np.float32] = (spread @ axes.T).astype(np.float32)
    return points


def _log_error(rows: NDArray[np.float32], k: int, seed: int) -> float:
    model = KMeans(k, n_init=1, random_state=seed, max_iter=50).fit(rows)
    return float(np.log(max(model.inertia_, 1e-300)))


def _eigengap(rows: FloatArray, top: int, seed: int) -> int:
    """Number before the widest gap of the normalised graph's eigenvalues; 0 if unknown."""
    graph = fuzzy_graph(nearest_neighbours(rows, 15)).astype(np.float64)
    scale = sparse.diags_array(1.0 / np.sqrt(np.maximum(np.asarray(graph.sum(axis=1)), 1e-12)))
    normal = scale @ graph @ scale
    wanted = top + 1
    if len(rows) <= max(400, 3 * wanted):
        values = np.linalg.eigvalsh(normal.toarray())[::-1][:wanted]
    else:
        start = np.random.default_rng(seed).uniform(-1, 1, len(rows))
        try:
            found = eigsh(normal, k=wanted, v0=start, tol=1e-3, return_eigenvectors=False)
        except ArpackNoConvergence:
            return 0
        values = np.sort(found)[::-1]
    gaps = values[1:-1] - values[2:]
    return int(np.argmax(gaps)) + 2 if len(gaps) else 0


def first_neighbour_levels(rows: FloatArray) -> tuple[int, ...]:
    """Numbers of groups when images, then groups, join their nearest one, until little is left.

    Args:
        rows: (n, d).

    Returns:
        Descending numbers, each at least 2.
    """
    levels: list[int] = []
    means: FloatArray = rows
    sizes: NDArray[np.float64] = np.ones(len(rows))
    while len(means) > 2:
        nearest = nearest_neighbours(means, 1).indices[:, 0]
        every = np.arange(len(means))
        ones = np.ones(len(means), dtype=np.int8)
        links = sparse.csr_array((ones, (every, nearest)), shape=(len(means), len(means)))
        count, part = csgraph.connected_components(links, directed=False)
        if count < 2 or count == len(means):
            break
        weights = np.bincount(part, weights=sizes, minlength=count).astype(np.float64)
        share = (sizes / weights[part])[:, None]
        scaled = cluster_means(means * share, part.astype(np.int32), count)
        means = (scaled * np.bincount(part, minlength=count)[:, None]).astype(np.float32)
        sizes = np.asarray(weights, dtype=np.float64)
        levels.append(int(count))
    return tuple(levels)


def _chosen(evidence: Evidence, top: int) -> Shortlist:
    """The list from the evidence; the number of dense regions, held within limits, preselected."""
    silhouette = evidence.ks[int(np.nanargmax(evidence.silhouette))]
    main = int(np.clip(evidence.density, 3, top))
    found = [(main, _density_reason(evidence.density, main))]
    found.append((silhouette, "clusters stand apart best here (highest silhouette)"))
    found.append((_gap_choice(evidence), "finer clusters add no more than chance would (gap)"))
    ladder = min(evidence.first_neighbour, key=lambda k: abs(np.log(k / main)), default=0)
    spare = [
        (evidence.eigengap, "the neighbour graph falls into so many loose parts (eigengap)"),
        (ladder, "images joined to their nearest ones, level by level, pass this number"),
        (max(2, main // 2), "half the medium number"),
        (min(top, 2 * main), "twice the medium number"),
        (2, "the fewest possible"),
        (top, "the largest number tried"),
    ]
    reasons: dict[int, list[str]] = {}
    for k, reason in found:
        reasons.setdefault(k, []).append(reason)
    for k, reason in spare:
        if len(reasons) >= 3:
            break
        if 2 <= k <= top and k not in reasons:
            reasons[k] = [reason]
    values = np.interp(sorted(reasons), evidence.ks, evidence.silhouette)
    ordered = sorted(reasons)[:3]
    levels = _levels(len(ordered))
    candidates = tuple(
        Candidate(k, level, "; ".join(reasons[k]), float(value))
        for k, level, value in zip(ordered, levels, values, strict=True)
    )
    return Shortlist(candidates, main, evidence)


def _density_reason(density: int, main: int) -> str:
    if density == main:
        return f"there are {density} dense regions (HDBSCAN)"
    return f"there are {density} dense regions (HDBSCAN), held between the limits"


def _gap_choice(evidence: Evidence) -> int:
    """The least k whose gap is not clearly below that of k + 1."""
    for at in range(len(evidence.ks) - 1):
        if evidence.gap[at] >= evidence.gap[at + 1] - evidence.gap_error[at + 1]:
            return evidence.ks[at]
    return evidence.ks[-1]

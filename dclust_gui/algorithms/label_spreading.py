"""What a person's decisions say about all other images: labels spread over the nearest neighbours.

Three steps, as in "correct and smooth" (Huang et al., "Combining Label Propagation and Simple
Models Out-performs Graph Neural Networks", ICLR 2021), with a Gaussian process for the second:

1. *Prior*: the present partition, each image by its confidence, spread over the graph of nearest
   neighbours: F <- a S F + (1 - a) Y with S = D^-1/2 W D^-1/2 and w = cos^2 (Zhou et al.,
   "Learning with Local and Global Consistency", NIPS 2003, equation 4).
2. *Correction*: at the decided images the prior is more or less wrong; this error is regressed on
   the features (kernel ridge regression with an RBF kernel = the mean of a Gaussian process,
   Rasmussen and Williams 2006, equation 2.25) and added to the prior everywhere. How far the prior
   is flattened first is chosen by the leave-one-out error at the decisions (ibid., equation 5.12).
   The kernel is centred (Schoelkopf, Smola and Mueller, "Nonlinear component analysis as a kernel
   eigenvalue problem", 1998, equation 20): what a few decisions, or those of one cluster alone,
   say of images like them must not raise that cluster's score everywhere. Only decisions from all
   over the clusters may do so, a little.
3. *Smoothing*: a few steps of 1 on the sum, with the decided images clamped.

The prior is wrong where people correct it and right where they approve: corrections alone are a
biased sample, so images that were seen and kept must be among the decided ones, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

from dclust_gui.algorithms.base import (
    NOISE,
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    confidence_from_margin,
    report,
)
from dclust_gui.algorithms.lloyd import cluster_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours

NEIGHBOURS = 15
PULL = 0.8
"""Share of an image's score that comes from its neighbours (a)."""
STEPS = 30
LEAST_CONFIDENCE = 0.05
GAMMA = 0.3
"""Of the kernel exp(-gamma d^2); rows of length 1 are at most d^2 = 4 apart."""
NUGGET = 0.02
"""Variance of a decision: how far the regression may miss it."""
FLATNESS = (0.7, 1.0)
"""Powers of the prior that are tried; less than 1 lets decisions weigh more."""
SMOOTHING_STEPS = 5
SMOOTHING_PULL = 0.5
MOST_ANCHORS = 2_000
"""Most decided images in the regression; all of them are clamped."""
LANDMARKS = 128
"""Images whose mean kernel is taken for that of all."""
LEVEL = 0.03
"""Variance of a cluster's score as a whole, once there is a decision in each cluster."""
LEVEL_POWER = 4
BLOCK = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Labels of all images as the decisions suggest them.

    Attributes:
        labels: int32 (n,), the suggested label; decided images keep theirs.
        margin: float32 (n,), score of the suggested label minus that of the second best.
        second: int32 (n,), the second best label; -1 where there is none.
    """

    labels: LabelArray
    margin: NDArray[np.float32]
    second: LabelArray


def spread_labels(
    features: FloatArray,
    neighbours: Neighbours,
    labels: LabelArray,
    decided: NDArray[np.integer],
    *,
    earlier: LabelArray | None = None,
    space: FloatArray | None = None,
    place_unassigned: bool = False,
    random_state: int = 0,
    callback: Callback | None = None,
) -> Spread:
    """Suggest labels for the images that nobody has decided on.

    Args:
        features: float32 (n, d), scaled rows of length 1.
        neighbours: Nearest other images of each image in these features; 15 are used.
        labels: int32 (n,), the present partition with all decisions in it; -1 for Unassigned.
        decided: int (m,), images whose label a person placed or approved.
        earlier: int32 (n,), what the method itself had said, in the numbering of `labels`, -1
            where that is unknown; only its rows at `decided` count. None if unknown.
        space: (n, e), where the partition was found; None for `features`.
        place_unassigned: Suggest a cluster for undecided images without one, too.
        random_state: Seed for choosing among more than 2,000 decided images.
        callback: Called with (done, total); may raise `Cancelled`.

    Returns:
        The suggestion. Without a decision, or with no more than one cluster, it is `labels`.

    Raises:
        UnusableDataError: If the arrays do not fit together.
    """
    labels = np.asarray(labels, np.int32)
    _check(features, neighbours, labels, decided)
    chosen = np.unique(decided).astype(np.int64)
    count = int(labels.max(initial=NOISE)) + 1
    anchors = chosen[labels[chosen] >= 0]
    if count < 2 or not len(anchors):
        return Spread(labels.copy(), np.zeros(len(labels), np.float32), np.full_like(labels, NOISE))
    total = STEPS + 2
    graph = similarity_graph(neighbours)
    before = labels.copy()
    before[chosen] = NOISE if earlier is None else np.asarray(earlier, np.int32)[chosen]
    scores = _prior(graph, features if space is None else space, before, count, callback, total)
    anchors = _bounded(anchors, labels, before, random_state)
    occupied = np.unique(labels[labels >= 0])
    coverage = len(np.unique(labels[anchors])) / len(occupied)
    level = LEVEL * coverage**LEVEL_POWER
    scores = _corrected(scores, features, anchors, labels[anchors], level)
    report(callback, STEPS + 1, total)
    scores[chosen] = 0.0
    placed = chosen[labels[chosen] >= 0]
    scores[placed, labels[placed]] = 1.0
    start = scores.copy()
    for _ in range(SMOOTHING_STEPS):
        scores = graph @ scores
        scores *= SMOOTHING_PULL
        scores += (1.0 - SMOOTHING_PULL) * start
    report(callback, total, total)
    return _best(scores, labels, chosen, place_unassigned=place_unassigned)


def similarity_graph(neighbours: Neighbours, count: int = NEIGHBOURS) -> sparse.csr_array:
    """S = D^-1/2 W D^-1/2 of the symmetric graph of nearest neighbours with w = max(0, cos)^2.

    Args:
        neighbours: Of rows of length 1.
        count: Neighbours of each image that are used.

    Returns:
        float32 (n, n), symmetric, eigenvalues within [-1, 1].
    """
    near = neighbours.first(count)
    n, width = near.indices.shape
    cosine = np.clip(1.0 - near.distances.astype(np.float32) ** 2 / 2.0, 0.0, 1.0)
    rows = np.repeat(np.arange(n, dtype=np.int32), width)
    entries = (np.square(cosine).ravel(), (rows, near.indices.ravel()))
    weights = sparse.csr_array(entries, shape=(n, n))
    weights = weights.maximum(weights.T).tocsr()
    degree = np.maximum(np.asarray(weights.sum(axis=1)).ravel(), 1e-12)
    inverse = sparse.diags_array((degree**-0.5).astype(np.float32))
    return (inverse @ weights @ inverse).tocsr().astype(np.float32)


def _check(
    features: FloatArray,
    neighbours: Neighbours,
    labels: LabelArray,
    decided: NDArray[np.integer],
) -> None:
    if not len(features) == len(labels) == len(neighbours.indices):
        raise UnusableDataError(
            "Could not spread labels.",
            f"There are {len(features)} rows of features, {len(labels)} labels and neighbours of"
            f" {len(neighbours.indices)} images.",
        )
    if len(decided) and not 0 <= int(np.min(decided)) <= int(np.max(decided)) < len(labels):
        raise UnusableDataError("Could not spread labels.", "A decided image does not exist.")


def _prior(
    graph: sparse.csr_array,
    space: FloatArray,
    labels: LabelArray,
    count: int,
    callback: Callback | None,
    total: int,
) -> NDArray[np.float32]:
    """The partition spread over the graph: float32 (n, count), rows of sum 1 or 0."""
    source = np.zeros((len(labels), count), np.float32)
    known = np.flatnonzero(labels >= 0)
    source[known, labels[known]] = np.maximum(
        _confidence(space, labels, count)[known], LEAST_CONFIDENCE
    )
    scores = source.copy()
    for step in range(STEPS):
        report(callback, step, total)
        scores = graph @ scores
        scores *= PULL
        scores += (1.0 - PULL) * source
    scores /= np.maximum(scores.sum(axis=1, keepdims=True), 1e-12)
    return scores


def _confidence(space: FloatArray, labels: LabelArray, count: int) -> NDArray[np.float32]:
    """1 - d1 / d2 of the distances to the two nearest means of the clusters."""
    occupied = np.bincount(labels[labels >= 0], minlength=count) > 0
    centres = cluster_means(space, labels, count)[occupied]
    if len(centres) < 2:
        return np.ones(len(space), np.float32)
    own = np.empty((2, len(space)))
    lengths = np.square(centres).sum(axis=1)
    for start in range(0, len(space), BLOCK):
        rows = np.asarray(space[start : start + BLOCK], np.float64)
        squared = np.square(rows).sum(axis=1)[:, None] - 2.0 * rows @ centres.T + lengths
        squared = np.sqrt(np.maximum(squared, 0.0))
        own[:, start : start + BLOCK] = np.partition(squared, 1, axis=1)[:, :2].T
    return confidence_from_margin(own[0], own[1])


def _bounded(
    anchors: NDArray[np.int64], labels: LabelArray, before: LabelArray, seed: int
) -> NDArray[np.int64]:
    """At most `MOST_ANCHORS` decided images: the corrected ones first, then a random part."""
    if len(anchors) <= MOST_ANCHORS:
        return anchors
    random = np.random.default_rng(seed)
    order = random.permutation(len(anchors))
    kept_same = labels[anchors[order]] == before[anchors[order]]
    return np.sort(anchors[order[np.argsort(kept_same, kind="stable")[:MOST_ANCHORS]]])


def _corrected(
    prior: NDArray[np.float32],
    features: FloatArray,
    anchors: NDArray[np.int64],
    wanted: LabelArray,
    level: float,
) -> NDArray[np.float32]:
    """The prior with its error at the anchors regressed on the features; changes `prior`.

    Args:
        prior: float32 (n, k).
        features: float32 (n, d), rows of length 1.
        anchors: int64 (m,), decided images.
        wanted: int32 (m,), their labels.
        level: Variance of the error's level over all images.
    """
    at = np.asarray(features[anchors], np.float32)
    places = np.linspace(0, len(features) - 1, min(len(features), LANDMARKS)).astype(np.int64)
    landmarks = np.asarray(features[places], np.float32)
    mean_at = _kernel(at, landmarks).mean(axis=1)
    constant = float(_kernel(landmarks, landmarks).mean()) + level
    covariance = _kernel(at, at).astype(np.float64)
    covariance += constant - mean_at[:, None] - mean_at[None, :]
    covariance[np.diag_indices(len(at))] += NUGGET
    inverse = linalg.inv(covariance, check_finite=False)
    spread = np.diag(inverse)[:, None]
    target = np.zeros((len(at), prior.shape[1]))
    target[np.arange(len(at)), wanted] = 1.0
    tried = []
    for power in FLATNESS:
        weights = inverse @ (target - _flattened(prior[anchors], power))
        left_out = target - weights / spread
        right = float((left_out.argmax(axis=1) == wanted).mean())
        error = float(np.square(left_out - target).sum(axis=1).mean())
        tried.append((right - 1e-3 * error, power, weights))
    _, power, weights = max(tried, key=lambda one: one[0])
    scores = _flattened(prior, power)
    light = weights.astype(np.float32)
    total = light.sum(axis=0)
    everywhere = constant * total - mean_at @ light
    for start in range(0, len(scores), BLOCK):
        rows = np.asarray(features[start : start + BLOCK], np.float32)
        mean = _kernel(rows, landmarks).mean(axis=1, keepdims=True)
        scores[start : start + BLOCK] += _kernel(rows, at) @ light - mean * total + everywhere
    return scores


def _flattened(scores: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    if power == 1.0:
        return scores
    flat = scores**power
    flat /= np.maximum(flat.sum(axis=1, keepdims=True), 1e-12)
    return flat


def _kernel(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(-gamma d^2) of rows of length 1."""
    cosine: NDArray[np.float32] = rows @ others.T
    np.clip(cosine, -1.0, 1.0, out=cosine)
    cosine -= 1.0
    cosine *= 2.0 * GAMMA
    np.exp(cosine, out=cosine)
    return cosine


def _best(
    scores: NDArray[np.float32],
    labels: LabelArray,
    decided: NDArray[np.int64],
    *,
    place_unassigned: bool,
) -> Spread:
    """The best label of each image; decided ones, and those nothing is known of, keep theirs."""
    every = np.arange(len(labels))
    first = scores.argmax(axis=1).astype(np.int32)
    top = scores[every, first]
    scores[every, first] = -np.inf
    second = scores.argmax(axis=1).astype(np.int32)
    next_best = scores[every, second]
    known = top > 0.0
    if not place_unassigned:
        known &= labels >= 0
    chosen = np.where(known, first, labels)
    chosen[decided] = labels[decided]
    margin = np.where(known, top - next_best, 0.0).astype(np.float32)
    margin[decided] = 1.0
    return Spread(chosen.astype(np.int32), margin, np.where(known, second, NOISE).astype(np.int32))

"""How far images lie outside, by three measures.

* What leading axes do not explain: r_i = |x_i - P x_i|^2 / mean |x|^2, x centred and P the
  projection on the principal axes; the stand-in for an autoencoder's reconstruction error where
  none was trained.
* Density: the mean distance to the nearest images.
* Confidence: the log-odds against an image's own group, log((1 - p) / p), by a logistic
  classifier that has not seen the image (five folds), its probabilities calibrated by one
  temperature (Guo et al., "On calibration of modern neural networks", ICML 2017).

`robust` has the threshold from which a value counts as outside.

Source:
    Ramaswamy, Rastogi, Shim, "Efficient algorithms for
    mining outliers from large data sets", SIGMOD 2000 (distance to the nearest).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from dclust_gui.algorithms.base import Callback, FloatArray, LabelArray, report
from dclust_gui.algorithms.reduce import PCA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours

NEIGHBOURS = 10
RESIDUAL_AXES = 32
CLASSIFIER_AXES = 64
FOLDS = 5
LEARNT_FROM = 10_000
"""Most images that a classifier learns from."""
FEWEST_MEMBERS = 3
"""A group of fewer images cannot be learnt without the one in question."""
MOST_LOG_ODDS = 12.0
_FLAT = 1e-12


def axis_residuals(
    features: FloatArray, *, callback: Callback | None = None
) -> NDArray[np.float32]:
    """What the leading principal axes leave of each image.

    Args:
        features: (n, d).
        callback: Called with (images done, images); may raise `Cancelled`.

    Returns:
        float32 (n,), >= 0: 1 is the mean variance, as of an autoencoder's error. The axes are at
        most 32, half of the features and a quarter of the images; of few images one that is far
        outside may still get an axis to itself, and an error that is too low.
    """
    n_axes = max(1, min(RESIDUAL_AXES, len(features) // 4, features.shape[1] // 2))
    model = PCA(n_axes).fit(features, callback=callback)
    coordinates = model.transform(features).astype(np.float64)
    found = np.empty(len(features))
    total = 0.0
    for start in range(0, len(features), LEARNT_FROM):
        part = slice(start, start + LEARNT_FROM)
        whole = ((features[part] - model.mean_) ** 2).sum(axis=1)
        rest = whole - (coordinates[part] ** 2).sum(axis=1)
        total += float(whole.sum())
        found[part] = np.maximum(rest, 0.0)
    # what is left of equal images is rounding
    is_flat = total <= _FLAT * len(features) * float((model.mean_**2).sum())
    factor = 0.0 if is_flat else len(features) / total
    scaled: NDArray[np.float32] = (found * factor).astype(np.float32)
    return scaled


def neighbour_distances(near: Neighbours) -> NDArray[np.float32]:
    """Mean distance to the ten nearest images.

    Args:
        near: At least ten neighbours of each image, where there are so many images.

    Returns:
        float32 (n,); 0 for a single image.
    """
    some = near.first(NEIGHBOURS).distances
    if not some.shape[1]:
        return np.zeros(len(some), np.float32)
    found: NDArray[np.float32] = some.mean(axis=1, dtype=np.float64).astype(np.float32)
    return found


def log_odds_against(
    features: FloatArray,
    labels: LabelArray,
    *,
    random_state: int = 0,
    callback: Callback | None = None,
) -> NDArray[np.float32]:
    """How sure a classifier that has not seen an image is that it is not of its group.

    Args:
        features: (n, d).
        labels: int32 (n,), any numbers; negative for Unassigned.
        random_state: Seed of the folds.
        callback: Called with (folds done, folds); may raise `Cancelled`.

    Returns:
        float32 (n,), log((1 - p) / p) from -12 to 12. NaN where it cannot be told: Unassigned
        images, groups of fewer than 3, and fewer than two groups of that size.
    """
    found = np.full(len(labels), np.nan, np.float32)
    kept, counts = np.unique(labels[labels >= 0], return_counts=True)
    kept = kept[counts >= FEWEST_MEMBERS]
    members = np.flatnonzero(np.isin(labels, kept))
    if len(kept) < 2:
        return found
    codes = np.searchsorted(kept, labels[members])
    model = PCA(CLASSIFIER_AXES).fit(features[members])
    rows = model.transform(features[members])
    rows /= max(float(rows.std()), 1e-12)
    fold = _folds(codes, random_state)
    logits = np.empty((len(members), len(kept)))
    for number in range(FOLDS):
        report(callback, number, FOLDS)
        out = fold == number
        if out.any():
            logits[out] = _logits(rows, codes, ~out, out, random_state + number, len(kept))
    report(callback, FOLDS, FOLDS)
    logs = log_softmax(logits / temperature(logits, codes), axis=1)
    own = logs[np.arange(len(codes)), codes]
    with np.errstate(divide="ignore"):
        against = np.log(-np.expm1(np.minimum(own, 0.0))) - own
    found[members] = np.clip(against, -MOST_LOG_ODDS, MOST_LOG_ODDS)
    return found


def temperature(logits: NDArray[np.float64], codes: NDArray[np.integer]) -> float:
    """The number by which to divide logits so that their probabilities fit best.

    Args:
        logits: (n, k), of images that were not learnt from.
        codes: int (n,), the true columns.

    Returns:
        0.1 to 10.
    """
    every = np.arange(len(codes))

    def loss(log_temperature: float) -> float:
        logs = log_softmax(logits * np.exp(-log_temperature), axis=1)
        return float(-logs[every, codes].mean())

    edge = float(np.log(10.0))
    return float(np.exp(minimize_scalar(loss, bounds=(-edge, edge), method="bounded").x))


def _folds(codes: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """Each group dealt out over the folds in turn: int64 (n,)."""
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(codes))
    order = shuffled[np.argsort(codes[shuffled], kind="stable")]
    fold = np.empty(len(codes), np.int64)
    fold[order] = np.arange(len(codes)) % FOLDS
    return fold


def _logits(
    rows: NDArray[np.float32],
    codes: NDArray[np.integer],
    learnt: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    seed: int,
    count: int,
) -> NDArray[np.float64]:
    """(asked, count) logits of a classifier of the other images."""
    places = np.flatnonzero(learnt)
    if len(places) > LEARNT_FROM:
        first = np.unique(codes[places], return_index=True)[1]  # one of each group at least
        some = np.random.default_rng(seed).choice(len(places), LEARNT_FROM, replace=False)
        places = places[np.union1d(first, some)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=200, tol=1e-3).fit(rows[places], codes[places])
    values = np.asarray(model.decision_function(rows[asked]), np.float64)
    if values.ndim == 1:  # two groups: one column, for the second
        values = np.column_stack([-0.5 * values, 0.5 * values])
    logits = np.full((len(values), count), -30.0)
    logits[:, model.classes_] = values
    return logits

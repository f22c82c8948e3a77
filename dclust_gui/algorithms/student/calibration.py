"""Confidences that mean what they say: a temperature, its error, and where to stop believing.

Temperature: p = softmax(z / T) with the T of least negative log-likelihood on rows that the weights
were not fitted to (Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML
2017, section 4.2). Its error: the expected calibration error of section 2 there, in equal bins of
confidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.05, 20.0
BINS = 15
LEAST_SORTED = 5
"""A precision is not read off fewer rows."""
NEVER = 1.01
"""A threshold that nothing reaches."""


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """The temperature under which the true classes are likeliest.

    Args:
        logits: (n, k), of rows that the weights were not fitted to.
        truth: int (n,), their classes, 0 to k - 1.

    Returns:
        0.05 to 20; 1 where there are no rows.
    """
    if not len(logits):
        return 1.0
    rows = np.arange(len(truth))

    def surprise(log_temperature: float) -> float:
        logs = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(logs[rows, truth].mean())

    bounds = (np.log(LEAST_TEMPERATURE), np.log(MOST_TEMPERATURE))
    found = minimize_scalar(surprise, bounds=bounds, method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))


def calibration_error(
    confidence: NDArray[np.floating], is_right: NDArray[np.bool_], bins: int = BINS
) -> float:
    """Expected calibration error: mean over the rows of |share right - confidence| of their bin.

    Args:
        confidence: (n,), 0 to 1.
        is_right: bool (n,).
        bins: Bins of equal width.

    Returns:
        0 to 1; NaN without rows.
    """
    if not len(confidence):
        return float("nan")
    place = np.minimum((np.asarray(confidence) * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=is_right - np.asarray(confidence, np.float64), minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def sorting_threshold(
    confidence: NDArray[np.floating], is_right: NDArray[np.bool_], precision: float
) -> float:
    """The least confidence from which on so large a share is expected to be right.

    Both the calibrated confidences themselves and the share that really was right must reach the
    precision, on average over all rows from the threshold up. Where all rows do, nothing is known
    of lower confidences but what they say themselves: the threshold is then at most the precision.

    Args:
        confidence: (n,), calibrated, of rows that the weights were not fitted to.
        is_right: bool (n,).
        precision: Wanted share, 0 to 1.

    Returns:
        0 to 1; `NEVER` where no threshold reaches it, or nothing is known.
    """
    if len(confidence) < LEAST_SORTED:
        return NEVER
    order = np.argsort(-np.asarray(confidence), kind="stable")
    sure = np.asarray(confidence, np.float64)[order]
    counts = np.arange(1, len(sure) + 1)
    expected = np.cumsum(sure) / counts
    seen = np.cumsum(np.asarray(is_right)[order]) / counts
    is_last = np.append(sure[1:] < sure[:-1], True)  # rows of equal confidence go together
    good = is_last & (np.minimum(expected, seen) >= precision) & (counts >= LEAST_SORTED)
    if not good.any():
        return NEVER
    last = int(np.flatnonzero(good)[-1])
    return float(min(sure[last], precision) if last == len(sure) - 1 else sure[last])

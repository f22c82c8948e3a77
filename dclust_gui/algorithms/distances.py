"""Scaling of features and the distances that clustering methods understand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from sklearn.covariance import ledoit_wolf_shrinkage

from dclust_gui.algorithms.base import FloatArray, UnusableDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


BLOCK = 512
"""Rows at a time: what is computed from them stays in the processor's cache."""


class Scaling(StrEnum):
    """How features are scaled before clustering."""

    NONE = "none"
    L2 = "l2"
    CENTRE_L2 = "centre-l2"
    STANDARD = "standard"
    MINMAX = "minmax"


@dataclass(frozen=True, slots=True)
class FeatureScale:
    """A scaling with what it learnt, to apply to new images.

    Attributes:
        how: The kind of scaling.
        offset: float64 (d,), taken off each row; empty where nothing is.
        factor: float64 (d,), multiplied to each row after that; empty where nothing is.
    """

    how: Scaling
    offset: NDArray[np.float64]
    factor: NDArray[np.float64]

    def apply(self, features: FloatArray) -> NDArray[np.float32]:
        """Scale rows.

        Args:
            features: (n_images, d), finite.

        Returns:
            float32 (n_images, d), a new array; rows of length 0 stay 0.

        Raises:
            UnusableDataError: If the width differs from the fitted one.
        """
        for learnt in (self.offset, self.factor):
            if len(learnt) and features.shape[1] != len(learnt):
                raise UnusableDataError(
                    "Could not scale the features.",
                    f"They have {features.shape[1]} values per image, not {len(learnt)}.",
                )
        scaled = np.empty(features.shape, dtype=np.float32)
        # float16 keeps 11 bits, of which float32 loses none; others lose digits of large constants
        wide = np.dtype(np.float32 if features.dtype == np.float16 else np.float64)
        offset, factor = self.offset.astype(wide), self.factor.astype(np.float32)
        for start in range(0, len(features), BLOCK):
            part = scaled[start : start + BLOCK]
            some: FloatArray = features[start : start + BLOCK]
            if len(offset):
                some = np.subtract(some, offset, dtype=wide)
            part[:] = some
            if len(factor):
                part *= factor
            if self.how in (Scaling.L2, Scaling.CENTRE_L2):
                normalise_rows(part)
        return scaled


def normalise_rows(rows: FloatArray) -> None:
    """Give each row length 1 in place; rows of length 0 stay 0.

    Args:
        rows: (n_images, d), changed.
    """
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        norms = np.sqrt(np.einsum("ij,ij->i", part, part))
        limits = np.finfo(part.dtype)
        # squares of very short or very long rows leave the range of the type
        odd = np.flatnonzero(~((norms > limits.tiny**0.25) & (norms < limits.max**0.25)))
        if len(odd):
            largest = np.abs(part[odd]).max(axis=1, keepdims=True, initial=0.0)
            part[odd] /= np.where(largest > 0, largest, 1.0)
            norms[odd] = np.sqrt(np.einsum("ij,ij->i", part[odd], part[odd]))
        part /= np.where(norms > 0, norms, 1.0)[:, None]


def scale_features(
    features: FloatArray, how: Scaling | str = Scaling.CENTRE_L2
) -> tuple[NDArray[np.float32], FeatureScale]:
    """Learn a scaling from features and apply it to them.

    Args:
        features: (n_images, d) of any float type, finite.
        how: Kind of scaling; constant features become 0 under `standard` and `minmax`.

    Returns:
        The scaled float32 (n_images, d), and the scaling for new images.

    Raises:
        UnusableDataError: If the kind is unknown or there are no images.
    """
    try:
        kind = Scaling(how)
    except ValueError:
        raise UnusableDataError(
            f"Could not scale the features by {how!r}.",
            "Scalings: " + ", ".join(Scaling) + ".",
        ) from None
    if features.ndim != 2 or not len(features):
        raise UnusableDataError("Could not scale the features.", "There are no images.")
    nothing = np.empty(0)
    offset, factor = nothing, nothing
    match kind:
        case Scaling.CENTRE_L2:
            offset = column_means(features)
        case Scaling.STANDARD:
            offset = features.mean(axis=0, dtype=np.float64)
            factor = _inverse(features.std(axis=0, dtype=np.float64), offset)
        case Scaling.MINMAX:
            offset = features.min(axis=0).astype(np.float64)
            factor = _inverse(features.max(axis=0).astype(np.float64) - offset, offset)
        case Scaling.NONE | Scaling.L2:
            pass
    scale = FeatureScale(kind, offset, factor)
    return scale.apply(features), scale


def column_means(features: FloatArray) -> NDArray[np.float64]:
    """Mean of each column, in float64.

    Args:
        features: (n_images, d), at least one row.
    """
    total = np.zeros(features.shape[1])
    for start in range(0, len(features), BLOCK):
        total += features[start : start + BLOCK].sum(axis=0, dtype=np.float64)
    return total / len(features)


def _inverse(spread: NDArray[np.float64], level: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / spread; 0 where the spread is no more than rounding of the level."""
    real = spread > 1e-7 * np.abs(level)
    return np.where(real, 1.0 / np.where(real, spread, 1.0), 0.0)


class Metric(StrEnum):
    """A distance between images."""

    EUCLIDEAN = "euclidean"
    SQEUCLIDEAN = "sqeuclidean"
    COSINE = "cosine"
    CORRELATION = "correlation"
    MAHALANOBIS = "mahalanobis"
    MANHATTAN = "manhattan"


MAHALANOBIS_DIMS = 128


@dataclass(frozen=True, slots=True)
class MetricMap:
    """Turns a distance into the Euclidean one between changed rows; Manhattan stays as it is.

    Attributes:
        metric: The distance.
        mean: float64 (d,), taken off (Mahalanobis); else empty.
        basis: float64 (d, r), multiplied after that (Mahalanobis); else empty.
    """

    metric: Metric
    mean: NDArray[np.float64]
    basis: NDArray[np.float64]

    def apply(self, features: FloatArray) -> FloatArray:
        """Rows whose Euclidean distance orders images as the metric does.

        Args:
            features: (n_images, d).

        Returns:
            (n_images, d) or (n_images, r); the features themselves where nothing changes.
        """
        match self.metric:
            case Metric.COSINE | Metric.CORRELATION:
                rows = features.astype(features.dtype, copy=True)
                if self.metric is Metric.CORRELATION:
                    rows -= rows.mean(axis=1, keepdims=True)
                normalise_rows(rows)
                return rows
            case Metric.MAHALANOBIS:
                mapped: FloatArray = ((features - self.mean) @ self.basis).astype(features.dtype)
                return mapped
            case _:
                return features

    def from_euclidean(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """The metric's own values from Euclidean distances of the mapped rows."""
        match self.metric:
            case Metric.SQEUCLIDEAN:
                return distances**2
            case Metric.COSINE | Metric.CORRELATION:
                return distances**2 / 2.0
            case _:
                return distances


def learn_metric(features: FloatArray, metric: Metric | str) -> MetricMap:
    """Prepare a distance for features.

    Mahalanobis works in the space of at most 128 principal components, at least ten images to
    each, with Ledoit and Wolf's shrunk covariance.

    Args:
        features: (n_images, d), finite.
        metric: The distance.

    Returns:
        The map.

    Raises:
        UnusableDataError: If the metric is unknown, or Mahalanobis has too few or equal images.

    Source:
        Ledoit, Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
        J. Multivariate Analysis 88, 2004.
    """
    try:
        kind = Metric(metric)
    except ValueError:
        raise UnusableDataError(
            f"Could not use the distance {metric!r}.", "Distances: " + ", ".join(Metric) + "."
        ) from None
    if kind is not Metric.MAHALANOBIS:
        return MetricMap(kind, np.empty(0), np.empty((0, 0)))
    dims = min(features.shape[1], MAHALANOBIS_DIMS, len(features) // 10)
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    if dims < 1 or not centred.any():
        raise UnusableDataError(
            "Could not use the Mahalanobis distance.",
            f"The spread of {len(features)} images cannot be estimated; it takes at least 10 "
            "images that differ.",
            "Choose the Euclidean distance.",
        )
    values, vectors = np.linalg.eigh(centred.T @ centred / len(features))
    axes = vectors[:, ::-1][:, :dims]
    spread = np.maximum(values[::-1][:dims], 0.0)
    shrinkage = float(ledoit_wolf_shrinkage(centred @ axes, assume_centered=True))
    variance = (1.0 - shrinkage) * spread + shrinkage * spread.mean()
    kept = variance > 1e-10 * variance.max()
    return MetricMap(kind, mean, axes[:, kept] / np.sqrt(variance[kept]))

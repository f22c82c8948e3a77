"""Principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

BLOCK = 4096


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal components from the exact covariance, in blocks of rows.

    Args:
        n_components: Number of components; fewer where there are not so many images or features.
        whiten: Give all components the same spread. It costs much accuracy on features of images.

    Attributes:
        mean_: float64 (d,).
        components_: float64 (n_components, d), orthonormal; the largest entry of each positive.
        explained_variance_: float64 (n_components,), descending.
        explained_variance_ratio_: float64 (n_components,), shares of the whole variance.
    """

    def __init__(self, n_components: int = 64, *, whiten: bool = False) -> None:
        self.n_components = n_components
        self.whiten = whiten

    mean_: NDArray[np.float64]
    components_: NDArray[np.float64]
    explained_variance_: NDArray[np.float64]
    explained_variance_ratio_: NDArray[np.float64]
    n_features_in_: int
    _n_features_out: int

    def __sklearn_tags__(self) -> Tags:
        """scikit-learn's facts: results are float32 whatever comes in, half the memory."""
        tags: Tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(self, X: ArrayLike, y: None = None, callback: Callback | None = None) -> Self:  # noqa: N803
        """Find the components of the rows of X.

        Args:
            X: (n_images, d) features, finite.
            y: Ignored, as scikit-learn asks.
            callback: Called with (images done, images); may raise `Cancelled`.

        Returns:
            The estimator itself.

        Raises:
            UnusableDataError: If the features or parameters cannot be used.
        """
        del y
        rows = validated(self, X, reset=True)
        if self.n_components < 1:
            raise UnusableDataError("Could not reduce the features.", "It takes a component.")
        self.mean_ = rows.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((rows.shape[1], rows.shape[1]))
        for start in range(0, len(rows), BLOCK):
            report(callback, start, len(rows))
            part = (rows[start : start + BLOCK] - self.mean_).astype(rows.dtype)
            covariance += part.T @ part
        report(callback, len(rows), len(rows))
        covariance /= max(1, len(rows) - 1)
        values, vectors = np.linalg.eigh(covariance)
        kept = min(self.n_components, rows.shape[1], max(1, len(rows) - 1))
        axes = vectors[:, ::-1][:, :kept]
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(kept)])
        self.components_ = (axes * np.where(signs == 0, 1.0, signs)).T
        self.explained_variance_ = np.maximum(values[::-1][:kept], 0.0)
        whole = float(np.maximum(values, 0.0).sum())
        self.explained_variance_ratio_ = self.explained_variance_ / (whole if whole > 0 else 1.0)
        self._n_features_out = kept
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Components of rows.

        Args:
            X: (m, d).

        Returns:
            float32 (m, n_components).

        Raises:
            NotFittedError: If nothing has been fitted.
            UnusableDataError: If the features cannot be used.
        """
        check_is_fitted(self)
        rows = validated(self, X, reset=False)
        result = np.empty((len(rows), len(self.components_)), dtype=np.float32)
        axes = self.components_.T
        if self.whiten:
            least = 1e-12 * max(float(self.explained_variance_.max(initial=0.0)), 1e-300)
            axes = axes / np.sqrt(np.maximum(self.explained_variance_, least))
        for start in range(0, len(rows), BLOCK):
            part = slice(start, start + BLOCK)
            result[part] = (rows[part] - self.mean_) @ axes
        return result


def validated(model: BaseEstimator, values: ArrayLike, *, reset: bool) -> FloatArray:
    """Finite, C-ordered float32 or float64, the width checked."""
    try:
        checked: FloatArray = validate_data(
            model, values, reset=reset, dtype=[np.float32, np.float64], order="C"
        )
    except ValueError as error:
        raise UnusableDataError("Could not use the features.", str(error)) from error
    return checked

"""Features as the deep estimators take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from dclust_gui.algorithms.base import FloatArray, UnusableDataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator


def finite_rows(
    estimator: BaseEstimator, rows: ArrayLike, *, reset: bool, is_float32: bool = False
) -> FloatArray:
    """Rows as a finite, C-ordered float array, their width checked or learnt.

    Args:
        estimator: Whose features they are.
        rows: (n_images, d).
        reset: Learn the width; otherwise the estimator must be fitted to it.
        is_float32: float64 is made float32, too.

    Raises:
        NotFittedError: If the estimator is not fitted and `reset` is false.
        UnusableDataError: If the rows cannot be used.
    """
    if not reset:
        check_is_fitted(estimator)
    kinds = np.float32 if is_float32 else [np.float32, np.float64]
    try:
        # what is too large for float32 becomes inf, and inf is refused
        with np.errstate(over="ignore", invalid="ignore"):
            checked: FloatArray = validate_data(
                estimator, rows, reset=reset, dtype=kinds, order="C"
            )
    except ValueError as error:
        # of missing values scikit-learn goes on about other estimators that take them
        why = str(error).partition("\n")[0] if "NaN" in str(error) else str(error)
        raise UnusableDataError("Could not use the features.", why) from error
    return checked

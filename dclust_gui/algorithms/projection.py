"""Coordinates of very wide rows on their leading principal axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.base import FloatArray, UnusableDataError
from dclust_gui.algorithms.search import single_threaded_operations

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

EXTRA = 16
"""Axes beyond the wanted ones that the search carries along for accuracy."""
PASSES = 3
LEARN_FROM = 20_000
"""Most rows from which axes are learnt."""
BLOCK = 4096


def leading_axes(rows: Tensor, dims: int, *, seed: int = 0) -> Tensor:
    """The axes along which rows vary most, by subspace iteration from random directions.

    Args:
        rows: (n, d) float32 or float64, any mean.
        dims: Wanted number of axes, below d.
        seed: Of the first directions.

    Returns:
        (d, dims) orthonormal columns, the strongest first; fewer if n or d are fewer.

    Source:
        Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review 53, 2011.
    """
    # each factorisation's many small steps would wait for all threads where others work, too
    with single_threaded_operations():
        return _search(rows, dims, seed)


def _search(rows: Tensor, dims: int, seed: int) -> Tensor:
    width = min(dims + EXTRA, rows.shape[1], len(rows))
    mean = rows.mean(0)
    # drawn on the CPU: every device starts from the same directions
    start = np.random.default_rng(seed).normal(size=(rows.shape[1], width))
    axes = torch.linalg.qr(torch.from_numpy(start).to(rows.dtype).to(rows.device))[0]
    for _ in range(PASSES):
        coordinates = rows @ axes - mean @ axes
        axes = torch.linalg.qr(rows.T @ coordinates - torch.outer(mean, coordinates.sum(0)))[0]
    coordinates = (rows @ axes - mean @ axes).to(torch.float64)
    turned = torch.linalg.eigh(coordinates.T @ coordinates)[1].flip(1)[:, :dims]
    found: Tensor = axes @ turned.to(axes.dtype)
    return found


def narrowed(
    features: FloatArray, dims: int, *, of: NDArray[np.integer] | None = None, seed: int = 0
) -> FloatArray:
    """Rows on their own leading principal axes; the rows themselves if they are narrow already.

    Args:
        features: (n_images, d).
        dims: Most columns of the result.
        of: Row numbers to take; None for all.
        seed: Of the search for the axes, and of the sample of 20,000 rows from which more are
            learnt.

    Returns:
        (n, min(d, dims)) in the features' type, a new array unless all rows are given back.
    """
    count = len(features) if of is None else len(of)
    if features.shape[1] <= dims:
        return features if of is None else features[of]
    chosen = np.arange(count) if of is None else of
    learn = chosen
    if count > LEARN_FROM:
        random = np.random.default_rng(seed)
        learn = chosen[np.sort(random.choice(count, LEARN_FROM, replace=False))]
    axes = leading_axes(torch.from_numpy(features[learn]), dims, seed=seed).numpy()
    result = np.empty((count, axes.shape[1]), dtype=features.dtype)
    for start in range(0, count, BLOCK):
        result[start : start + BLOCK] = features[chosen[start : start + BLOCK]] @ axes
    return result


def density_space(
    features: FloatArray, dims: int | None, automatic: int, *, is_automatic: bool = True
) -> FloatArray:
    """The rows in which a density is looked for.

    In many dimensions all images are about equally far from each other, so that densities tell
    nothing: frozen features of 1,280 values gave one cluster. A few leading axes do better.

    Args:
        features: (n_images, d).
        dims: The user's choice of the number of axes; None for the automatic one.
        automatic: How many axes to take then, where there are more than four times as many.
        is_automatic: Whether the choice is free; a radius that is given means all features.

    Returns:
        (n_images, at most d), the features themselves where nothing is left out.

    Raises:
        UnusableDataError: If `dims` is below 1.
    """
    if dims is not None and dims < 1:
        raise UnusableDataError(
            f"Could not use axes={dims}.", "The number of leading axes must be at least 1."
        )
    if dims is None:
        is_wide = is_automatic and features.shape[1] > 4 * automatic
        dims = automatic if is_wide else features.shape[1]
    return narrowed(features, dims)

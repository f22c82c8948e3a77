"""Mixtures of codes: densities, starts from labels, refits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture as Reference

from dclust_gui.algorithms.deep.gaussians import (
    GaussianDensity,
    density_of_labels,
    density_of_mixture,
    information_gain,
    refitted,
)
from dclust_gui.algorithms.mixture import GaussianMixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Blobs = Callable[..., tuple[NDArray[np.float32], NDArray[np.int64]]]


def nothing() -> None:
    return


@pytest.mark.parametrize("covariance", ["full", "diag"])
def test_density_equals_scikit_learns_mixture(make_blobs: Blobs, covariance: str) -> None:
    rows = make_blobs(300, 4, 3, 2.0)[0].astype(np.float64)
    model = Reference(3, covariance_type=covariance, random_state=0).fit(rows)
    factors = model.precisions_cholesky_
    if covariance == "diag":
        factors = factors[:, :, None] * np.eye(4)
    density = GaussianDensity(np.log(model.weights_), model.means_, factors)
    codes = torch.from_numpy(rows)
    joint = density.log_joint(codes)
    np.testing.assert_allclose(joint.softmax(1), model.predict_proba(rows), atol=1e-9)
    np.testing.assert_allclose(joint.logsumexp(1), model.score_samples(rows), atol=1e-9)
    assert density.log_likelihood(codes) == pytest.approx(model.score(rows) * 300)


def test_density_of_our_mixture_is_in_the_rows_own_space(make_blobs: Blobs) -> None:
    rows, _ = make_blobs(300, 4, 3, 2.0)
    model = GaussianMixture(3, n_init=1, random_state=0).fit(rows * 7 + 100)
    joint = density_of_mixture(model).log_joint(torch.from_numpy(rows * 7 + 100).double())
    np.testing.assert_allclose(joint.softmax(1), model.soft_assignments_, atol=1e-4)


def test_variances_along_the_axes_are_those_of_the_covariance() -> None:
    covariance = np.array([[2.0, 0.7], [0.7, 0.5]])
    factor = np.linalg.cholesky(np.linalg.inv(covariance))
    density = GaussianDensity(np.zeros(1), np.zeros((1, 2)), factor[None])
    np.testing.assert_allclose(np.exp(density.log_variances()), [[2.0, 0.5]])


def test_start_from_labels_has_their_means_and_no_impossible_cluster(make_blobs: Blobs) -> None:
    rows, truth = make_blobs(200, 3, 4, 0.5)
    labels = truth.astype(np.int32)
    labels[labels == 3] = 2
    density = density_of_labels(rows, labels, 4)
    np.testing.assert_allclose(density.means[0], rows[labels == 0].mean(0), rtol=1e-5)
    assert np.isfinite(density.log_weights).all()
    assert np.exp(density.log_weights).sum() == pytest.approx(1.0)
    assert torch.isfinite(density.log_joint(torch.from_numpy(rows))).all()


def test_start_of_equal_codes_is_finite() -> None:
    density = density_of_labels(np.ones((5, 2), np.float32), np.zeros(5, np.int32), 2)
    assert torch.isfinite(density.log_joint(torch.ones(5, 2))).all()


def test_refit_keeps_the_numbers_of_the_clusters_and_explains_slanted_ones_better() -> None:
    random = np.random.default_rng(0)
    slant = np.array([[1.0, 0.95], [0.95, 1.0]])
    parts = [random.multivariate_normal(m, slant, 400) for m in ([0.0, 0.0], [2.0, -2.0])]
    rows = np.concatenate(parts).astype(np.float32)
    labels = np.repeat([0, 1], 400).astype(np.int32)
    start = density_of_labels(rows, labels, 2)
    rich = refitted(rows, start, seed=0, tick=nothing)
    assert rich is not None
    codes = torch.from_numpy(rows)
    assert (rich.log_joint(codes).argmax(1).numpy() == labels).mean() > 0.98
    assert information_gain(codes, start, rich) > 0
    assert information_gain(codes, start, start) < 0


def test_refit_of_too_few_or_equal_codes_is_none() -> None:
    few = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    start = density_of_labels(few, np.array([0, 1, 2, 0, 1], np.int32), 3)
    assert refitted(few, start, seed=0, tick=nothing) is None


def test_refit_can_be_cancelled(make_blobs: Blobs) -> None:
    rows, truth = make_blobs(200, 3, 4)
    start = density_of_labels(rows, truth.astype(np.int32), 4)

    def cancel() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        refitted(rows, start, seed=0, tick=cancel)

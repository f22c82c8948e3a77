"""Leading axes of wide rows."""

from __future__ import annotations

import numpy as np
import torch

from dclust_gui.algorithms.projection import leading_axes, narrowed


def test_the_axes_are_those_of_the_exact_decomposition() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, 60)) * np.geomspace(10, 0.1, 60) + 3.0
    axes = leading_axes(torch.from_numpy(rows), 5).numpy()
    exact = np.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:5]
    np.testing.assert_allclose(axes.T @ axes, np.eye(5), atol=1e-9)
    np.testing.assert_allclose(np.abs((axes.T * exact).sum(1)), 1.0, atol=1e-3)


def test_distances_within_a_subspace_are_kept() -> None:
    random = np.random.default_rng(1)
    rows = (random.normal(size=(200, 4)) @ random.normal(size=(4, 90))).astype(np.float32)
    narrow = narrowed(rows, 8, of=np.arange(0, 200, 2))
    assert narrow.shape == (100, 8)
    expected = np.linalg.norm(rows[0] - rows[2:200:2], axis=1)
    np.testing.assert_allclose(np.linalg.norm(narrow[0] - narrow[1:], axis=1), expected, rtol=1e-4)


def test_narrow_rows_are_given_back() -> None:
    rows = np.eye(3)
    assert narrowed(rows, 3) is rows
    assert narrowed(rows, 9, of=np.array([2])).tolist() == [[0, 0, 1]]

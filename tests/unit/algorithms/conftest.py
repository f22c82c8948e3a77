"""Data for the tests of the algorithms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Blobs = Callable[..., tuple[NDArray[np.float32], NDArray[np.int64]]]


@pytest.fixture
def make_blobs() -> Blobs:
    """A function (n, d, k, spread, seed) -> separated Gaussian clouds and their numbers."""

    def make(
        n: int = 200, d: int = 8, k: int = 4, spread: float = 0.5, seed: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        random = np.random.default_rng(seed)
        truth = np.arange(n) % k
        centres = random.normal(size=(k, d)) * 4
        rows = centres[truth] + random.normal(size=(n, d)) * spread
        return rows.astype(np.float32), truth

    return make

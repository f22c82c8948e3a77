"""Ward's tree, ours beside SciPy's; run with `pytest tests/benchmarks/bench_linkage.py
--benchmark-only`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage as reference

from dclust_gui.algorithms.hierarchy import linkage

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("n_images", [5_000, 20_000])
@pytest.mark.parametrize("who", ["ours", "scipy"])
def test_ward_tree_of_random_images(
    benchmark: Callable[..., object], who: str, n_images: int
) -> None:
    benchmark.group = f"ward {n_images} x 64"  # type: ignore[attr-defined]
    rows = np.random.default_rng(0).normal(size=(n_images, 64)).astype(np.float32)
    make = linkage if who == "ours" else partial(reference, method="ward")
    benchmark.pedantic(make, args=(rows,), rounds=1)  # type: ignore[attr-defined]

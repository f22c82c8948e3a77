"""Budgets and data for the tests of the deep heads: tiny networks, few steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from dclust_gui.algorithms.deep.autoencoder import AutoencoderClustering
from dclust_gui.algorithms.deep.dcn import DCN
from dclust_gui.algorithms.deep.dec import DEC
from dclust_gui.algorithms.deep.idec import IDEC
from dclust_gui.algorithms.deep.pretraining import Autoencoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

Heads = Callable[..., BaseEstimator]
HEADS = {
    "ae": AutoencoderClustering,
    "dec": DEC,
    "idec": IDEC,
    "dcn": DCN,
}


@pytest.fixture
def tiny() -> Autoencoder:
    """Settings of an autoencoder that trains in a blink."""
    return Autoencoder(layers=(16,), epochs=15, batch_size=64, learning_rate=5e-3, device="cpu")


@pytest.fixture
def make_head(tiny: Autoencoder) -> Heads:
    """A function (name, n_clusters, **parameters) -> a head with a tiny budget."""

    def make(name: str, n_clusters: int = 4, **parameters: object) -> BaseEstimator:
        chosen: dict[str, object] = {"autoencoder": tiny, "random_state": 0, "device": "cpu"}
        if name != "ae":
            chosen |= {"start": "kmeans", "epochs": 15, "batch_size": 64}
        head: BaseEstimator = HEADS[name](n_clusters, **{**chosen, **parameters})
        return head

    return make


@pytest.fixture
def clouds() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Four clouds in twelve dimensions: rows (240, 12) and their numbers."""
    random = np.random.default_rng(5)
    truth = np.arange(240) % 4
    rows = (random.normal(size=(4, 12)) * 4)[truth] + random.normal(size=(240, 12)) * 0.7
    return rows.astype(np.float32), truth

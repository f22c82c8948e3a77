"""Estimators and functions on arrays; names load their libraries when first used (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dclust_gui.algorithms.agglomerative import Agglomerative
    from dclust_gui.algorithms.density import DBSCAN, HDBSCAN
    from dclust_gui.algorithms.kmeans_variants import MiniBatchKMeans, SphericalKMeans
    from dclust_gui.algorithms.meanshift import MeanShift
    from dclust_gui.algorithms.mixture import GaussianMixture
    from dclust_gui.algorithms.partition import KMeans
    from dclust_gui.algorithms.reduce import PCA
    from dclust_gui.algorithms.sizes import BalancedKMeans, UnevenKMeans
    from dclust_gui.algorithms.spectral import SpectralClustering
    from dclust_gui.algorithms.tsne import TSNE
    from dclust_gui.algorithms.umap import UMAP
    from dclust_gui.algorithms.unimodality import Unimodal

__all__ = [
    "DBSCAN",
    "HDBSCAN",
    "PCA",
    "TSNE",
    "UMAP",
    "Agglomerative",
    "BalancedKMeans",
    "GaussianMixture",
    "KMeans",
    "MeanShift",
    "MiniBatchKMeans",
    "SpectralClustering",
    "SphericalKMeans",
    "UnevenKMeans",
    "Unimodal",
]

_HOMES = {
    "Agglomerative": "agglomerative",
    "BalancedKMeans": "sizes",
    "DBSCAN": "density",
    "GaussianMixture": "mixture",
    "HDBSCAN": "density",
    "KMeans": "partition",
    "MeanShift": "meanshift",
    "MiniBatchKMeans": "kmeans_variants",
    "PCA": "reduce",
    "SpectralClustering": "spectral",
    "SphericalKMeans": "kmeans_variants",
    "TSNE": "tsne",
    "UMAP": "umap",
    "UnevenKMeans": "sizes",
    "Unimodal": "unimodality",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

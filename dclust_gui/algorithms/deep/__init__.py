"""Deep clustering heads on feature vectors; names load PyTorch when first used (PEP 562)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dclust_gui.algorithms.deep.autoencoder import AutoencoderClustering
    from dclust_gui.algorithms.deep.clustergan import ClusterGAN
    from dclust_gui.algorithms.deep.dcat import DCAT
    from dclust_gui.algorithms.deep.dcn import DCN
    from dclust_gui.algorithms.deep.dec import DEC
    from dclust_gui.algorithms.deep.idec import IDEC
    from dclust_gui.algorithms.deep.n2d import N2D
    from dclust_gui.algorithms.deep.pretraining import Autoencoder
    from dclust_gui.algorithms.deep.saving import load_model, save_model
    from dclust_gui.algorithms.deep.scan import SCAN
    from dclust_gui.algorithms.deep.temi import TEMI
    from dclust_gui.algorithms.deep.vade import VaDE

__all__ = [
    "DCAT",
    "DCN",
    "DEC",
    "IDEC",
    "N2D",
    "SCAN",
    "TEMI",
    "Autoencoder",
    "AutoencoderClustering",
    "ClusterGAN",
    "VaDE",
    "load_model",
    "save_model",
]

_HOMES = {
    "Autoencoder": "pretraining",
    "AutoencoderClustering": "autoencoder",
    "ClusterGAN": "clustergan",
    "DCAT": "dcat",
    "DCN": "dcn",
    "DEC": "dec",
    "IDEC": "idec",
    "N2D": "n2d",
    "SCAN": "scan",
    "TEMI": "temi",
    "VaDE": "vade",
    "load_model": "saving",
    "save_model": "saving",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

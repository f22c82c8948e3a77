"""Pictures and small weights files for the tests of features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.features.backbones import resolve_backbone
from dclust_gui.features.extractor import FeatureExtractor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec


@pytest.fixture(scope="session")
def lite_spec(tmp_path_factory: pytest.TempPathFactory) -> BackboneSpec:
    return resolve_backbone(weights_dir=tmp_path_factory.mktemp("no-weights"))


@pytest.fixture(scope="session")
def lite(lite_spec: BackboneSpec) -> FeatureExtractor:
    return FeatureExtractor(lite_spec, "cpu")


@pytest.fixture(scope="session")
def photos() -> list[NDArray[np.uint8]]:
    """scikit-learn's two photos: a Chinese pavilion and a flower."""
    from sklearn.datasets import load_sample_images

    return [np.asarray(image, np.uint8) for image in load_sample_images().images]


@pytest.fixture
def random_weights(tmp_path: Path) -> Callable[..., Path]:
    """Writes a weights file of a timm model with reproducible random numbers."""

    def write(name: str, suffix: str = ".safetensors", **options: int) -> Path:
        import torch
        from safetensors.torch import save_file

        from dclust_gui.compute.torchvision_fix import import_timm

        torch.manual_seed(0)
        state = import_timm().create_model(name, **options).state_dict()
        path = tmp_path / f"{name}{suffix}"
        if suffix == ".safetensors":
            save_file({k: v.contiguous().clone() for k, v in state.items()}, path)
        else:
            torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
        return path

    return write

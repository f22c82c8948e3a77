"""The plain way to compute features, as a tutorial has it: the reference of the benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from dclust_gui.features.preprocess import resize_and_crop
from dclust_gui.features.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec


class PlainLoop:
    """Full-size decode by Pillow and a float32 timm model, one after the other.

    Args:
        spec: The backbone.
        batch_size: Images in one call of the model.
    """

    def __init__(self, spec: BackboneSpec, batch_size: int = 32) -> None:
        if spec.weights_path is None:
            raise ValueError("the backbone's weights are not on this computer")
        self._spec = spec
        self._batch_size = batch_size
        self._model = load_network(spec.timm_name, spec.weights_path).eval()

    def features(self, paths: Sequence[Path]) -> NDArray[np.float32]:
        """Features of some JPEG files.

        Args:
            paths: The files.

        Returns:
            float32 (n, dims).
        """
        spec = self._spec
        mean = torch.tensor(spec.mean).view(1, 3, 1, 1)
        std = torch.tensor(spec.std).view(1, 3, 1, 1)
        found = []
        for start in range(0, len(paths), self._batch_size):
            pictures = []
            for path in paths[start : start + self._batch_size]:
                with Image.open(path) as image:
                    pixels = np.asarray(image.convert("RGB"))
                pictures.append(
                    resize_and_crop(pixels, spec.input_size, spec.resize_size, spec.interpolation)
                )
            batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
            with torch.inference_mode():
                maps = self._model.forward_features((batch - mean) / std)  # type: ignore[operator]
                found.append(self._model.forward_head(maps, pre_logits=True).numpy())  # type: ignore[operator]
        return np.concatenate(found)

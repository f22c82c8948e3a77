"""Which regions of a picture pull it towards a cluster, from the network's last feature map.

The pooled features are (for networks that end in global average pooling) the mean of the map over
its places, so the likeness with a cluster is a mean over places, too: the share of each is shown
(class activation maps: Zhou et al., "Learning Deep Features for Discriminative Localization",
CVPR 2016, equation 2, with the cluster's mean direction in the place of a class's weights).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.domain.errors import BackboneError
from dclust_gui.features.preprocess import resize_and_crop
from dclust_gui.features.weights import load_network

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from dclust_gui.features.backbones import BackboneSpec


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """How much each region speaks for a cluster.

    Attributes:
        values: float32 (rows, columns), -1 to 1; the largest size is 1. Above 0 the region pulls
            towards the cluster, below 0 away from it.
        box: Left, top, right, bottom of the part of the picture it covers, 0 to 1.
    """

    values: NDArray[np.float32]
    box: tuple[float, float, float, float]


class HeatMapper:
    """Makes heat maps with a backbone on the processor; one thread at a time.

    Args:
        spec: The backbone; nothing is loaded before the first map.

    Attributes:
        min_side: Pictures should be decoded to at least this short side in pixels.
    """

    def __init__(self, spec: BackboneSpec) -> None:
        self.spec = spec
        self.min_side = max(spec.resize_size)
        self._model: nn.Module | None = None

    def heat(
        self,
        pixels: NDArray[np.uint8],
        direction: NDArray[np.float32],
        mean: NDArray[np.float32],
        away: NDArray[np.float32] | None = None,
    ) -> HeatMap:
        """The heat map of one picture.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            direction: float32 (dims,), the mean direction of the cluster's members in centred
                features.
            mean: float32 (dims,), the mean of all features that was taken off.
            away: float32 (dims,), the same of a cluster to compare with; None for none.

        Raises:
            BackboneError: If the network has no map whose places have features of their own.
        """
        spec = self.spec
        cropped = resize_and_crop(pixels, spec.input_size, spec.resize_size, spec.interpolation)
        places = self._map(cropped)
        towards = direction if away is None else direction - away
        values = (places - mean) @ towards.astype(np.float32)
        largest = float(np.abs(values).max(initial=0.0))
        if largest > 0:
            values /= largest
        return HeatMap(values, _box(pixels.shape[:2], spec.input_size, spec.resize_size))

    def close(self) -> None:
        """Give the network's memory back."""
        self._model = None

    def _map(self, cropped: NDArray[np.uint8]) -> NDArray[np.float32]:
        """float32 (rows, columns, dims): features of each place of the last map."""
        model, spec = self._loaded(), self.spec
        mean = torch.tensor(spec.mean).view(3, 1, 1)
        std = torch.tensor(spec.std).view(3, 1, 1)
        picture = torch.from_numpy(cropped).permute(2, 0, 1).float() / 255.0
        with torch.inference_mode():
            maps = model.forward_features(  # type: ignore[operator]  # timm's protocol
                ((picture - mean) / std)[None]
            )
        found: NDArray[np.float32] | None = None
        if maps.ndim == 4 and maps.shape[1] == spec.dims:
            found = maps[0].permute(1, 2, 0).float().numpy()
        elif maps.ndim == 4 and maps.shape[3] == spec.dims:
            found = maps[0].float().numpy()
        elif maps.ndim == 3 and maps.shape[2] == spec.dims:
            found = _grid(maps[0].float().numpy(), int(getattr(model, "num_prefix_tokens", 0)))
        if found is None:
            raise BackboneError(
                f"'{spec.name}' cannot show which regions count.",
                "Its last feature map is not what its features are the mean of.",
                "Choose another backbone for this.",
            )
        return found

    def _loaded(self) -> nn.Module:
        if self._model is None:
            self._model = load_network(self.spec.timm_name, self.spec.weights_path).eval()
        return self._model


def _grid(tokens: NDArray[np.float32], n_prefix: int) -> NDArray[np.float32] | None:
    """A transformer's patches as a square map, without class and register tokens."""
    patches = tokens[n_prefix:]
    side = math.isqrt(len(patches))
    if not side or side * side != len(patches):
        return None
    return patches.reshape(side, side, -1)


def _box(
    size: tuple[int, ...], crop: tuple[int, int], resize: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The centre crop's place in a picture: left, top, right, bottom, 0 to 1."""
    height, width = size
    scale = max(resize[0] / height, resize[1] / width)
    high, wide = (min(1.0, c / (scale * s)) for c, s in zip(crop, (height, width), strict=True))
    return (1 - wide) / 2, (1 - high) / 2, (1 + wide) / 2, (1 + high) / 2

"""A backbone opened for training: a fast trunk, a tail of its last blocks, the way to a file.

The trunk is prepared like the network that extracts features (batch norms folded, convolutions
packed on the processor); only the tail is a network that can learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dclust_gui.compute.devices import Device, DeviceKind
from dclust_gui.features.execution import channels_last, fast_form
from dclust_gui.features.memory import ModelFacts
from dclust_gui.features.split import split_network
from dclust_gui.features.weights import load_network, write_weights

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from dclust_gui.features.backbones import BackboneSpec

_TRUNK_BATCH = 8


class TuningNetwork:
    """A backbone whose last blocks can be trained.

    Attributes:
        tail: From the maps at the cut to features (n, dims), on the device; its trained weights
            are those that ask for a gradient.
        blocks: Names of the trained blocks.
        n_weights: How many numbers are trained.
        is_cut: Whether only the tail has to be computed again in training.
        form: How the trunk runs: "packed", "folded" or "plain".
    """

    def __init__(
        self, spec: BackboneSpec, device: Device, n_blocks: int, *, is_cut: bool = True
    ) -> None:
        """Load the weights and cut the network.

        Args:
            spec: The backbone.
            device: Where it trains.
            n_blocks: How many of its last blocks are trained.
            is_cut: Whether to cut it where it can be; else everything is computed in training.

        Raises:
            BackboneError: If the weights do not fit, or there are no blocks.
            RuntimeError: Out of memory and other failures of the device.
        """
        self._spec, self._device, self._n_blocks = spec, device, n_blocks
        name = device.torch_name
        shape = (3, 1, 1)
        self._mean = 255 * torch.tensor(spec.mean).reshape(shape).to(name)
        self._std = 255 * torch.tensor(spec.std).reshape(shape).to(name)
        self._model = load_network(spec.timm_name, spec.weights_path)
        split = split_network(self._model, n_blocks, spec.input_size, is_cut=is_cut)
        self.blocks, self._trained, self.is_cut = split.blocks, split.trained, split.is_cut
        self.tail = channels_last(split.tail).to(name)
        trained = [p for p in self.tail.parameters() if p.requires_grad]
        self.n_weights = sum(p.numel() for p in trained)
        self._trunk, self.form = split.trunk, "plain"
        if not split.is_cut:
            return
        if device.kind is DeviceKind.CPU:
            self._trunk, self.form = fast_form(
                split.trunk, self._trunk_again, spec.input_size, _TRUNK_BATCH
            )
        else:
            self._trunk = channels_last(split.trunk).to(name)

    def maps(self, pixels: Tensor) -> Tensor:
        """Maps at the cut; where there is no cut, normalised pixels.

        Args:
            pixels: float (n, 3, height, width), RGB from 0 to 255, on the device.

        Returns:
            Float (n, ...), without a gradient.
        """
        with torch.no_grad():
            maps: Tensor = self._trunk((pixels - self._mean) / self._std)
        return maps

    def save(self, path: Path) -> None:
        """Write the whole network with what the tail has learnt.

        Args:
            path: A safetensors file; replaced.

        Raises:
            OSError: If it cannot be written.
        """
        learnt = dict(self.tail.named_parameters())
        known = dict(self._model.named_parameters())
        with torch.no_grad():
            for name in self._trained:
                known[name].copy_(learnt[f"model.{name}"])
        write_weights(self._model, self._facts(), path)

    def _trunk_again(self) -> nn.Module:
        return split_network(self._model, self._n_blocks, self._spec.input_size).trunk

    def _facts(self) -> ModelFacts:
        spec = self._spec
        return ModelFacts(
            spec.timm_name,
            spec.input_size,
            spec.crop_pct,
            spec.mean,
            spec.std,
            spec.interpolation,
            spec.dims,
            spec.licence,
        )

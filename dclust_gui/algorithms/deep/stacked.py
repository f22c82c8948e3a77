"""Several small networks of one shape side by side: one product moves them all.

Networks that train from different starts cost little more than one that way, where the time goes
into calls rather than into arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.deep.networks import DenseLayers

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVATION = "leaky_relu"
SLOPE = 0.01
"""Of LeakyReLU below zero: PyTorch's own, which `DenseLayers` has, too."""


class StackedLayers(nn.Module):
    """Dense layers with LeakyReLU between them, of several networks at once.

    Args:
        networks: As many networks of one shape; their weights are copied.

    Attributes:
        weights: A parameter (n_networks, inputs, outputs) for each layer.
        biases: Likewise (n_networks, 1, outputs).
    """

    def __init__(self, networks: Sequence[DenseLayers]) -> None:
        super().__init__()
        self.widths = networks[0].widths
        layers = [network.layers for network in networks]
        self.weights = nn.ParameterList(
            nn.Parameter(torch.stack([layer.weight.detach().T for layer in same]))
            for same in zip(*layers, strict=True)
        )
        self.biases = nn.ParameterList(
            nn.Parameter(torch.stack([layer.bias.detach()[None] for layer in same]))
            for same in zip(*layers, strict=True)
        )

    @property
    def n_networks(self) -> int:
        """How many there are."""
        return len(self.weights[0])

    def forward(self, rows: Tensor) -> Tensor:
        """float32 (n_networks, n, outputs) of (n_networks, n, inputs)."""
        last = len(self.weights) - 1
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = torch.baddbmm(bias, rows, weight)
            if place < last:
                rows = functional.leaky_relu(rows, SLOPE)
        return rows.float() if rows.dtype == torch.bfloat16 else rows

    @torch.no_grad()
    def copy_to(self, network: DenseLayers, place: int) -> None:
        """Give one network's weights to ordinary layers of the same shape."""
        for layer, weight, bias in zip(network.layers, self.weights, self.biases, strict=True):
            assert isinstance(layer, nn.Linear)
            layer.weight.copy_(weight[place].T)
            layer.bias.copy_(bias[place, 0])


def drawn(widths: Sequence[int], count: int, generator: torch.Generator) -> list[DenseLayers]:
    """So many networks with weights from a generator.

    Args:
        widths: From input to output.
        count: Number of networks.
        generator: On the processor.
    """
    return [DenseLayers(widths, ACTIVATION, generator) for _ in range(count)]

"""Many small heads on the same rows, computed at once as batched matrix products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.deep.networks import ENCODED_ROWS, DenseLayers

if TYPE_CHECKING:
    from collections.abc import Sequence

ACTIVATION = "relu"
Weights: TypeAlias = "Sequence[Tensor]"
"""First layer (d, heads x hidden) and bias, second (heads, hidden, width) and bias, prototypes
(heads, width, k)."""


class DirectionLayers(DenseLayers):
    """Dense layers of which only the direction of the output counts: its length is 1."""

    def forward(self, rows: Tensor) -> Tensor:
        """float32 (n, widths[-1]), rows of length 1."""
        return functional.normalize(super().forward(rows), dim=1)


class HeadNetwork(nn.Module):
    """The chosen head: from a row to its direction, which is compared with the prototypes.

    Args:
        widths: From the input to the direction.
        activation: Between the layers.
    """

    def __init__(self, widths: Sequence[int], activation: str = ACTIVATION) -> None:
        super().__init__()
        self.widths = tuple(int(width) for width in widths)
        self.activation = activation
        self.encoder = DirectionLayers(self.widths, activation)


class ManyHeads:
    """Heads of one shape with weights of their own.

    Each is a layer with ReLU, a linear layer, and the cosine of its output to one prototype a
    cluster, divided by a temperature.

    Args:
        widths: Of the rows, the hidden layer and the output.
        n_clusters: Prototypes of a head.
        n_heads: Number of heads.
        temperature: What cosines are divided by.
        generator: Source of the weights, on the CPU.
        device: Where they lie.
    """

    def __init__(
        self,
        widths: tuple[int, int, int],
        n_clusters: int,
        n_heads: int,
        temperature: float,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        self.n_heads = n_heads
        self.n_clusters = n_clusters
        self.temperature = temperature
        before, hidden, width = widths

        def drawn(*shape: int, fan_in: int) -> nn.Parameter:
            values = torch.randn(*shape, generator=generator) * math.sqrt(1.0 / fan_in)
            return nn.Parameter(values.to(device))

        self.weights = [
            drawn(before, n_heads * hidden, fan_in=before),
            nn.Parameter(torch.zeros(n_heads * hidden, device=device)),
            drawn(n_heads, hidden, width, fan_in=hidden),
            nn.Parameter(torch.zeros(n_heads, 1, width, device=device)),
            drawn(n_heads, width, n_clusters, fan_in=width),
        ]

    def logits(self, rows: Tensor, weights: Weights | None = None) -> Tensor:
        """(heads, n, n_clusters) cosines over the temperature.

        Args:
            rows: float32 (n, d).
            weights: In place of the heads' own, such as those of a teacher.
        """
        first, bias, second, offset, prototypes = self.weights if weights is None else weights
        hidden = torch.relu(torch.addmm(bias, rows, first))
        hidden = hidden.view(len(rows), self.n_heads, -1).transpose(0, 1)
        code = functional.normalize(torch.baddbmm(offset, hidden, second), dim=2)
        return torch.bmm(code, functional.normalize(prototypes, dim=1) / self.temperature)

    @torch.no_grad()
    def assignments(self, rows: Tensor, weights: Weights | None = None) -> Tensor:
        """(heads, n, n_clusters) probabilities of all rows, in blocks."""
        parts = torch.split(rows, ENCODED_ROWS)
        return torch.cat([self.logits(part, weights).softmax(2) for part in parts], 1)

    @torch.no_grad()
    def chosen(
        self, head: int, axes: Tensor | None, weights: Weights | None = None
    ) -> tuple[HeadNetwork, Tensor]:
        """One head as a network of its own, and its prototypes.

        Args:
            head: Number of the head.
            axes: (D, d), which the rows were multiplied with before; folded into the first layer.
                None for rows as they are.
            weights: In place of the heads' own.

        Returns:
            The network, from rows of D values, and (n_clusters, width) prototypes of length 1.
        """
        first, bias, second, offset, prototypes = self.weights if weights is None else weights
        hidden = second.shape[1]
        mine = slice(head * hidden, (head + 1) * hidden)
        entry = first[:, mine] if axes is None else axes @ first[:, mine]
        network = HeadNetwork((len(entry), hidden, second.shape[2]))
        layers = network.encoder
        for layer, weight, shift in (
            (layers.first, entry.T, bias[mine]),
            (layers.last, second[head].T, offset[head, 0]),
        ):
            layer.weight.copy_(weight)
            layer.bias.copy_(shift)
        return network.to(first.device), functional.normalize(prototypes[head], dim=0).T.clone()

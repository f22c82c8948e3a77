"""Encoders and decoders of dense layers, and their widths by input."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.base import UnusableDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ACTIVATIONS = ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid")

PIXEL_LAYERS = (500, 500, 2000)
"""Of the digits in the papers of DEC, IDEC, DCN and VaDE."""
FEATURE_LAYERS = (512, 256)
FEW_CLUSTERS = 20
ENCODED_ROWS = 2048
"""Rows encoded at a time where no gradient is needed."""


def hidden_widths(n_features: int, *, is_pixels: bool) -> tuple[int, ...]:
    """Widths of the encoder's hidden layers.

    Args:
        n_features: Width of the input.
        is_pixels: Whether the input is small images rather than features of a network.

    Returns:
        500-500-2000 for pixels; 512-256 for features, less for fewer than 128 of them.
    """
    if is_pixels:
        return PIXEL_LAYERS
    return tuple(
        min(width, max(16, share * n_features))
        for width, share in zip(FEATURE_LAYERS, (4, 2), strict=True)
    )


def code_width(n_features: int, n_clusters: int) -> int:
    """Width of the code: 10 for up to 20 clusters, else 32; never more than the input's."""
    return min(n_features, 10 if n_clusters <= FEW_CLUSTERS else 32)


class DenseLayers(nn.Module):
    """Dense layers with an activation between them; the last one is linear and kept in float32.

    Args:
        widths: Widths from input to output, at least two.
        activation: One of `ACTIVATIONS`.
        generator: Source of the weights; None leaves them to be loaded.
        is_exact: Compute the last layer in float32 also where the others take bfloat16.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str = "relu",
        generator: torch.Generator | None = None,
        *,
        is_exact: bool = True,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise UnusableDataError(
                f"Could not use the activation {activation!r}.",
                "Activations: " + ", ".join(ACTIVATIONS) + ".",
            )
        self.widths = tuple(int(width) for width in widths)
        self.activation = activation
        self.is_exact = is_exact
        self.bend = _bend(activation)
        pairs = zip(self.widths[:-1], self.widths[1:], strict=True)
        self.layers = nn.ModuleList([_undrawn(before, after) for before, after in pairs])
        if generator is not None:
            self._draw(generator)

    def _draw(self, generator: torch.Generator) -> None:
        """Xavier-uniform weights, no bias; He's larger weights start with larger outputs."""
        with torch.no_grad():
            for layer in self.layers:
                assert isinstance(layer, nn.Linear)
                bound = math.sqrt(6.0 / sum(layer.weight.shape))
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()

    @property
    def last(self) -> nn.Linear:
        """The linear last layer."""
        layer = self.layers[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def first(self) -> nn.Linear:
        """The first layer."""
        layer = self.layers[0]
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, rows: Tensor) -> Tensor:
        """float32 (n, widths[-1]) of float32 (n, widths[0])."""
        for layer in self.layers[:-1]:
            rows = self.bend(layer(rows))
        if not self.is_exact or not torch.is_autocast_enabled(rows.device.type):
            out: Tensor = self.last(rows)
            return out.float()
        with torch.autocast(rows.device.type, enabled=False):
            exact: Tensor = self.last(rows.float())
            return exact


def _undrawn(before: int, after: int) -> nn.Linear:
    """A layer without values yet: its own constructor would draw from the global generator."""
    return nn.Linear(before, after, device="meta").to_empty(device="cpu")


def _bend(activation: str) -> Callable[[Tensor], Tensor]:
    """The activation's function, in place where its gradient allows that."""
    table: dict[str, Callable[[Tensor], Tensor]] = {
        "relu": torch.relu_,
        "leaky_relu": functional.leaky_relu_,
        "elu": functional.elu_,
        "gelu": functional.gelu,
        "silu": functional.silu,
        "tanh": torch.tanh_,
        "sigmoid": torch.sigmoid_,
    }
    return table[activation]


class AutoencoderNetwork(nn.Module):
    """An encoder to a linear code and its mirror.

    Args:
        widths: From the input to the code.
        activation: One of `ACTIVATIONS`.
        generator: Source of the weights; None leaves them to be loaded.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str = "relu",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.widths = tuple(int(width) for width in widths)
        self.activation = activation
        self.encoder = DenseLayers(self.widths, activation, generator)
        self.decoder = DenseLayers(self.widths[::-1], activation, generator, is_exact=False)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Code (n, widths[-1]) and reconstruction (n, widths[0])."""
        code = self.encoder(rows)
        return code, self.decoder(code)

    @torch.no_grad()
    def scale_code(self, factor: float) -> None:
        """Multiply the code by a factor, folded into the layers on both sides of it."""
        self.encoder.last.weight.mul_(factor)
        self.encoder.last.bias.mul_(factor)
        self.decoder.first.weight.div_(factor)


@torch.no_grad()
def encode(
    encoder: nn.Module, rows: Tensor, context: AbstractContextManager[object] | None = None
) -> Tensor:
    """Codes of all rows, in large blocks and without gradients.

    Args:
        encoder: Module from rows to codes.
        rows: float32 (n, d), on the encoder's device.
        context: Precision to compute in; None means float32.

    Returns:
        float32 (n, dz), on the same device.
    """
    with context or nullcontext():
        parts = [encoder(part) for part in torch.split(rows, ENCODED_ROWS)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)

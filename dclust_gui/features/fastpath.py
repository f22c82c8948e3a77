"""Makes a network faster on the processor without changing what it computes.

Batch normalisation is folded into the convolution before it, and where oneDNN can, convolution,
bias and activation become one call on packed weights. Whoever uses this compares the outcome with
the plain network and goes back to that if they differ.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dclust_gui.compute.torchvision_fix import import_timm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor


class PackedConv(nn.Module):
    """A convolution with its activation in one oneDNN call.

    Attributes:
        attr: oneDNN's name of what follows: "none", "relu", "hardtanh" or "swish".
    """

    def __init__(self, conv: nn.Conv2d, attr: str, limits: list[float], seen: list[int]) -> None:
        """Pack the weights.

        Args:
            conv: A convolution, channels last; paddings must be numbers.
            attr: oneDNN's name of the activation.
            limits: The activation's numbers; empty for most.
            seen: Shape of the input (n, channels, height, width) to pack for; others work, too.
        """
        super().__init__()
        self.attr = attr
        self._limits = limits
        weight, self._padding = _symmetric(conv, seen)
        self._stride, self._dilation = list(conv.stride), list(conv.dilation)
        self._groups = conv.groups
        self._bias = None if conv.bias is None else conv.bias.detach()
        self._weight = torch.ops.mkldnn._reorder_convolution_weight(  # noqa: SLF001 -- no public one
            weight.contiguous(memory_format=torch.channels_last),
            self._padding,
            self._stride,
            self._dilation,
            self._groups,
            seen,
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Convolution, bias and activation.

        Args:
            maps: (n, channels, height, width), channels last.

        Returns:
            (n, channels out, height out, width out).
        """
        result: Tensor = torch.ops.mkldnn._convolution_pointwise(  # noqa: SLF001 -- see above
            maps,
            self._weight,
            self._bias,
            self._padding,
            self._stride,
            self._dilation,
            self._groups,
            self.attr,
            self._limits,
            "",
        )
        return result


def fold_batch_norms(module: nn.Module) -> int:
    """Fold each batch normalisation into the convolution just before it, in place.

    "Before" means the sibling declared before it, which is the order of use in all but odd
    models; the caller's comparison catches those.

    Args:
        module: A network in evaluation mode.

    Returns:
        How many were folded.
    """
    count = 0
    for parent, before, after in _neighbours(module):
        conv, norm = getattr(parent, before), getattr(parent, after)
        if not isinstance(conv, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            continue
        if norm.running_var is None or norm.num_features != conv.out_channels:
            continue
        setattr(parent, before, fuse_conv_bn_eval(conv, norm))
        setattr(parent, after, _FoldedNorm(_activation(norm)))
        count += 1
    return count


def pack_convolutions(module: nn.Module, batch: Tensor) -> int:
    """Replace convolutions, and the activation of a folded norm behind them, by `PackedConv`.

    Args:
        module: A network in evaluation mode after `fold_batch_norms`, channels last.
        batch: Pixels of the shape that is to come (n, 3, height, width); run through it once.

    Returns:
        How many were replaced; 0 where this build of torch has no oneDNN.
    """
    if not has_onednn():
        return 0
    seen = _input_shapes(module, batch)
    activations = {
        (id(parent), before): (parent, after)
        for parent, before, after in _neighbours(module)
        if isinstance(getattr(parent, after), _FoldedNorm)
    }
    count = 0
    for parent in list(module.modules()):
        for name, conv in list(parent.named_children()):
            if not isinstance(conv, nn.Conv2d) or id(conv) not in seen or not _packable(conv):
                continue
            attr, limits = "none", list[float]()
            if (id(parent), name) in activations:
                owner, after = activations[id(parent), name]
                known = _onednn_activation(getattr(owner, after).act)
                if known is not None:
                    attr, limits = known
                    setattr(owner, after, nn.Identity())
            setattr(parent, name, PackedConv(conv, attr, limits, seen[id(conv)]))
            count += 1
    return count


def has_onednn() -> bool:
    """Whether torch has the fused oneDNN convolutions, which it has on Intel and AMD."""
    return bool(torch._C._has_mkldnn) and all(  # noqa: SLF001 -- is_available() has no types
        hasattr(torch.ops.mkldnn, name)
        for name in ("_convolution_pointwise", "_reorder_convolution_weight")
    )


class _FoldedNorm(nn.Module):
    """What is left of a normalisation with activation: the activation."""

    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.act = act

    def forward(self, maps: Tensor) -> Tensor:
        result: Tensor = self.act(maps)
        return result


def _neighbours(module: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
    """Each module with the names of two children declared one after the other."""
    for parent in list(module.modules()):
        names = [name for name, _ in parent.named_children()]
        for before, after in pairwise(names):
            yield parent, before, after


def _activation(norm: nn.Module) -> nn.Module:
    """The activation inside timm's normalisation with activation."""
    act = getattr(norm, "act", None)
    drop = getattr(norm, "drop", None)
    parts = [m for m in (drop, act) if isinstance(m, nn.Module)]
    kept = [m for m in parts if not isinstance(m, nn.Identity)]
    return kept[0] if len(kept) == 1 else nn.Sequential(*kept) if kept else nn.Identity()


def _onednn_activation(act: nn.Module) -> tuple[str, list[float]] | None:
    """Name and numbers that oneDNN has for an activation; None where it has none of ours."""
    if isinstance(act, nn.Identity):
        return "none", []
    if isinstance(act, nn.ReLU6):
        return "hardtanh", [0.0, 6.0]
    if isinstance(act, nn.ReLU):
        return "relu", []
    if isinstance(act, nn.SiLU):
        return "swish", []
    return None


def _is_same_padded(conv: nn.Conv2d) -> bool:
    """Whether it is timm's convolution that pads as TensorFlow does."""
    import_timm()
    from timm.layers.conv2d_same import (  # noqa: PLC0415 -- after the torchvision workaround
        Conv2dSame,
    )

    return isinstance(conv, Conv2dSame)


def _packable(conv: nn.Conv2d) -> bool:
    """Whether the convolution's arithmetic is exactly Conv2d's or timm's Conv2dSame's."""
    plain = type(conv) is nn.Conv2d or _is_same_padded(conv)
    return plain and conv.padding_mode == "zeros" and not isinstance(conv.padding, str)


def _symmetric(conv: nn.Conv2d, seen: list[int]) -> tuple[Tensor, list[int]]:
    """Weights and paddings under which equal padding on both sides gives the same result.

    TensorFlow pads stride-2 convolutions by one pixel more behind than before. A row of zeros
    before the kernel's first row, with one more pixel of padding there, does the same without
    copying the maps into a larger array.
    """
    weight = conv.weight.detach()
    if not _is_same_padded(conv):
        return weight, [int(p) for p in conv.padding]
    padding: list[int] = []
    grow: list[int] = []
    for axis in (0, 1):
        size, kernel = seen[2 + axis], conv.kernel_size[axis]
        stride, dilation = conv.stride[axis], conv.dilation[axis]
        reach = (kernel - 1) * dilation + 1
        total = max((_ceil_div(size, stride) - 1) * stride + reach - size, 0)
        grow.append(total % 2)
        padding.append((total + 1) // 2)
    return nn.functional.pad(weight, (grow[1], 0, grow[0], 0)), padding


def _ceil_div(size: int, stride: int) -> int:
    """Whole division, rounded up."""
    return -(-size // stride)


def _input_shapes(module: nn.Module, batch: Tensor) -> dict[int, list[int]]:
    """Shape of what each convolution is fed, by the convolution's id."""
    shapes: dict[int, list[int]] = {}

    def note(conv: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        shapes[id(conv)] = list(inputs[0].shape)

    convs = [m for m in module.modules() if isinstance(m, nn.Conv2d)]
    hooks = [conv.register_forward_pre_hook(note) for conv in convs]
    try:
        with torch.inference_mode():
            module(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes

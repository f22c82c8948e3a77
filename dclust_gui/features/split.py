"""Cuts a network in two: a trunk that stays as it is, and a tail of its last blocks to train.

Nothing here knows an architecture. One pass with hooks shows which modules run and in which order;
the cut lies before the last blocks of that order. The trunk is the network stopped at the cut; the
tail is the network's own code run with stand-ins for the modules before the cut, and the maps of
the trunk handed to the first module behind it. Both together must give what the whole network
gives, or there is no cut: then the tail is the whole network with all but its last blocks frozen.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from dclust_gui.domain.errors import BackboneError
from dclust_gui.features.network import PooledFeatures

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOLERANCE = 1e-4
_SAMPLE = 2
_LEAST_PARTS = 2
"""A block has at least so many layers with weights; a lone convolution or norm is none."""
_ODD_MODEL = (RuntimeError, AttributeError, TypeError, ValueError, LookupError)
"""What a model raises whose code needs more than the modules' outputs."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A network in two parts.

    Attributes:
        trunk: From normalised pixels (n, 3, height, width) to the maps at the cut; not trained.
        tail: From these maps to features (n, dims); in evaluation mode, so that statistics of
            batch norms stay and dropout is off.
        trained: Names of the weights that are trained, as in the network and in `tail.model`.
        blocks: Names of the blocks that are trained, in their order.
        is_cut: Whether there is a trunk; else it passes pixels on and the tail is the whole.
    """

    trunk: nn.Module
    tail: Tail
    trained: tuple[str, ...]
    blocks: tuple[str, ...]
    is_cut: bool


class _Reached(Exception):  # noqa: N818 -- control flow: the network has come to the cut
    def __init__(self, maps: Tensor) -> None:
        super().__init__()
        self.maps = maps


class Trunk(nn.Module):
    """A timm model that stops before one of its modules."""

    def __init__(self, model: nn.Module, cut: str) -> None:
        """Take a model over.

        Args:
            model: A model of one's own.
            cut: Name of the first module that does not run.
        """
        super().__init__()
        self.model = model
        model.get_submodule(cut).register_forward_pre_hook(_stop)

    def forward(self, pixels: Tensor) -> Tensor:
        """Maps at the cut of normalised pixels (n, 3, height, width)."""
        try:
            self.model.forward_features(pixels)  # type: ignore[operator]  # timm's protocol
        except _Reached as reached:
            return reached.maps
        raise RuntimeError("the network did not come to its cut")


class Tail(nn.Module):
    """A timm model from one of its modules on, or the whole of it."""

    def __init__(self, model: nn.Module, cut: str = "", before: dict[str, list[int]] | None = None):
        """Take a model over.

        Args:
            model: A model of one's own.
            cut: Name of the first module that runs; empty for all.
            before: Shapes of what the modules before the cut give, by name.
        """
        super().__init__()
        self.model = model.eval()
        self._pooled = [PooledFeatures(model)]  # in a list: no second owner of the weights
        self._maps: Tensor | None = None
        self._is_cut = bool(cut)
        for name, shape in (before or {}).items():
            parent, _, leaf = name.rpartition(".")
            stand_in = _StandIn(model.get_submodule(name), shape)
            setattr(model.get_submodule(parent), leaf, stand_in)
        if cut:
            model.get_submodule(cut).register_forward_pre_hook(self._hand_over)

    def forward(self, maps: Tensor) -> Tensor:
        """Features (n, dims) of maps at the cut, or of pixels where there is none."""
        if not self._is_cut:
            features: Tensor = self._pooled[0](maps)
            return features
        self._maps = maps
        try:
            blank = maps.new_zeros(1).expand(len(maps), 3, 1, 1)
            features = self._pooled[0](blank)
        finally:
            self._maps = None
        return features

    def train(self, mode: bool = True) -> Tail:  # noqa: ARG002 -- torch's signature
        """Stay in evaluation mode, whatever is asked."""
        return super().train(mode=False)

    def _hand_over(self, _module: nn.Module, _inputs: tuple[object, ...]) -> tuple[Tensor]:
        assert self._maps is not None
        return (self._maps,)


class _StandIn(nn.Module):
    """In the place of a module that does not run: blank maps of the shape it would give.

    What else is asked of the module, such as a transformer's grid of patches, it still tells.
    """

    def __init__(self, module: nn.Module, shape: list[int]) -> None:
        super().__init__()
        self._shape = shape[1:]
        self._module = [module]  # in a list: its weights are not the tail's

    def __getattr__(self, name: str) -> Tensor | nn.Module:
        try:
            return super().__getattr__(name)
        except AttributeError:
            found: Tensor | nn.Module = getattr(self.__dict__["_module"][0], name)
            return found

    def forward(self, maps: Tensor, *_rest: object, **_named: object) -> Tensor:
        return maps.new_zeros(1).expand(len(maps), *self._shape)


@dataclass(frozen=True, slots=True)
class _Call:
    """One module's run.

    Attributes:
        name: The module.
        begun: When it began, counted in events.
        ended: When it ended.
        shape: Of what it gave; empty where that is no tensor.
        is_plain: It was given one tensor.
    """

    name: str
    begun: int
    ended: int
    shape: list[int]
    is_plain: bool


def split_network(
    model: nn.Module, n_blocks: int, input_size: tuple[int, int], *, is_cut: bool = True
) -> Split:
    """Cut a timm model before its last blocks.

    Args:
        model: In evaluation mode, on the CPU; it is left as it is.
        n_blocks: How many blocks to train; more than there are means all.
        input_size: Height and width of its input.
        is_cut: Whether to cut it; else the tail is the whole.

    Returns:
        The parts, with weights of their own.

    Raises:
        BackboneError: If the model has no blocks.
    """
    height, width = input_size
    generator = torch.Generator().manual_seed(0)
    sample = torch.rand(_SAMPLE, 3, height, width, generator=generator) * 2 - 1
    calls = _record(model, sample)
    blocks = _blocks(model, calls)
    if not blocks:
        raise BackboneError(
            "This backbone cannot be trained.",
            "Its last blocks cannot be told from the rest.",
            "Choose another backbone, or train a head on its features.",
        )
    chosen = blocks[-max(1, n_blocks) :]
    first = next(call for call in calls if call.name == chosen[0])
    trained = _weights_behind(model, calls, first)
    cut = _cut(model, calls, first, sample) if is_cut and first.is_plain else None
    trunk, tail = cut or (nn.Identity(), Tail(copy.deepcopy(model)))
    names = set(trained)
    for name, weight in tail.model.named_parameters():
        weight.requires_grad_(name in names)
    return Split(trunk, tail, trained, tuple(chosen), cut is not None)


def _stop(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    raise _Reached(inputs[0])


def _record(model: nn.Module, sample: Tensor) -> list[_Call]:
    """Which modules run on a sample, in the order in which they begin."""
    clock = 0
    open_: list[tuple[str, int, bool]] = []
    calls: list[_Call] = []

    def begin(name: str, inputs: tuple[object, ...]) -> None:
        nonlocal clock
        clock += 1
        open_.append((name, clock, len(inputs) == 1 and isinstance(inputs[0], Tensor)))

    def end(output: object) -> None:
        nonlocal clock
        clock += 1
        name, begun, is_plain = open_.pop()
        shape = list(output.shape) if isinstance(output, Tensor) else []
        calls.append(_Call(name, begun, clock, shape, is_plain))

    handles = []
    for name, module in model.named_modules():
        if name:
            handles += [
                module.register_forward_pre_hook(lambda _m, x, name=name: begin(name, x)),
                module.register_forward_hook(lambda _m, _x, y: end(y)),
            ]
    try:
        with torch.inference_mode():
            PooledFeatures(model)(sample)
    finally:
        for handle in handles:
            handle.remove()
    return sorted(calls, key=lambda call: call.begun)


def _blocks(model: nn.Module, calls: list[_Call]) -> list[str]:
    """Names of the blocks of a model in the order of their run, those of the head left out."""
    times: dict[str, int] = {}
    for call in calls:
        times[call.name] = times.get(call.name, 0) + 1
    head = {name for name, _ in model.named_children() if name in ("head", "fc", "classifier")}
    chain = {name for name in _chain(model, "") if name.partition(".")[0] not in head}
    return [
        call.name
        for call in calls
        if call.name in chain
        and times[call.name] == 1
        and _parts(model.get_submodule(call.name)) >= _LEAST_PARTS
    ]


def _chain(module: nn.Module, prefix: str) -> Iterator[str]:
    """Names of a module's children; containers give theirs in their place."""
    for name, child in module.named_children():
        if isinstance(child, (nn.Sequential, nn.ModuleList)) and len(child):
            yield from _chain(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _parts(module: nn.Module) -> int:
    """Layers of a module that have weights."""
    return sum(any(True for _ in part.parameters(recurse=False)) for part in module.modules())


def _weights_behind(model: nn.Module, calls: list[_Call], first: _Call) -> tuple[str, ...]:
    """Names of the weights of all modules that begin with or after a call."""
    names: dict[str, None] = {}
    for call in calls:
        if call.begun >= first.begun:
            for name, _ in model.get_submodule(call.name).named_parameters(recurse=False):
                names[f"{call.name}.{name}"] = None
    return tuple(names)


def _cut(
    model: nn.Module, calls: list[_Call], first: _Call, sample: Tensor
) -> tuple[nn.Module, Tail] | None:
    """Trunk and tail; None where they do not give together what the model gives."""
    done = {call.name: call.shape for call in calls if call.ended < first.begun}
    outer = {n: s for n, s in done.items() if not any(p in done for p in _parents(n))}
    if not all(outer.values()):
        return None
    trunk = Trunk(copy.deepcopy(model), first.name)
    try:
        tail = Tail(copy.deepcopy(model), first.name, outer)
        with torch.inference_mode():
            wanted = PooledFeatures(model)(sample)
            found = tail(trunk(sample))
    except _ODD_MODEL:
        return None
    gap = torch.linalg.vector_norm(found - wanted)
    if not bool(gap <= _TOLERANCE * torch.linalg.vector_norm(wanted).clamp_min(1e-6)):
        return None
    return trunk.eval(), tail


def _parents(name: str) -> Iterator[str]:
    """Names of the modules around a module, the model itself left out."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name

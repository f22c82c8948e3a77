"""Runs a backbone's network on a device; the part of the extractor that knows torch."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from dclust_gui.compute.devices import Device, DeviceKind
from dclust_gui.features.fastpath import fold_batch_norms, pack_convolutions
from dclust_gui.features.network import PooledFeatures, classifier_names
from dclust_gui.features.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec

_TOLERANCE = {"fp32": 1e-3, "bf16": 0.25}
_ODD_MODEL = (RuntimeError, AttributeError, TypeError, ValueError, LookupError)
"""What a model raises that looks inside its own layers and misses what was replaced."""
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Execution:
    """A network on a device, ready to run.

    Attributes:
        device: Where it runs.
        path: How: "packed" (oneDNN calls), "folded" or "plain".
    """

    def __init__(self, spec: BackboneSpec, device: Device, batch_size: int) -> None:
        """Load the weights and prepare the fastest form that agrees with the plain network.

        Args:
            spec: The backbone.
            device: Where to run.
            batch_size: The usual number of images in a call.

        Raises:
            BackboneError: If the weights do not fit.
            RuntimeError: Out of memory and other failures of the device.
        """
        self.device = device
        self._dtype = _DTYPES[spec.precision]
        shape = (3, 1, 1)
        self._mean = 255 * torch.tensor(spec.mean).reshape(shape).to(device.torch_name)
        self._std = 255 * torch.tensor(spec.std).reshape(shape).to(device.torch_name)
        model = load_network(spec.timm_name, spec.weights_path)
        self._head = _classifier(model)
        network = PooledFeatures(model).eval()
        if device.kind is DeviceKind.CPU:
            self._network, self.path = fast_form(
                network, partial(_pooled, spec), spec.input_size, batch_size, spec.precision
            )
        else:
            self._network = channels_last(network).to(device.torch_name, self._dtype)
            self.path = "plain"

    def run(self, batch: NDArray[np.uint8], *, is_mirrored: bool = False) -> NDArray[np.float32]:
        """Features of one batch.

        Args:
            batch: uint8 (n, height, width, 3), RGB.
            is_mirrored: Exchange left and right first.

        Returns:
            float32 (n, dims).
        """
        pixels = torch.from_numpy(batch)
        is_cuda = self.device.kind is DeviceKind.CUDA
        if is_cuda:
            pixels = pixels.pin_memory()
        with torch.inference_mode(), _exact_arithmetic(is_cuda=is_cuda):
            pixels = pixels.to(self.device.torch_name, non_blocking=is_cuda)
            if is_mirrored:
                pixels = pixels.flip(2)
            # The view keeps the memory order of the pictures, which is torch's channels_last.
            maps = pixels.permute(0, 3, 1, 2).float()
            maps = maps.sub_(self._mean).div_(self._std).to(self._dtype)
            features: NDArray[np.float32] = self._network(maps).float().cpu().numpy()
        return features

    def head(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Classifier as weights (n_classes, dims) and bias (n_classes,); None without one."""
        return self._head

    def release(self) -> None:
        """Give the device's memory back."""
        self._network = nn.Identity()
        free_memory(self.device)


def fast_form(
    network: nn.Module,
    rebuild: Callable[[], nn.Module],
    size: tuple[int, int],
    batch_size: int,
    precision: str = "fp32",
) -> tuple[nn.Module, str]:
    """The fastest form of a network on the processor that agrees with the plain one.

    Args:
        network: In evaluation mode, from normalised pixels to a tensor; it is changed.
        rebuild: Makes the same network again, after an attempt at another form.
        size: Height and width of its input.
        batch_size: The usual number of images in a call.
        precision: "fp32" or "bf16".

    Returns:
        The network and its form: "packed" (oneDNN calls), "folded" or "plain".

    Raises:
        RuntimeError: Out of memory.
    """
    dtype, tolerance = _DTYPES[precision], _TOLERANCE[precision]
    plain = channels_last(network)
    sample = _sample(2, size)
    with torch.inference_mode():
        wanted = plain(sample)
    try:
        if fold_batch_norms(plain) == 0:
            return plain.to(dtype), "plain"
        folded = plain.to(dtype)
        if not _agrees(folded, sample.to(dtype), wanted, tolerance):
            return channels_last(rebuild()).to(dtype), "plain"
    except _ODD_MODEL as error:
        if is_out_of_memory(error):
            raise
        return channels_last(rebuild()).to(dtype), "plain"
    try:
        batch = _sample(batch_size, size).to(dtype)
        if pack_convolutions(folded, batch) and _agrees(
            folded, sample.to(dtype), wanted, tolerance
        ):
            return folded, "packed"
    except _ODD_MODEL as error:
        if is_out_of_memory(error):
            raise
    again = channels_last(rebuild()).float()
    fold_batch_norms(again)
    return again.to(dtype), "folded"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a failure means that the device's memory was too small."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


def free_memory(device: Device) -> None:
    """Hand memory that torch keeps for later back to the device."""
    if device.kind is DeviceKind.CUDA:
        torch.cuda.empty_cache()
    elif device.kind is DeviceKind.MPS:
        torch.mps.empty_cache()


@contextlib.contextmanager
def _exact_arithmetic(*, is_cuda: bool) -> Iterator[None]:
    """float32 means float32 on CUDA, too: no TF32, and the same algorithm each time."""
    if not is_cuda:
        yield
        return
    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        yield


def channels_last(network: nn.Module) -> nn.Module:
    """The network with its weights in the memory order of pictures."""
    moved: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    return moved


def _sample(n: int, size: tuple[int, int]) -> Tensor:
    """Reproducible pixels in [-1, 1], channels last, to compare two forms of a network on."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(n, 3, *size, generator=generator) * 2 - 1
    return pixels.contiguous(memory_format=torch.channels_last)


def _agrees(network: nn.Module, sample: Tensor, wanted: Tensor, tolerance: float) -> bool:
    """Whether the network gives what is wanted, relative to its length."""
    with torch.inference_mode():
        found = network(sample).float()
    gap = torch.linalg.vector_norm((found - wanted).flatten(1), dim=1)
    limit = tolerance * torch.linalg.vector_norm(wanted.flatten(1), dim=1).clamp_min(1e-6)
    return bool((gap <= limit).all())


def _pooled(spec: BackboneSpec) -> nn.Module:
    """The network of a backbone as timm runs it."""
    return PooledFeatures(load_network(spec.timm_name, spec.weights_path)).eval()


def _classifier(model: nn.Module) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """A copy of a linear classifier's numbers."""
    names = classifier_names(model)
    if not names:
        return None
    try:
        layer = model.get_submodule(names[0])
    except AttributeError:
        return None
    if not isinstance(layer, nn.Linear):
        return None
    weight = layer.weight.detach().numpy().astype(np.float32)
    bias: Tensor | None = layer.bias
    if bias is None:
        return weight, np.zeros(len(weight), np.float32)
    return weight, bias.detach().numpy().astype(np.float32)

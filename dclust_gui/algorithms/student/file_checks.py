"""Whether the parts of a student's file are what they must be, before anything is built of them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from dclust_gui.algorithms.student.calibration import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_LAYER = "layer."
_REACH = "guard.reach"
"""Infinite where nothing is unlike a class."""
_TEXTS = ("backbone", "fingerprint", "timm_name", "quality", "project", "created", "dclust")
_LARGEST_ID = 2**31 - 2


def check_parts(values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Refuse facts and numbers that `sort` could not use, or would answer nonsense with.

    Args:
        values: The facts as they were read.
        tensors: The numbers.

    Raises:
        ValueError: If so.
        KeyError: If a part is missing.
    """
    _check_numbers(tensors)
    _check_widths([int(width) for width in values["widths"]], tensors)
    temperature, threshold = float(values["temperature"]), float(values["threshold"])
    if not (temperature > 0 and math.isfinite(temperature) and 0 <= threshold <= NEVER):
        raise ValueError("no temperature or threshold")
    if not all(isinstance(values[name], str) for name in _TEXTS):
        raise ValueError("no text")
    ids = [int(cluster["id"]) for cluster in values["clusters"]]
    if ids != sorted(set(ids)) or not all(0 < key <= _LARGEST_ID for key in ids):
        raise ValueError("no ids of clusters")
    for cluster in values["clusters"]:
        str(cluster["name"]).encode()  # half of a surrogate pair is no text
        if int(cluster["colour"]) < 0:
            raise ValueError("no colour")


def _check_numbers(tensors: Mapping[str, Tensor]) -> None:
    """Real numbers, none of them undefined."""
    for name, part in tensors.items():
        if not (part.is_floating_point() and part.layout == torch.strided):
            raise ValueError("no numbers")
        if part.isnan().any() or (name != _REACH and part.isinf().any()):
            raise ValueError("undefined numbers")
    if not (tensors[_REACH] > 0).all():
        raise ValueError("no reach")


def _check_widths(widths: list[int], tensors: Mapping[str, Tensor]) -> None:
    """The layers have the sizes that are told; no memory is taken for others."""
    layers = {
        int(name.split(".")[-2]): tuple(part.shape)
        for name, part in tensors.items()
        if name.startswith(_LAYER) and part.ndim == 2
    }  # in no order: safetensors keeps none
    found = [layers[number] for number in sorted(layers)]
    if [(after, before) for before, after in pairwise(widths)] != found:
        raise ValueError("layers of another size")

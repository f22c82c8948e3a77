"""What the layers compute in: float32, or bfloat16 where the hardware has units for it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from dclust_gui.algorithms.base import UnusableDataError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch.amp import GradScaler

PRECISIONS = ("auto", "float32", "bfloat16")


def precision_context(precision: str, device: str) -> AbstractContextManager[object]:
    """What the layers compute in: float32, or bfloat16 with float32 weights, codes and losses.

    Args:
        precision: One of `PRECISIONS`; "auto" takes bfloat16 on NVIDIA cards and on processors
            with matrix units for it (AMX), where a step is faster: 30 ms against 49 for 256 images
            and 784-500-500-2000-10 on one thread of a Xeon.
        device: torch device.

    Raises:
        UnusableDataError: If the precision is unknown.
    """
    if precision not in PRECISIONS:
        raise UnusableDataError(
            f"Could not use the precision {precision!r}.",
            "Precisions: " + ", ".join(PRECISIONS) + ".",
        )
    kind = torch.device(device).type
    if precision == "bfloat16" or (precision == "auto" and _has_matrix_units(kind)):
        return torch.autocast(kind, dtype=torch.bfloat16)
    return nullcontext()


def mixed_precision(device: str) -> tuple[AbstractContextManager[object], GradScaler | None]:
    """What a network of convolutions is trained in.

    Args:
        device: torch device.

    Returns:
        The context of its forward pass: bfloat16 where the hardware has units for it, float16 on
        older NVIDIA cards, else float32; and for float16 the scaler that its gradients need.
    """
    if torch.device(device).type == "cuda" and not _has_matrix_units("cuda"):
        return torch.autocast("cuda", dtype=torch.float16), torch.amp.GradScaler("cuda")
    return precision_context("auto", device), None


def _has_matrix_units(kind: str) -> bool:
    """Whether bfloat16 products are computed in hardware, several times as fast."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    has_amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return kind == "cpu" and has_amx is not None and bool(has_amx())

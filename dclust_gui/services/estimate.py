"""How long a job is likely to take, and on which device; imports nothing heavy."""

from __future__ import annotations

import os
import sys

CPU_IMAGES_PER_CORE_S = 14.0
"""Images decoded and embedded per second and CPU core, as a first guess before any was measured."""

GPU_IMAGES_S = 300.0
"""The same with a GPU."""


def estimate_seconds(n_images: int, *, rate: float = 0.0, has_gpu: bool = False) -> float:
    """Seconds until so many images are read.

    Args:
        n_images: Images that are not in the cache.
        rate: Images per second seen on this computer; 0 when none has been measured.
        has_gpu: Whether features are computed on a GPU.
    """
    guess = GPU_IMAGES_S if has_gpu else CPU_IMAGES_PER_CORE_S * max(1, os.cpu_count() or 1)
    return n_images / (rate or guess)


def best_cost() -> float:
    """How many times longer reading takes at the best quality, roughly."""
    from dclust_gui.features.views import BEST

    return BEST.cost


def device_badge() -> str:
    """The device's name once torch is loaded; empty before."""
    if "torch" not in sys.modules:
        return ""
    from dclust_gui.compute.devices import pick_device

    return pick_device("auto").name

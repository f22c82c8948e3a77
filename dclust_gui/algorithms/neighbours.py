"""Exact nearest neighbours of images by blocked matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.base import Callback, FloatArray, report
from dclust_gui.algorithms.search import GROUP, Pool, nearest_slots

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 4096


def nearest_rows(
    features: FloatArray, count: int, *, device: str = "cpu", callback: Callback | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest other images of each image.

    Args:
        features: (n_images, d).
        count: Wanted number of neighbours; fewer where there are not so many images.
        device: torch device.
        callback: Called with (images done, images); may raise `Cancelled`.

    Returns:
        int64 (n_images, count) numbers and float64 (n_images, count) Euclidean distances,
        the nearest first.
    """
    total = len(features)
    count = max(0, min(count, total - 1))
    rows = features - features.mean(axis=0, dtype=np.float64)
    padded = np.concatenate([rows, np.zeros((-total % GROUP, rows.shape[1]))])
    centres = torch.from_numpy(padded).to(device)
    alive = torch.arange(len(padded), device=centres.device) < total
    weights = torch.ones(len(padded), dtype=torch.float64, device=centres.device)
    pool = Pool.of(centres, weights, alive, torch.float32)
    indices = np.empty((total, count), dtype=np.int64)
    distances = np.empty((total, count))
    for start in range(0, total if count else 0, BLOCK):
        report(callback, start, total)
        part = torch.arange(start, min(start + BLOCK, total), device=centres.device)
        found, _ = nearest_slots(pool, part, count)
        for row in range(0, len(part), 256):
            some = found[row : row + 256]
            difference = centres[some] - centres[part[row : row + 256]][:, None, :]
            squared, order = torch.linalg.vecdot(difference, difference).sort(dim=1, stable=True)
            place = slice(start + row, start + row + len(some))
            indices[place] = some.gather(1, order).cpu().numpy()
            distances[place] = squared.sqrt().cpu().numpy()
    return indices, distances

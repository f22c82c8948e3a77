"""Views of an image: the parts of it, plain and mirrored, whose features are averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class View:
    """One look at an image.

    Attributes:
        zoom: How much the picture is enlarged over the backbone's own centre crop: 1 is that
            crop, above 1 a tighter one, below 1 a wider one as far as the picture goes.
        is_mirrored: Left and right are exchanged.
    """

    zoom: float = 1.0
    is_mirrored: bool = False

    def resize_size(self, crop: tuple[int, int], resize: tuple[int, int]) -> tuple[int, int]:
        """Size that the picture is scaled to cover before the centre crop.

        Args:
            crop: Height and width of the crop in pixels.
            resize: Height and width to cover for the backbone's own crop.
        """
        height, width = (
            max(least, math.floor(side * self.zoom))
            for least, side in zip(crop, resize, strict=True)
        )
        return height, width


STANDARD = (View(),)
"""The backbone's own centre crop alone."""

BEST = (View(), View(is_mirrored=True), View(4 / 3), View(4 / 3, is_mirrored=True))
"""Views of the best quality; `tests/benchmarks/RESULTS.md` says why these."""


def views_of(quality: str) -> tuple[View, ...]:
    """The views that a quality of the result takes.

    Raises:
        InputError: If there is no such quality.
    """
    if quality not in set(Quality):
        names = ", ".join(Quality)
        raise InputError(f"There is no quality '{quality}'.", "", f"Choose one of: {names}.")
    return BEST if quality == Quality.BEST else STANDARD


def zooms(views: Sequence[View]) -> tuple[float, ...]:
    """The different crops that views need, each once, in the order of first use."""
    return tuple(dict.fromkeys(view.zoom for view in views))


def combined(found: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """One feature vector of the views' vectors.

    Args:
        found: float32 (n, dims) of each view, at least one.

    Returns:
        float32 (n, dims): the mean of the directions, with the mean of the lengths, so that a
        classifier finds numbers of the size it knows. Of a single view its own numbers.
    """
    if len(found) == 1:
        return found[0]
    stacked = np.stack(found)
    lengths = np.linalg.norm(stacked, axis=2, keepdims=True)
    directions = (stacked / np.maximum(lengths, np.finfo(np.float32).tiny)).mean(axis=0)
    mean: NDArray[np.float32] = directions * lengths.mean(axis=0)
    return mean

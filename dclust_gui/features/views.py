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


_GRID = 32
"""Networks shrink their maps by this; inputs in whole multiples of it lose no border."""


@dataclass(frozen=True, slots=True)
class View:
    """One look at an image.

    Attributes:
        zoom: How much the picture is enlarged over the backbone's own centre crop: 1 is that
            crop, above 1 a tighter one, below 1 a wider one as far as the picture goes.
        shift: Where along the picture's longer side the crop lies: -1 at its left or top end,
            0 in the centre, 1 at the other end.
        is_mirrored: Left and right are exchanged.
    """

    zoom: float = 1.0
    shift: float = 0.0
    is_mirrored: bool = False

    @property
    def crop(self) -> tuple[float, float]:
        """Zoom and shift: what mirrored and other views may share."""
        return self.zoom, self.shift

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


@dataclass(frozen=True, slots=True)
class Variant:
    """How a backbone looks at images; features of different variants are never mixed.

    Attributes:
        views: The looks at each image whose features are averaged.
        enlargement: Side of the network's input over the usual one; only for networks that are
            known to take pictures of any size.
    """

    views: tuple[View, ...] = (View(),)
    enlargement: float = 1.0

    @property
    def cost(self) -> float:
        """Time for an image over that of the standard variant, roughly."""
        return len(self.views) * self.enlargement**2

    def input_size(self, usual: tuple[int, int]) -> tuple[int, int]:
        """The network's input, in whole multiples of 32 where it is enlarged.

        Args:
            usual: Height and width in pixels that the backbone is usually fed.
        """
        if self.enlargement == 1:
            return usual
        height, width = (
            max(side, round(side * self.enlargement / _GRID) * _GRID) for side in usual
        )
        return height, width


STANDARD = Variant()
"""The backbone's own centre crop alone."""

BEST = Variant((View(), View(is_mirrored=True)), 8 / 7)
"""What the best quality looks at; `tests/benchmarks/RESULTS.md` says why this."""


def variant_of(quality: str) -> Variant:
    """How a quality of the result looks at images.

    Raises:
        InputError: If there is no such quality.
    """
    if quality not in set(Quality):
        names = ", ".join(Quality)
        raise InputError(f"There is no quality '{quality}'.", "", f"Choose one of: {names}.")
    return BEST if quality == Quality.BEST else STANDARD


def crops_of(views: Sequence[View]) -> tuple[tuple[float, float], ...]:
    """The different crops that views need, each once, in the order of first use."""
    return tuple(dict.fromkeys(view.crop for view in views))


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

"""Paints many points into an array of pixels: density where there are too many, else dots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QColor, QImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEAST_SHADE = 0.3
_CENTRE = 0.25  # what is left of a point in its own square after smoothing


class Canvas:
    """Pixels that NumPy writes and Qt paints on.

    Attributes:
        pixels: uint32 (height, width), 0xffRRGGBB.
        image: The same memory for Qt.
    """

    def __init__(self, width: int, height: int) -> None:
        self.pixels: NDArray[np.uint32] = np.zeros((max(height, 1), max(width, 1)), np.uint32)
        self.image = image_over(self.pixels)

    def has_size(self, width: int, height: int) -> bool:
        """Whether it has so many pixels."""
        return self.pixels.shape == (max(height, 1), max(width, 1))


def image_over(pixels: NDArray[np.uint32]) -> QImage:
    """An opaque image that shares an array's memory; keep the array as long as the image.

    Args:
        pixels: uint32 (height, width), C-ordered.
    """
    height, width = pixels.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)


def packed(colour: QColor) -> int:
    """A colour as one pixel."""
    return int(colour.rgb())


def density_image(
    points: NDArray[np.float32],
    tones: NDArray[np.integer],
    weights: NDArray[np.float64],
    table: NDArray[np.float32],
    base: NDArray[np.float32],
    size: tuple[int, int],
    bin_px: int,
) -> NDArray[np.uint32]:
    """How many points lie where, in the mixed colours of their clusters.

    Args:
        points: float32 (n, 2), pixels.
        tones: int (n,), rows of `table`.
        weights: float64 (n,), how much each counts.
        table: float32 (k, 3), 0 to 255.
        base: float32 (3,), the background.
        size: Width and height in pixels.
        bin_px: Side of the squares of pixels whose points are counted together.

    Returns:
        uint32 (height / bin_px, width / bin_px), rounded up.
    """
    width, height = (-(-side // bin_px) for side in size)
    cells = (points * np.float32(1 / bin_px)).astype(np.int32) + 1  # a border catches strays
    columns = np.minimum(np.maximum(cells[:, 0], 0), width + 1)
    rows = np.minimum(np.maximum(cells[:, 1], 0), height + 1)
    places = (rows * (width + 2) + columns).astype(np.int64)
    room = (height + 2, width + 2)
    counts = _smoothed(np.bincount(places, weights, room[0] * room[1]).reshape(room))
    shade, factor = _shades(counts)
    pixels = np.full(counts.shape, 0xFF000000, np.uint32)
    for channel, shift in enumerate((16, 8, 0)):
        share = table[:, channel].astype(np.float64)[tones]
        share *= weights
        value = _smoothed(np.bincount(places, share, room[0] * room[1]).reshape(room))
        value *= factor
        value += (1 - shade) * base[channel]
        pixels |= value.astype(np.uint32) << np.uint32(shift)
    return pixels


def _smoothed(sums: NDArray[np.number]) -> NDArray[np.float32]:
    """Weights 1, 2, 1 in both directions, without the border, which is not counted."""
    inner = sums.astype(np.float32)
    inner[[0, -1]] = 0
    inner[:, [0, -1]] = 0
    down = inner[:-1] + inner[1:]
    down = down[:-1] + down[1:]
    across = down[:, :-1] + down[:, 1:]
    smooth: NDArray[np.float32] = across[:, :-1] + across[:, 1:]
    smooth *= np.float32(1 / 16)
    return smooth


def _shades(counts: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How strong the colour is, 0 to 1, and the same for each point counted.

    A single point can be seen, and the densest place is full.
    """
    most = np.log1p(max(float(counts.max(initial=0.0)), 1.0))
    shade = np.log1p(counts)
    shade *= np.float32((1 - _LEAST_SHADE) / most)
    shade += np.float32(_LEAST_SHADE)
    np.multiply(shade, np.minimum(counts * np.float32(1 / _CENTRE), np.float32(1)), out=shade)
    factor = shade / np.maximum(counts, np.float32(1e-6))
    return shade, factor.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Stamps:
    """Small opaque pictures of one footprint, to be set down at points.

    Attributes:
        dx: int32 (k,), columns of the footprint's pixels beside the middle.
        dy: int32 (k,), rows.
        pixels: uint32 (n_stamps, k).
        reach: Greatest of |dx| and |dy|.
    """

    dx: NDArray[np.int32]
    dy: NDArray[np.int32]
    pixels: NDArray[np.uint32]
    reach: int


def set_down(
    pixels: NDArray[np.uint32],
    points: NDArray[np.float32],
    kinds: NDArray[np.integer],
    stamps: Stamps,
) -> None:
    """Set stamps down at points, the last above the others; the margins cut them off.

    Args:
        pixels: uint32 (height, width), written to.
        points: float32 (n, 2), pixels.
        kinds: int (n,), which stamp.
        stamps: The stamps.
    """
    height, width = pixels.shape
    middle = np.rint(points).astype(np.int32)
    reach = stamps.reach
    inside = (middle >= reach).all(1) & (middle < [width - reach, height - reach]).all(1)
    whole = middle[inside]
    places = (whole[:, 1] * width + whole[:, 0])[:, None] + (stamps.dy * width + stamps.dx)
    pixels.reshape(-1)[places] = stamps.pixels[kinds[inside]]
    for (x, y), kind in zip(middle[~inside].tolist(), kinds[~inside].tolist(), strict=True):
        column, row = stamps.dx + x, stamps.dy + y
        kept = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        pixels[row[kept], column[kept]] = stamps.pixels[kind][kept]

"""Small pictures to compare images by, and how sharp a picture is."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, JpegImagePlugin

if TYPE_CHECKING:
    from dclust_gui.imaging.results import Pixels

SKETCH_SIDE = 64
"""Side of the grey part of a sketch, pixels."""
SKETCH_SHAPE = (SKETCH_SIDE * 3 // 2, SKETCH_SIDE)
"""The grey part above, below it both colour differences at half the size side by side."""

_LEAST_SIDE = 16
_LEAST_VARIANCE = 1.0


def sketch_of(thumbnail: bytes) -> Pixels:
    """A thumbnail squeezed into a square.

    Args:
        thumbnail: The JPEG file that `make_thumbnail` gave.

    Returns:
        uint8 `SKETCH_SHAPE`.

    Raises:
        OSError: If the data is damaged.
        SyntaxError: If it is no JPEG.
    """
    with JpegImagePlugin.JpegImageFile(io.BytesIO(thumbnail)) as picture:
        picture.decodermaxblock = max(len(thumbnail), 1)
        picture.draft("YCbCr", (2 * SKETCH_SIDE, 2 * SKETCH_SIDE))
        return _squeezed(picture.convert("YCbCr"))


def sketch_of_pixels(pixels: Pixels) -> Pixels:
    """The same of a decoded picture.

    Args:
        pixels: uint8 (height, width, 3), sRGB.
    """
    return _squeezed(Image.fromarray(pixels).convert("YCbCr"))


def _squeezed(picture: Image.Image) -> Pixels:
    """Planes of brightness and colour, the colours at half the size."""
    grey, *colours = picture.split()
    box, half = Image.Resampling.BOX, SKETCH_SIDE // 2
    planes = [np.asarray(plane.resize((half, half), box)) for plane in colours]
    above = np.asarray(grey.resize((SKETCH_SIDE, SKETCH_SIDE), box))
    return np.concatenate([above, np.concatenate(planes, axis=1)])


def sharpness(pixels: Pixels) -> float:
    """How much fine detail a picture has, whatever its brightness and contrast.

    Only values of pictures of the same size can be compared.

    Args:
        pixels: uint8 (height, width, 3), sRGB.

    Returns:
        Variance of the Laplacian over the variance of the luminance; 0 for a plain or tiny picture.

    Source:
        Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000, for the
        variance of the Laplacian.
    """
    if min(pixels.shape[:2]) < _LEAST_SIDE:
        return 0.0
    grey = np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float32)
    middle = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * middle
    spread = float(middle.var(dtype=np.float64))
    if spread < _LEAST_VARIANCE:
        return 0.0
    return float(laplacian.var(dtype=np.float64)) / spread

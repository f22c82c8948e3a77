"""Thumbnails: small JPEGs made from the picture that was decoded anyway."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, JpegImagePlugin

from dclust_gui.imaging.limits import Fit, FitBy
from dclust_gui.imaging.results import DecodedImage, Pixels

THUMBNAIL_SIDE = 256
"""Long side of a stored thumbnail, pixels."""

_QUALITY = 85
_SUBSAMPLING_420 = 2


def make_thumbnail(image: DecodedImage | Pixels, side: int = THUMBNAIL_SIDE) -> bytes:
    """Encode a thumbnail.

    Args:
        image: A picture, or its pixels: uint8 (height, width, 3), sRGB.
        side: Long side of the thumbnail; smaller pictures keep their size.

    Returns:
        A JPEG file.
    """
    pixels = image.pixels if isinstance(image, DecodedImage) else image
    picture = Image.fromarray(pixels)
    target = Fit(side, FitBy.LONG).size(*picture.size)
    if picture.size != target:
        picture = picture.resize(target, Image.Resampling.BICUBIC, reducing_gap=3.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, subsampling=_SUBSAMPLING_420)
    return out.getvalue()


def decode_thumbnail(data: bytes) -> Pixels:
    """Decode a thumbnail made by `make_thumbnail`.

    Args:
        data: The JPEG file.

    Returns:
        uint8 (height, width, 3), sRGB, read-only.

    Raises:
        OSError: If the data is damaged.
        SyntaxError: If it is no JPEG.
    """
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
        image.decodermaxblock = max(len(data), 1)
        image.load()
        pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    pixels.setflags(write=False)
    return pixels

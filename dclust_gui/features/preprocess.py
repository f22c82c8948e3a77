"""From a decoded picture to the network's input: shorter side to size, centre crop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}


def resize_and_crop(
    pixels: NDArray[np.uint8],
    crop: tuple[int, int],
    resize: tuple[int, int],
    interpolation: str = "bicubic",
    shift: float = 0.0,
) -> NDArray[np.uint8]:
    """Scale a picture until it just covers `resize`, then cut out its centre or another part.

    At the centre gives what timm's evaluation transform gives, but computes only the pixels that
    are kept. Smaller pictures are enlarged. Any thread; Pillow frees the interpreter lock
    meanwhile.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        crop: Height and width to cut out.
        resize: Height and width to cover before cutting; at least `crop`.
        interpolation: "bicubic", "bilinear", "lanczos" or "nearest"; antialiased.
        shift: Where along the longer side the part lies: -1 at the left or the top end, 0 in
            the centre, 1 at the other end.

    Returns:
        uint8 (crop height, crop width, 3), contiguous.

    Raises:
        ValueError: If `pixels` is not a non-empty uint8 RGB array or the filter is unknown.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"Expected uint8 (h, w, 3), got {pixels.dtype} {pixels.shape}.")
    if interpolation not in _FILTERS:
        raise ValueError(f"There is no filter '{interpolation}'.")
    height, width = pixels.shape[:2]
    scaled_height, scaled_width = _cover(height, width, resize)
    is_tall = scaled_height - crop[0] > scaled_width - crop[1]
    top = round((scaled_height - crop[0]) / 2 * (1 + shift * is_tall))
    left = round((scaled_width - crop[1]) / 2 * (1 + shift * (not is_tall)))
    down, right = height / scaled_height, width / scaled_width
    box = (left * right, top * down, (left + crop[1]) * right, (top + crop[0]) * down)
    image = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (crop[1], crop[0]),
        _FILTERS[interpolation],
        box=(box[0], box[1], min(box[2], float(width)), min(box[3], float(height))),
        # Pillow shrinks by whole numbers first where the picture is over 6 times too large.
        reducing_gap=3.0,
    )
    return np.array(image, dtype=np.uint8)


def _cover(height: int, width: int, resize: tuple[int, int]) -> tuple[int, int]:
    """Size after scaling so that both sides are at least those of `resize`, one of them exactly."""
    if resize[0] * width <= resize[1] * height:
        return max(resize[0], int(resize[1] * height / width)), resize[1]
    return resize[0], max(resize[1], int(resize[0] * width / height))

"""A small real collection made offline from what scikit-learn ships: digits and two photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PER_DIGIT = 24
"""Images of each handwritten digit."""

_DIGIT_SIDE = 96
_TILE_SIDE = 128
_TILE_STEP = 64
_PHOTOS = ("china.jpg", "flower.jpg")


def make_sample_collection(folder: Path) -> int:
    """Write the sample images, one folder per class; files that are there already stay.

    Args:
        folder: Where; made if it is not there.

    Returns:
        Number of images in the collection.

    Raises:
        StorageError: If it cannot be written.
    """
    try:
        return _write_digits(folder) + _write_tiles(folder)
    except OSError as error:
        raise StorageError(
            f"Could not write the sample images to '{folder}'.", f"{error.strerror or error}."
        ) from error


def _write_digits(folder: Path) -> int:
    from sklearn.datasets import load_digits

    digits = load_digits()
    count = 0
    for digit in range(10):
        rows = np.flatnonzero(digits.target == digit)[:PER_DIGIT]
        for number, row in enumerate(rows.tolist()):
            grey = (255 - digits.images[row] * (255 / 16)).astype(np.uint8)
            path = folder / f"digit {digit}" / f"digit-{digit}-{number:02d}.png"
            _save(path, np.repeat(grey[:, :, None], 3, axis=2), _DIGIT_SIDE)
            count += 1
    return count


def _write_tiles(folder: Path) -> int:
    from sklearn.datasets import load_sample_image

    count = 0
    for name in _PHOTOS:
        photo = load_sample_image(name)
        stem = name.removesuffix(".jpg")
        for top in range(0, photo.shape[0] - _TILE_SIDE + 1, _TILE_STEP):
            for left in range(0, photo.shape[1] - _TILE_SIDE + 1, _TILE_STEP):
                tile = photo[top : top + _TILE_SIDE, left : left + _TILE_SIDE]
                _save(folder / stem / f"{stem}-{top:03d}-{left:03d}.png", tile, _TILE_SIDE)
                count += 1
    return count


def _save(path: Path, pixels: NDArray[np.uint8], side: int) -> None:
    from PIL import Image

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC).save(path)

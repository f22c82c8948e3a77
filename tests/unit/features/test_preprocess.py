"""Resize and crop equal timm's evaluation transform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.compute.torchvision_fix import import_timm
from dclust_gui.features.preprocess import resize_and_crop

if TYPE_CHECKING:
    from numpy.typing import NDArray


def picture(height: int, width: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:height, :width]
    waves = np.stack([rows / 9, columns / 7, (rows + columns) / 11], axis=2)
    pixels: NDArray[np.uint8] = (127.5 + 127.5 * np.sin(waves)).astype(np.uint8)
    return pixels


@pytest.mark.parametrize("size", [(300, 400), (533, 400), (256, 256), (90, 120), (1200, 900)])
def test_equals_timms_transform(size: tuple[int, int]) -> None:
    from PIL import Image

    pixels = picture(*size)
    transform = import_timm().data.create_transform(
        (3, 224, 224), interpolation="bicubic", crop_pct=0.875, normalize=False
    )
    expected = np.asarray(transform(Image.fromarray(pixels))).transpose(1, 2, 0).astype(int)
    found = resize_and_crop(pixels, (224, 224), (256, 256)).astype(int)
    assert np.abs(found - expected).max() <= 1


def test_very_large_pictures_stay_close_to_the_plain_filter() -> None:
    from PIL import Image

    pixels = picture(2400, 3200)
    whole = Image.fromarray(pixels).resize((341, 256), Image.Resampling.BICUBIC)
    expected = np.asarray(whole).astype(int)[16:240, 58:282]
    found = resize_and_crop(pixels, (224, 224), (256, 256)).astype(int)
    assert np.abs(found - expected).mean() < 1


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 5)])
def test_extreme_shapes_give_the_full_input(size: tuple[int, int]) -> None:
    found = resize_and_crop(picture(*size), (224, 224), (256, 256))
    assert found.shape == (224, 224, 3)
    assert found.flags.c_contiguous


def test_upright_inputs_are_covered() -> None:
    assert resize_and_crop(picture(300, 300), (64, 48), (72, 54)).shape == (64, 48, 3)


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 4), (0, 8, 3)])
def test_other_arrays_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="Expected uint8"):
        resize_and_crop(np.zeros(shape, np.uint8), (224, 224), (256, 256))

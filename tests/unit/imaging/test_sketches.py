"""Small pictures to compare by, and sharpness."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from dclust_gui.imaging.sketches import SKETCH_SHAPE, sharpness, sketch_of, sketch_of_pixels
from dclust_gui.imaging.thumbnails import make_thumbnail


def picture(size: tuple[int, int] = (400, 300)) -> Image.Image:
    small = np.random.default_rng(0).integers(0, 255, (30, 40, 3)).astype(np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (20, 9), (1, 1), (2000, 3)])
def test_sketch_of_a_thumbnail_is_about_that_of_the_picture(size: tuple[int, int]) -> None:
    pixels = np.asarray(picture(size))
    one, other = sketch_of(make_thumbnail(pixels)), sketch_of_pixels(pixels)
    assert one.shape == other.shape == SKETCH_SHAPE
    assert one.dtype == np.uint8
    assert np.abs(one.astype(int) - other).mean() < 8


def test_a_damaged_thumbnail_is_told() -> None:
    with pytest.raises((OSError, SyntaxError)):
        sketch_of(b"\xff\xd8 nothing")


def test_a_blurred_picture_is_less_sharp_and_brightness_does_not_matter() -> None:
    one = picture((40, 30)).resize((400, 300), Image.Resampling.NEAREST)
    sharp = sharpness(np.asarray(one))
    assert sharpness(np.asarray(one.filter(ImageFilter.GaussianBlur(2)))) < sharp / 2
    darker = ImageEnhance.Brightness(one).enhance(0.6)
    assert sharpness(np.asarray(darker)) == pytest.approx(sharp, rel=0.05)


def test_plain_and_tiny_pictures_have_no_sharpness() -> None:
    assert sharpness(np.full((100, 100, 3), 7, np.uint8)) == 0
    assert sharpness(np.asarray(picture((8, 8)))) == 0

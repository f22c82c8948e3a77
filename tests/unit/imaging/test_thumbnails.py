from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dclust_gui.imaging.thumbnails import THUMBNAIL_SIDE, decode_thumbnail, make_thumbnail


@pytest.mark.parametrize(
    ("shape", "size"), [((400, 800), (256, 128)), ((800, 400), (128, 256)), ((30, 20), (20, 30))]
)
def test_long_side_is_the_limit_and_nothing_is_enlarged(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    data = make_thumbnail(np.full((*shape, 3), 90, np.uint8))
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("JPEG", size)
    assert max(image.size) <= THUMBNAIL_SIDE


def test_pixels_come_back(noise: np.ndarray) -> None:
    pixels = decode_thumbnail(make_thumbnail(noise))
    assert pixels.shape == (171, 256, 3)
    assert not pixels.flags.writeable
    reference = np.asarray(Image.fromarray(noise).resize((256, 171)))
    assert float(np.abs(pixels.astype(int) - reference).mean()) < 6


def test_damaged_thumbnail_raises() -> None:
    with pytest.raises((OSError, SyntaxError)):
        decode_thumbnail(b"nothing")
    with pytest.raises(OSError, match=r"(?i)truncated"):
        decode_thumbnail(make_thumbnail(np.zeros((90, 90, 3), np.uint8))[:-200])

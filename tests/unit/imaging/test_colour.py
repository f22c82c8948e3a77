from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageCms

from dclust_gui.imaging.colour import ColourConverter, flatten_alpha, rescale_range, simplify_mode

if TYPE_CHECKING:
    from collections.abc import Callable

P3 = np.array(
    [[0.51512, 0.24120, -0.00105], [0.29198, 0.69225, 0.04189], [0.15710, 0.06657, 0.78407]]
).T
SRGB = np.array(
    [[0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.71410]]
).T


def expected_srgb(p3: tuple[int, int, int]) -> list[int]:
    v = np.array(p3) / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    out = np.clip(np.linalg.inv(SRGB) @ P3 @ linear, 0, 1)
    coded = np.where(out <= 0.0031308, out * 12.92, 1.055 * out ** (1 / 2.4) - 0.055)
    return [round(float(c) * 255) for c in coded]


@pytest.mark.parametrize("colour", [(200, 100, 50), (120, 130, 140), (60, 160, 90), (90, 60, 180)])
def test_display_p3_becomes_the_right_srgb(colour: tuple[int, int, int], display_p3: bytes) -> None:
    image = ColourConverter().to_srgb(Image.new("RGB", (4, 4), colour), display_p3)
    assert np.abs(np.asarray(image)[0, 0].astype(int) - expected_srgb(colour)).max() <= 2


def test_the_reference_numbers_are_those_of_the_published_matrices() -> None:
    assert expected_srgb((255, 255, 255)) == [255, 255, 255]
    assert expected_srgb((200, 100, 50)) == pytest.approx([215, 93, 31], abs=1)


def test_srgb_profile_changes_no_pixel(noise: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(noise)
    assert ColourConverter().to_srgb(image, profile) is image


@pytest.mark.parametrize("profile", [b"", b"nonsense", bytes(5000)])
def test_broken_profiles_are_ignored(profile: bytes) -> None:
    image = ColourConverter().to_srgb(Image.new("RGB", (4, 4), (1, 2, 3)), profile)
    assert image.getpixel((0, 0)) == (1, 2, 3)


def test_profile_of_another_colour_space_is_ignored(display_p3: bytes) -> None:
    image = ColourConverter().to_srgb(Image.new("CMYK", (4, 4), (0, 0, 0, 0)), display_p3)
    assert image.getpixel((0, 0)) == (255, 255, 255)


def test_lab_is_converted() -> None:
    image = ColourConverter().to_srgb(Image.new("LAB", (4, 4), (255, 128, 128)), None)
    assert int(np.asarray(image).min()) >= 250


@pytest.mark.parametrize(
    "ramp",
    [
        lambda: np.linspace(0, 4095, 10_000).astype(np.uint16),
        lambda: np.linspace(-1e6, 1e6, 10_000).astype(np.int32),
        lambda: np.linspace(0, 1, 10_000).astype(np.float32),
    ],
)
def test_ranges_are_spread_over_grey(ramp: Callable[[], np.ndarray]) -> None:
    image = rescale_range(Image.fromarray(ramp().reshape(100, 100)))
    grey = np.asarray(image)
    assert (image.mode, grey.min(), grey.max()) == ("L", 0, 255)
    assert abs(float(grey.mean()) - 127.5) < 2


def test_values_that_are_not_finite_are_set_aside() -> None:
    values = np.linspace(0, 1, 10_000).astype(np.float32).reshape(100, 100).copy()
    values[0, :4] = np.nan, np.inf, -np.inf, 1e30
    grey = np.asarray(rescale_range(Image.fromarray(values)))
    assert abs(float(grey.mean()) - 127.5) < 3
    assert list(grey[0, :4]) == [0, 255, 0, 255]


def test_pictures_of_one_value_or_none() -> None:
    same = rescale_range(Image.fromarray(np.full((5, 5), 0.5, np.float32)))
    assert same.getpixel((0, 0)) in (127, 128)
    nothing = rescale_range(Image.fromarray(np.full((5, 5), np.nan, np.float32)))
    assert nothing.getpixel((0, 0)) == 0


@pytest.mark.parametrize(
    "mode",
    [
        "1",
        "L",
        "P",
        "PA",
        "La",
        "LA",
        "RGBa",
        "RGBX",
        "YCbCr",
        "HSV",
        "CMYK",
        "LAB",
        "I",
        "F",
        "I;16",
    ],
)
def test_every_mode_is_brought_to_one_that_resizes(mode: str) -> None:
    source = Image.new("RGBA" if mode == "RGBa" else "LA" if mode == "La" else mode, (9, 9))
    image = source.convert(mode) if mode in ("RGBa", "La") else source
    simple = simplify_mode(image)
    assert simple.mode in ("L", "LA", "RGB", "RGBA", "CMYK", "LAB")
    assert ColourConverter().to_srgb(flatten_alpha(simple), None).mode == "RGB"


def test_transparent_pixels_become_white() -> None:
    image = flatten_alpha(Image.new("RGBA", (2, 2), (0, 0, 0, 0)))
    assert image.getpixel((0, 0)) == (255, 255, 255)
    half = flatten_alpha(Image.new("LA", (2, 2), (0, 128)))
    assert half.getpixel((0, 0)) in (127, 128)

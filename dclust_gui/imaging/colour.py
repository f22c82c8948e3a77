"""Any Pillow picture to 8-bit sRGB: ranges rescaled, alpha on white, ICC profiles applied."""

from __future__ import annotations

import io
import threading

import numpy as np
from PIL import Image, ImageCms

_SAMPLES = 1_000_000
_PERCENTILES = (0.5, 99.5)
_STRIP_ROWS = 256
_MAX_PROFILE_BYTES = 4 << 20
_MAX_TRANSFORMS = 16
_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK", "LAB": "Lab "}
_SAME_COLOUR = 2
"""Profiles that move no colour by more than this (of 255) count as sRGB."""


def simplify_mode(image: Image.Image) -> Image.Image:
    """Bring a decoded picture to a mode that can be resized well.

    Args:
        image: Any mode; loaded.

    Returns:
        Mode L, LA, RGB, RGBA, CMYK or LAB; 16-bit, integer and float values are rescaled from
        their 0.5 to 99.5 percentile, values that are not finite become black or white.
    """
    mode = image.mode
    if mode.startswith(("I", "F")):
        return rescale_range(image)
    if mode in ("L", "RGB", "P") and "transparency" in image.info:
        return image.convert("LA" if mode == "L" else "RGBA")
    simple = {
        "1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB",
        "YCbCr": "RGB", "HSV": "RGB",
    }  # fmt: skip
    return image.convert(simple[mode]) if mode in simple else image


def rescale_range(image: Image.Image) -> Image.Image:
    """Map the range that a 16-bit, integer or float picture really uses to 0-255.

    Args:
        image: Mode I, I;16 (any order) or F.

    Returns:
        Mode L.
    """
    values = np.asarray(image)
    step = max(1, int((values.size / _SAMPLES) ** 0.5))
    sample = values[::step, ::step].astype(np.float64)
    finite = sample[np.isfinite(sample)]
    if finite.size == 0:
        return Image.new("L", image.size)
    low, high = (float(edge) for edge in np.percentile(finite, _PERCENTILES))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    if high <= low:
        low, high = 0.0, _full_scale(image.mode, high)
    grey = np.empty(values.shape, np.uint8)
    for top in range(0, values.shape[0], _STRIP_ROWS):
        strip = values[top : top + _STRIP_ROWS].astype(np.float32)
        scaled = (np.clip(strip, low, high) - low) * (255.0 / (high - low))
        grey[top : top + _STRIP_ROWS] = np.nan_to_num(scaled, nan=0.0) + 0.5
    return Image.fromarray(grey)


def _full_scale(mode: str, value: float) -> float:
    """The white of a picture of one single value, from what its mode usually holds."""
    if mode.startswith("I;16"):
        return 65535.0
    return next((white for white in (1.0, 255.0, 65535.0) if value <= white), max(value, 1.0))


def flatten_alpha(image: Image.Image) -> Image.Image:
    """Lay a picture with alpha on white.

    Args:
        image: Any mode of `simplify_mode`.

    Returns:
        The same mode without alpha.
    """
    if image.mode not in ("LA", "RGBA"):
        return image
    base = Image.new(image.mode[:-1], image.size, "white")
    base.paste(image.convert(base.mode), mask=image.getchannel("A"))
    return base


class ColourConverter:
    """Applies embedded ICC profiles; remembers the transforms of the profiles seen last.

    Safe to use from many threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._srgb = ImageCms.createProfile("sRGB")
        self._transforms: dict[tuple[bytes, str], ImageCms.ImageCmsTransform | None] = {}

    def to_srgb(self, image: Image.Image, profile: bytes | None) -> Image.Image:
        """Convert to sRGB.

        Args:
            image: Mode L, RGB, CMYK or LAB.
            profile: Embedded ICC profile; broken or unfitting ones are ignored.

        Returns:
            Mode RGB.
        """
        transform = self._transform(profile or b"", image.mode)
        if transform is not None:
            converted = transform.apply(image)
            if converted is not None:
                return converted
        return image if image.mode == "RGB" else image.convert("RGB")

    def _transform(self, profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
        if mode == "LAB":
            profile = b""
        elif not profile or len(profile) > _MAX_PROFILE_BYTES:
            return None
        key = (profile, mode)
        with self._lock:
            if key not in self._transforms:
                if len(self._transforms) >= _MAX_TRANSFORMS:
                    del self._transforms[next(iter(self._transforms))]
                self._transforms[key] = self._build(profile, mode)
            return self._transforms[key]

    def _build(self, profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
        try:
            source = (
                ImageCms.createProfile("LAB")
                if mode == "LAB"
                else ImageCms.ImageCmsProfile(io.BytesIO(profile))
            )
            if mode != "LAB" and source.profile.xcolor_space != _SPACES.get(mode):  # type: ignore[union-attr]
                return None
            transform = ImageCms.buildTransform(source, self._srgb, mode, "RGB")
            return None if mode == "RGB" and _changes_nothing(transform) else transform
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    axis = np.linspace(0, 255, 8).astype(np.uint8)
    grid = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(8, 64, 3)
    after = transform.apply(Image.fromarray(grid))
    change = np.abs(np.asarray(after).astype(np.int16) - grid)
    return bool(change.max() <= _SAME_COLOUR)

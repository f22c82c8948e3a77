"""How large a picture may be, how large it is wanted, and what is said when it is too large."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one file may cost.

    Attributes:
        max_pixels: Most pixels of a picture that has to be decoded at full size.
        max_jpeg_pixels: Most pixels of a JPEG that can be decoded at reduced size.
        large_pixels: Pictures decoded at full size above this go to a helper process.
        max_file_bytes: Larger files are hashed and not decoded.
        helper_seconds: Time a helper process may spend on one file.
        helper_bytes: Memory a helper process may use on top of its own.
    """

    max_pixels: int = 100_000_000
    max_jpeg_pixels: int = 500_000_000
    large_pixels: int = 40_000_000
    max_file_bytes: int = 1 << 30
    helper_seconds: float = 20.0
    helper_bytes: int = 1 << 30


class FitBy(StrEnum):
    """Which side of a picture a `Fit` is about."""

    SHORT = "short"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Fit:
    """The size a picture is wanted at; pictures are never enlarged.

    Attributes:
        side: Pixels.
        by: Whether the short side becomes `side`, or the long one.
    """

    side: int
    by: FitBy = FitBy.SHORT

    MAX_ASPECT = 20

    def __post_init__(self) -> None:
        if self.side < 1:
            raise ValueError(f"The side of a picture must be at least 1 pixel, not {self.side}.")

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The size to resize to.

        Args:
            width: Pixels of the original.
            height: Pixels of the original.

        Returns:
            Width and height, at least 1, at most the original's. The long side of a strip is
            at most `MAX_ASPECT * side`, so that a strip of 300 x 300,000 stays small.
        """
        short, long = min(width, height), max(width, height)
        if self.by is FitBy.LONG:
            scale = self.side / long
        else:
            scale = min(self.side / short, self.MAX_ASPECT * self.side / long)
        if scale >= 1.0:
            return width, height
        return max(1, round(width * scale)), max(1, round(height * scale))


class Refused(Exception):  # noqa: N818 -- a verdict in words, not a bug
    """A file is not decoded; the text is a sentence for the user."""


class HelperUnavailable(Refused):
    """No helper process could be started: the fault is not the file's."""


def check_pixels(width: int, height: int, limit: int) -> None:
    """Refuse a picture by the size in its header.

    Args:
        width: Pixels.
        height: Pixels.
        limit: Most pixels allowed.

    Raises:
        Refused: If it has more pixels, or none.
    """
    if width <= 0 or height <= 0:
        raise Refused("The file gives the image no size.")
    if width * height > limit:
        raise Refused(
            f"The image has more than {limit // 1_000_000} megapixels"
            f" ({width:,} x {height:,}) and is refused."
        )

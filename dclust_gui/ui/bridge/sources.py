"""What the bridge needs of the services, so that tests can stand in for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class ThumbnailSource(Protocol):
    """Decodes images; every method may be called on any thread."""

    def load(self, path: Path, content: bytes, side_px: int) -> NDArray[np.uint8] | None:
        """A small picture.

        Args:
            path: The file.
            content: Its content hash; empty when it is not known yet.
            side_px: Longest side, pixels.

        Returns:
            uint8 (height, width, 3), sRGB, upright; None if the file is unreadable.
        """

    def full(self, path: Path, max_side: int) -> NDArray[np.uint8] | None:
        """A large picture, decoded from the file; arrays as in `load`."""

    def details(self, path: Path) -> tuple[tuple[str, str], ...]:
        """EXIF and file facts as label and text, fit to show."""

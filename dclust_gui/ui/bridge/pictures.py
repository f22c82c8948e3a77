"""Turns pixel arrays into Qt images, off the GUI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

if TYPE_CHECKING:
    from numpy.typing import NDArray


def image_of(pixels: NDArray[np.uint8], max_side: int = 0) -> QImage:
    """A Qt image with its own memory, in the format that paints fastest.

    Args:
        pixels: uint8 (height, width, 3), sRGB.
        max_side: Longest side of the result; 0 leaves the size.
    """
    data = np.ascontiguousarray(pixels)
    height, width = data.shape[:2]
    view = QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    if max_side and max(width, height) > max_side:
        view = view.scaled(
            max_side,
            max_side,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    return view.convertToFormat(QImage.Format.Format_RGB32)

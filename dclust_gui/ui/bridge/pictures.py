"""Turns pixel arrays into Qt images, off the GUI thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HAIRLINE = QColor(128, 128, 128, 110)


def image_of(pixels: NDArray[np.uint8], side_px: int = 0) -> QImage:
    """A Qt image with its own memory, in the format that paints fastest.

    Small pictures are enlarged to the size wanted here, once, and not at each painting.

    Args:
        pixels: uint8 (height, width, 3), sRGB.
        side_px: Longest side of the result; 0 leaves the size.
    """
    data = np.ascontiguousarray(pixels)
    height, width = data.shape[:2]
    view = QImage(data.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    if side_px and max(width, height) != side_px:
        view = view.scaled(
            side_px,
            side_px,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
    return view.convertToFormat(QImage.Format.Format_RGB32)


def framed(image: QImage) -> QImage:
    """The image with a hairline around it, which sets it off from light and dark grounds alike.

    Drawn into the image once, off the GUI thread: drawing it at each painting costs more than the
    picture itself.
    """
    painter = QPainter(image)
    painter.setPen(_HAIRLINE)
    painter.drawRect(0, 0, image.width() - 1, image.height() - 1)
    painter.end()
    return image

"""Drags images out of the gallery: ids inside the window, copies of the files elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

from PySide6.QtCore import QByteArray, QMimeData, QPoint, QRectF, Qt, QUrl
from PySide6.QtGui import QColor, QDrag, QFont, QFontMetrics, QPainter, QPen, QPixmap

from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, encode_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dclust_gui.ui.models.gallery_model import GalleryModel
    from dclust_gui.ui.views.gallery_view import GalleryView

MAX_DRAGGED_FILES = 1_000
"""Above this many images a drag carries no files for other applications, only the ids."""

_IMAGE_SIDE_PX = 96
_BADGE_PX = 26
_POINTER_GAP_PX = 14  # right of and below the pointer, so that the target's name can be read


def file_url(path: Path) -> QUrl:
    """The file's address; names that are not UTF-8 keep their bytes."""
    text = os.fsencode(path) if os.name != "nt" else b""
    if not text:
        return QUrl.fromLocalFile(str(path))
    return QUrl.fromEncoded(QByteArray(b"file://" + quote_from_bytes(text).encode()))


def mime_of(model: GalleryModel, ids: Sequence[int]) -> QMimeData:
    """What a drag carries."""
    data = QMimeData()
    data.setData(IMAGE_IDS_MIME, QByteArray(encode_ids(ids)))
    if len(ids) <= MAX_DRAGGED_FILES:
        data.setUrls([file_url(model.path_of(image)) for image in ids])
    return data


def drag_pixmap(thumbnail: QPixmap | None, n_images: int, ratio: float, accent: QColor) -> QPixmap:
    """A translucent thumbnail with the number of images.

    Args:
        thumbnail: Of the image under the mouse; None while there is none.
        n_images: How many are dragged.
        ratio: Device pixel ratio.
        accent: Colour of the number's plate.
    """
    side, room = _IMAGE_SIDE_PX, _IMAGE_SIDE_PX + _BADGE_PX
    picture = QPixmap(round(room * ratio), round(room * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    box = QRectF(0, _BADGE_PX / 2, side, side)
    if thumbnail is not None:
        scale = side / max(thumbnail.width(), thumbnail.height(), 1)
        fitted = QRectF(0, 0, thumbnail.width() * scale, thumbnail.height() * scale)
        fitted.moveCenter(box.center())
        box = fitted
    painter.setOpacity(0.75)
    if n_images > 1:
        painter.setPen(QPen(QColor(120, 120, 120), 1))
        painter.setBrush(QColor(245, 245, 245))
        painter.drawRect(box.translated(5, 5).adjusted(0.5, 0.5, -0.5, -0.5))
    if thumbnail is None:
        painter.fillRect(box, QColor(128, 128, 128))
    else:
        painter.drawPixmap(box, thumbnail, QRectF(thumbnail.rect()))
    painter.setOpacity(1)
    if n_images > 1:
        _paint_count(painter, box, f"{n_images:,}", accent)
    painter.end()
    return picture


def run_drag(view: GalleryView, ids: Sequence[int], image: int) -> None:
    """Drag images until they are dropped or Esc is pressed; other applications only get copies.

    Args:
        view: The gallery.
        ids: Images to drag.
        image: The one under the mouse.
    """
    if not ids:
        return
    drag = QDrag(view)
    drag.setMimeData(mime_of(view.gallery, ids))
    accent = view.palette().highlight().color()
    ratio = view.devicePixelRatioF()
    drag.setPixmap(drag_pixmap(view.gallery.picture_of(image), len(ids), ratio, accent))
    drag.setHotSpot(QPoint(-_POINTER_GAP_PX, -_POINTER_GAP_PX))
    drag.exec(Qt.DropAction.CopyAction)


def _paint_count(painter: QPainter, box: QRectF, text: str, accent: QColor) -> None:
    font = QFont(painter.font())
    font.setPixelSize(13)
    font.setBold(True)
    painter.setFont(font)
    width = max(_BADGE_PX, QFontMetrics(font).horizontalAdvance(text) + 14)
    plate = QRectF(0, 0, width, _BADGE_PX)
    plate.moveCenter(box.topRight())
    plate.moveLeft(min(plate.left(), _IMAGE_SIDE_PX + _BADGE_PX - width))
    plate.moveTop(max(0.0, plate.top()))
    painter.setPen(QPen(QColor("white"), 1.5))
    painter.setBrush(accent)
    inner = plate.adjusted(1, 1, -1, -1)
    painter.drawRoundedRect(inner, inner.height() / 2, inner.height() / 2)
    painter.setPen(QColor("white") if accent.lightness() < 160 else QColor("black"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)

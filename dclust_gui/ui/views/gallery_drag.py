"""Drags images out of gallery and map: ids inside the window, copies of the files elsewhere.

Other programs are offered to copy and nothing else, so that no drop can move or delete an original.
All files of an image go along: RAW and JPEG, side files.
"""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote_from_bytes

from PySide6.QtCore import QByteArray, QMimeData, QPoint, QRectF, Qt, QUrl
from PySide6.QtGui import QColor, QDrag, QFont, QFontMetrics, QPainter, QPen, QPixmap

from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, encode_ids

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from dclust_gui.ui.views.gallery_view import GalleryView

MAX_DRAGGED_FILES = 5_000
"""With more files a drag carries only ids, as a part of the files would be a trap."""

TOO_MANY = f"Too many for other programs: above {MAX_DRAGGED_FILES:,} files, export them"
"""Said beside the pointer then."""

_IMAGE_SIDE_PX = 96
_BADGE_PX = 26
_POINTER_GAP_PX = 14  # right of and below the pointer, so that the target's name can be read


def file_url(path: Path) -> QUrl:
    """The file's address; names that are not UTF-8 keep their bytes."""
    text = os.fsencode(path) if os.name != "nt" else b""
    if not text:
        return QUrl.fromLocalFile(str(path))
    return QUrl.fromEncoded(QByteArray(b"file://" + quote_from_bytes(text).encode()))


class HasFiles(Protocol):
    """Knows the files of images."""

    def files_of(self, image: int, /) -> list[Path]:
        """An image's file and those that travel with it; none if it is missing."""


def mime_of(model: HasFiles, ids: Sequence[int]) -> QMimeData:
    """What a drag carries: the ids, and the addresses of all files unless they are too many."""
    data = QMimeData()
    data.setData(IMAGE_IDS_MIME, QByteArray(encode_ids(ids)))
    every = (path for image in ids for path in model.files_of(image))
    files = list(islice(every, MAX_DRAGGED_FILES + 1))
    if files and len(files) <= MAX_DRAGGED_FILES:
        data.setUrls([file_url(path) for path in files])
    return data


def drag_pixmap(
    thumbnail: QPixmap | None, n_images: int, ratio: float, accent: QColor, note: str = ""
) -> QPixmap:
    """A translucent thumbnail with the number of images.

    Args:
        thumbnail: Of the image under the mouse; None while there is none.
        n_images: How many are dragged.
        ratio: Device pixel ratio.
        accent: Colour of the number's plate.
        note: Said below it; empty for nothing.
    """
    side, room = _IMAGE_SIDE_PX, _IMAGE_SIDE_PX + _BADGE_PX
    wide = max(room, _note_width(note))
    tall = room + (_BADGE_PX if note else 0)
    picture = QPixmap(round(wide * ratio), round(tall * ratio))
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
    if note:
        _paint_plate(painter, QRectF(0, room, wide, _BADGE_PX), note, accent)
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
    carry(drag, view, view.gallery.picture_of(image), len(ids))


def carry(drag: QDrag, view: QWidget, thumbnail: QPixmap | None, n_images: int) -> None:
    """Carry a picture of images along the pointer until they are dropped; they are only copied.

    Args:
        drag: Has its data.
        view: Where it begins.
        thumbnail: Of the image under the mouse; None while there is none.
        n_images: How many are dragged.
    """
    accent = view.palette().highlight().color()
    note = "" if drag.mimeData().hasUrls() or n_images <= 1 else TOO_MANY
    drag.setPixmap(drag_pixmap(thumbnail, n_images, view.devicePixelRatioF(), accent, note))
    drag.setHotSpot(QPoint(-_POINTER_GAP_PX, -_POINTER_GAP_PX))
    drag.exec(Qt.DropAction.CopyAction)


def _paint_count(painter: QPainter, box: QRectF, text: str, accent: QColor) -> None:
    width = max(_BADGE_PX, QFontMetrics(_plate_font()).horizontalAdvance(text) + 14)
    plate = QRectF(0, 0, width, _BADGE_PX)
    plate.moveCenter(box.topRight())
    plate.moveLeft(min(plate.left(), _IMAGE_SIDE_PX + _BADGE_PX - width))
    plate.moveTop(max(0.0, plate.top()))
    _paint_plate(painter, plate, text, accent)


def _plate_font() -> QFont:
    font = QFont()
    font.setPixelSize(13)
    font.setBold(True)
    return font


def _note_width(note: str) -> int:
    return QFontMetrics(_plate_font()).horizontalAdvance(note) + 20 if note else 0


def _paint_plate(painter: QPainter, plate: QRectF, text: str, accent: QColor) -> None:
    painter.setFont(_plate_font())
    painter.setPen(QPen(QColor("white"), 1.5))
    painter.setBrush(accent)
    inner = plate.adjusted(1, 1, -1, -1)
    painter.drawRoundedRect(inner, inner.height() / 2, inner.height() / 2)
    painter.setPen(QColor("white") if accent.lightness() < 160 else QColor("black"))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)

"""Saves what the dendrogram shows as a picture, PNG or SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRect, QSize
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgGenerator

from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.services.tree_export import write_bytes
from dclust_gui.ui.views.dendrogram_painter import Attention
from dclust_gui.ui.views.theme import LIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.ui.views.dendrogram_view import DendrogramView

PICTURE_SUFFIXES = (".svg", ".png")
_PNG_SCALE = 2


def save_view(view: DendrogramView, path: Path) -> None:
    """Write what is in view, in the light look, as a picture; the suffix says which kind.

    Raises:
        InputError: If there is no tree, the suffix is unknown, or an image would be overwritten.
        StorageError: If the file cannot be written.
    """
    if view.model.tree is None:
        raise InputError("There is no tree to save yet.")
    suffix = path.suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        raise InputError(f"'{path.name}' is neither .svg nor .png.")
    data = svg_of(view) if suffix == ".svg" else png_of(view)
    if not data.startswith((b"<?xml", b"\x89PNG")):
        raise StorageError(f"Could not draw the tree for '{path}'.")
    write_bytes(path, data)


def svg_of(view: DendrogramView) -> bytes:
    """What is in view as SVG."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    size = view.viewport().size()
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle("Dendrogram")
    painter = QPainter(generator)
    view.painter.paint(painter, view.camera, LIGHT, Attention(), dark=False)
    painter.end()
    buffer.close()
    return bytes(data.data())


def png_of(view: DendrogramView) -> bytes:
    """What is in view as PNG, twice as fine as an ordinary screen."""
    size = view.viewport().size()
    picture = QImage(QSize(size) * _PNG_SCALE, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(_PNG_SCALE)
    painter = QPainter(picture)
    view.painter.paint(painter, view.camera, LIGHT, Attention(), dark=False)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(picture)
    return bytes(data.data())

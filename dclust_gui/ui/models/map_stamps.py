"""The dots of a map: each cluster's mark in its colour, with an edge, in several states."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from dclust_gui.domain.clustering import PALETTE_SIZE
from dclust_gui.ui.models.map_shading import Stamps
from dclust_gui.ui.models.palette import NO_COLOUR, cluster_colour, mark_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNASSIGNED_TONE = PALETTE_SIZE
"""Place in the tables of images without a cluster, after the palette's colours."""

N_TONES = PALETTE_SIZE + 1

LEAST_MARK_PX = 7
"""Smaller dots are discs: shapes could not be told apart."""

_EDGE_PX = 1
_DIM_SHARE = 0.28
_RIM_SHARE = 0.45
_RING_SHARE = 0.13


class DotState(IntEnum):
    """How a dot is drawn."""

    PLAIN = 0
    DIM = 1
    SELECTED = 2


def tone_table(*, dark: bool) -> NDArray[np.float32]:
    """Colours by tone: float32 (`N_TONES`, 3), 0 to 255."""
    colours = [cluster_colour(index, dark) for index in (*range(PALETTE_SIZE), NO_COLOUR)]
    return np.array([[c.red(), c.green(), c.blue()] for c in colours], np.float32)


def kinds_of(
    tones: NDArray[np.integer], is_dim: NDArray[np.bool_], is_selected: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Which of `dot_stamps` each point takes."""
    state = np.where(is_selected, int(DotState.SELECTED), np.where(is_dim, int(DotState.DIM), 0))
    kinds: NDArray[np.int64] = tones + N_TONES * state
    return kinds


def dot_stamps(side_px: int, base: QColor, accent: QColor, *, dark: bool) -> Stamps:
    """All dots of one size.

    Args:
        side_px: Side of the marks, device pixels.
        base: The background, which also makes the edges.
        accent: Ring around selected ones.
        dark: For a dark background.
    """
    whole = side_px + 2 * _EDGE_PX + 2 * (side_px >= LEAST_MARK_PX)
    middle = whole // 2
    rows, columns = np.mgrid[:whole, :whole]
    inside = np.hypot(rows - (whole - 1) / 2, columns - (whole - 1) / 2) <= whole / 2
    pictures = [
        _dot(whole, side_px, tone, state, base, accent, dark=dark)[inside]
        for state in DotState
        for tone in range(N_TONES)
    ]
    return Stamps(
        (columns[inside] - middle).astype(np.int32),
        (rows[inside] - middle).astype(np.int32),
        np.array(pictures, np.uint32),
        middle + 1,
    )


def _dot(
    whole: int,
    side_px: int,
    tone: int,
    state: DotState,
    base: QColor,
    accent: QColor,
    *,
    dark: bool,
) -> NDArray[np.uint32]:
    """One dot: uint32 (whole, whole)."""
    pixels = np.zeros((whole, whole), np.uint32)
    image = QImage(pixels.data, whole, whole, 4 * whole, QImage.Format.Format_RGB32)
    image.fill(base)
    is_disc = side_px < LEAST_MARK_PX or tone == UNASSIGNED_TONE
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    index = NO_COLOUR if tone == UNASSIGNED_TONE else tone
    colour = cluster_colour(index, dark)
    box = QRectF(0, 0, side_px, side_px)
    box.moveCenter(QRectF(0, 0, whole, whole).center())
    if state is DotState.SELECTED:
        painter.setBrush(accent)
        painter.drawEllipse(QRectF(0, 0, whole, whole))
        if not is_disc:
            inner = max(whole * _RING_SHARE, 1.0)
            painter.setBrush(base)
            painter.drawEllipse(QRectF(0, 0, whole, whole).adjusted(inner, inner, -inner, -inner))
            box.adjust(inner, inner, -inner, -inner)
    if state is DotState.DIM:
        colour.setAlphaF(_DIM_SHARE)
    painter.setBrush(colour)
    if is_disc and state is not DotState.SELECTED:
        painter.setOpacity(_RIM_SHARE)
        painter.drawRect(QRectF(0, 0, whole, whole))
        painter.setOpacity(1)
    if is_disc:
        painter.drawEllipse(box)
    else:
        painter.drawPath(mark_path(box, index))
    painter.end()
    return pixels

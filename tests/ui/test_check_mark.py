"""Painted check boxes tell their three states apart in both looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter

from dclust_gui.ui.views.check_mark import paint_check
from dclust_gui.ui.views.theme import DARK, LIGHT, Colours, make_palette

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_the_three_states_differ(qapp: QApplication, look: Colours) -> None:
    pictures = []
    for state in Qt.CheckState:
        image = QImage(18, 18, QImage.Format.Format_RGB32)
        image.fill(look.window)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_check(painter, QRect(0, 0, 18, 18), make_palette(look), state)
        painter.end()
        pictures.append(image)
    assert all(a != b for i, a in enumerate(pictures) for b in pictures[i + 1 :])
    empty = pictures[list(Qt.CheckState).index(Qt.CheckState.Unchecked)]
    edge, ground = empty.pixelColor(9, 2).lightness(), empty.pixelColor(0, 0).lightness()
    assert abs(edge - ground) > 60  # an empty box is seen, too

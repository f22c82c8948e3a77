"""A picture grid that can be scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

if TYPE_CHECKING:
    from dclust_gui.ui.views.section_grid import SectionGrid


class GridScroller(QScrollArea):
    """Scrolls a grid, and keeps the picture with the focus in sight.

    Args:
        grid: What is scrolled.
        parent: Owner.
    """

    def __init__(self, grid: SectionGrid, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidget(grid)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        grid.current_moved.connect(self._on_grid_current_moved)

    @Slot(QRect)
    def _on_grid_current_moved(self, place: QRect) -> None:
        middle = place.center()
        self.ensureVisible(middle.x(), middle.y(), place.width() // 2, place.height() // 2 + 8)

"""What Qt asks of a view, answered for cells whose places are known."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
)
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import QAbstractItemView, QFrame

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from dclust_gui.ui.models.gallery_model import GalleryModel
    from dclust_gui.ui.views.gallery_layout import GalleryLayout

_LEAST_WIDTH_PX = 124
_LEAST_HEIGHT_PX = 104


class GalleryBase(QAbstractItemView):
    """A view of cells in lines that scrolls downwards; its selection is the session's.

    Args:
        model: The rows.
        parent: Owner.
    """

    def __init__(self, model: GalleryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gallery = model

    @property
    def gallery(self) -> GalleryModel:
        """The rows."""
        return self._gallery

    @property
    @abstractmethod
    def geometry_of_cells(self) -> GalleryLayout:
        """Where cells lie, in content coordinates."""

    @abstractmethod
    def row_at(self, point: QPoint) -> int:
        """The row at a point of the viewport; -1 between cells."""

    @abstractmethod
    def show_row(self, row: int) -> None:
        """Scroll just as far as needed to see a row."""

    @abstractmethod
    def row_after(self, action: QAbstractItemView.CursorAction) -> int:
        """The row that a cursor action leads to; -1 for none."""

    def visible_area(self) -> QRect:
        """What is in sight, in content coordinates."""
        return self.viewport().rect().translated(0, self.verticalOffset())

    def to_content(self, point: QPoint) -> QPoint:
        """A point of the viewport in content coordinates."""
        return point + QPoint(0, self.verticalOffset())

    def cell_on_screen(self, row: int) -> QRect:
        """A cell in viewport coordinates."""
        return self.geometry_of_cells.cell_rect(row).translated(0, -self.verticalOffset())

    def update_row(self, row: int) -> None:
        """Paint one cell anew."""
        if row >= 0:
            self.viewport().update(self.cell_on_screen(row))

    def _set_up(self) -> None:
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Images")
        self.setMinimumSize(_LEAST_WIDTH_PX, _LEAST_HEIGHT_PX)

    # -- Qt ----------------------------------------------------------------------------------

    def visualRect(self, index: QModelIndex | QPersistentModelIndex) -> QRect:
        """A cell in viewport coordinates."""
        return self.cell_on_screen(index.row()) if index.isValid() else QRect()

    def scrollTo(
        self,
        index: QModelIndex | QPersistentModelIndex,
        hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Scroll as far as needed to see a row."""
        if hint == QAbstractItemView.ScrollHint.PositionAtTop:
            self.verticalScrollBar().setValue(
                self.geometry_of_cells.cell_rect(index.row()).top() - 4
            )
        else:
            self.show_row(index.row())

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The row at a point of the viewport."""
        row = self.row_at(point)
        return self._gallery.index(row) if row >= 0 else QModelIndex()

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, _modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """The row that a cursor action leads to."""
        row = self.row_after(action)
        return self._gallery.index(row) if row >= 0 else QModelIndex()

    def horizontalOffset(self) -> int:
        """Always 0: lines are as wide as the view."""
        return 0

    def verticalOffset(self) -> int:
        """How far the view is scrolled, pixels."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, _index: QModelIndex | QPersistentModelIndex) -> bool:
        """No row is hidden."""
        return False

    def setSelection(self, _rect: QRect, _flags: QItemSelectionModel.SelectionFlag) -> None:
        """Do nothing: the selection is the session's, see `selection_requested`."""

    def visualRegionForSelection(self, _selection: QItemSelection) -> QRegion:
        """Nothing: the selection is the session's."""
        return QRegion()

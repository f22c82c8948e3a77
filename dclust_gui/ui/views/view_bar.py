"""The bar above the images: back, forward, which view, the filter box."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QWidget

from dclust_gui.ui.views.filter_box import FilterBox
from dclust_gui.ui.views.theme import GRID, ICON_SIDE, icon

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton


class View(StrEnum):
    """A way to look at the images."""

    GALLERY = "gallery"
    DENDROGRAM = "dendrogram"
    MAP = "map"
    REVIEW = "review"


_TITLE_WIDTH = GRID * 24
_TITLES = {
    View.GALLERY: "Gallery",
    View.DENDROGRAM: "Dendrogram",
    View.MAP: "Map",
    View.REVIEW: "Review",
}


class ViewBar(QWidget):
    """Tells wishes; `set_view` and `set_steps` show what holds.

    Signals:
        view_requested: A `View`.
        back_requested: Go back to what was shown before.
        forward_requested: Go forward again.
        result_closed: Show no search result any more.
    """

    view_requested = Signal(object)
    back_requested = Signal()
    forward_requested = Signal()
    result_closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filter = FilterBox(self)
        self._back = self._button("Back (Alt+Left)", "Back")
        self._forward = self._button("Forward (Alt+Right)", "Forward")
        self._close = self._button("Close the search result", "Close the search result")
        self._result = QLabel(self)
        self._group = QButtonGroup(self)
        self._buttons = {view: self._view_button(view) for view in View}
        self._place()
        self._connect()
        self.set_view(View.GALLERY)
        self.set_steps(can_go_back=False, can_go_forward=False)
        self.set_result("")
        self._follow_look()

    def set_view(self, view: View) -> None:
        """Show which view is open."""
        self._buttons[view].setChecked(True)

    def clear_view(self) -> None:
        """Show that another page than one of the views is open."""
        self._group.setExclusive(False)
        for button in self._buttons.values():
            button.setChecked(False)
        self._group.setExclusive(True)

    def set_steps(self, *, can_go_back: bool, can_go_forward: bool) -> None:
        """Show whether there is something to go back or forward to."""
        self._back.setEnabled(can_go_back)
        self._forward.setEnabled(can_go_forward)

    def set_result(self, title: str) -> None:
        """Name the search result that is shown; empty for none."""
        elide = Qt.TextElideMode.ElideMiddle
        self._result.setText(self.fontMetrics().elidedText(title, elide, _TITLE_WIDTH))
        self._result.setToolTip(title)
        self._result.setVisible(bool(title))
        self._close.setVisible(bool(title))

    def _button(self, tip: str, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
        button.setToolTip(tip)
        button.setAccessibleName(name)
        return button

    def _view_button(self, view: View) -> QToolButton:
        button = QToolButton(self)
        button.setText(_TITLES[view])
        button.setCheckable(True)
        button.setProperty("look", "choice")
        button.setAccessibleName(f"Show as {_TITLES[view].lower()}")
        self._group.addButton(button)
        return button

    def _place(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID // 2)
        for button in (self._back, self._forward):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        row.addSpacing(GRID)
        for choice in self._buttons.values():
            row.addWidget(choice, 0, Qt.AlignmentFlag.AlignTop)
        row.addSpacing(GRID)
        row.addWidget(self._result)
        row.addWidget(self._close)
        row.addStretch(1)
        self.filter.setMinimumWidth(GRID * 16)
        self.filter.setMaximumWidth(GRID * 48)
        row.addWidget(self.filter, 3)

    def _connect(self) -> None:
        self._back.clicked.connect(self.back_requested)
        self._forward.clicked.connect(self.forward_requested)
        self._close.clicked.connect(self.result_closed)
        self._group.buttonClicked.connect(self._on_group_button_clicked)

    def _follow_look(self) -> None:
        palette = self.palette()
        self._back.setIcon(icon("back", palette))
        self._forward.setIcon(icon("forward", palette))
        self._close.setIcon(icon("close", palette))

    @Slot("QAbstractButton*")
    def _on_group_button_clicked(self, button: QAbstractButton) -> None:
        for view, known in self._buttons.items():
            if known is button:
                self.view_requested.emit(view)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icons in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._follow_look()

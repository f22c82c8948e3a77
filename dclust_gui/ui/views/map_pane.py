"""The map with its bar: method, tools, pictures, legend, zoom, and how far a layout is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.services.mapping import MapMethod
from dclust_gui.ui.views.map_keys import ZOOM_STEP
from dclust_gui.ui.views.map_view import MapTool, MapView
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.gallery_source import GallerySource
    from dclust_gui.ui.models.map_model import MapModel

_METHODS = {
    MapMethod.PCA: "Principal components: at once, shows the broad directions",
    MapMethod.UMAP: "UMAP: like images lie together; seconds, minutes for very many images",
    MapMethod.TSNE: "t-SNE: like images lie together; minutes for thousands of images",
}
_TOOLS = {
    MapTool.PAN: "Drag to move the map; Shift and drag draws a lasso (H)",
    MapTool.LASSO: "Drag around images to select them; Ctrl adds (L)",
    MapTool.BOX: "Drag a rectangle to select images; Ctrl adds (R)",
}


class MapPane(QWidget):
    """A `MapView` and what sets it; the window connects the view's signals.

    Args:
        model: The images and their places.
        loader: Brings the pictures, for this view alone.
        preview_loader: Brings the picture under the pointer, likewise.
        parent: Owner.

    Signals:
        method_requested: A `MapMethod`.
        stop_requested: Lay nothing out any more.
        anew_requested: Lay out all images, those that came later too.
    """

    method_requested = Signal(object)
    stop_requested = Signal()
    anew_requested = Signal()

    def __init__(
        self,
        model: MapModel,
        loader: ThumbnailLoader,
        preview_loader: ThumbnailLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.view = MapView(model, loader, preview_loader, self)
        self._methods = QButtonGroup(self)
        self._method_buttons = {m: self._choice(m.value, self._methods) for m in MapMethod}
        self._tools = QButtonGroup(self)
        self._tool_buttons = {t: self._choice(t.value, self._tools) for t in MapTool}
        self._pictures = QCheckBox("Pictures", self)
        self._names = QCheckBox("Names", self)
        self._legend = QCheckBox("Legend", self)
        self._notice = QFrame(self.view)
        self._status = QLabel(self._notice)
        self._stop = QPushButton("Stop", self._notice)
        self._anew = QPushButton("Lay out again", self)
        self._fit = QPushButton("Fit", self)
        self._nearer = QPushButton("+", self)
        self._farther = QPushButton("−", self)  # noqa: RUF001 -- a minus sign
        self._place()
        self._name()
        self._connect()
        self._on_view_tool_changed(self.view.tool)
        self.set_method(MapMethod.UMAP)
        self.set_status("")
        self.set_anew_offered(n_later=0)
        self._on_model_layout_changed()

    # -- what is shown -----------------------------------------------------------------------

    def set_source(self, source: GallerySource | None) -> None:
        """Show another project, or none."""
        self.view.set_source(source)

    def set_method(self, method: MapMethod) -> None:
        """Show which method is wanted."""
        self._method_buttons[method].setChecked(True)

    def set_status(self, text: str, *, can_stop: bool = False) -> None:
        """Say how far a layout is; empty for nothing."""
        self._status.setText(text)
        self._stop.setVisible(can_stop)
        self._notice.setVisible(bool(text))
        self._notice.adjustSize()

    def set_anew_offered(self, n_later: int) -> None:
        """Offer to lay all images out again.

        Args:
            n_later: How many images were placed after the map was made; 0 offers nothing.
        """
        self._anew.setVisible(n_later > 0)
        self._anew.setToolTip(
            f"{n_later:,} images came after this map was made and were placed among the others."
            " Make a new map of all images."
        )

    # -- making ------------------------------------------------------------------------------

    def _choice(self, text: str, group: QButtonGroup) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setCheckable(True)
        button.setProperty("look", "choice")
        group.addButton(button)
        return button

    def _place(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        bar.setSpacing(GRID // 2)
        for method in self._method_buttons.values():
            bar.addWidget(method)
        bar.addSpacing(GRID * 2)
        for tool in self._tool_buttons.values():
            bar.addWidget(tool)
        bar.addSpacing(GRID * 2)
        bar.addWidget(self._pictures)
        bar.addSpacing(GRID // 2)
        bar.addWidget(self._names)
        bar.addSpacing(GRID // 2)
        bar.addWidget(self._legend)
        bar.addStretch(1)
        for button in (self._anew, self._farther, self._nearer, self._fit):
            bar.addWidget(button)
        for button in (self._farther, self._nearer):
            button.setFixedWidth(GRID * 5)
        note = QHBoxLayout(self._notice)
        note.setContentsMargins(GRID + GRID // 2, GRID // 2, GRID, GRID // 2)
        note.addWidget(self._status)
        note.addWidget(self._stop)
        self._notice.move(GRID, GRID)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self.view, 1)

    def _name(self) -> None:
        for method, choice in self._method_buttons.items():
            choice.setAccessibleName(f"Map by {method}")
            choice.setToolTip(_METHODS[method])
        for tool, choice in self._tool_buttons.items():
            choice.setAccessibleName(f"Tool: {tool.lower()}")
            choice.setToolTip(_TOOLS[tool])
        for widget, name, tip in (
            (self._pictures, "Pictures on the map", "Show pictures where there is room for them"),
            (self._names, "Names on the map", "Show clusters' names at their middles"),
            (self._legend, "Legend", "Show which colour and mark is which cluster"),
            (self._nearer, "Zoom in", "Zoom in (Ctrl++, wheel)"),
            (self._farther, "Zoom out", "Zoom out (Ctrl+-, wheel)"),
            (self._fit, "Show the whole map", "Show the whole map (Ctrl+0)"),
            (self._stop, "Stop laying out", "Keep the map as it is"),
            (self._anew, "Lay out again", "Make a new map of all images"),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        self._pictures.setChecked(True)
        self._names.setChecked(True)
        self._legend.setChecked(True)
        self._status.setAccessibleName("Progress of the map")
        self._notice.setAutoFillBackground(True)
        self._notice.setFrameShape(QFrame.Shape.StyledPanel)
        self._notice.setCursor(Qt.CursorShape.ArrowCursor)
        self.setFocusProxy(self.view)

    def _connect(self) -> None:
        view = self.view
        self._methods.buttonClicked.connect(self._on_methods_button_clicked)
        self._tools.buttonClicked.connect(self._on_tools_button_clicked)
        self._pictures.toggled.connect(view.set_pictures_shown)
        self._names.toggled.connect(view.set_names_shown)
        self._legend.toggled.connect(view.set_legend_shown)
        self._stop.clicked.connect(self.stop_requested)
        self._anew.clicked.connect(self.anew_requested)
        self._fit.clicked.connect(view.fit)
        self._nearer.clicked.connect(self._on_nearer_clicked)
        self._farther.clicked.connect(self._on_farther_clicked)
        view.tool_changed.connect(self._on_view_tool_changed)
        view.model.layout_changed.connect(self._on_model_layout_changed)

    @Slot("QAbstractButton*")
    def _on_methods_button_clicked(self, button: QAbstractButton) -> None:
        for method, known in self._method_buttons.items():
            if known is button:
                self.method_requested.emit(method)

    @Slot("QAbstractButton*")
    def _on_tools_button_clicked(self, button: QAbstractButton) -> None:
        for tool, known in self._tool_buttons.items():
            if known is button:
                self.view.set_tool(tool)
        self.view.setFocus()

    @Slot(object)
    def _on_view_tool_changed(self, tool: MapTool) -> None:
        with QSignalBlocker(self._tools):
            self._tool_buttons[tool].setChecked(True)

    @Slot()
    def _on_nearer_clicked(self) -> None:
        self.view.zoom(ZOOM_STEP)

    @Slot()
    def _on_farther_clicked(self) -> None:
        self.view.zoom(1 / ZOOM_STEP)

    @Slot()
    def _on_model_layout_changed(self) -> None:
        has_map = len(self.view.model.images) > 0
        for button in (self._fit, self._nearer, self._farther, *self._tool_buttons.values()):
            button.setEnabled(has_map)

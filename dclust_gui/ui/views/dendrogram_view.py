"""The dendrogram: a tree of up to 100,000 images with pictures, a cut that moves, and edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QToolTip, QWidget

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.views.dendrogram_branches import DendrogramBranches
from dclust_gui.ui.views.dendrogram_cutting import DendrogramCutting
from dclust_gui.ui.views.dendrogram_drag import DendrogramDrop
from dclust_gui.ui.views.dendrogram_keys import DendrogramKeys
from dclust_gui.ui.views.dendrogram_menu import branch_menu
from dclust_gui.ui.views.dendrogram_mouse import DendrogramMouse
from dclust_gui.ui.views.dendrogram_navigator import DendrogramNavigator
from dclust_gui.ui.views.dendrogram_painter import Attention, DendrogramPainter
from dclust_gui.ui.views.dendrogram_places import DendrogramPlaces
from dclust_gui.ui.views.theme import colours, is_dark

if TYPE_CHECKING:
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.dendrogram_camera import Camera
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel, DendrogramSource


class DendrogramView(QAbstractScrollArea):
    """Shows a `DendrogramModel`; says wishes and writes nothing.

    Args:
        model: The tree and its clusters.
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Attributes:
        pictures: The thumbnails.
        painter: What paints; knows which pictures are in view.
        navigator: Holds the camera and moves it.
        cutting: Moves the cut.
        places: Knows what lies where.
        branches: Turns branches into images and wishes.
        drops: Takes drops.

    Signals:
        selection_requested: A `Selection` that the session should take over.
        preview_requested: id of the image to show large.
        cut_previewed: A `CutPreview` while the cut is moved, at most one per 60 ms; None after.
        cut_requested: A `CutRequest`, once, when the cut is let go.
        merge_requested: cluster ids (tuple) that were dropped on another, and that one.
        move_requested: image ids (tuple) that were dropped on a cluster, and that cluster.
        new_cluster_requested: image ids (tuple) of a branch.
        menu_opened: A branch's `QMenu` that is about to be shown, ids (a tuple) of its images.
        rename_requested: a cluster's id.
        export_requested: cluster ids (tuple) of a branch.
        camera_changed: Another part of the tree is shown.
        cut_shown: Another cut is shown, tried out or not.
        said: A short note for the status bar.
    """

    selection_requested = Signal(object)
    preview_requested = Signal(int)
    cut_previewed = Signal(object)
    cut_requested = Signal(object)
    merge_requested = Signal(object, int)
    move_requested = Signal(object, int)
    new_cluster_requested = Signal(object)
    rename_requested = Signal(int)
    menu_opened = Signal(object, object)
    export_requested = Signal(object)
    camera_changed = Signal()
    cut_shown = Signal()
    said = Signal(str)

    def __init__(
        self, model: DendrogramModel, loader: ThumbnailLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self.pictures = DendrogramPictures(loader, model, self)
        self.painter = DendrogramPainter(model, self.pictures)
        self.navigator = DendrogramNavigator(self, model)
        self.cutting = DendrogramCutting(model, self)
        self.places = DendrogramPlaces(model, self.navigator, self.painter)
        self.branches = DendrogramBranches(model, self.navigator, self.places, self)
        self.drops = DendrogramDrop(self)
        self._attention = Attention()
        self._mouse = DendrogramMouse(self)
        self._keys = DendrogramKeys(self)
        self._set_up()
        self._connect()

    def _set_up(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setAccessibleName("Dendrogram")
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def _connect(self) -> None:
        self._model.tree_changed.connect(self._on_model_tree_changed)
        self._model.changed.connect(self._on_model_changed)
        self.pictures.arrived.connect(self.viewport().update)
        self.navigator.moved.connect(self._on_navigator_moved)
        self.cutting.previewed.connect(self.cut_previewed)
        self.cutting.requested.connect(self.cut_requested)
        self.cutting.ended.connect(self._on_cutting_ended)
        self.branches.selection_requested.connect(self.selection_requested)
        self.branches.preview_requested.connect(self.preview_requested)

    # -- what is shown -----------------------------------------------------------------------

    def set_source(self, source: DendrogramSource | None) -> None:
        """Show another project, or none."""
        self.pictures.clear()
        self._model.set_source(source)

    def set_editable(self, is_editable: bool) -> None:
        """Let the cut be moved and branches be edited, or only looked at."""
        self.cutting.set_editable(is_editable)
        self.setAcceptDrops(is_editable)

    @property
    def is_editable(self) -> bool:
        """Whether the cut can be moved and branches be edited."""
        return self.cutting.is_editable

    @property
    def model(self) -> DendrogramModel:
        """The tree and its clusters."""
        return self._model

    @property
    def camera(self) -> Camera:
        """Which part of the tree is shown, and where."""
        return self.navigator.camera

    @property
    def current(self) -> int:
        """The branch that keys act on; `NO_NODE` for none."""
        return self._attention.current

    # -- branches ----------------------------------------------------------------------------

    def set_current(self, node: int) -> None:
        """Make a branch the one that keys act on, and bring it into view."""
        self._attention.current = node
        if node != NO_NODE:
            layout = self._model.layout
            self.navigator.show_range(float(layout.start[node]), float(layout.stop[node]))
            self.setAccessibleDescription(self._model.words_for(node))
            event = QAccessibleEvent(self, QAccessible.Event.DescriptionChanged)
            QAccessible.updateAccessibility(event)
        self.viewport().update()

    def set_target(self, node: int) -> None:
        """Mark the branch that would take what is being dragged."""
        if node != self._attention.target:
            self._attention.target = node
            self.viewport().update()

    def click(self, node: int, point: QPointF | None, *, toggles: bool, adds: bool) -> None:
        """Make a branch the current one and ask for its images to be selected.

        Args:
            node: The branch; nothing happens for `NO_NODE`.
            point: Where the pointer is, to make the image there the current one.
            toggles: Select or deselect it besides what is selected.
            adds: Select it besides what is selected.
        """
        if node != NO_NODE:
            self.set_current(node)
            self.branches.select(node, point, toggles=toggles, adds=adds)

    def reveal(self, node: int) -> None:
        """Make a branch the current one and zoom so that it is seen with what is around it."""
        self.navigator.show_surroundings(node)
        self.set_current(node)
        self.setFocus()

    def rename(self, node: int) -> None:
        """Ask for a new name of the cluster that a branch lies in."""
        cluster = self.places.cluster_of(node)
        if self.is_editable and cluster != UNASSIGNED:
            self.rename_requested.emit(cluster)

    def show_menu(self, node: int, place: QPoint) -> None:
        """Open the context menu of a branch.

        Args:
            node: The branch; nothing happens for `NO_NODE`.
            place: Where on the screen; the branch's own place if null.
        """
        if node == NO_NODE:
            return
        self.set_current(node)
        if place.isNull():
            place = self.viewport().mapToGlobal(self.branches.place_of(node).toPoint())
        menu = branch_menu(self, node)
        self.menu_opened.emit(menu, self.branches.images_of(node))
        menu.popup(place)

    # -- the pointer -------------------------------------------------------------------------

    def is_on_cut(self, point: QPointF) -> bool:
        """Whether a press there takes hold of the cut's line."""
        return self.is_editable and self.places.is_on_cut(point)

    def drag_cut(self, point: QPointF) -> None:
        """Take the cut's line to the pointer."""
        self._attention.is_cut_hot = True
        self.cutting.try_height(self.camera.height_at(self.camera.uv(point)[1]))

    def hover(self, point: QPointF) -> None:
        """Mark what lies under the pointer."""
        is_hot = self.is_on_cut(point)
        node = NO_NODE if is_hot else self.places.node_at(point)
        shape = Qt.CursorShape.ArrowCursor
        if is_hot:
            shape = (
                Qt.CursorShape.SplitVCursor
                if self.camera.is_upright
                else Qt.CursorShape.SplitHCursor
            )
        self.viewport().setCursor(shape)
        if (node, is_hot) != (self._attention.hover, self._attention.is_cut_hot):
            self._attention.hover, self._attention.is_cut_hot = node, is_hot
            self.viewport().update()

    def cancel_gesture(self) -> bool:
        """Give up dragging or trying out a cut; False if nothing is under way."""
        if self._mouse.cancel():
            return True
        if self._model.is_trying:
            self.cutting.cancel()
            return True
        return False

    # -- inside ------------------------------------------------------------------------------

    def _ask_for_pictures(self) -> None:
        cells = self.painter.cells
        if not cells:
            return
        side = request_side(cells[0].side_px, self.devicePixelRatioF())
        self.pictures.want((self._model.image_at(c.position) for c in cells), side)

    def _paint(self, painter: QPainter) -> None:
        if self._model.tree is None:
            painter.fillRect(self.viewport().rect(), self.palette().base())
            painter.setPen(self.palette().placeholderText().color())
            place = self.viewport().rect().adjusted(24, 24, -24, -24)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(place, flags, self._model.message)
            return
        look, dark = colours(self.palette()), is_dark(self.palette())
        self.painter.paint(painter, self.camera, look, self._attention, dark=dark)
        self._ask_for_pictures()

    @Slot()
    def _on_model_tree_changed(self) -> None:
        self._attention = Attention(has_focus=self.hasFocus())
        self.pictures.clear()
        if self._model.tree is not None:
            self.navigator.start_over()
        self.viewport().update()
        self.cut_shown.emit()

    @Slot()
    def _on_model_changed(self) -> None:
        self.viewport().update()
        self.cut_shown.emit()

    @Slot()
    def _on_navigator_moved(self) -> None:
        self.viewport().update()
        self.camera_changed.emit()

    @Slot()
    def _on_cutting_ended(self) -> None:
        self._attention.is_cut_hot = False

    # -- Qt ----------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint what is in view."""
        painter = QPainter(self.viewport())
        try:
            self._paint(painter)
        finally:
            painter.end()

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Show the same images in the new size."""
        self.navigator.follow_size()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Follow the scroll bar."""
        self.navigator.follow_bar()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; with Shift stretch heights, sideways pan."""
        if self._model.tree is not None:
            self.navigator.turn_wheel(event)
            event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Zoom by pinching, answer tool tips, forget the pointer when it leaves."""
        kind = event.type()
        if kind == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.navigator.zoom(
                    max(1 + event.value(), 0.1), self.camera.uv(event.position())[0]
                )
                return True
        elif kind == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            node = self.places.node_at(QPointF(event.pos()))
            words = "" if node == NO_NODE else self._model.words_for(node)
            QToolTip.showText(event.globalPos(), words, self.viewport())
            return True
        elif kind == QEvent.Type.Leave and self._attention.hover != NO_NODE:
            self._attention.hover = NO_NODE
            self.viewport().update()
        return super().viewportEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to select, pan, cut or drag."""
        if self._model.tree is not None:
            self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with it."""
        if self._model.tree is not None:
            self._mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End it."""
        if self._model.tree is not None:
            self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Zoom to a branch or show an image."""
        if self._model.tree is not None:
            self._mouse.double_click(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, zoom, open, close, cut."""
        if not self._keys.press(event):
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the branch under the pointer."""
        if self._model.tree is None:
            return
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        point = QPointF(self.viewport().mapFrom(self, event.pos()))
        node = self.current if by_key else self.places.node_at(point)
        self.show_menu(node, QPoint() if by_key else event.globalPos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Let the window's own images in."""
        self.dragMoveEvent(event)
        if event.mimeData().formats() and not event.isAccepted():
            event.setAccepted(self.drops.accepts(event))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Mark where they would go."""
        self.drops.move(event)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The drag goes elsewhere."""
        self.drops.leave()
        self.set_target(NO_NODE)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them."""
        self.drops.drop(event)

    def focusInEvent(self, _event: QFocusEvent) -> None:
        """Show which branch keys act on."""
        self._attention.has_focus = True
        self.viewport().update()

    def focusOutEvent(self, _event: QFocusEvent) -> None:
        """Show that keys go elsewhere."""
        self._attention.has_focus = False
        self.viewport().update()

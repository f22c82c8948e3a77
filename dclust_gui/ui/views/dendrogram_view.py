"""The dendrogram: a tree of up to 100,000 images with pictures, a cut that moves, and edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QSignalBlocker, Qt, QTimer, Signal, Slot
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
from dclust_gui.domain.cuts import Cut
from dclust_gui.domain.height_scale import HeightScale
from dclust_gui.domain.selection import Selection
from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.services.cutting import CutRequest
from dclust_gui.ui.models.dendrogram_camera import Camera
from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures, request_side
from dclust_gui.ui.views.dendrogram_drag import DendrogramDrop
from dclust_gui.ui.views.dendrogram_keys import DendrogramKeys
from dclust_gui.ui.views.dendrogram_menu import branch_menu
from dclust_gui.ui.views.dendrogram_mouse import GRAB_PX, DendrogramMouse
from dclust_gui.ui.views.dendrogram_painter import Attention, DendrogramPainter
from dclust_gui.ui.views.theme import colours, is_dark

if TYPE_CHECKING:
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel, DendrogramSource

MAX_CLUSTERS = 1_000
"""Most clusters that the line can be dragged to."""

_WHEEL_STEP = 1.2
_PREVIEW_MS = 60
_BAR_STEPS_PX = 60


class DendrogramView(QAbstractScrollArea):
    """Shows a `DendrogramModel`; says wishes and writes nothing.

    Args:
        model: The tree and its clusters.
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        selection_requested: A `Selection` that the session should take over.
        preview_requested: id of the image to show large.
        cut_previewed: A `CutPreview` while the cut is moved, at most one per 60 ms; None after.
        cut_requested: A `CutRequest`, once, when the cut is let go.
        merge_requested: cluster ids (tuple) that were dropped on another, and that one.
        move_requested: image ids (tuple) that were dropped on a cluster, and that cluster.
        new_cluster_requested: image ids (tuple) of a branch.
        rename_requested: a cluster's id.
        export_requested: cluster ids (tuple) of a branch.
        camera_changed: Another part of the tree is shown.
        cut_shown: Another cut is shown, tried out or not.
    """

    selection_requested = Signal(object)
    preview_requested = Signal(int)
    cut_previewed = Signal(object)
    cut_requested = Signal(object)
    merge_requested = Signal(object, int)
    move_requested = Signal(object, int)
    new_cluster_requested = Signal(object)
    rename_requested = Signal(int)
    export_requested = Signal(object)
    camera_changed = Signal()
    cut_shown = Signal()

    def __init__(
        self, model: DendrogramModel, loader: ThumbnailLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._pictures = DendrogramPictures(loader, model, self)
        self._painter = DendrogramPainter(model, self._pictures)
        self._attention = Attention()
        self._is_log = False
        self._height_zoom = 1.0
        self._camera = Camera(1, 0.0, 1.0, 100.0, 100.0, is_upright=False, heights=HeightScale(1.0))
        self._is_editable = True
        self._anchor = NO_NODE
        self._mouse = DendrogramMouse(self)
        self._keys = DendrogramKeys(self)
        self._drops = DendrogramDrop(self)
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.setInterval(_PREVIEW_MS)
        self._telling.timeout.connect(self._on_telling_timeout)
        self._set_up()
        model.tree_changed.connect(self._on_model_tree_changed)
        model.changed.connect(self._on_model_changed)
        self._pictures.arrived.connect(self.viewport().update)

    def _set_up(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setAccessibleName("Dendrogram")
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        for bar in (self.horizontalScrollBar(), self.verticalScrollBar()):
            bar.setSingleStep(_BAR_STEPS_PX)
        self._show_bars()

    # -- what is shown -----------------------------------------------------------------------

    def set_source(self, source: DendrogramSource | None) -> None:
        """Show another project, or none."""
        self._pictures.clear()
        self._model.set_source(source)

    def set_editable(self, is_editable: bool) -> None:
        """Let the cut be moved and branches be edited, or only looked at."""
        self._is_editable = is_editable
        self.setAcceptDrops(is_editable)

    @property
    def is_editable(self) -> bool:
        """Whether the cut can be moved and branches be edited."""
        return self._is_editable

    @property
    def model(self) -> DendrogramModel:
        """The tree and its clusters."""
        return self._model

    @property
    def camera(self) -> Camera:
        """Which part of the tree is shown, and where."""
        return self._camera

    @property
    def pictures(self) -> DendrogramPictures:
        """The thumbnails."""
        return self._pictures

    @property
    def painter(self) -> DendrogramPainter:
        """What paints; knows which pictures are in view."""
        return self._painter

    @property
    def drops(self) -> DendrogramDrop:
        """What takes drops."""
        return self._drops

    @property
    def current(self) -> int:
        """The branch that keys act on; `NO_NODE` for none."""
        return self._attention.current

    @property
    def is_upright(self) -> bool:
        """Whether the root is at the top, rather than at the left."""
        return self._camera.is_upright

    @Slot(bool)
    def set_upright(self, is_upright: bool) -> None:
        """Put the root at the top, or at the left; the same images stay in view."""
        if is_upright != self._camera.is_upright:
            camera = self._camera
            self._camera = replace(camera, is_upright=is_upright)
            self._show_bars()
            self._resize_camera(camera.start, camera.stop, was_fit=camera.is_fit)

    @property
    def is_log(self) -> bool:
        """Whether heights are drawn as logarithms."""
        return self._is_log

    @Slot(bool)
    def set_log(self, is_log: bool) -> None:
        """Draw heights as logarithms, or in proportion."""
        self._is_log = is_log
        self._rescale_heights()

    # -- moving ------------------------------------------------------------------------------

    @Slot()
    def fit(self) -> None:
        """Show the whole tree."""
        self._height_zoom = 1.0
        self._rescale_heights()
        self._set_camera(self._camera.fitted())

    def zoom(self, factor: float, u: float | None = None) -> None:
        """Show leaves larger or smaller.

        Args:
            factor: Above 1 for larger.
            u: The pixel along the leaves that stays in place; the middle if None.
        """
        camera = self._camera
        middle = camera.axis_px + camera.content_px / 2
        self._set_camera(camera.zoomed(factor, middle if u is None else u))

    def zoom_heights(self, factor: float) -> None:
        """Stretch the heights; leaves stay in place."""
        self._height_zoom = min(max(self._height_zoom * factor, 1.0), 1e6)
        self._rescale_heights()

    def pan(self, pixels: float) -> None:
        """Move along the leaves."""
        self._set_camera(self._camera.panned(pixels))

    def show_branch(self, node: int) -> None:
        """Zoom so that a branch fills the view."""
        layout = self._model.layout
        start, stop = float(layout.start[node]), float(layout.stop[node])
        if node == layout.root:
            self.fit()
            return
        height = float(layout.height[layout.parent[node]])
        if not self._is_log and height > 0:
            self._height_zoom = max(layout.top / (height * 1.15), 1.0)
            self._rescale_heights()
        self._set_camera(self._camera.showing(start, stop))

    def show_image(self, image: int) -> None:
        """Bring an image into view, moving no more than needed."""
        position = self._model.position_of(image)
        camera = self._camera
        if position >= 0 and not camera.start <= position < camera.stop:
            room = camera.content_px / camera.scale
            self._set_camera(replace(camera, origin=position - room / 2).inside())

    # -- the cut -----------------------------------------------------------------------------

    def try_height(self, height: float) -> None:
        """Show the cut at a height, without writing anything."""
        layout = self._model.layout
        cut = Cut.from_height(layout, height)
        if cut.k > MAX_CLUSTERS:
            cut = Cut.from_k(layout, MAX_CLUSTERS)
        self._try(cut)

    def try_k(self, k: int) -> None:
        """Show the cut into k clusters, without writing anything."""
        self._try(Cut.from_k(self._model.layout, min(max(k, 1), self.most_clusters)))

    @property
    def most_clusters(self) -> int:
        """Most clusters that can be asked for."""
        return min(self._model.layout.n_leaves, MAX_CLUSTERS) if self._model.tree else 1

    def step_cut(self, step: int) -> None:
        """Cut into some clusters more or fewer, at once."""
        if self._is_editable:
            self.try_k(self._model.cut.k + step)
            self.commit_cut()

    def drag_cut(self, point: QPointF) -> None:
        """Take the cut's line to the pointer."""
        self._attention.is_cut_hot = True
        self.try_height(self._camera.height_at(self._camera.uv(point)[1]))

    @Slot()
    def commit_cut(self) -> None:
        """Ask for the cut that is shown; one step of the history."""
        if self._model.preview is None:
            return
        cut = self._model.cut
        self._telling.stop()
        self._attention.is_cut_hot = False
        self.cut_requested.emit(CutRequest.whole(cut))
        self._model.drop_preview()
        self.cut_previewed.emit(None)

    @Slot()
    def cancel_cut(self) -> None:
        """Show the present clusters again."""
        self._telling.stop()
        self._attention.is_cut_hot = False
        if self._model.preview is not None:
            self._model.drop_preview()
            self.cut_previewed.emit(None)

    def open_branch(self, node: int) -> None:
        """Cut one branch one merge deeper, all others untouched."""
        holder = self._model.present.holder(node)
        if self._is_editable and holder != NO_NODE and not self._model.layout.is_leaf(holder):
            self.cut_requested.emit(CutRequest.opened(self._model.present, holder))

    def close_branch(self, node: int) -> None:
        """Join the clusters of one branch, all others untouched."""
        if not self._is_editable:
            return
        present, layout = self._model.present, self._model.layout
        holder = present.holder(node)
        target = node if holder == NO_NODE else int(layout.parent[holder])
        if target != NO_NODE:
            self.cut_requested.emit(CutRequest.closed(present, target))

    # -- branches ----------------------------------------------------------------------------

    def images_below(self, node: int) -> tuple[int, ...]:
        """Ids of a branch's images."""
        layout = self._model.layout
        return self._model.images_of(int(layout.start[node]), int(layout.stop[node]))

    def whole_clusters(self, node: int) -> tuple[int, ...]:
        """The clusters a branch consists of; none if it is only part of one."""
        model = self._model
        source = model.source
        if source is None:
            return ()
        layout = model.layout
        inside = model.clusters_in(int(layout.start[node]), int(layout.stop[node]))
        total = source.saved_clustering.counts()
        is_whole = all(c != UNASSIGNED and total.get(c) == n for c, n in inside.items())
        return tuple(inside) if is_whole else ()

    def set_current(self, node: int) -> None:
        """Make a branch the one that keys act on, and bring it into view."""
        self._attention.current = node
        if node != NO_NODE:
            layout, camera = self._model.layout, self._camera
            start, stop = float(layout.start[node]), float(layout.stop[node])
            if stop <= camera.start or start >= camera.stop:
                room = camera.content_px / camera.scale
                self._set_camera(replace(camera, origin=(start + stop - room) / 2).inside())
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
        """Ask for a branch's images to be selected.

        Args:
            node: The branch.
            point: Where the pointer is, to make the image there the current one.
            toggles: Select or deselect it besides what is selected.
            adds: Select it besides what is selected.
        """
        source = self._model.source
        if source is None or node == NO_NODE:
            return
        self.set_current(node)
        images = frozenset(self.images_below(node))
        chosen = source.selection.images
        if toggles:
            images = chosen - images if images <= chosen else chosen | images
        elif adds:
            images |= chosen
        cell = None if point is None else self._cell_at(point)
        position = int(self._model.layout.start[node]) if cell is None else cell
        current = self._model.image_at(position)
        self.selection_requested.emit(Selection(images, current if current in images else None))

    def activate(self, node: int, point: QPointF) -> None:
        """Zoom to a branch; show an image large."""
        cell = self._cell_at(point)
        if node == NO_NODE:
            return
        if self._model.layout.is_leaf(node):
            position = int(self._model.layout.start[node]) if cell is None else cell
            self.preview_requested.emit(self._model.image_at(position))
        else:
            self.show_branch(node)

    def preview(self, node: int) -> None:
        """Ask for the most typical image of a branch to be shown large."""
        layout = self._model.layout
        place = self._model.exemplars.of(int(layout.start[node]), int(layout.stop[node]), 1)[0]
        self.preview_requested.emit(self._model.image_at(place))

    def rename(self, node: int) -> None:
        """Ask for a new name of the cluster that a branch lies in."""
        cluster = self.cluster_of(node)
        if self._is_editable and cluster != UNASSIGNED:
            self.rename_requested.emit(cluster)

    def cluster_of(self, node: int) -> int:
        """The cluster of the cut's branch that a node is or lies in, else `UNASSIGNED`."""
        cut = self._model.cut
        if cut.holder(node) == NO_NODE:
            return UNASSIGNED
        return int(self._model.cut_clusters[cut.index_of(float(self._model.layout.start[node]))])

    def node_at(self, point: QPointF) -> int:
        """The branch at a place on the view; `NO_NODE` where there is none."""
        if self._model.tree is None:
            return NO_NODE
        camera, layout = self._camera, self._model.layout
        u, v = camera.uv(point)
        position = camera.position_at(u)
        if u < camera.axis_px or not 0 <= position < layout.n_leaves:
            return NO_NODE
        if v >= camera.strip_start:
            return self._block_node(position)
        if v >= camera.tree_stop:
            return int(self._model.cut.nodes[self._model.cut.index_of(position)])
        return layout.branch_at(position, camera.height_at(v - GRAB_PX))

    def is_on_branch(self, point: QPointF, node: int) -> bool:
        """Whether a press there takes hold of the branch, rather than of the whole tree."""
        if node == NO_NODE or not self._is_editable:
            return False
        camera, model = self._camera, self._model
        u, v = camera.uv(point)
        if v >= camera.tree_stop:
            return True
        layout = model.layout
        start, stop = int(layout.start[node]), int(layout.stop[node])
        if model.selected_sums[stop] - model.selected_sums[start] == stop - start:
            return True
        is_near_stem = abs(u - camera.u_at(float(layout.centre[node]))) <= GRAB_PX
        is_near_bar = abs(v - camera.v_at(float(layout.height[node]))) <= GRAB_PX
        return is_near_stem or is_near_bar

    def is_on_cut(self, point: QPointF) -> bool:
        """Whether a press there takes hold of the cut's line."""
        if self._model.tree is None or not self._is_editable:
            return False
        camera = self._camera
        u, v = camera.uv(point)
        line = camera.v_at(self._model.cut.height)
        if u < camera.axis_px:
            return v <= camera.tree_stop + GRAB_PX
        return abs(v - line) <= GRAB_PX and v <= camera.tree_stop + GRAB_PX

    def hover(self, point: QPointF) -> None:
        """Mark what lies under the pointer."""
        is_hot = self.is_on_cut(point)
        node = NO_NODE if is_hot else self.node_at(point)
        shape = Qt.CursorShape.ArrowCursor
        if is_hot:
            shape = Qt.CursorShape.SplitVCursor if self.is_upright else Qt.CursorShape.SplitHCursor
        self.viewport().setCursor(shape)
        if (node, is_hot) != (self._attention.hover, self._attention.is_cut_hot):
            self._attention.hover, self._attention.is_cut_hot = node, is_hot
            self.viewport().update()

    def cancel_gesture(self) -> bool:
        """Give up dragging or trying out a cut; False if nothing is under way."""
        if self._mouse.cancel():
            return True
        if self._model.preview is not None:
            self.cancel_cut()
            return True
        return False

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
            camera, layout = self._camera, self._model.layout
            u = min(max(camera.u_at(float(layout.centre[node])), 0), camera.length_px)
            v = max(camera.v_at(float(layout.height[node])), 0.0)
            place = self.viewport().mapToGlobal(camera.point(u, v).toPoint())
        branch_menu(self, node).popup(place)

    # -- inside ------------------------------------------------------------------------------

    def _try(self, cut: Cut) -> None:
        shown = self._model.cut
        if cut.k == shown.k and cut.height == shown.height and cut.is_same_as(shown):
            return
        self._model.try_cut(cut)
        if not self._telling.isActive():
            self._telling.start()

    def _cell_at(self, point: QPointF) -> int | None:
        """Position of the image whose picture is at a place."""
        camera = self._camera
        for cell in self._painter.cells:
            if camera.rect(cell.u, cell.v, cell.side_px, cell.side_px).contains(point):
                return cell.position
        return None

    def _block_node(self, position: float) -> int:
        """The branch whose pictures are at a position."""
        block = next((b for b in self._painter.blocks if b.start <= position < b.stop), None)
        layout = self._model.layout
        if block is None:
            return int(layout.order[int(position)])
        if block.node == NO_NODE:
            return layout.spanning(block.start, block.stop)
        return block.node

    def _set_camera(self, camera: Camera) -> None:
        self._camera = camera
        self._show_place()
        self.viewport().update()
        self.camera_changed.emit()

    def _rescale_heights(self) -> None:
        if self._model.tree is None:
            return
        layout = self._model.layout
        top = layout.top * 1.04 / self._height_zoom
        scale = HeightScale.of(layout.tree[:, 2], top, is_log=self._is_log)
        self._set_camera(replace(self._camera, heights=scale))

    def _resize_camera(self, start: float, stop: float, *, was_fit: bool) -> None:
        size = self.viewport().size()
        lengths = (float(size.width()), float(size.height()))
        length, depth = lengths if self.is_upright else lengths[::-1]
        camera = replace(self._camera, length_px=length, depth_px=depth)
        self._set_camera(camera.fitted() if was_fit else camera.showing(start, stop, 0.0))

    def _show_bars(self) -> None:
        on, off = Qt.ScrollBarPolicy.ScrollBarAlwaysOn, Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setHorizontalScrollBarPolicy(on if self.is_upright else off)
        self.setVerticalScrollBarPolicy(off if self.is_upright else on)

    def _show_place(self) -> None:
        """Bring the scroll bar to where the camera is."""
        camera = self._camera
        bar = self.horizontalScrollBar() if self.is_upright else self.verticalScrollBar()
        total = camera.n_leaves * camera.scale
        with QSignalBlocker(bar):
            bar.setRange(0, max(round(total - camera.content_px), 0))
            bar.setPageStep(max(round(camera.content_px), 1))
            bar.setValue(round(camera.origin * camera.scale))

    def _ask_for_pictures(self) -> None:
        cells = self._painter.cells
        if not cells:
            return
        side = request_side(cells[0].side_px, self.devicePixelRatioF())
        self._pictures.want((self._model.image_at(c.position) for c in cells), side)

    def _paint(self, painter: QPainter) -> None:
        if self._model.tree is None:
            painter.fillRect(self.viewport().rect(), self.palette().base())
            painter.setPen(self.palette().placeholderText().color())
            place = self.viewport().rect().adjusted(24, 24, -24, -24)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(place, flags, self._model.message)
            return
        look, dark = colours(self.palette()), is_dark(self.palette())
        self._painter.paint(painter, self._camera, look, self._attention, dark=dark)
        self._ask_for_pictures()

    @Slot()
    def _on_model_tree_changed(self) -> None:
        self._attention = Attention(has_focus=self.hasFocus())
        self._pictures.clear()
        if self._model.tree is not None:
            self._height_zoom = 1.0
            self._camera = replace(self._camera, n_leaves=self._model.layout.n_leaves)
            self._rescale_heights()
            self._resize_camera(0.0, 1.0, was_fit=True)
        self.viewport().update()
        self.cut_shown.emit()

    @Slot()
    def _on_model_changed(self) -> None:
        self.viewport().update()
        self.cut_shown.emit()

    @Slot()
    def _on_telling_timeout(self) -> None:
        self.cut_previewed.emit(self._model.preview)

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
        camera = self._camera
        self._resize_camera(camera.start, camera.stop, was_fit=camera.is_fit)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Follow the scroll bar."""
        bar = self.horizontalScrollBar() if self.is_upright else self.verticalScrollBar()
        camera = self._camera
        self._set_camera(replace(camera, origin=bar.value() / camera.scale).inside())

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; with Shift stretch heights, sideways pan."""
        if self._model.tree is None:
            return
        turned = event.angleDelta()
        steps = turned.y() / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.zoom_heights(_WHEEL_STEP ** (steps or turned.x() / 120))
        elif abs(turned.x()) > abs(turned.y()):
            self.pan(-float(turned.x()))
        else:
            self.zoom(_WHEEL_STEP**steps, self._camera.uv(event.position())[0])
        event.accept()

    def viewportEvent(self, event: QEvent) -> bool:
        """Zoom by pinching, answer tool tips, forget the pointer when it leaves."""
        kind = event.type()
        if kind == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom(max(1 + event.value(), 0.1), self._camera.uv(event.position())[0])
                return True
        elif kind == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            node = self.node_at(QPointF(event.pos()))
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
        node = self.current if by_key else self.node_at(point)
        self.show_menu(node, QPoint() if by_key else event.globalPos())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Let the window's own images in."""
        self.dragMoveEvent(event)
        if event.mimeData().formats() and not event.isAccepted():
            event.setAccepted(self._drops.accepts(event))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Mark where they would go."""
        self._drops.move(event)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        """The drag goes elsewhere."""
        self.set_target(NO_NODE)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them."""
        self._drops.drop(event)

    def focusInEvent(self, _event: QFocusEvent) -> None:
        """Show which branch keys act on."""
        self._attention.has_focus = True
        self.viewport().update()

    def focusOutEvent(self, _event: QFocusEvent) -> None:
        """Show that keys go elsewhere."""
        self._attention.has_focus = False
        self.viewport().update()

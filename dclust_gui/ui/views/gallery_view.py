"""The gallery: thumbnails in uniform cells, with a header per cluster when grouped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QWheelEvent,
)

from dclust_gui.domain.selection import Selection
from dclust_gui.ui.models.gallery_model import GalleryModel
from dclust_gui.ui.views.gallery_base import GalleryBase
from dclust_gui.ui.views.gallery_delegate import HEADER_PX, GalleryDelegate
from dclust_gui.ui.views.gallery_drop import GalleryDrop
from dclust_gui.ui.views.gallery_keys import GalleryKeys
from dclust_gui.ui.views.gallery_layout import GalleryLayout, fitted_side
from dclust_gui.ui.views.gallery_mouse import GalleryMouse
from dclust_gui.ui.views.gallery_painter import GalleryPainter
from dclust_gui.ui.views.gallery_places import GalleryPlaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from PySide6.QtWidgets import QAbstractItemView, QWidget

    from dclust_gui.ui.models.gallery_source import GallerySource

MIN_SIDE_PX = 64
MAX_SIDE_PX = 512
DEFAULT_SIDE_PX = 176
SIDE_STEP_PX = 16


class GalleryView(GalleryBase):
    """Shows a `GalleryModel`; says wishes, and mirrors the session's selection.

    Args:
        model: The rows; its source is the project shown.
        parent: Owner.

    Signals:
        selection_requested: A `Selection` that the session should take over.
        preview_requested: id of the image to show large.
        move_requested: ids (tuple) dropped on a section, and that section's cluster.
        context_menu_requested: ids (tuple) of the selected images, and the place on the screen.
        filter_reset_requested: Escape was pressed while a filter is set.
        cell_side_changed: side of thumbnails in pixels.
    """

    selection_requested = Signal(object)
    preview_requested = Signal(int)
    move_requested = Signal(object, int)
    context_menu_requested = Signal(object, QPoint)
    filter_reset_requested = Signal()
    cell_side_changed = Signal(int)

    def __init__(self, model: GalleryModel, parent: QWidget | None = None) -> None:
        super().__init__(model, parent)
        self._paint_delegate = GalleryDelegate()
        self._layout = GalleryLayout(1, self._paint_delegate.cell_size, [0], 0)
        self._wanted_side = DEFAULT_SIDE_PX
        self._room_below = 0
        self._selection = Selection()
        self._unsubscribe: Callable[[], None] | None = None
        self._painter = GalleryPainter(self)
        self._places = GalleryPlaces(self)
        self._mouse = GalleryMouse(self)
        self._keys = GalleryKeys(self)
        self._drop = GalleryDrop(self)
        self._set_up()
        model.modelAboutToBeReset.connect(self._on_model_about_to_be_reset)
        self.setModel(model)
        self.setItemDelegate(self._paint_delegate)
        self._restyle()

    # -- what is shown ---------------------------------------------------------------------

    def set_source(self, source: GallerySource | None) -> None:
        """Show another project, or none, and follow its selection."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._gallery.set_source(source)
        self._selection = Selection() if source is None else source.selection
        self.verticalScrollBar().setValue(0)
        if source is not None:
            self._unsubscribe = source.subscribe_selection(self.set_selection)
        self.viewport().update()

    @property
    def geometry_of_cells(self) -> GalleryLayout:
        """Where cells lie, in content coordinates."""
        return self._layout

    @property
    def delegate(self) -> GalleryDelegate:
        """What paints the cells."""
        return self._paint_delegate

    @property
    def keys(self) -> GalleryKeys:
        """What keys do; holds the place from which Shift extends."""
        return self._keys

    def cancel_gesture(self) -> bool:
        """Give up a rubber band; False if there is none."""
        return self._mouse.cancel()

    @property
    def cell_side(self) -> int:
        """Wanted side of thumbnails; they are a little larger or smaller, so that lines are full.

        In device-independent pixels.
        """
        return self._wanted_side

    @Slot(int)
    def set_cell_side(self, side: int) -> None:
        """Show larger or smaller thumbnails; what is in the middle stays in sight."""
        wanted = max(MIN_SIDE_PX, min(MAX_SIDE_PX, side))
        if wanted == self.cell_side:
            return
        self._places.remember()
        self._wanted_side = wanted
        self._relayout()
        self.cell_side_changed.emit(wanted)

    @Slot(int)
    def set_room_below(self, room_px: int) -> None:
        """Let the last line be scrolled above something that lies over the lower edge."""
        if room_px != self._room_below:
            self._room_below = room_px
            self.updateGeometries()

    @property
    def empty_text(self) -> str:
        """What is said where no image is shown."""
        return self._painter.empty_text

    def set_empty_text(self, text: str) -> None:
        """Say why no image is shown, and what to do; seen only while there is none."""
        if text != self._painter.empty_text:
            self._painter.empty_text = text
            self.setAccessibleDescription(text)
            if not self._layout.n_rows:
                self.viewport().update()

    def zoom(self, steps: int) -> None:
        """Make thumbnails larger or smaller by steps."""
        factor = 1 if self.cell_side < 256 else 2
        self.set_cell_side(self.cell_side + steps * SIDE_STEP_PX * factor)

    @Slot()
    def reset_zoom(self) -> None:
        """Show thumbnails in their usual size."""
        self.set_cell_side(DEFAULT_SIDE_PX)

    # -- selection -------------------------------------------------------------------------

    @property
    def selection(self) -> Selection:
        """The session's selection, as it was last told."""
        return self._selection

    def set_selection(self, selection: Selection) -> None:
        """Mirror the session's selection; only cells in sight are looked at."""
        before, self._selection = self._selection, selection
        for row in self._layout.rows_in(self.visible_area()).tolist():
            image = self._gallery.id_at(row)
            was = (image in before.images, image == before.current)
            if was != (image in selection.images, image == selection.current):
                self.update_row(row)
        if selection.current != before.current:
            self._follow_current(self._gallery.row_of(selection.current))

    def selected_shown(self) -> tuple[int, ...]:
        """Selected images that are shown, in the order of the rows."""
        return self._gallery.shown(self._selection.images)

    def request(self, images: Iterable[int], current: int | None) -> None:
        """Ask for a selection; closed stacks are taken whole."""
        chosen = images if isinstance(images, frozenset) else frozenset(images)
        if self._gallery.closes_stacks:
            chosen = self._gallery.with_stacks(chosen)
        self.selection_requested.emit(Selection(chosen, current))

    @Slot()
    def select_all(self) -> None:
        """Ask for all images shown."""
        self.request(frozenset(self._gallery.ids.tolist()), self._selection.current)

    @Slot()
    def select_none(self) -> None:
        """Ask for no image."""
        self.request(frozenset(), self._selection.current)

    @Slot()
    def invert_selection(self) -> None:
        """Ask for the images shown that are not selected."""
        shown = frozenset(self._gallery.ids.tolist())
        self.request(shown - self._selection.images, self._selection.current)

    # -- places ----------------------------------------------------------------------------

    def row_at(self, point: QPoint) -> int:
        """The row at a point of the viewport; -1 between cells and under a header."""
        held = self._painter.held_header()
        if held is not None and held[1].contains(point):
            return -1
        return self._layout.row_at(self.to_content(point))

    def header_at(self, point: QPoint) -> int:
        """The section whose header is seen at a point of the viewport; -1 elsewhere."""
        held = self._painter.held_header()
        if held is not None and held[1].contains(point):
            return held[0]
        return self._layout.header_at(self.to_content(point))

    def section_at(self, point: QPoint) -> int:
        """The section at a point of the viewport; -1 above the first and below the last."""
        held = self._painter.held_header()
        if held is not None and held[1].contains(point):
            return held[0]
        return self._layout.section_at(self.to_content(point).y())

    def row_after(self, action: QAbstractItemView.CursorAction) -> int:
        """The row that a cursor action leads to; -1 for none."""
        return self._keys.row_after(action)

    def show_row(self, row: int) -> None:
        """Scroll just as far as needed to see a row, with its header when it is the first."""
        self._places.show_row(row)

    def set_hot_section(self, section: int) -> None:
        """Mark the section that dragged images would go to; -1 for none."""
        if section != self._painter.hot_section:
            self._painter.hot_section = section
            self.viewport().update()

    # -- painting --------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is in sight and asked for."""
        painter = QPainter(self.viewport())
        self._painter.paint(painter, event.rect())
        self._mouse.paint_band(painter, self.verticalOffset())

    # -- events ----------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select, or begin a rubber band or a drag."""
        self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with a rubber band or start a drag; else show what lies under the mouse."""
        self._mouse.move(event)
        self._set_hover(-1 if self._mouse.is_banding else self.row_at(event.position().toPoint()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End what the press began."""
        self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show an image large."""
        self._mouse.double_click(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, extend and toggle by keys; keys not meant for the gallery go on to the window."""
        if not self._keys.press(event):
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl, zoom."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            steps = event.angleDelta().y() / 120
            self.zoom(round(steps) or (1 if steps > 0 else -1 if steps < 0 else 0))
            event.accept()
        else:
            super().wheelEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the selected images; an unselected one is selected first."""
        row = self.row_at(event.pos())
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            row = self._gallery.row_of(self._selection.current)
            place = self.viewport().mapToGlobal(self.cell_on_screen(row).center())
        if row >= 0:
            image = self._gallery.id_at(row)
            if image not in self._selection.images:
                self.request([image], image)
            self.context_menu_requested.emit(self.selected_shown() or (image,), place)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Let images of this window in."""
        self._drop.enter(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where the images would go; scroll at the edges."""
        self._drop.move(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Forget the drag."""
        self._drop.leave()
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask for the move."""
        self._drop.drop(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the focus frame."""
        super().focusInEvent(event)
        self.update_row(self._gallery.row_of(self._selection.current))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the focus frame."""
        super().focusOutEvent(event)
        self.update_row(self._gallery.row_of(self._selection.current))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay the cells out anew; what is in sight stays there."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._places.remember()
            self._relayout()
        else:
            self.updateGeometries()
            self._places.load_soon()

    def changeEvent(self, event: QEvent) -> None:
        """Follow changes of font and colours."""
        super().changeEvent(event)
        kinds = (QEvent.Type.FontChange, QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
        if event.type() in kinds:
            self._restyle()

    def viewportEvent(self, event: QEvent) -> bool:
        """Follow the mouse out of the view."""
        if event.type() == QEvent.Type.Leave:
            self._set_hover(-1)
        return super().viewportEvent(event)

    def event(self, event: QEvent) -> bool:
        """Follow the device pixel ratio: the window may move to another screen."""
        if event.type() in (QEvent.Type.DevicePixelRatioChange, QEvent.Type.ScreenChangeInternal):
            self._restyle()
        return super().event(event)

    # -- Qt's questions to a view ----------------------------------------------------------

    def updateGeometries(self) -> None:
        """Fit the scroll bar to the content."""
        bar, page = self.verticalScrollBar(), self.viewport().height()
        bar.setPageStep(page)
        bar.setSingleStep(max(20, self._layout.line_step // 3))
        bar.setRange(0, max(0, self._layout.height + self._room_below - page))
        super().updateGeometries()

    def scrollContentsBy(self, _dx: int, dy: int) -> None:
        """Move the pixels that stay in sight; only the rest is painted."""
        if self._mouse.is_banding:
            self.viewport().update()
        else:
            self.viewport().scroll(0, dy)
            if self._layout.header_rect(0).height():
                # The header held at the top does not move; nor must what was moved of it stay.
                self.viewport().update(0, 0, self.viewport().width(), HEADER_PX + max(dy, 0))
        self._set_hover(-1)
        self._places.load_soon(is_far=self._places.is_far())

    def dataChanged(
        self,
        first: QModelIndex | QPersistentModelIndex,
        last: QModelIndex | QPersistentModelIndex,
        _roles: Sequence[int] = (),
    ) -> None:
        """Paint rows anew when they are in sight; of many, thumbnails may be out of date too."""
        if first.row() == last.row():
            self.viewport().update(self.cell_on_screen(first.row()))
        else:
            self.viewport().update()
            self._places.load_soon()

    def reset(self) -> None:
        """Lay out new rows; the place in the gallery is kept."""
        super().reset()
        self._relayout()

    # -- inside ----------------------------------------------------------------------------

    def _restyle(self) -> None:
        palette = QPalette(self.palette())
        self._paint_delegate.set_style(self.font(), palette, self.devicePixelRatioF())
        self._places.remember()
        self._relayout()

    def _relayout(self) -> None:
        sections = self._gallery.sections
        is_grouped = bool(sections) and sections[0].cluster is not None
        width, delegate = self.viewport().width(), self._paint_delegate
        extra = delegate.cell_size.width() - delegate.side
        delegate.set_side(fitted_side(width, self._wanted_side, extra))
        self._layout = GalleryLayout(
            width,
            self._paint_delegate.cell_size,
            [section.count for section in sections],
            HEADER_PX if is_grouped else 0,
        )
        ratio = self.devicePixelRatioF()
        self._gallery.set_side(round(delegate.side * ratio), ratio)
        self._painter.hover_row = -1
        self._mouse.forget_rows()
        self.updateGeometries()
        self._places.restore()
        self.viewport().update()
        self._places.load_soon()

    def _set_hover(self, row: int) -> None:
        if row != self._painter.hover_row:
            before, self._painter.hover_row = self._painter.hover_row, row
            self.update_row(before)
            self.update_row(row)

    def _follow_current(self, row: int) -> None:
        """Keep the focused image in sight and tell screen readers of it."""
        if row < 0:
            return
        self.show_row(row)
        index = self._gallery.index(row)
        self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
        if QAccessible.isActive() and self.hasFocus():
            event = QAccessibleEvent(self, QAccessible.Event.Focus)
            event.setChild(row)
            QAccessible.updateAccessibility(event)

    @Slot()
    def _on_model_about_to_be_reset(self) -> None:
        self._places.remember()
        self._keys.remember_row()

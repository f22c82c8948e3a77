"""The main window: places views, docks, bars and menus; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QMenu,
    QSlider,
    QStackedWidget,
    QTabBar,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.ui.models.mime import IMAGE_IDS_MIME
from dclust_gui.ui.views.cluster_panel import ClusterPanel
from dclust_gui.ui.views.empty_state import EmptyState
from dclust_gui.ui.views.evidence_panel import EvidencePanel
from dclust_gui.ui.views.gallery_view import MAX_SIDE_PX, MIN_SIDE_PX, GalleryView
from dclust_gui.ui.views.history_panel import HistoryPanel
from dclust_gui.ui.views.inspector import Inspector
from dclust_gui.ui.views.job_bar import JobBar
from dclust_gui.ui.views.message_bar import MessageBar
from dclust_gui.ui.views.names_panel import NamesPanel
from dclust_gui.ui.views.outlier_panel import OutlierPanel
from dclust_gui.ui.views.preview import PreviewOverlay
from dclust_gui.ui.views.proposal_bar import ProposalBar
from dclust_gui.ui.views.quality_panel import QualityPanel
from dclust_gui.ui.views.run_panel import RunPanel
from dclust_gui.ui.views.shortlist_strip import ShortlistStrip
from dclust_gui.ui.views.theme import GRID, ICON_SIDE, app_icon
from dclust_gui.ui.views.training_panel import TrainingPanel
from dclust_gui.ui.views.view_bar import ViewBar
from dclust_gui.ui.windows.actions import Actions
from dclust_gui.ui.windows.dropping import drop_hint
from dclust_gui.ui.windows.key_guard import is_for_field

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent

    from dclust_gui.ui.bridge.preview_loader import PreviewLoader
    from dclust_gui.ui.models.cluster_model import ClusterModel
    from dclust_gui.ui.models.gallery_model import GalleryModel
    from dclust_gui.ui.models.inspection_model import InspectionModel

_SIZE = QSize(GRID * 160, GRID * 100)
_LEAST_SIZE = QSize(GRID * 110, GRID * 66)
_STATE_VERSION = 2


@dataclass(frozen=True, slots=True)
class Menus:
    """Menus whose content changes."""

    recent: QMenu
    move: QMenu
    image: QMenu
    cluster: QMenu
    colour: QMenu


class MainWindow(QMainWindow):
    """Holds everything that is seen; `Commands` connects it.

    Args:
        gallery: Rows of the gallery.
        clusters: Rows of the cluster panel.
        previews: Reads large pictures.
        inspection: What the inspector tells.

    Signals:
        paths_dropped: Local paths (texts, a tuple) that were dropped on the window.
        close_requested: The user wants to close it; `allow_close` lets it happen.
        page_changed: Another view is in sight.
        subject_changed: The page in sight wants commands to act on other images.
        key_coming: A key was pressed that may be a command.
    """

    paths_dropped = Signal(object)
    close_requested = Signal()
    page_changed = Signal()
    subject_changed = Signal()
    key_coming = Signal()

    def __init__(
        self,
        gallery: GalleryModel,
        clusters: ClusterModel,
        previews: PreviewLoader,
        inspection: InspectionModel,
    ) -> None:
        super().__init__()
        self.setWindowTitle("dclust")
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self._may_close = False
        self._is_asking = False
        self.actions_ = Actions(self)
        self.empty = EmptyState(self)
        self.gallery = GalleryView(gallery, self)
        self.clusters = ClusterPanel(clusters, self)
        self.run_panel = RunPanel(self)
        self.quality = QualityPanel(self)
        self.evidence = EvidencePanel(self)
        self.names = NamesPanel(self)
        self.outliers = OutlierPanel(self)
        self.history = HistoryPanel(self)
        self.proposal_bar = ProposalBar(self)
        self.inspector = Inspector(inspection, self)
        self.view_bar = ViewBar(self)
        self.shortlist = ShortlistStrip(self)
        self.shortlist.hide()
        self.messages = MessageBar(self)
        self.jobs = JobBar(self)
        self.training = TrainingPanel(self)
        self.counts = QLabel(self)
        self.zoom = QSlider(Qt.Orientation.Horizontal, self)
        self._pages = QStackedWidget(self)
        self._views = QStackedWidget(self)
        self._place_centre()
        self.preview = PreviewOverlay(gallery, previews, self._pages)
        self._left = self._dock("Clusters", self.clusters, Qt.DockWidgetArea.LeftDockWidgetArea)
        self._right = self._dock(
            "Clustering", self.run_panel, Qt.DockWidgetArea.RightDockWidgetArea
        )
        self._inspector_dock = self._dock(
            "Inspector", self.inspector, Qt.DockWidgetArea.RightDockWidgetArea
        )
        self.tabifyDockWidget(self._right, self._inspector_dock)
        self._extra_docks = [
            self._extra_dock(title, panel)
            for title, panel in (
                ("Quality", self.quality),
                ("Evidence", self.evidence),
                ("Names", self.names),
                ("Outliers", self.outliers),
                ("History", self.history),
            )
        ]
        self._right.raise_()
        self.setTabPosition(Qt.DockWidgetArea.RightDockWidgetArea, QTabWidget.TabPosition.North)
        self._wanted_docks: list[QDockWidget] = []
        self.resizeDocks(
            [self._left, self._right], [GRID * 38, GRID * 32], Qt.Orientation.Horizontal
        )
        self._bar = self._tool_bar()
        self.menus = self._make_menus()
        self._place_status()
        self.setMinimumSize(_LEAST_SIZE)
        self.resize(_SIZE)
        self.show_project(is_open=False)

    # -- what is shown -----------------------------------------------------------------------

    def show_project(self, *, is_open: bool) -> None:
        """Show the gallery and its panels, or the invitation."""
        self._pages.setCurrentIndex(1 if is_open else 0)
        for part in (self._left, self._right, self._inspector_dock, self.zoom):
            part.setVisible(is_open)
        if not is_open:
            self._wanted_docks += [d for d in self._extra_docks if not d.isHidden()]
            for dock in self._extra_docks:
                dock.hide()
        else:
            for dock in self._wanted_docks:
                dock.show()
            self._wanted_docks = []
        if is_open:
            self.gallery.setFocus()

    @property
    def page(self) -> QWidget:
        """The gallery, or what is shown in its place."""
        return self._views.currentWidget() or self.gallery

    def add_page(self, page: QWidget) -> None:
        """Take in a view beside the gallery."""
        self._views.addWidget(page)

    def show_page(self, page: QWidget) -> None:
        """Show the gallery or a view beside it."""
        self._views.setCurrentWidget(page)
        page.setFocus()
        self.view_bar.clear_view()  # a view is named by those who know which one it is
        self.page_changed.emit()

    @Slot()
    def show_evidence(self) -> None:
        """Open the evidence for numbers of clusters."""
        self._open_dock(self.evidence)

    @Slot()
    def show_quality(self) -> None:
        """Open what the clusters are worth."""
        self._open_dock(self.quality)

    @Slot()
    def show_names(self) -> None:
        """Open the suggestions of names."""
        self._open_dock(self.names)
        self.names.setFocus()

    @Slot()
    def show_outliers(self) -> None:
        """Open the images that lie outside."""
        self._open_dock(self.outliers)
        self.outliers.slider.setFocus()

    @Slot()
    def show_history(self) -> None:
        """Open the history."""
        self._open_dock(self.history)
        self.history.setFocus()

    def show_invitation(self, *, is_wanted: bool) -> None:
        """Show the invitation in place of a gallery without images, or the gallery."""
        self._pages.setCurrentIndex(0 if is_wanted else 1)

    def set_project_title(self, title: str) -> None:
        """Show the project's name and state in the title bar."""
        self.setWindowTitle(f"{title} — dclust" if title else "dclust")

    def state_text(self) -> tuple[str, str]:
        """Place and layout of the window as texts, for `restore_texts`."""
        geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        return geometry, bytes(self.saveState(_STATE_VERSION).toBase64().data()).decode()

    def restore_texts(self, geometry: str, state: str) -> None:
        """Take up an earlier place and layout; anything unusable changes nothing."""
        if geometry:
            self.restoreGeometry(QByteArray.fromBase64(geometry.encode()))
        if state:
            self.restoreState(QByteArray.fromBase64(state.encode()), _STATE_VERSION)

    def allow_close(self) -> None:
        """Close for good."""
        self._may_close = True
        if not self._is_asking:
            self.close()

    # -- placing -----------------------------------------------------------------------------

    def _place_centre(self) -> None:
        page = QWidget(self)
        inner = QVBoxLayout(page)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(self.view_bar)
        inner.addWidget(self.proposal_bar)
        inner.addWidget(self.shortlist)
        inner.addWidget(self._views, 1)
        self._views.addWidget(self.gallery)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(page)
        centre = QWidget(self)
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._pages, 1)
        layout.addWidget(self.training)
        layout.addWidget(self.jobs)
        self.setCentralWidget(centre)
        self.messages.float_over(self._pages)
        self.messages.height_changed.connect(self.gallery.set_room_below)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self)
        dock.setObjectName(f"dock {title.lower()} {area.name}")
        dock.setWidget(widget)
        dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable
            | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )
        self.addDockWidget(area, dock)
        return dock

    def _extra_dock(self, title: str, widget: QWidget) -> QDockWidget:
        """A panel beside the inspector that is shown only when it is asked for."""
        dock = self._dock(title, widget, Qt.DockWidgetArea.RightDockWidgetArea)
        self.tabifyDockWidget(self._inspector_dock, dock)
        dock.hide()
        dock.toggleViewAction().triggered.connect(self._on_extra_triggered)
        return dock

    def _open_dock(self, panel: QWidget) -> None:
        for dock in self._extra_docks:
            if dock.widget() is panel:
                dock.show()
                dock.raise_()
                QTimer.singleShot(0, self, self._settle_tabs)

    @Slot()
    def _settle_tabs(self) -> None:
        """Let panels' titles stand whole; those that do not fit are reached by arrows."""
        for bar in self.findChildren(QTabBar):
            bar.setElideMode(Qt.TextElideMode.ElideNone)
            bar.setUsesScrollButtons(True)

    def _tool_bar(self) -> QToolBar:
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for name in ("open_folder", "", "undo", "redo", "", "move", "new_cluster", "unassign"):
            if name:
                bar.addAction(self.actions_[name])
            else:
                bar.addSeparator()
        bar.addSeparator()
        bar.addAction(self.actions_["merge"])
        bar.addAction(self.actions_["export"])
        for name in ("undo", "redo"):
            button = bar.widgetForAction(self.actions_[name])
            button.setProperty("toolButtonStyle", Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setAccessibleName(name.capitalize())
        self.addToolBar(bar)
        return bar

    def _make_menus(self) -> Menus:
        bar = self.menuBar()
        recent, move = QMenu("Open recent", self), QMenu("Move to", self)
        file = self._fill(bar.addMenu("&File"), "open_folder open_project")
        file.addMenu(recent)
        self._fill(
            file, "sample | rescan | save_as | import_labels export undo_export | close quit"
        )
        self._fill(
            bar.addMenu("&Edit"),
            "undo redo history | select_all select_none invert | filter find similar",
        )
        self._view_menu(bar.addMenu("&View"))
        cluster = self._fill(
            bar.addMenu("&Cluster"), "cluster recluster how_many compare names outliers |"
        )
        self._fill(cluster, "new_cluster merge split rename | pin review ignore approve_cluster |")
        colour = cluster.addMenu("Colour and mark")
        self._fill(cluster, "notes | reveal_cluster")
        image = self._fill(bar.addMenu("&Image"), "move")
        image.addMenu(move)
        self._fill(image, "not_here unassign approve | new_cluster split_out split_example |")
        self._fill(image, "bind unbind stacks |")
        self._fill(image, "preview similar reveal show_file")
        for action in self.actions_.quick:
            move.addAction(action)
        context = self._fill(QMenu("Cluster", self), "merge split rename |")
        self._fill(context, "pin review ignore approve_cluster |")
        context.addMenu(colour)
        self._fill(context, "notes | reveal_cluster export")
        self._fill(bar.addMenu("&Tools"), "duplicates | skipped")
        self._fill(bar.addMenu("&Help"), "shortcuts about")
        return Menus(recent, move, image, context, colour)

    def _view_menu(self, menu: QMenu) -> None:
        actions = self.actions_
        self._fill(
            menu,
            "gallery dendrogram map review_page inbox comparison | back forward | show_all group"
            " close_stacks |",
        )
        for title, group in (("Sort images", actions.sorts), ("Sort clusters", actions.orders)):
            menu.addMenu(title).addActions(group.actions())
        self._fill(menu, "| zoom_in zoom_out zoom_reset |")
        panels = menu.addMenu("Panels")
        for dock in (self._left, self._right, self._inspector_dock, *self._extra_docks):
            panels.addAction(dock.toggleViewAction())
        menu.addMenu("Theme").addActions(actions.themes.actions())
        self._fill(menu, "full_screen")

    def _fill(self, menu: QMenu, names: str) -> QMenu:
        """Add actions by name; `|` is a line."""
        for name in names.split():
            if name == "|":
                menu.addSeparator()
            else:
                menu.addAction(self.actions_[name])
        return menu

    def _place_status(self) -> None:
        self.counts.setProperty("look", "faint")
        self.counts.setAccessibleName("Numbers of images")
        self.zoom.setRange(MIN_SIDE_PX, MAX_SIDE_PX)
        self.zoom.setValue(self.gallery.cell_side)
        self.zoom.setFixedWidth(GRID * 16)
        self.zoom.setAccessibleName("Size of thumbnails")
        self.zoom.setToolTip("Size of thumbnails")
        self.zoom.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        status = self.statusBar()
        status.setSizeGripEnabled(False)
        status.setContentsMargins(GRID, 0, GRID, 0)
        status.addPermanentWidget(self.counts)
        status.addPermanentWidget(self.zoom)

    @Slot(bool)
    def _on_extra_triggered(self, is_shown: bool) -> None:
        for dock in self._extra_docks:
            if is_shown and dock.toggleViewAction() is self.sender():
                self._open_dock(dock.widget())

    # -- Qt ----------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Tell of keys before they become commands: these must be up to date by then."""
        if event.type() == QEvent.Type.ShortcutOverride:
            if is_for_field(event, QApplication.focusWidget()):
                event.accept()
                return True
            self.key_coming.emit()
        return super().event(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask before closing; the answer comes through `allow_close`."""
        if not self._may_close:
            self._is_asking = True
            self.close_requested.emit()
            self._is_asking = False
        event.setAccepted(self._may_close)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders, projects and images from other programs."""
        data = event.mimeData()
        if data.hasUrls() and not data.hasFormat(IMAGE_IDS_MIME):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.empty.set_target(True)
            hint = drop_hint(
                [Path(u.toLocalFile()) for u in data.urls() if u.isLocalFile()],
                is_open=self._pages.currentIndex() == 1,
            )
            self.statusBar().showMessage(hint)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """The drag goes elsewhere."""
        self.empty.set_target(False)
        self.statusBar().clearMessage()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask to open what was dropped."""
        self.empty.set_target(False)
        self.statusBar().clearMessage()
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        paths = tuple(u.toLocalFile() for u in event.mimeData().urls() if u.isLocalFile())
        if paths:
            self.paths_dropped.emit(paths)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icons in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self.actions_.refresh_icons)

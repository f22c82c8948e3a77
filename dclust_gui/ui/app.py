"""The composition root of the window: makes every part once and connects them."""

from __future__ import annotations

import logging
import multiprocessing
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from PySide6.QtCore import QDeadlineTimer, QObject, QTimer, Slot
from PySide6.QtWidgets import QApplication

from dclust_gui import __version__
from dclust_gui.services.bench import EXIT_WHEN_PAINTED
from dclust_gui.services.inspection import InspectionService
from dclust_gui.services.settings import Settings
from dclust_gui.services.similar import SimilarService
from dclust_gui.services.why import WhyService
from dclust_gui.services.workspace import Workspace
from dclust_gui.storage.locations import data_dir
from dclust_gui.ui.bridge.engine_host import EngineHost
from dclust_gui.ui.bridge.garbage import GarbageKeeper
from dclust_gui.ui.bridge.preview_loader import PreviewLoader
from dclust_gui.ui.bridge.query_host import QueryHost
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.cluster_model import ClusterModel
from dclust_gui.ui.models.gallery_model import GalleryModel
from dclust_gui.ui.models.heat_model import HeatModel
from dclust_gui.ui.models.inspection_model import InspectionModel
from dclust_gui.ui.views.theme import Theme, ThemeKeeper
from dclust_gui.ui.windows.commands import Commands
from dclust_gui.ui.windows.controller import Controller
from dclust_gui.ui.windows.duplicates import DuplicateKeeper
from dclust_gui.ui.windows.editing import EditKeeper
from dclust_gui.ui.windows.exporting import ExportKeeper
from dclust_gui.ui.windows.first_paint import FirstPaint
from dclust_gui.ui.windows.history import HistoryKeeper
from dclust_gui.ui.windows.importing import ImportKeeper
from dclust_gui.ui.windows.inbox import InboxKeeper
from dclust_gui.ui.windows.looking import Looking
from dclust_gui.ui.windows.main_window import MainWindow
from dclust_gui.ui.windows.map_page import MapPage
from dclust_gui.ui.windows.naming import NamesKeeper
from dclust_gui.ui.windows.outliers import OutlierKeeper
from dclust_gui.ui.windows.page_keeper import Parts
from dclust_gui.ui.windows.quality import QualityKeeper
from dclust_gui.ui.windows.reclustering import ReclusterKeeper
from dclust_gui.ui.windows.review import ReviewKeeper
from dclust_gui.ui.windows.runs import RunsKeeper
from dclust_gui.ui.windows.shortlist import ShortlistKeeper
from dclust_gui.ui.windows.stacking import StackKeeper
from dclust_gui.ui.windows.training import TrainingKeeper
from dclust_gui.ui.windows.tree_page import TreePage
from dclust_gui.ui.windows.work import Work

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_SHUTDOWN_MS = 3000
"""How long threads may take to end, all together."""

_LEAVE_MS = 700
"""The same when the window was closed; a library call (an import of torch) may take far longer."""

SWITCH_S = 0.0005
"""How long other threads' Python code may keep the window's waiting, seconds. Painting takes
dozens of calls into Qt, each of which may have to wait this long; Python's 5 ms are too many."""


class App(QObject):
    """All parts of the running window.

    Args:
        settings: What is remembered; the user's own when None.
        workspace: Cache and engine; the user's own when None.

    Attributes:
        window: What is seen.
        controller: Carries out wishes.
        work: Runs the project's jobs.
        commands: Connects them.
    """

    def __init__(
        self, settings: Settings | None = None, workspace: Workspace | None = None
    ) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        super().__init__(app)
        settings = settings or Settings()
        self._workspace = workspace or Workspace()
        self.theme = ThemeKeeper(app, theme_named(settings.text("theme")))
        self.engine_host = EngineHost("engine", self)
        self.io_host = EngineHost("io", self)
        source = self._workspace.thumbnails
        self._loader = ThumbnailLoader(source, self)
        self._previews = PreviewLoader(source, self)
        self._strip_loader = ThumbnailLoader(source, self, 1)
        self.gallery = GalleryModel(self._loader, self)
        self.clusters = ClusterModel(self._strip_loader, self)
        self.work = Work(self._workspace.engine, self.engine_host, self)
        self.controller = Controller(self.work, self.io_host, settings, self)
        self.query_host = QueryHost("query", self)
        self.similar = SimilarService(self._workspace.engine)
        self.filter_host = QueryHost("filter", self)
        self._inspector_previews = PreviewLoader(source, self)
        self._inspector_loader = ThumbnailLoader(source, self, 1)
        inspection = InspectionService(self.similar)
        self.inspection = InspectionModel(
            inspection,
            self.query_host,
            self._inspector_previews,
            self._inspector_loader,
            self,
        )
        self.heat = HeatModel(
            WhyService(self._workspace.engine, self.similar),
            self.query_host,
            self.inspection,
            self,
        )
        self.window = MainWindow(self.gallery, self.clusters, self._previews, self.inspection)
        self.window.inspector.set_heat_model(self.heat)
        self.commands = Commands(
            self.window,
            self.clusters,
            self.controller,
            self.work,
            self.io_host,
            settings,
            self.theme,
            data_dir() / "sample collection",
        )
        self.exporting = ExportKeeper(
            self.window,
            self.controller,
            self.work,
            self.commands.dialogs,
            self.io_host,
            settings,
            source,
        )
        self.importing = ImportKeeper(
            self.window, self.controller, self.commands.dialogs, self.io_host, settings
        )
        self.editing = EditKeeper(
            self.window,
            self.controller,
            self.commands.presenter,
            self.commands.dialogs,
            self.query_host,
            self.similar,
            inspection,
            source,
        )
        self._quality = QualityKeeper(
            self.window.quality, self.controller, self.query_host, self.similar
        )
        self.shortlist = ShortlistKeeper(
            self.window, self.controller, self.work, self.query_host, source
        )
        self.names = NamesKeeper(
            self.window, self.controller, self.query_host, self._workspace.engine, settings
        )
        self.outliers = OutlierKeeper(
            self.window,
            self.controller,
            self.query_host,
            self.similar,
            self._workspace.stores.arrays,
            source,
            self.gallery,
            self.inspection,
        )
        self.history = HistoryKeeper(self.window, self.controller)
        self.tree_page = TreePage(self.window, self.controller, self.commands.dialogs, source)
        self.tree_page.rename_requested.connect(self.window.clusters.edit_cluster)
        self.tree_page.menu_opened.connect(self.editing.extend_menu)
        self.map_page = MapPage(
            self.window,
            self.controller,
            self.commands.presenter,
            self.work,
            self.engine_host,
            self.query_host,
            self._workspace,
        )
        parts = Parts(self.window, self.controller, self.work, self.engine_host, self._workspace)
        self.review = ReviewKeeper(parts)
        self.looking = Looking(
            self.window,
            self.controller,
            self.commands.presenter,
            self.tree_page,
            self.map_page,
            self.review,
            self.window.inspector,
            self.query_host,
            self.filter_host,
            self.similar,
        )
        self.training = TrainingKeeper(
            self.window,
            self.controller,
            self.work,
            self.looking,
            self.query_host,
            self.similar,
            source,
            self._workspace.engine,
        )
        self.reclustering = ReclusterKeeper(parts, self.looking)
        self.inbox = InboxKeeper(parts, self.looking)
        self.review.set_waiting(self.inbox.waiting)
        self.duplicates = DuplicateKeeper(parts, self.looking)
        self.runs = RunsKeeper(
            self.window,
            self.controller,
            self.work,
            self.looking,
            self.query_host,
            source,
        )
        self.stacking = StackKeeper(
            self.window,
            self.controller,
            self.commands.presenter,
            self.commands.dialogs,
            self.work,
            self.io_host,
            self._workspace,
        )
        self.commands.similar_requested.connect(self.looking.on_file_dropped)
        self.commands.import_requested.connect(self.importing.open)
        self.controller.session_changed.connect(self._on_controller_session_changed)
        self._target: Path | None = None
        self._garbage = GarbageKeeper(self)
        self._garbage.start()
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)

    def show(self, target: Path | None = None) -> None:
        """Show the window; a folder or project is opened as soon as it is seen."""
        self._target = target
        self.window.show()
        if target is not None:
            QTimer.singleShot(0, self._on_shown)

    def shutdown(self, timeout_ms: int = _SHUTDOWN_MS) -> bool:
        """End all threads and close the cache; False if a library call holds a thread.

        Args:
            timeout_ms: How long to wait for all threads together.
        """
        self.controller.close()
        self._garbage.stop()
        sys.setswitchinterval(self._switch_s)
        threads = (
            self.tree_page,
            self.map_page,
            self.shortlist,
            self.outliers,
            self.training,
            self.editing,
            self.review,
            self.reclustering,
            self.inbox,
            self.duplicates,
            self.runs,
            self.stacking,
            self.filter_host,
            self._inspector_previews,
            self._inspector_loader,
            self._loader,
            self._strip_loader,
            self._previews,
            self.query_host,
            self.io_host,
            self.engine_host,
        )
        for thread in threads:
            thread.shutdown(0)  # asks them all before waiting for the first
        deadline = QDeadlineTimer(timeout_ms)
        ended = [thread.shutdown(int(deadline.remainingTime())) for thread in threads]
        if all(ended):
            self._workspace.close()
        return all(ended)

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self.inspection.set_source(self.controller.session)
        self.heat.set_source(self.controller.session)

    @Slot()
    def _on_shown(self) -> None:
        if self._target is not None:
            self.controller.open_path(self._target)


def theme_named(name: str) -> Theme:
    """The look of a name; the system's for anything unknown."""
    return Theme(name) if name in tuple(Theme) else Theme.SYSTEM


def run_window(target: Path | None = None) -> int:
    """Open the window and stay until it is closed.

    Args:
        target: Folder or project to open; None for nothing.

    Returns:
        The exit code.
    """
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    qt.setApplicationName("dclust")
    qt.setApplicationVersion(__version__)
    app = App()
    if os.environ.get(EXIT_WHEN_PAINTED):
        FirstPaint(app.window)
    app.show(target)
    code = QApplication.exec()
    if not app.shutdown(_LEAVE_MS):
        leave(code)
    return code


def leave(code: int) -> NoReturn:
    """End the process although a library call holds a thread; everything is saved by now."""
    log.info("a library call does not end; leaving without it")
    for child in multiprocessing.active_children():
        child.kill()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

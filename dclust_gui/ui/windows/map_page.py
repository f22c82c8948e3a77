"""The map as a page of the window: made when first shown; asks for layouts, carries wishes on.

Principal components come from the query thread at once. UMAP and t-SNE are long jobs of the
engine's thread: they wait while the project's own jobs run, and give way to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer, Signal, Slot

from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.events import StageProgressed
from dclust_gui.services.mapping import MapJob, MapLayout, MapMethod, MapQuery
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.bridge.own_job import OwnJob
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.map_model import MapModel
from dclust_gui.ui.views.map_pane import MapPane

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.workspace import Workspace
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.presenter import Presenter
    from dclust_gui.ui.windows.work import Work

_CHANNEL = "map"
_REST_MS = 300
"""After new images have come, before they are placed."""


class MapPage(QObject):
    """Hosts the map.

    Args:
        window: Shows it.
        controller: Has the open project and carries out wishes.
        presenter: Refreshes what the menus say.
        work: The project's own jobs, which go before.
        host: Thread of long jobs.
        queries: Thread of short questions.
        workspace: Features, cache and pictures.

    Signals:
        preview_requested: id of an image to show large.
    """

    preview_requested = Signal(int)

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        presenter: Presenter,
        work: Work,
        host: EngineHost,
        queries: QueryHost,
        workspace: Workspace,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._presenter = presenter
        self._work = work
        self._queries = queries
        self._workspace = workspace
        self._loaders: tuple[ThumbnailLoader, ...] = ()
        self._pane: MapPane | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._wanted = MapMethod.UMAP
        self._ticket = -1
        self._job = OwnJob(host, self)
        self._is_due = self._is_anew = self._is_stale = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._on_rest_timeout)
        # Never start a job from a finished slot of the same host: one turn of the loop later.
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(0)
        self._again.timeout.connect(self._on_again_timeout)
        controller.session_changed.connect(self._on_controller_session_changed)
        controller.state_changed.connect(self._on_controller_state_changed)

    @property
    def pane(self) -> MapPane:
        """The map with its bar; made at the first question."""
        if self._pane is None:
            source = self._workspace.thumbnails
            self._loaders = (ThumbnailLoader(source, self, 2), ThumbnailLoader(source, self, 1))
            self._pane = MapPane(MapModel(self), *self._loaders, self._window)
            self._window.add_page(self._pane)
            self._connect(self._pane)
            self._take_session()
        return self._pane

    @property
    def is_shown(self) -> bool:
        """Whether the map is the page in sight."""
        return self._pane is not None and self._window.page is self._pane

    def wake(self) -> None:
        """Catch up with what has changed while the map was not in sight."""
        if self._is_stale:
            self._rest.start()

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        self._rest.stop()
        self._again.stop()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        if self._pane is not None:
            self._pane.set_source(None)
        ended = [loader.shutdown(timeout_ms) for loader in self._loaders]
        return all(ended)

    def _connect(self, pane: MapPane) -> None:
        view = pane.view
        view.selection_requested.connect(self._on_view_selection_requested)
        view.preview_requested.connect(self.preview_requested)
        view.move_requested.connect(self._on_view_move_requested)
        view.context_menu_requested.connect(self._on_view_context_menu_requested)
        view.said.connect(self._on_view_said)
        self._window.messages.height_changed.connect(view.set_room_below)
        view.set_room_below(self._window.messages.covered_px)
        pane.method_requested.connect(self._on_pane_method_requested)
        pane.stop_requested.connect(self._on_pane_stop_requested)
        pane.anew_requested.connect(self._on_pane_anew_requested)
        self._window.gallery.gallery.modelReset.connect(self._on_gallery_model_reset)
        self._queries.answered.connect(self._on_queries_answered)
        self._queries.failed.connect(self._on_queries_failed)
        self._job.progressed.connect(self._on_job_progressed)
        self._job.succeeded.connect(self._on_job_succeeded)
        self._job.cancelled.connect(self._show_status)
        self._job.failed.connect(self._on_job_failed)
        self._work.state_changed.connect(self._on_work_state_changed)

    # -- layouts -----------------------------------------------------------------------------

    def _take_session(self) -> None:
        """Show the open project, or none."""
        pane, session = self.pane, self._controller.session
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._forget_work()
        pane.set_source(session)
        pane.set_anew_offered(0)
        pane.view.set_editable(self._controller.is_editable)
        if session is not None:
            self._unsubscribe = session.subscribe(self._follow)
            pane.view.set_message("Getting the map ready…")
            self._lay_out()

    def _forget_work(self) -> None:
        self._queries.drop(_CHANNEL)
        self._ticket = -1
        self._is_due = self._is_anew = False
        self._job.stop()
        self.pane.set_status("")

    def _lay_out(self) -> None:
        """Ask for the wanted map; principal components first where there is none."""
        layout = self.pane.view.model.layout
        self._is_due = self._wanted is not MapMethod.PCA
        if not self._is_due or layout is None:
            self._ask(MapMethod.PCA)
        self._start_due()

    def _ask(self, method: MapMethod) -> None:
        job = self._new_job(method)
        if job is not None:
            self._ticket = self._queries.ask(_CHANNEL, MapQuery(job))

    def _start_due(self) -> None:
        """Begin with the long job if one is due and nothing goes before it."""
        if not self._is_due or self._job.is_running:
            self._show_status()
            return
        if not self._work.is_busy:
            job = self._new_job(self._wanted)
            if job is not None:
                self._is_due = False
                self._job.start(job)
        self._show_status()

    def _new_job(self, method: MapMethod) -> MapJob | None:
        session = self._controller.session
        if session is None:
            return None
        engine, arrays = self._workspace.engine, self._workspace.stores.arrays
        kept = self.pane.view.model.layout
        if kept is not None and kept.method is not method:
            kept = None
        return MapJob(engine, arrays, snapshot_of(session), method, kept, self._is_anew)

    def _show_status(self, progress: StageProgressed | None = None) -> None:
        pane, wanted = self.pane, self._wanted
        layout = pane.view.model.layout
        meanwhile = (
            "" if layout is None or layout.method is wanted else f" · showing {layout.method}"
        )
        if self._job.is_running:
            left = None if progress is None else progress.seconds_left
            when = "…" if left is None else f": {_time_text(left)} left"
            pane.set_status(f"{wanted} layout{when}{meanwhile}", can_stop=True)
        elif self._is_due and layout is not None:
            pane.set_status(f"{wanted} layout follows when the other work is done{meanwhile}")
        else:
            pane.set_status("")

    def _take_layout(self, layout: MapLayout) -> None:
        pane, now = self.pane, self.pane.view.model.layout
        if layout.method is MapMethod.PCA and self._wanted is not MapMethod.PCA and now is not None:
            return  # the better one was there first
        pane.view.model.set_layout(layout)
        pane.set_anew_offered(layout.n_placed_later)
        self._on_gallery_model_reset()

    def _follow(self, change: ChangeSet) -> None:
        """New images are placed, and a map that could not be made before is tried again."""
        if change.has_new_images or (change.has_new_run and not change.is_preview):
            self._rest.start()

    def _fail(self, error: object) -> None:
        layout = self.pane.view.model.layout
        if layout is None:
            self.pane.view.set_message(str(error))
        elif isinstance(error, KnownError):
            self.pane.set_status(str(error))

    # -- slots: state ------------------------------------------------------------------------

    @Slot()
    def _on_controller_session_changed(self) -> None:
        if self._pane is not None:
            self._take_session()

    @Slot()
    def _on_controller_state_changed(self) -> None:
        if self._pane is not None:
            self._pane.view.set_editable(self._controller.is_editable)

    @Slot()
    def _on_rest_timeout(self) -> None:
        if self._pane is None or self._controller.session is None:
            return
        if not self.is_shown:  # nothing is laid out that nobody looks at
            self._is_stale = True
            return
        self._is_stale = False
        layout = self._pane.view.model.layout
        if layout is not None and layout.method is self._wanted is MapMethod.UMAP:
            self._is_due = True
            self._start_due()
        else:
            self._lay_out()

    @Slot()
    def _on_again_timeout(self) -> None:
        if self._pane is not None and self._controller.session is not None:
            self._start_due()

    @Slot()
    def _on_work_state_changed(self) -> None:
        if self._pane is None:
            return
        if self._job.is_running and self._work.is_busy:  # the project's own jobs go first
            self._job.stop()
            self._is_due = True
        self._start_due()

    @Slot()
    def _on_gallery_model_reset(self) -> None:
        """Dim what the gallery does not show: the filter, the clusters or the result chosen."""
        if self._pane is not None:
            gallery = self._window.gallery.gallery
            self._pane.view.model.set_shown(gallery.ids)

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if ticket == self._ticket and isinstance(answer, MapLayout):
            self._take_layout(answer)
            self._show_status()

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self._fail(error)

    @Slot(object)
    def _on_job_progressed(self, event: object) -> None:
        if isinstance(event, StageProgressed):
            self._show_status(event)

    @Slot(object)
    def _on_job_succeeded(self, result: object) -> None:
        if isinstance(result, MapLayout):
            self._is_anew = False
            self._take_layout(result)
            self._show_status()
            self._again.start()

    @Slot(object)
    def _on_job_failed(self, error: object) -> None:
        self._show_status()
        self._fail(error)

    # -- slots: wishes -----------------------------------------------------------------------

    @Slot(object)
    def _on_view_selection_requested(self, wanted: Selection) -> None:
        self._controller.select(wanted.images, wanted.current)

    @Slot(object, int)
    def _on_view_move_requested(self, images: object, cluster: int) -> None:
        if isinstance(images, tuple | list):
            self._controller.move(images, cluster)

    @Slot(object, QPoint)
    def _on_view_context_menu_requested(self, _images: object, place: QPoint) -> None:
        self._presenter.refresh()
        self._window.menus.image.popup(place)

    @Slot(str)
    def _on_view_said(self, text: str) -> None:
        self._window.statusBar().showMessage(text)

    @Slot(object)
    def _on_pane_method_requested(self, method: MapMethod) -> None:
        layout = self.pane.view.model.layout
        self._wanted, self._is_anew = method, False
        self._job.stop()
        if layout is not None and layout.method is method:
            self._is_due = False
            self._show_status()
        else:
            self._lay_out()

    @Slot()
    def _on_pane_stop_requested(self) -> None:
        self._job.stop()
        self._is_due = False
        layout = self.pane.view.model.layout
        if layout is not None:
            self._wanted = layout.method
            self.pane.set_method(layout.method)
        self._show_status()

    @Slot()
    def _on_pane_anew_requested(self) -> None:
        self._is_anew = True
        self._lay_out()


def _time_text(seconds: float) -> str:
    """`12 s` or `3 min`."""
    return f"{max(round(seconds), 1)} s" if seconds < 100 else f"{round(seconds / 60)} min"

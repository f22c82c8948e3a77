"""Keeps the quality panel up to date while it can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.errors import StorageError
from dclust_gui.services.cluster_quality import QualityQuery, QualityReport
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.views.message_bar import Message, MessageKind

if TYPE_CHECKING:
    from dclust_gui.domain.truth import Truth
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.views.quality_panel import QualityPanel
    from dclust_gui.ui.windows.controller import Controller

_CHANNEL = "quality"
_REST_MS = 400
"""Edits that follow each other within this time are measured once."""


class QualityKeeper(QObject):
    """Asks for a new report when clusters change; the newest question replaces the older.

    Args:
        panel: Shows it.
        controller: Has the open project.
        queries: The query thread.
        service: Has the features.
    """

    def __init__(
        self,
        panel: QualityPanel,
        controller: Controller,
        queries: QueryHost,
        service: SimilarService,
    ) -> None:
        super().__init__(panel)
        self._panel = panel
        self._controller = controller
        self._queries = queries
        self._service = service
        self._ticket = 0
        self._seen: tuple[int, bool] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        panel.shown_changed.connect(self._on_panel_shown_changed)
        panel.folders_toggled.connect(self._on_panel_folders_toggled)
        controller.state_changed.connect(self._on_controller_state_changed)
        controller.session_changed.connect(self._on_controller_session_changed)
        queries.answered.connect(self._on_queries_answered)
        queries.failed.connect(self._on_queries_failed)

    def _ask(self) -> None:
        session = self._controller.session
        if session is None or not self._panel.isVisible():
            return
        state = (session.revision, self._panel.is_comparing)
        if self._seen == state:
            return
        self._seen = state
        if not session.clustering.clusters:
            self._queries.drop(_CHANNEL)
            self._panel.set_note("Cluster the images to see how well the clusters hold.")
            return
        self._panel.set_busy()
        query = QualityQuery(
            self._service, snapshot_of(session), self._panel.is_comparing, self._truth_of(session)
        )
        self._ticket = self._queries.ask(_CHANNEL, query)

    def _truth_of(self, session: ProjectSession) -> Truth | None:
        """The true classes; those that cannot be read are left out and said."""
        try:
            return session.truth()
        except StorageError as error:
            self._controller.message_posted.emit(Message(MessageKind.ERROR, str(error)))
            return None

    @Slot()
    def _on_timer_timeout(self) -> None:
        self._ask()

    @Slot(bool)
    def _on_panel_shown_changed(self, is_shown: bool) -> None:
        if is_shown:
            self._timer.start(0)
        else:
            self._queries.drop(_CHANNEL)
            self._seen = None

    @Slot()
    def _on_panel_folders_toggled(self) -> None:
        self._ask()

    @Slot()
    def _on_controller_state_changed(self) -> None:
        self._timer.start(_REST_MS)

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._queries.drop(_CHANNEL)
        self._seen = None
        self._panel.set_note("Cluster the images to see how well the clusters hold.")

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if ticket == self._ticket and isinstance(answer, QualityReport):
            self._panel.set_report(answer)

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self._panel.show_failure(str(error))

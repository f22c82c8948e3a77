"""Offers a run's short list of numbers of clusters, previews cuts of its tree, and takes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.images import absolute_path
from dclust_gui.services.cutting import CutRequest, accept_cut, preview_cut
from dclust_gui.services.shortlist import ShortlistQuery, ShortlistReport
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.shortlist_card import Choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.runs import Run
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.shortlist import KCandidate
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.work import Work

CLUSTER_ANEW = "cluster anew"
"""Message action: cluster again with the number that was taken from the tree."""

_CHANNEL = "shortlist"
_KEY = "shortlist"
_REST_MS = 200
_NO_CHOICE = (
    "This run compared no numbers of clusters: its number was given, or its method finds it by"
    " itself. Cluster with the number on Automatic for a short list; the dendrogram shows every"
    " cut of the tree."
)


class ShortlistKeeper(QObject):
    """Fills the strip and the evidence panel, and carries out what is chosen there.

    The strip shows itself after a run and stays until it is closed; it comes back with the
    project as long as nothing but cuts has been decided since the run.

    Args:
        window: Shows strip and panel.
        controller: Has the open project.
        work: Tells of runs, and clusters anew.
        queries: The query thread.
        thumbnails: Gives pictures.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        work: Work,
        queries: QueryHost,
        thumbnails: ThumbnailService,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._work = work
        self._queries = queries
        self._loader = ThumbnailLoader(thumbnails, self, 1)
        self._pictures = DendrogramPictures(self._loader, self, self)
        self._report: ShortlistReport | None = None
        self._ticket = -1
        self._wants_strip = False
        self._anew = 0
        self._unsubscribe: Callable[[], None] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._connect()
        self._on_controller_state_changed()

    def _connect(self) -> None:
        strip, window = self._window.shortlist, self._window
        strip.set_pictures(self._pictures)
        strip.preview_requested.connect(self._on_strip_preview_requested)
        strip.choice_requested.connect(self._on_strip_choice_requested)
        strip.evidence_requested.connect(window.show_evidence)
        strip.dismissed.connect(self._on_strip_dismissed)
        strip.pictures_wanted.connect(self._on_strip_pictures_wanted)
        self._pictures.arrived.connect(strip.refresh_pictures)
        window.actions_["how_many"].triggered.connect(self._on_how_many_triggered)
        window.messages.action_requested.connect(self._on_messages_action_requested)
        self._controller.session_changed.connect(self._on_controller_session_changed)
        self._controller.state_changed.connect(self._on_controller_state_changed)
        self._work.run_accepted.connect(self._on_work_run_accepted)
        self._queries.answered.connect(self._on_queries_answered)
        self._rest.timeout.connect(self._on_rest_timeout)

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        return self._loader.shutdown(timeout_ms)

    # -- files, for the pictures -------------------------------------------------------------

    def path_of(self, image: int) -> Path:
        """An image's file."""
        session = self._controller.session
        if session is None:
            return Path()
        record = session.images[image]
        return absolute_path(session.roots[record.root], record.relative)

    def content_of(self, image: int) -> bytes:
        """Its content hash."""
        session = self._controller.session
        return b"" if session is None else session.images[image].content

    # -- inside ------------------------------------------------------------------------------

    def _ask(self, run: Run | None) -> None:
        """Read the list of another run."""
        if run is None:
            self._show_report(None)
        elif self._report is None or self._report.run.id != run.id:
            self._ticket = self._queries.ask(_CHANNEL, ShortlistQuery(run))

    def _show_report(self, report: ShortlistReport | None) -> None:
        strip = self._window.shortlist
        self._report = report
        found = None if report is None else report.found
        self._window.evidence.set_shortlist(found)
        has_choice = report is not None and report.found.has_choice
        if report is None or not has_choice:
            strip.set_choices(())
            strip.hide()
            return
        pairs = zip(report.found.candidates, report.strips, strict=True)
        strip.set_choices([Choice(candidate, images) for candidate, images in pairs])
        strip.set_editable(self._controller.is_editable)
        strip.setVisible(self._wants_strip)
        self._rest.start(0)

    def _request(self, k: int) -> CutRequest | None:
        """The cut of the tree into k clusters."""
        if self._report is None:
            return None
        for candidate, cut in zip(self._report.found.candidates, self._report.cuts, strict=True):
            if candidate.k == k:
                return CutRequest.whole(cut)
        return None

    def _candidate(self, k: int) -> KCandidate | None:
        known = () if self._report is None else self._report.found.candidates
        return next((c for c in known if c.k == k), None)

    def _is_current(self, session: ProjectSession) -> bool:
        """Whether the list is that of the accepted run."""
        run = session.run
        return run is not None and self._report is not None and self._report.run.id == run.id

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_controller_session_changed(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._queries.drop(_CHANNEL)
        self._pictures.clear()
        self._show_report(None)
        session = self._controller.session
        self._wants_strip = session is not None and _is_fresh(session)
        if session is not None:
            self._unsubscribe = session.subscribe(self._follow)
            self._ask(session.run)

    @Slot()
    def _on_controller_state_changed(self) -> None:
        session = self._controller.session
        has_run = session is not None and session.saved_clustering.run_id is not None
        self._window.actions_["how_many"].setEnabled(has_run)

    def _follow(self, change: ChangeSet) -> None:
        session = self._controller.session
        if session is None or change.is_preview:
            return
        if change.has_new_run:
            self._ask(session.run)
        self._rest.start(_REST_MS)

    @Slot()
    def _on_work_run_accepted(self) -> None:
        self._wants_strip = True
        self._window.messages.remove_key(_KEY)

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        session = self._controller.session
        if ticket != self._ticket or session is None or not isinstance(answer, ShortlistReport):
            return
        self._show_report(answer)
        self._on_controller_state_changed()

    @Slot()
    def _on_rest_timeout(self) -> None:
        """Mark the number that gives exactly the present clusters."""
        session, report = self._controller.session, self._report
        if session is None or report is None or not self._is_current(session):
            return
        state = session.saved_clustering
        present = 0
        for candidate, cut in zip(report.found.candidates, report.cuts, strict=True):
            after = preview_cut(state, report.run, CutRequest.whole(cut))
            if np.array_equal(after.labels, state.labels):
                present = candidate.k
        self._window.shortlist.set_present(present)

    @Slot(int)
    def _on_strip_preview_requested(self, k: int) -> None:
        session, request = self._controller.session, self._request(k)
        if session is None:
            return
        if request is None or not self._is_current(session) or self._report is None:
            session.show_preview(None)
            return
        state = session.saved_clustering
        session.show_preview(preview_cut(state, self._report.run, request).clustering())

    @Slot(int)
    def _on_strip_choice_requested(self, k: int) -> None:
        session, request = self._controller.session, self._request(k)
        if session is None or request is None or not self._controller.is_editable:
            return
        session.show_preview(None)
        self._window.messages.remove_key(_KEY)
        try:
            accept_cut(session, request)
        except KnownError as error:
            self._window.messages.show_message(Message(MessageKind.ERROR, str(error), key=_KEY))
            return
        self._window.shortlist.set_present(k)
        candidate = self._candidate(k)
        if candidate is not None and candidate.caution:
            self._anew = k
            self._window.messages.show_message(
                Message(
                    MessageKind.INFO,
                    candidate.caution,
                    CLUSTER_ANEW,
                    f"Cluster anew with {k}",
                    _KEY,
                )
            )

    @Slot()
    def _on_strip_dismissed(self) -> None:
        self._wants_strip = False
        self._window.shortlist.hide()

    @Slot(object, int)
    def _on_strip_pictures_wanted(self, images: object, side_px: int) -> None:
        if isinstance(images, tuple) and self._controller.session is not None:
            self._pictures.want(images, side_px)

    @Slot()
    def _on_how_many_triggered(self) -> None:
        if self._report is None or not self._report.found.has_choice:
            self._window.messages.show_message(Message(MessageKind.INFO, _NO_CHOICE, key=_KEY))
            return
        self._wants_strip = True
        self._window.shortlist.show()
        self._window.shortlist.focus_present()

    @Slot(str)
    def _on_messages_action_requested(self, action: str) -> None:
        session = self._controller.session
        run = None if session is None else session.run
        if action == CLUSTER_ANEW and run is not None and self._anew:
            self._work.cluster(replace(run.settings, k=self._anew))


def _is_fresh(session: ProjectSession) -> bool:
    """Whether nothing but cuts was decided since the last run."""
    steps = session.history.steps[: session.history.position]
    for step in reversed(steps):
        if step.kind is EditKind.RUN:
            return True
        if step.kind is not EditKind.CUT:
            return False
    return False

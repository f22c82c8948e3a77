"""Runs in the window: what the last one has changed, any two compared, an older one kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.errors import KnownError
from dclust_gui.services.editing.run_sides import (
    NOW,
    Side,
    SideKind,
    SidesCompared,
    SidesQuery,
    SummaryQuery,
    keep_side,
    offers,
)
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.runs_page import RunsPage, images_text
from dclust_gui.ui.views.view_bar import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.editing.run_sides import SideOffer
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.looking import Looking
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.work import Work

RUN_DETAILS = "run details"
"""Message action: compare the clusters with those before the last run."""

_CHANNEL = "compare runs"
_SUMMARY = "summary of a run"
_KEY = "run summary"
_REST_MS = 150


class RunsKeeper(QObject):
    """Tells what a run has changed, and compares runs.

    Args:
        window: What is seen.
        controller: Has the open project.
        work: Tells of runs.
        looking: Shows images in the gallery.
        queries: Thread of the comparison.
        thumbnails: Gives pictures.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        work: Work,
        looking: Looking,
        queries: QueryHost,
        thumbnails: ThumbnailService,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._looking = looking
        self._queries = queries
        self._loader = ThumbnailLoader(thumbnails, self, 1)
        self._page: RunsPage | None = None
        self._found: SidesCompared | None = None
        self._offers: tuple[SideOffer, ...] = ()
        self._states: tuple[Clustering | None, Clustering | None] = (None, None)
        self._asked: Clustering | None = None
        self._ticket = self._summary_ticket = -1
        self._unsubscribe: Callable[[], None] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._on_rest_timeout)
        window.actions_["compare"].triggered.connect(self._on_compare_triggered)
        window.messages.action_requested.connect(self._on_messages_action_requested)
        window.page_changed.connect(self._on_window_page_changed)
        controller.session_changed.connect(self._on_controller_session_changed)
        controller.state_changed.connect(self._on_controller_state_changed)
        work.run_accepted.connect(self._on_work_run_accepted)
        queries.answered.connect(self._on_queries_answered)
        queries.failed.connect(self._on_queries_failed)
        self._on_controller_state_changed()

    @property
    def page(self) -> RunsPage:
        """The page; made at the first question."""
        if self._page is None:
            page = self._page = RunsPage(self._loader, self._window)
            page.sides_requested.connect(self._on_page_sides_requested)
            page.images_requested.connect(self._on_page_images_requested)
            page.keep_requested.connect(self._on_page_keep_requested)
            page.pictures.preview_requested.connect(self._window.preview.open_image)
            page.set_editable(self._controller.is_editable)
            self._window.add_page(page)
        return self._page

    @property
    def is_shown(self) -> bool:
        """Whether the comparison is the page in sight."""
        return self._page is not None and self._window.page is self._page

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        self._rest.stop()
        return self._loader.shutdown(timeout_ms)

    def compare(self, first: Side | None = None, second: Side | None = None) -> None:
        """Open the comparison; of the last run but one with now where nothing is said."""
        if self._fill(first, second):
            self._window.show_page(self.page)

    def _fill(self, first: Side | None = None, second: Side | None = None) -> bool:
        """Offer what there is and ask; False if nothing can be compared."""
        session = self._controller.session
        if session is None:
            return False
        try:
            self._offers = offers(session)
        except KnownError as error:
            self._window.messages.show_message(Message(MessageKind.ERROR, str(error)))
            return False
        known = {offer.side for offer in self._offers}
        runs = [o.side for o in self._offers if o.side.kind is SideKind.RUN]
        usual = runs[min(1, len(runs) - 1)] if runs else NOW
        before = first if first in known and first is not None else usual
        after = second if second in known and second is not None else NOW
        self.page.set_offers(self._offers, before, after)
        self._ask()
        return True

    def _ask(self) -> None:
        session, sides = self._controller.session, self.page.sides
        if session is None or sides is None:
            return
        self.page.set_busy()
        self._asked = session.saved_clustering
        query = SidesQuery(session.store, session.saved_clustering, *sides)
        self._ticket = self._queries.ask(_CHANNEL, query)

    def _sides(self) -> tuple[Side | None, Side | None]:
        """What was compared last."""
        return self.page.sides or (None, None)

    def _leave(self) -> None:
        self._queries.drop(_CHANNEL)
        self._queries.drop(_SUMMARY)
        self._found = self._asked = None
        if self.is_shown:
            self._looking.show_view(View.GALLERY)

    # -- slots: state ------------------------------------------------------------------------

    @Slot()
    def _on_controller_session_changed(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._rest.stop()
        self._leave()
        session = self._controller.session
        self._states = (None, None)
        if session is not None:
            self._states = (None, session.saved_clustering)
            self._unsubscribe = session.subscribe(self._follow)

    @Slot()
    def _on_controller_state_changed(self) -> None:
        session = self._controller.session
        has_run = session is not None and session.saved_clustering.run_id is not None
        self._window.actions_["compare"].setEnabled(has_run)
        if self._page is not None:
            self._page.set_editable(self._controller.is_editable)

    def _follow(self, change: ChangeSet) -> None:
        session = self._controller.session
        if session is None or change.is_preview or session.saved_clustering is self._states[1]:
            return
        self._states = (self._states[1], session.saved_clustering)
        self._queries.drop(_SUMMARY)
        self._window.messages.remove_key(_KEY)
        if self.is_shown:
            self._rest.start()

    @Slot()
    def _on_work_run_accepted(self) -> None:
        """Ask what the run has changed, unless it was the first."""
        before, after = self._states
        if before is not None and after is not None and before.run_id is not None:
            self._summary_ticket = self._queries.ask(_SUMMARY, SummaryQuery(before, after))

    @Slot()
    def _on_rest_timeout(self) -> None:
        if self.is_shown and self._controller.session is not None:
            self._fill(*self._sides())

    @Slot()
    def _on_window_page_changed(self) -> None:
        """Coming back, the clusters may be others than those compared."""
        session = self._controller.session
        if self.is_shown and session is not None and self._asked is not session.saved_clustering:
            self._rest.start()

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        session = self._controller.session
        if session is None:
            return
        if ticket == self._ticket and isinstance(answer, SidesCompared):
            self._found = answer
            self.page.set_found(answer, ImageFiles(session.images, session.roots))
        elif ticket == self._summary_ticket and isinstance(answer, str):
            message = Message(MessageKind.DONE, answer, RUN_DETAILS, "Details", _KEY)
            self._window.messages.show_message(message)

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self.page.set_failure(f"The runs could not be compared. {error}")

    # -- slots: wishes -----------------------------------------------------------------------

    @Slot()
    def _on_compare_triggered(self) -> None:
        if self._found is None:
            self.compare()
        else:
            self.compare(*self._sides())

    @Slot(str)
    def _on_messages_action_requested(self, action: str) -> None:
        session = self._controller.session
        if action == RUN_DETAILS and session is not None:
            before = [o.side for o in offers(session) if o.side.kind is SideKind.BEFORE]
            self.compare(before[0] if before else None, NOW)

    @Slot()
    def _on_page_sides_requested(self) -> None:
        self._ask()

    @Slot(object, str)
    def _on_page_images_requested(self, images: object, title: str) -> None:
        if isinstance(images, np.ndarray):
            self._looking.show_result(images.tolist(), images_text(len(images), title))

    @Slot(object)
    def _on_page_keep_requested(self, clusters: object) -> None:
        session, found = self._controller.session, self._found
        if session is None or found is None or not isinstance(clusters, tuple):
            return
        short = {offer.side: offer.short for offer in self._offers}
        state, groups = session.saved_clustering, found.found.first
        if len(groups.labels) != state.n_images:
            return  # images have come since; the comparison is made anew in a moment
        edit = keep_side(state, groups, clusters, short.get(found.first, "an earlier run"))
        if edit.changes_nothing:
            text = "These clusters are already as they were there; nothing has changed."
            self._window.messages.show_message(Message(MessageKind.INFO, text, key=_KEY))
            return
        self._controller.decide(lambda: session.apply(edit))

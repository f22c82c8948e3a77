"""Re-cluster the rest in the window: a proposal is made, previewed in all views, and decided on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot

from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.events import StageProgressed
from dclust_gui.domain.proposals import Proposal
from dclust_gui.services.reclustering import ReclusterJob
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.proposal_choice import ProposalChoice
from dclust_gui.ui.views.proposal_page import ProposalPage
from dclust_gui.ui.views.view_bar import View
from dclust_gui.ui.windows.page_keeper import PageKeeper, Parts

if TYPE_CHECKING:
    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.windows.looking import Looking

_REST_MS = 60
_QUEUED = "The work under way goes first."
CHANGED = "The clusters have changed since. Propose again when you like."


class ReclusterKeeper(PageKeeper):
    """Keeps one proposal: asks for it, shows it, and carries out what is accepted.

    Args:
        parts: What it works with.
        looking: Knows which view is open.
    """

    def __init__(self, parts: Parts, looking: Looking) -> None:
        # The preview is shown a moment later: several clicks make one, and no change of the
        # session is answered by another one from within.
        super().__init__(parts, _REST_MS)
        self._looking = looking
        self._page: ProposalPage | None = None
        self._choice: ProposalChoice | None = None
        self._state: Clustering | None = None
        self._preview: Clustering | None = None
        self._failure = ""
        self._is_open = False
        self._connect()

    def _connect(self) -> None:
        bar = self._window.proposal_bar
        bar.list_requested.connect(self._on_bar_list_requested)
        bar.all_accepted.connect(self._on_bar_all_accepted)
        bar.checked_accepted.connect(self._on_bar_checked_accepted)
        bar.rejected.connect(self._on_bar_rejected)
        self._window.actions_["recluster"].triggered.connect(self._on_recluster_triggered)
        self._window.page_changed.connect(self._on_window_page_changed)
        self._refresh_action()

    @property
    def page(self) -> ProposalPage:
        """The page; made at the first question."""
        if self._page is None:
            page = self._page = ProposalPage(self._loader, self._window)
            page.again_requested.connect(self._on_page_again_requested)
            page.strips.choice_changed.connect(self._on_strips_choice_changed)
            page.strips.preview_requested.connect(self._window.preview.open_image)
            page.strips.cluster_requested.connect(self._on_strips_cluster_requested)
            self._window.add_page(page)
        return self._page

    @property
    def choice(self) -> ProposalChoice | None:
        """The open proposal and what is chosen of it; None for none."""
        return self._choice

    # -- asking ------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Make a proposal from the saved clusters as the page says."""
        session, page = self._controller.session, self.page
        if session is None:
            return
        self._job.stop()
        self._drop_choice()
        snapshot = replace(snapshot_of(session), clustering=session.saved_clustering)
        engine, arrays = self._workspace.engine, self._workspace.stores.arrays
        self._is_open = True
        self._job.start(
            ReclusterJob(
                engine, arrays, snapshot, page.way, page.places_unassigned, teacher=page.teacher
            )
        )
        page.set_busy(is_busy=True)
        self._window.proposal_bar.set_busy(_QUEUED if self._work.is_busy else "")
        self._window.proposal_bar.show()

    def _take(self, session: ProjectSession, proposal: Proposal) -> None:
        """Show a proposal that has come."""
        state = session.saved_clustering
        self._choice, self._state = ProposalChoice(proposal, state), state
        self.page.strips.set_editable(self._controller.is_editable)
        self.page.set_choice(self._choice, ImageFiles(session.images, session.roots))
        self._show_preview()
        self._refresh()

    def _drop_choice(self) -> None:
        """Forget the proposal; all views show the saved clusters again."""
        session = self._controller.session
        self._rest.stop()
        self._choice = self._state = None
        preview, self._preview = self._preview, None
        self._failure = ""
        if self._page is not None:
            self._page.set_choice(None, ImageFiles())
        if session is not None and preview is not None and session.clustering is preview:
            session.show_preview(None)

    def _close(self) -> None:
        """The proposal is decided on, or nobody wants it any more."""
        self._job.stop()
        self._is_open = False
        self._drop_choice()
        self._window.proposal_bar.hide()
        if self.is_shown:
            self._looking.show_view(View.GALLERY)

    # -- showing -----------------------------------------------------------------------------

    def _show_preview(self) -> None:
        session, choice = self._controller.session, self._choice
        if session is None or choice is None:
            return
        is_ours = session.clustering in (session.saved_clustering, self._preview)
        if not is_ours:
            return  # a cut or a number of clusters is being tried; ours comes back after it
        self._preview = choice.preview()
        session.show_preview(self._preview)

    def _refresh(self) -> None:
        """Say on bar and page what is chosen."""
        bar = self._window.proposal_bar
        if self._choice is not None:
            editable = self._controller.is_editable
            bar.set_choice(self._choice, is_editable=editable, has_list=self.is_shown)
        if self._page is not None:
            self._page.set_busy(is_busy=self._job.is_running)
            self._page.refresh(self._choice, self._failure)

    def _fail(self, text: str) -> None:
        self._failure = text
        self._window.proposal_bar.set_failure("There is no proposal.")
        self._refresh()

    def _accept(self, *, takes_all: bool) -> None:
        session, choice = self._controller.session, self._choice
        if session is None or choice is None:
            return
        choice.set_state(session.saved_clustering)
        edit = choice.edit(takes_all=takes_all)
        if len(edit.images) and self._controller.decide(lambda: session.apply(edit)):
            self._close()

    # -- slots: state ------------------------------------------------------------------------

    @Slot()
    def _on_controller_state_changed(self) -> None:
        self._refresh_action()

    @Slot()
    def _on_work_state_changed(self) -> None:
        self._refresh_action()

    def _refresh_action(self) -> None:
        session, action = self._controller.session, self._window.actions_["recluster"]
        has_run = session is not None and session.saved_clustering.run_id is not None
        editable = self._controller.is_editable
        action.setEnabled(has_run and editable and not self._work.is_clustering)

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._stop_following()
        self._preview = None
        self._close()
        self._follow_project()

    def _follow(self, change: ChangeSet) -> None:
        """After an edit, or another preview, ours is shown again; a failure may hold no more."""
        session = self._controller.session
        if self._failure and not change.is_preview:
            self._failure = ""
            self._window.proposal_bar.set_failure(CHANGED)
            self._refresh()
        if self._choice is None or session is None or session.clustering is self._preview:
            return
        if session.clustering is session.saved_clustering:
            self._rest.start()

    @Slot()
    def _on_rest_timeout(self) -> None:
        session, choice = self._controller.session, self._choice
        if session is None or choice is None:
            return
        if session.saved_clustering is not self._state:
            self._state = session.saved_clustering
            choice.set_state(self._state)
        self._show_preview()
        self._refresh()

    @Slot()
    def _on_window_page_changed(self) -> None:
        if self._is_open and self._choice is not None:
            self._refresh()

    @Slot(object)
    def _on_job_progressed(self, event: object) -> None:
        if isinstance(event, StageProgressed) and event.total:
            self._window.proposal_bar.set_busy(f"{100 * event.done // event.total} %")

    @Slot(object)
    def _on_job_succeeded(self, result: object) -> None:
        session = self._controller.session
        if session is not None and isinstance(result, Proposal):
            self._take(session, result)

    @Slot()
    def _on_job_cancelled(self) -> None:
        self._fail("Stopped. Propose again when you like.")

    @Slot(object)
    def _on_job_failed(self, error: object) -> None:
        known = isinstance(error, KnownError)
        self._fail(str(error) if known else "Something went wrong. Your project is as it was.")
        if not known and isinstance(error, BaseException):
            self._work.report(error, "re-cluster the rest")

    # -- slots: wishes -----------------------------------------------------------------------

    @Slot()
    def _on_recluster_triggered(self) -> None:
        self._window.show_page(self.page)
        if not self._is_open or self._choice is None:
            self._ask()

    @Slot()
    def _on_page_again_requested(self) -> None:
        self._ask()

    @Slot()
    def _on_strips_choice_changed(self) -> None:
        self._refresh()
        self._rest.start()

    @Slot(int)
    def _on_strips_cluster_requested(self, cluster: int) -> None:
        self._looking.show_view(View.GALLERY)
        self._window.clusters.select_cluster(cluster)

    @Slot()
    def _on_bar_list_requested(self) -> None:
        self._window.show_page(self.page)

    @Slot()
    def _on_bar_all_accepted(self) -> None:
        self._accept(takes_all=True)

    @Slot()
    def _on_bar_checked_accepted(self) -> None:
        self._accept(takes_all=False)

    @Slot()
    def _on_bar_rejected(self) -> None:
        self._close()

"""The Inbox in the window: new files are sorted in the background, and accepted by a person."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal, Slot

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import KnownError
from dclust_gui.services.classifying import Doubt
from dclust_gui.services.inbox import InboxFinding, InboxJob, StudentShelf, arrivals
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.inbox_page import InboxGroup, InboxPage
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.view_bar import View
from dclust_gui.ui.windows.page_keeper import PageKeeper, Parts

if TYPE_CHECKING:
    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.windows.looking import Looking

SHOW_INBOX = "inbox"
"""Message action: open the Inbox."""

_REST_MS = 300
_NOTHING = (
    "There are no new images. Files that come into the project's folders after it was clustered"
    " are sorted here; nothing is put into a cluster before you accept it."
)


class InboxKeeper(PageKeeper):
    """Sorts new images once they have been read, and carries out what is accepted.

    Args:
        parts: What it works with.
        looking: Opens the review.

    Signals:
        changed: Other images wait in the Inbox.
    """

    changed = Signal()

    def __init__(self, parts: Parts, looking: Looking) -> None:
        super().__init__(parts, _REST_MS)
        self._looking = looking
        self._shelf = StudentShelf()
        self._page: InboxPage | None = None
        self._finding: InboxFinding | None = None
        self._failure = ""
        self._asked: tuple[int | None, bytes] = (None, b"")
        self._window.actions_["inbox"].triggered.connect(self.show)
        self._window.messages.action_requested.connect(self._on_messages_action_requested)

    @property
    def page(self) -> InboxPage:
        """The page; made at the first question."""
        if self._page is None:
            page = self._page = InboxPage(self._loader, self._window)
            page.accepted.connect(self._on_page_accepted)
            page.dismissed.connect(self._on_page_dismissed)
            page.again_requested.connect(self.look_again)
            page.review_requested.connect(self._on_page_review_requested)
            page.preview_requested.connect(self._window.preview.open_image)
            self._window.add_page(page)
        return self._page

    @property
    def finding(self) -> InboxFinding | None:
        """What was found of the new images; None before, or where there are none."""
        return self._finding

    def waiting(self) -> frozenset[int]:
        """Ids of the images that wait to be accepted here; the review asks about all others."""
        session, finding = self._controller.session, self._finding
        if session is None or finding is None:
            return frozenset()
        sure = finding.still_sure(session.saved_clustering)
        return frozenset(finding.proposal.images[sure].tolist())

    @Slot()
    def show(self) -> None:
        """Open the Inbox."""
        self._window.messages.remove_key(SHOW_INBOX)
        self._window.show_page(self.page)
        self._show_page()

    # -- sorting -----------------------------------------------------------------------------

    @Slot()
    def look_again(self) -> None:
        """Sort the new images by the clusters as they are now."""
        self._asked = (None, b"")
        self._finding, self._failure = None, ""
        self._job.stop()
        self._rest.start()
        self._show_page()

    def _snapshot(self, session: ProjectSession) -> Snapshot:
        return replace(snapshot_of(session), clustering=session.saved_clustering)

    @Slot()
    def _on_rest_timeout(self) -> None:
        session = self._controller.session
        if session is None or session.is_read_only or session.run is None or self._work.is_busy:
            return
        snapshot = self._snapshot(session)
        images = arrivals(snapshot)
        key = (snapshot.clustering.run_id, images.tobytes())
        if key == self._asked:
            return
        known = () if self._finding is None else self._finding.images
        is_known = np.isin(images, known).all() and self._asked[0] == key[0]
        self._asked = key
        if not len(images) or (is_known and self._finding is not None):
            self._show_page()  # some were decided on; the others stay as they were sorted
            return
        self._job.start(InboxJob(self._workspace.engine, snapshot, self._shelf))
        self._show_page()

    def _take(self, session: ProjectSession, finding: InboxFinding | None) -> None:
        self._finding, self._failure = finding, ""
        self.changed.emit()
        self._show_page()
        if finding is None or self.is_shown:
            return
        state = session.saved_clustering
        text = arrived_text(finding, state)
        self._window.messages.show_message(
            Message(MessageKind.INFO, text, SHOW_INBOX, "Open Inbox", SHOW_INBOX)
        )

    # -- showing -----------------------------------------------------------------------------

    def _show_page(self) -> None:
        """Bring the page up to date, if there is one."""
        page, session = self._page, self._controller.session
        if page is None:
            return
        page.set_editable(self._controller.is_editable)
        finding = self._finding
        if self._job.is_running:
            page.set_message("Sorting the new images by the present clusters…")
        elif session is None or finding is None:
            page.set_message(self._failure or _NOTHING, can_again=bool(self._failure))
        else:
            state = session.saved_clustering
            groups = groups_of(finding, state)
            unsure = finding.unsure[finding.still_unsure(state)]
            if not groups and not len(unsure):
                page.set_message("All new images have been dealt with.")
                return
            files = ImageFiles(session.images, session.roots)
            page.set_groups(groups, unsure, unsure_text(finding), head_text(finding), files)

    def _follow(self, change: ChangeSet) -> None:
        """Decisions made elsewhere, new images, another run."""
        if change.is_preview:
            return
        if change.has_new_run:
            self._finding = None
        if self._finding is not None or change.has_new_images or change.has_new_run:
            self._rest.start()
            self._show_page()
            self.changed.emit()

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._follow_project()
        self._job.stop()
        self._rest.stop()
        self._finding, self._failure, self._asked = None, "", (None, b"")
        self._shelf = StudentShelf()
        self._window.messages.remove_key(SHOW_INBOX)
        if self.is_shown:
            self._looking.show_view(View.GALLERY)
        self._show_page()

    @Slot()
    def _on_controller_state_changed(self) -> None:
        session = self._controller.session
        has_run = session is not None and session.saved_clustering.run_id is not None
        self._window.actions_["inbox"].setEnabled(has_run)
        if self._page is not None:
            self._page.set_editable(self._controller.is_editable)

    @Slot()
    def _on_work_state_changed(self) -> None:
        if not self._work.is_busy and self._controller.session is not None:
            self._rest.start()

    @Slot(object)
    def _on_job_succeeded(self, result: object) -> None:
        session = self._controller.session
        if session is not None and (result is None or isinstance(result, InboxFinding)):
            self._take(session, result)

    @Slot()
    def _on_job_cancelled(self) -> None:
        self._failure = "Sorting was stopped. The new images are Unassigned."
        self._show_page()

    @Slot(object)
    def _on_job_failed(self, error: object) -> None:
        if isinstance(error, KnownError):
            self._failure = f"{error} The new images are Unassigned; the review asks about them."
        elif isinstance(error, BaseException):
            self._failure = "Something went wrong. The new images are Unassigned."
            self._work.report(error, "sort new images")
        self._show_page()

    @Slot(str)
    def _on_messages_action_requested(self, action: str) -> None:
        if action == SHOW_INBOX:
            self.show()

    @Slot()
    def _on_page_accepted(self) -> None:
        session, finding = self._controller.session, self._finding
        if session is None or finding is None:
            return
        chosen = self.page.chosen()
        without = [i for i in finding.proposal.images.tolist() if i not in chosen]
        edit = finding.edit(session.saved_clustering, without)
        if len(edit.images):
            self._controller.decide(lambda: session.apply(edit))

    @Slot()
    def _on_page_dismissed(self) -> None:
        self._finding = None
        self.changed.emit()
        self._show_page()
        self._looking.show_view(View.GALLERY)

    @Slot()
    def _on_page_review_requested(self) -> None:
        self._looking.show_view(View.REVIEW)


def groups_of(finding: InboxFinding, state: Clustering) -> list[InboxGroup]:
    """The images that are sure, by cluster, the largest group first."""
    holds = finding.still_sure(state)
    images, after = finding.proposal.images[holds], finding.proposal.after[holds]
    margin = finding.proposal.margin[holds]
    groups = [
        InboxGroup(
            key,
            state.clusters[key].title,
            state.clusters[key].colour,
            images[after == key],
            margin[after == key],
        )
        for key in np.unique(after).tolist()
    ]
    return sorted(groups, key=lambda group: (-len(group.images), group.cluster))


def head_text(finding: InboxFinding) -> str:
    """What there is to know of the groups, in words."""
    rule = "Click a picture that should stay Unassigned. Nothing changes before you accept."
    if not len(finding.proposal.images):
        return "None of the new images is sure enough to be sorted; the review asks about them."
    known = ""
    if not np.isnan(finding.precision):
        known = f" It was right in {finding.precision:.0%} of such cases when it was tested."
    return (
        f"A classifier taught by your clusters is at least {finding.threshold:.0%} sure of"
        f" these.{known} {rule}"
    )


def unsure_text(finding: InboxFinding) -> str:
    """Why the others are not sorted, in words."""
    n_unlike = finding.doubts.count(Doubt.UNLIKE)
    if not n_unlike:
        return "not sure enough"
    if n_unlike == len(finding.doubts):
        return "unlike the images of every cluster"
    return f"not sure enough, or unlike every cluster ({n_unlike:,})"


def arrived_text(finding: InboxFinding, state: Clustering) -> str:
    """What has come, for the message bar."""
    n_sure, n_unsure = len(finding.proposal.images), len(finding.unsure)
    n_clusters = len(groups_of(finding, state))
    came = f"{count_of(n_sure + n_unsure, 'new image')}:"
    if not n_sure:
        return f"{came} none is sure enough to be sorted. They are Unassigned."
    verb = "fits" if n_sure == 1 else "fit"
    what = f"{came} {n_sure:,} {verb} into {count_of(n_clusters, 'cluster')}"
    rest = f", {n_unsure:,} to look at" if n_unsure else ""
    return f"{what}{rest}. Nothing is put into a cluster before you accept it."

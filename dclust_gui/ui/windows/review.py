"""The review in the window: looks for questions, asks them, carries out the answers."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal, Slot

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.events import StageProgressed
from dclust_gui.domain.splits import propose_merge
from dclust_gui.services.reviewing import (
    Choice,
    ReviewItem,
    ReviewJob,
    ReviewKind,
    ReviewSession,
)
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.bridge.preview_loader import PreviewLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.typicality import typical_members, typicality
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.review_card import ReviewCard
from dclust_gui.ui.views.review_page import ReviewPage
from dclust_gui.ui.views.section_grid import Section
from dclust_gui.ui.windows.page_keeper import PageKeeper, Parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QImage

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.bridge.preview_loader import LargePicture

_N_AHEAD = 3
"""Questions whose pictures are read beforehand."""

_MOST_KEPT = 12
_LEAST_SIDE = 800
_N_EXEMPLARS = 6
_N_OF_SIDE = 60
_LOOKING = "Looking for what to review…"


class ReviewKeeper(PageKeeper):
    """Runs the review while its page is open.

    Args:
        parts: What it works with.

    Signals:
        preview_requested: id of an image to show large.
        gallery_requested: Show the gallery.
    """

    preview_requested = Signal(int)
    gallery_requested = Signal()

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, 0)
        self._previews = PreviewLoader(parts.workspace.thumbnails, self)
        self._page: ReviewPage | None = None
        self._review: ReviewSession | None = None
        self._waiting: Callable[[], frozenset[int]] = frozenset
        self._files = ImageFiles()
        self._pictures: OrderedDict[int, QImage | None] = OrderedDict()
        self._run_id: int | None = None
        self._is_due = self._is_deciding = False
        self._previews.loaded.connect(self._on_previews_loaded)

    @property
    def page(self) -> ReviewPage:
        """The page; made at the first question."""
        if self._page is None:
            page = self._page = ReviewPage(self._loader, self._window)
            page.answered.connect(self._on_page_answered)
            page.back_requested.connect(self._on_page_back_requested)
            page.again_requested.connect(self.look_again)
            page.preview_requested.connect(self.preview_requested)
            page.gallery_requested.connect(self.gallery_requested)
            page.subject_changed.connect(self._window.subject_changed)
            self._window.add_page(page)
            self._window.messages.height_changed.connect(page.set_room_below)
            page.set_room_below(self._window.messages.covered_px)
        return self._page

    @property
    def review(self) -> ReviewSession | None:
        """The walk through the questions; None before they are found."""
        return self._review

    def set_waiting(self, waiting: Callable[[], frozenset[int]]) -> None:
        """Ask nothing about the new images that wait elsewhere.

        Args:
            waiting: Gives their ids.
        """
        self._waiting = waiting

    def wake(self) -> None:
        """The page is in sight: go on, or look for questions."""
        session = self._controller.session
        run_id = None if session is None else session.clustering.run_id
        if self._review is None or run_id != self._run_id:
            if not self._job.is_running:
                self.look_again()
        else:
            self._show()

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        ended = [self._previews.shutdown(timeout_ms), super().shutdown(timeout_ms)]
        return all(ended)

    # -- looking for questions ---------------------------------------------------------------

    @Slot()
    def look_again(self) -> None:
        """Look for questions anew."""
        session = self._controller.session
        self._review = None
        self._stop_job()
        if session is None or session.run is None:
            self.page.set_message(
                "Nothing to review yet",
                "Cluster the images first; then what is worth a second look is asked here.",
                can_again=False,
            )
            return
        self._is_due = True
        self.page.set_busy(_LOOKING)
        self._rest.start()

    @Slot()
    def _on_rest_timeout(self) -> None:
        session = self._controller.session
        if not self._is_due or session is None or session.run is None:
            return
        if self._work.is_busy:  # the project's own jobs go first
            self.page.set_busy("Waiting for the work under way to end…")
            return
        self._is_due = False
        self.page.set_busy(_LOOKING)
        self._run_id = session.clustering.run_id
        engine, arrays = self._workspace.engine, self._workspace.stores.arrays
        job = ReviewJob(engine, arrays, snapshot_of(session), self._waiting())
        self._job.start(job)

    def _stop_job(self) -> None:
        self._is_due = False
        self._job.stop()

    @Slot(object)
    def _on_job_progressed(self, event: object) -> None:
        if isinstance(event, StageProgressed) and event.total:
            self.page.set_busy(f"{_LOOKING} {event.done / event.total:.0%}")

    @Slot(object)
    def _on_job_succeeded(self, result: object) -> None:
        session = self._controller.session
        if not isinstance(result, tuple) or session is None:
            return
        self._files = ImageFiles(session.images, session.roots)
        self._pictures.clear()
        self.page.grid.set_files(self._files)
        self._review = ReviewSession(session, result)
        self._show()

    @Slot(object)
    def _on_job_failed(self, error: object) -> None:
        self.page.set_message("The review could not begin", str(error))

    @Slot()
    def _on_job_cancelled(self) -> None:
        self.page.set_message("The search was stopped", "")

    @Slot()
    def _on_work_state_changed(self) -> None:
        if self._is_due and not self._work.is_busy:
            self._rest.start()

    # -- showing -----------------------------------------------------------------------------

    def _show(self) -> None:
        """Ask the present question, or say that there is none."""
        review, session, page = self._review, self._controller.session, self.page
        if review is None or session is None:
            return
        can_go_back = bool(review.answers)
        page.set_editable(self._controller.is_editable)
        page.set_counts(review.n_left, review.n_decided, review.per_minute)
        item = review.current
        if item is None:
            if can_go_back:
                page.set_done(summary_of(review), can_go_back=True)
            else:
                page.set_message(
                    "Nothing to review", "No image or cluster stands out. Well sorted!"
                )
            return
        card = card_of(item, session, self._files)
        page.set_card(card, can_go_back=can_go_back)
        self._show_picture(card.image)
        self._read_ahead()

    def _show_picture(self, image: int | None) -> None:
        if image is None:
            return
        if image in self._pictures:
            picture = self._pictures[image]
            message = "" if picture is not None else "This file cannot be read."
            self.page.picture.set_picture(picture, message)
        else:
            self.page.picture.set_picture(None, "Loading…")

    def _read_ahead(self) -> None:
        """Read the pictures of this question and the next ones."""
        review = self._review
        if review is None or review.current is None:
            return
        items = (review.current, *review.coming(_N_AHEAD))
        images = [int(i.images[0]) for i in items if is_about_image(i)]
        wanted = [i for i in images if i not in self._pictures]
        side = max(_LEAST_SIDE, self.page.picture.side_px)
        self._previews.request([(i, self._files.path_of(i)) for i in wanted], side)

    @Slot(object)
    def _on_previews_loaded(self, large: LargePicture) -> None:
        self._pictures[large.image] = large.picture
        while len(self._pictures) > _MOST_KEPT:
            self._pictures.popitem(last=False)
        card = None if self._page is None else self._page.card
        if card is not None and card.image == large.image:
            self._show_picture(large.image)

    # -- answers -----------------------------------------------------------------------------

    @Slot(object)
    def _on_page_answered(self, choice: Choice) -> None:
        review = self._review
        if review is not None:
            self._decide(lambda: review.answer(choice))

    @Slot()
    def _on_page_back_requested(self) -> None:
        review = self._review
        if review is not None and review.answers:
            self._decide(review.back)

    def _decide(self, act: Callable[[], object]) -> None:
        self._is_deciding = True
        try:
            act()
        except KnownError as error:
            self._window.messages.show_message(Message(MessageKind.ERROR, str(error)))
        finally:
            self._is_deciding = False
        self._show()

    # -- following ---------------------------------------------------------------------------

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._follow_project()
        self._stop_job()
        self._review, self._run_id = None, None
        self._files = ImageFiles()
        self._pictures.clear()
        self._previews.clear()

    def _follow(self, change: ChangeSet) -> None:
        """Decisions made elsewhere: undo asks again, edits make questions pointless."""
        review = self._review
        if review is None or self._is_deciding or change.is_preview:
            return
        if change.has_new_run:
            self._review = None
            if self.is_shown:
                self.look_again()
            return
        review.refresh()
        if self.is_shown:
            self._show()

    @Slot()
    def _on_controller_state_changed(self) -> None:
        if self._page is not None:
            self._page.set_editable(self._controller.is_editable)


def is_about_image(item: ReviewItem) -> bool:
    """Whether one image is asked about, not clusters."""
    return item.kind in (ReviewKind.DOUBTFUL, ReviewKind.ARRIVAL)


def card_of(item: ReviewItem, session: ProjectSession, files: ImageFiles) -> ReviewCard:
    """A question as the page shows it.

    Args:
        item: The question.
        session: The project.
        files: Where its images are.
    """
    state = session.clustering
    typical = typicality(session.confidence(), state)
    here, there = title_of(state, item.cluster), title_of(state, item.suggestion)

    def exemplars(cluster: int, detail: str) -> Section:
        images = typical_members(typical, state, cluster, _N_EXEMPLARS + 1)
        images = images[~np.isin(images, item.images)][:_N_EXEMPLARS]
        colour = state.clusters[cluster].colour if cluster in state.clusters else None
        return Section(title_of(state, cluster), detail, images, colour)

    image = int(item.images[0]) if is_about_image(item) else None
    name = "" if image is None else files.name_of(image)
    question, reason = item.question(state), reason_of(item, state)
    if item.kind is ReviewKind.ARRIVAL:
        sections: tuple[Section, ...] = (exemplars(item.suggestion, "would take it in"),)
        return ReviewCard(
            question, reason, image, name, sections, "Leave Unassigned", f"Move to {there}"
        )
    if item.kind is ReviewKind.DOUBTFUL:
        sections = (exemplars(item.cluster, "it is in"), exemplars(item.suggestion, "fits better"))
        return ReviewCard(
            question, reason, image, name, sections, f"Keep in {here}", f"Move to {there}"
        )
    sides = _sides_of(item, state, typical)
    if item.kind is ReviewKind.MERGE:
        stays = title_of(state, survivor_of(item, state))
        return ReviewCard(question, reason, None, "", sides, "Keep apart", f"Merge into {stays}")
    return ReviewCard(question, reason, None, "", sides, "Keep together", "Split in two")


def _sides_of(
    item: ReviewItem, state: Clustering, typical: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> tuple[Section, ...]:
    """Both clusters of a merge, or both parts of a split, side by side."""
    if item.kind is ReviewKind.MERGE:
        return tuple(
            Section(
                title_of(state, key),
                count_of(len(state.members(key))),
                typical_members(typical, state, key, _N_OF_SIDE),
                state.clusters[key].colour,
                column=column,
            )
            for column, key in enumerate((item.cluster, item.suggestion))
        )
    leaving = item.images
    members = state.members(item.cluster).astype(np.int32)
    staying = members[~np.isin(members, leaving)]
    staying = staying[np.argsort(-np.nan_to_num(typical[staying], nan=-1.0), kind="stable")]
    colour = state.clusters[item.cluster].colour
    sides = ((f"Stays {title_of(state, item.cluster)}", staying), ("Would leave", leaving))
    return tuple(
        Section(
            title, count_of(len(images)), images[:_N_OF_SIDE], colour if not n else None, column=n
        )
        for n, (title, images) in enumerate(sides)
    )


def reason_of(item: ReviewItem, state: Clustering) -> str:
    """Why a question is asked, in words."""
    there = title_of(state, item.suggestion)
    match item.kind:
        case ReviewKind.DOUBTFUL:
            return (
                f"Of its nearest images that are in either cluster, {item.score:.0%} are in"
                f" {there}, {1 - item.score:.0%} in its own."
            )
        case ReviewKind.ARRIVAL:
            return f"{item.score:.0%} of its nearest images are in {there}."
        case ReviewKind.MERGE:
            return (
                f"Their images have each other as neighbours ({item.score:.0%} mixed). The name"
                f" {title_of(state, survivor_of(item, state))} would stay."
            )
        case ReviewKind.SPLIT:
            return f"Both parts keep to themselves ({item.score:.0%} apart)."


def survivor_of(item: ReviewItem, state: Clustering) -> int:
    """The cluster whose name would stay if two became one."""
    return propose_merge(state, (item.cluster, item.suggestion)).survivor


def title_of(state: Clustering, cluster: int) -> str:
    """A cluster's name in quotes, or Unassigned."""
    known = state.clusters.get(cluster)
    return "Unassigned" if cluster == UNASSIGNED or known is None else f"'{known.title}'"


def summary_of(review: ReviewSession) -> str:
    """What came out of a review, in words."""
    answers = review.answers
    n = {choice: answers.count(choice) for choice in Choice}
    parts = [
        f"{n[Choice.KEEP]:,} kept as they were",
        f"{n[Choice.SUGGESTION]:,} suggestions taken",
        f"{n[Choice.SKIP]:,} skipped",
    ]
    told = f"{count_of(len(answers), 'decision')}: {', '.join(parts)}."
    return f"{told} Everything can be undone with Ctrl+Z."

"""Duplicates in the window: looked for in the background, grouped by a slider, decided on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl, Slot
from PySide6.QtGui import QDesktopServices

from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.events import StageProgressed
from dclust_gui.services.duplicate_decisions import ignore_edit, open_groups, others_of, with_best
from dclust_gui.services.duplicate_groups import DuplicateGroup, GroupQuery, SharpnessMeter
from dclust_gui.services.duplicates import DuplicateFinding, DuplicateJob
from dclust_gui.services.sketching import SketchShelf
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.bridge.query_host import QueryHost
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.duplicates_page import DuplicatesPage
from dclust_gui.ui.views.view_bar import View
from dclust_gui.ui.windows import duplicate_words as words
from dclust_gui.ui.windows.page_keeper import PageKeeper, Parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.windows.looking import Looking

_CHANNEL = "duplicates"
_REST_MS = 120


class DuplicateKeeper(PageKeeper):
    """Looks for duplicates when the page is opened, and carries out what is decided.

    Args:
        parts: What it works with.
        looking: Opens the gallery and the preview.
    """

    def __init__(self, parts: Parts, looking: Looking) -> None:
        super().__init__(parts, _REST_MS)
        self._looking = looking
        # Groups may need the sharpness of files: a thread of their own holds up no other question.
        self._queries = QueryHost("duplicates", self)
        self._page: DuplicatesPage | None = None
        self._forget()
        self._connect()

    def _forget(self) -> None:
        """Nothing is known of any project."""
        self._shelf = SketchShelf()
        self._finding: DuplicateFinding | None = None
        self._groups: tuple[DuplicateGroup, ...] | None = None
        self._shown: list[DuplicateGroup] = []
        self._chosen: dict[frozenset[int], int] = {}
        self._dismissed: list[frozenset[bytes]] = []
        self._grouped_at = -1.0
        self._ticket = -1
        self._failure = ""

    def _connect(self) -> None:
        self._window.actions_["duplicates"].triggered.connect(self.show)
        self._window.page_changed.connect(self._on_window_page_changed)
        self._queries.answered.connect(self._on_queries_answered)
        self._queries.failed.connect(self._on_queries_failed)
        self._on_controller_state_changed()

    @property
    def page(self) -> DuplicatesPage:
        """The page; made at the first question."""
        if self._page is None:
            page = self._page = DuplicatesPage(self._loader, self._window)
            page.threshold_changed.connect(self._on_page_threshold_changed)
            page.turned_toggled.connect(self._on_page_turned_toggled)
            page.command_requested.connect(self._on_page_command_requested)
            page.select_all_requested.connect(self._on_page_select_all_requested)
            page.ignore_all_requested.connect(self._on_page_ignore_all_requested)
            page.restore_requested.connect(self._on_page_restore_requested)
            page.again_requested.connect(self._on_page_again_requested)
            messages = self._window.messages
            messages.height_changed.connect(page.list.set_room_below)
            page.list.set_room_below(messages.height() if messages.isVisible() else 0)
            self._window.add_page(page)
        return self._page

    @property
    def groups(self) -> tuple[DuplicateGroup, ...]:
        """The groups in sight."""
        return tuple(self._shown)

    @Slot()
    def show(self) -> None:
        """Open the page, and look for duplicates unless it is known which there are."""
        self._window.show_page(self.page)
        self._look()

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop answering and reading pictures; True when both have ended."""
        ended = [self._queries.shutdown(timeout_ms), super().shutdown(timeout_ms)]
        return all(ended)

    # -- looking -----------------------------------------------------------------------------

    def _look(self) -> None:
        """Start a search where the last one is none of the present images; bring the page up."""
        session = self._controller.session
        if session is not None and self.is_shown and not self._is_current(session):
            self._finding = self._groups = None
            if not self._work.is_busy and not self._failure:
                snapshot = replace(snapshot_of(session), clustering=session.saved_clustering)
                is_turned = self.page.turned.isChecked()
                job = DuplicateJob(self._workspace, snapshot, self._shelf, with_turned=is_turned)
                self._job.start(job)
        self._show_page()

    def _is_current(self, session: ProjectSession) -> bool:
        if self._job.is_running:
            return True
        found = self._finding
        is_turned = self._page is not None and self._page.turned.isChecked()
        return (
            found is not None and found.records is session.images and found.with_turned == is_turned
        )

    def _group(self) -> None:
        """Ask for the groups at the slider's threshold."""
        session, finding = self._controller.session, self._finding
        if session is None or finding is None or self._page is None:
            return
        self._grouped_at = self._page.threshold
        meter = SharpnessMeter(self._workspace, finding.records, session.roots, self._shelf)
        query = GroupQuery(finding, self._grouped_at, meter)
        self._ticket = self._queries.ask(_CHANNEL, query)

    # -- showing -----------------------------------------------------------------------------

    def _show_page(self) -> None:
        """Bring the page up to date, if there is one."""
        page, session = self._page, self._controller.session
        if page is None:
            return
        page.set_editable(self._controller.is_editable)
        page.set_dismissed(len(self._dismissed))
        self._shown = []
        if session is None or not session.images:
            page.set_message("Open a folder of images to look for duplicates.")
        elif self._failure:
            page.set_message(self._failure, can_again=True)
        elif self._finding is None or self._groups is None:
            is_waiting = self._work.is_busy and not self._job.is_running
            page.set_message(words.READING if is_waiting else words.LOOKING)
        else:
            self._show_groups(page, session, self._finding, self._groups)

    def _show_groups(
        self,
        page: DuplicatesPage,
        session: ProjectSession,
        finding: DuplicateFinding,
        groups: tuple[DuplicateGroup, ...],
    ) -> None:
        records, state = session.images, session.saved_clustering
        left = open_groups(groups, records, state, self._dismissed)
        self._shown = [self._as_chosen(g, records) for g in left] if self._chosen else left
        if not self._shown:
            has_more = bool(len(finding.pairs.similarity))
            none = words.NONE if finding.n_compared else words.NONE_EQUAL
            why = words.DECIDED if groups else words.NONE_HERE if has_more else none
            text = f"{why} {finding.note}".strip()
            page.set_message(text, keeps_controls=has_more or bool(groups))
            return
        text = words.head_text(self._shown, records, finding.note)
        files = ImageFiles(records, session.roots)
        rows = words.CopyGroups(self._shown, records)
        page.set_groups(rows, files, text, len(others_of(self._shown)))

    def _as_chosen(self, group: DuplicateGroup, records: Sequence[ImageRecord]) -> DuplicateGroup:
        """A group with the best copy that the person has chosen, if so."""
        chosen = self._chosen.get(frozenset(group.images))
        return group if chosen is None else with_best(group, chosen, records)

    # -- commands ----------------------------------------------------------------------------

    def _current(self) -> DuplicateGroup | None:
        place = self.page.list.current
        return self._shown[place] if 0 <= place < len(self._shown) else None

    def _carry_out(self, name: str, group: DuplicateGroup, image: int) -> None:
        """One of the page's commands for one group and one of its images."""
        match name:
            case "compare":
                self._looking.open_preview(image)  # selects this one alone
                self._controller.select(group.images, image)
            case "I":
                self._ignore(group.others)
            case "X":
                records = self._records()
                self._dismissed.append(frozenset(records[i].content for i in group.images))
                self._show_page()
            case "B":
                self._chosen[frozenset(group.images)] = image
                self._show_page()
            case "S":
                self._select(group.others)
            case _:  # reveal
                folder = self.page.list.path_of(image).parent
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _records(self) -> tuple[ImageRecord, ...]:
        session = self._controller.session
        return () if session is None else session.images

    def _ignore(self, images: tuple[int, ...]) -> None:
        session = self._controller.session
        if session is None or not self._controller.is_editable:
            return
        edit = ignore_edit(session.saved_clustering, images)
        if edit is not None:
            self._controller.decide(lambda: session.apply(edit))

    def _select(self, images: tuple[int, ...]) -> None:
        """Show them in the gallery, selected: ready to be moved."""
        if images:
            self._looking.show_result(images, "Copies besides the best")
            self._controller.select(images, images[0])

    # -- following ---------------------------------------------------------------------------

    def _follow(self, change: ChangeSet) -> None:
        """Decisions made elsewhere, new images, another run."""
        if change.has_new_images:
            self._failure = ""
        if not change.is_preview and self.is_shown:
            self._rest.start()

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_rest_timeout(self) -> None:
        page = self._page
        if page is not None and self._finding is not None and page.threshold != self._grouped_at:
            self._group()
        else:
            self._look()

    @Slot()
    def _on_window_page_changed(self) -> None:
        if self.is_shown:
            self._rest.start()

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._follow_project()
        self._job.stop()
        self._queries.drop(_CHANNEL)
        self._rest.stop()
        self._forget()
        if self.is_shown:
            self._looking.show_view(View.GALLERY)
        self._show_page()

    @Slot()
    def _on_controller_state_changed(self) -> None:
        session = self._controller.session
        has_images = session is not None and bool(session.images)
        self._window.actions_["duplicates"].setEnabled(has_images)
        if self._page is not None:
            self._page.set_editable(self._controller.is_editable)

    @Slot()
    def _on_work_state_changed(self) -> None:
        self._on_controller_state_changed()
        if self.is_shown:
            self._rest.start()

    @Slot(object)
    def _on_job_progressed(self, event: object) -> None:
        if isinstance(event, StageProgressed) and event.total and self.is_shown:
            self.page.set_message(f"{words.LOOKING} {event.done / event.total:.0%}")

    @Slot(object)
    def _on_job_succeeded(self, result: object) -> None:
        if isinstance(result, DuplicateFinding):
            self._finding, self._groups = result, None
            self._group()
            self._show_page()

    @Slot()
    def _on_job_cancelled(self) -> None:
        self._failure = words.STOPPED
        self._show_page()

    @Slot(object)
    def _on_job_failed(self, error: object) -> None:
        self._fail(error)

    def _fail(self, error: object) -> None:
        if isinstance(error, KnownError):
            self._failure = str(error)
        elif isinstance(error, BaseException):
            self._failure = "Something went wrong."
            self._work.report(error, "look for duplicates")
        self._show_page()

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if ticket == self._ticket and isinstance(answer, tuple):
            self._groups = answer
            if self._page is not None and self._page.threshold != self._grouped_at:
                self._rest.start()  # the slider has moved on meanwhile
            self._show_page()

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self._fail(error)

    @Slot()
    def _on_page_threshold_changed(self) -> None:
        self._rest.start()

    @Slot(bool)
    def _on_page_turned_toggled(self, _is_on: bool) -> None:
        self._job.stop()
        self._failure = ""
        self._look()

    @Slot()
    def _on_page_again_requested(self) -> None:
        self._failure, self._finding = "", None
        self._look()

    @Slot(str)
    def _on_page_command_requested(self, name: str) -> None:
        group, image = self._current(), self.page.list.current_image
        if group is not None:
            self._carry_out(name, group, image)

    @Slot()
    def _on_page_select_all_requested(self) -> None:
        self._select(others_of(self._shown))

    @Slot()
    def _on_page_ignore_all_requested(self) -> None:
        self._ignore(others_of(self._shown))

    @Slot()
    def _on_page_restore_requested(self) -> None:
        self._dismissed.clear()
        self._show_page()

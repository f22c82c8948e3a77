"""Shows the state of project and jobs in the window: what can be done, numbers, title, messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QIcon

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.images import ImageStatus
from dclust_gui.services.estimate import estimate_seconds
from dclust_gui.ui.models.gallery_order import GalleryFilter
from dclust_gui.ui.models.palette import mark_pixmap
from dclust_gui.ui.views.acting import HasSubject
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.theme import is_dark
from dclust_gui.ui.windows.controller import members_of
from dclust_gui.ui.windows.dialog_parts import menu_text, short_step
from dclust_gui.ui.windows.work import PASSING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.settings import Settings
    from dclust_gui.ui.models.cluster_model import ClusterModel
    from dclust_gui.ui.windows.cluster_marks import ClusterMarks
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.work import Work

SAVE_COPY = "save copy"
"""Message action: save a read-only project under another name."""

_NOTE_MS = 6000
_READ_ONLY = (
    "This project is open for reading only: another window or command holds it, or its file may"
    " not be changed. You can look and export; to change something, save a copy."
)


class Presenter(QObject):
    """Follows controller and work; many changes in one turn of the loop are shown once.

    Args:
        window: What is seen.
        clusters: Rows of the cluster panel.
        controller: Has the open project.
        work: Runs its jobs.
        settings: Has the recent folders.
        marks: Knows the commands for marks of clusters.

    Signals:
        refreshed: What can be done is shown anew; ids (a tuple) that commands act on.
    """

    refreshed = Signal(object)

    def __init__(
        self,
        window: MainWindow,
        clusters: ClusterModel,
        controller: Controller,
        work: Work,
        settings: Settings,
        marks: ClusterMarks,
    ) -> None:
        super().__init__(window)
        self._marks = marks
        self._window = window
        self._clusters = clusters
        self._controller = controller
        self._work = work
        self._settings = settings
        self._shown: tuple[int, ...] = ()
        self._filtered: frozenset[int] | None = None
        self._found: tuple[int, ...] | None = None
        self._timed_images: tuple[ImageRecord, ...] = ()
        self._unsubscribe: Callable[[], None] | None = None
        self._refresher = QTimer(self)
        self._refresher.setSingleShot(True)
        self._refresher.setInterval(0)
        self._refresher.timeout.connect(self._on_refresher_timeout)
        controller.session_changed.connect(self._on_controller_session_changed)
        controller.state_changed.connect(self._refresher.start)
        controller.message_posted.connect(window.messages.show_message)
        controller.message_outdated.connect(window.messages.remove_key)
        controller.images_restored.connect(self._on_controller_images_restored)
        controller.said.connect(self._on_controller_said)
        controller.opening_shown.connect(self._on_controller_opening_shown)
        window.preview.image_changed.connect(self._refresher.start)
        window.page_changed.connect(self._refresher.start)
        window.subject_changed.connect(self._refresher.start)
        window.key_coming.connect(self._on_window_key_coming)
        work.job_shown.connect(self._on_work_job_shown)
        work.next_shown.connect(window.jobs.set_next)
        work.progressed.connect(window.jobs.set_progress)
        work.progressed.connect(self._refresh_estimate)
        work.pause_shown.connect(window.jobs.set_paused)
        work.state_changed.connect(self._refresher.start)
        work.device_found.connect(window.run_panel.set_device)

    @property
    def selected(self) -> tuple[int, ...]:
        """The images that commands act on: the one shown large, or the selected in sight."""
        shown = self._window.preview.image
        if shown is not None:
            return (shown,)
        window, session = self._window, self._controller.session
        page = window.page
        if page is window.gallery or session is None:
            return window.gallery.selected_shown()
        if isinstance(page, HasSubject):
            return page.images_acted_on()
        return tuple(sorted(session.selection.images))  # these pages hide nothing

    def refresh(self) -> None:
        """Show what can be done now, and the numbers."""
        session, edit = self._controller.session, self._controller.is_editable
        window, actions = self._window, self._window.actions_
        has, selected = session is not None, self.selected
        chosen = window.clusters.selected_clusters()
        history = None if session is None else session.history
        undo = None if history is None or not edit else history.undo_step
        redo = None if history is None or not edit else history.redo_step
        for name, step in (("undo", undo), ("redo", redo)):
            words = f"{name.capitalize()} {step.title}" if step else name.capitalize()
            actions[name].setText(menu_text(short_step(words)))
            actions[name].setToolTip(words)
        can_run = edit and len(session.images if session else ()) > 1
        can_run = can_run and not self._work.is_clustering
        actions.set_enabled(
            {
                **dict.fromkeys(
                    ("save_as", "export", "undo_export", "close", "skipped", "show_all"), has
                ),
                **dict.fromkeys(("select_all", "select_none", "invert", "find", "group"), has),
                **dict.fromkeys(("zoom_in", "zoom_out", "zoom_reset"), has),
                **dict.fromkeys(("move", "unassign"), edit and bool(selected)),
                **dict.fromkeys(("preview", "show_file", "similar"), bool(selected)),
                "reveal": bool(selected) and session is not None and session.run is not None,
                **dict.fromkeys(("filter", "gallery", "dendrogram", "map", "review_page"), has),
                "undo": undo is not None,
                "redo": redo is not None,
                "rescan": edit and not self._work.is_busy,
                "cluster": can_run,
                "new_cluster": edit,
                "merge": edit and len(chosen) > 1,
                "rename": edit and len(chosen) == 1,
            }
        )
        if session is not None:
            window.show_invitation(is_wanted=not session.images and not self._work.is_busy)
        self._marks.refresh(is_editable=edit)
        self._refresh_words(len(self._clusters.with_stacks(selected)), len(chosen))
        self._refresh_quick(is_enabled=edit and bool(selected))
        self._refresh_panel(can_run=can_run)
        self._refresh_counts(len(selected))
        window.set_project_title(self._controller.title)
        self.refreshed.emit(selected)

    def _refresh_words(self, n_images: int, n_clusters: int) -> None:
        """Say in the menus what each command would act on."""
        actions = self._window.actions_
        images = count_of(n_images) if n_images else ""
        actions["move"].setText(f"Move {images} to cluster…" if images else "Move to cluster…")
        actions["unassign"].setText(
            f"Take {images} out of cluster" if images else "Take out of cluster"
        )
        actions["new_cluster"].setText(f"New cluster from {images}" if images else "New cluster")
        clusters = count_of(n_clusters, "cluster")
        actions["merge"].setText(f"Merge {clusters}…" if n_clusters > 1 else "Merge clusters…")
        self._window.menus.move.setTitle(f"Move {images} to" if images else "Move to")

    def _refresh_quick(self, *, is_enabled: bool) -> None:
        targets = self._controller.quick_targets()
        titles = self._clusters.titles(targets)
        dark = is_dark(self._window.palette())
        table = self._controller.session.clustering.clusters if self._controller.session else {}
        for place, action in enumerate(self._window.actions_.quick):
            has = place < len(titles)
            action.setVisible(has)
            action.setEnabled(has and is_enabled)
            if has:
                action.setText(titles[place].replace("&", "&&"))
                colour = table[targets[place]].colour
                action.setIcon(QIcon(mark_pixmap(16, colour, dark)))
        self._window.menus.move.setEnabled(bool(titles) and is_enabled)

    def _refresh_panel(self, *, can_run: bool) -> None:
        panel, session = self._window.run_panel, self._controller.session
        if session is not None and session.images is not self._timed_images:
            self._timed_images = session.images
            panel.set_times(count_timed(session.images), len(session.images))
        n_images = 0 if session is None else len(session.images)
        reason = ""
        if self._work.is_clustering:
            reason = "A clustering is under way"
        elif session is not None and session.is_read_only:
            reason = "The project is open for reading only"
        elif not n_images:
            reason = "There are no images yet"
        elif n_images == 1:
            reason = "It takes at least two images"
        panel.set_scope(n_images, can_run=can_run, reason=reason)
        self._refresh_estimate()

    @Slot()
    def _refresh_estimate(self) -> None:
        n_left = self._work.n_left()
        seconds = estimate_seconds(n_left, rate=self._work.rate)
        self._window.run_panel.set_estimate(n_left, seconds)

    def _refresh_counts(self, n_selected: int) -> None:
        session = self._controller.session
        if session is None:
            self._window.counts.clear()
            return
        n_images, window = len(session.images), self._window
        n_shown = window.gallery.gallery.n_images if window.page is window.gallery else n_images
        window.counts.setText(counts_text(n_selected, n_shown, n_images))

    def show_clusters(self, clusters: tuple[int, ...]) -> None:
        """Show the images of some clusters; of all when there are none."""
        if clusters != self._shown:
            self._window.preview.close_preview()
        self._shown = clusters
        self._set_filter()
        self._window.gallery.set_empty_text(self._empty_text())
        self._refresher.start()

    def set_limits(self, filtered: frozenset[int] | None, found: tuple[int, ...] | None) -> None:
        """Show only images that a filter lets through, or that a search has found.

        Args:
            filtered: Ids; None for no filter.
            found: Ids in the order of the result; None for no search.
        """
        self._filtered, self._found = filtered, found

    def _set_filter(self) -> None:
        clusters, session = self._shown, self._controller.session
        limits = self._filtered
        if session is None or not clusters:
            wanted = GalleryFilter(images=limits, found=self._found)
        elif len(clusters) == 1:
            wanted = GalleryFilter(cluster=clusters[0], images=limits, found=self._found)
        else:
            members = members_of(session, clusters)
            images = members if limits is None else members & limits
            wanted = GalleryFilter(images=images, found=self._found)
        self._window.gallery.gallery.set_filter(wanted)

    def _empty_text(self) -> str:
        """Why the gallery has nothing to show, and the way out."""
        session, shown = self._controller.session, self._shown
        if self._filtered is not None:
            return "No image fits the filter here.\n\nPress Escape to see all images."
        if session is None or not shown:
            return ""
        if shown == (UNASSIGNED,):
            return "Every image is in a cluster.\n\nImages that you take out of theirs come here."
        titles = self._clusters.titles(shown)
        place = f"'{titles[0]}'" if len(titles) == 1 else "These clusters"
        has = "has" if len(titles) == 1 else "have"
        return f"{place} {has} no images now.\n\nPress Escape to see all images."

    def _follow_selection(self, _selection: Selection) -> None:
        self._refresher.start()

    @Slot()
    def _on_window_key_coming(self) -> None:
        """A key pressed right after a click must find its command allowed."""
        if self._refresher.isActive():
            self._refresher.stop()
            self._on_refresher_timeout()

    @Slot()
    def _on_refresher_timeout(self) -> None:
        if len(self._shown) > 1:
            self._set_filter()
        self._window.gallery.set_empty_text(self._empty_text())
        self.refresh()

    @Slot()
    def _on_controller_session_changed(self) -> None:
        session, window = self._controller.session, self._window
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._shown, self._filtered, self._found = (), None, None
        window.messages.clear()
        window.gallery.set_source(session)
        self._clusters.set_session(session)
        window.clusters.show_all()
        window.clusters.set_editable(self._controller.is_editable)
        window.show_project(is_open=session is not None)
        window.empty.set_recent(self._settings.recent())
        if session is not None:
            self._unsubscribe = session.subscribe_selection(self._follow_selection)
            if session.is_read_only:
                window.messages.show_message(
                    Message(MessageKind.WARNING, _READ_ONLY, SAVE_COPY, "Save a copy…", "read only")
                )
        self.refresh()

    @Slot(object, object)
    def _on_controller_images_restored(
        self, images: tuple[int, ...], clusters: tuple[int, ...]
    ) -> None:
        """Select what an undo or redo has moved, and bring the first of it into sight.

        Args:
            images: Ids of what was moved.
            clusters: Ids of those to show where none of the images is in sight.
        """
        model, window = self._window.gallery.gallery, self._window
        is_looked_at = window.page is window.gallery and bool(self._shown)
        if is_looked_at and clusters and not model.shown(frozenset(images)):
            window.clusters.select_clusters(clusters)
        shown = model.shown(frozenset(images))
        self._controller.select(images, shown[0] if shown else images[0])

    @Slot(str)
    def _on_controller_said(self, text: str) -> None:
        self._window.statusBar().showMessage(text, _NOTE_MS)

    @Slot(str)
    def _on_controller_opening_shown(self, title: str) -> None:
        if title:
            self._window.statusBar().showMessage(f"{title}…")
        else:
            self._window.statusBar().clearMessage()

    @Slot(str)
    def _on_work_job_shown(self, title: str) -> None:
        if title:
            self._window.jobs.set_job(title)
        else:
            self._window.jobs.clear()
            self._window.messages.remove_key(PASSING)


def counts_text(n_selected: int, n_shown: int, n_images: int) -> str:
    """The numbers for the status bar: `37 selected of 412 · 12,480`."""
    if n_selected:
        text = f"{n_selected:,} selected of {n_shown:,}"
        return text if n_shown == n_images else f"{text} · {n_images:,}"
    return count_of(n_images) if n_shown == n_images else f"{n_shown:,} of {count_of(n_images)}"


def count_timed(images: tuple[ImageRecord, ...]) -> int:
    """Images that have a capture time, or may have one, as they have not been read yet."""
    pending = ImageStatus.PENDING
    return sum(bool(r.facts.taken_at) or r.facts.status is pending for r in images)

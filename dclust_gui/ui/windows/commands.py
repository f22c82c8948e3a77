"""Connects the window with the controller: wishes go in, the state comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDesktopServices, QIcon

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.services.estimate import estimate_seconds
from dclust_gui.services.jobs import SampleJob
from dclust_gui.ui.models.gallery_order import GalleryFilter, SortKey
from dclust_gui.ui.models.palette import mark_pixmap
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.theme import Theme, ThemeKeeper, is_dark
from dclust_gui.ui.windows.controller import UNDO, Controller, members_of
from dclust_gui.ui.windows.dialogs import Dialogs
from dclust_gui.ui.windows.work import RESCAN, SHOW_DETAILS, SHOW_SKIPPED, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QMenu

    from dclust_gui.domain.runs import RunSettings
    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.settings import Settings
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.models.cluster_model import ClusterModel, ClusterOrder
    from dclust_gui.ui.windows.main_window import MainWindow

SAVE_COPY = "save copy"
"""Message action: save a read-only project under another name."""

_NOTE_MS = 6000
_READ_ONLY = (
    "This project is open for reading only: another window or command holds it, or its file may"
    " not be changed. You can look and export; to change something, save a copy."
)


class Commands(QObject):
    """The window's glue; has no state but what is shown.

    Args:
        window: What is seen.
        clusters: Rows of the cluster panel.
        controller: Carries out wishes.
        work: Runs jobs.
        io: Thread of exports and of the sample collection.
        settings: Remembers looks and places.
        theme: Keeps the look.
        sample_folder: Where the sample collection is made.

    Signals:
        closed: The window may go; everything is saved.
    """

    closed = Signal()

    def __init__(
        self,
        window: MainWindow,
        clusters: ClusterModel,
        controller: Controller,
        work: Work,
        io: EngineHost,
        settings: Settings,
        theme: ThemeKeeper,
        sample_folder: Path,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._clusters = clusters
        self._controller = controller
        self._work = work
        self._io = io
        self._settings = settings
        self._theme = theme
        self._sample_folder = sample_folder
        self._sample_job: int | None = None
        self._shown: tuple[int, ...] = ()
        self._unsubscribe: Callable[[], None] | None = None
        self.dialogs = Dialogs(window, controller, work, io, settings)
        self._refresher = QTimer(self)
        self._refresher.setSingleShot(True)
        self._refresher.setInterval(0)
        self._refresher.timeout.connect(self._on_refresher_timeout)
        self._connect_actions()
        self._connect_views()
        self._connect_state()
        self._restore()
        self._refresh()

    # -- connections -------------------------------------------------------------------------

    def _connect_actions(self) -> None:
        actions, gallery = self._window.actions_, self._window.gallery
        for name, slot in {
            "open_folder": self.dialogs.choose_folder,
            "open_project": self.dialogs.choose_project,
            "sample": self._on_sample_triggered,
            "rescan": self._work.rescan,
            "save_as": self.dialogs.choose_save_as,
            "export": self._on_export_triggered,
            "close": self._on_close_triggered,
            "quit": self._window.close,
            "undo": self._controller.undo,
            "redo": self._controller.redo,
            "select_all": gallery.select_all,
            "select_none": gallery.select_none,
            "invert": gallery.invert_selection,
            "find": self._window.clusters.focus_filter,
            "preview": self._on_preview_triggered,
            "show_all": self._window.clusters.show_all,
            "group": gallery.gallery.set_grouped,
            "zoom_in": self._on_zoom_in_triggered,
            "zoom_out": self._on_zoom_out_triggered,
            "zoom_reset": gallery.reset_zoom,
            "full_screen": self._on_full_screen_triggered,
            "cluster": self._on_cluster_triggered,
            "new_cluster": self._on_new_cluster_triggered,
            "merge": self._on_merge_triggered,
            "rename": self._on_rename_triggered,
            "pin": self._on_pin_triggered,
            "move": self._on_move_triggered,
            "unassign": self._on_unassign_triggered,
            "show_file": self._on_show_file_triggered,
            "skipped": self.dialogs.skipped,
            "shortcuts": self.dialogs.shortcuts,
            "about": self.dialogs.about,
        }.items():
            actions[name].triggered.connect(slot)
        actions.quick_requested.connect(self._on_actions_quick_requested)
        actions.sort_requested.connect(self._on_actions_sort_requested)
        actions.order_requested.connect(self._on_actions_order_requested)
        actions.theme_requested.connect(self._on_actions_theme_requested)

    def _connect_views(self) -> None:
        window = self._window
        window.paths_dropped.connect(self._on_window_paths_dropped)
        window.close_requested.connect(self._on_window_close_requested)
        window.menus.recent.aboutToShow.connect(self._on_recent_about_to_show)
        window.menus.recent.triggered.connect(self._on_recent_triggered)
        window.empty.open_folder_requested.connect(self.dialogs.choose_folder)
        window.empty.open_project_requested.connect(self.dialogs.choose_project)
        window.empty.sample_requested.connect(self._on_sample_triggered)
        window.empty.recent_requested.connect(self._on_empty_recent_requested)
        gallery, panel = window.gallery, window.clusters
        gallery.selection_requested.connect(self._on_gallery_selection_requested)
        gallery.move_requested.connect(self._on_move_requested)
        gallery.context_menu_requested.connect(self._on_gallery_context_menu_requested)
        gallery.filter_reset_requested.connect(panel.show_all)
        gallery.cell_side_changed.connect(window.zoom.setValue)
        window.zoom.valueChanged.connect(gallery.set_cell_side)
        panel.shown_requested.connect(self._on_panel_shown_requested)
        panel.move_requested.connect(self._on_move_requested)
        panel.new_cluster_requested.connect(self._on_panel_new_cluster_requested)
        panel.merge_requested.connect(self._on_panel_merge_requested)
        panel.rename_requested.connect(self._on_panel_rename_requested)
        panel.context_menu_requested.connect(self._on_panel_context_menu_requested)
        panel.hint_changed.connect(self._on_panel_hint_changed)
        window.run_panel.run_requested.connect(self._on_run_panel_run_requested)
        window.messages.action_requested.connect(self._on_messages_action_requested)
        window.jobs.pause_requested.connect(self._work.pause)
        window.jobs.resume_requested.connect(self._work.resume)
        window.jobs.cancel_requested.connect(self._on_jobs_cancel_requested)

    def _connect_state(self) -> None:
        window, work, controller = self._window, self._work, self._controller
        controller.session_changed.connect(self._on_controller_session_changed)
        controller.state_changed.connect(self._refresher.start)
        controller.message_posted.connect(window.messages.show_message)
        controller.message_outdated.connect(window.messages.remove_key)
        controller.said.connect(self._on_controller_said)
        work.job_shown.connect(self._on_work_job_shown)
        work.next_shown.connect(window.jobs.set_next)
        work.progressed.connect(window.jobs.set_progress)
        work.pause_shown.connect(window.jobs.set_paused)
        work.state_changed.connect(self._refresher.start)
        work.device_found.connect(window.run_panel.set_device)
        self.dialogs.close_confirmed.connect(self._on_dialogs_close_confirmed)
        self._io.succeeded.connect(self._on_io_succeeded)
        self._io.failed.connect(self._on_io_failed)

    # -- what is shown -----------------------------------------------------------------------

    @property
    def selected(self) -> tuple[int, ...]:
        """The selected images that are in sight: those that commands act on."""
        return self._window.gallery.selected_shown()

    def _refresh(self) -> None:
        """Show what can be done now, and the numbers."""
        session, edit = self._controller.session, self._controller.is_editable
        window, actions = self._window, self._window.actions_
        has, selected = session is not None, self.selected
        chosen = window.clusters.selected_clusters()
        history = None if session is None else session.history
        undo = None if history is None or not edit else history.undo_step
        redo = None if history is None or not edit else history.redo_step
        actions["undo"].setText(f"Undo {undo.title}" if undo else "Undo")
        actions["redo"].setText(f"Redo {redo.title}" if redo else "Redo")
        for name in ("undo", "redo"):
            actions[name].setToolTip(actions[name].text())
        can_run = edit and bool(session and session.images) and not self._work.is_clustering
        actions.set_enabled(
            {
                **dict.fromkeys(("save_as", "export", "close", "skipped", "show_all"), has),
                **dict.fromkeys(("select_all", "select_none", "invert", "find", "group"), has),
                **dict.fromkeys(("zoom_in", "zoom_out", "zoom_reset"), has),
                **dict.fromkeys(("move", "unassign"), edit and bool(selected)),
                **dict.fromkeys(("preview", "show_file"), bool(selected)),
                "undo": undo is not None,
                "redo": redo is not None,
                "rescan": edit and not self._work.is_busy,
                "cluster": can_run,
                "new_cluster": edit,
                "merge": edit and len(chosen) > 1,
                "rename": edit and len(chosen) == 1,
                "pin": edit and bool(chosen),
            }
        )
        self._refresh_quick(is_enabled=edit and bool(selected))
        self._refresh_panel(can_run=can_run)
        self._refresh_counts(len(selected))
        window.set_project_title(self._controller.title)

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
        n_images = 0 if session is None else len(session.images)
        reason = ""
        if self._work.is_clustering:
            reason = "A clustering is under way"
        elif session is not None and session.is_read_only:
            reason = "The project is open for reading only"
        elif not n_images:
            reason = "There are no images yet"
        panel.set_scope(n_images, can_run=can_run, reason=reason)
        n_unread = self._work.n_unread()
        panel.set_estimate(n_unread, estimate_seconds(n_unread, rate=self._work.rate))

    def _refresh_counts(self, n_selected: int) -> None:
        session = self._controller.session
        if session is None:
            self._window.counts.clear()
            return
        self._window.counts.setText(
            counts_text(n_selected, self._window.gallery.gallery.rowCount(), len(session.images))
        )

    def _show(self, clusters: tuple[int, ...]) -> None:
        """Show the images of some clusters; of all when there are none."""
        self._shown = clusters
        session = self._controller.session
        if session is None or not clusters:
            wanted = GalleryFilter()
        elif len(clusters) == 1:
            wanted = GalleryFilter(cluster=clusters[0])
        else:
            wanted = GalleryFilter(images=members_of(session, clusters))
        self._window.gallery.gallery.set_filter(wanted)
        self._refresher.start()

    def _follow_selection(self, _selection: Selection) -> None:
        self._refresher.start()

    def _restore(self) -> None:
        """Take up what was left the last time."""
        settings, window = self._settings, self._window
        window.restore_texts(settings.text("geometry"), settings.text("layout"))
        window.show_project(is_open=False)
        window.run_panel.restore(settings.text("run panel"))
        window.actions_.choose(window.actions_.themes, self._theme.theme)
        side = settings.text("thumbnail side")
        if side.isdecimal():
            window.gallery.set_cell_side(int(side))
        window.empty.set_recent(settings.recent())

    def _remember(self) -> None:
        settings, window = self._settings, self._window
        if self._controller.session is not None:
            geometry, layout = window.state_text()
            settings.set_text("geometry", geometry)
            settings.set_text("layout", layout)
        settings.set_text("run panel", window.run_panel.text())
        settings.set_text("thumbnail side", str(window.gallery.cell_side))

    def _finish(self) -> None:
        """Save what is to be remembered, let go of the project, and close the window."""
        self._remember()
        self.dialogs.close_all()
        self._controller.close()
        self._window.allow_close()
        self.closed.emit()

    # -- slots: state ------------------------------------------------------------------------

    @Slot()
    def _on_refresher_timeout(self) -> None:
        self._refresh()
        if len(self._shown) > 1:
            self._show(self._shown)
            self._refresher.stop()

    @Slot()
    def _on_controller_session_changed(self) -> None:
        session, window = self._controller.session, self._window
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._shown = ()
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
        self._refresh()

    @Slot(str)
    def _on_controller_said(self, text: str) -> None:
        self._window.statusBar().showMessage(text, _NOTE_MS)

    @Slot(str)
    def _on_work_job_shown(self, title: str) -> None:
        if title:
            self._window.jobs.set_job(title)
        else:
            self._window.jobs.clear()

    @Slot(int, object)
    def _on_io_succeeded(self, job: int, result: object) -> None:
        if job == self._sample_job and isinstance(result, Path):
            self._sample_job = None
            self._window.jobs.clear()
            self._controller.open_path(result)

    @Slot(int, object)
    def _on_io_failed(self, job: int, error: object) -> None:
        if job == self._sample_job:
            self._sample_job = None
            self._window.jobs.clear()
            self._window.messages.show_message(Message(MessageKind.ERROR, str(error)))

    # -- slots: views ------------------------------------------------------------------------

    @Slot(object)
    def _on_gallery_selection_requested(self, wanted: Selection) -> None:
        self._controller.select(wanted.images, wanted.current)

    @Slot(object, int)
    def _on_move_requested(self, images: tuple[int, ...], target: int) -> None:
        self._controller.move(images, target)

    @Slot(object, QPoint)
    def _on_gallery_context_menu_requested(self, _images: object, place: QPoint) -> None:
        self._refresh()
        self._window.menus.image.popup(place)

    @Slot(object)
    def _on_panel_shown_requested(self, clusters: tuple[int, ...]) -> None:
        self._show(clusters)

    @Slot(object)
    def _on_panel_new_cluster_requested(self, images: tuple[int, ...]) -> None:
        made = self._controller.new_cluster(images or self.selected)
        if made is not None and not images:
            self._window.clusters.edit_cluster(made)

    @Slot(object, int)
    def _on_panel_merge_requested(self, sources: tuple[int, ...], target: int) -> None:
        self._controller.merge(sources, target)

    @Slot(int, str)
    def _on_panel_rename_requested(self, cluster: int, name: str) -> None:
        self._controller.rename(cluster, name)

    @Slot(QPoint)
    def _on_panel_context_menu_requested(self, place: QPoint) -> None:
        self._refresh()
        self._window.menus.cluster.popup(place)

    @Slot(str)
    def _on_panel_hint_changed(self, text: str) -> None:
        self._window.statusBar().showMessage(text)

    @Slot(object)
    def _on_run_panel_run_requested(self, settings: RunSettings) -> None:
        self._work.cluster(settings)

    @Slot(str)
    def _on_messages_action_requested(self, action: str) -> None:
        {
            UNDO: self._controller.undo,
            RESCAN: self._work.rescan,
            SHOW_SKIPPED: self.dialogs.skipped,
            SHOW_DETAILS: self.dialogs.failure_report,
            SAVE_COPY: self.dialogs.choose_save_as,
        }[action]()

    @Slot()
    def _on_jobs_cancel_requested(self) -> None:
        self._window.jobs.set_cancelling()
        self._work.cancel()

    @Slot(object)
    def _on_window_paths_dropped(self, paths: tuple[str, ...]) -> None:
        self._controller.open_path(Path(paths[0]))

    @Slot(str)
    def _on_empty_recent_requested(self, path: str) -> None:
        self._controller.open_path(Path(path))

    @Slot()
    def _on_recent_about_to_show(self) -> None:
        menu: QMenu = self._window.menus.recent
        menu.clear()
        for path in self._settings.recent():
            action = menu.addAction(str(path).replace("&", "&&"))
            action.setData(str(path))
        if menu.isEmpty():
            menu.addAction("Nothing yet").setEnabled(False)

    @Slot(QAction)
    def _on_recent_triggered(self, action: QAction) -> None:
        if action.data():
            self._controller.open_path(Path(action.data()))

    @Slot()
    def _on_window_close_requested(self) -> None:
        if self.dialogs.is_exporting:
            self.dialogs.confirm_close(
                "An export is running. What is copied is complete; export again to go on."
            )
        elif self._work.is_clustering:
            self.dialogs.confirm_close(
                "The images are being clustered. Everything else is saved; only this run is lost."
            )
        else:
            self._finish()

    @Slot()
    def _on_dialogs_close_confirmed(self) -> None:
        self._io.cancel_all()
        self._finish()

    # -- slots: actions ----------------------------------------------------------------------

    @Slot()
    def _on_sample_triggered(self) -> None:
        if self._sample_job is None:
            job = SampleJob(self._sample_folder)
            self._sample_job = self._io.start(job)
            self._window.jobs.set_job(job.title)

    @Slot()
    def _on_export_triggered(self) -> None:
        self.dialogs.export(self._window.clusters.selected_clusters())

    @Slot()
    def _on_close_triggered(self) -> None:
        self._remember()
        self._controller.close()

    @Slot()
    def _on_preview_triggered(self) -> None:
        if self.selected:
            self._window.gallery.preview_requested.emit(self.selected[0])

    @Slot()
    def _on_zoom_in_triggered(self) -> None:
        self._window.gallery.zoom(2)

    @Slot()
    def _on_zoom_out_triggered(self) -> None:
        self._window.gallery.zoom(-2)

    @Slot(bool)
    def _on_full_screen_triggered(self, is_on: bool) -> None:
        if is_on:
            self._window.showFullScreen()
        else:
            self._window.showNormal()

    @Slot()
    def _on_cluster_triggered(self) -> None:
        self._work.cluster(self._window.run_panel.settings())

    @Slot()
    def _on_new_cluster_triggered(self) -> None:
        self._on_panel_new_cluster_requested(())

    @Slot()
    def _on_merge_triggered(self) -> None:
        self._controller.merge_all(self._window.clusters.selected_clusters())

    @Slot()
    def _on_rename_triggered(self) -> None:
        for cluster in self._window.clusters.selected_clusters()[:1]:
            self._window.clusters.edit_cluster(cluster)

    @Slot()
    def _on_pin_triggered(self) -> None:
        self._controller.toggle_pinned(self._window.clusters.selected_clusters())

    @Slot()
    def _on_move_triggered(self) -> None:
        self.dialogs.move_palette(self.selected)

    @Slot()
    def _on_unassign_triggered(self) -> None:
        self._controller.move(self.selected, UNASSIGNED)

    @Slot()
    def _on_show_file_triggered(self) -> None:
        if self.selected:
            folder = self._window.gallery.gallery.path_of(self.selected[0]).parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot(int)
    def _on_actions_quick_requested(self, place: int) -> None:
        targets = self._controller.quick_targets()
        if place < len(targets):
            self._controller.move(self.selected, targets[place])

    @Slot(object)
    def _on_actions_sort_requested(self, key: SortKey) -> None:
        self._window.gallery.gallery.set_sort(key)

    @Slot(object)
    def _on_actions_order_requested(self, order: ClusterOrder) -> None:
        self._clusters.set_order(order)

    @Slot(object)
    def _on_actions_theme_requested(self, theme: Theme) -> None:
        self._theme.set_theme(theme)
        self._settings.set_text("theme", theme.value)


def counts_text(n_selected: int, n_shown: int, n_images: int) -> str:
    """The numbers for the status bar: `37 selected of 412 · 12,480`."""
    if n_selected:
        text = f"{n_selected:,} selected of {n_shown:,}"
        return text if n_shown == n_images else f"{text} · {n_images:,}"
    return count_of(n_images) if n_shown == n_images else f"{n_shown:,} of {count_of(n_images)}"

"""Connects the window with the controller: wishes go in, the state comes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QUrl, Signal, Slot
from PySide6.QtGui import QAction, QDesktopServices

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.services.jobs import SampleJob
from dclust_gui.ui.models.gallery_order import SortKey
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.theme import Theme, ThemeKeeper
from dclust_gui.ui.windows.cluster_marks import ClusterMarks
from dclust_gui.ui.windows.controller import MERGE, UNDO, Controller
from dclust_gui.ui.windows.dialogs import Dialogs
from dclust_gui.ui.windows.dropping import (
    SEVERAL_FOLDERS,
    common_place,
    labels_file,
    searched_file,
)
from dclust_gui.ui.windows.presenter import SAVE_COPY, Presenter
from dclust_gui.ui.windows.work import RESCAN, SHOW_DETAILS, SHOW_SKIPPED, Work

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMenu

    from dclust_gui.domain.runs import RunSettings
    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.settings import Settings
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.models.cluster_model import ClusterModel, ClusterOrder
    from dclust_gui.ui.windows.main_window import MainWindow

_LOST_RUN = "The images are being clustered. Everything else is saved; only this run is lost."


class Commands(QObject):
    """Connects actions and views with what carries them out.

    Args:
        window: What is seen.
        clusters: Rows of the cluster panel.
        controller: Carries out wishes.
        work: Runs jobs.
        io: Thread of exports and of the sample collection.
        settings: Remembers looks and places.
        theme: Keeps the look.
        sample_folder: Where the sample collection is made.

    Attributes:
        dialogs: Opens dialogs.
        presenter: Shows the state.

    Signals:
        closed: The window may go; everything is saved.
        similar_requested: A file (a `Path`) was dropped: find images like it.
        import_requested: A file (a `Path`) was dropped: import the labels in it.
    """

    closed = Signal()
    similar_requested = Signal(object)
    import_requested = Signal(object)

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
        self._after_stop: Path | None = None
        self._closes = False
        self.dialogs = Dialogs(window, controller, work, settings)
        marks = ClusterMarks(window, controller, self.dialogs)
        self.presenter = Presenter(window, clusters, controller, work, settings, marks)
        self._connect_actions()
        self._connect_views()
        self._connect_state()
        self._restore()
        self.presenter.refresh()

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
            "undo_export": self.dialogs.undo_export,
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
            "rename": self._on_rename_triggered,
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
        gallery.preview_requested.connect(window.preview.open_image)
        window.preview.current_requested.connect(self._on_preview_current_requested)
        window.preview.closed.connect(self._on_keys_given_back)
        gallery.cell_side_changed.connect(window.zoom.setValue)
        window.zoom.valueChanged.connect(gallery.set_cell_side)
        panel.shown_requested.connect(self._on_panel_shown_requested)
        panel.move_requested.connect(self._on_move_requested)
        panel.new_cluster_requested.connect(self._on_panel_new_cluster_requested)
        panel.merge_requested.connect(self._on_panel_merge_requested)
        panel.rename_requested.connect(self._on_panel_rename_requested)
        panel.context_menu_requested.connect(self._on_panel_context_menu_requested)
        panel.hint_changed.connect(self._on_panel_hint_changed)
        panel.keys_given_back.connect(self._on_keys_given_back)
        window.quality.cluster_requested.connect(panel.select_cluster)
        window.run_panel.run_requested.connect(self._on_run_panel_run_requested)
        window.messages.action_requested.connect(self._on_messages_action_requested)
        window.jobs.pause_requested.connect(self._work.pause)
        window.jobs.resume_requested.connect(self._work.resume)
        window.jobs.cancel_requested.connect(self._on_jobs_cancel_requested)

    def _connect_state(self) -> None:
        self.dialogs.close_confirmed.connect(self._on_dialogs_close_confirmed)
        self.dialogs.move_chosen.connect(self._window.preview.step_on)
        self.dialogs.stop_confirmed.connect(self._on_dialogs_stop_confirmed)
        self.dialogs.path_chosen.connect(self._open)
        self.dialogs.settled.connect(self._on_dialogs_settled)
        self._io.succeeded.connect(self._on_io_succeeded)
        self._io.failed.connect(self._on_io_failed)

    # -- what is shown -----------------------------------------------------------------------

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

    @Slot(int, object)
    def _on_io_succeeded(self, job: int, result: object) -> None:
        if job == self._sample_job and isinstance(result, Path):
            self._sample_job = None
            self._window.jobs.clear()
            self._open(result)

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

    @Slot(int)
    def _on_preview_current_requested(self, image: int) -> None:
        session = self._controller.session
        chosen = frozenset() if session is None else session.selection.images
        self._controller.select(chosen if len(chosen) > 1 else [image], image)

    @Slot()
    def _on_keys_given_back(self) -> None:
        self._window.page.setFocus()

    @Slot(object, int)
    def _on_move_requested(self, images: tuple[int, ...], target: int) -> None:
        self._controller.move(images, target)

    @Slot(object, QPoint)
    def _on_gallery_context_menu_requested(self, _images: object, place: QPoint) -> None:
        self.presenter.refresh()
        self._window.menus.image.popup(place)

    @Slot(object)
    def _on_panel_shown_requested(self, clusters: tuple[int, ...]) -> None:
        self.presenter.show_clusters(clusters)

    @Slot(object)
    def _on_panel_new_cluster_requested(self, images: tuple[int, ...]) -> None:
        made = self._controller.new_cluster(images or self.presenter.selected)
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
        self.presenter.refresh()
        self._window.menus.cluster.popup(place)

    @Slot(str)
    def _on_panel_hint_changed(self, text: str) -> None:
        self._window.statusBar().showMessage(text)

    @Slot(object)
    def _on_run_panel_run_requested(self, settings: RunSettings) -> None:
        self._work.cluster(settings)

    @Slot(str)
    def _on_messages_action_requested(self, action: str) -> None:
        act = {
            UNDO: self._controller.undo,
            MERGE: self._controller.merge_taken,
            RESCAN: self._work.rescan,
            SHOW_SKIPPED: self.dialogs.skipped,
            SHOW_DETAILS: self.dialogs.failure_report,
            SAVE_COPY: self.dialogs.choose_save_as,
        }.get(action)
        if act is not None:  # others belong to those who posted the message
            act()

    @Slot()
    def _on_jobs_cancel_requested(self) -> None:
        self._window.jobs.set_cancelling()
        self._work.cancel()

    @Slot(object)
    def _on_window_paths_dropped(self, paths: tuple[str, ...]) -> None:
        dropped = [Path(p) for p in paths]
        is_open = self._controller.session is not None
        labels = labels_file(dropped, is_open=is_open)
        if labels is not None:
            self.import_requested.emit(labels)
            return
        searched = searched_file(dropped, is_open=is_open)
        if searched is not None:
            self.similar_requested.emit(searched)
            return
        path = common_place(dropped)
        if path is None:
            message = Message(MessageKind.INFO, SEVERAL_FOLDERS, key="dropped")
            self._window.messages.show_message(message)
        else:
            self._open(path)

    @Slot(str)
    def _on_empty_recent_requested(self, path: str) -> None:
        self._open(Path(path))

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
            self._open(Path(action.data()))

    @Slot()
    def _on_window_close_requested(self) -> None:
        if self.dialogs.is_exporting:
            self.dialogs.confirm_close(
                "Files are being exported. What is finished is complete; export again to go on."
            )
        elif self._work.is_clustering:
            self.dialogs.confirm_close(_LOST_RUN)
        else:
            self._finish()

    @Slot()
    def _on_dialogs_close_confirmed(self) -> None:
        waits = self.dialogs.is_exporting and not self._closes
        self._closes = waits  # files that have moved are followed first; asked again, not
        self._io.cancel_all()
        if not self._closes:
            self._finish()

    @Slot()
    def _on_dialogs_settled(self) -> None:
        if self._closes:
            self._closes = False
            self._finish()

    @Slot(object)
    def _open(self, path: Path) -> None:
        """Open something; a clustering that would be lost by it is asked for first."""
        if self._work.is_clustering and not self._controller.is_open(path):
            self._after_stop = path
            self.dialogs.confirm_stop(_LOST_RUN)
        else:
            self._controller.open_path(path)

    @Slot()
    def _on_dialogs_stop_confirmed(self) -> None:
        path, self._after_stop = self._after_stop, None
        if path is None:
            self._close_project()
        else:
            self._controller.open_path(path)

    def _close_project(self) -> None:
        self._remember()
        self._controller.close()

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
        if self._work.is_clustering:
            self._after_stop = None
            self.dialogs.confirm_stop(_LOST_RUN)
        else:
            self._close_project()

    @Slot()
    def _on_preview_triggered(self) -> None:
        if self.presenter.selected:
            self._window.gallery.preview_requested.emit(self.presenter.selected[0])

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
    def _on_rename_triggered(self) -> None:
        for cluster in self._window.clusters.selected_clusters()[:1]:
            self._window.clusters.edit_cluster(cluster)

    @Slot()
    def _on_move_triggered(self) -> None:
        self.dialogs.move_palette(self.presenter.selected)

    @Slot()
    def _on_unassign_triggered(self) -> None:
        self._move_on(UNASSIGNED)

    @Slot()
    def _on_show_file_triggered(self) -> None:
        if self.presenter.selected:
            folder = self._window.gallery.gallery.path_of(self.presenter.selected[0]).parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot(int)
    def _on_actions_quick_requested(self, place: int) -> None:
        targets = self._controller.quick_targets()
        if place < len(targets):
            self._move_on(targets[place])

    def _move_on(self, target: int) -> None:
        """Move what commands act on; an open preview goes on to the next image."""
        images = self.presenter.selected
        self._window.preview.step_on()
        self._controller.move(images, target)

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

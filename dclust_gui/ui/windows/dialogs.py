"""Opens the dialogs and file choosers of the window; loads each when it is first asked for."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMessageBox, QWidget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.services.settings import Settings
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.skipped_dialog import SkippedDialog
    from dclust_gui.ui.windows.work import Work

_PROJECTS = "Projects (*.dclust)"


@runtime_checkable
class HasWork(Protocol):
    """A dialog that writes or moves files."""

    @property
    def is_running(self) -> bool:
        """Whether it does so now."""


class Dialogs(QObject):
    """Makes dialogs when they are asked for; each is open at most once.

    Args:
        window: Their parent.
        controller: Takes what is chosen.
        work: Has the list of skipped files.
        settings: Remembers folders.

    Signals:
        close_confirmed: The user wants to close although something runs.
        stop_confirmed: The user wants to go on although a clustering is lost by it.
        path_chosen: The folder or project to open, a `Path`.
        move_chosen: The images of the move palette are about to be moved.
        export_requested: Ids (a tuple) of the selected clusters: export all, or them.
        undo_export_requested: Put an export back as it was.
        settled: The dialogs that write or move files do so no more.
    """

    close_confirmed = Signal()
    stop_confirmed = Signal()
    path_chosen = Signal(object)
    move_chosen = Signal()
    export_requested = Signal(object)
    undo_export_requested = Signal()
    settled = Signal()

    def __init__(
        self,
        window: QWidget,
        controller: Controller,
        work: Work,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._work = work
        self._settings = settings
        self._device = ""
        self._open: dict[str, QDialog] = {}
        self._skipped: SkippedDialog | None = None
        self._palette_ids: tuple[int, ...] = ()
        self._notes_clusters: tuple[int, ...] = ()
        work.device_found.connect(self._on_work_device_found)
        work.state_changed.connect(self._on_work_state_changed)

    @property
    def is_exporting(self) -> bool:
        """Whether an export or its undoing is being carried out."""
        return any(isinstance(d, HasWork) and d.is_running for d in self._open.values())

    def opened(self, name: str) -> QDialog | None:
        """The open dialog of a name (export, skipped, move, notes, ...); None if closed."""
        return self._open.get(name)

    # -- files -------------------------------------------------------------------------------

    @Slot()
    def choose_folder(self) -> None:
        """Let the user choose a folder of images and open it."""
        start = self._settings.text("last folder", str(Path.home()))
        found = QFileDialog.getExistingDirectory(self._window, "Open folder of images", start)
        if found:
            self._settings.set_text("last folder", str(Path(found).parent))
            self.path_chosen.emit(Path(found))

    @Slot()
    def choose_project(self) -> None:
        """Let the user choose a project file and open it."""
        start = self._settings.text("last project", str(Path.home()))
        found, _ = QFileDialog.getOpenFileName(self._window, "Open project", start, _PROJECTS)
        if found:
            self._settings.set_text("last project", str(Path(found).parent))
            self.path_chosen.emit(Path(found))

    @Slot()
    def choose_save_as(self) -> None:
        """Let the user choose where to keep the project."""
        session = self._controller.session
        if session is None:
            return
        folder = self._settings.text("last project", str(Path.home()))
        name = f"{self._controller.name}.dclust"
        found, _ = QFileDialog.getSaveFileName(
            self._window, "Save project as", str(Path(folder) / name), _PROJECTS
        )
        if found and self._controller.save_as(Path(found)):
            self._settings.set_text("last project", str(Path(found).parent))

    # -- dialogs -----------------------------------------------------------------------------

    def export(self, selected: Sequence[int]) -> None:
        """Ask for the export dialog; selected clusters can be exported alone."""
        self.export_requested.emit(tuple(selected))

    @Slot()
    def undo_export(self) -> None:
        """Ask for the dialog that undoes an export."""
        self.undo_export_requested.emit()

    def tell_if_settled(self) -> None:
        """Emit `settled` unless an export or its undoing is still being carried out."""
        if not self.is_exporting:
            self.settled.emit()

    @Slot()
    def skipped(self) -> None:
        """Open the list of skipped files."""
        if not self._is_open("skipped"):
            from dclust_gui.ui.windows.skipped_dialog import SkippedDialog

            dialog = SkippedDialog(self._window)
            self._skipped = dialog
            dialog.retry_requested.connect(self._on_dialog_retry_requested)
            self._show("skipped", dialog)
            self._on_work_state_changed()

    @Slot()
    def about(self) -> None:
        """Open versions and licences."""
        if not self._is_open("about"):
            from dclust_gui.ui.windows.about_dialog import AboutDialog

            self._show("about", AboutDialog(self._device, self._window))

    @Slot()
    def shortcuts(self) -> None:
        """Open the sheet of keys."""
        if not self._is_open("shortcuts"):
            from dclust_gui.ui.windows.shortcuts_dialog import ShortcutsDialog

            self._show("shortcuts", ShortcutsDialog(self._window))

    def move_palette(self, ids: tuple[int, ...]) -> None:
        """Let the user choose a cluster for some images by typing."""
        session = self._controller.session
        if session is None or not ids or self._is_open("move"):
            return
        from dclust_gui.domain.edits import distinct_ids
        from dclust_gui.domain.stacks import whole_stacks
        from dclust_gui.ui.windows.move_palette import MovePalette

        recent = self._controller.recent_targets()
        n_images = len(whole_stacks(session.clustering.stacks, distinct_ids(ids)))
        dialog = MovePalette(session.clustering, recent, n_images, self._window)
        self._palette_ids = ids
        dialog.chosen.connect(self._on_dialog_chosen)
        dialog.new_requested.connect(self._on_dialog_new_requested)
        self._show("move", dialog)

    def notes(self, rows: Sequence[Cluster]) -> None:
        """Let the user write notes on clusters, the same on each of several."""
        if self._is_open("notes"):
            return
        dialog = QInputDialog(self._window)
        what = rows[0].title if len(rows) == 1 else f"{len(rows):,} clusters"
        dialog.setWindowTitle(f"Notes on {what}")
        dialog.setLabelText("They are kept with the project and can be searched for.")
        dialog.setOption(QInputDialog.InputDialogOption.UsePlainTextEditForTextInput)
        known = {row.notes for row in rows}
        dialog.setTextValue(known.pop() if len(known) == 1 else "")
        dialog.setOkButtonText("Keep")
        dialog.resize(420, 240)
        self._notes_clusters = tuple(row.id for row in rows)
        dialog.textValueSelected.connect(self._on_dialog_text_value_selected)
        self._show("notes", dialog)

    @Slot()
    def failure_report(self) -> None:
        """Show the last failure, fit to be copied into a report."""
        error = self._work.last_error
        if error is None or self._is_open("failure"):
            return
        box = QMessageBox(
            QMessageBox.Icon.Warning,
            "Report of a failure",
            "This is a fault of dclust, not of your images. The report helps to mend it.",
            QMessageBox.StandardButton.Close,
            self._window,
        )
        report = "".join(traceback.format_exception(error))
        box.setDetailedText(report)
        box.setInformativeText("The report is on the clipboard.")
        QGuiApplication.clipboard().setText(report)
        self._show("failure", box)

    def confirm_close(self, what: str) -> None:
        """Ask whether to close although something runs; answers with `close_confirmed`."""
        if self._is_open("close"):
            return
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Close dclust?",
            what,
            QMessageBox.StandardButton.Close | QMessageBox.StandardButton.Cancel,
            self._window,
        )
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.button(QMessageBox.StandardButton.Cancel).setText("Keep working")
        box.finished.connect(self._on_close_box_finished)
        self._show("close", box)

    def confirm_stop(self, what: str) -> None:
        """Ask whether to lose a running clustering; answers with `stop_confirmed`."""
        if self._is_open("stop"):
            return
        box = QMessageBox(
            QMessageBox.Icon.Question,
            "Stop clustering?",
            what,
            QMessageBox.StandardButton.Ok | QMessageBox.StandardButton.Cancel,
            self._window,
        )
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        box.button(QMessageBox.StandardButton.Ok).setText("Stop clustering")
        box.button(QMessageBox.StandardButton.Cancel).setText("Keep working")
        box.finished.connect(self._on_stop_box_finished)
        self._show("stop", box)

    def close_all(self) -> None:
        """Close every dialog."""
        for dialog in tuple(self._open.values()):
            dialog.done(QDialog.DialogCode.Rejected)

    # -- inside ------------------------------------------------------------------------------

    def raise_open(self, name: str) -> bool:
        """Whether a dialog is open; then it comes to the front."""
        return self._is_open(name)

    def show_dialog(self, name: str, dialog: QDialog) -> None:
        """Open another part's dialog and keep it as the open one of a name."""
        self._show(name, dialog)

    def _is_open(self, name: str) -> bool:
        """Whether a dialog is open; then it comes to the front."""
        found = self._open.get(name)
        if found is not None:
            found.raise_()
            found.activateWindow()
        return found is not None

    def _show(self, name: str, dialog: QDialog) -> None:
        dialog.setObjectName(name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(self._on_dialog_finished)
        self._open[name] = dialog
        dialog.open()

    @Slot()
    def _on_dialog_finished(self) -> None:
        sender = self.sender()
        if sender is not None:
            self._open.pop(sender.objectName(), None)
        if sender is self._skipped:
            self._skipped = None

    @Slot(int)
    def _on_close_box_finished(self, result: int) -> None:
        if result == QMessageBox.StandardButton.Close.value:
            self.close_confirmed.emit()

    @Slot(int)
    def _on_stop_box_finished(self, result: int) -> None:
        if result == QMessageBox.StandardButton.Ok.value:
            self.stop_confirmed.emit()

    @Slot()
    def _on_dialog_retry_requested(self) -> None:
        self._work.rescan()

    @Slot(int)
    def _on_dialog_chosen(self, cluster: int) -> None:
        self.move_chosen.emit()
        self._controller.move(self._palette_ids, cluster)

    @Slot(str)
    def _on_dialog_new_requested(self, name: str) -> None:
        self.move_chosen.emit()
        self._controller.new_cluster(self._palette_ids, name)

    @Slot(str)
    def _on_dialog_text_value_selected(self, text: str) -> None:
        self._controller.annotate(self._notes_clusters, text)

    @Slot(str)
    def _on_work_device_found(self, name: str) -> None:
        self._device = name

    @Slot()
    def _on_work_state_changed(self) -> None:
        if self._skipped is not None:
            self._skipped.set_rows(self._work.skipped(), can_retry=not self._work.is_busy)

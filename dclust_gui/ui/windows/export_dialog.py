"""Export: what and where to, a dry run before anything is written, progress, the result."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QFrame,
    QHBoxLayout,
    QMessageBox,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.errors import InputError
from dclust_gui.services.export import ExportResult, export_title
from dclust_gui.services.export_jobs import (
    KeywordResult,
    LookAheadJob,
)
from dclust_gui.services.export_memory import ExportEnd
from dclust_gui.services.export_outlook import Outlook
from dclust_gui.services.export_plan import Action, OnConflict
from dclust_gui.services.formats.writing import FormatResult
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.export_choices import ExportChoices
from dclust_gui.ui.windows.export_preview import ExportPreview
from dclust_gui.ui.windows.export_source import move_question
from dclust_gui.ui.windows.export_text import (
    failure_text,
    outlook_notes,
    outlook_text,
    result_text,
    start_text,
    stopped_text,
)
from dclust_gui.ui.windows.files_dialog import FilesDialog, FilesState

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.export_memory import ExportMemory
    from dclust_gui.services.export_wish import ExportWish
    from dclust_gui.services.jobs import Job
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.windows.export_source import ExportSource
    from dclust_gui.ui.windows.export_text import Result

_TYPING_MS = 400
_BUSY = "Images are being read. Files can be moved as soon as that has ended."


class ExportDialog(FilesDialog):
    """Plans and runs one export on the I/O thread.

    Args:
        source: What can be exported.
        memory: Remembers exports.
        host: The I/O thread.
        target: Folder to begin with; None for none.
        parent: The window.

    Signals:
        exported: The target of an export that has begun.
        export_ended: Title of an export that has left files at its target, for the history.
        undo_requested: Put the export into this folder (a `Path`) back as it was.
    """

    exported = Signal(object)
    export_ended = Signal(str)
    undo_requested = Signal(object)

    def __init__(
        self,
        source: ExportSource,
        memory: ExportMemory,
        host: EngineHost,
        target: Path | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(host, parent)
        self.setWindowTitle("Export clusters")
        self._source = source
        self._memory = memory
        self._outlook: Outlook | None = None
        self._decisions: dict[bytes, OnConflict] = {}
        self._recalled: Path | None = None
        self._is_stopped = self._goes_on = False
        self.choices = ExportChoices(source.snapshot, source.selected, self)
        self.preview = ExportPreview(self)
        self._open = QPushButton("Open folder", self)
        self._undo = QPushButton("Undo export…", self)
        self._start = QPushButton("Export", self)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._place()
        self._connect()
        if target is not None:
            self.choices.set_target(target)
        self._typing.stop()
        self.choices.target.setFocus()
        self._begin_plan()

    @property
    def outlook(self) -> Outlook | None:
        """The dry run of what would be carried out; None while there is none."""
        return self._outlook

    def set_target(self, folder: Path) -> None:
        """Choose the folder."""
        self.choices.set_target(folder)

    def set_snapshot(self, snapshot: Snapshot) -> None:
        """Go on with a later state of the project, as after its files have moved."""
        if not self.is_running:
            self._source = replace(self._source, snapshot=snapshot)

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """The images as they are known to it."""
        return self._source.snapshot.images

    @Slot()
    def start(self) -> None:
        """Carry out what the dry run shows; a move is asked for plainly first."""
        outlook = self._outlook
        if outlook is None or not self._may_start(outlook):
            return
        if self._is_stopped:  # what is there by now is looked at first
            self._is_stopped, self._goes_on = False, True
            self._begin_plan()
        elif outlook.wish.moves:
            self._ask_to_move(outlook)
        else:
            self._run(outlook)

    # -- inside: looks -----------------------------------------------------------------------

    def _place(self) -> None:
        self._start.setProperty("look", "primary")
        self._start.setDefault(True)
        form = QScrollArea(self)
        form.setFrameShape(QFrame.Shape.NoFrame)
        form.setWidgetResizable(True)
        form.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        form.setWidget(self.choices)
        form.setFixedWidth(GRID * 57)
        right = QVBoxLayout()
        right.setSpacing(GRID)
        right.addWidget(self.preview, 1)
        for label in self.words():
            right.addWidget(label)
        columns = QHBoxLayout()
        columns.setSpacing(GRID * 2)
        columns.addWidget(form)
        columns.addLayout(right, 1)
        self.buttons.addButton(self._undo, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self._open, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.addButton(self._start, QDialogButtonBox.ButtonRole.ActionRole)
        for button in (self._open, self._undo):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.addLayout(columns, 1)
        self.add_bottom(layout)
        self.resize_within_screen(GRID * 132, GRID * 88)

    def _connect(self) -> None:
        self.choices.changed.connect(self._on_choices_changed)
        self.preview.decided.connect(self._on_preview_decided)
        self._typing.timeout.connect(self._on_typing_timeout)
        self._start.clicked.connect(self.start)
        self._open.clicked.connect(self._on_open_clicked)
        self._undo.clicked.connect(self._on_undo_clicked)

    def _may_start(self, outlook: Outlook) -> bool:
        if outlook.wish.moves and self.is_busy:
            return False
        is_ready = self.state is FilesState.READY and outlook.has_work
        return (is_ready and not outlook.n_undecided) or self._is_stopped

    def show_state(self) -> None:
        """Allow what can be done now."""
        super().show_state()
        outlook = self._outlook
        self.choices.setEnabled(self.is_free)
        self.preview.conflicts.setEnabled(self.is_free)
        is_resumed = outlook is not None and self._is_resumed(outlook)
        self._start.setText(
            "Go on" if self._is_stopped else start_text(outlook, is_resumed=is_resumed)
        )
        may_start = outlook is not None and self._may_start(outlook)
        self._start.setEnabled(may_start)
        waits = outlook is not None and outlook.wish.moves and self.is_busy
        self._start.setToolTip(_BUSY if waits else "")
        self._start.setVisible(self.state is not FilesState.DONE or self._is_stopped)
        is_done = self.state is FilesState.DONE and outlook is not None
        self._open.setVisible(is_done)
        self._undo.setVisible(is_done and outlook is not None and outlook.wish.is_tree)

    def _is_resumed(self, outlook: Outlook) -> bool:
        """Whether an export into the folder was left unfinished, and would be finished now."""
        past = self._memory.to(self._source.store.path, outlook.wish.target)
        was_left = past is not None and past.end is not ExportEnd.DONE
        is_there = outlook.facts.holds_export and outlook.count(Action.COPY) > 0
        return is_there and (was_left or outlook.facts.n_begun > 0)

    # -- inside: planning --------------------------------------------------------------------

    def _begin_plan(self) -> None:
        """Ask the I/O thread for a dry run of the present wishes."""
        self.jobs.stop()
        self._outlook = None
        try:
            wish = self.choices.wish(self._decisions)
            if wish is not None and self._recalled != wish.target:
                wish = self._recall(wish.target) or wish
        except InputError as error:
            self._refuse(str(error))
            return
        if wish is None:
            self.preview.show_outlook(None)
            self.tell("Choose a folder to see what will be done.")
            self.set_state(FilesState.ASKING)
            return
        store = self._source.store
        job = LookAheadJob(wish, self._source.snapshot, store.path, is_read_only=store.is_read_only)
        self.jobs.start(job)
        self.tell("Looking at the folder…")
        self.set_state(FilesState.PLANNING)

    def _recall(self, target: Path) -> ExportWish | None:
        """Show what was asked for when this folder was exported to; None where that is unknown."""
        self._recalled = target
        self._decisions.clear()
        past = self._memory.to(self._source.store.path, target)
        if past is None or not past.can_be_undone:
            return None
        self.choices.set_wish(past.wish)
        return self.choices.wish(self._decisions)

    def _refuse(self, reason: str) -> None:
        self._goes_on = False
        self.preview.show_outlook(None)
        self.tell("This cannot be exported.", reason, is_error=True)
        self.set_state(FilesState.ASKING)

    def _show_outlook(self, outlook: Outlook) -> None:
        self.choices.set_refused(outlook.facts.refused)
        if outlook.error is not None:
            self._refuse(str(outlook.error))
            return
        self._outlook = outlook
        self.preview.show_outlook(outlook)
        notes = outlook_notes(outlook)
        if outlook.wish.moves and self.is_busy:
            notes = f"{_BUSY}\n{notes}".strip()
        self.tell(outlook_text(outlook), notes)
        self.set_state(FilesState.READY)
        goes_on, self._goes_on = self._goes_on, False
        if goes_on and self._may_start(outlook):
            QTimer.singleShot(0, self, self._go_on)  # never from a finished slot

    # -- inside: carrying out ----------------------------------------------------------------

    def _ask_to_move(self, outlook: Outlook) -> None:
        box = move_question(self._source, outlook, self)
        box.finished.connect(self._on_box_finished)
        box.open()

    @Slot()
    def _go_on(self) -> None:
        if self._outlook is not None:
            self._run(self._outlook)

    def _run(self, outlook: Outlook) -> None:
        self._remember(ExportEnd.RUNNING)
        if not outlook.wish.beside:
            self.exported.emit(outlook.wish.target)
        self.run_job(self._source.job(outlook))

    def _remember(self, end: ExportEnd) -> None:
        if self._outlook is not None and self._outlook.wish.is_tree:
            self._memory.keep(self._source.store.path, self._outlook.wish, end)

    def follow_job(self) -> Job | None:
        """The job that lets the project follow a move."""
        return self._source.follow_job(self._outlook)

    def take_result(self, result: object) -> None:
        """Show a dry run, or tell what was done."""
        outlook = self._outlook
        if isinstance(result, Outlook):
            self._show_outlook(result)
        elif outlook is not None and isinstance(
            result, ExportResult | FormatResult | KeywordResult
        ):
            self._tell_result(outlook, result)

    def _tell_result(self, outlook: Outlook, result: Result) -> None:
        if isinstance(result, ExportResult):
            title = export_title(outlook.wish.target, result)
            self._is_stopped = bool(result.stopped)
        else:
            title = result.title
        self._remember(ExportEnd.STOPPED if self._is_stopped else ExportEnd.DONE)
        notes = failure_text(result)
        self.end(result_text(result, outlook.wish), notes, is_error=bool(notes))
        if title:
            self.export_ended.emit(title)

    def take_stop(self) -> None:
        """It can be taken up again."""
        self._is_stopped = self.state is FilesState.RUNNING
        if self._is_stopped:
            self._remember(ExportEnd.STOPPED)
        self.end(stopped_text(self.reached))

    def take_failure(self, reason: str) -> None:
        """Say why it could not be done or planned."""
        if self.state is FilesState.RUNNING:
            self._remember(ExportEnd.STOPPED)
            self.end("The export has ended.", reason, is_error=True)
        else:
            self._refuse(reason)

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_choices_changed(self) -> None:
        self._start.setEnabled(False)
        self._typing.start()

    @Slot(object, object)
    def _on_preview_decided(self, rows: tuple[int, ...], rule: OnConflict) -> None:
        if self._outlook is None:
            return
        conflicts = self._outlook.conflicts
        is_tree = self._outlook.wish.is_tree
        for row in rows or range(len(conflicts)):
            conflict = conflicts[row]
            key = os.fsencode(conflict.source) if is_tree else conflict.destination
            self._decisions[key] = rule
        self._begin_plan()

    @Slot()
    def _on_typing_timeout(self) -> None:
        if self.is_free:
            self._begin_plan()

    @Slot(int)
    def _on_box_finished(self, answer: int) -> None:
        outlook = self._outlook
        if answer == QMessageBox.StandardButton.Ok.value and outlook is not None:
            self._run(outlook)

    @Slot()
    def _on_open_clicked(self) -> None:
        if self._outlook is not None:
            wish = self._outlook.wish
            folder = self._source.snapshot.roots[0] if wish.beside else wish.target
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    @Slot()
    def _on_undo_clicked(self) -> None:
        if self._outlook is not None:
            target = self._outlook.wish.target
            self.reject()
            self.undo_requested.emit(target)

    # -- Qt ----------------------------------------------------------------------------------

    def reject(self) -> None:
        """Close; a running export is stopped first and can be taken up again later."""
        self._typing.stop()
        super().reject()

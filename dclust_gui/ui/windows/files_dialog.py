"""What the dialogs that write, move or put back files have in common: states, progress, words."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from dclust_gui.domain.errors import KnownError
from dclust_gui.services.export_follow import Following
from dclust_gui.ui.bridge.own_job import OwnJob
from dclust_gui.ui.views.job_bar import JobBar
from dclust_gui.ui.views.theme import GRID, colours
from dclust_gui.ui.windows.export_text import shown

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent

    from dclust_gui.domain.events import StageProgressed
    from dclust_gui.services.jobs import Job
    from dclust_gui.ui.bridge.engine_host import EngineHost


_FRAME_PX = 64
"""Room for the window's frame and the desktop's bars."""


class FilesState(Enum):
    """Where such a dialog stands."""

    ASKING = "asking"
    PLANNING = "planning"
    READY = "ready"
    RUNNING = "running"
    FOLLOWING = "following"
    DONE = "done"


class FilesDialog(QDialog):
    """Asks, shows a dry run, carries it out, lets the project follow its files, and tells.

    A subclass fills in what starts with `take_` and `follow_job`.

    Args:
        host: The I/O thread.
        parent: The window.

    Attributes:
        jobs: The dialog's own jobs on that thread.
        buttons: Its buttons, at the bottom.

    Signals:
        state_changed: A `FilesState`.
        followed: A `Following`: the project's images are in new places.
    """

    state_changed = Signal(object)
    followed = Signal(object)

    def __init__(self, host: EngineHost, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.jobs = OwnJob(host, self)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.buttons.button(QDialogButtonBox.StandardButton.Cancel).setAutoDefault(False)
        self._state = FilesState.ASKING
        self._is_busy = False
        self._last: tuple[str, str, bool] = ("", "", False)
        self._reached: StageProgressed | None = None
        self._summary, self._notes = QLabel(self), QLabel(self)
        for label in (self._summary, self._notes):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._summary.setProperty("look", "section")
        self._progress = JobBar(self)
        self._progress.pause_requested.connect(self._on_progress_pause_requested)
        self._progress.resume_requested.connect(self._on_progress_resume_requested)
        self._progress.cancel_requested.connect(self._on_progress_cancel_requested)
        self.buttons.rejected.connect(self.reject)
        self.jobs.progressed.connect(self._on_jobs_progressed)
        self.jobs.succeeded.connect(self._on_jobs_succeeded)
        self.jobs.cancelled.connect(self._on_jobs_cancelled)
        self.jobs.failed.connect(self._on_jobs_failed)

    # -- what there is -----------------------------------------------------------------------

    @property
    def state(self) -> FilesState:
        """Where the dialog stands."""
        return self._state

    @property
    def is_running(self) -> bool:
        """Whether files are being written or moved, or the project follows them."""
        return self._state in (FilesState.RUNNING, FilesState.FOLLOWING)

    @property
    def is_free(self) -> bool:
        """Whether choices can be changed."""
        return not self.is_running and self._state is not FilesState.DONE

    @property
    def is_busy(self) -> bool:
        """Whether images are being read, so that none may be moved."""
        return self._is_busy

    @property
    def reached(self) -> StageProgressed | None:
        """How far the work has come."""
        return self._reached

    @property
    def text(self) -> str:
        """What it says in words."""
        return " ".join(t for t in (self._summary.text(), self._notes.text()) if t)

    def set_busy(self, *, is_busy: bool) -> None:
        """Tell whether images are being read, so that none may be moved."""
        self._is_busy = is_busy
        self.show_state()

    # -- for subclasses ----------------------------------------------------------------------

    def follow_job(self) -> Job | None:
        """The job that lets the project follow its files; None where none has moved."""
        return None

    def take_result(self, result: object) -> None:
        """Go on with what a job has found or done."""

    def take_stop(self) -> None:
        """The work was stopped."""

    def take_failure(self, reason: str) -> None:
        """The work, or what was to be known before it, has failed."""

    def words(self) -> tuple[QLabel, QLabel]:
        """The labels for what is said, and for what is to be noted."""
        return self._summary, self._notes

    def add_bottom(self, layout: QVBoxLayout) -> None:
        """Put progress and buttons at the end of the dialog's layout."""
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(self._progress)
        layout.addWidget(self.buttons)

    def resize_within_screen(self, width: int, height: int) -> None:
        """Take a size, or what a small screen has room for."""
        room = self.screen().availableSize()
        self.resize(min(width, room.width() - _FRAME_PX), min(height, room.height() - _FRAME_PX))

    def tell(self, summary: str, notes: str = "", *, is_error: bool = False) -> None:
        """Say something; notes stand out."""
        look = colours(self.palette())
        self._summary.setText(shown(summary))
        self._notes.setText(shown(notes))
        self._notes.setVisible(bool(notes))
        self._notes.setStyleSheet(f"color: {look.error if is_error else look.warning};")

    def set_state(self, state: FilesState) -> None:
        """Go on to another state and tell of it."""
        self._state = state
        self.show_state()
        self.state_changed.emit(state)

    def show_state(self) -> None:
        """Allow what can be done now."""
        if not self.is_running:
            self._progress.clear()
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setText("Close" if self._state is FilesState.DONE else "Cancel")
        cancel.setEnabled(self._state is not FilesState.FOLLOWING)

    def run_job(self, job: Job) -> None:
        """Carry something out."""
        self._reached = None
        self.jobs.start(job)
        self._progress.set_job(job.title)
        self.set_state(FilesState.RUNNING)

    def end(self, summary: str, notes: str = "", *, is_error: bool = False) -> None:
        """All is done, or all that will be; the project follows before it is told."""
        self._last = (summary, notes, is_error)
        if self.follow_job() is None:
            self._show_end()
            return
        self._progress.set_job("Following the files")
        self.set_state(FilesState.FOLLOWING)
        QTimer.singleShot(0, self, self._follow)  # never from a finished slot

    @Slot()
    def _follow(self) -> None:
        job = self.follow_job()
        if job is not None:
            self.jobs.start(job)

    def _show_end(self) -> None:
        summary, notes, is_error = self._last
        self.tell(summary, notes, is_error=is_error)
        self.set_state(FilesState.DONE)

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_progress_pause_requested(self) -> None:
        self.jobs.pause()
        self._progress.set_paused(True)

    @Slot()
    def _on_progress_resume_requested(self) -> None:
        self.jobs.resume()
        self._progress.set_paused(False)

    @Slot()
    def _on_progress_cancel_requested(self) -> None:
        if self._state is FilesState.RUNNING:
            self._progress.set_cancelling()
            self.jobs.cancel()

    @Slot(object)
    def _on_jobs_progressed(self, event: StageProgressed) -> None:
        self._reached = event
        self._progress.set_progress(event)

    @Slot(object)
    def _on_jobs_succeeded(self, result: object) -> None:
        if isinstance(result, Following):
            self.followed.emit(result)
            self._show_end()
        else:
            self.take_result(result)

    @Slot()
    def _on_jobs_cancelled(self) -> None:
        if self._state is FilesState.FOLLOWING:
            QTimer.singleShot(0, self, self._follow)  # whoever stopped it, it must be done
        else:
            self.take_stop()

    @Slot(object)
    def _on_jobs_failed(self, error: object) -> None:
        known = isinstance(error, KnownError)
        text = str(error) if known else f"Something went wrong: {error!r}."
        if self._state is FilesState.FOLLOWING:
            summary, notes, _ = self._last
            text = f"The project could not follow its files: {text}"
            self._last = (summary, f"{notes}\n{text}".strip(), True)
            self._show_end()
        else:
            self.take_failure(text)

    # -- Qt ----------------------------------------------------------------------------------

    def reject(self) -> None:
        """Close; what runs is stopped first and can be taken up again later."""
        if self.is_running:
            self._on_progress_cancel_requested()
            return
        self.jobs.stop()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Treat the window's close button like Cancel."""
        if self.is_running:
            self._on_progress_cancel_requested()
            event.ignore()
            return
        super().closeEvent(event)

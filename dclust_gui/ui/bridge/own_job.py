"""One owner's jobs on a thread that others use, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from dclust_gui.domain.events import StageProgressed

if TYPE_CHECKING:
    from dclust_gui.ui.bridge.engine_host import EngineHost, Job

_NONE = -1


class OwnJob(QObject):
    """Runs one job at a time for its owner, who hears of no other.

    Args:
        host: The thread; several owners share it.
        parent: The owner.

    Signals:
        progressed: A `StageProgressed` of the job.
        succeeded: The job's result.
        cancelled: The job was cancelled, by `cancel` or by somebody else.
        failed: The exception that ended it.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    cancelled = Signal()
    failed = Signal(object)

    def __init__(self, host: EngineHost, parent: QObject) -> None:
        super().__init__(parent)
        self._host = host
        self._id = _NONE
        host.progressed.connect(self._on_host_progressed)
        host.succeeded.connect(self._on_host_succeeded)
        host.cancelled.connect(self._on_host_cancelled)
        host.failed.connect(self._on_host_failed)

    @property
    def is_running(self) -> bool:
        """Whether a job waits or works."""
        return self._id != _NONE

    def start(self, job: Job) -> None:
        """Start a job in place of the one before."""
        self.stop()
        self._id = self._host.start(job)

    def stop(self) -> None:
        """Stop the job, if there is one; nothing more is heard of it."""
        job, self._id = self._id, _NONE
        if job != _NONE:
            self._host.cancel(job)

    def cancel(self) -> None:
        """Ask the job to end; `cancelled` follows."""
        if self._id != _NONE:
            self._host.cancel(self._id)

    def pause(self) -> None:
        """Let the job wait at its next checkpoint."""
        if self._id != _NONE:
            self._host.pause(self._id)

    def resume(self) -> None:
        """Let a paused job go on."""
        if self._id != _NONE:
            self._host.resume(self._id)

    def _is_end_of_ours(self, job: int) -> bool:
        """Whether the job that has ended is ours; it is then ours no more."""
        if job != self._id or job == _NONE:
            return False
        self._id = _NONE
        return True

    @Slot(int, object)
    def _on_host_progressed(self, job: int, event: object) -> None:
        if job == self._id and isinstance(event, StageProgressed):
            self.progressed.emit(event)

    @Slot(int, object)
    def _on_host_succeeded(self, job: int, result: object) -> None:
        if self._is_end_of_ours(job):
            self.succeeded.emit(result)

    @Slot(int)
    def _on_host_cancelled(self, job: int) -> None:
        if self._is_end_of_ours(job):
            self.cancelled.emit()

    @Slot(int, object)
    def _on_host_failed(self, job: int, error: object) -> None:
        if self._is_end_of_ours(job):
            self.failed.emit(error)

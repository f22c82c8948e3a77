"""The long jobs of the open project, in their order: scan, warm up, read, cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.events import (
    ImageSkipped,
    Notice,
    Severity,
    Stage,
    StageProgressed,
    TrainingProgressed,
)
from dclust_gui.domain.images import ImageStatus, ScanResult, display_path
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.engine.pipeline import untrained
from dclust_gui.engine.requests import IngestResult, RunRequest
from dclust_gui.services.collection import Merge
from dclust_gui.services.jobs import ClusterJob, IngestJob, MergeJob, ScanJob, WarmUpJob
from dclust_gui.ui.views.message_bar import Message, MessageKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.jobs import Job
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore
    from dclust_gui.ui.bridge.engine_host import EngineHost

SHOW_DETAILS = "details"
"""Message action: show the report of a failure."""

RESCAN = "rescan"
"""Message action: look for images again."""

SHOW_SKIPPED = "skipped"
"""Message action: open the list of skipped files."""


class Step(StrEnum):
    """What a job is for."""

    SCAN = "scan"
    WARM_UP = "warm up"
    READ = "read"
    MERGE = "update"
    CLUSTER = "cluster"


PASSING = "passing"
"""Key of messages that go when the job that they are about has ended."""

_GONE = "gone"

_FIRST_MS = 40
"""After a project is open: it is painted before the search for new files takes the processor."""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """One file that was left out or is damaged.

    Attributes:
        path: As text fit to show.
        reason: Why, in words.
        is_damaged: It takes part, but not all of it could be read.
    """

    path: str
    reason: str
    is_damaged: bool = False


class Work(QObject):
    """Runs the jobs of one project at a time and hands their results to its session.

    Only finished results reach the session. Jobs of a project that was closed are forgotten.

    Args:
        engine: Does the work.
        host: Its thread.
        parent: Owner.

    Signals:
        job_shown: Title of the job that runs now; empty when none does.
        next_shown: What follows after it; empty for nothing.
        progressed: A `StageProgressed` of the job that runs.
        pause_shown: Whether the job waits.
        message_posted: A `Message`.
        state_changed: What can be started, or the number of unread images, is another one now.
        device_found: Name of the device.
        run_accepted: A run's labels are in force.
        message_outdated: Key of messages that no longer hold.
        training_shown: A `TrainingProgressed` of the job that runs.
        training_accepted: A trained run's labels are in force; the `Clustering` before it.
    """

    job_shown = Signal(str)
    next_shown = Signal(str)
    progressed = Signal(object)
    pause_shown = Signal(bool)
    message_posted = Signal(object)
    state_changed = Signal()
    device_found = Signal(str)
    run_accepted = Signal()
    message_outdated = Signal(str)
    training_shown = Signal(object)
    training_accepted = Signal(object)

    _merge_requested = Signal()
    _read_requested = Signal()
    _cluster_requested = Signal()

    def __init__(self, engine: Engine, host: EngineHost, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._host = host
        self._session: ProjectSession | None = None
        self._jobs: dict[int, Step] = {}
        self._titles: dict[int, str] = {}
        self._current: int | None = None
        self._scan: ScanResult | None = None
        self._ingest: IngestResult | None = None
        self._found: ScanResult | IngestResult | None = None
        self._store: ProjectStore | None = None
        self._unit_ids: NDArray[np.int32] | None = None
        self._unread: tuple[tuple[ImageRecord, ...], int] = ((), 0)
        self._wanted: RunSettings | None = None
        self._reads = RunSettings()
        self._is_read_due = False
        self._is_warm = False
        self._is_training = False
        self._rate = 0.0
        self._reading: StageProgressed | None = None
        self.last_error: BaseException | None = None
        self._first = QTimer(self)
        self._first.setSingleShot(True)
        self._first.setInterval(_FIRST_MS)
        self._first.timeout.connect(self.rescan)
        host.started.connect(self._on_host_started)
        host.progressed.connect(self._on_host_progressed)
        host.succeeded.connect(self._on_host_succeeded)
        host.cancelled.connect(self._on_host_cancelled)
        host.failed.connect(self._on_host_failed)
        # Never start a job from a finished slot of the same host: one turn of the loop later.
        queued = Qt.ConnectionType.QueuedConnection
        self._merge_requested.connect(self._on_merge_requested, queued)
        self._read_requested.connect(self._on_read_requested, queued)
        self._cluster_requested.connect(self._on_cluster_requested, queued)

    # -- what there is -----------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether a job of the open project waits or runs."""
        return (
            self._is_read_due
            or self._first.isActive()
            or self._found is not None
            or self._wanted is not None
            or any(step is not Step.WARM_UP for step in self._jobs.values())
        )

    @property
    def is_clustering(self) -> bool:
        """Whether a clustering waits or runs."""
        return self._wanted is not None or Step.CLUSTER in self._jobs.values()

    @property
    def rate(self) -> float:
        """Images read per second now, or when last measured; 0 before."""
        live = 0.0 if self._reading is None else self._reading.rate
        return live or self._rate

    def n_left(self) -> int:
        """Number of images that are still to be read, those read just now left out."""
        n_unread, live = self.n_unread(), self._reading
        return n_unread if live is None or not live.total else min(n_unread, live.total - live.done)

    def n_unread(self) -> int:
        """Number of images whose content has not been read yet."""
        if self._session is None:
            return 0
        images = self._session.images
        if self._unread[0] is not images:
            pending = ImageStatus.PENDING
            n_unread = sum(i.facts.status is pending and not i.is_missing for i in images)
            self._unread = (images, n_unread)
        return self._unread[1]

    def skipped(self) -> tuple[SkippedRow, ...]:
        """Files that were left out or are damaged, each with a reason."""
        rows: list[SkippedRow] = []
        if self._session is not None:
            for image in self._session.images:
                facts = image.facts
                if facts.status in (ImageStatus.DAMAGED, ImageStatus.UNREADABLE):
                    damaged = facts.status is ImageStatus.DAMAGED
                    rows.append(SkippedRow(display_path(image.relative), facts.reason, damaged))
                elif image.is_missing:
                    rows.append(SkippedRow(display_path(image.relative), "It is not there."))
        if self._scan is not None:
            rows += [SkippedRow(display_path(s.relative), s.reason) for s in self._scan.skipped]
        return tuple(rows)

    # -- wishes ------------------------------------------------------------------------------

    def open(self, session: ProjectSession) -> None:
        """Take care of a project: find its images and read them, once it has been painted."""
        self.close()
        self._session = session
        if not session.is_read_only:
            self._first.start()

    def close(self) -> None:
        """Forget the project; its jobs are stopped, what is finished stays in the cache."""
        self._first.stop()
        ids = [i for i, step in self._jobs.items() if step is not Step.WARM_UP]
        for job_id in ids:
            del self._jobs[job_id]
            self._host.cancel(job_id)
        self._session = None
        self._scan = self._ingest = self._wanted = None
        self._found = self._store = self._unit_ids = None
        self._unread = ((), 0)
        self._is_read_due = False
        self._reading = None
        self._show_next()
        self._settle()

    @Slot()
    def rescan(self) -> None:
        """Look for new, changed and vanished files, and read what is new."""
        self._first.stop()
        if self._session is None or self._session.is_read_only:
            return
        if self._is_read_due or self._found is not None:
            return
        if {Step.SCAN, Step.READ} & set(self._jobs.values()):
            return
        self._start(Step.SCAN, ScanJob(self._engine, self._session.scanned_roots))

    def cluster(self, settings: RunSettings) -> None:
        """Cluster all images, as soon as they are read."""
        if self._session is None or self._session.is_read_only or self.is_clustering:
            return
        self._wanted = settings
        if not settings.reads_like(self._reads):
            self._read_again()
        elif self._ingest is None:
            self.rescan()
        else:
            self._cluster_requested.emit()
        self._show_next()
        self.state_changed.emit()

    def _read_again(self) -> None:
        """Read the images as the wanted run asks for, not as they were or are being read."""
        self._ingest = None
        for job_id in [i for i, step in self._jobs.items() if step is Step.READ]:
            self._take(job_id)
            self._host.cancel(job_id)
        if self._scan is None or self._found is not None:
            self.rescan()
        else:
            self._is_read_due = True
            self._read_requested.emit()

    def _usual(self) -> RunSettings:
        """Settings that read images as the last run did, so that all have the same features."""
        run = None if self._session is None else self._session.run
        if run is None:
            return RunSettings()
        return RunSettings(backbone=run.settings.backbone, quality=run.settings.quality)

    def pause(self) -> None:
        """Let the running job wait at its next safe point."""
        if self._current is not None:
            self._host.pause(self._current)
            self.pause_shown.emit(True)  # noqa: FBT003 -- a Qt signal

    def resume(self) -> None:
        """Let it go on."""
        if self._current is not None:
            self._host.resume(self._current)
            self.pause_shown.emit(False)  # noqa: FBT003 -- a Qt signal

    def end_training(self) -> None:
        """Let a training be content with the best it has so far; what follows it goes on."""
        if self._current is not None:
            self._host.end_early(self._current)
            self.pause_shown.emit(False)  # noqa: FBT003 -- a Qt signal

    def cancel(self) -> None:
        """Stop the running job, and what was to follow it."""
        self._first.stop()
        self._wanted = self._found = None
        self._is_read_due = False
        for job_id in sorted(self._jobs, reverse=True):
            self._host.cancel(job_id)
        self._show_next()
        self._settle()

    # -- jobs --------------------------------------------------------------------------------

    def _start(self, step: Step, job: Job) -> None:
        if step in (Step.SCAN, Step.READ):
            self.message_outdated.emit("stopped")
            self.message_outdated.emit(_GONE)
        job_id = self._host.start(job)
        self._jobs[job_id] = step
        self._titles[job_id] = job.title
        self.state_changed.emit()

    def _take(self, job_id: int) -> Step | None:
        """The step of a job that has ended; None for one that is no longer ours."""
        self._titles.pop(job_id, None)
        if self._current == job_id:
            self._current = None
        step = self._jobs.pop(job_id, None)
        if step is Step.READ:
            self._reading = None
        return step

    def _settle(self) -> None:
        """Tell when nothing runs any more."""
        if not self._jobs and not self.is_busy:
            self.job_shown.emit("")
        self.state_changed.emit()

    def _show_next(self) -> None:
        waits = self._wanted is not None
        text = "Then: clustering"
        if self._wanted is not None and self._wanted.trains:
            text = "Then: training"
        self.next_shown.emit(text if waits else "")

    @Slot(int)
    def _on_host_started(self, job_id: int) -> None:
        if job_id in self._jobs and self._jobs[job_id] is not Step.MERGE:
            self._current = job_id
            self.job_shown.emit(self._titles[job_id])

    @Slot(int, object)
    def _on_host_progressed(self, job_id: int, event: object) -> None:
        if job_id not in self._jobs:
            return
        if isinstance(event, StageProgressed):
            if event.stage is Stage.FEATURES:
                self._reading = event
            self.progressed.emit(event)
        elif isinstance(event, TrainingProgressed):
            self.training_shown.emit(event)
        elif isinstance(event, Notice):
            warns = event.severity is Severity.WARNING
            kind = MessageKind.WARNING if warns else MessageKind.INFO
            key = PASSING if event.is_passing else ""
            self.message_posted.emit(Message(kind, event.text, key=key))
        elif isinstance(event, ImageSkipped):
            self.state_changed.emit()

    @Slot(int, object)
    def _on_host_succeeded(self, job_id: int, result: object) -> None:
        step = self._take(job_id)
        try:
            if step is Step.WARM_UP:
                self._is_warm = True
                self.device_found.emit(str(result))
            elif self._session is not None and isinstance(result, ScanResult | IngestResult):
                self._found = result
                self._merge_requested.emit()
            elif self._session is not None and isinstance(result, Merge):
                self._finish_merge(self._session, result)
            elif self._session is not None and isinstance(result, Run):
                self._finish_run(self._session, result)
        except KnownError as error:
            self._wanted = None
            self.message_posted.emit(Message(MessageKind.ERROR, str(error)))
        self._settle()

    @Slot(int)
    def _on_host_cancelled(self, job_id: int) -> None:
        step = self._take(job_id)
        if step is None:
            return
        self._wanted = self._found = None
        self._show_next()
        if step in (Step.SCAN, Step.READ, Step.MERGE):
            text = "Stopped. What was read is kept; go on when you like."
            self.message_posted.emit(
                Message(MessageKind.INFO, text, RESCAN, "Go on", key="stopped")
            )
        elif step is Step.CLUSTER:
            text = "Clustering was stopped. Nothing has changed."
            self.message_posted.emit(Message(MessageKind.DONE, text, key="stopped"))
        self._settle()

    @Slot(int, object)
    def _on_host_failed(self, job_id: int, error: object) -> None:
        step = self._take(job_id)
        if step is None:
            return
        if step is Step.MERGE and self._is_saved_elsewhere():
            self._merge_requested.emit()  # its file was closed under it
            return
        self._wanted = self._found = None
        self._show_next()
        if step is Step.SCAN and isinstance(error, KnownError) and is_gone(error):
            self.message_posted.emit(gone_message(error))
        elif isinstance(error, KnownError):
            self.message_posted.emit(Message(MessageKind.ERROR, str(error)))
        elif isinstance(error, BaseException):
            self.report(error, step.value)
        self._settle()

    def report(self, error: BaseException, what: str) -> None:
        """Tell of a mistake in a job, with the way to a report of it."""
        self.last_error = error
        text = f"Something went wrong ({what}). Your project is as it was."
        self.message_posted.emit(Message(MessageKind.ERROR, text, SHOW_DETAILS, "Details…"))

    def _is_saved_elsewhere(self) -> bool:
        """Whether the project was saved under another name since the last job began."""
        return self._session is not None and self._session.store is not self._store

    def _finish_merge(self, session: ProjectSession, merge: Merge) -> None:
        found = self._found
        if found is None:
            return
        if merge.base is not session.images or self._is_saved_elsewhere():
            self._merge_requested.emit()  # made for an older state
            return
        self._found = None
        if merge.rows:
            session.take_images(merge.images)
        if isinstance(found, ScanResult):
            self._finish_scan(found)
        else:
            self._unit_ids = merge.unit_ids
            self._finish_read(found)

    def _finish_scan(self, scan: ScanResult) -> None:
        self._scan = scan
        self._ingest = None
        if not self._is_warm and Step.WARM_UP not in self._jobs.values():
            self._start(Step.WARM_UP, WarmUpJob())
        if scan.units:
            self._is_read_due = True
            self._read_requested.emit()
        else:
            self._wanted = None
            text = "There are no images in this folder. Add some and press F5, or open another."
            self.message_posted.emit(Message(MessageKind.INFO, text, key="empty"))

    def _finish_read(self, ingest: IngestResult) -> None:
        self._ingest = ingest
        seconds = max(ingest.timings.get("features", 0.0), ingest.timings.get("decode", 0.0))
        if ingest.embedded and seconds > 0:
            self._rate = ingest.embedded / seconds
        unreadable = sum(f.status is ImageStatus.UNREADABLE for f in ingest.facts)
        if unreadable and ingest.decoded:
            self.message_posted.emit(unreadable_message(unreadable, len(ingest.facts)))
        if self._wanted is not None and not self._wanted.reads_like(self._reads):
            self._read_again()
        elif self._wanted is not None:
            self._cluster_requested.emit()

    def _finish_run(self, session: ProjectSession, run: Run) -> None:
        before = session.saved_clustering
        session.accept_run(replace(run, id=0) if self._is_saved_elsewhere() else run)
        self.run_accepted.emit()
        if self._is_training:
            self.training_accepted.emit(before)
        if self._wanted is not None:
            self._cluster_requested.emit()

    @Slot()
    def _on_merge_requested(self) -> None:
        session, found = self._session, self._found
        if session is None or found is None:
            return
        self._store = session.store
        if isinstance(found, ScanResult):
            job = MergeJob(session.store, session.images, found)
        else:
            job = MergeJob(session.store, session.images, found.scan, found)
        self._start(Step.MERGE, job)

    @Slot()
    def _on_read_requested(self) -> None:
        is_due, self._is_read_due = self._is_read_due, False
        if self._session is None or self._scan is None or not is_due:
            return
        self._reads = self._wanted or self._usual()
        request = RunRequest(self._session.roots, self._reads)
        title = f"Reading {count_of(len(self._scan.units))}"
        self._start(Step.READ, IngestJob(self._engine, self._scan, request, title))

    @Slot()
    def _on_cluster_requested(self) -> None:
        session, ingest, wanted = self._session, self._ingest, self._wanted
        ids = self._unit_ids
        if session is None or ingest is None or wanted is None or ids is None:
            return
        # A training is judged against the clusters of the features as they are.
        is_first = wanted.trains and session.clustering.run_id is None
        self._is_training = wanted.trains and not is_first
        self._wanted = wanted if is_first else None
        request = RunRequest(session.roots, untrained(wanted) if is_first else wanted)
        self._store = session.store
        stacks = session.saved_clustering.stacks
        job = ClusterJob(self._engine, ingest, request, ids, session.store, stacks=stacks)
        self._start(Step.CLUSTER, job)
        self._show_next()


def unreadable_message(n_unreadable: int, n_images: int) -> Message:
    """What to say when some files could not be read."""
    text = (
        f"Could not read {n_unreadable:,} of {count_of(n_images)}. They are listed under skipped"
        " files; the others are not affected."
    )
    return Message(MessageKind.WARNING, text, SHOW_SKIPPED, "Show list…", key="unreadable")


def is_gone(error: KnownError) -> bool:
    """Whether a scan failed because a folder is not there."""
    return isinstance(error.__cause__, FileNotFoundError)


def gone_message(error: KnownError) -> Message:
    """What to say when a folder of the project has vanished."""
    cause = error.__cause__
    name = getattr(cause, "filename", None) or ""
    folder = f" {display_path(os.fsencode(name))}" if name else ""
    text = f"The folder{folder} is not there any more. Connect the disk, or put the folder back."
    return Message(MessageKind.ERROR, text, RESCAN, "Look again", key=_GONE)

"""Import labels: where from, what they become, and all of it to see before anything changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.errors import InputError, KnownError
from dclust_gui.services.importing.columns import chosen_columns
from dclust_gui.services.importing.jobs import PlanImportJob, ReadLabelsJob
from dclust_gui.services.importing.plan import cluster_import
from dclust_gui.services.importing.reports import write_problems
from dclust_gui.services.importing.values import ImportPlan, LabelTable, SourceKind
from dclust_gui.ui.bridge.own_job import OwnJob
from dclust_gui.ui.views.job_bar import JobBar
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.export_fields import faint_label
from dclust_gui.ui.windows.import_preview import ImportPreview
from dclust_gui.ui.windows.import_source import ImportSource

if TYPE_CHECKING:
    from dclust_gui.domain.events import StageProgressed
    from dclust_gui.services.importing.values import Problem
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.bridge.engine_host import EngineHost

_ASK = "Choose a file or folder to see what is in it."
_ELSEWHERE = (
    "Under 'Paths begin at', choose the folder of the images that the file was made for: images"
    " that were renamed or moved since are known again by their content."
)
_CHOOSE = "Choose the columns that hold the paths and the labels."


@dataclass(frozen=True, slots=True, eq=False)
class ImportWish:
    """What a person has decided.

    Attributes:
        plan: The labels.
        as_truth: They are true classes to compare with, not clusters.
        others_unassigned: All other images go to Unassigned.
        folder: Where the file lies; None where there is none.
    """

    plan: ImportPlan
    as_truth: bool
    others_unassigned: bool
    folder: Path | None = None


class ImportDialog(QDialog):
    """Reads and matches labels on the I/O thread and shows what they would change.

    Args:
        snapshot: The project, so that edits meanwhile do no harm.
        host: The I/O thread.
        folder: Where choosing a file begins.
        parent: The window.

    Signals:
        decided: An `ImportWish`; the dialog has closed.
        planned: An `ImportPlan` is shown.
    """

    decided = Signal(object)
    planned = Signal(object)

    def __init__(
        self, snapshot: Snapshot, host: EngineHost, folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import labels")
        self._snapshot = snapshot
        self._table: LabelTable | None = None
        self._plan: ImportPlan | None = None
        self._problems: tuple[Problem, ...] = ()
        self._jobs = OwnJob(host, self)
        self.source = ImportSource(folder, self)
        self.preview = ImportPreview(self)
        self._clusters = QRadioButton("Clusters", self)
        self._truth = QRadioButton("True classes to compare with", self)
        self._others = QCheckBox("All other images go to Unassigned", self)
        self._as_text = faint_label("", self)
        self._progress = JobBar(self)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._start = QPushButton("Import", self)
        self._place()
        self._connect()
        self._begin()

    @property
    def plan(self) -> ImportPlan | None:
        """The plan that is shown; None while there is none."""
        return self._plan

    def set_as_truth(self, *, is_wanted: bool) -> None:
        """Choose what the labels become."""
        (self._truth if is_wanted else self._clusters).setChecked(True)

    # -- inside ------------------------------------------------------------------------------

    def _place(self) -> None:
        self._clusters.setChecked(True)
        self._start.setProperty("look", "primary")
        self._start.setDefault(True)
        self._buttons.addButton(self._start, QDialogButtonBox.ButtonRole.ActionRole)
        side = QWidget(self)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.source)
        head = QLabel("They become", self)
        head.setProperty("look", "section")
        for part in (head, self._clusters, self._truth, self._as_text, self._others):
            column.addWidget(part)
        column.addStretch(1)
        area = QScrollArea(self)
        area.setWidget(side)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setMinimumWidth(GRID * 50)
        body = QHBoxLayout()
        body.setSpacing(GRID * 3)
        body.addWidget(area, 4)
        body.addWidget(self.preview, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addLayout(body, 1)
        layout.addWidget(self._progress)
        layout.addWidget(self._buttons)
        self.resize(GRID * 128, GRID * 78)

    def _connect(self) -> None:
        self.source.source_changed.connect(self._on_source_changed)
        self.source.columns_changed.connect(self._on_columns_changed)
        self.preview.save_requested.connect(self._on_preview_save_requested)
        self._clusters.toggled.connect(self._on_as_toggled)
        self._others.toggled.connect(self._on_as_toggled)
        self._start.clicked.connect(self._on_start_clicked)
        self._buttons.rejected.connect(self.reject)
        self._jobs.progressed.connect(self._on_jobs_progressed)
        self._jobs.succeeded.connect(self._on_jobs_succeeded)
        self._jobs.cancelled.connect(self._on_jobs_cancelled)
        self._jobs.failed.connect(self._on_jobs_failed)
        self._progress.cancel_requested.connect(self._jobs.cancel)
        self._progress.pause_requested.connect(self._on_progress_pause_requested)
        self._progress.resume_requested.connect(self._on_progress_resume_requested)

    @Slot()
    def _begin(self) -> None:
        """Read or match anew."""
        self._jobs.stop()
        self._plan, self._problems = None, ()
        self._progress.clear()
        self._show_as()
        kind, path = self.source.kind, self.source.path
        if kind is SourceKind.FILE and path is None:
            self.preview.clear(_ASK)
        elif kind is SourceKind.FILE and self._table is None and path is not None:
            self.preview.clear("Reading…")
            self._run(ReadLabelsJob(path))
        elif self._columns_are_known():
            self.preview.clear("Looking for the images…")
            self._run(PlanImportJob(self.source.request(), self._snapshot, self._table))

    def _run(self, job: ReadLabelsJob | PlanImportJob) -> None:
        self._progress.set_job(job.title)
        self._jobs.start(job)

    def _columns_are_known(self) -> bool:
        """Whether it can be told which columns hold what; says what is to be chosen."""
        if self._table is None:
            return True
        request = self.source.request()
        try:
            chosen_columns(self._table, request.path_column, request.label_column)
        except InputError as error:
            is_open = not (request.path_column and request.label_column)
            self.preview.clear(_CHOOSE if is_open else str(error))
            return False
        return True

    def _show_plan(self) -> None:
        """Show the plan for what the labels shall become."""
        plan = self._plan
        if plan is not None:
            state = None if self._truth.isChecked() else self._snapshot.clustering
            held: tuple[Problem, ...] = ()
            if state is not None:
                is_free = self._others.isChecked()
                _, held = cluster_import(plan, state, others_unassigned=is_free)
            self._problems = (*plan.problems, *held)
            hint = _ELSEWHERE if self.source.has_paths else ""
            self.preview.show_plan(plan, self._problems, state, hint)
        self._show_as()

    def _folder(self) -> Path | None:
        return None if self.source.path is None else self.source.path.parent

    def _show_as(self) -> None:
        is_truth = self._truth.isChecked()
        self._as_text.setText(
            "Kept with the project; the Quality panel compares the clusters with them."
            if is_truth
            else "One step that can be undone. Clusters of the same name are used, others are made;"
            " the images count as placed by hand. Pinned clusters stay as they are."
        )
        self._others.setVisible(not is_truth)
        labels = None if self._plan is None else self._plan.labels
        n = (
            0
            if labels is None
            else int((labels.codes >= 0).sum() if is_truth else len(labels.codes))
        )
        self._start.setEnabled(n > 0)
        self._start.setText(f"Import {n:,} labels" if n > 1 else "Import")

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_source_changed(self) -> None:
        self._table = None
        self._begin()

    @Slot()
    def _on_columns_changed(self) -> None:
        self._begin()

    @Slot()
    def _on_as_toggled(self) -> None:
        self._show_plan()

    @Slot()
    def _on_start_clicked(self) -> None:
        plan = self._plan
        if plan is not None:
            is_truth = self._truth.isChecked()
            is_free = self._others.isChecked() and not is_truth
            wish = ImportWish(plan, is_truth, is_free, self._folder())
            self.accept()
            self.decided.emit(wish)

    @Slot()
    def _on_preview_save_requested(self) -> None:
        folder = self._folder() or Path.home()
        start = str(folder / "labels not taken.csv")
        found, _ = QFileDialog.getSaveFileName(self, "Save list", start, "CSV (*.csv)")
        if found:
            self.save_problems(Path(found))

    def save_problems(self, path: Path) -> None:
        """Write what is not taken as CSV."""
        try:
            write_problems(path, self._problems)
        except KnownError as error:
            self.preview.clear(str(error), is_error=True)

    @Slot(object)
    def _on_jobs_progressed(self, event: StageProgressed) -> None:
        self._progress.set_progress(event)

    @Slot(object)
    def _on_jobs_succeeded(self, result: object) -> None:
        self._progress.clear()
        if isinstance(result, LabelTable):
            self._table = result
            self.source.set_table(result)
            QTimer.singleShot(0, self, self._begin)  # a host takes no job while it ends another
        elif isinstance(result, ImportPlan):
            self._plan = result
            self._show_plan()
            self.planned.emit(result)

    @Slot()
    def _on_jobs_cancelled(self) -> None:
        self._progress.clear()
        self.preview.clear("Stopped; nothing was changed.")

    @Slot(object)
    def _on_jobs_failed(self, error: object) -> None:
        self._progress.clear()
        self.preview.clear(str(error), is_error=True)

    @Slot()
    def _on_progress_pause_requested(self) -> None:
        self._jobs.pause()
        self._progress.set_paused(True)

    @Slot()
    def _on_progress_resume_requested(self) -> None:
        self._jobs.resume()
        self._progress.set_paused(False)

    # -- Qt ----------------------------------------------------------------------------------

    def done(self, result: int) -> None:
        """Stop reading and close."""
        self._jobs.stop()
        super().done(result)

"""Export: where to and what, the plan before anything is written, progress, the result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.events import StageProgressed
from dclust_gui.services.export import export_title
from dclust_gui.services.export_plan import (
    ExportPlan,
    ExportRequest,
    OnConflict,
)
from dclust_gui.services.jobs import ExportJob, PlanExportJob
from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.job_bar import JobBar
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID, colours
from dclust_gui.ui.windows.export_text import (
    failure_text,
    has_work,
    plan_rows,
    plan_text,
    result_text,
    stopped_text,
)

if TYPE_CHECKING:
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.export import ExportResult
    from dclust_gui.ui.bridge.engine_host import EngineHost

_TYPING_MS = 400


class ExportState(Enum):
    """Where the dialog stands."""

    ASKING = "asking"
    PLANNING = "planning"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What can be exported; a snapshot, so that edits meanwhile do no harm.

    Attributes:
        images: All images.
        clustering: Their clusters.
        roots: Root folders of the project.
        selected: Ids of the clusters that are selected in the window.
    """

    images: tuple[ImageRecord, ...]
    clustering: Clustering
    roots: tuple[Path, ...]
    selected: tuple[int, ...] = ()


class ExportDialog(QDialog):
    """Plans and runs one export on the I/O thread.

    Args:
        source: What can be exported.
        host: The I/O thread.
        target: Folder to begin with; empty for none.
        parent: The window.

    Signals:
        state_changed: An `ExportState`.
        exported: The target of an export that has begun.
        export_ended: Title of an export that has left files at its target, for the history.
    """

    state_changed = Signal(object)
    exported = Signal(object)
    export_ended = Signal(str)

    def __init__(
        self,
        source: ExportSource,
        host: EngineHost,
        target: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export clusters")
        self._source = source
        self._host = host
        self._state = ExportState.ASKING
        self._job: int | None = None
        self._plan: ExportPlan | None = None
        self._has_work = False
        self._is_stopped = False
        self._reached: StageProgressed | None = None
        self._n_unassigned = 0
        self._target = QLineEdit(target, self)
        self._browse = QPushButton("Browse…", self)
        self._what = QComboBox(self)
        self._unassigned = QCheckBox(self)
        self._conflict = QComboBox(self)
        self._summary = QLabel(self)
        self._notes = QLabel(self)
        self._model = RowsModel(("Folder", "New", "Changed", "As it is"), (1, 2, 3), self)
        self._table = TextTable(self._model, 0, self)
        self._progress = JobBar(self)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self._open = QPushButton("Open folder", self)
        self._start = QPushButton("Export", self)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._fill()
        self._place()
        self._connect()
        self._show_state()
        self._begin_plan()

    @property
    def state(self) -> ExportState:
        """Where the dialog stands."""
        return self._state

    @property
    def is_running(self) -> bool:
        """Whether files are being copied."""
        return self._state is ExportState.RUNNING

    @property
    def plan(self) -> ExportPlan | None:
        """The plan that would be carried out; None while there is none."""
        return self._plan

    @property
    def text(self) -> str:
        """What it says in words."""
        return " ".join(t for t in (self._summary.text(), self._notes.text()) if t)

    def set_target(self, folder: Path) -> None:
        """Choose the folder."""
        self._target.setText(str(folder))

    @Slot()
    def start(self) -> None:
        """Carry out the plan."""
        may_start = self._state is ExportState.READY or self._is_stopped
        if self._plan is not None and may_start:
            self._is_stopped, self._reached = False, None
            self.exported.emit(self._plan.request.target)
            self._job = self._host.start(ExportJob(self._plan))
            self._progress.set_job("Exporting")
            self._set_state(ExportState.RUNNING)

    # -- inside ------------------------------------------------------------------------------

    def _fill(self) -> None:
        self._target.setPlaceholderText("A folder outside the images' folders")
        self._target.setAccessibleName("Folder to export to")
        self._target.setClearButtonEnabled(True)
        self._target.setProperty("look", "field")
        for button in (self._browse, self._open):
            button.setAutoDefault(False)
        self._start.setDefault(True)
        counts = self._source.clustering.counts()
        self._n_unassigned = counts.pop(UNASSIGNED)
        n_clusters = sum(n > 0 for n in counts.values())
        self._what.addItem(f"All {count_of(n_clusters, 'cluster')}", None)
        if self._source.selected:
            selected = frozenset(self._source.selected)
            self._what.addItem(f"{count_of(len(selected), 'selected cluster')} only", selected)
        self._what.setAccessibleName("What to export")
        self._unassigned.setText(f"Also Unassigned ({count_of(self._n_unassigned)})")
        self._unassigned.setChecked(self._n_unassigned > 0)
        self._unassigned.setEnabled(self._n_unassigned > 0)
        self._conflict.addItem("Add a number to the name", OnConflict.NUMBER)
        self._conflict.addItem("Leave the image out", OnConflict.SKIP)
        self._conflict.setAccessibleName("If a name is taken")
        self._table.setAccessibleName("What will be done in each folder")
        for label in (self._summary, self._notes):
            label.setWordWrap(True)
        self._summary.setProperty("look", "section")
        self._start.setProperty("look", "primary")

    def _place(self) -> None:
        intro = QLabel(
            "Copies the images into a folder for each cluster. The originals stay where they are"
            " and are not changed.",
            self,
        )
        intro.setWordWrap(True)
        line = QHBoxLayout()
        line.setSpacing(GRID)
        line.addWidget(self._target, 1)
        line.addWidget(self._browse)
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow("Folder", line)
        form.addRow("What", self._what)
        form.addRow("", self._unassigned)
        form.addRow("If a name is taken", self._conflict)
        self._buttons.addButton(self._open, QDialogButtonBox.ButtonRole.ActionRole)
        self._buttons.addButton(self._start, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(intro)
        layout.addLayout(form)
        layout.addWidget(self._table, 1)
        layout.addWidget(self._summary)
        layout.addWidget(self._notes)
        layout.addWidget(self._progress)
        layout.addWidget(self._buttons)
        self.resize(GRID * 84, GRID * 72)

    def _connect(self) -> None:
        self._browse.clicked.connect(self._on_browse_clicked)
        self._target.textChanged.connect(self._on_wish_changed)
        self._what.currentIndexChanged.connect(self._on_wish_changed)
        self._unassigned.toggled.connect(self._on_wish_changed)
        self._conflict.currentIndexChanged.connect(self._on_wish_changed)
        self._typing.timeout.connect(self._on_typing_timeout)
        self._start.clicked.connect(self.start)
        self._open.clicked.connect(self._on_open_clicked)
        self._buttons.rejected.connect(self.reject)
        self._progress.pause_requested.connect(self._on_progress_pause_requested)
        self._progress.resume_requested.connect(self._on_progress_resume_requested)
        self._progress.cancel_requested.connect(self._on_progress_cancel_requested)
        self._host.progressed.connect(self._on_host_progressed)
        self._host.succeeded.connect(self._on_host_succeeded)
        self._host.cancelled.connect(self._on_host_cancelled)
        self._host.failed.connect(self._on_host_failed)

    def _request(self) -> ExportRequest | None:
        text = self._target.text().strip()
        if not text:
            return None
        return ExportRequest(
            Path(text).expanduser().absolute(),
            on_conflict=self._conflict.currentData(),
            include_unassigned=self._unassigned.isChecked(),
            clusters=self._what.currentData(),
        )

    def _begin_plan(self) -> None:
        """Ask the I/O thread for a plan of the present wishes."""
        self._drop_job()
        self._plan = None
        request = self._request()
        if request is None:
            self._tell("Choose a folder to see what will be done.")
            self._set_state(ExportState.ASKING)
            return
        source = self._source
        job = PlanExportJob(source.images, source.clustering, source.roots, request)
        self._job = self._host.start(job)
        self._tell("Looking at the folder…")
        self._set_state(ExportState.PLANNING)

    def _drop_job(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            self._host.cancel(job)

    def _show_plan(self, plan: ExportPlan) -> None:
        self._plan = plan
        self._has_work = has_work(plan)
        self._model.set_rows(plan_rows(plan))
        self._tell(plan_text(plan), "\n".join(plan.warnings))
        self._set_state(ExportState.READY)

    def _show_result(self, result: ExportResult) -> None:
        self._tell(result_text(result), failure_text(result), is_error=bool(result.failed))
        self._is_stopped = bool(result.stopped)
        self._set_state(ExportState.DONE)
        title = "" if self._plan is None else export_title(self._plan.request.target, result)
        if title:
            self.export_ended.emit(title)

    def _tell(self, summary: str, notes: str = "", *, is_error: bool = False) -> None:
        look = colours(self.palette())
        self._summary.setText(summary)
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))
        self._notes.setStyleSheet(f"color: {look.error if is_error else look.warning};")

    def _set_state(self, state: ExportState) -> None:
        self._state = state
        self._show_state()
        self.state_changed.emit(state)

    def _show_state(self) -> None:
        is_free = self._state not in (ExportState.RUNNING, ExportState.DONE)
        for widget in (self._target, self._browse, self._what, self._conflict):
            widget.setEnabled(is_free)
        self._unassigned.setEnabled(is_free and self._n_unassigned > 0)
        if self._state in (ExportState.ASKING, ExportState.PLANNING):
            self._model.set_rows([])
        is_ready = self._state is ExportState.READY and self._has_work
        self._start.setText("Go on" if self._is_stopped else "Export")
        self._start.setEnabled(is_ready or self._is_stopped)
        self._start.setVisible(self._state is not ExportState.DONE or self._is_stopped)
        self._open.setVisible(self._state is ExportState.DONE)
        if self._state is not ExportState.RUNNING:
            self._progress.clear()
        cancel = self._buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setText("Close" if self._state is ExportState.DONE else "Cancel")

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_browse_clicked(self) -> None:
        start = self._target.text() or str(Path.home())
        found = QFileDialog.getExistingDirectory(self, "Export to", start)
        if found:
            self._target.setText(found)

    @Slot()
    def _on_wish_changed(self) -> None:
        self._start.setEnabled(False)
        self._typing.start()

    @Slot()
    def _on_typing_timeout(self) -> None:
        if self._state not in (ExportState.RUNNING, ExportState.DONE):
            self._begin_plan()

    @Slot()
    def _on_open_clicked(self) -> None:
        if self._plan is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._plan.request.target)))

    @Slot()
    def _on_progress_pause_requested(self) -> None:
        if self._job is not None:
            self._host.pause(self._job)
            self._progress.set_paused(True)

    @Slot()
    def _on_progress_resume_requested(self) -> None:
        if self._job is not None:
            self._host.resume(self._job)
            self._progress.set_paused(False)

    @Slot()
    def _on_progress_cancel_requested(self) -> None:
        if self._job is not None:
            self._progress.set_cancelling()
            self._host.cancel(self._job)

    @Slot(int, object)
    def _on_host_progressed(self, job: int, event: object) -> None:
        if job == self._job and isinstance(event, StageProgressed):
            self._reached = event
            self._progress.set_progress(event)

    @Slot(int, object)
    def _on_host_succeeded(self, job: int, result: object) -> None:
        if job != self._job:
            return
        self._job = None
        if isinstance(result, ExportPlan):
            self._show_plan(result)
        else:
            self._show_result(result)  # type: ignore[arg-type]  # the only other job

    @Slot(int)
    def _on_host_cancelled(self, job: int) -> None:
        if job != self._job:
            return
        self._job = None
        self._tell(stopped_text(self._reached))
        self._is_stopped = self._state is ExportState.RUNNING
        self._set_state(ExportState.DONE)

    @Slot(int, object)
    def _on_host_failed(self, job: int, error: object) -> None:
        if job != self._job:
            return
        self._job = None
        was_running = self._state is ExportState.RUNNING
        known = isinstance(error, KnownError)
        text = str(error) if known else f"Something went wrong: {error!r}."
        self._tell("This cannot be exported." if not was_running else "The export has ended.", text)
        self._notes.setStyleSheet(f"color: {colours(self.palette()).error};")
        self._set_state(ExportState.DONE if was_running else ExportState.ASKING)

    # -- Qt ----------------------------------------------------------------------------------

    def reject(self) -> None:
        """Close; a running export is stopped first and can be taken up again later."""
        if self._state is ExportState.RUNNING:
            self._on_progress_cancel_requested()
            return
        self._typing.stop()
        self._drop_job()
        super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Treat the window's close button like Cancel."""
        if self._state is ExportState.RUNNING:
            self._on_progress_cancel_requested()
            event.ignore()
            return
        super().closeEvent(event)

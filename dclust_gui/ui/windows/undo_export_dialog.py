"""Undo an export: which one, a dry run of what goes back and what is left, progress, the result."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.images import display_path
from dclust_gui.services.export_jobs import FollowUndoJob, PlanUndoJob, UndoExportJob
from dclust_gui.services.export_undo import UndoAction, UndoPlan, UndoResult
from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.export_preview import MOST_ROWS
from dclust_gui.ui.windows.export_text import shown
from dclust_gui.ui.windows.files_dialog import FilesDialog, FilesState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.export_undo import UndoStep
    from dclust_gui.services.jobs import Job
    from dclust_gui.storage.project import ProjectStore
    from dclust_gui.ui.bridge.engine_host import EngineHost

_ORDER = (UndoAction.LEAVE, UndoAction.RETURN, UndoAction.REMOVE, UndoAction.FORGET)
_WORDS = {
    UndoAction.LEAVE: "stays",
    UndoAction.RETURN: "goes back",
    UndoAction.REMOVE: "is removed",
    UndoAction.FORGET: "is gone already",
}
_BUSY = "Images are being read. Files can be moved back as soon as that has ended."


class UndoExportDialog(FilesDialog):
    """Puts an export back as it was, on the I/O thread.

    Args:
        store: The project's file.
        images: All its images.
        targets: Folders that it was exported to, the last one first.
        host: The I/O thread.
        parent: The window.

    Signals:
        undone: title for the history, the export's folder, whether nothing is left of it.
    """

    undone = Signal(str, object, bool)

    def __init__(
        self,
        store: ProjectStore,
        images: tuple[ImageRecord, ...],
        targets: Sequence[Path],
        host: EngineHost,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(host, parent)
        self.setWindowTitle("Undo export")
        self._store, self._images = store, images
        self._plan: UndoPlan | None = None
        self._refusal = ""
        self.targets = QComboBox(self)
        for target in targets:
            self.targets.addItem(shown(str(target)), target)
        self.browse = QPushButton("Other folder…", self)
        self.model = RowsModel(("File", "What happens", "Where to, or why"), (), self)
        self._table = TextTable(self.model, 2, self)
        self._start = QPushButton("Undo export", self)
        self._place()
        self._connect()
        self._look()

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """The images as they are known to it."""
        return self._images

    def set_images(self, images: tuple[ImageRecord, ...]) -> None:
        """Go on with the images as they are by now."""
        if not self.is_running:
            self._images = images

    def choose(self, target: Path) -> None:
        """Look at the export in a folder."""
        place = self.targets.findText(shown(str(target)))
        if place < 0:
            self.targets.insertItem(0, shown(str(target)), target)
            place = 0
        if place == self.targets.currentIndex():
            self._look()
        self.targets.setCurrentIndex(place)

    @Slot()
    def start(self) -> None:
        """Do what the dry run shows."""
        if self._plan is not None and self._may_start():
            self.run_job(UndoExportJob(self._plan))

    # -- inside ------------------------------------------------------------------------------

    def _place(self) -> None:
        intro = QLabel(
            "Originals that were moved go back to where they were, and files that the export made"
            " are removed. Whatever was changed since is left as it is, and said here.",
            self,
        )
        intro.setWordWrap(True)
        self.targets.setAccessibleName("Export to undo")
        self.targets.setMinimumContentsLength(24)
        self.targets.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._table.setAccessibleName("What happens with each file")
        self.browse.setAutoDefault(False)
        self._start.setProperty("look", "primary")
        self._start.setDefault(True)
        line = QHBoxLayout()
        line.setSpacing(GRID)
        label = QLabel("Export in", self)
        label.setBuddy(self.targets)
        line.addWidget(label)
        line.addWidget(self.targets, 1)
        line.addWidget(self.browse)
        self.buttons.addButton(self._start, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.addWidget(intro)
        layout.addLayout(line)
        layout.addWidget(self._table, 1)
        for label in self.words():
            layout.addWidget(label)
        self.add_bottom(layout)
        self.resize_within_screen(GRID * 100, GRID * 72)

    def _connect(self) -> None:
        self.targets.currentIndexChanged.connect(self._look)
        self.browse.clicked.connect(self._on_browse_clicked)
        self._start.clicked.connect(self.start)

    @Slot()
    def _look(self) -> None:
        """Ask for a dry run of the chosen export."""
        self.jobs.stop()
        self._plan, self._refusal = None, ""
        self.model.set_rows([])
        target = self.targets.currentData()
        if target is None:
            self.tell("No export of this project is remembered. Choose its folder.")
            self.set_state(FilesState.ASKING)
            return
        self.jobs.start(PlanUndoJob(Path(target)))
        self.tell("Looking at the export…")
        self.set_state(FilesState.PLANNING)

    def _show_plan(self, plan: UndoPlan) -> None:
        self._plan = plan
        ordered = (s for action in _ORDER for s in plan.steps if s.action is action)
        rows = [_row(step) for step in islice(ordered, MOST_ROWS)]
        if len(plan.steps) > MOST_ROWS:
            rows.append((f"and {count_of(len(plan.steps) - MOST_ROWS, 'more file')}", "", ""))
        self.model.set_rows(rows)
        self._refusal = self._why_not(plan)
        notes = [self._refusal] if self._refusal else []
        if plan.count(UndoAction.RETURN) and self.is_busy:
            notes.append(_BUSY)
        if plan.n_damaged:
            notes.append(f"{count_of(plan.n_damaged, 'line')} of its journal cannot be read.")
        self.tell(f"{plan.text}.", "\n".join(notes), is_error=bool(self._refusal))
        self.set_state(FilesState.READY)

    def _why_not(self, plan: UndoPlan) -> str:
        """Why the export cannot be undone from this window; empty if it can."""
        if not plan.count(UndoAction.RETURN):
            return ""
        if self._store.is_read_only:
            return "The project is open for reading only and could not follow its files back."
        others = [p for p in plan.projects if p != self._store.path.absolute() and p.is_file()]
        if others:
            return (
                f"The files were moved by another project, '{shown(str(others[-1]))}'. Open that"
                " one to undo the export, so that it can follow its files."
            )
        return ""

    def _may_start(self) -> bool:
        plan = self._plan
        if plan is None or self.state is not FilesState.READY or self._refusal:
            return False
        return not (self.is_busy and plan.count(UndoAction.RETURN))

    def show_state(self) -> None:
        """Allow what can be done now."""
        super().show_state()
        self.targets.setEnabled(self.is_free and self.targets.count() > 0)
        self.browse.setEnabled(self.is_free)
        self._start.setEnabled(self._may_start())
        self._start.setVisible(self.state is not FilesState.DONE)

    def follow_job(self) -> Job | None:
        """The job that lets the project follow its files back."""
        plan = self._plan
        if plan is None or not plan.moves:
            return None
        return FollowUndoJob(self._store, self._images, plan)

    def take_result(self, result: object) -> None:
        """Show a dry run, or tell what was done."""
        if isinstance(result, UndoPlan):
            self._show_plan(result)
        elif isinstance(result, UndoResult) and self._plan is not None:
            self._tell_result(self._plan, result)

    def take_stop(self) -> None:
        """It can be taken up again."""
        self.end("Undoing was stopped. What is undone stays so; undo again to go on.")

    def take_failure(self, reason: str) -> None:
        """Say why it could not be done or planned."""
        if self.state is FilesState.RUNNING:
            self.end("Undoing has ended early.", reason, is_error=True)
        else:
            self.tell("This cannot be undone.", reason, is_error=True)
            self.set_state(FilesState.ASKING)

    def _tell_result(self, plan: UndoPlan, result: UndoResult) -> None:
        n_back = len(result.returned)
        done = [f"{count_of(n_back, 'file')} moved back"] if n_back else []
        done += [f"{count_of(result.removed, 'file')} removed"] if result.removed else []
        summary = f"{', '.join(done) or 'No file was left of it'}."
        below = len(str(plan.target)) + 1
        self.model.set_rows(
            [(shown(str(path))[below:], "stays", why) for path, why in result.left[:MOST_ROWS]]
        )
        n_left = len(result.left)
        notes = [f"{count_of(n_left, 'file')} left as {'they are' if n_left > 1 else 'it is'}."]
        notes = notes if n_left else []
        if n_folders := len(result.folders):
            rest = (
                "stay, as other files are in them"
                if n_folders > 1
                else "stays, as other files are in it"
            )
            notes.append(f"{count_of(n_folders, 'folder')} {rest}.")
        n_files = n_back + result.removed
        title = f"undo export of {count_of(n_files, 'file')} to '{shown(plan.target.name)}'"
        self.undone.emit(title if n_files else "", plan.target, result.is_complete)
        self.end(summary, "\n".join(notes))

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_browse_clicked(self) -> None:
        start = self.targets.currentText() or str(Path.home())
        found = QFileDialog.getExistingDirectory(self, "Folder of an export", start)
        if found:
            self.choose(Path(found))


def _row(step: UndoStep) -> tuple[str, str, str]:
    name = display_path(step.file.destination)
    where = step.reason
    if step.action is UndoAction.RETURN:
        where = display_path(os.path.dirname(step.file.source))  # noqa: PTH120 -- bytes
    return (name, _WORDS[step.action], where)

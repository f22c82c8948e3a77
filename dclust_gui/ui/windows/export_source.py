"""What an export dialog works on, the job that carries an export out, and the plain question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from dclust_gui.domain.edits import count_of
from dclust_gui.services.export_jobs import (
    FileExportJob,
    FollowMoveJob,
    KeywordExportJob,
    TreeExportJob,
)
from dclust_gui.services.export_plan import Action
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.writing import FileFormat
from dclust_gui.ui.windows.export_text import shown

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from dclust_gui.domain.history import History
    from dclust_gui.services.export_outlook import Outlook
    from dclust_gui.services.jobs import Job
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.storage.project import ProjectStore


@dataclass(frozen=True, slots=True, eq=False)
class ExportSource:
    """What can be exported; a snapshot, so that edits meanwhile do no harm.

    Attributes:
        snapshot: The project.
        history: Its decisions.
        store: Its file.
        name: What it is called.
        selected: Ids of the clusters that are selected in the window.
        thumbnails: Gives the pictures of a contact sheet.
    """

    snapshot: Snapshot
    history: History
    store: ProjectStore
    name: str
    selected: tuple[int, ...]
    thumbnails: ThumbnailService

    def job(self, outlook: Outlook) -> Job:
        """The job that carries out what was looked at."""
        wish = outlook.wish
        if outlook.plan is not None and isinstance(wish.format, TreeFormat):
            return TreeExportJob(outlook.plan, wish.format, self.snapshot)
        if isinstance(wish.format, FileFormat):
            return FileExportJob(wish, self.snapshot, self.history, self.name, self.thumbnails)
        return KeywordExportJob(wish, self.snapshot)

    def follow_job(self, outlook: Outlook | None) -> Job | None:
        """The job that lets the project follow a move; None where nothing moves."""
        if outlook is None or not outlook.wish.moves:
            return None
        return FollowMoveJob(self.store, self.snapshot.images, outlook.wish.target)


def move_question(source: ExportSource, outlook: Outlook, parent: QWidget) -> QMessageBox:
    """Asks plainly whether the originals may be moved; Ok is yes.

    Args:
        source: What is exported.
        outlook: What was looked at.
        parent: The dialog.
    """
    n_files = outlook.count(Action.COPY) + outlook.count(Action.RELEASE)
    target = outlook.wish.target.resolve()
    left = [root for root in source.snapshot.roots if root.resolve() != target]
    roots = ", ".join(f"'{shown(root.name)}'" for root in left)
    text = f"{count_of(n_files, 'original')} will leave {roots}."
    box = QMessageBox(
        QMessageBox.Icon.Warning,
        "Move the originals?",
        text if n_files else "Files will be moved inside the export.",
        QMessageBox.StandardButton.Ok | QMessageBox.StandardButton.Cancel,
        parent,
    )
    box.setInformativeText(
        f"They go to '{shown(str(outlook.wish.target))}', and no copies stay behind. The"
        " project follows them. 'Undo export' in the File menu brings them back."
    )
    box.button(QMessageBox.StandardButton.Ok).setText("Move files")
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setObjectName("move")
    return box

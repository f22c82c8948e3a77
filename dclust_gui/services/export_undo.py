"""Puts an export back as it was: moved files return, files of ours go, all else stays."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.domain.control import CancelToken
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import ImageSkipped, Stage
from dclust_gui.domain.images import display_path
from dclust_gui.engine.progress import StageMeter
from dclust_gui.services.export_present import (
    is_our_symlink,
    is_same_file,
    path_in,
    path_of,
)
from dclust_gui.services.export_steps import folder_of
from dclust_gui.services.export_written import is_what_was_written, written_files
from dclust_gui.storage.export_journal import (
    JOURNAL_NAME,
    ExportedFile,
    ExportJournal,
    JournalState,
    path_text,
    read_journal,
)
from dclust_gui.storage.file_modes import (
    ExportMode,
    is_same_device,
    move_here,
    release,
)
from dclust_gui.storage.verified_copy import CopyError, copy_verified, place

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.domain.control import EventSink

_FILES_PER_BATCH = 64
_NOWHERE = "It is not there any more: put it back, or first undo the export that moved it on."


class UndoAction(StrEnum):
    """What is done with one file of an export.

    `REMOVE` takes away a file that the export wrote; `RETURN` moves an original back to its place;
    `FORGET` strikes one off that is not there any more; `LEAVE` leaves it and says why, also an
    original that is neither in the export nor in its place: it may come back.
    """

    REMOVE = "remove"
    RETURN = "return"
    FORGET = "forget"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class UndoStep:
    """What is done with one file.

    Attributes:
        action: What.
        path: The file in the export.
        file: What the journal says of it.
        reason: Why it is left; empty else.
    """

    action: UndoAction
    path: Path
    file: ExportedFile
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """What undoing an export would do; made without changing anything.

    Attributes:
        target: The export's folder, resolved.
        steps: File by file, by path.
        folders: Folders that the export made, deepest first; removed if they are empty then.
        projects: Project files that the export came from.
        n_damaged: Lines of the journal that cannot be read.
        earlier: Moved files that an undoing which was cut short has taken back: place in the
            export, and in its place now.
    """

    target: Path
    steps: tuple[UndoStep, ...]
    folders: tuple[Path, ...]
    projects: tuple[Path, ...]
    n_damaged: int = 0
    earlier: tuple[tuple[Path, Path], ...] = ()

    @property
    def moves(self) -> bool:
        """Whether it is about originals that were moved, so that projects have to follow."""
        return bool(self.earlier) or any(step.file.mode == ExportMode.MOVE for step in self.steps)

    def count(self, action: UndoAction) -> int:
        """Number of files that something is done with."""
        return sum(step.action is action for step in self.steps)

    @property
    def text(self) -> str:
        """What will be done, in a sentence."""
        words = {
            UndoAction.RETURN: "back to where it was|back to where they were",
            UndoAction.REMOVE: "of the export to be removed|of the export to be removed",
            UndoAction.FORGET: "gone already|gone already",
            UndoAction.LEAVE: "to be left as it is|to be left as they are",
        }
        parts = [
            f"{count_of(n, 'file')} {text.split('|')[n != 1]}"
            for action, text in words.items()
            if (n := self.count(action))
        ]
        return ", ".join(parts) or "Nothing to undo"


@dataclass(frozen=True, slots=True)
class UndoResult:
    """What was undone.

    Attributes:
        returned: Originals by where they are again: place in the export, place now.
        removed: Files of the export that were removed.
        left: Files that were left, each with a reason.
        is_complete: Nothing of the export is left; its journal is gone, too.
        folders: Folders that the export made and that stay, as files of others are in them.
    """

    returned: dict[Path, Path] = field(default_factory=dict)
    removed: int = 0
    left: tuple[tuple[Path, str], ...] = ()
    is_complete: bool = False
    folders: tuple[Path, ...] = ()


def plan_undo(target: Path, token: CancelToken | None = None) -> UndoPlan:
    """List what undoing an export would do; reads only.

    Args:
        target: The export's folder.
        token: Stops the planning, which may read files whose times have changed.

    Raises:
        InputError: If the folder holds no export.
        StorageError: If its journal cannot be read.
        Cancelled: If the job was cancelled.
    """
    state = read_journal(target)
    if state is None:
        raise InputError(
            f"There is no export in {path_text(target)}.",
            f"It has no '{JOURNAL_NAME}'.",
            "Name the folder that was exported to.",
        )
    token = token or CancelToken()
    target = target.resolve()
    steps = []
    for file in sorted(written_files(target, state), key=lambda f: f.destination):
        token.checkpoint()
        steps.append(_step(target, file))
    return UndoPlan(
        target,
        tuple(steps),
        tuple(_folders(target, state)),
        tuple(path_of(project) for project in state.projects),
        state.n_damaged,
        tuple(
            (path_in(target, file.destination), path_of(file.source))
            for file in state.undone.values()
            if file.mode == ExportMode.MOVE
        ),
    )


def run_undo(plan: UndoPlan, sink: EventSink, token: CancelToken) -> UndoResult:
    """Undo an export; run it again after any interruption to finish.

    Moved files go back only if they are what was moved and their place is free; files that the
    export wrote are removed only if they are still what was written; folders only if the export
    made them and they are empty. Everything else is left and listed.

    Args:
        plan: Made for the present state of the target.
        sink: Takes progress of `Stage.EXPORT` in files, and one `ImageSkipped` a file that is left.
        token: Stops or pauses the work.

    Raises:
        StorageError: If an export into the folder is running, or its journal cannot be written.
        Cancelled: If the job was cancelled; what was undone stays undone.
    """
    with ExportJournal(plan.target, purpose="undo the export in") as journal:
        run = _Undo(plan, journal, sink, token)
        try:
            run.do_all()
        finally:
            run.remove_empty_folders()
        result = run.result()
        if result.is_complete:
            journal.remove()
    if result.is_complete:
        with contextlib.suppress(OSError):
            if plan.target in plan.folders:
                plan.target.rmdir()
    return replace(result, folders=_staying(plan, result))


def _staying(plan: UndoPlan, result: UndoResult) -> tuple[Path, ...]:
    """Folders of the export that are there still, and not because of files that were left."""
    needed = {folder for path, _ in result.left for folder in path.parents}
    if not result.is_complete:
        needed.add(plan.target)  # its journal is in it
    return tuple(f for f in sorted(plan.folders) if f not in needed and f.is_dir())


def _folders(target: Path, state: JournalState) -> list[Path]:
    """Folders that the export made, deepest first."""
    made = set(state.folders)
    if not made:  # an older export did not note them
        places = [file.destination for file in state.finished.values()]
        places += [file.destination for file in state.started.values()]
        made = {folder_of(place) for place in places} - {b""}
    return [path_in(target, f) if f else target for f in sorted(made, key=_depth, reverse=True)]


def _depth(folder: bytes) -> tuple[int, bytes]:
    return (folder.count(b"/") + 1 if folder else 0, folder)


def _step(target: Path, file: ExportedFile) -> UndoStep:
    """What to do with one file."""
    path = path_in(target, file.destination)
    source = path_of(file.source)
    if not os.path.lexists(path):
        if file.mode == ExportMode.MOVE and not os.path.lexists(source):
            return UndoStep(UndoAction.LEAVE, path, file, _NOWHERE)
        return UndoStep(UndoAction.FORGET, path, file)
    if file.mode == ExportMode.MOVE:
        return _step_back(path, source, file)
    reason = _why_not_ours(path, source, file)
    if reason:
        return UndoStep(UndoAction.LEAVE, path, file, reason)
    return UndoStep(UndoAction.REMOVE, path, file)


def _step_back(path: Path, source: Path, file: ExportedFile) -> UndoStep:
    if is_same_file(path, source):
        return UndoStep(UndoAction.REMOVE, path, file)  # a move that was cut short: both names
    if os.path.lexists(source):
        if is_what_was_written(source, file) and file.content and is_what_was_written(path, file):
            return UndoStep(UndoAction.REMOVE, path, file)  # a move to another drive, cut short
        return UndoStep(UndoAction.LEAVE, path, file, f"Another file is in its place, {source}.")
    if not is_what_was_written(path, file):
        return UndoStep(UndoAction.LEAVE, path, file, "It was changed since it was moved.")
    return UndoStep(UndoAction.RETURN, path, file)


def _why_not_ours(path: Path, source: Path, file: ExportedFile) -> str:
    """Why a file of the export must not be removed; empty if it may."""
    if file.mode == ExportMode.SYMLINK:
        return "" if is_our_symlink(path, file) else "It is not the link that was made."
    if file.mode == ExportMode.HARDLINK:
        if is_same_file(path, source):
            return ""
        return "Its original is gone or was replaced, so this may be the last copy."
    return "" if is_what_was_written(path, file) else "It was changed since it was exported."


class _Undo:
    """One undoing under way.

    Args:
        plan: What to do.
        journal: The target's journal, open.
        sink: Takes one message a file that is left.
        token: Stops or pauses it.
    """

    def __init__(
        self, plan: UndoPlan, journal: ExportJournal, sink: EventSink, token: CancelToken
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._sink = sink
        self._token = token
        self._returned: dict[Path, Path] = {}
        self._removed = 0
        self._left: list[tuple[Path, str]] = []

    def do_all(self) -> None:
        """Do every step; the journal is on the disk after each batch."""
        self._remove_parts()
        meter = StageMeter(Stage.EXPORT, len(self._plan.steps), self._sink, self._token)
        for n, step in enumerate(self._plan.steps, start=1):
            self._token.checkpoint()
            try:
                self._do(step)
            except OSError as error:
                reason = str(error) if isinstance(error, CopyError) else f"{error.strerror}."
                self._leave(step.path, reason)
            if n % _FILES_PER_BATCH == 0:
                self._journal.sync()
            meter.advance()
        self._journal.sync()
        meter.finish()

    def _remove_parts(self) -> None:
        """Remove what an undoing that was killed had half copied back to another drive."""
        parents = {
            path_of(step.file.source).parent
            for step in self._plan.steps
            if step.action is UndoAction.RETURN
        }
        for name in self._journal.state.temporaries:
            for parent in parents:
                with contextlib.suppress(OSError):
                    (parent / name).unlink(missing_ok=True)

    def remove_empty_folders(self) -> None:
        """Remove the folders that the export made, where they are empty."""
        for folder in self._plan.folders:
            if folder != self._plan.target:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def result(self) -> UndoResult:
        """What was done."""
        return UndoResult(self._returned, self._removed, tuple(self._left), not self._left)

    def _do(self, step: UndoStep) -> None:
        # Looked at again right before: the plan may be minutes old.
        now = _step(self._plan.target, step.file)
        is_second = now.action is UndoAction.REMOVE and step.action is UndoAction.RETURN
        if now.action is UndoAction.LEAVE or (now.action is not step.action and not is_second):
            self._leave(step.path, now.reason or "It changed meanwhile.")
            return
        if now.action is UndoAction.REMOVE:
            step.path.unlink()
            self._removed += 1
        elif now.action is UndoAction.RETURN:
            self._return(step)
        self._journal.undone(step.file.source)

    def _return(self, step: UndoStep) -> None:
        """Move an original back, never over another file."""
        source = path_of(step.file.source)
        source.parent.mkdir(parents=True, exist_ok=True)
        if is_same_device(step.path, source.parent):
            move_here(step.path, source)
        else:
            temporary = source.with_name(self._journal.temporary.name)
            try:
                copied = copy_verified(step.path, temporary, self._token)
                place(temporary, source)
            finally:
                temporary.unlink(missing_ok=True)
            release(step.path, source, copied)
        self._returned[step.path] = source

    def _leave(self, path: Path, reason: str) -> None:
        self._left.append((path, reason))
        self._sink(ImageSkipped(display_path(os.fsencode(path)), reason))

"""Carries out an export plan: verified copies, moves inside the export, a journal of both."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import ImageSkipped, Stage
from dclust_gui.domain.images import display_path
from dclust_gui.engine.progress import StageMeter
from dclust_gui.services.export_plan import ExportMode, ExportPlan
from dclust_gui.services.export_present import (
    is_our_symlink,
    is_same_file,
    is_untouched,
    path_in,
    regular_status,
)
from dclust_gui.services.export_steps import Action, ExportStep, folder_of
from dclust_gui.storage.export_journal import ExportedFile, ExportJournal, StartedFile
from dclust_gui.storage.file_modes import (
    can_reflink,
    hard_link,
    is_same_device,
    move_here,
    reflink,
    release,
    symlink,
)
from dclust_gui.storage.verified_copy import (
    CopiedFile,
    CopyError,
    content_hash,
    copy_verified,
    place,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken, EventSink

_FILES_PER_BATCH = 64
_DISK_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_CHANGED_BY_HAND = "It was changed by hand in the export; it was left as it is."


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export did.

    Attributes:
        copied: Files copied.
        updated: Copies replaced because their original had changed.
        kept: Copies that were right already.
        moved: Copies moved inside the export.
        skipped: Files left out because their name is taken, as was asked for.
        failed: Files that could not be exported, each with a reason.
        stopped: Why the export ended early; empty when it went through.
        places: Where a move has put the originals, by where they were; empty in other modes.
    """

    copied: int = 0
    updated: int = 0
    kept: int = 0
    moved: int = 0
    skipped: int = 0
    failed: tuple[tuple[Path, str], ...] = ()
    stopped: str = ""
    places: Mapping[Path, Path] = field(default_factory=dict)


def run_export(plan: ExportPlan, sink: EventSink, token: CancelToken) -> ExportResult:
    """Do what a plan says; run it again after any interruption to finish.

    Originals are opened for reading only; a move alone takes them away, once they are safe in
    their new place. No file is ever overwritten but copies of ours that nobody changed; nothing is
    removed but temporary files of our own and folders of ours left empty.

    Args:
        plan: Made for the present state of the target.
        sink: Takes progress of `Stage.EXPORT` in files, and one `ImageSkipped` a failed file.
        token: Stops or pauses the export; what is finished is kept.

    Returns:
        What was done. Failures of single files do not end the export; a full disk does.

    Raises:
        StorageError: If the target cannot be written or another export into it is running.
        InputError: If the drive cannot do what the mode asks for, or conflicts are undecided.
        Cancelled: If the job was cancelled.
    """
    if plan.undecided:
        what = f"{count_of(len(plan.undecided), 'name')} in the export's folder"
        raise InputError(
            "The export was not started.",
            f"Nothing is decided about {what} that other files have.",
            "Number those images or leave them out.",
        )
    target = plan.request.target
    project = plan.request.project
    key = b"" if project is None else os.fsencode(project.absolute())
    with ExportJournal(target, plan.request.mode.value, key) as journal:
        _check_reflink(plan)
        meter = StageMeter(Stage.EXPORT, len(plan.steps), sink, token)
        run = _Run(plan, journal, sink, token)
        run.remove_leftovers()
        try:
            for start in range(0, len(plan.steps), _FILES_PER_BATCH):
                run.do(plan.steps[start : start + _FILES_PER_BATCH], meter)
        except _StoppedError as error:
            return run.result(str(error))
        finally:
            run.remove_empty_folders()
        meter.finish()
        return run.result("")


def export_title(target: Path, result: ExportResult) -> str:
    """How an export is called in the history; empty where it left nothing there.

    Args:
        target: The export's folder.
        result: What it did.
    """
    n_files = result.copied + result.updated + result.kept + result.moved
    if not n_files:
        return ""
    part = ", stopped early" if result.stopped else ""
    return f"export {count_of(n_files, 'file')} to '{target.name}'{part}"


def _check_reflink(plan: ExportPlan) -> None:
    """Refuse reflinks where the drive has none, before each file fails on its own."""
    if plan.request.mode is not ExportMode.REFLINK:
        return
    first = next((s for s in plan.steps if s.action is Action.COPY), None)
    if first is None or not first.source.exists():
        return
    if not can_reflink(first.source, plan.request.target):
        raise InputError(
            f"Could not export to '{display_path(os.fsencode(plan.request.target))}'.",
            "Its drive cannot share the blocks of the originals (reflink).",
            "Copy, or use a Btrfs, XFS or APFS drive that also holds the originals.",
        )


class _StoppedError(Exception):
    """The export cannot go on; its text says why."""


@dataclass(slots=True)
class _Done:
    """Originals by what was done with them."""

    copied: set[Path] = field(default_factory=set)
    updated: set[Path] = field(default_factory=set)
    kept: set[Path] = field(default_factory=set)
    moved: set[Path] = field(default_factory=set)


class _Run:
    """One export under way.

    Args:
        plan: What to do.
        journal: The target's journal, open.
        sink: Takes one message a failed file.
        token: Stops or pauses the export.
    """

    def __init__(
        self, plan: ExportPlan, journal: ExportJournal, sink: EventSink, token: CancelToken
    ) -> None:
        self._plan = plan
        self._target = plan.request.target
        self._journal = journal
        self._sink = sink
        self._token = token
        self._done = _Done()
        self._failed: list[tuple[Path, str]] = [
            (file.source, file.reason) for file in plan.skipped if file.is_failure
        ]
        self._moved_files: dict[Path, ExportedFile] = {}
        self._folders: set[Path] = set()
        self._emptied: set[Path] = set()
        self._mode = plan.request.mode
        self._places: dict[Path, Path] = {}

    def do(self, steps: tuple[ExportStep, ...], meter: StageMeter) -> None:
        """Do some steps, after the journal has them on the disk."""
        try:
            self._journal.start(self._started(step) for step in steps if _writes(step))
        except OSError as error:
            raise _StoppedError(f"The journal cannot be written: {error.strerror}.") from error
        for step in steps:
            self._token.checkpoint()
            try:
                self._do(step)
            except OSError as error:
                self._remove_temporary()
                self._fail(step, error)
            meter.advance()

    def result(self, stopped: str) -> ExportResult:
        """What was done so far."""
        done = self._done
        return ExportResult(
            len(done.copied),
            len(done.updated),
            len(done.kept),
            len(done.moved),
            sum(not file.is_failure for file in self._plan.skipped),
            tuple(self._failed),
            stopped,
            self._places,
        )

    def remove_leftovers(self) -> None:
        """Remove second names and empty placeholders that a killed export left behind."""
        for leftover in self._plan.leftovers:
            path = path_in(self._target, leftover)
            status = regular_status(path)
            if status is not None and (status.st_size == 0 or status.st_nlink > 1):
                path.unlink(missing_ok=True)

    def remove_empty_folders(self) -> None:
        """Remove cluster folders from which the last file was moved away."""
        for emptied in self._emptied:
            folder = emptied
            while folder != self._target:
                try:
                    folder.rmdir()
                except OSError:
                    break  # it holds something, or is needed: it stays
                folder = folder.parent

    # -- one step --------------------------------------------------------------------------

    def _started(self, step: ExportStep) -> StartedFile:
        source, previous = os.fsencode(step.source), b""
        if step.action is Action.RENAME and step.present is not None:
            source, previous = step.present.file.source, step.present.file.destination
        return StartedFile(
            source, step.destination, step.size, previous, self._mode.value, step.mtime_ns
        )

    def _do(self, step: ExportStep) -> None:
        if step.action is Action.COPY:
            self._bring_in(step)
        elif step.action is Action.RENAME:
            self._move_inside(step)
        elif step.action is Action.UPDATE:
            self._replace(step)
        elif step.action is Action.RELEASE:
            self._release(step)
        else:
            self._keep(step)

    def _bring_in(self, step: ExportStep) -> None:
        """Bring a file to a name that is free."""
        if self._mode is ExportMode.MOVE:
            self._move_in(step)
            return
        path = self._ready_path(step)
        copied, link = self._make(step.source, path)
        place(self._journal.temporary, path)
        self._record(step, copied, path, link)
        self._done.copied.add(step.source)

    def _make(self, source: Path, path: Path) -> tuple[CopiedFile, str]:
        """Make the file under the temporary name; what it holds, and the text of a symlink."""
        temporary = self._journal.temporary
        match self._mode:
            case ExportMode.HARDLINK:
                return hard_link(source, temporary), ""
            case ExportMode.SYMLINK:
                return symlink(source, temporary, path)
            case ExportMode.REFLINK:
                return reflink(source, temporary, self._token), ""
            case _:
                return copy_verified(source, temporary, self._token), ""

    def _move_in(self, step: ExportStep) -> None:
        """Move an original to a name that is free."""
        path = self._ready_path(step)
        if is_same_device(step.source, path.parent):
            copied = move_here(step.source, path)
            self._record(step, copied, path, "")
        else:
            copied = copy_verified(step.source, self._journal.temporary, self._token)
            place(self._journal.temporary, path)
            self._record(step, copied, path, "")
            self._sync()
            release(step.source, path, copied)
        self._places[step.source] = path
        self._done.copied.add(step.source)

    def _release(self, step: ExportStep) -> None:
        """Finish a move to another drive that was cut short: its copy is there and recorded."""
        if step.present is None:
            return
        file = self._moved_files.get(step.source, step.present.file)
        if not step.present.is_recorded:
            self._write_done(file)
        self._sync()
        copied = CopiedFile(file.size, file.source_mtime_ns, file.content)
        path = path_in(self._target, step.destination)
        release(step.source, path, copied)
        self._places[step.source] = path
        self._done.copied.add(step.source)

    def _replace(self, step: ExportStep) -> None:
        """Replace a copy of ours by the changed original, if nobody touched the copy."""
        if step.present is None:
            return
        path = path_in(self._target, step.destination)
        file = self._moved_files.get(step.source, step.present.file)
        copied, link = self._make(step.source, path)
        if not self._is_still_ours(path, file):
            raise CopyError(_CHANGED_BY_HAND)
        self._journal.temporary.replace(path)
        self._record(step, copied, path, link)
        self._done.updated.add(step.source)

    def _is_still_ours(self, path: Path, file: ExportedFile) -> bool:
        """Whether a file may be replaced: by content, not by its times alone."""
        if self._mode is ExportMode.SYMLINK:
            return is_our_symlink(path, file)
        if self._mode is ExportMode.HARDLINK:
            return is_untouched(path, file)
        return regular_status(path) is not None and content_hash(path) == file.content

    def _move_inside(self, step: ExportStep) -> None:
        """Move a file of ours to another folder of the export."""
        if step.present is None:
            return
        file = self._moved_files.get(step.source, step.present.file)
        old = path_in(self._target, file.destination)
        if not is_untouched(old, file) and not is_same_file(old, step.source):
            raise CopyError(_CHANGED_BY_HAND)
        new = self._ready_path(step)
        moved = replace(file, destination=step.destination)
        if self._mode is ExportMode.SYMLINK and os.path.lexists(step.source):
            _, text = symlink(step.source, self._journal.temporary, new)
            place(self._journal.temporary, new)
            old.unlink()
            moved = replace(moved, link=text)
        else:
            place(old, new)
        self._emptied.add(old.parent)
        if self._mode is ExportMode.MOVE:
            self._places[step.source] = new
        self._moved_files[step.source] = moved
        self._write_done(moved)
        self._done.moved.add(step.source)

    def _keep(self, step: ExportStep) -> None:
        """Leave a copy; write it into the journal if a crash kept it out."""
        if step.present is not None and not step.present.is_recorded:
            self._write_done(step.present.file)
        self._done.kept.add(step.source)

    def _ready_path(self, step: ExportStep) -> Path:
        """Where a file goes; its folders are made, and are never links to elsewhere."""
        folder = folder_of(step.destination)
        parts = folder.split(b"/") if folder else []
        for n in range(1, len(parts) + 1):
            self._ready_folder(b"/".join(parts[:n]))
        self._emptied.discard(path_in(self._target, folder))
        return path_in(self._target, step.destination)

    def _ready_folder(self, relative: bytes) -> None:
        folder = path_in(self._target, relative)
        if folder in self._folders:
            return
        if folder.is_symlink():
            raise CopyError("Its folder in the export is a link to another place.")
        if not folder.is_dir():
            self._write(lambda: self._journal.will_make_folder(relative))
            folder.mkdir(exist_ok=True)
        self._folders.add(folder)

    def _record(self, step: ExportStep, copied: CopiedFile, path: Path, link: str) -> None:
        """Tell the journal that a file is in its place."""
        self._write_done(
            ExportedFile(
                os.fsencode(step.source),
                step.destination,
                copied.size,
                copied.source_mtime_ns,
                path.lstat().st_mtime_ns,
                copied.content,
                self._mode.value,
                link,
            )
        )

    def _write_done(self, file: ExportedFile) -> None:
        self._write(lambda: self._journal.finish(file))

    def _sync(self) -> None:
        self._write(self._journal.sync)

    def _write(self, write: Callable[[], None]) -> None:
        """Write to the journal; without it nothing may go on."""
        try:
            write()
        except OSError as error:
            raise _StoppedError(f"The journal cannot be written: {error.strerror}.") from error

    def _remove_temporary(self) -> None:
        """Make room for the next copy; the name is used again and again."""
        with contextlib.suppress(OSError):
            self._journal.temporary.unlink(missing_ok=True)

    def _fail(self, step: ExportStep, error: OSError) -> None:
        """Note a failure; a full disk ends the export."""
        if isinstance(error, CopyError):
            reason = str(error)
        elif isinstance(error, FileExistsError):
            reason = "Another file took its name in the export. Export again to number it."
        elif isinstance(error, FileNotFoundError) and not os.path.lexists(step.source):
            reason = "The original is not there any more."
        elif isinstance(error, PermissionError):
            reason = "Permission was denied."
        else:
            reason = f"The system reports: {error.strerror or error}."
        if error.errno in _DISK_FULL:
            reason = "The disk is full."
        self._failed.append((step.source, reason))
        self._sink(ImageSkipped(display_path(os.fsencode(step.source)), reason))
        if error.errno in _DISK_FULL:
            raise _StoppedError(
                "The disk is full. What was copied is kept; make room and export again."
            ) from error


def _writes(step: ExportStep) -> bool:
    return step.action is not Action.KEEP

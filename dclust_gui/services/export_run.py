"""Carries out the steps of an export, one kind of step after the other."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dclust_gui.domain.events import ImageSkipped, Stage
from dclust_gui.domain.images import display_path
from dclust_gui.engine.progress import StageMeter
from dclust_gui.services.export_copies import (
    DISK_FULL,
    batches,
    copy_files,
    reason_of,
    remove_quietly,
)
from dclust_gui.services.export_folders import ExportFolders
from dclust_gui.services.export_plan import ExportMode, ExportPlan
from dclust_gui.services.export_present import (
    is_our_symlink,
    is_same_file,
    is_untouched,
    path_in,
    regular_status,
)
from dclust_gui.services.export_steps import Action, ExportStep
from dclust_gui.storage.export_journal import ExportedFile, ExportJournal, StartedFile
from dclust_gui.storage.file_modes import (
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
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.export_copies import Outcome

_CHANGED_BY_HAND = "It was changed by hand in the export; it was left as it is."


class _StoppedError(Exception):
    """The export cannot go on; its text says why."""


@dataclass(slots=True)
class Done:
    """Originals by what was done with them; copies are only counted, one an original."""

    n_copied: int = 0
    updated: set[Path] = field(default_factory=set)
    kept: set[Path] = field(default_factory=set)
    moved: set[Path] = field(default_factory=set)


class ExportRun:
    """One export under way.

    Args:
        plan: What to do.
        journal: The target's journal, open.
        sink: Takes one message a failed file.
        token: Stops or pauses the export.

    Attributes:
        done: Originals by what was done with them.
        failed: Files that could not be exported, each with a reason.
        places: Where a move has put originals, by where they were.
        unnamed: Originals whose copies do not hold the name they should, each with a reason.
    """

    def __init__(
        self, plan: ExportPlan, journal: ExportJournal, sink: EventSink, token: CancelToken
    ) -> None:
        self._plan = plan
        self._target = plan.request.target
        self._journal = journal
        self._sink = sink
        self._token = token
        self.done = Done()
        self.failed: list[tuple[Path, str]] = []
        self.places: dict[Path, Path] = {}
        self.unnamed: list[tuple[Path, str]] = []
        self._moved_files: dict[Path, ExportedFile] = {}
        self._folders = ExportFolders(self._target, self._will_make_folder)
        self._mode = plan.request.mode

    def do_all(self) -> str:
        """Do every step.

        Returns:
            Why the export ended early; empty where it went through.

        Raises:
            Cancelled: If the job was cancelled; what is finished is kept.
        """
        self._remove_leftovers()
        meter = StageMeter(Stage.EXPORT, len(self._plan.steps), self._sink, self._token)
        try:
            for steps in batches(self._plan.steps):
                self._do_batch(steps, meter)
        except _StoppedError as error:
            return str(error)
        finally:
            self._folders.remove_empty()
        meter.finish()
        return ""

    def _do_batch(self, steps: Sequence[ExportStep], meter: StageMeter) -> None:
        """Do some steps, after the journal has them on the disk."""
        begun = [self._started(step) for step in steps if step.action is not Action.KEEP]
        if begun:
            self._write(lambda: self._journal.start(begun))
        if self._mode is ExportMode.COPY:
            copies = [step for step in steps if step.action is Action.COPY]
            steps = [step for step in steps if step.action is not Action.COPY]
        else:
            copies = []
        for step in steps:
            self._token.checkpoint()
            try:
                self._do(step)
            except OSError as error:
                self._remove_temporary()
                self._fail(step, error)
            meter.advance()
        if copies:
            self._copy(copies, meter)

    def _copy(self, steps: Sequence[ExportStep], meter: StageMeter) -> None:
        """Copy some files to names that are free."""
        temporaries = self._journal.temporaries(len(steps))
        outcomes = copy_files(
            steps,
            temporaries,
            self._token,
            verify=self._plan.request.verify,
            advance=meter.advance,
        )
        placed: list[ExportedFile] = []
        failed: list[tuple[ExportStep, OSError]] = []
        for outcome in outcomes:
            if outcome.copied is None or outcome.error is not None:
                failed.append((outcome.step, outcome.error or CopyError("It was not copied.")))
                continue
            try:
                folder = self._folders.ready(outcome.step.destination)
                name = outcome.step.destination.rpartition(b"/")[2]
                place(outcome.temporary, f"{folder}/{name.decode('utf-8', 'surrogateescape')}")
            except OSError as error:
                remove_quietly(outcome.temporary)
                failed.append((outcome.step, error))
            else:
                placed.append(self._exported(outcome.step, outcome.copied, ""))
                self._note(outcome)
        self.done.n_copied += len(placed)
        self._write(lambda: self._journal.finish(*placed))
        for step, reason in failed:
            self._fail(step, reason)

    def _remove_leftovers(self) -> None:
        """Remove second names and empty placeholders that a killed export left behind."""
        for leftover in self._plan.leftovers:
            path = path_in(self._target, leftover)
            status = regular_status(path)
            is_second = status is not None and (status.st_size == 0 or status.st_nlink > 1)
            if is_second or path.is_symlink():
                path.unlink(missing_ok=True)

    # -- one step --------------------------------------------------------------------------

    def _started(self, step: ExportStep) -> StartedFile:
        source, previous = os.fsencode(step.source), b""
        keywords = step.keywords
        if step.action is Action.RENAME and step.present is not None:
            file = step.present.file
            source, previous, keywords = file.source, file.destination, file.keywords
        elif step.present is not None and step.present.file.destination != step.destination:
            previous = step.present.file.destination  # it is moved there first
        return StartedFile(
            source, step.destination, step.size, previous, self._mode.value, step.mtime_ns, keywords
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
        if self._mode in (ExportMode.HARDLINK, ExportMode.SYMLINK):
            copied, link = self._make(step, path, path)  # a link is there at once, or not at all
        else:
            copied, link = self._make(step, self._journal.temporary, path)
            place(self._journal.temporary, path)
        self._record(step, copied, link)
        self.done.n_copied += 1

    def _make(self, step: ExportStep, where: Path, path: Path) -> tuple[CopiedFile, str]:
        """Make the file that will be at a path; what it holds, and the text of a symlink."""
        match self._mode:
            case ExportMode.HARDLINK:
                return hard_link(step.source, where), ""
            case ExportMode.SYMLINK:
                return symlink(step.source, where, path)
            case ExportMode.REFLINK:
                return reflink(step.source, where, self._token), ""
            case _:
                verify = self._plan.request.verify
                outcome = copy_files([step], [os.fspath(where)], self._token, verify=verify)[0]
                if outcome.copied is None:
                    raise outcome.error or CopyError("It was not copied.")
                self._note(outcome)
                return outcome.copied, ""

    def _note(self, outcome: Outcome) -> None:
        """Note a copy without the name that it was to hold."""
        if outcome.unnamed:
            self.unnamed.append((outcome.step.source, outcome.unnamed))

    def _move_in(self, step: ExportStep) -> None:
        """Move an original to a name that is free."""
        path = self._ready_path(step)
        if is_same_device(step.source, path.parent):
            copied = move_here(step.source, path)
            self._record(step, copied, "")
        else:
            copied = copy_verified(step.source, self._journal.temporary, self._token)
            place(self._journal.temporary, path)
            self._record(step, copied, "")
            self._sync()
            release(step.source, path, copied)
        self.places[step.source] = path
        self.done.n_copied += 1

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
        self.places[step.source] = path
        self.done.n_copied += 1

    def _replace(self, step: ExportStep) -> None:
        """Replace a copy of ours by the changed original, if nobody touched the copy."""
        if step.present is None:
            return
        path = path_in(self._target, step.destination)
        file = self._moved_files.get(step.source, step.present.file)
        copied, link = self._make(step, self._journal.temporary, path)
        if not self._is_still_ours(path, file):
            raise CopyError(_CHANGED_BY_HAND)
        self._journal.temporary.replace(path)
        self._record(step, copied, link)
        self.done.updated.add(step.source)

    def _is_still_ours(self, path: Path, file: ExportedFile) -> bool:
        """Whether a file may be replaced: by content, not by its times alone."""
        if self._mode is ExportMode.SYMLINK:
            return is_our_symlink(path, file)
        if self._mode is ExportMode.HARDLINK:
            return is_untouched(path, file)
        if not file.content:  # it was copied without a check: its size and time must do
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
        self._folders.emptied(old.parent)
        if self._mode is ExportMode.MOVE:
            self.places[step.source] = new
        self._moved_files[step.source] = moved
        self._write_done(moved)
        self.done.moved.add(step.source)

    def _keep(self, step: ExportStep) -> None:
        """Leave a copy; write it into the journal if a crash kept it out."""
        if step.present is not None and not step.present.is_recorded:
            self._write_done(step.present.file)
        self.done.kept.add(step.source)

    def _ready_path(self, step: ExportStep) -> Path:
        """Where a file goes; its folders are made, and are never links to elsewhere."""
        self._folders.ready(step.destination)
        return path_in(self._target, step.destination)

    def _record(self, step: ExportStep, copied: CopiedFile, link: str) -> None:
        """Tell the journal that a file is in its place."""
        if not copied.mtime_ns:
            when = path_in(self._target, step.destination).lstat().st_mtime_ns
            copied = replace(copied, mtime_ns=when)
        self._write_done(self._exported(step, copied, link))

    def _exported(self, step: ExportStep, copied: CopiedFile, link: str) -> ExportedFile:
        return ExportedFile(
            os.fsencode(step.source),
            step.destination,
            copied.size,
            copied.source_mtime_ns,
            copied.mtime_ns,
            copied.content,
            self._mode.value,
            link,
            step.keywords,
            -1 if copied.source_size == copied.size else copied.source_size,
        )

    def _will_make_folder(self, folder: bytes) -> None:
        self._write(lambda: self._journal.will_make_folder(folder))

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
        remove_quietly(os.fspath(self._journal.temporary))

    def _fail(self, step: ExportStep, error: OSError) -> None:
        """Note a failure; a full disk ends the export."""
        reason = reason_of(error, step.source)
        is_gone = not self._target.is_dir()
        if is_gone:
            reason = "The export's folder is not there any more."
        self.failed.append((step.source, reason))
        self._sink(ImageSkipped(display_path(os.fsencode(step.source)), reason))
        if is_gone:
            raise _StoppedError(f"{reason} Connect its drive or choose another, and export again.")
        if error.errno in DISK_FULL:
            raise _StoppedError(
                "The disk is full. What was copied is kept; make room and export again."
            ) from error

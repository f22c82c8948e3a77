"""Carries out an export plan: verified copies, moves inside the export, a journal of both.

`export_run` does the steps, `export_copies` writes copies many at a time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import display_path
from dclust_gui.services.export_plan import ExportMode, ExportPlan
from dclust_gui.services.export_run import ExportRun
from dclust_gui.services.export_steps import Action
from dclust_gui.storage.export_journal import ExportJournal
from dclust_gui.storage.file_modes import can_reflink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.domain.control import CancelToken, EventSink


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
        unnamed: Originals whose copies were to hold the name of their cluster and do not, each with
            a reason.
    """

    copied: int = 0
    updated: int = 0
    kept: int = 0
    moved: int = 0
    skipped: int = 0
    failed: tuple[tuple[Path, str], ...] = ()
    stopped: str = ""
    places: Mapping[Path, Path] = field(default_factory=dict)
    unnamed: tuple[tuple[Path, str], ...] = ()


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
        _check_reflink(plan, journal)
        run = ExportRun(plan, journal, sink, token)
        stopped = run.do_all()
    return _result(plan, run, stopped)


def _result(plan: ExportPlan, run: ExportRun, stopped: str) -> ExportResult:
    failed = [(file.source, file.reason) for file in plan.skipped if file.is_failure]
    done = run.done
    return ExportResult(
        done.n_copied,
        len(done.updated),
        len(done.kept),
        len(done.moved),
        sum(not file.is_failure for file in plan.skipped),
        (*failed, *run.failed),
        stopped,
        run.places,
        tuple(run.unnamed),
    )


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


def _check_reflink(plan: ExportPlan, journal: ExportJournal) -> None:
    """Refuse reflinks where the drive has none, before each file fails on its own."""
    if plan.request.mode is not ExportMode.REFLINK:
        return
    first = next((s for s in plan.steps if s.action is Action.COPY), None)
    if first is None or not first.source.exists():
        return
    if not can_reflink(first.source, Path(journal.temporaries(1)[0])):
        raise InputError(
            f"Could not export to '{display_path(os.fsencode(plan.request.target))}'.",
            "Its drive cannot share the blocks of the originals (reflink).",
            "Copy, or use a Btrfs, XFS or APFS drive that also holds the originals.",
        )

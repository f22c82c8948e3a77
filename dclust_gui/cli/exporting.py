"""Exports from the command line: the plan in words, the work, the result in words."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from dclust_gui.cli import output
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.images import display_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.export import ExportResult
    from dclust_gui.services.export_plan import ExportPlan

_SHOWN = 10
_SHOWN_FOLDERS = 30

_VERBS = {
    "copy": "to copy",
    "move": "to move",
    "hardlink": "to link",
    "symlink": "to link",
    "reflink": "to copy sharing blocks",
}
_DONE = {
    "copy": "copied",
    "move": "moved",
    "hardlink": "linked",
    "symlink": "linked",
    "reflink": "copied sharing blocks",
}

Choice = TypeVar("Choice", bound=StrEnum)


def parse_choice(text: str, kind: type[Choice], option: str) -> Choice:
    """One of an enumeration's values.

    Raises:
        InputError: If it is none, listing them.
    """
    try:
        return kind(text)
    except ValueError:
        known = ", ".join(kind)
        raise InputError(f"There is no {option} '{text}'.", "", f"Choose {known}.") from None


def say_plan(plan: ExportPlan) -> None:
    """Print what an export would do."""
    counts = (
        {action: plan.count(action) for action in type(plan.steps[0].action)} if plan.steps else {}
    )
    verbs = {"copy": _VERBS[plan.request.mode], "release": "to take from its old place"}
    parts = [
        f"{n:,} {verbs.get(action.value, f'to {action.value}')}"
        for action, n in counts.items()
        if n
    ]
    output.say(f"Export to {plan.request.target}: {', '.join(parts) or 'nothing to do'}.")
    output.say(f"{plan.copied_bytes / 1e6:,.1f} MB to write, {plan.free_bytes / 1e9:,.1f} GB free.")
    _say_folders(plan)
    if plan.collisions:
        output.say(f"{count_of(plan.collisions)} will get a number, as the name is taken.")
    for warning in plan.warnings:
        output.say(f"Note: {warning}")
    mapped = [(repr(title), f"becomes '{folder}'.") for title, folder in plan.mapped]
    whose = "its cluster" if len(mapped) == 1 else "their clusters"
    say_files(f"cannot be called like {whose}", mapped, "folder")
    if plan.request.embed_keywords:
        n_named = sum(bool(step.keywords) for step in plan.steps)
        none = "No copy gets keywords: clusters without a name have none."
        some = f"{count_of(n_named, 'file')} to get the name of the cluster as XMP keywords."
        output.say(some if n_named else none)
    say_files("left out", [(str(s.source), s.reason) for s in plan.skipped])


def _say_folders(plan: ExportPlan) -> None:
    """Print the folders with their numbers of files, the first few."""
    counts = Counter(display_path(s.destination.rpartition(b"/")[0]) for s in plan.steps)
    for folder, n in sorted(counts.items())[:_SHOWN_FOLDERS]:
        output.say(f"  {folder or '.'}/  {count_of(n, 'file')}")
    if len(counts) > _SHOWN_FOLDERS:
        output.say(f"  and {len(counts) - _SHOWN_FOLDERS:,} more folders")


def run_plan(plan: ExportPlan, sink: EventSink, token: CancelToken) -> ExportResult:
    """Carry out a plan."""
    from dclust_gui.services.export import run_export

    return run_export(plan, sink, token)


def say_result(plan: ExportPlan, result: ExportResult) -> None:
    """Print what an export did.

    Raises:
        StorageError: If it ended early.
        InputError: If files could not be exported.
    """
    done = [
        f"{n:,} {what}"
        for what, n in (
            (_DONE[plan.request.mode], result.copied),
            ("updated", result.updated),
            ("moved inside it", result.moved),
            ("unchanged", result.kept),
        )
        if n
    ]
    output.say(f"Export: {plan.request.target} ({', '.join(done) or 'no files'})")
    say_files("copied without keywords", [(str(path), why) for path, why in result.unnamed])
    say_files("not exported", [(str(path), reason) for path, reason in result.failed])
    if result.stopped:
        raise StorageError(
            f"The export to '{plan.request.target}' stopped.",
            result.stopped,
            "What is there is kept; the same command goes on from there.",
        )
    if result.failed:
        raise InputError(
            f"{count_of(len(result.failed), 'file')} could not be exported.",
            result.failed[0][1],
            "All others are there.",
        )


def say_files(what: str, files: Sequence[tuple[str, str]], noun: str = "file") -> None:
    """Print some files with a reason each, the first few by name."""
    if files:
        output.say(f"{count_of(len(files), noun)} {what}:")
    for path, reason in files[:_SHOWN]:
        output.say(f"  {path}: {reason}")
    if len(files) > _SHOWN:
        output.say(f"  and {len(files) - _SHOWN:,} more")

"""Exports from the command line: the plan in words, the work, the result in words."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from dclust_gui.cli import output
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.export import ExportResult
    from dclust_gui.services.export_plan import ExportPlan

_SHOWN = 10

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
    parts = [f"{n:,} to {action.value}" for action, n in counts.items() if n]
    output.say(f"Export to {plan.request.target}: {', '.join(parts) or 'nothing to do'}.")
    output.say(f"{plan.copied_bytes / 1e6:,.1f} MB to write, {plan.free_bytes / 1e9:,.1f} GB free.")
    for warning in plan.warnings:
        output.say(f"Note: {warning}")
    _say_files("left out", [(str(s.source), s.reason) for s in plan.skipped])


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
            ("copied", result.copied),
            ("updated", result.updated),
            ("moved inside it", result.moved),
            ("unchanged", result.kept),
        )
        if n
    ]
    output.say(f"Export: {plan.request.target} ({', '.join(done) or 'no files'})")
    _say_files("not exported", [(str(path), reason) for path, reason in result.failed])
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


def _say_files(what: str, files: Sequence[tuple[str, str]]) -> None:
    if files:
        output.say(f"{count_of(len(files), 'file')} {what}:")
    for path, reason in files[:_SHOWN]:
        output.say(f"  {path}: {reason}")
    if len(files) > _SHOWN:
        output.say(f"  and {len(files) - _SHOWN:,} more")

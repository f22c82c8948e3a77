"""What the export dialog says of plans and results."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.images import display_path
from dclust_gui.services.export_plan import Action

if TYPE_CHECKING:
    from dclust_gui.domain.events import StageProgressed
    from dclust_gui.services.export import ExportResult
    from dclust_gui.services.export_plan import ExportPlan


def plan_rows(plan: ExportPlan) -> list[tuple[str, str, str, str]]:
    """A row per folder: its name and how many files are new, changed and as they are."""
    found: dict[str, Counter[Action]] = {}
    for step in plan.steps:
        folder = display_path(step.destination.rpartition(b"/")[0]) or "."
        found.setdefault(folder, Counter())[step.action] += 1
    rows: list[tuple[str, str, str, str]] = []
    for folder in sorted(found, key=str.casefold):
        counts = found[folder]
        changed = counts[Action.RENAME] + counts[Action.UPDATE]
        numbers = (counts[Action.COPY], changed, counts[Action.KEEP])
        rows.append((folder, *(f"{n:,}" if n else "" for n in numbers)))  # type: ignore[arg-type]
    return rows


def has_work(plan: ExportPlan) -> bool:
    """Whether carrying out a plan would change anything."""
    return any(plan.count(a) for a in (Action.COPY, Action.UPDATE, Action.RENAME))


def plan_text(plan: ExportPlan) -> str:
    """What will be done, in one sentence."""
    new = plan.count(Action.COPY)
    parts = [f"{count_of(new, 'file')} to copy"] if new else []
    for action, words in (
        (Action.UPDATE, "to bring up to date"),
        (Action.RENAME, "to move inside the export"),
        (Action.KEEP, "already there"),
    ):
        number = plan.count(action)
        if number:
            parts.append(f"{number:,} {words}")
    if not parts:
        return "There is nothing to export."
    if not has_work(plan):
        return f"Everything is up to date: {', '.join(parts)}."
    room = f"{size_text(plan.copied_bytes)} of {size_text(plan.free_bytes)} free"
    return f"{', '.join(parts)} · {room}"


def stopped_text(reached: StageProgressed | None) -> str:
    """What is said of an export that the user has stopped."""
    if reached is None or not reached.total:
        return "The export was stopped. What is copied is complete."
    return (
        f"The export was stopped: {reached.done:,} of {reached.total:,} copied. What is copied"
        " is complete."
    )


def result_text(result: ExportResult) -> str:
    """What was done."""
    if result.stopped:
        return f"The export ended early: {result.stopped}"
    parts = [f"{count_of(result.copied, 'file')} copied and checked"]
    for number, words in (
        (result.updated, "brought up to date"),
        (result.moved, "moved inside the export"),
        (result.kept, "already there"),
        (result.skipped, "left out, as the name was taken"),
    ):
        if number:
            parts.append(f"{number:,} {words}")
    return ", ".join(parts) + "."


def failure_text(result: ExportResult) -> str:
    """The files that could not be exported, the first few by name."""
    if not result.failed:
        return ""
    lines = [f"{path.name}: {reason}" for path, reason in result.failed[:5]]
    more = len(result.failed) - len(lines)
    head = f"Could not export {count_of(len(result.failed), 'file')}."
    return "\n".join([head, *lines, *([f"and {more:,} more"] if more else [])])


def size_text(n_bytes: int) -> str:
    """`340 KB`, `1.2 GB`."""
    value = float(n_bytes)
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if value >= 100 or unit == "bytes" else f"{value:,.1f} {unit}"

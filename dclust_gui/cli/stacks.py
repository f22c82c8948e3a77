"""The command `stacks`: bursts and brackets of a project, listed or bound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.bursts import GAP_S, LEAST_SIMILARITY
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of

if TYPE_CHECKING:
    from dclust_gui.domain.bursts import FoundStack
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.stacking import StackReport

_SHOWN = 20


def stacks(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    gap: Annotated[
        float, typer.Option("--gap", help="Seconds between neighbours, at most.")
    ] = GAP_S,
    similarity: Annotated[
        float, typer.Option("--similarity", help="How alike neighbours must be, -1 to 1.")
    ] = LEAST_SIMILARITY,
    bind: Annotated[
        bool, typer.Option("--bind", help="Bind all that was found, as one step.")
    ] = False,
    n: Annotated[int, typer.Option("-n", help="How many to list at most.", min=1)] = _SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all of them.")] = False,
) -> None:
    """List bursts and brackets: images that one camera took right after each other, and alike.

    Bound images move, cluster and export as one; 'dclust edit PROJECT unbind' takes them apart.
    """
    from dclust_gui.domain.stack_edits import bind as bind_edit
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.stacking import FindStacksJob, check_wishes
    from dclust_gui.services.workspace import Workspace
    from dclust_gui.storage.project import ProjectStore

    check_wishes(gap, similarity)
    if bind:
        session = ProjectSession(ProjectStore.open(project))
    else:
        session = open_project(project, read_only=True)
    try:
        with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:
            job = FindStacksJob(workspace.engine, snapshot_of(session), gap, similarity)
            if as_json:
                report = job.run(ignore_events, token)
            else:
                with output.ProgressView() as view:
                    report = job.run(view, token)
        is_bound = bind and bool(report.stacks)
        if is_bound:
            session.apply(bind_edit(session.clustering, report.bindings()))
        rows = [_row(session, stack) for stack in report.stacks]
    finally:
        session.close()
    if as_json:
        output.say_json(_json(report, rows, is_bound=is_bound))
        return
    output.say(report.sentence())
    _say(report, rows[:n], is_bound=is_bound)


def _row(session: ProjectSession, stack: FoundStack) -> tuple[list[str], str]:
    """Paths of a stack's images, and when the first was taken."""
    from dclust_gui.domain.images import display_path
    from dclust_gui.services.labels_table import root_prefixes

    prefixes = root_prefixes(session.roots)
    records = [session.images[i] for i in stack.images]
    paths = [prefixes[r.root] + display_path(r.relative) for r in records]
    return paths, records[0].facts.taken_at


def _say(report: StackReport, rows: list[tuple[list[str], str]], *, is_bound: bool) -> None:
    if not report.stacks:
        return
    output.say_table(
        ("Taken", "What", "First image", "Images", "Seconds", "Similarity"),
        [
            (
                taken.replace("T", " "),
                stack.kind.value,
                paths[0],
                f"{len(paths):,}",
                f"{stack.seconds:.1f}",
                f"{stack.similarity:.2f}",
            )
            for stack, (paths, taken) in zip(report.stacks, rows, strict=False)
        ],
        right=3,
    )
    left = len(report.stacks) - len(rows)
    if left:
        output.say(f"... and {left:,} more; -n shows more, --json all.")
    if is_bound:
        output.say(f"Bound: {count_of(len(report.stacks), 'stack')}. 'edit undo' takes it back.")
    else:
        output.say("Nothing is bound yet: --bind binds them all.")


def _json(
    report: StackReport, rows: list[tuple[list[str], str]], *, is_bound: bool
) -> dict[str, object]:
    return {
        "gap": report.gap_s,
        "similarity": report.least_similarity,
        "images": report.n_images,
        "without_time": report.n_without_time,
        "unread": report.n_unread,
        "already_bound": report.n_bound,
        "bound": is_bound,
        "stacks": [
            {
                "kind": stack.kind.value,
                "taken": taken,
                "seconds": round(stack.seconds, 3),
                "similarity": round(stack.similarity, 4),
                "paths": paths,
            }
            for stack, (paths, taken) in zip(report.stacks, rows, strict=True)
        ],
    }

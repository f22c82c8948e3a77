"""The command `import`: labels from elsewhere, as clusters or as true classes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.projects import open_session
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.importing.values import ImportPlan, ImportRequest, Problem
    from dclust_gui.services.session import ProjectSession

_SHOWN = 20
_SHOWN_NAMES = 12
_NOTHING = "none"


class ImportAs(StrEnum):
    """What labels become."""

    CLUSTERS = "clusters"
    TRUTH = "truth"


class Others(StrEnum):
    """What becomes of images without a label."""

    KEEP = "keep"
    UNASSIGNED = "unassigned"


def import_labels(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    source: Annotated[
        str,
        typer.Argument(
            help="A file (CSV, JSON, COCO, FiftyOne, a list of paths), a folder of lists or of"
            " images sorted into folders; or 'folders' (names of the images' own folders), 'xmp'"
            " (keywords), 'none' (with --as truth: forget it)."
        ),
    ],
    to: Annotated[ImportAs, typer.Option("--as", help="clusters, or truth to compare with.")],
    path_column: Annotated[
        str, typer.Option(help="Heading or number of the column of paths; found if left out.")
    ] = "",
    label_column: Annotated[
        str, typer.Option(help="Heading or number of the column of labels; found if left out.")
    ] = "",
    base: Annotated[
        Path | None, typer.Option(help="Where its paths begin; else the file's own folder.")
    ] = None,
    levels: Annotated[
        int, typer.Option(min=0, help="With 'folders': how many, from the root; 0 for all.")
    ] = 0,
    others: Annotated[
        Others, typer.Option(help="With --as clusters: what becomes of the other images.")
    ] = Others.KEEP,
    problems: Annotated[
        Path | None, typer.Option(help="Write what was not taken to a CSV file.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import labels as clusters (one step, can be undone) or as true classes to compare with.

    Images are found by their paths, by content where files were moved or renamed, and by the name
    where it is unique. What cannot be taken is listed line by line.
    """
    from dclust_gui.services.importing.reports import write_problems
    from dclust_gui.services.importing.values import ImportRequest, SourceKind

    if to is ImportAs.TRUTH and others is Others.UNASSIGNED:
        raise typer.BadParameter("--others goes with --as clusters")
    if levels and source != SourceKind.FOLDERS.value:
        raise typer.BadParameter("--levels goes with 'folders'")
    if source == _NOTHING and to is ImportAs.TRUTH:
        _forget(project, dry_run=dry_run)
        return
    known = {kind.value: kind for kind in (SourceKind.FOLDERS, SourceKind.XMP)}
    kind = known.get(source, SourceKind.FILE)
    path = Path(source) if kind is SourceKind.FILE else None
    request = ImportRequest(kind, path, path_column, label_column, base, levels)
    session = open_session(project, read_only=dry_run)
    try:
        is_free = others is Others.UNASSIGNED
        plan, held, values = _plan(
            session, request, to, others_unassigned=is_free, is_quiet=as_json
        )
        every = (*plan.problems, *held)
        if problems is not None:
            write_problems(problems, every)
        if not as_json:
            _say(plan, session.clustering, every, to, is_listed=problems is not None)
        done = ""
        if not dry_run:
            done = _carry_out(session, plan, to, others_unassigned=is_free)
    finally:
        session.close()
    if as_json:
        output.say_json(values | {"done": done or None, "dry_run": dry_run})
    elif not dry_run:
        output.say(f"{done[0].upper()}{done[1:]}." if done else "Nothing changed.")


def _plan(
    session: ProjectSession,
    request: ImportRequest,
    to: ImportAs,
    *,
    others_unassigned: bool,
    is_quiet: bool,
) -> tuple[ImportPlan, tuple[Problem, ...], dict[str, object]]:
    """The plan, what pinned clusters keep out, and all of it as JSON."""
    from dclust_gui.services.importing.plan import cluster_import, plan_import
    from dclust_gui.services.importing.reports import plan_values
    from dclust_gui.services.snapshot import snapshot_of

    with interruptible() as token, output.ProgressView() as view:
        sink = ignore_events if is_quiet else view
        plan = plan_import(request, snapshot_of(session), sink, token)
    if to is ImportAs.TRUTH:
        return plan, (), plan_values(plan, None, ())
    found, held = cluster_import(plan, session.clustering, others_unassigned=others_unassigned)
    return plan, held, plan_values(plan, found, held)


def _carry_out(
    session: ProjectSession, plan: ImportPlan, to: ImportAs, *, others_unassigned: bool
) -> str:
    """Import; what was done, empty if nothing changed by it."""
    from dclust_gui.services.importing.plan import apply_import
    from dclust_gui.services.truth import keep_truth

    if to is ImportAs.TRUTH:
        return keep_truth(session, plan).title
    if not apply_import(session, plan, others_unassigned=others_unassigned):
        return ""
    step = session.history.undo_step
    return "" if step is None else step.title


def _say(
    plan: ImportPlan,
    state: Clustering,
    problems: Sequence[Problem],
    to: ImportAs,
    *,
    is_listed: bool,
) -> None:
    from dclust_gui.services.importing.reports import found_text, names_text

    if plan.about:
        output.say(f"{plan.labels.source}: {plan.about}.")
    output.say(found_text(plan))
    if plan.labels.names:
        output.say(names_text(plan, state if to is ImportAs.CLUSTERS else None, _SHOWN_NAMES))
    for note in plan.notes:
        output.say(f"Note: {note}")
    lost = [p for p in problems if not p.is_harmless]
    harmless = [p for p in problems if p.is_harmless]
    for some, what in ((lost, "not taken"), (harmless, "repeated")):
        if some:
            output.say(f"{count_of(len(some), 'label')} {what}:")
        for problem in some[:_SHOWN]:
            output.say(f"  {problem}")
        if len(some) > _SHOWN:
            hint = "" if is_listed else " (--problems FILE.csv lists all)"
            output.say(f"  and {len(some) - _SHOWN:,} more{hint}")


def _forget(project: Path, *, dry_run: bool) -> None:
    session = open_session(project, read_only=dry_run)
    try:
        truth = session.truth()
        if truth is None:
            raise InputError(f"'{project.name}' knows no true classes.")
        what = f"the true classes of {count_of(len(truth.images))} from {truth.source}"
        if not dry_run:
            session.set_truth(None)
        output.say(f"{'Would forget' if dry_run else 'Forgot'} {what}.")
    finally:
        session.close()

"""The command `duplicates`: equal files, and pictures that are copies of each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.edits import count_of
from dclust_gui.services.duplicate_search import LEAST_THRESHOLD, USUAL_THRESHOLD

if TYPE_CHECKING:
    from dclust_gui.services.duplicate_groups import DuplicateGroup
    from dclust_gui.services.duplicates import DuplicateFinding
    from dclust_gui.services.snapshot import Snapshot


def duplicates(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    threshold: Annotated[
        float | None,
        typer.Option(
            help=f"Least similarity of copies, {LEAST_THRESHOLD:g} (similar) to 1 (the same"
            f" picture); {USUAL_THRESHOLD:g} if left out."
        ),
    ] = None,
    exact_only: Annotated[
        bool, typer.Option("--exact-only", help="Only files that are equal byte by byte.")
    ] = False,
    turned: Annotated[
        bool, typer.Option("--turned", help="Mirrored and turned copies, too.")
    ] = False,
    n: Annotated[int, typer.Option("-n", help="How many groups to list at most.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all groups.")] = False,
) -> None:
    """List copies of the same picture and which one to keep. No file is ever touched.

    Images in ignored clusters are left out: they have been decided on.
    """
    if exact_only and (turned or threshold is not None):
        raise typer.BadParameter("--exact-only goes with neither --threshold nor --turned")
    from dclust_gui.domain.control import ignore_events
    from dclust_gui.services.duplicate_decisions import open_groups
    from dclust_gui.services.duplicate_groups import SharpnessMeter, check_threshold, groups_at
    from dclust_gui.services.duplicates import DuplicateJob
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.workspace import Workspace

    limit = USUAL_THRESHOLD if threshold is None else threshold
    check_threshold(limit)
    session = open_project(project, read_only=True)
    try:
        snapshot = snapshot_of(session)
    finally:
        session.close()
    with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:
        job = DuplicateJob(workspace, snapshot, exact_only=exact_only, with_turned=turned)
        finding = job.run(ignore_events, token)
        sharpness = SharpnessMeter(workspace, snapshot.images, snapshot.roots, job.shelf)
        found = groups_at(finding, limit, sharpness.for_token(token), token)
    groups = open_groups(found, snapshot.images, snapshot.clustering)
    if as_json:
        output.say_json(_json(snapshot, finding, groups, limit, exact_only=exact_only))
        return
    _say(snapshot, finding, groups, n)


def _path(snapshot: Snapshot, image: int) -> str:
    from dclust_gui.domain.images import display_path
    from dclust_gui.services.labels_table import root_prefixes

    record = snapshot.images[image]
    return root_prefixes(snapshot.roots)[record.root] + display_path(record.relative)


def _json(
    snapshot: Snapshot,
    finding: DuplicateFinding,
    groups: list[DuplicateGroup],
    threshold: float,
    *,
    exact_only: bool,
) -> dict[str, object]:
    """Everything, for programs."""
    from dclust_gui.services.best_copy import total_bytes
    from dclust_gui.services.duplicate_decisions import others_of
    from dclust_gui.services.duplicate_groups import TURN_WORDS

    def rows(group: DuplicateGroup) -> list[dict[str, object]]:
        told = []
        for image, similarity, is_equal, turn in group.rows:
            record = snapshot.images[image]
            told.append(
                {
                    "path": _path(snapshot, image),
                    "similarity": round(similarity, 4),
                    "identical": is_equal,
                    "turned": TURN_WORDS[turn],
                    "width": record.facts.width,
                    "height": record.facts.height,
                    "bytes": record.stamp.size,
                    "format": record.facts.format,
                }
            )
        return told

    others = others_of(groups)
    return {
        "threshold": None if exact_only else threshold,
        "images": len(snapshot.images),
        "compared": finding.n_compared,
        "note": finding.note,
        "extra_images": len(others),
        "extra_bytes": total_bytes(snapshot.images, others),
        "groups": [
            {
                "kind": "identical" if group.is_exact else "similar",
                "best": _path(snapshot, group.best),
                "why": group.reason,
                "images": rows(group),
            }
            for group in groups
        ],
    }


def _say(
    snapshot: Snapshot, finding: DuplicateFinding, groups: list[DuplicateGroup], n: int
) -> None:
    from dclust_gui.services.best_copy import total_bytes
    from dclust_gui.services.duplicate_decisions import others_of
    from dclust_gui.services.file_sizes import bytes_text

    for number, group in enumerate(groups[:n], 1):
        kind = "equal files" if group.is_exact else "similar pictures"
        output.say(f"{number}. {len(group.images):,} {kind}")
        for row in group.rows:
            output.say(f"   {_row_text(snapshot, group, *row)}")
    if len(groups) > n:
        output.say(f"{len(groups) - n:,} more; list them with -n {len(groups)}.")
    if groups:
        others = others_of(groups)
        size = bytes_text(total_bytes(snapshot.images, others))
        what = count_of(len(others), "image")
        output.say(f"{count_of(len(groups), 'group')}; {what} besides the best copies, {size}.")
    else:
        output.say("There are no duplicates.")
    if finding.note:
        output.say(finding.note)


def _row_text(
    snapshot: Snapshot,
    group: DuplicateGroup,
    image: int,
    similarity: float,
    is_equal: bool,
    turn: int,
) -> str:
    """`keep  a.jpg  4000 x 3000, 2.4 MB (largest)`."""
    from dclust_gui.services.duplicate_groups import TURN_WORDS
    from dclust_gui.services.file_sizes import bytes_text

    record = snapshot.images[image]
    facts = record.facts
    size = [f"{facts.width} x {facts.height}"] if facts.width else []
    told = ", ".join([*size, bytes_text(record.stamp.size)])
    why = [group.reason] if image == group.best else ["equal" if is_equal else f"{similarity:.0%}"]
    why += [TURN_WORDS[turn]]
    reasons = ", ".join(part for part in why if part)
    head = "keep " if image == group.best else "     "
    return f"{head} {_path(snapshot, image)}  {told}" + (f"  ({reasons})" if reasons else "")

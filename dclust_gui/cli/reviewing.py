"""The command `review`: where a second look at a project pays most."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.control import ignore_events


def review(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    n: Annotated[int, typer.Option("-n", help="How many questions at most.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all questions.")] = False,
) -> None:
    """List doubtful images, clusters that may be one or two, and new arrivals.

    The question whose answer is expected to put most images right comes first. The window's
    Review page asks them one by one.
    """
    from dclust_gui.domain.images import display_path
    from dclust_gui.services.labels_table import root_prefixes
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.reviewing import ReviewJob
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.workspace import Workspace

    session = open_project(project, read_only=True)
    try:
        snapshot = snapshot_of(session)
    finally:
        session.close()
    with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:
        job = ReviewJob(workspace.engine, workspace.stores.arrays, snapshot)
        items = job.run(ignore_events, token)
    prefixes = root_prefixes(snapshot.roots)

    def path(image: int) -> str:
        record = snapshot.images[image]
        return prefixes[record.root] + display_path(record.relative)

    if as_json:
        told = [
            {
                "kind": item.kind.value,
                "question": item.question(snapshot.clustering),
                "cluster": item.cluster,
                "suggestion": item.suggestion,
                "gain": round(item.gain, 3),
                "score": round(item.score, 4),
                "paths": [path(image) for image in item.images.tolist()],
            }
            for item in items
        ]
        output.say_json({"questions": told})
        return
    if not items:
        output.say("Nothing stands out; there is nothing to review.")
        return
    rows = [
        (path(int(item.images[0])), item.question(snapshot.clustering), f"{item.gain:.1f}")
        for item in items[:n]
    ]
    output.say_table(("Image", "Question", "Gain"), rows)
    if len(items) > n:
        output.say(f"{len(items) - n:,} more; list them with -n {len(items)}.")

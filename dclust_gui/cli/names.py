"""The command `names`: suggestions for the names of a project's clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.edits import count_of


def names(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    apply: Annotated[
        bool, typer.Option("--apply", help="Name the clusters that have no name yet.")
    ] = False,
    vocabulary: Annotated[
        Path | None, typer.Option(help="Your own words, one a line; those that fit come first.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Suggest names for the clusters of a project from what the backbone knows."""
    from dclust_gui.services.naming import apply_names, names_to_give, read_vocabulary, suggest
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.workspace import Workspace
    from dclust_gui.storage.project import ProjectStore

    words = () if vocabulary is None else read_vocabulary(vocabulary)
    if apply:
        session = ProjectSession(ProjectStore.open(project))
    else:
        session = open_project(project, read_only=True)
    try:
        with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:
            found = suggest(snapshot_of(session), workspace.engine, words, token)
        n_named = 0
        if apply:
            n_named = apply_names(session, names_to_give(session.clustering, found))
        table = session.clustering.clusters
        titles = {f.cluster: table[f.cluster].title for f in found}
    finally:
        session.close()
    if as_json:
        clusters = [
            {
                "cluster": f.cluster,
                "name": titles[f.cluster],
                "images": f.n_images,
                "suggestions": [
                    {"name": s.name, "score": round(s.score, 4), "own_word": s.is_own_word}
                    for s in f.suggestions
                ],
            }
            for f in found
        ]
        output.say_json({"named": n_named, "clusters": clusters})
        return
    rows = [
        (
            titles[f.cluster],
            f"{f.n_images:,}",
            ", ".join(f"{s.name} ({s.score:.2f})" for s in f.suggestions) or "nothing stands out",
        )
        for f in found
    ]
    output.say_table(("Cluster", "Images", "Suggestions"), rows)
    if apply:
        output.say(f"Named {count_of(n_named, 'cluster')}." if n_named else "No cluster was named.")
        n_left = sum(not table[f.cluster].name for f in found)
        if n_left:
            output.say(
                f"{count_of(n_left, 'cluster')} without a name: nothing stands out, or what does"
                " is the name of another."
            )

"""Commands on the tree of a project's accepted run: tree, cut."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from dclust_gui.cli import output
from dclust_gui.domain.edits import count_of


def tree(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    out: Annotated[Path, typer.Argument(help="OUT.npy (SciPy's Z), OUT.nwk or OUT.svg.")],
) -> None:
    """Write the merge tree of a project's accepted run."""
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.tree_export import export_tree

    session = open_project(project, read_only=True)
    try:
        written = export_tree(session, out)
    finally:
        session.close()
    beside = "" if written.names is None else f"; its leaves are named in '{written.names}'"
    output.say(f"Tree of {count_of(written.n_leaves)}: '{written.path}'{beside}.")


def cut(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    k: Annotated[int | None, typer.Option("--k", help="Number of clusters.")] = None,
    height: Annotated[float | None, typer.Option(help="Height of the cut.")] = None,
    branch: Annotated[
        int | None, typer.Option(help="Cut only this branch; its number is that in the tree.")
    ] = None,
) -> None:
    """Cut the tree of a project's accepted run anew, as one step that can be undone."""
    from dclust_gui.domain.tree_layout import NO_NODE
    from dclust_gui.services.cutting import accept_cut, present_cut, request_from, tree_of
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore

    if (k is None) == (height is None):
        raise typer.BadParameter("give either --k or --height")
    session = ProjectSession(ProjectStore.open(project))
    try:
        run = session.run
        layout = tree_of(run)
        assert run is not None
        node = NO_NODE if branch is None else branch
        if branch is not None and branch < 0:
            raise typer.BadParameter("a branch's number is at least 0")
        request = request_from(layout, k=k or 0, height=height, branch=node)
        is_new = accept_cut(session, request)
        present = present_cut(session.clustering, run, layout)
        labels, table = session.clustering.labels[run.images], session.clustering.clusters
    finally:
        session.close()
    rows = []
    n_elsewhere = 0
    for found in present.nodes.tolist():
        ids, counts = np.unique(labels[layout.leaves(found)], return_counts=True)
        known = table.get(int(ids[counts.argmax()]))
        title = "Unassigned" if known is None else known.title
        rows.append((title, str(found), f"{layout.size(found):,}"))
        n_elsewhere += int(counts.sum() - counts.max())
    output.say_table(("Cluster", "Branch", "Images"), rows, right=2)
    if n_elsewhere:
        stay = "stay in other clusters than their branch"
        if n_elsewhere == 1:
            stay = "stays in another cluster than its branch"
        output.say(
            f"{count_of(n_elsewhere)} {stay}: moved by hand or by an accepted proposal,"
            " approved there, or pinned."
        )
    output.say(request.title[0].upper() + request.title[1:] + "." if is_new else "Nothing changed.")

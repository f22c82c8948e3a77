"""The command `recluster`: what was decided by hand stays and steers where the rest goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of

if TYPE_CHECKING:
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.proposals import Proposal


def recluster(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    accept: Annotated[
        list[str] | None,
        typer.Option(
            help="all, none (the default: only show), or clusters by name or id whose new images"
            " are accepted; give it once for each."
        ),
    ] = None,
    way: Annotated[
        str, typer.Option(help="spreading, seeded-kmeans, pck-kmeans, dec, vade, anew or student.")
    ] = "spreading",
    teacher: Annotated[
        str,
        typer.Option(help="Who teaches the student: present, tree, kmeans or complete."),
    ] = "present",
    unassigned: Annotated[
        bool, typer.Option("--unassigned", help="Place Unassigned images, too.")
    ] = False,
    into_pinned: Annotated[
        bool, typer.Option("--into-pinned", help="Let images come into pinned clusters, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Propose better clusters for all images that nobody placed, approved or pinned.

    Pinned clusters stay exactly as they are. Nothing changes unless it is accepted; an accepted
    proposal is one step that can be undone.
    """
    from dclust_gui.domain.images import display_path
    from dclust_gui.services.labels_table import root_prefixes
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.reclustering import ReclusterJob
    from dclust_gui.services.reclustering import accept as accept_proposal
    from dclust_gui.services.reclustering_ways import Way
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.teaching import Teacher
    from dclust_gui.services.workspace import Workspace
    from dclust_gui.storage.project import ProjectStore

    try:
        chosen = Way(way)
    except ValueError:
        names = ", ".join(Way)
        raise typer.BadParameter(f"there is no way '{way}'; choose one of: {names}") from None
    if teacher not in tuple(Teacher):
        names = ", ".join(Teacher)
        raise typer.BadParameter(f"there is no teacher '{teacher}'; choose one of: {names}")
    if chosen is not Way.STUDENT and teacher != Teacher.PRESENT:
        raise typer.BadParameter("--teacher goes only with --way student")
    wanted = accept or ["none"]
    is_shown_only = wanted == ["none"]
    if is_shown_only:
        session = open_project(project, read_only=True)
    else:
        session = ProjectSession(ProjectStore.open(project))
    try:
        before = session.clustering
        takes_all = is_shown_only or wanted == ["all"]
        clusters = None if takes_all else _ids(wanted, before)
        with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:
            job = ReclusterJob(
                workspace.engine,
                workspace.stores.arrays,
                snapshot_of(session),
                chosen,
                place_unassigned=unassigned,
                teacher=Teacher(teacher),
                into_pinned=into_pinned,
            )
            proposal = job.run(ignore_events, token)
        prefixes = root_prefixes(session.roots)
        records = [session.images[i] for i in proposal.images.tolist()]
        paths = [prefixes[r.root] + display_path(r.relative) for r in records]
        n_moved = 0 if is_shown_only else accept_proposal(session, proposal, clusters)
    finally:
        session.close()
    if as_json:
        output.say_json(_facts(proposal, before, paths, n_moved))
        return
    _say(proposal, before)
    if not is_shown_only:
        output.say(f"Moved {count_of(n_moved)}." if n_moved else "Nothing changed.")
    elif len(proposal.images):
        output.say("Nothing has changed. Accept with --accept all, or --accept CLUSTER.")


def _ids(wanted: list[str], clustering: Clustering) -> tuple[int, ...]:
    """The clusters that `--accept` names.

    Raises:
        InputError: If there is no such cluster.
    """
    if {"all", "none"} & set(wanted):
        raise typer.BadParameter("give --accept all or none alone, or clusters")
    from dclust_gui.services.editing.naming import target_called

    return tuple(target_called(clustering, text) for text in wanted)


def _title(cluster: int, clustering: Clustering) -> str:
    known = clustering.clusters.get(cluster)
    return "Unassigned" if known is None else known.title


def _say(proposal: Proposal, before: Clustering) -> None:
    """The proposal for people: one row a cluster."""
    if not len(proposal.images):
        output.say("No image would move.")
    else:
        decided = count_of(proposal.n_decided, "decided image")
        output.say(f"{count_of(len(proposal.images))} would move, steered by {decided}.")
        rows = [
            (
                _title(change.cluster, before),
                f"{change.size:,}",
                f"+{len(change.arriving):,}",
                f"-{len(change.leaving):,}",
            )
            for change in proposal.changes(before)
        ]
        output.say_table(("Cluster", "Images", "Arriving", "Leaving"), rows, right=3)
    if proposal.note:
        output.say(proposal.note)
    if proposal.n_held:
        output.say("Let them in with --into-pinned.")


def _facts(
    proposal: Proposal, before: Clustering, paths: list[str], n_moved: int
) -> dict[str, object]:
    """The proposal for programs."""
    moves = zip(
        paths,
        proposal.before.tolist(),
        proposal.after.tolist(),
        proposal.margin.tolist(),
        strict=True,
    )
    return {
        "way": proposal.way,
        "decided": proposal.n_decided,
        "would_move": len(proposal.images),
        "moved": n_moved,
        "held": proposal.n_held,
        "note": proposal.note,
        "clusters": [
            {
                "cluster": change.cluster,
                "name": _title(change.cluster, before),
                "images": change.size,
                "arriving": len(change.arriving),
                "leaving": len(change.leaving),
            }
            for change in proposal.changes(before)
        ],
        "moves": [
            {"path": path, "from": old, "to": new, "margin": round(margin, 4)}
            for path, old, new, margin in moves
        ],
    }

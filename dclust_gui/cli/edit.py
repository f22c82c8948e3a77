"""`dclust edit`: every edit of the window, on the same history."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible
from dclust_gui.domain import edits, image_edits, splits, stack_edits
from dclust_gui.domain.clustering import PALETTE_SIZE
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.names import check_names, wanted_name
from dclust_gui.services import marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.domain.edits import Edit
    from dclust_gui.domain.history import Entry
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.similar import SimilarService

Paths = Annotated[list[Path], typer.Argument(help="Images of the project, or folders of them.")]
ClusterName = Annotated[str, typer.Argument(help="Id or name of a cluster.")]
ClusterNames = Annotated[list[str], typer.Argument(help="Ids or names of clusters.")]
Off = Annotated[bool, typer.Option("--off", help="Take it away again.")]

edit_app = typer.Typer(
    help="Change the clusters of a project; every edit can be undone.", no_args_is_help=True
)


@edit_app.callback()
def project_of(
    context: typer.Context, project: Annotated[Path, typer.Argument(help="Project file.")]
) -> None:
    """Change the clusters of a project; every edit can be undone, here and in the window."""
    context.obj = project


@edit_app.command()
def move(
    context: typer.Context,
    paths: Paths,
    to: Annotated[str, typer.Option("--to", help="Id or name of a cluster, or Unassigned.")],
) -> None:
    """Move images into a cluster."""
    from dclust_gui.services.editing.naming import target_called

    with _writing(context) as session:
        target = target_called(session.clustering, to)
        ids = _select(session, paths)
        _apply(session, edits.move(session.clustering, ids, target))


@edit_app.command()
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new cluster; '' for none.")],
    paths: Annotated[list[Path] | None, typer.Argument(help="Its first images.")] = None,
) -> None:
    """Make a cluster of images."""
    with _writing(context) as session:
        ids = _select(session, paths or [])
        _apply(session, edits.new_cluster(session.clustering, ids, wanted_name(name)))


@edit_app.command()
def merge(
    context: typer.Context,
    clusters: ClusterNames,
    keep: Annotated[str, typer.Option("--keep", help="The one whose name survives.")] = "",
) -> None:
    """Merge clusters; of those with a name the largest survives, or the one after --keep."""
    from dclust_gui.services.editing.naming import cluster_called

    with _writing(context) as session:
        ids = {row.id for row in _rows(session, clusters)}
        stays = cluster_called(session.clustering, keep).id if keep else None
        if len(ids | ({stays} if stays is not None else set())) < 2:
            raise InputError("A merge needs at least two clusters.", "", "Name another one.")
        proposal = splits.propose_merge(session.clustering, ids, stays)
        _apply(session, proposal.edit(session.clustering))


@edit_app.command()
def split(
    context: typer.Context,
    cluster: ClusterName,
    more: Annotated[list[Path] | None, typer.Argument(help="More examples.")] = None,
    k: Annotated[int | None, typer.Option("--k", min=2, help="Split into so many parts.")] = None,
    like: Annotated[
        list[Path] | None, typer.Option("--like", help="Split out what is like this image.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="How like, 0 to 1; chosen if left out.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of what is split out; with --k once a part, the largest first:"
            " that one stays, and '' leaves a name as it is."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
) -> None:
    """Split a cluster into parts, or split out the images that are like some examples."""
    examples = [*(like or []), *(more or [])]
    if bool(k) == bool(like):
        raise typer.BadParameter("give either --k N or --like PATH...")
    names = [wanted_name(text) for text in name or []]
    if k and (more or threshold is not None):
        raise typer.BadParameter("--k goes with no examples and no --threshold")
    if len(names) > (k or 1):
        raise typer.BadParameter(f"there are {len(names)} names for {count_of(k or 1, 'part')}")
    with _writing(context) as session, _features() as service:
        found = (
            _parts_edit(session, service, cluster, k, names)
            if k
            else _like_edit(session, service, cluster, examples, threshold, "".join(names))
        )
        if dry_run:
            check_names(session.clustering.clusters, found)
            output.say(_sentence(found, "Would "))
            return
        _apply(session, found)


@edit_app.command()
def rename(
    context: typer.Context,
    cluster: ClusterName,
    name: Annotated[str, typer.Argument(help="The new name; '' for none.")],
) -> None:
    """Rename a cluster."""
    with _writing(context) as session:
        row = _rows(session, [cluster])[0]
        _apply(session, edits.rename(session.clustering, row.id, name))


@edit_app.command()
def pin(context: typer.Context, clusters: ClusterNames, off: Off = False) -> None:
    """Pin clusters: no run moves their images."""
    _mark(context, clusters, marks.Mark.PINNED, off=off)


@edit_app.command()
def review(context: typer.Context, clusters: ClusterNames, off: Off = False) -> None:
    """Mark clusters as reviewed."""
    _mark(context, clusters, marks.Mark.REVIEWED, off=off)


@edit_app.command()
def ignore(context: typer.Context, clusters: ClusterNames, off: Off = False) -> None:
    """Ignore clusters: they are of no interest."""
    _mark(context, clusters, marks.Mark.IGNORED, off=off)


@edit_app.command()
def unassign(context: typer.Context, paths: Paths) -> None:
    """Take images out of their clusters; the files stay where they are."""
    with _writing(context) as session:
        ids = _select(session, paths)
        _apply(session, image_edits.unassign(session.clustering, ids))


@edit_app.command()
def approve(context: typer.Context, paths: Paths, off: Off = False) -> None:
    """Say that images are where they belong: no run moves them."""
    with _writing(context) as session:
        ids = _select(session, paths)
        _apply(session, image_edits.approve(session.clustering, ids, is_approved=not off))


@edit_app.command()
def bind(
    context: typer.Context,
    paths: Paths,
    bracket: Annotated[
        bool, typer.Option("--bracket", help="They are one subject at several exposures.")
    ] = False,
) -> None:
    """Bind images as a stack: they move, cluster and export as one. 'dclust stacks' finds some."""
    with _writing(context) as session:
        ids = _select(session, paths)
        binding = stack_edits.Binding(ids, bracket)
        _apply(session, stack_edits.bind(session.clustering, [binding]))


@edit_app.command()
def unbind(context: typer.Context, paths: Paths) -> None:
    """Take the stacks of images apart; all stay in their cluster."""
    with _writing(context) as session:
        ids = _select(session, paths)
        _apply(session, stack_edits.unbind(session.clustering, ids))


@edit_app.command("not-here")
def not_here(context: typer.Context, paths: Paths) -> None:
    """Move each image to the cluster that fits it second best."""
    from dclust_gui.services.editing.proposals import find_second_best
    from dclust_gui.services.inspection import InspectionService
    from dclust_gui.services.snapshot import snapshot_of

    with _writing(context) as session, _features() as service, interruptible() as token:
        ids = _select(session, paths)
        inspection = InspectionService(service)
        found = find_second_best(inspection, snapshot_of(session), ids, token).targets()
        if not found:
            them = "this image" if len(ids) == 1 else "these images"
            raise InputError(f"There is no other cluster for {them}.", "", "Move them by hand.")
        _apply(session, image_edits.not_here(session.clustering, found))


@edit_app.command()
def note(
    context: typer.Context,
    cluster: ClusterName,
    value: Annotated[str, typer.Argument(help="The notes; '' takes them away.")],
) -> None:
    """Write a cluster's notes."""
    with _writing(context) as session:
        row = _rows(session, [cluster])[0]
        _apply(session, marks.annotate(session.clustering, row, value))


@edit_app.command()
def colour(
    context: typer.Context,
    cluster: ClusterName,
    value: Annotated[
        int, typer.Argument(min=1, max=PALETTE_SIZE, help=f"1 to {PALETTE_SIZE}, with its mark.")
    ],
) -> None:
    """Give a cluster another colour and its mark."""
    with _writing(context) as session:
        rows = _rows(session, [cluster])
        _apply(session, marks.recolour(session.clustering, rows, value - 1))


@edit_app.command()
def undo(context: typer.Context) -> None:
    """Take back the last step."""
    with _writing(context) as session:
        step = session.history.undo_step
        if step is None or not session.undo():
            raise InputError("There is nothing to undo.")
        output.say(f"Undone: {step.title}.")


@edit_app.command()
def redo(context: typer.Context) -> None:
    """Do the next undone step again."""
    with _writing(context) as session:
        step = session.history.redo_step
        if step is None or not session.redo():
            raise InputError("There is nothing to redo.")
        output.say(f"Done again: {step.title}.")


@edit_app.command()
def jump(
    context: typer.Context,
    step: Annotated[int, typer.Argument(min=0, help="Number in 'history'; 0 is the start.")],
) -> None:
    """Put exactly the first steps in force, up to one of the history."""
    with _writing(context) as session:
        n_steps = len(session.history.steps)
        if step > n_steps:
            raise InputError(f"There is no step {step}.", f"The history has {n_steps}.")
        is_new = session.jump(step)
        output.say(f"At step {step} of {n_steps}." if is_new else "Nothing changed.")


@edit_app.command()
def history(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List all steps; '>' is the present one, those after it are undone."""
    from dclust_gui.services.opening import open_project

    session = open_project(context.obj, read_only=True)
    entries = session.history.entries()
    position = session.history.position
    session.close()
    if as_json:
        steps = [
            {
                "step": e.position,
                "kind": _kind_of(e),
                "title": e.title,
                "time": e.time,
                "user": e.user,
                "in_force": e.is_in_force,
                "marker": e.is_marker,
            }
            for e in entries
        ]
        output.say_json({"position": position, "steps": steps})
        return
    rows = [
        (
            ">" if e.is_present else "",
            "-" if e.is_marker else str(e.position),
            e.title + ("" if e.is_in_force else " (undone)"),
            e.time,
            e.user,
        )
        for e in entries
    ]
    output.say_table(("", "Step", "What", "When", "Who"), rows, right=0)


def _kind_of(entry: Entry) -> str:
    """What an entry of the history tells of, in one word."""
    if entry.is_marker:
        is_truth = entry.title.startswith(("import true classes", "forget the true classes"))
        return "truth" if is_truth else "export"
    return entry.kind.value if entry.kind else "start"


@contextmanager
def _writing(context: typer.Context) -> Iterator[ProjectSession]:
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore

    session = ProjectSession(ProjectStore.open(context.obj))
    try:
        yield session
    finally:
        session.close()


@contextmanager
def _features() -> Iterator[SimilarService]:
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.workspace import Workspace

    with output.quiet_libraries(), Workspace() as workspace:
        yield SimilarService(workspace.engine)


def _apply(session: ProjectSession, edit: Edit) -> None:
    output.say(_sentence(edit) if session.apply(edit) else "Nothing changed.")


def _sentence(edit: Edit, start: str = "") -> str:
    """A step's title as a sentence."""
    title = edit.title if start else edit.title[0].upper() + edit.title[1:]
    return f"{start}{title}."


def _select(session: ProjectSession, paths: Sequence[Path]) -> tuple[int, ...]:
    """The images that paths name; they are selected, so that undo in the window shows them."""
    from dclust_gui.services.editing.naming import images_at

    ids = images_at(session.images, session.roots, paths)
    session.select(ids)
    return ids


def _rows(session: ProjectSession, clusters: Sequence[str]) -> list[Cluster]:
    from dclust_gui.services.editing.naming import cluster_called

    found = [cluster_called(session.clustering, text) for text in clusters]
    return list({row.id: row for row in found}.values())


def _mark(context: typer.Context, clusters: Sequence[str], mark: marks.Mark, *, off: bool) -> None:
    with _writing(context) as session:
        rows = _rows(session, clusters)
        _apply(session, marks.set_mark(session.clustering, rows, mark, wanted=not off))


def _parts_edit(
    session: ProjectSession,
    service: SimilarService,
    cluster: str,
    k: int,
    names: Sequence[str],
) -> Edit:
    from dclust_gui.services.editing.proposals import propose_parts
    from dclust_gui.services.snapshot import snapshot_of

    row = _rows(session, [cluster])[0]
    with interruptible() as token:
        proposal = propose_parts(service, snapshot_of(session), row.id, k, token)
    output.say(f"'{row.title}' in parts of {', '.join(f'{n:,}' for n in proposal.sizes())} images.")
    return proposal.edit(session.clustering, dict(enumerate(names)))


def _like_edit(
    session: ProjectSession,
    service: SimilarService,
    cluster: str,
    examples: Sequence[Path],
    threshold: float | None,
    name: str,
) -> Edit:
    from dclust_gui.services.editing.proposals import propose_like
    from dclust_gui.services.snapshot import snapshot_of

    row = _rows(session, [cluster])[0]
    ids = _select(session, examples)
    with interruptible() as token:
        proposal = propose_like(service, snapshot_of(session), ids, row.id, token)
    at = proposal.suggested if threshold is None else threshold
    n = len(proposal.examples) + len(proposal.images)
    output.say(f"{proposal.count(at):,} of {count_of(n)} of '{row.title}' at threshold {at:.2f}.")
    return proposal.edit(session.clustering, at, name=name)

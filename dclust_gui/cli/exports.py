"""Commands that take the work elsewhere: export, undo-export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.asking import decided_request, plan_choices
from dclust_gui.cli.exporting import parse_choice, run_plan, say_files, say_plan, say_result
from dclust_gui.cli.projects import open_session
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.writing import FileFormat

if TYPE_CHECKING:
    from dclust_gui.services.export import ExportResult
    from dclust_gui.services.export_plan import ExportPlan, ExportRequest
    from dclust_gui.services.export_undo import UndoPlan
    from dclust_gui.services.formats.images import LabelledImage, Scope
    from dclust_gui.services.session import ProjectSession

_MODES = "copy, move, hardlink, symlink (relative) or reflink."
_XMP = "xmp"
_FORMATS = ", ".join([*TreeFormat, *FileFormat, _XMP])


@dataclass(frozen=True, slots=True)
class _Wish:
    """The command line of an export, checked."""

    directory: Path
    tree: TreeFormat | None
    file: FileFormat | None
    scope: Scope
    request: ExportRequest


def export(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    directory: Annotated[Path, typer.Argument(help="Folder to fill.")],
    form: Annotated[str, typer.Option("--format", help=f"{_FORMATS}.")] = "folders",
    mode: Annotated[str, typer.Option(help=f"How files get there: {_MODES}")] = "copy",
    what: Annotated[
        list[str] | None,
        typer.Option(help="all, reviewed, or a cluster's id or name; may be given repeatedly."),
    ] = None,
    unassigned: Annotated[
        bool | None, typer.Option(help="Also images without a cluster.", show_default=False)
    ] = None,
    nested: Annotated[
        bool, typer.Option("--nested", help="'Birds/Gulls' becomes a folder in a folder.")
    ] = False,
    keep_folders: Annotated[
        bool, typer.Option("--keep-folders", help="Keep the images' own folders below.")
    ] = False,
    name: Annotated[
        str,
        typer.Option(help="Pattern of file names: {name}, {cluster}, {number}, {date}, {time}."),
    ] = "{name}",
    on_conflict: Annotated[
        str, typer.Option(help="Where a name is taken: number, skip or ask (at a terminal).")
    ] = "number",
    sidecars: Annotated[
        str, typer.Option(help="Names of XMP sidecars: stem (a.xmp) or full (a.jpg.xmp).")
    ] = "stem",
    embed_xmp: Annotated[
        bool,
        typer.Option(
            "--embed-xmp",
            help="Write cluster names into the copies as XMP keywords (JPEG, PNG, TIFF, WebP).",
        ),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify/--no-verify", help="Read every copy back and compare."),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Export a project's images or labels; folders can be undone by undo-export."""
    from dclust_gui.services.export_layout import Layout
    from dclust_gui.services.export_plan import ExportMode, ExportRequest, OnConflict

    tree = TreeFormat(form) if form in set(TreeFormat) else None
    file = None
    if tree is None and form != _XMP:
        file = parse_choice(form, FileFormat, f"format, or '{_XMP}',")
    if embed_xmp and tree is None:
        raise InputError(
            f"Keywords cannot be embedded by format '{form}'.",
            "It copies no images.",
            f"Choose {', '.join(TreeFormat)}; format '{_XMP}' writes sidecars.",
        )
    layout = Layout(nested, keep_folders, name)
    is_move = mode == ExportMode.MOVE.value and tree is not None
    session = open_session(project, read_only=not is_move or dry_run)
    try:
        scope = _scope(session, what or [], unassigned, tree)
        request = ExportRequest(
            directory,
            parse_choice(mode, ExportMode, "mode"),
            parse_choice(on_conflict, OnConflict, "rule for conflicts"),
            scope.with_unassigned and not scope.only_reviewed,
            scope.cluster_ids(session.clustering.clusters.values()),
            tree.layout(layout) if tree else layout,
            project,
            embed_keywords=embed_xmp,
            verify=verify,
        )
        wish = _Wish(directory, tree, file, scope, request)
        if form == _XMP:
            title = _export_xmp(session, wish, sidecars, dry_run=dry_run)
        elif file is not None:
            title = _export_file(session, wish, dry_run=dry_run)
        else:
            title = _export_tree(session, wish, dry_run=dry_run)
    finally:
        session.close()
    _mark(project, title)


def undo_export(
    directory: Annotated[Path, typer.Argument(help="Folder of the export.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Put an export back as it was: moved files return, files of ours are removed."""
    from dclust_gui.services.export_follow import returned_files
    from dclust_gui.services.export_undo import plan_undo, run_undo

    plan = plan_undo(directory)
    output.say(f"Undo of {directory}: {plan.text}.")
    if plan.n_damaged:
        output.say(f"Note: {count_of(plan.n_damaged, 'line')} of its journal cannot be read.")
    say_files("to be left", [(str(s.path), s.reason) for s in plan.steps if s.reason])
    if dry_run:
        return
    sessions = _writable_projects(plan) if plan.moves else []
    try:
        with interruptible() as token, output.ProgressView() as view:
            try:
                result = run_undo(plan, view, token)
            finally:  # also when it was interrupted: what is back is followed
                for session in sessions:
                    _follow_back(session, returned_files(plan))
    finally:
        for session in sessions:
            session.close()
    done = [f"{count_of(len(result.returned), 'file')} moved back"] if result.returned else []
    done += [f"{count_of(result.removed, 'file')} removed"] if result.removed else []
    output.say(f"Undone: {', '.join(done) or 'no file was left of it'}.")
    why = "Other files are in it; they are left alone."
    say_files("left in place", [(str(folder), why) for folder in result.folders], "folder")
    if result.left:
        raise InputError(
            f"{count_of(len(result.left), 'file')} could not be undone.",
            f"{result.left[0][0]}: {result.left[0][1]}",
            "The same command goes on when that is mended.",
        )


def _scope(
    session: ProjectSession, what: list[str], unassigned: bool | None, tree: TreeFormat | None
) -> Scope:
    """Which images `--what` and `--unassigned` ask for."""
    from dclust_gui.services.editing.naming import cluster_called
    from dclust_gui.services.formats.images import Scope

    wanted = unassigned
    if wanted is None:
        wanted = tree is None or tree.takes_unassigned
    if not what or what == ["all"]:
        return Scope(with_unassigned=wanted)
    if what == ["reviewed"]:
        return Scope(only_reviewed=True, with_unassigned=False)
    found = frozenset(cluster_called(session.clustering, text).id for text in what)
    return Scope(found, with_unassigned=bool(unassigned))


def _export_tree(session: ProjectSession, wish: _Wish, *, dry_run: bool) -> str:
    """Folders of images; returns the title for the history, empty for nothing done."""
    from dclust_gui.services.export import export_title
    from dclust_gui.services.export_abilities import folder_facts
    from dclust_gui.services.export_plan import export_items, plan_export

    items = export_items(session.images, session.clustering)
    plan = plan_export(items, session.roots, wish.request)
    why = folder_facts(wish.directory, session.roots).refused.get(wish.request.mode, "")
    if why:
        raise InputError(
            f"Could not export to '{wish.directory}' with --mode {wish.request.mode}.",
            why,
            "Choose another --mode or another folder.",
        )
    say_plan(plan)
    if dry_run:
        return ""
    if plan.undecided:
        request = replace(wish.request, choices=plan_choices(plan))
        plan = plan_export(items, session.roots, request)
    with interruptible() as token, output.ProgressView() as view:
        try:
            result = run_plan(plan, view, token)
        except BaseException:
            _follow(session, plan, None)
            raise
    _follow(session, plan, result)
    if wish.tree is TreeFormat.HUGGINGFACE:
        _write_metadata(session, wish.directory)
    title = export_title(wish.directory, result)
    if result.failed or result.stopped:
        session.close()
        _mark(session.path, title)
    say_result(plan, result)
    return title


def _follow(session: ProjectSession, plan: ExportPlan, result: ExportResult | None) -> None:
    """Let the project follow a move, also one that was interrupted."""
    from dclust_gui.services.export_follow import follow_export
    from dclust_gui.services.export_plan import ExportMode

    if plan.request.mode is ExportMode.MOVE:
        follow_export(session, plan.request.target, None if result is None else result.places)


def _write_metadata(session: ProjectSession, directory: Path) -> None:
    from dclust_gui.services.formats.dataset import write_metadata
    from dclust_gui.services.snapshot import snapshot_of

    try:
        path = write_metadata(directory, snapshot_of(session))
    except OSError as error:
        raise StorageError(
            f"Could not write the metadata to '{directory}'.", f"{error.strerror or error}."
        ) from error
    output.say(f"Metadata: {path}")


def _export_file(session: ProjectSession, wish: _Wish, *, dry_run: bool) -> str:
    """Files about the images; returns the title for the history."""
    from dclust_gui.services.export_steps import OnConflict
    from dclust_gui.services.formats.images import labelled_images
    from dclust_gui.services.formats.writing import FormatRequest, format_names, write_format
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.workspace import Workspace

    snapshot = snapshot_of(session)
    if wish.file is None:
        return ""
    if dry_run:
        n_images = len(labelled_images(snapshot, wish.scope))
        output.say(f"Labels of {count_of(n_images)} as {wish.file.value} to {wish.directory}.")
        return ""
    request = FormatRequest(
        wish.directory,
        wish.file,
        session.path.stem,
        datetime.now().astimezone().isoformat(timespec="seconds"),
        wish.scope,
        wish.request.on_conflict,
    )
    if request.on_conflict is OnConflict.ASK:
        images = labelled_images(snapshot, wish.scope)
        request = decided_request(request, format_names(wish.file, images))
    with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:

        def picture(image: LabelledImage) -> bytes | None:
            return workspace.thumbnails.encoded(image.source, image.record.content, 160)

        result = write_format(request, snapshot, session.history, picture, token)
    for path in result.files:
        output.say(f"Written: {path}")
    for name in result.skipped:
        output.say(f"Left out, as the name is taken: {name}")
    return result.title


def _export_xmp(session: ProjectSession, wish: _Wish, names: str, *, dry_run: bool) -> str:
    """Keywords in sidecars; returns the title for the history."""
    from dclust_gui.services.formats.images import labelled_images
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.xmp.sidecars import SidecarNames, write_sidecars

    rule = parse_choice(names, SidecarNames, "rule for sidecars")
    every = rule is SidecarNames.FULL
    images = labelled_images(snapshot_of(session), wish.scope, with_companions=every)
    named = sum(bool(image.cluster is not None and image.cluster.name) for image in images)
    if dry_run:
        output.say(f"Keywords of {count_of(named)} to sidecars in {wish.directory}.")
        return ""
    with interruptible() as token:
        result = write_sidecars(images, session.roots, wish.directory, rule, token)
    output.say(f"{count_of(len(result.written), 'sidecar')} written in {wish.directory}.")
    if result.unchanged:
        output.say(f"{count_of(result.unchanged, 'sidecar')} had the keywords already.")
    if result.unnamed:
        output.say(f"{count_of(result.unnamed)} in clusters without a name got no keyword.")
    output.say("Adobe's programs read sidecars for RAW files only; darktable and digiKam for all.")
    say_files("left as they are", [(str(path), reason) for path, reason in result.left])
    if not result.written:
        return ""
    return f"export keywords of {count_of(named)} to '{wish.directory.name}'"


def _mark(project: Path, title: str) -> None:
    """Add an export to the project's history, unless somebody else holds the project."""
    if not title:
        return
    try:
        session = open_session(project)
    except StorageError:
        return
    try:
        session.mark(title)
    finally:
        session.close()


def _writable_projects(plan: UndoPlan) -> list[ProjectSession]:
    """The projects whose files will move; opened before anything moves.

    Raises:
        StorageError: If one of them is in use elsewhere.
    """
    sessions: list[ProjectSession] = []
    try:
        sessions.extend(open_session(path) for path in plan.projects if path.is_file())
    except BaseException:
        for session in sessions:
            session.close()
        raise
    return sessions


def _follow_back(session: ProjectSession, returned: dict[Path, Path]) -> None:
    from dclust_gui.services.export_follow import follow_undo

    moved = follow_undo(session, returned)
    if moved:
        output.say(f"{session.path.name} has followed {count_of(moved)}.")
        session.mark(f"undo export of {count_of(moved)}")

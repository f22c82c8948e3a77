"""Commands on a project: add, relink, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import check_folders, interruptible
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import Quality, RunSettings
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from dclust_gui.services.session import ProjectSession


def open_session(path: Path, *, read_only: bool = False) -> ProjectSession:
    """Open a project for a command."""
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore

    return ProjectSession(ProjectStore.open(path, read_only=read_only))


def add(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    folders: Annotated[list[Path] | None, typer.Argument(help="More folders.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    quality: Annotated[
        Quality | None, typer.Option(help="How to read them; the last run's if left out.")
    ] = None,
) -> None:
    """Add new images of a project's folders, or of further folders, as Unassigned."""
    from dclust_gui.services.runs import add_images
    from dclust_gui.services.workspace import Workspace

    session = open_session(project)
    try:
        session.add_roots(check_folders(folders or []))
        before = len(session.images)
        used = session.run.settings if session.run else RunSettings()
        chosen = quality.value if quality else used.quality
        settings = RunSettings(backbone=used.backbone, quality=chosen)
        request = RunRequest(session.roots, settings, device)
        with (
            output.quiet_libraries(),
            Workspace() as workspace,
            interruptible() as token,
            output.ProgressView() as view,
        ):
            add_images(session, workspace.engine, request, view, token)
        view.say_skipped()
        missing = sum(record.is_missing for record in session.images)
        new = len(session.images) - before
        output.say(f"{count_of(new, 'new image')}; {len(session.images):,} in the project.")
        if missing:
            output.say(
                f"{count_of(missing)} {'was' if missing == 1 else 'were'} not found; "
                "'dclust relink' follows a moved folder."
            )
    finally:
        session.close()


def relink(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    old: Annotated[Path, typer.Argument(help="Where the folder was.")],
    new: Annotated[Path, typer.Argument(help="Where it is now.")],
) -> None:
    """Follow a folder that was moved or renamed."""
    session = open_session(project)
    try:
        found, total = session.relink(old, check_folders([new])[0])
        output.say(f"{found:,} of {total:,} images found below '{new}'.")
    finally:
        session.close()


def evaluate(
    first: Annotated[Path, typer.Argument(help="Project or labels CSV.")],
    second: Annotated[
        Path | None, typer.Argument(help="Another labels CSV to compare with.")
    ] = None,
    truth: Annotated[str | None, typer.Option(help="'folders' or a CSV of path,label.")] = None,
    beta: Annotated[float, typer.Option(help="Weight of recall in F-beta.")] = 1.0,
) -> None:
    """Measure clusters against true labels, or compare two passes; prints JSON.

    A project is measured against the true classes that were imported, unless others are given.
    Of two labels tables the second is taken for the truth; agreement, Cohen's kappa and the
    confusion matrix do not depend on the order.
    """
    from dclust_gui.services.agreement import compare_passes
    from dclust_gui.services.evaluation import evaluate as measure
    from dclust_gui.services.evaluation import labels_of_rows, read_pass, truth_for
    from dclust_gui.services.labels_table import label_rows

    is_project = first.suffix.lower() == ".dclust"
    if truth is not None and second is not None:
        raise typer.BadParameter("give either --truth or a second labels CSV")
    if truth is None and second is None:
        if not is_project:
            raise typer.BadParameter("give --truth or a second labels CSV")
        output.say_json(_against_own_truth(first, beta))
        return
    several = False
    if is_project:
        session = open_session(first, read_only=True)
        try:
            rows = label_rows(
                session.images, session.roots, session.clustering, session.confidence()
            )
            several = len(session.roots) > 1
        finally:
            session.close()
        labels = labels_of_rows(rows)
    else:
        labels = read_pass(first)
    reference = (
        read_pass(second)
        if second is not None
        else truth_for(labels, truth or "", several_roots=several)
    )
    values: dict[str, object] = dict(measure(labels, reference, beta))
    if second is not None:
        values |= compare_passes(labels, reference).values()
    output.say_json(values)


def _against_own_truth(project: Path, beta: float) -> dict[str, object]:
    """Measures of a project's clusters against the true classes that it was told.

    Raises:
        InputError: If it was told none.
    """
    from dclust_gui.services.truth import evaluate_truth, true_classes

    session = open_session(project, read_only=True)
    try:
        known = session.truth()
        if known is None:
            raise InputError(
                f"'{project.name}' knows no true classes.",
                "",
                "Give --truth, or import them: dclust import PROJECT FILE --as truth.",
            )
        return evaluate_truth(session.clustering, true_classes(known, session.images), beta)
    finally:
        session.close()

"""`dclust cluster`: from folders to clusters, labels, a report, a folder per cluster."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.exporting import parse_choice, run_plan, say_result
from dclust_gui.cli.running import (
    check_can_write,
    check_folders,
    close_or_discard,
    interruptible,
    open_or_create,
    parse_k,
    parse_parameters,
)
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.images import ImageStatus, display_path
from dclust_gui.domain.runs import Quality, RunSettings, Sizes
from dclust_gui.engine.grouping import LARGEST_SEED
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from dclust_gui.cli.output import ProgressView
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.engine.tuning_plan import TuningEstimate
    from dclust_gui.services.export import ExportResult
    from dclust_gui.services.export_plan import ExportPlan
    from dclust_gui.services.runs import Outcome


ASKED_FROM_S = 60.0
"""Shorter trainings are begun without a question."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Where results go; None for nowhere."""

    project: Path | None = None
    truth: str | None = None
    beta: float = 1.0
    labels: Path | None = None
    report: Path | None = None
    export: Path | None = None
    mode: str = "copy"


def cluster(
    folders: Annotated[list[Path], typer.Argument(help="Folders of images.")],
    project: Annotated[
        Path | None, typer.Option(help="Project file to keep the result in.")
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="timm model, NAME=FILE, a weights file, or tuned:NAME.")
    ] = "efficientnet-lite0",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    batch: Annotated[int, typer.Option(min=0, help="Images per step; 0 chooses.")] = 0,
    scale: Annotated[
        str, typer.Option(help="none, l2, centre-l2, standard or minmax.")
    ] = "centre-l2",
    reduce: Annotated[str, typer.Option(help="Reduction before clustering.")] = "auto",
    head: Annotated[
        str, typer.Option(help="Head that learns first; see 'dclust methods'.")
    ] = "none",
    finetune: Annotated[
        str, typer.Option(help="none, dec or dcn: train the backbone's last block first.")
    ] = "none",
    algorithm: Annotated[str, typer.Option(help="See 'dclust methods'.")] = "auto",
    k: Annotated[str, typer.Option("--k", help="Number of clusters, or auto.")] = "auto",
    linkage: Annotated[str, typer.Option(help="ward, average, complete or single.")] = "ward",
    metric: Annotated[str, typer.Option(help="Distance; see 'dclust methods'.")] = "euclidean",
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="For everything random.")] = 0,
    param: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of the method, head.NAME=VALUE, finetune.NAME=VALUE."),
    ] = None,
    truth: Annotated[str | None, typer.Option(help="'folders' or a CSV of path,label.")] = None,
    quality: Annotated[
        Quality, typer.Option(help="best: several views of each image, reading takes longer.")
    ] = Quality.FAST,
    sizes: Annotated[
        Sizes, typer.Option(help="Groups of similar size, of uneven size, or not known: auto.")
    ] = Sizes.AUTO,
    time_weight: Annotated[
        float,
        typer.Option(help="Mix of content and capture time: 0 content only, 1 time only."),
    ] = 0.0,
    beta: Annotated[float, typer.Option(help="Weight of recall in F-beta.")] = 1.0,
    labels: Annotated[Path | None, typer.Option(help="Write the labels as CSV.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report as JSON.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Copy images to a folder per cluster.")
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            help="How files get into the export: copy, move, hardlink, symlink or reflink."
        ),
    ] = "copy",
    yes: Annotated[
        bool, typer.Option("--yes", help="Begin a long training without asking.")
    ] = False,
) -> None:
    """Turn folders of images into clusters; originals are never written to."""
    settings = RunSettings(
        backbone=backbone,
        scale=scale,
        reduce=reduce,
        head=head,
        finetune=finetune,
        algorithm=algorithm,
        k=parse_k(k),
        linkage=linkage,
        metric=metric,
        seed=seed,
        parameters=parse_parameters(param or []),
        quality=quality.value,
        sizes=sizes.value,
        time_weight=time_weight,
    )
    request = RunRequest(check_folders(folders), settings, device, batch)
    targets = Targets(project, truth, beta, labels, report, export, mode)
    run_and_write(request, targets, is_agreed=yes)


def run_and_write(request: RunRequest, targets: Targets, *, is_agreed: bool = False) -> None:
    """Do the run and write what was asked for.

    Args:
        request: The run.
        targets: Where results go.
        is_agreed: Do not ask before a long training.
    """
    _check(request, targets)
    with output.quiet_libraries(), interruptible() as token, output.ProgressView() as view:
        try:
            outcome = _run(request, targets, view, token, is_agreed=is_agreed)
        except KnownError:
            view.say_skipped()
            raise
        external = _external(outcome, targets)
        _write(outcome, targets, external)
        exported = _export(outcome, targets, view, token)
    _summarise(outcome, targets, external, view)
    if exported is not None:
        say_result(*exported)


def _check(request: RunRequest, targets: Targets) -> None:
    """Find out before a long run what would fail after it."""
    from dclust_gui.services.evaluation import FOLDERS, check_beta, read_truth
    from dclust_gui.services.export_plan import ExportMode, check_target

    check_can_write(targets.labels, "The labels")
    check_can_write(targets.report, "The report")
    mode = parse_choice(targets.mode, ExportMode, "mode")
    if targets.export is not None:
        check_target(targets.export, request.folders, mode)
    check_beta(targets.beta)
    if targets.truth is not None and targets.truth != FOLDERS:
        read_truth(Path(targets.truth))


def _run(
    request: RunRequest,
    targets: Targets,
    view: ProgressView,
    token: CancelToken,
    *,
    is_agreed: bool,
) -> Outcome:
    from dclust_gui.services.runs import run_in_project, run_on_folders
    from dclust_gui.services.workspace import Workspace

    with Workspace() as workspace:
        workspace.engine.check(request)
        if not is_agreed and sys.stdin.isatty():
            workspace.engine.approve_training = partial(_approve, view)
        if targets.project is None:
            return run_on_folders(workspace.engine, request, view, token)
        is_new = not targets.project.exists()
        session = open_or_create(targets.project, request.folders)
        try:
            return run_in_project(session, workspace.engine, request, view, token)
        finally:
            close_or_discard(session, is_new=is_new)


def _approve(view: ProgressView, estimate: TuningEstimate) -> bool:
    """Ask before the processor trains for long; the estimate has been told already."""
    return estimate.seconds < ASKED_FROM_S or view.ask("Go on? (--yes does not ask)")


def _external(outcome: Outcome, targets: Targets) -> dict[str, float] | None:
    from dclust_gui.services.evaluation import evaluate, labels_of_rows, truth_for

    if targets.truth is None:
        return None
    found = labels_of_rows(outcome.rows())
    several = len(outcome.roots) > 1
    return evaluate(found, truth_for(found, targets.truth, several_roots=several), targets.beta)


def _write(outcome: Outcome, targets: Targets, external: dict[str, float] | None) -> None:
    from dclust_gui.services.labels_table import write_labels
    from dclust_gui.services.outputs import write_output
    from dclust_gui.services.report import report_text

    rows = outcome.rows()
    if targets.labels is not None:
        write_labels(targets.labels, rows)
    if targets.report is not None:
        text = report_text(outcome.result, external, rows)
        write_output(targets.report, text + "\n", "the report")


def _export(
    outcome: Outcome, targets: Targets, view: ProgressView, token: CancelToken
) -> tuple[ExportPlan, ExportResult] | None:
    from dclust_gui.services.export_plan import (
        ExportMode,
        ExportRequest,
        export_items,
        plan_export,
    )

    if targets.export is None:
        return None
    mode = parse_choice(targets.mode, ExportMode, "mode")
    items = export_items(outcome.records, outcome.clustering)
    request = ExportRequest(targets.export, mode, project=targets.project)
    plan = plan_export(items, outcome.roots, request)
    result = None
    try:
        result = run_plan(plan, view, token)
    finally:
        if targets.project is not None and mode is ExportMode.MOVE:
            _follow(targets.project, targets.export, result)
    return plan, result


def _follow(project: Path, target: Path, result: ExportResult | None) -> None:
    """Let the project follow its files, also when the move was interrupted."""
    from dclust_gui.services.export_follow import follow_export

    session = open_or_create(project, [])
    try:
        follow_export(session, target, None if result is None else result.places)
    finally:
        session.close()


def _say_left_out(outcome: Outcome) -> None:
    """Tell of entries of the folders that could not even be opened."""
    left_out = outcome.result.ingest.scan.skipped
    if left_out:
        noun = "link or special file" if len(left_out) == 1 else "links or special files"
        shown = display_path(left_out[0].relative)
        output.say(f"{len(left_out):,} {noun} left out: {shown}: {left_out[0].reason}")


def _say_unused_k(settings: RunSettings, found: int) -> None:
    """Say that a method took no notice of the number of clusters that was asked for."""
    from dclust_gui.algorithms.registry import method

    if settings.algorithm == "auto" or settings.k in (0, found):
        return  # a head that finds the number says so itself
    chosen = method(settings.algorithm)
    if chosen.needs_k:
        return
    output.say(
        f"{chosen.title} finds the number of clusters by itself: {found:,}, not the"
        f" {settings.k:,} that were asked for."
    )


def _summarise(
    outcome: Outcome, targets: Targets, external: dict[str, float] | None, view: ProgressView
) -> None:
    """What the user wants to know at the end."""
    result = outcome.result
    counts = outcome.clustering.counts()
    unassigned = counts.pop(UNASSIGNED) - sum(
        label == UNASSIGNED and (r.is_missing or r.facts.status is ImageStatus.UNREADABLE)
        for label, r in zip(outcome.clustering.labels.tolist(), outcome.records, strict=True)
    )
    view.say_skipped()
    _say_left_out(outcome)
    rows = [
        (outcome.clustering.clusters[key].title, f"{count:,}")
        for key, count in sorted(counts.items(), key=lambda pair: -pair[1])
    ]
    output.say_table(
        ("Cluster", "Images"), [*rows, *([("Unassigned", f"{unassigned:,}")] * bool(unassigned))]
    )
    _say_unused_k(result.settings, len(counts))
    if result.tuning is not None and result.tuning.name:
        facts = result.tuning
        output.say(
            f"Trained backbone: {facts.name} (agreement with the neighbours in the frozen features"
            f" {facts.agreement_start:.2f} before, {facts.agreement:.2f} after)."
            f" Use it again with --backbone {facts.name}."
        )
    ingest = result.ingest
    output.say(
        f"{count_of(len(result.rows))} in {count_of(len(counts), 'cluster')} in "
        f"{output.duration(result.seconds)} ({ingest.decoded:,} decoded, {ingest.embedded:,} "
        f"embedded, {ingest.cached:,} from the cache)."
    )
    if outcome.changes:
        output.say(f"Since the last step: {outcome.changes}")
    if external is not None:
        output.say("Against the true labels:")
        output.say_measures(external)
    for what, path in (
        ("Project", targets.project),
        ("Labels", targets.labels),
        ("Report", targets.report),
    ):
        if path is not None:
            output.say(f"{what}: {path}")

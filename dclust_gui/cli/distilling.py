"""`dclust distil` keeps what a clustering knows as a small model; `dclust classify` uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.exporting import run_plan, say_result
from dclust_gui.cli.running import check_can_write, check_folders, interruptible
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.images import ImageStatus, display_path

if TYPE_CHECKING:
    from dclust_gui.algorithms.student.files import TaughtStudent
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.classifying import Classified
    from dclust_gui.services.export import ExportResult
    from dclust_gui.services.export_plan import ExportPlan

_KINDS = ("mlp", "linear")


def distil(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    out: Annotated[Path, typer.Argument(help="Model to write: OUT.pt, or OUT.onnx.")],
    kind: Annotated[str, typer.Option(help="mlp (one hidden layer) or linear.")] = "mlp",
    precision: Annotated[
        float,
        typer.Option(
            min=0.5,
            max=0.999,
            help="Share of what it sorts that shall be right; the rest is left Unassigned.",
        ),
    ] = 0.95,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="For everything random.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Teach a small classifier the project's clusters, so that it can sort tomorrow's images.

    What you placed or approved by hand counts five times as much. Its quality is measured on
    images that it has not seen (5 folds). 'dclust classify' uses the model.
    """
    from dclust_gui.services.distilling import DistilJob, Lesson, check_model_path, save_student
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.workspace import Workspace

    if kind not in _KINDS:
        raise typer.BadParameter(f"there is no kind '{kind}'; choose one of: {', '.join(_KINDS)}")
    check_model_path(out)
    check_can_write(out, "The model")
    session = open_project(project, read_only=True)
    try:
        snapshot = snapshot_of(session)
    finally:
        session.close()
    with (
        output.quiet_libraries(),
        Workspace() as workspace,
        interruptible() as token,
        output.ProgressView() as view,
    ):
        job = DistilJob(
            workspace.engine, snapshot, project.stem, Lesson(kind, precision, seed=seed)
        )
        taught = job.run(ignore_events if as_json else view, token)
        note = save_student(workspace.engine, taught, out)
    if as_json:
        output.say_json(_student_facts(taught, out, note))
    else:
        _say_student(taught, out)
        if note:
            output.say(note)


def classify(
    model: Annotated[Path, typer.Argument(help="Model of 'dclust distil'.")],
    folders: Annotated[list[Path], typer.Argument(help="Folders of images.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "--labels", help="Write the labels: .csv, or .json with reasons."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Copy images to a folder per cluster, unsure ones to Unassigned."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Least confidence, 0 to 1; the model's own if left out."),
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="Where the model's backbone is: a name, NAME=FILE, or a file.")
    ] = "",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Sort new images into a model's clusters; images it is not sure of are left Unassigned.

    Originals are never written to.
    """
    from dclust_gui.algorithms.student.files import read_student
    from dclust_gui.services.classifying import check_threshold, classify_folders, request_for
    from dclust_gui.services.export_plan import check_target
    from dclust_gui.services.workspace import Workspace

    roots = check_folders(folders)
    check_threshold(threshold)
    check_can_write(out, "The labels")
    if export is not None:
        check_target(export, roots)
    exported = None
    with output.quiet_libraries(), interruptible() as token, output.ProgressView() as view:
        taught = read_student(model)
        request = request_for(taught, roots, device, backbone)
        with Workspace() as workspace:
            sink = ignore_events if as_json else view
            found = classify_folders(workspace.engine, taught, request, sink, token, threshold)
        _write(found, out)
        if export is not None:
            exported = _export(found, export, ignore_events if as_json else view, token)
    if as_json:
        output.say_json(_facts(found))
    else:
        view.say_skipped()
        _say_found(found, out)
    if exported is not None and not as_json:
        say_result(*exported)


# -- distil --------------------------------------------------------------------------------


def _say_student(taught: TaughtStudent, out: Path) -> None:
    """What a student has learnt, for people."""
    from dclust_gui.services.teaching import left_out_words

    student, facts = taught.student, taught.facts
    clusters = count_of(len(facts.clusters), "cluster")
    output.say(f"Taught {clusters} by {count_of(facts.n_images)}: {out}")
    if student.accuracy_ == student.accuracy_:
        output.say(
            f"On images it had not seen ({student.n_folds_} folds) it agrees with the clusters in"
            f" {student.accuracy_:.1%}; calibration error {student.calibration_error_:.1%}."
        )
    if facts.n_edited and student.edited_accuracy_ == student.edited_accuracy_:
        output.say(
            f"On {count_of(facts.n_edited)} that you placed or approved: "
            f"{student.edited_accuracy_:.1%}."
        )
    if student.note_:
        output.say(student.note_)
    else:
        output.say(
            f"It sorts what it is at least {student.threshold_:.1%} sure of: about"
            f" {student.sorted_share_:.0%} of such images, {student.sorted_accuracy_:.1%} of"
            " them rightly."
        )
    for sentence in left_out_words(facts.left_out):
        output.say(sentence)


def _student_facts(taught: TaughtStudent, out: Path, file_note: str) -> dict[str, object]:
    """What a student has learnt, for programs."""
    student, facts = taught.student, taught.facts
    return {
        "model": str(out),
        "kind": student.kind,
        "backbone": {"name": facts.backbone, "fingerprint": facts.fingerprint},
        "images": facts.n_images,
        "edited": facts.n_edited,
        "taught": student.n_taught_,
        "folds": student.n_folds_,
        "accuracy": _known(student.accuracy_),
        "edited_accuracy": _known(student.edited_accuracy_),
        "calibration_error": _known(student.calibration_error_),
        "temperature": student.temperature_,
        "threshold": student.threshold_,
        "sorted_share": _known(student.sorted_share_),
        "sorted_accuracy": _known(student.sorted_accuracy_),
        "clusters": [{"cluster": c.id, "name": c.name, "images": c.images} for c in facts.clusters],
        "left_out": list(facts.left_out),
        "note": student.note_,
        "file_note": file_note,
    }


def _known(value: float) -> float | None:
    return round(float(value), 4) if value == value else None


# -- classify ------------------------------------------------------------------------------


def _write(found: Classified, out: Path | None) -> None:
    from dclust_gui.services.labels_table import write_labels
    from dclust_gui.services.outputs import write_output

    if out is None:
        return
    if out.suffix.lower() == ".json":
        text = json.dumps(_facts(found), ensure_ascii=False, indent=1)
        write_output(out, text + "\n", "the labels")
    else:
        write_labels(out, found.rows())


def _export(
    found: Classified, target: Path, sink: EventSink, token: CancelToken
) -> tuple[ExportPlan, ExportResult]:
    from dclust_gui.services.export_plan import ExportRequest, export_items, plan_export

    items = export_items(found.records, found.clustering)
    plan = plan_export(items, found.roots, ExportRequest(target), token)
    return plan, run_plan(plan, sink, token)


def _say_found(found: Classified, out: Path | None) -> None:
    """Where the images went, for people."""
    from dclust_gui.services.classifying import Doubt

    counts = found.clustering.counts()
    unreadable = sum(r.facts.status is ImageStatus.UNREADABLE for r in found.records)
    unassigned = counts.pop(UNASSIGNED) - unreadable
    table = found.clustering.clusters
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    rows = [(table[key].title, f"{count:,}") for key, count in ranked]
    output.say_table(("Cluster", "Images"), [*rows, ("Unassigned", f"{unassigned:,}")])
    unsure, unlike = (found.doubts.count(d) for d in (Doubt.UNSURE, Doubt.UNLIKE))
    least = f"less than {found.threshold:.0%} sure" if found.threshold <= 1 else "not sure"
    output.say(
        f"{count_of(sum(counts.values()))} sorted; {unassigned:,} left Unassigned:"
        f" {unsure:,} {least}, {unlike:,} unlike every cluster."
    )
    if out is not None:
        output.say(f"Labels: {out}")


def _facts(found: Classified) -> dict[str, object]:
    """Where the images went, for programs."""
    from dclust_gui.services.labels_table import root_prefixes

    prefixes = root_prefixes(found.roots)
    table = found.clustering.clusters
    rows = []
    for image, record in enumerate(found.records):
        label = int(found.clustering.labels[image])
        likeliest = table.get(int(found.suggestion[image]))
        is_read = record.facts.status is not ImageStatus.UNREADABLE
        confidence = float(found.confidence[image])
        rows.append(
            {
                "path": prefixes[record.root] + display_path(record.relative),
                "cluster": label if is_read else None,
                "name": table[label].title if label in table else "Unassigned" if is_read else "",
                "confidence": round(confidence, 4) if is_read else None,
                "suggestion": None if likeliest is None else likeliest.title,
                "why": found.doubts[image].words,
                "status": record.facts.status.value,
            }
        )
    rows.sort(key=lambda row: str(row["path"]))
    return {
        "threshold": round(found.threshold, 4),
        "sorted": int((found.clustering.labels != UNASSIGNED).sum()),
        "embedded": found.ingest.embedded,
        "cached": found.ingest.cached,
        "images": rows,
    }

"""The command `outliers`: images that fit nowhere, and setting them aside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dclust_gui.cli import output
from dclust_gui.cli.running import interruptible
from dclust_gui.domain.edits import count_of
from dclust_gui.services.outliers import Measure

if TYPE_CHECKING:
    from dclust_gui.services.outliers import OutlierReport, Outside
    from dclust_gui.services.session import ProjectSession


def outliers(
    project: Annotated[Path, typer.Argument(help="Project file.")],
    by: Annotated[
        Measure, typer.Option("--by", help="What says how far an image lies outside.")
    ] = Measure.RECONSTRUCTION,
    deviations: Annotated[
        float | None,
        typer.Option(
            help="Robust standard deviations above the median; if left out 3, by confidence what"
            " 5 % likely in its cluster comes to."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="The value itself in place of --deviations; by confidence the least probability."
        ),
    ] = None,
    per_cluster: Annotated[
        bool, typer.Option("--per-cluster", help="Compare with the image's own cluster.")
    ] = False,
    cluster: Annotated[str, typer.Option(help="Only this cluster: its id or name.")] = "",
    apply: Annotated[
        bool, typer.Option("--apply", help="Set them aside: move them to Unassigned, one step.")
    ] = False,
    n: Annotated[int, typer.Option("-n", help="How many to list at most.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, all images.")] = False,
) -> None:
    """List the images that lie outside; the farthest first. No file is ever touched.

    Images that you placed or approved, and those of pinned clusters, always stay.
    """
    if threshold is not None and (deviations is not None or per_cluster):
        raise typer.BadParameter("--threshold goes with neither --deviations nor --per-cluster")
    from dclust_gui.services.opening import open_project
    from dclust_gui.services.outliers import (
        beyond,
        deviations_at,
        measure_outliers,
        set_aside,
        usual_deviations,
    )
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.snapshot import snapshot_of
    from dclust_gui.services.workspace import Workspace
    from dclust_gui.storage.project import ProjectStore

    if apply:
        session = ProjectSession(ProjectStore.open(project))
    else:
        session = open_project(project, read_only=True)
    try:
        state = session.clustering
        only = None if not cluster else _cluster_id(session, cluster)
        with output.quiet_libraries(), Workspace() as workspace, interruptible() as token:
            service = SimilarService(workspace.engine)
            arrays = workspace.stores.arrays
            report = measure_outliers(service, arrays, snapshot_of(session), by, token)
        limit = deviations
        if limit is None:
            limit = usual_deviations(report, per_cluster=per_cluster)
        if threshold is not None:
            limit = deviations_at(report, threshold)
        found = beyond(report, state, limit, per_cluster=per_cluster, cluster=only)
        n_aside = 0
        if apply:
            edit = set_aside(state, found.images, by)
            if edit is not None:
                session.apply(edit)
                n_aside = len(edit.images)
        rows = _rows(session, report, found)
    finally:
        session.close()
    if as_json:
        output.say_json(_json(report, found, limit, rows, n_aside))
        return
    _say(report, found, rows[:n], apply=apply, n_aside=n_aside)


def _cluster_id(session: ProjectSession, text: str) -> int:
    from dclust_gui.services.editing.naming import cluster_called

    return cluster_called(session.clustering, text).id


def _rows(
    session: ProjectSession, report: OutlierReport, found: Outside
) -> list[tuple[str, str, float]]:
    """Path, title of the cluster when measured, and value of each image."""
    from dclust_gui.domain.images import display_path
    from dclust_gui.services.labels_table import root_prefixes

    prefixes = root_prefixes(session.roots)
    table = session.clustering.clusters
    rows = []
    for image in found.images.tolist():
        record = session.images[image]
        label = int(report.labels[image])
        title = table[label].title if label in table else "Unassigned"
        path = prefixes[record.root] + display_path(record.relative)
        rows.append((path, title, float(report.values[image])))
    return rows


def _json(
    report: OutlierReport,
    found: Outside,
    deviations: float,
    rows: list[tuple[str, str, float]],
    n_aside: int,
) -> dict[str, object]:
    """Everything, for programs; probabilities in place of log-odds."""
    from math import isfinite

    return {
        "by": report.measure.value,
        "about": report.about,
        "deviations": round(deviations, 6),
        "threshold": _told(report, found.threshold) if isfinite(found.threshold) else None,
        "images": [
            {"path": path, "cluster": title, "value": _told(report, value)}
            for path, title, value in rows
        ],
        "kept": len(found.kept),
        "unassigned": found.n_unassigned,
        "unknown": found.n_unknown,
        "set_aside": n_aside,
    }


def _told(report: OutlierReport, value: float) -> float:
    from dclust_gui.services.outliers import probability

    return round(probability(value) if report.measure is Measure.CONFIDENCE else value, 6)


def _say(
    report: OutlierReport,
    found: Outside,
    rows: list[tuple[str, str, float]],
    *,
    apply: bool,
    n_aside: int,
) -> None:
    from math import isfinite

    output.say(f"{report.measure.words}: {report.about}")
    if rows:
        shown = [(path, title, report.text(value)) for path, title, value in rows]
        output.say_table(("Image", "Cluster", "Value"), shown)
    if len(found.images) > len(rows):
        more = len(found.images) - len(rows)
        output.say(f"{more:,} more; list them with -n {len(found.images)}.")
    word = "less than" if report.measure is Measure.CONFIDENCE else "beyond"
    limit = f" ({word} {report.text(found.threshold)})" if isfinite(found.threshold) else ""
    if apply:
        output.say(f"Set aside {count_of(n_aside)}{limit}.")
    else:
        verb = "lies" if len(found.images) == 1 else "lie"
        output.say(f"{count_of(len(found.images))} {verb} outside{limit}.")
    if found.text():
        output.say(found.text())

"""The report of a run: a fixed set of names and numbers, as JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from dclust_gui import __version__
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.images import CompanionKind, ImageStatus, display_path
from dclust_gui.services.labels_table import root_prefixes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dclust_gui.engine.requests import ClusterResult, IngestResult, RunResult
    from dclust_gui.services.labels_table import LabelRow

_STAGES = ("scan", "decode", "features", "reduce", "head", "cluster", "tree")

Json = dict[str, object]


def report_values(
    result: RunResult,
    external: Mapping[str, float] | None = None,
    rows: Sequence[LabelRow] | None = None,
) -> Json:
    """The report of a run.

    Args:
        result: The run.
        external: Measures against true labels by name, where there are any.
        rows: The labels table after the run, where hand-placed images of a project make it
            differ from the run's own labels; its clusters are counted then.

    Returns:
        What `--report` writes. `images` counts the rows of the labels table, so both files of a
        RAW+JPEG pair; `unreadable` and `unassigned` count likewise. Timings are wall seconds.
    """
    ingest, clusters = result.ingest, result.clusters
    prefixes = root_prefixes(ingest.scan.roots)
    weights = [_n_rows(ingest, i) for i in range(len(ingest.contents))]
    unread = [i for i, f in enumerate(ingest.facts) if f.status is ImageStatus.UNREADABLE]
    listed = [s for s in ingest.scan.skipped if s.is_image]
    skipped: list[Json] = [
        {"path": prefixes[u.root] + display_path(u.relative), "reason": ingest.facts[i].reason}
        for i, u in ((i, ingest.scan.units[i]) for i in unread)
    ]
    skipped += [
        {"path": prefixes[s.root] + display_path(s.relative), "reason": s.reason}
        for s in ingest.scan.skipped
    ]
    timings = {**ingest.timings, **clusters.timings}
    n_read = len(ingest.contents) - len(unread)
    values: Json = {
        "version": __version__,
        "images": sum(weights) + len(listed),
        "unreadable": sum(weights[i] for i in unread) + len(listed),
        "clusters": len({v for v in clusters.labels.tolist() if v >= 0}),
        "unassigned": sum(
            weights[i]
            for i, v in zip(result.rows.tolist(), clusters.labels.tolist(), strict=True)
            if v < 0
        ),
        "seed": result.settings.seed,
        "device": ingest.device,
        "cached": ingest.cached,
        "decoded": ingest.decoded,
        "embedded": ingest.embedded,
        "skipped": skipped,
        "ignored": dict(ingest.scan.ignored),
        "backbone": {
            "name": ingest.backbone.name,
            "fingerprint": ingest.backbone.fingerprint,
            "dims": ingest.backbone.dims,
        },
        "k_candidates": _candidates(clusters),
        **_evidence(clusters),
        "timings": {name: round(timings.get(name, 0.0), 3) for name in _STAGES}
        | {"total": round(result.seconds, 3)},
        "rates": {"images_per_s": round(n_read / result.seconds, 2) if result.seconds else 0.0},
        "peak_rss_mb": round(result.peak_rss_mb, 1),
        "internal": {"space": clusters.space}
        | {name: round(value, 6) for name, value in clusters.internal.items()},
        **_time(result),
        **_trust(clusters),
        **_head(result),
        **_finetune(result),
    }
    if rows is not None:
        values["clusters"] = len({r.cluster for r in rows if r.cluster is not None} - {UNASSIGNED})
        values["unassigned"] = sum(r.cluster == UNASSIGNED for r in rows)
    if external is not None:
        values["external"] = {name: _number(value, 6) for name, value in external.items()}
    return values


def report_text(
    result: RunResult,
    external: Mapping[str, float] | None = None,
    rows: Sequence[LabelRow] | None = None,
) -> str:
    """The report as JSON text; see `report_values`."""
    values = report_values(result, external, rows)
    return json.dumps(values, ensure_ascii=False, indent=1, allow_nan=False)


def _candidates(clusters: ClusterResult) -> list[Json]:
    """Numbers of clusters with their evidence; those of a short list say why they are there."""
    values: list[Json] = [{"k": k, "silhouette": _number(s, 4)} for k, s in clusters.k_candidates]
    if clusters.shortlist is not None:
        listed = {found.k: found for found in clusters.shortlist.candidates}
        for value in values:
            found = listed.get(int(str(value["k"])))
            if found is not None:
                value["level"], value["reason"] = str(found.level), found.reason
                value["preselected"] = found.k == clusters.shortlist.preselected
                value["tree_silhouette"] = _number(found.tree_silhouette, 4)
    return values


def _evidence(clusters: ClusterResult) -> Json:
    """What a short list rests on; nothing where there is none."""
    if clusters.shortlist is None or not clusters.shortlist.evidence.ks:
        return {}
    found = clusters.shortlist.evidence
    curves = {
        "silhouette": found.silhouette,
        "gap": found.gap,
        "gap_error": found.gap_error,
        "davies_bouldin": found.davies_bouldin,
    }
    values: Json = {"ks": list(found.ks)}
    values |= {name: [_number(v, 5) for v in curve] for name, curve in curves.items()}
    values |= {"eigengap": found.eigengap, "first_neighbour": list(found.first_neighbour)}
    values |= {"density": found.density, "n_sampled": found.n_sampled}
    return {"k_evidence": values}


def _time(result: RunResult) -> Json:
    """How much the capture time counted, and which images had none; nothing where it did not."""
    weight = result.settings.time_weight
    if not weight:
        return {}
    facts = result.ingest.facts
    without = sum(not facts[i].taken_at for i in result.rows.tolist())
    return {"time": {"weight": weight, "images_without": without}}


def _trust(clusters: ClusterResult) -> Json:
    """How far the clusters can be trusted, in numbers and words; nothing where it is unknown."""
    found = clusters.structure
    if found is None:
        return {}
    values: Json = {
        "agreement": _number(found.agreement, 4),
        "chance": _number(found.chance, 4),
        "copies": _number(found.copies, 4),
        "notes": list(found.notes()),
    }
    return {"trust": values}


def _head(result: RunResult) -> Json:
    """How the training of a head went; nothing without one."""
    found = result.clusters.head
    if found is None:
        return {}
    values: Json = {
        "name": found.name,
        "clusters": found.n_clusters,
        "steps": found.steps,
        "losses": {name: _number(value, 6) for name, value in found.losses.items()},
        "note": found.note,
        "collapsed": found.collapsed,
        "stopped_early": found.stopped_early,
        "start": {
            "agreement": _number(found.start_agreement, 6),
            "nmi": _number(found.start_nmi, 6),
            "silhouette": _number(found.quality_start, 6),
        },
        "silhouette": _number(found.quality_end, 6),
        "model": found.model,
    }
    if math.isfinite(found.threshold):
        values["error_threshold"] = _number(found.threshold, 6)
    if found.prototypes:
        values["prototypes"] = _prototypes(result, found.prototypes)
    return {"head": values}


def _prototypes(result: RunResult, rows: Sequence[int]) -> list[Json]:
    """Typical images of each of the run's clusters: rows of its features, and files."""
    prefixes, units = root_prefixes(result.ingest.scan.roots), result.ingest.scan.units
    found: dict[int, list[int]] = {}
    for row in rows:
        found.setdefault(int(result.clusters.labels[row]), []).append(row)

    def path(row: int) -> str:
        unit = units[int(result.rows[row])]
        return prefixes[unit.root] + display_path(unit.relative)

    return [
        {"cluster": cluster, "rows": own, "images": [path(row) for row in own]}
        for cluster, own in sorted(found.items())
    ]


def _finetune(result: RunResult) -> Json:
    """How the backbone was trained; nothing where it was not."""
    found = result.tuning
    if found is None:
        return {}
    values: Json = {
        "method": found.method,
        "base": found.base,
        "backbone": found.name,
        "blocks": list(found.blocks),
        "images": found.images,
        "views": found.views,
        "epochs": found.epochs,
        "steps": found.steps,
        "best_step": found.best_step,
        "agreement": {
            "start": _number(found.agreement_start, 4),
            "end": _number(found.agreement, 4),
        },
        "seconds": _number(found.seconds, 2),
        "estimated_s": _number(found.estimated_s, 1),
        "device": found.device,
        "note": found.note,
        "refused": found.is_refused,
    }
    return {"finetune": values}


def _number(value: float, digits: int) -> float | None:
    """A number as JSON has them; None where it is not defined."""
    return round(value, digits) if math.isfinite(value) else None


def _n_rows(ingest: IngestResult, unit: int) -> int:
    """Rows of a unit in the labels table: its leading file and its RAW or JPEG companions."""
    companions = ingest.scan.units[unit].companions
    return 1 + sum(c.kind is CompanionKind.IMAGE for c in companions)

"""The report of a run: a fixed set of names and numbers, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dclust_gui import __version__
from dclust_gui.domain.images import CompanionKind, ImageStatus, display_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.engine.requests import IngestResult, RunResult

_STAGES = ("scan", "decode", "features", "reduce", "head", "cluster", "tree")

Json = dict[str, object]


def report_values(result: RunResult, external: Mapping[str, float] | None = None) -> Json:
    """The report of a run.

    Args:
        result: The run.
        external: Measures against true labels by name, where there are any.

    Returns:
        What `--report` writes. `images` counts the rows of the labels table, so both files of a
        RAW+JPEG pair; `unreadable` and `unassigned` count likewise. Timings are wall seconds.
    """
    ingest, clusters = result.ingest, result.clusters
    weights = [_n_rows(ingest, i) for i in range(len(ingest.contents))]
    unread = [i for i, f in enumerate(ingest.facts) if f.status is ImageStatus.UNREADABLE]
    listed = [s for s in ingest.scan.skipped if s.is_image]
    skipped: list[Json] = [
        {"path": display_path(ingest.scan.units[i].relative), "reason": ingest.facts[i].reason}
        for i in unread
    ]
    skipped += [{"path": display_path(s.relative), "reason": s.reason} for s in ingest.scan.skipped]
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
        "k_candidates": [{"k": k, "silhouette": round(s, 4)} for k, s in clusters.k_candidates],
        "timings": {name: round(timings.get(name, 0.0), 3) for name in _STAGES}
        | {"total": round(result.seconds, 3)},
        "rates": {"images_per_s": round(n_read / result.seconds, 2) if result.seconds else 0.0},
        "peak_rss_mb": round(result.peak_rss_mb, 1),
        "internal": {"space": clusters.space}
        | {name: round(value, 6) for name, value in clusters.internal.items()},
    }
    if external is not None:
        values["external"] = {name: round(value, 6) for name, value in external.items()}
    return values


def report_text(result: RunResult, external: Mapping[str, float] | None = None) -> str:
    """The report as JSON text."""
    return json.dumps(report_values(result, external), ensure_ascii=False, indent=1)


def _n_rows(ingest: IngestResult, unit: int) -> int:
    """Rows of a unit in the labels table: its leading file and its RAW or JPEG companions."""
    companions = ingest.scan.units[unit].companions
    return 1 + sum(c.kind is CompanionKind.IMAGE for c in companions)

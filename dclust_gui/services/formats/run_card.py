"""The run card: how the clusters came to be, as a methods paragraph and in numbers."""

from __future__ import annotations

import json
import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui import __version__
from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.edits import EditKind, count_of
from dclust_gui.domain.runs import NO_HEAD
from dclust_gui.services.formats.images import is_readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dclust_gui.domain.history import History, Step
    from dclust_gui.domain.runs import Run
    from dclust_gui.services.snapshot import Snapshot

PACKAGES = ("torch", "timm", "scikit-learn", "scipy", "numpy", "Pillow")
"""Libraries whose versions can change a result."""

_METHODS = {
    "kmeans": "k-means (Lloyd 1982; starts of Arthur and Vassilvitskii 2007)",
    "minibatch-kmeans": "mini-batch k-means (Sculley 2010)",
    "spherical-kmeans": "spherical k-means (Dhillon and Modha 2001)",
    "agglomerative": "agglomerative clustering",
    "meanshift": "MeanShift (Comaniciu and Meer 2002)",
    "dbscan": "DBSCAN (Ester et al. 1996)",
    "hdbscan": "HDBSCAN (Campello et al. 2013)",
    "gmm": "a Gaussian mixture",
    "spectral": "spectral clustering (Ng et al. 2002)",
}
_REDUCTIONS = {
    "umap": "UMAP (McInnes et al. 2018)",
    "pca": "principal component analysis",
    "pca-whiten": "whitened principal component analysis",
    "tsne": "t-SNE (van der Maaten and Hinton 2008)",
}
_HEADS = {
    "ae": "an autoencoder",
    "n2d": "N2D (McConville et al. 2020)",
    "dec": "DEC (Xie et al. 2016)",
    "idec": "IDEC (Guo et al. 2017)",
    "dcn": "DCN (Yang et al. 2017)",
    "vade": "VaDE (Jiang et al. 2017)",
}
_EDITS = {
    EditKind.MOVE: "moved images",
    EditKind.NEW: "made a cluster",
    EditKind.MERGE: "merged clusters",
    EditKind.SPLIT: "split a cluster",
    EditKind.RENAME: "named a cluster",
    EditKind.MARK: "marked a cluster",
    EditKind.CUT: "cut the tree anew",
    EditKind.APPROVE: "approved images",
    EditKind.RECLUSTER: "accepted a proposal",
    EditKind.RUN: "accepted a run",
    EditKind.KEEP: "took over clusters of another run",
    EditKind.IMPORT: "imported labels",
    EditKind.BIND: "bound images as stacks",
    EditKind.UNBIND: "took stacks apart",
}


@dataclass(frozen=True, slots=True)
class _Counts:
    """How many of what."""

    images: int
    unreadable: int
    clusters: int
    unassigned: int
    moved: int
    approved: int
    reviewed: int


def run_card(title: str, created: str, snapshot: Snapshot, history: History) -> str:
    """How the present clusters came to be.

    Args:
        title: The project's name.
        created: ISO 8601 time of the card.
        snapshot: The project.
        history: Its decisions; only those in force count.

    Returns:
        Markdown: a paragraph for a methods section, settings, measures, decisions by user,
        versions.
    """
    counts = _count(snapshot)
    steps = history.steps[: history.position]
    parts = [f"# {_line(title)}: run card", "", "## Methods", "", _methods(snapshot, counts, steps)]
    if snapshot.run is not None:
        parts += ["", "## Run", "", *_run_rows(snapshot.run)]
        measures = _measures(snapshot.run)
        if measures:
            parts += ["", "## Measures of the run, before edits", "", *measures]
    parts += ["", "## Decisions", "", *_decisions(steps)]
    parts += ["", "## Software", "", *_table(_software())]
    parts += ["", f"Made {created}."]
    return "\n".join(parts) + "\n"


def _count(snapshot: Snapshot) -> _Counts:
    good = np.array([is_readable(record) for record in snapshot.images], bool)
    labels = snapshot.clustering.labels[good]
    flags = snapshot.clustering.flags[good]
    placed = flags & int(ImageFlag.HAND_PLACED) != 0
    used = set(np.unique(labels).tolist()) - {UNASSIGNED}
    return _Counts(
        len(labels),
        sum(not record.is_missing for record in snapshot.images) - len(labels),
        len(used),
        int(np.sum(labels == UNASSIGNED)),
        int(np.sum(placed)),
        int(np.sum((flags & int(ImageFlag.APPROVED) != 0) & ~placed)),
        sum(snapshot.clustering.clusters[key].is_reviewed for key in used),
    )


def _methods(snapshot: Snapshot, counts: _Counts, steps: Sequence[Step]) -> str:
    """The paragraph."""
    text = f"{count_of(counts.images)}"
    if counts.unreadable:
        text += f" ({counts.unreadable:,} more could not be read)"
    run = snapshot.run
    if run is None:
        text += f" were grouped by hand into {count_of(counts.clusters, 'cluster')}"
    else:
        text += f" were grouped with dclust {_said(run, 'version') or __version__}. {_how(run)}"
    text += ". " if not text.endswith(". ") else ""
    if counts.moved or counts.approved:
        text += (
            f"Of the images, {counts.moved:,} were placed by hand and {counts.approved:,} "
            "more approved by a person. "
        )
    people = len({step.user for step in steps if step.kind is not EditKind.RUN})
    if people:
        text += f"{'One person' if people == 1 else f'{people:,} people'} edited the result. "
    text += f"The result has {count_of(counts.clusters, 'cluster')}"
    if counts.reviewed:
        text += f", {counts.reviewed:,} of them reviewed"
    if counts.unassigned:
        text += f", and {count_of(counts.unassigned)} in no cluster"
    return text + "."


def _how(run: Run) -> str:
    """Features, reduction, head and method, in words."""
    settings = run.settings
    backbone = _value(run, "backbone")
    name, dims = backbone.get("name", settings.backbone), backbone.get("dims", "")
    width = f" ({dims} numbers an image)" if dims else ""
    text = f"Features{width} were taken from {name}, weights {run.backbone[:12]}"
    text += f", scaled by {settings.scale}" if settings.scale != "none" else ""
    if settings.time_weight:
        text += f", mixed with the capture times (weight {settings.time_weight:g})"
    if settings.head != NO_HEAD:
        text += f", and learnt further by {_HEADS.get(settings.head, settings.head)}"
    if settings.reduce not in ("none", ""):
        width = f" in {settings.dims} dimensions" if settings.dims else ""
        text += f", laid out by {_REDUCTIONS.get(settings.reduce, settings.reduce)}{width}"
    method = _METHODS.get(settings.algorithm, settings.algorithm)
    if settings.algorithm == "agglomerative":
        method += f" ({settings.linkage} linkage)"
    text += f", and grouped by {method}"
    text += f" into {settings.k} clusters" if settings.k else "; the number of clusters was found"
    return f"{text} (seed {settings.seed})"


def _run_rows(run: Run) -> list[str]:
    settings = run.settings
    rows = {
        "created": run.created,
        "images": f"{len(run.images):,}",
        "backbone": f"{_value(run, 'backbone').get('name', settings.backbone)}",
        "fingerprint of backbone": run.backbone,
        "quality": settings.quality,
        "scaling": settings.scale,
        "reduction": settings.reduce + (f", {settings.dims} dimensions" if settings.dims else ""),
        "head": settings.head,
        "algorithm": settings.algorithm,
        "k": str(settings.k) if settings.k else "found by the method",
        "linkage": settings.linkage,
        "metric": settings.metric,
        "seed": str(settings.seed),
    }
    rows |= {"weight of capture time": f"{settings.time_weight:g}"} if settings.time_weight else {}
    device = _said(run, "device")
    rows |= {"device": device} if device not in ("", "none") else {}
    rows |= {f"parameter {name}": value for name, value in sorted(settings.parameters.items())}
    return _table(rows)


def _measures(run: Run) -> list[str]:
    """Internal and, where truth was given, external measures."""
    rows: dict[str, str] = {}
    internal = dict(_value(run, "internal"))
    space = internal.pop("space", "")
    rows |= {f"{name} (in {space})" if space else name: _number(v) for name, v in internal.items()}
    rows |= {f"against truth: {name}": _number(v) for name, v in _value(run, "external").items()}
    return _table({name: value for name, value in rows.items() if value})


def _decisions(steps: Sequence[Step]) -> list[str]:
    """A table of decisions by user and kind, and when they were made."""
    if not steps:
        return ["None."]
    counts = Counter((step.user, step.kind) for step in steps)
    lines = ["| who | what | times |", "|---|---|---|"]
    lines += [
        f"| {_cell(user)} | {_EDITS.get(kind, kind.value)} | {n:,} |"
        for (user, kind), n in sorted(counts.items(), key=lambda row: (row[0][0], -row[1]))
    ]
    return [*lines, "", f"From {steps[0].time} to {steps[-1].time}."]


def _software() -> dict[str, str]:
    rows = {"dclust": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            rows[name] = version(name)
        except PackageNotFoundError:
            continue
    return rows | {"system": f"{platform.system()} {platform.machine()}"}


def _report(run: Run) -> Mapping[str, object]:
    try:
        found = json.loads(run.report)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _said(run: Run, name: str) -> str:
    """A text of the run's report; empty if it has none."""
    found = _report(run).get(name, "")
    return found if isinstance(found, str) else ""


def _value(run: Run, name: str) -> Mapping[str, object]:
    """An object of the run's report; empty if it has none."""
    found = _report(run).get(name)
    return found if isinstance(found, dict) else {}


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) else ""


def _table(rows: Mapping[str, str]) -> list[str]:
    if not rows:
        return []
    body = [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows.items()]
    return ["| | |", "|---|---|", *body]


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _line(text: str) -> str:
    return " ".join(text.split())

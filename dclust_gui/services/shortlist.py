"""The numbers of clusters that a run was unsure between, as its report keeps them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.cuts import Cut, groups_of
from dclust_gui.domain.errors import InputError
from dclust_gui.services.cutting import tree_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.runs import Run
    from dclust_gui.domain.tree_layout import TreeLayout

LEVELS = ("coarse", "medium", "fine")
"""What the numbers are called, from the least up."""

CLEARLY_WORSE = 0.03
"""Silhouette by which a cut of the tree has to fall behind clustering anew to be spoken of."""


@dataclass(frozen=True, slots=True)
class KCandidate:
    """One number of clusters to choose.

    Attributes:
        k: The number.
        level: coarse, medium or fine.
        reason: Why it is there, in words.
        silhouette: Of clustering anew with it; nan if not measured.
        tree_silhouette: Of the run's tree cut into so many; nan if not measured.
        is_preselected: The run took it.
    """

    k: int
    level: str
    reason: str
    silhouette: float
    tree_silhouette: float
    is_preselected: bool

    @property
    def caution(self) -> str:
        """What speaks against cutting the tree here, in words; empty for nothing."""
        loss = self.silhouette - self.tree_silhouette
        if self.is_preselected or not math.isfinite(loss) or loss < CLEARLY_WORSE:
            return ""
        return (
            f"Cut from this run's tree, {self.k} clusters stand apart less well than clustering"
            f" anew with {self.k} would give (silhouette {self.tree_silhouette:.2f} against"
            f" {self.silhouette:.2f})."
        )


@dataclass(frozen=True, slots=True)
class KEvidence:
    """What was measured; a curve has one value to each of `ks`, or none at all.

    Attributes:
        ks: Numbers of clusters tried.
        silhouette: Higher is better.
        gap: Gap statistic.
        gap_error: Its standard error.
        davies_bouldin: Lower is better; weak.
        eigengap: Loose parts of the neighbour graph; 0 if unknown.
        first_neighbour: Numbers of groups as images join their nearest, level by level.
        density: Dense regions (HDBSCAN); 0 if none or unknown.
        n_sampled: Images looked at; 0 if unknown.
    """

    ks: tuple[int, ...] = ()
    silhouette: tuple[float, ...] = ()
    gap: tuple[float, ...] = ()
    gap_error: tuple[float, ...] = ()
    davies_bouldin: tuple[float, ...] = ()
    eigengap: int = 0
    first_neighbour: tuple[int, ...] = ()
    density: int = 0
    n_sampled: int = 0


@dataclass(frozen=True, slots=True)
class KShortlist:
    """What a run with an automatic number was unsure between.

    Attributes:
        candidates: Up to three, in ascending order; none where the number was given.
        evidence: What they rest on.
    """

    candidates: tuple[KCandidate, ...] = ()
    evidence: KEvidence = KEvidence()

    @property
    def has_choice(self) -> bool:
        """Whether there is more than one number to choose from."""
        return len(self.candidates) > 1


def shortlist_of(run: Run | None) -> KShortlist:
    """The short list of a run; an empty one where there is none, or its report is damaged."""
    if run is None:
        return KShortlist()
    try:
        report = json.loads(run.report)
    except ValueError:
        return KShortlist()
    if not isinstance(report, dict):
        return KShortlist()
    listed = report.get("k_candidates")
    rows = [r for r in listed if isinstance(r, dict)] if isinstance(listed, list) else []
    found = [c for c in map(_candidate, rows) if c is not None]
    known = report.get("k_evidence")
    evidence = _evidence(known) if isinstance(known, dict) else KEvidence()
    return KShortlist(tuple(sorted(found, key=lambda c: c.k)), evidence)


@dataclass(frozen=True, slots=True, eq=False)
class ShortlistReport:
    """The short list with what each of its numbers would look like.

    Attributes:
        run: The run it belongs to.
        found: The short list.
        layout: The run's tree; None where it is damaged.
        cuts: The cut of the tree at each candidate, in their order.
        strips: Ids of typical images of each cut's branches, the largest branch first.
    """

    run: Run
    found: KShortlist
    layout: TreeLayout | None = None
    cuts: tuple[Cut, ...] = ()
    strips: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ShortlistQuery:
    """Read a run's short list and look at its tree: a `ShortlistReport`."""

    run_: Run

    def run(self, token: CancelToken) -> ShortlistReport:
        """See `shortlist_of` and `exemplars`; for the query thread."""
        found = shortlist_of(self.run_)
        if not found.has_choice:
            return ShortlistReport(self.run_, found)
        try:
            layout = tree_of(self.run_)
        except InputError:
            return ShortlistReport(self.run_, KShortlist((), found.evidence))
        possible = tuple(c for c in found.candidates if c.k <= layout.n_leaves)
        cuts, strips = [], []
        for candidate in possible:
            token.checkpoint()
            cuts.append(Cut.from_k(layout, candidate.k))
            strips.append(exemplars(self.run_, layout, candidate.k))
        kept = KShortlist(possible, found.evidence)
        return ShortlistReport(self.run_, kept, layout, tuple(cuts), tuple(strips))


def exemplars(run: Run, layout: TreeLayout, k: int) -> tuple[int, ...]:
    """The most typical image of each branch that a cut into k gives, the largest branch first.

    Typical is what the run was most certain of.

    Args:
        run: The run.
        layout: Its tree.
        k: Number of branches; as many as there are images where it is more.

    Returns:
        Ids of images.
    """
    nodes = Cut.from_k(layout, min(k, layout.n_leaves)).nodes
    groups = groups_of(layout, nodes)
    order = np.lexsort((-np.nan_to_num(run.confidence), groups))
    first = np.searchsorted(groups[order], np.arange(len(nodes)))
    sizes = layout.stop[nodes] - layout.start[nodes]
    best: NDArray[np.int64] = order[first][np.argsort(-sizes, kind="stable")]
    return tuple(run.images[best].tolist())


def _candidate(row: dict[str, object]) -> KCandidate | None:
    """A candidate of a report; None for a number that was tried and is not on the list."""
    k, level = row.get("k"), row.get("level")
    if not isinstance(k, int) or k < 1 or level not in LEVELS:
        return None
    return KCandidate(
        k,
        str(level),
        str(row.get("reason", "")),
        _number(row.get("silhouette")),
        _number(row.get("tree_silhouette")),
        row.get("preselected") is True,
    )


def _evidence(values: dict[str, object]) -> KEvidence:
    ks = _whole(values.get("ks"))

    def curve(name: str) -> tuple[float, ...]:
        found = _curve(values.get(name))
        return found if len(found) == len(ks) else ()

    def count(name: str) -> int:
        value = values.get(name)
        return value if isinstance(value, int) else 0

    return KEvidence(
        ks,
        curve("silhouette"),
        curve("gap"),
        curve("gap_error"),
        curve("davies_bouldin"),
        count("eigengap"),
        _whole(values.get("first_neighbour")),
        count("density"),
        count("n_sampled"),
    )


def _whole(values: object) -> tuple[int, ...]:
    return tuple(v for v in values if isinstance(v, int)) if isinstance(values, list) else ()


def _curve(values: object) -> tuple[float, ...]:
    return tuple(map(_number, values)) if isinstance(values, list) else ()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan

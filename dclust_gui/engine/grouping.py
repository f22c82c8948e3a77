"""From rows of features to clusters: scale, reduce, choose k, cluster, tree, measure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import ClusteringError, InputError
from dclust_gui.domain.events import Notice, Severity, Stage
from dclust_gui.domain.runs import NO_HEAD
from dclust_gui.engine.evenness import with_sizes
from dclust_gui.engine.heads import (
    TrainingPlace,
    check_head,
    gives_labels,
    keep_model,
    train_head,
    uses_own_labels,
)
from dclust_gui.engine.isolation import Fitted, fit, fit_isolated
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.reduction import check_reduction, known_neighbours, reduced
from dclust_gui.engine.requests import ClusterResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.shortlist import Shortlist
    from dclust_gui.algorithms.structure import Structure
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.runs import RunSettings
    from dclust_gui.engine.reduction import ReductionCache
    from dclust_gui.engine.stacked_rows import RowFacts

LARGEST_AUTO_K = 30
"""Most clusters that an automatic choice tries."""

ISOLATED_ABOVE = 5_000
"""Rows above which calls that cannot be stopped run in a process of their own."""

DEFAULTS = {"algorithm": "kmeans", "reduce": "umap", "head": "none"}
"""What `auto` stands for."""

NEIGHBOURS_UP_TO = 5_000
"""Images up to which neighbours are found for the measure of trust alone."""

FEWEST_FOR_UMAP = 50
"""With fewer images k-means on the features is as good or better, so these are clustered."""

SCALES = ("none", "l2", "centre-l2", "standard", "minmax")
"""How features can be scaled; repeated here so that a check loads no library."""

LINKAGES = ("ward", "average", "complete", "single")
"""Linkages of hierarchical methods."""

LARGEST_SEED = 2**32 - 1
"""The largest number that NumPy takes as a seed."""


def resolve(settings: RunSettings) -> RunSettings:
    """The settings with every `auto` replaced by what it stands for, checked before any work.

    The algorithm stays `auto` where a head groups the images itself.

    Raises:
        InputError: If something is asked for that does not exist, or a value cannot be used.
    """
    chosen = {
        name: DEFAULTS[name] if getattr(settings, name) == "auto" else getattr(settings, name)
        for name in DEFAULTS
    }
    has_head = chosen["head"] != NO_HEAD
    is_time_only = settings.time_weight >= 1.0  # a line has no neighbourhoods to lay out
    if settings.reduce == "auto" and (has_head or is_time_only or settings.metric != "euclidean"):
        chosen["reduce"] = "none"  # a head, or another distance, is meant for the features
    resolved = replace(settings, reduce=chosen["reduce"], head=chosen["head"])
    check_head(resolved)
    if not (settings.algorithm == "auto" and gives_labels(resolved.head)):
        resolved = replace(resolved, algorithm=chosen["algorithm"])
    resolved = with_sizes(resolved)
    check_reduction(resolved)
    _check(resolved)
    return resolved


def _check(settings: RunSettings) -> None:
    """Refuse now what would fail only after all images have been read."""
    from dclust_gui.algorithms.registry import head, method

    own = uses_own_labels(settings)
    chosen = replace(head(settings.head), parameters=()) if own else method(settings.algorithm)
    chosen.parse(settings.method_parameters)
    metrics = ("euclidean", *chosen.metrics)
    for option, value, known in (
        ("--scale", settings.scale, SCALES),
        ("--linkage", settings.linkage, chosen.linkages or LINKAGES),
        ("--metric", settings.metric, metrics),
    ):
        if value not in known:
            what = f"Could not use {option} {value} with {chosen.title}."
            names = ", ".join(dict.fromkeys(known))
            raise InputError(what, "", f"Choose one of: {names}.")
    if not 0.0 <= settings.time_weight <= 1.0:
        raise InputError(
            f"Could not use --time-weight {settings.time_weight:g}.",
            "It must be 0 (content only) to 1 (capture time only).",
        )
    if not 0 <= settings.seed <= LARGEST_SEED:
        raise InputError(
            f"Could not use the seed {settings.seed}.", f"It must be 0 to {LARGEST_SEED}."
        )


@dataclass(frozen=True, slots=True)
class _Space:
    """Features as they are clustered; a layout puts neighbours together."""

    rows: NDArray[np.float32]
    name: str
    is_layout: bool


_Choice: TypeAlias = tuple[int | None, tuple[tuple[int, float], ...], "Shortlist | None"]
"""The number of clusters, the numbers looked at with their scores, the short list."""


def group_rows(
    features: NDArray[np.float16],
    settings: RunSettings,
    sink: EventSink,
    token: CancelToken,
    cache: ReductionCache | None = None,
    place: TrainingPlace | None = None,
    facts: RowFacts | None = None,
) -> ClusterResult:
    """Cluster features.

    Args:
        features: float16 (m, dims), finite, m at least 1.
        settings: Resolved settings.
        sink: Takes messages.
        token: Stops or pauses the work.
        cache: Keeps graphs and layouts of these features; None to compute them anew.
        place: Where a head trains and is kept; None keeps none.
        facts: What else is known of the rows; None for nothing.

    Raises:
        ClusteringError: If the features cannot be clustered as asked.
        InputError: If a method or parameter does not exist.
        Cancelled: If the job was cancelled.
    """
    if not len(features):
        raise ClusteringError(
            "There is nothing to cluster.", "No image could be read.", "See the skipped files."
        )
    if settings.k > len(features):
        raise ClusteringError(
            f"{count_of(settings.k, 'cluster')} cannot be made of {count_of(len(features))}.",
            "" if _is_plain(facts) else "Images bound as a stack count once.",
            "Ask for fewer clusters.",
        )
    timings: dict[str, float] = {"head": 0.0}
    known = _Known(features, None if facts is None else facts.times)
    space = _prepare(known, settings, sink, token, timings, cache)
    learnt, choice = None, None
    if settings.head != NO_HEAD:
        place = place or TrainingPlace()
        choice = _choose_frozen_k(known, settings, sink, token, timings, cache)
        learnt = train_head(space.rows, settings, choice[0], place, sink, token)
        timings["head"] = learnt.facts.seconds
        name = f"{settings.head} ({learnt.embedding.shape[1]} of {space.name})"
        space = _Space(learnt.embedding, name, is_layout=False)
    meter = StageMeter(Stage.CLUSTER, 0, sink, token)
    k, candidates, shortlist = choice or _choose_k(space, settings, meter)
    found = None if learnt is None else learnt.found
    found = found or _fit(space, settings, k, meter)
    timings["cluster"] = meter.finish()
    if found.note:
        sink(Notice(Severity.INFO, found.note))
    labels = by_size(found.labels, None if facts is None else facts.counts)
    confidence, head = found.confidence, None
    if learnt is not None and place is not None:
        head = keep_model(learnt, settings, features, labels, place, sink)
    meter = StageMeter(Stage.TREE, 0, sink, token)
    tree = found.tree if found.tree is not None else _compose(found.space, labels, meter)
    timings["tree"] = meter.finish()
    meter = StageMeter(Stage.MEASURE, 0, sink, token)
    internal = _measure(space, labels, settings.seed)
    if learnt is None:  # else the list was measured in another space than the tree's
        shortlist = _with_tree(shortlist, space, tree, settings.seed)
    timings["measure"] = meter.finish()
    structure = _structure(known, labels, settings, cache)
    for note in () if structure is None else structure.notes():
        sink(Notice(Severity.WARNING, note))
    for array in (labels, confidence, tree):
        array.setflags(write=False)
    return ClusterResult(
        labels,
        confidence,
        tree,
        candidates,
        space.name,
        internal,
        timings,
        shortlist,
        structure,
        head,
        None if learnt is None else learnt.errors,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """Features as they are stored, and capture times beside them."""

    features: NDArray[np.float16]
    times: NDArray[np.float64] | None

    def scaled(self, settings: RunSettings) -> NDArray[np.float32]:
        """Rows whose distances the settings mean."""
        from dclust_gui.algorithms.capture_time import mixed_rows
        from dclust_gui.algorithms.distances import scale_features

        rows = scale_features(self.features, settings.scale)[0]
        if self.times is None:
            return rows
        return mixed_rows(rows, self.times, settings.time_weight)


def _is_plain(facts: RowFacts | None) -> bool:
    """Whether each row is one image."""
    return facts is None or bool((facts.counts == 1).all())


def _prepare(
    known: _Known,
    settings: RunSettings,
    sink: EventSink,
    token: CancelToken,
    timings: dict[str, float],
    cache: ReductionCache | None,
) -> _Space:
    """Features scaled and mixed with the time, and reduced if asked for."""

    def scaled() -> NDArray[np.float32]:
        return known.scaled(settings)

    meter = StageMeter(Stage.REDUCE, 0, sink, token)
    name = f"features ({settings.scale})"
    if settings.time_weight:
        name = f"{name} with capture time ({settings.time_weight:g})"
    is_small = settings.reduce == "umap" and len(known.features) < FEWEST_FOR_UMAP
    if settings.reduce == "none" or is_small:
        rows = scaled()
    else:
        rows = reduced(scaled, settings, cache, sink, meter.set)
        name = f"{settings.reduce} ({rows.shape[1]} of {name})"
    timings["reduce"] = meter.finish()
    is_layout = not is_small and settings.reduce in ("umap", "tsne")
    return _Space(rows, name, is_layout)


def _choose_k(space: _Space, settings: RunSettings, meter: StageMeter) -> _Choice:
    """The number of clusters, and the evidence when it was chosen here."""
    from dclust_gui.algorithms.registry import method
    from dclust_gui.algorithms.selection import choose_k_by_silhouette

    if settings.k or not method(settings.algorithm).needs_k:
        return settings.k or None, (), None
    if space.is_layout:
        from dclust_gui.algorithms.shortlist import k_shortlist

        found = k_shortlist(space.rows, random_state=settings.seed, callback=meter.set)
        candidates = tuple((c.k, c.silhouette) for c in found.candidates)
        return found.preselected, candidates, found
    largest = min(LARGEST_AUTO_K, max(2, int(np.sqrt(len(space.rows)))))
    choice = choose_k_by_silhouette(
        space.rows, range(2, largest + 1), random_state=settings.seed, callback=meter.set
    )
    from dclust_gui.algorithms.shortlist import shortlist_of_silhouettes

    return choice.k, choice.candidates, shortlist_of_silhouettes(choice.candidates, choice.k)


def _with_tree(
    shortlist: Shortlist | None, space: _Space, tree: NDArray[np.float64], seed: int
) -> Shortlist | None:
    """The short list with what the run's own tree gives at each of its numbers."""
    if shortlist is None:
        return None
    from dclust_gui.algorithms.shortlist import with_tree

    return with_tree(shortlist, space.rows, tree, random_state=seed)


def _choose_frozen_k(
    known: _Known,
    settings: RunSettings,
    sink: EventSink,
    token: CancelToken,
    timings: dict[str, float],
    cache: ReductionCache | None,
) -> _Choice:
    """The number of clusters for a head: the one that the features as they are would get."""
    from dclust_gui.algorithms.registry import head

    if settings.k or not head(settings.head).needs_k:
        return settings.k or None, (), None
    plain = resolve(
        replace(
            settings, head=NO_HEAD, algorithm="auto", reduce="auto", parameters={}, sizes="auto"
        )
    )
    spent = timings["reduce"]
    space = _prepare(known, plain, sink, token, timings, cache)
    meter = StageMeter(Stage.REDUCE, 0, sink, token)
    choice = _choose_k(space, plain, meter)
    timings["reduce"] += spent + meter.finish()
    return choice


def _fit(space: _Space, settings: RunSettings, k: int | None, meter: StageMeter) -> Fitted:
    """What the method found; calls that cannot be stopped run in a process of their own."""
    from dclust_gui.algorithms.registry import method

    chosen = method(settings.algorithm)
    blocks = chosen.blocks or settings.linkage in chosen.blocking_linkages
    if blocks and len(space.rows) > ISOLATED_ABOVE:
        return fit_isolated(space.rows, settings, k, meter.set)
    return fit(space.rows, settings, k, meter.set)


def _compose(
    rows: NDArray[np.floating], labels: NDArray[np.int32], meter: StageMeter
) -> NDArray[np.float64]:
    """The composed tree of flat labels."""
    from dclust_gui.algorithms.composed import composed_tree

    return composed_tree(rows, labels, callback=meter.set)


def _measure(space: _Space, labels: NDArray[np.int32], seed: int) -> dict[str, float]:
    """Internal measures by name, only those that are defined."""
    from dclust_gui.algorithms.internal import internal_measures

    found = internal_measures(space.rows, labels, random_state=seed)
    values = {
        "silhouette": found.silhouette,
        "davies_bouldin": found.davies_bouldin,
        "calinski_harabasz": found.calinski_harabasz,
        "mse": found.mse,
    }
    return {name: float(v) for name, v in values.items() if np.isfinite(v)}


def _structure(
    known: _Known,
    labels: NDArray[np.int32],
    settings: RunSettings,
    cache: ReductionCache | None,
) -> Structure | None:
    """How far the clusters can be trusted; None where neighbours would take long to find."""
    from dclust_gui.algorithms.structure import FEWEST, NEIGHBOURS_LOOKED_AT, assess

    near = known_neighbours(settings, len(labels), cache)
    if near is None or len(near.indices) != len(labels):
        if not FEWEST <= len(labels) <= NEIGHBOURS_UP_TO:
            return None
        from dclust_gui.algorithms.knn import nearest_neighbours

        near = nearest_neighbours(known.scaled(settings), NEIGHBOURS_LOOKED_AT)
    return assess(near, labels)


def by_size(
    labels: NDArray[np.int32], weights: NDArray[np.int64] | None = None
) -> NDArray[np.int32]:
    """The same partition, numbered from the largest cluster down, ties by the first image.

    Args:
        labels: int32 (m,); negative ones stay -1.
        weights: int64 (m,), images that each row stands for; None for one.
    """
    values, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    counts = np.bincount(inverse, weights, len(values))
    real = values >= 0
    order = np.lexsort((first[real], -counts[real]))
    numbers = np.full(len(values), -1, np.int32)
    ranks = np.empty(int(real.sum()), np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    numbers[real] = ranks
    return numbers[np.searchsorted(values, labels)]

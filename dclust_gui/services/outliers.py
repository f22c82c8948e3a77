"""Images that fit nowhere: three measures, a threshold, and setting them aside in one step.

Measuring may take seconds; ask on the query thread. Thresholds are cheap and can follow a slider.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.identity import decided_images
from dclust_gui.domain.image_edits import unassign

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.edits import Edit
    from dclust_gui.domain.runs import Run
    from dclust_gui.services.feature_matrix import FeatureMatrix
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.storage.array_cache import ArrayCache

USUAL_DEVIATIONS = 3.0
"""Where the threshold is put at first: robust standard deviations above the median."""
USUAL_PROBABILITY = 0.05
"""Likewise for a classifier's doubt: where clusters are easily told apart an image may be three
deviations from the middle and still be 98 % likely in its own; where they are not, none is."""

_SCALE = "centre-l2"
"""How the rows of `SimilarService.matrix` are scaled."""


class Measure(StrEnum):
    """What says how far an image lies outside."""

    RECONSTRUCTION = "reconstruction"
    DENSITY = "density"
    CONFIDENCE = "confidence"

    @property
    def words(self) -> str:
        """Its name in the window."""
        return _WORDS[self]


_WORDS = {
    Measure.RECONSTRUCTION: "Reconstruction error",
    Measure.DENSITY: "Distance to its neighbours",
    Measure.CONFIDENCE: "Doubt of a classifier",
}
_LEARNT = (
    "How much of an image the autoencoder of the last run could not restore. Large for images"
    " unlike the rest."
)
_PROJECTED = (
    "What the main directions of all images (PCA) leave unexplained of an image: the last run"
    " trained no autoencoder. Large for images unlike the rest."
)
_ABOUT = {
    Measure.DENSITY: "How far away the ten most similar images are. Large for images that stand"
    " alone.",
    Measure.CONFIDENCE: "A classifier learns the present clusters from the other images and says"
    " how likely this image is of its own. Large for images that look like another cluster.",
}


@dataclass(frozen=True, slots=True, eq=False)
class OutlierReport:
    """How far every image lies outside.

    Attributes:
        measure: By what.
        values: float32 (n_images,), larger is farther outside; NaN where unknown. Of
            `CONFIDENCE` the log-odds against the image's own cluster.
        about: What the values are, in words.
        labels: int32 (n_images,), the clusters for which they were measured.
    """

    measure: Measure
    values: NDArray[np.float32]
    about: str
    labels: NDArray[np.int32]

    def text(self, value: float) -> str:
        """A value in the unit in which it is told."""
        if not math.isfinite(value):
            return "unknown"
        if self.measure is Measure.CONFIDENCE:
            return f"{probability(value):.1%} likely in its cluster"
        return f"{value:.3g}"


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """Images beyond a threshold.

    Attributes:
        images: int32, ids of those that can be set aside, the farthest first.
        kept: int32, ids of those that stay where they are because a person placed or approved
            them, or pinned their cluster.
        n_unassigned: Images beyond the threshold that are Unassigned already.
        n_unknown: Images in clusters that have no value.
        threshold: Value from which an image counts as outside; NaN where each cluster has its own.
    """

    images: NDArray[np.int32]
    kept: NDArray[np.int32]
    n_unassigned: int
    n_unknown: int
    threshold: float

    def text(self) -> str:
        """What is left out, in words; empty for nothing."""
        parts = []
        if len(self.kept):
            verb = "stays" if len(self.kept) == 1 else "stay"
            parts.append(f"{count_of(len(self.kept))} you placed, approved or pinned {verb}.")
        if self.n_unassigned:
            parts.append(f"{count_of(self.n_unassigned)} outside, Unassigned already.")
        if self.n_unknown:
            parts.append(f"{count_of(self.n_unknown)} could not be measured.")
        return " ".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class OutlierQuery:
    """Ask how far images lie outside: an `OutlierReport`.

    Attributes:
        service: Has the features.
        arrays: Has graphs of neighbours; None to find them anew.
        snapshot: The project.
        measure: By what.
    """

    service: SimilarService
    arrays: ArrayCache | None
    snapshot: Snapshot
    measure: Measure

    def run(self, token: CancelToken) -> OutlierReport:
        """See `measure_outliers`."""
        return measure_outliers(self.service, self.arrays, self.snapshot, self.measure, token)


def measure_outliers(
    service: SimilarService,
    arrays: ArrayCache | None,
    snapshot: Snapshot,
    measure: Measure,
    token: CancelToken,
) -> OutlierReport:
    """How far every image of a project lies outside.

    Args:
        service: Has the features.
        arrays: Has graphs of neighbours; None to find them anew.
        snapshot: The project.
        measure: By what.
        token: Stops the work.

    Raises:
        InputError: If no image has been read, or there are no two clusters to tell apart.
        StorageError: If the cache cannot be read.
        Cancelled: If the token says so.
    """
    values = np.full(len(snapshot.images), np.nan, np.float32)
    labels, run = snapshot.clustering.labels, snapshot.run
    about = _ABOUT.get(measure, _PROJECTED)
    if measure is Measure.RECONSTRUCTION and run is not None and run.errors is not None:
        values[run.images] = run.errors
        return OutlierReport(measure, values, _LEARNT, labels)
    matrix = service.matrix(snapshot, token)
    values[matrix.image_ids] = _measured(arrays, snapshot, matrix, measure, token)
    if measure is Measure.CONFIDENCE and not np.isfinite(values).any():
        raise InputError(
            "There is nothing to doubt.",
            "A classifier needs two clusters of at least three images.",
            "Cluster the images first, or measure by density.",
        )
    values.setflags(write=False)
    return OutlierReport(measure, values, about, labels)


def _measured(
    arrays: ArrayCache | None,
    snapshot: Snapshot,
    matrix: FeatureMatrix,
    measure: Measure,
    token: CancelToken,
) -> NDArray[np.float32]:
    """float32 (m,), the values of the matrix's rows."""
    from dclust_gui.algorithms import outliers
    from dclust_gui.algorithms.umap import neighbour_count
    from dclust_gui.engine.reduction import ReductionCache, neighbours

    def check(_done: int, _total: int) -> None:
        token.checkpoint()

    rows = matrix.rows.astype(np.float32, copy=False)
    match measure:
        case Measure.RECONSTRUCTION:
            return outliers.axis_residuals(rows, callback=check)
        case Measure.CONFIDENCE:
            labels = snapshot.clustering.labels[matrix.image_ids]
            return outliers.log_odds_against(rows, labels, callback=check)
        case Measure.DENSITY:
            cache, run = None, snapshot.run
            if arrays is not None and run is not None:
                contents = [snapshot.images[i].content for i in matrix.image_ids.tolist()]
                cache = ReductionCache.of(arrays, run.backbone, contents)
            count = max(outliers.NEIGHBOURS, neighbour_count(len(rows)))
            near = neighbours(rows, _SCALE, count, cache, ignore_events, check)
            return outliers.neighbour_distances(near)


def deviations_of(
    report: OutlierReport, state: Clustering, *, per_cluster: bool
) -> NDArray[np.float32]:
    """How many robust standard deviations each image lies outside; float32 (n_images,).

    Args:
        report: The measure.
        state: The present clusters; may have more images than were measured.
        per_cluster: Compare with the image's own cluster in place of all images.
    """
    from dclust_gui.algorithms.robust import robust_deviations

    groups = state.labels[: len(report.values)] if per_cluster else None
    return robust_deviations(report.values, groups)


def usual_deviations(report: OutlierReport, *, per_cluster: bool = False) -> float:
    """Where the threshold is put by itself, in robust standard deviations above the median.

    Args:
        report: The measure.
        per_cluster: An image is compared with its own cluster in place of all images.
    """
    if report.measure is Measure.CONFIDENCE and not per_cluster:
        return deviations_at(report, USUAL_PROBABILITY)
    return USUAL_DEVIATIONS


def beyond(
    report: OutlierReport,
    state: Clustering,
    deviations: float = USUAL_DEVIATIONS,
    *,
    per_cluster: bool = False,
    cluster: int | None = None,
    scores: NDArray[np.float32] | None = None,
) -> Outside:
    """The images beyond a threshold.

    Args:
        report: The measure.
        state: The present clusters; may have more images than were measured.
        deviations: Robust standard deviations above the median.
        per_cluster: Compare with the image's own cluster in place of all images.
        cluster: Look only at the images of this one.
        scores: What `deviations_of` gave, if it is at hand.

    Raises:
        InputError: If `deviations` is no number.
    """
    from dclust_gui.algorithms.robust import robust_threshold

    if not math.isfinite(deviations):
        raise InputError("Could not find what lies outside.", "The threshold must be a number.")
    known = np.full(state.n_images, np.nan, np.float32)
    if scores is None:
        scores = deviations_of(report, state, per_cluster=per_cluster)
    known[: len(scores)] = scores[: state.n_images]
    looked_at = np.ones(state.n_images, bool) if cluster is None else state.labels == cluster
    is_out = (known > deviations) & looked_at
    placed = state.labels != UNASSIGNED
    decided = decided_images(state)
    order = np.argsort(-np.nan_to_num(known, nan=-np.inf), kind="stable").astype(np.int32)
    return Outside(
        order[(is_out & placed & ~decided)[order]],
        order[(is_out & placed & decided)[order]],
        int((is_out & ~placed).sum()),
        int((np.isnan(known) & placed & looked_at).sum()),
        math.nan if per_cluster else robust_threshold(report.values, deviations),
    )


def deviations_at(report: OutlierReport, threshold: float) -> float:
    """The number of robust standard deviations that a value stands for.

    Args:
        report: The measure.
        threshold: A value; of `CONFIDENCE` the probability of the own cluster below which an
            image counts as outside.

    Raises:
        InputError: If the value cannot be.
    """
    from dclust_gui.algorithms.robust import centre_and_spread

    value = threshold
    if report.measure is Measure.CONFIDENCE:
        if not 0.0 < threshold < 1.0:
            raise InputError(
                f"Could not use the threshold {threshold:g}.",
                "It is a probability between 0 and 1.",
            )
        value = math.log((1.0 - threshold) / threshold)
    median, spread = centre_and_spread(report.values)
    return (value - median) / spread


def probability(log_odds: float) -> float:
    """Of the own cluster, from the log-odds against it."""
    return 1.0 / (1.0 + math.exp(log_odds))


def set_aside(state: Clustering, images: NDArray[np.integer], measure: Measure) -> Edit | None:
    """The step that puts images into Unassigned; no file is touched.

    Args:
        state: The present clusters.
        images: Ids; those that a person has decided, and Unassigned ones, are passed over.
        measure: Why, for the history.

    Returns:
        The edit; None if there is nothing to do.
    """
    ids = np.unique(np.asarray(images, np.int64))
    ids = ids[(ids >= 0) & (ids < state.n_images)]
    ids = ids[(state.labels[ids] != UNASSIGNED) & ~decided_images(state)[ids]]
    if not len(ids):
        return None
    edit = unassign(state, ids)
    why = measure.words.lower()
    return replace(edit, title=f"set aside {count_of(len(ids))} ({why})")


@dataclass(frozen=True, slots=True, eq=False)
class RunErrors:
    """Reconstruction errors that a run has kept.

    Attributes:
        values: float32 (n_images,); NaN for images that the run did not have.
        threshold: Above it the run left images Unassigned; NaN where unknown.
    """

    values: NDArray[np.float32]
    threshold: float

    def text(self, image: int) -> str:
        """An image's error in words; empty where unknown."""
        value = float(self.values[image]) if image < len(self.values) else math.nan
        if not math.isfinite(value):
            return ""
        if not math.isfinite(self.threshold):
            return f"{value:.3g}"
        side = "above" if value > self.threshold else "below"
        return f"{value:.3g} ({side} the threshold {self.threshold:.3g})"


def errors_of(run: Run | None, n_images: int) -> RunErrors | None:
    """The reconstruction errors of a run; None if it has none.

    Args:
        run: The run.
        n_images: Number of images of the project.
    """
    if run is None or run.errors is None:
        return None
    values = np.full(n_images, np.nan, np.float32)
    values[run.images] = run.errors
    values.setflags(write=False)
    head = json.loads(run.report).get("head")
    found = head.get("error_threshold") if isinstance(head, dict) else None
    return RunErrors(values, float(found) if isinstance(found, int | float) else math.nan)

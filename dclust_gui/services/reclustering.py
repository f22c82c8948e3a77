"""Re-cluster the rest: what a person decided stays and steers where all other images go.

Decided are images placed by hand or approved, and those of pinned clusters
(`domain.identity.decided_images`). The answer is a `domain.proposals.Proposal`; nothing changes
before a person accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.identity import decided_images, match_by_overlap
from dclust_gui.domain.proposals import Proposal
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.reduction import ReductionCache, known_layout, neighbours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.runs import Run
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.storage.array_cache import ArrayCache


class Way(StrEnum):
    """How decisions steer the other images; the value is its name on the command line."""

    SPREADING = "spreading"
    SEEDED = "seeded-kmeans"
    LINKED = "pck-kmeans"

    @property
    def words(self) -> str:
        """What it does, for people."""
        return {
            Way.SPREADING: "Spread to the nearest images",
            Way.SEEDED: "k-means from the decided images",
            Way.LINKED: "k-means with links between decided images",
        }[self]


MOST_LINKS_A_CLUSTER = 100
"""Decided images of a cluster that are linked (`Way.LINKED`)."""
ENDS = 3
"""Images of each of two clusters between which links say that they differ."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The images that take part, one to a row.

    Attributes:
        images: int32 (m,), ids.
        labels: int32 (m,), number of the cluster (0 to k - 1), -1 for Unassigned.
        clusters: int32 (k,), the cluster of each number.
        decided: int64, rows that stay.
        earlier: int32 (m,), what the run had said, in the same numbers; -1 where unknown.
        is_new: bool (m,), rows that came after the run.
    """

    images: NDArray[np.int32]
    labels: NDArray[np.int32]
    clusters: NDArray[np.int32]
    decided: NDArray[np.int64]
    earlier: NDArray[np.int32]
    is_new: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ReclusterJob:
    """Find out where the images that nobody decided on should go.

    Attributes:
        engine: Gives the features.
        arrays: Keeps neighbours and layouts, those of runs among them.
        snapshot: The project.
        way: How.
        place_unassigned: Find a cluster for Unassigned images, too; new arrivals always get one,
            and images taken out by hand never.
        title: What it does.
    """

    engine: Engine
    arrays: ArrayCache
    snapshot: Snapshot
    way: Way = Way.SPREADING
    place_unassigned: bool = False
    title: str = "Re-clustering the rest"

    def run(self, sink: EventSink, token: CancelToken) -> Proposal:
        """Do it; any thread.

        Raises:
            InputError: If there is no run, or nothing has been decided yet.
            FeaturesMissingError: If features of the run are not in the cache any more.
            Cancelled: If the token says so.
        """
        run = self.snapshot.run
        if run is None:
            raise InputError(
                "There is nothing to re-cluster.", "No run has been accepted yet.", "Cluster first."
            )
        rows = self._rows(run)
        contents = [self.snapshot.images[i].content for i in rows.images.tolist()]
        features = self.engine.stored_features(run.backbone, contents)
        cache = ReductionCache.of(self.arrays, run.backbone, contents)
        meter = StageMeter(Stage.CLUSTER, 0, sink, token)
        scaled = unit_rows(features, run.settings.scale)
        space = None if rows.is_new.any() else known_layout(run.settings, cache)
        if self.way is Way.SPREADING:
            labels, margin, note = _spread(rows, scaled, space, run, cache, self, meter)
        else:
            labels, margin, note = _kmeans(rows, scaled if space is None else space, self, meter)
        meter.finish()
        labels = self._kept(rows, labels)
        ids = np.where(labels >= 0, rows.clusters[np.maximum(labels, 0)], UNASSIGNED)
        return Proposal.of(
            self.way.words,
            self.snapshot.clustering,
            rows.images,
            ids.astype(np.int32),
            margin,
            len(rows.decided),
            note,
        )

    # -- inside ----------------------------------------------------------------------------

    def _rows(self, run: Run) -> _Rows:
        """The run's images, then those that came later and have features."""
        state = self.snapshot.clustering
        has = self.engine.has_features(run.backbone, [r.content for r in self.snapshot.images])
        later = np.setdiff1d(np.flatnonzero(has), run.images).astype(np.int32)
        images = np.concatenate([run.images, later]).astype(np.int32)
        clusters, numbers = np.unique(state.labels[images], return_inverse=True)
        if len(clusters) and clusters[0] == UNASSIGNED:
            clusters, numbers = clusters[1:], numbers - 1
        decided = np.flatnonzero(decided_images(state)[images])
        if not len(decided):
            raise InputError(
                "There is nothing that could steer the other images.",
                "No image was placed by hand or approved, and no cluster is pinned.",
                "Move some images, approve some that are right, or pin a cluster.",
            )
        if len(clusters) < 2:
            raise InputError(
                "There is nothing to re-cluster.",
                f"All images are in {count_of(len(clusters), 'cluster')}.",
                "Make another cluster with some images first.",
            )
        earlier = np.full(len(images), -1, np.int32)
        earlier[: len(run.images)] = _earlier(run, numbers[: len(run.images)])
        is_new = np.arange(len(images)) >= len(run.images)
        return _Rows(
            images,
            numbers.astype(np.int32),
            clusters.astype(np.int32),
            decided,
            earlier,
            is_new,
        )

    def _kept(self, rows: _Rows, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """The labels with those put back that nobody wants changed."""
        labels = labels.copy()
        labels[rows.decided] = rows.labels[rows.decided]
        if not self.place_unassigned:
            stays = (rows.labels < 0) & ~rows.is_new
            labels[stays] = -1
        return labels


def accept(
    session: ProjectSession, proposal: Proposal, clusters: tuple[int, ...] | None = None
) -> int:
    """Accept a proposal, or what of it comes to some clusters, as one step.

    Returns:
        How many images moved.
    """
    edit = proposal.edit(session.saved_clustering, clusters)
    session.apply(edit)
    return len(edit.images)


def propose(
    engine: Engine,
    arrays: ArrayCache,
    snapshot: Snapshot,
    token: CancelToken,
    way: Way = Way.SPREADING,
    sink: EventSink = ignore_events,
) -> Proposal:
    """As `ReclusterJob`, for callers without a queue of jobs."""
    return ReclusterJob(engine, arrays, snapshot, way).run(sink, token)


def _earlier(run: Run, numbers: NDArray[np.intp]) -> NDArray[np.int32]:
    """What the run said of its images, in the numbers of the present clusters; -1 if unknown."""
    pairs = match_by_overlap(numbers.astype(np.int32), run.labels, 0.0)
    table = np.full(int(run.labels.max(initial=-1)) + 2, -1, np.int32)
    for label, number in pairs.items():
        table[label] = number
    return table[run.labels]  # -1 reads the last entry, which stays -1


def nearest_of(
    rows: NDArray[np.float32], scale: str, cache: ReductionCache, meter: StageMeter
) -> Neighbours:
    """Nearest images in `unit_rows`, from the cache where a run left them.

    Args:
        rows: float32 (m, d), of length 1.
        scale: How the run scaled them.
        cache: Of these features.
        meter: Told of progress.
    """
    from dclust_gui.algorithms.umap import neighbour_count

    name = scale if scale in ("l2", "centre-l2") else f"{scale} of length 1"
    return neighbours(rows, name, neighbour_count(len(rows)), cache, ignore_events, meter.set)


def unit_rows(features: NDArray[np.float16], scale: str) -> NDArray[np.float32]:
    """Features scaled as a run did; of length 1 where that did not do so.

    Args:
        features: float16 (m, d).
        scale: The run's scaling.
    """
    from dclust_gui.algorithms.distances import normalise_rows, scale_features

    rows = scale_features(features, scale)[0]
    if scale not in ("l2", "centre-l2"):
        normalise_rows(rows)
    return rows


def _spread(
    rows: _Rows,
    scaled: NDArray[np.float32],
    space: NDArray[np.float32] | None,
    run: Run,
    cache: ReductionCache,
    job: ReclusterJob,
    meter: StageMeter,
) -> tuple[NDArray[np.int32], NDArray[np.float32], str]:
    from dclust_gui.algorithms.label_spreading import spread_labels

    near = nearest_of(scaled, run.settings.scale, cache, meter)
    found = spread_labels(
        scaled,
        near,
        rows.labels,
        rows.decided,
        earlier=rows.earlier,
        space=space,
        place_unassigned=job.place_unassigned or bool(rows.is_new.any()),
        callback=meter.set,
    )
    return found.labels, found.margin, _approval_note(rows, job.snapshot)


def _approval_note(rows: _Rows, snapshot: Snapshot) -> str:
    """Corrections alone are a biased sample; say so."""
    flags = snapshot.clustering.flags[rows.images[rows.decided]]
    moved = int(((flags & np.uint8(ImageFlag.HAND_PLACED)) != 0).sum())
    right = len(rows.decided) - moved
    if moved and right < moved:
        return (
            f"{count_of(moved)} placed by hand, only {right:,} approved: what you saw and kept"
            " counts as much. Approve some images that are right for a better proposal."
        )
    return ""


def _kmeans(
    rows: _Rows, space: NDArray[np.float32], job: ReclusterJob, meter: StageMeter
) -> tuple[NDArray[np.int32], NDArray[np.float32], str]:
    from dclust_gui.algorithms.base import confidence_from_margin
    from dclust_gui.algorithms.constrained import pck_means, seeded_kmeans
    from dclust_gui.algorithms.lloyd import nearest_two

    seeds = np.full(len(rows.labels), -1, np.int32)
    seeds[rows.decided] = rows.labels[rows.decided]
    count = len(rows.clusters)
    # clusters without a decided image start from all of their images
    lacking = np.setdiff1d(np.arange(count), seeds[seeds >= 0])
    start = np.where(np.isin(rows.labels, lacking), rows.labels, seeds)
    note = ""
    if job.way is Way.SEEDED:
        first = seeded_kmeans(space, start, count, clamp=False, max_iter=1, random_state=0)
        fixed = seeded_kmeans(
            space, seeds, count, start=first.centres, random_state=0, callback=meter.set
        )
        labels, centres = fixed.labels, fixed.centres
    else:
        must, cannot = _links(seeds, count)
        first = seeded_kmeans(space, start, count, clamp=False, max_iter=1, random_state=0)
        linked = pck_means(
            space, count, must, cannot, start=first.centres, random_state=0, callback=meter.set
        )
        labels, centres = linked.labels, linked.centres
        broken = linked.broken_must + linked.broken_cannot
        if broken:
            note = f"{count_of(broken, 'link')} between decided images could not be kept."
    nearest, second = nearest_two(space, centres)[1:]
    return labels, confidence_from_margin(nearest, second), note


def _links(
    seeds: NDArray[np.int32], count: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Decided images of a cluster in a chain, and the first ones of two clusters apart."""
    members = [np.flatnonzero(seeds == c)[:MOST_LINKS_A_CLUSTER].tolist() for c in range(count)]
    must = [pair for some in members for pair in pairwise(some)]
    cannot = [
        (a, b)
        for i, some in enumerate(members)
        for others in members[i + 1 :]
        for a in some[:ENDS]
        for b in others[:ENDS]
    ]
    return must, cannot

"""What a training has changed: clusters before and after, image by image, and how well they hold.

Reading features may take seconds; ask on the query thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.comparison import compare
from dclust_gui.domain.errors import KnownError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.comparison import Comparison
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.snapshot import Snapshot

MOST_SHOWN = 16
"""Images of each kind that are shown of a cluster."""


@dataclass(frozen=True, slots=True)
class ClusterChange:
    """One cluster before and after.

    Attributes:
        cluster: Its id.
        title: Its title; before, where it is gone.
        colour: Palette index.
        n_before: Number of images before; 0 for a new cluster.
        n_after: Number of images after; 0 for one that is gone.
        n_left: Images that are elsewhere now.
        n_came: Images that were elsewhere before.
        left: Ids of some that left, the most typical first.
        came: Ids of some that came, likewise.
        stayed: Ids of some that are there before and after, likewise.
    """

    cluster: int
    title: str
    colour: int
    n_before: int
    n_after: int
    n_left: int
    n_came: int
    left: tuple[int, ...]
    came: tuple[int, ...]
    stayed: tuple[int, ...]

    @property
    def n_changed(self) -> int:
        """Images that left or came."""
        return self.n_left + self.n_came


@dataclass(frozen=True, slots=True, eq=False)
class BeforeAfter:
    """Two ways to group the same images.

    Attributes:
        rows: Clusters of both, those with the most changed images first.
        comparison: The images, counted.
        silhouette_before: Mean silhouette in the features as stored; nan where not defined.
        silhouette_after: The same after.
        n_before: Clusters with images before.
        n_after: Clusters with images after.
    """

    rows: tuple[ClusterChange, ...]
    comparison: Comparison
    silhouette_before: float
    silhouette_after: float
    n_before: int
    n_after: int


@dataclass(frozen=True, slots=True, eq=False)
class BeforeAfterQuery:
    """Ask what a run has changed: a `BeforeAfter`.

    Attributes:
        service: Has the features.
        before: The clusters before.
        after: The project after.
        space: Whose features both are measured in; None for those after. Features that were
            trained on the clusters would always speak for these.
    """

    service: SimilarService
    before: Clustering
    after: Snapshot
    space: Snapshot | None = None

    def run(self, token: CancelToken) -> BeforeAfter:
        """See `before_and_after`."""
        return before_and_after(self.service, self.before, self.after, token, self.space)


def before_and_after(
    service: SimilarService,
    before: Clustering,
    after: Snapshot,
    token: CancelToken,
    space: Snapshot | None = None,
) -> BeforeAfter:
    """Compare the clusters of a project with earlier ones.

    Args:
        service: Has the features.
        before: The clusters before, over the same images or fewer.
        after: The project after.
        token: Stops the work.
        space: Whose features both are measured in; None for those after.

    Raises:
        Cancelled: If the token says so.
    """
    n_images = len(after.clustering.labels)
    old = np.full(n_images, UNASSIGNED, np.int32)
    old[: len(before.labels)] = before.labels[:n_images]
    new = after.clustering.labels
    found = compare(old, new)
    table = {**before.clusters, **after.clustering.clusters}
    order = np.argsort(-np.nan_to_num(after.confidence, nan=-1.0), kind="stable").astype(np.int32)
    rows = [
        _change(key, table[key].title, table[key].colour, old, new, order)
        for key in dict.fromkeys([*found.rows, *found.columns])
        if key in table
    ]
    token.checkpoint()
    return BeforeAfter(
        tuple(sorted(rows, key=lambda row: -row.n_changed)),
        found,
        _silhouette(service, space or after, old, token),
        _silhouette(service, space or after, new, token),
        sum(row.n_before > 0 for row in rows),
        sum(row.n_after > 0 for row in rows),
    )


def _change(
    cluster: int,
    title: str,
    colour: int,
    old: NDArray[np.int32],
    new: NDArray[np.int32],
    order: NDArray[np.int32],
) -> ClusterChange:
    was, is_now = (old == cluster)[order], (new == cluster)[order]
    left, came, stayed = order[was & ~is_now], order[is_now & ~was], order[was & is_now]
    return ClusterChange(
        cluster,
        title,
        colour,
        int(was.sum()),
        int(is_now.sum()),
        len(left),
        len(came),
        *(tuple(part[:MOST_SHOWN].tolist()) for part in (left, came, stayed)),
    )


def _silhouette(
    service: SimilarService, snapshot: Snapshot, labels: NDArray[np.int32], token: CancelToken
) -> float:
    """Mean silhouette of labels in the stored features; nan where there are none to be had."""
    from dclust_gui.algorithms.validation import cluster_quality

    try:
        matrix = service.matrix(snapshot, token)
    except KnownError:
        return math.nan
    own = labels[matrix.image_ids]
    if len(set(own.tolist()) - {UNASSIGNED}) < 2:
        return math.nan
    found = cluster_quality(matrix.rows, own, callback=lambda _done, _n: token.checkpoint())
    known = np.isfinite(found.silhouette)
    if not known.any():
        return math.nan
    return float(np.average(found.silhouette[known], weights=found.sizes[known]))

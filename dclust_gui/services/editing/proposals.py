"""Proposals that need features: split in n, split by example, second-best clusters.

Everything here may take a while at the first question; ask on the query thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.splits import ExampleProposal, SplitProposal
from dclust_gui.domain.stacks import whole_stacks
from dclust_gui.engine.stacked_rows import StackedRows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.feature_matrix import FeatureMatrix
    from dclust_gui.services.inspection import InspectionService
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class SecondBest:
    """The cluster besides its own that fits each image best.

    Attributes:
        images: int32 (m,), ids of the images with features, ascending.
        clusters: int32 (m,), cluster ids; -1 where there is no other.
        margins: float32 (m,), how much nearer the own cluster is (cosine); below 0 where the
            second best is nearer; NaN where there is no own or no other.
    """

    images: NDArray[np.int32]
    clusters: NDArray[np.int32]
    margins: NDArray[np.float32]

    def targets(self) -> dict[int, int]:
        """Cluster by image, for `domain.image_edits.not_here`; images without one left out."""
        pairs = zip(self.images.tolist(), self.clusters.tolist(), strict=True)
        return {image: cluster for image, cluster in pairs if cluster >= 0}


def propose_parts(
    service: SimilarService,
    snapshot: Snapshot,
    cluster: int,
    n_parts: int,
    token: CancelToken | None = None,
) -> SplitProposal:
    """Divide a cluster into parts; nothing is decided. Bound images stay in one part.

    Raises:
        InputError: If it has too few different images that have been read.
        StorageError: If the cache cannot be read.
        Cancelled: If the token says so.
    """
    from dclust_gui.algorithms.base import UnusableDataError
    from dclust_gui.algorithms.editing import sub_clusters

    matrix = service.matrix(snapshot, token)
    images = _with_features(matrix, snapshot.clustering.members(cluster))
    title = snapshot.clustering.clusters[cluster].title
    bound = StackedRows.of(snapshot.clustering.stacks[images])
    if not 2 <= n_parts <= len(bound.first):
        known = f"{count_of(len(images))} of it" if len(images) else "No image of it"
        why = f"{known} can be compared, and each part needs one."
        if n_parts <= len(images):
            why = "Its images are bound in stacks, and a stack stays together."
        raise InputError(
            f"'{title}' cannot be split into {n_parts:,}.",
            why if n_parts > 1 else "A split needs 2 parts or more.",
        )
    try:
        rows = np.asarray(matrix.rows[matrix.row_of[images]], np.float32)
        parts = sub_clusters(bound.merged(rows), n_parts)
    except UnusableDataError as error:
        raise InputError(f"'{title}' cannot be split into {n_parts:,}.", f"{error}") from error
    return SplitProposal(cluster, images, _largest_first(parts[bound.row_of], n_parts))


def _largest_first(parts: NDArray[np.int32], n_parts: int) -> NDArray[np.int32]:
    """Parts numbered by their sizes; equal ones keep their order."""
    order = np.argsort(-np.bincount(parts, minlength=n_parts), kind="stable")
    return np.argsort(order).astype(np.int32)[parts]


def propose_like(
    service: SimilarService,
    snapshot: Snapshot,
    examples: Iterable[int],
    cluster: int | None = None,
    token: CancelToken | None = None,
) -> ExampleProposal:
    """Find the images of a cluster that belong with some examples; nothing is decided.

    Images bound to an example are examples, too; a stack is as like as its likest image.

    Args:
        service: Has the features.
        snapshot: The project.
        examples: Ids, a few.
        cluster: Where to look, or `UNASSIGNED`; None for the clusters of the examples.
        token: Stops the work.

    Raises:
        InputError: If no example can be compared, or one is outside the cluster.
        StorageError: If the cache cannot be read.
        Cancelled: If the token says so.
    """
    from dclust_gui.algorithms.editing import best_threshold, example_scores

    stacks, labels = snapshot.clustering.stacks, snapshot.clustering.labels
    picked = whole_stacks(stacks, np.unique(np.fromiter(examples, np.int32)))
    places = np.unique(labels[picked]) if cluster is None else np.array([cluster], np.int32)
    if not np.isin(labels[picked], places).all():
        row = None if cluster is None else snapshot.clustering.clusters.get(cluster)
        place = "Unassigned" if row is None else f"'{row.title}'"
        raise InputError(f"The examples are not all in {place}.", "", "Choose images of it.")
    matrix = service.matrix(snapshot, token)
    images = _with_features(matrix, np.flatnonzero(np.isin(labels, places)))
    examples_at = np.flatnonzero(np.isin(images, picked))
    if not len(examples_at):
        raise InputError(
            f"Nothing can be compared with {count_of(len(picked))}.",
            "It could not be read, or has not been read yet."
            if len(picked) == 1
            else "They could not be read, or have not been read yet.",
            "Wait for 'Reading images' to end, or choose others.",
        )
    scores = example_scores(matrix.rows[matrix.row_of[images]], examples_at)
    bound = StackedRows.of(stacks[images])
    if not bound.is_plain:
        likest = np.zeros(len(bound.first), scores.dtype)
        np.maximum.at(likest, bound.row_of, scores)
        scores = likest[bound.row_of]
    others = np.delete(np.arange(len(images)), examples_at)
    order = others[np.lexsort((images[others], -scores[others]))]
    return ExampleProposal(
        tuple(picked.tolist()), images[order], scores[order], best_threshold(scores[order])
    )


def find_second_best(
    service: InspectionService,
    snapshot: Snapshot,
    images: Iterable[int],
    token: CancelToken | None = None,
) -> SecondBest:
    """The cluster that fits each image second best; images without features are left out.

    Raises:
        InputError: If no image has features yet.
        StorageError: If the cache cannot be read.
        Cancelled: If the token says so.
    """
    from dclust_gui.algorithms.editing import second_best

    matrix, sums, counts = service.cluster_sums(snapshot, token)
    ids = _with_features(matrix, np.unique(np.fromiter(images, np.int64)))
    own = snapshot.clustering.labels[ids]
    found = second_best(matrix.rows[matrix.row_of[ids]], own, sums, counts)
    return SecondBest(ids, *found)


def _with_features(matrix: FeatureMatrix, images: NDArray[np.integer]) -> NDArray[np.int32]:
    found: NDArray[np.int32] = images[matrix.row_of[images] >= 0].astype(np.int32)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class PartsQuery:
    """Ask for a split in n: a `SplitProposal`."""

    service: SimilarService
    snapshot: Snapshot
    cluster: int
    n_parts: int

    def run(self, token: CancelToken) -> SplitProposal:
        """See `propose_parts`."""
        return propose_parts(self.service, self.snapshot, self.cluster, self.n_parts, token)


@dataclass(frozen=True, slots=True, eq=False)
class ExampleQuery:
    """Ask for a split by example: an `ExampleProposal`."""

    service: SimilarService
    snapshot: Snapshot
    examples: tuple[int, ...]
    cluster: int | None = None

    def run(self, token: CancelToken) -> ExampleProposal:
        """See `propose_like`."""
        return propose_like(self.service, self.snapshot, self.examples, self.cluster, token)


@dataclass(frozen=True, slots=True, eq=False)
class SecondBestQuery:
    """Ask where images would go if not here: a `SecondBest`."""

    service: InspectionService
    snapshot: Snapshot
    images: tuple[int, ...]

    def run(self, token: CancelToken) -> SecondBest:
        """See `find_second_best`."""
        return find_second_best(self.service, self.snapshot, self.images, token)

"""Whether there is structure to find at all, in words: neighbour agreement, near-duplicates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import UnusableDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours

NEIGHBOURS = 10
"""Images whose agreement counts."""
NEIGHBOURS_LOOKED_AT = 15
"""Images among which these are sought, as copies do not count."""
LOW_LIFT = 0.5
"""Agreement beyond chance below which clusters hardly follow the features."""
COPY_RATIO = 0.25
"""A nearest neighbour nearer than this share of the usual distance is a near-duplicate."""
ISOLATION = 1.15
"""A small group whose outside begins so many times farther than its widest inner step is one of
copies. Turned copies are as far as 0.8 of the usual distance: only their order tells them."""
LARGEST_GROUP = 12
"""Most images of such a group."""
MANY_COPIES = 0.3
"""Share of images with a near-duplicate from which the user is told."""
FEWEST = 50
"""With fewer images nothing is said."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the neighbours say about clusters.

    Attributes:
        agreement: Mean share of an image's 10 nearest that lie in its own cluster; nan if unknown.
        chance: The same if clusters of these sizes were drawn at random.
        copies: Share of images that have a near-duplicate: a far nearer neighbour, or a place in
            a small group that keeps to itself.
    """

    agreement: float
    chance: float
    copies: float

    @property
    def lift(self) -> float:
        """Agreement beyond chance: 0 for random clusters, 1 for full agreement."""
        room = 1.0 - self.chance
        return (self.agreement - self.chance) / room if room > 1e-9 else 1.0

    @property
    def has_little(self) -> bool:
        """Whether the clusters hardly follow the features."""
        return bool(np.isfinite(self.agreement)) and self.lift < LOW_LIFT

    @property
    def has_many_copies(self) -> bool:
        """Whether near-duplicates make up much of the collection."""
        return self.copies >= MANY_COPIES

    def notes(self) -> tuple[str, ...]:
        """What to tell the user; nothing where all is well."""
        told = []
        if self.has_little:
            told.append(
                "Little structure was found: of the images most like an image, only "
                f"{self.agreement:.0%} are in its cluster ({self.chance:.0%} would be by chance). "
                "The clusters may mean little; other features may suit these images better."
            )
        if self.has_many_copies:
            told.append(
                f"About {self.copies:.0%} of the images seem to have a near-duplicate: copies, "
                "turned or mirrored copies, bursts. Clusters may gather copies of one picture, and "
                "quality figures flatter. Keep one image of each group and cluster again, or read "
                "small clusters as copies; 'Find similar images' shows an image's own."
            )
        return tuple(told)


def assess(neighbours: Neighbours, labels: NDArray[np.integer]) -> Structure:
    """What the neighbours of images say about their clusters.

    Near-duplicates do not count as neighbours for the agreement: copies agree with each other
    whatever the clusters are.

    Re-encoded copies are far nearer than other images. Turned and mirrored copies often are not,
    but they name each other as their nearest: groups of 2 to 12 images whose lists of neighbours
    hold exactly one another, with a step to all others.

    Args:
        neighbours: In the space of the features.
        labels: int (n_images,); Unassigned images (-1) count on neither side.

    Raises:
        UnusableDataError: If the lengths differ.
    """
    total = len(labels)
    if len(neighbours.indices) != total:
        raise UnusableDataError(
            "Could not assess the clusters.",
            f"There are {total} labels and {len(neighbours.indices)} images.",
        )
    if total < FEWEST:
        return Structure(float("nan"), float("nan"), 0.0)
    distances = neighbours.distances
    usual = float(np.median(distances[:, -1]))
    is_copy = distances < COPY_RATIO * usual if usual > 0 else np.ones(distances.shape, bool)
    if usual > 0:
        sizes_of_groups = closed_groups(neighbours)
        is_copy |= np.arange(1, distances.shape[1] + 1)[None] < sizes_of_groups[:, None]
    copies = float(is_copy[:, 0].mean())
    kept = labels >= 0
    near = labels[neighbours.indices]
    # the first ten that are no copies
    counts = (~is_copy & (near >= 0)).cumsum(axis=1)
    is_used = ~is_copy & (near >= 0) & (counts <= NEIGHBOURS) & kept[:, None]
    n_used = int(is_used.sum())
    sizes = np.bincount(labels[kept]).astype(float)
    chance = float(((sizes / max(1.0, sizes.sum())) ** 2).sum())
    if not n_used:
        return Structure(float("nan"), chance, copies)
    agrees = (near == labels[:, None]) & is_used
    return Structure(float(agrees.sum() / n_used), chance, copies)


def closed_groups(neighbours: Neighbours) -> NDArray[np.int64]:
    """Size of the small group of images around each image that keeps to itself.

    A group of m images is closed where the m - 1 nearest of each are the others, and isolated
    where everything outside is `ISOLATION` times farther than the widest of these distances.

    Args:
        neighbours: The nearest of each image.

    Returns:
        int64 (n_images,), the size of the largest such group an image is in; 1 for none.
    """
    indices, distances = neighbours.indices, neighbours.distances
    total, count = indices.shape
    sizes = np.ones(total, np.int64)
    # Equal sets of images have equal sums of random numbers, whatever their order.
    tokens: NDArray[np.int64] = np.random.default_rng(0).integers(0, 2**56, (total, 1))[:, 0]
    sums = tokens.copy()
    for size in range(2, min(LARGEST_GROUP, count) + 1):
        sums = sums + tokens[indices[:, size - 2]]
        inner, outer = distances[:, size - 2], distances[:, size - 1]
        is_closed = sums == sums[indices[:, 0]]
        rows = np.flatnonzero(is_closed)
        members = indices[rows, : size - 1]
        holds = (sums[members] == sums[rows, None]).all(axis=1)
        widest = np.maximum(inner[rows], inner[members].max(axis=1))
        nearest_outside = np.minimum(outer[rows], outer[members].min(axis=1))
        sizes[rows[holds & (nearest_outside >= ISOLATION * widest)]] = size
    return sizes

"""Clusters without a number given: hills of the density with a valley between them.

Whether a valley lies between two halves of some images is told by the dip test: their places on the
axis through both centres have a single peak (p > alpha), or they do not.

*Splitting* (the default): all images are halved by 2-means; halves with a valley between them are
halved again, until no half can be. (k-means with the number so found, from scratch or from these
clusters, was level on five sets, so they are left as they are.)

*Joining*: k-means makes many small groups. Two are neighbours if some image has their centres as
its two nearest ones. Of neighbours equally many images are drawn, several times, as the larger
group would hide the smaller one; if most draws have a single peak, the groups are joined. Whatever
is joined, directly or through others, is a cluster, of any shape.

Which is better was measured (`tests/benchmarks/RESULTS.md`): on layouts of photographs groups hang
together by a few images here and there, so joining runs through them and ends with few, very large
clusters; splitting looks at whole halves and came nearer to the number of classes, too. DeepECT is
a splitting tree as well, with an autoencoder; on frozen features that gains nothing.

On features of 1,280 values valleys are hard to see: it is meant for a few coordinates such as those
of a UMAP layout, which is what runs use unless told otherwise.

Defaults and why:
* alpha = 0.001: a valley has to be plain before it separates, as some hundred places are tested.
* Halves have at least 5 images and wholes at least 40: with fewer a dip test sees nothing.
* Joining starts from groups of about 50 images, 10 to 30 groups, and draws 11 times.

Source:
    Splitting: Kalogeratos, Likas, "Dip-means: an incremental clustering method for estimating the
    number of clusters", NIPS 2012 (there the distances of each image are tested). Joining:
    Vardakas, Kalogeratos, Likas, "UniForCE: the unimodality forest method for clustering and
    estimation of the number of clusters", arXiv 2312.11323. Both written anew from the idea.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import (
    Callback,
    FloatArray,
    LabelArray,
    UnusableDataError,
    outcome_note,
    report,
)
from dclust_gui.algorithms.clusterer import Clusterer, centre_confidence
from dclust_gui.algorithms.dip import dip_p_value, dip_statistic
from dclust_gui.algorithms.knn import nearest_among
from dclust_gui.algorithms.partition import KMeans

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAYS = ("split", "join")
GROUP_SIZE = 50
FEWEST_GROUPS = 10
MOST_GROUPS = 30
DRAWS = 11
LARGEST_DRAW = 2_000
"""Images of a group that are drawn at most: the test needs no more."""
LEAST_WHOLE = 40
LEAST_HALF = 5
HALVINGS = 5
"""Restarts of 2-means."""
MOST_CLUSTERS = 200


class Unimodal(Clusterer):
    """As many clusters as there are hills of the density with a valley between them.

    Args:
        alpha: Evidence that separates: a valley is seen where p is not above it; more gives more
            clusters.
        way: "split" (from the whole) or "join" (from small groups).
        n_groups: Groups to join; None makes them of about 50 images, 10 to 30.
        metric: Distance.
        random_state: Seed.

    Attributes:
        labels_: int32 (n_images,), numbered by size.
        confidence_: float32 (n_images,).
        n_clusters_: Number of clusters found.
        note_: What the user should know; empty for nothing.

    Source:
        See the module.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.001,
        way: str = "split",
        n_groups: int | None = None,
        metric: str = "euclidean",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.alpha = alpha
        self.way = way
        self.n_groups = n_groups
        self.metric = metric
        self.random_state = random_state

    n_clusters_: int
    note_: str

    def _fit(self, features: FloatArray, callback: Callback | None) -> None:
        self._check()
        random = check_random_state(self.random_state)
        found = self._split if self.way == "split" else self._join
        self.labels_ = _by_size(found(features, random, callback))
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.confidence_ = centre_confidence(features, self.labels_)
        self.note_ = outcome_note(
            "The search for valleys", self.labels_, "a larger alpha", "a smaller alpha"
        )

    def _check(self) -> None:
        for name, fits in (
            ("alpha", 0 < self.alpha < 1),
            ("way", self.way in WAYS),
            ("n_groups", self.n_groups is None or self.n_groups >= 1),
        ):
            if not fits:
                raise UnusableDataError(
                    "Could not look for valleys.", f"{name}={getattr(self, name)!r}."
                )

    def _split(
        self, features: FloatArray, random: np.random.RandomState, callback: Callback | None
    ) -> NDArray[np.integer]:
        """Halved until no half has a valley."""
        labels = np.zeros(len(features), np.int64)
        waiting, found, settled = [np.arange(len(features))], 0, 0
        while waiting:
            report(callback, settled, len(features))
            rows = waiting.pop()
            halves = None
            if len(waiting) + found < MOST_CLUSTERS:
                halves = self._halved(features[rows], int(random.randint(2**31 - 1)), callback)
            if halves is not None:
                waiting += [rows[halves == 0], rows[halves == 1]]
                continue
            labels[rows] = found
            found += 1
            settled += len(rows)
        report(callback, settled, len(features))
        return labels

    def _halved(self, part: FloatArray, seed: int, callback: Callback | None) -> LabelArray | None:
        """Halves with a valley between them; None if there is none."""
        if len(part) < LEAST_WHOLE or (part == part[0]).all():
            return None
        model = KMeans(2, n_init=HALVINGS, random_state=seed).fit(part, callback=_quiet(callback))
        if np.bincount(model.labels_, minlength=2).min() < LEAST_HALF:
            return None
        axis = model.cluster_centers_[1] - model.cluster_centers_[0]
        places = part @ axis
        if len(places) > 2 * LARGEST_DRAW:
            places = np.random.default_rng(seed).permutation(places)[: 2 * LARGEST_DRAW]
        is_one_hill = dip_p_value(dip_statistic(places), len(places)) > self.alpha
        return None if is_one_hill else model.labels_

    def _join(
        self, features: FloatArray, random: np.random.RandomState, callback: Callback | None
    ) -> NDArray[np.integer]:
        """Small groups joined where there is no valley."""
        automatic = int(np.clip(len(features) // GROUP_SIZE, FEWEST_GROUPS, MOST_GROUPS))
        count = min(self.n_groups or automatic, len(np.unique(features, axis=0)))
        model = KMeans(count, random_state=int(random.randint(2**31 - 1)))
        groups = model.fit(features, callback=callback).labels_
        centres = np.asarray(model.cluster_centers_, np.float64)
        edges = self._joined(features, groups, centres, random, callback)
        links = sparse.coo_array(
            (np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count)
        )
        part: NDArray[np.integer] = csgraph.connected_components(links, directed=False)[1]
        return part[groups]

    def _joined(
        self,
        features: FloatArray,
        groups: LabelArray,
        centres: NDArray[np.float64],
        random: np.random.RandomState,
        callback: Callback | None,
    ) -> NDArray[np.int32]:
        """Pairs of neighbouring groups with no valley between them."""
        pairs = neighbouring(features, centres)
        members = [np.flatnonzero(groups == group) for group in range(len(centres))]
        found = []
        for done, (one, two) in enumerate(pairs.tolist()):
            report(callback, done, len(pairs))
            axis = centres[two] - centres[one]
            sides = features[members[one]] @ axis, features[members[two]] @ axis
            if self._is_one_hill(sides, random):
                found.append((one, two))
        report(callback, len(pairs), len(pairs))
        return np.array(found, np.int32).reshape(-1, 2)

    def _is_one_hill(
        self, sides: tuple[FloatArray, FloatArray], random: np.random.RandomState
    ) -> bool:
        """Whether most draws from two groups' places on an axis have a single peak."""
        size = min(len(sides[0]), len(sides[1]), LARGEST_DRAW)
        whole = all(len(side) == size for side in sides)
        votes, turns = 0, 1 if whole else DRAWS
        for turn in range(turns):
            sample = np.concatenate([random.choice(side, size, replace=False) for side in sides])
            votes += dip_p_value(dip_statistic(sample), len(sample)) > self.alpha
            is_decided = votes * 2 > turns or (turn + 1 - votes) * 2 >= turns
            if is_decided:
                break
        return votes * 2 > turns


def neighbouring(features: FloatArray, centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pairs of centres that are the two nearest of some image.

    Args:
        features: (n_images, d).
        centres: (k, d).

    Returns:
        int64 (m, 2), the smaller number first, in ascending order.

    Source:
        Martinetz, Schulten, "Topology representing networks", Neural Networks 7, 1994.
    """
    if len(centres) < 2:
        return np.empty((0, 2), np.int64)
    nearest = nearest_among(features, centres, 2).indices
    pairs: NDArray[np.int64] = np.unique(np.sort(nearest, axis=1), axis=0).astype(np.int64)
    return pairs


def _by_size(part: NDArray[np.integer]) -> LabelArray:
    """Labels numbered from the largest cluster on."""
    order = np.argsort(-np.bincount(part), kind="stable")
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    labels: LabelArray = number[part]
    return labels


def _quiet(callback: Callback | None) -> Callback | None:
    """A callback that asks whether to go on without moving the progress back and forth."""
    return None if callback is None else lambda _done, _total: callback(0, 0)

"""The methods that make maps, and places for images that come later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.services.mapping_places import set_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from dclust_gui.domain.control import EventSink
    from dclust_gui.engine.progress import StageMeter
    from dclust_gui.engine.reduction import ReductionCache

    Method = Callable[["Features", int], NDArray[np.float32]]

MIN_DIST = 0.1
"""Least distance of neighbours on a map by UMAP."""

TSNE_AXES = 50
"""Principal components that t-SNE looks at, as its authors do."""

_SAMPLE_ROWS = 8192
_BLOCK_ROWS = 4096
_N_NEAR = 10


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features of the images that are laid out together, loaded when asked for.

    Attributes:
        stored: Gives float16 (n, d), as the store has them.
        scale: How they are scaled.
        cache: What was computed from them before.
        sink: Takes messages.
        meter: Counts steps.
    """

    stored: Callable[[], NDArray[np.float16]]
    scale: str
    cache: ReductionCache
    sink: EventSink
    meter: StageMeter

    def scaled(self) -> NDArray[np.float32]:
        """float32 (n, d)."""
        from dclust_gui.algorithms.distances import scale_features

        return scale_features(self.stored(), self.scale)[0]

    def cached(self, key: str, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Places kept under a key, or made now and kept."""
        key = f"{key} {self.scale}"
        kept = self.cache.get(key)
        if kept is not None and "places" in kept:
            return np.array(kept["places"], np.float32)
        found = make()
        self.cache.put(key, {"places": found}, self.sink)
        return found


def principal_axes(features: Features) -> NDArray[np.float32]:
    """Places on the two leading axes, learnt from a sample where there are many images.

    Returns:
        float32 (n, 2).
    """
    stored = features.stored()
    return set_apart(_projected(features, stored, stored))


def project(features: Features, added: NDArray[np.float16]) -> NDArray[np.float32]:
    """Places of further images on the axes of those laid out.

    Args:
        features: Those of the images laid out.
        added: float16 (m, d), as the store has them.

    Returns:
        float32 (m, 2).
    """
    return _projected(features, features.stored(), added)


def _projected(
    features: Features, stored: NDArray[np.float16], rows: NDArray[np.float16]
) -> NDArray[np.float32]:
    """Places of rows on the axes of others: float32 (m, 2)."""
    from dclust_gui.algorithms.distances import scale_features
    from dclust_gui.algorithms.reduce import PCA

    step = -(-len(stored) // _SAMPLE_ROWS)
    sample, scale = scale_features(stored[::step], features.scale)
    model = PCA(2).fit(sample, callback=features.meter.set)
    places = np.zeros((len(rows), 2), np.float32)
    for start in range(0, len(rows), _BLOCK_ROWS):
        features.meter.set(start, len(rows))
        part = model.transform(scale.apply(rows[start : start + _BLOCK_ROWS]))
        places[start : start + _BLOCK_ROWS, : part.shape[1]] = part
    return places


def _umap(features: Features, seed: int) -> NDArray[np.float32]:
    """From the graph that the clustering made, where the cache has it."""
    from dclust_gui.algorithms.fuzzy_graph import fuzzy_graph
    from dclust_gui.algorithms.umap import graph_layout, neighbour_count
    from dclust_gui.engine.reduction import neighbours

    rows, callback = features.scaled(), features.meter.set
    count = neighbour_count(len(rows))
    near = neighbours(rows, features.scale, count, features.cache, features.sink, callback)
    graph = fuzzy_graph(near)
    return graph_layout(graph, rows, 2, min_dist=MIN_DIST, seed=seed, callback=callback)


def _tsne(features: Features, seed: int) -> NDArray[np.float32]:
    from dclust_gui.algorithms.reduce import PCA
    from dclust_gui.engine.isolation import call_isolated
    from dclust_gui.engine.reduction import ISOLATED_ABOVE, tsne_rows

    rows = features.scaled()
    rows = PCA(min(TSNE_AXES, *rows.shape)).fit(rows, callback=features.meter.set).transform(rows)
    features.meter.set(0, 0)
    if len(rows) > ISOLATED_ABOVE:
        return call_isolated(tsne_rows, rows, (2, seed), features.meter.set)
    return tsne_rows(rows, 2, seed)


laid_out: Mapping[str, Method] = {"UMAP": _umap, "t-SNE": _tsne}
"""Makes float32 (n, 2) places from features and a seed, by the method's name."""


def place_among(
    features: Features,
    raw: NDArray[np.float32],
    added: NDArray[np.float16],
    *,
    seed: int,
    moves: bool,
) -> NDArray[np.float32]:
    """Places of further images among those laid out, which stay where they are.

    Args:
        features: Those of the images laid out.
        raw: float32 (n, 2), their places.
        added: float16 (m, d), as the store has them.
        seed: Of everything random.
        moves: Go on as UMAP does from the mean of the neighbours' places.

    Returns:
        float32 (m, 2).
    """
    from dclust_gui.algorithms.distances import scale_features
    from dclust_gui.algorithms.knn import nearest_among
    from dclust_gui.algorithms.umap_layout import likeness_curve, place_new

    rows, scale = scale_features(features.stored(), features.scale)
    features.meter.set(0, 0)
    near = nearest_among(scale.apply(added), rows, _N_NEAR)
    mean = near.distances.mean(axis=1, keepdims=True)
    weights = np.exp(-(near.distances - near.distances[:, :1]) / np.maximum(0.3 * mean, 1e-12))
    curve = likeness_curve(MIN_DIST)
    steps = 30 if moves and len(raw) > _N_NEAR else 0
    return place_new(raw, near.indices, weights, curve, n_steps=steps, seed=seed)

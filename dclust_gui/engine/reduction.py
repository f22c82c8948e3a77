"""From scaled features to the space that is clustered; graphs and layouts come from the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.events import Notice, Severity
from dclust_gui.domain.runs import Quality
from dclust_gui.engine.isolation import call_isolated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours
    from dclust_gui.domain.control import EventSink
    from dclust_gui.domain.runs import RunSettings
    from dclust_gui.storage.array_cache import ArrayCache

REDUCTIONS = {"none": 0, "pca": 64, "pca-whiten": 64, "tsne": 2, "umap": 10}
"""Reductions and the width each gives when none is asked for."""

LAYOUTS = 5
"""UMAP layouts that lie side by side unless the quality is fast; the clusters then depend less on
chance. `tests/benchmarks/RESULTS.md` has what that gains."""

MOST_DIMS = {"tsne": 3}
STEP, SEEDS = 7_919, 2**32
"""From the seed of one layout to the next, and how many seeds there are."""

VERSION = 1
"""Goes up when the same parameters give other graphs or layouts."""

ISOLATED_ABOVE = 2_000
"""Rows above which t-SNE, which cannot be stopped, runs in a process of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class ReductionCache:
    """Where graphs and layouts of certain features are kept.

    Attributes:
        arrays: The cache.
        source: What the features are, as text: the same text, the same rows.
    """

    arrays: ArrayCache
    source: str

    @classmethod
    def of(
        cls, arrays: ArrayCache, fingerprint: str, contents: Sequence[bytes], more: str = ""
    ) -> ReductionCache:
        """For the features of some images.

        Args:
            arrays: The cache.
            fingerprint: Of the backbone.
            contents: Content hashes, one to a row.
            more: What the rows depend on besides, such as stacks and capture times.
        """
        digest = hashlib.blake2b(digest_size=16)
        for content in contents:
            digest.update(content)
        return cls(arrays, f"{fingerprint} {len(contents)} {digest.hexdigest()}{more}")

    def get(self, key: str) -> dict[str, NDArray[np.generic]] | None:
        """What is kept under a key, or None."""
        return self.arrays.get(f"{self.source} {key} v{VERSION}")

    def put(self, key: str, arrays: Mapping[str, NDArray[np.generic]], sink: EventSink) -> None:
        """Keep arrays; a cache that cannot be written costs a warning only."""
        try:
            self.arrays.put(f"{self.source} {key} v{VERSION}", arrays)
        except StorageError as error:
            sink(Notice(Severity.WARNING, f"{error.what} {error.why}"))


def check_reduction(settings: RunSettings) -> None:
    """Refuse a reduction or a width that does not exist.

    Raises:
        InputError: If so.
    """
    if settings.reduce not in REDUCTIONS:
        names = ", ".join((*REDUCTIONS, "auto"))
        raise InputError(
            f"There is no --reduce '{settings.reduce}'.", "", f"Choose one of: {names}."
        )
    most = MOST_DIMS.get(settings.reduce, 1000)
    if not 0 <= settings.dims <= most:
        raise InputError(
            f"Could not use --dims {settings.dims}.",
            f"With --reduce {settings.reduce} it can be 1 to {most}.",
            "Leave it out for the usual width.",
        )


def width_of(settings: RunSettings) -> int:
    """Columns of a layout; 0 where nothing is reduced."""
    return settings.dims or REDUCTIONS[settings.reduce]


def layout_seeds(settings: RunSettings) -> tuple[int, ...]:
    """The seeds of the layouts that lie side by side; the run's own comes first."""
    count = LAYOUTS if settings.reduce == "umap" and settings.quality != Quality.FAST else 1
    return tuple((settings.seed + STEP * i) % SEEDS for i in range(count))


def reduced(
    scaled: Callable[[], NDArray[np.float32]],
    settings: RunSettings,
    cache: ReductionCache | None,
    sink: EventSink,
    callback: Callable[[int, int], None],
) -> NDArray[np.float32]:
    """Rows of the space that is clustered.

    Args:
        scaled: Gives the scaled features; not called where the cache has the answer.
        settings: Resolved settings.
        cache: Of these features, or None.
        sink: Takes messages.
        callback: Told (done, total); may raise `Cancelled`.
    """
    dims = width_of(settings)
    kept = known_layout(settings, cache)
    if kept is not None:
        return kept
    rows = scaled()
    callback(0, 0)
    match settings.reduce:
        case "umap":
            found = _umap(rows, settings, dims, cache, sink, callback)
        case "tsne":
            found = _tsne(rows, dims, settings.seed, callback)
        case _:
            from dclust_gui.algorithms.reduce import PCA

            model = PCA(dims, whiten=settings.reduce == "pca-whiten")
            found = model.fit(rows, callback=callback).transform(rows)
    if cache is not None:
        cache.put(_layout_key(settings), {"rows": found}, sink)
    return found


def _umap(
    rows: NDArray[np.float32],
    settings: RunSettings,
    dims: int,
    cache: ReductionCache | None,
    sink: EventSink,
    callback: Callable[[int, int], None],
) -> NDArray[np.float32]:
    from dclust_gui.algorithms.fuzzy_graph import fuzzy_graph
    from dclust_gui.algorithms.umap import graph_layout, neighbour_count

    count = neighbour_count(len(rows))
    near = neighbours(rows, settings.scale, count, cache, sink, callback)
    graph = fuzzy_graph(near)
    seeds = layout_seeds(settings)
    parts: list[NDArray[np.float32]] = []
    for seed in seeds:
        single = replace(settings, seed=seed, quality=Quality.FAST.value)
        part = known_layout(single, cache)
        if part is None:
            tell = _part_of(callback, len(parts), len(seeds))
            part = graph_layout(graph, rows, dims, seed=seed, callback=tell)
            if cache is not None and len(seeds) > 1:
                cache.put(_layout_key(single), {"rows": part}, sink)
        parts.append(part)
    return np.concatenate(parts, axis=1)


def _part_of(
    callback: Callable[[int, int], None], number: int, count: int
) -> Callable[[int, int], None]:
    """Tells a part's progress as that of the whole."""

    def tell(done: int, total: int) -> None:
        callback(number * total + done, count * total)

    return tell


def neighbours(
    rows: NDArray[np.float32],
    scale: str,
    count: int,
    cache: ReductionCache | None,
    sink: EventSink,
    callback: Callable[[int, int], None],
) -> Neighbours:
    """The nearest neighbours of scaled features, from the cache if they are there.

    Args:
        rows: float32 (m, d).
        scale: How they were scaled.
        count: Wanted number.
        cache: Of these features, or None.
        sink: Takes messages.
        callback: Told (done, total); may raise `Cancelled`.
    """
    from dclust_gui.algorithms.knn import Neighbours, nearest_neighbours

    key = f"knn {scale} {count}"
    kept = cache.get(key) if cache is not None else None
    is_there = kept is not None and {"indices", "distances"} <= kept.keys()
    if kept is not None and is_there and len(kept["indices"]) == len(rows):
        return Neighbours(kept["indices"].astype(np.int32), kept["distances"].astype(np.float32))
    near = nearest_neighbours(rows, count, callback=callback)
    if cache is not None:
        cache.put(key, {"indices": near.indices, "distances": near.distances}, sink)
    return near


def known_neighbours(
    settings: RunSettings, n_images: int, cache: ReductionCache | None
) -> Neighbours | None:
    """The neighbours that a layout was made of, if the cache has them.

    Args:
        settings: Resolved settings.
        n_images: Number of rows.
        cache: Of these features, or None.
    """
    from dclust_gui.algorithms.knn import Neighbours
    from dclust_gui.algorithms.umap import neighbour_count

    key = f"knn {settings.scale} {neighbour_count(n_images)}"
    kept = cache.get(key) if cache is not None and settings.reduce == "umap" else None
    if kept is None or not {"indices", "distances"} <= kept.keys():
        return None
    return Neighbours(kept["indices"].astype(np.int32), kept["distances"].astype(np.float32))


def known_layout(settings: RunSettings, cache: ReductionCache | None) -> NDArray[np.float32] | None:
    """The space that a run was clustered in, if it is a reduced one and the cache has it.

    Args:
        settings: Resolved settings.
        cache: Of the run's features, or None.
    """
    if cache is None or settings.reduce == "none":
        return None
    kept = cache.get(_layout_key(settings))
    return np.array(kept["rows"], dtype=np.float32) if kept is not None and "rows" in kept else None


def _layout_key(settings: RunSettings) -> str:
    dims = width_of(settings)
    count = len(layout_seeds(settings))
    several = f" and {count - 1} more" if count > 1 else ""
    time = f" time {settings.time_weight!r}" if settings.time_weight else ""
    return f"layout {settings.reduce} {settings.scale} {dims} seed {settings.seed}{several}{time}"


def _tsne(
    rows: NDArray[np.float32], dims: int, seed: int, callback: Callable[[int, int], None]
) -> NDArray[np.float32]:
    if len(rows) > ISOLATED_ABOVE:
        return call_isolated(tsne_rows, rows, (dims, seed), callback)
    return tsne_rows(rows, dims, seed)


def tsne_rows(rows: NDArray[np.float32], dims: int, seed: int) -> NDArray[np.float32]:
    """The t-SNE layout of rows; a function of its own so that another process can find it."""
    from dclust_gui.algorithms.tsne import TSNE

    return TSNE(dims, random_state=seed).fit_transform(rows)

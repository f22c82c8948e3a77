"""The space in which a run found its clusters, for those who go on from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.domain.capture import capture_times
from dclust_gui.engine.reduction import ReductionCache, known_layout
from dclust_gui.engine.row_times import time_key
from dclust_gui.engine.stacked_rows import StackedRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.runs import Run
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.storage.array_cache import ArrayCache


def run_space(arrays: ArrayCache, snapshot: Snapshot, run: Run) -> NDArray[np.float32] | None:
    """Coordinates of a run's images where its clusters were found.

    Args:
        arrays: The cache.
        snapshot: The project.
        run: One of its runs.

    Returns:
        float32 (m, e), a row for each of the run's images, those of one stack alike; None where
        the cache has none, also when other images have been bound since.
    """
    records = [snapshot.images[i] for i in run.images.tolist()]
    bound = StackedRows.of(snapshot.clustering.stacks[run.images])
    times = bound.mean_times(capture_times(r.facts.taken_at for r in records))
    more = bound.key + time_key(run.settings.time_weight, times)
    cache = ReductionCache.of(arrays, run.backbone, [r.content for r in records], more)
    found = known_layout(run.settings, cache)
    if found is None or len(found) != len(bound.first):
        return None
    return found[bound.row_of]


def with_times(
    snapshot: Snapshot, run: Run, images: NDArray[np.int32], scaled: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Features mixed with the capture times as a run did it.

    Args:
        snapshot: The project.
        run: One of its runs.
        images: int32 (m,), ids of the rows.
        scaled: float32 (m, d), scaled features.

    Returns:
        float32 (m, d + c); `scaled` itself where the run did not look at times.
    """
    from dclust_gui.algorithms.capture_time import mixed_rows

    if not run.settings.time_weight:
        return scaled
    bound = StackedRows.of(snapshot.clustering.stacks[images])
    records = [snapshot.images[i] for i in images.tolist()]
    times = bound.mean_times(capture_times(r.facts.taken_at for r in records))
    return mixed_rows(scaled, times[bound.row_of], run.settings.time_weight)

"""Exact nearest neighbours at a scale where a copy of the features is too large; for caching."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report
from dclust_gui.algorithms.lloyd import tensor_of
from dclust_gui.algorithms.search import single_threaded_operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

QUERY_ROWS = 1024
TILE_COLUMNS = 4096
GROUP = 16
"""Columns whose least distance is looked at before the distances themselves."""
SPARE = 8
"""Candidates beyond the wanted number, against rounding of the matrix products."""
REFINE_VALUES = 1 << 21
LARGE = 10**12
"""Multiplications from which coarse products with a proof are worth a try."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The nearest other images of each image.

    Attributes:
        indices: int32 (n, count), the nearest first; ties by number.
        distances: float32 (n, count), Euclidean.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]

    def first(self, count: int) -> Neighbours:
        """The nearest `count` of them; all if there are fewer."""
        return Neighbours(self.indices[:, :count], self.distances[:, :count])


def nearest_neighbours(
    features: FloatArray, count: int, *, device: str = "cpu", callback: Callback | None = None
) -> Neighbours:
    """The nearest other images of each image, exactly, in blocks.

    Needs 50 MB beside the features on a CPU; for rows of length 1 the order is the cosine's.

    Args:
        features: (n_images, d), finite; float32 is not copied.
        count: Wanted number of neighbours; fewer where there are not so many images.
        device: torch device.
        callback: Called with (images done, images); may raise `Cancelled`.

    Raises:
        UnusableDataError: If `count` is below 1 or there are no images.
    """
    if count < 1 or features.ndim != 2 or not len(features):
        raise UnusableDataError(
            "Could not find neighbours.", "It takes images and a number of at least 1."
        )
    base = _tensor(features, device)
    return _search(base, base, min(count, len(base) - 1), callback, has_self=True)


def nearest_among(
    queries: FloatArray, features: FloatArray, count: int, *, device: str = "cpu"
) -> Neighbours:
    """The nearest images of each of some other images.

    Args:
        queries: (m, d), finite.
        features: (n_images, d), finite.
        count: Wanted number; fewer where there are not so many images.
        device: torch device.

    Returns:
        Indices into `features`, (m, count).
    """
    base = _tensor(features, device)
    return _search(_tensor(queries, device), base, min(count, len(base)), None, has_self=False)


def _tensor(features: FloatArray, device: str) -> Tensor:
    return tensor_of(np.asarray(features, dtype=np.float32)).to(device)


def _search(
    queries: Tensor, base: Tensor, count: int, callback: Callback | None, *, has_self: bool
) -> Neighbours:
    total = len(queries)
    found = Neighbours(np.empty((total, count), np.int32), np.empty((total, count), np.float32))
    if not count:
        return found
    search = _Search(queries, base, count, has_self, found)
    every = torch.arange(total, device=base.device)
    if total * len(base) * base.shape[1] < LARGE or not _has_fast_bfloat16(base.device):
        search.run(every, callback, is_coarse=False)
    else:
        unproven = search.run(every, callback, is_coarse=True)
        search.run(unproven, callback, is_coarse=False)
    report(callback, total, total)
    return found


def _has_fast_bfloat16(device: torch.device) -> bool:
    """Whether products of bfloat16 are much faster here; the result does not depend on it."""
    if device.type != "cpu":
        return False
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        one = torch.ones((1024, 1024), dtype=dtype)
        one @ one
        started = time.perf_counter()
        one @ one
        seconds.append(time.perf_counter() - started)
    return seconds[1] * 2 < seconds[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """One search: blocks of queries are shared out to threads, tiles of images follow inside.

    Coarse products round the features to bfloat16. What that changes is bounded by the length of
    the rounding; a query whose bound leaves a doubt is given back, to be searched again.
    """

    queries: Tensor
    base: Tensor
    count: int
    has_self: bool
    found: Neighbours

    def run(self, chosen: Tensor, callback: Callback | None, *, is_coarse: bool) -> Tensor:
        """Search for the queries `chosen`; gives those for which the result is not proven."""
        norms, rounding = self._norms()
        total = len(self.queries)
        spare = self.count * 2 + 24 if is_coarse else SPARE
        wanted = min(self.count + spare, len(self.base) - self.has_self)

        def block(rows: Tensor) -> Tensor:
            scan = _Scan(self.queries[rows], self.base, norms, is_coarse)
            places, worst = scan.nearest(wanted, rows if self.has_self else None)
            near, squared = _refined(scan.rows, self.base, places, self.count)
            place = rows.cpu().numpy()
            self.found.indices[place] = near.to(torch.int32).cpu().numpy()
            self.found.distances[place] = squared.sqrt().cpu().numpy()
            if not is_coarse or wanted == len(self.base) - self.has_self:
                return rows[:0]
            bound = worst + (scan.rows * scan.rows).sum(1) - scan.error(norms, rounding)
            return rows[~(squared[:, -1] < bound)]

        unproven = [chosen[:0]]
        done = total - len(chosen)
        for result in _in_threads(block, _parts(chosen), self.base.device):
            report(callback, done, total)
            unproven.append(result)
            done += QUERY_ROWS
        return torch.cat(unproven)

    def _norms(self) -> tuple[Tensor, float]:
        """Squared length of each image, and the greatest length of a rounding to bfloat16."""
        norms = torch.empty(len(self.base), device=self.base.device)
        largest = 0.0
        for start in range(0, len(self.base), QUERY_ROWS):
            part = self.base[start : start + QUERY_ROWS]
            norms[start : start + QUERY_ROWS] = (part * part).sum(1)
            lost = part - part.to(torch.bfloat16).to(torch.float32)
            largest = max(largest, float(torch.linalg.vector_norm(lost, dim=1).max()))
        return norms, largest


def _parts(rows: Tensor) -> list[Tensor]:
    return [rows[start : start + QUERY_ROWS] for start in range(0, len(rows), QUERY_ROWS)]


def _in_threads(
    work: Callable[[Tensor], Tensor], parts: list[Tensor], device: torch.device
) -> Iterator[Tensor]:
    """Results in order; each operation runs on one thread, as whole blocks are shared out."""
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    if threads == 1 or len(parts) < 2:
        yield from map(work, parts)
        return
    with single_threaded_operations(), ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Tensor]] = deque()
        try:
            for part in parts:
                waiting.append(pool.submit(work, part))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


class _Scan:
    """Scores |y|^2 - 2 x y of a block of queries against all images, tile by tile."""

    def __init__(self, rows: Tensor, base: Tensor, norms: Tensor, is_coarse: bool) -> None:
        self.rows = rows
        self._base = base
        self._norms = norms
        self._low = rows.to(torch.bfloat16) if is_coarse else None
        width = min(TILE_COLUMNS, len(base))
        self._buffer = torch.empty(len(rows) * width, device=rows.device)

    def error(self, norms: Tensor, rounding: float) -> Tensor:
        """Bound (r,) of the error of a coarse score."""
        length = torch.linalg.vector_norm(self.rows, dim=1)
        assert self._low is not None
        lost = torch.linalg.vector_norm(self.rows - self._low.to(torch.float32), dim=1)
        longest = float(norms.max()) ** 0.5
        # rounding of both factors, of the product's result, and of float32 on the way
        product = lost * (longest + rounding) + length * rounding
        bound: Tensor = 2.0 * (product + (2.0**-9 + 2.0**-12) * length * longest)
        return bound

    def nearest(self, count: int, own: Tensor | None) -> tuple[Tensor, Tensor]:
        """Numbers (r, count) of the images with the least scores, and the largest of these."""
        n_rows, device = len(self.rows), self.rows.device
        best = torch.full((n_rows, count), torch.inf, device=device)
        places = torch.zeros((n_rows, count), dtype=torch.int64, device=device)
        every = torch.arange(n_rows, device=device)
        for start in range(0, len(self._base), TILE_COLUMNS):
            scores = self._scores(start)
            if own is not None:
                column = own - start
                inside = (column >= 0) & (column < scores.shape[1])
                scores[every[inside], column[inside]] = torch.inf
            value, column = _below(scores, best.amax(1, keepdim=True), count)
            value, column = torch.cat([best, value], 1), torch.cat([places, column + start], 1)
            best, order = value.topk(count, dim=1, largest=False, sorted=False)
            places = column.gather(1, order)
        return places, best.amax(1)

    def _scores(self, start: int) -> Tensor:
        tile = self._base[start : start + TILE_COLUMNS]
        norms = self._norms[None, start : start + TILE_COLUMNS]
        scores = self._buffer[: len(self.rows) * len(tile)].view(len(self.rows), len(tile))
        if self._low is None:
            return torch.addmm(norms, self.rows, tile.T, alpha=-2.0, out=scores)
        product = self._low @ tile.to(torch.bfloat16).T
        return torch.sub(norms, product, alpha=2.0, out=scores)


def _below(scores: Tensor, limit: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Values and columns that hold each row's least `count` values below its limit, and others."""
    n_rows, width = scores.shape
    n_groups = width // GROUP
    if width % GROUP or n_groups <= 2 * count:
        return scores.topk(min(count, width), dim=1, largest=False, sorted=False)
    # group g holds the columns g, g + n_groups, ...: their minimum is a pass over whole rows
    lowest = scores.view(n_rows, GROUP, n_groups).amin(1)
    hits = min(count, int((lowest < limit).sum(1).max()))
    if not hits:
        empty = torch.zeros((n_rows, 0), device=scores.device)
        return empty, empty.to(torch.int64)
    groups = lowest.topk(hits, dim=1, largest=False, sorted=False).indices
    strides = torch.arange(GROUP, device=scores.device) * n_groups
    columns = (groups[:, :, None] + strides).reshape(n_rows, -1)
    return scores.gather(1, columns), columns


def _refined(rows: Tensor, base: Tensor, found: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The nearest `count` candidates and squared distances, from differences; ties by number."""
    found = found.sort(1).values
    squared = torch.empty(found.shape, device=rows.device)
    step = max(1, REFINE_VALUES // (max(1, found.shape[1]) * base.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        difference = base[found[part]].sub_(rows[part, None, :])
        squared[part] = torch.linalg.vecdot(difference, difference)
    value, order = squared.sort(dim=1, stable=True)
    nearest: Tensor = found.gather(1, order[:, :count])
    return nearest, value[:, :count]

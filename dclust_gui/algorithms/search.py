"""Nearest clusters of many clusters by blocked matrix products."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_Piece = TypeVar("_Piece")

GROUP = 16
"""Columns whose least distance is looked at before the distances themselves."""
TILE_COLUMNS = 2048
TILE_VALUES = 1 << 20


@dataclass(slots=True)
class Pool:
    """Clusters as the search sees them; the number of slots is a multiple of GROUP.

    Attributes:
        right: (slots, d + 2) columns [centre, |centre|^2, 1]; a dead slot has |centre|^2 = inf.
        inverse: (slots,) 1 / weight.
        uniform: Whether all weights are equal, so that the nearest centre is the nearest cluster.
    """

    right: Tensor
    inverse: Tensor
    uniform: bool

    @classmethod
    def of(cls, centres: Tensor, weights: Tensor, alive: Tensor, dtype: torch.dtype) -> Pool:
        """Make the search's view of clusters.

        Args:
            centres: (slots, d).
            weights: (slots,).
            alive: bool (slots,).
            dtype: float32 or float64.
        """
        slots, width = centres.shape
        right = torch.empty((slots, width + 2), dtype=dtype, device=centres.device)
        pool = cls(right, torch.empty(slots, dtype=dtype, device=centres.device), uniform=False)
        pool.put(torch.arange(slots, device=centres.device), centres, weights)
        pool.kill(torch.nonzero(~alive).flatten())
        living = weights[alive]
        pool.uniform = bool((living == living[0]).all())
        return pool

    def put(self, slots: Tensor, centres: Tensor, weights: Tensor) -> None:
        """Write clusters into slots."""
        values = centres.to(self.right.dtype)
        self.right[slots, :-2] = values
        self.right[slots, -2] = (values * values).sum(1)
        self.right[slots, -1] = 1.0
        self.inverse[slots] = (1.0 / weights).to(self.inverse.dtype)

    def kill(self, slots: Tensor) -> None:
        """Make slots unreachable."""
        self.right[slots, -2] = torch.inf


def nearest_slots(
    pool: Pool,
    rows: Tensor,
    count: int,
    groups: Tensor | None = None,
    n_threads: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The `count` nearest other clusters of each of the clusters `rows`, by Ward's distance.

    Args:
        pool: All clusters.
        rows: int64 (r,) living slots.
        count: Wanted number.
        groups: int64 (slots,); if given, slots of the same group are left out.
        n_threads: Threads; None for torch's setting.

    Returns:
        int64 (r, count) slots and (r, count) squared Ward distances, both in no order; slots that
        do not exist have distance inf.
    """
    slots = len(pool.right)
    step = max(1, min(len(rows), TILE_VALUES // min(TILE_COLUMNS, slots)))
    found = torch.empty((len(rows), count), dtype=torch.int64, device=rows.device)
    least = torch.empty((len(rows), count), dtype=pool.right.dtype, device=rows.device)

    width = step * min(TILE_COLUMNS, slots)
    buffers = local()

    def search(start: int) -> None:
        buffer: Tensor | None = getattr(buffers, "values", None)
        if buffer is None:
            # one for all blocks of a thread: fresh memory for each costs as much as the product
            buffer = torch.empty((2, width), dtype=pool.right.dtype, device=pool.right.device)
            buffers.values = buffer
        some = slice(start, start + step)
        found[some], least[some] = _one_block(pool, rows[some], count, buffer, groups)

    threads = torch.get_num_threads() if n_threads is None else n_threads
    in_threads(search, range(0, len(rows), step), threads if rows.device.type == "cpu" else 1)
    return found, least


@contextmanager
def single_threaded_operations() -> Iterator[int]:
    """Let each tensor operation run on one thread; gives the count of threads before.

    Many small operations that each wait for all threads cost up to a time slice apiece where
    another program uses the processor; whole blocks are shared out to threads instead.
    """
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield count
    finally:
        torch.set_num_threads(count)


def in_threads(work: Callable[[_Piece], None], pieces: Sequence[_Piece], n_threads: int) -> None:
    """Do pieces of work on several threads, the operations of each on one.

    Args:
        work: Does a piece; the results must not depend on the order.
        pieces: The pieces.
        n_threads: Threads, at least 1.
    """
    n_threads = min(n_threads, len(pieces))
    if n_threads <= 1:
        for piece in pieces:
            work(piece)
        return

    def share(k: int) -> None:
        for piece in pieces[k::n_threads]:
            work(piece)

    # new threads take over the count of threads per operation that is set now
    with single_threaded_operations(), ThreadPoolExecutor(n_threads) as pool:
        for done in [pool.submit(share, k) for k in range(n_threads)]:
            done.result()


def _one_block(
    pool: Pool, rows: Tensor, count: int, buffer: Tensor, groups: Tensor | None
) -> tuple[Tensor, Tensor]:
    left = pool.right[rows]
    left[:, -1] = left[:, -2]
    left[:, -2] = 1.0
    left[:, :-2] *= -2.0
    mine = pool.inverse[rows][:, None]
    every = torch.arange(len(rows), device=rows.device)
    indices, values = [], []
    slots = len(pool.right)
    for first in range(0, slots, TILE_COLUMNS):
        last = min(first + TILE_COLUMNS, slots)
        shape = (len(rows), last - first)
        size = shape[0] * shape[1]
        scores = torch.mm(left, pool.right[first:last].T, out=buffer[0, :size].view(shape))
        if not pool.uniform:
            below = torch.add(
                mine, pool.inverse[None, first:last], out=buffer[1, :size].view(shape)
            )
            scores.div_(below)
        inside = (rows >= first) & (rows < last)
        scores[every[inside], rows[inside] - first] = torch.inf
        if groups is not None:
            scores.masked_fill_(groups[rows][:, None] == groups[None, first:last], torch.inf)
        value, index = _least(scores, count)
        indices.append(index + first)
        values.append(value)
    value, index = torch.cat(values, 1), torch.cat(indices, 1)
    if len(values) > 1:
        value, places = value.topk(min(count, value.shape[1]), dim=1, largest=False, sorted=False)
        index = index.gather(1, places)
    if value.shape[1] < count:
        missing = count - value.shape[1]
        value = torch.nn.functional.pad(value, (0, missing), value=torch.inf)
        index = torch.nn.functional.pad(index, (0, missing))
    return index, value.div_(mine) if pool.uniform else value.mul_(2.0)


def _least(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The least `count` values of each row: first the groups that hold them, then the values."""
    n_rows, width = scores.shape
    n_groups = width // GROUP
    if n_groups <= 2 * count:
        return scores.topk(min(count, width), dim=1, largest=False, sorted=False)
    # group g holds the columns g, g + n_groups, ...: their minimum is a pass over whole rows
    lowest = scores.view(n_rows, GROUP, n_groups).amin(1)
    groups = lowest.topk(count, dim=1, largest=False, sorted=False).indices
    strides = torch.arange(GROUP, device=scores.device) * n_groups
    columns = (groups[:, :, None] + strides).reshape(n_rows, -1)
    value, places = scores.gather(1, columns).topk(count, dim=1, largest=False, sorted=False)
    return value, columns.gather(1, places)

"""Which pictures stand beside a tree, and where: a few per branch, then one per image."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dclust_gui.domain.tree_layout import NO_NODE
from dclust_gui.ui.models.dendrogram_shapes import branch_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from dclust_gui.domain.cuts import Cut
    from dclust_gui.domain.tree_layout import TreeLayout
    from dclust_gui.domain.tree_levels import TreeLevels
    from dclust_gui.ui.models.dendrogram_camera import Camera

PICTURE_PX = 58
"""Side of a picture that stands for a branch."""

MAX_PICTURE_PX = 256
"""Largest side of the picture of a single image."""

LEAST_PICTURE_PX = 30
"""Least extent along the leaves at which a branch has pictures."""

COUNT_PX = 42
"""Room along v for the number of images of a block."""

_MOST_PICTURES = 48
_MOST_ACROSS = 8
_MOST_CACHED = 4_000
_GAP_PX = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A range of leaves that has pictures of its own.

    Attributes:
        start: First position.
        stop: One more than the last.
        node: The branch it is; `NO_NODE` for several small branches side by side.
    """

    start: int
    stop: int
    node: int


class Cell(NamedTuple):
    """One picture; there are hundreds in a frame, and named tuples are made soonest.

    Attributes:
        position: The image's position among the leaves.
        u: Near edge along u, pixels.
        v: Near edge along v.
        side_px: Side of the square it is fitted into.
        block: The block it stands for.
    """

    position: int
    u: float
    v: float
    side_px: float
    block: Block


def blocks_of(layout: TreeLayout, levels: TreeLevels, cut: Cut, camera: Camera) -> list[Block]:
    """Ranges of leaves in view that have room for pictures, from the near end.

    A block is a branch within one cluster, or some narrow branches side by side.

    Args:
        layout: The tree.
        levels: Its levels of detail.
        cut: Which branches are clusters.
        camera: What is in view.
    """
    first = min(max(int(camera.start), 0), layout.n_leaves - 1)
    last = min(max(int(np.ceil(camera.stop)), first + 1), layout.n_leaves)
    if camera.scale >= PICTURE_PX:
        nodes = layout.order[first:last].tolist()
        return [Block(p, p + 1, node) for p, node in zip(range(first, last), nodes, strict=True)]
    least = LEAST_PICTURE_PX / camera.scale
    ends = levels.level(2 * PICTURE_PX / camera.scale - 1e-9).ends(layout, first, last)
    numbers = branch_numbers(cut, ends)
    ends, numbers = ends[numbers >= 0], numbers[numbers >= 0]
    stops = layout.stop[cut.nodes]
    wide = (stops > first) & (cut.starts < last) & (stops - cut.starts >= least)
    wide[numbers] = False
    parts = np.concatenate([ends, cut.nodes[wide]])
    parts = parts[np.argsort(layout.start[parts])].tolist()
    return _with_gaps(layout, parts, least, first, last)


def _with_gaps(
    layout: TreeLayout, parts: list[int], least: float, first: int, last: int
) -> list[Block]:
    """Branches as blocks, and blocks for what lies between them where it is wide enough."""
    blocks: list[Block] = []
    reached = first
    for node in parts:
        start, stop = int(layout.start[node]), int(layout.stop[node])
        if start - reached >= least:
            blocks.append(Block(reached, start, NO_NODE))
        if stop > first and start < last:
            blocks.append(Block(start, stop, node))
        reached = max(reached, stop)
    if last - reached >= least:
        blocks.append(Block(reached, last, NO_NODE))
    return blocks


def cells_of(exemplars: Exemplars, blocks: list[Block], camera: Camera) -> Iterator[Cell]:
    """The pictures of some blocks that are in view, block by block, the most typical first."""
    begin, room = camera.strip_start, camera.strip_px - COUNT_PX
    length_px, axis_px = camera.length_px, camera.axis_px
    if camera.scale >= PICTURE_PX:
        side = min(camera.scale - _GAP_PX, camera.strip_px, MAX_PICTURE_PX)
        for block in blocks:
            u = camera.u_at(block.start) + (camera.scale - side) / 2
            yield Cell(block.start, u, begin + 2, side, block)
        return
    for block in blocks:
        length = (block.stop - block.start) * camera.scale
        side = min(max(length - _GAP_PX, LEAST_PICTURE_PX - _GAP_PX), PICTURE_PX)
        step = side + _GAP_PX
        n_across = min(int((room + _GAP_PX) // step), _MOST_ACROSS)
        n_along = max(int((length + _GAP_PX) // step), 1)
        count = min(n_along * n_across, block.stop - block.start, _MOST_PICTURES)
        if count < 1:
            continue
        start = camera.u_at(block.start) + (length - -(-count // n_across) * step + _GAP_PX) / 2
        for number, position in enumerate(exemplars.of(block.start, block.stop, count)):
            u = start + (number // n_across) * step
            if u > length_px or u + side < axis_px:
                continue
            v = begin + COUNT_PX + (number % n_across) * step
            yield Cell(position, u, v, side, block)


class Exemplars:
    """Images that stand for a range of leaves: its most typical one, then those of its parts.

    Args:
        layout: The tree.
        confidence: float32 (n_leaves,), by leaf; NaN counts as least.
    """

    def __init__(self, layout: TreeLayout, confidence: NDArray[np.float32]) -> None:
        self._layout = layout
        self._scores = np.nan_to_num(confidence[layout.order], nan=-1.0)
        self._cache: OrderedDict[tuple[int, int], tuple[int, ...]] = OrderedDict()

    def of(self, start: int, stop: int, count: int) -> tuple[int, ...]:
        """Positions of the exemplars, the most typical first.

        Args:
            start: First position of the range.
            stop: One more than the last.
            count: How many; fewer where the range is smaller.
        """
        key = (start, stop)
        known = self._cache.get(key)
        if known is None or (len(known) < count and len(known) < stop - start):
            known = self._chosen(start, stop, count)
            self._cache[key] = known
            if len(self._cache) > _MOST_CACHED:
                self._cache.popitem(last=False)
        self._cache.move_to_end(key)
        return known[:count]

    def _chosen(self, start: int, stop: int, count: int) -> tuple[int, ...]:
        """The best of each of about `count` parts of like size."""
        if stop - start <= count:
            places = np.arange(start, stop)
        else:
            edges = np.linspace(start, stop, count + 1).astype(np.int64)
            parts = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
            places = np.array([a + int(self._scores[a:b].argmax()) for a, b in parts])
        order = np.argsort(-self._scores[places], kind="stable")
        return tuple(places[order].tolist())

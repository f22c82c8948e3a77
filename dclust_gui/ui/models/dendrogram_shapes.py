"""The visible part of a tree as pixel rectangles: lines of merges, and silhouettes of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.tree_layout import NO_NODE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.cuts import Cut
    from dclust_gui.domain.tree_layout import TreeLayout
    from dclust_gui.domain.tree_levels import Level, TreeLevels
    from dclust_gui.ui.models.dendrogram_camera import Camera

ABOVE_CUT = -2
"""Colour of what belongs to no single branch of the cut."""

WITHOUT_MATCH = -3
"""Colour of what has no image that the filter lets through."""

LEAST_PX = 8.0
"""A merge whose smaller part is narrower than this, or at most half of it, is drawn within a
silhouette."""

COLUMN_PX = 2
"""Width of a column of a silhouette."""

_FEW = 260


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """Filled rectangles in whole pixels, by columns u, v, extent along u, extent along v.

    Attributes:
        lines: int32 (m, 4), bars and stems.
        line_colours: int32 (m,), number of the branch of the cut, `ABOVE_CUT`, or `WITHOUT_MATCH`.
        fills: int32 (p, 4), silhouettes, drawn before the lines.
        fill_colours: int32 (p,).
    """

    lines: NDArray[np.int32]
    line_colours: NDArray[np.int32]
    fills: NDArray[np.int32]
    fill_colours: NDArray[np.int32]


def shapes_of(
    layout: TreeLayout, levels: TreeLevels, cut: Cut, cut_heights: NDArray[np.float64],
    camera: Camera, match_sums: NDArray[np.int64] | None = None,
) -> Shapes:  # fmt: skip
    """What is drawn of a tree.

    Args:
        layout: The tree.
        levels: Its levels of detail.
        cut: The cut that gives the colours.
        cut_heights: float64 (k,), see `heights_on_stems`.
        camera: What is in view.
        match_sums: int64 (n_leaves + 1,), how many images before each position a filter lets
            through; None when there is no filter.
    """
    level = levels.level(LEAST_PX / camera.scale)
    lines, colours = _lines(layout, level, cut, cut_heights, camera, match_sums)
    fills, fill_colours = _fills(layout, levels, level, cut, camera, match_sums)
    return Shapes(lines, colours, fills, fill_colours)


def heights_on_stems(cut: Cut) -> NDArray[np.float64]:
    """Where the cut crosses the stem of each of its branches.

    Returns:
        float64 (k,), the height of the line where it crosses the stem, else the place on the stem
        that is nearest to it.
    """
    layout = cut.layout
    low = layout.height[cut.nodes]
    parents = layout.parent[cut.nodes]
    high = np.where(parents == NO_NODE, np.maximum(layout.top * 1.04, cut.height),
                    layout.height[parents])  # fmt: skip
    room = (high - low) * 0.12
    return np.where(
        (cut.height >= low) & (cut.height <= high),
        cut.height,
        np.clip(cut.height, low + room, high - room),
    )


def has_match(match_sums: NDArray[np.int64], edges: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether columns hold an image that the filter lets through.

    Args:
        match_sums: int64 (n_leaves + 1,).
        edges: int64 (n_columns + 1,), positions between columns, rising; a column narrower than a
            leaf counts as that leaf.

    Returns:
        bool (n_columns,).
    """
    last = len(match_sums) - 1
    starts = np.minimum(edges[:-1], last - 1)
    stops = np.minimum(np.maximum(edges[1:], starts + 1), last)
    found: NDArray[np.bool_] = match_sums[stops] > match_sums[starts]
    return found


def branch_numbers(cut: Cut, nodes: NDArray[np.int64]) -> NDArray[np.int32]:
    """The branch of the cut that each node is or lies in; `ABOVE_CUT` for nodes above."""
    layout = cut.layout
    numbers = np.searchsorted(cut.starts, layout.start[nodes], side="right") - 1
    branches = cut.nodes[numbers]
    is_inside = (layout.stop[nodes] <= layout.stop[branches]) & (nodes <= branches)
    return np.where(is_inside, numbers, ABOVE_CUT).astype(np.int32)


def _lines(
    layout: TreeLayout,
    level: Level,
    cut: Cut,
    cut_heights: NDArray[np.float64],
    camera: Camera,
    match_sums: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    margin = 2 / camera.scale
    in_view = (level.high >= camera.start - margin) & (level.low <= camera.stop + margin)
    rows = np.flatnonzero(in_view)
    nodes, below = level.nodes[rows], level.below[rows]
    v_node, v_below = camera.v_of(layout.height[nodes]), camera.v_of(layout.height[below])
    u_low, u_high = camera.u_of(level.low[rows]), camera.u_of(level.high[rows])
    limit = (-8.0, camera.length_px + 8)
    bars = np.stack([u_low, v_node, u_high, v_node], axis=1)
    bar_colours = branch_numbers(cut, nodes)
    u_below = camera.u_of(layout.centre[below])
    stems = np.stack(
        [u_below, np.broadcast_to(v_node[:, None], v_below.shape), u_below, v_below], axis=2
    ).reshape(-1, 4)
    children = below.reshape(-1)
    numbers = branch_numbers(cut, children)
    # The stem of a branch of the cut has two colours: they meet where the cut crosses it.
    is_cut = (numbers >= 0) & (cut.nodes[np.maximum(numbers, 0)] == children)
    crossing = camera.v_of(cut_heights[numbers[is_cut]])
    upper = stems[is_cut].copy()
    upper[:, 3] = crossing
    stems[is_cut, 1] = crossing
    root = np.array([level.top])
    u_root, v_root = camera.u_of(layout.centre[root]), camera.v_of(layout.height[root])
    stub = np.stack([u_root, v_root - 10, u_root, v_root], axis=1)
    everything = np.concatenate([bars, stems, upper, stub])
    colours = np.concatenate(
        [bar_colours, numbers, np.full(len(upper), ABOVE_CUT, np.int32), branch_numbers(cut, root)]
    )
    if match_sums is not None:
        owners = np.concatenate([nodes, children, children[is_cut], root])
        found = match_sums[layout.stop[owners]] - match_sums[layout.start[owners]]
        colours[found == 0] = WITHOUT_MATCH
    seen = (
        (everything[:, 2] >= limit[0])
        & (everything[:, 0] <= limit[1])
        & (everything[:, 3] >= 0)
        & (everything[:, 1] <= camera.depth_px)
    )
    everything, colours = everything[seen], colours[seen]
    everything[:, ::2] = np.clip(everything[:, ::2], *limit)
    everything[:, 1::2] = np.clip(everything[:, 1::2], -8.0, camera.tree_stop)
    thick = 2 if len(everything) <= _FEW else 1
    corners = np.rint(everything).astype(np.int32)
    size = corners[:, 2:] - corners[:, :2] + thick
    return np.concatenate([corners[:, :2], size], axis=1), colours


def _fills(
    layout: TreeLayout,
    levels: TreeLevels,
    level: Level,
    cut: Cut,
    camera: Camera,
    match_sums: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Narrow columns, as high as the highest merge there that has no line of its own."""
    empty = np.empty((0, 4), np.int32), np.empty(0, np.int32)
    if level.least == 1:
        return empty
    rest = levels.rest(level)
    first_u = int(camera.axis_px)
    n_columns = int(camera.content_px) // COLUMN_PX + 2
    edges = camera.origin + np.arange(n_columns) * (COLUMN_PX / camera.scale)
    gaps = np.clip(np.rint(edges).astype(np.int64), 0, layout.n_leaves)
    tops = np.maximum.reduceat(rest, gaps)[:-1]
    v = np.rint(np.clip(camera.v_of(tops), -8.0, camera.tree_stop)).astype(np.int32)
    base = round(camera.tree_stop)
    centre = np.clip((edges[:-1] + edges[1:]) / 2, 0, layout.n_leaves - 1).astype(np.int64)
    numbers = np.searchsorted(cut.starts, centre, side="right") - 1
    is_low = tops <= layout.height[cut.nodes[numbers]]
    colours = np.where(is_low, numbers, ABOVE_CUT).astype(np.int32)
    if match_sums is not None:
        colours[~has_match(match_sums, gaps)] = WITHOUT_MATCH
    colours[v >= base] = ABOVE_CUT
    changes = np.flatnonzero((np.diff(v) != 0) | (np.diff(colours) != 0)) + 1
    starts = np.concatenate([[0], changes])
    stops = np.concatenate([changes, [len(v)]])
    keep = v[starts] < base
    starts, stops = starts[keep], stops[keep]
    if not len(starts):
        return empty
    columns = np.stack(
        [first_u + starts * COLUMN_PX, v[starts], (stops - starts) * COLUMN_PX, base - v[starts]],
        axis=1,
    ).astype(np.int32)
    return columns, colours[starts]

"""Where branches lie, at which level of detail, at which height."""

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.domain.height_scale import HeightScale
from dclust_gui.domain.tree_layout import NO_NODE, TreeLayout
from dclust_gui.domain.tree_levels import TreeLevels

FIVE = np.array([[0, 1, 1.0, 2], [2, 3, 2.0, 2], [5, 4, 3.0, 3], [6, 7, 4.0, 5]])


def chain(n: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rows = [[0 if i == 0 else n + i - 1, i + 1, i + 1.0, i + 2] for i in range(n - 1)]
    return np.array(rows, float)


@pytest.fixture
def layout() -> TreeLayout:
    return TreeLayout.of(FIVE)


def test_leaves_stand_side_by_side_and_merges_in_the_middle(layout: TreeLayout) -> None:
    assert layout.order.tolist() == [2, 3, 0, 1, 4]
    assert layout.position[layout.order].tolist() == [0, 1, 2, 3, 4]
    assert layout.centre[6] == 1.0
    assert layout.centre[5] == 3.0
    assert layout.centre[7] == 3.75
    assert layout.centre[layout.root] == (1.0 + 3.75) / 2
    assert (layout.start[7], layout.stop[7]) == (2, 5)
    assert layout.leaves(7).tolist() == [0, 1, 4]
    assert (layout.n_leaves, layout.n_nodes, layout.root, layout.top) == (5, 9, 8, 4.0)


def test_parents_and_children_name_each_other(layout: TreeLayout) -> None:
    assert layout.parent[layout.root] == NO_NODE
    for node in range(5, 9):
        assert layout.parent[layout.left[node]] == node
        assert layout.parent[layout.right[node]] == node
    assert layout.left[0] == NO_NODE
    assert layout.is_leaf(4)
    assert not layout.is_leaf(5)
    assert layout.size(7) == 3


def test_a_node_contains_itself_and_what_is_below(layout: TreeLayout) -> None:
    assert layout.contains(7, 7)
    assert layout.contains(7, 0)
    assert not layout.contains(7, 6)
    assert not layout.contains(5, 7)


@pytest.mark.parametrize(
    ("position", "height", "node"),
    [(0.5, 0.5, 2), (0.5, 2.0, 6), (2.1, 2.9, 5), (4.9, 3.1, 7), (-3, 9, 8), (99, 0, 4)],
)
def test_a_place_belongs_to_the_highest_branch_not_above_it(
    layout: TreeLayout, position: float, height: float, node: int
) -> None:
    assert layout.branch_at(position, height) == node


def test_the_smallest_branch_over_a_range_is_found(layout: TreeLayout) -> None:
    assert layout.spanning(2, 4) == 5
    assert layout.spanning(1, 3) == 8
    assert layout.spanning(0, 99) == 8
    assert layout.spanning(4, 5) == 4


def test_a_single_leaf_is_a_tree_too() -> None:
    layout = TreeLayout.of(np.empty((0, 4)))
    assert (layout.n_leaves, layout.root, layout.top) == (1, 0, 0.0)
    level = TreeLevels(layout).level(1)
    assert level.ends(layout, 0, 1).tolist() == [0]
    assert level.top == 0


def test_the_finest_level_shows_every_merge(layout: TreeLayout) -> None:
    level = TreeLevels(layout).level(0.2)
    assert level.least == 1
    assert level.nodes.tolist() == [5, 6, 7, 8]
    assert level.ends(layout, 0, 5).tolist() == layout.order.tolist()
    assert level.top == layout.root


def test_a_coarse_level_leaves_out_merges_with_a_small_part(layout: TreeLayout) -> None:
    levels = TreeLevels(layout)
    level = levels.level(2.9)
    assert level.least == 2
    assert level.nodes.tolist() == [8]
    assert level.ends(layout, 0, 5).tolist() == [6, 7]
    assert level.ends(layout, 2.5, 5).tolist() == [7]
    rest = levels.rest(level)
    assert rest.tolist() == [0, 2, 0, 1, 3, 0]
    assert levels.rest(level) is rest


def test_levels_of_a_long_chain_stay_small() -> None:
    layout = TreeLayout.of(chain(1000))
    levels = TreeLevels(layout)
    assert len(levels.level(1).nodes) == 999
    assert len(levels.level(2).nodes) == 0
    assert levels.level(500).ends(layout, 0, 1000).tolist() == [layout.root]


def test_each_level_covers_the_tree_with_merges_and_ends() -> None:
    random = np.random.default_rng(0)
    n = 257
    nodes, rows = list(range(n)), []
    sizes = dict.fromkeys(range(n), 1)
    for i in range(n - 1):
        a, b = (nodes.pop(int(random.integers(len(nodes)))) for _ in "ab")
        sizes[n + i] = sizes[a] + sizes[b]
        rows.append([a, b, i + 1.0, sizes[n + i]])
        nodes.append(n + i)
    layout = TreeLayout.of(np.array(rows))
    levels = TreeLevels(layout)
    for least in (1, 2, 8, 64):
        level = levels.level(least)
        light = np.minimum(*(layout.stop[s[n:]] - layout.start[s[n:]]
                             for s in (layout.left, layout.right)))  # fmt: skip
        assert level.nodes.tolist() == (n + np.flatnonzero(light >= least)).tolist()
        shown = level.below[~level.is_end]
        assert sorted([*shown.tolist(), level.top]) == level.nodes.tolist()
        for node, below in zip(level.nodes.tolist(), level.below.tolist(), strict=True):
            assert layout.contains(int(layout.left[node]), below[0])
            assert layout.contains(int(layout.right[node]), below[1])


def test_linear_heights_are_parts_of_the_top() -> None:
    scale = HeightScale.of(FIVE[:, 2])
    assert scale.at(2.0) == 0.5
    assert scale.from_unit(0.75) == 3.0
    assert scale.from_unit(-1) == 0.0
    assert scale.ticks(4) == (0.0, 1.0, 2.0, 3.0, 4.0)


def test_log_heights_spread_low_merges_and_can_be_inverted() -> None:
    heights = np.array([0.0, 0.01, 0.1, 1.0, 100.0])
    scale = HeightScale.of(heights, is_log=True)
    parts = scale.to_unit(heights)
    assert parts[0] == 0
    assert parts[-1] == 1
    assert (np.diff(parts) > 0).all()
    assert parts[2] > 0.1
    for height in heights.tolist():
        assert scale.from_unit(scale.at(height)) == pytest.approx(height, abs=1e-12)
    ticks = scale.ticks()
    assert ticks[0] == 0
    assert list(ticks) == sorted(ticks)
    assert ticks[-1] <= 100


def test_a_tree_without_heights_has_a_scale_all_the_same() -> None:
    assert HeightScale.of(np.zeros(3), is_log=True) == HeightScale(1.0)
    assert HeightScale.of(FIVE[:, 2], 8.0).at(4.0) == 0.5

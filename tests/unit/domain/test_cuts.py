"""Cuts of a tree, and which clusters their branches become."""

from __future__ import annotations

import time

import numpy as np
import pytest

from dclust_gui.domain import cut_identity
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.cut_identity import LEAVE, adopt_groups
from dclust_gui.domain.cuts import Cut, branch_from_height, branch_from_k, groups_of
from dclust_gui.domain.tree import cut, cut_at_height
from dclust_gui.domain.tree_layout import NO_NODE, TreeLayout

# positions: 2 3 | 0 1 | 4; node 5 = 0+1, 6 = 2+3, 7 = 5+4, 8 = root
FIVE = np.array([[0, 1, 1.0, 2], [2, 3, 2.0, 2], [5, 4, 3.0, 3], [6, 7, 4.0, 5]])


@pytest.fixture
def layout() -> TreeLayout:
    return TreeLayout.of(FIVE)


def same_groups(a: np.ndarray, b: np.ndarray) -> bool:
    pairs = {*zip(a.tolist(), b.tolist(), strict=True)}
    return len(pairs) == len(set(a.tolist())) == len(set(b.tolist()))


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_k_gives_the_same_clusters_as_the_tree(layout: TreeLayout, k: int) -> None:
    found = Cut.from_k(layout, k)
    assert found.k == k
    assert same_groups(found.labels(), cut(FIVE, k))
    assert found.is_line


@pytest.mark.parametrize("height", [0.0, 1.0, 2.5, 3.0, 9.0])
def test_a_height_gives_the_same_clusters_as_the_tree(layout: TreeLayout, height: float) -> None:
    found = Cut.from_height(layout, height)
    assert same_groups(found.labels(), cut_at_height(FIVE, height))


def test_k_out_of_range_is_refused(layout: TreeLayout) -> None:
    for k in (0, 6):
        with pytest.raises(ValueError, match="1 to 5"):
            Cut.from_k(layout, k)
    with pytest.raises(ValueError, match="1 to 3"):
        branch_from_k(layout, 7, 4)


def test_branches_are_opened_and_closed_without_touching_the_others(layout: TreeLayout) -> None:
    two = Cut.from_k(layout, 2)
    assert two.nodes.tolist() == [6, 7]
    opened = two.opened(6)
    assert opened.nodes.tolist() == [2, 3, 7]
    assert not opened.is_line
    assert not opened.is_same_as(two)
    assert opened.closed(6).nodes.tolist() == [6, 7]
    assert opened.closed(8).nodes.tolist() == [8]
    assert opened.closed(5) is opened
    assert opened.closed(7) is opened


def test_only_branches_of_the_cut_are_opened(layout: TreeLayout) -> None:
    leaves = Cut.from_k(layout, 5)
    for node in (2, 7):
        with pytest.raises(ValueError, match="can be opened"):
            leaves.opened(node)


def test_a_place_and_a_node_find_their_branch(layout: TreeLayout) -> None:
    two = Cut.from_k(layout, 2)
    assert [two.index_of(p) for p in (-1, 1.9, 2.0, 7)] == [0, 0, 1, 1]
    assert two.holder(5) == 7
    assert two.holder(7) == 7
    assert two.holder(8) == NO_NODE
    assert two.numbers_in(8).tolist() == [0, 1]
    assert two.numbers_in(5).tolist() == []


def test_one_branch_is_cut_alone(layout: TreeLayout) -> None:
    assert branch_from_k(layout, 7, 2).tolist() == [5, 4]
    assert branch_from_k(layout, 7, 3).tolist() == [0, 1, 4]
    assert branch_from_k(layout, 7, 1).tolist() == [7]
    assert branch_from_height(layout, 7, 1.5).tolist() == [5, 4]
    assert branch_from_height(layout, 8, 9.0).tolist() == [8]
    two = Cut.from_k(layout, 2)
    assert two.within(7, branch_from_k(layout, 7, 2)).nodes.tolist() == [6, 5, 4]
    assert two.within(8, branch_from_k(layout, 8, 3)).nodes.tolist() == [6, 5, 4]
    with pytest.raises(ValueError, match="inside"):
        two.within(5, branch_from_k(layout, 5, 2))
    assert groups_of(layout, branch_from_k(layout, 7, 2)).tolist() == [0, 0, -1, -1, 1]


def test_labels_that_are_a_cut_give_it_back(layout: TreeLayout) -> None:
    nobody = np.zeros(5, np.bool_)
    for k in range(1, 6):
        wanted = Cut.from_k(layout, k)
        found = Cut.from_labels(layout, wanted.labels() + 7, nobody)
        assert found.is_same_as(wanted)
        assert Cut.from_height(layout, found.height).is_same_as(wanted)


def test_single_images_moved_by_hand_do_not_break_up_a_branch(layout: TreeLayout) -> None:
    labels = np.array([2, 1, 1, 1, 2], np.int32)
    placed = np.array([0, 1, 0, 0, 0], np.bool_)
    assert Cut.from_labels(layout, labels, placed).nodes.tolist() == [6, 7]
    assert Cut.from_labels(layout, labels, ~placed & False).nodes.tolist() == [6, 0, 1, 4]


def test_a_branch_moved_as_a_whole_is_a_branch_of_its_own(layout: TreeLayout) -> None:
    labels = np.array([3, 3, 1, 1, 2], np.int32)
    placed = np.array([1, 1, 0, 0, 0], np.bool_)
    assert Cut.from_labels(layout, labels, placed).nodes.tolist() == [6, 5, 4]


def test_images_that_a_proposal_moved_break_up_no_branch(layout: TreeLayout) -> None:
    nobody = np.zeros(5, np.bool_)
    labels = np.array([3, 3, 1, 1, 2], np.int32)
    refined = np.array([1, 1, 0, 0, 1], np.bool_)
    assert Cut.from_labels(layout, labels, nobody, refined).k == 1
    labels[3] = 2
    refined[1:] = False
    assert Cut.from_labels(layout, labels, nobody, refined).k > 1
    everything = ~nobody
    assert Cut.from_labels(layout, labels, nobody, everything).is_same_as(
        Cut.from_labels(layout, labels, nobody)
    )


def state_of(labels: list[int], flags: list[int] | None = None, **marks: Cluster) -> Clustering:
    known = {c.id: c for c in marks.values()}
    table = {k: known.get(k, Cluster(k, colour=k - 1)) for k in set(labels) - {UNASSIGNED}}
    table |= known
    values = np.array(flags or [0] * len(labels), np.uint8)
    return Clustering(np.array(labels, np.int32), values, table, max(table, default=0) + 1, 4)


def adopted(state: Clustering, groups: list[int]) -> tuple[list[int], dict[int, Cluster]]:
    labels, table = adopt_groups(state, np.arange(len(groups)), np.array(groups, np.int32))
    Clustering(labels, state.flags, table, max(state.next_id, *table, 1) + 1)
    return labels.tolist(), table


def test_clusters_whose_images_stay_together_keep_everything() -> None:
    beach = Cluster(2, "Beach", colour=5, notes="n", is_reviewed=True)
    state = state_of([1, 1, 1, 1, 2, 2], beach=beach)
    labels, table = adopted(state, [1, 1, 1, 2, 0, 0])
    assert labels == [1, 1, 1, 3, 2, 2]
    assert table[2] == beach
    assert table[3].colour not in {table[1].colour, beach.colour}


def test_the_larger_part_of_a_joined_cluster_gives_the_name() -> None:
    state = state_of([1, 1, 2, 2, 2], big=Cluster(2, "Big"), small=Cluster(1, "Small"))
    labels, table = adopted(state, [0] * 5)
    assert labels == [2] * 5
    assert table[1].name == "Small", "a named cluster never vanishes"
    assert 1 not in adopted(state_of([1, 1, 2, 2, 2]), [0] * 5)[1]


def test_hand_placed_approved_and_pinned_images_stay() -> None:
    hand, approved = int(ImageFlag.HAND_PLACED), int(ImageFlag.APPROVED)
    state = state_of([2, 2, 1, 1, 3, 3], [hand, approved, 0, 0, 0, 0],
                     kept=Cluster(3, is_pinned=True))  # fmt: skip
    labels, _ = adopted(state, [0, 0, 0, 0, 0, 0])
    assert labels == [2, 2, 1, 1, 3, 3]
    everything = state_of([1, 1], [hand, hand])
    assert adopted(everything, [0, 1])[0] == [1, 1]


def test_what_a_proposal_moved_stays_with_its_cluster() -> None:
    refined = int(ImageFlag.REFINED)
    split = state_of([1, 1, 1, 1, 1, 2, 2], [0, 0, 0, 0, refined, 0, 0])
    assert adopted(split, [0, 0, 0, 1, 2, 2, 2])[0] == [1, 1, 1, 3, 1, 2, 2]
    joined = state_of([1, 1, 1, 2, 2, 2], [0, 0, 0, 0, 0, refined])
    labels, table = adopted(joined, [0, 0, 0, 0, 0, 1])
    assert labels == [1] * 6, "its cluster has ended, and it goes along"
    assert list(table) == [1]
    hand = state_of([1, 1, 1, 2, 2, 2], [0, 0, 0, 0, int(ImageFlag.HAND_PLACED), refined])
    assert adopted(hand, [0] * 6)[0] == [1, 1, 1, 1, 2, 2]
    out = state_of([1, 1, UNASSIGNED, UNASSIGNED], [0, 0, 0, refined])
    assert adopted(out, [0] * 4)[0] == [1, 1, 1, UNASSIGNED]


def test_images_out_of_reach_stay_and_keep_their_cluster() -> None:
    state = state_of([1, 1, 1, 1, 1, 2])
    labels, table = adopted(state, [LEAVE, LEAVE, LEAVE, 0, 1, LEAVE])
    assert labels == [1, 1, 1, 3, 4, 2]
    assert len({c.colour for c in table.values()}) == 4


def test_unassigned_images_come_into_new_clusters() -> None:
    labels, table = adopted(state_of([UNASSIGNED, UNASSIGNED, 1]), [0, 0, 1])
    assert labels == [2, 2, 1]
    assert table[2].colour != table[1].colour


def test_many_groups_are_paired_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    state = state_of((random.integers(1, 9, 300)).tolist())
    groups = random.integers(0, 30, 300).tolist()
    expected = adopted(state, groups)
    monkeypatch.setattr(cut_identity, "_MOST_CELLS", 0)
    assert adopted(state, groups) == expected


def test_a_cut_of_100_000_leaves_is_quick() -> None:
    n = 1 << 17
    rows: list[np.ndarray] = []
    nodes = np.arange(n)
    made = n
    while len(nodes) > 1:
        pairs = nodes.reshape(-1, 2)
        new = np.arange(made, made + len(pairs))
        size = np.full(len(pairs), 2.0 * n / len(nodes))
        rows.append(np.column_stack([pairs, np.full(len(pairs), float(len(rows) + 1)), size]))
        made, nodes = made + len(pairs), new
    layout = TreeLayout.of(np.concatenate(rows))
    begin = time.process_time()
    found = Cut.from_k(layout, 64)
    found.opened(int(found.nodes[3])).labels()
    Cut.from_height(layout, 9.0)
    assert time.process_time() - begin < 0.15
    assert found.k == 64

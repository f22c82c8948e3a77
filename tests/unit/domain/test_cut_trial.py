"""Trying cuts out gives what taking them over would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.cut_identity import adopt_groups
from dclust_gui.domain.cut_trial import CutTrial
from dclust_gui.domain.cuts import Cut, groups_of
from dclust_gui.domain.tree_layout import TreeLayout


def random_tree(n: int, rng: np.random.Generator) -> np.ndarray:
    nodes, sizes = list(range(n)), [1] * n
    rows = np.empty((n - 1, 4))
    for row, height in enumerate(np.sort(rng.random(n - 1))):
        a, b = sorted(rng.choice(len(nodes), 2, replace=False).tolist())
        total = sizes[a] + sizes[b]
        rows[row] = (*sorted((nodes[a], nodes[b])), height, total)
        for place in (b, a):
            del nodes[place], sizes[place]
        nodes.append(n + row)
        sizes.append(total)
    return rows


def random_state(
    n: int, rng: np.random.Generator, share_placed: float, share_refined: float
) -> Clustering:
    labels = rng.integers(1, 6, n).astype(np.int32)
    labels[rng.random(n) < 0.1] = UNASSIGNED
    placed = rng.random(n) < share_placed
    flags = np.where(placed, np.uint8(ImageFlag.HAND_PLACED), np.uint8(0)).astype(np.uint8)
    flags[rng.random(n) < share_refined] |= np.uint8(ImageFlag.REFINED)
    table = {k: Cluster(k, colour=k) for k in range(1, 6)}
    table[2] = replace(table[2], is_pinned=True)
    table[4] = replace(table[4], name="Beach")
    return Clustering(labels, flags, table, 6, 1)


@pytest.mark.parametrize("share_placed", [0.0, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("share_refined", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("n_outside", [0, 7])
def test_a_tried_cut_gives_what_adopting_it_would(
    share_placed: float, share_refined: float, n_outside: int
) -> None:
    rng = np.random.default_rng(3)
    for n in (2, 9, 60):
        layout = TreeLayout.of(random_tree(n, rng))
        state = random_state(n + n_outside, rng, share_placed, share_refined)
        images = rng.permutation(n + n_outside)[:n].astype(np.int32)
        trial = CutTrial(state, images, layout)
        for k in range(1, n + 1):
            cut = Cut.from_k(layout, k)
            tried = trial.of(cut)
            labels, table = adopt_groups(state, images, groups_of(layout, cut.nodes))
            assert np.array_equal(tried.labels, labels[images[layout.order]])
            assert tried.clusters == table


def test_branches_are_told_their_clusters() -> None:
    tree = np.array([[0, 1, 1.0, 2], [2, 3, 2.0, 2], [4, 5, 3.0, 4]])
    state = Clustering(
        np.array([1, 1, 2, 2], np.int32), np.zeros(4, np.uint8), {1: Cluster(1), 2: Cluster(2)}, 3
    )
    layout = TreeLayout.of(tree)
    trial = CutTrial(state, np.arange(4), layout)
    assert trial.of(Cut.from_k(layout, 2)).clusters_of_branches.tolist() == [1, 2]
    assert len(set(trial.of(Cut.from_k(layout, 4)).clusters_of_branches.tolist())) == 4

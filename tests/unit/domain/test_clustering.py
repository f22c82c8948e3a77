from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag


def example() -> Clustering:
    labels = np.array([1, 2, UNASSIGNED, 2], np.int32)
    flags = np.array([0, ImageFlag.HAND_PLACED, 0, 0], np.uint8)
    return Clustering(labels, flags, {2: Cluster(2, "Beach"), 1: Cluster(1), 3: Cluster(3)}, 4)


def test_empty_clustering_has_all_images_unassigned() -> None:
    state = Clustering.empty(3)
    assert state.labels.tolist() == [UNASSIGNED] * 3
    assert state.flags.tolist() == [0] * 3
    assert (state.n_images, state.next_id, state.run_id) == (3, 1, None)


def test_nothing_can_be_changed_from_outside() -> None:
    labels = np.array([1], np.int32)
    state = Clustering(labels, np.zeros(1, np.uint8), {1: Cluster(1)}, 2)
    labels[0] = 9
    assert state.labels.tolist() == [1]
    with pytest.raises(ValueError, match="read-only"):
        state.labels[0] = 2
    with pytest.raises(TypeError):
        state.clusters[2] = Cluster(2)  # type: ignore[index]
    again = Clustering(state.labels, state.flags, state.clusters, 2)
    assert again.labels is state.labels


def test_clusters_are_in_order_of_their_ids() -> None:
    assert list(example().clusters) == [1, 2, 3]


def test_members_and_counts_include_empty_clusters_and_unassigned() -> None:
    state = example()
    assert state.members(2).tolist() == [1, 3]
    assert state.members(UNASSIGNED).tolist() == [2]
    assert state.counts() == {UNASSIGNED: 1, 1: 1, 2: 2, 3: 0}
    assert Clustering.empty(0).counts() == {UNASSIGNED: 0}


def test_titles() -> None:
    assert Cluster(7).title == "Cluster 07"
    assert Cluster(7, "Dunes").title == "Dunes"


def test_growing_adds_unassigned_images() -> None:
    grown = example().grown(6)
    assert grown.labels.tolist() == [1, 2, UNASSIGNED, 2, UNASSIGNED, UNASSIGNED]
    assert grown.flags.tolist() == [0, 1, 0, 0, 0, 0]
    assert grown.clusters == example().clusters
    with pytest.raises(ValueError, match="never loses"):
        grown.grown(5)


@pytest.mark.parametrize(
    ("labels", "n_flags", "clusters", "next_id", "words"),
    [
        ([1, 1], 1, {1: Cluster(1)}, 2, "one length"),
        ([[1]], 1, {1: Cluster(1)}, 2, "one length"),
        ([5], 1, {1: Cluster(1)}, 2, r"without a cluster: \[5\]"),
        ([1], 1, {1: Cluster(2)}, 3, "own positive id"),
        ([0], 1, {0: Cluster(0)}, 3, "own positive id"),
        ([1], 1, {1: Cluster(1)}, 1, "above every"),
    ],
)
def test_contradictions_are_refused(
    labels: list[int], n_flags: int, clusters: dict[int, Cluster], next_id: int, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Clustering(np.array(labels, np.int32), np.zeros(n_flags, np.uint8), clusters, next_id)


def test_growing_by_nothing_gives_the_same() -> None:
    state = example()
    assert state.grown(4) is state

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.identity import adopt_labels, match_by_overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray


def ints(*values: int) -> NDArray[np.int32]:
    return np.array(values, np.int32)


def state(
    labels: NDArray[np.int32], clusters: list[Cluster], flags: list[int] | None = None
) -> Clustering:
    table = {cluster.id: cluster for cluster in clusters}
    given = np.array(flags or [0] * len(labels), np.uint8)
    return Clustering(labels, given, table, max(table, default=0) + 1)


def test_greatest_overlap_goes_first_and_each_cluster_once() -> None:
    old = ints(5, 5, 5, 5, 6, 6, 6, UNASSIGNED)
    new = ints(0, 0, 0, 1, 1, 1, 1, 1)
    assert match_by_overlap(old, new) == {0: 5, 1: 6}
    assert match_by_overlap(old, ints(0, 0, 1, 1, 2, 2, 2, 2)) == {0: 5, 2: 6}


def test_half_of_the_smaller_cluster_is_not_enough() -> None:
    old, new = ints(5, 5, 6, 6), ints(0, 1, 0, 1)
    assert match_by_overlap(old, new) == {}
    assert match_by_overlap(old, new, 0.4) == {0: 5, 1: 6}


def test_negative_labels_match_nothing() -> None:
    assert match_by_overlap(ints(-1, -1), ints(0, 0)) == {}
    assert match_by_overlap(ints(1, 1), ints(-1, -1)) == {}
    assert match_by_overlap(ints(), ints()) == {}


def test_first_run_gives_new_ids_and_colours() -> None:
    labels, table = adopt_labels(Clustering.empty(4), np.arange(3), ints(1, 0, -1))
    assert labels.tolist() == [2, 1, UNASSIGNED, UNASSIGNED]
    assert table == {1: Cluster(1, colour=0), 2: Cluster(2, colour=1)}


def test_continued_clusters_keep_id_name_and_marks() -> None:
    beach = Cluster(4, "Beach", 3, is_reviewed=True)
    before = state(ints(4, 4, 4, 5, 5), [beach, Cluster(5)])
    labels, table = adopt_labels(before, np.arange(5), ints(1, 1, 1, 0, 2))
    assert labels.tolist() == [4, 4, 4, 5, 6]
    assert table[4] == beach
    assert set(table) == {4, 5, 6}


def test_placed_approved_and_pinned_images_stay() -> None:
    before = state(
        ints(1, 1, 2, 2, 3, 3),
        [Cluster(1), Cluster(2), Cluster(3, is_pinned=True)],
        [ImageFlag.HAND_PLACED, 0, ImageFlag.APPROVED, 0, 0, 0],
    )
    labels, table = adopt_labels(before, np.arange(6), ints(0, 0, 0, 0, 0, 0))
    assert labels[[0, 2, 4, 5]].tolist() == [1, 2, 3, 3]
    assert labels[1] == labels[3]
    assert set(table) == set(labels.tolist())


def test_named_noted_and_pinned_clusters_never_vanish_but_others_do() -> None:
    clusters = [
        Cluster(1, "Beach"),
        Cluster(2, notes="seen in June"),
        Cluster(3, is_pinned=True),
        Cluster(4),
        Cluster(5),
    ]
    before = state(ints(5, 5, 5), clusters)
    labels, table = adopt_labels(before, np.arange(3), ints(0, 0, 0))
    assert labels.tolist() == [5, 5, 5]
    assert set(table) == {1, 2, 3, 5}


def test_images_outside_the_run_become_unassigned_unless_kept() -> None:
    before = state(ints(1, 1, 1), [Cluster(1, "Beach")], [0, 0, ImageFlag.HAND_PLACED])
    labels, _ = adopt_labels(before, np.array([0]), ints(0))
    assert labels.tolist() == [1, UNASSIGNED, 1]

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.comparison import ABSENT, Division, Union, compare

if TYPE_CHECKING:
    from numpy.typing import NDArray

TITLES = {1: "Beach", 2: "Dogs"}


def ints(*values: int) -> NDArray[np.int32]:
    return np.array(values, np.int32)


def test_rows_and_columns_of_one_id_meet_on_the_diagonal() -> None:
    found = compare(ints(1, 1, 1, 2, 2, UNASSIGNED, 3, ABSENT), ints(1, 1, 2, 2, 2, 1, ABSENT, 1))
    assert found.images.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.rows == (1, 2, UNASSIGNED)
    assert found.columns == (1, 2)
    assert found.counts.tolist() == [[2, 1], [0, 2], [1, 0]]
    assert found.moved.tolist() == [2, 5]
    assert found.images_in(before=1).tolist() == [0, 1, 2]
    assert found.images_in(after=2).tolist() == [2, 3, 4]
    assert found.images_in(1, 2).tolist() == [2]
    changes = found.changes
    assert (changes.n_images, changes.n_stayed, changes.n_moved) == (6, 4, 1)
    assert (changes.n_placed, changes.n_taken_out) == (1, 0)
    assert changes.sentence(TITLES) == ("4 of 6 images stayed, 1 moved, 1 came out of Unassigned.")


def test_splits_merges_and_ends_are_told_once() -> None:
    before = ints(*[1] * 10, *[2] * 4, *[3] * 4, *[4] * 5)
    after = ints(*[1] * 6, *[7] * 4, *[2] * 4, *[2] * 4, *[UNASSIGNED] * 5)
    changes = compare(before, after).changes
    assert changes.split == (Division(1, (1, 7)),)
    assert changes.merged == (Union(2, (2, 3)),)
    assert (changes.appeared, changes.ended) == ((), (4,))
    assert changes.sentence(TITLES) == (
        "10 of 23 images stayed, 8 moved, 5 became Unassigned. 'Beach' split into 'Beach' and "
        "'Cluster 07'; 'Dogs' and 'Cluster 03' merged into 'Dogs'; 'Cluster 04' ended."
    )


def test_nothing_changed_and_many_new_clusters() -> None:
    same = ints(1, 2, UNASSIGNED)
    assert compare(same, same).changes.changes_nothing
    assert compare(same, same).changes.sentence({}) == "All 3 images stayed where they were."
    assert compare(same[:1], same[:1]).changes.sentence({}) == "The image stayed where it was."
    assert compare(same[:0], same[:0]).changes.sentence({}) == "No image is in both."
    bins = ints(*[UNASSIGNED] * 5)
    changes = compare(bins, ints(1, 2, 3, 4, 5)).changes
    assert changes.sentence({}).endswith("5 clusters appeared.")
    assert compare(ints(), ints()).rows == ()


def test_long_lists_are_cut_short() -> None:
    before = ints(*[c for c in range(1, 6) for _ in range(4)])
    after = ints(*[10 * c + half for c in range(1, 6) for half in (0, 0, 1, 1)])
    text = compare(before, after).changes.sentence({})
    assert "'Cluster 03' split into 'Cluster 30' and 'Cluster 31'; 2 more clusters split." in text

"""What a person decides on groups of copies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dclust_gui.domain.clustering import Cluster, Clustering, ImageFlag
from dclust_gui.domain.edits import apply, merge
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.stack_edits import Binding, bind
from dclust_gui.services.duplicate_decisions import (
    ignore_edit,
    open_groups,
    others_of,
    with_best,
)
from dclust_gui.services.duplicate_groups import DuplicateGroup


def records_of(contents: str) -> list[ImageRecord]:
    """An image for each letter; equal letters are equal files, later ones are larger."""
    return [
        ImageRecord(
            0,
            f"{n}.jpg".encode(),
            FileStamp(1000, 0),
            letter.encode(),
            ImageFacts(ImageStatus.OK, width=100 * (ord(letter) - 96), height=100),
        )
        for n, letter in enumerate(contents)
    ]


RECORDS = records_of("caab")
GROUP = DuplicateGroup(
    (0, 3, 1, 2), (1.0, 0.98, 0.95, 0.95), (True, False, False, False), (0, 0, 4, 4), "largest"
)


def state_of(n: int, *clusters: Cluster) -> Clustering:
    table = {c.id: c for c in clusters} or {1: Cluster(1, "Beach")}
    labels = np.full(n, next(iter(table)), np.int32)
    return Clustering(labels, np.zeros(n, np.uint8), table, max(table) + 1)


def test_others_are_put_into_an_ignored_cluster_in_one_step() -> None:
    state = state_of(4)
    edit = ignore_edit(state, GROUP.others)
    assert edit is not None
    after = apply(state, edit)
    made = after.clusters[2]
    assert (made.name, made.is_ignored) == ("Duplicates", True)
    assert after.labels.tolist() == [1, 2, 2, 2]
    assert edit.title == "ignore 3 duplicates"
    assert (after.flags[1:] & ImageFlag.HAND_PLACED).all()
    back = apply(after, edit.inverse())
    assert back.labels.tolist() == state.labels.tolist()
    assert dict(back.clusters) == dict(state.clusters)


@pytest.mark.parametrize("is_ignored", [True, False])
def test_the_cluster_that_is_there_is_used_again(is_ignored: bool) -> None:
    state = state_of(4, Cluster(1), Cluster(7, "duplicates", is_ignored=is_ignored))
    edit = ignore_edit(state, [1])
    assert edit is not None
    after = apply(state, edit)
    assert set(after.clusters) == {1, 7}
    assert after.clusters[7].is_ignored
    assert after.labels.tolist() == [1, 7, 1, 1]
    assert dict(apply(after, edit.inverse()).clusters) == dict(state.clusters)


def test_nothing_to_ignore_is_no_step() -> None:
    assert ignore_edit(state_of(4), []) is None


def test_images_that_are_bound_to_one_that_stays_stay_with_it() -> None:
    state = state_of(4)
    state = apply(state, bind(state, [Binding((0, 1))]))
    edit = ignore_edit(state, [1, 2])
    assert edit is not None
    assert edit.images.tolist() == [2]
    assert ignore_edit(state, [1]) is None
    whole = ignore_edit(state, [0, 1])
    assert whole is not None
    assert whole.images.tolist() == [0, 1]


def test_groups_vanish_when_they_are_decided_on_and_come_back() -> None:
    state = state_of(4)
    assert open_groups([GROUP], RECORDS, state) == [GROUP]
    edit = ignore_edit(state, GROUP.others)
    assert edit is not None
    after = apply(state, edit)
    assert open_groups([GROUP], RECORDS, after) == []
    assert open_groups([GROUP], RECORDS, apply(after, edit.inverse())) == [GROUP]


def test_what_is_left_of_a_group_has_a_best_copy_again() -> None:
    gone = [replace(r, is_missing=n == 0) for n, r in enumerate(RECORDS)]
    (left,) = open_groups([GROUP], gone, state_of(4))
    assert left.images == (3, 1, 2)
    assert left.reason == "largest: 200 \u00d7 100"
    assert left.similarity[0] == 1.0
    assert left.identical == (True, False, False)
    assert left.turns == (0, 4, 4)
    fewer = [replace(r, is_missing=n in (0, 3)) for n, r in enumerate(RECORDS)]
    (equal,) = open_groups([GROUP], fewer, state_of(4))
    assert (equal.images, equal.is_exact) == ((1, 2), True)
    last = [replace(r, is_missing=n > 0) for n, r in enumerate(RECORDS)]
    assert open_groups([GROUP], last, state_of(4)) == []


def test_the_reason_stays_while_the_best_does() -> None:
    gone = [replace(r, is_missing=n == 3) for n, r in enumerate(RECORDS)]
    (left,) = open_groups([GROUP], gone, state_of(4))
    assert (left.images, left.reason) == ((0, 1, 2), "largest")


def test_a_dismissed_group_stays_away_even_when_fewer_of_it_are_shown() -> None:
    dismissed = [frozenset({b"a", b"b", b"c"})]
    assert open_groups([GROUP], RECORDS, state_of(4), dismissed) == []
    gone = [replace(r, is_missing=n == 0) for n, r in enumerate(RECORDS)]
    assert open_groups([GROUP], gone, state_of(4), dismissed) == []
    assert open_groups([GROUP], RECORDS, state_of(4), [frozenset({b"a"})]) == [GROUP]


def test_a_group_that_is_bound_as_one_is_decided_on() -> None:
    state = state_of(4)
    bound = apply(state, bind(state, [Binding(GROUP.images)]))
    assert open_groups([GROUP], RECORDS, bound) == []
    part = apply(state, bind(state, [Binding((0, 1))]))
    assert open_groups([GROUP], RECORDS, part) == [GROUP]


def test_merging_the_ignored_cluster_elsewhere_opens_groups_again() -> None:
    state = state_of(4)
    edit = ignore_edit(state, GROUP.others)
    assert edit is not None
    after = apply(state, edit)
    after = apply(after, merge(after, [2], 1))
    assert open_groups([GROUP], RECORDS, after) == [GROUP]


def test_a_person_chooses_another_best() -> None:
    chosen = with_best(GROUP, 1, RECORDS)
    assert chosen.images == (1, 0, 3, 2)
    assert chosen.identical == (True, False, False, True)
    assert (chosen.reason, chosen.similarity[0], chosen.turns[0]) == ("your choice", 1.0, 0)
    assert with_best(GROUP, 0, RECORDS) is GROUP


def test_others_are_all_but_the_best() -> None:
    other = DuplicateGroup((5, 4), (1.0, 1.0), (True, True), (0, 0), "")
    assert others_of([GROUP, other]) == (1, 2, 3, 4)
    assert others_of([]) == ()

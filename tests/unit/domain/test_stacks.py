"""Stacks: bound images go where their stack goes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dclust_gui.domain import edits, image_edits, splits
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.edits import EditKind, apply
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.stack_edits import Binding, bind, kept_together, unbind
from dclust_gui.domain.stacks import (
    agreed_labels,
    followers,
    stack_count,
    stack_members,
    stack_sizes,
    whole_stacks,
)


def state_of(labels: list[int], stacks: list[int] | None = None) -> Clustering:
    table = {key: Cluster(key) for key in (1, 2, 3)}
    n = len(labels)
    return Clustering(
        np.array(labels, np.int32),
        np.zeros(n, np.uint8),
        table,
        4,
        None,
        np.array(stacks if stacks is not None else [0] * n, np.int32),
    )


def is_whole(state: Clustering) -> bool:
    bound = state.stacks > 0
    return all(
        len(set(state.labels[state.stacks == s].tolist())) == 1 for s in set(state.stacks[bound])
    )


def test_a_stack_comes_whole() -> None:
    stacks = np.array([0, 1, 1, 0, 2, 2], np.int32)
    assert whole_stacks(stacks, np.array([1, 3], np.int32)).tolist() == [1, 2, 3]
    alone = np.array([0, 3], np.int32)
    assert whole_stacks(stacks, alone) is alone
    assert stack_count(stacks, np.array([0, 1, 2, 4], np.int32)) == 2
    assert stack_sizes(stacks).tolist() == [0, 2, 2, 0, 2, 2]
    assert stack_sizes(np.zeros(0, np.int32)).tolist() == []
    assert followers(stacks).tolist() == [False, False, True, False, False, True]
    assert not followers(np.zeros(0, np.int32)).any()
    state = state_of([1] * 6, stacks.tolist())
    assert stack_members(state, 2).tolist() == [1, 2]
    assert stack_members(state, 0).tolist() == [0]


def test_labels_agree_by_majority_then_by_the_first() -> None:
    stacks = np.array([1, 1, 1, 2, 2, 0], np.int32)
    labels = np.array([5, 6, 6, 8, 7, 9], np.int32)
    assert agreed_labels(stacks, labels).tolist() == [6, 6, 6, 8, 8, 9]
    assert agreed_labels(stacks, labels, without=6).tolist() == [5, 5, 5, 8, 8, 9]
    agreed = np.array([6, 6, 6, 8, 8, 9], np.int32)
    assert agreed_labels(stacks, agreed) is agreed


def test_binding_puts_a_stack_into_one_cluster() -> None:
    state = state_of([1, 2, 2, UNASSIGNED, 3])
    edit = bind(state, [Binding((0, 1, 2))])
    after = apply(state, edit)
    assert edit.title == "bind 3 images as a stack"
    assert after.labels.tolist() == [2, 2, 2, UNASSIGNED, 3]
    assert after.stacks.tolist() == [1, 1, 1, 0, 0]
    back = apply(after, edit.inverse())
    assert back.labels.tolist() == state.labels.tolist()
    assert back.stacks.tolist() == [0] * 5


def test_a_stack_goes_where_a_person_has_put_one_of_it() -> None:
    state = state_of([1, 2, 2])
    state = apply(state, edits.move(state, [0], 3))
    after = apply(state, bind(state, [Binding((0, 1, 2))]))
    assert after.labels.tolist() == [3, 3, 3]
    assert (after.flags & ImageFlag.HAND_PLACED).all()


def test_unassigned_images_do_not_draw_a_stack() -> None:
    state = state_of([UNASSIGNED, UNASSIGNED, 2])
    assert apply(state, bind(state, [Binding((0, 1, 2))])).labels.tolist() == [2, 2, 2]
    state = state_of([UNASSIGNED, UNASSIGNED])
    assert apply(state, bind(state, [Binding((0, 1))])).labels.tolist() == [UNASSIGNED] * 2


def test_stacks_that_share_an_image_grow_together() -> None:
    state = state_of([1, 1, 1, 1], [1, 1, 0, 0])
    edit = bind(state, [Binding((1, 2)), Binding((2, 3), is_bracket=True)])
    after = apply(state, edit)
    assert len(set(after.stacks.tolist())) == 1
    assert (after.flags & ImageFlag.BRACKET).all()
    assert edit.title == "bind 4 images as a stack"


def test_titles_tell_brackets_and_numbers() -> None:
    state = state_of([1] * 4)
    two = [Binding((0, 1), is_bracket=True), Binding((2, 3), is_bracket=True)]
    assert bind(state, two).title == "bind 4 images as 2 brackets"
    assert bind(state, two[:1]).title == "bind 2 images as a bracket"


def test_one_image_is_no_stack() -> None:
    with pytest.raises(InputError, match="two images"):
        bind(state_of([1, 1]), [Binding((0,))])


def test_unbinding_leaves_images_where_they_are() -> None:
    state = state_of([1, 1, 2])
    bound = apply(state, bind(state, [Binding((0, 1), is_bracket=True)]))
    edit = unbind(bound, [1, 2])
    after = apply(bound, edit)
    assert edit.title == "unbind 2 images (1 stack)"
    assert not after.stacks.any()
    assert not after.flags.any()
    assert after.labels.tolist() == [1, 1, 2]
    with pytest.raises(InputError, match="nothing to unbind"):
        unbind(after, [0])


def test_a_decision_on_one_image_takes_its_stack_along_and_says_so() -> None:
    state = state_of([1, 1, 1, 2], [1, 1, 0, 0])
    moved = edits.move(state, [0, 2], 3)
    assert moved.title == "move 3 images (1 stack) to 'Cluster 03'"
    assert apply(state, moved).labels.tolist() == [3, 3, 3, 2]
    assert apply(state, image_edits.unassign(state, [1])).labels.tolist()[:2] == [-1, -1]
    assert apply(state, image_edits.approve(state, [1])).flags.tolist() == [2, 2, 0, 0]
    assert apply(state, edits.new_cluster(state, [0])).labels.tolist() == [4, 4, 1, 2]
    assert splits.split_out(state, [0]).title == "split 2 images (1 stack) out of 'Cluster 01'"


def test_a_stack_goes_to_the_second_best_of_most_of_it() -> None:
    state = state_of([1, 1, 1, 1], [1, 1, 1, 0])
    after = apply(state, image_edits.not_here(state, {0: 2, 3: 3}))
    assert after.labels.tolist() == [2, 2, 2, 3]


def test_no_edit_tears_a_stack_apart() -> None:
    state = state_of([1, 1, 1, 1, 2], [1, 1, 1, 0, 0])
    parts = splits.SplitProposal(
        1, np.array([0, 1, 2, 3], np.int32), np.array([0, 1, 1, 1], np.int32)
    )
    edit = kept_together(state, parts.edit(state))
    after = apply(state, edit)
    assert after.labels.tolist() == [4, 4, 4, 4, 2]
    assert (after.flags[:4] == ImageFlag.HAND_PLACED).all()
    other = splits.SplitProposal(
        1, np.array([0, 1, 2, 3], np.int32), np.array([0, 0, 1, 1], np.int32)
    )
    after = apply(state, kept_together(state, other.edit(state)))
    assert after.labels.tolist() == [1, 1, 1, 4, 2]
    assert after.flags.tolist() == [0, 0, 0, 1, 0]


def test_a_cluster_whose_last_image_a_stack_keeps_is_not_made() -> None:
    state = state_of([1, 1, 1, 1], [1, 1, 1, 0])
    parts = splits.SplitProposal(
        1, np.array([0, 1, 2, 3], np.int32), np.array([0, 0, 1, 0], np.int32)
    )
    edit = kept_together(state, parts.edit(state))
    assert edit.changes_nothing
    assert 4 not in apply(state, edit).clusters


def test_edits_that_keep_stacks_whole_are_left_alone() -> None:
    state = state_of([1, 1, 2], [1, 1, 0])
    move = edits.move(state, [0], 3)
    assert kept_together(state, move) is move
    rename = edits.rename(state, 1, "Beach")
    assert kept_together(state, rename) is rename
    binding = bind(state, [Binding((0, 2))])
    assert kept_together(state, binding) is binding


def test_an_edit_for_other_stacks_is_refused() -> None:
    state = state_of([1, 1, 2])
    edit = bind(state, [Binding((0, 1))])
    with pytest.raises(ValueError, match="another state"):
        apply(replace(state, stacks=np.array([0, 9, 9], np.int32)), edit)
    with pytest.raises(ValueError, match="one length"):
        replace(state, stacks=np.array([1, 1], np.int32))


numbers = st.lists(st.integers(0, 3), min_size=1, max_size=12)


@given(numbers, st.data())
def test_do_undo_redo_keeps_stacks_whole(stacks: list[int], data: st.DataObject) -> None:
    n = len(stacks)
    labels = data.draw(st.lists(st.sampled_from([UNASSIGNED, 1, 2, 3]), min_size=n, max_size=n))
    start = state_of(labels, stacks)
    agreed = agreed_labels(start.stacks, start.labels)
    state = replace(start, labels=agreed)
    assert is_whole(state)
    wanted = np.array(
        data.draw(st.lists(st.sampled_from([UNASSIGNED, 1, 2, 3]), min_size=n, max_size=n)),
        np.int32,
    )
    kind = data.draw(st.sampled_from([EditKind.RUN, EditKind.CUT, EditKind.RECLUSTER]))
    edit = edits.replace_all(state, kind, "x", wanted, state.clusters, None)
    edit = kept_together(state, edit)
    after = apply(state, edit)
    assert is_whole(after)
    back = apply(after, edit.inverse())
    assert np.array_equal(back.labels, state.labels)
    assert np.array_equal(back.flags, state.flags)
    if n > 1:
        ids = data.draw(st.lists(st.integers(0, n - 1), min_size=2, max_size=n, unique=True))
        bound = apply(after, bind(after, [Binding(tuple(ids))]))
        assert is_whole(bound)


def test_binding_what_is_bound_already_changes_nothing() -> None:
    state = state_of([1, 1, 1, 2], [5, 5, 5, 0])
    assert bind(state, [Binding((0, 1, 2))]).changes_nothing
    assert bind(state, [Binding((1,))]).changes_nothing
    assert not bind(state, [Binding((0, 1), is_bracket=True)]).changes_nothing
    assert not bind(state, [Binding((1, 3))]).changes_nothing

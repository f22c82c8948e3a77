from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import (
    PALETTE_SIZE,
    UNASSIGNED,
    Cluster,
    Clustering,
    ImageFlag,
)
from dclust_gui.domain.edits import Edit, EditKind

N_IMAGES = 8


def example() -> Clustering:
    labels = np.array([1, 1, 2, 2, 3, UNASSIGNED, 1, 3], np.int32)
    table = {1: Cluster(1), 2: Cluster(2, "Beach", 1), 3: Cluster(3, colour=2)}
    return Clustering(labels, np.zeros(N_IMAGES, np.uint8), table, 4, run_id=7)


def same(a: Clustering, b: Clustering) -> bool:
    return (
        np.array_equal(a.labels, b.labels)
        and np.array_equal(a.flags, b.flags)
        and dict(a.clusters) == dict(b.clusters)
        and a.run_id == b.run_id
    )


def draw_edit(data: st.DataObject, state: Clustering) -> Edit:
    images = data.draw(st.lists(st.integers(0, N_IMAGES - 1)))
    ids = sorted(state.clusters)
    target = data.draw(st.sampled_from(ids))
    match data.draw(st.sampled_from(sorted(EditKind))):
        case EditKind.MOVE:
            return edits.move(state, images, data.draw(st.sampled_from([UNASSIGNED, target])))
        case EditKind.MERGE:
            return edits.merge(state, data.draw(st.sets(st.sampled_from(ids))), target)
        case EditKind.RENAME:
            return edits.rename(state, target, data.draw(st.text(max_size=4)))
        case EditKind.MARK:
            row = replace(state.clusters[target], is_pinned=data.draw(st.booleans()))
            return edits.update_cluster(state, row, EditKind.MARK, "pin")
        case EditKind.RUN | EditKind.CUT | EditKind.SPLIT as kind:
            new = state.next_id
            labels = np.array(
                data.draw(
                    st.lists(
                        st.sampled_from([UNASSIGNED, new, new + 1]),
                        min_size=N_IMAGES,
                        max_size=N_IMAGES,
                    )
                ),
                np.int32,
            )
            table = {new: Cluster(new), new + 1: Cluster(new + 1), target: state.clusters[target]}
            return edits.replace_all(state, kind, "accept", labels, table, 9)
        case _:
            return edits.new_cluster(state, images, data.draw(st.text(max_size=4)))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_do_undo_redo_gives_equal_assignments(data: st.DataObject) -> None:
    state = example()
    for _ in range(data.draw(st.integers(1, 6))):
        edit = draw_edit(data, state)
        after = edits.apply(state, edit)
        undone = edits.apply(after, edit.inverse())
        assert same(undone, state)
        assert undone.next_id == after.next_id >= state.next_id
        assert same(edits.apply(undone, edit), after)
        assert edit.changes_nothing == same(after, state)
        state = after


def test_moving_marks_images_as_placed_by_hand() -> None:
    edit = edits.move(example(), [5, 0, 5], 2)
    assert edit.title == "move 2 images to 'Beach'"
    after = edits.apply(example(), edit)
    assert after.labels.tolist() == [2, 1, 2, 2, 3, 2, 1, 3]
    assert after.flags.tolist() == [ImageFlag.HAND_PLACED, 0, 0, 0, 0, ImageFlag.HAND_PLACED, 0, 0]
    assert after.run_id == 7


def test_taking_out_puts_images_into_unassigned() -> None:
    edit = edits.move(example(), [2], UNASSIGNED)
    assert edit.title == "move 1 image to Unassigned"
    assert edits.apply(example(), edit).labels[2] == UNASSIGNED


def test_new_cluster_gets_the_next_id_and_the_rarest_colour() -> None:
    edit = edits.new_cluster(example(), [0, 1], "  Dunes ")
    assert edit.title == "new cluster 'Dunes' from 2 images"
    after = edits.apply(example(), edit)
    assert after.clusters[4] == Cluster(4, "Dunes", 3)
    assert after.members(4).tolist() == [0, 1]
    assert after.next_id == 5
    empty = edits.new_cluster(example())
    assert empty.title == "new cluster 'Cluster 04'"
    assert edits.apply(example(), empty).counts()[4] == 0


def test_merging_keeps_the_targets_name_and_ends_the_others() -> None:
    edit = edits.merge(example(), [1, 2, 3], 2)
    assert edit.title == "merge 2 clusters into 'Beach'"
    after = edits.apply(example(), edit)
    assert list(after.clusters) == [2]
    assert after.labels.tolist() == [2, 2, 2, 2, 2, UNASSIGNED, 2, 2]
    assert edits.merge(example(), [1], 2).title == "merge 'Cluster 01' into 'Beach'"
    assert edits.merge(example(), [2], 2).changes_nothing


def test_renaming_changes_the_name_only() -> None:
    edit = edits.rename(example(), 2, " Sea ")
    assert edit.title == "rename 'Beach' to 'Sea'"
    assert edits.apply(example(), edit).clusters[2] == Cluster(2, "Sea", 1)
    assert edits.rename(example(), 2, "").title == "rename 'Beach' to 'Cluster 02'"


def test_accepting_a_run_touches_only_what_differs() -> None:
    state = example()
    labels = state.labels.copy()
    labels[:2] = 9
    table = {**state.clusters, 9: Cluster(9)}
    edit = edits.replace_all(state, EditKind.RUN, "accept run 8", labels, table, 8)
    assert edit.images.tolist() == [0, 1]
    assert dict(edit.clusters_after) == {9: Cluster(9)}
    after = edits.apply(state, edit)
    assert (after.run_id, after.next_id) == (8, 10)


@pytest.mark.parametrize("target", [UNASSIGNED - 1, 9])
def test_unknown_clusters_are_refused(target: int) -> None:
    with pytest.raises(KeyError):
        edits.move(example(), [0], target)
    with pytest.raises(KeyError):
        edits.merge(example(), [1], target)
    with pytest.raises(KeyError):
        edits.merge(example(), [target], 1)
    with pytest.raises(KeyError):
        edits.rename(example(), target, "x")


def test_edit_for_another_state_is_refused() -> None:
    edit = edits.move(example(), [0], 2)
    others = [
        edits.apply(example(), edit),
        replace(example(), flags=np.ones(N_IMAGES, np.uint8)),
        replace(example(), run_id=None),
    ]
    for other in others:
        with pytest.raises(ValueError, match="another state"):
            edits.apply(other, edit)
    renamed = edits.apply(example(), edits.rename(example(), 2, "x"))
    with pytest.raises(ValueError, match="another state"):
        edits.apply(renamed, edits.rename(example(), 2, "y"))


@pytest.mark.parametrize("image", [-1, N_IMAGES])
def test_images_that_are_not_there_are_refused(image: int) -> None:
    edit = replace(edits.move(example(), [0], 2), images=np.array([image], np.int32))
    with pytest.raises(ValueError, match="does not have"):
        edits.apply(example(), edit)


def test_images_added_later_do_no_harm() -> None:
    edit = edits.move(example(), [0], 2)
    after = edits.apply(example().grown(10), edit)
    assert after.labels[0] == 2
    assert after.n_images == 10


def test_colours_are_used_evenly_also_from_an_iterator() -> None:
    clusters: list[Cluster] = []
    for number in range(2 * PALETTE_SIZE):
        colour = edits.next_colour(iter(clusters))
        assert colour == number % PALETTE_SIZE
        clusters.append(Cluster(number + 1, colour=colour))


def test_numbers_in_titles() -> None:
    assert edits.count_of(1) == "1 image"
    assert edits.count_of(12_000, "cluster") == "12,000 clusters"


def test_edit_without_arrays_changes_nothing() -> None:
    assert Edit(EditKind.MARK, "nothing").changes_nothing

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.domain import edits, image_edits
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.comparison import ABSENT
from dclust_gui.domain.edits import EditKind


def example() -> Clustering:
    labels = np.array([1, 1, 2, 2, 3, UNASSIGNED], np.int32)
    table = {1: Cluster(1), 2: Cluster(2, "Beach"), 3: Cluster(3)}
    return Clustering(labels, np.zeros(6, np.uint8), table, 4, run_id=2)


def test_approval_is_a_step_of_its_own() -> None:
    edit = image_edits.approve(example(), [1, 2, 2])
    assert (edit.kind, edit.title) == (EditKind.APPROVE, "approve 2 images")
    after = edits.apply(example(), edit)
    assert after.labels.tolist() == example().labels.tolist()
    assert after.flags.tolist() == [0, ImageFlag.APPROVED, ImageFlag.APPROVED, 0, 0, 0]
    assert image_edits.approve(after, [1]).changes_nothing
    back = image_edits.approve(after, [1], is_approved=False)
    assert back.title == "take back the approval of 1 image"
    assert edits.apply(after, back).flags[1] == 0


def test_unassigning_touches_no_file_and_says_so_by_its_target() -> None:
    edit = image_edits.unassign(example(), [0])
    assert edit.title == "move 1 image to Unassigned"
    assert edits.apply(example(), edit).labels[0] == UNASSIGNED


def test_not_here_moves_each_to_its_own() -> None:
    edit = image_edits.not_here(example(), {1: 2})
    assert edit.title == "move 1 image to 'Beach', its second-best fit"
    edit = image_edits.not_here(example(), {1: 2, 2: 3})
    assert edit.title == "move 2 images to 2 clusters, their second-best fit"
    assert edits.apply(example(), edit).labels.tolist() == [1, 2, 3, 2, 3, UNASSIGNED]
    with pytest.raises(KeyError):
        image_edits.not_here(example(), {1: 9})


def test_an_older_run_is_kept_for_some_clusters() -> None:
    older = np.array([1, 2, 2, 7, ABSENT, 7], np.int32)
    past = {1: Cluster(1), 2: Cluster(2, "Beach"), 7: Cluster(7, "Gone")}
    edit = image_edits.keep_groups(example(), older, past, [2, 7], "run 1")
    assert edit.title == "keep run 1 for 'Beach', 'Gone'"
    assert edit.kind is EditKind.KEEP
    after = edits.apply(example(), edit)
    assert after.labels.tolist() == [1, 2, 2, 7, 3, 7]
    assert after.run_id == 2
    undone = edits.apply(after, edit.inverse())
    assert undone.labels.tolist() == example().labels.tolist()
    assert dict(undone.clusters) == dict(example().clusters)
    with pytest.raises(KeyError):
        image_edits.keep_groups(example(), older, past, [9], "run 1")


def test_what_a_person_decided_stays_and_strays_lose_their_cluster() -> None:
    state = edits.apply(example(), image_edits.approve(example(), [2]))
    older = np.array([1, 1, 1, 9, 2, 2], np.int32)
    past = {key: Cluster(key) for key in (1, 2, 9)}
    after = edits.apply(state, image_edits.keep_groups(state, older, past, [2], "run 1"))
    assert after.labels.tolist() == [1, 1, 2, UNASSIGNED, 2, 2]
    assert 3 not in after.clusters  # empty now, without a name


def test_a_cluster_that_comes_back_takes_no_name_that_another_has_now() -> None:
    older = np.array([1, 1, 7, 7, 7, 7], np.int32)
    past = {1: Cluster(1), 7: Cluster(7, "beach", 4, "notes")}
    edit = image_edits.keep_groups(example(), older, past, [7], "run 1")
    assert edit.title == "keep run 1 for 'beach (2)'"
    assert edits.apply(example(), edit).clusters[7] == Cluster(7, "beach (2)", 4, "notes")

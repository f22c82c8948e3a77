from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.domain import edits, splits
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.splits import ExampleProposal, SplitProposal, propose_merge

HAND = ImageFlag.HAND_PLACED


def example() -> Clustering:
    labels = np.array([1, 1, 1, 2, 2, 3, 3, 3, UNASSIGNED], np.int32)
    table = {1: Cluster(1, notes="sand"), 2: Cluster(2, "Beach"), 3: Cluster(3, notes="old")}
    return Clustering(labels, np.zeros(9, np.uint8), table, 4)


def test_the_largest_with_a_name_survives_unless_swapped() -> None:
    found = propose_merge(example(), [1, 2, 3])
    assert (found.survivor, found.ended, found.n_images) == (2, (1, 3), 8)
    assert found.title == "merge 2 clusters into 'Beach'" == found.edit(example()).title
    swapped = propose_merge(example(), found.clusters, 3)
    assert swapped.clusters == (3, 1, 2)
    assert propose_merge(example(), [1], 2).title == "merge 'Cluster 01' into 'Beach'"
    assert propose_merge(example(), [1, 3]).survivor == 1
    with pytest.raises(ValueError, match="two clusters"):
        propose_merge(example(), [1, 1])
    with pytest.raises(KeyError):
        propose_merge(example(), [1, 9])


def test_notes_of_ended_clusters_are_not_lost() -> None:
    after = edits.apply(example(), edits.merge(example(), [1, 2], 3))
    assert after.clusters[3].notes == "old\nCluster 01: sand"
    undone = edits.apply(after, edits.merge(example(), [1, 2], 3).inverse())
    assert dict(undone.clusters) == dict(example().clusters)


def test_split_out_names_its_scope() -> None:
    edit = splits.split_out(example(), [3, 4, 3])
    assert (edit.kind, edit.title) == (EditKind.SPLIT, "split 2 images out of 'Beach'")
    assert splits.split_out(example(), [3], " Sea ").title == (
        "split 1 image out of 'Beach' as 'Sea'"
    )
    assert splits.split_out(example(), [0, 3]).title == "split 2 images out of 2 clusters"
    assert splits.split_out(example(), [8]).title == "new cluster 'Cluster 04' from 1 image"
    after = edits.apply(example(), edit)
    assert after.members(4).tolist() == [3, 4]


def test_split_in_parts_keeps_the_first_and_leaves_moved_images_alone() -> None:
    proposal = SplitProposal(3, np.array([5, 6, 7], np.int32), np.array([0, 1, 2], np.int32))
    assert (proposal.n_parts, proposal.sizes()) == (3, (1, 1, 1))
    assert proposal.members(1).tolist() == [6]
    edit = proposal.edit(example(), {1: "", 2: " Sky\n"})
    assert edit.title == "split 'Cluster 03' into 3 clusters"
    after = edits.apply(example(), edit)
    assert after.labels.tolist() == [1, 1, 1, 2, 2, 3, 4, 5, UNASSIGNED]
    assert after.clusters[5].name == "Sky"
    assert after.flags.tolist() == [0] * 6 + [HAND, HAND, 0]
    assert dict(edits.apply(after, edit.inverse()).clusters) == dict(example().clusters)
    moved = edits.apply(example(), edits.move(example(), [6], 2))
    later = edits.apply(moved, proposal.edit(moved))
    assert later.labels.tolist() == [1, 1, 1, 2, 2, 3, 2, 4, UNASSIGNED]


def test_the_part_that_stays_can_be_named_in_the_same_step() -> None:
    proposal = SplitProposal(3, np.array([5, 6, 7], np.int32), np.array([0, 1, 1], np.int32))
    edit = proposal.edit(example(), {0: "Sand", 1: "Sky"})
    after = edits.apply(example(), edit)
    assert (after.clusters[3].name, after.clusters[4].name) == ("Sand", "Sky")
    assert after.clusters[3].notes == example().clusters[3].notes
    assert dict(edits.apply(after, edit.inverse()).clusters) == dict(example().clusters)
    gone = edits.apply(example(), edits.move(example(), [6, 7], 2))
    assert proposal.edit(gone, {0: "Sand"}).changes_nothing


def test_examples_slider_and_strays() -> None:
    scores = np.array([0.9, 0.5, 0.1], np.float32)
    found = ExampleProposal((5,), np.array([7, 6, 8], np.int32), scores)
    assert [found.count(t) for t in (0, 0.5, 0.6, 1)] == [4, 3, 2, 1]
    assert found.proposed(0.5).tolist() == [7, 6]
    assert found.chosen(0.5, {6}) == (5, 7)
    assert found.edit(example(), 0.5, [6], "Sky").title == (
        "split 2 images out of 'Cluster 03' as 'Sky'"
    )
    with pytest.raises(ValueError, match="nothing is chosen"):
        found.edit(example(), 1, [5])

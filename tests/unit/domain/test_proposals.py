"""Proposals: listed cluster by cluster, accepted whole or in part, never over a decision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dclust_gui.domain import edits, image_edits
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.proposals import Proposal


@pytest.fixture
def state() -> Clustering:
    labels = np.array([1, 1, 1, 2, 2, 3, UNASSIGNED], np.int32)
    table = {key: Cluster(key) for key in (1, 2, 3)}
    return Clustering(labels, np.zeros(7, np.uint8), table, 4, 5)


@pytest.fixture
def proposal(state: Clustering) -> Proposal:
    labels = np.array([1, 2, 2, 2, 3, 3, 3], np.int32)
    margin = np.array([0.9, 0.1, 0.5, 0.2, 0.3, 0.4, 0.6], np.float32)
    return Proposal.of("way", state, np.arange(7, dtype=np.int32), labels, margin, 4, "note")


def test_only_moves_are_kept_the_surest_first(proposal: Proposal) -> None:
    assert proposal.images.tolist() == [6, 2, 4, 1]
    assert proposal.before.tolist() == [UNASSIGNED, 1, 2, 1]
    assert proposal.after.tolist() == [3, 2, 3, 2]
    assert (proposal.way, proposal.n_decided, proposal.note) == ("way", 4, "note")


def test_changes_are_listed_cluster_by_cluster(proposal: Proposal, state: Clustering) -> None:
    changes = {c.cluster: c for c in proposal.changes(state)}
    assert list(changes) == [2, 3, 1, UNASSIGNED]
    assert changes[2].arriving.tolist() == [2, 1]
    assert changes[2].leaving.tolist() == [4]
    assert (changes[2].size, changes[2].size_after) == (2, 3)
    assert changes[UNASSIGNED].size_after == 0


def test_all_of_it_is_one_step_that_can_be_undone(proposal: Proposal, state: Clustering) -> None:
    edit = proposal.edit(state)
    after = edits.apply(state, edit)
    assert after.labels.tolist() == [1, 2, 2, 2, 3, 3, 3]
    assert edit.kind is edits.EditKind.RECLUSTER
    assert edit.title == "re-cluster the rest: move 4 images to 2 clusters"
    assert after.run_id == state.run_id
    assert (after.flags[[6, 2, 4, 1]] == ImageFlag.REFINED).all()
    undone = edits.apply(after, edit.inverse())
    assert undone.labels.tolist() == state.labels.tolist()
    assert not undone.flags.any()


@pytest.mark.parametrize(
    ("kind", "n_left"), [(edits.EditKind.CUT, 4), (edits.EditKind.KEEP, 3), (edits.EditKind.RUN, 0)]
)
def test_that_a_proposal_moved_an_image_is_forgotten_by_runs_alone(
    proposal: Proposal, state: Clustering, kind: edits.EditKind, n_left: int
) -> None:
    after = edits.apply(state, proposal.edit(state))
    labels = after.labels.copy()
    labels[6] = 1
    later = edits.replace_all(after, kind, "later", labels, dict(after.clusters), 1)
    assert int((edits.apply(after, later).flags == ImageFlag.REFINED).sum()) == n_left


def test_the_step_names_its_one_target(proposal: Proposal, state: Clustering) -> None:
    assert proposal.edit(state, [2]).title == "re-cluster the rest: move 2 images to 'Cluster 02'"
    out = Proposal.of(
        "way", state, np.arange(2, dtype=np.int32), np.array([UNASSIGNED, 2], np.int32),
        np.ones(2, np.float32), 1,
    )  # fmt: skip
    assert out.edit(state, [UNASSIGNED]).title.endswith("move 1 image to Unassigned")
    assert out.edit(state).title.endswith("move 2 images to 1 cluster and Unassigned")


def test_a_part_of_it(proposal: Proposal, state: Clustering) -> None:
    some = edits.apply(state, proposal.edit(state, [2]))
    assert some.labels.tolist() == [1, 2, 2, 2, 2, 3, UNASSIGNED]
    fewer = edits.apply(state, proposal.edit(state, [2], without=[1]))
    assert fewer.labels.tolist() == [1, 1, 2, 2, 2, 3, UNASSIGNED]
    assert proposal.edit(state, []).changes_nothing


def test_what_was_decided_since_stays(proposal: Proposal, state: Clustering) -> None:
    moved = edits.apply(state, edits.move(state, [1], 3))
    approved = edits.apply(moved, image_edits.approve(moved, [2]))
    after = edits.apply(approved, proposal.edit(approved))
    assert after.labels.tolist() == [1, 3, 1, 2, 3, 3, 3]


def test_a_cluster_that_is_gone_takes_nothing(proposal: Proposal, state: Clustering) -> None:
    merged = edits.apply(state, edits.merge(state, [3], 1))
    assert 3 not in merged.clusters
    after = edits.apply(merged, proposal.edit(merged))
    assert after.labels.tolist() == [1, 2, 2, 2, 2, 1, UNASSIGNED]


def test_pinned_clusters_keep_their_images(proposal: Proposal, state: Clustering) -> None:
    pinned = replace(state, clusters={**state.clusters, 1: Cluster(1, is_pinned=True)})
    after = edits.apply(pinned, proposal.edit(pinned))
    assert after.labels.tolist() == [1, 1, 1, 2, 3, 3, 3]

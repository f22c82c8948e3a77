"""Labels from elsewhere: clusters found and made by name, pinned ones left alone, one step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.edits import EditKind, apply
from dclust_gui.domain.imports import ImageLabels, import_clusters, is_unassigned, label_problem
from dclust_gui.domain.names import check_names
from dclust_gui.domain.stack_edits import kept_together
from dclust_gui.domain.truth import NO_CLASS, Truth


def labels_of(by_image: dict[int, str], source: str = "'labels.csv'") -> ImageLabels:
    """Labels by image; `Unassigned` for none."""
    names = tuple(dict.fromkeys(name for name in by_image.values() if name != "Unassigned"))
    images = np.array(sorted(by_image), np.int32)
    codes = [names.index(by_image[i]) if by_image[i] in names else -1 for i in sorted(by_image)]
    return ImageLabels(images, np.array(codes, np.int32), names, source)


@pytest.fixture
def state() -> Clustering:
    """Eight images: two in 'Beach', two in an unnamed cluster 2, two in pinned 'Cats', two free."""
    table = {1: Cluster(1, "Beach"), 2: Cluster(2), 3: Cluster(3, "Cats", is_pinned=True)}
    labels = np.array([1, 1, 2, 2, 3, 3, -1, -1], np.int32)
    return Clustering(labels, np.zeros(8, np.uint8), table, 4)


def test_labels_use_clusters_of_their_name_and_make_the_others(state: Clustering) -> None:
    found = import_clusters(state, labels_of({2: "BEACH", 6: "Dunes", 7: "Dunes"}))
    after = apply(state, found.edit)
    assert found.clusters == (1, 4)
    assert found.created == {4}
    assert after.labels.tolist() == [1, 1, 1, 2, 3, 3, 4, 4]
    assert after.clusters[4].name == "Dunes"
    assert np.flatnonzero(after.flags & ImageFlag.HAND_PLACED).tolist() == [2, 6, 7]
    assert found.edit.kind is EditKind.IMPORT
    assert found.edit.title == "import labels of 3 images from 'labels.csv'"
    assert found.edit.run_after == state.run_id
    back = apply(after, found.edit.inverse())
    assert back.labels.tolist() == state.labels.tolist()
    assert dict(back.clusters) == dict(state.clusters)


def test_the_same_labels_again_change_nothing(state: Clustering) -> None:
    labels = labels_of({2: "Beach", 6: "Dunes"})
    after = apply(state, import_clusters(state, labels).edit)
    assert import_clusters(after, labels).edit.changes_nothing


def test_pinned_clusters_neither_lose_nor_get_images(state: Clustering) -> None:
    found = import_clusters(state, labels_of({0: "Cats", 4: "Beach", 5: "Cats", 6: "Beach"}))
    after = apply(state, found.edit)
    assert found.held.tolist() == [0, 4]
    assert after.labels.tolist() == [1, 1, 2, 2, 3, 3, 1, -1]
    assert "2 images" in found.edit.title


def test_a_new_cluster_whose_images_are_all_held_is_not_made(state: Clustering) -> None:
    found = import_clusters(state, labels_of({4: "Dogs"}))
    assert found.created == frozenset()
    assert found.edit.changes_nothing


def test_unassigned_takes_images_out_and_sets_them_free(state: Clustering) -> None:
    placed = apply(state, import_clusters(state, labels_of({0: "Beach"})).edit)
    assert placed.flags[0] & ImageFlag.HAND_PLACED
    after = apply(placed, import_clusters(placed, labels_of({0: "Unassigned"})).edit)
    assert after.labels[0] == UNASSIGNED
    assert after.flags[0] == 0, "the next run may take them"


def test_others_can_become_unassigned_but_for_pinned_ones(state: Clustering) -> None:
    found = import_clusters(state, labels_of({6: "Dunes"}), others_unassigned=True)
    after = apply(state, found.edit)
    assert after.labels.tolist() == [-1, -1, -1, -1, 3, 3, 4, -1]
    assert after.flags.tolist() == [0, 0, 0, 0, 0, 0, 1, 0]
    assert set(after.clusters) == {1, 3, 4}, "the unnamed cluster 2 has ended, 'Beach' stays"


def test_titles_of_unnamed_clusters_keep_their_number_where_it_is_free(state: Clustering) -> None:
    labels = labels_of({0: "Cluster 02", 1: "Cluster 05", 6: "Dunes", 7: "Cluster 123456789"})
    found = import_clusters(state, labels)
    after = apply(state, found.edit)
    assert after.labels.tolist() == [2, 5, 2, 2, 3, 3, 4, 6]
    assert [after.clusters[key].name for key in (5, 4, 6)] == ["", "Dunes", ""]


def test_a_label_is_that_of_the_whole_stack_and_most_labels_win(state: Clustering) -> None:
    stacks = np.array([1, 1, 2, 2, 0, 0, 2, 0], np.int32)
    labels = np.array([1, 1, 2, 2, 3, 3, 2, -1], np.int32)
    bound = replace(state, stacks=stacks, labels=labels)
    given = labels_of({0: "Dunes", 2: "Dunes", 3: "Reed", 6: "Reed", 7: "Reed"})
    found = import_clusters(bound, given)
    after = apply(bound, found.edit)
    dunes, reed = found.clusters
    assert after.labels.tolist() == [dunes, dunes, reed, reed, 3, 3, reed, reed]
    assert found.outvoted.tolist() == [2]
    assert found.held.tolist() == []
    assert "6 images (2 stacks)" in found.edit.title
    assert kept_together(bound, found.edit) is found.edit


def test_labels_that_cannot_be_names_are_said(state: Clustering) -> None:
    assert label_problem("Beach") == ""
    assert label_problem("Cluster 07") == ""
    assert label_problem("unassigned") == ""
    assert "200 are the most" in label_problem("x" * 201)
    assert "spaces" in label_problem(" \u200e ")
    assert is_unassigned("-1")
    assert not is_unassigned("1")


names = st.text(min_size=1, max_size=12).filter(lambda text: not label_problem(text))


@given(st.dictionaries(st.integers(0, 7), names, max_size=8), st.booleans())
def test_any_usable_labels_give_an_edit_that_can_be_undone(
    by_image: dict[int, str], others: bool
) -> None:
    kept: dict[str, str] = {}
    from dclust_gui.domain.names import same_name

    for name in by_image.values():
        kept.setdefault(same_name(name), name)
    clean = {
        image: "Unassigned" if is_unassigned(name) else kept[same_name(name)]
        for image, name in by_image.items()
    }
    table = {1: Cluster(1, "a"), 2: Cluster(2)}
    state = Clustering(np.array([1, 1, 2, 2, -1, -1, 1, 2]), np.zeros(8, np.uint8), table, 3)
    labels = labels_of(clean)
    found = import_clusters(state, labels, others_unassigned=others)
    check_names(state.clusters, found.edit)
    after = apply(state, found.edit)
    by_label: dict[str, set[int]] = {}
    for image, name in clean.items():
        by_label.setdefault(name, set()).add(int(after.labels[image]))
    assert all(len(ids) == 1 for ids in by_label.values())
    assert len({next(iter(ids)) for ids in by_label.values()}) == len(by_label)
    assert apply(after, found.edit.inverse()).labels.tolist() == state.labels.tolist()


def test_truth_knows_the_code_of_every_image() -> None:
    truth = Truth.of(labels_of({1: "a", 3: "b", 4: "Unassigned", 9: "a"}), "now")
    assert truth.images.tolist() == [1, 3, 9]
    assert truth.codes_of_all(5).tolist() == [NO_CLASS, 0, NO_CLASS, 1, NO_CLASS]
    assert truth.title == "import true classes of 3 images from 'labels.csv'"


def test_counts_are_by_name() -> None:
    assert labels_of({1: "a", 3: "b", 4: "Unassigned", 9: "a"}).counts().tolist() == [2, 1]

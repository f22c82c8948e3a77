from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.domain import edits, names
from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.names import NameTakenError, check_names, free_name


def example(*titles: str) -> Clustering:
    table = {key: Cluster(key, name) for key, name in enumerate(titles, 1)}
    return Clustering(np.ones(2, np.int32), np.zeros(2, np.uint8), table, len(table) + 1)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Beach", "Beach"),
        ("  Sea \r\n side\t ", "Sea side"),
        ("a\u00a0\u3000b\u2028c", "a b c"),
        ("Cafe\u0301", "Café"),
        ("\ufeffDu\u00adne\u200b\u202e", "Dune"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("", ""),
    ],
)
def test_names_are_one_line_of_what_can_be_seen(typed: str, kept: str) -> None:
    assert names.clean_name(typed) == kept
    assert names.wanted_name(typed) == kept
    assert names.clean_name(kept) == kept


@pytest.mark.parametrize("typed", [" ", "\n\t", "\u200b", "\u200d "])
def test_a_name_that_cannot_be_seen_is_refused(typed: str) -> None:
    with pytest.raises(InputError, match="cannot consist of spaces"):
        edits.rename(example("A"), 1, typed)


def test_the_title_of_a_cluster_without_a_name_is_no_name() -> None:
    state = example("Beach", "")
    assert edits.apply(state, edits.rename(state, 1, " cluster 01")).clusters[1].name == ""
    assert edits.rename(state, 2, "Cluster 02").changes_nothing


def test_notes_keep_their_lines_and_lose_what_cannot_be_written() -> None:
    assert names.clean_text(" one\r\ntwo\tx\x00\udcff \n") == "one\ntwo\tx"


@pytest.mark.parametrize("name", ["Beach", "beach", "\uff22each", "BEACH"])
def test_two_clusters_cannot_be_called_the_same(name: str) -> None:
    state = example("Beach", "")
    with pytest.raises(
        NameTakenError, match=r"There is a cluster .Beach. already\. Merge the two"
    ) as refused:
        check_names(state.clusters, edits.rename(state, 2, name))
    assert (refused.value.cluster, refused.value.holder, refused.value.name) == (2, 1, name)
    with pytest.raises(NameTakenError, match=r"The new cluster cannot be called.*Move the images"):
        check_names(state.clusters, edits.new_cluster(state, [0], name))


def test_a_cluster_may_change_the_letters_of_its_own_name() -> None:
    state = example("beach")
    check_names(state.clusters, edits.rename(state, 1, "Beach"))


def test_names_that_are_free_after_the_edit_are_free() -> None:
    state = example("A", "B")
    swapped = {1: Cluster(1, "B"), 2: Cluster(2, "A")}
    check_names(state.clusters, edits.update_clusters(state, swapped, EditKind.RENAME, "swap"))
    both = {1: Cluster(1, "C"), 2: Cluster(2, "c")}
    with pytest.raises(NameTakenError):
        check_names(state.clusters, edits.update_clusters(state, both, EditKind.RENAME, "both"))


def test_doubles_from_before_stay_as_they_are() -> None:
    state = example("A", "A", "")
    check_names(state.clusters, edits.rename(state, 3, "B"))
    check_names(state.clusters, edits.merge(state, [1], 2))
    check_names(state.clusters, edits.rename(state, 1, "C"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a\x1b[31m", "The character U\\+001B in it cannot be shown"),
        ("a\udcff", "U\\+DCFF"),
        ("x" * 201, "It has 201 characters, 200 are the most"),
        ("Cluster 07", "Clusters without a name are called so"),
        ("cluster 123", "Clusters without a name are called so"),
        ("UNASSIGNED", "Images that belong to no cluster are called so"),
    ],
)
def test_names_that_cannot_be_used(name: str, why: str) -> None:
    state = example("A")
    with pytest.raises(InputError, match=why) as refused:
        check_names(state.clusters, edits.rename(state, 1, name))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["Cluster", "Cluster 7", "Cluster 007", "Cluster A", "7"])
def test_names_that_only_look_alike_can_be_used(name: str) -> None:
    state = example("A")
    check_names(state.clusters, edits.rename(state, 1, name))


def test_the_holder_of_a_name_can_be_asked_for() -> None:
    table = example("Beach", "").clusters
    assert names.holder_of(table, " BEACH ") == table[1]
    assert names.holder_of(table, "Beach", besides=1) is None
    assert names.holder_of(table, "cluster 02") == table[2]
    assert names.holder_of(table, "") is None


def test_a_number_makes_a_name_free() -> None:
    assert free_name("Sea", ["Beach"]) == "Sea"
    assert free_name(" beach", ["Beach", "beach (2)"]) == "beach (3)"
    assert free_name("Cluster 04", []) == "Cluster 04 (2)"
    assert free_name("Unassigned", []) == "Unassigned (2)"
    assert free_name("", ["", "A"]) == ""

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.composed import composed_tree
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.shortlist import (
    Candidate,
    Evidence,
    Level,
    Shortlist,
    first_neighbour_levels,
    k_shortlist,
    shortlist_of_silhouettes,
    with_tree,
)
from dclust_gui.domain.control import Cancelled


def blobs(k: int, each: int = 60, width: int = 5) -> np.ndarray:
    random = np.random.default_rng(0)
    centres = random.normal(size=(k, width)) * 8
    return (np.repeat(centres, each, 0) + random.normal(size=(k * each, width))).astype(np.float32)


def test_clear_clusters_are_on_the_list_and_preselected() -> None:
    found = k_shortlist(blobs(6), random_state=0)
    assert found.preselected == 6
    assert 6 in [c.k for c in found.candidates]


def test_the_list_has_three_levels_in_order_each_with_a_reason() -> None:
    found = k_shortlist(blobs(5), random_state=0)
    assert [c.level for c in found.candidates] == list(Level)
    numbers = [c.k for c in found.candidates]
    assert numbers == sorted(set(numbers))
    assert all(c.reason for c in found.candidates)
    assert found.preselected in numbers


def test_every_curve_is_kept_as_evidence() -> None:
    evidence = k_shortlist(blobs(4), random_state=0).evidence
    assert evidence.ks[0] == 2
    curves = (evidence.silhouette, evidence.gap, evidence.gap_error, evidence.davies_bouldin)
    assert {len(curve) for curve in curves} == {len(evidence.ks)}
    assert np.isfinite(curves).all()
    assert evidence.ks[int(np.argmax(evidence.silhouette))] == 4
    assert evidence.density == 4
    assert evidence.eigengap >= 2
    assert evidence.first_neighbour[0] > evidence.first_neighbour[-1] >= 2


def test_many_images_are_sampled() -> None:
    found = k_shortlist(blobs(3, each=900), random_state=0, largest=6)
    assert found.evidence.n_sampled == 2000
    assert found.preselected == 3


def test_structureless_images_still_give_a_list() -> None:
    rows = np.random.default_rng(0).uniform(size=(150, 6)).astype(np.float32)
    found = k_shortlist(rows, random_state=0)
    assert 1 <= len(found.candidates) <= 3
    assert found.preselected >= 2


@pytest.mark.parametrize(("rows", "k"), [(np.zeros((1, 3)), 1), (np.zeros((50, 3)), 1)])
def test_nothing_to_choose_between(rows: np.ndarray, k: int) -> None:
    found = k_shortlist(rows.astype(np.float32))
    assert found.preselected == k
    assert "only" in found.candidates[0].reason


@pytest.mark.parametrize("count", [2, 4, 5, 9, 16])
def test_few_images(count: int) -> None:
    rows = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32)
    found = k_shortlist(rows, random_state=0)
    assert 2 <= found.preselected < max(3, count)


def test_no_images_are_an_error() -> None:
    with pytest.raises(UnusableDataError):
        k_shortlist(np.empty((0, 3), np.float32))


def test_the_same_seed_gives_the_same_list() -> None:
    rows = blobs(4)
    assert k_shortlist(rows, random_state=1) == k_shortlist(rows, random_state=1)


def test_first_neighbour_levels_fall() -> None:
    levels = first_neighbour_levels(blobs(8))
    assert list(levels) == sorted(levels, reverse=True)
    assert 8 in levels


def test_a_callback_may_cancel() -> None:
    def stop(done: int, total: int) -> None:
        if done > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        k_shortlist(blobs(4), callback=stop)


def test_the_tree_is_as_good_as_its_run_and_worse_where_it_divides() -> None:
    rows = blobs(6)
    found = k_shortlist(rows, random_state=0)
    labels = KMeans(3, n_init=5, random_state=0).fit(rows).labels_
    measured = with_tree(found, rows, composed_tree(rows, labels))
    by_k = {c.k: c for c in measured.candidates}
    assert by_k[6].tree_silhouette <= by_k[6].silhouette + 0.02
    assert all(-1 <= c.tree_silhouette <= 1 for c in measured.candidates)
    assert measured.evidence is found.evidence


def test_numbers_that_cannot_be_measured_stay_unknown() -> None:
    one = Candidate(1, Level.COARSE, "only one", float("nan"))
    found = with_tree(Shortlist((one,), 1, Evidence()), np.zeros((3, 2)), np.zeros((2, 4)))
    assert np.isnan(found.candidates[0].tree_silhouette)


def test_silhouettes_alone_give_a_list_around_the_chosen_number() -> None:
    scores = [(2, 0.3), (3, 0.2), (4, 0.5), (5, 0.45), (6, 0.1), (7, 0.3)]
    found = shortlist_of_silhouettes(scores, 4)
    assert found is not None
    assert [(c.k, c.level) for c in found.candidates] == [
        (2, Level.COARSE),
        (4, Level.MEDIUM),
        (7, Level.FINE),
    ]
    assert found.preselected == 4
    assert found.evidence.ks == (2, 3, 4, 5, 6, 7)
    assert shortlist_of_silhouettes([], 2) is None
    alone = shortlist_of_silhouettes([(2, 0.4)], 2)
    assert alone is not None
    assert [c.k for c in alone.candidates] == [2]

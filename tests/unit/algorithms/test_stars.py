"""Groups of near-copies round centres."""

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.algorithms.stars import Pairs, star_groups
from dclust_gui.domain.control import Cancelled, CancelToken


def pairs_of(rows: list[tuple[int, int, float]]) -> Pairs:
    left, right, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Pairs(np.array(left, np.int64), np.array(right, np.int64), np.array(value, np.float32))


class Line:
    """Nodes on a line: as alike as they are near; counts what it is asked."""

    def __init__(self, places: list[float]) -> None:
        self.places = np.array(places)
        self.n_asked = 0

    def __call__(self, centre: int, others: np.ndarray) -> np.ndarray:
        self.n_asked += len(others)
        return np.asarray(1 - abs(self.places[others] - self.places[centre]), np.float32)

    def pairs(self, least: float) -> Pairs:
        n = len(self.places)
        rows = [
            (i, j, 1 - abs(self.places[i] - self.places[j])) for i in range(n) for j in range(i)
        ]
        return pairs_of([(i, j, float(v)) for i, j, v in rows if v >= least])


def test_a_chain_does_not_run_away() -> None:
    line = Line([0.0, 0.08, 0.16, 0.24, 0.32])
    stars = star_groups(np.arange(5), line.pairs(0.9), 0.9, line)
    assert [(s.centre, s.members.tolist()) for s in stars] == [(0, [1]), (2, [3])]
    for star in stars:
        assert (star.similarity >= 0.9).all()


def test_the_best_node_is_the_centre_and_members_are_sorted() -> None:
    line = Line([0.0, 0.02, 0.05, 0.01])
    stars = star_groups(np.array([2, 0, 1, 3]), line.pairs(0.5), 0.9, line)
    assert [(s.centre, s.members.tolist()) for s in stars] == [(2, [1, 3, 0])]
    assert (np.diff(stars[0].similarity) <= 0).all()


def test_a_member_that_only_another_member_knows_is_compared_with_the_centre() -> None:
    line = Line([0.0, 0.0, 0.0])
    stars = star_groups(np.arange(3), pairs_of([(0, 1, 1.0), (1, 2, 1.0)]), 0.9, line)
    assert [(s.centre, s.members.tolist()) for s in stars] == [(0, [1, 2])]
    assert line.n_asked == 1


@pytest.mark.parametrize("k", [1, 10])
def test_equal_nodes_are_one_group_at_a_cost_of_n_times_k(k: int) -> None:
    n = 20_000
    line = Line([0.0] * n)
    # as a search among equal rows gives: all know the same few, and each its predecessor
    rows = [(i, j, 1.0) for i in range(1, n) for j in {*range(min(k - 1, i)), i - 1}]
    stars = star_groups(np.arange(n), pairs_of(rows), 0.9, line)
    assert len(stars) == 1
    assert len(stars[0].members) == n - 1
    assert line.n_asked <= n * k


def test_no_node_is_in_two_groups() -> None:
    random = np.random.default_rng(0)
    line = Line(random.random(300).tolist())
    stars = star_groups(random.permutation(300), line.pairs(0.97), 0.97, line)
    nodes = [n for s in stars for n in (s.centre, *s.members.tolist())]
    assert len(nodes) == len(set(nodes))
    assert all((line(s.centre, s.members) >= 0.97 - 1e-6).all() for s in stars)


def test_a_preferred_centre_keeps_only_those_that_are_like_it() -> None:
    line = Line([0.0, 0.09, -0.09])
    stars = star_groups(np.arange(3), line.pairs(0.9), 0.9, line, prefer=lambda nodes: 1)
    assert [(s.centre, s.members.tolist()) for s in stars] == [(1, [0])]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_without_pairs_there_is_no_group(n: int) -> None:
    assert star_groups(np.arange(n), pairs_of([]), 0.9, Line([0.0] * n)) == []


def test_it_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    line = Line([0.0, 0.0])
    with pytest.raises(Cancelled):
        star_groups(np.arange(2), line.pairs(0.9), 0.9, line, check=token.checkpoint)

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from dclust_gui.domain.assignment import best_pairs

PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 4)), st.integers(1, 9).map(float), max_size=14
)


def total(weights: dict[tuple[int, int], float], pairs: dict[int, int]) -> float:
    return sum(weights[pair] for pair in pairs.items())


@settings(deadline=None, max_examples=60)
@given(weights=PAIRS)
def test_no_other_pairing_weighs_more(weights: dict[tuple[int, int], float]) -> None:
    found = best_pairs(weights)
    assert len(set(found.values())) == len(found)
    best = max(
        sum(weights.get((a, b), 0.0) for a, b in enumerate(order))
        for order in permutations(range(5))
    )
    assert total(weights, found) == best


def test_the_greatest_pair_gives_way_to_two_others() -> None:
    assert best_pairs({(0, 5): 10.0, (0, 6): 9.0, (1, 5): 9.0}) == {0: 6, 1: 5}


def test_ties_go_to_the_lower_numbers_and_nothing_is_fine() -> None:
    assert best_pairs({(0, 5): 2.0, (1, 5): 2.0}) == {0: 5}
    assert best_pairs({(0, 5): 2.0, (0, 6): 2.0}) == {0: 5}
    assert best_pairs({}) == {}

"""Bursts and brackets: what follows in time and looks alike."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dclust_gui.domain.bursts import Shot, StackKind, find_stacks, in_sequence

Ids = NDArray[np.int32]


def alike(first: Ids, second: Ids) -> NDArray[np.float32]:
    return np.ones(len(first), np.float32)


def shots(*seconds: float, camera: str = "A") -> list[Shot]:
    return [Shot(i, s, camera, f"{i:03}".encode()) for i, s in enumerate(seconds)]


def exposed(*values: float, bias: bool = False) -> list[Shot]:
    return [
        Shot(i, 0.5 * i, "A", b"", math.nan if bias else v, v if bias else 0.0)
        for i, v in enumerate(values)
    ]


def kinds(found: list[Shot]) -> list[tuple[tuple[int, ...], StackKind]]:
    return [(stack.images, stack.kind) for stack in find_stacks(found, alike)]


def test_images_within_the_gap_are_one_burst() -> None:
    found = find_stacks(shots(0, 1, 3, 60, 100, 101), alike, 3)
    assert [(s.images, s.seconds) for s in found] == [((0, 1, 2), 3.0), ((4, 5), 1.0)]
    assert {s.kind for s in found} == {StackKind.BURST}


def test_two_cameras_of_the_same_second_do_not_mix() -> None:
    a, b = Shot(0, 5, "A"), Shot(1, 5, "B")
    assert find_stacks([a, b], alike) == ()
    more = [a, b, Shot(2, 6, "A"), Shot(3, 6, "B")]
    assert [s.images for s in find_stacks(more, alike)] == [(0, 2), (1, 3)]


def test_unlike_or_unknown_neighbours_end_a_burst() -> None:
    known = {(0, 1): 0.9, (2, 3): 0.8}

    def likeness(first: Ids, second: Ids) -> NDArray[np.float32]:
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        return np.array([known.get(pair, np.nan) for pair in pairs], np.float32)

    found = find_stacks(shots(0, 1, 2, 3, 4), likeness, 3, 0.7)
    assert [s.images for s in found] == [(0, 1), (2, 3)]
    assert [round(s.similarity, 2) for s in found] == [0.9, 0.8]


def test_an_image_may_be_like_the_last_but_one() -> None:
    """Middle, darkest, brightest: the last two are least alike."""
    known = {(0, 1): 0.8, (0, 2): 0.75, (1, 2): 0.4}

    def likeness(first: Ids, second: Ids) -> NDArray[np.float32]:
        pairs = zip(first.tolist(), second.tolist(), strict=True)
        return np.array([known[pair] for pair in pairs], np.float32)

    found = find_stacks(exposed(0, -2, 2, bias=True), likeness)
    assert [(s.images, s.kind) for s in found] == [((0, 1, 2), StackKind.BRACKET)]
    assert round(found[0].similarity, 2) == 0.75


def test_images_of_one_second_are_in_the_order_of_their_names() -> None:
    same = [Shot(0, 7, "A", b"c"), Shot(1, 7, "A", b"a"), Shot(2, 7, "A", b"b")]
    assert find_stacks(same, alike)[0].images == (1, 2, 0)


def test_different_compensations_are_a_bracket() -> None:
    assert kinds(exposed(0, -2, 2, bias=True)) == [((0, 1, 2), StackKind.BRACKET)]
    assert kinds(exposed(-1, 1, bias=True)) == [((0, 1), StackKind.BRACKET)]


def test_a_series_taken_again_is_a_bracket_each_time() -> None:
    found = kinds(exposed(0, -2, 2, 0, -2, 2, bias=True))
    assert found == [((0, 1, 2), StackKind.BRACKET), ((3, 4, 5), StackKind.BRACKET)]


def test_a_camera_that_does_not_tell_compensation_brackets_by_its_exposures() -> None:
    assert kinds(exposed(4, 2, 6)) == [((0, 1, 2), StackKind.BRACKET)]


def test_changing_light_is_no_bracket() -> None:
    assert kinds(exposed(4, 5.2))[0][1] is StackKind.BURST
    assert kinds(exposed(4, 4.3, 4, 4.3))[0][1] is StackKind.BURST
    assert kinds(exposed(4, 6, 4, 4, 6))[0][1] is StackKind.BURST
    assert kinds(exposed(0, 0.3, bias=True))[0][1] is StackKind.BURST


def test_an_unknown_exposure_is_no_bracket() -> None:
    assert kinds(exposed(4, math.nan, 8))[0][1] is StackKind.BURST


def test_nothing_comes_of_nothing() -> None:
    assert find_stacks([], alike) == ()
    assert find_stacks(shots(1), alike) == ()
    assert find_stacks(shots(0, 100), alike) == ()


rows = st.lists(
    st.tuples(st.floats(0, 50), st.sampled_from("AB"), st.sampled_from([0.0, -2.0, 2.0])),
    max_size=25,
)


@given(rows, st.floats(0.1, 10), st.floats(-1, 1))
def test_stacks_are_disjoint_in_time_of_one_camera_and_alike(
    told: list[tuple[float, str, float]], gap: float, least: float
) -> None:
    made = [Shot(i, s, camera, bias=bias) for i, (s, camera, bias) in enumerate(told)]
    angle = {i: np.float32(math.cos(i * i)) for i in range(len(made))}

    def likeness(first: Ids, second: Ids) -> NDArray[np.float32]:
        return np.array(
            [angle[a] * angle[b] for a, b in zip(first.tolist(), second.tolist(), strict=True)],
            np.float32,
        )

    found = find_stacks(made, likeness, gap, least)
    used = [i for stack in found for i in stack.images]
    assert len(used) == len(set(used))
    for stack in found:
        own = [made[i] for i in stack.images]
        assert len(own) > 1
        assert len({shot.camera for shot in own}) == 1
        for place, (a, b) in enumerate(pairwise(own)):
            assert 0 <= b.seconds - a.seconds <= gap
            before = (a, own[place - 1]) if place and stack.kind is StackKind.BURST else (a,)
            values = [angle[other.image] * angle[b.image] for other in before]
            assert stack.kind is StackKind.BRACKET or max(values) >= least - 1e-6
    shuffled = find_stacks(made[::-1], likeness, gap, least)
    assert shuffled == found
    assert all(len(series) > 1 for series in in_sequence(made, gap))

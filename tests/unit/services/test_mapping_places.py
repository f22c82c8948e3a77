"""Places of a map as numbers: turned, framed, set apart, and with room for pictures."""

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.services.mapping_places import (
    N_LEVELS,
    NEVER,
    exemplars_first,
    framed,
    room_levels,
    set_apart,
    spacing_of,
    turned_like,
)

RANDOM = np.random.default_rng(0)


def gap(places: np.ndarray) -> float:
    """The least greatest-difference of x or y between two places."""
    far = np.abs(places[:, None] - places[None]).max(2) + np.eye(len(places)) * 99
    return float(far.min())


def test_turned_like_finds_a_rotation_and_a_mirror_again() -> None:
    model = RANDOM.normal(size=(50, 2)).astype(np.float32)
    turn = np.array([[0.6, 0.8], [0.8, -0.6]], np.float32)
    moved = model @ turn + 7
    found = turned_like(moved, model)
    np.testing.assert_allclose(found, model - model.mean(0), atol=1e-4)


def test_turned_like_keeps_all_distances() -> None:
    places = RANDOM.normal(size=(20, 2)).astype(np.float32)
    found = turned_like(places, RANDOM.normal(size=(20, 2)).astype(np.float32))
    before = np.linalg.norm(places[:, None] - places[None], axis=2)
    after = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.testing.assert_allclose(before, after, atol=1e-4)


@pytest.mark.parametrize("n", [0, 1])
def test_turning_and_setting_apart_take_no_places_and_one(n: int) -> None:
    places = np.zeros((n, 2), np.float32)
    assert turned_like(places, places).shape == (n, 2)
    assert set_apart(places).shape == (n, 2)
    assert framed(places, n).shape == (n, 2)


def test_framed_fills_the_square_and_keeps_the_shape() -> None:
    raw = np.array([[0, 0], [10, 0], [10, 4]], np.float32)
    np.testing.assert_allclose(framed(raw, 3), [[-1, -0.4], [1, -0.4], [1, 0.4]], atol=1e-6)


def test_framed_leaves_those_laid_out_where_they_are_when_others_come() -> None:
    raw = RANDOM.normal(size=(30, 2)).astype(np.float32)
    more = np.concatenate([raw, [[100, 100]]]).astype(np.float32)
    np.testing.assert_array_equal(framed(raw, 30), framed(more, 30)[:30])


def test_set_apart_moves_only_images_at_the_same_place() -> None:
    places = np.array([[0, 0], [5, 5], [0, 0], [9, 1], [0, 0]], np.float32)
    found = set_apart(places)
    np.testing.assert_array_equal(found[[0, 1, 3]], places[[0, 1, 3]])
    assert len(np.unique(found, axis=0)) == 5
    assert np.abs(found - places).max() < 0.01


def test_set_apart_makes_room_where_all_images_are_the_same() -> None:
    found = set_apart(np.ones((200, 2), np.float32))
    assert len(np.unique(found, axis=0)) == 200
    assert np.isfinite(found).all()


def test_exemplars_first_takes_the_best_of_each_cluster_in_turn() -> None:
    labels = np.array([1, 1, 2, 2, 2], np.int32)
    typical = np.array([0.2, 0.9, 0.5, np.nan, 0.7], np.float32)
    assert exemplars_first(labels, typical).tolist() == [1, 4, 2, 0, 3]


@pytest.mark.parametrize("n", [0, 1, 2, 15, 3000])
def test_pictures_of_a_level_do_not_overlap(n: int) -> None:
    places = framed(RANDOM.normal(size=(n, 2)).astype(np.float32), n)
    levels = room_levels(places, RANDOM.permutation(n))
    assert levels.shape == (n,)
    for level in (0, 6, 12):
        shown = places[levels <= level]
        if len(shown) > 1:
            assert gap(shown.astype(np.float64)) >= spacing_of(level) * 0.999


def test_no_image_is_left_out_that_has_room() -> None:
    places = framed(RANDOM.normal(size=(2000, 2)).astype(np.float32), 2000)
    levels = room_levels(places, np.arange(2000))
    level = 9
    shown, hidden = places[levels <= level], places[levels > level]
    nearest = np.abs(hidden[:, None] - shown[None]).max(2).min(1)
    assert (nearest < spacing_of(level)).mean() > 0.98


def test_the_most_important_image_appears_first() -> None:
    places = framed(RANDOM.normal(size=(500, 2)).astype(np.float32), 500)
    order = RANDOM.permutation(500)
    assert room_levels(places, order)[order[0]] == 0


def test_images_at_one_place_never_have_room_beside_each_other() -> None:
    levels = room_levels(np.zeros((5, 2), np.float32), np.arange(5))
    assert levels.tolist() == [0, NEVER, NEVER, NEVER, NEVER]
    assert NEVER > N_LEVELS

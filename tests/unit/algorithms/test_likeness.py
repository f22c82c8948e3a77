"""Whether two pictures are copies: crops, brightness, turns, colours, plain pictures."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dclust_gui.algorithms.likeness import N_TURNS, likeness, turned_likeness, turned_sketches
from dclust_gui.domain.control import Cancelled
from dclust_gui.imaging.sketches import SKETCH_SHAPE, sketch_of_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

Turn = Image.Transpose


def photo(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Soft blobs of colour with some sharp shapes, different for each seed."""
    random = np.random.default_rng(seed)
    soft = Image.fromarray(random.integers(0, 255, (6, 8, 3)).astype(np.uint8))
    picture = soft.resize(size, Image.Resampling.BICUBIC)
    for _ in range(9):
        x, y, w, h = (random.random(4) * (*size, size[0] / 4, size[1] / 4)).astype(int).tolist()
        picture.paste(tuple(random.integers(0, 255, 3).tolist()), (x, y, x + w + 8, y + h + 8))
    return picture


def encoded(picture: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def sketch(picture: Image.Image) -> NDArray[np.uint8]:
    return sketch_of_pixels(np.asarray(picture.convert("RGB")))


def alike(left: Image.Image, right: Image.Image) -> float:
    return float(likeness(sketch(left)[None], sketch(right)[None])[0])


@pytest.mark.parametrize("seed", range(4))
def test_copies_are_alike_and_other_pictures_are_not(seed: int) -> None:
    one = photo(seed)
    assert alike(one, one) == pytest.approx(1, abs=1e-4)
    assert alike(one, encoded(one, 50)) > 0.97
    assert alike(one, one.resize((160, 120))) > 0.97
    assert alike(one, ImageEnhance.Brightness(one).enhance(0.8)) > 0.97
    assert alike(one, one.crop((12, 8, 310, 228))) > 0.9
    assert alike(one, one.crop((16, 0, 320, 230)).resize((150, 110))) > 0.9
    assert alike(one, photo(seed + 100)) < 0.5


def test_order_does_not_matter_much_and_several_are_compared_at_once() -> None:
    left = np.stack([sketch(photo(i)) for i in range(5)])
    right = np.stack([sketch(photo(i).crop((10, 5, 320, 240))) for i in (0, 1, 9, 3, 4)])
    there, back = likeness(left, right), likeness(right, left)
    assert (there > 0.9).tolist() == [True, True, False, True, True]
    assert np.abs(there - back)[there > 0.9].max() < 0.05


def test_the_same_shapes_in_other_colours_are_another_picture() -> None:
    one = Image.new("RGB", (200, 200), (120, 120, 120))
    other = one.copy()
    for place, colour, instead in (
        ((20, 20, 90, 90), (220, 60, 60), (50, 50, 250)),
        ((110, 30, 180, 170), (60, 160, 60), (190, 70, 200)),
    ):
        one.paste(colour, place)
        other.paste(instead, place)
    assert alike(one, other) < 0.9


@pytest.mark.parametrize("turn", range(1, N_TURNS))
def test_a_turned_copy_is_found_with_its_turn(turn: int) -> None:
    one = photo(3, (256, 256))
    left = sketch(one)[None]
    # turning back by the turn that is told gives the first picture again
    right = np.stack([turned_sketches(left, t)[0] for t in range(N_TURNS)])
    inverse = next(
        t for t in range(N_TURNS) if np.array_equal(turned_sketches(right[t : t + 1], turn), left)
    )
    found, turns = turned_likeness(left, right[inverse : inverse + 1])
    assert found[0] > 0.99
    assert turns[0] == turn
    assert likeness(left, right[inverse : inverse + 1])[0] < 0.9


def test_a_turned_photo_is_told_in_the_right_direction() -> None:
    one = photo(5, (300, 200))
    left = sketch(one)[None]
    for transposed, turn in ((Turn.ROTATE_270, 1), (Turn.ROTATE_90, 3), (Turn.FLIP_LEFT_RIGHT, 4)):
        found, turns = turned_likeness(left, sketch(one.transpose(transposed))[None])
        assert (round(float(found[0]), 1), int(turns[0])) == (1.0, turn)


def test_plain_pictures_are_alike_by_their_colour_only() -> None:
    black, white = Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64), (250, 250, 250))
    red = Image.new("RGB", (64, 64), (200, 0, 0))
    assert alike(black, black) == 1
    assert alike(black, white) == 0
    assert alike(red, Image.new("RGB", (64, 64), (0, 102, 0))) == 0
    assert abs(alike(black, photo(1))) < 0.2


def test_a_high_wish_never_changes_what_reaches_it() -> None:
    left = np.stack([sketch(photo(i)) for i in range(8)])
    right = np.stack([sketch(photo(i // 2 * 2).crop((6, 6, 320, 240))) for i in range(8)])
    whole, quick = likeness(left, right), likeness(left, right, 0.8)
    assert np.allclose(whole[whole >= 0.8], quick[whole >= 0.8])
    assert (quick[whole < 0.8] < 0.8).all()


def test_nothing_to_compare_and_being_stopped() -> None:
    none = np.empty((0, *SKETCH_SHAPE), np.uint8)
    assert len(likeness(none, none)) == 0
    assert len(turned_likeness(none, none)[0]) == 0

    def stop(_done: int, _total: int) -> None:
        raise Cancelled

    one = sketch(photo(0))[None]
    with pytest.raises(Cancelled):
        likeness(one, one, 0.5, stop)

"""Pixels of the map: density, dots, and what they look like."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor

from dclust_gui.ui.models.map_shading import Canvas, Stamps, density_image, packed, set_down
from dclust_gui.ui.models.map_stamps import (
    LEAST_MARK_PX,
    N_TONES,
    UNASSIGNED_TONE,
    DotState,
    dot_stamps,
    kinds_of,
    tone_table,
)

BASE = np.array([250, 250, 250], np.float32)
TABLE = np.array([[255, 0, 0], [0, 0, 255]], np.float32)


def channels(pixels: np.ndarray) -> np.ndarray:
    """int (h, w, 3) of packed pixels."""
    return np.stack([(pixels >> shift) & 0xFF for shift in (16, 8, 0)], axis=-1).astype(int)


def shade(points: list[tuple[float, float]], tones: list[int], n_each: int = 1) -> np.ndarray:
    many = np.repeat(np.array(points, np.float32).reshape(-1, 2), n_each, axis=0)
    kinds = np.repeat(np.array(tones, np.uint8), n_each)
    return channels(density_image(many, kinds, np.ones(len(many)), TABLE, BASE, (60, 40), 4))


def test_density_of_nothing_is_the_background() -> None:
    found = shade([], [])
    assert found.shape == (10, 15, 3)
    assert (found == 250).all()


def test_a_single_point_can_be_seen_where_it_is() -> None:
    found = shade([(30, 22)], [0])
    row, column = np.unravel_index(found[:, :, 1].argmin(), found.shape[:2])
    assert (int(column), int(row)) == (7, 5)
    assert found[5, 7, 0] > 200
    assert found[5, 7, 1] < 190


def test_more_points_are_shaded_stronger_and_colours_mix() -> None:
    found = shade([(10, 10), (50, 30)], [0, 1], n_each=50)
    one = shade([(10, 10)], [0])
    assert found[2, 2, 1] < one[2, 2, 1]
    both = shade([(10, 10), (10, 10)], [0, 1], n_each=50)[2, 2]
    assert abs(both[0] - both[2]) < 10


def test_points_beyond_the_edge_are_not_counted() -> None:
    assert (shade([(-9, 10), (10, -9), (300, 10), (10, 300)], [0] * 4) == 250).all()


def square(colour: int) -> Stamps:
    rows, columns = np.mgrid[-1:2, -1:2]
    return Stamps(
        columns.ravel().astype(np.int32),
        rows.ravel().astype(np.int32),
        np.full((1, 9), colour, np.uint32),
        2,
    )


def test_stamps_are_set_down_and_cut_off_at_the_edges() -> None:
    pixels = np.zeros((10, 12), np.uint32)
    places = np.array([[5, 5], [0, 0], [11, 9], [-5, 3], [40, 40]], np.float32)
    set_down(pixels, places, np.zeros(5, np.int64), square(7))
    assert (pixels[4:7, 4:7] == 7).all()
    assert pixels[:2, :2].tolist() == [[7, 7], [7, 7]]
    assert (pixels == 7).sum() == 9 + 4 + 4


def test_the_last_stamp_lies_above() -> None:
    pixels = np.zeros((9, 9), np.uint32)
    both = square(1)
    stamps = Stamps(both.dx, both.dy, np.array([[1] * 9, [2] * 9], np.uint32), 2)
    set_down(pixels, np.array([[4, 4], [4, 4]], np.float32), np.array([1, 0]), stamps)
    assert pixels[4, 4] == 1


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("side", [4, 12])
def test_dots_show_colour_state_and_mark(qapp: object, side: int, dark: bool) -> None:
    base = QColor("#232323" if dark else "#fafafa")
    stamps = dot_stamps(side, base, QColor("#2d66c3"), dark=dark)
    assert len(stamps.pixels) == N_TONES * len(DotState)
    middle = int(np.flatnonzero((stamps.dx == 0) & (stamps.dy == 0))[0])
    table = tone_table(dark=dark)
    shown = channels(stamps.pixels[:N_TONES, middle][None])[0]
    for tone in (0, 1, 3, 7):
        assert np.abs(shown[tone] - table[tone]).max() < 60
    dim = channels(stamps.pixels[N_TONES : 2 * N_TONES, middle][None])[0]
    ground = np.array([base.red(), base.green(), base.blue()])
    assert (np.abs(dim - ground).sum(1) < np.abs(shown - ground).sum(1) + 1).all()
    pictures = {tuple(row.tolist()) for row in stamps.pixels}
    assert len(pictures) == len(stamps.pixels)
    if side >= LEAST_MARK_PX:  # shapes differ, not only colours
        shapes = {tuple((row != packed(base)).tolist()) for row in stamps.pixels[:UNASSIGNED_TONE]}
        assert len(shapes) > 8


def test_kinds_say_state_and_tone() -> None:
    kinds = kinds_of(
        np.array([2, 2, 2], np.uint8), np.array([False, True, True]), np.array([False, False, True])
    )
    assert kinds.tolist() == [2, 2 + N_TONES, 2 + 2 * N_TONES]


def test_a_canvas_shares_its_memory_with_qt(qapp: object) -> None:
    canvas = Canvas(5, 3)
    canvas.pixels[1, 2] = 0xFF00FF00
    assert canvas.image.pixelColor(2, 1) == QColor(0, 255, 0)
    assert canvas.has_size(5, 3)
    assert not canvas.has_size(3, 5)

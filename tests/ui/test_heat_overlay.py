"""The overlay of a heat map: smooth, orange for, blue against, dark for neither."""

from __future__ import annotations

import numpy as np

from dclust_gui.ui.models.heat_model import overlay_of, smooth


def test_the_strongest_cell_stays_the_strongest_and_keeps_its_size() -> None:
    values = np.zeros((7, 7), np.float32)
    values[1, 5] = 1.0
    fine = smooth(values, 70)
    row, column = divmod(int(fine.argmax()), 70)
    assert (row // 10, column // 10) == (1, 5)
    assert np.isclose(fine.max(), 1.0)
    assert np.abs(np.diff(fine, axis=0)).max() < 0.2


def test_orange_speaks_for_blue_against_and_the_rest_is_darkened() -> None:
    values = np.zeros((4, 12), np.float32)
    values[:, :3], values[:, -3:] = 1.0, -1.0
    picture = overlay_of(values)
    middle = picture.height() // 2
    warm, none, cold = (
        picture.pixelColor(x, middle) for x in (6, picture.width() // 2, picture.width() - 6)
    )
    assert warm.red() > 2 * warm.blue()
    assert cold.blue() > 2 * cold.red()
    assert none.red() < 40
    assert 0 < none.alpha() < warm.alpha() < 255


def test_a_map_of_nothing_is_no_error() -> None:
    assert not smooth(np.zeros((3, 3), np.float32), 9).any()

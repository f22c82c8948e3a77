"""The map's geometry as numbers: camera, rectangle, lasso, nearest, next."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from dclust_gui.ui.models.map_camera import MapCamera, extent_of
from dclust_gui.ui.models.map_geometry import (
    nearest_point,
    next_point,
    points_in_box,
    points_in_polygon,
)
from dclust_gui.ui.models.map_names import free_places, middles_of

RANDOM = np.random.default_rng(0)
CAMERA = MapCamera(width=800, height=600).fitted()


def test_the_whole_map_fits_with_room_around_it() -> None:
    assert CAMERA.is_fit
    assert CAMERA.point_of(0, 0) == (400, 300)
    left, top = CAMERA.point_of(-1, -1)
    assert left == pytest.approx(140)
    assert top == pytest.approx(40)


def test_zooming_keeps_the_place_under_the_pointer() -> None:
    place = CAMERA.place_at(500, 200)
    near = CAMERA.zoomed(4, 500, 200)
    assert near.zoom == pytest.approx(4)
    assert near.point_of(*place) == pytest.approx((500, 200))


def test_one_cannot_zoom_or_pan_out_of_the_map() -> None:
    far = CAMERA.zoomed(1e-9, 0, 0)
    assert far.zoom == pytest.approx(0.5)
    near = CAMERA.zoomed(1e12, 400, 300)
    assert near.scale == pytest.approx(near.largest_scale)
    away = CAMERA.panned(-1e6, 1e6)
    assert (away.x, away.y) == (1, -1)


def test_panning_moves_places_by_pixels() -> None:
    before, after = CAMERA.point_of(0.2, 0.1), CAMERA.panned(30, -10).point_of(0.2, 0.1)
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((30, -10))


def test_points_of_agrees_with_point_of_near_and_far() -> None:
    places = RANDOM.uniform(-1, 1, (20, 2)).astype(np.float32)
    for camera in (CAMERA, CAMERA.zoomed(500, 420, 310)):
        points = camera.points_of(places)
        for place, point in zip(places.tolist(), points.tolist(), strict=True):
            assert camera.point_of(*place) == pytest.approx(point, rel=1e-4, abs=0.1)


def test_resizing_keeps_the_middle_and_a_whole_map_whole() -> None:
    assert CAMERA.resized(300, 300).is_fit
    near = CAMERA.zoomed(5, 400, 300)
    sized = near.resized(1000, 900)
    assert sized.zoom == pytest.approx(5)
    assert sized.place_at(500, 450) == pytest.approx(near.place_at(400, 300))


def test_showing_a_part_fits_it_but_not_too_near() -> None:
    part = CAMERA.showing((0.2, 0.2, 0.4, 0.3))
    assert part.place_at(400, 300) == pytest.approx((0.3, 0.25))
    assert CAMERA.showing((0.5, 0.5, 0.5, 0.5)).zoom == pytest.approx(40)


@pytest.mark.parametrize("n", [0, 1])
def test_the_extent_of_no_place_and_one_is_a_square(n: int) -> None:
    left, top, right, bottom = extent_of(np.full((n, 2), 3, np.float32))
    assert (right - left, bottom - top) == (2, 2)


def test_a_box_takes_its_edges() -> None:
    points = np.array([[0, 0], [1, 1], [2, 2], [3, 3]], np.float32)
    assert points_in_box(points, (1, 1, 2, 2)).tolist() == [1, 2]


def in_polygon(x: float, y: float, corners: np.ndarray) -> bool:
    """Winding number, one point at a time."""
    winding = 0
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        if y0 <= y < y1 and side > 0:
            winding += 1
        elif y1 <= y < y0 and side < 0:
            winding -= 1
    return winding != 0


@pytest.mark.parametrize("n_corners", [3, 4, 17, 200])
def test_a_lasso_finds_what_a_test_of_each_point_finds(n_corners: int) -> None:
    points = RANDOM.uniform(0, 100, (400, 2)).astype(np.float32)
    corners = RANDOM.uniform(0, 100, (n_corners, 2))
    found = points_in_polygon(points, corners)
    wanted = [i for i, (x, y) in enumerate(points.tolist()) if in_polygon(x, y, corners)]
    assert len(set(found.tolist()) ^ set(wanted)) <= 1  # one may lie on an edge in float32
    assert (np.diff(found) > 0).all()


def test_a_lasso_that_crosses_itself_has_no_hole() -> None:
    turns = np.linspace(0, 4 * np.pi, 80)  # twice around
    corners = np.stack([50 + 30 * np.cos(turns), 50 + 30 * np.sin(turns)], axis=1)
    assert points_in_polygon(np.array([[50, 50]], np.float32), corners).tolist() == [0]


def test_a_line_or_nothing_encloses_nothing() -> None:
    points = np.zeros((3, 2), np.float32)
    assert not len(points_in_polygon(points, np.zeros((2, 2))))
    assert not len(points_in_polygon(points, np.zeros((0, 2))))
    assert not len(points_in_polygon(points[:0], np.eye(3)[:, :2]))
    level = np.array([[0, 5], [10, 5], [20, 5]])
    assert not len(points_in_polygon(np.array([[5, 5]], np.float32), level))


def test_the_nearest_point_is_found_within_reach_only() -> None:
    points = np.array([[0, 0], [10, 0], [10, 0]], np.float32)
    assert nearest_point(points, 8, 1, 5) == 2  # the last one, painted above
    assert nearest_point(points, 5, 5, 5) == -1
    assert nearest_point(points[:0], 0, 0, 5) == -1


def test_the_next_point_lies_in_the_direction() -> None:
    points = np.array([[0, 0], [10, 1], [4, 3], [-5, 0], [0, 7], [1, 30]], np.float32)
    assert next_point(points, 0, 1, 0) == 2
    assert next_point(points, 0, -1, 0) == 3
    assert next_point(points, 0, 0, 1) == 4
    assert next_point(points, 0, 0, -1) == -1


def test_a_middle_lies_in_the_densest_part_and_not_between_two_parts() -> None:
    random = np.random.default_rng(0)
    many = random.normal((0, 0), 0.1, (300, 2))
    few = random.normal((10, 0), 0.1, (60, 2))
    other = random.normal((5, 5), 0.1, (20, 2))
    points = np.concatenate([many, few, other, [[3.0, 3.0]]]).astype(np.float32)
    labels = np.r_[np.zeros(360, np.int32), np.full(20, 7, np.int32), -1]
    found = middles_of(points, labels)
    assert found.clusters.tolist() == [0, 7]
    assert found.counts.tolist() == [360, 20]
    assert np.abs(points[found.rows] - [[0, 0], [5, 5]]).max() < 0.4


@pytest.mark.parametrize("labels", [[], [-1, -1], [3], [2, 2]])
def test_middles_of_few_or_equal_points(labels: list[int]) -> None:
    found = middles_of(np.ones((len(labels), 2), np.float32), np.array(labels, np.int32))
    assert found.clusters.tolist() == sorted({c for c in labels if c >= 0})
    assert (found.rows >= 0).all()


def test_names_cover_neither_each_other_nor_what_is_taken() -> None:
    random = np.random.default_rng(1)
    middles = [(x, y) for x, y in random.uniform(0, 400, (60, 2)).tolist()]
    sizes = [(80.0, 20.0)] * 60
    legend = (300.0, 300.0, 400.0, 400.0)
    found = free_places(middles, sizes, (400.0, 400.0), [legend], [], 24)
    assert 8 <= len(found) <= 24
    assert [number for number, _, _ in found] == sorted(number for number, _, _ in found)
    boxes = [QRectF(left, top, 80, 20) for _, left, top in found]
    assert not any(a.intersects(b) for a in boxes for b in boxes if a is not b)
    assert not any(box.intersects(QRectF(300, 300, 100, 100)) for box in boxes)
    assert all(QRectF(0, 0, 400, 400).contains(box) for box in boxes)


def test_a_name_gives_way_to_a_picture_where_there_is_room() -> None:
    picture = (80.0, 80.0, 120.0, 110.0)
    ((_, _, top),) = free_places([(100.0, 100.0)], [(60.0, 20.0)], (200.0, 200.0), [], [picture], 9)
    assert top >= 110 or top + 20 <= 80

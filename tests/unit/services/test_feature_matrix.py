"""Rows in memory: exact cosines in both widths, left-out images, sums by label, cancelling."""

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.services.feature_matrix import FeatureMatrix, unit_rows

WIDE, NARROW = 1 << 40, 0


def features(n: int = 300, d: int = 24, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.standard_normal((n, d)) + 3).astype(np.float16)


def cosines(stored: np.ndarray) -> np.ndarray:
    """Centred, normalised, in double precision."""
    rows = stored.astype(np.float64)
    rows -= rows.mean(0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def build(stored: np.ndarray, float32_bytes: int) -> FeatureMatrix:
    ids = np.arange(len(stored), dtype=np.int32) * 2  # odd images have no features
    return FeatureMatrix.build(stored.copy(), ids, 2 * len(stored), float32_bytes=float32_bytes)


@pytest.mark.parametrize(("limit", "error"), [(WIDE, 1e-6), (NARROW, 2e-3)])
def test_similarities_are_cosines_of_centred_rows(limit: int, error: float) -> None:
    stored = features()
    matrix = build(stored, limit)
    assert matrix.rows.dtype == (np.float32 if limit else np.float16)
    direction = matrix.direction_of(np.array([14]))
    assert direction is not None
    np.testing.assert_allclose(matrix.similarities(direction), cosines(stored)[7], atol=error)
    outside = matrix.direction(stored[7:8])
    np.testing.assert_allclose(matrix.similarities(outside), cosines(stored)[7], atol=error)


@pytest.mark.parametrize("limit", [WIDE, NARROW])
def test_nearest_are_in_order_and_leave_out_what_was_asked_for(limit: int) -> None:
    stored = features()
    matrix = build(stored, limit)
    direction = matrix.direction_of(np.array([14]))
    assert direction is not None
    found, similarity = matrix.nearest(direction, 10, np.array([14, 15]))
    expected = np.argsort(-cosines(stored)[7])[1:11] * 2
    assert found.tolist() == expected.tolist()
    assert (np.diff(similarity) <= 0).all()


def test_narrow_rows_are_read_as_numpy_reads_them() -> None:
    rows = np.array([[-1.0, 0.5, 6e-5, 0.0], [3e-6, -2e-7, 1.0, -0.03]], np.float16)
    ids = np.arange(2, dtype=np.int32)
    matrix = FeatureMatrix(ids, ids, np.zeros(4, np.float32), rows)
    for column in np.eye(4, dtype=np.float32):
        expected = rows.astype(np.float32) @ column
        np.testing.assert_allclose(matrix.similarities(column), expected, rtol=1e-6, atol=1e-9)


def test_ties_go_to_the_lower_id_and_more_than_there_are_gives_all() -> None:
    stored = np.array([[1, 0], [0, 1], [0, 1], [0, 1], [-5, 0]], np.float16)
    matrix = build(stored, WIDE)
    direction = matrix.direction_of(np.array([2]))
    assert direction is not None
    assert matrix.nearest(direction, 2)[0].tolist() == [2, 4]
    assert len(matrix.nearest(direction, 99)[0]) == 5
    assert len(matrix.nearest(direction, 0)[0]) == 0


def test_images_without_features_have_no_direction() -> None:
    assert build(features(), WIDE).direction_of(np.array([1, 3])) is None


def test_identical_images_have_no_length_and_no_nan() -> None:
    matrix = build(np.ones((4, 3), np.float16), WIDE)
    direction = matrix.direction_of(np.array([0]))
    assert direction is not None
    assert np.isfinite(matrix.similarities(direction)).all()


def test_sums_by_label() -> None:
    matrix = build(features(1500), NARROW)
    images = np.arange(3000)
    labels = (np.arange(3000) // 2 % 4 - 1).astype(np.int32)
    sums, counts = matrix.sums(labels, images, 5)
    assert counts.tolist() == [375, 375, 375, 0, 0]
    rows = matrix.rows.astype(np.float64)
    for label in range(3):
        np.testing.assert_allclose(sums[label], rows[label + 1 :: 4].sum(0), atol=1e-3)


def test_cancelled_search_stops() -> None:
    token = CancelToken()
    token.cancel()
    matrix = build(features(), NARROW)
    with pytest.raises(Cancelled):
        matrix.similarities(np.zeros(24, np.float32), token)
    with pytest.raises(Cancelled):
        FeatureMatrix.build(features(), np.arange(300, dtype=np.int32), 300, token)


def test_search_among_20000_half_precision_rows_finds_the_exact_nearest() -> None:
    rows = unit_rows(np.random.default_rng(0).standard_normal((20_000, 1280), np.float32))
    ids = np.arange(len(rows), dtype=np.int32)
    matrix = FeatureMatrix(ids, ids, np.zeros(1280, np.float32), rows.astype(np.float16))
    found, similarity = matrix.nearest(rows[5], 100)
    wanted = rows.astype(np.float16).astype(np.float32) @ rows[5]
    assert found.tolist() == np.argsort(-wanted, kind="stable")[:100].tolist()
    np.testing.assert_allclose(similarity, wanted[found], atol=1e-5)

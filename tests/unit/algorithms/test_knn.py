from __future__ import annotations

import numpy as np
import pytest
import torch

from dclust_gui.algorithms import knn
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.knn import nearest_among, nearest_neighbours
from dclust_gui.domain.control import Cancelled


def rows_of(count: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)


def reference(rows: np.ndarray, count: int) -> np.ndarray:
    exact = rows.astype(np.float64)
    squared = ((exact[:, None] - exact[None]) ** 2).sum(2)
    np.fill_diagonal(squared, np.inf)
    return np.argsort(squared, axis=1, kind="stable")[:, :count]


@pytest.mark.parametrize(("count", "width"), [(2, 3), (15, 4), (16, 4), (700, 20)])
def test_the_nearest_are_those_of_a_full_matrix(count: int, width: int) -> None:
    rows = rows_of(count, width)
    found = nearest_neighbours(rows, 12)
    assert found.indices.shape == (count, min(12, count - 1))
    assert (found.indices == reference(rows, 12)[:, : found.indices.shape[1]]).all()
    assert (np.diff(found.distances, axis=1) >= 0).all()


def test_tiles_and_blocks_of_any_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(900, 16)
    whole = nearest_neighbours(rows, 10)
    monkeypatch.setattr(knn, "QUERY_ROWS", 128)
    monkeypatch.setattr(knn, "TILE_COLUMNS", 320)
    parts = nearest_neighbours(rows, 10)
    assert (whole.indices == parts.indices).all()
    assert (whole.distances == parts.distances).all()


def test_coarse_products_are_proven_or_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(1500, 32)
    rows[100:400] = rows[100]  # copies: bounds cannot prove anything among them
    fine = nearest_neighbours(rows, 10)
    monkeypatch.setattr(knn, "LARGE", 0)
    monkeypatch.setattr(knn, "_has_fast_bfloat16", lambda device: True)
    coarse = nearest_neighbours(rows, 10)
    assert np.allclose(fine.distances, coarse.distances, atol=1e-6)
    distinct = np.r_[0:100, 400:1500]
    assert (fine.indices[distinct] == coarse.indices[distinct]).mean() > 0.99


def test_copies_have_distance_zero() -> None:
    found = nearest_neighbours(np.repeat(rows_of(3, 8), 20, axis=0), 5)
    assert (found.distances == 0).all()
    assert (found.indices // 20 == np.repeat(np.arange(3), 20)[:, None]).all()


def test_one_image_has_no_neighbours() -> None:
    assert nearest_neighbours(rows_of(1, 4), 5).indices.shape == (1, 0)


def test_new_images_find_their_neighbours() -> None:
    rows = rows_of(300, 8)
    found = nearest_among(rows[[7, 250]], rows, 3)
    assert found.indices[:, 0].tolist() == [7, 250]
    assert found.distances[:, 0].max() == 0


def test_read_only_rows_are_taken() -> None:
    rows = rows_of(50, 4)
    rows.setflags(write=False)
    assert nearest_neighbours(rows, 3).indices.shape == (50, 3)


def test_nothing_to_search_is_an_error() -> None:
    with pytest.raises(UnusableDataError):
        nearest_neighbours(np.empty((0, 4), np.float32), 3)
    with pytest.raises(UnusableDataError):
        nearest_neighbours(rows_of(5, 2), 0)


def test_a_callback_may_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "QUERY_ROWS", 64)

    def stop(done: int, total: int) -> None:
        if done >= 128:
            raise Cancelled

    threads = torch.get_num_threads()
    with pytest.raises(Cancelled):
        nearest_neighbours(rows_of(2000, 8), 5, callback=stop)
    assert torch.get_num_threads() == threads

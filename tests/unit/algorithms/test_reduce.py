from __future__ import annotations

import numpy as np
import pytest
from sklearn import decomposition
from sklearn.exceptions import NotFittedError

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.reduce import PCA
from dclust_gui.algorithms.tsne import TSNE


def rows_of(count: int, width: int) -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(size=(count, width)) * np.linspace(5, 1, width) + 3).astype(np.float32)


@pytest.mark.parametrize("whiten", [False, True])
def test_components_are_those_of_a_full_decomposition(whiten: bool) -> None:
    rows = rows_of(300, 12)
    mine = PCA(4, whiten=whiten).fit(rows)
    peer = decomposition.PCA(4, whiten=whiten, svd_solver="full").fit(rows)
    assert np.allclose(mine.explained_variance_ratio_, peer.explained_variance_ratio_, atol=1e-5)
    assert np.allclose(np.abs(mine.transform(rows)), np.abs(peer.transform(rows)), atol=1e-3)


def test_there_are_no_more_components_than_images_or_features_allow() -> None:
    assert PCA(64).fit_transform(rows_of(10, 30)).shape == (10, 9)
    assert PCA(64).fit_transform(rows_of(100, 8)).shape == (100, 8)
    assert PCA(64).fit_transform(rows_of(1, 8)).shape == (1, 1)


def test_equal_images_stay_finite() -> None:
    assert not PCA(3, whiten=True).fit_transform(np.ones((9, 4), np.float32)).any()


def test_components_need_a_fit_and_the_right_width() -> None:
    with pytest.raises(NotFittedError):
        PCA(2).transform(rows_of(5, 3))
    with pytest.raises(UnusableDataError):
        PCA(2).fit(rows_of(9, 3)).transform(rows_of(5, 4))
    with pytest.raises(UnusableDataError):
        PCA(0).fit(rows_of(9, 3))


@pytest.mark.parametrize("count", [1, 2, 4, 15, 120])
def test_t_sne_takes_any_number_of_images(count: int) -> None:
    placed = TSNE(random_state=0).fit_transform(rows_of(count, 10))
    assert placed.shape == (count, 2)
    assert np.isfinite(placed).all()


def test_t_sne_separates_clusters_and_repeats_itself() -> None:
    rows = np.concatenate([rows_of(50, 6), rows_of(50, 6) + 60])
    placed = TSNE(random_state=1).fit_transform(rows)
    gap = np.linalg.norm(placed[:50].mean(0) - placed[50:].mean(0))
    assert gap > 1.5 * placed[:50].std(0).max()
    assert (placed == TSNE(random_state=1).fit_transform(rows)).all()


def test_t_sne_gives_at_most_three_coordinates() -> None:
    with pytest.raises(UnusableDataError, match="1 to 3"):
        TSNE(10).fit(rows_of(20, 12))


def test_a_grid_keeps_neighbours_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openTSNE", reason="the extra 'tsne' is not installed")
    from sklearn.datasets import load_digits
    from sklearn.manifold import trustworthiness

    monkeypatch.setattr("dclust_gui.algorithms.tsne.GRID_ITERATIONS", (75, 125))
    rows = load_digits().data[:250].astype(np.float32)
    told: list[tuple[int, int]] = []
    grid = TSNE(method="fft", random_state=0)
    placed = grid.fit_transform(rows, callback=lambda done, total: told.append((done, total)))
    exact = TSNE(method="barnes_hut", random_state=0).fit_transform(rows)
    assert trustworthiness(rows, placed) > trustworthiness(rows, exact) - 0.02
    assert (200, 200) in told
    assert (placed == TSNE(method="fft", random_state=0).fit_transform(rows)).all()


def test_a_grid_can_be_stopped() -> None:
    pytest.importorskip("openTSNE", reason="the extra 'tsne' is not installed")

    def stop(done: int, total: int) -> None:
        if total > 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        TSNE(method="fft", random_state=0).fit(rows_of(200, 8), callback=stop)


def test_unknown_and_missing_methods_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnusableDataError, match="Methods"):
        TSNE(method="magic").fit(rows_of(20, 4))
    monkeypatch.setattr("dclust_gui.algorithms.tsne.find_spec", lambda _: None)
    with pytest.raises(UnusableDataError, match="openTSNE"):
        TSNE(method="fft").fit(rows_of(20, 4))

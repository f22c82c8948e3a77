from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans as Reference
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.manifold import trustworthiness
from sklearn.metrics import normalized_mutual_info_score

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.fuzzy_graph import connected, fuzzy_graph, leading_vectors
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.umap import UMAP, graph_layout
from dclust_gui.algorithms.umap_layout import likeness_curve
from dclust_gui.domain.control import Cancelled

PEER_TRUST = 0.9872
"""umap-learn 0.5.12 on the first 1,000 digits, n_components=2, n_neighbors=15, min_dist=0.1,
random_state 0: trustworthiness with 15 neighbours."""


def blobs(sizes: tuple[int, ...], width: int = 16, gap: float = 6.0) -> np.ndarray:
    random = np.random.default_rng(0)
    parts = [random.normal(size=(n, width)) + gap * random.normal(size=width) for n in sizes]
    return np.concatenate(parts).astype(np.float32)


def test_maps_are_as_trustworthy_as_the_original() -> None:
    rows = load_digits().data[:1000].astype(np.float32)
    placed = UMAP(2, n_neighbors=15, min_dist=0.1, random_state=0).fit_transform(rows)
    assert trustworthiness(rows, placed, n_neighbors=15) >= PEER_TRUST - 0.01


def test_clusters_come_apart() -> None:
    rows = blobs((100, 60, 40), gap=1.2)
    truth = np.repeat([0, 1, 2], [100, 60, 40])
    placed = UMAP(random_state=0).fit_transform(rows)
    found = Reference(3, n_init=5, random_state=0).fit(placed).labels_
    assert normalized_mutual_info_score(truth, found) > 0.95


@pytest.mark.parametrize("count", [1, 2, 3, 15, 16])
@pytest.mark.parametrize("dims", [2, 10])
def test_few_points(count: int, dims: int) -> None:
    rows = blobs((count,))
    model = UMAP(dims, random_state=0).fit(rows)
    assert model.embedding_.shape == (count, dims)
    assert np.isfinite(model.embedding_).all()
    assert np.isfinite(model.transform(rows + 0.1)).all()


def test_all_equal_points() -> None:
    placed = UMAP(random_state=0).fit_transform(np.ones((40, 5), np.float32))
    assert np.isfinite(placed).all()


def test_points_with_many_copies_each() -> None:
    rows = np.repeat(blobs((6,)), 50, axis=0)  # each copy's neighbours are copies
    placed = UMAP(random_state=0).fit_transform(rows)
    assert np.isfinite(placed).all()
    groups = placed.reshape(6, 50, -1)
    centres = groups.mean(axis=1)
    spread = np.linalg.norm(groups - centres[:, None], axis=2).mean()
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)[np.triu_indices(6, 1)]
    assert spread < apart.min()


def test_a_graph_that_falls_apart_is_joined_for_the_start_only() -> None:
    rows = blobs((60, 60, 60), gap=50.0)
    graph = fuzzy_graph(nearest_neighbours(rows, 10))
    joined = connected(graph, rows)
    assert joined.nnz == graph.nnz + 4
    assert np.isfinite(leading_vectors(joined, 10)).all()
    assert np.isfinite(UMAP(random_state=0).fit_transform(rows)).all()


def test_eigenvectors_agree_with_a_full_decomposition() -> None:
    rows = blobs((300, 200, 200), gap=0.6)
    graph = connected(fuzzy_graph(nearest_neighbours(rows, 15)), rows)
    scale = 1.0 / np.sqrt(np.asarray(graph.sum(axis=1), dtype=float))
    full = graph.toarray() * scale[:, None] * scale[None]
    exact = np.linalg.eigh(full)[1][:, ::-1][:, 1:4]
    assert np.linalg.norm(exact.T @ leading_vectors(graph, 6)) ** 2 > 2.9


def test_weights_of_a_row_sum_to_the_logarithm() -> None:
    rows = blobs((200,))
    graph = fuzzy_graph(nearest_neighbours(rows, 16))
    assert (graph != graph.T).nnz == 0
    assert graph.data.max() <= 1.0 + 1e-6
    assert graph.sum(axis=1).min() >= 4.0 - 1e-3  # log2(16); the other direction only adds


def test_the_same_seed_gives_the_same_bits() -> None:
    rows = blobs((150, 90))
    first = UMAP(random_state=3).fit_transform(rows)
    assert (first == UMAP(random_state=3).fit_transform(rows)).all()
    assert (first != UMAP(random_state=4).fit_transform(rows)).any()


def test_two_layouts_follow_one_graph() -> None:
    rows = blobs((80, 80))
    model = UMAP(10, random_state=0, n_epochs=20).fit(rows)
    flat = graph_layout(model.graph_, rows, 2, min_dist=0.1, n_epochs=20)
    assert flat.shape == (160, 2)


def test_new_images_land_in_their_cluster() -> None:
    rows = blobs((120, 120), gap=1.5)
    model = UMAP(random_state=0).fit(rows[::2])
    placed = model.transform(rows[1::2])
    centres = model.embedding_[:60].mean(0), model.embedding_[60:].mean(0)
    near = [np.linalg.norm(placed - c, axis=1) for c in centres]
    assert ((near[0] > near[1]) == np.repeat([False, True], 60)).mean() > 0.98
    assert (model.transform(rows[::2]) == model.embedding_).all()


def test_curves_are_those_of_the_paper() -> None:
    fitted = likeness_curve(0.1)
    assert (fitted.a, fitted.b) == pytest.approx((1.577, 0.895), abs=2e-3)
    assert (likeness_curve(0.0).a, likeness_curve(0.0).b) == pytest.approx(
        (1.932, 0.7905), abs=1e-3
    )


def test_follows_scikit_learns_conventions() -> None:
    model = UMAP(3, n_neighbors=5, n_epochs=2, random_state=0)
    assert clone(model).get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        model.transform(blobs((5,)))
    model.fit(blobs((30,)))
    assert model.get_feature_names_out().tolist() == ["umap0", "umap1", "umap2"]
    with pytest.raises(UnusableDataError):
        model.transform(blobs((5,), width=4))


@pytest.mark.parametrize(
    "wrong", [{"n_components": 0}, {"n_neighbors": 1}, {"metric": "manhattan"}, {"min_dist": -1.0}]
)
def test_parameters_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(UnusableDataError):
        UMAP(**wrong).fit(blobs((20,)))  # type: ignore[arg-type]


def test_a_callback_may_cancel() -> None:
    def stop(done: int, total: int) -> None:
        if total == 150 and done > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        UMAP(random_state=0).fit(blobs((100,)), callback=stop)

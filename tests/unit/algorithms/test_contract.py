"""What holds for every method of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.agglomerative import cut_at_count
from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.composed import composed_tree
from dclust_gui.algorithms.registry import build, methods
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

NAMES = [m.name for m in methods()]
ORDER_FREE = [m.name for m in methods() if not m.seeded]


def every_metric() -> Iterator[tuple[str, str]]:
    for candidate in methods():
        for metric in candidate.metrics if len(candidate.metrics) > 1 else ():
            yield candidate.name, metric


@pytest.mark.parametrize("name", NAMES)
def test_separated_clouds_are_found(name: str, make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, truth = make_blobs(n=240, d=6, k=3, spread=0.3, seed=3)
    model = build(name, n_clusters=3, random_state=0).fit(rows)
    # DBSCAN's automatic radius leaves the rims of the clouds Unassigned
    assert adjusted_rand_score(truth, model.labels_) > (0.8 if name == "dbscan" else 0.95)
    assert model.labels_.dtype == np.int32
    assert model.confidence_.shape == (240,)
    assert model.confidence_.dtype == np.float32
    assert model.confidence_.min() >= 0
    assert model.confidence_.max() <= 1
    assert (model.confidence_[model.labels_ < 0] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_read_only_float32_features_are_taken_and_left_alone(
    name: str,
    make_blobs: Callable,  # type: ignore[type-arg]
) -> None:
    rows, _ = make_blobs(n=60)
    before = rows.copy()
    rows.setflags(write=False)
    build(name, n_clusters=3, random_state=0).fit(rows)
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_labels(name: str, make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs(n=150, spread=2.5)
    model = build(name, n_clusters=5, random_state=7)
    first = model.fit(rows)
    second = clone(model).fit(rows)
    np.testing.assert_array_equal(first.labels_, second.labels_)
    np.testing.assert_array_equal(first.confidence_, second.confidence_)


@pytest.mark.parametrize("name", [*ORDER_FREE, "meanshift"])
def test_the_order_of_images_does_not_matter(name: str, make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs(n=150, spread=1.5)
    order = np.random.default_rng(0).permutation(150)
    model = build(name, n_clusters=4, random_state=0)
    straight = model.fit(rows).labels_.copy()
    mixed = model.fit(rows[order]).labels_
    # DBSCAN gives an image at the rim of two clusters to the one it meets first
    assert adjusted_rand_score(straight[order], mixed) > (0.95 if name == "dbscan" else 0.999)


@pytest.mark.parametrize("name", NAMES)
def test_a_composed_tree_cut_at_the_clusters_gives_the_labels(
    name: str,
    make_blobs: Callable,  # type: ignore[type-arg]
) -> None:
    rows, _ = make_blobs(n=120, spread=2.0)
    labels = build(name, n_clusters=6, random_state=0).fit(rows).labels_
    tree = composed_tree(rows, labels)
    cut = cut_at_count(tree, len(np.unique(labels)))
    assert adjusted_rand_score(labels, cut) == 1.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 30])
def test_few_or_identical_images_do_not_break_it(name: str, n: int) -> None:
    labels = build(name, n_clusters=1, random_state=0).fit(np.full((n, 4), 3.0)).labels_
    assert len(set(labels.tolist())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_an_outlier_and_a_constant_feature_do_not_break_it(
    name: str,
    make_blobs: Callable,  # type: ignore[type-arg]
) -> None:
    rows, _ = make_blobs(n=60, k=2)
    rows[:, 0] = 5.0
    rows[7] = 1e6
    model = build(name, n_clusters=3, random_state=0).fit(rows)
    assert len(model.labels_) == 60
    assert np.isfinite(model.confidence_).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "rows", [np.full((5, 2), np.nan), np.empty((0, 3)), np.array([[np.inf, 1.0]])]
)
def test_unusable_features_are_a_clear_error(name: str, rows: NDArray[np.float64]) -> None:
    with pytest.raises(UnusableDataError):
        build(name, n_clusters=2, random_state=0).fit(rows)


@pytest.mark.parametrize("name", [m.name for m in methods() if m.needs_k])
@pytest.mark.parametrize("k", [0, 6])
def test_an_impossible_number_of_clusters_is_a_clear_error(name: str, k: int) -> None:
    with pytest.raises(UnusableDataError):
        build(name, n_clusters=k, random_state=0).fit(np.eye(5))


@pytest.mark.parametrize("name", NAMES)
def test_a_callback_can_cancel_at_once(name: str, make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs()

    def stop(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        build(name, n_clusters=3, random_state=0).fit(rows, callback=stop)


@pytest.mark.parametrize(("name", "metric"), list(every_metric()))
def test_every_listed_distance_works(name: str, metric: str, make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, truth = make_blobs(n=120, d=6, k=3, spread=0.2, seed=3)
    linkage = "average" if name == "agglomerative" else None
    model = build(name, n_clusters=3, random_state=0, metric=metric, linkage=linkage).fit(rows)
    assert adjusted_rand_score(truth, model.labels_) > (0.8 if name == "dbscan" else 0.95)

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.grouping import FEWEST_FOR_UMAP, group_rows, resolve
from dclust_gui.engine.reduction import LAYOUTS, ReductionCache, reduced
from dclust_gui.storage.array_cache import ArrayCache

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

AUTO = RunSettings(algorithm="auto", reduce="auto", k=3)


def features(count: int = 150) -> NDArray[np.float16]:
    random = np.random.default_rng(0)
    centres = random.normal(size=(3, 20)) * 3
    return (centres[np.arange(count) % 3] + random.normal(size=(count, 20))).astype(np.float16)


def test_the_default_is_k_means_on_a_layout() -> None:
    result = group_rows(features(), resolve(AUTO), ignore_events, CancelToken())
    assert result.space == "umap (10 of features (centre-l2))"
    assert result.tree.shape == (149, 4)
    truth = np.arange(150) % 3
    assert all(len(set(result.labels[truth == t].tolist())) == 1 for t in range(3))


def test_few_images_are_clustered_as_they_are() -> None:
    few = features(FEWEST_FOR_UMAP - 1)
    result = group_rows(few, resolve(AUTO), ignore_events, CancelToken())
    assert result.space == "features (centre-l2)"


def test_another_distance_means_the_features() -> None:
    assert resolve(replace(AUTO, algorithm="agglomerative", metric="cosine")).reduce == "none"
    assert resolve(AUTO).reduce == "umap"


@pytest.mark.parametrize(
    ("reduce", "width"), [("pca", 20), ("pca-whiten", 20), ("tsne", 2), ("umap", 10)]
)
def test_every_reduction_gives_its_width(reduce: str, width: int) -> None:
    settings = resolve(replace(AUTO, reduce=reduce))
    rows = features().astype(np.float32)
    found = reduced(lambda: rows, settings, None, ignore_events, lambda done, total: None)
    assert found.shape == (150, width)


def test_the_second_run_comes_from_the_cache_and_is_the_same(tmp_path: Path) -> None:
    cache = ReductionCache.of(ArrayCache(tmp_path), "model", [bytes([i]) for i in range(150)])
    settings = resolve(AUTO)
    rows = features().astype(np.float32)

    def never() -> NDArray[np.float32]:
        raise AssertionError

    first = reduced(lambda: rows, settings, cache, ignore_events, lambda done, total: None)
    again = reduced(never, settings, cache, ignore_events, lambda done, total: None)
    assert (first == again).all()
    other = replace(settings, seed=1)
    with pytest.raises(AssertionError):
        reduced(never, other, cache, ignore_events, lambda done, total: None)


def test_other_images_have_other_keys(tmp_path: Path) -> None:
    arrays = ArrayCache(tmp_path)
    one = ReductionCache.of(arrays, "model", [b"a", b"b"])
    assert one.source == ReductionCache.of(arrays, "model", [b"a", b"b"]).source
    assert one.source != ReductionCache.of(arrays, "model", [b"b", b"a"]).source
    assert one.source != ReductionCache.of(arrays, "other", [b"a", b"b"]).source


@pytest.mark.parametrize(("reduce", "dims"), [("tsne", 10), ("umap", -1), ("pca", 5000)])
def test_impossible_widths_are_refused_before_any_work(reduce: str, dims: int) -> None:
    with pytest.raises(InputError, match="--dims"):
        resolve(replace(AUTO, reduce=reduce, dims=dims))


def test_better_lays_several_layouts_side_by_side_and_keeps_each(tmp_path: Path) -> None:
    cache = ReductionCache.of(ArrayCache(tmp_path), "model", [bytes([i]) for i in range(150)])
    rows = features().astype(np.float32)
    told: list[tuple[int, int]] = []
    fast, better, best = (
        resolve(replace(AUTO, quality=quality)) for quality in ("fast", "better", "best")
    )

    def run(settings: RunSettings) -> NDArray[np.float32]:
        told.clear()
        return reduced(lambda: rows, settings, cache, ignore_events, lambda *at: told.append(at))

    single = run(fast)
    several = run(better)
    assert several.shape == (150, 10 * LAYOUTS)
    assert np.array_equal(several[:, :10], single)
    assert not np.array_equal(several[:, 10:20], single)
    layouts = [at for at in told if at[1] == told[-1][1]]
    assert layouts == sorted(layouts)
    assert layouts[-1][0] == layouts[-1][1]
    assert np.array_equal(run(best), several)
    assert told == []
    assert np.array_equal(run(fast), single)


def test_seeds_of_further_layouts_stay_seeds() -> None:
    last = resolve(replace(AUTO, quality="better", seed=2**32 - 1))
    result = group_rows(features(), last, ignore_events, CancelToken())
    assert result.space == f"umap ({10 * LAYOUTS} of features (centre-l2))"

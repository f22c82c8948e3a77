"""Images that are bound are clustered as one, by every method."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dclust_gui.domain import tree
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import ClusteringError, InputError
from dclust_gui.domain.events import Event, Notice
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.grouping import group_rows, resolve
from dclust_gui.engine.requests import RunRequest
from dclust_gui.engine.row_times import time_key
from dclust_gui.engine.stacked_rows import RowFacts, StackedRows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.engine.requests import ClusterResult

METHODS = ("kmeans", "agglomerative", "dbscan", "hdbscan", "gmm", "spectral", "meanshift")


def noisy_rows(n: int = 60) -> NDArray[np.float16]:
    """Rows without groups, so that nothing but a stack keeps any two together."""
    return np.random.default_rng(0).normal(size=(n, 12)).astype(np.float16)


def grouped(
    features: NDArray[np.float16], stacks: list[int], settings: RunSettings
) -> ClusterResult:
    bound = StackedRows.of(np.array(stacks, np.int32))
    facts = RowFacts(np.full(len(bound.first), np.nan), bound.counts)
    rows = bound.merged(features)
    found = group_rows(rows, resolve(settings), ignore_events, CancelToken(), None, None, facts)
    return bound.spread(found)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_stack_one_label(method: str) -> None:
    stacks = [1] * 5 + [2] * 3 + [0] * 50 + [3, 3]
    found = grouped(noisy_rows(), stacks, RunSettings(algorithm=method, k=8, reduce="none"))
    ids = np.array(stacks)
    for stack in (1, 2, 3):
        assert len(set(found.labels[ids == stack].tolist())) == 1
        assert len(set(found.confidence[ids == stack].tolist())) == 1
    assert tree.check_tree(found.tree) == 60
    assert (found.tree[:7, 2] == 0).all()
    assert found.tree[7, 2] > 0
    k = len(set(found.labels[found.labels >= 0].tolist()))
    if not (found.labels < 0).any():
        pairs = set(zip(found.labels.tolist(), tree.cut(found.tree, k).tolist(), strict=True))
        assert len(pairs) == k


def test_clusters_are_numbered_by_images_not_by_stacks() -> None:
    centres = np.eye(12, dtype=np.float16)[:2] * 20
    rows = np.concatenate([np.repeat(centres[:1], 4, 0), np.repeat(centres[1:], 6, 0)])
    found = grouped(rows, [0] * 4 + [1] * 6, RunSettings(algorithm="kmeans", k=2, reduce="none"))
    assert found.labels.tolist() == [1] * 4 + [0] * 6


def test_more_clusters_than_stacks_and_single_images_are_refused() -> None:
    with pytest.raises(ClusteringError, match="count once"):
        grouped(noisy_rows(6), [1, 1, 1, 1, 0, 0], RunSettings(k=4, reduce="none"))


def test_one_stack_of_everything_is_one_cluster() -> None:
    settings = RunSettings(algorithm="agglomerative", k=1, reduce="none")
    found = grouped(noisy_rows(4), [7] * 4, settings)
    assert found.labels.tolist() == [0] * 4
    assert tree.check_tree(found.tree) == 4
    assert (found.tree[:, 2] == 0).all()


def test_nothing_bound_changes_nothing() -> None:
    bound = StackedRows.of(np.zeros(4, np.int32))
    rows = noisy_rows(4)
    assert bound.is_plain
    assert bound.merged(rows) is rows
    assert bound.key == ""


def test_a_row_is_the_mean_direction_of_its_images() -> None:
    features = np.array([[2, 0], [0, 4], [1, 1]], np.float16)
    bound = StackedRows.of(np.array([5, 5, 0], np.int32))
    merged = bound.merged(features)
    assert np.allclose(merged[0], [3 / np.sqrt(2)] * 2, atol=1e-2)
    assert merged[1].tolist() == [1, 1]
    opposite = StackedRows.of(np.array([5, 5], np.int32))
    assert np.isfinite(opposite.merged(np.array([[1, 0], [-1, 0]], np.float16))).all()


def test_the_time_of_a_stack_is_the_mean_of_what_is_known() -> None:
    bound = StackedRows.of(np.array([1, 1, 0, 2, 2], np.int32))
    times = bound.mean_times(np.array([1.0, 3.0, np.nan, 4.0, np.nan]))
    assert np.array_equal(times, [2.0, np.nan, 4.0], equal_nan=True)


def test_keys_tell_stacks_and_times_apart() -> None:
    keys = {
        StackedRows.of(np.array(stacks, np.int32)).key
        for stacks in ([0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1])
    }
    assert len(keys) == 4
    assert StackedRows.of(np.array([9, 9, 0], np.int32)).key in keys  # numbers mean nothing
    times = np.array([1.0, 2.0])
    assert time_key(0.0, times) == ""
    assert len({time_key(0.5, times), time_key(0.25, times), time_key(0.5, times + 1)}) == 3


@given(st.lists(st.integers(0, 4), min_size=1, max_size=14))
def test_trees_over_images_are_sound(stacks: list[int]) -> None:
    bound = StackedRows.of(np.array(stacks, np.int32))
    n_rows = len(bound.first)
    assert np.array_equal(np.bincount(bound.row_of), bound.counts)
    chain = [(0, 1, 1.0, 2)] if n_rows > 1 else []
    chain += [(n_rows + i - 2, i, float(i), i + 1) for i in range(2, n_rows)]
    whole = bound.tree(np.array(chain, np.float64).reshape(-1, 4))
    assert tree.check_tree(whole) == len(stacks)
    labels = tree.cut(whole, n_rows)
    for row in range(n_rows):
        assert len(set(labels[bound.row_of == row].tolist())) == 1


def pictures(folder: Path, n: int) -> Path:
    """Images of as many colours, with a capture time each but the last."""
    from PIL import Image

    folder.mkdir()
    for i in range(n):
        exif = Image.Exif()
        if i < n - 1:
            exif.get_ifd(0x8769)[0x9003] = f"2024:05:0{1 + i % 2} 10:00:{i:02}"
        Image.new("RGB", (16, 16), (i * 20, 255 - i * 20, 40)).save(
            folder / f"{i:02}.jpg", exif=exif
        )
    return folder


def test_the_engine_mixes_time_and_says_what_has_none(engine: Engine, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 9)
    told: list[Event] = []
    settings = RunSettings(algorithm="kmeans", k=2, time_weight=1.0)
    result = engine.run(RunRequest((folder,), settings), told.append)
    labels = result.clusters.labels[:8]
    assert labels[::2].tolist() == [labels[0]] * 4
    assert labels[1::2].tolist() == [labels[1]] * 4
    assert labels[0] != labels[1]
    assert result.settings.time_weight == 1.0
    notices = [e.text for e in told if isinstance(e, Notice)]
    assert any("1 of 9 images has no capture time" in text for text in notices)
    content = engine.run(RunRequest((folder,), replace(settings, time_weight=0.0)))
    assert content.clusters.labels[0] == content.clusters.labels[1]


def test_without_times_the_content_decides_and_it_is_said(engine: Engine, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 2)
    told: list[Event] = []
    settings = RunSettings(algorithm="kmeans", k=2, time_weight=1.0)
    result = engine.run(RunRequest((folder,), settings), told.append)
    assert result.settings.time_weight == 0.0
    assert any(isinstance(e, Notice) and "content alone" in e.text for e in told)


def test_the_engine_keeps_stacks_together(engine: Engine, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "in", 9)
    request = RunRequest((folder,), RunSettings(algorithm="kmeans", k=4))
    stacks = np.zeros(9, np.int32)
    stacks[[0, 8]] = 3
    free = engine.run(request)
    assert free.clusters.labels[0] != free.clusters.labels[8]
    bound = engine.run(request, stacks_of=lambda scan: stacks)
    assert bound.clusters.labels[0] == bound.clusters.labels[8]
    assert len(bound.clusters.labels) == 9
    assert tree.check_tree(bound.clusters.tree) == 9


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_weight_outside_0_to_1_is_refused(weight: float) -> None:
    with pytest.raises(InputError, match="time-weight"):
        resolve(RunSettings(time_weight=weight))

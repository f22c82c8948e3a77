"""From features to clusters: settings, numbering, degenerate data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dclust_gui.algorithms.distances import Scaling
from dclust_gui.domain import tree
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import ClusteringError, InputError
from dclust_gui.domain.events import Event, Notice, Stage, StageProgressed
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.grouping import SCALES, by_size, group_rows, resolve

DEFAULT = resolve(RunSettings(algorithm="auto", reduce="none", k=3))


def blobs(
    sizes: tuple[int, ...], seed: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    """Separate groups of rows, mixed."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(len(sizes), 16)) * 5
    rows = np.concatenate(
        [random.normal(c, 0.1, (n, 16)) for c, n in zip(centres, sizes, strict=True)]
    )
    return random.permutation(rows).astype(np.float16)


def test_scales_are_those_of_the_algorithms() -> None:
    assert set(SCALES) == set(Scaling)


def test_auto_is_replaced() -> None:
    resolved = resolve(RunSettings(algorithm="auto", reduce="auto"))
    assert "auto" not in (resolved.algorithm, resolved.reduce, resolved.head)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("algorithm", "magic"),
        ("reduce", "magic"),
        ("head", "magic"),
        ("scale", "magic"),
        ("metric", "magic"),
        ("linkage", "magic"),
        ("seed", -1),
        ("seed", 2**32),
        ("parameters", {"magic": "1"}),
        ("parameters", {"max_iter": "none"}),
    ],
)
def test_wrong_settings_are_refused_before_any_work(field: str, value: object) -> None:
    with pytest.raises(InputError):
        resolve(replace(RunSettings(), **{field: value}))  # type: ignore[arg-type]


def test_clusters_are_numbered_by_size_and_the_tree_gives_them() -> None:
    result = group_rows(blobs((5, 20, 10)), DEFAULT, ignore_events, CancelToken())
    assert np.bincount(result.labels).tolist() == [20, 10, 5]
    assert tree.check_tree(result.tree) == 35
    again = tree.cut(result.tree, 3)
    pairs = set(zip(result.labels.tolist(), again.tolist(), strict=True))
    assert len(pairs) == 3
    assert result.confidence.min() >= 0
    assert result.confidence.max() <= 1
    assert not result.labels.flags.writeable
    assert result.internal["silhouette"] > 0.5


def test_same_seed_gives_the_same_answer() -> None:
    rows = blobs((9, 9, 9))
    first = group_rows(rows, DEFAULT, ignore_events, CancelToken())
    second = group_rows(rows, DEFAULT, ignore_events, CancelToken())
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()
    assert first.tree.tobytes() == second.tree.tobytes()


def test_number_of_clusters_is_found() -> None:
    result = group_rows(
        blobs((12, 12, 12, 12)), replace(DEFAULT, k=0), ignore_events, CancelToken()
    )
    assert int(result.labels.max()) + 1 == 4
    assert max(result.k_candidates, key=lambda pair: pair[1])[0] == 4


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_images(n: int) -> None:
    rows = blobs((1,) * n)
    for k in range(n + 1):
        result = group_rows(rows, replace(DEFAULT, k=k), ignore_events, CancelToken())
        assert result.tree.shape == (n - 1, 4)
        assert len(result.labels) == n
        assert k in (0, int(result.labels.max()) + 1)


def test_identical_images_are_one_cluster() -> None:
    rows = np.ones((7, 16), np.float16)
    result = group_rows(rows, replace(DEFAULT, k=0), ignore_events, CancelToken())
    assert set(result.labels.tolist()) == {0}
    assert all(np.isfinite(list(result.internal.values())))


@pytest.mark.parametrize("n", [0, 2])
def test_too_few_images_are_told(n: int) -> None:
    rows = blobs((4,))[:n]
    with pytest.raises(ClusteringError):
        group_rows(rows, DEFAULT, ignore_events, CancelToken())


def test_more_clusters_than_images_are_refused_in_good_words() -> None:
    with pytest.raises(ClusteringError, match=r"3 clusters cannot be made of 1 image\."):
        group_rows(blobs((4,))[:1], replace(DEFAULT, k=3), ignore_events, CancelToken())


def test_cancelled_grouping_stops() -> None:
    token = CancelToken()

    def sink(event: Event) -> None:
        if isinstance(event, StageProgressed) and event.stage is Stage.CLUSTER:
            token.cancel()

    with pytest.raises(Cancelled):
        group_rows(blobs((9, 9)), DEFAULT, sink, token)


def test_sizes_order_labels_and_noise_stays() -> None:
    labels = np.array([4, 4, -1, 0, 2, 2, 2, 0], np.int32)
    assert by_size(labels).tolist() == [
        1, 1, -1, 2, 0, 0, 0, 2
    ]  # fmt: skip
    assert by_size(np.full(3, -1, np.int32)).tolist() == [-1, -1, -1]


def test_trust_is_measured_without_a_layout_too() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(120, 24)).astype(np.float16)
    told: list[Event] = []
    found = group_rows(rows, replace(DEFAULT, k=8), told.append, CancelToken())
    assert found.structure is not None
    assert found.structure.has_little
    notices = [e.text for e in told if isinstance(e, Notice)]
    assert [note for note in notices if note.startswith("Little structure")]
    few = group_rows(blobs((10, 10)), replace(DEFAULT, k=2), ignore_events, CancelToken())
    assert few.structure is None


def test_a_number_chosen_by_silhouettes_has_a_short_list_measured_on_the_tree() -> None:
    found = group_rows(blobs((12, 12, 12, 12)), replace(DEFAULT, k=0), ignore_events, CancelToken())
    assert found.shortlist is not None
    assert found.shortlist.preselected == 4 == len(set(found.labels.tolist()))
    chosen = next(c for c in found.shortlist.candidates if c.k == 4)
    assert chosen.tree_silhouette == pytest.approx(chosen.silhouette, abs=0.02)

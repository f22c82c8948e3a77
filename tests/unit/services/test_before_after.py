"""What a training has changed, counted and measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import InputError
from dclust_gui.services.before_after import MOST_SHOWN, BeforeAfter, before_and_after
from dclust_gui.services.feature_matrix import FeatureMatrix
from dclust_gui.services.snapshot import Snapshot

if TYPE_CHECKING:
    from dclust_gui.services.similar import SimilarService


class Features:
    """Two far groups of twenty images each; or none at all."""

    def __init__(self, *, is_empty: bool = False) -> None:
        random = np.random.default_rng(0)
        rows = random.normal(0, 0.1, (40, 4))
        rows[:20, 0] += 3
        rows[20:, 1] += 3
        self._rows = rows.astype(np.float16)
        self._is_empty = is_empty

    def matrix(self, _snapshot: Snapshot, token: CancelToken) -> FeatureMatrix:
        if self._is_empty:
            raise InputError("There is nothing to compare yet.")
        return FeatureMatrix.build(self._rows, np.arange(40, dtype=np.int32), 40, token)


def clustering(labels: list[int], ids: tuple[int, ...]) -> Clustering:
    table = {key: Cluster(key, f"Kind {key}") for key in ids}
    return Clustering(np.array(labels, np.int32), np.zeros(len(labels), np.uint8), table, 9)


def compared(*, is_empty: bool = False) -> BeforeAfter:
    before = clustering([1] * 25 + [2] * 15, (1, 2))
    after = clustering([1] * 20 + [3] * 20, (1, 3))
    confidence = np.linspace(0, 1, 40, dtype=np.float32)
    snapshot = Snapshot((), (), after, None, confidence)
    service: SimilarService = Features(is_empty=is_empty)  # type: ignore[assignment]
    return before_and_after(service, before, snapshot, CancelToken())


def test_images_are_counted_and_shown_the_most_typical_first() -> None:
    found = compared()
    rows = {row.cluster: row for row in found.rows}
    assert [row.cluster for row in found.rows] == [3, 2, 1]
    one = rows[1]
    assert (one.n_before, one.n_after, one.n_left, one.n_came) == (25, 20, 5, 0)
    assert one.left == (24, 23, 22, 21, 20)
    assert one.stayed == tuple(range(19, 19 - MOST_SHOWN, -1))
    assert (rows[2].n_after, rows[3].n_before, rows[3].title) == (0, 0, "Kind 3")
    assert len(rows[3].came) == MOST_SHOWN


def test_silhouettes_are_those_of_the_features() -> None:
    found = compared()
    before, after = found.silhouette_before, found.silhouette_after
    assert after > 0.8
    assert before < after - 0.1


def test_without_features_images_are_counted_all_the_same() -> None:
    found = compared(is_empty=True)
    assert math.isnan(found.silhouette_after)
    assert len(found.rows) == 3


def test_it_can_be_stopped() -> None:
    token = CancelToken()
    token.cancel()
    state = clustering([1] * 40, (1,))
    snapshot = Snapshot((), (), state, None, np.zeros(40, np.float32))
    with pytest.raises(Cancelled):
        before_and_after(Features(), state, snapshot, token)  # type: ignore[arg-type]

"""Choosing the number of clusters by silhouette."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.selection import choose_k_by_silhouette

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_number_of_separated_clouds_is_found(make_blobs: Callable) -> None:  # type: ignore[type-arg]
    rows, _ = make_blobs(n=300, d=16, k=5, spread=0.2)
    choice = choose_k_by_silhouette(rows, range(2, 9), sample=200, random_state=0)
    assert choice.k == 5
    assert [k for k, _ in choice.candidates] == list(range(2, 9))
    assert choice == choose_k_by_silhouette(rows, range(2, 9), sample=200, random_state=0)


def test_few_distinct_images_limit_the_numbers() -> None:
    rows = np.repeat(np.eye(4), 3, axis=0)
    assert [k for k, _ in choose_k_by_silhouette(rows, random_state=0).candidates] == [2, 3]
    assert choose_k_by_silhouette(np.ones((5, 2))).k == 1
    assert choose_k_by_silhouette(np.eye(2)).k == 2


def test_no_images_is_a_clear_error() -> None:
    with pytest.raises(UnusableDataError):
        choose_k_by_silhouette(np.zeros((0, 2)))

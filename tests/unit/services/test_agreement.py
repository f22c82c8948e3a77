"""Two passes over the same images beside each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dclust_gui.domain.errors import InputError
from dclust_gui.services.agreement import compare_passes


def test_kappa_and_confusion_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import cohen_kappa_score, confusion_matrix

    random = np.random.default_rng(0)
    first = random.choice(["cat", "dog", "gull"], 200).tolist()
    second = [a if random.random() < 0.7 else str(random.choice(["cat", "dog"])) for a in first]
    found = compare_passes(
        {f"{i}.jpg": a for i, a in enumerate(first)}, {f"{i}.jpg": b for i, b in enumerate(second)}
    )
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert found.agreement == pytest.approx(
        np.mean([a == b for a, b in zip(first, second, strict=True)])
    )
    assert found.rows == ("cat", "dog", "gull")
    truth = confusion_matrix(first, second, labels=list(found.rows))
    assert np.array_equal(found.counts, truth[:, [found.rows.index(c) for c in found.columns]])
    assert not found.is_matched


def test_passes_without_a_common_label_are_matched() -> None:
    first = {"a": "1", "b": "1", "c": "2", "d": "-1"}
    second = {"a": "gull", "b": "gull", "c": "cat", "d": "-1", "e": "cat"}
    found = compare_passes(first, second)
    assert found.is_matched
    assert found.agreement == 1.0
    assert (found.n_images, found.only_first, found.only_second) == (4, 0, 1)


def test_unassigned_is_matched_with_nothing_else() -> None:
    found = compare_passes({"a": "-1", "b": "-1"}, {"a": "x", "b": "x"})
    assert found.agreement == 0.0


def test_one_label_only_has_no_kappa() -> None:
    found = compare_passes({"a": "x"}, {"a": "x"})
    assert found.agreement == 1.0
    assert math.isnan(found.kappa)
    assert found.values()["kappa"] is None


def test_numbers_are_ordered_by_value() -> None:
    labels = {str(i): str(i) for i in (10, 9, 2)} | {"u": "-1"}
    assert compare_passes(labels, labels).rows == ("-1", "2", "9", "10")


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(InputError, match="no image in common"):
        compare_passes({"a": "x"}, {"b": "x"})


def test_labels_that_only_look_like_numbers_are_names() -> None:
    odd = ("--5", "-", "9" * 5000, "10", "9", "-1")
    first = {label: label for label in odd}
    assert compare_passes(first, first).rows == ("-1", "9", "10", "-", "--5", "9" * 5000)

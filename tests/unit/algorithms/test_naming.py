from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.naming import ClassName, class_shares, suggest_names

CLASSES = [
    ClassName(("tabby", "tabby cat"), "a cat with a grey coat"),
    ClassName(("beagle",), "a small dog"),
    ClassName(("collie",), "a silky-coated sheep dog"),
    ClassName(("sky",), "what is above"),
]


def shares(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows)


def test_shares_are_mean_probabilities_of_the_clusters() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(40, 6)).astype(np.float16)
    weights, bias = random.normal(size=(4, 6)), random.normal(size=4)
    labels = np.arange(40) % 4 - 1
    found = class_shares(features, labels, weights, bias)
    scores = np.exp(features.astype(float) @ weights.T + bias)
    scores /= scores.sum(1, keepdims=True)
    wanted = [scores[labels == c].mean(0) for c in range(3)]
    assert np.allclose(found, wanted, atol=1e-4)


def test_what_all_clusters_share_names_none_of_them() -> None:
    found = suggest_names(shares((0.3, 0, 0, 0.7), (0, 0.3, 0, 0.7)), CLASSES)
    assert [s[0].name for s in found] == ["tabby", "beagle"]


def test_first_names_differ() -> None:
    found = suggest_names(shares((0, 0.9, 0.1, 0), (0, 0.6, 0.4, 0), (1, 0, 0, 0)), CLASSES)
    assert [s[0].name for s in found] == ["beagle", "collie", "tabby"]


def test_own_words_come_first_and_gather_classes() -> None:
    rows = shares((0, 0.5, 0.5, 0), (0.9, 0, 0, 0.1))
    found = suggest_names(rows, CLASSES, vocabulary=["dog", "Cat", "boat"])
    assert (found[0][0].name, found[0][0].is_own_word) == ("dog", True)
    assert found[0][0].score == pytest.approx(1.0)
    assert found[1][0].name == "Cat"
    assert not found[1][1].is_own_word


@pytest.mark.parametrize("word", ["cats", "Cat", "tabbies", "coats", "tabby cats"])
def test_plural_and_singular_mean_the_same(word: str) -> None:
    found = suggest_names(shares((0.9, 0, 0, 0.1), (0, 0.9, 0, 0.1)), CLASSES, vocabulary=[word])
    assert (found[0][0].name, found[0][0].is_own_word) == (word, True)
    assert not found[1][0].is_own_word


def test_words_match_whole_words_only() -> None:
    found = suggest_names(
        shares((1, 0, 0, 0), (0, 1, 0, 0)), CLASSES, vocabulary=["coa", "do", "s", "es"]
    )
    assert not any(s.is_own_word for names in found for s in names)


def test_nothing_stands_out() -> None:
    assert suggest_names(np.full((2, 4), 0.01), CLASSES) == [(), ()]


def test_a_single_cluster_takes_its_commonest_class() -> None:
    assert suggest_names(shares((0.1, 0.7, 0.1, 0.1)), CLASSES)[0][0].name == "beagle"


def test_wrong_widths_are_errors() -> None:
    with pytest.raises(UnusableDataError):
        suggest_names(np.zeros((2, 3)), CLASSES)
    with pytest.raises(UnusableDataError):
        class_shares(np.zeros((4, 5)), np.zeros(4, int), np.zeros((3, 6)), np.zeros(3))


def test_a_taken_name_goes_before_a_far_weaker_one() -> None:
    rows = shares((0, 0.9, 0.02, 0), (0, 0.6, 0.1, 0), (1, 0, 0, 0), (1, 0, 0, 0))
    names = [s[0].name for s in suggest_names(rows, CLASSES)[:2]]
    assert names == ["beagle", "beagle, collie"]

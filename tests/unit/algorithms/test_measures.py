"""Measures against scikit-learn's and against values known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.measures import (
    class_scores,
    confusion,
    external_measures,
    internal_measures,
    silhouette_values,
)


@pytest.mark.parametrize("seed", range(5))
def test_partition_measures_equal_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, 5, 300)
    labels = np.where(random.random(300) < 0.6, truth, random.integers(-1, 8, 300))
    found = external_measures(labels, truth)
    assert found.nmi == pytest.approx(metrics.normalized_mutual_info_score(truth, labels))
    assert found.ari == pytest.approx(metrics.adjusted_rand_score(truth, labels))
    assert found.homogeneity == pytest.approx(metrics.homogeneity_score(truth, labels))
    assert found.completeness == pytest.approx(metrics.completeness_score(truth, labels))
    (_, wrong_in), (missed, both) = metrics.pair_confusion_matrix(truth, labels)
    assert found.pair_f1 == pytest.approx(2 * both / (2 * both + wrong_in + missed))


def test_macro_scores_equal_scikit_learn_after_the_matching() -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 4, 200)
    labels = np.where(random.random(200) < 0.7, (truth + 1) % 4, random.integers(0, 4, 200))
    found = external_measures(labels, truth, beta=2.0)
    predicted = (labels - 1) % 4
    for name, value in (
        ("precision", metrics.precision_score(truth, predicted, average="macro")),
        ("recall", metrics.recall_score(truth, predicted, average="macro")),
        ("f1", metrics.f1_score(truth, predicted, average="macro")),
        ("fbeta", metrics.fbeta_score(truth, predicted, beta=2.0, average="macro")),
        ("accuracy", metrics.accuracy_score(truth, predicted)),
    ):
        assert getattr(found, name) == pytest.approx(value), name


def test_bcubed_equals_the_definition_image_by_image() -> None:
    random = np.random.default_rng(2)
    truth, labels = random.integers(0, 3, 40), random.integers(0, 4, 40)
    same_class, same = truth[:, None] == truth, labels[:, None] == labels
    both = (same_class & same).sum(1)
    precision, recall = (both / same.sum(1)).mean(), (both / same_class.sum(1)).mean()
    expected = 2 * precision * recall / (precision + recall)
    assert external_measures(labels, truth).bcubed_f1 == pytest.approx(expected)


def test_identical_partitions_score_one_whatever_the_numbering() -> None:
    truth = np.array(["a", "b", "b", "c", "c", "c"])
    found = external_measures(np.array([7, 2, 2, 5, 5, 5]), truth)
    for name in found.__slots__:
        assert getattr(found, name) == pytest.approx(1.0), name


def test_one_cluster_has_no_information() -> None:
    found = external_measures(np.zeros(6, dtype=int), np.array([0, 0, 0, 1, 1, 2]))
    assert (found.nmi, found.ari, found.accuracy) == (0.0, 0.0, 0.5)


def test_unassigned_and_unmatched_clusters_are_wrong() -> None:
    labels = np.array([-1, -1, 0, 0, 1, 2])
    truth = np.array([0, 0, 0, 0, 1, 1])
    assert external_measures(labels, truth).accuracy == pytest.approx(3 / 6)
    everything_out = external_measures(np.full(6, -1), truth)
    assert everything_out.accuracy == everything_out.f1 == 0.0


def test_more_classes_than_clusters_leaves_classes_without_a_score() -> None:
    table = confusion(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]))
    precision, recall, f1 = class_scores(table)
    assert (table.matched_cluster >= 0).sum() == 2
    assert precision[2] == recall[2] == f1[2] == 1.0
    assert min(precision) == 0.0


def test_pair_counts_of_100000_images_do_not_overflow() -> None:
    truth = np.arange(100_000) % 2
    found = external_measures(truth, truth)
    assert found.ari == found.pair_f1 == 1.0


@pytest.mark.parametrize(("labels", "truth"), [([], []), ([0, 1], [0])])
def test_nothing_to_compare_is_a_clear_error(labels: list[int], truth: list[int]) -> None:
    with pytest.raises(UnusableDataError):
        external_measures(np.array(labels, dtype=int), np.array(truth, dtype=int))


@pytest.mark.parametrize("seed", range(3))
def test_internal_measures_equal_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, 250)
    rows = (random.normal(size=(250, 6)) + labels[:, None] + 100).astype(np.float32)
    found = internal_measures(rows, labels)
    exact = rows.astype(np.float64)
    assert found.silhouette == pytest.approx(metrics.silhouette_score(exact, labels), abs=1e-6)
    assert found.davies_bouldin == pytest.approx(metrics.davies_bouldin_score(exact, labels))
    assert found.calinski_harabasz == pytest.approx(metrics.calinski_harabasz_score(exact, labels))
    np.testing.assert_allclose(
        silhouette_values(rows, labels), metrics.silhouette_samples(exact, labels), atol=1e-6
    )


def test_unassigned_images_do_not_count() -> None:
    rows = np.array([[0.0], [0.1], [5.0], [5.1], [99.0]], dtype=np.float32)
    labels = np.array([0, 0, 1, 1, -1])
    found = internal_measures(rows, labels)
    assert found.unassigned_share == pytest.approx(0.2)
    assert found.silhouette == pytest.approx(internal_measures(rows[:4], labels[:4]).silhouette)
    assert np.isnan(silhouette_values(rows, labels)[4])


def test_an_image_alone_in_its_cluster_has_silhouette_zero() -> None:
    rows = np.array([[0.0], [0.1], [9.0]], dtype=np.float32)
    assert silhouette_values(rows, np.array([0, 0, 1]))[2] == 0.0


def test_one_cluster_has_an_error_but_no_separation() -> None:
    found = internal_measures(np.array([[0.0], [2.0]]), np.array([0, 0]))
    assert found.mse == 1.0
    assert np.isnan(found.silhouette)
    assert np.isnan(found.davies_bouldin)


def test_the_sampled_silhouette_is_close_to_the_exact_one() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 11_000)
    rows = (random.normal(size=(11_000, 3)) + 2 * np.eye(4, 3)[labels]).astype(np.float32)
    found = internal_measures(rows, labels)
    exact = float(np.mean(silhouette_values(rows, labels)))
    assert found.silhouette == pytest.approx(exact, abs=0.01)
    assert 0 < found.silhouette_spread < 0.02

"""Calibration, the guard against strangers, folds, and self-training."""

from __future__ import annotations

import numpy as np
import pytest

from dclust_gui.algorithms.student import StudentClassifier, selftraining
from dclust_gui.algorithms.student.calibration import (
    NEVER,
    calibration_error,
    fit_temperature,
    sorting_threshold,
)
from dclust_gui.algorithms.student.guard import learn_guard
from dclust_gui.algorithms.student.lessons import central_rows, fold_numbers


def test_temperature_is_found_again() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 4)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = (random.random((len(shares), 1)) > shares.cumsum(1)).sum(1).clip(0, 3)
    assert fit_temperature(3.0 * logits, truth) == pytest.approx(3.0, rel=0.05)
    assert fit_temperature(logits[:0], truth[:0]) == 1.0


def test_calibration_error_of_known_cases() -> None:
    right = np.array([True, False] * 50)
    assert calibration_error(np.full(100, 0.5), right) == pytest.approx(0.0)
    assert calibration_error(np.full(100, 0.9), right) == pytest.approx(0.4)
    assert calibration_error(np.ones(4), np.ones(4, bool)) == pytest.approx(0.0)
    assert np.isnan(calibration_error(np.empty(0), np.empty(0, bool)))


def test_threshold_keeps_the_wanted_precision() -> None:
    confidence = np.linspace(1.0, 0.0, 101)
    right = confidence > 0.4
    found = sorting_threshold(confidence, right, 0.8)
    chosen = confidence >= found
    assert right[chosen].mean() >= 0.8
    assert confidence[chosen].mean() >= 0.8
    assert sorting_threshold(confidence, np.zeros(101, bool), 0.8) == NEVER
    assert sorting_threshold(confidence[:2], right[:2], 0.8) == NEVER


def test_rows_of_equal_confidence_are_sorted_together() -> None:
    confidence = np.full(20, 0.9)
    right = np.arange(20) < 10
    assert sorting_threshold(confidence, right, 0.8) == NEVER
    assert sorting_threshold(confidence, right, 0.5) == pytest.approx(0.5)
    mixed = np.append(confidence, 0.1)
    assert sorting_threshold(mixed, np.append(right, False), 0.5) == pytest.approx(0.9)


def test_where_all_were_right_a_confidence_counts_as_what_it_says() -> None:
    confidence = np.full(50, 0.999)
    assert sorting_threshold(confidence, np.ones(50, bool), 0.95) == pytest.approx(0.95)


def test_the_guard_holds_for_a_class_of_two() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(102, 8))
    classes = np.repeat([0, 1], [100, 2])
    rows[classes == 1] += 50.0
    guard = learn_guard(rows, classes, 2)
    assert (guard.distance(rows, classes) > 1).mean() <= 0.02
    near = random.normal(size=(20, 8)) + 50.0
    assert (guard.distance(near, np.ones(20, np.int64)) <= 1).mean() > 0.5
    assert (guard.distance(rows[:100], np.ones(100, np.int64)) > 1).all()


def test_equal_rows_leave_the_guard_open() -> None:
    guard = learn_guard(np.ones((6, 3)), np.repeat([0, 1], 3), 2)
    assert (guard.distance(np.ones((2, 3)), np.array([0, 1])) <= 1).all()


def test_folds_spread_each_class_evenly() -> None:
    classes = np.repeat([0, 1, 2], [50, 7, 1])
    folds = fold_numbers(classes, 5, np.random.RandomState(0))
    assert np.bincount(folds).tolist() == [12, 12, 12, 11, 11]
    assert np.bincount(folds[classes == 1], minlength=5).max() == 2


def test_the_most_central_rows_are_kept_and_small_classes_whole() -> None:
    rows = np.concatenate([np.arange(10.0), [100.0, 101.0]])[:, None]
    classes = np.repeat([0, 1], [10, 2])
    kept = central_rows(rows, classes, 2, 0.6)
    assert kept[:10].tolist() == [False] * 2 + [True] * 6 + [False] * 2
    assert kept[10:].all()
    typical = np.append(np.arange(10.0), [np.nan, 0.0])
    kept = central_rows(rows, classes, 2, 0.6, typical)
    assert kept[:10].tolist() == [False] * 4 + [True] * 6
    assert kept[10:].all()


def two_groups() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    labels = np.repeat([0, 1], 80).astype(np.int32)
    rows = random.normal(size=(160, 10)) * 0.3
    rows[labels == 1, 0] += 2.0
    return rows.astype(np.float32), labels


def test_self_training_puts_stray_labels_right_and_leaves_decisions() -> None:
    rows, truth = two_groups()
    start = truth.copy()
    stray = np.array([0, 1, 2, 80, 81])
    start[stray] = 1 - start[stray]
    decided = np.zeros(160, bool)
    decided[2] = True
    found = selftraining.self_train(rows, start, decided)
    assert found.labels[2] == start[2]
    assert found.confidence[2] == 1.0
    others = np.delete(np.arange(160), 2)
    assert (found.labels == truth)[others].mean() > 0.98
    assert 1 <= found.rounds <= 2
    assert len(found.moved) in (1, 2)


def test_a_second_round_that_moves_more_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, truth = two_groups()
    calls: list[int] = []

    def restless(labels: np.ndarray, *_rest: object) -> tuple[np.ndarray, np.ndarray]:
        calls.append(1)
        after = labels.copy()
        after[: 10 * len(calls)] = 1 - after[: 10 * len(calls)]
        return after, np.ones(len(labels), np.float32)

    monkeypatch.setattr(selftraining, "_relabelled", restless)
    student = StudentClassifier("linear", folds=2)
    found = selftraining.self_train(rows, truth, np.zeros(160, bool), student=student)
    assert found.is_drifting
    assert found.rounds == 1
    assert found.moved == (10 / 160, 20 / 160)
    assert (found.labels != truth).sum() == 10


def test_unassigned_rows_teach_nothing_and_clusters_too_small_stay() -> None:
    rows, truth = two_groups()
    start = truth.copy()
    start[:5] = -1
    start[5] = 7
    found = selftraining.self_train(
        rows, start, np.zeros(160, bool), student=StudentClassifier("linear", folds=2)
    )
    assert found.labels[5] == 7
    assert found.student.left_out_.tolist() == [7]
    assert set(found.labels[:5].tolist()) <= {-1, 0}

"""The student: learns clusters, knows how sure it is, and says what it left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.student import StudentClassifier
from dclust_gui.algorithms.student.calibration import NEVER
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 2


def blobs(
    sizes: tuple[int, ...] = (60, 40, 30), width: int = 12, seed: int = 0, noise: float = 0.3
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Well separated groups of unit length."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(len(sizes), width))
    labels = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    rows = centres[labels] + noise * random.normal(size=(len(labels), width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), labels


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_scikit_learns_checks_pass(kind: str) -> None:
    failures, count = [], 0
    student = StudentClassifier(
        kind, random_state=0, least_images=1, folds=0, max_epochs=20 if kind == "linear" else 5
    )
    for instance, check in estimator_checks_generator(student):
        count += 1
        try:
            check(instance)
        except Exception as error:  # noqa: BLE001 -- every failure is listed
            if type(error).__name__ not in ("SkipTest", "Skipped"):
                failures.append(f"{getattr(check, 'func', check).__name__}: {error!r}"[:300])
    assert not failures
    assert count > 30


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_it_learns_the_clusters_and_sorts_new_images(kind: str) -> None:
    rows, labels = blobs()
    student = StudentClassifier(kind, random_state=0).fit(rows, labels)
    assert student.accuracy_ > 0.95
    assert student.calibration_error_ < 0.1
    assert student.n_taught_ == 36 + 24 + 18
    assert np.isnan(student.edited_accuracy_)
    new, truth = blobs(seed=0, noise=0.2)
    assert (student.predict(new) == truth).mean() > 0.95
    found = student.sort(new)
    assert found.is_sorted.mean() > 0.7
    np.testing.assert_allclose(student.predict_proba(new).sum(1), 1.0, atol=1e-5)


def test_same_seed_same_student() -> None:
    rows, labels = blobs()
    first, second = (StudentClassifier(random_state=3, folds=FOLDS).fit(rows, labels) for _ in "ab")
    np.testing.assert_array_equal(first.predict_proba(rows), second.predict_proba(rows))
    assert first.threshold_ == second.threshold_
    assert clone(first).get_params() == first.get_params()


def test_classes_of_one_or_two_images_are_left_out_and_named() -> None:
    rows, labels = blobs((30, 20, 2, 1))
    student = StudentClassifier(random_state=0, folds=FOLDS).fit(rows, labels)
    assert student.classes_.tolist() == [0, 1]
    assert student.left_out_.tolist() == [2, 3]
    assert set(student.predict(rows).tolist()) <= {0, 1}
    assert student.held_out_proba_.shape == (53, 2)


def test_five_hundred_classes() -> None:
    rows, labels = blobs((4,) * 500, width=32, noise=0.1)
    student = StudentClassifier("linear", random_state=0, folds=0, max_epochs=25)
    student.fit(rows, labels)
    assert len(student.classes_) == 500
    assert (student.predict(rows) == labels).mean() > 0.8


def test_edited_rows_are_taught_however_far_out_and_weigh_more() -> None:
    rows, labels = blobs((60, 60), noise=0.8)
    wrong = np.flatnonzero(labels == 0)[:12]
    taught = labels.copy()
    taught[wrong] = 1
    edited = np.zeros(len(rows), bool)
    edited[wrong] = True
    plain = StudentClassifier(random_state=0, folds=FOLDS).fit(rows, taught)
    told = StudentClassifier(random_state=0, folds=FOLDS).fit(rows, taught, edited=edited)
    assert told.n_taught_ > plain.n_taught_
    assert (
        told.predict_proba(rows[wrong])[:, 1].mean() > plain.predict_proba(rows[wrong])[:, 1].mean()
    )
    assert 0.0 <= told.edited_accuracy_ <= 1.0


def test_images_unlike_all_clusters_are_told_apart() -> None:
    rows, labels = blobs(noise=0.1)
    student = StudentClassifier(random_state=0, folds=FOLDS).fit(rows, labels)
    random = np.random.default_rng(9)
    strangers = random.normal(size=(50, rows.shape[1])).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    assert student.sort(strangers).is_far.mean() > 0.9
    assert student.sort(rows).is_far.mean() < 0.05


def test_labels_at_random_make_it_sure_of_nothing() -> None:
    rows, _ = blobs((80, 80), noise=3.0)
    labels = np.random.default_rng(0).integers(0, 2, len(rows))
    student = StudentClassifier(random_state=0).fit(rows, labels)
    assert student.accuracy_ < 0.7
    if student.threshold_ == NEVER:
        assert "not sure" in student.note_
        assert not student.sort(rows).is_sorted.any()


def test_soft_targets_teach_probabilities() -> None:
    rows, labels = blobs((60, 60), noise=0.2)
    soft = np.full((len(rows), 2), 0.5, np.float32)
    vague = StudentClassifier(random_state=0, folds=0).fit(rows, labels, soft_targets=soft)
    sharp = StudentClassifier(random_state=0, folds=0).fit(rows, labels)
    assert vague.predict_proba(rows).max(1).mean() < sharp.predict_proba(rows).max(1).mean()


def test_strings_are_classes_too() -> None:
    rows, labels = blobs()
    names = np.array(["cat", "dog", "newt"])[labels]
    student = StudentClassifier(random_state=0, folds=FOLDS).fit(rows, names)
    assert set(student.predict(rows[:5])) <= {"cat", "dog", "newt"}


def test_constant_features_give_a_student_that_sorts_nothing_wrongly() -> None:
    labels = np.repeat([0, 1], 10)
    student = StudentClassifier(random_state=0, folds=FOLDS).fit(np.ones((20, 4)), labels)
    assert np.isfinite(student.predict_proba(np.ones((3, 4)))).all()
    assert not student.sort(np.ones((3, 4))).is_sorted.any()


@pytest.mark.parametrize(
    ("rows", "labels", "parameters", "words"),
    [
        (np.ones((4, 2)), [0, 0, 0, 0], {}, "class"),
        (np.ones((4, 2)), [0, 0, 1, 1], {}, "at least 3"),
        (np.full((6, 2), np.nan), [0, 0, 0, 1, 1, 1], {}, "NaN"),
        (np.ones((6, 2)), [0, 0, 0, 1, 1, 1], {"kind": "forest"}, "forest"),
        (np.ones((6, 2)), [0, 0, 0, 1, 1, 1], {"core_share": 0.0}, "core_share"),
        (np.ones((6, 2)), [0, 0, 0, 1, 1, 1], {"precision": 0.0}, "precision"),
    ],
)
def test_what_cannot_be_taught_is_refused_in_words(
    rows: NDArray[np.float64], labels: list[int], parameters: dict[str, str | float], words: str
) -> None:
    with pytest.raises(UnusableDataError, match=words):
        StudentClassifier(**parameters).fit(rows, labels)  # type: ignore[arg-type]


def test_cancel_goes_through_and_an_unfitted_student_says_so() -> None:
    rows, labels = blobs()

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        StudentClassifier(random_state=0).fit(rows, labels, tick=stop)
    with pytest.raises(NotFittedError):
        StudentClassifier().predict(rows)

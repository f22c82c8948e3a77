"""Self-training: a student taught by clusters says where their images would better be.

A round teaches a student by the present labels in five folds, and asks for each image the fold
that had not seen it; a student that has seen an image mostly repeats its label. Where that fold
is sure of another class (its calibrated probability is above the threshold of the student's
precision, 95 %), the image goes there; where it only thinks another class likelier, the teacher,
which knows the neighbours, is right more often (RESULTS.md). Decided images keep their labels and
count five times as much. In the second round the soft targets are the mean of the labels and of
what the folds said.

Rounds drift: each confirms the mistakes of the one before (three rounds lost 2 to 6 points of
accuracy where one was neutral, ALGORITHMS.md 4.17). So there are at most two, and where the second
would move at least as many images as the first it is dropped.

Source:
    Caron, Bojanowski, Joulin, Douze, "Deep Clustering for Unsupervised Learning of Visual
    Features", ECCV 2018, with frozen features and labels that are never clustered anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import LabelArray
from dclust_gui.algorithms.student.classifier import StudentClassifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.progress import Callback, Tick

MOST_ROUNDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class SelfTrained:
    """Labels after self-training.

    Attributes:
        labels: int32 (n,), -1 where the student is not asked or knows nothing.
        confidence: float32 (n,), calibrated probability of the label.
        moved: Share of the undecided images that each round moved, the dropped one's included.
        rounds: Rounds that count.
        student: Of the last round that counts; it was taught by the labels before it.
        is_drifting: A further round would have moved at least as many images, and was dropped.
    """

    labels: LabelArray
    confidence: NDArray[np.float32]
    moved: tuple[float, ...]
    rounds: int
    student: StudentClassifier
    is_drifting: bool = False


def self_train(
    rows: NDArray[np.float32],
    labels: LabelArray,
    decided: NDArray[np.bool_],
    *,
    student: StudentClassifier | None = None,
    rounds: int = MOST_ROUNDS,
    random_state: int | None = 0,
    callback: Callback | None = None,
    tick: Tick | None = None,
) -> SelfTrained:
    """Teach a student by labels and ask it for better ones, once or twice.

    Args:
        rows: float32 (n, d), scaled features.
        labels: int32 (n,), the teacher's, with all decisions in them; -1 for Unassigned, which
            teaches nothing.
        decided: bool (n,), images whose label stays.
        student: What to teach; one with the default parameters if None. It is not changed.
        rounds: 1 or 2.
        random_state: Seed.
        callback: Takes a `TrainingStep` now and then.
        tick: Called at every step; may raise `Cancelled`.

    Raises:
        UnusableDataError: If fewer than two clusters are large enough.
        TrainingError: If the training diverges.
    """
    random = check_random_state(random_state)
    parameters = (student or StudentClassifier()).get_params(deep=False)
    now = np.asarray(labels, np.int32)
    soft: NDArray[np.float32] | None = None
    kept: SelfTrained | None = None
    moved: list[float] = []
    for number in range(1, max(1, min(rounds, MOST_ROUNDS)) + 1):
        model = StudentClassifier(**{**parameters, "random_state": int(random.randint(2**31 - 1))})
        taught = now >= 0
        model.fit(
            rows[taught],
            now[taught],
            soft_targets=soft,
            edited=decided[taught],
            callback=callback,
            tick=tick,
        )
        probabilities = np.empty((len(rows), len(model.classes_)), np.float32)
        probabilities[taught] = model.held_out_proba_
        if not taught.all():
            probabilities[~taught] = model.predict_proba(rows[~taught])
        after, confidence = _relabelled(now, probabilities, model, decided)
        moved.append(float((after != now)[~decided & taught].mean()) if taught.any() else 0.0)
        if kept is not None and moved[-1] >= moved[-2] > 0:
            return replace(kept, moved=tuple(moved), is_drifting=True)
        kept = SelfTrained(after, confidence, tuple(moved), number, model)
        if moved[-1] == 0:
            break
        soft = _softened(after, probabilities, model.classes_)
        now = after
    assert kept is not None
    return kept


def _relabelled(
    labels: LabelArray,
    probabilities: NDArray[np.float32],
    student: StudentClassifier,
    decided: NDArray[np.bool_],
) -> tuple[LabelArray, NDArray[np.float32]]:
    """Labels with those changed of which the student is sure.

    Decided images, and those of clusters that were too small to teach, stay.
    """
    known = student.classes_.astype(np.int32)
    every = np.arange(len(labels))
    best = probabilities.argmax(axis=1)
    own = np.searchsorted(known, labels).clip(0, len(known) - 1)
    has_own = known[own] == labels
    own_share = np.where(has_own, probabilities[every, own], 0.0)
    is_left_out = (labels >= 0) & ~has_own
    stays = decided | is_left_out | (probabilities[every, best] < student.threshold_)
    after = np.where(stays, labels, known[best]).astype(np.int32)
    share = np.where(stays, own_share, probabilities[every, best])
    share = np.where(decided | is_left_out, 1.0, share)
    return after, share.astype(np.float32)


def _softened(
    labels: LabelArray, probabilities: NDArray[np.float32], classes: NDArray[np.generic]
) -> NDArray[np.float32]:
    """Mean of the labels and of what the folds said, for the labels that occur: rows of sum 1."""
    every = np.unique(labels[labels >= 0])
    taught = np.flatnonzero(labels >= 0)
    soft = np.zeros((len(taught), len(every)), np.float32)
    soft[np.arange(len(taught)), np.searchsorted(every, labels[taught])] = 0.5
    known = classes.astype(np.int32)
    occurs = np.isin(known, every)
    soft[:, np.searchsorted(every, known[occurs])] += 0.5 * probabilities[taught][:, occurs]
    soft /= soft.sum(axis=1, keepdims=True)
    return soft

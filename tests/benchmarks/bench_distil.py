"""What a student learns from clusters, and what self-training by it does to them.

Two tables. The first: of students taught by the default pipeline's clusters (k given), how far
they agree with these on images they had not seen (5 folds), how well their confidences are
calibrated, how much they sort at 95 % precision, and what part of wholly foreign images (those of
the other collections) is told apart. The second: accuracy of the clusters against the truth (best
one-to-one match) before and after one and two rounds, by teacher; the last teacher is the default
pipeline with 30 corrections and 90 approvals, scored on the images that were neither.

    python tests/benchmarks/bench_distil.py FEATURES_FOLDER [--seeds 2] [--sets clothing10 ...]
        [--results FILE]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import confusion_matrix

from dclust_gui.algorithms import UMAP, Agglomerative, KMeans
from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.student import StudentClassifier
from dclust_gui.algorithms.student.selftraining import self_train
from dclust_gui.services.bench.results import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SETS = ("clothing10", "plankton30", "trash6")
CORRECTIONS, APPROVALS = 30, 90
TITLE = "Students: distillation and self-training"
COMMAND = "python tests/benchmarks/bench_distil.py FEATURES_FOLDER --results RESULTS.md"
NOTE = (
    "First table: students taught the default's clusters (k given), one seed, on images they had "
    "not seen (5 folds): agreement, calibration error, the threshold for 95 % precision, what part "
    "is then sorted and how much of it rightly, and what part of the images of other collections "
    "is taken for one of these. Second: points of accuracy gained by one and by two rounds of "
    "self-training, by teacher. It gains 0.6 to 1 point where a person has corrected the clusters "
    "and nothing to speak of (-0.8 to +1.0) by other teachers."
)


@dataclass(frozen=True)
class Collection:
    """Features as stored, scaled, and the truth."""

    name: str
    raw: NDArray[np.float16]
    rows: NDArray[np.float32]
    truth: NDArray[np.int32]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.truth.max()) + 1


def load(path: Path) -> Collection:
    """Read a file with `features` and `labels`."""
    with np.load(path, allow_pickle=False) as data:
        raw, truth = data["features"], data["labels"].astype(np.int32)
    return Collection(path.name.split(".")[0], raw, scale_features(raw, "centre-l2")[0], truth)


def default_clusters(found: Collection, seed: int) -> NDArray[np.int32]:
    """UMAP-10, then k-means."""
    layout = UMAP(n_components=10, random_state=seed).fit_transform(found.rows)
    labels: NDArray[np.int32] = KMeans(found.n_classes, random_state=seed).fit(layout).labels_
    return labels


def renamed(labels: NDArray[np.int32], truth: NDArray[np.int32]) -> NDArray[np.int32]:
    """The labels in the numbers of the classes that they match best."""
    count = int(max(labels.max(), truth.max())) + 1
    _, names = linear_sum_assignment(-confusion_matrix(labels, truth, labels=range(count)))
    found: NDArray[np.int32] = names[labels].astype(np.int32)
    return found


def taught_row(
    found: Collection, labels: NDArray[np.int32], kind: str, others: list[Collection], seed: int
) -> str:
    """A line of the first table."""
    started = time.perf_counter()
    student = StudentClassifier(kind, random_state=seed).fit(found.rows, labels)
    seconds = time.perf_counter() - started
    scale = scale_features(found.raw, "centre-l2")[1]
    foreign = np.concatenate([student.sort(scale.apply(o.raw)).is_sorted for o in others])
    return (
        f"| {found.name} | {kind} | {student.accuracy_:.3f} | {student.calibration_error_:.3f} |"
        f" {student.threshold_:.2f} | {student.sorted_share_:.2f} | {student.sorted_accuracy_:.3f}"
        f" | {foreign.mean():.2f} | {seconds:.0f} |"
    )


def teachers(
    found: Collection, default: NDArray[np.int32], seed: int
) -> Iterator[tuple[str, NDArray[np.int32], NDArray[np.bool_]]]:
    """Name, labels, decided images."""
    nobody = np.zeros(len(found.truth), bool)
    k = found.n_classes
    yield "default (UMAP + k-means)", default, nobody
    yield "k-means", KMeans(k, random_state=seed).fit_predict(found.rows), nobody
    complete = Agglomerative(k, linkage="complete", metric="cosine").fit(found.rows).labels_
    yield "complete linkage", complete, nobody
    random = np.random.default_rng(seed)
    edited = renamed(default, found.truth)
    wrong, right = np.flatnonzero(edited != found.truth), np.flatnonzero(edited == found.truth)
    decided = nobody.copy()
    decided[random.choice(wrong, CORRECTIONS, replace=False)] = True
    decided[random.choice(right, APPROVALS, replace=False)] = True
    edited[decided] = found.truth[decided]
    yield f"present, {CORRECTIONS} corrections + {APPROVALS} approvals", edited, decided


def trained_row(
    found: Collection,
    name: str,
    labels: NDArray[np.int32],
    decided: NDArray[np.bool_],
    seed: int,
) -> str:
    """A line of the second table."""
    free = ~decided

    def accuracy(of: NDArray[np.int32]) -> float:
        named = of if decided.any() else renamed(of, found.truth)
        return float((named == found.truth)[free].mean())

    first, both = (
        self_train(found.rows, labels.astype(np.int32), decided, rounds=r, random_state=seed)
        for r in (1, 2)
    )
    before = accuracy(labels)
    gains = [100 * (accuracy(one.labels) - before) for one in (first, both)]
    moved = " then ".join(f"{share:.1%}" for share in both.moved)
    dropped = "yes" if both.is_drifting else "no"
    return (
        f"| {found.name} | {seed} | {name} | {before:.3f} | {gains[0]:+.1f} | {gains[1]:+.1f} |"
        f" {moved} | {dropped} |"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--results", type=Path, default=None)
    options = parser.parse_args()
    report = Report()
    found = [load(next(options.folder.glob(f"{name}.*npz"))) for name in options.sets]
    every = [load(path) for path in sorted(options.folder.glob("*.npz"))]
    defaults = {
        (one.name, seed): default_clusters(one, seed)
        for one in found
        for seed in range(options.seeds)
    }
    report.say(
        "| set | student | agreement | ECE | threshold | sorted | right of these |"
        " foreign images sorted | s |"
    )
    report.say("|---|---|---|---|---|---|---|---|---|")
    for one in found:
        others = [other for other in every if other.name != one.name]
        for kind in ("linear", "mlp"):
            report.say(taught_row(one, defaults[one.name, 0], kind, others, 0))
    report.say()
    report.say(
        "| set | seed | teacher | before | one round | two rounds | moved | second dropped |"
    )
    report.say("|---|---|---|---|---|---|---|---|")
    for one in found:
        for seed in range(options.seeds):
            for name, labels, decided in teachers(one, defaults[one.name, seed], seed):
                report.say(trained_row(one, name, labels, decided, seed))
    if options.results is not None:
        report.write(options.results, TITLE, COMMAND, NOTE)


if __name__ == "__main__":
    main()

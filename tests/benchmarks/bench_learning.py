"""How much better images become that nobody touched, after some corrections and approvals.

The truth is the oracle: of the default pipeline's clusters (k given, named by the best one-to-one
match with the classes) `m` misplaced images are put right and `3 m` well placed ones are approved,
drawn at random. Scored are the images that were neither; "gain" is their accuracy after spreading
minus their accuracy before, which is also that of applying the edits alone. The last column
is a bound: a support vector machine taught *all* other labels (10-fold), on the same images.

    python tests/benchmarks/bench_learning.py FEATURES_FOLDER [--draws 10]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import cross_val_predict
from sklearn.svm import SVC

from dclust_gui.algorithms import UMAP, KMeans
from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.label_spreading import spread_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours

CORRECTIONS = (18, 30, 100)
APPROVALS = 3
SEEDS = 3
FIRST_DRAW = 1_000
"""The method was chosen on other draws."""


@dataclass(frozen=True)
class Collection:
    """Features, truth, and the default clusters of three seeds in the truth's numbering."""

    name: str
    rows: NDArray[np.float32]
    truth: NDArray[np.int32]
    near: Neighbours
    layouts: tuple[NDArray[np.float32], ...]
    labels: tuple[NDArray[np.int32], ...]
    taught: NDArray[np.int32]


def load(path: Path) -> Collection:
    """Read a file with `features` and `labels`, and cluster it."""
    with np.load(path, allow_pickle=False) as data:
        rows = scale_features(data["features"], "centre-l2")[0]
        truth = data["labels"].astype(np.int32)
    classes = int(truth.max()) + 1
    layouts, labels = [], []
    for seed in range(SEEDS):
        layout = UMAP(n_components=10, random_state=seed).fit_transform(rows)
        found = KMeans(n_clusters=classes, random_state=seed).fit_predict(layout)
        _, names = linear_sum_assignment(-confusion_matrix(found, truth))
        layouts.append(layout)
        labels.append(names[found].astype(np.int32))
    folds = min(10, max(2, int(np.bincount(truth).min())))
    taught = cross_val_predict(SVC(C=10), rows, truth, cv=folds).astype(np.int32)
    near = nearest_neighbours(rows, 15)
    return Collection(
        path.name.split(".")[0], rows, truth, near, tuple(layouts), tuple(labels), taught
    )


def gains(collection: Collection, corrections: int, draw: int) -> tuple[float, float, float]:
    """Accuracy of the untouched images before, gain by spreading, gain of the taught machine."""
    random = np.random.default_rng(FIRST_DRAW + draw)
    start, truth = collection.labels[draw % SEEDS], collection.truth
    wrong, right = np.flatnonzero(start != truth), np.flatnonzero(start == truth)
    decided = np.concatenate(
        [
            random.choice(wrong, min(corrections, len(wrong)), replace=False),
            random.choice(right, min(APPROVALS * corrections, len(right)), replace=False),
        ]
    )
    edited = start.copy()
    edited[decided] = truth[decided]
    found = spread_labels(
        collection.rows,
        collection.near,
        edited,
        decided,
        earlier=start,
        space=collection.layouts[draw % SEEDS],
    ).labels
    untouched = np.ones(len(truth), bool)
    untouched[decided] = False
    before = float((start == truth)[untouched].mean())
    after = float((found == truth)[untouched].mean())
    taught = float((collection.taught == truth)[untouched].mean())
    return before, after - before, taught - before


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    options = parser.parse_args()
    out = sys.stdout
    out.write("| collection | n | corrections | before | gain, mean | worst draw | bound |\n")
    out.write("|---|---|---|---|---|---|---|\n")
    for path in sorted(options.folder.glob("*.npz")):
        collection = load(path)
        for corrections in CORRECTIONS:
            found = np.array([gains(collection, corrections, d) for d in range(options.draws)])
            before, gain, bound = found.mean(axis=0)
            out.write(
                f"| {collection.name} | {len(collection.truth)} | {corrections} | {before:.3f} |"
                f" {100 * gain:+.1f} | {100 * found[:, 1].min():+.1f} | {100 * bound:+.1f} |\n"
            )
            out.flush()


if __name__ == "__main__":
    main()

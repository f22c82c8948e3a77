"""How good a clustering is: against the truth, and by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from dclust_gui.algorithms.base import NOISE, UnusableDataError
from dclust_gui.algorithms.internal import (
    InternalMeasures,
    internal_measures,
    silhouette_values,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Confusion",
    "ExternalMeasures",
    "InternalMeasures",
    "class_scores",
    "confusion",
    "external_measures",
    "internal_measures",
    "silhouette_values",
]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each truth class meets each cluster.

    Attributes:
        classes: The classes' values, ascending.
        clusters: The clusters' labels, ascending, without Unassigned.
        counts: int64 (n_classes, n_clusters).
        unassigned: int64 (n_classes,) images of each class that are Unassigned.
        matched_cluster: int64 (n_classes,) column matched one-to-one to each class; -1 for none.
    """

    classes: NDArray[np.generic]
    clusters: NDArray[np.integer]
    counts: NDArray[np.int64]
    unassigned: NDArray[np.int64]
    matched_cluster: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExternalMeasures:
    """Agreement of labels with the truth; every value in [0, 1] but `ari` (from -0.5).

    Attributes:
        accuracy: Share of images in the cluster matched one-to-one (Hungarian) to their class;
            Unassigned images and those in unmatched clusters are wrong.
        nmi: Mutual information over the arithmetic mean of the entropies.
        ari: Adjusted Rand index.
        precision: Mean over classes, after that matching; 0 for an unmatched class.
        recall: Likewise.
        f1: Likewise.
        fbeta: Likewise, (1 + b^2) P R / (b^2 P + R).
        pair_f1: F1 over pairs of images.
        bcubed_f1: F1 of B-cubed precision and recall.
        homogeneity: 1 - H(class | cluster) / H(class).
        completeness: 1 - H(cluster | class) / H(cluster).
        purity: Share of images in their cluster's largest class; rises with k.
    """

    accuracy: float
    nmi: float
    ari: float
    precision: float
    recall: float
    f1: float
    fbeta: float
    pair_f1: float
    bcubed_f1: float
    homogeneity: float
    completeness: float
    purity: float


def confusion(labels: NDArray[np.integer], truth: NDArray[np.generic]) -> Confusion:
    """Count classes against clusters and match them one-to-one for the most agreement.

    Args:
        labels: int (n_images,), -1 for Unassigned.
        truth: (n_images,) class of each image, of any sortable type.

    Returns:
        The table.

    Raises:
        UnusableDataError: If the lengths differ or there are no images.

    Source:
        Kuhn, "The Hungarian method for the assignment problem", 1955 (SciPy's solver).
    """
    labels, truth = np.asarray(labels), np.asarray(truth)
    if labels.shape != truth.shape or labels.ndim != 1 or not len(labels):
        raise UnusableDataError(
            "Could not compare the clusters with the truth.",
            f"There are {len(labels)} labels and {len(truth)} classes.",
        )
    classes, class_of = np.unique(truth, return_inverse=True)
    clusters, cluster_of = np.unique(np.maximum(labels, NOISE), return_inverse=True)
    counts = _crosstab(class_of, cluster_of, (len(classes), len(clusters)))
    unassigned = np.zeros(len(classes), dtype=np.int64)
    if clusters[0] == NOISE:
        unassigned, counts, clusters = counts[:, 0], counts[:, 1:], clusters[1:]
    matched = np.full(len(classes), -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(counts, maximize=True)
    matched[rows] = columns
    return Confusion(classes, clusters, counts, unassigned, matched)


def _crosstab(
    rows: NDArray[np.integer], columns: NDArray[np.integer], shape: tuple[int, int]
) -> NDArray[np.int64]:
    flat = rows.astype(np.int64) * shape[1] + columns
    return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def external_measures(
    labels: NDArray[np.integer], truth: NDArray[np.generic], beta: float = 1.0
) -> ExternalMeasures:
    """Measure labels against the truth.

    Unassigned images are wrong for accuracy, precision, recall and F; for the other measures,
    which compare partitions, they form one group, as scikit-learn counts the label -1.

    Args:
        labels: int (n_images,), -1 for Unassigned.
        truth: (n_images,) class of each image.
        beta: Weight of recall in `fbeta`, > 0.

    Returns:
        The measures.

    Raises:
        UnusableDataError: If the lengths differ, there are no images, or `beta` <= 0.
    """
    if not (np.isfinite(beta) and beta > 0):
        raise UnusableDataError(f"Could not use beta={beta}.", "It must be a number above 0.")
    table = confusion(labels, truth)
    accuracy, precision, recall, f1, fbeta = _matched_measures(table, beta)
    groups = np.column_stack([table.counts, table.unassigned])
    homogeneity, completeness, nmi = _entropy_measures(groups)
    pair_f1, ari = _pair_measures(groups)
    return ExternalMeasures(
        accuracy=accuracy,
        nmi=nmi,
        ari=ari,
        precision=precision,
        recall=recall,
        f1=f1,
        fbeta=fbeta,
        pair_f1=pair_f1,
        bcubed_f1=_bcubed_f1(groups),
        homogeneity=homogeneity,
        completeness=completeness,
        purity=int(groups.max(0).sum()) / int(groups.sum()),
    )


def _f_score(
    precision: NDArray[np.float64], recall: NDArray[np.float64], beta: float
) -> NDArray[np.float64]:
    below = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / np.where(below > 0, below, 1.0)


def class_scores(
    table: Confusion, beta: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall and F of each class after the matching.

    Args:
        table: From `confusion`.
        beta: Weight of recall.

    Returns:
        Three float64 (n_classes,); 0 for classes without a cluster.
    """
    has = table.matched_cluster >= 0
    hits = np.zeros(len(table.classes))
    sizes = np.ones(len(table.classes))
    chosen = table.matched_cluster[has]
    hits[has] = table.counts[has, chosen]
    sizes[has] = table.counts.sum(0)[chosen]
    precision = hits / np.maximum(sizes, 1)
    recall = hits / (table.counts.sum(1) + table.unassigned)
    return precision, recall, _f_score(precision, recall, beta)


def _matched_measures(table: Confusion, beta: float) -> tuple[float, float, float, float, float]:
    has = table.matched_cluster >= 0
    hits = int(table.counts[has, table.matched_cluster[has]].sum())
    total = int(table.counts.sum() + table.unassigned.sum())
    precision, recall, fbeta = class_scores(table, beta)
    f1 = _f_score(precision, recall, 1.0)
    means = [float(values.mean()) for values in (precision, recall, f1, fbeta)]
    return (hits / total, means[0], means[1], means[2], means[3])


def _entropy(counts: NDArray[np.int64]) -> float:
    positive = counts[counts > 0].astype(np.float64)
    total = positive.sum()
    return float(np.log(total) - (positive * np.log(positive)).sum() / total)


def _entropy_measures(counts: NDArray[np.int64]) -> tuple[float, float, float]:
    """Homogeneity, completeness and NMI of a table of classes x groups."""
    of_classes = _entropy(counts.sum(1))
    of_groups = _entropy(counts.sum(0))
    shared = max(0.0, of_classes + of_groups - _entropy(counts.ravel()))
    homogeneity = shared / of_classes if of_classes > 1e-15 else 1.0
    completeness = shared / of_groups if of_groups > 1e-15 else 1.0
    mean = (of_classes + of_groups) / 2
    nmi = shared / mean if mean > 1e-15 else 1.0
    return min(homogeneity, 1.0), min(completeness, 1.0), min(nmi, 1.0)


def _pairs(counts: NDArray[np.int64]) -> int:
    return sum(c * (c - 1) // 2 for c in counts.ravel().tolist())


def _pair_measures(counts: NDArray[np.int64]) -> tuple[float, float]:
    """F1 over pairs and the adjusted Rand index, in exact integers up to the last division."""
    together = _pairs(counts)
    in_class, in_group = _pairs(counts.sum(1)), _pairs(counts.sum(0))
    total = int(counts.sum())
    every = total * (total - 1) // 2
    below = in_class + in_group
    pair_f1 = 2 * together / below if below else 1.0
    # (index - expected) / (mean - expected), above and below times 2 * every
    above = 2 * (together * every - in_class * in_group)
    scale = below * every - 2 * in_class * in_group
    return pair_f1, above / scale if scale else 1.0


def _bcubed_f1(counts: NDArray[np.int64]) -> float:
    squares = counts.astype(np.float64) ** 2
    total = float(counts.sum())
    precision = (squares / np.maximum(counts.sum(0), 1)).sum() / total
    recall = (squares / counts.sum(1)[:, None]).sum() / total
    return float(2 * precision * recall / (precision + recall))

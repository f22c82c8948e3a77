"""True classes of a project: kept with it, and what the clusters are worth against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import ImageStatus
from dclust_gui.domain.names import UNASSIGNED_NAME
from dclust_gui.domain.truth import Truth
from dclust_gui.services.evaluation import check_beta, measures_of
from dclust_gui.services.session import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.importing.values import ImportPlan
    from dclust_gui.services.session import ProjectSession


def keep_truth(session: ProjectSession, plan: ImportPlan) -> Truth:
    """Keep the labels of a plan as the project's true classes, in place of earlier ones.

    Raises:
        InputError: If there is nothing to import.
        StorageError: If they cannot be saved.
    """
    plan.check()
    truth = Truth.of(plan.labels, now())
    if not len(truth.images):
        raise InputError(
            f"There are no classes in {plan.labels.source}.",
            f"All of its labels are '{UNASSIGNED_NAME}'.",
        )
    session.set_truth(truth)
    return truth


def true_classes(truth: Truth, images: Sequence[ImageRecord]) -> list[str]:
    """The true class of each image; empty for those without one or that cannot be read."""
    codes = truth.codes_of_all(len(images)).tolist()
    return [
        truth.classes[code] if code >= 0 and record.facts.status is not ImageStatus.UNREADABLE
        else ""
        for code, record in zip(codes, images, strict=True)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ClassTable:
    """True classes counted against clusters.

    Attributes:
        classes: Names of the classes: the rows.
        titles: Titles of the clusters, in the order in which they match the classes best, then
            Unassigned if some images are: the columns.
        counts: int64 (n_classes, n_columns) images.
        labels: int64 (m,), the cluster of each image that has a class.
        truth: (m,), its class.
    """

    classes: tuple[str, ...]
    titles: tuple[str, ...]
    counts: NDArray[np.int64]
    labels: NDArray[np.int64]
    truth: NDArray[np.str_]


def class_table(clustering: Clustering, classes: Sequence[str]) -> ClassTable:
    """Count the images that have a true class.

    Args:
        clustering: The present state.
        classes: The class of each image; empty for none.

    Raises:
        InputError: If no image has a true class.
    """
    from dclust_gui.algorithms.measures import confusion

    known = np.flatnonzero([bool(name) for name in classes])
    if not len(known):
        raise InputError(
            "No image has a true class.", "The true classes are of images that cannot be read."
        )
    truth = np.array([classes[i] for i in known.tolist()])
    labels = clustering.labels[known].astype(np.int64)
    table = confusion(labels, truth)
    matched = [column for column in table.matched_cluster.tolist() if column >= 0]
    order = [*matched, *(i for i in range(len(table.clusters)) if i not in matched)]
    titles = [clustering.clusters[int(table.clusters[i])].title for i in order]
    counts = table.counts[:, order]
    if table.unassigned.any():
        titles.append(UNASSIGNED_NAME)
        counts = np.column_stack([counts, table.unassigned])
    counts.setflags(write=False)
    names = tuple(str(name) for name in table.classes)
    return ClassTable(names, tuple(titles), counts, labels, truth)


def evaluate_truth(
    clustering: Clustering, classes: Sequence[str], beta: float = 1.0
) -> dict[str, object]:
    """Measures of the present clusters against true classes.

    Args:
        clustering: The present state.
        classes: The class of each image; empty for none.
        beta: Weight of recall in F-beta, above 0.

    Returns:
        The measures of `evaluation.evaluate`, the number of `images` compared and of those
        `unassigned`, and `confusion`: `rows` (classes), `columns` (clusters), `counts`.

    Raises:
        InputError: If no image has a true class, or beta is not above 0.
    """
    check_beta(beta)
    table = class_table(clustering, classes)
    values: dict[str, object] = dict(measures_of(table.labels, table.truth, beta))
    values["images"] = len(table.labels)
    values["unassigned"] = int((table.labels == UNASSIGNED).sum())
    values["confusion"] = {
        "rows": list(table.classes),
        "columns": list(table.titles),
        "counts": table.counts.tolist(),
    }
    return values

"""How well labels agree with true ones, or two passes with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import InputError
from dclust_gui.services.labels_table import labels_by_path, read_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.services.labels_table import LabelRow

FOLDERS = "folders"
"""Names the truth that is the first folder below the root."""

_MEASURES = (
    "accuracy",
    "nmi",
    "ari",
    "precision",
    "recall",
    "f1",
    "fbeta",
    "pair_f1",
    "bcubed_f1",
    "homogeneity",
    "completeness",
    "purity",
)


def labels_of_rows(rows: Iterable[LabelRow]) -> dict[str, str]:
    """Cluster by path; unreadable files are left out."""
    return {row.path: str(row.cluster) for row in rows if row.cluster is not None}


def read_truth(path: Path) -> dict[str, str]:
    """True labels from a CSV file; its column `label` comes before a column `cluster`.

    Raises:
        InputError: If the file cannot be read or lacks the columns.
    """
    return read_pass(path, ("label", "cluster"))


def read_pass(path: Path, columns: Sequence[str] = ("cluster", "label")) -> dict[str, str]:
    """Labels by path, from our own table or from any that `dclust import` understands.

    Args:
        path: The file.
        columns: Names of the column of labels in a table like ours, see `read_labels`.

    Raises:
        InputError: If it cannot be read, nobody can tell which column is which, or a path has
            two labels.
    """
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.importing.columns import chosen_columns
    from dclust_gui.services.importing.sources import read_labels as read_any

    try:
        return read_labels(path, columns)
    except InputError as error:
        try:
            table = chosen_columns(read_any(path, CancelToken()), "", "")
        except InputError:
            raise error from None
    at, label = table.path_column or 0, table.label_column or 0
    return labels_by_path(path, ((row.cells[at], row.cells[label]) for row in table.rows))


def check_beta(beta: float) -> None:
    """Refuse a weight of recall that is no number above 0.

    Raises:
        InputError: If so.
    """
    if not 0 < beta < np.inf:
        raise InputError(f"Could not use --beta {beta:g}.", "It must be a number above 0.")


def truth_for(paths: Iterable[str], truth: str, *, several_roots: bool = False) -> dict[str, str]:
    """The true label of each path.

    Args:
        paths: Paths as in the labels table.
        truth: `folders`, or the name of a CSV file with columns `path,label`.
        several_roots: Paths start with their root's name.

    Returns:
        Label by path; paths without a true label are left out.

    Raises:
        InputError: If the file cannot be used, or no path has a true label.
    """
    if truth == FOLDERS:
        at = 1 if several_roots else 0
        split = {path: path.split("/") for path in paths}
        found = {path: parts[at] for path, parts in split.items() if len(parts) > at + 1}
    else:
        from pathlib import Path

        known = read_truth(Path(truth))
        found = {path: known[path] for path in paths if path in known}
    if not found:
        raise InputError(
            "No image has a true label.",
            "With 'folders' the images must lie in one folder per class below the root; "
            "with a file its column 'path' must name the images as the labels table does.",
        )
    return found


def evaluate(
    labels: Mapping[str, str], truth: Mapping[str, str], beta: float = 1.0
) -> dict[str, float]:
    """External measures over the images that have both a label and a true label.

    Args:
        labels: Cluster by path; `-1` is Unassigned, which counts as wrong.
        truth: True label by path.
        beta: Weight of recall in F-beta, above 0.

    Returns:
        accuracy, nmi, ari, precision, recall, f1, fbeta, pair_f1, bcubed_f1, homogeneity,
        completeness and purity, each at most 1; see `algorithms.measures.external_measures`.

    Raises:
        InputError: If no image is in both, or beta is not above 0.
    """
    common = sorted(labels.keys() & truth.keys())
    if not common:
        raise InputError("The two tables have no image in common.")
    check_beta(beta)
    clusters = [labels[path] for path in common]
    codes = {name: i for i, name in enumerate(sorted({c for c in clusters if c != "-1"}))}
    coded = np.array([codes.get(c, UNASSIGNED) for c in clusters], np.int64)
    return measures_of(coded, np.array([truth[path] for path in common]), beta)


def measures_of(
    labels: NDArray[np.int64], truth: NDArray[np.str_], beta: float = 1.0
) -> dict[str, float]:
    """The measures of `evaluate` for labels and classes in the same order.

    Args:
        labels: int64 (n_images,), -1 for Unassigned; at least one.
        truth: (n_images,), the true class of each image.
        beta: Weight of recall in F-beta, above 0.
    """
    from dclust_gui.algorithms.measures import external_measures

    found = external_measures(labels, truth, beta=beta)
    return {name: float(getattr(found, name)) for name in _MEASURES}


def evaluate_files(first: Path, second: str, beta: float = 1.0) -> dict[str, float]:
    """Measures of a labels table against a truth: `folders` or another table."""
    labels = read_pass(first)
    return evaluate(labels, truth_for(labels, second), beta)

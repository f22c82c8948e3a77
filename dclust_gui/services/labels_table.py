"""The table of labels: a row per image file, as CSV that other programs read."""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import CompanionKind, ImageStatus, display_path
from dclust_gui.services.outputs import write_output

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord, SkippedFile

COLUMNS = ("path", "cluster", "name", "confidence", "status")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One image file.

    Attributes:
        path: Below the root folder, separated by `/`; with several roots it starts with the
            root's name.
        cluster: The cluster's id, `UNASSIGNED`, or None for an unreadable file.
        name: The cluster's title; empty when there is no cluster.
        confidence: 0 to 1; None when unknown.
        status: What became of the file.
    """

    path: str
    cluster: int | None
    name: str
    confidence: float | None
    status: ImageStatus


def label_rows(
    records: Sequence[ImageRecord],
    roots: Sequence[Path],
    clustering: Clustering,
    confidence: NDArray[np.float32],
    skipped: Iterable[SkippedFile] = (),
) -> list[LabelRow]:
    """The table's rows, sorted by path.

    Args:
        records: All images; missing files have no row.
        roots: The root folders.
        clustering: Labels of the images.
        confidence: float32 (n_images,), NaN where unknown.
        skipped: Files of the scan that could not even be opened.
    """
    prefixes = root_prefixes(roots)
    rows = []
    for image, record in enumerate(records):
        if record.is_missing:
            continue
        names = [record.relative]
        names += [c.relative for c in record.companions if c.kind is CompanionKind.IMAGE]
        status = record.facts.status
        for name in names:
            path = prefixes[record.root] + display_path(name)
            if status in (ImageStatus.UNREADABLE, ImageStatus.PENDING):
                rows.append(LabelRow(path, None, "", None, ImageStatus.UNREADABLE))
                continue
            cluster = int(clustering.labels[image])
            title = "Unassigned" if cluster == UNASSIGNED else clustering.clusters[cluster].title
            value = float(confidence[image])
            known = None if np.isnan(value) else value
            rows.append(LabelRow(path, cluster, title, known, status))
    for file in skipped:
        if file.is_image:
            path = prefixes[file.root] + display_path(file.relative)
            rows.append(LabelRow(path, None, "", None, ImageStatus.UNREADABLE))
    return sorted(rows, key=lambda row: row.path)


def root_prefixes(roots: Sequence[Path]) -> list[str]:
    """What comes before the path of each root's images: nothing, or the root's name and `/`."""
    if len(roots) == 1:
        return [""]
    seen: Counter[str] = Counter()
    prefixes = []
    for root in roots:
        name = display_path(os.fsencode(root.name)) or "root"
        seen[name] += 1
        prefixes.append(f"{name}/" if seen[name] == 1 else f"{name} ({seen[name]})/")
    return prefixes


def write_labels(path: Path, rows: Iterable[LabelRow]) -> None:
    """Write the table as CSV, whole or not at all; see `labels_text`.

    Args:
        path: The file; an existing one is replaced.
        rows: The rows.

    Raises:
        InputError: If it would take the place of an image or project.
        StorageError: If the file cannot be written.
    """
    write_output(path, labels_text(rows), "the labels")


def labels_text(rows: Iterable[LabelRow]) -> str:
    """The table as CSV.

    A text that a spreadsheet would take for a formula gets `./` (path) or `'` (name) before it.
    """
    lines = [",".join(COLUMNS)]
    lines += [
        ",".join(
            (
                _quoted(spreadsheet_safe(row.path, "./")),
                "" if row.cluster is None else str(row.cluster),
                _quoted(spreadsheet_safe(row.name)),
                "" if row.confidence is None else f"{row.confidence:.4f}",
                row.status.value,
            )
        )
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def read_labels(path: Path, columns: Sequence[str] = ("cluster", "label")) -> dict[str, str]:
    """Labels from a CSV file with a column `path` and a column `cluster` or `label`.

    Args:
        path: The file, UTF-8.
        columns: Names of the column of labels; the first one that is there is taken.

    Returns:
        Label by path; rows with an empty label (unreadable files) are left out.

    Raises:
        InputError: If the file cannot be read or lacks the columns, or a path has two labels.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            found = reader.fieldnames or ()
            column = next((c for c in columns if c in found), None)
            if "path" not in found or column is None:
                raise InputError(
                    f"'{path.name}' is not a table of labels.",
                    "It needs a column 'path' and a column 'cluster' or 'label'.",
                )
            rows = [(row["path"], row[column]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"Could not read the labels in '{path}'.", f"{why}.") from error
    return labels_by_path(path, rows)


def labels_by_path(path: Path, rows: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
    """Labels by path, from a table's rows.

    Args:
        path: The table, for the error.
        rows: Paths and labels; those that lack either are left out.

    Raises:
        InputError: If a path has two labels.
    """
    found: dict[str, str] = {}
    for name, label in rows:
        if not (name and name.strip() and label and label.strip()):
            continue
        known = found.setdefault(name.removeprefix("./"), label)
        if known != label:
            raise InputError(
                f"'{path.name}' has two labels for '{name}'.",
                f"They are '{known}' and '{label}'.",
                "Keep the line that is right.",
            )
    return found


def spreadsheet_safe(text: str, before: str = "'") -> str:
    """A text that no spreadsheet takes for a formula, so that it can be told what it was.

    Args:
        text: Any text.
        before: What is put before one that begins like a formula: `'`, or `./` for a path.
    """
    begins = text.lstrip("'") if before == "'" else text
    return before + text if begins.startswith(FORMULA_STARTS) else text


def _quoted(text: str) -> str:
    """A field in quotes where it needs them; the csv module forgets the carriage return."""
    if any(c in text for c in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text

"""What an import would do: labels by image, and everything that could not be taken."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.events import Stage
from dclust_gui.domain.images import display_path
from dclust_gui.domain.imports import ImageLabels, import_clusters
from dclust_gui.engine.progress import StageMeter
from dclust_gui.services.importing.columns import chosen_columns
from dclust_gui.services.importing.labelling import Labelling
from dclust_gui.services.importing.matching import Matcher
from dclust_gui.services.importing.own_images import folder_labels, keyword_labels
from dclust_gui.services.importing.sources import read_labels
from dclust_gui.services.importing.values import (
    Found,
    ImportPlan,
    Problem,
    SourceKind,
)
from dclust_gui.services.labels_table import FORMULA_STARTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.imports import ClusterImport
    from dclust_gui.services.importing.values import ImportRequest, LabelTable
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot

_FOLDER_NAMES = "folder names"
_HASH_DIGITS = 32
_NUMBERS = re.compile(r"([0-9]{1,9})")


def plan_import(
    request: ImportRequest,
    snapshot: Snapshot,
    sink: EventSink,
    token: CancelToken,
    table: LabelTable | None = None,
) -> ImportPlan:
    """Find out what an import would do; changes nothing.

    Args:
        request: What is asked for.
        snapshot: The project.
        sink: Takes progress of `Stage.IMPORT`, in entries or images.
        token: Stops the work.
        table: The request's file if it has been read already.

    Raises:
        InputError: If the source cannot be read.
        Cancelled: If the job was cancelled.
    """
    if request.kind is SourceKind.FILE and request.path is not None:
        read = table or read_labels(request.path, token)
        return _of_table(read, request, snapshot, sink, token)
    if request.kind is SourceKind.FOLDERS:
        own = folder_labels(snapshot, request.levels)
        source = _FOLDER_NAMES
    else:
        meter = StageMeter(Stage.IMPORT, len(snapshot.images), sink, token)
        own = keyword_labels(snapshot, meter)
        meter.finish()
        source = "keywords"
    return _plan(own.found, own.problems, own.notes, source, snapshot)


def cluster_import(
    plan: ImportPlan, state: Clustering, *, others_unassigned: bool = False
) -> tuple[ClusterImport, tuple[Problem, ...]]:
    """The step that a plan makes of a state, and the labels that pins and stacks keep out.

    Args:
        plan: The plan.
        state: The present state.
        others_unassigned: All other images go to Unassigned.
    """
    found = import_clusters(state, plan.labels, others_unassigned=others_unassigned)
    held: list[Problem] = []
    for image in found.held.tolist():
        row = state.clusters.get(int(state.labels[image]))
        why = "The cluster of its label is pinned."
        if row is not None and row.is_pinned:
            why = f"It stays in '{row.title}', which is pinned."
        held.append(Problem(*plan.places[image], why))
    why = "It is bound to images most of which have another label, and goes with them."
    held += [Problem(*plan.places[image], why) for image in found.outvoted.tolist()]
    return found, tuple(held)


def apply_import(
    session: ProjectSession, plan: ImportPlan, *, others_unassigned: bool = False
) -> bool:
    """Carry out a plan on clusters as one step; False if nothing changes by it.

    Raises:
        InputError: If there is nothing to import.
        StorageError: If it cannot be saved.
    """
    plan.check()
    found, _ = cluster_import(plan, session.saved_clustering, others_unassigned=others_unassigned)
    return session.apply(found.edit)


def _of_table(
    table: LabelTable,
    request: ImportRequest,
    snapshot: Snapshot,
    sink: EventSink,
    token: CancelToken,
) -> ImportPlan:
    chosen = chosen_columns(table, request.path_column, request.label_column)
    base = None if chosen.are_copies else request.base or chosen.base
    matcher = Matcher(snapshot.images, snapshot.roots, base, token)
    meter = StageMeter(Stage.IMPORT, len(chosen.rows), sink, token)
    found: list[Found] = []
    problems = list(chosen.problems)
    for row in chosen.rows:
        meter.advance()
        path, label = row.cells[chosen.path_column or 0], row.cells[chosen.label_column or 0]
        what = _copy_shown(path, chosen.base) if chosen.are_copies else path
        if not path.strip():
            problems.append(Problem(row.where, label, "There is no path."))
            continue
        content = _content(row.cells, chosen.content_column)
        match = matcher.find(path, content, is_copy=chosen.are_copies)
        if match.why:
            problems.append(Problem(row.where, what, match.why))
            continue
        text = _unquoted(label) if chosen.is_spreadsheet else label
        images = tuple(dict.fromkeys(file.image for file in match.files))
        file = match.files[0].relative
        found.append(Found(row.where, what, text, images, file, match.how))
    meter.finish()
    return _plan(found, problems, (), chosen.title, snapshot, chosen)


def _about(table: LabelTable | None) -> str:
    """What was read, in words; with the column of labels where several might be it."""
    if table is None or table.label_column is None:
        return ""
    is_plain = len(table.columns) <= 2 + (table.content_column is not None)
    taken = "" if is_plain else f", labels from '{table.columns[table.label_column]}'"
    return table.about + taken


def _plan(
    found: Iterable[Found],
    problems: Iterable[Problem],
    notes: Iterable[str],
    source: str,
    snapshot: Snapshot,
    table: LabelTable | None = None,
) -> ImportPlan:
    titles = tuple(row.title for row in snapshot.clustering.clusters.values())
    by_files = source == _FOLDER_NAMES if table is None else table.is_named_by_files
    labelling = Labelling(titles, is_named_by_files=by_files)
    for item in found:
        labelling.add(item)
    taken = labelling.result()
    images = np.array([item.image for item in taken], np.int32)
    codes, names = labelling.used_names([item.code for item in taken])
    labels = ImageLabels(images, np.array(codes, np.int32), names, source)
    return ImportPlan(
        labels,
        Counter(item.how for item in taken),
        tuple(sorted((*problems, *labelling.problems), key=_place)),
        (*notes, *labelling.notes()),
        len(snapshot.images),
        {item.image: (item.where, item.what) for item in taken},
        _about(table),
    )


def _place(problem: Problem) -> list[tuple[int, str]]:
    """What sorts problems by where they are: `line 9` before `line 10`."""
    return [(int(t), "") if t.isdecimal() else (0, t) for t in _NUMBERS.split(problem.where)]


def _copy_shown(path: str, folder: Path | None) -> str:
    """A sorted copy by its path below the folder, fit to show."""
    below = path if folder is None else os.path.relpath(path, folder)
    return display_path(os.fsencode(below))


def _content(cells: tuple[str, ...], column: int | None) -> bytes:
    """The content hash of a row; empty where there is none."""
    text = cells[column] if column is not None else ""
    if len(text) != _HASH_DIGITS:
        return b""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _unquoted(label: str) -> str:
    """A label without the `'` that keeps spreadsheets from taking it for a formula."""
    is_safe = label.startswith("'") and label.lstrip("'").startswith(FORMULA_STARTS)
    return label[1:] if is_safe else label

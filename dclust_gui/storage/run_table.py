"""Finished runs of a project as rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.storage.arrays import DamagedArraysError, from_bytes, smallest, to_bytes
from dclust_gui.storage.edit_codec import (
    pack_adopted,
    pack_ids,
    unpack_adopted,
    unpack_ids,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.domain.identity import Adoption


@dataclass(frozen=True, slots=True, eq=False)
class RunClusters:
    """Which clusters a run's labels became when it was accepted.

    Attributes:
        ids: int32 (k,), the cluster of each label from 0 up; negative for gaps.
        clusters: Those clusters by id as they were then.
    """

    ids: NDArray[np.int32]
    clusters: Mapping[int, Cluster]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run without its arrays.

    Attributes:
        id: Number within the project, from 1.
        created: ISO 8601 time with offset.
        settings: What was asked for.
        n_images: Number of images that were clustered.
        k: Number of clusters.
    """

    id: int
    created: str
    settings: RunSettings
    n_images: int
    k: int


def insert_run(connection: sqlite3.Connection, run: Run) -> int:
    """Write a run; call it inside a transaction.

    Returns:
        Its number.

    Raises:
        sqlite3.Error: If it cannot be written.
    """
    arrays = {
        "images": pack_ids(run.images),
        "labels": smallest(run.labels),
        "confidence": run.confidence.astype(np.float32),
        "children": run.tree[:, :2].astype(np.int32),
        "heights": run.tree[:, 2].astype(np.float64),
        "counts": run.tree[:, 3].astype(np.int32),
    }
    if run.errors is not None:
        arrays["errors"] = run.errors.astype(np.float32)
    k = len(np.unique(run.labels[run.labels >= 0]))
    settings = json.dumps(_plain(run.settings), ensure_ascii=False)
    row = (run.created, settings, run.backbone, len(run.images), k, run.report, to_bytes(arrays))
    cursor = connection.execute(
        "INSERT INTO run (created, settings, backbone, n_images, k, report, arrays)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    return int(cursor.lastrowid or 0)


def load_run(connection: sqlite3.Connection, run_id: int) -> Run:
    """Read a run.

    Raises:
        KeyError: If there is no such run.
        ValueError: If it is damaged.
        sqlite3.Error: If it cannot be read.
    """
    row = connection.execute(
        "SELECT created, settings, backbone, report, arrays FROM run WHERE id = ?", (run_id,)
    ).fetchone()
    if row is None:
        raise KeyError(f"no run {run_id}")
    created, settings, backbone, report, data = row
    arrays = from_bytes(data)
    try:
        images = unpack_ids(arrays["images"])
        labels = arrays["labels"].astype(np.int32)
        confidence = arrays["confidence"].astype(np.float32)
        tree = np.column_stack([arrays["children"], arrays["heights"], arrays["counts"]])
    except KeyError as error:
        raise DamagedArraysError(f"not a run: {error}") from error
    errors = arrays["errors"].astype(np.float32) if "errors" in arrays else None
    for array in (images, labels, confidence, tree, *(() if errors is None else (errors,))):
        array.setflags(write=False)
    return Run(
        run_id,
        created,
        _settings(settings),
        backbone,
        images,
        labels,
        confidence,
        _as_tree(tree),
        report,
        errors,
    )


def load_summaries(connection: sqlite3.Connection) -> tuple[RunSummary, ...]:
    """All runs without their arrays, oldest first."""
    rows = connection.execute("SELECT id, created, settings, n_images, k FROM run ORDER BY id")
    return tuple(
        RunSummary(key, created, _settings(settings), n_images, k)
        for key, created, settings, n_images, k in rows
    )


def save_adoption(connection: sqlite3.Connection, run_id: int, adoption: Adoption) -> None:
    """Write down which clusters a run's labels became; call it inside a transaction.

    Raises:
        sqlite3.Error: If it cannot be written.
    """
    data = pack_adopted(adoption.ids, adoption.own)
    connection.execute("UPDATE run SET adopted = ? WHERE id = ?", (data, run_id))


def load_adoption(connection: sqlite3.Connection, run_id: int) -> RunClusters | None:
    """Which clusters a run's labels became; None if it was never accepted.

    Raises:
        KeyError: If there is no such run.
        ValueError: If it is damaged.
        sqlite3.Error: If it cannot be read.
    """
    row = connection.execute("SELECT adopted FROM run WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise KeyError(f"no run {run_id}")
    return None if row[0] is None else RunClusters(*unpack_adopted(row[0]))


def _as_tree(tree: NDArray[np.generic]) -> NDArray[np.float64]:
    ordered = np.ascontiguousarray(tree, np.float64)
    ordered.setflags(write=False)
    return ordered


def _plain(settings: RunSettings) -> dict[str, object]:
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    return {**values, "parameters": dict(settings.parameters)}


def _settings(text: str) -> RunSettings:
    """Settings from JSON; names that this version does not know are passed over."""
    values = json.loads(text)
    names = {f.name for f in fields(RunSettings)}
    return RunSettings(**{name: value for name, value in values.items() if name in names})

"""Edits and states of a clustering as compressed bytes, and how edits are replayed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.edits import Edit, EditKind
from dclust_gui.domain.selection import Selection
from dclust_gui.storage.arrays import DamagedArraysError, from_bytes, smallest, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    ClusterRow = dict[str, int | str | bool]
    Meta = dict[str, int | str | list[ClusterRow | int] | None]

_BOOLEANS = ("is_pinned", "is_reviewed", "is_ignored")


def pack_edit(edit: Edit) -> bytes:
    """Write an edit down.

    Args:
        edit: Any edit.
    """
    meta = {
        "kind": edit.kind.value,
        "title": edit.title,
        "before": _rows(edit.clusters_before),
        "after": _rows(edit.clusters_after),
        "run_before": edit.run_before,
        "run_after": edit.run_after,
    }
    arrays = {
        "meta": _meta_array(meta),
        "images": pack_ids(edit.images),
        "labels_before": smallest(edit.labels_before),
        "labels_after": smallest(edit.labels_after),
        "flags_before": edit.flags_before,
        "flags_after": edit.flags_after,
    }
    if len(edit.stacks_before):
        arrays["stacks_before"] = smallest(edit.stacks_before)
        arrays["stacks_after"] = smallest(edit.stacks_after)
    return to_bytes(arrays)


def unpack_edit(data: bytes) -> Edit:
    """Read an edit.

    Raises:
        DamagedArraysError: If the bytes are not an edit.
    """
    arrays = from_bytes(data)
    try:
        meta = json.loads(arrays["meta"].tobytes())
        return Edit(
            EditKind(meta["kind"]),
            meta["title"],
            unpack_ids(arrays["images"]),
            arrays["labels_before"].astype(np.int32),
            arrays["labels_after"].astype(np.int32),
            arrays["flags_before"].astype(np.uint8),
            arrays["flags_after"].astype(np.uint8),
            _table(meta["before"]),
            _table(meta["after"]),
            meta["run_before"],
            meta["run_after"],
            *(_stacks(arrays, name) for name in ("stacks_before", "stacks_after")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedArraysError(f"not an edit: {error}") from error


def pack_state(state: Clustering) -> bytes:
    """Write a state down as a whole."""
    meta = {
        "clusters": _rows(state.clusters),
        "next_id": state.next_id,
        "run": state.run_id,
    }
    arrays = {"meta": _meta_array(meta), "labels": smallest(state.labels), "flags": state.flags}
    if state.stacks.any():
        arrays["stacks"] = smallest(state.stacks)
    return to_bytes(arrays)


def unpack_state(data: bytes) -> Clustering:
    """Read a state.

    Raises:
        DamagedArraysError: If the bytes are not a state.
    """
    arrays = from_bytes(data)
    try:
        meta = json.loads(arrays["meta"].tobytes())
        table = {key: row for key, row in _table(meta["clusters"]).items() if row is not None}
        return Clustering(
            arrays["labels"].astype(np.int32),
            arrays["flags"].astype(np.uint8),
            table,
            meta["next_id"],
            meta["run"],
            _stacks(arrays, "stacks"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedArraysError(f"not a state: {error}") from error


def pack_selection(selection: Selection) -> bytes:
    """Write a selection down."""
    ids = np.sort(np.fromiter(selection.images, np.int32, len(selection.images)))
    current = -1 if selection.current is None else selection.current
    return to_bytes({"images": pack_ids(ids), "current": np.array([current], np.int32)})


def unpack_selection(data: bytes) -> Selection:
    """Read a selection.

    Raises:
        DamagedArraysError: If the bytes are not a selection.
    """
    arrays = from_bytes(data)
    try:
        current = int(arrays["current"][0])
        images = frozenset(unpack_ids(arrays["images"]).tolist())
    except (KeyError, IndexError, ValueError) as error:
        raise DamagedArraysError(f"not a selection: {error}") from error
    return Selection(images, None if current < 0 else current)


def pack_adopted(ids: NDArray[np.int32], clusters: Mapping[int, Cluster]) -> bytes:
    """Write down which clusters a run's labels became.

    Args:
        ids: int32 (k,), the cluster of each label from 0 up.
        clusters: Those clusters by id.
    """
    return to_bytes({"ids": smallest(ids), "meta": _meta_array({"clusters": _rows(clusters)})})


def unpack_adopted(data: bytes) -> tuple[NDArray[np.int32], dict[int, Cluster]]:
    """Read what `pack_adopted` has written.

    Raises:
        DamagedArraysError: If the bytes are something else.
    """
    arrays = from_bytes(data)
    try:
        meta = json.loads(arrays["meta"].tobytes())
        table = {key: row for key, row in _table(meta["clusters"]).items() if row is not None}
        return arrays["ids"].astype(np.int32), table
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedArraysError(f"not the clusters of a run: {error}") from error


def replay(state: Clustering, edits: Iterable[Edit]) -> Clustering:
    """The state after many edits; like `edits.apply` again and again, in one pass.

    Args:
        state: The state that the first edit was made for.
        edits: The edits in order.

    Raises:
        ValueError: If an edit was made for another state.
    """
    labels, flags, stacks = state.labels.copy(), state.flags.copy(), state.stacks.copy()
    table, next_id, run_id = dict(state.clusters), state.next_id, state.run_id
    for edit in edits:
        ids = edit.images
        fits = run_id == edit.run_before and (
            not len(ids) or (int(ids.min()) >= 0 and int(ids.max()) < len(labels))
        )
        fits = (
            fits
            and np.array_equal(labels[ids], edit.labels_before)
            and np.array_equal(flags[ids], edit.flags_before)
            and (not len(edit.stacks_before) or np.array_equal(stacks[ids], edit.stacks_before))
            and all(table.get(key) == row for key, row in edit.clusters_before.items())
        )
        if not fits:
            raise ValueError("the edit was made for another state")
        labels[ids] = edit.labels_after
        flags[ids] = edit.flags_after
        if len(edit.stacks_before):
            stacks[ids] = edit.stacks_after
        for key, row in edit.clusters_after.items():
            if row is None:
                table.pop(key, None)
            else:
                table[key] = row
                next_id = max(next_id, key + 1)
        run_id = edit.run_after
    for array in (labels, flags, stacks):
        array.setflags(write=False)
    return Clustering(labels, flags, table, next_id, run_id, stacks)


def pack_ids(ids: NDArray[np.int32]) -> NDArray[np.integer]:
    """Ids as differences, which are small and compress well when the ids are in order."""
    return smallest(np.diff(ids.astype(np.int64), prepend=np.int64(0)).astype(np.int64))


def unpack_ids(differences: NDArray[np.generic]) -> NDArray[np.int32]:
    """Ids from `pack_ids`."""
    return np.cumsum(differences.astype(np.int64)).astype(np.int32)


def _stacks(arrays: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.int32]:
    """Stacks of images; none where none were written."""
    return arrays[name].astype(np.int32) if name in arrays else np.empty(0, np.int32)


def _meta_array(meta: Mapping[str, object]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(meta, separators=(",", ":")).encode(), np.uint8)


def _rows(table: Mapping[int, Cluster | None]) -> list[ClusterRow | int]:
    """Clusters as dictionaries; an id alone where there is none."""
    return [key if row is None else asdict(row) for key, row in table.items()]


def _table(rows: list[ClusterRow | int]) -> dict[int, Cluster | None]:
    table: dict[int, Cluster | None] = {}
    for row in rows:
        if isinstance(row, int):
            table[row] = None
        else:
            cluster = Cluster(
                int(row["id"]),
                str(row["name"]),
                int(row["colour"]),
                str(row["notes"]),
                *(bool(row[name]) for name in _BOOLEANS),
            )
            table[cluster.id] = cluster
    return table

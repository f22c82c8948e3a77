"""Marks, colours and notes of clusters as edits with names fit for the Undo menu."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.domain import edits
from dclust_gui.domain.edits import Edit, EditKind, count_of
from dclust_gui.domain.names import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.clustering import Cluster, Clustering


class Mark(StrEnum):
    """What a person can say of a cluster."""

    PINNED = "pinned"
    REVIEWED = "reviewed"
    IGNORED = "ignored"


def has_mark(cluster: Cluster, mark: Mark) -> bool:
    """Whether a cluster has a mark."""
    match mark:
        case Mark.PINNED:
            return cluster.is_pinned
        case Mark.REVIEWED:
            return cluster.is_reviewed
        case _:
            return cluster.is_ignored


def toggle_mark(state: Clustering, rows: Sequence[Cluster], mark: Mark) -> Edit:
    """Set a mark on clusters, or take it away when all of them have it.

    Args:
        state: The present state.
        rows: Rows of its cluster table, at least one.
        mark: Which.
    """
    return set_mark(state, rows, mark, wanted=not all(has_mark(row, mark) for row in rows))


def set_mark(state: Clustering, rows: Sequence[Cluster], mark: Mark, *, wanted: bool) -> Edit:
    """Set a mark on clusters, or take it away.

    Args:
        state: The present state.
        rows: Rows of its cluster table, at least one.
        mark: Which.
        wanted: Whether they shall have it.
    """
    what = _names(rows)
    match mark:
        case Mark.PINNED:
            after = [replace(row, is_pinned=wanted) for row in rows]
            title = f"pin {what}" if wanted else f"unpin {what}"
        case Mark.REVIEWED:
            after = [replace(row, is_reviewed=wanted) for row in rows]
            title = f"mark {what} as {'' if wanted else 'not '}reviewed"
        case _:
            after = [replace(row, is_ignored=wanted) for row in rows]
            title = f"ignore {what}" if wanted else f"stop ignoring {what}"
    return _update(state, after, title)


def recolour(state: Clustering, rows: Sequence[Cluster], colour: int) -> Edit:
    """Give clusters a colour of the palette.

    Args:
        state: The present state.
        rows: Rows of its cluster table, at least one.
        colour: Index below `PALETTE_SIZE`.
    """
    after = [replace(row, colour=colour) for row in rows]
    return _update(state, after, f"change the colour of {_names(rows)}")


def annotate(state: Clustering, row: Cluster, notes: str) -> Edit:
    """Change a cluster's notes; empty ones take them away."""
    return annotate_all(state, [row], notes)


def annotate_all(state: Clustering, rows: Sequence[Cluster], notes: str) -> Edit:
    """Give clusters the same notes; empty ones take them away."""
    text = clean_text(notes)
    after = [replace(row, notes=text) for row in rows]
    return _update(state, after, f"change the notes of {_names(rows)}")


def _names(rows: Sequence[Cluster]) -> str:
    return f"'{rows[0].title}'" if len(rows) == 1 else count_of(len(rows), "cluster")


def _update(state: Clustering, after: Sequence[Cluster], title: str) -> Edit:
    return edits.update_clusters(state, {row.id: row for row in after}, EditKind.MARK, title)

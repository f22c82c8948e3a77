"""The journal of a project: every decision as a delta, and whole states now and then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import Clustering
from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.history import History, Marker, Step
from dclust_gui.storage.edit_codec import (
    pack_edit,
    pack_selection,
    pack_state,
    replay,
    unpack_edit,
    unpack_selection,
    unpack_state,
)

if TYPE_CHECKING:
    import sqlite3

    from dclust_gui.domain.edits import Edit
    from dclust_gui.domain.selection import Selection

SNAPSHOT_STEPS = 256
"""Steps after which the whole state is kept, so that opening replays no more than these."""

SNAPSHOT_BYTES = 2 << 20
"""Bytes of deltas after which the whole state is kept."""


def load(connection: sqlite3.Connection, n_images: int) -> tuple[Clustering, History]:
    """The present state and all steps.

    Args:
        connection: The project, inside a transaction so that both belong together.
        n_images: Number of images of the project.

    Raises:
        ValueError: If the journal is damaged.
        sqlite3.Error: If it cannot be read.
    """
    present = connection.execute("SELECT position, next_id FROM present").fetchone()
    if present is None:
        raise ValueError("the present position is missing")
    position, next_id = present
    rows = connection.execute("SELECT kind, title, time, user FROM step ORDER BY place")
    steps = tuple(Step(EditKind(kind), title, time, user) for kind, title, time, user in rows)
    start, base = _snapshot(connection, position, n_images, next_id)
    state = replay(base, _edits(connection, start, position))
    rows = connection.execute("SELECT title, time, user, place, is_exact FROM marker ORDER BY id")
    markers = tuple(
        Marker(title, time, user, place, bool(is_exact))
        for title, time, user, place, is_exact in rows
    )
    return state, History(steps, 0, markers).moved(position)


def edit_at(connection: sqlite3.Connection, index: int) -> Edit:
    """The edit of a step.

    Args:
        connection: The project.
        index: Number of the step, from 0.

    Raises:
        IndexError: If there is no such step.
        ValueError: If it is damaged.
        sqlite3.Error: If it cannot be read.
    """
    row = connection.execute("SELECT edit FROM step WHERE place = ?", (index + 1,)).fetchone()
    if row is None:
        raise IndexError("no such step")
    return unpack_edit(row[0])


def selection_at(connection: sqlite3.Connection, index: int) -> Selection | None:
    """What was selected when a step was made; None where that was not written down.

    Args:
        connection: The project.
        index: Number of the step, from 0.

    Raises:
        IndexError: If there is no such step.
        ValueError: If it is damaged.
        sqlite3.Error: If it cannot be read.
    """
    row = connection.execute("SELECT selection FROM step WHERE place = ?", (index + 1,)).fetchone()
    if row is None:
        raise IndexError("no such step")
    return None if row[0] is None else unpack_selection(row[0])


def append_marker(connection: sqlite3.Connection, marker: Marker) -> None:
    """Write a marker; call it inside a transaction.

    Raises:
        sqlite3.Error: If it cannot be written.
    """
    connection.execute(
        "INSERT INTO marker (title, time, user, place, is_exact) VALUES (?, ?, ?, ?, ?)",
        (marker.title, marker.time, marker.user, marker.position, marker.is_exact),
    )


def append(
    connection: sqlite3.Connection,
    position: int,
    edit: Edit,
    step: Step,
    after: Clustering,
    selection: Selection | None = None,
) -> None:
    """Write a step in the place of the undone ones; call it inside a transaction.

    Args:
        connection: The project, inside a transaction.
        position: Number of steps in force before it.
        edit: The edit.
        step: Its entry in the history.
        after: The state after it.
        selection: What was selected when it was made; None if that is not known.

    Raises:
        sqlite3.Error: If it cannot be written.
    """
    connection.execute("DELETE FROM step WHERE place > ?", (position,))
    connection.execute("DELETE FROM snapshot WHERE place > ?", (position,))
    connection.execute(
        "UPDATE marker SET place = ?, is_exact = 0 WHERE place > ?", (position, position)
    )
    data = pack_edit(edit)
    connection.execute(
        "INSERT INTO step (place, kind, title, time, user, n_bytes, edit, selection)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(position + 1, step.kind.value, step.title, step.time, step.user, len(data), data),
            None if selection is None else pack_selection(selection),
        ),
    )
    if _is_snapshot_due(connection, position + 1):
        state = (position + 1, pack_state(after))
        connection.execute("INSERT INTO snapshot VALUES (?, ?)", state)
    set_present(connection, position + 1, after.next_id)


def set_present(connection: sqlite3.Connection, position: int, next_id: int) -> None:
    """Write how many steps are in force; call it inside a transaction."""
    connection.execute("UPDATE present SET position = ?, next_id = ?", (position, next_id))


def state_at(
    connection: sqlite3.Connection, state: Clustering, position: int, wanted: int
) -> Clustering:
    """The state with another number of steps in force.

    Args:
        connection: The project.
        state: The present state.
        position: Number of steps in force in it.
        wanted: Number of steps in force in the answer.

    Raises:
        ValueError: If the journal is damaged.
        sqlite3.Error: If it cannot be read.
    """
    near = connection.execute(
        "SELECT max(place) FROM snapshot WHERE place <= ?", (wanted,)
    ).fetchone()[0]
    if wanted - (near or 0) < abs(wanted - position):
        start, base = _snapshot(connection, wanted, state.n_images, state.next_id)
        return replay(base, _edits(connection, start, wanted))
    if wanted >= position:
        return replay(state, _edits(connection, position, wanted))
    undone = _edits(connection, wanted, position)
    return replay(state, [edit.inverse() for edit in reversed(undone)])


def _edits(connection: sqlite3.Connection, start: int, end: int) -> list[Edit]:
    """The edits that lead from `start` to `end` steps in force."""
    rows = connection.execute(
        "SELECT edit FROM step WHERE place > ? AND place <= ? ORDER BY place", (start, end)
    ).fetchall()
    if len(rows) != max(0, end - start):
        raise ValueError("the journal has gaps")
    return [unpack_edit(row[0]) for row in rows]


def _snapshot(
    connection: sqlite3.Connection, position: int, n_images: int, next_id: int
) -> tuple[int, Clustering]:
    """The last whole state at or before a position, grown to the present number of images."""
    row = connection.execute(
        "SELECT place, state FROM snapshot WHERE place <= ? ORDER BY place DESC LIMIT 1",
        (position,),
    ).fetchone()
    place, state = (
        (0, Clustering.empty(n_images)) if row is None else (row[0], unpack_state(row[1]))
    )
    grown = state.grown(n_images)
    return place, replace(grown, next_id=max(next_id, grown.next_id))


def _is_snapshot_due(connection: sqlite3.Connection, place: int) -> bool:
    n_steps, n_bytes = connection.execute(
        "SELECT count(*), total(n_bytes) FROM step"
        " WHERE place > (SELECT coalesce(max(place), 0) FROM snapshot)"
    ).fetchone()
    return place > 0 and (n_steps >= SNAPSHOT_STEPS or n_bytes >= SNAPSHOT_BYTES)

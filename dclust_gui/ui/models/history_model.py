"""The history as rows, the newest first: steps, what undo has taken back, and markers."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from dclust_gui.domain.history import Entry, History

if TYPE_CHECKING:
    from dclust_gui.domain.history import Marker, Step

_ROOT = QModelIndex()
START = "Start"
_MINUTE = 60
_HOUR = 3600


class HistoryRole(IntEnum):
    """Roles beside Qt's own."""

    ENTRY = Qt.ItemDataRole.UserRole
    POSITION = Qt.ItemDataRole.UserRole + 1


class HistoryModel(QAbstractListModel):
    """Rows of a `History`; a row's `Entry` is made when it is asked for.

    Args:
        parent: Owner.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = History()
        self._rows: list[int] = [0]  # oldest first: number of a step from 1, 0, or -1 - marker

    @property
    def history(self) -> History:
        """What is shown."""
        return self._history

    def set_history(self, history: History) -> None:
        """Show another history; a step that was added becomes one new row."""
        old, old_rows = self._history, self._rows
        if history is old:
            return
        rows = _rows_of(history)
        n_same = min(len(old.steps), len(history.steps))
        is_grown = (
            len(rows) >= len(old_rows)
            and rows[: len(old_rows)] == old_rows
            and history.steps[:n_same] == old.steps[:n_same]
            and history.markers[: len(old.markers)] == old.markers
        )
        n_new = len(rows) - len(old_rows)
        if not is_grown:
            self.beginResetModel()
            self._history, self._rows = history, rows
            self.endResetModel()
            return
        if n_new:
            self.beginInsertRows(QModelIndex(), 0, n_new - 1)
        self._history, self._rows = history, rows
        if n_new:
            self.endInsertRows()
        if len(rows) > n_new:
            self.dataChanged.emit(self.index(n_new), self.index(len(rows) - 1))

    def entry(self, row: int) -> Entry:
        """What a row shows."""
        number, history = self._rows[len(self._rows) - 1 - row], self._history
        if number < 0:
            return _marker_entry(history.markers[-1 - number], history.position)
        if number == 0:
            return Entry(START, "", "", 0, is_in_force=True, is_present=not history.position)
        return _step_entry(history.steps[number - 1], number, history.position)

    def present_row(self) -> int:
        """The row of the last step in force, or of the start."""
        return len(self._rows) - 1 - self._rows.index(self._history.position)

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _ROOT) -> int:
        """Number of rows; 0 under a valid parent."""
        return 0 if parent.isValid() else len(self._rows)

    def data(
        self,
        index: QModelIndex | QPersistentModelIndex,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Title, tool tip, words for screen readers, or the `Entry`."""
        if not index.isValid():
            return None
        entry = self.entry(index.row())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return title_text(entry)
            case Qt.ItemDataRole.ToolTipRole:
                return tip_text(entry)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{title_text(entry)}, {state_text(entry)}"
            case HistoryRole.ENTRY:
                return entry
            case HistoryRole.POSITION:
                return entry.position
            case _:
                return None


def _rows_of(history: History) -> list[int]:
    rows = list(range(len(history.steps) + 1))
    if history.markers:
        behind: dict[int, list[int]] = {}
        for number, marker in enumerate(history.markers):
            behind.setdefault(marker.position, []).append(-1 - number)
        rows = [x for step in rows for x in (step, *behind.get(step, ()))]
    return rows


def _step_entry(step: Step, place: int, here: int) -> Entry:
    is_now = place == here
    return Entry(step.title, step.time, step.user, place, place <= here, is_now, step.kind)


def _marker_entry(marker: Marker, here: int) -> Entry:
    in_force = marker.position <= here
    return Entry(marker.title, marker.time, marker.user, marker.position, in_force, is_marker=True)


def title_text(entry: Entry) -> str:
    """The title as the beginning of a line."""
    return entry.title[:1].upper() + entry.title[1:]


def state_text(entry: Entry) -> str:
    """Whether it is in force, in words."""
    if entry.is_marker:
        return "on disk; undo steps over it"
    if entry.is_present:
        return "you are here"
    return "in force" if entry.is_in_force else "undone"


def tip_text(entry: Entry) -> str:
    """Everything about it, with what a click does."""
    when = full_time(entry.time)
    lines = [title_text(entry)]
    lines += [" · ".join(part for part in (when, entry.user) if part)] if when else []
    if entry.is_marker:
        lines.append("Changed no cluster; undo steps over it. Click: the clusters as they were.")
    elif entry.is_present:
        lines.append("You are here.")
    elif entry.is_in_force:
        lines.append("Click to go back to this state.")
    else:
        lines.append("Undone. Click to do it again.")
    return "\n".join(lines)


def full_time(time: str) -> str:
    """`Saturday, 21 November 2026, 13:05:18`; the text itself where it is no time."""
    moment = _moment(time)
    return time if moment is None else f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M:%S}"


def relative_time(time: str, now: datetime) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `yesterday 14:05`, `12 Mar`, `12 Mar 2025`.

    Args:
        time: ISO 8601 with offset.
        now: With a time zone.
    """
    moment = _moment(time)
    if moment is None:
        return time
    seconds = (now - moment).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if moment.date() == now.date():
        return f"{int(seconds // _HOUR)} h ago"
    if moment.date() == (now - timedelta(days=1)).date():
        return f"yesterday {moment:%H:%M}"
    day = f"{moment.day} {moment:%b}"
    return day if moment.year == now.year else f"{day} {moment.year}"


def _moment(time: str) -> datetime | None:
    """A time in the local zone; None for what is none."""
    try:
        return datetime.fromisoformat(time).astimezone()
    except ValueError:
        return None

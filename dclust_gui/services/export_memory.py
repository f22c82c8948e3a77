"""Remembers where a project was exported to, and which of these exports did not come to its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.services.export_wish import ExportWish, Record, records_of, wish_of
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.services.settings import Settings

_KEY = "exports"
_MOST = 30


class ExportEnd(StrEnum):
    """How an export ended: not known is what a crash leaves."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PastExport:
    """An export of a project.

    Attributes:
        wish: What was asked for.
        end: How it ended.
    """

    wish: ExportWish
    end: ExportEnd

    @property
    def can_be_undone(self) -> bool:
        """Whether it has left a journal."""
        try:
            return (self.wish.target / JOURNAL_NAME).is_file()
        except OSError:
            return False


class ExportMemory:
    """The last exports of all projects, kept with the settings.

    Args:
        settings: Keeps them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def of(self, project: Path) -> tuple[PastExport, ...]:
        """Exports of a project, the last one first; one a folder."""
        return tuple(_past(row) for row in self._rows() if row.get("project") == str(project))

    def to(self, project: Path, target: Path) -> PastExport | None:
        """The last export of a project to a folder."""
        return next((past for past in self.of(project) if past.wish.target == target), None)

    def interrupted(self, project: Path) -> PastExport | None:
        """An export of a project that neither ended nor was stopped, as after a crash."""
        return next(
            (
                past
                for past in self.of(project)
                if past.end is ExportEnd.RUNNING and past.can_be_undone
            ),
            None,
        )

    def keep(self, project: Path, wish: ExportWish, end: ExportEnd) -> None:
        """Remember an export that begins, or how it has ended."""
        target = str(wish.target)
        rows = [
            row
            for row in self._rows()
            if (row.get("project"), row.get("target")) != (str(project), target)
        ]
        new: Record = {**wish.record(), "project": str(project), "end": end.value}
        self._settings.set_text(_KEY, json.dumps([new, *rows][:_MOST]))

    def rename(self, old: Path, new: Path) -> None:
        """A project has another place: what was remembered of it goes along."""
        rows = self._rows()
        if any(row.get("project") == str(old) for row in rows):
            moved = [
                {**row, "project": str(new)} if row.get("project") == str(old) else row
                for row in rows
            ]
            self._settings.set_text(_KEY, json.dumps(moved))

    def forget(self, project: Path, target: Path) -> None:
        """An export was undone."""
        rows = self._rows()
        kept = [
            row
            for row in rows
            if (row.get("project"), row.get("target")) != (str(project), str(target))
        ]
        if kept != rows:
            self._settings.set_text(_KEY, json.dumps(kept))

    def _rows(self) -> list[Record]:
        return records_of(self._settings.text(_KEY))


def _past(row: Record) -> PastExport:
    end = row.get("end")
    known = end if isinstance(end, str) and end in set(ExportEnd) else ExportEnd.DONE
    return PastExport(wish_of(row), ExportEnd(known))

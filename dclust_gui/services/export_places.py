"""Which folder and which names each image gets in an export."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dclust_gui.services.export_names import folded, number_of, numbered
from dclust_gui.services.export_present import path_in
from dclust_gui.services.export_steps import (
    Conflict,
    OnConflict,
    UnitFiles,
    folded_path,
    folder_of,
    name_of,
)
from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dclust_gui.services.export_layout import Places
    from dclust_gui.services.export_present import PresentFiles

SAME_FILE = "The same file is there already."
_TAKEN = "A file of this name is there already."
_OPEN = "A file of this name is there already, and nothing is decided yet."


class ExportPlaces:
    """Gives out folders and names; no name twice, none that is on the disk already.

    Args:
        target: The export's folder; need not exist.
        places: Folders and wished-for names.
        present: Our copies that are there.
        on_conflict: What to do where a name is taken.
        choices: What a person has decided, by path of a unit's leading file.

    Attributes:
        n_numbered: Units that got a number as their name was taken.
        conflicts: Names that others have, where a person is to be asked.
        reason: Why the unit that was yielded last has no place.
    """

    def __init__(
        self,
        target: Path,
        places: Places,
        present: PresentFiles,
        on_conflict: OnConflict,
        choices: Mapping[bytes, OnConflict] | None = None,
    ) -> None:
        self._target = target
        self._on_conflict = on_conflict
        self._choices = choices or {}
        self._leftovers = present.leftovers
        self._places = places
        self._on_disk: dict[bytes, dict[str, bytes]] = {}
        self._taken: set[str] = set()
        self._vacating: set[str] = set()
        self._next_number: dict[tuple[bytes, str], int] = {}
        self.n_numbered = 0
        self.conflicts: list[Conflict] = []
        self.reason = ""

    def assign(self, units: Sequence[UnitFiles]) -> Iterator[tuple[UnitFiles, list[bytes] | None]]:
        """Find a place for every unit.

        Units that lie in their folder already come first, and keep their names if they can.

        Args:
            units: The units that take part.

        Yields:
            Each unit with its files' paths below the target, or None where its name is taken and
            conflicts are skipped.
        """
        for unit in units:
            self._folder(unit)  # all folders are known before the first file takes a name
        staying: list[tuple[UnitFiles, int]] = []
        coming: list[UnitFiles] = []
        for unit in units:
            number = self._present_number(unit)
            if number:
                staying.append((unit, number))
            else:
                coming.append(unit)
        unplaced: list[UnitFiles] = []
        for unit, number in staying:
            names = self._claim(unit, number)
            if names is None:
                unplaced.append(unit)
            else:
                yield unit, names
        if self._on_conflict is not OnConflict.SKIP:
            self._vacating = {
                folded_path(file.file.destination)
                for unit in coming + unplaced
                for file in unit.present
                if file is not None and not file.is_changed
            }
        for unit in unplaced + coming:
            yield unit, self._place(unit)

    def _present_number(self, unit: UnitFiles) -> int:
        """The number of a unit whose files are in their folder already; else 0."""
        folder = self._folder(unit)
        for i, file in enumerate(unit.present):
            if file is not None and folder_of(file.file.destination) == folder:
                present = name_of(file.file.destination)
                names, leader = self._places.names(unit), self._places.leader(unit)
                return number_of(names, i, present, leader)
        return 0

    def _place(self, unit: UnitFiles) -> list[bytes] | None:
        """The first free number of a unit."""
        if self._on_conflict is OnConflict.SKIP:
            self.reason = _TAKEN
            return self._claim(unit, 1)
        if self._on_conflict is OnConflict.ASK:
            self.reason = self._why_not(unit)
            if self.reason:
                return None
        # Many images of one name (frame.png in a thousand folders) must not take n x n steps.
        key = (self._folder(unit), folded("/".join(self._places.names(unit))))
        number = self._next_number.get(key, 1)
        while (names := self._claim(unit, number)) is None:
            number += 1
        self._next_number[key] = number + 1
        self.n_numbered += number > 1
        return names

    def _why_not(self, unit: UnitFiles) -> str:
        """Why a unit gets no place where a person is asked; empty if it gets one."""
        foreign = self._foreign(unit)
        if not foreign:
            return ""
        same = [_is_same(source, path_in(self._target, there)) for source, there in foreign]
        if all(same):
            return SAME_FILE if len(same) == len(unit.sources) else ""
        choice = self._choices.get(os.fsencode(unit.sources[0]))
        taken = next(
            there for (_, there), is_same in zip(foreign, same, strict=True) if not is_same
        )
        self.conflicts.append(Conflict(unit.sources[0], taken, choice))
        if choice is OnConflict.NUMBER:
            return ""
        return _TAKEN if choice is OnConflict.SKIP else _OPEN

    def _foreign(self, unit: UnitFiles) -> list[tuple[Path, bytes]]:
        """Files of a unit whose names somebody else's files have, with what has the name."""
        folder = self._folder(unit)
        own = {folded_path(file.file.destination) for file in unit.present if file is not None}
        on_disk = self._names_on_disk(folder)
        found: list[tuple[Path, bytes]] = []
        for source, name in zip(unit.sources, self._places.names(unit), strict=True):
            key = folded_path(folder + b"/" + name.encode("utf-8", "surrogateescape"))
            if key not in on_disk or key in own:
                continue
            if key not in self._vacating and key not in self._taken:
                found.append((source, on_disk[key]))
        return found

    def _claim(self, unit: UnitFiles, number: int) -> list[bytes] | None:
        """Take a unit's names with a number, all or none."""
        folder = self._folder(unit)
        own = {folded_path(file.file.destination) for file in unit.present if file is not None}
        paths = [
            folder + b"/" + name.encode("utf-8", "surrogateescape")
            for name in numbered(self._places.names(unit), number, self._places.leader(unit))
        ]
        keys = [folded_path(path) for path in paths]
        on_disk = self._names_on_disk(folder)
        if len(set(keys)) < len(keys):  # the unit's own names differ in letter case only
            return None if number < 2 else self._claim_apart(paths, keys, on_disk.keys() - own)
        for key in keys:
            is_taken = key in on_disk and key not in own and key not in self._vacating
            if key in self._taken or is_taken or self._places.is_folder(key):
                return None
        self._taken.update(keys)
        return paths

    def _claim_apart(self, paths: list[bytes], keys: list[str], on_disk: set[str]) -> list[bytes]:
        """Number equal names within one unit, each on its own."""
        apart: list[bytes] = []
        for path, key in zip(paths, keys, strict=True):
            number, free, name = 1, key, path
            while free in self._taken or free in on_disk:
                number += 1
                text = numbered([name_of(path)], number)[0]
                name = folder_of(path) + b"/" + text.encode("utf-8", "surrogateescape")
                free = folded_path(name)
            self._taken.add(free)
            apart.append(name)
        return apart

    def _folder(self, unit: UnitFiles) -> bytes:
        return self._places.folder(unit)

    def _names_on_disk(self, folder: bytes) -> dict[str, bytes]:
        """What a folder of the export holds now: paths below the target by folded paths."""
        if folder not in self._on_disk:
            text = folder.decode("utf-8", "surrogateescape")
            try:
                names = os.listdir(self._target / text)  # noqa: PTH208
            except OSError:
                names = []
            gone = {folded_path(path) for path in self._leftovers}
            paths = {folded(f"{text}/{name}"): f"{text}/{name}" for name in names}
            self._on_disk[folder] = {
                key: path.encode("utf-8", "surrogateescape")
                for key, path in paths.items()
                if key not in gone
            }
        return self._on_disk[folder]


def _is_same(source: Path, there: Path) -> bool:
    """Whether two files hold the same; False where one of them cannot be read."""
    try:
        if not there.is_file() or source.stat().st_size != there.stat().st_size:
            return False
        return content_hash(source) == content_hash(there)
    except OSError:
        return False

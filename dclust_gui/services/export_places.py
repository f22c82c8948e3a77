"""Which folder and which names each image gets in an export."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dclust_gui.services.export_names import folded, number_of, numbered
from dclust_gui.services.export_steps import (
    OnConflict,
    UnitFiles,
    folded_path,
    folder_of,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dclust_gui.services.export_layout import Places
    from dclust_gui.services.export_present import PresentFiles


class ExportPlaces:
    """Gives out folders and names; no name twice, none that is on the disk already.

    Args:
        target: The export's folder; need not exist.
        places: Folders and wished-for names.
        present: Our copies that are there.
        on_conflict: What to do where a name is taken.

    Attributes:
        n_numbered: Units that got a number as their name was taken.
    """

    def __init__(
        self,
        target: Path,
        places: Places,
        present: PresentFiles,
        on_conflict: OnConflict,
    ) -> None:
        self._target = target
        self._on_conflict = on_conflict
        self._leftovers = present.leftovers
        self._places = places
        self._on_disk: dict[bytes, set[str]] = {}
        self._taken: set[str] = set()
        self._vacating: set[str] = set()
        self._next_number: dict[tuple[bytes, str], int] = {}
        self.n_numbered = 0

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
        if self._on_conflict is OnConflict.NUMBER:
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
            return self._claim(unit, 1)
        # Many images of one name (frame.png in a thousand folders) must not take n x n steps.
        key = (self._folder(unit), folded("/".join(self._places.names(unit))))
        number = self._next_number.get(key, 1)
        while (names := self._claim(unit, number)) is None:
            number += 1
        self._next_number[key] = number + 1
        self.n_numbered += number > 1
        return names

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
            return None if number < 2 else self._claim_apart(paths, keys, on_disk - own)
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

    def _names_on_disk(self, folder: bytes) -> set[str]:
        """Folded paths of what a folder of the export holds now."""
        if folder not in self._on_disk:
            text = folder.decode("utf-8", "surrogateescape")
            try:
                names = os.listdir(self._target / text)  # noqa: PTH208
            except OSError:
                names = []
            gone = {folded_path(path) for path in self._leftovers}
            self._on_disk[folder] = {folded(f"{text}/{name}") for name in names} - gone
        return self._on_disk[folder]

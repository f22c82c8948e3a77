"""How an export is laid out: a folder for each cluster, nested ones, sub-folders, name patterns."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import NO_STACK, UNASSIGNED
from dclust_gui.domain.errors import InputError
from dclust_gui.services.export_names import (
    UNASSIGNED_FOLDER,
    folded,
    renamed,
    safe_folder_name,
    safe_stem,
)
from dclust_gui.services.export_steps import UnitFiles, name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from dclust_gui.services.export_steps import ExportItem

KEEP_NAME = "{name}"
TOKENS = ("name", "cluster", "number", "date", "time")
"""What a name pattern may hold, in braces."""

_MAX_PATH_BYTES = 600
"""Deeper levels of a cluster's name are left out; no system takes paths of any length."""

_TOKEN = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where files go below the export's folder, and what they are called.

    Attributes:
        nested: A cluster called `Birds/Gulls` becomes a folder in a folder.
        keep_folders: Below its cluster's folder an image keeps the folders it lies in.
        pattern: Name of a file without its extension: text with `{name}` (its own), `{cluster}`,
            `{number}` (counts within the cluster, 0001 ...), `{date}` and `{time}` (when it was
            taken; `undated` where that is unknown).
        unassigned: Folder of images without a cluster.

    Raises:
        InputError: If the pattern has an unknown token or gives no name.
    """

    nested: bool = False
    keep_folders: bool = False
    pattern: str = KEEP_NAME
    unassigned: str = UNASSIGNED_FOLDER

    def __post_init__(self) -> None:
        unknown = [t for t in _TOKEN.findall(self.pattern) if t not in TOKENS]
        rest = _TOKEN.sub("", self.pattern)
        known = ", ".join("{" + token + "}" for token in TOKENS)
        if unknown or "{" in rest or "}" in rest or not self.pattern.strip():
            raise InputError(
                f"The name pattern '{self.pattern}' cannot be used.",
                f"It may hold {known} and text.",
                f"Try '{KEEP_NAME}' or '{{cluster}}-{{number}}'.",
            )


def example_of(item: ExportItem, layout: Layout) -> str:
    """Where an image would go in an export of its own, `Beach/Beach-0001.jpg`.

    Args:
        item: The image.
        layout: How the export is laid out.
    """
    places = Places(Path(os.devnull, "none"), [item], layout)
    unit = UnitFiles(item, [Path(name_of(item.image.relative))], [None], [None])
    folder = places.folder(unit).decode("utf-8", "surrogateescape")
    return f"{folder}/{places.names(unit)[0]}"


class Places:
    """The folder and the wished-for names of every image of an export.

    Args:
        target: The export's folder; need not exist.
        items: All images of the project, so that names do not depend on the choice.
        layout: How it is laid out.
        root_names: Names of the project's root folders, for `keep_folders` with several roots.
    """

    def __init__(
        self,
        target: Path,
        items: Sequence[ExportItem],
        layout: Layout,
        root_names: Sequence[str] = (),
    ) -> None:
        self._target = target
        self._layout = layout
        self._root_names = root_names if len(root_names) > 1 else ()
        self._titles: dict[int, str] = {}
        self._spelling: dict[str, str] = {}
        self._known: dict[tuple[int, int, bytes], bytes] = {}
        self._listings: dict[str, tuple[dict[str, str], set[str]]] = {}
        self._clusters = self._cluster_folders(items)
        self._leads = _leads(items)
        self._numbers = _numbers(items, self._leads) if "{number}" in layout.pattern else {}

    def folder(self, unit: UnitFiles) -> bytes:
        """Path of a unit's folder below the target, separated by `/`."""
        item, above = unit.item, b""
        if self._layout.keep_folders:
            item = self._leads.get(item.stack, item)
            above = item.image.relative.rpartition(b"/")[0]
        key = (unit.item.cluster, item.image.root, above)
        found = self._known.get(key)
        if found is None:
            parts = self._clusters[unit.item.cluster]
            if self._layout.keep_folders:
                parts = (*parts, *self._own_folders(item))
            found = self._known[key] = self._canonical(parts).encode("utf-8", "surrogateescape")
        return found

    def mapped(self, clusters: Collection[int]) -> list[tuple[str, str]]:
        """Titles of clusters that no folder can have as they are, with what their folders are.

        Args:
            clusters: Ids of the clusters that take part.
        """
        found = ((self._titles[c], self._canonical(self._clusters[c])) for c in sorted(clusters))
        return [(title, folder) for title, folder in found if title != folder]

    def is_folder(self, path: str) -> bool:
        """Whether a folded path is that of a folder of the export, so that no file may take it."""
        return path in self._spelling

    def names(self, unit: UnitFiles) -> list[str]:
        """What a unit's files would be called if all names were free."""
        if self._layout.pattern == KEEP_NAME:
            return unit.names
        return renamed(unit.names, self._stem(unit.item), unit.leader)

    def leader(self, unit: UnitFiles) -> str:
        """What the unit's leading image would be called."""
        if self._layout.pattern == KEEP_NAME:
            return unit.leader
        return renamed([unit.leader], self._stem(unit.item), unit.leader)[0]

    def _stem(self, item: ExportItem) -> str:
        name = name_of(item.image.relative)
        date, _, clock = item.image.facts.taken_at.partition("T")
        values = {
            "name": os.path.splitext(name)[0],  # noqa: PTH122 -- a name, not a path
            "cluster": item.folder.rpartition("/")[2].strip() or item.folder,
            "number": f"{self._numbers.get(id(item.image), 0):04d}",
            "date": date or "undated",
            "time": clock.replace(":", "-") or "undated",
        }
        return safe_stem(_TOKEN.sub(lambda found: values[found[1]], self._layout.pattern))

    def _cluster_folders(self, items: Sequence[ExportItem]) -> dict[int, tuple[str, ...]]:
        """Folders of every cluster; no two clusters share theirs."""
        titles = {item.cluster: item.folder for item in items}
        titles[UNASSIGNED] = self._layout.unassigned
        self._titles = titles
        taken: set[str] = set()
        found: dict[int, tuple[str, ...]] = {}
        for cluster in sorted(titles):
            for candidate in _numbered_last(self._parts(titles[cluster])):
                key = folded(self._canonical(candidate))
                if key not in taken:
                    taken.add(key)
                    found[cluster] = candidate
                    break
        return found

    def _parts(self, title: str) -> tuple[str, ...]:
        if not self._layout.nested:
            return (safe_folder_name(title),)
        parts = [safe_folder_name(part) for part in title.split("/") if part.strip()]
        while len("/".join(parts).encode()) > _MAX_PATH_BYTES:
            parts.pop()
        return tuple(parts) or ("_",)

    def _own_folders(self, item: ExportItem) -> tuple[str, ...]:
        """The folders an image lies in below its root."""
        above = item.image.relative.rpartition(b"/")[0].decode("utf-8", "surrogateescape")
        parts = [safe_folder_name(part) for part in above.split("/") if part]
        if self._root_names:
            parts.insert(0, safe_folder_name(self._root_names[item.image.root]))
        return tuple(parts)

    def _canonical(self, parts: Sequence[str]) -> str:
        """One spelling for every folder: the one on the disk, or the first that was asked for."""
        path = ""
        for part in parts:
            wanted = f"{path}/{part}" if path else part
            key = folded(wanted)
            if key not in self._spelling:
                there, files = self._listing(path)
                name, number = part, 1
                while folded(name) in files:
                    number += 1
                    name = f"{part} ({number})"
                name = there.get(folded(name), name)
                self._spelling[key] = f"{path}/{name}" if path else name
            path = self._spelling[key]
        return path

    def _listing(self, folder: str) -> tuple[dict[str, str], set[str]]:
        """Folders by folded name, and folded names of all else, in a folder of the target."""
        if folder not in self._listings:
            there: dict[str, str] = {}
            files: set[str] = set()
            try:
                with os.scandir(self._target / folder) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            there[folded(entry.name)] = entry.name
                        else:
                            files.add(folded(entry.name))
            except OSError:
                pass  # not there yet
            self._listings[folder] = (there, files)
        return self._listings[folder]


def _numbered_last(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield parts
    number = 2
    while True:
        yield (*parts[:-1], f"{parts[-1]} ({number})")
        number += 1


def _leads(items: Sequence[ExportItem]) -> dict[int, ExportItem]:
    """The first image of each stack in order of path: the others go where it goes."""
    leads: dict[int, ExportItem] = {}
    for item in items:
        if item.stack != NO_STACK:
            known = leads.setdefault(item.stack, item)
            if _path(item) < _path(known):
                leads[item.stack] = item
    return leads


def _path(item: ExportItem) -> tuple[int, bytes]:
    return item.image.root, item.image.relative


def _numbers(items: Sequence[ExportItem], leads: Mapping[int, ExportItem]) -> dict[int, int]:
    """The place of each image within its cluster, from 1, in order of path; by `id` of record.

    The images of a stack follow each other.
    """

    def place(item: ExportItem) -> tuple[int, tuple[int, bytes], int, tuple[int, bytes]]:
        return item.cluster, _path(leads.get(item.stack, item)), item.stack, _path(item)

    counts: Counter[int] = Counter()
    numbers: dict[int, int] = {}
    for item in sorted(items, key=place):
        counts[item.cluster] += 1
        numbers[id(item.image)] = counts[item.cluster]
    return numbers

"""One label for each image, out of many entries that may repeat or contradict each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.imports import is_unassigned, label_problem
from dclust_gui.domain.names import clean_name, same_name
from dclust_gui.services.export_names import folded, safe_folder_name
from dclust_gui.services.importing.values import How, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dclust_gui.services.importing.values import Found

_SHOWN = 4
_RANKS = tuple(How)


@dataclass(frozen=True, slots=True)
class Taken:
    """The label of an image.

    Attributes:
        image: Its id.
        code: Place of the label's name; `UNASSIGNED` for none.
        where: Place in the source.
        what: The path there.
        how: How the image was found.
    """

    image: int
    code: int
    where: str
    what: str
    how: How


@dataclass(frozen=True, slots=True)
class _Entry:
    found: Found
    code: int


class Labelling:
    """Collects entries and decides.

    Args:
        titles: Titles of the project's clusters; their spelling is kept.
        is_named_by_files: Labels are names of files or folders: a cluster is known by what its
            name would be as one.

    Attributes:
        problems: Entries that were not taken, or only repeat others.
    """

    def __init__(self, titles: Iterable[str], *, is_named_by_files: bool = False) -> None:
        self._titles = {same_name(title): title for title in titles}
        if is_named_by_files:
            self._titles = _by_file_names(self._titles.values()) | self._titles
        self._names: list[str] = []
        self._codes: dict[str, int] = {}
        self._spellings: dict[int, list[str]] = {}
        self._known: dict[str, tuple[int, str]] = {}
        self._by_image: dict[int, list[_Entry]] = {}
        self._several: list[_Entry] = []
        self._reported: set[Problem] = set()
        self.problems: list[Problem] = []

    def add(self, found: Found) -> None:
        """Take an entry, or report it."""
        if found.label not in self._known:
            self._known[found.label] = self._understood(found.label)
        code, why = self._known[found.label]
        if why:
            self._report(found, why)
            return
        entry = _Entry(found, code)
        if len(found.images) > 1:
            self._several.append(entry)
        for image in found.images:
            self._by_image.setdefault(image, []).append(entry)

    def result(self) -> list[Taken]:
        """The label of each image, by id; call it once."""
        taken: list[Taken] = []
        given: dict[int, int] = {}
        for image in sorted(self._by_image):
            entries = self._by_image[image]
            sure = [entry for entry in entries if len(entry.found.images) == 1]
            entries = sure or entries
            if len({entry.code for entry in entries}) > 1:
                self._report_conflict(entries)
                continue
            best = min(entries, key=lambda entry: _RANKS.index(entry.found.how)).found
            taken.append(Taken(image, entries[0].code, best.where, best.what, best.how))
            given[image] = entries[0].code
            self._report_repeated(sure)
        for entry in self._several:
            if not any(given.get(image) in (entry.code, None) for image in entry.found.images):
                self._report(entry.found, "Equal pictures in the project have other labels.")
        return taken

    def used_names(self, codes: Sequence[int]) -> tuple[list[int], tuple[str, ...]]:
        """The labels that images have in the end, and the codes by their places among these.

        Args:
            codes: As in `result`.
        """
        used = sorted({code for code in codes if code >= 0})
        places = {code: place for place, code in enumerate(used)} | {UNASSIGNED: UNASSIGNED}
        return [places[code] for code in codes], tuple(self._names[code] for code in used)

    def notes(self) -> list[str]:
        """What there is to say of the labels themselves."""
        return [
            f"{_listed(spellings)} are taken for one name: '{self._names[code]}'."
            for code, spellings in self._spellings.items()
            if len(spellings) > 1
        ]

    # -- inside ------------------------------------------------------------------------------

    def _understood(self, label: str) -> tuple[int, str]:
        """The code of a label, or why it has none."""
        if not clean_name(label):
            return UNASSIGNED, "There is no label."
        why = label_problem(label)
        return (UNASSIGNED, f"The label cannot be used. {why}") if why else (self._code(label), "")

    def _code(self, label: str) -> int:
        if is_unassigned(label):
            return UNASSIGNED
        name = clean_name(label)
        key = same_name(name)
        name = self._titles.get(key, name)
        key = same_name(name)
        if key not in self._codes:
            self._codes[key] = len(self._names)
            self._names.append(name)
        code = self._codes[key]
        spellings = self._spellings.setdefault(code, [])
        if clean_name(label) not in spellings:
            spellings.append(clean_name(label))
        return code

    def _report(self, found: Found, why: str, *, is_harmless: bool = False) -> None:
        problem = Problem(found.where, found.what, why, is_harmless)
        if problem not in self._reported:
            self._reported.add(problem)
            self.problems.append(problem)

    def _report_conflict(self, entries: Sequence[_Entry]) -> None:
        places = [
            f"'{entry.found.label}' ({entry.found.where or entry.found.what})"
            for entry in entries[:_SHOWN]
        ]
        rest = ", …" if len(entries) > _SHOWN else ""
        why = f"{', '.join(places)}{rest}: the image has several labels, none is taken."
        for entry in entries:
            self._report(entry.found, why)

    def _report_repeated(self, entries: Sequence[_Entry]) -> None:
        """Say which entries name a file again; the RAW beside a JPEG is another file."""
        first: dict[bytes, Found] = {}
        for entry in entries:
            before = first.setdefault(entry.found.file, entry.found)
            if before is not entry.found:
                place = before.where or before.what
                why = f"The image was named before ({place}), with the same label."
                self._report(entry.found, why, is_harmless=True)


def _listed(names: Sequence[str]) -> str:
    shown = [f"'{name}'" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        return ", ".join(shown) + ", …"
    return ", ".join(shown[:-1]) + f" and {shown[-1]}"


def _by_file_names(titles: Collection[str]) -> dict[str, str]:
    """Titles by what they would be as names of files, where only one would be called so."""
    names = {title: same_name(folded(safe_folder_name(title))) for title in titles}
    counts = Counter(names.values())
    return {name: title for title, name in names.items() if counts[name] == 1}

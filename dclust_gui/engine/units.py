"""Which files of one folder are one picture: RAW+JPEG pairs and side files."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.images import Companion, CompanionKind, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dclust_gui.domain.images import FileStamp
    from dclust_gui.engine.scan_rules import ScanRules

# Apple writes the edited picture as IMG_E1234 and the edits of the original as IMG_O1234.
_APPLE_EDIT = re.compile(r"(img_)[eo](\d{4,})")

# Whose side file it is where several images share a stem: cameras write JPEG and HEIC.
_LEADER_RANK = {
    ".jpg": 0,
    ".jpeg": 0,
    ".heic": 1,
    ".heif": 1,
    ".hif": 1,
    ".tif": 2,
    ".tiff": 2,
}
_OTHER_RANK = 3


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One image, RAW or side file of a folder.

    Attributes:
        name: Its name as text, undecodable bytes as surrogate escapes.
        extension: Lower case, with dot.
        relative: Path below the root, bytes.
        stamp: Its stamp.
    """

    name: str
    extension: str
    relative: bytes
    stamp: FileStamp

    @property
    def stem(self) -> str:
        """The name without its extension."""
        return self.name[: len(self.name) - len(self.extension)]


def _folded(text: str) -> str:
    """Equal for names that a case-insensitive, normalising file system takes for equal."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def group_units(root: int, files: Iterable[FoundFile], rules: ScanRules) -> tuple[list[Unit], int]:
    """Make units of the files of one folder.

    A RAW file joins the JPEG, HEIC, ... of its stem; a side file joins one unit only, by its
    whole name (`a.nef.xmp`) before its stem (`a.xmp`). Two plain images stay two units.

    Args:
        root: Index of the root folder.
        files: Files of one folder.
        rules: Which extensions are which.

    Returns:
        The units, and how many side files belong to no image.
    """
    plain: list[FoundFile] = []
    raws: list[FoundFile] = []
    sides: list[FoundFile] = []
    for file in files:
        if file.extension in rules.raw:
            raws.append(file)
        elif file.extension in rules.images:
            plain.append(file)
        else:
            sides.append(file)
    if not raws and not sides:
        return [Unit(root, file.relative, file.stamp) for file in plain], 0
    members = _pair_raws(plain, raws)
    n_lost = _attach_sides(members, sides)
    return [_unit(root, group, rules) for group in members], n_lost


def _pair_raws(plain: list[FoundFile], raws: list[FoundFile]) -> list[list[FoundFile]]:
    """Groups led by each plain image, then by each RAW that has none."""
    groups = [[file] for file in sorted(plain, key=lambda file: file.relative)]
    by_stem = _by_stem(groups)
    for raw in sorted(raws, key=lambda file: file.relative):
        partners = by_stem.get(_folded(raw.stem), [])
        if partners:
            _best(partners, raw.stem).append(raw)
        else:
            groups.append([raw])
    return groups


def _attach_sides(groups: list[list[FoundFile]], sides: list[FoundFile]) -> int:
    """Add each side file to one group; the number of those that fit nowhere."""
    by_name = {_folded(file.name): group for group in groups for file in group}
    by_stem = _by_stem(groups)
    n_lost = 0
    for side in sorted(sides, key=lambda file: file.relative):
        stem = _folded(side.stem)
        original = _APPLE_EDIT.fullmatch(stem)
        if stem in by_name:
            by_name[stem].append(side)
        elif stem in by_stem:
            _best(by_stem[stem], side.stem).append(side)
        elif original and original[1] + original[2] in by_stem:
            _best(by_stem[original[1] + original[2]], side.stem).append(side)
        else:
            n_lost += 1
    return n_lost


def _by_stem(groups: list[list[FoundFile]]) -> dict[str, list[list[FoundFile]]]:
    found: dict[str, list[list[FoundFile]]] = {}
    for group in groups:
        found.setdefault(_folded(group[0].stem), []).append(group)
    return found


def _best(groups: list[list[FoundFile]], stem: str) -> list[FoundFile]:
    """The group that a file with this stem belongs to, of those with an equal folded stem."""

    def rank(group: list[FoundFile]) -> tuple[bool, int, bytes]:
        leader = group[0]
        return (
            leader.stem != stem,
            _LEADER_RANK.get(leader.extension, _OTHER_RANK),
            leader.relative,
        )

    return min(groups, key=rank)


def _unit(root: int, group: list[FoundFile], rules: ScanRules) -> Unit:
    leader, *others = group
    companions = tuple(
        Companion(
            file.relative,
            CompanionKind.IMAGE if rules.is_image(file.extension) else CompanionKind.SIDE,
            file.stamp,
        )
        for file in sorted(others, key=lambda file: file.relative)
    )
    return Unit(root, leader.relative, leader.stamp, companions)

"""Names of folders and files in an export that every operating system takes."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

UNASSIGNED_FOLDER = "Unassigned"

_MAX_NAME_BYTES = 255
_MAX_FOLDER_BYTES = 150
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_UNSEEN = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Characters that nobody sees; Apple's older file system passes them over in comparing names."""
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])"
    r"(?=\s*(\.|$))",
    re.IGNORECASE,
)


def folded(name: str) -> str:
    """Equal for names that some file system takes for the same."""
    if name.isascii():
        return name.lower()
    seen = unicodedata.normalize("NFC", _UNSEEN.sub("", name))
    return unicodedata.normalize("NFC", seen.casefold())


def safe_folder_name(title: str) -> str:
    """A cluster's name as the name of a folder.

    Args:
        title: Any text.

    Returns:
        Normalised to NFC, without characters and names that an operating system reserves, without
        dots and spaces at its ends, at most 150 bytes of UTF-8, never empty.
    """
    name = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", title)).strip()
    if name.startswith("."):  # such folders are hidden
        name = "_" + name.lstrip(".")
    name = _RESERVED.sub(r"\1_", name, count=1) if _RESERVED.match(name) else name
    name = _cut(name, _MAX_FOLDER_BYTES).rstrip(". ")
    return name if _UNSEEN.sub("", name) else "_"


def safe_stem(text: str) -> str:
    """A text as the name of a file, without extension; the rules are those of folders.

    A beginning `.` would hide the file, so it becomes `_`.
    """
    return safe_folder_name(text)


def renamed(names: Sequence[str], stem: str, leader: str) -> list[str]:
    """The names of a unit's files with another stem in common.

    Args:
        names: File names: `a.jpg`, `a.nef`, `a.nef.xmp`.
        stem: The new stem; `b` gives `b.jpg`, `b.nef`, `b.nef.xmp`.
        leader: Name of the unit's leading image.
    """
    old = _stem(leader)
    tails = [_split(name, old)[1] for name in names]
    room = _MAX_NAME_BYTES - max(_size(tail) for tail in tails)
    return [_cut(stem, max(room, 1)) + tail for tail in tails]


def unique_folder_name(title: str, taken: Collection[str]) -> str:
    """A safe name for a cluster, numbered where an equal one is taken.

    Args:
        title: The cluster's title.
        taken: Names that are taken, folded.
    """
    base = safe_folder_name(title)
    name, number = base, 1
    while folded(name) in taken:
        number += 1
        name = f"{base} ({number})"
    return name


def _cut(text: str, limit: int) -> str:
    """The longest beginning with at most so many bytes of UTF-8, no character in halves."""
    data = text.encode("utf-8", "surrogateescape")
    if len(data) <= limit:
        return text
    while limit > 0 and data[limit] & 0xC0 == 0x80:
        limit -= 1
    return data[:limit].decode("utf-8", "surrogateescape")


def numbered(names: Sequence[str], number: int, leader: str = "") -> list[str]:
    """The names of a unit's files with a number after their common stem.

    Args:
        names: File names: `a.jpg`, `a.nef`, `a.nef.xmp`.
        number: 1 leaves the names alone; 2 gives `a (2).jpg`, `a (2).nef`, `a (2).nef.xmp`.
        leader: Name of the unit's leading image; the first of `names` unless given.

    Returns:
        Names of at most 255 bytes: a stem that leaves no room is cut, for all files alike.
    """
    if number == 1:
        return list(names)
    mark = f" ({number})"
    stem = _stem(leader or names[0])
    parts = [_split(name, stem) for name in names]
    room = _MAX_NAME_BYTES - max(_size(mark + tail) for _, tail in parts)
    return [_cut(head, max(room, 1)) + mark + tail for head, tail in parts]


def number_of(names: Sequence[str], index: int, present: str, leader: str = "") -> int:
    """The number that a unit was given, told from the present name of one of its files.

    Args:
        names: File names of the unit.
        index: Which of them is looked at.
        present: What that file is called in the export.
        leader: Name of the unit's leading image; the first of `names` unless given.

    Returns:
        The number, or 0 when it cannot be told.
    """
    for text in ("1", *re.findall(r" \((\d{1,6})\)", present)):
        if int(text) and numbered(names, int(text), leader)[index] == present:
            return int(text)
    return 0


def _stem(name: str) -> str:
    dot = name.rfind(".")
    return name[:dot] if dot > 0 else name


def _split(name: str, stem: str) -> tuple[str, str]:
    """Where the number goes: after the unit's stem, or after the name's own."""
    if len(name) > len(stem) and name[: len(stem)].casefold() == stem.casefold():
        return name[: len(stem)], name[len(stem) :]
    own = _stem(name)
    return own, name[len(own) :]


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))

"""Names of clusters: one line without hidden characters, and no two alike in a project."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.domain.edits import Edit

LONGEST_NAME = 200
"""Characters."""

UNASSIGNED_NAME = "Unassigned"
"""What the bin of images without a cluster is called; no cluster may be."""

_JOINERS = "\u200c\u200d"
"""Invisible, but scripts and emoji need them."""
_TITLE = re.compile(r"cluster ([0-9]{2,9})")
_HIDDEN = ("Cc", "Cs")
_SHOWN = 40


class NameTakenError(InputError):
    """Another cluster has the name already.

    Attributes:
        cluster: Id of the cluster that should have got the name.
        holder: Id of the cluster that has it.
        name: The name, as it was wanted.
    """

    def __init__(self, row: Cluster, before: Cluster | None, holder: Cluster) -> None:
        way = "Merge the two" if before is not None else "Move the images there"
        super().__init__(
            f"{_title(before)} cannot be called {_shown(row.name)}.",
            f"There is a cluster {_shown(holder.title)} already.",
            f"{way}, or choose another name.",
        )
        self.cluster = row.id
        self.holder = holder.id
        self.name = row.name


def clean_name(text: str) -> str:
    """A name as it is kept: composed characters, single spaces, nothing that takes no space.

    Line breaks and tabs become spaces; marks that only hide or turn text round go.

    Args:
        text: As it was typed or pasted.
    """
    composed = unicodedata.normalize("NFC", text)
    seen = (c for c in composed if unicodedata.category(c) != "Cf" or c in _JOINERS or _is_tag(c))
    return " ".join("".join(seen).split())


def clean_text(text: str) -> str:
    """A text of several lines as it is kept, without what cannot be shown or written.

    Args:
        text: As it was typed or pasted.
    """
    lines = "\n".join(text.splitlines())
    kept = (c for c in lines if c in "\n\t" or unicodedata.category(c) not in _HIDDEN)
    return "".join(kept).strip()


def wanted_name(text: str) -> str:
    """As `clean_name`, for a name that a person gives; an empty text takes a name away.

    Raises:
        InputError: If something was given, but nothing of it can be seen.
    """
    name = clean_name(text)
    if text and not name.strip(_JOINERS):
        raise InputError(
            "A cluster's name cannot consist of spaces.",
            "",
            "Give it a letter or a digit, or leave it empty for no name.",
        )
    return name


def same_name(text: str) -> str:
    """What two names have in common that a person would take for the same one."""
    return unicodedata.normalize("NFKC", clean_name(text)).casefold()


def title_number(text: str) -> int | None:
    """Id of the cluster that would be shown under a text while it has no name; else None.

    Args:
        text: Such as `Cluster 07`.
    """
    wanted = same_name(text)
    found = _TITLE.fullmatch(wanted)
    if found is None or wanted != f"cluster {int(found[1]):02d}":
        return None
    return int(found[1])


def holder_of(clusters: Mapping[int, Cluster], name: str, besides: int = 0) -> Cluster | None:
    """The cluster that is called by a name already, or is shown under it; None if it is free.

    Args:
        clusters: The cluster table.
        name: The name that is wanted.
        besides: Id of the cluster that it is wanted for.
    """
    wanted = same_name(name)
    if not wanted:
        return None
    others = (row for key, row in clusters.items() if key != besides)
    return next((row for row in others if same_name(row.title) == wanted), None)


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name itself, or with the first number that makes it unlike all others: `Beach (2)`.

    Args:
        name: The name that is wanted; may be empty.
        taken: Names that other clusters have.
    """
    kept = clean_name(name)
    used = {same_name(other) for other in taken}
    if not kept or (same_name(kept) not in used and not _is_reserved(kept)):
        return kept
    number = 2
    while same_name(f"{kept} ({number})") in used:
        number += 1
    return f"{kept} ({number})"


def check_names(clusters: Mapping[int, Cluster], edit: Edit) -> None:
    """See that an edit gives no cluster a name that it must not have.

    Names that an edit does not change are left alone: projects may have two alike from before.

    Args:
        clusters: The cluster table before it.
        edit: The edit.

    Raises:
        NameTakenError: If two clusters would be called the same.
        InputError: If a name cannot be used at all.
    """
    given = [
        row
        for key, row in edit.clusters_after.items()
        if row is not None and row.name and row.name != _name(edit.clusters_before.get(key))
    ]
    if not given:
        return
    after = {**clusters, **edit.clusters_after}
    called: dict[str, list[Cluster]] = {}
    for other in after.values():
        if other is not None:
            called.setdefault(same_name(other.title), []).append(other)
    for row in given:
        before = edit.clusters_before.get(row.id)
        _check_characters(row.name, before)
        _check_reserved(row.name, before)
        holder = next((c for c in called[same_name(row.name)] if c.id != row.id), None)
        if holder is not None:
            raise NameTakenError(row, before, holder)


def _name(row: Cluster | None) -> str:
    return "" if row is None else row.name


def _title(before: Cluster | None) -> str:
    return "The new cluster" if before is None else _shown(before.title)


def _check_characters(name: str, before: Cluster | None) -> None:
    what = f"{_title(before)} cannot be called {_shown(name)}."
    hidden = [c for c in name if unicodedata.category(c) in _HIDDEN]
    if hidden:
        raise InputError(
            what, f"The character U+{ord(hidden[0]):04X} in it cannot be shown.", "Type it anew."
        )
    if len(name) > LONGEST_NAME:
        raise InputError(
            what,
            f"It has {len(name):,} characters, {LONGEST_NAME} are the most.",
            "Put the rest into the cluster's notes.",
        )


def _check_reserved(name: str, before: Cluster | None) -> None:
    if _is_reserved(name):
        why = "Clusters without a name are called so."
        if same_name(name) == same_name(UNASSIGNED_NAME):
            why = "Images that belong to no cluster are called so."
        raise InputError(
            f"{_title(before)} cannot be called {_shown(name)}.", why, "Choose another name."
        )


def _is_reserved(name: str) -> bool:
    """Whether it means the bin, or a cluster without a name, now or one day."""
    return title_number(name) is not None or same_name(name) == same_name(UNASSIGNED_NAME)


def _is_tag(character: str) -> bool:
    """Whether it belongs to the flags of regions."""
    return "\U000e0020" <= character <= "\U000e007f"


def _shown(name: str) -> str:
    short = name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"
    return "'" + "".join(c if c.isprintable() else "?" for c in short) + "'"

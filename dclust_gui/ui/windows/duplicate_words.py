"""What the page of duplicates says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.images import display_path
from dclust_gui.services.best_copy import total_bytes
from dclust_gui.services.duplicate_decisions import others_of
from dclust_gui.services.duplicate_groups import TURN_WORDS, DuplicateGroup
from dclust_gui.services.file_sizes import bytes_text
from dclust_gui.ui.views.duplicate_painter import CopyCell, CopyGroup

if TYPE_CHECKING:
    from dclust_gui.domain.images import ImageRecord

PROMISE = "dclust never deletes a file."
NONE = "There are no duplicates. Every file is another one, and no picture is a copy of another."
NONE_EQUAL = "There are no equal files."
NONE_HERE = "No pictures are so much alike. Move the slider towards 'Similar' to see more."
DECIDED = "All duplicates have been dealt with."
READING = "The images are being read. Duplicates are looked for as soon as that is done."
LOOKING = "Looking for duplicates…"
STOPPED = "The search was stopped."


def head_text(groups: Sequence[DuplicateGroup], records: Sequence[ImageRecord], note: str) -> str:
    """How many groups there are, and what they take."""
    others = others_of(groups)
    size = bytes_text(total_bytes(records, others))
    n_exact = sum(group.is_exact for group in groups)
    exact = f", {n_exact:,} of them of equal files" if n_exact else ""
    besides = f"Besides the best copies {count_of(len(others))}, {size}."
    return f"{count_of(len(groups), 'group')}{exact}. {besides} {PROMISE} {note}".strip()


class CopyGroups(Sequence[CopyGroup]):
    """Groups in words, made when they are asked for.

    Args:
        groups: The groups.
        records: The project's images.
    """

    def __init__(self, groups: Sequence[DuplicateGroup], records: Sequence[ImageRecord]) -> None:
        self._groups = groups
        self._records = records

    def __len__(self) -> int:
        """Number of groups."""
        return len(self._groups)

    @overload
    def __getitem__(self, place: int) -> CopyGroup: ...

    @overload
    def __getitem__(self, place: slice) -> CopyGroups: ...

    def __getitem__(self, place: int | slice) -> CopyGroup | CopyGroups:
        """One group, or some of them."""
        if isinstance(place, slice):
            return CopyGroups(self._groups[place], self._records)
        return copy_group(self._groups[place], self._records)


def copy_group(group: DuplicateGroup, records: Sequence[ImageRecord]) -> CopyGroup:
    """A group in words."""
    n = len(group.images)
    if group.is_exact:
        title = f"{n:,} equal files"
    else:
        least = _percent(group.least).lower()
        title = f"{n:,} similar pictures, {least} alike" + " or more" * (n > 2)
    detail = f"{bytes_text(total_bytes(records, group.others))} besides the best"
    cells = tuple(_cell(group, place, records) for place in range(n))
    return CopyGroup(title, detail, cells)


def _cell(group: DuplicateGroup, place: int, records: Sequence[ImageRecord]) -> CopyCell:
    image, similarity, is_equal, turn = group.rows[place]
    record = records[image]
    facts = record.facts
    size = f"{facts.width} \u00d7 {facts.height}" if facts.width else ""
    told = " · ".join(part for part in (size, bytes_text(record.stamp.size)) if part)
    verdict = group.reason[:1].upper() + group.reason[1:] if place == 0 else ""
    if place:
        verdict = "Equal to the best" if is_equal else f"{_percent(similarity)} alike"
        verdict = ", ".join(part for part in (verdict, TURN_WORDS[turn]) if part)
    name = display_path(record.relative)
    return CopyCell(image, name.rpartition("/")[2], told, verdict, name)


def _percent(similarity: float) -> str:
    """Never 100% for what is not equal."""
    return f"{min(similarity, 0.999):.0%}" if similarity < 0.995 else "Over 99%"

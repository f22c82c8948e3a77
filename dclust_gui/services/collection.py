"""Brings a project's list of images up to date with what a scan or an ingest found.

A merge is planned against one state of the list and written to the file without touching the
session, so that both can happen on another thread; the session then takes it over at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import NO_STACK
from dclust_gui.domain.images import ImageFacts, ImageRecord, ImageStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.images import ScanResult, Unit
    from dclust_gui.engine.requests import IngestResult
    from dclust_gui.services.session import ProjectSession

_PENDING = ImageFacts(ImageStatus.PENDING)


@dataclass(frozen=True, slots=True, eq=False)
class Merge:
    """What a scan or an ingest makes of a project's list of images.

    Attributes:
        base: The list it was made for.
        images: The list after it; those of `base` keep their ids.
        rows: Ids and records that are new or changed, by id.
        unit_ids: int32 (n_units,), the image of each unit of the scan.
    """

    base: tuple[ImageRecord, ...]
    images: tuple[ImageRecord, ...]
    rows: tuple[tuple[int, ImageRecord], ...]
    unit_ids: NDArray[np.int32]


def merge_scan(session: ProjectSession, scan: ScanResult) -> None:
    """Make new files images of the project and mark those that are gone.

    Args:
        session: The project; its roots are the scan's.
        scan: What was found.
    """
    _carry_out(session, plan_merge(session.images, session.roots, scan))


def merge_ingest(session: ProjectSession, ingest: IngestResult) -> None:
    """Take over content and facts of all images.

    A file that moved or was renamed inside the collection keeps its image, with all that was
    decided about it: it is known again by its content.

    Args:
        session: The project; its roots are the scan's.
        ingest: What was read.
    """
    _carry_out(session, plan_merge(session.images, session.roots, ingest.scan, ingest))


def image_ids(session: ProjectSession, scan: ScanResult) -> NDArray[np.int32]:
    """The project's image of each unit of a scan that was merged.

    Args:
        session: The project.
        scan: The scan.

    Returns:
        int32 (n_units,); -1 for units that the project does not have.
    """
    places = _places(session.images)
    roots = _root_numbers(session.roots, scan)
    return np.array([places.get((roots[u.root], u.relative), -1) for u in scan.units], np.int32)


def stacks_of_units(stacks: NDArray[np.int32], unit_ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The stack of each unit of a scan.

    Args:
        stacks: int32 (n_images,), the stack of each of the project's images.
        unit_ids: int32 (n_units,), the image of each unit; negative or beyond them for none.
    """
    found = np.full(len(unit_ids), NO_STACK, np.int32)
    known = (unit_ids >= 0) & (unit_ids < len(stacks))
    found[known] = stacks[unit_ids[known]]
    return found


def plan_merge(
    images: tuple[ImageRecord, ...],
    known_roots: Sequence[Path],
    scan: ScanResult,
    ingest: IngestResult | None = None,
) -> Merge:
    """Find what a scan, or an ingest of it, changes; changes nothing itself.

    Args:
        images: The project's images.
        known_roots: The project's root folders; the scan's are among them.
        scan: What was found.
        ingest: What was read of it; None when nothing has been read yet.
    """
    contents: Sequence[bytes] = [b""] * len(scan.units) if ingest is None else ingest.contents
    facts = [_PENDING] * len(scan.units) if ingest is None else ingest.facts
    places = _places(images)
    roots = _root_numbers(known_roots, scan)
    here = {(roots[u.root], u.relative) for u in scan.units}
    gone = [i for place, i in places.items() if place not in here]
    moved = {images[i].content: i for i in reversed(gone) if images[i].content}
    after = list(images)
    changed: list[int] = []
    unit_ids = np.empty(len(scan.units), np.int32)
    for row, (unit, content, fact) in enumerate(zip(scan.units, contents, facts, strict=True)):
        place = places.get((roots[unit.root], unit.relative))
        if place is None and content in moved:
            place = moved.pop(content)
        if place is None:
            place = len(after)
            after.append(_record(unit, roots[unit.root], content, fact))
            changed.append(place)
        else:
            record = _updated(images[place], unit, roots[unit.root], content, fact)
            if record != images[place]:
                after[place] = record
                changed.append(place)
        unit_ids[row] = place
    for i in gone:
        if after[i] is images[i] and not images[i].is_missing:
            after[i] = replace(images[i], is_missing=True)
            changed.append(i)
    unit_ids.setflags(write=False)
    rows = tuple((i, after[i]) for i in sorted(changed))
    return Merge(images, tuple(after) if rows else images, rows, unit_ids)


def _carry_out(session: ProjectSession, merge: Merge) -> None:
    if merge.rows:
        session.check_writable()
        session.store.write_images(merge.rows)
        session.take_images(merge.images)


def _places(images: tuple[ImageRecord, ...]) -> dict[tuple[int, bytes], int]:
    return {(r.root, r.relative): i for i, r in enumerate(images)}


def _root_numbers(known_roots: Sequence[Path], scan: ScanResult) -> list[int]:
    """The project's number of each root of a scan, which leaves out roots inside others."""
    known = [root.resolve() for root in known_roots]
    return [known.index(root.resolve()) for root in scan.roots]


def _record(unit: Unit, root: int, content: bytes, facts: ImageFacts) -> ImageRecord:
    return ImageRecord(root, unit.relative, unit.stamp, content, facts, unit.companions)


def _updated(
    known: ImageRecord, unit: Unit, root: int, content: bytes, facts: ImageFacts
) -> ImageRecord:
    """A known image as it is now; what was read before holds while the file is unchanged."""
    if not content and known.stamp == unit.stamp:
        content = known.content
        if facts.status is ImageStatus.PENDING:
            facts = known.facts
    return _record(unit, root, content, facts)

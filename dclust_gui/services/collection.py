"""Brings a project's list of images up to date with what a scan or an ingest found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.domain.images import ImageFacts, ImageRecord, ImageStatus

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.images import ScanResult, Unit
    from dclust_gui.engine.requests import IngestResult
    from dclust_gui.services.session import ProjectSession

_PENDING = ImageFacts(ImageStatus.PENDING)


def merge_scan(session: ProjectSession, scan: ScanResult) -> None:
    """Make new files images of the project and mark those that are gone.

    Args:
        session: The project; its roots are the scan's.
        scan: What was found.
    """
    _merge(session, scan, [b""] * len(scan.units), [_PENDING] * len(scan.units))


def merge_ingest(session: ProjectSession, ingest: IngestResult) -> None:
    """Take over content and facts of all images.

    A file that moved or was renamed inside the collection keeps its image, with all that was
    decided about it: it is known again by its content.

    Args:
        session: The project; its roots are the scan's.
        ingest: What was read.
    """
    _merge(session, ingest.scan, list(ingest.contents), list(ingest.facts))


def image_ids(session: ProjectSession, scan: ScanResult) -> NDArray[np.int32]:
    """The project's image of each unit of a scan that was merged.

    Args:
        session: The project.
        scan: The scan.

    Returns:
        int32 (n_units,); -1 for units that the project does not have.
    """
    import numpy as np

    places = _places(session)
    roots = _root_numbers(session, scan)
    return np.array([places.get((roots[u.root], u.relative), -1) for u in scan.units], np.int32)


def _places(session: ProjectSession) -> dict[tuple[int, bytes], int]:
    return {(r.root, r.relative): i for i, r in enumerate(session.images)}


def _root_numbers(session: ProjectSession, scan: ScanResult) -> list[int]:
    """The project's number of each root of a scan, which leaves out roots inside others."""
    known = [root.resolve() for root in session.roots]
    return [known.index(root.resolve()) for root in scan.roots]


def _merge(
    session: ProjectSession, scan: ScanResult, contents: list[bytes], facts: list[ImageFacts]
) -> None:
    places = _places(session)
    images = session.images
    roots = _root_numbers(session, scan)
    here = {(roots[u.root], u.relative) for u in scan.units}
    gone = [i for place, i in places.items() if place not in here]
    moved = {images[i].content: i for i in reversed(gone) if images[i].content}
    updates: dict[int, ImageRecord] = {}
    new: list[ImageRecord] = []
    for unit, content, fact in zip(scan.units, contents, facts, strict=True):
        record = _record(unit, roots[unit.root], content, fact)
        place = places.get((record.root, record.relative))
        if place is None and content in moved:
            place = moved.pop(content)
        if place is None:
            new.append(record)
            continue
        known = images[place]
        if not content and known.stamp == unit.stamp:
            facts_now = known.facts if fact.status is ImageStatus.PENDING else fact
            record = replace(record, content=known.content, facts=facts_now)
        if record != known:
            updates[place] = record
    for i in gone:
        if i not in updates and not images[i].is_missing:
            updates[i] = replace(images[i], is_missing=True)
    session.update_images(sorted(updates.items()))
    if new:
        session.add_images(new)


def _record(unit: Unit, root: int, content: bytes, facts: ImageFacts) -> ImageRecord:
    return ImageRecord(root, unit.relative, unit.stamp, content, facts, unit.companions)

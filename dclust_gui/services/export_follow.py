"""Lets a project follow its files, when an export moves them and when that is undone."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.domain.images import Companion, absolute_path
from dclust_gui.services.export_present import path_in, path_of, regular_status
from dclust_gui.storage.export_journal import read_journal
from dclust_gui.storage.file_modes import ExportMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.session import ProjectSession


def follow_export(
    session: ProjectSession, target: Path, places: Mapping[Path, Path] | None = None
) -> int:
    """Take over where a move has put the project's files; also after one that was killed.

    Files that a killed export was moving from one of its folders to another are found by the next
    scan, by their content.

    Args:
        session: The project, writable.
        target: The export's folder; it becomes a root folder of the project.
        places: `ExportResult.places`, where the export has ended by itself.

    Returns:
        How many images are in a new place.

    Raises:
        StorageError: If the project or the journal cannot be read or written.
        InputError: If a root of the project lies inside the target.
    """
    state = read_journal(target)
    if state is None:
        return 0
    target = target.resolve()
    found = {os.fsencode(old): os.fsencode(new.resolve()) for old, new in (places or {}).items()}
    for file in state.finished.values():
        new = path_in(target, file.destination)
        is_gone = not os.path.lexists(path_of(file.source))
        if file.mode == ExportMode.MOVE and is_gone and regular_status(new) is not None:
            found.setdefault(file.source, os.fsencode(new))
    if not found:
        return 0
    session.add_roots([target])
    return _follow(session, found)


def follow_undo(session: ProjectSession, returned: Mapping[Path, Path]) -> int:
    """Take over where undoing a move has put the project's files.

    Args:
        session: The project, writable.
        returned: Place in the export and place now, of every file.

    Returns:
        How many images are in a new place.
    """
    places = {os.fsencode(old): os.fsencode(new) for old, new in returned.items()}
    return _follow(session, places)


def _follow(session: ProjectSession, places: Mapping[bytes, bytes]) -> int:
    """Give all images whose files are in new places their new records."""
    locate = _locator(session.roots)
    found = (
        (image, _moved_record(record, session.roots, places, locate))
        for image, record in enumerate(session.images)
    )
    rows = [(image, record) for image, record in found if record is not None]
    session.update_images(rows)
    return len(rows)


def _moved_record(
    record: ImageRecord,
    roots: Sequence[Path],
    places: Mapping[bytes, bytes],
    locate: Callable[[bytes], tuple[int, bytes] | None],
) -> ImageRecord | None:
    """An image's record in its new place; None if it stays."""
    old = os.fsencode(absolute_path(roots[record.root], record.relative))
    new = places.get(old)
    place = locate(new) if new is not None else None
    if place is None:
        return None
    root, relative = place
    companions: list[Companion] = []
    for companion in record.companions:
        before = os.fsencode(absolute_path(roots[record.root], companion.relative))
        after = locate(places.get(before, before))
        if after is not None and after[0] == root:
            companions.append(replace(companion, relative=after[1]))
    return replace(
        record, root=root, relative=relative, companions=tuple(companions), is_missing=False
    )


def _locator(roots: Sequence[Path]) -> Callable[[bytes], tuple[int, bytes] | None]:
    """Finds the root folder that holds a path, and the path below it."""
    prefixes = [
        (os.fsencode(name).rstrip(b"/") + b"/", index)
        for index, root in enumerate(roots)
        for name in {root, root.resolve()}
    ]
    prefixes.sort(key=lambda row: -len(row[0]))

    def locate(path: bytes) -> tuple[int, bytes] | None:
        for prefix, index in prefixes:
            if path.startswith(prefix):
                return index, path[len(prefix) :]
        return None

    return locate

"""Lets a project follow its files, when an export moves them and when that is undone.

What has moved is found and written to the project's file on any thread (`record_move`,
`record_undo`); the session then takes the images over on its own. `follow_export` and
`follow_undo` do both at once, for a session whose thread may wait.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.images import Companion, absolute_path
from dclust_gui.services.export_present import path_in, path_of, regular_status
from dclust_gui.services.session import is_new_root
from dclust_gui.storage.export_journal import read_journal
from dclust_gui.storage.file_modes import ExportMode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.export_undo import UndoPlan
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore

Places = dict[bytes, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Following:
    """Images that are in new places, as they are in the project's file already.

    Attributes:
        base: All images before.
        images: All images now, to be taken over by `ProjectSession.take_images`.
        n_images: How many of them have moved.
    """

    base: tuple[ImageRecord, ...]
    images: tuple[ImageRecord, ...]
    n_images: int

    def onto(self, images: tuple[ImageRecord, ...]) -> tuple[ImageRecord, ...]:
        """Another state of the same images, with those that have moved in their new places.

        Args:
            images: All images as they are known now; a scan may have added some.
        """
        if images is self.base:
            return self.images
        after = list(images)
        for i, (old, new) in enumerate(zip(self.base, self.images, strict=True)):
            if new is not old:
                after[i] = replace(
                    after[i],
                    root=new.root,
                    relative=new.relative,
                    companions=new.companions,
                    is_missing=False,
                )
        return tuple(after)


def follow_export(
    session: ProjectSession, target: Path, places: Mapping[Path, Path] | None = None
) -> int:
    """Take over where a move has put the project's files; see `record_move`.

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
    session.check_writable()
    return _taken(session, record_move(session.store, session.images, target, places))


def follow_undo(session: ProjectSession, returned: Mapping[Path, Path]) -> int:
    """Take over where undoing a move has put the project's files; see `record_undo`.

    Args:
        session: The project, writable.
        returned: Place in the export and place now, of every file.

    Returns:
        How many images are in a new place.
    """
    session.check_writable()
    return _taken(session, record_undo(session.store, session.images, returned))


def record_move(
    store: ProjectStore,
    images: tuple[ImageRecord, ...],
    target: Path,
    places: Mapping[Path, Path] | None = None,
) -> Following:
    """Write to a project's file where a move has put its files; also after one that was killed.

    Files that a killed export was moving from one of its folders to another are found by the next
    scan, by their content.

    Args:
        store: The project's file, writable; any thread.
        images: All images.
        target: The export's folder; it becomes a root folder of the project.
        places: `ExportResult.places`, where the export has ended by itself.

    Raises:
        StorageError: If the project or the journal cannot be read or written.
        InputError: If a root of the project lies inside the target.
    """
    target = target.resolve()
    found = _moved_places(target, places or {})
    if not found:
        return Following(images, images, 0)
    if is_new_root(store.roots(), target):
        store.add_root(target)
    return _record(store, images, found)


def record_undo(
    store: ProjectStore, images: tuple[ImageRecord, ...], returned: Mapping[Path, Path]
) -> Following:
    """Write to a project's file where undoing a move has put its files.

    A root folder that is gone by that, and that no image is in, is forgotten. Where the folder that
    files are back in is none of the project's, as it was relinked meanwhile, it becomes one again.

    Args:
        store: The project's file, writable; any thread.
        images: All images.
        returned: Place in the export and place now, of every file.

    Raises:
        StorageError: If it cannot be written.
    """
    places = {os.fsencode(old): os.fsencode(new) for old, new in returned.items()}
    before = store.roots()
    _take_in(store, images, places)
    following = _record(store, images, places, before)
    used = {record.root for record in following.images}
    while len(roots := store.roots()) > 1 and len(roots) - 1 not in used and not roots[-1].exists():
        store.drop_last_root()
    return following


def returned_files(plan: UndoPlan) -> dict[Path, Path]:
    """Originals that are back in their places, however the undoing ended: place before and now."""
    sources = {
        step.path: path_of(step.file.source)
        for step in plan.steps
        if step.file.mode == ExportMode.MOVE
    }
    sources.update(plan.earlier)
    return {
        path: source
        for path, source in sources.items()
        if regular_status(path) is None and regular_status(source) is not None
    }


def _moved_places(target: Path, places: Mapping[Path, Path]) -> Places:
    """Where files were and are, by an export's result and by its journal."""
    found = {os.fsencode(old): os.fsencode(new.resolve()) for old, new in places.items()}
    state = read_journal(target)
    for file in state.finished.values() if state is not None else ():
        new = path_in(target, file.destination)
        is_gone = not os.path.lexists(path_of(file.source))
        if file.mode == ExportMode.MOVE and is_gone and regular_status(new) is not None:
            found.setdefault(file.source, os.fsencode(new))
    return found


def _taken(session: ProjectSession, following: Following) -> int:
    if following.n_images:
        session.take_images(following.images)
    return following.n_images


def _take_in(store: ProjectStore, images: Sequence[ImageRecord], places: Places) -> None:
    """Make folders that images are in now, and that are outside of all roots, roots as well."""
    roots = store.roots()
    locate = _locator(roots)
    staying: set[int] = set()
    outside: set[str] = set()
    for record in images:
        new = places.get(os.fsencode(absolute_path(roots[record.root], record.relative)))
        if new is None:
            staying.add(record.root)
        elif locate(new) is None:
            outside.add(os.path.dirname(os.fsdecode(new)))  # noqa: PTH120
    spare = [i for i, root in enumerate(roots) if i not in staying and not root.exists()]
    for folder in _tops(outside, roots):
        if spare:
            store.relink_root(spare.pop(), folder)
        elif is_new_root(store.roots(), folder):
            store.add_root(folder)


def _tops(folders: Collection[str], roots: Sequence[Path]) -> list[Path]:
    """The folder around some folders; or the uppermost of them, where it is around a root, too."""
    if not folders:
        return []
    around = Path(os.path.commonpath(folders))
    if not any(around == root or around in root.parents for root in roots):
        return [around]
    found: list[Path] = []
    for folder in sorted(map(Path, folders)):
        is_apart = not any(folder == root or folder in root.parents for root in roots)
        if is_apart and not any(top in folder.parents for top in found):
            found.append(folder)
    return found


def _record(
    store: ProjectStore,
    images: tuple[ImageRecord, ...],
    places: Places,
    before: Sequence[Path] | None = None,
) -> Following:
    """Write new records of all images whose files are in new places.

    Args:
        store: The project's file.
        images: All images.
        places: Where files were and are.
        before: The root folders that `images` are in; those of now unless given.
    """
    roots = before or store.roots()
    locate = _locator(store.roots())
    found = (
        (image, _moved_record(record, roots, places, locate)) for image, record in enumerate(images)
    )
    rows = [(image, record) for image, record in found if record is not None]
    if not rows:
        return Following(images, images, 0)
    store.write_images(rows)
    after = list(images)
    for image, record in rows:
        after[image] = record
    return Following(images, tuple(after), len(rows))


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

"""What an export would do, file by file, before anything is written."""

from __future__ import annotations

import os
import shutil
import stat
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import NO_STACK, UNASSIGNED
from dclust_gui.domain.control import CancelToken
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import ImageStatus
from dclust_gui.services.export_layout import Layout, Places
from dclust_gui.services.export_names import UNASSIGNED_FOLDER
from dclust_gui.services.export_places import SAME_FILE, ExportPlaces
from dclust_gui.services.export_present import Present, PresentFiles, is_same_file, path_in
from dclust_gui.services.export_steps import (
    Action,
    Conflict,
    ExportItem,
    ExportStep,
    OnConflict,
    SkippedExport,
    UnitFiles,
    ordered_renames,
)
from dclust_gui.services.xmp.embedding import takes_keywords
from dclust_gui.storage.export_journal import GENERATED, JournalState, path_text, read_journal
from dclust_gui.storage.file_modes import ExportMode, is_same_device, link_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord

_JOURNAL_BYTES_PER_FILE = 1024
_KEYWORD_BYTES_PER_FILE = 4096
_TORN = "Another image of its stack is left out, and a stack goes whole or not at all."
_WHY_NOT_EMBEDDED = {
    ExportMode.MOVE: "The originals themselves are moved, and they are never written to.",
    ExportMode.HARDLINK: "A hard link is the original itself, and originals are never written to.",
    ExportMode.SYMLINK: "A link leads to the original, and originals are never written to.",
    ExportMode.REFLINK: "Such copies are to share all their blocks with the originals.",
}


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What a person asks for.

    Attributes:
        target: The export's folder; need not exist.
        mode: How files get there.
        on_conflict: What to do where a name is taken.
        include_unassigned: Images without a cluster go to `Unassigned/`.
        clusters: Ids of the clusters to export; None for all.
        layout: Folders and names.
        project: The project file, so that it can follow a move; None where there is none.
        choices: What a person has decided where `on_conflict` asks, by path of the image's file.
        embed_keywords: The names of the clusters are embedded in the copies as XMP keywords, where
            the format takes them; copies only, as originals are never written to.
        verify: Copies are read back and compared; False checks their sizes only.
    """

    target: Path
    mode: ExportMode = ExportMode.COPY
    on_conflict: OnConflict = OnConflict.NUMBER
    include_unassigned: bool = True
    clusters: frozenset[int] | None = None
    layout: Layout = field(default_factory=Layout)
    project: Path | None = None
    choices: Mapping[bytes, OnConflict] = field(default_factory=dict)
    embed_keywords: bool = False
    verify: bool = True

    def wants(self, cluster: int) -> bool:
        """Whether images of a cluster (or of `UNASSIGNED`) are asked for."""
        if cluster == UNASSIGNED:
            return self.include_unassigned
        return self.clusters is None or cluster in self.clusters


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What an export will do; made without changing anything.

    Attributes:
        request: What was asked for.
        steps: File by file, in the order in which they are done.
        skipped: Files that are left out, each with a reason.
        leftovers: Second names and empty placeholders of an export that was killed, below the
            target; removed first.
        copied_bytes: Bytes that will be written: files to be copied, or moved to another drive.
        free_bytes: Free space on the target's drive.
        warnings: Sentences to show.
        collisions: Images that get a number as their name is taken.
        conflicts: Names that others' files have, where a person is asked; see `OnConflict.ASK`.
        mapped: Titles of clusters that no folder can have, each with its folder.
    """

    request: ExportRequest
    steps: tuple[ExportStep, ...]
    skipped: tuple[SkippedExport, ...]
    leftovers: tuple[bytes, ...]
    copied_bytes: int
    free_bytes: int
    warnings: tuple[str, ...]
    collisions: int = 0
    conflicts: tuple[Conflict, ...] = ()
    mapped: tuple[tuple[str, str], ...] = ()

    @property
    def undecided(self) -> tuple[Conflict, ...]:
        """Conflicts that a person has to decide before the plan can be carried out."""
        return tuple(conflict for conflict in self.conflicts if conflict.choice is None)

    def count(self, action: Action) -> int:
        """Number of files that something is done with."""
        return len({step.source for step in self.steps if step.action is action})


def export_items(images: Sequence[ImageRecord], clustering: Clustering) -> list[ExportItem]:
    """The images of a project with the titles of their clusters.

    Args:
        images: All images; an image's id is its place.
        clustering: Labels of the same images.
    """
    titles = {key: cluster.title for key, cluster in clustering.clusters.items()}
    titles[UNASSIGNED] = UNASSIGNED_FOLDER
    names = {key: cluster.name for key, cluster in clustering.clusters.items()}
    return [
        ExportItem(image, label, titles[label], names.get(label, ""), stack)
        for image, label, stack in zip(
            images, clustering.labels.tolist(), clustering.stacks.tolist(), strict=True
        )
    ]


def plan_export(
    items: Sequence[ExportItem],
    roots: Sequence[Path],
    request: ExportRequest,
    token: CancelToken | None = None,
) -> ExportPlan:
    """List what an export would do; reads folders and a former export's journal only.

    Images that could not be read belong to no cluster and are left out. Copies of ours from an
    earlier export stay, or move inside the target when their cluster changed, also where only
    some clusters are asked for. Files that a person changed or added there are never touched.

    Args:
        items: All images of the project, so that folder names do not depend on the choice.
        roots: Root folders of the project.
        request: What is asked for.
        token: Stops the planning, which asks the drive for every file.

    Returns:
        The plan.

    Raises:
        Cancelled: If the job was cancelled.
        InputError: If the target cannot be used or has too little space.
        StorageError: If the target holds a journal that cannot be read.
    """
    if request.embed_keywords and request.mode is not ExportMode.COPY:
        raise InputError(
            f"Keywords cannot be embedded in mode '{request.mode}'.",
            _WHY_NOT_EMBEDDED[request.mode],
            "Copy, or write the keywords into sidecars.",
        )
    request = replace(request, target=request.target.absolute())
    check_target(request.target, roots, request.mode)
    return _Planner(items, roots, request, token or CancelToken()).plan()


def check_target(target: Path, roots: Sequence[Path], mode: ExportMode = ExportMode.COPY) -> None:
    """Refuse a target that is no folder, or that lies in a root or around one.

    The target of a finished move is a root of its project, and may be brought up to date.

    Raises:
        InputError: If so, or if a root lies on another drive where the mode needs the same.
    """
    what = f"Could not export to {path_text(target)}."
    hint = "Choose a folder outside the images' folders."
    if target.exists() and not target.is_dir():
        raise InputError(what, "It is a file.", "Choose a folder.")
    try:
        with os.scandir(target):
            pass
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(what, f"{error.strerror}.", "Choose another folder.") from error
    real = target.resolve()
    for root in roots:
        if mode is ExportMode.MOVE and real == root.resolve() and _holds_a_move(target):
            continue
        if mode is ExportMode.HARDLINK and root.is_dir() and not is_same_device(root, real):
            raise InputError(
                what, f"Hard links need one drive, and {path_text(root)} is on another.", "Copy."
            )
        if _is_within(real, root.resolve()):
            raise InputError(
                what, f"It lies inside the folder of the originals, {path_text(root)}.", hint
            )
        if _is_within(root.resolve(), real):
            raise InputError(what, f"The originals' folder {path_text(root)} lies inside it.", hint)


def _holds_a_move(target: Path) -> bool:
    state = read_journal(target)
    return state is not None and ExportMode.MOVE in state.modes


def _is_within(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or below it, by name or by identity (letter case, mounts)."""
    for above in (path, *path.parents):
        if above == folder:
            return True
        try:
            if above.samefile(folder):
                return True
        except OSError:
            continue
    return False


def free_bytes(target: Path) -> int:
    """Free space where a folder is or will be."""
    for above in (target, *target.resolve().parents):
        try:
            return shutil.disk_usage(above).free
        except OSError:
            continue
    return 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Names of a unit's files below the target; None where it gets none, with the reason."""

    names: list[bytes] | None
    reason: str
    is_open: bool


class _Planner:
    """Makes one plan.

    Args:
        items: All images.
        roots: Their root folders.
        request: What is asked for.
        token: Stops the planning.
    """

    def __init__(
        self,
        items: Sequence[ExportItem],
        roots: Sequence[Path],
        request: ExportRequest,
        token: CancelToken,
    ) -> None:
        self._token = token
        self._items = items
        self._roots = roots
        self._request = request
        self._skipped: list[SkippedExport] = []
        self._notes: Counter[str] = Counter()

    def plan(self) -> ExportPlan:
        """Make it."""
        target = self._request.target
        state = read_journal(target)
        present = PresentFiles(target, state)
        self._check_mode(state)
        root_names = [root.name or "root" for root in self._roots]
        wishes = Places(target, self._items, self._request.layout, root_names)
        request = self._request
        places = ExportPlaces(target, wishes, present, request.on_conflict, request.choices)
        units = self._units(present)
        steps: list[ExportStep] = []
        for unit, place in self._whole_stacks(places, units):
            if place.names is None:
                self._skip_unit(unit, place.reason, is_open=place.is_open)
            else:
                steps += self._steps(unit, place.names)
        steps = _in_order(steps, present)
        n_bytes = self._bytes_to_write(steps)
        warnings = self._warnings(state.n_damaged if state else 0, target, is_ours=bool(state))
        if any(step.action is not Action.KEEP for step in steps):
            warnings += _of_mode(request.mode)
        plan = ExportPlan(
            self._request,
            tuple(steps),
            tuple(self._skipped),
            tuple(present.leftovers),
            n_bytes,
            free_bytes(target),
            tuple(warnings),
            places.n_numbered,
            tuple(places.conflicts),
            tuple(wishes.mapped({unit.item.cluster for unit in units})),
        )
        needed = n_bytes + _JOURNAL_BYTES_PER_FILE * len(steps)
        needed += _KEYWORD_BYTES_PER_FILE * sum(bool(step.keywords) for step in steps)
        if needed > plan.free_bytes:
            why = f"{needed:,} bytes are needed, {plan.free_bytes:,} are free."
            hint = "Choose another drive, or export fewer clusters."
            raise InputError(f"Could not export to {path_text(target)}.", why, hint)
        return plan

    def _whole_stacks(
        self, places: ExportPlaces, units: Sequence[UnitFiles]
    ) -> Iterator[tuple[UnitFiles, _Place]]:
        """Every unit's place; of a stack all go, or none moves from where it is."""
        found: list[tuple[UnitFiles, _Place]] = []
        left: dict[int, bool] = {}
        for unit, names in places.assign(units):
            self._token.checkpoint()
            is_open = names is None and _is_open(unit, places)
            found.append((unit, _Place(names, places.reason, is_open)))
            is_out = names is None and places.reason != SAME_FILE
            if is_out and unit.item.stack != NO_STACK:
                left[unit.item.stack] = is_open or left.get(unit.item.stack, False)
        for unit, place in found:
            is_torn = place.names is not None and unit.item.stack in left
            there = [None if file is None else file.file.destination for file in unit.present]
            if is_torn and there != place.names:
                yield unit, _Place(None, _TORN, left[unit.item.stack])
            else:
                yield unit, place

    def _check_mode(self, state: JournalState | None) -> None:
        """Refuse another mode than that of the files that are there."""
        files = [] if state is None else state.finished.values()
        others = {f.mode for f in files if not f.source.startswith(GENERATED)}
        others -= {self._request.mode.value}
        if others:
            raise InputError(
                f"Could not export to {path_text(self._request.target)}.",
                f"It holds an export in mode '{min(others)}'.",
                f"Choose another folder, mode '{min(others)}', or undo that export first.",
            )

    def _bytes_to_write(self, steps: Sequence[ExportStep]) -> int:
        mode, target = self._request.mode, self._request.target
        if mode in (ExportMode.HARDLINK, ExportMode.SYMLINK, ExportMode.REFLINK):
            return 0
        writing = [s for s in steps if s.action in (Action.COPY, Action.UPDATE)]
        if mode is ExportMode.MOVE:
            drives: dict[Path, bool] = {}
            for step in writing:
                folder = step.source.parent
                if folder not in drives:
                    drives[folder] = is_same_device(step.source, target)
            writing = [s for s in writing if not drives[s.source.parent]]
        return sum(step.size for step in writing)

    def _units(self, present: PresentFiles) -> list[UnitFiles]:
        """The units that take part, each with the files that are there or were exported."""
        units: list[UnitFiles] = []
        originals = _Sources(self._roots)
        for item in self._items:
            self._token.checkpoint()
            if item.image.facts.status is ImageStatus.UNREADABLE:
                self._notes["unreadable"] += 1
                continue
            wanted = self._request.wants(item.cluster)
            sources = originals.of(item.image)
            found = present.of_unit(sources, item.image.content)
            if not wanted and not any(found):
                continue
            unit = UnitFiles(item, sources, found, [_size_and_time(path) for path in sources])
            if not wanted:
                # Only what is in the export already follows its image.
                unit = unit.only([file is not None for file in found])
            unit = self._without_missing(unit)
            if unit.sources:
                units.append(unit)
        return units

    def _without_missing(self, unit: UnitFiles) -> UnitFiles:
        """Leave out files whose original is gone, unless the export has them."""
        keep: list[bool] = []
        rows = zip(unit.sources, unit.present, unit.stamps, strict=True)
        for source, present, stamp in rows:
            keep.append(present is not None or stamp is not None)
            if not keep[-1]:
                self._skipped.append(SkippedExport(source, "The original is not there."))
                self._notes["missing"] += 1
        return unit if all(keep) else unit.only(keep)

    def _skip_unit(self, unit: UnitFiles, reason: str, *, is_open: bool) -> None:
        """Note files that are left out because their name is taken."""
        self._skipped += [
            SkippedExport(source, reason, is_failure=False, is_undecided=is_open)
            for source in unit.sources
        ]
        self._notes["open" if is_open else "conflict"] += 1

    def _steps(self, unit: UnitFiles, destinations: list[bytes]) -> list[ExportStep]:
        """What to do with each file of a unit."""
        steps: list[ExportStep] = []
        rows = zip(unit.sources, unit.present, unit.stamps, destinations, strict=True)
        for source, present, stamp, destination in rows:
            size = stamp[0] if stamp else (present.file.size if present else 0)
            when = stamp[1] if stamp else 0
            keywords = self._keywords(unit, source, size)
            if present is None or (present.is_changed and present.file.destination != destination):
                if present is not None:
                    self._notes["changed"] += 1
                if stamp is not None:
                    steps.append(
                        ExportStep(Action.COPY, source, destination, size, None, when, keywords)
                    )
                continue
            if present.is_changed:
                self._notes["changed"] += 1
                steps.append(ExportStep(Action.KEEP, source, destination, size, present))
                continue
            has_moved = present.file.destination != destination
            if has_moved:
                steps.append(ExportStep(Action.RENAME, source, destination, size, present, when))
            action = self._needed(source, present, stamp, keywords)
            if action is not Action.KEEP:
                steps.append(ExportStep(action, source, destination, size, present, when, keywords))
            elif not has_moved:
                steps.append(ExportStep(Action.KEEP, source, destination, size, present))
        return steps

    def _keywords(self, unit: UnitFiles, source: Path, size: int) -> str:
        """The name to embed in the copy of a file; empty for none."""
        if not self._request.embed_keywords or not unit.item.name:
            return ""
        if takes_keywords(source.name, size):
            return unit.item.name
        self._notes["no keywords"] += 1
        return ""

    def _needed(
        self, source: Path, present: Present, stamp: tuple[int, int] | None, keywords: str
    ) -> Action:
        """What must be done with the content of a file that is there already."""
        file, mode = present.file, self._request.mode
        if stamp is None:
            return Action.KEEP
        path = path_in(self._request.target, file.destination)
        match mode:
            case ExportMode.MOVE:
                return Action.KEEP if is_same_file(path, source) else Action.RELEASE
            case ExportMode.HARDLINK:
                return Action.KEEP if is_same_file(path, source) else Action.UPDATE
            case ExportMode.SYMLINK:
                return Action.KEEP if file.link == link_text(source, path) else Action.UPDATE
            case _:
                is_same = stamp == file.source_stamp and keywords == file.keywords
                return Action.KEEP if is_same else Action.UPDATE

    def _warnings(self, n_damaged: int, target: Path, *, is_ours: bool) -> list[str]:
        """What a person should know before the export starts."""
        notes = self._notes
        texts = {
            "unreadable": "could not be read and will be left out.",
            "missing": "cannot be found and will be left out.",
            "conflict": "will be left out, as files of the same names are there already.",
            "changed": "in the export was changed by hand and will be left as it is.",
            "no keywords": "of other kinds than JPEG, PNG, TIFF and WebP will be copied without"
            " keywords in them.",
            "open": "would get names that others have; decide what to do with each.",
        }
        nouns = {"missing": "file", "changed": "file", "no keywords": "file"}
        warnings = [
            f"{count_of(notes[k], nouns.get(k, 'image'))} {texts[k]}" for k in texts if notes[k]
        ]
        if n_damaged:
            warnings.append(f"{count_of(n_damaged, 'line')} of the export journal cannot be read.")
        if not is_ours and target.is_dir() and any(target.iterdir()):
            warnings.append("The folder is not empty. What is in it will not be touched.")
        return warnings


def _is_open(unit: UnitFiles, places: ExportPlaces) -> bool:
    """Whether a unit has no place because a person has not decided yet."""
    last = places.conflicts[-1] if places.conflicts else None
    return last is not None and last.source == unit.sources[0] and last.choice is None


def _of_mode(mode: ExportMode) -> list[str]:
    """What a person should know of a mode."""
    texts = {
        ExportMode.MOVE: "The originals leave their folders; the project follows them, and"
        " 'Undo export' brings them back.",
        ExportMode.HARDLINK: "Links and originals are the same files: a change of one is a change"
        " of the other.",
        ExportMode.SYMLINK: "The links lead to the originals and break when these are moved.",
    }
    return [texts[mode]] if mode in texts else []


def _in_order(steps: list[ExportStep], present: PresentFiles) -> list[ExportStep]:
    """Renames first, which free names for others, then new content, then what stays."""
    renames = [step for step in steps if step.action is Action.RENAME]
    rank = {Action.RELEASE: 0, Action.UPDATE: 0, Action.COPY: 1, Action.KEEP: 2}
    others = [step for step in steps if step.action is not Action.RENAME]
    return ordered_renames(renames, present.unused_name) + sorted(
        others, key=lambda step: rank[step.action]
    )


class _Sources:
    """Paths of originals; each of their folders is made only once.

    Args:
        roots: Root folders of the project.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = roots
        self._folders: dict[tuple[int, bytes], Path] = {}

    def of(self, image: ImageRecord) -> list[Path]:
        """Paths of a unit's files, the leading image's first."""
        paths = [self._path(image.root, image.relative)]
        if image.companions:
            paths += [self._path(image.root, c.relative) for c in image.companions]
        return paths

    def _path(self, root: int, relative: bytes) -> Path:
        above, _, name = relative.rpartition(b"/")
        folder = self._folders.get((root, above))
        if folder is None:
            folder = Path(self._roots[root], above.decode("utf-8", "surrogateescape"))
            self._folders[root, above] = folder
        return folder / name.decode("utf-8", "surrogateescape")


def _size_and_time(path: Path) -> tuple[int, int] | None:
    """Size and time of change of an original; None where there is no such file."""
    try:
        status = os.stat(path)  # noqa: PTH116 -- 100,000 files
    except (OSError, ValueError):
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


__all__ = [
    "Action",
    "Conflict",
    "ExportItem",
    "ExportMode",
    "ExportPlan",
    "ExportRequest",
    "ExportStep",
    "Layout",
    "OnConflict",
    "Present",
    "SkippedExport",
    "check_target",
    "export_items",
    "plan_export",
]

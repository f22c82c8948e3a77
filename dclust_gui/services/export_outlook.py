"""The dry run of an export of any kind, in numbers that a window can show without counting."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError, KnownError
from dclust_gui.domain.images import display_path
from dclust_gui.services.export_abilities import FolderFacts, folder_facts
from dclust_gui.services.export_names import numbered
from dclust_gui.services.export_plan import (
    Action,
    Conflict,
    check_target,
    export_items,
    free_bytes,
    plan_export,
)
from dclust_gui.services.export_steps import OnConflict, folder_of
from dclust_gui.services.formats.images import labelled_images
from dclust_gui.services.formats.writing import FileFormat, format_names
from dclust_gui.services.xmp.sidecars import SidecarNames, SidecarPlan, plan_sidecars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.export_plan import ExportPlan
    from dclust_gui.services.export_wish import ExportWish
    from dclust_gui.services.snapshot import Snapshot

_NUMBER = re.compile(r"(\d{1,18})")


@dataclass(frozen=True, slots=True)
class FolderCount:
    """What happens in one folder of an export.

    Attributes:
        path: Below the export's folder, separated by `/`; empty for that itself. In formats that
            are files about the images, the file.
        new: Files that come.
        changed: Files brought up to date, or moved here from another folder of the export.
        kept: Files that stay as they are.
        n_bytes: Size of all of them.
    """

    path: str
    new: int = 0
    changed: int = 0
    kept: int = 0
    n_bytes: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What an export would do; made without changing anything.

    Attributes:
        wish: What was asked for.
        facts: The folder as it is.
        plan: The plan of a tree of images; None for other formats, or where there is an error.
        error: Why it cannot be done.
        folders: What happens in which folder, by path.
        counts: Number of files by action.
        n_images: Images that take part in other formats than trees.
        free_bytes: Free space on the folder's drive.
        conflicts: Names that others' files have, where a person is asked.
        notes: Sentences to show.
    """

    wish: ExportWish
    facts: FolderFacts
    plan: ExportPlan | None = None
    error: KnownError | None = None
    folders: tuple[FolderCount, ...] = ()
    counts: Mapping[Action, int] = field(default_factory=dict)
    n_images: int = 0
    free_bytes: int = 0
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_work(self) -> bool:
        """Whether carrying it out would change anything."""
        return any(n for action, n in self.counts.items() if action is not Action.KEEP)

    @property
    def n_undecided(self) -> int:
        """Conflicts that a person has to decide first."""
        return sum(conflict.choice is None for conflict in self.conflicts)

    def count(self, action: Action) -> int:
        """Number of files that something is done with."""
        return self.counts.get(action, 0)


def look_ahead(
    wish: ExportWish,
    snapshot: Snapshot,
    project: Path,
    token: CancelToken,
    *,
    is_read_only: bool = False,
) -> Outlook:
    """Find out what an export would do.

    Args:
        wish: What is asked for.
        snapshot: The project.
        project: Its file.
        token: Stops the work.
        is_read_only: The project cannot be written to.

    Returns:
        The outlook; where a person can mend what is wrong, it holds the error.

    Raises:
        Cancelled: If the job was cancelled.
    """
    facts = FolderFacts(wish.target)
    try:
        if wish.is_tree:
            facts = folder_facts(wish.target, snapshot.roots, is_read_only=is_read_only)
            return _tree(wish, facts, snapshot, project, token)
        if isinstance(wish.format, FileFormat):
            return _files(wish, facts, wish.format, snapshot)
        return _keywords(wish, facts, snapshot, token)
    except KnownError as error:
        return Outlook(wish, facts, error=error)


def _tree(
    wish: ExportWish, facts: FolderFacts, snapshot: Snapshot, project: Path, token: CancelToken
) -> Outlook:
    refused = facts.refused.get(wish.mode)
    if refused:
        raise_refused(wish.target, refused)
    items = export_items(snapshot.images, snapshot.clustering)
    request = wish.tree_request(snapshot.clustering, project)
    plan = plan_export(items, snapshot.roots, request, token)
    return Outlook(
        wish,
        facts,
        plan,
        folders=_folders(plan),
        counts={action: n for action in Action if (n := plan.count(action))},
        free_bytes=plan.free_bytes,
        conflicts=tuple(
            sorted(plan.conflicts, key=lambda c: _as_read(display_path(c.destination)))
        ),
        notes=plan.warnings,
    )


def raise_refused(target: Path, reason: str) -> None:
    """Refuse a mode that a folder does not allow.

    Raises:
        InputError: Always.
    """
    name = display_path(os.fsencode(target))
    raise InputError(f"Could not export to '{name}' in this way.", reason)


def _folders(plan: ExportPlan) -> tuple[FolderCount, ...]:
    numbers: dict[bytes, Counter[Action]] = {}
    sizes: Counter[bytes] = Counter()
    for step in plan.steps:
        folder = folder_of(step.destination)
        numbers.setdefault(folder, Counter())[step.action] += 1
        if step.action is not Action.RENAME:
            sizes[folder] += step.size
    rows = [
        FolderCount(
            display_path(folder),
            found[Action.COPY] + found[Action.RELEASE],
            found[Action.RENAME] + found[Action.UPDATE],
            found[Action.KEEP],
            sizes[folder],
        )
        for folder, found in numbers.items()
    ]
    return tuple(sorted(rows, key=lambda row: _as_read(row.path)))


def _as_read(path: str) -> list[str | int]:
    """Orders names as people read them: 2 before 10."""
    parts = _NUMBER.split(path.casefold())
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def _files(wish: ExportWish, facts: FolderFacts, form: FileFormat, snapshot: Snapshot) -> Outlook:
    check_target(wish.target, snapshot.roots)
    images = labelled_images(snapshot, wish.scope)
    if not images:
        raise InputError(
            "There is nothing to export.",
            "No image that could be read is in what you chose.",
            "Choose other clusters, or all.",
        )
    names = format_names(form, images)
    request = wish.file_request(form, "", "")
    taken = [name for name in names if os.path.lexists(wish.target / name)]
    conflicts: list[Conflict] = []
    n_skipped = 0
    for name in taken:
        rule = request.rule(name)
        n_skipped += rule is OnConflict.SKIP
        if wish.on_conflict is OnConflict.ASK:
            choice = None if rule is OnConflict.ASK else rule
            conflicts.append(Conflict(Path(name), os.fsencode(name), choice))
    n_new = len(names) - n_skipped
    rows = [FolderCount(_free_name(wish.target, name), new=1) for name in names]
    skips = [request.rule(name) is OnConflict.SKIP and name in taken for name in names]
    return Outlook(
        wish,
        facts,
        folders=tuple(row for row, is_left in zip(rows, skips, strict=True) if not is_left),
        counts={Action.COPY: n_new},
        n_images=len(images),
        free_bytes=free_bytes(wish.target),
        conflicts=tuple(conflicts),
        notes=tuple(_taken_note(name, request.rule(name)) for name in taken),
    )


def _free_name(target: Path, name: str) -> str:
    """What a new file will be called."""
    number = 1
    while os.path.lexists(target / numbered([name], number)[0]):
        number += 1
    return numbered([name], number)[0]


def _taken_note(name: str, rule: OnConflict) -> str:
    if rule is OnConflict.SKIP:
        return f"'{name}' is there already and will not be written."
    if rule is OnConflict.ASK:
        return f"'{name}' is there already; decide what to do."
    return f"'{name}' is there already; the new file gets a number."


def _keywords(
    wish: ExportWish, facts: FolderFacts, snapshot: Snapshot, token: CancelToken
) -> Outlook:
    every = wish.sidecars is SidecarNames.FULL
    images = labelled_images(snapshot, wish.scope, with_companions=every)
    targets = snapshot.roots if wish.beside else (wish.target,)
    plans = [plan_sidecars(images, snapshot.roots, t, wish.sidecars, token) for t in targets]
    unnamed = sum(plan.unnamed for plan in plans)
    notes = [f"{unnamed:,} images are in clusters without a name and get no keyword."]
    if unnamed == 1:
        notes = ["1 image is in a cluster without a name and gets no keyword."]
    return Outlook(
        wish,
        facts,
        folders=_sidecar_folders(wish, plans),
        counts={
            Action.COPY: sum(plan.new for plan in plans),
            Action.UPDATE: sum(plan.merged for plan in plans),
        },
        n_images=len(images),
        free_bytes=free_bytes(targets[0]),
        notes=tuple(notes) if unnamed else (),
    )


def _sidecar_folders(wish: ExportWish, plans: list[SidecarPlan]) -> tuple[FolderCount, ...]:
    rows: list[FolderCount] = []
    for plan in plans:
        for folder, number in plan.folders.items():
            below = folder
            if not wish.beside and folder.is_relative_to(wish.target):
                below = folder.relative_to(wish.target)
            name = display_path(os.fsencode(below))
            rows.append(FolderCount("" if name == "." else name, new=number))
    return tuple(sorted(rows, key=lambda row: _as_read(row.path)))

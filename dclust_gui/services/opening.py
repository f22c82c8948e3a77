"""How a project is opened, and how a folder becomes a draft project."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError, ProjectLockedError
from dclust_gui.services.session import ProjectSession
from dclust_gui.storage.locations import drafts_dir
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from pathlib import Path

PROJECT_SUFFIX = ".dclust"


def is_project(path: Path) -> bool:
    """Whether a path names a project file rather than a folder of images."""
    return path.suffix.lower() == PROJECT_SUFFIX and not path.is_dir()


def open_project(path: Path, *, read_only: bool = False) -> ProjectSession:
    """Open a project file; for reading only when another process holds it.

    Raises:
        StorageError: If it is no project, damaged, or of a newer version.
    """
    is_draft = path.parent == drafts_dir()
    if read_only:
        return ProjectSession(ProjectStore.open(path, read_only=True), is_draft=is_draft)
    try:
        return ProjectSession(ProjectStore.open(path), is_draft=is_draft)
    except ProjectLockedError:
        return ProjectSession(ProjectStore.open(path, read_only=True), is_draft=is_draft)


def open_folder(folder: Path) -> ProjectSession:
    """Open a folder as a draft project in the user's data folder, the same draft each time.

    Raises:
        InputError: If it is not a folder.
        StorageError: If the draft cannot be made or read.
    """
    if not folder.is_dir():
        raise InputError(f"'{folder.name or folder}' is not a folder.", "", "Choose a folder.")
    root = folder.resolve()
    draft = draft_path(root)
    if draft.exists():
        return open_project(draft)
    draft.parent.mkdir(parents=True, exist_ok=True)
    return ProjectSession(ProjectStore.create(draft, [root]), is_draft=True)


def draft_path(root: Path) -> Path:
    """Where the draft of a folder lies: its name and a hash of its place."""
    key = hashlib.blake2b(os.fsencode(root), digest_size=6).hexdigest()
    name = "".join(c if c.isalnum() or c in "-_ " else "_" for c in root.name)[:40] or "folder"
    return drafts_dir() / f"{name}-{key}{PROJECT_SUFFIX}"


def create_project(path: Path, folders: list[Path]) -> ProjectSession:
    """Make a new project file over some folders; one given twice counts once.

    Raises:
        InputError: If a folder does not exist.
        StorageError: If the file exists or cannot be written.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"There is no folder '{folder}'.")
    roots = list(dict.fromkeys(folder.resolve() for folder in folders))
    return ProjectSession(ProjectStore.create(path, roots))

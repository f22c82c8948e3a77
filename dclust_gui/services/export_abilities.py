"""Which ways of exporting a folder allows, told by looking only, and what is there already."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.services.export_present import path_of
from dclust_gui.storage.export_journal import GENERATED, read_journal
from dclust_gui.storage.file_modes import ExportMode, is_same_device

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dclust_gui.storage.export_journal import JournalState

_NO_LINKS = frozenset({"vfat", "msdos", "fat", "exfat"})
"""File systems without hard and symbolic links."""

_NO_REFLINKS = _NO_LINKS | {
    *("ext2", "ext3", "ext4", "ntfs", "ntfs3", "fuseblk", "tmpfs", "ramfs", "hfs", "hfsplus"),
    *("jfs", "reiserfs", "iso9660", "udf", "squashfs", "9p"),
}
"""File systems that cannot share blocks between files."""

_MODE_WORDS = {
    ExportMode.COPY: "copies",
    ExportMode.MOVE: "moved originals",
    ExportMode.HARDLINK: "hard links",
    ExportMode.SYMLINK: "symbolic links",
    ExportMode.REFLINK: "reflinks",
}


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """What is known of an export's folder before a plan is made.

    Attributes:
        target: The folder.
        refused: Modes that it does not allow, each with the reason.
        mode: How the export that it holds was made; None where there is none.
        n_files: Files of that export.
        n_begun: Files that it had begun when it was interrupted; 0 where it came to its end.
        projects: Project files that it came from.
    """

    target: Path
    refused: Mapping[ExportMode, str] = field(default_factory=dict)
    mode: ExportMode | None = None
    n_files: int = 0
    n_begun: int = 0
    projects: tuple[Path, ...] = ()

    @property
    def holds_export(self) -> bool:
        """Whether an export has been made into it."""
        return self.mode is not None


def folder_facts(target: Path, roots: Sequence[Path], *, is_read_only: bool = False) -> FolderFacts:
    """Look at a folder that is to be exported to; changes nothing.

    Args:
        target: The folder; need not exist.
        roots: Root folders of the project.
        is_read_only: The project cannot be written to, so it could not follow a move.

    Raises:
        StorageError: If a former export's journal cannot be read.
    """
    state = read_journal(target)
    mode = None if state is None else _mode_of(state)
    refused = _refused(target, roots, is_read_only=is_read_only)
    if mode is not None:
        there = _MODE_WORDS[mode]
        why = f"The folder holds an export of {there}. Choose another folder, or undo that export."
        refused |= {other: why for other in ExportMode if other is not mode}
    if state is None:
        return FolderFacts(target, refused)
    files = [f for f in state.finished.values() if not f.source.startswith(GENERATED)]
    projects = tuple(path_of(project) for project in state.projects)
    return FolderFacts(target, refused, mode, len(files), len(state.started), projects)


def _mode_of(state: JournalState) -> ExportMode | None:
    """How the files that are there, or were begun, were made."""
    modes = [f.mode for f in state.finished.values() if not f.source.startswith(GENERATED)]
    modes += [file.mode for file in state.started.values()]
    return ExportMode(modes[-1]) if modes and modes[-1] in set(ExportMode) else None


def _refused(target: Path, roots: Sequence[Path], *, is_read_only: bool) -> dict[ExportMode, str]:
    refused: dict[ExportMode, str] = {}
    there = [root for root in roots if root.is_dir()]
    if is_read_only:
        refused[ExportMode.MOVE] = (
            "The project is open for reading only and could not follow its files."
        )
    elif any(not os.access(root, os.W_OK) for root in there):
        refused[ExportMode.MOVE] = "The originals' folder cannot be written to."
    kind = file_system(target)
    if kind in _NO_LINKS:
        why = f"The folder's drive ({kind}) has no links."
        refused |= {ExportMode.HARDLINK: why, ExportMode.SYMLINK: why}
    if sys.platform not in ("linux", "darwin") or kind in _NO_REFLINKS:
        name = f" ({kind})" if kind else ""
        refused[ExportMode.REFLINK] = (
            f"The folder's drive{name} cannot share blocks; Btrfs, XFS and APFS can."
        )
    if any(not is_same_device(root, target) for root in there):
        why = "The originals are on another drive."
        refused |= {ExportMode.HARDLINK: why, ExportMode.REFLINK: why}
    return refused


def file_system(folder: Path) -> str:
    """Kind of the file system that a folder is or will be on, as Linux calls it; empty if unknown.

    Args:
        folder: Need not exist.
    """
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().split(b"\n")
    except OSError:
        return ""
    best, kind = b"", b""
    path = os.fsencode(os.path.realpath(folder))
    for line in lines:
        before, _, after = line.partition(b" - ")
        fields = before.split(b" ")
        if len(fields) < 5 or not after:
            continue
        mount = fields[4].replace(b"\\040", b" ").replace(b"\\134", b"\\")
        is_above = path == mount or path.startswith(mount.rstrip(b"/") + b"/")
        if is_above and len(mount) >= len(best):
            best, kind = mount, after.split(b" ")[0]
    return kind.decode("ascii", "replace")

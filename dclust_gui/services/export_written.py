"""Which files an export has written, told by its journal and by what is there after a crash."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.services.export_present import (
    is_our_symlink,
    is_same_file,
    original_copy,
    path_in,
    path_of,
    regular_status,
)
from dclust_gui.storage.export_journal import ExportedFile, JournalState, StartedFile
from dclust_gui.storage.file_modes import ExportMode, link_text
from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def written_files(target: Path, state: JournalState) -> list[ExportedFile]:
    """All files of an export: the finished ones, and those that a crash left unrecorded."""
    settled = [file for source, file in state.finished.items() if source not in state.started]
    taken = {file.destination for file in settled}
    found: list[ExportedFile] = []
    for source, begun in state.started.items():
        before = state.finished.get(source)
        if before is not None:
            found += _of_moved(target, before, begun, taken)
        elif os.path.lexists(path_in(target, begun.destination)):
            found.append(_of_new(target, begun))
        taken.update(file.destination for file in found)
    return settled + found


def _of_new(target: Path, begun: StartedFile) -> ExportedFile:
    """A file that was brought in and not recorded."""
    path, original = path_in(target, begun.destination), path_of(begun.source)
    size, content, mtime, link = begun.size, b"", path.lstat().st_mtime_ns, ""
    if begun.mode == ExportMode.SYMLINK:
        link = _text_of(path)
    elif begun.mode in (ExportMode.COPY, ExportMode.REFLINK):
        size, content = _copy_of(original, begun.keywords)
    elif begun.mode == ExportMode.MOVE:
        mtime = begun.mtime_ns
        if os.path.lexists(original):  # to another drive: there are two files
            size, content = _copy_of(original, "")
    return ExportedFile(
        begun.source, begun.destination, size, begun.mtime_ns, mtime, content, begun.mode, link
    )


def _of_moved(
    target: Path, before: ExportedFile, begun: StartedFile, taken: Collection[bytes]
) -> list[ExportedFile]:
    """A file that was moved inside the export, brought up to date, or both, when a crash came.

    It stands in its old place, in its new one, on its way, or has two names; its content is the
    old one, or the new one.
    """
    places = dict.fromkeys((before.destination, begun.previous, begun.destination))
    files = [_at(target, before, place) for place in places if place and place not in taken]
    found = [file for file in files if _is_ours(target, file)]
    if not found and before.mode == ExportMode.COPY:
        size, content = _copy_of(path_of(begun.source), begun.keywords)
        new = replace(before, destination=begun.destination, size=size, content=content)
        found = [new] if _is_ours(target, new) else []
    found = found[:1] or [before]
    for file in files:
        path = path_in(target, file.destination)
        status = regular_status(path)
        if file.destination == found[0].destination or not found[0].size:
            continue
        if is_same_file(path, path_in(target, found[0].destination)) or (
            file.mode == ExportMode.SYMLINK and _is_ours(target, file)
        ):
            found.append(file)  # a second name
        elif status is not None and not status.st_size:  # kept free for it
            found.append(replace(file, size=0, content=b"", mtime_ns=status.st_mtime_ns))
    return found


def _at(target: Path, file: ExportedFile, place: bytes) -> ExportedFile:
    """What a file would be in another place of the export."""
    link = file.link
    if file.mode == ExportMode.SYMLINK and place != file.destination:
        link = link_text(path_of(file.source), path_in(target, place))
    return replace(file, destination=place, link=link)


def _is_ours(target: Path, file: ExportedFile) -> bool:
    """Whether a file is there as it was written."""
    path = path_in(target, file.destination)
    if file.mode == ExportMode.SYMLINK:
        return is_our_symlink(path, file)
    if file.mode == ExportMode.HARDLINK:
        return is_same_file(path, path_of(file.source))
    return is_what_was_written(path, file)


def _text_of(path: Path) -> str:
    """The text of a symlink; empty for all else."""
    try:
        return os.readlink(path)  # noqa: PTH115 -- as text, undecoded
    except OSError:
        return ""


def _copy_of(original: Path, keywords: str) -> tuple[int, bytes]:
    """Size and content hash of the copy of an original; of no file where that cannot be read."""
    try:
        return original_copy(original, keywords)
    except OSError:
        return -1, b"\0"


def is_what_was_written(path: Path, file: ExportedFile) -> bool:
    """Whether a file is unchanged: by content where that is known, else by size and time."""
    status = regular_status(path)
    if status is None or status.st_size != file.size:
        return False
    if not file.content:
        return status.st_mtime_ns == file.mtime_ns
    try:
        return content_hash(path) == file.content
    except OSError:
        return False

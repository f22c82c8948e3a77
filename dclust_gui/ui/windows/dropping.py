"""What files and folders dropped on the window would open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.services.importing.sources import FILE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SEVERAL_FOLDERS = "These files lie in several folders. Drop one folder, or files of one folder."
"""Why nothing is opened."""


def common_place(paths: Sequence[Path]) -> Path | None:
    """What to open for several paths: the only one, or the folder they share; None without one."""
    if len(paths) == 1:
        return paths[0]
    folders = {path.parent for path in paths}
    return folders.pop() if len(folders) == 1 else None


def searched_file(paths: Sequence[Path], *, is_open: bool) -> Path | None:
    """The one image file to search by, when a project is open; None for anything else."""
    only = paths[0] if is_open and len(paths) == 1 else None
    if only is None or only.suffix.lower() == ".dclust" or not only.is_file():
        return None
    return only


def labels_file(paths: Sequence[Path], *, is_open: bool) -> Path | None:
    """The one file with labels to import, when a project is open; None for anything else."""
    only = paths[0] if is_open and len(paths) == 1 else None
    is_labels = only is not None and only.suffix.lower() in FILE_ENDINGS and only.is_file()
    return only if is_labels else None


def drop_hint(paths: Sequence[Path], *, is_open: bool = False) -> str:
    """What a drop of these paths would do, in words; with a project open, one file is sought."""
    labels = labels_file(paths, is_open=is_open)
    if labels is not None:
        return f"Import the labels in {labels.name}"
    searched = searched_file(paths, is_open=is_open)
    if searched is not None:
        return f"Find images similar to {searched.name}"
    place = common_place(paths)
    if place is None:
        return SEVERAL_FOLDERS
    if place.suffix.lower() == ".dclust":
        return f"Open project {place.stem}"
    return f"Open folder {place.parent.name if place.is_file() else place.name}"

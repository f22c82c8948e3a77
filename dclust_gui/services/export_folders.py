"""Makes the folders of an export, and removes those from which the last file went."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dclust_gui.services.export_present import path_in
from dclust_gui.services.export_steps import folder_of
from dclust_gui.storage.verified_copy import CopyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class ExportFolders:
    """The folders of one export under way.

    Args:
        target: The export's folder.
        will_make: Told the path below the target of each folder before it is made.
    """

    def __init__(self, target: Path, will_make: Callable[[bytes], None]) -> None:
        self._target = target
        self._will_make = will_make
        self._ready: dict[bytes, str] = {}
        self._emptied: set[Path] = set()

    def ready(self, destination: bytes) -> str:
        """Make the folders of a file; they are never links to elsewhere.

        Args:
            destination: The file's path below the target.

        Returns:
            The path of the innermost one.

        Raises:
            CopyError: If one is a link.
            OSError: If one cannot be made.
        """
        folder = folder_of(destination)
        found = self._ready.get(folder)
        if found is None:
            parts = folder.split(b"/") if folder else []
            for n in range(1, len(parts) + 1):
                self._make(b"/".join(parts[:n]))
            found = self._ready[folder] = os.fspath(path_in(self._target, folder))
        if self._emptied:
            self._emptied.discard(path_in(self._target, folder))
        return found

    def emptied(self, folder: Path) -> None:
        """Note that a file went from a folder, which may be empty now."""
        self._emptied.add(folder)

    def remove_empty(self) -> None:
        """Remove cluster folders from which the last file was moved away."""
        for emptied in self._emptied:
            folder = emptied
            while folder != self._target:
                try:
                    folder.rmdir()
                except OSError:
                    break  # it holds something, or is needed: it stays
                folder = folder.parent

    def _make(self, relative: bytes) -> None:
        if relative in self._ready:
            return
        folder = path_in(self._target, relative)
        if folder.is_symlink():
            raise CopyError("Its folder in the export is a link to another place.")
        if not folder.is_dir():
            self._will_make(relative)
            folder.mkdir(exist_ok=True)
        self._ready[relative] = os.fspath(folder)

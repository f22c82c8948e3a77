"""Files of a project by their content; those that were never read are hashed when it matters."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """One image file of a project.

    Attributes:
        image: Id of its image.
        root: Number of its root.
        relative: Path below the root, bytes.
        path: The file on this computer.
        size: Bytes when it was last read.
        content: Content hash; empty where it is not known.
        is_leader: It is the file that is shown and clustered.
    """

    image: int
    root: int
    relative: bytes
    path: Path
    size: int
    content: bytes
    is_leader: bool = True


class ContentIndex:
    """Finds files by content.

    Args:
        files: All files of the project.
        token: Stops reading.
    """

    def __init__(self, files: Sequence[ProjectFile], token: CancelToken) -> None:
        self._token = token
        self._known: dict[bytes, list[ProjectFile]] = {}
        self._unread: dict[int, list[ProjectFile]] = {}
        self._hashes: dict[Path, bytes] = {}
        for file in files:
            if file.content:
                self._known.setdefault(file.content, []).append(file)
            else:
                self._unread.setdefault(file.size, []).append(file)
        self._sizes = {file.size for file in files}
        self._has_unread = any(file.is_leader and not file.content for file in files)

    def with_hash(self, content: bytes) -> list[ProjectFile]:
        """Files with a content hash.

        Raises:
            Cancelled: If the job was cancelled.
        """
        if content not in self._known and self._has_unread:
            self._has_unread = False
            for size in tuple(self._unread):
                self._read(size)
        return list(self._known.get(content, ()))

    def like(self, path: Path) -> list[ProjectFile]:
        """Files with the content of another file; none if it cannot be read.

        Raises:
            Cancelled: If the job was cancelled.
        """
        try:
            size = path.stat().st_size
            if size not in self._sizes or not size:
                return []
            self._read(size)
            return list(self._known.get(self._hash(path), ()))
        except OSError:
            return []

    def _read(self, size: int) -> None:
        """Hash the files of a size that were never read."""
        for file in self._unread.pop(size, ()):
            with contextlib.suppress(OSError):
                self._known.setdefault(self._hash(file.path), []).append(file)

    def _hash(self, path: Path) -> bytes:
        self._token.checkpoint()
        if path not in self._hashes:
            self._hashes[path] = content_hash(path, self._token)
        return self._hashes[path]

"""Small pictures to compare images by: from thumbnails, or read again where there is none."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.images import absolute_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.services.workspace import Workspace

_READ_AT_ONCE = 128


class SketchShelf:
    """Sketches of pictures of one project, kept between searches; any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sketches: dict[bytes, NDArray[np.uint8]] = {}
        self._sharpness: dict[tuple[bytes, int], float] = {}

    def sketch(self, content: bytes) -> NDArray[np.uint8] | None:
        """The sketch of a content, if it is kept."""
        with self._lock:
            return self._sketches.get(content)

    def keep_only(self, contents: Iterable[bytes], sketches: NDArray[np.uint8]) -> None:
        """Keep the sketches of these contents and of no others."""
        with self._lock:
            self._sketches = dict(zip(contents, sketches, strict=True))

    def sharpness(self, content: bytes, side: int) -> float | None:
        """The sharpness of a content at a size, if it is known."""
        with self._lock:
            return self._sharpness.get((content, side))

    def put_sharpness(self, content: bytes, side: int, value: float) -> None:
        """Keep a sharpness."""
        with self._lock:
            self._sharpness[content, side] = value


@dataclass(frozen=True, slots=True, eq=False)
class SketchSource:
    """Gets sketches of a project's pictures.

    Attributes:
        workspace: Has thumbnails, and reads files.
        snapshot: The project.
        shelf: Has the sketches of the last time.
    """

    workspace: Workspace
    snapshot: Snapshot
    shelf: SketchShelf

    def sketches(
        self, wanted: Mapping[bytes, Iterable[int]], told: Callable[[int, int], None]
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Sketches of some contents.

        Args:
            wanted: Images by content.
            told: Called with (done, total); may raise `Cancelled`.

        Returns:
            uint8 (n, *`SKETCH_SHAPE`) in the order of `wanted`, and bool (n,): which of them could
            be had; the others are black.

        Raises:
            StorageError: If the cache cannot be read.
        """
        from dclust_gui.imaging.sketches import SKETCH_SHAPE

        found = np.zeros((len(wanted), *SKETCH_SHAPE), np.uint8)
        has = np.zeros(len(wanted), np.bool_)
        missing = []
        for place, content in enumerate(wanted):
            kept = self.shelf.sketch(content)
            if kept is None:
                missing.append((place, content))
            else:
                found[place], has[place] = kept, True
        for start in range(0, len(missing), _READ_AT_ONCE):
            told(start, len(missing))
            part = missing[start : start + _READ_AT_ONCE]
            pictures = self.workspace.stores.thumbnails.get_many([c for _, c in part])
            for place, content in part:
                sketch = _sketch_of(pictures.get(content))
                if sketch is None:
                    sketch = self._read(wanted[content])
                if sketch is not None:
                    found[place], has[place] = sketch, True
        return found, has

    def _read(self, images: Iterable[int]) -> NDArray[np.uint8] | None:
        """The sketch of a picture that has no thumbnail; None if its files cannot be read."""
        from dclust_gui.imaging.sketches import sketch_of_pixels
        from dclust_gui.services.thumbnails import STORED_SIDE

        for image in images:
            record = self.snapshot.images[image]
            path = absolute_path(self.snapshot.roots[record.root], record.relative)
            pixels = self.workspace.thumbnails.full(path, STORED_SIDE)
            if pixels is not None:
                return sketch_of_pixels(pixels)
        return None


def _sketch_of(thumbnail: bytes | None) -> NDArray[np.uint8] | None:
    """None where there is no thumbnail, or a damaged one."""
    from dclust_gui.imaging.sketches import sketch_of

    try:
        return None if thumbnail is None else sketch_of(thumbnail)
    except (OSError, SyntaxError):
        return None

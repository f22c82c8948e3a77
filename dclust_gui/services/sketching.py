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

    def keep_only(self, sketches: dict[bytes, NDArray[np.uint8]]) -> None:
        """Keep these and no others."""
        with self._lock:
            self._sketches = dict(sketches)

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
    ) -> dict[bytes, NDArray[np.uint8]]:
        """Sketches by content, without those of pictures that cannot be had.

        Args:
            wanted: Images by content.
            told: Called with (done, total); may raise `Cancelled`.

        Raises:
            StorageError: If the cache cannot be read.
        """
        kept = {content: self.shelf.sketch(content) for content in wanted}
        found = {content: sketch for content, sketch in kept.items() if sketch is not None}
        missing = [content for content in wanted if content not in found]
        store = self.workspace.stores.thumbnails
        for start in range(0, len(missing), _READ_AT_ONCE):
            told(start, len(missing))
            part = missing[start : start + _READ_AT_ONCE]
            pictures = store.get_many(part)
            for content in part:
                sketch = _sketch_of(pictures.get(content))
                if sketch is None:
                    sketch = self._read(wanted[content])
                if sketch is not None:
                    found[content] = sketch
        return found

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


def stacked(sketches: Iterable[NDArray[np.uint8] | None]) -> NDArray[np.uint8]:
    """Sketches in one array (m, *`SKETCH_SHAPE`); black ones where there is none."""
    from dclust_gui.imaging.sketches import SKETCH_SHAPE

    none = np.zeros(SKETCH_SHAPE, np.uint8)
    rows = [none if sketch is None else sketch for sketch in sketches]
    return np.stack(rows) if rows else np.empty((0, *SKETCH_SHAPE), np.uint8)

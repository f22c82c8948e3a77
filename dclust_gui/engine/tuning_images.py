"""The pictures of images for a training: decoded once, in threads, in their order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.images import absolute_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.engine.requests import IngestResult
    from dclust_gui.features.backbones import BackboneSpec
    from dclust_gui.imaging.decode import ImageReader

_AHEAD_PER_THREAD = 8
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class PictureBatch:
    """Some images that could be read.

    Attributes:
        rows: int32 (n,), which of the files they are.
        pixels: uint8 (n, height, width, 3), RGB, scaled to cover and cut to their centre.
    """

    rows: NDArray[np.int32]
    pixels: NDArray[np.uint8]


def image_files(ingest: IngestResult, rows: NDArray[np.int32]) -> list[Path]:
    """The files that gave units their pictures.

    Args:
        ingest: The images.
        rows: int32 (m,), indices of units.
    """
    units, roots = ingest.scan.units, ingest.scan.roots
    return [absolute_path(roots[units[i].root], ingest.sources[i]) for i in rows.tolist()]


class PictureSource:
    """Decodes files for a backbone's training.

    Args:
        reader: Decodes; hard formats and damaged files in helper processes, as always.
        spec: The backbone, for the size of its input.
        token: Stops or pauses the work.
        threads: Decoding threads; 0 for one per core.
    """

    def __init__(
        self, reader: ImageReader, spec: BackboneSpec, token: CancelToken, threads: int = 0
    ) -> None:
        self._reader, self._spec, self._token = reader, spec, token
        self._threads = threads or max(1, os.cpu_count() or 1)
        self.n_unreadable = 0
        """Files that could be read before, and cannot now."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        return self._spec.resize_size

    def batches(self, files: Sequence[Path], batch_size: int) -> Iterator[PictureBatch]:
        """All pictures in the order of their files; those that cannot be read are left out.

        Args:
            files: The files.
            batch_size: Pictures at a time.

        Raises:
            Cancelled: If the token says so.
        """
        rows: list[int] = []
        pixels: list[NDArray[np.uint8]] = []
        for row, picture in self._decoded(files):
            if picture is None:
                self.n_unreadable += 1
                continue
            rows.append(row)
            pixels.append(picture)
            if len(rows) == batch_size:
                yield PictureBatch(np.array(rows, np.int32), np.stack(pixels))
                rows, pixels = [], []
        if rows:
            yield PictureBatch(np.array(rows, np.int32), np.stack(pixels))

    def _decoded(self, files: Sequence[Path]) -> Iterator[tuple[int, NDArray[np.uint8] | None]]:
        """Each file's number and picture."""
        ahead = self._threads * _AHEAD_PER_THREAD
        waiting: deque[tuple[int, Future[NDArray[np.uint8] | None]]] = deque()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="pictures")
        try:
            for row, file in enumerate(files):
                waiting.append((row, pool.submit(self._picture, file)))
                if len(waiting) >= ahead:
                    first, future = waiting.popleft()
                    yield first, self._result(future)
            while waiting:
                first, future = waiting.popleft()
                yield first, self._result(future)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _result(self, future: Future[NDArray[np.uint8] | None]) -> NDArray[np.uint8] | None:
        """What a thread found; wakes often enough to be cancelled."""
        while True:
            self._token.checkpoint()
            try:
                return future.result(timeout=_POLL_S)
            except TimeoutError:
                if future.done():
                    raise

    def _picture(self, file: Path) -> NDArray[np.uint8] | None:
        """Body of a thread: one picture; None for a file that cannot be read."""
        from dclust_gui.features.preprocess import resize_and_crop

        found = self._reader.read(file, max(self.size), self._token)
        if found.image is None:
            return None
        return resize_and_crop(found.image.pixels, self.size, self.size, self._spec.interpolation)

"""Find similar: the images of a project most like some of them, or like a file from outside."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import BackboneError, ImageUnreadableError, InputError
from dclust_gui.domain.images import absolute_path, display_path
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.feature_matrix import FeatureMatrix

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.features.extractor import FeatureExtractor
    from dclust_gui.services.snapshot import Snapshot

HOW_MANY = 100
"""Images that a search in the window gives."""

_RECHECK_S = 2.0
"""How long missing features count as missing before the store is asked again."""


@dataclass(frozen=True, slots=True, eq=False)
class SimilarResult:
    """What a search found.

    Attributes:
        title: `Similar to img1.jpg`, for the gallery's heading.
        query: Ids of the images that were searched by; empty for a file from outside.
        images: int32 (k,), ids, the most similar first, without those of `query`.
        similarity: float32 (k,), cosine of the centred features, -1 to 1.
    """

    title: str
    query: tuple[int, ...]
    images: NDArray[np.int32]
    similarity: NDArray[np.float32]

    @property
    def ordered(self) -> tuple[int, ...]:
        """What the gallery shows: the images searched by, then what is like them."""
        return (*self.query, *self.images.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class _Loaded:
    fingerprint: str
    images: tuple[ImageRecord, ...]
    contents: list[bytes]
    is_there: NDArray[np.bool_]
    matrix: FeatureMatrix
    checked_at: float

    def is_current(self, fingerprint: str, images: tuple[ImageRecord, ...]) -> bool:
        """Whether nothing can have changed: the same records, all or lately looked up."""
        is_fresh = time.monotonic() - self.checked_at < _RECHECK_S
        is_same = self.fingerprint == fingerprint and self.images is images
        return is_same and (is_fresh or bool(self.is_there.all()))


class SimilarService:
    """Keeps the last project's features in memory, and a network for files from outside.

    Every method may take seconds the first time; call them on the query thread. Calls from
    several threads wait for each other.

    Args:
        engine: Gives features, the backbone and the reader of files.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._extractor: FeatureExtractor | None = None
        self._extractor_fingerprint = ""

    def forget(self) -> None:
        """Give the memory back: another project is open, or none."""
        with self._lock:
            self._loaded = None
            self._extractor = None

    def matrix(self, snapshot: Snapshot, token: CancelToken | None = None) -> FeatureMatrix:
        """The features of all images that have some; loaded when something has changed.

        Raises:
            InputError: If no image has features yet.
            StorageError: If the cache cannot be read.
            BackboneError: If there is no run, and the default backbone is not on this computer.
            Cancelled: If the token says so.
        """
        with self._lock:
            return self._matrix(snapshot, token)

    def by_images(
        self,
        snapshot: Snapshot,
        images: Iterable[int],
        n: int = HOW_MANY,
        token: CancelToken | None = None,
    ) -> SimilarResult:
        """The images most like one image, or like the mean of several.

        Args:
            snapshot: The project.
            images: Ids.
            n: How many at most.
            token: Stops the work.

        Raises:
            InputError: If none of the images has features.
            StorageError: If the cache cannot be read.
            Cancelled: If the token says so.
        """
        query = tuple(dict.fromkeys(images))
        ids = np.array(query, np.int64)
        matrix = self.matrix(snapshot, token)
        direction = matrix.direction_of(ids)
        what = file_name(snapshot, query[0]) if len(query) == 1 else count_of(len(query))
        if direction is None:
            raise InputError(
                f"Nothing can be compared with {what}.",
                "It could not be read, or has not been read yet.",
                "Wait for 'Reading images' to end, or press F5.",
            )
        found, similarity = matrix.nearest(direction, n, ids, token)
        return SimilarResult(f"Similar to {what}", query, found, similarity)

    def by_file(
        self,
        snapshot: Snapshot,
        path: Path,
        n: int = HOW_MANY,
        token: CancelToken | None = None,
    ) -> SimilarResult:
        """The images most like an image file, which need not belong to the project.

        A file of the project is found again by its place; any other is read, and goes through the
        network alone unless the cache knows its content.

        Raises:
            InputError: If no image has features.
            ImageUnreadableError: If the file cannot be read.
            BackboneError: If the run's backbone is not on this computer.
            StorageError: If the cache cannot be read.
            Cancelled: If the token says so.
        """
        known = find_image(snapshot, path)
        matrix = self.matrix(snapshot, token)
        if known is not None and matrix.row_of[known] >= 0:
            return self.by_images(snapshot, [known], n, token)
        with self._lock:
            features = self._features_of(snapshot, path, token)
        found, similarity = matrix.nearest(matrix.direction(features), n, None, token)
        title = f"Similar to {display_path(os.fsencode(path.name))}"
        return SimilarResult(title, (), found, similarity)

    # -- inside ----------------------------------------------------------------------------

    def _matrix(self, snapshot: Snapshot, token: CancelToken | None) -> FeatureMatrix:
        fingerprint, images = self._fingerprint(snapshot), snapshot.images
        now = self._loaded
        if now is not None and now.is_current(fingerprint, images):
            return now.matrix
        contents = [record.content for record in images]
        is_there = self._engine.has_features(fingerprint, contents)
        known = (fingerprint, images, contents, is_there)
        is_same = now is not None and (now.fingerprint, now.contents) == (fingerprint, contents)
        if now is not None and is_same and np.array_equal(now.is_there, is_there):
            self._loaded = _Loaded(*known, now.matrix, time.monotonic())
            return now.matrix
        image_ids = np.flatnonzero(is_there).astype(np.int32)
        if not len(image_ids):
            raise InputError(
                "There is nothing to compare yet.",
                "No image of this project has been read.",
                "Wait for 'Reading images' to end, or cluster the project.",
            )
        now = self._loaded = None  # so that both are never in memory
        wanted = [contents[i] for i in image_ids.tolist()]
        features = self._engine.stored_features(fingerprint, wanted)
        matrix = FeatureMatrix.build(features, image_ids, len(contents), token)
        self._loaded = _Loaded(*known, matrix, time.monotonic())
        return matrix

    def _fingerprint(self, snapshot: Snapshot) -> str:
        if snapshot.run is not None:
            return snapshot.run.backbone
        return self._engine.backbone(_request(snapshot)).fingerprint

    def _features_of(
        self, snapshot: Snapshot, path: Path, token: CancelToken | None
    ) -> NDArray[np.float16]:
        """Features of one file: float16 (1, d)."""
        fingerprint = self._fingerprint(snapshot)
        extractor = self._extractor_of(snapshot, fingerprint)

        def is_known(content: bytes) -> bool:
            return bool(self._engine.has_features(fingerprint, [content])[0])

        read = self._engine.reader.read(path, extractor.min_side, token, is_known=is_known)
        if read.image is not None:
            return extractor.extract([extractor.prepare(read.image.pixels)])
        if read.content and is_known(read.content):
            return self._engine.stored_features(fingerprint, [read.content])
        name = display_path(os.fsencode(path.name))
        raise ImageUnreadableError(f"'{name}' cannot be read.", read.facts.reason)

    def _extractor_of(self, snapshot: Snapshot, fingerprint: str) -> FeatureExtractor:
        """The network of the project's backbone, for one picture at a time.

        It is not the one that runs use: that one may be at work on another thread.
        """
        if self._extractor is None or self._extractor_fingerprint != fingerprint:
            from dclust_gui.features.extractor import FeatureExtractor

            spec = self._engine.backbone(_request(snapshot))
            if spec.fingerprint != fingerprint:
                raise BackboneError(
                    f"The backbone '{spec.name}' is not the one the clusters were made with.",
                    "Its weights or its settings have changed since.",
                    "Cluster again, or put the old weights back.",
                )
            self._extractor = FeatureExtractor(spec, batch_size=1)
            self._extractor_fingerprint = fingerprint
        return self._extractor


def find_image(snapshot: Snapshot, path: Path) -> int | None:
    """The project's image that a path names.

    Args:
        snapshot: The project.
        path: A file's place; or, where no such file exists, a path below a root folder.

    Returns:
        Its id; None if it belongs to another place.
    """
    place = os.path.abspath(path)  # noqa: PTH100 -- keeps links as they are
    wanted = {os.fsencode(place), os.fsencode(os.path.realpath(place))}
    is_below = not path.is_absolute() and not path.exists()
    relative = os.fsencode(path.as_posix().removeprefix("./"))
    for image, record in enumerate(snapshot.images):
        if is_below and record.relative == relative:
            return image
        # Most files have another name: comparing that is far cheaper than joining paths.
        if any(w.endswith(record.relative.rpartition(b"/")[2]) for w in wanted) and (
            os.fsencode(absolute_path(snapshot.roots[record.root], record.relative)) in wanted
        ):
            return image
    return None


def file_name(snapshot: Snapshot, image: int) -> str:
    """An image's file name, fit to show."""
    return display_path(snapshot.images[image].relative.rpartition(b"/")[2])


def _request(snapshot: Snapshot) -> RunRequest:
    used = RunSettings() if snapshot.run is None else snapshot.run.settings
    return RunRequest(snapshot.roots, RunSettings(backbone=used.backbone, quality=used.quality))

"""Carries out filters over a project's images, on columns that are prepared once."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import NO_STACK, UNASSIGNED, ImageFlag
from dclust_gui.domain.images import ImageStatus, display_path
from dclust_gui.services.filter_terms import NONE, Key, State, fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Cluster, Clustering
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.filter_terms import Filter, Term
    from dclust_gui.services.snapshot import Snapshot

_STATUSES = tuple(ImageStatus)
_SAME_TOLERANCE = 0.005
"""`confidence:0.5` means 0.5 as it is shown, with two decimals."""


class TextColumn:
    """Many texts as one block of bytes, in which a word is found at the speed of `bytes.find`.

    Args:
        texts: Folded texts, one per image.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        rows = [text.encode("utf-8", "backslashreplace").replace(b"\0", b" ") for text in texts]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        self._ends = np.cumsum(lengths + 1)
        self._data = b"\0".join(rows) + b"\0"

    def contains(self, text: str) -> NDArray[np.bool_]:
        """Which rows have a folded text in them: bool (n,)."""
        word = text.encode("utf-8", "backslashreplace").replace(b"\0", b" ")
        if not word or not len(self._ends):
            return np.ones(len(self._ends), np.bool_)
        found = np.zeros(len(self._ends), np.bool_)
        hits, data = [], self._data
        at = data.find(word)
        while at >= 0:
            hits.append(at)
            # On to the next row: one hit is enough.
            at = data.find(word, data.find(b"\0", at) + 1)
        found[np.searchsorted(self._ends, np.array(hits, np.int64), side="right")] = True
        return found

    def equals(self, text: str) -> NDArray[np.bool_]:
        """Which rows are a folded text: bool (n,)."""
        word = text.encode("utf-8", "backslashreplace")
        lengths = np.diff(self._ends, prepend=0) - 1
        return _both(self.contains(text), np.equal(lengths, len(word)))


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What filters need to know of the images, in arrays.

    Attributes:
        images: The records they were made of.
        paths: Folder and name, folded; with several roots the root's name first.
        names: File names, folded.
        dates: int32 (n,), such as 20240517; 0 for unknown.
        camera: int32 (n,), index into `cameras`.
        cameras: Names of cameras; "" for unknown.
        status: int8 (n,), index into `ImageStatus`.
        is_missing: bool (n,).
    """

    images: tuple[ImageRecord, ...]
    paths: TextColumn
    names: TextColumn
    dates: NDArray[np.int32]
    camera: NDArray[np.int32]
    cameras: tuple[str, ...]
    status: NDArray[np.int8]
    is_missing: NDArray[np.bool_]

    @classmethod
    def of(cls, images: tuple[ImageRecord, ...], roots: Sequence[Path]) -> Columns:
        """Prepare the columns; about 0.3 s for 100,000 images."""
        prefixes = _prefixes(roots)
        paths = [fold(prefixes[r.root] + display_path(r.relative)) for r in images]
        cameras: dict[str, int] = {}
        codes = [cameras.setdefault(r.facts.camera, len(cameras)) for r in images]
        numbers = {status: number for number, status in enumerate(_STATUSES)}
        return cls(
            images,
            TextColumn(paths),
            TextColumn(path.rpartition("/")[2] for path in paths),
            np.array([_date_number(r.facts.taken_at) for r in images], np.int32),
            np.array(codes, np.int32),
            tuple(cameras),
            np.array([numbers[r.facts.status] for r in images], np.int8),
            np.array([r.is_missing for r in images], np.bool_),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FilterResult:
    """What a filter lets through.

    Attributes:
        images: int32 (m,), ids, ascending.
        n_images: Number of images looked at.
    """

    images: NDArray[np.int32]
    n_images: int


class FilterService:
    """Finds images; keeps the columns of the last project. Any thread.

    The first question about new images takes some tenths of a second at 100,000 images, every
    further one some tens of milliseconds: ask on the query thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._columns: Columns | None = None

    def find(
        self, snapshot: Snapshot, wanted: Filter, token: CancelToken | None = None
    ) -> FilterResult:
        """The images that a filter lets through.

        Raises:
            Cancelled: If the token says so.
        """
        columns = self.columns(snapshot)
        found = np.ones(len(snapshot.images), np.bool_)
        for term in wanted.terms:
            if token is not None:
                token.checkpoint()
            fits = _holds(columns, snapshot, term) ^ term.is_negated
            for other in term.others:
                fits |= _holds(columns, snapshot, other) ^ other.is_negated
            found &= fits
        return FilterResult(np.flatnonzero(found).astype(np.int32), len(found))

    def columns(self, snapshot: Snapshot) -> Columns:
        """The columns of a project, prepared when its images are other ones."""
        with self._lock:
            if self._columns is None or self._columns.images is not snapshot.images:
                self._columns = Columns.of(snapshot.images, snapshot.roots)
            return self._columns

    def forget(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._columns = None


def _holds(columns: Columns, snapshot: Snapshot, term: Term) -> NDArray[np.bool_]:
    """Where one condition holds, before it is turned around: bool (n,), to be changed freely."""
    clustering = snapshot.clustering
    if term.key is Key.ANY:
        in_title = _in_clusters(clustering, _titled(clustering, term.text))
        return columns.paths.contains(term.text) | in_title
    if term.key is Key.NAME:
        names = columns.names
        return names.equals(term.text) if term.is_exact else names.contains(term.text)
    if term.key is Key.PATH:
        return columns.paths.contains(term.text)
    if term.key is Key.CLUSTER:
        return _in_clusters(clustering, _clusters_meant(clustering, term))
    if term.key is Key.CAMERA:
        is_meant = np.array([_is_camera(name, term) for name in columns.cameras], np.bool_)
        return is_meant[columns.camera] if len(columns.cameras) else np.zeros(0, np.bool_)
    if term.key is Key.DATE:
        return _dated(columns.dates, term)
    if term.key is Key.CONFIDENCE:
        return _confident(snapshot.confidence, term)
    if term.key is Key.STATUS:
        return np.equal(columns.status, _STATUSES.index(ImageStatus(term.text)))
    if term.key is Key.REVIEWED:
        return _is_reviewed(clustering) ^ (term.text == "no")
    return _in_state(columns, clustering, State(term.text))


def _in_clusters(clustering: Clustering, clusters: Sequence[int]) -> NDArray[np.bool_]:
    """Which images are in some clusters, `UNASSIGNED` among them."""
    is_meant = np.zeros(clustering.next_id + 1, np.bool_)
    is_meant[np.array(clusters, np.int64) + 1] = True
    found: NDArray[np.bool_] = is_meant[clustering.labels + 1]
    return found


def _titled(clustering: Clustering, text: str) -> list[int]:
    return [c.id for c in clustering.clusters.values() if text in fold(c.title)]


def _clusters_meant(clustering: Clustering, term: Term) -> list[int]:
    """Clusters by part of their title, by whole title or id, or none."""
    text, clusters = term.text, clustering.clusters.values()
    if text in (NONE, "unassigned"):
        return [UNASSIGNED]
    if term.is_exact:
        return [c.id for c in clusters if text in (fold(c.title), str(c.id))]
    if text.isdecimal():
        return [c.id for c in clusters if int(text) == c.id or text in fold(c.name)]
    return _titled(clustering, text)


def _is_camera(name: str, term: Term) -> bool:
    if term.text == NONE:
        return not name
    return fold(name) == term.text if term.is_exact else term.text in fold(name)


def _dated(dates: NDArray[np.int32], term: Term) -> NDArray[np.bool_]:
    if term.bounds is None:
        return np.equal(dates, 0)
    bounds = term.bounds
    above = np.greater_equal(dates, bounds.low) if bounds.has_low else np.greater(dates, bounds.low)
    below = np.less_equal(dates, bounds.high) if bounds.has_high else np.less(dates, bounds.high)
    return _both(_both(above, below), np.greater(dates, 0))


def _confident(confidence: NDArray[np.float32], term: Term) -> NDArray[np.bool_]:
    if term.bounds is None:
        return np.isnan(confidence)
    # In the width of the values: 0.4 is another number in float64.
    bounds, low, high = term.bounds, np.float32(term.bounds.low), np.float32(term.bounds.high)
    if low == high:
        is_same: NDArray[np.bool_] = np.abs(confidence - low) <= _SAME_TOLERANCE
        return is_same
    above = np.greater_equal(confidence, low) if bounds.has_low else np.greater(confidence, low)
    below = np.less_equal(confidence, high) if bounds.has_high else np.less(confidence, high)
    return _both(above, below)  # comparisons with NaN are false


_FLAGS = {
    State.PLACED: ImageFlag.HAND_PLACED,
    State.APPROVED: ImageFlag.APPROVED,
    State.BRACKET: ImageFlag.BRACKET,
}


def _flagged(clustering: Clustering, flag: ImageFlag) -> NDArray[np.bool_]:
    has_flag: NDArray[np.bool_] = (clustering.flags & np.uint8(flag)) != 0
    return has_flag


def _is_reviewed(clustering: Clustering) -> NDArray[np.bool_]:
    """Images of reviewed clusters, and those a person has approved."""
    reviewed = [c.id for c in clustering.clusters.values() if c.is_reviewed]
    return _in_clusters(clustering, reviewed) | _flagged(clustering, ImageFlag.APPROVED)


def _in_state(columns: Columns, clustering: Clustering, state: State) -> NDArray[np.bool_]:
    clusters: Iterable[Cluster] = clustering.clusters.values()
    if state is State.UNASSIGNED:
        return np.equal(clustering.labels, UNASSIGNED)
    if state is State.PINNED:
        return _in_clusters(clustering, [c.id for c in clusters if c.is_pinned])
    if state is State.IGNORED:
        return _in_clusters(clustering, [c.id for c in clusters if c.is_ignored])
    if state is State.REVIEWED:
        return _is_reviewed(clustering)
    if state is State.MISSING:
        return columns.is_missing.copy()
    if state is State.STACKED:
        return np.not_equal(clustering.stacks, NO_STACK)
    return _flagged(clustering, _FLAGS[state])


def _both(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.logical_and(first, second)
    return found


def _prefixes(roots: Sequence[Path]) -> list[str]:
    if len(roots) < 2:
        return [""] * max(1, len(roots))
    return [display_path(os.fsencode(root.name)) + "/" for root in roots]


def _date_number(taken_at: str) -> int:
    """`2024-05-17T...` as 20240517; 0 for unknown."""
    digits = taken_at[:10].replace("-", "")
    return int(digits) if len(digits) == 8 and digits.isdecimal() else 0

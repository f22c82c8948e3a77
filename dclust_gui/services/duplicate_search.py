"""Which pictures of a project are alike: found by their features, compared by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import BackboneError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.sketching import SketchShelf, SketchSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.engine.progress import StageMeter
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.services.workspace import Workspace

USUAL_THRESHOLD = 0.9
"""Similarity from which pictures count as copies; tests/benchmarks/RESULTS.md says why."""
LEAST_THRESHOLD = 0.6
"""The lowest similarity that can be asked for."""

_NEIGHBOURS = 10
_LEAST_COSINE = 0.7
_LEAST_TURNED_COSINE = 0.35
_MOST_SAME = 4
"""Equal files of one content up to which neighbours are sought among all images, as runs do."""
_SURELY_UPRIGHT = 0.97
_SCALE = "centre-l2"
_ROWS = 4096
STEPS = 1000
"""Steps of the progress."""
_SEARCHED, _SKETCHED = 0.5, 0.75
"""Shares of the work after which the neighbours are found, and the sketches made."""

NOT_READ = (
    "Only equal files were looked for: no image of this project has been read yet. Similar"
    " pictures are found once the images have been read."
)


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Contents whose pictures are alike.

    Attributes:
        contents: Those that have pairs.
        ends: int64 (p, 2), pairs, places in `contents`.
        similarity: float32 (p,).
        turns: uint8 (p,), how the second picture of a pair lies to the first.
        sketches: uint8 (m, *`SKETCH_SHAPE`), of the contents.
        n_images: Images whose pictures could be compared.
    """

    contents: tuple[bytes, ...]
    ends: NDArray[np.int64]
    similarity: NDArray[np.float32]
    turns: NDArray[np.uint8]
    sketches: NDArray[np.uint8]
    n_images: int


def nothing_alike() -> Alike:
    """No pairs."""
    from dclust_gui.imaging.sketches import SKETCH_SHAPE

    none = np.empty((0, *SKETCH_SHAPE), np.uint8)
    ends = np.empty((0, 2), np.int64)
    return Alike((), ends, np.empty(0, np.float32), np.empty(0, np.uint8), none, 0)


@dataclass(frozen=True, slots=True, eq=False)
class AlikeSearch:
    """One search for pictures that are alike.

    Attributes:
        workspace: Features, thumbnails, graphs of neighbours.
        snapshot: The project.
        shelf: Has sketches of the last time.
        meter: Takes the progress, of `STEPS` steps.
        token: Stops the search.
        with_turned: Look for mirrored and turned copies, too.
    """

    workspace: Workspace
    snapshot: Snapshot
    shelf: SketchShelf
    meter: StageMeter
    token: CancelToken
    with_turned: bool

    def run(self, by_content: dict[bytes, list[int]]) -> tuple[Alike, str]:
        """Pairs of contents whose pictures are alike, and what there is to say of the search.

        Args:
            by_content: Images by content.

        Raises:
            StorageError: If the cache cannot be read.
            Cancelled: If the token says so.
        """
        engine = self.workspace.engine
        if not self.snapshot.images:
            return nothing_alike(), ""
        try:
            fingerprint = self._fingerprint()
        except BackboneError as error:
            return nothing_alike(), f"Only equal files were looked for. {error}"
        contents = [c for c in by_content if c]
        if not contents:
            return nothing_alike(), NOT_READ
        has = engine.has_features(fingerprint, contents)
        known = [c for c, is_there in zip(contents, has.tolist(), strict=True) if is_there]
        if not known:
            return nothing_alike(), NOT_READ
        pairs = self._candidates(fingerprint, by_content, known)
        alike = self._compared(pairs, by_content, known)
        n_unread = sum(len(by_content[c]) for c in by_content) - alike.n_images
        unread = f"{count_of(n_unread)} could not be compared: not read, or unreadable."
        return alike, unread if n_unread else ""

    def _fingerprint(self) -> str:
        run = self.snapshot.run
        if run is not None:
            return run.backbone
        request = RunRequest(self.snapshot.roots, RunSettings())
        return self.workspace.engine.backbone(request).fingerprint

    def _candidates(
        self,
        fingerprint: str,
        by_content: dict[bytes, list[int]],
        known: list[bytes],
    ) -> NDArray[np.int64]:
        """Pairs that the features find alike: int64 (p, 2), places in `known`."""
        from dclust_gui.algorithms.distances import scale_features
        from dclust_gui.algorithms.outliers import NEIGHBOURS
        from dclust_gui.algorithms.umap import neighbour_count
        from dclust_gui.engine.reduction import ReductionCache, neighbours

        place = {content: i for i, content in enumerate(known)}
        rows = known
        if max(len(by_content[c]) for c in known) <= _MOST_SAME:
            # The same rows in the same order as in runs, whose graph may be in the cache.
            ids = sorted(image for content in known for image in by_content[content])
            content_of = {i: c for c in known for i in by_content[c]}
            rows = [content_of[i] for i in ids]
        if len(rows) < 2:
            return np.empty((0, 2), np.int64)
        features = self.workspace.engine.stored_features(fingerprint, rows)
        features[~np.isfinite(features).all(axis=1)] = 0
        scaled = scale_features(features, _SCALE)[0]
        cache = ReductionCache.of(self.workspace.stores.arrays, fingerprint, rows)
        count = max(NEIGHBOURS, neighbour_count(len(rows)))
        told = self._told(0.0, _SEARCHED)
        near = neighbours(scaled, _SCALE, count, cache, ignore_events, told)
        del scaled
        wanted = min(near.indices.shape[1], _NEIGHBOURS + _MOST_SAME)
        left = np.repeat(np.arange(len(rows)), wanted)
        right = near.indices[:, :wanted].astype(np.int64).ravel()
        least = _LEAST_TURNED_COSINE if self.with_turned else _LEAST_COSINE
        keep = _cosines(features, left, right) >= least
        node = np.array([place[c] for c in rows], np.int64)
        ends = np.stack([node[left[keep]], node[right[keep]]], axis=1)
        ends = np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1)
        return np.unique(ends, axis=0)

    def _compared(
        self, pairs: NDArray[np.int64], by_content: dict[bytes, list[int]], known: list[bytes]
    ) -> Alike:
        """Pictures of the candidates, compared."""
        nodes, ends = np.unique(pairs, return_inverse=True)
        ends = ends.reshape(-1, 2)
        names = [known[i] for i in nodes.tolist()]
        wanted = {content: by_content[content] for content in names}
        source = SketchSource(self.workspace, self.snapshot, self.shelf)
        sketches, has = source.sketches(wanted, self._told(_SEARCHED, _SKETCHED))
        ends = ends[has[ends].all(axis=1)]
        value, turns = self._likeness(sketches, ends)
        keep = value >= LEAST_THRESHOLD
        paired, ends = np.unique(ends[keep], return_inverse=True)
        lost = [names[i] for i in np.flatnonzero(~has).tolist()]
        return Alike(
            tuple(names[i] for i in paired.tolist()),
            ends.reshape(-1, 2),
            value[keep],
            turns[keep],
            sketches[paired],
            sum(len(by_content[c]) for c in known) - sum(len(by_content[c]) for c in lost),
        )

    def _likeness(
        self, sketches: NDArray[np.uint8], ends: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """How alike pairs are, and how they lie: float32 (p,), uint8 (p,)."""
        from dclust_gui.algorithms.likeness import likeness, turned_likeness

        told = self._told(_SKETCHED, 1.0)
        check = _checks(self.token)
        value = np.zeros(len(ends), np.float32)
        turns = np.zeros(len(ends), np.uint8)
        for start in range(0, len(ends), _ROWS):
            told(start, len(ends) * (1 + self.with_turned))
            part = slice(start, start + _ROWS)
            left, right = sketches[ends[part, 0]], sketches[ends[part, 1]]
            value[part] = likeness(left, right, LEAST_THRESHOLD, check)
        # Of a picture that is nearly symmetric both comparisons may be fair; the better holds.
        unlike = np.flatnonzero(value < _SURELY_UPRIGHT) if self.with_turned else ends[:0, 0]
        for start in range(0, len(unlike), _ROWS):
            told(len(unlike) + start, 2 * len(unlike))
            rows = unlike[start : start + _ROWS]
            left, right = sketches[ends[rows, 0]], sketches[ends[rows, 1]]
            found, turn = turned_likeness(left, right, LEAST_THRESHOLD, check)
            is_better = found > value[rows]
            value[rows] = np.maximum(found, value[rows])
            turns[rows] = np.where(is_better, turn, 0)
        return value, turns

    def _told(self, first: float, last: float) -> Callable[[int, int], None]:
        """Tells the progress of a part that lies between two shares of the whole."""

        def tell(done: int, total: int) -> None:
            share = first + (last - first) * done / max(1, total)
            self.meter.set(round(STEPS * share), STEPS)

        return tell


def _cosines(
    features: NDArray[np.float16], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Cosine of the features of pairs of rows.

    They are not centred: in a small folder the mean is no measure of what images have in common.
    """
    found = np.empty(len(left), np.float32)
    for start in range(0, len(left), _ROWS):
        part = slice(start, start + _ROWS)
        one, other = (features[ends[part]].astype(np.float32) for ends in (left, right))
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        found[part] = np.einsum("ij,ij->i", one, other) / np.maximum(lengths, 1e-12)
    return found


def _checks(token: CancelToken) -> Callable[[int, int], None]:
    def check(_done: int, _total: int) -> None:
        token.checkpoint()

    return check

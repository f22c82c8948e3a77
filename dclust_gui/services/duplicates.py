"""Finding copies of pictures: the same bytes, or pictures that are alike though re-encoded.

Equal files are known by their content hash. For the others the features of the backbone say which
images may be copies (each image's nearest neighbours), and `algorithms.likeness` compares those
pictures themselves, from their thumbnails. A pair need not be among each other's neighbours: of
many equal images each knows only some others. Nothing here touches a file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import BackboneError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.images import absolute_path
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.sketching import SketchShelf, SketchSource, stacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.algorithms.stars import Pairs
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.images import ImageRecord
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
_STEPS = 1000
_SEARCHED, _SKETCHED = 0.5, 0.75
"""Shares of the work after which the neighbours are found, and the sketches made."""

NOT_READ = (
    "Only equal files were looked for: no image of this project has been read yet. Similar"
    " pictures are found once the images have been read."
)


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateFinding:
    """Which pictures of a project may be copies; `duplicate_groups.groups_at` makes groups of it.

    A node is one content; several images may have it.

    Attributes:
        records: The project's images when they were compared.
        files: Images of each node, int32.
        pairs: Nodes whose pictures are alike by at least `LEAST_THRESHOLD`.
        turns: How the right picture of a pair lies to the left one, where it is turned.
        sketches: uint8 (m, s, s), pictures of the nodes that have pairs.
        sketch_rows: int64 (n_nodes,), the sketch of each node, or -1.
        n_compared: Images whose pictures could be compared.
        with_turned: Mirrored and turned copies were looked for, too.
        note: Why similar pictures were not looked for, or not all; empty for nothing to say.
    """

    records: tuple[ImageRecord, ...]
    files: tuple[NDArray[np.int32], ...]
    pairs: Pairs
    turns: dict[tuple[int, int], int]
    sketches: NDArray[np.uint8]
    sketch_rows: NDArray[np.int64]
    n_compared: int
    with_turned: bool
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateJob:
    """Look for copies in a project.

    Attributes:
        workspace: Features, thumbnails, graphs of neighbours, the reader of files.
        snapshot: The project.
        shelf: Keeps sketches for the next time.
        exact_only: Look for equal files only.
        with_turned: Look for mirrored and turned copies, too.
        title: What it does.
    """

    workspace: Workspace
    snapshot: Snapshot
    shelf: SketchShelf = field(default_factory=SketchShelf)
    exact_only: bool = False
    with_turned: bool = False
    title: str = "Looking for duplicates"

    def run(self, sink: EventSink, token: CancelToken) -> DuplicateFinding:
        """Do it; any thread.

        Raises:
            StorageError: If the cache cannot be read.
            Cancelled: If the token says so.
        """
        meter = StageMeter(Stage.MEASURE, _STEPS, sink, token)
        records = self.snapshot.images
        by_content = contents_of(self.snapshot, token)
        found, note = None, ""
        if not self.exact_only:
            found, note = self._similar(by_content, meter, token)
        result = _finding(records, by_content, found, note, with_turned=self.with_turned)
        if found is not None:
            self.shelf.keep_only(
                {c: found.sketches[c] for c in (*found.left, *found.right) if c in found.sketches}
            )
        meter.finish()
        return result

    # -- similar pictures --------------------------------------------------------------------

    def _similar(
        self, by_content: dict[bytes, list[int]], meter: StageMeter, token: CancelToken
    ) -> tuple[_Alike | None, str]:
        """Pairs of contents whose pictures are alike, and what there is to say of the search."""
        engine = self.workspace.engine
        try:
            fingerprint = self._fingerprint()
        except BackboneError as error:
            return None, f"Only equal files were looked for. {error}"
        contents = [c for c in by_content if c]
        if not contents:
            return None, NOT_READ
        has = engine.has_features(fingerprint, contents)
        known = [c for c, is_there in zip(contents, has.tolist(), strict=True) if is_there]
        if not known:
            return None, NOT_READ
        pairs = self._candidates(fingerprint, by_content, known, meter)
        alike = self._compared(pairs, by_content, known, meter, token)
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
        meter: StageMeter,
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

        def told(done: int, total: int) -> None:
            meter.set(round(_STEPS * _SEARCHED * done / max(1, total)), _STEPS)

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
        self,
        pairs: NDArray[np.int64],
        by_content: dict[bytes, list[int]],
        known: list[bytes],
        meter: StageMeter,
        token: CancelToken,
    ) -> _Alike:
        """Pictures of the candidates, compared."""
        from dclust_gui.algorithms.likeness import likeness, turned_likeness

        nodes, ends = np.unique(pairs, return_inverse=True)
        ends = ends.reshape(-1, 2)
        wanted = {known[i]: by_content[known[i]] for i in nodes.tolist()}

        def told_reading(done: int, total: int) -> None:
            share = _SEARCHED + (_SKETCHED - _SEARCHED) * done / total
            meter.set(round(_STEPS * share), _STEPS)

        source = SketchSource(self.workspace, self.snapshot, self.shelf)
        sketches = source.sketches(wanted, told_reading)
        has = np.array([known[i] in sketches for i in nodes.tolist()], bool)
        ends = ends[has[ends].all(axis=1)] if len(ends) else ends
        stack = stacked(sketches.get(known[i]) for i in nodes.tolist())

        def told(done: int, total: int) -> None:
            share = _SKETCHED + (1 - _SKETCHED) * done / max(1, total)
            meter.set(round(_STEPS * share), _STEPS)

        value = np.zeros(len(ends), np.float32)
        turns = np.zeros(len(ends), np.uint8)
        for start in range(0, len(ends), _ROWS):
            token.checkpoint()
            part = ends[start : start + _ROWS]
            told(start, len(ends))
            left, right = stack[part[:, 0]], stack[part[:, 1]]
            value[start : start + _ROWS] = likeness(left, right, LEAST_THRESHOLD, _checks(token))
        if self.with_turned:
            # Of a picture that is nearly symmetric both comparisons may be fair; the better holds.
            unlike = np.flatnonzero(value < _SURELY_UPRIGHT)
            for start in range(0, len(unlike), _ROWS):
                rows = unlike[start : start + _ROWS]
                told(len(ends) - len(unlike) + start, len(ends))
                left, right = stack[ends[rows, 0]], stack[ends[rows, 1]]
                found, turn = turned_likeness(left, right, LEAST_THRESHOLD, _checks(token))
                is_better = found > value[rows]
                value[rows] = np.maximum(found, value[rows])
                turns[rows] = np.where(is_better, turn, 0)
        keep = value >= LEAST_THRESHOLD
        name = [known[i] for i in nodes.tolist()]
        return _Alike(
            tuple(name[i] for i in ends[keep, 0].tolist()),
            tuple(name[i] for i in ends[keep, 1].tolist()),
            value[keep],
            turns[keep],
            sketches,
            sum(len(by_content[c]) for c in known) - _n_lost(wanted, sketches),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Alike:
    """Pairs of contents whose pictures are alike."""

    left: tuple[bytes, ...]
    right: tuple[bytes, ...]
    similarity: NDArray[np.float32]
    turns: NDArray[np.uint8]
    sketches: dict[bytes, NDArray[np.uint8]]
    n_images: int


def contents_of(snapshot: Snapshot, token: CancelToken) -> dict[bytes, list[int]]:
    """Images by content, those whose files are there and not empty.

    Files that nobody has read yet are read here if another file is as large; others get no hash
    and are left out.

    Raises:
        Cancelled: If the token says so.
    """
    from dclust_gui.storage.verified_copy import content_hash

    here = [i for i, r in enumerate(snapshot.images) if not r.is_missing and r.stamp.size > 0]
    sizes = Counter(snapshot.images[i].stamp.size for i in here)
    found: dict[bytes, list[int]] = {}
    for image in here:
        record = snapshot.images[image]
        content = record.content
        if not content and sizes[record.stamp.size] > 1:
            path = absolute_path(snapshot.roots[record.root], record.relative)
            try:
                content = content_hash(path, token)
            except OSError:
                continue
        if content:
            found.setdefault(content, []).append(image)
    return found


def _finding(
    records: tuple[ImageRecord, ...],
    by_content: dict[bytes, list[int]],
    found: _Alike | None,
    note: str,
    *,
    with_turned: bool,
) -> DuplicateFinding:
    """Number the contents that have a copy or a pair."""
    from dclust_gui.algorithms.stars import Pairs

    paired = () if found is None else dict.fromkeys((*found.left, *found.right))
    nodes = dict.fromkeys(paired)
    nodes |= dict.fromkeys(c for c, images in by_content.items() if len(images) > 1)
    number = {content: i for i, content in enumerate(nodes)}
    sketches = {} if found is None else found.sketches
    rows = np.full(len(nodes), -1, np.int64)
    rows[: len(paired)] = np.arange(len(paired))
    left = np.array([number[c] for c in (() if found is None else found.left)], np.int64)
    right = np.array([number[c] for c in (() if found is None else found.right)], np.int64)
    value = np.empty(0, np.float32) if found is None else found.similarity
    turns = () if found is None else found.turns.tolist()
    return DuplicateFinding(
        records,
        tuple(np.array(by_content[c], np.int32) for c in nodes),
        Pairs(left, right, value),
        {
            (a, b): turn
            for a, b, turn in zip(left.tolist(), right.tolist(), turns, strict=True)
            if turn
        },
        stacked(sketches[c] for c in paired),
        rows,
        0 if found is None else found.n_images,
        with_turned,
        note,
    )


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


def _n_lost(wanted: dict[bytes, list[int]], found: dict[bytes, NDArray[np.uint8]]) -> int:
    return sum(len(images) for content, images in wanted.items() if content not in found)


def _checks(token: CancelToken) -> Callable[[int, int], None]:
    def check(_done: int, _total: int) -> None:
        token.checkpoint()

    return check

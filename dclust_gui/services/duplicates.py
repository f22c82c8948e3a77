"""Finding copies of pictures: the same bytes, or pictures that are alike though re-encoded.

Equal files are known by their content hash. For the others the features of the backbone say which
images may be copies (each image's nearest neighbours), and `algorithms.likeness` compares those
pictures themselves, from their thumbnails; see `duplicate_search`. The images of a pair need not
both be neighbours of each other: of many equal images each knows only some others. Nothing here
touches a file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.events import Stage
from dclust_gui.domain.images import absolute_path
from dclust_gui.engine.progress import StageMeter
from dclust_gui.services.duplicate_search import STEPS, Alike, AlikeSearch, nothing_alike
from dclust_gui.services.sketching import SketchShelf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.stars import Pairs
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.services.workspace import Workspace


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
        meter = StageMeter(Stage.MEASURE, STEPS, sink, token)
        by_content = contents_of(self.snapshot, token)
        alike, note = nothing_alike(), ""
        if not self.exact_only:
            search = AlikeSearch(
                self.workspace, self.snapshot, self.shelf, meter, token, self.with_turned
            )
            alike, note = search.run(by_content)
            self.shelf.keep_only(alike.contents, alike.sketches)
        records = self.snapshot.images
        result = _finding(records, by_content, alike, note, with_turned=self.with_turned)
        meter.finish()
        return result


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
    alike: Alike,
    note: str,
    *,
    with_turned: bool,
) -> DuplicateFinding:
    """Number the contents that have a copy or a pair; those with pairs come first."""
    from dclust_gui.algorithms.stars import Pairs

    nodes = dict.fromkeys(alike.contents)
    nodes |= dict.fromkeys(c for c, images in by_content.items() if len(images) > 1)
    rows = np.full(len(nodes), -1, np.int64)
    rows[: len(alike.contents)] = np.arange(len(alike.contents))
    left, right = alike.ends[:, 0], alike.ends[:, 1]
    turned = zip(left.tolist(), right.tolist(), alike.turns.tolist(), strict=True)
    return DuplicateFinding(
        records,
        tuple(np.array(by_content[c], np.int32) for c in nodes),
        Pairs(left, right, alike.similarity),
        {(a, b): turn for a, b, turn in turned if turn},
        alike.sketches,
        rows,
        alike.n_images,
        with_turned,
        note,
    )

"""Groups of copies at a threshold, and the best copy of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import ImageUnreadableError, InputError
from dclust_gui.domain.images import absolute_path
from dclust_gui.services.best_copy import best_copy, n_pixels, rank_key, total_bytes
from dclust_gui.services.duplicate_search import LEAST_THRESHOLD
from dclust_gui.services.duplicates import DuplicateFinding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.best_copy import Sharpness
    from dclust_gui.services.sketching import SketchShelf
    from dclust_gui.services.workspace import Workspace

TURN_WORDS = (
    "",
    "turned 90° right",
    "turned 180°",
    "turned 90° left",
    "mirrored",
    "mirrored and turned 90°",
    "flipped upside down",
    "mirrored and turned 90°",
)
"""How a copy lies to the best one, by number; see `algorithms.likeness`."""

_SHARPNESS_SIDE = 1024
_MOST_DECODED = 200
_BACK = {1: 3, 3: 1}
"""Turns that are others when seen from the other picture."""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Copies of one picture.

    Attributes:
        images: Ids; the one to keep comes first, then the most similar ones.
        similarity: Of each with the first, 0 to 1; 1 for the first itself.
        identical: Whether each has the same bytes as the first.
        turns: How each lies to the first; an index of `TURN_WORDS`.
        reason: Why the first is the one to keep; empty where nothing tells it from the others.
    """

    images: tuple[int, ...]
    similarity: tuple[float, ...]
    identical: tuple[bool, ...]
    turns: tuple[int, ...]
    reason: str

    @property
    def rows(self) -> tuple[tuple[int, float, bool, int], ...]:
        """Each image with its similarity, whether it is identical, and its turn."""
        return tuple(zip(self.images, self.similarity, self.identical, self.turns, strict=True))

    @property
    def best(self) -> int:
        """The one to keep."""
        return self.images[0]

    @property
    def others(self) -> tuple[int, ...]:
        """All but the one to keep."""
        return self.images[1:]

    @property
    def is_exact(self) -> bool:
        """Whether all have the same bytes."""
        return all(self.identical)

    @property
    def least(self) -> float:
        """The lowest similarity."""
        return min(self.similarity)


@dataclass(frozen=True, slots=True, eq=False)
class GroupQuery:
    """Ask for the groups at a threshold, on a thread of its own: a tuple of `DuplicateGroup`."""

    finding: DuplicateFinding
    threshold: float
    sharpness: SharpnessMeter

    def run(self, token: CancelToken) -> tuple[DuplicateGroup, ...]:
        """See `groups_at`."""
        return groups_at(self.finding, self.threshold, self.sharpness.for_token(token), token)


@dataclass(frozen=True, slots=True, eq=False)
class SharpnessMeter:
    """Measures images at a common size, a bounded number of them; any thread.

    Attributes:
        workspace: Its reader decodes files.
        records: The project's images.
        roots: Its root folders.
        shelf: Keeps what was measured.
    """

    workspace: Workspace
    records: tuple[ImageRecord, ...]
    roots: tuple[Path, ...]
    shelf: SketchShelf

    def for_token(self, token: CancelToken) -> Sharpness:
        """The measure, until the token says stop or enough files have been decoded."""
        n_left = _MOST_DECODED

        def measure(images: Sequence[int]) -> list[float]:
            nonlocal n_left
            longest = [max(f.width, f.height) for f in (self.records[i].facts for i in images)]
            side = min(_SHARPNESS_SIDE, *longest)
            known = [self.shelf.sharpness(self.records[i].content, side) for i in images]
            n_left -= known.count(None)
            if n_left < 0 or side < 1:
                return [0.0] * len(images)
            return [
                self._measured(image, side, token) if value is None else value
                for image, value in zip(images, known, strict=True)
            ]

        return measure

    def _measured(self, image: int, side: int, token: CancelToken) -> float:
        from dclust_gui.imaging.sketches import sharpness

        token.checkpoint()
        record = self.records[image]
        path = absolute_path(self.roots[record.root], record.relative)
        try:
            value = sharpness(self.workspace.engine.reader.full(path, side, token).pixels)
        except ImageUnreadableError:
            value = 0.0
        self.shelf.put_sharpness(record.content, side, value)
        return value


def check_threshold(threshold: float) -> None:
    """Refuse a similarity that nothing was compared for.

    Raises:
        InputError: If it is not from `LEAST_THRESHOLD` to 1.
    """
    if not LEAST_THRESHOLD <= threshold <= 1.0:
        raise InputError(
            f"Could not use the threshold {threshold:g}.",
            f"A similarity is from {LEAST_THRESHOLD:g} (similar) to 1 (the same picture).",
        )


def groups_at(
    finding: DuplicateFinding,
    threshold: float,
    sharpness: Sharpness | None = None,
    token: CancelToken | None = None,
) -> tuple[DuplicateGroup, ...]:
    """Groups of copies, equal files first, then those that take most room, unreadable ones last.

    Args:
        finding: What was found.
        threshold: Least similarity of a copy with the one that its group is made round.
        sharpness: Decides between copies that are otherwise level; None to leave it out.
        token: Stops the work.

    Raises:
        InputError: If the threshold cannot be.
        Cancelled: If the token says so.
    """
    from dclust_gui.algorithms.stars import star_groups

    check_threshold(threshold)
    records, files = finding.records, finding.files
    best = [_best_of_equal(records, images) for images in files]
    keys = [rank_key(records[i]) for i in best]
    order = np.array(sorted(range(len(files)), key=lambda n: (keys[n], best[n])), np.int64)
    comparer = _Comparer(finding)
    check = None if token is None else token.checkpoint

    def prefer(nodes: list[int]) -> int:
        chosen = best_copy(records, [best[n] for n in nodes], sharpness).image
        return next(n for n in nodes if best[n] == chosen)

    stars = star_groups(order, finding.pairs, threshold, comparer, prefer, check)
    nodes = [(star.centre, *star.members.tolist()) for star in stars]
    grouped = {node for group in nodes for node in group}
    nodes += [(n,) for n in range(len(files)) if n not in grouped and len(files[n]) > 1]
    found = [_group(finding, group, best, comparer, sharpness) for group in nodes]

    def rank(group: DuplicateGroup) -> tuple[bool, bool, int, int]:
        is_seen = n_pixels(records[group.best]) > 0
        return not is_seen, not group.is_exact, -total_bytes(records, group.others), group.best

    return tuple(sorted(found, key=rank))


def _best_of_equal(records: Sequence[ImageRecord], images: NDArray[np.int32]) -> int:
    if len(images) == 1:
        return int(images[0])
    return best_copy(records, images.tolist(), is_identical=True).image


class _Comparer:
    """Similarity of a node with others, from their sketches; remembers how they lie."""

    def __init__(self, finding: DuplicateFinding) -> None:
        self._finding = finding
        pairs = finding.pairs
        self._known = {
            (a, b): value
            for a, b, value in zip(
                pairs.left.tolist(), pairs.right.tolist(), pairs.similarity.tolist(), strict=True
            )
        }
        self._turns = dict(finding.turns)

    def __call__(self, centre: int, others: NDArray[np.int64]) -> NDArray[np.float32]:
        """float32, one for each; looked up or compared."""
        nodes = others.tolist()
        missing = [n for n in nodes if self._pair(centre, n) not in self._known]
        if missing:
            self._compare(centre, np.array(missing, np.int64))
        return np.array([self._known[self._pair(centre, n)] for n in nodes], np.float32)

    def similarity(self, node: int, others: Sequence[int]) -> list[float]:
        """Of a node with others, 0 to 1."""
        values = self(node, np.array(others, np.int64))
        return [min(1.0, max(0.0, value)) for value in values.tolist()]

    def _compare(self, centre: int, others: NDArray[np.int64]) -> None:
        from dclust_gui.algorithms.likeness import likeness, turned_likeness

        finding = self._finding
        right = finding.sketches[finding.sketch_rows[others]]
        own = finding.sketches[finding.sketch_rows[centre]]
        left = np.broadcast_to(own, right.shape).copy()
        value = likeness(left, right, LEAST_THRESHOLD)
        if finding.with_turned:
            found, turns = turned_likeness(left, right, LEAST_THRESHOLD)
            for place in np.flatnonzero(found > value).tolist():
                value[place] = found[place]
                self._turns[centre, int(others[place])] = int(turns[place])
        for other, one in zip(others.tolist(), value.tolist(), strict=True):
            self._known[centre, other] = one

    def turn(self, node: int, other: int) -> int:
        """How another node's picture lies to a node's."""
        if (node, other) in self._turns:
            return self._turns[node, other]
        turn = self._turns.get((other, node), 0)
        return _BACK.get(turn, turn)

    def _pair(self, node: int, other: int) -> tuple[int, int]:
        return (other, node) if (other, node) in self._known else (node, other)


def _group(
    finding: DuplicateFinding,
    nodes: tuple[int, ...],
    best: Sequence[int],
    comparer: _Comparer,
    sharpness: Sharpness | None,
) -> DuplicateGroup:
    """The copies of some nodes, the best first."""
    records, files = finding.records, finding.files
    home, *rest = nodes
    keep, reason = best[home], ""
    if not rest:
        reason = best_copy(records, files[home].tolist(), is_identical=True).reason
    else:
        chosen = best_copy(records, [best[n] for n in nodes], sharpness)
        reason = chosen.reason if chosen.image == keep else ""
    values = comparer.similarity(home, rest) if rest else []
    rows = [(keep, 1.0, True, 0)]
    rows += [(i, 1.0, True, 0) for i in files[home].tolist() if i != keep]
    ranked = sorted(zip(values, rest, strict=True), key=lambda pair: (-pair[0], pair[1]))
    for value, node in ranked:
        turn = comparer.turn(home, node)
        own = [best[node], *(i for i in files[node].tolist() if i != best[node])]
        rows += [(image, value, False, turn) for image in own]
    images, similarity, identical, turns = zip(*rows, strict=True)
    return DuplicateGroup(images, similarity, identical, turns, reason)

"""What became of clusters between two ways to group the same images: runs, or before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ABSENT = -2
"""Label of images that one of the two ways does not know."""

_MOST = 0.5
_LEAST_PART = 0.1
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Division:
    """A cluster that became several.

    Attributes:
        cluster: Its id.
        parts: The clusters that consist mostly of its images, the largest part first.
    """

    cluster: int
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """A cluster that several have become.

    Attributes:
        cluster: Its id.
        sources: The clusters most of whose images it holds, the largest share first.
    """

    cluster: int
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What stayed, moved, split, merged, appeared; each cluster is told of once.

    Attributes:
        n_images: Images that both ways know.
        n_stayed: Images that are in the same cluster, or Unassigned, before and after.
        n_moved: Images that went from one cluster to another.
        n_placed: Images that were Unassigned and have a cluster now.
        n_taken_out: Images that are Unassigned now.
        split: Clusters that became several.
        merged: Clusters that several have become.
        appeared: Clusters that are new otherwise.
        ended: Clusters that are gone otherwise.
    """

    n_images: int
    n_stayed: int
    n_moved: int
    n_placed: int
    n_taken_out: int
    split: tuple[Division, ...] = ()
    merged: tuple[Union, ...] = ()
    appeared: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        """Whether every image is where it was."""
        return self.n_stayed == self.n_images

    def sentence(self, titles: Mapping[int, str]) -> str:
        """All of it in words.

        Args:
            titles: Title of each cluster by id; those that are missing are told by number.
        """
        if self.changes_nothing and not (self.appeared or self.ended):
            if self.n_images < 2:
                return "The image stayed where it was." if self.n_images else "No image is in both."
            return f"All {count_of(self.n_images)} stayed where they were."
        images = [f"{self.n_stayed:,} of {count_of(self.n_images)} stayed"]
        for n, what in (
            (self.n_moved, "moved"),
            (self.n_placed, "came out of Unassigned"),
            (self.n_taken_out, "became Unassigned"),
        ):
            if n:
                images.append(f"{n:,} {what}")
        clusters = [
            *_some([_division_words(d, titles) for d in self.split], "split"),
            *_some([_union_words(u, titles) for u in self.merged], "merged"),
            *_named(self.appeared, "appeared", titles),
            *_named(self.ended, "ended", titles),
        ]
        text = ", ".join(images) + "."
        return text + (f" {'; '.join(clusters)}." if clusters else "")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two ways to group the same images, counted against each other.

    Attributes:
        images: int32 (m,), ascending ids of the images that both know.
        before: int32 (m,), their clusters in the first, or `UNASSIGNED`.
        after: int32 (m,), their clusters in the second.
        rows: Clusters of the first, the largest first, `UNASSIGNED` last where it is used.
        columns: Clusters of the second: first, in the order of `rows`, those of the same id.
        counts: int64 (n_rows, n_columns) images.
        changes: What became of the clusters.
    """

    images: NDArray[np.int32]
    before: NDArray[np.int32]
    after: NDArray[np.int32]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    counts: NDArray[np.int64]
    changes: Changes

    @property
    def moved(self) -> NDArray[np.int32]:
        """Ids of the images that are not in the same cluster."""
        found: NDArray[np.int32] = self.images[self.before != self.after]
        return found

    def images_in(self, before: int | None = None, after: int | None = None) -> NDArray[np.int32]:
        """Ids of the images of one cell, row or column of the table.

        Args:
            before: A cluster of the first; None for any.
            after: A cluster of the second; None for any.
        """
        is_wanted = np.ones(len(self.images), np.bool_)
        if before is not None:
            is_wanted &= self.before == before
        if after is not None:
            is_wanted &= self.after == after
        return self.images[is_wanted]


def compare(before: NDArray[np.int32], after: NDArray[np.int32]) -> Comparison:
    """Compare two ways to group the same images.

    Args:
        before: int32 (n_images,), cluster ids, `UNASSIGNED` or `ABSENT`.
        after: int32 (n_images,), likewise.
    """
    images = np.flatnonzero((before > ABSENT) & (after > ABSENT)).astype(np.int32)
    old, new = before[images], after[images]
    old_ids, old_code = np.unique(old, return_inverse=True)
    new_ids, new_code = np.unique(new, return_inverse=True)
    shape = (len(old_ids), len(new_ids))
    cells = np.bincount(old_code * max(1, shape[1]) + new_code, minlength=shape[0] * shape[1])
    table = cells.reshape(shape).astype(np.int64)
    rows = sorted(range(shape[0]), key=lambda i: (old_ids[i] < 0, -table[i].sum(), old_ids[i]))
    place = {int(old_ids[i]): n for n, i in enumerate(rows)}
    columns = sorted(
        range(shape[1]),
        key=lambda j: (
            new_ids[j] < 0,
            place.get(int(new_ids[j]), len(place)),
            -table[:, j].sum(),
            new_ids[j],
        ),
    )
    counts = table[np.ix_(rows, columns)]
    row_ids, column_ids = old_ids[rows].tolist(), new_ids[columns].tolist()
    changes = _changes(old, new, row_ids, column_ids, counts)
    return Comparison(images, old, new, tuple(row_ids), tuple(column_ids), counts, changes)


def _changes(
    old: NDArray[np.int32],
    new: NDArray[np.int32],
    rows: Sequence[int],
    columns: Sequence[int],
    counts: NDArray[np.int64],
) -> Changes:
    is_same, was_in, is_in = old == new, old >= 0, new >= 0
    split, merged = _divisions(rows, columns, counts), _unions(rows, columns, counts)
    told_new = {part for d in split for part in d.parts} | {u.cluster for u in merged}
    told_old = {source for u in merged for source in u.sources} | {d.cluster for d in split}
    known_old, known_new = set(rows), set(columns)
    return Changes(
        len(old),
        int(np.count_nonzero(is_same)),
        int(np.count_nonzero(~is_same & was_in & is_in)),
        int(np.count_nonzero(~was_in & is_in)),
        int(np.count_nonzero(was_in & ~is_in)),
        split,
        merged,
        tuple(sorted(known_new - known_old - told_new - {UNASSIGNED})),
        tuple(sorted(known_old - known_new - told_old - {UNASSIGNED})),
    )


def _divisions(
    rows: Sequence[int], columns: Sequence[int], counts: NDArray[np.int64]
) -> tuple[Division, ...]:
    """Clusters of which two or more others mostly consist."""
    size_old, size_new = counts.sum(1), counts.sum(0)
    found = []
    for i, cluster in enumerate(rows):
        is_part = (counts[i] > _MOST * size_new) & (counts[i] >= _LEAST_PART * size_old[i])
        parts = [int(j) for j in np.argsort(-counts[i], kind="stable") if is_part[j]]
        parts = [j for j in parts if columns[j] != UNASSIGNED]
        if cluster != UNASSIGNED and len(parts) > 1:
            found.append(Division(cluster, tuple(columns[j] for j in parts)))
    return tuple(found)


def _unions(
    rows: Sequence[int], columns: Sequence[int], counts: NDArray[np.int64]
) -> tuple[Union, ...]:
    """Clusters that hold most of two or more others."""
    flipped = _divisions(columns, rows, np.ascontiguousarray(counts.T))
    return tuple(Union(division.cluster, division.parts) for division in flipped)


def _title(cluster: int, titles: Mapping[int, str]) -> str:
    return f"'{titles.get(cluster, f'Cluster {cluster:02d}')}'"


def _list(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _division_words(division: Division, titles: Mapping[int, str]) -> str:
    parts = _list([_title(c, titles) for c in division.parts])
    return f"{_title(division.cluster, titles)} split into {parts}"


def _union_words(union: Union, titles: Mapping[int, str]) -> str:
    sources = _list([_title(c, titles) for c in union.sources])
    return f"{sources} merged into {_title(union.cluster, titles)}"


def _some(sentences: Sequence[str], verb: str) -> list[str]:
    """The first few, and how many more."""
    more = len(sentences) - _SHOWN
    return [*sentences[:_SHOWN], *([f"{count_of(more, 'more cluster')} {verb}"] * (more > 0))]


def _named(clusters: Sequence[int], verb: str, titles: Mapping[int, str]) -> list[str]:
    if not clusters:
        return []
    if len(clusters) <= _SHOWN:
        return [f"{_list([_title(c, titles) for c in clusters])} {verb}"]
    return [f"{count_of(len(clusters), 'cluster')} {verb}"]

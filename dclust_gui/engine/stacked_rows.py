"""Rows that are clustered as one: each stack of bound images has a single row.

A stack's row is the mean of its images' directions, so that every method gives all of them one
label; the answer is spread over the images again, and in the tree they meet at height 0.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from dclust_gui.domain.clustering import NO_STACK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from dclust_gui.engine.requests import ClusterResult

_Real = TypeVar("_Real", np.float16, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class RowFacts:
    """What is known of rows besides their features.

    Attributes:
        times: float64 (m,), capture times in seconds; NaN where unknown.
        counts: int64 (m,), images that each row stands for.
    """

    times: NDArray[np.float64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class StackedRows:
    """Which images share a row.

    Attributes:
        row_of: int32 (n,), the row of each image; rows are in the order of their first images.
        first: int32 (m,), the first image of each row.
        counts: int64 (m,), images of each row.
    """

    row_of: NDArray[np.int32]
    first: NDArray[np.int32]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, stacks: NDArray[np.int32]) -> StackedRows:
        """One row for each stack and each image in none.

        Args:
            stacks: int32 (n,), the stack of each image, or `NO_STACK`.
        """
        n = len(stacks)
        alone = stacks == NO_STACK
        keys = np.where(alone, np.arange(n, dtype=np.int64) - n - 1, stacks.astype(np.int64))
        _, first, inverse, counts = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        order = np.argsort(first)
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        return cls(rank[inverse], first[order].astype(np.int32), counts[order].astype(np.int64))

    @property
    def is_plain(self) -> bool:
        """Whether each image has a row of its own."""
        return len(self.first) == len(self.row_of)

    @property
    def key(self) -> str:
        """Text that differs with what is bound; empty where nothing is."""
        if self.is_plain:
            return ""
        digest = hashlib.blake2b(self.row_of.astype("<i4").tobytes(), digest_size=16)
        return f" bound {digest.hexdigest()}"

    def merged(self, features: NDArray[_Real]) -> NDArray[_Real]:
        """One row of features for each row.

        Args:
            features: float16 or float32 (n, d), of the images.

        Returns:
            The same type (m, d): the mean direction of a row's images in the mean of their lengths;
            `features` itself where nothing is bound.
        """
        if self.is_plain:
            return features
        merged = features[self.first]
        for row, members in self._bound():
            own = features[members].astype(np.float32)
            lengths = np.linalg.norm(own, axis=1)
            mean = (own / np.maximum(lengths, 1e-12)[:, None]).mean(0)
            length = float(np.linalg.norm(mean))
            if length > 0:
                merged[row] = (mean * (lengths.mean() / length)).astype(merged.dtype)
        return merged

    def shared(self, features: NDArray[np.float16]) -> NDArray[np.float16]:
        """Features of the images, those of one row alike: float16 (n, d), see `merged`."""
        return features if self.is_plain else self.merged(features)[self.row_of]

    def mean_times(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """The mean capture time of each row's images: float64 (m,); NaN where none is known."""
        known = np.isfinite(times)
        n_rows = len(self.first)
        sums = np.bincount(self.row_of[known], times[known], n_rows)
        n_known = np.bincount(self.row_of[known], minlength=n_rows)
        return np.where(n_known > 0, sums / np.maximum(n_known, 1), np.nan)

    def spread(self, found: ClusterResult) -> ClusterResult:
        """What was found for the rows, for the images."""
        if self.is_plain:
            return found
        labels, confidence = found.labels[self.row_of], found.confidence[self.row_of]
        errors = None if found.errors is None else found.errors[self.row_of]
        tree = self.tree(found.tree)
        for array in (labels, confidence, tree, *(() if errors is None else (errors,))):
            array.setflags(write=False)
        head = found.head
        if head is not None:
            kept = tuple(int(self.first[row]) for row in head.prototypes)
            head = replace(head, prototypes=kept)
        return replace(
            found, labels=labels, confidence=confidence, tree=tree, errors=errors, head=head
        )

    def tree(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """A tree over the rows as one over the images; bound images meet at height 0.

        Args:
            rows: float64 (m - 1, 4), linkage matrix.

        Returns:
            float64 (n - 1, 4).
        """
        n_images, n_rows = len(self.row_of), len(self.first)
        node_of, sizes = self.first.astype(np.int64), self.counts.astype(np.float64)
        joined: list[tuple[float, float, float, float]] = []
        for row, members in self._bound():
            node = members[0]
            for size, member in enumerate(members[1:], 2):
                joined.append((node, member, 0.0, size))
                node = n_images + len(joined) - 1
            node_of[row] = node
        made = n_images + len(joined) + np.arange(len(rows))
        nodes = np.concatenate([node_of, made])
        counts = np.concatenate([sizes, np.zeros(len(rows))])
        children = rows[:, :2].astype(np.int64)
        for number, (a, b) in enumerate(children.tolist()):
            counts[n_rows + number] = counts[a] + counts[b]
        upper = np.column_stack([nodes[children], rows[:, 2], counts[n_rows:]])
        return np.concatenate([np.array(joined, np.float64).reshape(-1, 4), upper])

    def _bound(self) -> Iterator[tuple[int, list[int]]]:
        """Rows of more than one image, with these."""
        order = np.argsort(self.row_of, kind="stable")
        ends = np.cumsum(self.counts)
        for row in np.flatnonzero(self.counts > 1).tolist():
            yield row, order[ends[row] - self.counts[row] : ends[row]].tolist()

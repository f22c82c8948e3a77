"""The state of a clustering: which image is in which cluster, and what is known of each cluster."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntFlag
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

UNASSIGNED = -1
"""Label of images that belong to no cluster."""

NO_STACK = 0
"""Stack of images that are bound to no other."""

PALETTE_SIZE = 12
"""Number of cluster colours; a colour is an index below it."""


class ImageFlag(IntFlag):
    """What a person has said about one image, or what was accepted for it."""

    NONE = 0
    HAND_PLACED = 1
    APPROVED = 2
    REFINED = 4
    """Moved by an accepted proposal, not by hand; until the next run."""
    BRACKET = 8
    """One of a bound series of exposures."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster of a project.

    Attributes:
        id: Positive, never reused within a project.
        name: Given by a person; empty while it has none.
        colour: Index into the palette, 0 to `PALETTE_SIZE` - 1.
        notes: Free text.
        is_pinned: Its images stay together in the next run.
        is_reviewed: A person has looked it through.
        is_ignored: Of no interest; left out of suggestions.
    """

    id: int
    name: str = ""
    colour: int = 0
    notes: str = ""
    is_pinned: bool = False
    is_reviewed: bool = False
    is_ignored: bool = False

    @property
    def title(self) -> str:
        """The name, or `Cluster 07` for a cluster without one."""
        return self.name or f"Cluster {self.id:02d}"


def _frozen(array: NDArray[np.generic], dtype: type[np.generic]) -> NDArray[np.generic]:
    """The array itself where nobody can write to it, else a read-only copy."""
    if array.dtype == dtype and not array.flags.writeable:
        return array
    copy = array.astype(dtype, copy=True)
    copy.setflags(write=False)
    return copy


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Labels and cluster table of all images of a project; immutable.

    Attributes:
        labels: int32 (n_images,), read-only; a cluster's id or `UNASSIGNED`.
        flags: uint8 (n_images,), read-only; `ImageFlag` values.
        clusters: Cluster table by id, in order of id.
        next_id: Id of the next new cluster; above every id ever used.
        run_id: The run that was accepted last; None before the first.
        stacks: int32 (n_images,), read-only; the number of the stack that an image is bound
            into, above 0, or `NO_STACK`. Left out, no image is in one.

    Raises:
        ValueError: If arrays differ in length, a label has no cluster, or an id is not below
            `next_id`.
    """

    labels: NDArray[np.int32]
    flags: NDArray[np.uint8]
    clusters: Mapping[int, Cluster] = field(default_factory=dict)
    next_id: int = 1
    run_id: int | None = None
    stacks: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "labels", _frozen(self.labels, np.int32))
        set_field(self, "flags", _frozen(self.flags, np.uint8))
        stacks = self.stacks if len(self.stacks) else np.full(len(self.labels), NO_STACK, np.int32)
        set_field(self, "stacks", _frozen(stacks, np.int32))
        shape = self.labels.shape
        if len(shape) != 1 or self.flags.shape != shape or self.stacks.shape != shape:
            raise ValueError("labels, flags and stacks must be vectors of one length")
        ordered = {key: self.clusters[key] for key in sorted(self.clusters)}
        set_field(self, "clusters", MappingProxyType(ordered))
        unknown = set(np.unique(self.labels).tolist()) - set(ordered) - {UNASSIGNED}
        if unknown:
            raise ValueError(f"labels without a cluster: {sorted(unknown)}")
        if any(key != cluster.id or key < 1 for key, cluster in ordered.items()):
            raise ValueError("each cluster must be kept under its own positive id")
        if ordered and max(ordered) >= self.next_id:
            raise ValueError("next_id must be above every cluster's id")

    @classmethod
    def empty(cls, n_images: int) -> Clustering:
        """All images Unassigned, no cluster.

        Args:
            n_images: Number of images, at least 0.
        """
        return cls(np.full(n_images, UNASSIGNED, np.int32), np.zeros(n_images, np.uint8))

    @property
    def n_images(self) -> int:
        """Number of images."""
        return len(self.labels)

    def members(self, cluster: int) -> NDArray[np.int64]:
        """Ids of a cluster's images (or of `UNASSIGNED`), ascending."""
        return np.flatnonzero(self.labels == cluster)

    def counts(self) -> dict[int, int]:
        """Number of images by cluster id, empty clusters and `UNASSIGNED` included."""
        values, counts = np.unique(self.labels, return_counts=True)
        found = dict(zip(values.tolist(), counts.tolist(), strict=True))
        return {key: found.get(key, 0) for key in (UNASSIGNED, *self.clusters)}

    def grown(self, n_images: int) -> Clustering:
        """The same clustering with new, Unassigned images at the end.

        Args:
            n_images: New number of images, at least the present one.
        """
        extra = n_images - self.n_images
        if extra < 0:
            raise ValueError("a clustering never loses images")
        if not extra:
            return self
        labels = np.concatenate([self.labels, np.full(extra, UNASSIGNED, np.int32)])
        flags = np.concatenate([self.flags, np.zeros(extra, np.uint8)])
        stacks = np.concatenate([self.stacks, np.full(extra, NO_STACK, np.int32)])
        return replace(self, labels=labels, flags=flags, stacks=stacks)

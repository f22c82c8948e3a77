"""What every format tells of an image: its path, its cluster, how it got there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.images import CompanionKind, ImageStatus, absolute_path, display_path
from dclust_gui.services.labels_table import root_prefixes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.snapshot import Snapshot

UNASSIGNED_NAME = "Unassigned"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which images go out.

    Attributes:
        clusters: Ids of the clusters; None for all.
        only_reviewed: Only clusters that a person has marked as reviewed.
        with_unassigned: Also images without a cluster.
    """

    clusters: frozenset[int] | None = None
    only_reviewed: bool = False
    with_unassigned: bool = True

    def wants(self, cluster: Cluster | None) -> bool:
        """Whether images of a cluster are asked for; None stands for Unassigned."""
        if cluster is None:
            return self.with_unassigned and not self.only_reviewed
        if self.only_reviewed and not cluster.is_reviewed:
            return False
        return self.clusters is None or cluster.id in self.clusters

    def cluster_ids(self, clusters: Iterable[Cluster]) -> frozenset[int] | None:
        """Ids of the clusters that are asked for; None for all."""
        if self.clusters is None and not self.only_reviewed:
            return None
        return frozenset(cluster.id for cluster in clusters if self.wants(cluster))


@dataclass(frozen=True, slots=True)
class LabelledImage:
    r"""One image file that can be read, and its cluster.

    Attributes:
        id: The image within the project.
        path: Below the root folder, separated by `/`; with several roots it starts with the
            root's name. Bytes that are no UTF-8 show as `\xNN`.
        source: The file on this computer.
        cluster: Its cluster; None for Unassigned.
        confidence: 0 to 1; None when unknown.
        decided: How a person decided: "moved", "approved", or "" for the clustering's own.
        record: The image with its facts.
        is_leader: It is the file that was clustered, not the RAW or JPEG beside it.
    """

    id: int
    path: str
    source: Path
    cluster: Cluster | None
    confidence: float | None
    decided: str
    record: ImageRecord
    is_leader: bool = True

    @property
    def title(self) -> str:
        """The cluster's title."""
        return UNASSIGNED_NAME if self.cluster is None else self.cluster.title


def labelled_images(
    snapshot: Snapshot, scope: Scope | None = None, *, with_companions: bool = True
) -> list[LabelledImage]:
    """The images that were read and are asked for, sorted by path.

    Missing and unreadable files are left out.

    Args:
        snapshot: The project.
        scope: Which clusters; all unless given.
        with_companions: Also the RAW or JPEG file of a pair, with the labels of its image.
    """
    wanted = scope or Scope()
    prefixes = root_prefixes(snapshot.roots)
    labels = snapshot.clustering.labels.tolist()
    clusters = snapshot.clustering.clusters
    found: list[LabelledImage] = []
    for image, record in enumerate(snapshot.images):
        cluster = None if labels[image] == UNASSIGNED else clusters[labels[image]]
        if not is_readable(record) or not wanted.wants(cluster):
            continue
        names = [record.relative]
        if with_companions:
            names += [c.relative for c in record.companions if c.kind is CompanionKind.IMAGE]
        value = float(snapshot.confidence[image])
        found += [
            LabelledImage(
                image,
                prefixes[record.root] + display_path(name),
                absolute_path(snapshot.roots[record.root], name),
                cluster,
                None if np.isnan(value) else round(value, 4),
                decision(int(snapshot.clustering.flags[image])),
                record,
                is_leader=name == record.relative,
            )
            for name in names
        ]
    return sorted(found, key=lambda image: image.path)


def is_readable(record: ImageRecord) -> bool:
    """Whether an image is there and could be read."""
    good = (ImageStatus.OK, ImageStatus.DAMAGED)
    return not record.is_missing and record.facts.status in good


def content_of(image: LabelledImage) -> str | None:
    """Content hash of a file, BLAKE2b in 32 hexadecimal digits; None where it is not known."""
    return image.record.content.hex() or None if image.is_leader else None


def decision(flags: int) -> str:
    """What a person has said about an image, in one word; empty for nothing."""
    if flags & ImageFlag.HAND_PLACED:
        return "moved"
    return "approved" if flags & ImageFlag.APPROVED else ""


def clusters_of(images: Sequence[LabelledImage]) -> list[Cluster]:
    """The clusters that occur, in order of id."""
    found = {image.cluster.id: image.cluster for image in images if image.cluster is not None}
    return [found[key] for key in sorted(found)]


def unique_titles(clusters: Collection[Cluster]) -> dict[int, str]:
    """A title for every cluster, by id; equal ones are told apart by their ids."""
    titles = [cluster.title for cluster in clusters]
    return {
        cluster.id: cluster.title
        if titles.count(cluster.title) == 1
        else f"{cluster.title} ({cluster.id})"
        for cluster in clusters
    }

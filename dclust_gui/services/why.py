"""Why an image is where it is: the regions of the picture that pull it to its cluster."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import BackboneError, ImageUnreadableError, InputError
from dclust_gui.domain.images import absolute_path, display_path
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.features.heat import HeatMap, HeatMapper
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.snapshot import Snapshot


class WhyService:
    """Makes heat maps; the network stays loaded between questions.

    Args:
        engine: Reads pictures and knows the backbone.
        similar: Has the features.
    """

    def __init__(self, engine: Engine, similar: SimilarService) -> None:
        self._engine = engine
        self._similar = similar
        self._lock = threading.Lock()
        self._mapper: HeatMapper | None = None

    def heat(
        self,
        snapshot: Snapshot,
        image: int,
        cluster: int | None = None,
        other: int | None = None,
        token: CancelToken | None = None,
    ) -> HeatMap:
        """Which regions speak for a cluster; on the query thread.

        Args:
            snapshot: The project.
            image: Which image.
            cluster: For which cluster; None for the image's own.
            other: Compared with which cluster; None for the collection's mean alone.
            token: Stops the work.

        Raises:
            InputError: If the image is in no cluster, or the cluster has no other image.
            ImageUnreadableError: If the file cannot be read.
            BackboneError: If the backbone has no such map, or is another one than the run's.
            Cancelled: If the token says so.
        """
        labels = snapshot.clustering.labels
        wanted = int(labels[image]) if cluster is None else cluster
        matrix = self._similar.matrix(snapshot, token)

        def towards(key: int) -> NDArray[np.float32]:
            members = np.flatnonzero(labels == key)
            direction = matrix.direction_of(members[members != image])
            if key == UNASSIGNED or direction is None:
                raise InputError(
                    "There is nothing to compare this image with.",
                    "It is Unassigned, or alone in its cluster.",
                )
            return direction

        direction = towards(wanted)
        away = None if other is None else towards(other)
        with self._lock:
            mapper = self._mapper_of(snapshot)
            record = snapshot.images[image]
            path = absolute_path(snapshot.roots[record.root], record.relative)
            read = self._engine.reader.read(path, mapper.min_side, token)
            if read.image is None:
                name = display_path(record.relative)
                raise ImageUnreadableError(f"'{name}' cannot be read.", read.facts.reason)
            return mapper.heat(read.image.pixels, direction, matrix.mean, away)

    def forget(self) -> None:
        """Give the network's memory back."""
        with self._lock:
            self._mapper = None

    def _mapper_of(self, snapshot: Snapshot) -> HeatMapper:
        from dclust_gui.features.heat import HeatMapper

        run = snapshot.run
        if run is None:
            raise InputError("There is no run yet.", "", "Cluster first.")
        spec = self._engine.backbone(RunRequest(snapshot.roots, run.settings))
        if spec.fingerprint != run.backbone:
            raise BackboneError(
                f"The backbone '{spec.name}' is not the one the clusters were made with.",
                "Its weights or its settings have changed since.",
                "Cluster again, or put the old weights back.",
            )
        if self._mapper is None or self._mapper.spec != spec:
            self._mapper = HeatMapper(spec)
        return self._mapper


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """Which regions of an image speak for a cluster.

    Attributes:
        image: Its id.
        cluster: The cluster that regions above 0 speak for.
        other: The cluster that regions below 0 speak for; None for any other.
        values: float32 (rows, columns), -1 to 1.
        box: Left, top, right, bottom of the part of the picture that was looked at, 0 to 1.
    """

    image: int
    cluster: int
    other: int | None
    values: NDArray[np.float32]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class HeatQuery:
    """Ask which regions speak for a cluster: a `Heat`."""

    service: WhyService
    snapshot: Snapshot
    image: int
    cluster: int
    other: int | None = None

    def run(self, token: CancelToken) -> Heat:
        """See `WhyService.heat`."""
        found = self.service.heat(self.snapshot, self.image, self.cluster, self.other, token)
        return Heat(self.image, self.cluster, self.other, found.values, found.box)

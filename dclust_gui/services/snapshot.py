"""A project's state as one immutable value, so that questions can be answered on other threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.runs import Run


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What a project knows at one moment; any thread.

    Attributes:
        images: All images; an image's id is its index.
        roots: The root folders.
        clustering: Labels and clusters.
        run: The run that was accepted last; None before the first.
        confidence: float32 (n_images,), 0 to 1; NaN for images that the run did not have.
    """

    images: tuple[ImageRecord, ...]
    roots: tuple[Path, ...]
    clustering: Clustering
    run: Run | None
    confidence: NDArray[np.float32]


class SnapshotSource(Protocol):
    """The part of `ProjectSession` that a snapshot is taken of."""

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """All images."""

    @property
    def roots(self) -> tuple[Path, ...]:
        """The root folders."""

    @property
    def clustering(self) -> Clustering:
        """The present labels and clusters."""

    @property
    def run(self) -> Run | None:
        """The accepted run."""

    def confidence(self) -> NDArray[np.float32]:
        """Confidence of each image; NaN where unknown."""


def snapshot_of(session: SnapshotSource) -> Snapshot:
    """The present state of a session; on the session's thread.

    It copies nothing but the confidences, and takes well below a millisecond once the session
    has read its run.
    """
    confidence = session.confidence().view()
    confidence.setflags(write=False)
    return Snapshot(session.images, session.roots, session.clustering, session.run, confidence)

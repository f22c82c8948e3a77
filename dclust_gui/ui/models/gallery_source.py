"""What the gallery needs of a project's session, so that tests can stand in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.selection import Selection


class GallerySource(Protocol):
    """The part of `ProjectSession` that the gallery reads and follows."""

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """All images; an image's id is its index."""

    @property
    def clustering(self) -> Clustering:
        """The present labels and clusters."""

    @property
    def roots(self) -> tuple[Path, ...]:
        """The root folders."""

    @property
    def selection(self) -> Selection:
        """The selected images."""

    def confidence(self) -> NDArray[np.float32]:
        """Confidence of each image; NaN where the run did not have it."""

    def subscribe(self, listener: Callable[[ChangeSet], None]) -> Callable[[], None]:
        """Call `listener` after each transition; returns the way to stop it."""

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        """Call `listener` after each change of the selection; returns the way to stop it."""

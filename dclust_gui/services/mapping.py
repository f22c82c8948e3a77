"""The 2-D map of a project's images: principal components at once, then UMAP or t-SNE.

A map is made of features only, so clusters may change as they like. Images that come later are
placed among those that were laid out, which stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.control import CancelToken, EventSink, ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.reduction import ReductionCache
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.mapping_methods import (
    Features,
    laid_out,
    place_among,
    principal_axes,
    project,
)
from dclust_gui.services.mapping_places import (
    exemplars_first,
    framed,
    room_levels,
    set_apart,
    turned_like,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.storage.array_cache import ArrayCache

_SEED = 0


class MapMethod(StrEnum):
    """How a map is made; the value is its name for people."""

    PCA = "PCA"
    UMAP = "UMAP"
    TSNE = "t-SNE"


@dataclass(frozen=True, slots=True, eq=False)
class MapLayout:
    """Where images lie; immutable, any thread.

    Attributes:
        method: How it was made.
        fingerprint: Of the backbone whose features it was made of.
        scale: How the features were scaled.
        contents: Content hashes of the images laid out together.
        n_base: How many images were laid out together: the first ones of `images`.
        images: int32 (m,), ids; those from `n_base` on were placed later.
        raw: float32 (m, 2), places as the method gave them.
        places: float32 (m, 2), the same in one size: -1 to 1 for the first ones.
        levels: uint8 (m,), from which level of zoom on a picture has room; see
            `mapping_places.room_levels`.
        order: int64 (m,), rows of `images`, those that get room first at the front.
    """

    method: MapMethod
    fingerprint: str
    scale: str
    contents: tuple[bytes, ...]
    n_base: int
    images: NDArray[np.int32]
    raw: NDArray[np.float32]
    places: NDArray[np.float32]
    levels: NDArray[np.uint8]
    order: NDArray[np.int64]

    @property
    def n_placed_later(self) -> int:
        """How many images came after the map was made."""
        return len(self.images) - self.n_base


@dataclass(frozen=True, slots=True, eq=False)
class MapJob:
    """Lay out a project's images.

    Attributes:
        engine: Gives the features.
        arrays: Keeps graphs and layouts, those of runs among them.
        snapshot: The project.
        method: How.
        kept: A map of this project whose places stay; None for a new one.
        is_anew: Lay out all images, rather than those of the run with the others placed later.
    """

    engine: Engine
    arrays: ArrayCache
    snapshot: Snapshot
    method: MapMethod
    kept: MapLayout | None = None
    is_anew: bool = False

    @property
    def title(self) -> str:
        """What it does, in words."""
        return f"Laying out the map ({self.method})"

    def run(self, sink: EventSink, token: CancelToken) -> MapLayout:
        """Do it; any thread.

        Raises:
            InputError: If no image has features yet.
            StorageError: If the cache cannot be read.
            BackboneError: If there is no run, and the default backbone is not on this computer.
            Cancelled: If the token says so.
        """
        meter = StageMeter(Stage.REDUCE, 0, sink, token)
        fingerprint, scale = self._source()
        has = self.engine.has_features(fingerprint, [r.content for r in self.snapshot.images])
        kept = self._usable(fingerprint, has)
        base = self._base(has) if kept is None else kept.images[: kept.n_base]
        later = np.setdiff1d(np.flatnonzero(has), base).astype(np.int32)
        contents = self._contents(base)
        cache = ReductionCache.of(self.arrays, fingerprint, contents)
        features = Features(
            lambda: self.engine.stored_features(fingerprint, contents), scale, cache, sink, meter
        )
        raw = self._laid_out(features) if kept is None else kept.raw[: kept.n_base]
        if len(later):
            added = self.engine.stored_features(fingerprint, self._contents(later))
            raw = np.concatenate([raw, self._placed(features, raw, added)])
        images = np.concatenate([base, later]).astype(np.int32)
        token.checkpoint()
        layout = self._layout(fingerprint, scale, tuple(contents), len(base), images, raw)
        meter.finish()
        return layout

    # -- inside ----------------------------------------------------------------------------

    def _source(self) -> tuple[str, str]:
        """The backbone's fingerprint and the scaling."""
        run = self.snapshot.run
        if self.kept is not None and (run is None or run.backbone == self.kept.fingerprint):
            return self.kept.fingerprint, self.kept.scale
        if run is not None:
            return run.backbone, run.settings.scale
        settings = RunSettings()
        request = RunRequest(self.snapshot.roots, settings)
        return self.engine.backbone(request).fingerprint, settings.scale

    def _usable(self, fingerprint: str, has: NDArray[np.bool_]) -> MapLayout | None:
        """The kept map if its images are what they were; None if it has to be made anew."""
        kept, images = self.kept, self.snapshot.images
        if kept is None or self.is_anew or not kept.n_base:
            return None
        if kept.method is not self.method or kept.fingerprint != fingerprint:
            return None
        base = kept.images[: kept.n_base].tolist()
        is_same = base[-1] < len(images) and all(
            images[i].content == content for i, content in zip(base, kept.contents, strict=True)
        )
        return kept if is_same and bool(has[base].all()) else None

    def _base(self, has: NDArray[np.bool_]) -> NDArray[np.int32]:
        """The images that are laid out together."""
        run, ids = self.snapshot.run, np.flatnonzero(has).astype(np.int32)
        if run is not None and not self.is_anew:
            known = run.images[run.images < len(has)]
            ids = known[has[known]] if has[known].any() else ids
        if not len(ids):
            raise InputError(
                "There is no map yet.",
                f"None of {count_of(len(has))} has been read.",
                "It appears as soon as the images have been read.",
            )
        return ids

    def _contents(self, images: NDArray[np.int32]) -> list[bytes]:
        return [self.snapshot.images[i].content for i in images.tolist()]

    def _laid_out(self, features: Features) -> NDArray[np.float32]:
        """Places of the base, from the cache if they are there."""
        axes = features.cached("map PCA", lambda: principal_axes(features))
        if self.method is MapMethod.PCA:
            return axes
        key = f"map {self.method} seed {_SEED}"
        make = laid_out[self.method.value]
        return features.cached(key, lambda: set_apart(turned_like(make(features, _SEED), axes)))

    def _placed(
        self, features: Features, raw: NDArray[np.float32], added: NDArray[np.float16]
    ) -> NDArray[np.float32]:
        if self.method is MapMethod.PCA:
            return project(features, added)
        moves = self.method is MapMethod.UMAP
        return place_among(features, raw, added, seed=_SEED, moves=moves)

    def _layout(
        self,
        fingerprint: str,
        scale: str,
        contents: tuple[bytes, ...],
        n_base: int,
        images: NDArray[np.int32],
        raw: NDArray[np.float32],
    ) -> MapLayout:
        places = framed(raw, n_base)
        labels = self.snapshot.clustering.labels[images]
        order = exemplars_first(labels, self.snapshot.confidence[images])
        levels = room_levels(places, order)
        for array in (images, raw, places, levels, order):
            array.setflags(write=False)
        return MapLayout(
            self.method, fingerprint, scale, contents, n_base, images, raw, places, levels, order
        )


@dataclass(frozen=True, slots=True, eq=False)
class MapQuery:
    """The same as a question for the query thread, for maps that take a moment only."""

    job: MapJob

    def run(self, token: CancelToken) -> MapLayout:
        """See `MapJob.run`."""
        return self.job.run(ignore_events, token)

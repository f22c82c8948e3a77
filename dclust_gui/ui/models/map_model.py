"""Where a project's images lie on a map, in which colours, and what is selected; no painting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from dclust_gui.domain.clustering import PALETTE_SIZE, UNASSIGNED
from dclust_gui.domain.images import absolute_path
from dclust_gui.ui.models.gallery_order import file_name
from dclust_gui.ui.models.image_files import unit_files
from dclust_gui.ui.models.map_camera import extent_of
from dclust_gui.ui.models.map_stamps import UNASSIGNED_TONE
from dclust_gui.ui.models.palette import NO_COLOUR
from dclust_gui.ui.models.typicality import typicality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.mapping import MapLayout
    from dclust_gui.ui.models.gallery_source import GallerySource


@dataclass(frozen=True, slots=True)
class LegendRow:
    """One cluster of the legend.

    Attributes:
        cluster: Its id, or `UNASSIGNED`.
        title: Its name.
        colour: Palette index, or `NO_COLOUR`.
        count: Its images on the map.
    """

    cluster: int
    title: str
    colour: int
    count: int


class MapModel(QObject):
    """Follows a project; a row is an image that has a place.

    Args:
        parent: Owner.

    Attributes:
        images: int64 (n,), ids by row.
        places: float32 (n, 2).
        before: float32 (n, 2), where the rows were on the map shown before; None without one.
        levels: uint8 (n,), see `services.mapping_places.room_levels`.
        rank: int64 (n,), place of each row among those that get room, from 0.
        by_level: int64 (n,), rows, those that have room at the lowest levels first.
        levels_sorted: uint8 (n,), their levels.
        tones: uint8 (n,), colours; see `map_stamps`.
        is_selected: bool (n,).
        is_dim: bool (n,), left out by the filter.
        has_dim: Whether any is.
        n_selected: How many are selected.
        n_selections: Goes up with every other selection.
        n_labelings: Goes up when clusters, their names or their colours are other ones.
        revision: Goes up with every change of what is painted.

    Signals:
        layout_changed: The images lie elsewhere, or there is no map any more.
        changed: Colours, selection, filter or words are other ones.
    """

    layout_changed = Signal()
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source: GallerySource | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._layout: MapLayout | None = None
        self._shown: NDArray[np.bool_] | None = None
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)
        self._asked: tuple[frozenset[int], NDArray[np.int64]] | None = None
        self.before: NDArray[np.float32] | None = None
        self.revision = self.n_selections = self.n_labelings = 0
        self._take_layout(None)

    # -- what is shown -----------------------------------------------------------------------

    def set_source(self, source: GallerySource | None) -> None:
        """Show another project, or none; without a map at first."""
        for stop in self._unsubscribe:
            stop()
        self._unsubscribe = []
        self._source, self._shown = source, None
        if source is not None:
            self._unsubscribe = [
                source.subscribe(self._follow),
                source.subscribe_selection(self._follow_selection),
            ]
        self._take_layout(None)
        self.layout_changed.emit()

    @property
    def source(self) -> GallerySource | None:
        """The project shown."""
        return self._source

    @property
    def layout(self) -> MapLayout | None:
        """The map; None while there is none."""
        return self._layout

    def set_layout(self, layout: MapLayout | None) -> None:
        """Show another map of the project."""
        old_rows, old_places = self._rows, self.places
        self._take_layout(layout)
        if len(old_places) and len(self.places):
            known = self.images < len(old_rows)
            rows = np.full(len(self.images), -1, np.int64)
            rows[known] = old_rows[self.images[known]]
            self.before = np.where((rows >= 0)[:, None], old_places[rows], self.places)
        self.layout_changed.emit()

    def set_shown(self, images: NDArray[np.integer] | None) -> None:
        """Dim all images but these.

        Args:
            images: Ids, in any order; None for all.
        """
        n_images = 0 if self._source is None else len(self._source.images)
        shown = None
        if images is not None and len(images) != n_images:
            shown = np.zeros(n_images, np.bool_)
            shown[images] = True
        if shown is None and self._shown is None:
            return
        self._shown = shown
        self._mark_dim()
        self._tell()

    # -- rows --------------------------------------------------------------------------------

    def row_of(self, image: int | None) -> int:
        """The row of an image; -1 when it has no place."""
        if image is None or not 0 <= image < len(self._rows):
            return -1
        return int(self._rows[image])

    def rows_of(self, images: Iterable[int]) -> NDArray[np.int64]:
        """Rows of those images that have a place."""
        ids = np.fromiter(images, np.int64)
        rows = self._rows[ids[(ids >= 0) & (ids < len(self._rows))]]
        return rows[rows >= 0]

    def expect(self, images: frozenset[int], rows: NDArray[np.int64]) -> None:
        """Say beforehand which rows a selection has that is about to be asked for."""
        self._asked = images, rows

    def selected(self) -> tuple[int, ...]:
        """Ids of the selected images that the filter lets through."""
        rows = np.flatnonzero(self.is_selected & ~self.is_dim)
        return tuple(self.images[rows].tolist())

    @property
    def selection(self) -> frozenset[int]:
        """Ids of all selected images, on the map or not."""
        return frozenset() if self._source is None else self._source.selection.images

    @property
    def current(self) -> int | None:
        """The image that has the focus."""
        return None if self._source is None else self._source.selection.current

    def legend(self, limit: int) -> tuple[LegendRow, ...]:
        """The largest clusters on the map, then Unassigned if there is any."""
        if self._source is None or not len(self.images):
            return ()
        clustering = self._source.clustering
        values, counts = np.unique(self.labels, return_counts=True)
        found = dict(zip(values.tolist(), counts.tolist(), strict=True))
        rest = found.pop(UNASSIGNED, 0)
        largest = sorted(found, key=lambda c: (-found[c], c))[:limit]
        rows = [
            LegendRow(c, clustering.clusters[c].title, clustering.clusters[c].colour, found[c])
            for c in largest
        ]
        if rest:
            rows.append(LegendRow(UNASSIGNED, "Unassigned", NO_COLOUR, rest))
        return tuple(rows)

    @property
    def n_clusters(self) -> int:
        """Number of clusters with images on the map."""
        return len(np.unique(self.labels[self.labels != UNASSIGNED]))

    # -- images ------------------------------------------------------------------------------

    def path_of(self, image: int) -> Path:
        """An image's file."""
        record = self._record(image)
        assert self._source is not None
        return absolute_path(self._source.roots[record.root], record.relative)

    def files_of(self, image: int) -> list[Path]:
        """An image's file and those that travel with it; none if it is missing."""
        record = self._record(image)
        assert self._source is not None
        return unit_files(record, self._source.roots)

    def content_of(self, image: int) -> bytes:
        """An image's content hash."""
        return self._record(image).content

    def name_of(self, image: int) -> str:
        """An image's file name, fit to show."""
        return file_name(self._record(image))

    def cluster_at(self, row: int) -> int:
        """The cluster of a row, or `UNASSIGNED`."""
        return int(self.labels[row])

    def has_cluster(self, cluster: int) -> bool:
        """Whether there is such a cluster now."""
        return self._source is not None and cluster in self._source.clustering.clusters

    def title_of(self, cluster: int) -> str:
        """A cluster's name for people."""
        known = None if self._source is None else self._source.clustering.clusters.get(cluster)
        return "Unassigned" if known is None else known.title

    def colour_of(self, cluster: int) -> int:
        """A cluster's place in the palette."""
        known = None if self._source is None else self._source.clustering.clusters.get(cluster)
        return NO_COLOUR if known is None else known.colour

    def confidence_of(self, image: int) -> float:
        """How sure the run was of the image's cluster; NaN where that is not known."""
        return float(self._typical[image]) if image < len(self._typical) else float("nan")

    def words_for(self, image: int) -> str:
        """An image in words, for screen readers."""
        row = self.row_of(image)
        title = self.title_of(self.cluster_at(row)) if row >= 0 else "not on the map"
        words = [self.name_of(image), title]
        confidence = self.confidence_of(image)
        if not np.isnan(confidence):
            words.append(f"confidence {confidence:.2f}")
        if row >= 0 and self.is_selected[row]:
            words.append("selected")
        return ", ".join(words)

    # -- inside ------------------------------------------------------------------------------

    def _record(self, image: int) -> ImageRecord:
        if self._source is None:
            raise IndexError(image)
        return self._source.images[image]

    def _take_layout(self, layout: MapLayout | None) -> None:
        self._layout, self._asked = layout, None
        n_images = 0 if self._source is None else len(self._source.images)
        empty = np.empty(0, np.int64)
        self.images = empty if layout is None else layout.images.astype(np.int64)
        self.places = np.empty((0, 2), np.float32) if layout is None else layout.places
        self.levels = np.empty(0, np.uint8) if layout is None else layout.levels
        self.rank = np.empty(len(self.images), np.int64)
        if layout is not None:
            self.rank[layout.order] = np.arange(len(self.images))
        self.by_level = np.argsort(self.levels, kind="stable")
        self.levels_sorted = self.levels[self.by_level]
        self.before = None
        self.extent = extent_of(self.places)
        self._rows = np.full(n_images, -1, np.int64)
        self._rows[self.images] = np.arange(len(self.images))
        self._mark_labels()
        self._mark_selected()
        self._mark_dim()
        self.revision += 1

    def _mark_labels(self) -> None:
        source = self._source
        self.n_labelings += 1
        if source is None:
            self.labels = np.empty(0, np.int32)
            self.tones = np.empty(0, np.uint8)
            self._typical = np.empty(0, np.float32)
            return
        clustering = source.clustering
        self.labels = clustering.labels[self.images]
        table = np.full(max(clustering.clusters, default=0) + 2, UNASSIGNED_TONE, np.uint8)
        for cluster in clustering.clusters.values():
            table[cluster.id] = cluster.colour % PALETTE_SIZE
        self.tones = table[self.labels]
        self._typical = typicality(source.confidence(), clustering)

    def _mark_selected(self) -> None:
        self.is_selected = np.zeros(len(self.images), np.bool_)
        if self._source is not None:
            images = self._source.selection.images
            asked = self._asked
            is_ours = asked is not None and asked[0] is images
            self.is_selected[asked[1] if asked and is_ours else self.rows_of(images)] = True
        self.n_selected = int(self.is_selected.sum())

    def _mark_dim(self) -> None:
        self.is_dim = np.zeros(len(self.images), np.bool_)
        if self._shown is not None:
            inside = self.images < len(self._shown)
            self.is_dim[inside] = ~self._shown[self.images[inside]]
        self.has_dim = bool(self.is_dim.any())

    def _tell(self) -> None:
        self.revision += 1
        self.changed.emit()

    def _follow(self, change: ChangeSet) -> None:
        """Take over what the session says has changed; places stay."""
        source = self._source
        if source is None:
            return
        if change.has_new_images and len(source.images) != len(self._rows):
            rows = np.full(len(source.images), -1, np.int64)
            kept = min(len(rows), len(self._rows))
            rows[:kept] = self._rows[:kept]
            self._rows = rows
        self._mark_labels()
        self._tell()

    def _follow_selection(self, _selection: Selection) -> None:
        self.n_selections += 1
        self._mark_selected()
        self._tell()

"""The gallery's rows: image ids in order, with names, clusters and thumbnails on demand."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Slot,
)
from PySide6.QtGui import QImage, QPixmap

from dclust_gui.domain.clustering import UNASSIGNED, Clustering, ImageFlag
from dclust_gui.domain.images import ImageStatus, absolute_path, display_path
from dclust_gui.domain.stacks import stack_members, stack_sizes, whole_stacks
from dclust_gui.ui.models.gallery_cell import (
    CellLook,
    PictureState,
    badges_of,
    cluster_colour_index,
    spoken_text,
    stack_text,
)
from dclust_gui.ui.models.gallery_order import (
    Arrangement,
    GalleryFilter,
    Section,
    SortKey,
    arrange,
    file_name,
)
from dclust_gui.ui.models.gallery_ranks import SortRanks
from dclust_gui.ui.models.image_files import unit_files
from dclust_gui.ui.models.thumbnail_cache import ThumbnailCache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.outliers import RunErrors
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.gallery_source import GallerySource

_ROOT = QModelIndex()


class GalleryRole(IntEnum):
    """What `GalleryModel.data` answers besides Qt's own roles."""

    ID = Qt.ItemDataRole.UserRole + 1
    CLUSTER = Qt.ItemDataRole.UserRole + 2
    CONFIDENCE = Qt.ItemDataRole.UserRole + 3
    STATUS = Qt.ItemDataRole.UserRole + 4
    LOOK = Qt.ItemDataRole.UserRole + 5


class GalleryModel(QAbstractListModel):
    """One row per image shown; labels and selection are read from the session, never copied.

    Args:
        loader: Brings thumbnails; the model owns it no more than the window does.
        parent: Owner.
        cache: Holds the pixmaps.
    """

    def __init__(
        self,
        loader: ThumbnailLoader,
        parent: QObject | None = None,
        cache: ThumbnailCache | None = None,
    ) -> None:
        super().__init__(parent)
        self._loader = loader
        self._cache = ThumbnailCache() if cache is None else cache
        self._source: GallerySource | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._sort = SortKey.NAME
        self._filter = GalleryFilter()
        self._is_grouped = False
        self._closes_stacks = False
        self._sized: tuple[Clustering, NDArray[np.int32]] | None = None
        self._side_px = 160
        self._ratio = 1.0
        self._wanted: tuple[int, ...] = ()
        self._ranks = SortRanks(self)
        self._errors: RunErrors | None = None
        self._arrangement = arrange(
            Clustering.empty(0), np.empty(0, np.int32), GalleryFilter(), is_grouped=False
        )
        self._ranks.ranked.connect(self._on_ranks_ranked)
        loader.loaded.connect(self._on_loader_loaded)

    # -- what is shown ---------------------------------------------------------------------

    def set_source(self, source: GallerySource | None) -> None:
        """Show another project, or none."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._loader.clear()
        self._cache.clear()
        self._wanted = ()
        self._filter = GalleryFilter()
        self.beginResetModel()
        self._source = source
        self._ranks.set_source(source)
        self._arrangement = self._arranged()
        self.endResetModel()
        if source is not None:
            self._unsubscribe = source.subscribe(self._follow)

    @property
    def source(self) -> GallerySource | None:
        """The project shown."""
        return self._source

    @property
    def sort_key(self) -> SortKey:
        """What images are sorted by."""
        return self._sort

    @property
    def filter(self) -> GalleryFilter:
        """Which images are shown."""
        return self._filter

    @property
    def is_grouped(self) -> bool:
        """Whether each cluster has a section of its own."""
        return self._is_grouped

    @property
    def sections(self) -> tuple[Section, ...]:
        """Runs of rows from top to bottom."""
        return self._arrangement.sections

    @property
    def ids(self) -> NDArray[np.int32]:
        """int32 (n_rows,), read-only; the image in each row."""
        return self._arrangement.ids

    @property
    def n_images(self) -> int:
        """Number of images shown, those in closed stacks among them."""
        return sum(section.n_images for section in self._arrangement.sections)

    def set_sort(self, key: SortKey) -> None:
        """Sort by something else."""
        if key is not self._sort:
            self._sort = key
            self._rearrange()

    def set_typicality(self, values: NDArray[np.float32] | None) -> None:
        """Let "typical" mean these values: float32 (n_images,); None for the run's confidence."""
        is_shown = self._sort in (SortKey.MOST_TYPICAL, SortKey.LEAST_TYPICAL)
        if self._ranks.set_typicality(values) and is_shown:
            self._rearrange()

    def set_errors(self, errors: RunErrors | None) -> None:
        """Sort by these reconstruction errors, and tell them; None for none."""
        self._errors = errors
        self._ranks.set_errors(None if errors is None else errors.values)
        if self._sort is SortKey.RECONSTRUCTION_ERROR:
            self._rearrange()

    def set_filter(self, wanted: GalleryFilter) -> None:
        """Show other images of the project."""
        if wanted != self._filter:
            self._filter = wanted
            self._rearrange()

    def set_grouped(self, is_grouped: bool) -> None:
        """Give each cluster a section of its own, or not."""
        if is_grouped != self._is_grouped:
            self._is_grouped = is_grouped
            self._rearrange()

    @property
    def closes_stacks(self) -> bool:
        """Whether only the first image of each stack is shown."""
        return self._closes_stacks

    def set_stacks_closed(self, is_closed: bool) -> None:
        """Show only the first image of each stack, or all."""
        if is_closed != self._closes_stacks:
            self._closes_stacks = is_closed
            self._rearrange()

    def stack_of(self, image_id: int) -> frozenset[int]:
        """The images bound to an image, itself among them."""
        return frozenset(stack_members(self._clustering, image_id).tolist())

    def with_stacks(self, image_ids: frozenset[int]) -> frozenset[int]:
        """Images with all that are bound to them."""
        ids = np.fromiter(image_ids, np.int32, len(image_ids))
        return frozenset(whole_stacks(self._clustering.stacks, ids).tolist())

    # -- rows and images -------------------------------------------------------------------

    def id_at(self, row: int) -> int:
        """The image in a row."""
        return int(self._arrangement.ids[row])

    def row_of(self, image_id: int | None) -> int:
        """The row of an image; -1 when it is not shown."""
        rows = self._arrangement.rows
        return int(rows[image_id]) if image_id is not None and 0 <= image_id < len(rows) else -1

    def shown(self, image_ids: frozenset[int]) -> tuple[int, ...]:
        """Those of some images that are shown, or closed in a stack, in the order of the rows."""
        ids = np.fromiter(image_ids, np.int64, len(image_ids))
        rows = self._arrangement.rows
        ids = np.sort(ids[(ids >= 0) & (ids < len(rows))])
        ids = ids[rows[ids] >= 0]
        return tuple(ids[np.argsort(rows[ids], kind="stable")].tolist())

    def first_shown(self, image_ids: NDArray[np.int32]) -> int:
        """The row of the first of some images that is shown; -1 when none is.

        Args:
            image_ids: int32 (m,), ids in the order in which they are looked at.
        """
        rows = self._arrangement.rows
        known = image_ids[(image_ids >= 0) & (image_ids < len(rows))]
        found = rows[known]
        at = np.flatnonzero(found >= 0)
        return int(found[at[0]]) if len(at) else -1

    def path_of(self, image_id: int) -> Path:
        """An image's file."""
        record = self._record(image_id)
        assert self._source is not None
        return absolute_path(self._source.roots[record.root], record.relative)

    def files_of(self, image_id: int) -> list[Path]:
        """An image's file and those that travel with it; none if it is missing."""
        record = self._record(image_id)
        assert self._source is not None
        return unit_files(record, self._source.roots)

    def name_of(self, image_id: int) -> str:
        """An image's file name, fit to show."""
        return file_name(self._record(image_id))

    def cluster_of(self, image_id: int) -> int:
        """An image's cluster, or `UNASSIGNED`."""
        return UNASSIGNED if self._source is None else int(self._clustering.labels[image_id])

    # -- thumbnails ------------------------------------------------------------------------

    @property
    def side_px(self) -> int:
        """Longest side of thumbnails in device pixels."""
        return self._side_px

    def set_side(self, side_px: int, ratio: float = 1.0) -> None:
        """Ask for thumbnails in another size from now on; those there are shown meanwhile.

        Args:
            side_px: Longest side in device pixels.
            ratio: Device pixel ratio of the view.
        """
        self._ratio = ratio
        if side_px != self._side_px:
            self._loader.forget(self._wanted, self._side_px)
            self._wanted = ()
            self._side_px = side_px

    def want(self, visible: Sequence[int], ahead: Sequence[int]) -> None:
        """Load these images' thumbnails and no others.

        Args:
            visible: Ids in sight, the first first.
            ahead: Ids soon in sight.
        """
        missing = [i for i in visible if self._cache.needs(i, self._side_px)]
        later = [i for i in ahead if self._cache.needs(i, self._side_px)]
        wanted = (*missing, *later)
        self._loader.forget(set(self._wanted).difference(wanted), self._side_px)
        self._wanted = wanted
        for image_id in reversed(later):
            self._request(image_id, ahead=True)
        for image_id in reversed(missing):
            self._request(image_id)

    def picture_of(self, image_id: int) -> QPixmap | None:
        """An image's thumbnail in whatever size is there."""
        entry = self._cache.get(image_id)
        return None if entry is None else entry.pixmap

    def look_at(self, row: int) -> CellLook:
        """All that a cell shows; asks for no thumbnail."""
        image_id = self.id_at(row)
        record = self._record(image_id)
        clustering = self._clustering
        entry = self._cache.get(image_id)
        if entry is not None:
            state = PictureState.UNREADABLE if entry.pixmap is None else PictureState.READY
        elif record.facts.status is ImageStatus.UNREADABLE:
            state = PictureState.UNREADABLE
        else:
            state = PictureState.LOADING
        return CellLook(
            image_id,
            file_name(record),
            cluster_colour_index(clustering, int(clustering.labels[image_id])),
            badges_of(record, int(clustering.flags[image_id])),
            state,
            None if entry is None else entry.pixmap,
            int(self._stack_sizes()[image_id]),
            bool(clustering.flags[image_id] & ImageFlag.BRACKET),
        )

    # -- Qt --------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _ROOT) -> int:
        """Number of images shown; 0 under a valid parent, for this is a flat list."""
        return 0 if parent.isValid() else len(self._arrangement.ids)

    def data(
        self,
        index: QModelIndex | QPersistentModelIndex,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Answer Qt's text and picture roles and those of `GalleryRole`."""
        if not index.isValid() or self._source is None:
            return None
        image_id = self.id_at(index.row())
        if role == GalleryRole.LOOK:
            return self.look_at(index.row())
        if role == GalleryRole.ID:
            return image_id
        if role == Qt.ItemDataRole.DisplayRole:
            return self.name_of(image_id)
        if role == Qt.ItemDataRole.DecorationRole:
            if self._cache.needs(image_id, self._side_px):
                self._request(image_id)
            return self.picture_of(image_id)
        if role == GalleryRole.CLUSTER:
            return self.cluster_of(image_id)
        if role == GalleryRole.STATUS:
            return self._record(image_id).facts.status
        if role == GalleryRole.CONFIDENCE:
            value = float(self._ranks.confidence()[image_id])
            return None if np.isnan(value) else value
        return self._words(index.row(), image_id, role)

    def _words(self, row: int, image_id: int, role: int) -> str | None:
        record = self._record(image_id)
        if role == Qt.ItemDataRole.ToolTipRole:
            reason = record.facts.reason
            error = "" if self._errors is None else self._errors.text(image_id)
            lines = [display_path(record.relative), reason]
            lines += [f"Reconstruction error: {error}"] if error else []
            lines.append(self._stack_text(image_id).capitalize())
            return "\n".join(line for line in lines if line)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            signs = badges_of(record, int(self._clustering.flags[image_id]))
            place = (row + 1, self.rowCount())
            cluster = self.cluster_of(image_id)
            bound = self._stack_text(image_id)
            return spoken_text(file_name(record), self._clustering, cluster, place, signs, bound)
        if role == Qt.ItemDataRole.AccessibleDescriptionRole and self._source is not None:
            return "selected" if image_id in self._source.selection.images else "not selected"
        return None

    # -- inside ----------------------------------------------------------------------------

    @property
    def _clustering(self) -> Clustering:
        return Clustering.empty(0) if self._source is None else self._source.clustering

    def _record(self, image_id: int) -> ImageRecord:
        if self._source is None:
            raise IndexError(image_id)
        return self._source.images[image_id]

    def _stack_sizes(self) -> NDArray[np.int32]:
        """Images in the stack of each image: int32 (n_images,)."""
        clustering = self._clustering
        if self._sized is None or self._sized[0] is not clustering:
            self._sized = clustering, stack_sizes(clustering.stacks)
        return self._sized[1]

    def _stack_text(self, image_id: int) -> str:
        flag = int(self._clustering.flags[image_id])
        return stack_text(int(self._stack_sizes()[image_id]), flag)

    def _request(self, image_id: int, *, ahead: bool = False) -> None:
        content = self._record(image_id).content
        self._loader.request(image_id, self.path_of(image_id), content, self._side_px, ahead=ahead)

    def _arranged(self) -> Arrangement:
        clustering = self._clustering
        cluster = self._filter.cluster
        if cluster not in (None, UNASSIGNED, *clustering.clusters):
            self._filter = GalleryFilter()
        ranks = self._ranks.rank(self._sort)
        if len(ranks) != clustering.n_images:
            ranks = np.arange(clustering.n_images, dtype=np.int32)
        return arrange(
            clustering,
            ranks,
            self._filter,
            is_grouped=self._is_grouped,
            closes_stacks=self._closes_stacks,
        )

    def _rearrange(self) -> None:
        arrangement = self._arranged()
        if not arrangement.equals(self._arrangement):
            self.beginResetModel()
            self._arrangement = arrangement
            self.endResetModel()
        elif self.rowCount():
            self._arrangement = arrangement
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def _follow(self, change: ChangeSet) -> None:
        """Take over what the session says has changed."""
        if change.has_new_images or change.has_new_project:
            self._drop_changed_pictures()
            self._ranks.forget_images()
        if change.has_new_run:
            self._ranks.forget_confidence()
        elif len(change.images):
            self._ranks.forget_typicality()
        elif not self._may_move(change):
            if self.rowCount():  # names, colours and marks only
                self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))
            return
        self._rearrange()

    def _may_move(self, change: ChangeSet) -> bool:
        """Whether rows may come, go or change places by a change that moves no image."""
        if change.has_new_images or change.has_new_project:
            return True
        cluster = self._filter.cluster
        return cluster not in (None, UNASSIGNED, *self._clustering.clusters)

    def _drop_changed_pictures(self) -> None:
        """Forget marks of unreadable files: they may be readable now."""
        self._loader.clear()
        self._wanted = ()
        self._cache.discard_unreadable()

    @Slot(int, int, object)
    def _on_loader_loaded(self, image_id: int, side_px: int, picture: QImage | None) -> None:
        row = self.row_of(image_id)
        if self._source is None or not self._cache.accepts(image_id, side_px, self._side_px):
            return
        pixmap = None if picture is None else QPixmap.fromImage(picture)
        if pixmap is not None:
            pixmap.setDevicePixelRatio(self._ratio)
        self._cache.put(image_id, side_px, pixmap)
        if row >= 0:
            index = self.index(row)
            self.dataChanged.emit(index, index, [Qt.ItemDataRole.DecorationRole])

    @Slot(object)
    def _on_ranks_ranked(self, key: SortKey) -> None:
        if self._sort is key:
            self._rearrange()

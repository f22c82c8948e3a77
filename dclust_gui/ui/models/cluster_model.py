"""The clusters of the open project as rows, each with a few of its most typical images."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QImage, QPixmap

from dclust_gui.domain.clustering import UNASSIGNED, Cluster
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.images import absolute_path
from dclust_gui.domain.stacks import followers, whole_stacks
from dclust_gui.ui.models.palette import mark_name
from dclust_gui.ui.models.typicality import typicality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

N_EXEMPLARS = 5
"""Most typical images shown of each cluster."""

EXEMPLAR_SIDE = 48
"""Side of an exemplar, device-independent pixels."""

_PICTURES_KEPT = 4000
_MANY = 64
_ROOT = QModelIndex()


class Role(IntEnum):
    """Roles beyond Qt's own."""

    ID = Qt.ItemDataRole.UserRole + 1
    COUNT = Qt.ItemDataRole.UserRole + 2
    COLOUR = Qt.ItemDataRole.UserRole + 3
    CLUSTER = Qt.ItemDataRole.UserRole + 4
    EXEMPLARS = Qt.ItemDataRole.UserRole + 5
    MATCHING = Qt.ItemDataRole.UserRole + 6


class ClusterOrder(StrEnum):
    """Orders of the rows."""

    MADE = "made"
    NAME = "name"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row says; compared to find the rows that changed."""

    cluster: Cluster
    count: int
    exemplars: tuple[int, ...]
    matching: int | None = None


class ClusterModel(QAbstractListModel):
    """One row per cluster; follows the session, changes nothing.

    Signals:
        rename_requested: cluster id, new name; the user has edited a row.
        counts_changed: Rows, or the numbers of all and of Unassigned images, are new.
    """

    rename_requested = Signal(int, str)
    counts_changed = Signal()

    def __init__(
        self, loader: ThumbnailLoader | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._loader = loader
        self._session: ProjectSession | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._rows: list[_Row] = []
        self._places: dict[int, int] = {}
        self._order = ClusterOrder.MADE
        self._filter = ""
        self._exemplars: dict[int, tuple[int, ...]] = {}
        self._counts: dict[int, int] = {UNASSIGNED: 0}
        self._filtered: frozenset[int] | None = None
        self._matching: NDArray[np.int64] | None = None
        self._n_matching: NDArray[np.int64] = np.empty(0, np.int64)
        self._typicality: NDArray[np.float32] = np.empty(0, np.float32)
        self._pictures: OrderedDict[int, QPixmap | None] = OrderedDict()
        self._asked: set[int] = set()
        self._side_px = EXEMPLAR_SIDE * 2
        if loader is not None:
            loader.loaded.connect(self._on_loader_loaded)

    # -- following the session ---------------------------------------------------------------

    def set_session(self, session: ProjectSession | None) -> None:
        """Show another project, or none."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self.beginResetModel()
        self._session = session
        self._pictures.clear()
        self._asked.clear()
        self._exemplars.clear()
        self._filtered = self._matching = None
        if self._loader is not None:
            self._loader.clear()
        self._read_all()
        self._rows = self._wanted_rows()
        self._index_rows()
        self.endResetModel()
        if session is not None:
            self._unsubscribe = session.subscribe(self._follow)
        self.counts_changed.emit()

    def _follow(self, change: ChangeSet) -> None:
        """Take over what a transition of the session changed."""
        if self._session is None:
            return
        if change.has_new_project or change.has_new_run or change.has_new_images:
            self._read_all()
        else:
            self._read_touched(change)
        self._update_rows()
        self.counts_changed.emit()

    def set_order(self, order: ClusterOrder) -> None:
        """Sort the rows."""
        self._order = order
        self._update_rows()

    def set_filter(self, text: str) -> None:
        """Show only the clusters whose title or notes hold a text; all when it is empty."""
        self._filter = text.strip().casefold()
        self._update_rows()

    def set_matching(self, images: frozenset[int] | None) -> None:
        """Tell how many images of each cluster a filter lets through.

        Args:
            images: Ids of those it lets through; None for no filter.
        """
        if images is self._filtered:
            return  # asked for in the midst of a change of rows, too: removing one selects another
        self._filtered = images
        if images is None:
            self._matching = None
        else:
            self._matching = np.fromiter(images, np.int64, len(images))
        self._update_rows()
        self.counts_changed.emit()

    # -- what there is -----------------------------------------------------------------------

    @property
    def n_images(self) -> int:
        """Number of images of the project."""
        return sum(self._counts.values())

    @property
    def n_clusters(self) -> int:
        """Number of clusters of the project, hidden rows included."""
        return len(self._counts) - 1

    def count(self, cluster: int) -> int:
        """Number of images of a cluster or of `UNASSIGNED`; 0 for unknown ids."""
        return self._counts.get(cluster, 0)

    def n_matching(self, cluster: int | None = None) -> int | None:
        """How many images a filter lets through; None when there is no filter.

        Args:
            cluster: Of which cluster (or `UNASSIGNED`); None for all.
        """
        if self._matching is None:
            return None
        if cluster is None:
            return len(self._matching)
        return int(self._n_matching[cluster + 1]) if cluster + 1 < len(self._n_matching) else 0

    def count_after_move(self, images: Sequence[int], cluster: int) -> int:
        """Number of images a cluster (or `UNASSIGNED`) would have with these images in it."""
        if self._session is None:
            return 0
        labels = self._session.clustering.labels
        known = np.fromiter((i for i in images if 0 <= i < len(labels)), np.int64)
        return self.count(cluster) + int((labels[known] != cluster).sum())

    def with_stacks(self, images: Sequence[int]) -> tuple[int, ...]:
        """Images with all that are bound to them: those that a decision about them moves."""
        stacks = None if self._session is None else self._session.clustering.stacks
        known = [i for i in images if stacks is not None and 0 <= i < len(stacks)]
        if stacks is None or not known or not stacks[known].any():
            return tuple(images)
        return tuple(whole_stacks(stacks, np.array(known, np.int32)).tolist())

    def titles(self, clusters: Iterable[int]) -> list[str]:
        """Titles of clusters that exist."""
        table = {} if self._session is None else self._session.clustering.clusters
        return [table[key].title for key in clusters if key in table]

    def row_of(self, cluster: int) -> int:
        """Row of a cluster; -1 if it is not shown."""
        return self._places.get(cluster, -1)

    def cluster_ids(self) -> list[int]:
        """Ids of the shown clusters from top to bottom."""
        return [row.cluster.id for row in self._rows]

    # -- inside ------------------------------------------------------------------------------

    def _read_all(self) -> None:
        """Count all clusters and find their most typical images."""
        if self._session is None:
            self._counts = {UNASSIGNED: 0}
            self._exemplars = {}
            return
        clustering = self._session.clustering
        self._counts = clustering.counts()
        self._typicality = _typicality(self._session)
        short = clustering.next_id <= np.iinfo(np.int16).max  # a stable sort of these is far faster
        order = np.argsort(clustering.labels.astype(np.int16 if short else np.int32), kind="stable")
        labels = clustering.labels[order]
        keys = np.fromiter(clustering.clusters, np.int32, len(clustering.clusters))
        starts = np.searchsorted(labels, keys, "left").tolist()
        ends = np.searchsorted(labels, keys, "right").tolist()
        self._exemplars = {
            key: self._most_typical(order[start:end])
            for key, start, end in zip(keys.tolist(), starts, ends, strict=True)
        }

    def _read_touched(self, change: ChangeSet) -> None:
        """The same for clusters that a small edit can have touched."""
        if self._session is None:
            return
        clustering = self._session.clustering
        self._typicality = _typicality(self._session)
        before, self._counts = self._counts, clustering.counts()
        touched = {int(v) for v in np.unique(clustering.labels[change.images])} | change.clusters
        touched |= {k for k, n in self._counts.items() if before.get(k) != n}
        gone = set(change.images.tolist())
        touched |= {k for k, shown in self._exemplars.items() if gone.intersection(shown)}
        for key in touched - {UNASSIGNED}:
            if key in clustering.clusters:
                self._exemplars[key] = self._most_typical(clustering.members(key))
            else:
                self._exemplars.pop(key, None)

    def _most_typical(self, members: NDArray[np.int64]) -> tuple[int, ...]:
        values = self._typicality[members]
        if len(values) > _MANY:
            least = np.partition(values, len(values) - N_EXEMPLARS)[len(values) - N_EXEMPLARS]
            members = members[values >= least]
            values = self._typicality[members]
        best = np.argsort(-values, kind="stable")[:N_EXEMPLARS]
        return tuple(members[best].tolist())

    def _wanted_rows(self) -> list[_Row]:
        if self._session is None:
            return []
        if self._matching is not None:
            labels = self._session.clustering.labels
            known = self._matching[self._matching < len(labels)]
            self._n_matching = np.bincount(labels[known] + 1)
        rows = [
            _Row(cluster, self._counts[key], self._exemplars.get(key, ()), self.n_matching(key))
            for key, cluster in self._session.clustering.clusters.items()
            if self._filter in cluster.title.casefold() or self._filter in cluster.notes.casefold()
        ]
        match self._order:
            case ClusterOrder.NAME:
                rows.sort(key=lambda r: (not r.cluster.name, r.cluster.title.casefold()))
            case ClusterOrder.SIZE:
                rows.sort(key=lambda r: -r.count)
            case ClusterOrder.MADE:
                pass
        return rows

    def _index_rows(self) -> None:
        self._places = {row.cluster.id: i for i, row in enumerate(self._rows)}

    def _update_rows(self) -> None:
        """Bring the rows up to date with as few steps as views need to keep their selection."""
        wanted = self._wanted_rows()
        keep = {row.cluster.id for row in wanted}
        for at in range(len(self._rows) - 1, -1, -1):
            if self._rows[at].cluster.id not in keep:
                self.beginRemoveRows(_ROOT, at, at)
                del self._rows[at]
                self.endRemoveRows()
        here = {row.cluster.id for row in self._rows}
        new = [row for row in wanted if row.cluster.id not in here]
        if new:
            start = len(self._rows)
            self.beginInsertRows(_ROOT, start, start + len(new) - 1)
            self._rows.extend(new)
            self.endInsertRows()
        self._reorder([row.cluster.id for row in wanted])
        for at, row in enumerate(wanted):
            if self._rows[at] != row:
                self._rows[at] = row
                index = self.index(at)
                self.dataChanged.emit(index, index)
        self._index_rows()

    def _reorder(self, ids: Sequence[int]) -> None:
        """Put the rows into another order; indexes that views hold move along."""
        by_id = {row.cluster.id: row for row in self._rows}
        if list(by_id) == list(ids):
            return
        self.layoutAboutToBeChanged.emit()
        held = self.persistentIndexList()
        held_ids = [self._rows[index.row()].cluster.id for index in held]
        self._rows = [by_id[key] for key in ids]
        self._index_rows()
        moved = [self.index(self._places[key]) for key in held_ids]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    def _picture(self, image: int) -> QPixmap | None:
        """An exemplar; asked for and None until it is there."""
        if image in self._pictures:
            self._pictures.move_to_end(image)
            return self._pictures[image]
        session = self._session
        if image not in self._asked and session is not None and self._loader is not None:
            self._asked.add(image)
            record = session.images[image]
            path = absolute_path(session.roots[record.root], record.relative)
            self._loader.request(image, path, record.content, self._side_px)
        return None

    @Slot(int, int, object)
    def _on_loader_loaded(self, image: int, side_px: int, picture: object) -> None:
        if side_px != self._side_px or image not in self._asked:
            return
        self._asked.discard(image)
        usable = picture if isinstance(picture, QImage) and not picture.isNull() else None
        self._pictures[image] = None if usable is None else QPixmap.fromImage(usable)
        while len(self._pictures) > _PICTURES_KEPT:
            self._pictures.popitem(last=False)
        for at, row in enumerate(self._rows):
            if image in row.exemplars:
                index = self.index(at)
                self.dataChanged.emit(index, index, [Role.EXEMPLARS])

    # -- Qt ----------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _ROOT) -> int:
        """Number of shown clusters; 0 under a valid parent, for this is a flat list."""
        return 0 if parent.isValid() else len(self._rows)

    def data(
        self,
        index: QModelIndex | QPersistentModelIndex,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """What a view asks of a row; see `Role`."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.cluster.title
            case Qt.ItemDataRole.EditRole:
                return row.cluster.name
            case Qt.ItemDataRole.ToolTipRole:
                return tool_tip(row.cluster, row.count, row.matching)
            case Qt.ItemDataRole.AccessibleTextRole:
                return spoken(row.cluster, row.count, row.matching)
            case Role.ID:
                return row.cluster.id
            case Role.COUNT:
                return row.count
            case Role.MATCHING:
                return row.matching
            case Role.COLOUR:
                return row.cluster.colour
            case Role.CLUSTER:
                return row.cluster
            case Role.EXEMPLARS:
                return tuple(self._picture(i) for i in row.exemplars)
            case _:
                return None

    def setData(
        self,
        index: QModelIndex | QPersistentModelIndex,
        value: object,
        role: int = Qt.ItemDataRole.EditRole,
    ) -> bool:
        """Ask for a new name; the row changes when the session has taken it."""
        if not index.isValid() or role != Qt.ItemDataRole.EditRole:
            return False
        row = self._rows[index.row()]
        name = str(value).strip()
        if name != row.cluster.name:
            self.rename_requested.emit(row.cluster.id, name)
        return True

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        """Rows can be selected, dragged, dropped onto, and renamed unless read-only."""
        base = super().flags(index)
        if not index.isValid():
            return base
        if self._session is None or self._session.is_read_only:
            return base
        flag = Qt.ItemFlag
        return base | flag.ItemIsEditable | flag.ItemIsDragEnabled | flag.ItemIsDropEnabled


def _typicality(session: ProjectSession) -> NDArray[np.float32]:
    """How typical images are of their clusters; -1 where that is not known, -2 within a stack."""
    clustering = session.clustering
    values = np.nan_to_num(typicality(session.confidence(), clustering), nan=-1.0)
    if clustering.stacks.any():
        values[followers(clustering.stacks)[: len(values)]] = -2.0  # one picture of each will do
    return values


def tool_tip(cluster: Cluster, count: int, matching: int | None = None) -> str:
    """Name, count, marks and notes."""
    states = state_words(cluster)
    lines = [f"{cluster.title}: {_matching_words(matching)}{count_of(count)}"]
    if states:
        lines.append(", ".join(states).capitalize())
    if cluster.notes:
        lines.append(cluster.notes)
    return "\n".join(lines)


def spoken(cluster: Cluster, count: int, matching: int | None = None) -> str:
    """What a screen reader says of a row."""
    size = f"{_matching_words(matching)}{count_of(count)}"
    words = [cluster.title, size, f"mark: {mark_name(cluster.colour)}"]
    return ", ".join([*words, *state_words(cluster)])


def _matching_words(matching: int | None) -> str:
    return "" if matching is None else f"{matching:,} of "


def state_words(cluster: Cluster) -> list[str]:
    """The marks of a cluster in words."""
    marks: Iterable[tuple[bool, str]] = (
        (cluster.is_pinned, "pinned"),
        (cluster.is_reviewed, "reviewed"),
        (cluster.is_ignored, "ignored"),
    )
    return [word for is_set, word in marks if is_set]

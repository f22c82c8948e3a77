"""Which images an export takes: all, reviewed or selected clusters, or Unassigned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.services.export_plan import ExportItem
from dclust_gui.services.formats.images import UNASSIGNED_NAME, Scope
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from dclust_gui.services.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class _What:
    """A choice of images."""

    text: str
    clusters: frozenset[int] | None = None
    only_reviewed: bool = False

    @property
    def only_unassigned(self) -> bool:
        """Whether no cluster takes part."""
        return self.clusters == frozenset()


class WhatFields(QWidget):
    """Asks which images are wanted.

    Args:
        snapshot: The project.
        selected: Ids of the clusters that are selected in the window.
        parent: Owner.

    Attributes:
        what: The choice.
        unassigned: Whether images without a cluster go along.

    Signals:
        changed: Others are asked for.
    """

    changed = Signal()

    def __init__(self, snapshot: Snapshot, selected: tuple[int, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self._snapshot = snapshot
        counts = snapshot.clustering.counts()
        self._n_unassigned = counts.pop(UNASSIGNED)
        self._offered: list[_What] = []
        self.what = QComboBox(self)
        self.what.setAccessibleName("What to export")
        self.unassigned = QCheckBox(f"Also Unassigned ({count_of(self._n_unassigned)})", self)
        self.unassigned.setChecked(self._n_unassigned > 0)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.what)
        rows.addWidget(self.unassigned)
        table = snapshot.clustering.clusters
        filled = [table[key] for key, number in counts.items() if number > 0]
        self._offer(_What(f"All {count_of(len(filled), 'cluster')}"))
        n_reviewed = sum(cluster.is_reviewed for cluster in filled)
        if n_reviewed:
            self._offer(_What(count_of(n_reviewed, "reviewed cluster"), only_reviewed=True))
        chosen = frozenset(selected) & frozenset(table)
        if chosen:
            self._offer(_What(count_of(len(chosen), "selected cluster"), chosen))
        if self._n_unassigned:
            self._offer(_What(f"Only Unassigned ({count_of(self._n_unassigned)})", frozenset()))
        self._show_unassigned()
        self.what.currentIndexChanged.connect(self._on_what_current_index_changed)
        self.unassigned.toggled.connect(self._on_unassigned_toggled)

    def scope(self) -> Scope:
        """Which images."""
        what = self._chosen()
        if what.only_unassigned:
            return Scope(frozenset(), with_unassigned=True)
        also = self.unassigned.isChecked() and not what.only_reviewed
        return Scope(what.clusters, what.only_reviewed, also)

    def set_scope(self, scope: Scope) -> None:
        """Ask for what was asked for before; clusters that are gone since are left out."""
        clusters = scope.clusters
        if clusters:
            clusters &= frozenset(self._snapshot.clustering.clusters)
        wanted = next(
            (
                row
                for row, what in enumerate(self._offered)
                if (what.clusters, what.only_reviewed) == (clusters, scope.only_reviewed)
            ),
            -1,
        )
        if wanted < 0 and clusters:
            self._offer(_What(f"{count_of(len(clusters), 'cluster')} as the last time", clusters))
            wanted = len(self._offered) - 1
        self.what.setCurrentIndex(max(0, wanted))
        self.unassigned.setChecked(scope.with_unassigned and self._n_unassigned > 0)

    def set_with_unassigned(self, *, is_usual: bool) -> None:
        """Follow a format with which images without a cluster usually go along, or do not."""
        self.unassigned.setChecked(is_usual and self._n_unassigned > 0)

    def example(self) -> ExportItem | None:
        """An image of the first cluster that is asked for."""
        clustering, scope = self._snapshot.clustering, self.scope()
        for cluster in [*clustering.clusters.values(), None]:
            key = UNASSIGNED if cluster is None else cluster.id
            if not scope.wants(cluster):
                continue
            members = clustering.members(key)
            if len(members):
                title = UNASSIGNED_NAME if cluster is None else cluster.title
                return ExportItem(self._snapshot.images[int(members[0])], key, title)
        return None

    def _offer(self, what: _What) -> None:
        self._offered.append(what)
        self.what.addItem(what.text)

    def _chosen(self) -> _What:
        return self._offered[max(0, self.what.currentIndex())]

    def _show_unassigned(self) -> None:
        what = self._chosen()
        is_open = not what.only_reviewed and not what.only_unassigned
        self.unassigned.setVisible(is_open and self._n_unassigned > 0)

    @Slot()
    def _on_what_current_index_changed(self) -> None:
        self._show_unassigned()
        self.changed.emit()

    @Slot()
    def _on_unassigned_toggled(self) -> None:
        self.changed.emit()

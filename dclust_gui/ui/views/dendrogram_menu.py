"""The context menu of a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.tree_layout import NO_NODE

if TYPE_CHECKING:
    from dclust_gui.ui.views.dendrogram_view import DendrogramView


def branch_menu(view: DendrogramView, node: int) -> QMenu:
    """The menu of a branch; it deletes itself when it is closed.

    Args:
        view: The dendrogram.
        node: The branch.
    """
    menu = QMenu(view)
    menu.aboutToHide.connect(menu.deleteLater)
    deeds = BranchDeeds(view, node, menu)
    layout, cut = view.model.layout, view.model.present
    size = layout.size(node)
    holder = cut.holder(node)
    cluster = view.places.cluster_of(node)
    can_edit = view.is_editable
    deeds.add(f"Select {count_of(size)}", "select")
    deeds.add("Show image" if size == 1 else "Zoom to branch", "show")
    menu.addSeparator()
    deeds.add(f"New cluster from {count_of(size)}", "make_cluster").setEnabled(can_edit)
    can_open = holder != NO_NODE and not layout.is_leaf(holder)
    deeds.add("Split here", "split").setEnabled(can_edit and can_open)
    joined = len(cut.numbers_in(node))
    words = f"Join {joined:,} clusters" if joined > 1 else "Join with the branch beside it"
    can_close = joined > 1 or (holder != NO_NODE and holder != layout.root)
    deeds.add(words, "join").setEnabled(can_edit and can_close)
    menu.addSeparator()
    known = cluster != UNASSIGNED
    title = f"Rename '{view.model.title_of(cluster)}'…" if known else "Rename…"
    deeds.add(title, "rename").setEnabled(can_edit and known)
    deeds.add("Export clusters…" if joined > 1 else "Export cluster…", "export").setEnabled(
        bool(deeds.clusters())
    )
    return menu


class BranchDeeds(QObject):
    """What the menu's entries do.

    Args:
        view: The dendrogram.
        node: The branch.
        menu: Owner.
    """

    def __init__(self, view: DendrogramView, node: int, menu: QMenu) -> None:
        super().__init__(menu)
        self._view = view
        self._node = node
        self._menu = menu

    def add(self, words: str, name: str) -> QAction:
        """Add an entry.

        Args:
            words: What it says.
            name: Which of the deeds below it does.
        """
        action = self._menu.addAction(words)
        action.setData(name)
        action.triggered.connect(self._on_action_triggered)
        return action

    def clusters(self) -> tuple[int, ...]:
        """The clusters that the branch has images of."""
        layout = self._view.model.layout
        start, stop = int(layout.start[self._node]), int(layout.stop[self._node])
        return tuple(c for c in self._view.model.clusters_in(start, stop) if c != UNASSIGNED)

    @Slot()
    def _on_action_triggered(self) -> None:
        sender = self.sender()
        view, node = self._view, self._node
        match sender.data() if isinstance(sender, QAction) else "":
            case "select":
                view.click(node, None, toggles=False, adds=False)
            case "show" if view.model.layout.is_leaf(node):
                view.branches.preview(node)
            case "show":
                view.navigator.show_branch(node)
            case "make_cluster":
                view.new_cluster_requested.emit(view.branches.images_of(node))
            case "split":
                view.cutting.open_branch(node)
            case "join":
                view.cutting.close_branch(node)
            case "rename":
                view.rename(node)
            case _:
                view.export_requested.emit(self.clusters())

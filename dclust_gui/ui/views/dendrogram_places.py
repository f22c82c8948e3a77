"""What lies where in the dendrogram: branches, pictures and the cut's line under a point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.tree_layout import NO_NODE

if TYPE_CHECKING:
    from PySide6.QtCore import QPointF

    from dclust_gui.ui.models.dendrogram_model import DendrogramModel
    from dclust_gui.ui.views.dendrogram_navigator import DendrogramNavigator
    from dclust_gui.ui.views.dendrogram_painter import DendrogramPainter

GRAB_PX = 6
"""How near to a line the pointer must be to take hold of it."""


class DendrogramPlaces:
    """Answers for the frame that was painted last.

    Args:
        model: The tree and its clusters.
        navigator: Knows what is in view.
        painter: Knows which pictures are.
    """

    def __init__(
        self, model: DendrogramModel, navigator: DendrogramNavigator, painter: DendrogramPainter
    ) -> None:
        self._model = model
        self._navigator = navigator
        self._painter = painter

    def node_at(self, point: QPointF) -> int:
        """The branch at a place on the view; `NO_NODE` where there is none."""
        if self._model.tree is None:
            return NO_NODE
        camera, layout = self._navigator.camera, self._model.layout
        u, v = camera.uv(point)
        position = camera.position_at(u)
        if u < camera.axis_px or not 0 <= position < layout.n_leaves:
            return NO_NODE
        if v >= camera.strip_start:
            return self._block_node(position)
        if v >= camera.tree_stop:
            return int(self._model.cut.nodes[self._model.cut.index_of(position)])
        return layout.branch_at(position, camera.height_at(v - GRAB_PX))

    def is_on_branch(self, point: QPointF, node: int) -> bool:
        """Whether a press there takes hold of the branch, rather than of the whole tree."""
        if node == NO_NODE:
            return False
        camera, model = self._navigator.camera, self._model
        u, v = camera.uv(point)
        if v >= camera.tree_stop:
            return True
        layout = model.layout
        start, stop = int(layout.start[node]), int(layout.stop[node])
        if model.selected_sums[stop] - model.selected_sums[start] == stop - start:
            return True
        is_near_stem = abs(u - camera.u_at(float(layout.centre[node]))) <= GRAB_PX
        is_near_bar = abs(v - camera.v_at(float(layout.height[node]))) <= GRAB_PX
        return is_near_stem or is_near_bar

    def is_on_cut(self, point: QPointF) -> bool:
        """Whether a press there takes hold of the cut's line."""
        if self._model.tree is None:
            return False
        camera = self._navigator.camera
        u, v = camera.uv(point)
        line = camera.v_at(self._model.cut.height)
        if u < camera.axis_px:
            return v <= camera.tree_stop + GRAB_PX
        return abs(v - line) <= GRAB_PX and v <= camera.tree_stop + GRAB_PX

    def cluster_of(self, node: int) -> int:
        """The cluster of the cut's branch that a node is or lies in, else `UNASSIGNED`."""
        cut = self._model.cut
        if cut.holder(node) == NO_NODE:
            return UNASSIGNED
        return int(self._model.cut_clusters[cut.index_of(float(self._model.layout.start[node]))])

    def cell_at(self, point: QPointF) -> int | None:
        """Position of the image whose picture is at a place."""
        camera = self._navigator.camera
        for cell in self._painter.cells:
            if camera.rect(cell.u, cell.v, cell.side_px, cell.side_px).contains(point):
                return cell.position
        return None

    def _block_node(self, position: float) -> int:
        """The branch whose pictures are at a position."""
        block = next((b for b in self._painter.blocks if b.start <= position < b.stop), None)
        layout = self._model.layout
        if block is None:
            return int(layout.order[int(position)])
        if block.node == NO_NODE:
            return layout.spanning(block.start, block.stop)
        return block.node

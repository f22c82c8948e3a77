"""What is done with a branch of the dendrogram: select it, show it, rename its cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Signal

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.selection import Selection

if TYPE_CHECKING:
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel
    from dclust_gui.ui.views.dendrogram_navigator import DendrogramNavigator
    from dclust_gui.ui.views.dendrogram_places import DendrogramPlaces


class DendrogramBranches(QObject):
    """Turns a branch into images, clusters and wishes.

    Args:
        model: The tree and its clusters.
        navigator: Shows branches.
        places: Knows what lies where.
        parent: Owner.

    Signals:
        selection_requested: A `Selection`.
        preview_requested: id of an image.
    """

    selection_requested = Signal(object)
    preview_requested = Signal(int)

    def __init__(
        self,
        model: DendrogramModel,
        navigator: DendrogramNavigator,
        places: DendrogramPlaces,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._navigator = navigator
        self._places = places

    def images_of(self, node: int) -> tuple[int, ...]:
        """Ids of a branch's images."""
        layout = self._model.layout
        return self._model.images_of(int(layout.start[node]), int(layout.stop[node]))

    def whole_clusters(self, node: int) -> tuple[int, ...]:
        """The clusters a branch consists of; none if it is only part of one."""
        model = self._model
        source = model.source
        if source is None:
            return ()
        layout = model.layout
        inside = model.clusters_in(int(layout.start[node]), int(layout.stop[node]))
        total = source.saved_clustering.counts()
        is_whole = all(c != UNASSIGNED and total.get(c) == n for c, n in inside.items())
        return tuple(inside) if is_whole else ()

    def select(self, node: int, point: QPointF | None, *, toggles: bool, adds: bool) -> None:
        """Ask for a branch's images to be selected.

        Args:
            node: The branch.
            point: Where the pointer is, to make the image there the current one.
            toggles: Select or deselect it besides what is selected.
            adds: Select it besides what is selected.
        """
        source = self._model.source
        if source is None:
            return
        images = frozenset(self.images_of(node))
        chosen = source.selection.images
        if toggles:
            images = chosen - images if images <= chosen else chosen | images
        elif adds:
            images |= chosen
        cell = None if point is None else self._places.cell_at(point)
        position = int(self._model.layout.start[node]) if cell is None else cell
        current = self._model.image_at(position)
        self.selection_requested.emit(Selection(images, current if current in images else None))

    def activate(self, node: int, point: QPointF) -> None:
        """Zoom to a branch; show an image large."""
        cell = self._places.cell_at(point)
        if self._model.layout.is_leaf(node):
            position = int(self._model.layout.start[node]) if cell is None else cell
            self.preview_requested.emit(self._model.image_at(position))
        else:
            self._navigator.show_branch(node)

    def preview(self, node: int) -> None:
        """Ask for the most typical image of a branch to be shown large."""
        layout = self._model.layout
        place = self._model.exemplars.of(int(layout.start[node]), int(layout.stop[node]), 1)[0]
        self.preview_requested.emit(self._model.image_at(place))

    def place_of(self, node: int) -> QPointF:
        """Where on the view a branch's menu opens."""
        camera, layout = self._navigator.camera, self._model.layout
        u = min(max(camera.u_at(float(layout.centre[node])), 0), camera.length_px)
        return camera.point(u, max(camera.v_at(float(layout.height[node])), 0.0))

"""Paints the tree's lines and silhouettes, and the ribbon of clusters below its leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QColor

from dclust_gui.ui.models.dendrogram_camera import LANE_PX, RIBBON_PX
from dclust_gui.ui.models.dendrogram_shapes import has_match, shapes_of
from dclust_gui.ui.views.dendrogram_tones import (
    fill_boxes,
    runs_of,
    tones_by_branch,
    tones_by_cluster,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter

    from dclust_gui.ui.models.dendrogram_camera import Camera
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel
    from dclust_gui.ui.views.dendrogram_tones import Tones
    from dclust_gui.ui.views.theme import Colours

_STRAY_PX = 3
_STRAY_LENGTH_PX = 12


class TreePainter:
    """Paints what lies between the axis and the names.

    Args:
        model: The tree and its clusters.
    """

    def __init__(self, model: DendrogramModel) -> None:
        self._model = model

    def paint(self, painter: QPainter, camera: Camera, look: Colours, tones: Tones) -> None:
        """Paint the tree, then the ribbon.

        Args:
            painter: Where.
            camera: What is in view.
            look: Colours of the window.
            tones: Colours of clusters.
        """
        by_cluster = tones_by_cluster(self._model)
        self._paint_tree(painter, camera, tones, by_cluster)
        self._paint_ribbon(painter, camera, look, tones, by_cluster)

    def _paint_tree(
        self, painter: QPainter, camera: Camera, tones: Tones, by_cluster: NDArray[np.int64]
    ) -> None:
        model = self._model
        shapes = shapes_of(
            model.layout, model.levels, model.cut, model.cut_heights, camera, model.match_sums
        )
        numbers = by_cluster[model.cut_clusters]
        for boxes, branches, colours in (
            (shapes.fills, shapes.fill_colours, tones.soft),
            (shapes.lines, shapes.line_colours, tones.strong),
        ):
            fill_boxes(painter, camera, boxes, tones_by_branch(numbers, branches), colours)

    def _paint_ribbon(
        self,
        painter: QPainter,
        camera: Camera,
        look: Colours,
        tones: Tones,
        by_cluster: NDArray[np.int64],
    ) -> None:
        model = self._model
        n = model.layout.n_leaves
        edges = camera.origin + np.arange(int(camera.content_px) + 2) / camera.scale
        centres = np.clip((edges[:-1] + edges[1:]) / 2, 0, n - 1).astype(np.int64)
        places = np.clip(edges.astype(np.int64), 0, n)
        colours, numbers = tones.strong, by_cluster[model.labels[centres]]
        if model.match_sums is not None:
            is_hidden = ~has_match(model.match_sums, places)
            numbers = numbers + len(tones.strong) * is_hidden
            colours = [*tones.strong, *tones.faint]
        runs = runs_of(numbers)
        boxes = np.empty((len(runs), 4), np.int64)
        v = round(camera.tree_stop) + 1
        boxes[:, 0] = int(camera.axis_px) + runs[:, 0]
        boxes[:, 1] = v
        boxes[:, 2] = runs[:, 1] - runs[:, 0]
        boxes[:, 3] = RIBBON_PX - 1
        fill_boxes(painter, camera, boxes, runs[:, 2], colours)
        self._separate(painter, camera, QColor(look.base), v)
        self._paint_strays(painter, camera, look, tones, by_cluster)
        self._paint_lanes(painter, camera, look, places)

    def _paint_lanes(
        self, painter: QPainter, camera: Camera, look: Colours, places: NDArray[np.int64]
    ) -> None:
        """Where selected and hand-placed images are."""
        model = self._model
        v, first = round(camera.tree_stop) + 1, int(camera.axis_px)
        lanes = (
            (model.selected_sums, look.accent, v + RIBBON_PX - 1, LANE_PX),
            (model.placed_sums, look.text, v + RIBBON_PX // 2 - 1, 2),
        )
        for sums, colour, top, thick in lanes:
            if not sums[-1]:
                continue
            has_some = has_match(sums, places).astype(np.int64)
            for start, stop, is_set in runs_of(has_some).tolist():
                if is_set:
                    box = camera.rect(first + start, top, stop - start, thick)
                    painter.fillRect(box, QColor(colour))

    def _paint_strays(
        self,
        painter: QPainter,
        camera: Camera,
        look: Colours,
        tones: Tones,
        by_cluster: NDArray[np.int64],
    ) -> None:
        """Images that a person put into another cluster: ticks in that cluster's colour."""
        model = self._model
        first, last = np.searchsorted(model.strays, [camera.start, camera.stop])
        positions = model.strays[first:last]
        if not len(positions):
            return
        thick = max(_STRAY_PX, round(camera.scale * 0.5))
        u = np.rint(camera.u_of(positions.astype(np.float64) + 0.5) - thick / 2).astype(np.int64)
        u, chosen = np.unique(u, return_index=True)
        boxes = np.empty((len(u), 4), np.int64)
        boxes[:, 0] = u
        boxes[:, 1] = round(camera.tree_stop) + 1 - _STRAY_LENGTH_PX
        boxes[:, 2] = thick
        boxes[:, 3] = RIBBON_PX + _STRAY_LENGTH_PX
        frame = boxes + np.array([-1, -1, 2, 1])
        fill_boxes(painter, camera, frame, np.zeros(len(u), np.int64), [QColor(look.base)])
        numbers = by_cluster[model.labels[positions[chosen]]]
        fill_boxes(painter, camera, boxes, numbers, tones.strong)

    def _separate(self, painter: QPainter, camera: Camera, colour: QColor, v: int) -> None:
        """Thin gaps between neighbouring clusters, where there is room."""
        cut = self._model.cut
        starts = cut.starts[(cut.starts > camera.start) & (cut.starts < camera.stop)]
        if len(starts) * 6 > camera.content_px:
            return
        for u in np.rint(camera.u_of(starts.astype(np.float64))).tolist():
            painter.fillRect(camera.rect(u, v, 1, RIBBON_PX - 1), colour)

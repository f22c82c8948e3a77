"""Which part of a tree is shown, and where on the screen it lies; numbers only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from dclust_gui.domain.height_scale import HeightScale

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIBBON_PX = 10
"""Thickness of the band of cluster colours below the leaves."""

LANE_PX = 4
"""Thickness of the lane beside it that tells of selected and hand-placed images."""

MAX_LEAF_PX = 280.0
"""Widest a single leaf can get."""

_PAD_PX = 16
_FLAT_AXIS_PX = 22
_UPRIGHT_AXIS_PX = 52
_FLAT_LABELS_PX = 156
_UPRIGHT_LABELS_PX = 40
_LEAST_TREE_PX = 60


@dataclass(frozen=True, slots=True)
class Camera:
    """The window on a tree. `u` runs along the leaves, `v` from the root towards the pictures.

    Attributes:
        n_leaves: Leaves of the tree, at least 1.
        origin: Position in leaves at the near edge of the content.
        scale: Pixels per leaf.
        length_px: Extent of the view along u, the axis's strip included.
        depth_px: Extent along v.
        is_upright: The root is at the top and u runs to the right; else it is at the left and u
            runs down.
        heights: How heights become distances.
        tree_share: Part of the depth, without labels, that the tree takes.
        covered_px: How much of the view's lower edge something else covers.
    """

    n_leaves: int
    origin: float
    scale: float
    length_px: float
    depth_px: float
    is_upright: bool
    heights: HeightScale
    tree_share: float = 0.5
    covered_px: float = 0.0

    # -- zones -----------------------------------------------------------------------------

    @property
    def axis_px(self) -> float:
        """Width of the strip with the numbers of heights, at the near edge of u."""
        return _UPRIGHT_AXIS_PX if self.is_upright else _FLAT_AXIS_PX

    @property
    def content_px(self) -> float:
        """Extent along u in which the tree is shown."""
        return max(self.length_px - self.axis_px, 1.0)

    @property
    def label_px(self) -> float:
        """Extent along v of the clusters' names."""
        return _UPRIGHT_LABELS_PX if self.is_upright else _FLAT_LABELS_PX

    @property
    def tree_start(self) -> float:
        """Where the greatest height lies, along v."""
        return float(_PAD_PX)

    @property
    def tree_stop(self) -> float:
        """Where height 0 lies, along v."""
        room = self.depth_px - self.label_px - RIBBON_PX - LANE_PX - _PAD_PX
        return self.tree_start + max(room * self.tree_share, _LEAST_TREE_PX)

    @property
    def labels_start(self) -> float:
        """Where the clusters' names begin, along v."""
        return self.tree_stop + RIBBON_PX + LANE_PX

    @property
    def strip_start(self) -> float:
        """Where the pictures begin, along v."""
        return self.labels_start + self.label_px

    @property
    def strip_px(self) -> float:
        """Extent of the pictures along v."""
        covered = self.covered_px if self.is_upright else 0.0
        return max(self.depth_px - self.strip_start - 4 - covered, 0.0)

    @property
    def start(self) -> float:
        """First position shown."""
        return self.origin

    @property
    def stop(self) -> float:
        """Last position shown."""
        return self.origin + self.content_px / self.scale

    # -- to and from the screen ------------------------------------------------------------

    def u_of(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels along u of positions in leaves."""
        return self.axis_px + (positions - self.origin) * self.scale

    def u_at(self, position: float) -> float:
        """Pixel along u of one position."""
        return self.axis_px + (position - self.origin) * self.scale

    def position_at(self, u: float) -> float:
        """Position in leaves at a pixel along u."""
        return self.origin + (u - self.axis_px) / self.scale

    def v_of(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels along v of heights."""
        return self.tree_stop - (self.tree_stop - self.tree_start) * self.heights.to_unit(heights)

    def v_at(self, height: float) -> float:
        """Pixel along v of one height."""
        return float(self.v_of(np.array([height]))[0])

    def height_at(self, v: float) -> float:
        """Height at a pixel along v; 0 beyond the leaves."""
        room = self.tree_stop - self.tree_start
        return self.heights.from_unit((self.tree_stop - v) / room)

    def rect(self, u: float, v: float, along: float, across: float) -> QRectF:
        """A rectangle on the screen from its place and extents along u and v."""
        return QRectF(u, v, along, across) if self.is_upright else QRectF(v, u, across, along)

    def point(self, u: float, v: float) -> QPointF:
        """A point on the screen."""
        return QPointF(u, v) if self.is_upright else QPointF(v, u)

    def uv(self, point: QPointF) -> tuple[float, float]:
        """The u and v of a point on the screen."""
        place = (point.x(), point.y())
        return place if self.is_upright else (place[1], place[0])

    # -- moving ----------------------------------------------------------------------------

    @property
    def least_scale(self) -> float:
        """Pixels per leaf with the whole tree in view."""
        return self.content_px / self.n_leaves

    @property
    def is_fit(self) -> bool:
        """Whether the whole tree is in view along u."""
        return self.scale <= self.least_scale * 1.0001

    def zoomed(self, factor: float, u: float) -> Camera:
        """Larger or smaller, with the place at pixel `u` staying where it is."""
        place = self.position_at(u)
        scale = self.possible_scale(self.scale * factor)
        return replace(self, scale=scale, origin=place - (u - self.axis_px) / scale).inside()

    def panned(self, pixels: float) -> Camera:
        """Moved along u."""
        return replace(self, origin=self.origin + pixels / self.scale).inside()

    def fitted(self) -> Camera:
        """The whole tree along u."""
        return replace(self, origin=0.0, scale=self.least_scale)

    def showing(self, start: float, stop: float, margin: float = 0.04) -> Camera:
        """A range of positions, as large as it gets with a margin around."""
        length = max(stop - start, 1e-9) * (1 + 2 * margin)
        scale = self.possible_scale(self.content_px / length)
        middle = (start + stop) / 2
        return replace(self, scale=scale, origin=middle - self.content_px / scale / 2).inside()

    def resized(self, length_px: float, depth_px: float) -> Camera:
        """The same range of positions in a view of another size."""
        was_fit, shown = self.is_fit, self.content_px / self.scale
        changed = replace(self, length_px=length_px, depth_px=depth_px)
        if was_fit:
            return changed.fitted()
        return replace(changed, scale=changed.possible_scale(changed.content_px / shown)).inside()

    def inside(self) -> Camera:
        """Moved so that nothing beside the tree is shown that need not be."""
        return replace(self, origin=min(max(self.origin, 0.0), self.most_px / self.scale))

    @property
    def most_px(self) -> float:
        """How far one can go along u, pixels: until the last leaf is free of what covers it."""
        covered = 0.0 if self.is_upright else self.covered_px
        return max(self.n_leaves * self.scale - self.content_px + covered, 0.0)

    def possible_scale(self, scale: float) -> float:
        """A scale within the limits."""
        return min(max(scale, self.least_scale), max(MAX_LEAF_PX, self.least_scale))

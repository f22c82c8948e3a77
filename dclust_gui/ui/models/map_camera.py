"""Which part of a map is in view, and how large: plain numbers, no painting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN_PX = 40.0
"""Room around the whole map."""

MOST_ZOOM = 600.0
"""Largest scale, in multiples of the one that shows the whole map."""

_LEAST_ZOOM = 0.5


@dataclass(frozen=True, slots=True)
class MapCamera:
    """Places are in map units, pixels are device-independent; y points down in both.

    Attributes:
        x: Place in the middle of the view.
        y: The same.
        scale: Pixels to a map unit.
        width: Of the view, pixels.
        height: Of the view, pixels.
        extent: Lowest x and y, highest x and y of all places.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    width: float = 1.0
    height: float = 1.0
    extent: tuple[float, float, float, float] = (-1.0, -1.0, 1.0, 1.0)

    @property
    def fit_scale(self) -> float:
        """The scale that shows the whole map."""
        left, top, right, bottom = self.extent
        wide = max(self.width - 2 * MARGIN_PX, 20.0) / max(right - left, 1e-9)
        high = max(self.height - 2 * MARGIN_PX, 20.0) / max(bottom - top, 1e-9)
        return min(wide, high, 1e9)

    @property
    def zoom(self) -> float:
        """Scale in multiples of the one that shows the whole map."""
        return self.scale / self.fit_scale

    @property
    def is_fit(self) -> bool:
        """Whether the whole map is shown."""
        return self == self.fitted()

    def fitted(self) -> MapCamera:
        """The whole map."""
        left, top, right, bottom = self.extent
        middle = ((left + right) / 2, (top + bottom) / 2)
        return replace(self, x=middle[0], y=middle[1], scale=self.fit_scale)

    def showing(self, box: tuple[float, float, float, float], most_zoom: float = 40.0) -> MapCamera:
        """A part of the map, with some room around it.

        Args:
            box: Lowest x and y, highest x and y.
            most_zoom: Do not go nearer than this, as for a single image.
        """
        part = replace(self, extent=box)
        scale = min(part.fit_scale, self.fit_scale * most_zoom)
        return replace(part.fitted(), scale=scale, extent=self.extent).inside()

    def zoomed(self, factor: float, px: float, py: float) -> MapCamera:
        """Larger or smaller, with the place at a pixel staying there."""
        scale = min(max(self.scale * factor, self.fit_scale * _LEAST_ZOOM), self.largest_scale)
        x, y = self.place_at(px, py)
        moved = replace(
            self,
            scale=scale,
            x=x - (px - self.width / 2) / scale,
            y=y - (py - self.height / 2) / scale,
        )
        return moved.inside()

    @property
    def largest_scale(self) -> float:
        """The nearest one can get."""
        return self.fit_scale * MOST_ZOOM

    def panned(self, dx: float, dy: float) -> MapCamera:
        """Moved so that what was at a pixel is (dx, dy) pixels further."""
        return replace(self, x=self.x - dx / self.scale, y=self.y - dy / self.scale).inside()

    def resized(self, width: float, height: float) -> MapCamera:
        """The same middle at the same zoom in a view of another size."""
        zoom, was_fit = self.zoom, self.is_fit
        sized = replace(self, width=max(width, 1.0), height=max(height, 1.0))
        return sized.fitted() if was_fit else replace(sized, scale=sized.fit_scale * zoom)

    def inside(self) -> MapCamera:
        """The nearest camera whose middle lies on the map."""
        left, top, right, bottom = self.extent
        return replace(self, x=min(max(self.x, left), right), y=min(max(self.y, top), bottom))

    def place_at(self, px: float, py: float) -> tuple[float, float]:
        """The place at a pixel."""
        return (
            self.x + (px - self.width / 2) / self.scale,
            self.y + (py - self.height / 2) / self.scale,
        )

    def point_of(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a place."""
        return (
            (x - self.x) * self.scale + self.width / 2,
            (y - self.y) * self.scale + self.height / 2,
        )

    def points_of(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pixels of places: float32 (n, 2) of (n, 2)."""
        offset = np.array(
            [self.width / 2 - self.x * self.scale, self.height / 2 - self.y * self.scale]
        )
        if self.scale > 1e5:  # far in, float32 places times the scale are too coarse
            far: NDArray[np.float32] = (places * self.scale + offset).astype(np.float32)
            return far
        points: NDArray[np.float32] = places * np.float32(self.scale) + offset.astype(np.float32)
        return points


def extent_of(places: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Lowest x and y, highest x and y; a square around a single place."""
    if not len(places):
        return (-1.0, -1.0, 1.0, 1.0)
    low, high = places.min(0), places.max(0)
    if float((high - low).max()) <= 0:
        low, high = low - 1, high + 1
    return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))

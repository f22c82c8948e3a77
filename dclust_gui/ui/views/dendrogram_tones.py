"""Colours of the dendrogram's shapes, and filling many rectangles with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QColor

from dclust_gui.domain.clustering import PALETTE_SIZE
from dclust_gui.ui.models.dendrogram_shapes import ABOVE_CUT, WITHOUT_MATCH
from dclust_gui.ui.models.palette import NO_COLOUR, cluster_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QPainter

    from dclust_gui.ui.models.dendrogram_camera import Camera
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel

NEUTRAL = PALETTE_SIZE
"""Place of the tone of Unassigned in `Tones`."""

ABOVE = PALETTE_SIZE + 1
"""Place of the tone of what lies above the cut."""

FADED = PALETTE_SIZE + 2
"""Place of the tone of what the filter hides."""

_SOFT = 0.62
_FADE = 0.28


class Tones:
    """The palette, then the tones of Unassigned, of what lies above the cut, of what is hidden.

    Args:
        base: The background.
        dark: For a dark background.

    Attributes:
        strong: For lines and the ribbon.
        soft: For silhouettes, lines within which must be seen.
        faint: For parts of the ribbon that the filter hides.
    """

    def __init__(self, base: QColor, *, dark: bool) -> None:
        above = QColor("#b4b4b4") if dark else QColor("#6a6a6a")
        hidden = mixed(above, base, _FADE)
        clusters = [cluster_colour(index, dark) for index in range(PALETTE_SIZE)]
        self.strong = [*clusters, cluster_colour(NO_COLOUR, dark), above, hidden]
        self.soft = [mixed(tone, base, _SOFT) for tone in self.strong]
        self.faint = [mixed(tone, base, _FADE) for tone in self.strong]


def mixed(colour: QColor, other: QColor, share: float) -> QColor:
    """A colour between two.

    Args:
        colour: The one with `share` of the mixture.
        other: The one with the rest.
        share: 0 to 1.
    """
    rest = 1 - share
    return QColor(
        round(colour.red() * share + other.red() * rest),
        round(colour.green() * share + other.green() * rest),
        round(colour.blue() * share + other.blue() * rest),
    )


def tones_by_cluster(model: DendrogramModel) -> NDArray[np.int64]:
    """Place in `Tones` by cluster id; the last entry answers for Unassigned."""
    clusters = model.clusters
    table = np.full(max(clusters, default=0) + 2, NEUTRAL)
    if clusters:
        table[list(clusters)] = [c.colour % PALETTE_SIZE for c in clusters.values()]
    return table


def tones_by_branch(numbers: NDArray[np.int64], branches: NDArray[np.int32]) -> NDArray[np.int64]:
    """Place in `Tones` of shapes.

    Args:
        numbers: int64 (k,), place of each branch of the cut.
        branches: int32, number of the branch of each shape, `ABOVE_CUT` or `WITHOUT_MATCH`.
    """
    places = np.where(branches == ABOVE_CUT, ABOVE, numbers[np.maximum(branches, 0)])
    places[branches == WITHOUT_MATCH] = FADED
    return places


def fill_boxes(
    painter: QPainter,
    camera: Camera,
    boxes: NDArray[np.integer],
    numbers: NDArray[np.int64],
    tones: list[QColor],
) -> None:
    """Fill boxes given along u and v; single calls are faster here than any batched one."""
    fill = painter.fillRect
    places = boxes if camera.is_upright else boxes[:, [1, 0, 3, 2]]
    for (x, y, width, height), number in zip(places.tolist(), numbers.tolist(), strict=True):
        fill(x, y, width, height, tones[number])


def runs_of(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Stretches of equal values.

    Returns:
        int64 (m, 3), start, stop and value.
    """
    starts = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1])
    stops = np.append(starts[1:], len(values))
    return np.stack([starts, stops, values[starts]], axis=1)

"""Which regions of the inspected picture count: asked off the GUI thread, painted by the view."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.services.snapshot import SnapshotSource, snapshot_of
from dclust_gui.services.why import Heat, HeatQuery

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.services.why import WhyService
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.models.inspection_model import InspectionModel

_CHANNEL = "heat map"
_SIDE = 128
_SOFTNESS = 0.55
"""Width of the bell curve that smooths the coarse map, in its cells."""

_FOR = (255, 150, 30)
_AGAINST = (60, 140, 255)
_MOST_ALPHA = 165
_DIM = 80
"""Alpha of the black over what does not count."""


class HeatMode(Enum):
    """What is painted over the picture."""

    OFF = "off"
    FOR = "for"
    AGAINST = "against"


class HeatModel(QObject):
    """Follows the inspector's one image; lives on the GUI thread.

    Args:
        service: Makes the maps on the query thread.
        queries: The query thread.
        inspection: Knows the image and the clusters that fit it.
        parent: Owner.

    Signals:
        changed: Another overlay, or note, is to be shown.
    """

    changed = Signal()

    def __init__(
        self,
        service: WhyService,
        queries: QueryHost,
        inspection: InspectionModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._service = service
        self._queries = queries
        self._inspection = inspection
        self._source: SnapshotSource | None = None
        self._mode = HeatMode.OFF
        self._ticket = -1
        self._asked: tuple[object, ...] = ()
        self._heat: Heat | None = None
        self._overlay: QImage | None = None
        self._note = ""
        inspection.subject_changed.connect(self._on_inspection_subject_changed)
        inspection.report_changed.connect(self._on_inspection_report_changed)
        queries.answered.connect(self._on_queries_answered)
        queries.failed.connect(self._on_queries_failed)

    @property
    def mode(self) -> HeatMode:
        """What is painted over the picture."""
        return self._mode

    @property
    def overlay(self) -> QImage | None:
        """The overlay of the heat map's box, smooth; None for none."""
        return self._overlay

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Where in the picture the overlay lies, 0 to 1."""
        return (0.0, 0.0, 1.0, 1.0) if self._heat is None else self._heat.box

    @property
    def note(self) -> str:
        """What the colours mean, or why there are none."""
        return self._note

    def pair(self) -> tuple[int, int | None]:
        """The cluster that regions speak for, and the one to compare with; `UNASSIGNED`: none."""
        report = self._inspection.report
        if report is None:
            return UNASSIGNED, None
        others = [fit.cluster for fit in report.others]
        if report.own is not None:
            return report.own.cluster, (others[0] if others else None)
        return (others[0] if others else UNASSIGNED), (others[1] if len(others) > 1 else None)

    def set_source(self, source: SnapshotSource | None) -> None:
        """Follow another project, or none."""
        self._source = source
        self._service.forget()
        self._clear()

    def set_mode(self, mode: HeatMode) -> None:
        """Paint something else from now on."""
        if mode is not self._mode:
            self._mode = mode
            self._clear()
            self._ask()

    def _clear(self, note: str = "") -> None:
        self._queries.drop(_CHANNEL)
        self._asked = ()
        self._ticket = -1
        self._heat = self._overlay = None
        self._note = note
        self.changed.emit()

    def _ask(self) -> None:
        """Ask for the present image's map, unless that was done already."""
        image, source, report = self._inspection.image, self._source, self._inspection.report
        if self._mode is HeatMode.OFF or image is None or source is None or report is None:
            return
        cluster, other = self.pair()
        if cluster == UNASSIGNED:
            self._clear("There is no cluster to compare this image with.")
            return
        if self._mode is HeatMode.FOR or other is None:
            other = None
        wanted = (image, cluster, other, source.run.id if source.run is not None else None)
        if wanted == self._asked:
            return
        self._clear("Looking at the picture…")
        self._asked = wanted
        query = HeatQuery(self._service, snapshot_of(source), image, cluster, other)
        self._ticket = self._queries.ask(_CHANNEL, query)

    @Slot()
    def _on_inspection_subject_changed(self) -> None:
        if self._asked and self._asked[0] != self._inspection.image:
            self._clear()

    @Slot()
    def _on_inspection_report_changed(self) -> None:
        self._ask()

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if ticket != self._ticket or not isinstance(answer, Heat):
            return
        self._heat = answer
        self._overlay = overlay_of(answer.values)
        known = self._inspection.known_clusters()
        titles = [
            f"'{self._inspection.cluster_look(key).title}'"
            for key in (answer.cluster, answer.other)
            if key is not None and key in known
        ]
        self._note = f"Orange regions speak for {titles[0]}" if titles else ""
        if len(titles) > 1:
            self._note += f", blue ones for {titles[1]}"
        self._note += "." if titles else ""
        self.changed.emit()

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self._heat = self._overlay = None
            self._note = str(error)
            self.changed.emit()


def overlay_of(values: NDArray[np.float32]) -> QImage:
    """Paint a coarse map as a smooth, half transparent picture.

    What counts is tinted, orange for and blue against (a pair that colour-blind people can tell
    apart), and what does not is darkened.

    Args:
        values: float32 (rows, columns), -1 to 1.
    """
    fine = smooth(values, _SIDE)
    strength = np.clip(np.abs(fine), 0.0, 1.0)
    colour = np.where(fine[..., None] >= 0, np.array(_FOR), np.array(_AGAINST)).astype(np.float32)
    tint = _MOST_ALPHA * strength**1.3
    dim = _DIM * (1.0 - strength)
    alpha = tint + dim
    pixels = np.empty((*fine.shape, 4), np.uint8)
    pixels[..., :3] = (colour * (tint / np.maximum(alpha, 1e-6))[..., None]).astype(np.uint8)
    pixels[..., 3] = alpha.astype(np.uint8)
    height, width = fine.shape
    picture = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return picture.copy()  # owns its pixels


def smooth(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """A coarse map in more pixels, by bell curves around its cells.

    Args:
        values: float32 (rows, columns).
        side: Rows and columns wanted.

    Returns:
        float32 (side, side), scaled so that the largest size is that of `values`.
    """
    rows, columns = values.shape
    fine = _bells(rows, side) @ values @ _bells(columns, side).T
    largest = float(np.abs(fine).max(initial=0.0))
    if largest > 0:
        fine *= float(np.abs(values).max()) / largest
    return fine.astype(np.float32)


def _bells(n_cells: int, side: int) -> NDArray[np.float32]:
    """float32 (side, n_cells): weight of each cell in each pixel; rows sum to 1."""
    pixels = (np.arange(side, dtype=np.float32) + 0.5) * n_cells / side - 0.5
    gap = (pixels[:, None] - np.arange(n_cells, dtype=np.float32)) / _SOFTNESS
    weights = np.exp(-0.5 * gap * gap)
    result: NDArray[np.float32] = weights / weights.sum(axis=1, keepdims=True)
    return result

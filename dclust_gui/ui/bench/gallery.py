"""Scrolling through 100,000 images: time from the scroll to the end of painting, and memory.

Thumbnails cost nothing here, so that what is measured is the window's own work; beside it the real
engine extracts other images in the second half.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.selection import Selection
from dclust_gui.ui.bench.common import (
    BUSY,
    IDLE,
    N_CLUSTERS,
    N_IMAGES,
    FrameTimes,
    PlainPictures,
    Row,
    application,
    as_in_the_window,
    memory_row,
    wait,
)
from dclust_gui.ui.bench.extraction import extraction_running
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.gallery_model import GalleryModel
from dclust_gui.ui.views.gallery_view import GalleryView

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.domain.changes import ChangeSet

CELLS = {"medium cells": 160, "small cells": 64}
"""Side of a cell in pixels."""

STEPS = {"wheel": 60, "page": 900, "far jump": 40_000}
"""How far one scroll goes, pixels."""

_N_FRAMES = {IDLE: 300, BUSY: 150}
_SIZE = (1600, 1000)
_SETTLE_MS = 400
_BETWEEN_MS = 4


class Project:
    """Generated records in forty clusters, a third of them selected.

    Args:
        n_images: How many.
    """

    def __init__(self, n_images: int) -> None:
        facts = ImageFacts(ImageStatus.OK, width=4000, height=3000, format="JPEG")
        self.images = tuple(
            ImageRecord(0, b"trip/IMG_%06d.JPG" % i, FileStamp(1, 1), bytes([i % 251]) * 16, facts)
            for i in range(n_images)
        )
        labels = np.random.default_rng(0).integers(1, N_CLUSTERS + 1, n_images).astype(np.int32)
        table = {k: Cluster(k, colour=k % 12) for k in range(1, N_CLUSTERS + 1)}
        flags = np.zeros(n_images, np.uint8)
        self.clustering = Clustering(labels, flags, table, N_CLUSTERS + 1)
        self.roots = (Path(),)
        self.selection = Selection(frozenset(range(0, n_images, 3)))

    def confidence(self) -> NDArray[np.float32]:
        """Of each image."""
        return np.ones(len(self.images), np.float32)

    def subscribe(self, listener: Callable[[ChangeSet], None]) -> Callable[[], None]:
        """Nothing ever changes."""
        return lambda: None

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        """Nothing else is ever selected."""
        return lambda: None


def measure(n_images: int = N_IMAGES) -> list[Row]:
    """Scroll by three distances in cells of two sizes, idle and while images are extracted.

    Args:
        n_images: How many there are.

    Returns:
        Frame times for each, and the memory before the engine's libraries were loaded.
    """
    application()
    idle, busy = FrameTimes(IDLE), FrameTimes(BUSY)
    with as_in_the_window():
        project = Project(n_images)
        _scroll_all(project, idle)
        memory = memory_row()
        with extraction_running():
            _scroll_all(project, busy)
    return [*idle.rows(), *busy.rows(), memory]


def _scroll_all(project: Project, times: FrameTimes) -> None:
    for cells, side in CELLS.items():
        for step, step_px in STEPS.items():
            _scroll(project, side, step_px, f"{step}, {cells}", times)


def _scroll(project: Project, side: int, step_px: int, what: str, times: FrameTimes) -> None:
    loader = ThumbnailLoader(PlainPictures())
    model = GalleryModel(loader)
    view = GalleryView(model)
    view.resize(*_SIZE)
    view.set_source(project)
    model.set_grouped(True)
    view.set_cell_side(side)
    view.show()
    wait(_SETTLE_MS)
    bar = view.verticalScrollBar()

    def scroll() -> None:
        bar.setValue((bar.value() + step_px) % bar.maximum())
        QCoreApplication.sendPostedEvents()  # paints

    for _ in range(_N_FRAMES[times.state]):
        times.frame(what, scroll)
        wait(_BETWEEN_MS)
    view.close()
    loader.shutdown()
    view.deleteLater()
    wait(_BETWEEN_MS)

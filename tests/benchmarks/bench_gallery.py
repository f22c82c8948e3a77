"""Scrolling through 100,000 images: time from the scroll to the end of painting, and memory.

Run with `pytest tests/benchmarks/bench_gallery.py --benchmark-only -s`. No image is decoded: the
loader makes plain pictures, so that what is measured is the window's own work.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QCoreApplication

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.selection import Selection
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.gallery_model import GalleryModel
from dclust_gui.ui.views.gallery_view import GalleryView

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.changes import ChangeSet

N_IMAGES = 100_000
N_CLUSTERS = 40
N_FRAMES = 300
FRAME_MS = 16.7
MEMORY_LIMIT_MB = 1_000


class PlainPictures:
    """Stands in for the thumbnail service."""

    def load(self, path: Path, content: bytes, side_px: int) -> NDArray[np.uint8] | None:
        return np.full((side_px * 3 // 4, side_px, 3), content[0], np.uint8)

    def full(self, path: Path, max_side: int) -> NDArray[np.uint8] | None:
        return None

    def details(self, path: Path) -> tuple[tuple[str, str], ...]:
        return ()


class Project:
    """Generated records in forty clusters."""

    def __init__(self, root: Path) -> None:
        facts = ImageFacts(ImageStatus.OK, width=4000, height=3000, format="JPEG")
        self.images = tuple(
            ImageRecord(0, b"trip/IMG_%06d.JPG" % i, FileStamp(1, 1), bytes([i % 251]) * 16, facts)
            for i in range(N_IMAGES)
        )
        labels = np.random.default_rng(0).integers(1, N_CLUSTERS + 1, N_IMAGES).astype(np.int32)
        table = {k: Cluster(k, colour=k % 12) for k in range(1, N_CLUSTERS + 1)}
        flags = np.zeros(N_IMAGES, np.uint8)
        self.clustering = Clustering(labels, flags, table, N_CLUSTERS + 1)
        self.roots = (root,)
        self.selection = Selection(frozenset(range(0, N_IMAGES, 3)))

    def confidence(self) -> NDArray[np.float32]:
        return np.ones(N_IMAGES, np.float32)

    def subscribe(self, listener: Callable[[ChangeSet], None]) -> Callable[[], None]:
        return lambda: None

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        return lambda: None


@pytest.mark.parametrize("side", [160, 64], ids=["medium cells", "small cells"])
@pytest.mark.parametrize("step_px", [60, 900, 40_000], ids=["wheel", "page", "far"])
def test_scroll_frame(
    benchmark: Callable[..., object], qtbot: QtBot, tmp_path: Path, step_px: int, side: int
) -> None:
    loader = ThumbnailLoader(PlainPictures())
    model = GalleryModel(loader)
    view = GalleryView(model)
    qtbot.addWidget(view)
    view.resize(1600, 1000)
    view.set_source(Project(tmp_path))
    model.set_grouped(True)
    view.set_cell_side(side)
    view.show()
    qtbot.waitExposed(view)
    qtbot.wait(400)
    bar = view.verticalScrollBar()
    wall_ms, busy_ms = [], []

    def frame() -> None:
        busy, wall = time.thread_time(), time.perf_counter()
        bar.setValue((bar.value() + step_px) % bar.maximum())
        QCoreApplication.sendPostedEvents()
        wall_ms.append(1e3 * (time.perf_counter() - wall))
        busy_ms.append(1e3 * (time.thread_time() - busy))
        qtbot.wait(4)

    benchmark.pedantic(frame, rounds=N_FRAMES)  # type: ignore[attr-defined]
    assert loader.shutdown()
    memory = psutil.Process().memory_info().rss / 1e6
    report = {
        "GUI thread busy, median ms": float(np.median(busy_ms)),
        "GUI thread busy, p99 ms": float(np.percentile(busy_ms, 99)),
        "wall, median ms": float(np.median(wall_ms)),
        "wall, p99 ms": float(np.percentile(wall_ms, 99)),
        "resident MB": memory,
    }
    benchmark.extra_info.update(report)  # type: ignore[attr-defined]
    sys.stdout.write("\n" + "; ".join(f"{k} {v:.1f}" for k, v in report.items()) + "\n")
    assert report["GUI thread busy, p99 ms"] < FRAME_MS
    assert memory < MEMORY_LIMIT_MB

"""A project of 100,000 images in the real window: time to open it, and its longest pauses.

The engine finds and reads generated files at once, so that what is measured is the window, the
session and the project file.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.images import FileStamp, ImageFacts, ImageStatus, ScanResult, Unit
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.engine.pipeline import Engine
from dclust_gui.engine.requests import BackboneFacts, ClusterResult, IngestResult, RunResult
from dclust_gui.services.collection import merge_ingest
from dclust_gui.services.opening import create_project
from dclust_gui.services.settings import Settings
from dclust_gui.services.thumbnails import ThumbnailService
from dclust_gui.services.workspace import Workspace
from dclust_gui.ui.app import App
from dclust_gui.ui.bench.common import (
    N_CLUSTERS,
    N_IMAGES,
    Row,
    application,
    dispose,
    memory_row,
    wait,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.requests import RunRequest

_SIZE = (1400, 900)


class BigEngine(Engine):
    """Finds, reads and clusters generated files at once.

    Attributes:
        n_images: How many there are.
    """

    n_images: int = N_IMAGES

    def scan(
        self, roots: Sequence[Path], sink: EventSink = print, token: CancelToken | None = None
    ) -> ScanResult:
        """Made-up files in folders of 5,000."""
        units = tuple(
            Unit(0, b"trip %02d/IMG_%06d.JPG" % (i // 5000, i), FileStamp(i + 1, 1, 1, i + 1))
            for i in range(self.n_images)
        )
        return ScanResult(tuple(roots), units)

    def ingest(
        self,
        found: ScanResult,
        request: RunRequest,
        sink: EventSink = print,
        token: CancelToken | None = None,
    ) -> IngestResult:
        """Contents and facts of all of them, read at once."""
        return read_at_once(found)

    def cluster(
        self,
        ingest: IngestResult,
        request: RunRequest,
        sink: EventSink = print,
        token: CancelToken | None = None,
        rows: NDArray[np.int32] | None = None,
        stacks: NDArray[np.int32] | None = None,
    ) -> RunResult:
        """Random labels and a tree, at once."""
        assert rows is not None
        labels, confidence, tree = clusters_of(len(rows), seed=1)
        clusters = ClusterResult(labels, confidence, tree, (), "quick", {}, {})
        return RunResult(ingest, rows, clusters, request.settings, 0.1, 1.0)


def read_at_once(found: ScanResult) -> IngestResult:
    """Made-up contents and facts of the files that were found."""
    n = len(found.units)
    facts = tuple(
        ImageFacts(ImageStatus.OK, "", 4000, 3000, f"2024-05-01T10:{i % 60:02d}:00", "Camera")
        for i in range(n)
    )
    contents = tuple(i.to_bytes(16, "big") for i in range(1, n + 1))
    sources = tuple(u.relative for u in found.units)
    backbone = BackboneFacts("quick", "00", 4)
    return IngestResult(found, contents, facts, sources, backbone, "CPU", 0, 0, n, {})


class NoWarmUp:
    """Loads nothing."""

    title = "Getting ready"

    def run(self, _sink: EventSink, _token: CancelToken, /) -> str:
        """The name of a device."""
        return "Test device"


class LoopWatch(QObject):
    """Longest absences of the event loop, and its own work in one turn, by what was going on."""

    def __init__(self) -> None:
        super().__init__()
        self.phase = ""
        self.longest_ms: dict[str, float] = {}
        self.busiest_ms: dict[str, float] = {}
        self._last = time.perf_counter()
        self._last_busy = time.thread_time()
        self._timer = QTimer(self)
        self._timer.setInterval(2)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()

    def enter(self, phase: str) -> None:
        """Name what goes on from now."""
        self._on_timeout()
        self.phase = phase

    @Slot()
    def _on_timeout(self) -> None:
        now, busy = time.perf_counter(), time.thread_time()
        if self.phase:
            for table, gap in (
                (self.longest_ms, now - self._last),
                (self.busiest_ms, busy - self._last_busy),
            ):
                table[self.phase] = max(1e3 * gap, table.get(self.phase, 0.0))
        self._last, self._last_busy = now, busy


def clusters_of(
    n: int, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float64]]:
    """Labels, confidences and a chain-shaped tree of n images."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLUSTERS, n).astype(np.int32)
    tree = np.zeros((n - 1, 4))
    tree[:, 0] = np.r_[0, np.arange(n, 2 * n - 2)]
    tree[:, 1] = np.arange(1, n)
    tree[:, 2] = np.sort(rng.random(n - 1))
    tree[:, 3] = np.arange(2, n + 1)
    return labels, rng.random(n, np.float32), tree


def make_big_project(path: Path, folder: Path, engine: Engine) -> Path:
    """A project file with read and clustered images; nothing lies in its folder."""
    folder.mkdir()
    session = create_project(path, [folder])
    scan = engine.scan(session.roots)
    ingest = read_at_once(scan)
    merge_ingest(session, ingest)
    labels, confidence, tree = clusters_of(len(scan.units), seed=0)
    ids = np.arange(len(scan.units), dtype=np.int32)
    run = Run(0, "2024-05-01T10:00:00+00:00", RunSettings(), "00", ids, labels, confidence, tree)
    session.accept_run(run)
    session.close()
    return path


def measure(n_images: int = N_IMAGES) -> list[Row]:
    """Open, edit, cluster, group, export and close a large project in the real window.

    Args:
        n_images: How many images it has.

    Returns:
        Seconds until the gallery is painted, the slowest edit, the event loop's longest pause in
        each phase with the GUI thread's own work, and the memory while the project is open.
    """
    application()
    with tempfile.TemporaryDirectory(prefix="dclust-") as name:
        folder = Path(name)
        workspace = Workspace(folder / "cache")
        workspace.engine = BigEngine(workspace.stores)
        workspace.engine.n_images = n_images
        workspace.thumbnails = ThumbnailService(workspace.stores, workspace.engine)
        project = make_big_project(folder / "big.dclust", folder / "photos", workspace.engine)
        # What it loads (torch) is no work of the window, and takes the processor from it.
        with patch("dclust_gui.ui.windows.work.WarmUpJob", NoWarmUp):
            app = App(Settings(folder / "settings.json"), workspace)
            try:
                return Visit(app, project, n_images).rows()
            finally:
                app.commands.dialogs.close_all()
                app.window.allow_close()
                app.shutdown()
                dispose(app.window, app)


class Visit:
    """One session of a user with the large project.

    Args:
        app: The window's parts; not shown yet.
        project: The file.
        n_images: How many images it has.
    """

    def __init__(self, app: App, project: Path, n_images: int) -> None:
        self._app = app
        self._project = project
        self._n_images = n_images
        self._watch = LoopWatch()
        self._edits_ms: dict[str, float] = {}

    def rows(self) -> list[Row]:
        """Do everything once; what was measured."""
        self._app.window.resize(*_SIZE)
        self._app.show()
        wait(300)
        open_s = self._open()
        self._edit()
        memory = memory_row()
        self._cluster_and_group()
        self._export_and_close()
        self._read_new_folder()
        pauses: list[Row] = []
        for phase, gap in self._watch.longest_ms.items():
            pauses.append((f"longest pause, {phase}", gap, "ms"))
            busy = self._watch.busiest_ms[phase]
            pauses.append((f"longest pause, {phase}, GUI thread's processor time", busy, "ms"))
        edits: list[Row] = [(what, took, "ms") for what, took in self._edits_ms.items()]
        return [("project opened", open_s, "s"), *edits, memory, *pauses]

    def _open(self) -> float:
        app, gallery = self._app, self._app.window.gallery
        self._watch.enter("open")
        start = time.perf_counter()
        app.controller.open_path(self._project)
        wait_until(lambda: app.controller.session is not None)
        wait_until(lambda: gallery.gallery.rowCount() == self._n_images)
        gallery.viewport().repaint()
        open_s = time.perf_counter() - start
        self._watch.enter("rescan without news")
        self._settle()
        return open_s

    def _edit(self) -> None:
        controller = self._app.controller
        self._watch.enter("edits")
        for step in range(3):
            chosen = range(step, self._n_images, 7)
            self._time("move every 7th image", partial(controller.move, chosen, 1 + step))
        self._time("undo", controller.undo)
        self._time("redo", controller.redo)
        wait(200)

    def _time(self, what: str, act: Callable[[], object]) -> None:
        """Time one edit until the gallery shows it; the slowest of a name counts."""
        start = time.perf_counter()
        act()
        self._app.window.gallery.viewport().repaint()
        took = 1e3 * (time.perf_counter() - start)
        name = f"edit, {what}, to the end of painting"
        self._edits_ms[name] = max(took, self._edits_ms.get(name, 0.0))
        wait(50)

    def _cluster_and_group(self) -> None:
        self._watch.enter("run accepted")
        self._app.window.actions_["cluster"].trigger()
        self._settle()
        self._watch.enter("group and sort")
        self._app.window.actions_["group"].trigger()
        wait(200)

    def _export_and_close(self) -> None:
        dialogs = self._app.commands.dialogs
        self._watch.enter("export dialog")
        self._app.window.actions_["export"].trigger()
        wait_until(lambda: dialogs.opened("export") is not None)
        wait(500)
        dialogs.close_all()
        self._watch.enter("close")
        self._app.controller.close()
        wait(100)
        self._watch.enter("")

    def _read_new_folder(self) -> None:
        controller, work = self._app.controller, self._app.work
        folder = self._project.with_name("new folder")
        folder.mkdir()
        self._watch.enter("new folder")
        controller.open_path(folder)
        wait_until(lambda: controller.session is not None)
        self._settle()
        wait_until(lambda: work.n_unread() == 0)
        self._watch.enter("")
        assert controller.session is not None
        assert len(controller.session.images) == self._n_images
        controller.close()

    def _settle(self) -> None:
        wait_until(lambda: not self._app.work.is_busy)
        wait(300)

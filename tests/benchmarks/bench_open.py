"""A project of 100,000 images in the real window: time to open it, and its longest pauses.

Run with `pytest tests/benchmarks/bench_open.py --benchmark-only -s`. The engine finds and reads
generated files at once, so that what is measured is the window, the session and the project file.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageStatus, ScanResult, Unit
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.engine.pipeline import Engine
from dclust_gui.engine.requests import BackboneFacts, ClusterResult, IngestResult, RunResult
from dclust_gui.services.collection import merge_ingest
from dclust_gui.services.opening import create_project
from dclust_gui.services.settings import Settings
from dclust_gui.services.workspace import Workspace
from dclust_gui.ui.app import App

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.requests import RunRequest

N_IMAGES = 100_000
N_CLUSTERS = 40
GAP_LIMIT_S = 0.1
OPEN_LIMIT_S = 2.0


class BigEngine(Engine):
    """Finds, reads and clusters generated files at once.

    Attributes:
        n_images: How many there are.
    """

    n_images: int = N_IMAGES

    def scan(
        self, roots: Sequence[Path], sink: EventSink = print, token: CancelToken | None = None
    ) -> ScanResult:
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
        n = len(found.units)
        facts = tuple(
            ImageFacts(ImageStatus.OK, "", 4000, 3000, f"2024-05-01T10:{i % 60:02d}:00", "Camera")
            for i in range(n)
        )
        contents = tuple(i.to_bytes(16, "big") for i in range(1, n + 1))
        sources = tuple(u.relative for u in found.units)
        backbone = BackboneFacts("quick", "00", 4)
        return IngestResult(found, contents, facts, sources, backbone, "CPU", 0, 0, n, {})

    def cluster(
        self,
        ingest: IngestResult,
        request: RunRequest,
        sink: EventSink = print,
        token: CancelToken | None = None,
        rows: NDArray[np.int32] | None = None,
    ) -> RunResult:
        assert rows is not None
        labels, confidence, tree = clusters_of(len(rows), seed=1)
        clusters = ClusterResult(labels, confidence, tree, (), "quick", {}, {})
        return RunResult(ingest, rows, clusters, request.settings, 0.1, 1.0)


class NoWarmUp:
    """Loads nothing."""

    title = "Getting ready"

    def run(self, _sink: EventSink, _token: CancelToken, /) -> str:
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
    ingest = engine.ingest(scan, request=None)  # type: ignore[arg-type]
    merge_ingest(session, ingest)
    labels, confidence, tree = clusters_of(len(scan.units), seed=0)
    ids = np.arange(len(scan.units), dtype=np.int32)
    run = Run(0, "2024-05-01T10:00:00+00:00", RunSettings(), "00", ids, labels, confidence, tree)
    session.accept_run(run)
    session.close()
    return path


@pytest.fixture
def app(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[App]:
    """The whole window over the quick engine."""
    monkeypatch.setattr("dclust_gui.services.workspace.Engine", BigEngine)
    monkeypatch.setattr("dclust_gui.ui.windows.work.WarmUpJob", NoWarmUp)
    app = App(Settings(), Workspace())
    app.window.resize(1400, 900)
    app.show()
    qtbot.waitExposed(app.window)
    yield app
    app.commands.dialogs.close_all()
    app.window.allow_close()
    assert app.shutdown()
    app.window.deleteLater()
    app.deleteLater()


def test_window_never_waits(
    benchmark: Callable[..., object], app: App, qtbot: QtBot, tmp_path: Path
) -> None:
    engine = app._workspace.engine
    project = make_big_project(tmp_path / "big.dclust", tmp_path / "photos", engine)
    watch = LoopWatch()
    report: dict[str, float] = {}

    def settle() -> None:
        qtbot.waitUntil(lambda: not app.work.is_busy, timeout=60_000)
        qtbot.wait(300)

    def session_of_app() -> None:
        watch.enter("open")
        start = time.perf_counter()
        app.controller.open_path(project)
        qtbot.waitUntil(lambda: app.controller.session is not None, timeout=20_000)
        qtbot.waitUntil(lambda: app.window.gallery.gallery.rowCount() == N_IMAGES, timeout=20_000)
        app.window.gallery.viewport().repaint()
        report["open s"] = time.perf_counter() - start
        watch.enter("rescan without news")
        settle()
        session = app.controller.session
        assert session is not None
        watch.enter("edits")
        for step in range(3):
            app.controller.move(range(step, N_IMAGES, 7), 1 + step)
            qtbot.wait(50)
        app.controller.undo()
        qtbot.wait(50)
        app.controller.redo()
        qtbot.wait(200)
        watch.enter("run accepted")
        app.window.actions_["cluster"].trigger()
        settle()
        watch.enter("group and sort")
        app.window.actions_["group"].trigger()
        qtbot.wait(200)
        watch.enter("export dialog")
        app.window.actions_["export"].trigger()
        qtbot.waitUntil(lambda: app.commands.dialogs.opened("export") is not None, timeout=9000)
        qtbot.wait(500)
        app.commands.dialogs.close_all()
        watch.enter("close")
        app.controller.close()
        qtbot.wait(100)
        watch.enter("")

    benchmark.pedantic(session_of_app, rounds=1)  # type: ignore[attr-defined]
    fresh = tmp_path / "new folder"
    fresh.mkdir()
    watch.enter("new folder")
    app.controller.open_path(fresh)
    qtbot.waitUntil(lambda: app.controller.session is not None, timeout=20_000)
    settle()
    qtbot.waitUntil(lambda: app.work.n_unread() == 0, timeout=60_000)
    watch.enter("")
    assert app.controller.session is not None
    assert (app.controller.session.clustering.labels == UNASSIGNED).all()
    assert len(app.controller.session.images) == N_IMAGES
    for phase, gap in watch.longest_ms.items():
        report[f"{phase}: longest gap, ms"] = gap
        report[f"{phase}: of the GUI thread's own work, ms"] = watch.busiest_ms[phase]
    benchmark.extra_info.update(report)  # type: ignore[attr-defined]
    sys.stdout.write("\n" + "\n".join(f"{k}: {v:.2f}" for k, v in report.items()) + "\n")
    assert report["open s"] < OPEN_LIMIT_S
    assert max(watch.longest_ms.values()) < 1e3 * GAP_LIMIT_S

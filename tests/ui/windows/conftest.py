"""A whole window over a fast engine that needs no network: clusters are the names' beginnings."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dclust_gui.domain.events import Stage
from dclust_gui.domain.images import ImageFacts, ImageStatus, absolute_path
from dclust_gui.engine.pipeline import Engine
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.requests import BackboneFacts, ClusterResult, IngestResult, RunResult
from dclust_gui.services.settings import Settings
from dclust_gui.services.workspace import Workspace
from dclust_gui.ui.app import App

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from dclust_gui.algorithms.shortlist import Shortlist
    from dclust_gui.algorithms.structure import Structure
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.images import ScanResult
    from dclust_gui.engine.requests import RunRequest

KINDS = ("cat", "dog", "owl")
BLOCKS = {"cat": (200, 120, 40), "dog": (60, 90, 200), "owl": (120, 200, 90)}


class QuickEngine(Engine):
    """Scans for real; "reads" and "clusters" at once, or waits at a gate.

    Attributes:
        gates: Stages that wait until their event is set.
        reached: Events that are set when a stage has begun.
        failure: Raised by the next clustering.
        shortlist: Given with every clustering.
        structure: The same.
    """

    gates: dict[Stage, threading.Event]
    reached: dict[Stage, threading.Event]
    failure: Exception | None
    shortlist: Shortlist | None
    structure: Structure | None

    def set_up(self) -> None:
        self.gates = {}
        self.reached = {stage: threading.Event() for stage in Stage}
        self.failure = None
        self.shortlist = None
        self.structure = None

    def _wait(self, stage: Stage, token: CancelToken) -> None:
        self.reached[stage].set()
        gate = self.gates.get(stage)
        while gate is not None and not gate.wait(0.01):
            token.checkpoint()
        token.checkpoint()

    def scan(
        self, roots: Sequence[Path], sink: EventSink = print, token: CancelToken | None = None
    ) -> ScanResult:
        assert token is not None
        self._wait(Stage.SCAN, token)
        return super().scan(roots, sink, token)

    def ingest(
        self,
        found: ScanResult,
        request: RunRequest,
        sink: EventSink = print,
        token: CancelToken | None = None,
    ) -> IngestResult:
        assert token is not None
        meter = StageMeter(Stage.FEATURES, len(found.units), sink, token)
        contents: list[bytes] = []
        facts: list[ImageFacts] = []
        for unit in found.units:
            self._wait(Stage.FEATURES, token)
            data = absolute_path(found.roots[unit.root], unit.relative).read_bytes()
            fine = b"broken" not in data
            contents.append(hashlib.blake2b(data, digest_size=16).digest() if fine else b"")
            status = ImageStatus.OK if fine else ImageStatus.UNREADABLE
            facts.append(ImageFacts(status, "" if fine else "The file is damaged.", 40, 30))
            meter.advance()
        meter.finish()
        sources = tuple(u.relative for u in found.units)
        backbone = BackboneFacts("quick", "00", 4)
        n = len(contents)
        return IngestResult(
            found,
            tuple(contents),
            tuple(facts),
            sources,
            backbone,
            "CPU",
            n,
            n,
            0,
            {"features": 0.1},
        )

    def cluster(
        self,
        ingest: IngestResult,
        request: RunRequest,
        sink: EventSink = print,
        token: CancelToken | None = None,
        rows: NDArray[np.int32] | None = None,
        stacks: NDArray[np.int32] | None = None,
    ) -> RunResult:
        assert token is not None
        assert rows is not None
        self._wait(Stage.CLUSTER, token)
        if self.failure is not None:
            raise self.failure
        names = [ingest.scan.units[i].relative.decode() for i in rows.tolist()]
        labels = np.array([KINDS.index(name[:3]) for name in names], np.int32)
        confidence = np.linspace(0.5, 1, len(rows), dtype=np.float32)
        tree = chain_of(labels)
        found = self.shortlist
        candidates = () if found is None else tuple((c.k, c.silhouette) for c in found.candidates)
        clusters = ClusterResult(
            labels, confidence, tree, candidates, "quick", {}, {}, found, self.structure
        )
        return RunResult(ingest, rows, clusters, request.settings, 0.1, 1.0)


def chain_of(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """A merge tree that joins images cluster by cluster, then the clusters."""
    merges: list[tuple[int, int, float, int]] = []
    sizes = dict.fromkeys(range(len(labels)), 1)

    def join(left: int, right: int) -> int:
        sizes[made := len(labels) + len(merges)] = sizes[left] + sizes[right]
        merges.append((left, right, float(len(merges) + 1), sizes[made]))
        return made

    tops: list[int] = []
    for label in np.unique(labels).tolist():
        first, *others = np.flatnonzero(labels == label).tolist()
        for other in others:
            first = join(first, other)
        tops.append(first)
    for top in tops[1:]:
        tops[0] = join(tops[0], top)
    return np.array(merges, float).reshape(-1, 4)


@dataclass(frozen=True)
class QuickWarmUp:
    """Loads nothing."""

    title: str = "Getting ready"

    def run(self, _sink: EventSink, _token: CancelToken, /) -> str:
        return "Test device"


def make_photos(folder: Path, n_each: int) -> Path:
    """Images named `cat-00.png` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for kind in KINDS:
        for number in range(n_each):
            pixels = np.full((30, 40, 3), BLOCKS[kind], np.uint8)
            pixels[:10] = rng.integers(0, 255, (10, 40, 3))
            Image.fromarray(pixels).save(folder / f"{kind}-{number:02d}.png")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eight images of each of three kinds."""
    return make_photos(tmp_path / "Pets", 8)


@pytest.fixture
def engine(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[QuickEngine]:
    """The engine of `app`."""
    monkeypatch.setattr("dclust_gui.services.workspace.Engine", QuickEngine)
    monkeypatch.setattr("dclust_gui.ui.windows.work.WarmUpJob", QuickWarmUp)
    workspace = Workspace()
    engine = workspace.engine
    assert isinstance(engine, QuickEngine)
    engine.set_up()
    engine.workspace = workspace  # type: ignore[attr-defined]
    yield engine
    for gate in engine.gates.values():
        gate.set()


@pytest.fixture
def app(engine: QuickEngine, qtbot: QtBot) -> Iterator[App]:
    """The whole window, shown, without a project."""
    app = App(Settings(), engine.workspace)  # type: ignore[attr-defined]
    app.show()
    yield app
    app.commands.dialogs.close_all()
    app.window.allow_close()
    assert app.shutdown(), "a thread did not end"
    app.window.deleteLater()
    app.deleteLater()


def start_opening(app: App, qtbot: QtBot, path: Path) -> None:
    """Open something and wait until it is there, not until it is read."""
    before = app.controller.session
    app.controller.open_path(path)
    qtbot.waitUntil(lambda: app.controller.session is not before, timeout=30_000)


@pytest.fixture
def start(qtbot: QtBot) -> Callable[[App, Path], None]:
    """Opens something in an app and waits until it is there."""

    def run(app: App, path: Path) -> None:
        start_opening(app, qtbot, path)

    return run


def opened(app: App, qtbot: QtBot, folder: Path) -> App:
    """The app with a folder open and read."""
    with qtbot.waitSignal(app.controller.session_changed, timeout=30_000):
        app.controller.open_path(folder)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=30_000)
    qtbot.waitUntil(lambda: not app.work.n_unread(), timeout=30_000)
    return app


@pytest.fixture
def open_app(app: App, qtbot: QtBot, photos: Path) -> App:
    """The window with the photos open and read."""
    return opened(app, qtbot, photos)


@pytest.fixture
def clustered_app(open_app: App, qtbot: QtBot) -> App:
    """The window with the photos in three clusters."""
    with qtbot.waitSignal(open_app.work.run_accepted, timeout=30_000):
        open_app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(lambda: not open_app.work.is_busy, timeout=30_000)
    return open_app

"""Edits, undo and redo on 100,000 images in the real window: from the call to the end of painting.

The gallery is grouped by cluster, the cluster panel and the inspector are in sight, and every
seventh image is selected. The project file is real: each edit is on the disk when its call ends.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

from dclust_gui.services.bench.edit_kinds import KINDS, RandomEdits
from dclust_gui.services.settings import Settings
from dclust_gui.services.thumbnails import ThumbnailService
from dclust_gui.services.workspace import Workspace
from dclust_gui.ui.app import App
from dclust_gui.ui.bench.common import (
    N_IMAGES,
    FrameTimes,
    Row,
    application,
    dispose,
    wait,
    wait_until,
)
from dclust_gui.ui.bench.opening import BigEngine, NoWarmUp, make_big_project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dclust_gui.services.session import ProjectSession

_SIZE = (1400, 900)
_REPEATS = 5
_SETTLE_MS = 300
_N_PICKED = 20_000
_BUSY = ", GUI thread's processor time"


def measure(
    n_images: int = N_IMAGES, kinds: Sequence[str] = KINDS, repeats: int = _REPEATS
) -> list[Row]:
    """Make every kind of edit several times; take each back and do it again.

    Args:
        n_images: How many images there are.
        kinds: Which edits.
        repeats: How often each.

    Returns:
        The slowest of each kind in milliseconds, and the slowest of all; and the same for the
        part in which the GUI thread had a processor.
    """
    application()
    with tempfile.TemporaryDirectory(prefix="dclust-") as name:
        folder = Path(name)
        workspace = Workspace(folder / "cache")
        workspace.engine = BigEngine(workspace.stores)
        workspace.engine.n_images = n_images
        workspace.thumbnails = ThumbnailService(workspace.stores, workspace.engine)
        project = make_big_project(folder / "big.dclust", folder / "photos", workspace.engine)
        with patch("dclust_gui.ui.windows.work.WarmUpJob", NoWarmUp):
            app = App(Settings(folder / "settings.json"), workspace)
            try:
                _open(app, project, n_images)
                return _edit_all(app, kinds, repeats)
            finally:
                app.commands.dialogs.close_all()
                app.window.allow_close()
                app.shutdown()
                dispose(app.window, app)


def _open(app: App, project: Path, n_images: int) -> None:
    app.window.resize(*_SIZE)
    app.show()
    app.controller.open_path(project)
    gallery = app.window.gallery.gallery
    wait_until(lambda: gallery.rowCount() == n_images)
    wait_until(lambda: not app.work.is_busy)
    gallery.set_grouped(True)
    wait(2 * _SETTLE_MS)


def _edit_all(app: App, kinds: Sequence[str], repeats: int) -> list[Row]:
    session = app.controller.session
    assert session is not None
    random, slowest = np.random.default_rng(0), FrameTimes()
    for kind in kinds:
        for _ in range(repeats):
            _edit(app, session, kind, random, slowest)
    rows: list[Row] = []
    for note, times in (("", slowest.wall_ms), (_BUSY, slowest.busy_ms)):
        rows += [(f"{what}, window{note}", max(took), "ms") for what, took in times.items()]
        longest = max(max(took) for took in times.values())
        rows.append((f"slowest edit, undo or redo, window{note}", longest, "ms"))
    return rows


def _edit(
    app: App,
    session: ProjectSession,
    kind: str,
    random: np.random.Generator,
    times: FrameTimes,
) -> None:
    """Do, undo and redo one edit."""
    n_images = session.clustering.n_images
    session.select(random.choice(n_images, n_images // 7, replace=False).tolist())
    wait(_SETTLE_MS)
    edit = RandomEdits(session.clustering, random, min(_N_PICKED, n_images)).make(kind)
    acts: tuple[tuple[str, Callable[[], object]], ...] = (
        (kind, lambda: app.controller.decide(lambda: session.apply(edit))),
        (f"undo {kind}", app.controller.undo),
        (f"redo {kind}", app.controller.redo),
    )
    for what, act in acts:
        times.frame(what, partial(_act_and_paint, act))
        wait(_SETTLE_MS)


def _act_and_paint(act: Callable[[], object]) -> None:
    act()
    _paint()


def _paint() -> None:
    """Let everything happen that was put off to the next turns of the loop, and paint."""
    for _ in range(2):
        loop = QEventLoop()
        QTimer.singleShot(0, loop.quit)
        loop.exec()
        QCoreApplication.sendPostedEvents()

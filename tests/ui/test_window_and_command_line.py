"""The window and the command line do the same work: same labels, same project, same export."""

from __future__ import annotations

import csv
import hashlib
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.labels_table import label_rows
from dclust_gui.services.opening import draft_path
from dclust_gui.services.settings import Settings
from dclust_gui.services.workspace import Workspace
from dclust_gui.ui.app import App
from dclust_gui.ui.windows.export_dialog import ExportDialog
from dclust_gui.ui.windows.files_dialog import FilesState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from tests.conftest import Dclust, MakeImages

WAIT_MS = 90_000
"""The first feature needs torch, timm and the network: seconds on a busy machine."""


@pytest.fixture
def app(qtbot: QtBot) -> Iterator[App]:
    """The whole window over the real engine."""
    app = App(Settings(), Workspace())
    app.show()
    yield app
    app.commands.dialogs.close_all()
    app.window.allow_close()
    assert app.shutdown(), "a thread did not end"
    app.window.deleteLater()
    app.deleteLater()


def open_and_read(app: App, qtbot: QtBot, folder: Path) -> None:
    with qtbot.waitSignal(app.controller.session_changed, timeout=WAIT_MS):
        app.controller.open_path(folder)
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not app.work.n_unread(), timeout=WAIT_MS)


def export(app: App, qtbot: QtBot, target: Path) -> None:
    app.commands.dialogs.export(())
    dialog = app.commands.dialogs.opened("export")
    assert isinstance(dialog, ExportDialog)
    dialog.set_target(target)
    qtbot.waitUntil(lambda: dialog.state is FilesState.READY, timeout=WAIT_MS)
    dialog.start()
    qtbot.waitUntil(lambda: dialog.state is FilesState.DONE, timeout=WAIT_MS)
    dialog.reject()


def tree_of(folder: Path) -> dict[str, str]:
    """Hash of every exported file by its path, without the journal."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.mark.slow
def test_window_and_command_line_give_the_same(
    app: App, qtbot: QtBot, make_images: MakeImages, run_dclust: Dclust, tmp_path: Path
) -> None:
    photos = tmp_path / "Photos"
    make_images(photos, classes=3, each=6)
    table = tmp_path / "labels.csv"
    done = run_dclust(
        "cluster", photos, "--k", 3, "--algorithm", "kmeans", "--reduce", "none", "--labels", table
    )
    assert done.code == 0, done.err

    open_and_read(app, qtbot, photos)
    app.window.run_panel.restore('{"fixed": true, "k": 3, "method": "kmeans", "seed": 0}')
    with qtbot.waitSignal(app.work.run_accepted, timeout=WAIT_MS):
        app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=WAIT_MS)
    session = app.controller.session
    assert session is not None
    rows = label_rows(session.images, session.roots, session.clustering, session.confidence())
    with table.open(encoding="utf-8", newline="") as file:
        by_line = [
            (r["path"], r["cluster"], r["name"], r["confidence"]) for r in csv.DictReader(file)
        ]
    by_window = [(r.path, str(r.cluster), r.name, f"{r.confidence:.4f}") for r in rows]
    assert by_window == by_line

    source, target = (int(c) for c in list(session.clustering.clusters)[:2])
    moved = session.clustering.members(source)[:2].tolist()
    app.controller.move(moved, target)
    app.controller.undo()
    assert session.clustering.labels[moved].tolist() == [source, source]
    app.controller.redo()
    app.controller.rename(target, "Beach")
    export(app, qtbot, tmp_path / "by window")
    labels = session.clustering.labels.tolist()
    app.controller.close()

    draft = draft_path(photos.resolve())
    done = run_dclust("export", draft, tmp_path / "by line")
    assert done.code == 0, done.err
    assert tree_of(tmp_path / "by window") == tree_of(tmp_path / "by line")
    assert len(list((tmp_path / "by line" / "Beach").iterdir())) == labels.count(target)

    open_and_read(app, qtbot, photos)
    again = app.controller.session
    assert again is not None
    assert again.clustering.labels.tolist() == labels
    assert again.clustering.clusters[target].name == "Beach"
    step = again.history.undo_step
    assert step is not None
    assert step.title.startswith("rename")

"""The export dialog: plan first, then the work, then the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.events import Stage, StageProgressed
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.ui.bridge.engine_host import EngineHost
from dclust_gui.ui.windows.export_dialog import ExportDialog, ExportSource, ExportState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot


@pytest.fixture
def io() -> Iterator[EngineHost]:
    host = EngineHost("io")
    yield host
    assert host.shutdown()


@pytest.fixture
def source(photos: Path) -> ExportSource:
    """Cats and dogs in clusters, owls Unassigned."""
    names = sorted(p.name for p in photos.iterdir())
    records = []
    for name in names:
        stat = (photos / name).stat()
        stamp = FileStamp(stat.st_size, stat.st_mtime_ns)
        facts = ImageFacts(ImageStatus.OK, width=40, height=30)
        records.append(ImageRecord(0, name.encode(), stamp, name.encode(), facts))
    labels = [{"cat": 1, "dog": 2, "owl": -1}[name[:3]] for name in names]
    import numpy as np

    table = {1: Cluster(1, "Cats"), 2: Cluster(2)}
    clustering = Clustering(np.array(labels, np.int32), np.zeros(24, np.uint8), table, 3)
    return ExportSource(tuple(records), clustering, (photos,), (1,))


def planned(source: ExportSource, io: EngineHost, target: Path, qtbot: QtBot) -> ExportDialog:
    dialog = ExportDialog(source, io, str(target))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.state is not ExportState.PLANNING, timeout=5000)
    return dialog


def test_without_a_folder_it_asks_for_one(
    source: ExportSource, io: EngineHost, qtbot: QtBot
) -> None:
    dialog = ExportDialog(source, io)
    qtbot.addWidget(dialog)
    assert dialog.state is ExportState.ASKING
    assert not dialog._start.isEnabled()


def test_the_plan_shows_before_anything_is_written(
    source: ExportSource, io: EngineHost, tmp_path: Path, qtbot: QtBot
) -> None:
    target = tmp_path / "out"
    dialog = planned(source, io, target, qtbot)
    assert dialog._model.rows == (
        ("Cats", "8", "", ""),
        ("Cluster 02", "8", "", ""),
        ("Unassigned", "8", "", ""),
    )
    assert dialog.text.startswith("24 files to copy")
    assert not target.exists()


def test_choices_make_a_new_plan(
    source: ExportSource, io: EngineHost, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = planned(source, io, tmp_path / "out", qtbot)
    dialog._what.setCurrentIndex(1)
    dialog._unassigned.setChecked(False)
    assert not dialog._start.isEnabled()
    qtbot.waitUntil(lambda: dialog._model.rows == (("Cats", "8", "", ""),), timeout=5000)


def test_export_copies_and_a_second_one_finds_all_there(
    source: ExportSource, io: EngineHost, tmp_path: Path, qtbot: QtBot
) -> None:
    target = tmp_path / "out"
    dialog = planned(source, io, target, qtbot)
    with qtbot.waitSignal(dialog.exported, timeout=5000):
        dialog.start()
    qtbot.waitUntil(lambda: dialog.state is ExportState.DONE, timeout=5000)
    assert dialog.text == "24 files copied and checked."
    assert len(list((target / "Cats").iterdir())) == 8
    dialog.reject()
    again = planned(source, io, target, qtbot)
    assert "24 already there" in again.text
    again.reject()


def test_a_target_inside_the_originals_is_refused_with_the_reason(
    source: ExportSource, io: EngineHost, photos: Path, qtbot: QtBot
) -> None:
    dialog = planned(source, io, photos / "out", qtbot)
    assert dialog.state is ExportState.ASKING
    assert "inside the folder of the originals" in dialog.text
    assert not dialog._start.isEnabled()


def test_cancel_while_running_stops_and_says_what_is_kept(
    source: ExportSource, io: EngineHost, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = planned(source, io, tmp_path / "out", qtbot)
    dialog.start()
    dialog.reject()
    assert dialog.isVisible()
    qtbot.waitUntil(lambda: dialog.state is ExportState.DONE, timeout=5000)
    assert "export again to go on" in dialog.text or "copied" in dialog.text
    dialog.reject()
    assert not dialog.isVisible()


def test_nothing_to_do_says_so_and_cannot_be_started(
    source: ExportSource, io: EngineHost, tmp_path: Path, qtbot: QtBot
) -> None:
    first = planned(source, io, tmp_path / "out", qtbot)
    first.start()
    qtbot.waitUntil(lambda: first.state is ExportState.DONE, timeout=5000)
    again = planned(source, io, tmp_path / "out", qtbot)
    assert again.text.startswith("Everything is up to date")
    assert not again._start.isEnabled()


def test_a_stopped_export_says_how_far_it_came_and_goes_on(
    source: ExportSource, io: EngineHost, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = planned(source, io, tmp_path / "out", qtbot)
    with qtbot.waitSignal(dialog.exported, timeout=1000):
        dialog.start()
    job = dialog._job
    assert job is not None
    dialog._on_host_progressed(job, StageProgressed(Stage.EXPORT, 11, 24))
    dialog._on_host_cancelled(job)
    io.cancel(job)
    assert "11 of 24 copied" in dialog.text
    assert (dialog._start.text(), dialog._start.isEnabled()) == ("Go on", True)
    dialog._start.click()
    assert dialog.is_running
    qtbot.waitUntil(lambda: dialog.state is ExportState.DONE, timeout=5000)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 24
    assert dialog._start.isHidden()


def test_no_single_cell_is_framed(
    source: ExportSource, io: EngineHost, tmp_path: Path, qtbot: QtBot
) -> None:
    dialog = planned(source, io, tmp_path / "out", qtbot)
    option = QStyleOptionViewItem()
    option.state = QStyle.StateFlag.State_HasFocus
    delegate = dialog._table.itemDelegate()
    assert isinstance(delegate, QStyledItemDelegate)
    delegate.initStyleOption(option, dialog._model.index(0, 0))
    assert not option.state & QStyle.StateFlag.State_HasFocus

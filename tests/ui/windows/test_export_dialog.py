"""The export dialog: a dry run first, then the work, then the result."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.events import Stage, StageProgressed
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.services.export_follow import Following
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_memory import ExportEnd, ExportMemory
from dclust_gui.services.export_plan import ExportMode, OnConflict
from dclust_gui.services.export_wish import ExportWish, KeywordFormat
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.images import Scope
from dclust_gui.services.formats.writing import FileFormat
from dclust_gui.services.settings import Settings
from dclust_gui.services.snapshot import Snapshot
from dclust_gui.services.thumbnails import ThumbnailService
from dclust_gui.services.workspace import Workspace
from dclust_gui.storage.export_journal import ExportJournal, StartedFile
from dclust_gui.storage.project import ProjectStore
from dclust_gui.ui.bridge.engine_host import EngineHost
from dclust_gui.ui.windows.export_dialog import ExportDialog
from dclust_gui.ui.windows.export_source import ExportSource
from dclust_gui.ui.windows.export_text import FORMATS
from dclust_gui.ui.windows.files_dialog import FilesState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.services.export_wish import Format


@pytest.fixture
def io() -> Iterator[EngineHost]:
    host = EngineHost("io")
    yield host
    assert host.shutdown()


@pytest.fixture
def thumbnails(tmp_path: Path) -> Iterator[ThumbnailService]:
    with Workspace(tmp_path / "cache") as workspace:
        yield workspace.thumbnails


@pytest.fixture
def store(tmp_path: Path, photos: Path) -> Iterator[ProjectStore]:
    with ProjectStore.create(tmp_path / "pets.dclust", [photos]) as store:
        yield store


@pytest.fixture
def source(photos: Path, store: ProjectStore, thumbnails: ThumbnailService) -> ExportSource:
    """Cats, reviewed, and dogs in clusters, owls Unassigned."""
    names = sorted(p.name for p in photos.iterdir())
    records = []
    for name in names:
        stat = (photos / name).stat()
        stamp = FileStamp(stat.st_size, stat.st_mtime_ns)
        facts = ImageFacts(ImageStatus.OK, width=40, height=30)
        records.append(ImageRecord(0, name.encode(), stamp, name.encode(), facts))
    store.add_images(records)
    labels = [{"cat": 1, "dog": 2, "owl": -1}[name[:3]] for name in names]
    table = {1: Cluster(1, "Pets/Cats", is_reviewed=True), 2: Cluster(2)}
    clustering = Clustering(np.array(labels, np.int32), np.zeros(24, np.uint8), table, 3)
    confidence = np.full(24, np.nan, np.float32)
    snapshot = Snapshot(tuple(records), (photos,), clustering, None, confidence)
    return ExportSource(snapshot, store.history(), store, "pets", (1,), thumbnails)


@pytest.fixture
def memory(tmp_path: Path) -> ExportMemory:
    return ExportMemory(Settings(tmp_path / "settings.json"))


class Maker:
    """Makes dialogs over one source."""

    def __init__(
        self, source: ExportSource, memory: ExportMemory, io: EngineHost, qtbot: QtBot
    ) -> None:
        self.source, self.memory, self.io, self.qtbot = source, memory, io, qtbot

    def __call__(self, target: Path | None = None) -> ExportDialog:
        dialog = ExportDialog(self.source, self.memory, self.io, target)
        self.qtbot.addWidget(dialog)
        dialog.show()
        self.settle(dialog)
        return dialog

    def settle(self, dialog: ExportDialog) -> None:
        """Wait for the end of the dry run, or of the work."""
        busy = (FilesState.PLANNING, FilesState.RUNNING, FilesState.FOLLOWING)
        self.qtbot.waitUntil(
            lambda: not dialog._typing.isActive() and dialog.state not in busy, timeout=10_000
        )

    def choose(self, dialog: ExportDialog, form: Format) -> None:
        """Choose a format and wait for its dry run."""
        dialog.choices.format.setCurrentIndex(
            dialog.choices.format.findData(list(FORMATS).index(form))
        )
        self.settle(dialog)

    def run(self, dialog: ExportDialog) -> None:
        """Carry it out, with consent to a move."""
        dialog.start()
        boxes = dialog.findChildren(QMessageBox)
        for box in boxes:
            box.button(QMessageBox.StandardButton.Ok).click()
        self.settle(dialog)


@pytest.fixture
def make(source: ExportSource, memory: ExportMemory, io: EngineHost, qtbot: QtBot) -> Maker:
    return Maker(source, memory, io, qtbot)


def rows(dialog: ExportDialog) -> list[tuple[str, ...]]:
    return dialog.preview.tree.texts()[1:]


def test_without_a_folder_it_asks_for_one(make: Maker) -> None:
    dialog = make()
    assert dialog.state is FilesState.ASKING
    assert not dialog._start.isEnabled()


def test_the_dry_run_shows_before_anything_is_written(make: Maker, tmp_path: Path) -> None:
    target = tmp_path / "out"
    dialog = make(target)
    assert rows(dialog) == [
        ("Cluster 02", "8", "", ""),
        ("Pets_Cats", "8", "", ""),
        ("Unassigned", "8", "", ""),
    ]
    assert dialog.preview.tree.texts()[0] == (str(target), "24", "", "")
    assert dialog.text.startswith("24 files to copy")
    assert "free" in dialog.text
    assert dialog.preview.text == "Folders, Changed names (1)"
    assert not target.exists()


def test_choices_make_a_new_dry_run(make: Maker, tmp_path: Path) -> None:
    dialog = make(tmp_path / "out")
    texts = [
        dialog.choices.images.what.itemText(i) for i in range(dialog.choices.images.what.count())
    ]
    assert texts == [
        "All 2 clusters",
        "1 reviewed cluster",
        "1 selected cluster",
        "Only Unassigned (8 images)",
    ]
    dialog.choices.names.nested.setChecked(True)
    dialog.choices.images.what.setCurrentIndex(1)
    assert not dialog._start.isEnabled()
    make.settle(dialog)
    assert rows(dialog) == [("Pets", "8", "", ""), ("Pets/Cats", "8", "", "")]
    assert not dialog.choices.images.unassigned.isVisible()
    dialog.choices.images.what.setCurrentIndex(3)
    make.settle(dialog)
    assert rows(dialog) == [("Unassigned", "8", "", "")]


def test_a_name_pattern_shows_an_example_and_a_wrong_one_why(make: Maker, tmp_path: Path) -> None:
    dialog = make(tmp_path / "out")
    names = dialog.choices.names
    names.pattern.setText("{cluster}-{number}")
    assert names.example.text() == "For example Pets_Cats/Cats-0001.png"
    make.settle(dialog)
    assert dialog._start.isEnabled()
    names.pattern.setText("{what}")
    assert "cannot be used" in names.example.text()
    make.settle(dialog)
    assert (dialog.state, dialog._start.isEnabled()) == (FilesState.ASKING, False)


def test_export_copies_and_a_second_one_finds_all_there(
    make: Maker, tmp_path: Path, qtbot: QtBot
) -> None:
    target = tmp_path / "out"
    dialog = make(target)
    with qtbot.waitSignals([dialog.exported, dialog.export_ended], timeout=10_000):
        dialog.start()
    make.settle(dialog)
    assert dialog.text == "24 files copied and checked."
    assert len(list((target / "Pets_Cats").iterdir())) == 8
    dialog.reject()
    again = make(target)
    assert again.text.startswith("Everything is up to date")
    assert "24 files already there" in again.text
    assert not again._start.isEnabled()
    again.reject()


def test_a_target_inside_the_originals_is_refused_with_the_reason(
    make: Maker, photos: Path
) -> None:
    dialog = make(photos / "out")
    assert dialog.state is FilesState.ASKING
    assert "inside the folder of the originals" in dialog.text
    assert not dialog._start.isEnabled()


def test_cancel_while_running_stops_and_says_what_is_kept(make: Maker, tmp_path: Path) -> None:
    dialog = make(tmp_path / "out")
    dialog.start()
    dialog.reject()
    assert dialog.isVisible()
    make.settle(dialog)
    assert "What is finished is complete" in dialog.text or "copied" in dialog.text
    dialog.reject()
    assert not dialog.isVisible()


def test_a_stopped_export_says_how_far_it_came_and_goes_on(
    make: Maker, tmp_path: Path, memory: ExportMemory
) -> None:
    dialog = make(tmp_path / "out")
    dialog.start()
    dialog._on_jobs_progressed(StageProgressed(Stage.EXPORT, 11, 24))
    dialog.jobs.stop()
    dialog._on_jobs_cancelled()
    assert "11 of 24 done" in dialog.text
    assert [past.end for past in memory.of(make.source.store.path)] == [ExportEnd.STOPPED]
    assert (dialog._start.text(), dialog._start.isEnabled()) == ("Go on", True)
    dialog._start.click()
    make.qtbot.waitUntil(dialog._start.isHidden, timeout=10_000)
    make.settle(dialog)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 24
    assert dialog._start.isHidden()


def test_a_move_is_asked_for_plainly_and_the_project_follows(
    make: Maker, tmp_path: Path, photos: Path, qtbot: QtBot
) -> None:
    dialog = make(tmp_path / "out")
    dialog.choices.modes.buttons[ExportMode.MOVE].click()
    make.settle(dialog)
    assert "24 files to move" in dialog.text
    assert "The originals leave their folders" in dialog.text
    dialog.start()
    box = dialog.findChild(QMessageBox, "move")
    assert isinstance(box, QMessageBox)
    assert "24 originals will leave 'Pets'" in box.text()
    box.button(QMessageBox.StandardButton.Cancel).click()
    assert dialog.state is FilesState.READY
    qtbot.waitUntil(lambda: dialog.findChild(QMessageBox, "move") is None, timeout=5000)
    followed: list[Following] = []
    dialog.followed.connect(followed.append)
    make.run(dialog)
    assert "24 files moved" in dialog.text
    assert list(photos.iterdir()) == []
    assert [found.n_images for found in followed] == [24]
    assert {record.root for record in followed[0].images} == {1}


def test_nothing_is_moved_while_images_are_being_read(make: Maker, tmp_path: Path) -> None:
    dialog = make(tmp_path / "out")
    dialog.set_busy(is_busy=True)
    assert dialog._start.isEnabled()
    dialog.choices.modes.buttons[ExportMode.MOVE].click()
    make.settle(dialog)
    assert "Images are being read" in dialog.text
    assert not dialog._start.isEnabled()
    dialog.set_busy(is_busy=False)
    assert dialog._start.isEnabled()


def test_ways_that_the_folder_does_not_allow_say_why(make: Maker, tmp_path: Path) -> None:
    target = tmp_path / "out"
    first = make(target)
    make.run(first)
    first.reject()
    again = make(target)
    for mode, button in again.choices.modes.buttons.items():
        assert button.isEnabled() == (mode is ExportMode.COPY)
    assert "holds an export of copies" in again.choices.modes.labels[ExportMode.MOVE].text()
    again.set_target(tmp_path / "elsewhere")
    make.settle(again)
    assert again.choices.modes.buttons[ExportMode.MOVE].isEnabled()


def test_conflicts_are_decided_one_by_one_or_all_alike(make: Maker, tmp_path: Path) -> None:
    target = tmp_path / "out"
    (target / "Pets_Cats").mkdir(parents=True)
    for name in ("cat-00.png", "cat-01.png", "cat-02.png"):
        (target / "Pets_Cats" / name).write_text("mine")
    dialog = make(target)
    dialog.choices.conflict.setCurrentIndex(dialog.choices.conflict.findData(OnConflict.ASK))
    make.settle(dialog)
    page = dialog.preview.conflicts
    assert dialog.preview.currentWidget() is page
    assert [row[1] for row in page.model.rows] == ["not decided"] * 3
    assert dialog.preview.text == "Folders, Changed names (1), Names taken (3)"
    assert not dialog._start.isEnabled()
    page.table.selectRow(1)
    page.leave.click()
    make.settle(dialog)
    assert [row[1] for row in page.model.rows] == ["not decided", "left out", "not decided"]
    page.table.clearSelection()
    page.keep.click()
    make.settle(dialog)
    assert all(row[1] == "both are kept" for row in page.model.rows)
    page.table.selectRow(2)
    page.leave.click()
    make.settle(dialog)
    make.run(dialog)
    there = sorted(path.name for path in (target / "Pets_Cats").iterdir())
    assert [name for name in there if "(2)" in name] == ["cat-00 (2).png", "cat-01 (2).png"]
    assert (target / "Pets_Cats" / "cat-02.png").read_text() == "mine"


def test_an_interrupted_export_is_offered_to_be_finished_as_it_was_asked_for(
    make: Maker, memory: ExportMemory, tmp_path: Path, photos: Path
) -> None:
    target = tmp_path / "out"
    project = make.source.store.path
    wish = ExportWish(
        target,
        scope=Scope(frozenset({1, 2, 77}), with_unassigned=False),
        mode=ExportMode.HARDLINK,
        on_conflict=OnConflict.SKIP,
        layout=Layout(nested=True, pattern="{cluster}-{number}"),
    )
    with ExportJournal(target, ExportMode.HARDLINK.value) as journal:
        begun = os.fsencode(photos / "cat-00.png")
        journal.start([StartedFile(begun, b"Pets/Cats/Cats-0001.png", 1, mode="hardlink")])
    memory.keep(project, wish, ExportEnd.RUNNING)
    assert memory.interrupted(project) is not None
    dialog = make()
    dialog.set_target(target)
    make.settle(dialog)
    assert dialog.choices.modes.mode is ExportMode.HARDLINK
    assert dialog.choices.names.pattern.text() == "{cluster}-{number}"
    assert dialog.choices.images.what.currentText() == "2 clusters as the last time"
    assert "was interrupted" in dialog.text
    assert dialog._start.text() == "Finish export"
    make.run(dialog)
    assert (target / "Pets" / "Cats" / "Cats-0001.png").samefile(photos / "cat-00.png")
    assert memory.interrupted(project) is None


@pytest.mark.parametrize("form", list(FileFormat))
def test_files_about_the_images_are_planned_and_written(
    make: Maker, tmp_path: Path, form: FileFormat
) -> None:
    target = tmp_path / "out"
    dialog = make(target)
    make.choose(dialog, form)
    planned = [name for name, *_ in rows(dialog)]
    assert planned
    assert "to write" in dialog.text
    assert not dialog.choices.modes.isVisible()
    make.run(dialog)
    assert dialog.text.startswith("Written: ")
    assert sorted(path.name for path in target.iterdir()) == sorted(planned)
    dialog.reject()


def test_a_table_that_is_there_is_asked_about(make: Maker, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "labels.csv").write_text("mine")
    dialog = make(target)
    make.choose(dialog, FileFormat.CSV)
    assert [name for name, *_ in rows(dialog)] == ["labels (2).csv"]
    dialog.choices.conflict.setCurrentIndex(dialog.choices.conflict.findData(OnConflict.ASK))
    make.settle(dialog)
    assert not dialog._start.isEnabled()
    dialog.preview.conflicts.keep.click()
    make.settle(dialog)
    make.run(dialog)
    assert (target / "labels.csv").read_text() == "mine"
    assert (target / "labels (2).csv").is_file()


def test_keywords_go_beside_the_images_or_elsewhere(
    make: Maker, tmp_path: Path, photos: Path
) -> None:
    dialog = make(tmp_path / "out")
    make.choose(dialog, KeywordFormat.XMP)
    assert "8 new side files" in dialog.text
    assert "16 images are in clusters without a name" in dialog.text
    fields = dialog.choices.keywords
    fields.beside.click()
    fields.full.click()
    make.settle(dialog)
    assert not dialog.choices.target.isVisible()
    make.run(dialog)
    assert dialog.text == "8 side files written."
    assert min(path.name for path in photos.glob("*.xmp")) == "cat-00.png.xmp"


def test_names_are_written_into_copies_on_request_and_never_into_originals(
    make: Maker, tmp_path: Path, photos: Path
) -> None:
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    dialog = make(tmp_path / "out")
    dialog.choices.copies.embed.click()
    make.settle(dialog)
    make.run(dialog)
    assert dialog.text == "24 files copied and checked."
    copy = tmp_path / "out" / "Pets_Cats" / "cat-00.png"
    assert b"Pets|Cats" in copy.read_bytes()
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == before
    dialog.choices.modes.buttons[ExportMode.MOVE].setChecked(True)
    dialog.choices._on_modes_changed()
    assert not dialog.choices.copies.embed.isEnabled()


@pytest.mark.parametrize("form", [TreeFormat.IMAGEFOLDER, TreeFormat.HUGGINGFACE])
def test_datasets_are_written_as_their_readers_want_them(
    make: Maker, tmp_path: Path, form: TreeFormat
) -> None:
    target = tmp_path / "out"
    dialog = make(target)
    make.choose(dialog, form)
    fixed = form is TreeFormat.IMAGEFOLDER
    assert dialog.choices.images.unassigned.isChecked() != fixed
    assert dialog.choices.names.nested.isEnabled() != fixed
    make.run(dialog)
    assert (target / "metadata.csv").is_file() != fixed
    assert (target / "Unassigned").is_dir() != fixed


def test_names_that_are_no_utf8_and_very_long_ones_can_be_shown(
    make: Maker, tmp_path: Path
) -> None:
    target = tmp_path / os.fsdecode(b"out-\xff" + b"x" * 200)
    dialog = make(target)
    assert "out-\\xff" in dialog.preview.tree.texts()[0][0]
    make.run(dialog)
    assert "24 files copied" in dialog.text

"""Stacks in the project file: kept, undone, and brought into files of older versions."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import Clustering
from dclust_gui.domain.edits import Edit
from dclust_gui.domain.history import Step
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.stack_edits import Binding, bind, unbind
from dclust_gui.storage import journal, migrations
from dclust_gui.storage.project import ProjectStore


def record(number: int) -> ImageRecord:
    facts = ImageFacts(ImageStatus.OK, "", 4, 3)
    return ImageRecord(0, b"%d.jpg" % number, FileStamp(1, 2), bytes([number] * 16), facts)


def new_project(folder: Path, n_images: int = 5) -> ProjectStore:
    store = ProjectStore.create(folder / "a.dclust", [folder])
    store.add_images([record(i) for i in range(n_images)])
    return store


def do(store: ProjectStore, make: Callable[[Clustering], Edit]) -> None:
    edit = make(store.clustering())
    store.record(edit, Step(edit.kind, edit.title, "2026-01-01T00:00:00+00:00", "me"))


def test_stacks_are_kept_and_undone_across_opening(tmp_path: Path) -> None:
    with new_project(tmp_path) as store:
        do(store, lambda state: edits.new_cluster(state, [0, 1]))
        do(store, lambda state: bind(state, [Binding((1, 3), is_bracket=True)]))
        do(store, lambda state: unbind(state, [3]))
    with ProjectStore.open(tmp_path / "a.dclust") as store:
        assert not store.clustering().stacks.any()
        before = store.set_position(2)
        assert before.stacks.tolist() == [0, 1, 0, 1, 0]
        assert before.flags.tolist()[3] & 8
        assert not store.set_position(1).stacks.any()
        store.set_position(2)
    with ProjectStore.open(tmp_path / "a.dclust", read_only=True) as store:
        assert store.clustering().stacks.tolist() == [0, 1, 0, 1, 0]
        store_images = store.clustering().labels.tolist()
        assert store_images == [1, 1, -1, 1, -1]


def test_snapshots_hold_stacks(tmp_path: Path) -> None:
    with new_project(tmp_path) as store:
        do(store, lambda state: bind(state, [Binding((0, 4))]))
        for number in range(journal.SNAPSHOT_STEPS + 3):
            do(store, lambda state, n=number: edits.new_cluster(state, [], f"c{n}"))  # type: ignore[misc]
    with closing(sqlite3.connect(tmp_path / "a.dclust")) as file:
        assert file.execute("SELECT count(*) FROM snapshot").fetchone()[0] == 1
    with ProjectStore.open(tmp_path / "a.dclust") as store:
        assert store.clustering().stacks.tolist() == [1, 0, 0, 0, 1]
        grown = store.add_images([record(9)])
        assert store.clustering().stacks[grown.start] == 0


def test_a_project_of_the_version_before_is_backed_up_and_has_no_stack(tmp_path: Path) -> None:
    path = tmp_path / "a.dclust"
    with new_project(tmp_path) as store:
        do(store, lambda state: edits.new_cluster(state, [2], "Beach"))
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version=3")
    with ProjectStore.open(path) as store:
        state = store.clustering()
        assert np.array_equal(state.stacks, np.zeros(5, np.int32))
        do(store, lambda state: bind(state, [Binding((2, 4))]))
    assert (tmp_path / "a.version-3.dclust").is_file()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA user_version").fetchone()[0] == migrations.latest_version() >= 4

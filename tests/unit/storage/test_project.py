from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering
from dclust_gui.domain.edits import Edit, EditKind
from dclust_gui.domain.errors import ProjectLockedError, StorageError
from dclust_gui.domain.history import Step
from dclust_gui.domain.images import FileStamp, ImageRecord
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.storage import journal, project_file
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

N_IMAGES = 40

ENDLESS = """
import sys
from pathlib import Path
from dclust_gui.domain import edits
from dclust_gui.domain.history import Step
from dclust_gui.storage import journal
from dclust_gui.storage.project import ProjectStore
journal.SNAPSHOT_STEPS = 7
project = ProjectStore.open(Path(sys.argv[1]))
number = 0
while True:
    edit = edits.new_cluster(project.clustering(), [number % 40], f"name {number}")
    project.record(edit, Step(edit.kind, edit.title, "now", "anna"))
    number += 1
    print(number, flush=True)
"""

TORN = """
import os
import sys
from pathlib import Path
from dclust_gui.domain import edits
from dclust_gui.domain.history import Step
from dclust_gui.storage import journal
from dclust_gui.storage.project import ProjectStore
project = ProjectStore.open(Path(sys.argv[1]))
edit = edits.new_cluster(project.clustering(), [0], "kept")
project.record(edit, Step(edit.kind, edit.title, "now", "anna"))
journal.set_present = lambda *_: os._exit(9)
edit = edits.new_cluster(project.clustering(), range(40), "torn")
project.record(edit, Step(edit.kind, edit.title, "now", "anna"))
"""


@pytest.fixture
def path(tmp_path: Path, record_of: Callable[[int], ImageRecord]) -> Path:
    place = tmp_path / "projects" / "Beach.dclust"
    with ProjectStore.create(place, [tmp_path / "photos"]) as project:
        assert project.add_images([record_of(i) for i in range(N_IMAGES)]) == range(N_IMAGES)
    return place


def same(a: Clustering, b: Clustering) -> bool:
    return (
        np.array_equal(a.labels, b.labels)
        and np.array_equal(a.flags, b.flags)
        and dict(a.clusters) == dict(b.clusters)
        and a.run_id == b.run_id
    )


def example_run(n_images: int = N_IMAGES) -> Run:
    rng = np.random.default_rng(1)
    tree = np.column_stack(
        [
            rng.permutation(2 * n_images - 2).reshape(-1, 2),
            np.sort(rng.random(n_images - 1)),
            rng.integers(2, n_images, n_images - 1),
        ]
    ).astype(np.float64)
    labels = rng.integers(-1, 4, n_images).astype(np.int32)
    settings = RunSettings(algorithm="hdbscan", k=4, parameters={"min_samples": "ä"})
    images = rng.permutation(n_images).astype(np.int32)
    confidence = rng.random(n_images).astype(np.float32)
    return Run(0, "2026-01-01", settings, "fp", images, labels, confidence, tree, '{"a": 1}')


def test_images_and_roots_come_back(
    path: Path, tmp_path: Path, record_of: Callable[[int], ImageRecord]
) -> None:
    with ProjectStore.open(path) as project:
        assert project.roots() == (tmp_path / "photos",)
        assert project.images() == tuple(record_of(i) for i in range(N_IMAGES))
        assert project.clustering().labels.tolist() == [UNASSIGNED] * N_IMAGES
        assert project.history().steps == ()
        assert project.path == path.resolve()
        assert not project.is_read_only


def test_names_that_are_no_text_and_huge_numbers_survive(
    path: Path, record_of: Callable[[int], ImageRecord]
) -> None:
    odd = replace(
        record_of(1), relative=b"caf\xe9/\xff\n.jpg", stamp=FileStamp(2**40, -1, 5, 2**64 - 1)
    )
    root = Path(os.fsdecode(b"/photos/\xff\xe9"))
    with ProjectStore.open(path) as project:
        assert project.add_root(root) == 1
        project.add_images([replace(odd, root=1, content=b"")])
    with ProjectStore.open(path) as project:
        assert project.roots()[1] == root
        assert project.images()[-1] == replace(odd, root=1, content=b"")


def test_images_are_updated_and_added_also_while_loaded(
    path: Path, record_of: Callable[[int], ImageRecord]
) -> None:
    gone = replace(record_of(3), is_missing=True, companions=())
    moved = replace(record_of(4), relative=b"else/4.jpg", companions=record_of(3).companions)
    with ProjectStore.open(path) as project:
        project.images()
        project.update_images([(3, gone), (4, moved)])
        project.add_images([record_of(99)])
        before = project.images()
        assert (before[3], before[4], before[N_IMAGES]) == (gone, moved, record_of(99))
        assert project.clustering().n_images == N_IMAGES + 1
        with pytest.raises(IndexError):
            project.update_images([(N_IMAGES + 1, gone)])
    with ProjectStore.open(path) as project:
        assert project.images() == before


def test_images_written_ahead_are_taken_over_or_there_when_opened_again(
    path: Path, record_of: Callable[[int], ImageRecord], step_of: Callable[[Edit], Step]
) -> None:
    with ProjectStore.open(path) as project:
        new = record_of(N_IMAGES)
        changed = replace(record_of(3), is_missing=True)
        project.write_images([(3, changed), (N_IMAGES, new)])
        assert project.clustering().n_images == len(project.images()) == N_IMAGES
        edit = edits.new_cluster(project.clustering(), [1, 2], "meanwhile")
        project.record(edit, step_of(edit))
        images = [*project.images(), new]
        images[3] = changed
        project.take_images(tuple(images))
        assert project.clustering().n_images == N_IMAGES + 1
        taken = project.clustering()
        project.write_images([(N_IMAGES + 1, record_of(N_IMAGES + 1))])
    with ProjectStore.open(path) as project:
        assert project.images()[: N_IMAGES + 1] == tuple(images)
        assert len(project.images()) == N_IMAGES + 2
        assert same(project.clustering(), taken.grown(N_IMAGES + 2))


def test_image_of_an_unknown_root_is_refused_and_changes_nothing(
    path: Path, record_of: Callable[[int], ImageRecord]
) -> None:
    with ProjectStore.open(path) as project:
        with pytest.raises(StorageError, match="add the images"):
            project.add_images([record_of(50), replace(record_of(51), root=7)])
        assert project.clustering().n_images == N_IMAGES
        assert len(project.images()) == N_IMAGES


def test_moved_folder_is_relinked_in_one_step(path: Path, tmp_path: Path) -> None:
    with ProjectStore.open(path) as project:
        images = project.images()
        project.relink_root(0, tmp_path / "elsewhere")
        with pytest.raises(IndexError):
            project.relink_root(1, tmp_path)
    with ProjectStore.open(path) as project:
        assert project.roots() == (tmp_path / "elsewhere",)
        assert project.images() == images


def test_decisions_survive_reopening_with_undo_and_redo(
    path: Path, step_of: Callable[[Edit], Step]
) -> None:
    with ProjectStore.open(path) as project:
        states = [project.clustering()]
        for number in range(5):
            edit = edits.new_cluster(project.clustering(), [number, number + 1], f"n {number}")
            project.record(edit, step_of(edit))
            states.append(project.clustering())
        assert same(project.set_position(3), states[3])
    with ProjectStore.open(path) as project:
        assert project.history().position == 3
        assert [step.title for step in project.history().steps][4].startswith("new cluster 'n 4'")
        assert same(project.clustering(), states[3])
        for position in (5, 0, 4, 4, 2):
            assert same(project.set_position(position), states[position])
        assert same(edits.apply(project.clustering(), project.edit_at(2)), states[3])
        with pytest.raises(ValueError, match="no such step"):
            project.set_position(6)
        with pytest.raises(IndexError):
            project.edit_at(5)


def test_new_decision_drops_the_undone_ones_and_no_id_is_used_twice(
    path: Path, step_of: Callable[[Edit], Step]
) -> None:
    with ProjectStore.open(path) as project:
        for name in ("a", "b", "c"):
            edit = edits.new_cluster(project.clustering(), [1], name)
            project.record(edit, step_of(edit))
        project.set_position(1)
        edit = edits.rename(project.clustering(), 1, "x")
        project.record(edit, step_of(edit))
    with ProjectStore.open(path) as project:
        assert [step.kind for step in project.history().steps] == [EditKind.NEW, EditKind.RENAME]
        assert project.clustering().next_id == 4
        assert list(project.clustering().clusters) == [1]


def test_decision_for_another_state_is_refused(path: Path, step_of: Callable[[Edit], Step]) -> None:
    with ProjectStore.open(path) as project:
        edit = edits.new_cluster(project.clustering(), [1])
        project.record(edit, step_of(edit))
        with pytest.raises(ValueError, match="another state"):
            project.record(edit, step_of(edit))
        assert project.history().position == 1


def test_failed_write_changes_neither_file_nor_memory(
    path: Path, step_of: Callable[[Edit], Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ProjectStore.open(path) as project:
        assert project._connection is not None
        edit = edits.new_cluster(project.clustering(), range(20))
        pages = project._connection.execute("PRAGMA page_count").fetchone()[0]
        project._connection.execute(f"PRAGMA max_page_count={pages}")
        with pytest.raises(StorageError, match="The disk is full"):
            project.add_run(example_run(4000))
        project._connection.execute("PRAGMA max_page_count=100000")
        project.record(edit, step_of(edit))
    with ProjectStore.open(path) as project:
        assert project.history().position == 1
        assert project.runs() == ()


def test_snapshots_make_no_difference(
    path: Path, step_of: Callable[[Edit], Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "SNAPSHOT_STEPS", 4)
    with ProjectStore.open(path) as project:
        states = [project.clustering()]
        for number in range(30):
            edit = edits.new_cluster(project.clustering(), [number, number + 2])
            project.record(edit, step_of(edit))
            states.append(project.clustering())
        for position in (1, 29, 14, 13, 30, 8, 0, 30):
            assert same(project.set_position(position), states[position])
        project.set_position(9)
        edit = edits.merge(project.clustering(), [1, 2, 3], 4)
        project.record(edit, step_of(edit))
        last = project.clustering()
    with ProjectStore.open(path) as project:
        assert same(project.clustering(), last)
        assert same(project.set_position(0), states[0])


def test_images_added_between_steps_do_no_harm(
    path: Path,
    step_of: Callable[[Edit], Step],
    record_of: Callable[[int], ImageRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "SNAPSHOT_STEPS", 1)
    with ProjectStore.open(path) as project:
        edit = edits.new_cluster(project.clustering(), range(N_IMAGES))
        project.record(edit, step_of(edit))
        new = project.add_images([record_of(i) for i in range(100, 110)])
        edit = edits.move(project.clustering(), new, 1)
        project.record(edit, step_of(edit))
        project.set_position(1)
    with ProjectStore.open(path) as project:
        labels = project.clustering().labels
        assert labels.tolist() == [1] * N_IMAGES + [UNASSIGNED] * 10
        assert project.set_position(0).n_images == N_IMAGES + 10
        assert (project.set_position(2).labels == 1).all()


def test_runs_come_back(path: Path) -> None:
    run = example_run()
    with ProjectStore.open(path) as project:
        assert project.add_run(run) == 1
        assert project.add_run(replace(run, created="later")) == 2
    with ProjectStore.open(path, read_only=True) as project:
        back = project.run(1)
        for name in ("images", "labels", "confidence", "tree"):
            assert np.array_equal(getattr(back, name), getattr(run, name))
            assert getattr(back, name).dtype == getattr(run, name).dtype
        assert (back.id, back.settings, back.backbone, back.report) == (
            1,
            run.settings,
            "fp",
            '{"a": 1}',
        )
        summaries = project.runs()
        assert [(s.id, s.created, s.n_images, s.k) for s in summaries] == [
            (1, "2026-01-01", N_IMAGES, 4),
            (2, "later", N_IMAGES, 4),
        ]
        assert summaries[0].settings == run.settings
        with pytest.raises(KeyError):
            project.run(3)


def test_run_of_one_image_has_an_empty_tree(path: Path) -> None:
    run = Run(
        0,
        "now",
        RunSettings(),
        "fp",
        np.zeros(1, np.int32),
        np.zeros(1, np.int32),
        np.ones(1, np.float32),
        np.empty((0, 4)),
    )
    with ProjectStore.open(path) as project:
        assert project.run(project.add_run(run)).tree.shape == (0, 4)


def test_settings_are_kept(path: Path) -> None:
    with ProjectStore.open(path) as project:
        assert project.setting("sort") is None
        project.set_setting("sort", "by name")
        project.set_setting("sort", "by date ☀")
    with ProjectStore.open(path) as project:
        assert project.setting("sort") == "by date ☀"


def test_closing_leaves_one_file(path: Path, step_of: Callable[[Edit], Step]) -> None:
    with ProjectStore.open(path) as project:
        edit = edits.new_cluster(project.clustering(), [1])
        project.record(edit, step_of(edit))
        assert len(list(path.parent.iterdir())) > 1
    project.close()
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(StorageError, match="closed"):
        project.set_setting("a", "b")
    with pytest.raises(StorageError, match="closed"):
        project.runs()


def test_reading_only_changes_no_byte(
    path: Path,
    step_of: Callable[[Edit], Step],
    bytes_below: Callable[[Path], dict[str, bytes]],
) -> None:
    before = bytes_below(path.parent)
    with ProjectStore.open(path, read_only=True) as project:
        assert project.is_read_only
        assert len(project.images()) == N_IMAGES
        edit = edits.new_cluster(project.clustering(), [1])
        with pytest.raises(StorageError, match="read-only"):
            project.record(edit, step_of(edit))
        with pytest.raises(StorageError, match="read-only"):
            project.set_setting("a", "b")
    assert bytes_below(path.parent) == before


def test_reader_sees_the_moment_of_opening_while_another_writes(
    path: Path, step_of: Callable[[Edit], Step], record_of: Callable[[int], ImageRecord]
) -> None:
    with ProjectStore.open(path) as writer, ProjectStore.open(path, read_only=True) as reader:
        edit = edits.new_cluster(writer.clustering(), [1])
        writer.record(edit, step_of(edit))
        writer.add_images([record_of(70)])
        assert reader.history().steps == ()
        assert len(reader.images()) == N_IMAGES
        with ProjectStore.open(path, read_only=True) as second:
            assert len(second.history().steps) == 1
    assert list(path.parent.iterdir()) == [path]


def test_save_as_makes_a_complete_copy_and_replaces_only_when_told(
    path: Path, tmp_path: Path, step_of: Callable[[Edit], Step]
) -> None:
    copy = tmp_path / "new folder" / "Copy.dclust"
    with ProjectStore.open(path) as project:
        edit = edits.new_cluster(project.clustering(), [1])
        project.record(edit, step_of(edit))
        project.save_as(copy)
        edit = edits.rename(project.clustering(), 1, "after")
        project.record(edit, step_of(edit))
        assert list(copy.parent.iterdir()) == [copy]
        with pytest.raises(StorageError, match="already"):
            project.save_as(copy)
        with ProjectStore.open(copy) as other:
            assert other.history().position == 1
            with pytest.raises(ProjectLockedError):
                project.save_as(copy, overwrite=True)
        project.save_as(copy, overwrite=True)
        with pytest.raises(StorageError, match="own file"):
            project.save_as(path, overwrite=True)
    assert list(copy.parent.iterdir()) == [copy]
    with ProjectStore.open(copy) as other:
        assert other.history().position == 2
        assert len(other.images()) == N_IMAGES


def test_copy_that_cannot_be_written_says_so(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with ProjectStore.open(path) as project, pytest.raises(StorageError, match="Could not save"):
        project.save_as(tmp_path / "file" / "x.dclust")


def test_no_project_is_made_over_another_file(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(StorageError, match="already"):
        ProjectStore.create(path, [])
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(StorageError, match="Could not make"):
        ProjectStore.create(path / "below" / "x.dclust", [])


def test_left_over_journal_of_another_file_is_not_played_into_a_new_project(
    path: Path, tmp_path: Path
) -> None:
    place = tmp_path / "x.dclust"
    with ProjectStore.open(path) as project:
        project.set_setting("a", "b")
        place.with_name("x.dclust-wal").write_bytes(Path(f"{path}-wal").read_bytes())
    with ProjectStore.create(place, []) as fresh:
        assert fresh.images() == ()
        assert fresh.setting("a") is None


def test_killed_process_loses_no_decision_that_was_told(
    path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    writer = start_program(ENDLESS, path)
    assert writer.stdout is not None
    told = 0
    for _ in range(25):
        told = int(writer.stdout.readline())
    writer.kill()
    writer.communicate()
    with ProjectStore.open(path, read_only=True) as reader:
        assert reader.history().position >= told
    with ProjectStore.open(path) as project:
        assert project.history().position >= told
        state = project.clustering()
        assert state.clusters[told].name == f"name {told - 1}"
        assert same(project.set_position(0), Clustering.empty(N_IMAGES))
        assert same(project.set_position(len(project.history().steps)), state)
    assert list(path.parent.iterdir()) == [path]


def test_process_that_dies_in_the_middle_of_a_commit_leaves_the_state_before(
    path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    writer = start_program(TORN, path)
    writer.communicate(timeout=60)
    assert writer.returncode == 9
    with ProjectStore.open(path) as project:
        assert [cluster.name for cluster in project.clustering().clusters.values()] == ["kept"]
        assert project.clustering().members(1).tolist() == [0]


def test_on_a_network_drive_one_file_is_enough(
    path: Path, step_of: Callable[[Edit], Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_file, "is_on_network", lambda _: True)
    monkeypatch.setattr(project_file, "_BUSY_SECONDS", 0.1)
    with ProjectStore.open(path) as project:
        assert project._connection is not None
        assert project._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        edit = edits.new_cluster(project.clustering(), [1])
        project.record(edit, step_of(edit))
        assert not Path(f"{path}-wal").exists()
        with pytest.raises(ProjectLockedError, match="process"):
            ProjectStore.open(path, read_only=True)
    assert list(path.parent.iterdir()) == [path]


def test_threads_may_share_a_project(path: Path, step_of: Callable[[Edit], Step]) -> None:
    with ProjectStore.open(path) as project:
        edit = edits.new_cluster(project.clustering(), [1])
        project.record(edit, step_of(edit))

        def work(number: int) -> str | None:
            project.set_setting(f"s{number}", str(number))
            project.edit_at(0)
            return project.setting(f"s{number}")

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(20))) == [str(number) for number in range(20)]


@pytest.mark.slow
def test_small_edits_of_a_large_project_are_small_on_disk(
    tmp_path: Path, step_of: Callable[[Edit], Step]
) -> None:
    n = 100_000
    rng = np.random.default_rng(0)
    place = tmp_path / "Large.dclust"
    with ProjectStore.create(place, [tmp_path]) as project:
        assert project._connection is not None
        project._connection.execute(
            "WITH RECURSIVE c (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM c WHERE i < ?)"
            " INSERT INTO image SELECT i, 0, 'x' || i, 1, 1, 1, 1, randomblob(16), 'ok', '', 1, 1,"
            " '', '', '', 0 FROM c",
            (n - 1,),
        )
    with ProjectStore.open(place) as project:
        labels = rng.integers(1, 51, n).astype(np.int32)
        table = {i: Cluster(i) for i in range(1, 51)}
        edit = edits.replace_all(project.clustering(), EditKind.RUN, "accept", labels, table, 1)
        project.record(edit, step_of(edit))
        for _ in range(300):
            edit = edits.move(project.clustering(), rng.integers(0, n, 12), 7)
            project.record(edit, step_of(edit))
        state = project.clustering()
    with sqlite3.connect(place) as connection:
        sizes = [row[0] for row in connection.execute("SELECT n_bytes FROM step ORDER BY place")]
    connection.close()
    assert sizes[0] < 120_000
    assert max(sizes[1:]) < 1000
    with ProjectStore.open(place) as project:
        assert same(project.clustering(), state)

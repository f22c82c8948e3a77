from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain import edits
from dclust_gui.domain.clustering import Clustering
from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.images import ImageRecord
from dclust_gui.storage import migrations, project_file
from dclust_gui.storage.edit_codec import pack_edit
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


LATEST = migrations.latest_version()


def add_place_of_capture(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE image ADD COLUMN place TEXT NOT NULL DEFAULT ''")
    connection.execute("INSERT INTO setting VALUES ('migrated', 'yes')")


def fail_half_way(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM image")
    connection.execute("INSERT INTO nowhere VALUES (1)")


@pytest.fixture
def path(tmp_path: Path, record_of: Callable[[int], ImageRecord]) -> Path:
    place = tmp_path / "Beach.dclust"
    with ProjectStore.create(place, [tmp_path]) as project:
        project.add_images([record_of(i) for i in range(5)])
    return place


def add_migration(
    monkeypatch: pytest.MonkeyPatch, migration: Callable[[sqlite3.Connection], None]
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, migration))


def test_older_project_is_backed_up_and_brought_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        add_migration(patch, add_place_of_capture)
        before = path.read_bytes()
        with ProjectStore.open(path, read_only=True) as project:
            assert project.is_read_only
            assert project.setting("migrated") == "yes"
            assert len(project.images()) == 5
            with pytest.raises(StorageError, match="read-only"):
                project.set_setting("migrated", "no")
        assert path.read_bytes() == before
        assert not list(path.parent.glob("*version*"))
        with ProjectStore.open(path) as project:
            assert project.setting("migrated") == "yes"
            assert len(project.images()) == 5
        assert project_file.check(path, is_repairable=False) == LATEST + 1
        with ProjectStore.open(path):
            pass
    backup = path.with_name(f"Beach.version-{LATEST}.dclust")
    assert sorted(path.parent.glob("Beach*")) == [path, backup]
    with ProjectStore.open(backup) as old:
        assert old.setting("migrated") is None
        assert len(old.images()) == 5


def test_second_backup_does_not_replace_the_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = path.with_name(f"Beach.version-{LATEST}.dclust")
    first.write_bytes(b"mine")
    add_migration(monkeypatch, add_place_of_capture)
    ProjectStore.open(path).close()
    assert first.read_bytes() == b"mine"
    assert path.with_name(f"Beach.version-{LATEST}-2.dclust").exists()


def test_failed_migration_leaves_the_project_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        add_migration(patch, fail_half_way)
        with pytest.raises(StorageError, match="up to date"):
            ProjectStore.open(path)
    with ProjectStore.open(path) as project:
        assert len(project.images()) == 5


def test_no_room_for_the_backup_means_no_migration(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def refuse(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        add_migration(patch, add_place_of_capture)
        patch.setattr(project_file, "keep_backup", refuse)
        with pytest.raises(StorageError, match="disk is full"):
            ProjectStore.open(path)
    with ProjectStore.open(path) as project:
        assert project.setting("migrated") is None
    assert len(path.read_bytes()) == len(before)


def test_project_of_version_0_gets_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "Empty.dclust"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id={migrations.APPLICATION_ID}")
    with ProjectStore.open(path) as project:
        assert project.images() == ()
    assert path.with_name("Empty.version-0.dclust").exists()


@pytest.mark.parametrize("read_only", [True, False])
def test_newer_project_is_refused_and_not_changed(
    path: Path, bytes_below: Callable[[Path], dict[str, bytes]], *, read_only: bool
) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")
    before = bytes_below(path.parent)
    with pytest.raises(StorageError, match=r"newer dclust .*99"):
        ProjectStore.open(path, read_only=read_only)
    assert bytes_below(path.parent) == before


def test_newer_version_that_is_only_in_the_journal_is_noticed(
    path: Path, tmp_path: Path, bytes_below: Callable[[Path], dict[str, bytes]]
) -> None:
    folder = tmp_path / "crashed"
    folder.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA user_version=99")
        for name in (path.name, path.name + "-wal"):
            (folder / name).write_bytes((tmp_path / name).read_bytes())
    before = bytes_below(folder)
    with pytest.raises(StorageError, match="newer"):
        ProjectStore.open(folder / path.name)
    after = bytes_below(folder)
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("kind", ["text", "empty", "other database", "folder", "missing"])
def test_file_that_is_no_project_is_refused_and_not_changed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.dclust"
    if kind == "text":
        path.write_bytes(b"hello" * 100)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "other database":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t (a)")
    elif kind == "folder":
        path.mkdir()
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StorageError, match="Could not open"):
        ProjectStore.open(path)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert [p for p in tmp_path.iterdir() if p != path] == []


@pytest.mark.parametrize("damage", ["pages", "cut", "journal", "no position"])
def test_damaged_project_is_refused_and_not_changed(
    path: Path, damage: str, bytes_below: Callable[[Path], dict[str, bytes]]
) -> None:
    if damage == "journal":
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("INSERT INTO step VALUES (1, 'new', '', '', '', 3, x'010203', NULL)")
            connection.execute("UPDATE present SET position = 1")
    elif damage == "no position":
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("DELETE FROM present")
    else:
        data = bytearray(path.read_bytes())
        if damage == "pages":
            data[4096:] = b"\x99" * (len(data) - 4096)
        else:
            data = data[: len(data) // 2]
        path.write_bytes(data)
    before = bytes_below(path.parent)
    with pytest.raises(StorageError, match="damaged"):
        ProjectStore.open(path, read_only=True)
    assert bytes_below(path.parent) == before
    with pytest.raises(StorageError, match="damaged"):
        ProjectStore.open(path)
    if damage in ("pages", "cut"):
        assert bytes_below(path.parent) == before


def test_change_that_was_cut_off_on_a_network_drive_is_taken_back(
    path: Path, tmp_path: Path
) -> None:
    """A rollback journal that a crash has left can only be played by a writer."""
    folder = tmp_path / "crashed"
    folder.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=1")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM image")
        connection.execute(
            "WITH RECURSIVE c (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM c WHERE i < 2000)"
            " INSERT INTO setting SELECT 'name ' || i, 'value' FROM c"
        )
        for name in (path.name, path.name + "-journal"):
            (folder / name).write_bytes((tmp_path / name).read_bytes())
    crashed = folder / path.name
    with pytest.raises(StorageError):
        ProjectStore.open(crashed, read_only=True)
    with ProjectStore.open(crashed) as project:
        assert len(project.images()) == 5
        assert project.setting("name 1") is None


def test_project_of_version_1_keeps_its_history(
    tmp_path: Path, record_of: Callable[[int], ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "Old.dclust"
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute(f"PRAGMA application_id={migrations.APPLICATION_ID}")
            migrations.migrate(connection, 0)
            edit = edits.new_cluster(Clustering.empty(0), (), "Dunes")
            row = (1, "new", edit.title, "2026-01-01T12:00:00+01:00", "anna", 3, pack_edit(edit))
            connection.execute("INSERT INTO step VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("UPDATE present SET position = 1, next_id = 2")
            connection.execute("COMMIT")
    with ProjectStore.open(path) as project:
        assert [cluster.name for cluster in project.clustering().clusters.values()] == ["Dunes"]
        assert project.selection_at(0) is None
        assert project.history().markers == ()
        assert project.set_position(0).clusters == {}

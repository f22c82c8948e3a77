"""True classes in the project file: kept, replaced, forgotten, damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.history import Marker
from dclust_gui.domain.truth import Truth
from dclust_gui.storage import migrations
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = Truth(
    np.array([1, 4, 70_000], np.int32),
    np.array([0, 1, 0], np.int32),
    ("Möwe", "a/b"),
    "'x.csv'",
    "2026-01-01",
)


def marker(title: str) -> Marker:
    return Marker(title, "2026-01-01", "anna", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "Beach.dclust"
    ProjectStore.create(place, [tmp_path]).close()
    return place


def test_classes_are_there_when_the_project_is_opened_again(path: Path, tmp_path: Path) -> None:
    with ProjectStore.open(path) as project:
        assert project.truth() is None
        project.set_truth(TRUTH, marker("import"))
        project.save_as(tmp_path / "copy.dclust")
    for place in (path, tmp_path / "copy.dclust"):
        with ProjectStore.open(place, read_only=True) as project:
            found = project.truth()
            assert found is not None
            assert found.images.tolist() == [1, 4, 70_000]
            assert found.codes.tolist() == [0, 1, 0]
            assert (found.classes, found.source) == (("Möwe", "a/b"), "'x.csv'")
            assert [m.title for m in project.history().markers] == ["import"]
            with pytest.raises(StorageError, match="read-only"):
                project.set_truth(None, marker("forget"))


def test_new_classes_replace_the_old_ones_and_none_forgets_them(path: Path) -> None:
    empty = Truth(np.empty(0, np.int32), np.empty(0, np.int32), (), "nothing", "")
    with ProjectStore.open(path) as project:
        project.set_truth(TRUTH, marker("first"))
        project.set_truth(empty, marker("second"))
        found = project.truth()
        assert found is not None
        assert found.classes == ()
        project.set_truth(None, marker("forget"))
        assert project.truth() is None
        assert len(project.history().markers) == 3


def test_damaged_classes_are_said_and_nothing_else_is_lost(path: Path) -> None:
    with ProjectStore.open(path) as project:
        project.set_truth(TRUTH, marker("import"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE truth SET classes = '[\"only\"]'")
    with ProjectStore.open(path) as project, pytest.raises(StorageError, match="damaged"):
        project.truth()


def test_project_of_version_2_is_backed_up_and_has_no_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "Old.dclust"
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:2])
        ProjectStore.create(path, [tmp_path]).close()
    with ProjectStore.open(path) as project:
        assert project.truth() is None
        project.set_truth(TRUTH, marker("import"))
    assert path.with_name("Old.version-2.dclust").exists()

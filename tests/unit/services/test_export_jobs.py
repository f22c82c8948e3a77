"""Exports of every kind without a window: looked ahead, carried out, followed, undone."""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import absolute_path
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.export_jobs import (
    FileExportJob,
    FollowMoveJob,
    FollowUndoJob,
    KeywordExportJob,
    LookAheadJob,
    PlanUndoJob,
    TreeExportJob,
    UndoExportJob,
)
from dclust_gui.services.export_outlook import FolderCount
from dclust_gui.services.export_plan import Action, ExportMode, OnConflict
from dclust_gui.services.export_wish import ExportWish, KeywordFormat
from dclust_gui.services.formats.dataset import TreeFormat, write_metadata
from dclust_gui.services.formats.images import Scope
from dclust_gui.services.formats.writing import FileFormat
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.xmp.sidecars import SidecarNames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dclust_gui.services.export_outlook import Outlook
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="compares POSIX paths")


@pytest.fixture
def session(tmp_path: Path, photos: Path, workspace: Workspace) -> Iterator[ProjectSession]:
    """Twelve images in three clusters, the first called `Sea/Gulls`."""
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    opened.rename(min(opened.clustering.clusters), "Sea/Gulls")
    yield opened
    opened.close()


def look(session: ProjectSession, wish: ExportWish) -> Outlook:
    job = LookAheadJob(wish, snapshot_of(session), session.path)
    return job.run(ignore_events, CancelToken())


def test_a_tree_is_looked_at_moved_followed_and_undone(
    session: ProjectSession, tmp_path: Path, photos: Path
) -> None:
    token, target = CancelToken(), tmp_path / "out"
    outlook = look(session, ExportWish(target, mode=ExportMode.MOVE))
    assert outlook.error is None
    assert outlook.plan is not None
    assert outlook.count(Action.COPY) == sum(row.new for row in outlook.folders) == 12
    assert [row.path for row in outlook.folders] == ["Cluster 02", "Cluster 03", "Sea_Gulls"]
    assert not target.exists()
    job = TreeExportJob(outlook.plan, TreeFormat.FOLDERS, snapshot_of(session))
    assert job.run(ignore_events, token).copied == 12
    following = FollowMoveJob(session.store, session.images, target).run(ignore_events, token)
    assert following.base is session.images
    session.take_images(following.images)
    assert all(
        absolute_path(session.roots[r.root], r.relative).is_relative_to(target)
        for r in session.images
    )
    undo = PlanUndoJob(target).run(ignore_events, token)
    assert len(UndoExportJob(undo).run(ignore_events, token).returned) == 12
    back = FollowUndoJob(session.store, session.images, undo).run(ignore_events, token)
    session.take_images(back.images)
    assert list(session.roots) == [photos]
    assert all((photos / r.relative.decode()).is_file() for r in session.images)


def test_folders_come_in_the_order_people_read_them() -> None:
    from dclust_gui.services.export_outlook import _as_read

    names = ["Cluster 100", "cluster 20", "Cluster 3", "7", "Cluster", "Cluster 3/b 10", "\u00b2"]
    ordered = ["7", "Cluster", "Cluster 3", "Cluster 3/b 10", "cluster 20", "Cluster 100", "\u00b2"]
    assert sorted(names, key=_as_read) == ordered


def test_what_a_person_can_mend_comes_with_what_is_known_of_the_folder(
    session: ProjectSession, photos: Path, tmp_path: Path
) -> None:
    inside = look(session, ExportWish(photos / "out"))
    assert isinstance(inside.error, InputError)
    assert not inside.has_work
    refused = look(session, ExportWish(tmp_path / "out", mode=ExportMode.REFLINK))
    if ExportMode.REFLINK in refused.facts.refused:
        assert "in this way" in str(refused.error)
    nothing = look(session, ExportWish(tmp_path / "out", FileFormat.CSV, Scope(only_reviewed=True)))
    assert "nothing to export" in str(nothing.error)


def test_files_are_numbered_skipped_or_asked_about(
    session: ProjectSession, tmp_path: Path, workspace: Workspace
) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "labels.csv").write_text("mine")
    numbered = look(session, ExportWish(target, FileFormat.CSV))
    assert numbered.folders == (FolderCount("labels (2).csv", new=1),)
    skipped = look(session, ExportWish(target, FileFormat.CSV, on_conflict=OnConflict.SKIP))
    assert not skipped.has_work
    wish = ExportWish(target, FileFormat.CSV, on_conflict=OnConflict.ASK)
    assert look(session, wish).n_undecided == 1

    def run(wish: ExportWish) -> list[str]:
        snapshot = snapshot_of(session)
        job = FileExportJob(wish, snapshot, session.history, "p", workspace.thumbnails)
        return [path.name for path in job.run(ignore_events, CancelToken()).files]

    with pytest.raises(InputError, match="nothing is decided"):
        run(wish)
    decided = ExportWish(
        target,
        FileFormat.CSV,
        on_conflict=OnConflict.ASK,
        choices={b"labels.csv": OnConflict.NUMBER},
    )
    assert look(session, decided).n_undecided == 0
    assert run(decided) == ["labels (2).csv"]
    assert (target / "labels.csv").read_text() == "mine"
    assert run(ExportWish(target, FileFormat.HTML)) == ["contact-sheet.html"]


def test_keywords_are_planned_as_they_are_written(
    session: ProjectSession, tmp_path: Path, photos: Path
) -> None:
    named = len(session.clustering.members(min(session.clustering.clusters)))
    for wish in (
        ExportWish(tmp_path / "xmp", KeywordFormat.XMP),
        ExportWish(tmp_path, KeywordFormat.XMP, sidecars=SidecarNames.FULL, beside=True),
    ):
        outlook = look(session, wish)
        assert outlook.count(Action.COPY) == named
        assert f"{12 - named} images are in clusters without a name" in outlook.notes[0]
        result = KeywordExportJob(wish, snapshot_of(session)).run(ignore_events, CancelToken())
        assert (result.n_images, result.n_written, result.left) == (named, named, ())
        again = look(session, wish)
        assert (again.count(Action.COPY), again.count(Action.UPDATE)) == (0, named)
    assert len(list(photos.rglob("*.xmp"))) == named
    assert len(list((tmp_path / "xmp").rglob("*.xmp"))) == named


def test_a_snapshot_of_nothing_has_nothing_to_do(tmp_path: Path, photos: Path) -> None:
    empty = create_project(tmp_path / "empty.dclust", [photos])
    outlook = look(empty, ExportWish(tmp_path / "out"))
    empty.close()
    assert outlook.error is None
    assert (outlook.has_work, outlook.folders) == (False, ())


def test_hugging_face_gets_its_table(session: ProjectSession, tmp_path: Path) -> None:
    outlook = look(session, ExportWish(tmp_path / "out", TreeFormat.HUGGINGFACE))
    assert outlook.plan is not None
    job = TreeExportJob(outlook.plan, TreeFormat.HUGGINGFACE, snapshot_of(session))
    job.run(ignore_events, CancelToken())
    assert (tmp_path / "out" / "metadata.csv").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8")
def test_the_table_of_hugging_face_names_files_that_a_loader_finds(
    tmp_path: Path, photos: Path, workspace: Workspace
) -> None:
    first = next(path for path in sorted(photos.rglob("*")) if path.is_file())
    first.rename(Path(os.fsdecode(os.fsencode(photos) + b"/bad\xff.png")))
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    snapshot, target = snapshot_of(opened), tmp_path / "out"
    outlook = look(opened, ExportWish(target, TreeFormat.HUGGINGFACE))
    assert outlook.plan is not None
    TreeExportJob(outlook.plan, TreeFormat.HUGGINGFACE, snapshot).run(ignore_events, CancelToken())
    assert len(list(target.rglob("image-*"))) == 11
    min(target.rglob("image-*")).unlink()
    write_metadata(target, snapshot)
    opened.close()
    with (target / "metadata.csv").open(encoding="utf-8", newline="") as file:
        names = [row["file_name"] for row in csv.DictReader(file)]
    assert len(names) == 10
    assert all((target / name).is_file() for name in names)

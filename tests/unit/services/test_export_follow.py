"""A project follows its files into a moved export, and back."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.images import absolute_path
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.export import run_export
from dclust_gui.services.export_follow import (
    follow_export,
    follow_undo,
    record_move,
    returned_files,
)
from dclust_gui.services.export_plan import (
    Action,
    ExportMode,
    ExportPlan,
    ExportRequest,
    export_items,
    plan_export,
)
from dclust_gui.services.export_undo import plan_undo, run_undo
from dclust_gui.services.opening import create_project, open_project
from dclust_gui.services.runs import add_images, run_in_project
from dclust_gui.storage.export_journal import JOURNAL_NAME, TEMPORARY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="compares POSIX paths")


@pytest.fixture
def session(tmp_path: Path, photos: Path, workspace: Workspace) -> Iterator[ProjectSession]:
    """A clustered project of twelve images, one with a side file."""
    leader = next(path for path in sorted(photos.rglob("*")) if path.is_file())
    leader.with_suffix(".xmp").write_text("<x/>")
    opened = create_project(tmp_path / "p.dclust", [photos])
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(opened, workspace.engine, request, ignore_events, CancelToken())
    yield opened
    opened.close()


def plan(session: ProjectSession, target: Path) -> ExportPlan:
    items = export_items(session.images, session.clustering)
    request = ExportRequest(target, ExportMode.MOVE, project=session.path)
    return plan_export(items, session.roots, request)


def move(session: ProjectSession, target: Path) -> int:
    result = run_export(plan(session, target), ignore_events, CancelToken())
    assert result.failed == ()
    return follow_export(session, target, result.places)


def paths(session: ProjectSession) -> list[Path]:
    return [absolute_path(session.roots[r.root], r.relative) for r in session.images]


def test_the_project_follows_a_move_and_its_undo(
    session: ProjectSession, tmp_path: Path, photos: Path
) -> None:
    before = paths(session)
    labels = session.clustering.labels.tolist()
    target = tmp_path / "sorted"
    assert move(session, target) == 12
    assert all(path.is_file() and path.is_relative_to(target) for path in paths(session))
    assert [c.relative for r in session.images for c in r.companions]
    assert not [path for path in photos.rglob("*") if path.is_file()]
    assert session.clustering.labels.tolist() == labels
    undo = plan_undo(target)
    assert undo.projects == (session.path,)
    result = run_undo(undo, ignore_events, CancelToken())
    assert result.is_complete
    assert follow_undo(session, result.returned) == 12
    assert paths(session) == before
    assert all(path.is_file() for path in before)


def test_a_moved_project_is_brought_up_to_date_inside_the_export(
    session: ProjectSession, tmp_path: Path
) -> None:
    before = paths(session)
    target = tmp_path / "sorted"
    move(session, target)
    first, second = sorted(session.clustering.clusters)[:2]
    there = session.clustering.members(second).tolist()
    session.move(session.clustering.members(first).tolist(), second)
    session.move(there, first)  # a swap: names of one folder are taken by those of the other
    again = plan(session, target)
    assert {step.action for step in again.steps} == {Action.RENAME, Action.KEEP}
    assert move(session, target) > 0
    assert all(path.is_file() for path in paths(session))
    assert {step.action for step in plan(session, target).steps} == {Action.KEEP}
    result = run_undo(plan_undo(target), ignore_events, CancelToken())
    assert result.is_complete
    follow_undo(session, result.returned)
    assert paths(session) == before


def test_after_a_crash_the_project_finds_what_was_moved(
    session: ProjectSession, tmp_path: Path, workspace: Workspace
) -> None:
    target = tmp_path / "sorted"
    run_export(plan(session, target), ignore_events, CancelToken())  # nobody followed
    assert follow_export(session, target) == 12
    assert follow_export(session, target) == 0
    assert all(path.is_file() for path in paths(session))
    request = RunRequest(session.roots, RunSettings(k=3))
    add_images(session, workspace.engine, request, ignore_events, CancelToken())
    assert len(session.images) == 12
    assert not any(record.is_missing for record in session.images)


def test_a_followed_move_is_there_after_opening_again(
    session: ProjectSession, tmp_path: Path
) -> None:
    target = tmp_path / "sorted"
    move(session, target)
    found, place = paths(session), session.path
    session.close()
    again = open_project(place)
    assert paths(again) == found
    again.close()


def test_a_move_by_another_way_to_the_same_folder_is_up_to_date(
    session: ProjectSession, tmp_path: Path
) -> None:
    target = tmp_path / "sorted"
    move(session, target)
    (tmp_path / "link").symlink_to(target)
    assert {s.action for s in plan(session, tmp_path / "link").steps} == {Action.KEEP}
    assert os.path.samefile(target, tmp_path / "link")  # noqa: PTH121


def test_after_an_undo_the_folder_that_is_gone_is_no_folder_of_the_project(
    session: ProjectSession, tmp_path: Path, photos: Path, workspace: Workspace
) -> None:
    target = tmp_path / "sorted"
    move(session, target)
    assert list(session.roots) == [photos, target]
    result = run_undo(plan_undo(target), ignore_events, CancelToken())
    follow_undo(session, result.returned)
    assert list(session.roots) == [photos]
    request = RunRequest(session.roots, RunSettings(k=3))
    add_images(session, workspace.engine, request, ignore_events, CancelToken())
    assert not any(record.is_missing for record in session.images)
    place = session.path
    session.close()
    again = open_project(place)
    assert list(again.roots) == [photos]
    again.close()


def test_an_undo_that_was_stopped_half_way_is_followed_as_far_as_it_came(
    session: ProjectSession, tmp_path: Path, photos: Path
) -> None:
    target = tmp_path / "sorted"
    move(session, target)
    undo = plan_undo(target)

    class Stopping(CancelToken):
        def checkpoint(self) -> None:
            if sum(path.is_file() for path in photos.rglob("*")) >= 3:
                self.cancel()
            super().checkpoint()

    with pytest.raises(Cancelled):
        run_undo(undo, ignore_events, Stopping())
    assert follow_undo(session, returned_files(undo)) > 0
    assert list(session.roots) == [photos, target]
    assert all(path.is_file() for path in paths(session))
    rest = plan_undo(target)
    run_undo(rest, ignore_events, CancelToken())
    follow_undo(session, returned_files(rest))
    assert list(session.roots) == [photos]
    assert all(path.is_file() for path in paths(session))


def test_the_emptied_folder_of_the_originals_may_be_removed(
    session: ProjectSession, tmp_path: Path, photos: Path, workspace: Workspace
) -> None:
    target = tmp_path / "sorted"
    move(session, target)
    assert list(session.scanned_roots) == [photos, target]
    for folder in sorted(photos.rglob("*"), reverse=True):
        folder.rmdir()
    photos.rmdir()
    assert list(session.scanned_roots) == [target]
    request = RunRequest(session.roots, RunSettings(k=3))
    add_images(session, workspace.engine, request, ignore_events, CancelToken())
    assert not any(record.is_missing for record in session.images)
    result = run_undo(plan_undo(target), ignore_events, CancelToken())
    follow_undo(session, result.returned)
    assert all(path.is_file() and path.is_relative_to(photos) for path in paths(session))


def test_what_a_scan_has_learned_meanwhile_is_kept_where_files_have_moved(
    session: ProjectSession, tmp_path: Path
) -> None:
    target = tmp_path / "sorted"
    run_export(plan(session, target), ignore_events, CancelToken())
    following = record_move(session.store, session.images, target)
    assert following.onto(session.images) is following.images
    gone = tuple(replace(record, is_missing=True) for record in session.images)
    later = (*gone, replace(session.images[0], relative=b"new.png"))
    found = following.onto(later)
    assert len(found) == 13
    assert found[12].relative == b"new.png"
    places = [(r.root, r.relative, r.companions, r.is_missing) for r in found[:12]]
    assert places == [(r.root, r.relative, r.companions, False) for r in following.images]


def test_an_undo_after_a_relink_is_followed_to_where_the_files_are(
    session: ProjectSession, tmp_path: Path, photos: Path, workspace: Workspace
) -> None:
    target, elsewhere = tmp_path / "sorted", tmp_path / "moved away"
    move(session, target)
    photos.rename(elsewhere)
    session.store.relink_root(0, elsewhere)
    result = run_undo(plan_undo(target), ignore_events, CancelToken())
    follow_undo(session, result.returned)
    assert all(path.is_file() and path.is_relative_to(photos) for path in paths(session))
    assert list(session.roots) == [elsewhere, photos]
    request = RunRequest(session.roots, RunSettings(k=3))
    add_images(session, workspace.engine, request, ignore_events, CancelToken())
    assert len(session.images) == 12
    assert not any(record.is_missing for record in session.images)


def test_a_move_that_was_moved_on_is_undone_step_by_step(
    session: ProjectSession, tmp_path: Path, photos: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    move(session, first)
    move(session, second)
    early = run_undo(plan_undo(first), ignore_events, CancelToken())
    assert len(early.left) == 13
    assert not early.is_complete
    for target in (second, first):
        result = run_undo(plan_undo(target), ignore_events, CancelToken())
        assert result.is_complete
        follow_undo(session, result.returned)
    assert all(path.is_file() and path.is_relative_to(photos) for path in paths(session))


@pytest.mark.parametrize("mode", [ExportMode.COPY, ExportMode.SYMLINK, ExportMode.HARDLINK])
def test_an_export_stays_up_to_date_where_originals_move_and_come_back(
    session: ProjectSession, tmp_path: Path, mode: ExportMode
) -> None:
    copies, target = tmp_path / "copies", tmp_path / "sorted"

    def export() -> int:
        items = export_items(session.images, session.clustering)
        wanted = plan_export(items, session.roots, ExportRequest(copies, mode))
        return run_export(wanted, ignore_events, CancelToken()).copied

    def pictures() -> list[bool]:
        return [path.is_file() for path in sorted(copies.rglob("image-*"))]

    assert export() == 13
    move(session, target)
    assert export() == 0
    assert pictures() == [True] * 13
    returned = run_undo(plan_undo(target), ignore_events, CancelToken()).returned
    follow_undo(session, returned)
    assert export() == 0
    assert pictures() == [True] * 13
    assert run_undo(plan_undo(copies), ignore_events, CancelToken()).is_complete
    assert not copies.exists()


def test_an_undo_that_was_killed_is_followed_by_the_next_one_whole(
    session: ProjectSession, tmp_path: Path, photos: Path
) -> None:
    target = tmp_path / "sorted"
    move(session, target)
    undo = plan_undo(target)
    name = f"{TEMPORARY_PREFIX}0123"

    class Killed(CancelToken):
        def checkpoint(self) -> None:
            if sum(path.is_file() for path in photos.rglob("*")) >= 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_undo(undo, ignore_events, Killed())
    journal = target / JOURNAL_NAME
    begun = json.dumps({"op": "begin", "temporary": name, "mode": "move", "time": ""})
    journal.write_text(journal.read_text() + begun + "\n")
    rest = plan_undo(target)
    for step in rest.steps:
        half = Path(os.fsdecode(step.file.source)).with_name(name)
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_text("half")
    run_undo(rest, ignore_events, CancelToken())
    follow_undo(session, returned_files(rest))
    assert list(session.roots) == [photos]
    assert all(path.is_file() for path in paths(session))
    assert not list(photos.rglob(name))

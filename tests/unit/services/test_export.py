"""Exporting clusters as folders: first, again, after a crash, beside other people's files."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.events import Event, ImageSkipped, Stage, StageProgressed
from dclust_gui.domain.images import ImageFacts, ImageStatus
from dclust_gui.engine.scan import scan
from dclust_gui.services import export_copies
from dclust_gui.services.export import ExportResult, run_export
from dclust_gui.services.export_plan import (
    Action,
    ExportRequest,
    OnConflict,
    export_items,
    plan_export,
)
from dclust_gui.storage import verified_copy
from dclust_gui.storage.export_journal import (
    JOURNAL_NAME,
    JOURNAL_VERSION,
    ExportJournal,
    read_journal,
)

if TYPE_CHECKING:
    from tests.unit.services.conftest import World

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file names or links")


def test_each_cluster_becomes_a_folder_and_originals_stay_as_they_are(world: World) -> None:
    for name in ("a.jpg", "sub/b.jpg", "c.jpg", "d.jpg"):
        world.add(name)
    before = world.originals()
    result = world.export({"a.jpg": "Beach", "sub/b.jpg": "Beach", "c.jpg": "Cluster 01"})
    assert world.files() == {
        "Beach/a.jpg": "content of a.jpg",
        "Beach/b.jpg": "content of sub/b.jpg",
        "Cluster 01/c.jpg": "content of c.jpg",
        "Unassigned/d.jpg": "content of d.jpg",
    }
    assert result == ExportResult(copied=4)
    assert world.originals() == before
    assert (world.target / "Beach" / "a.jpg").stat().st_mtime == 1_000_000_000
    assert (world.target / JOURNAL_NAME).is_file()


def test_planning_changes_nothing(world: World) -> None:
    world.add("a.jpg", "12345")
    plan = world.plan({"a.jpg": "Beach"})
    assert not world.target.exists()
    assert [(s.action, s.destination, s.size) for s in plan.steps] == [
        (Action.COPY, b"Beach/a.jpg", 5)
    ]
    assert plan.copied_bytes == 5
    assert plan.free_bytes > 0


def test_unassigned_and_other_clusters_can_be_left_out(world: World) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        world.add(name)
    clusters = {"a.jpg": "A", "b.jpg": "B"}
    world.export(clusters, include_unassigned=False, only={2})
    assert list(world.files()) == ["B/b.jpg"]


def test_equal_names_in_one_cluster_are_numbered_also_where_only_case_differs(
    world: World,
) -> None:
    for name in ("1/a.jpg", "2/a.jpg", "3/A.JPG", "4/caf\u00e9.jpg", "5/cafe\u0301.jpg"):
        world.add(name)
    everything = {os.fsdecode(item.image.relative): "All" for item in world.items({})}
    world.export(everything)
    assert sorted(world.files()) == sorted(
        [
            "All/a.jpg",
            "All/a (2).jpg",
            "All/A (3).JPG",
            "All/caf\u00e9.jpg",
            "All/cafe\u0301 (2).jpg",
        ]
    )


def test_files_of_a_unit_stay_together_and_keep_equal_stems(world: World) -> None:
    for folder in ("1", "2"):
        for name in ("a.jpg", "a.NEF", "a.NEF.xmp", "a.xmp"):
            world.add(f"{folder}/{name}")
    world.export({"1/a.jpg": "X", "2/a.jpg": "X"})
    assert sorted(world.files()) == sorted(
        [
            "X/a.jpg",
            "X/a.NEF",
            "X/a.NEF.xmp",
            "X/a.xmp",
            "X/a (2).jpg",
            "X/a (2).NEF",
            "X/a (2).NEF.xmp",
            "X/a (2).xmp",
        ]
    )
    assert world.files()["X/a (2).NEF.xmp"] == "content of 2/a.NEF.xmp"


def test_a_conflict_of_a_side_file_numbers_the_whole_unit(world: World) -> None:
    world.add("a.jpg")
    world.add("a.xmp")
    (world.target / "X").mkdir(parents=True)
    (world.target / "X" / "A.XMP").write_text("somebody's")
    world.export({"a.jpg": "X"})
    assert sorted(world.files()) == ["X/A.XMP", "X/a (2).jpg", "X/a (2).xmp"]
    assert world.files()["X/A.XMP"] == "somebody's"


def test_a_taken_name_can_be_skipped(world: World) -> None:
    world.add("a.jpg")
    world.add("b.jpg")
    (world.target / "X").mkdir(parents=True)
    (world.target / "X" / "a.jpg").write_text("somebody's")
    plan = world.plan({"a.jpg": "X", "b.jpg": "X"}, on_conflict=OnConflict.SKIP)
    assert [skipped.source.name for skipped in plan.skipped] == ["a.jpg"]
    assert any("1 image will be left out" in warning for warning in plan.warnings)
    result = run_export(plan, ignore_events, CancelToken())
    assert result == ExportResult(copied=1, skipped=1)
    assert world.files() == {"X/a.jpg": "somebody's", "X/b.jpg": "content of b.jpg"}


def test_exporting_again_changes_nothing(world: World) -> None:
    for name in ("1/a.jpg", "2/a.jpg", "b.jpg", "b.nef"):
        world.add(name)
    clusters = {"1/a.jpg": "X", "2/a.jpg": "X", "b.jpg": "Y"}
    world.export(clusters)
    before = {path: path.stat().st_ino for path in world.target.rglob("*")}
    result = world.export(clusters)
    assert result == ExportResult(kept=4)
    assert {path: path.stat().st_ino for path in world.target.rglob("*")} == before


def test_ours_move_inside_the_export_when_their_cluster_changes(world: World) -> None:
    for name in ("a.jpg", "a.xmp", "b.jpg", "c.jpg"):
        world.add(name)
    world.export({"a.jpg": "X", "b.jpg": "X", "c.jpg": "Y"})
    inode = (world.target / "X" / "a.jpg").stat().st_ino
    result = world.export({"a.jpg": "Y", "b.jpg": "X"})
    assert result == ExportResult(kept=1, moved=3)
    assert list(world.files()) == ["Unassigned/c.jpg", "X/b.jpg", "Y/a.jpg", "Y/a.xmp"]
    assert (world.target / "Y" / "a.jpg").stat().st_ino == inode


def test_a_renamed_cluster_moves_its_files_and_leaves_no_empty_folder(world: World) -> None:
    world.add("a.jpg")
    world.export({"a.jpg": "Cluster 01"})
    world.export({"a.jpg": "Beach"})
    assert [path.name for path in world.target.iterdir() if path.is_dir()] == ["Beach"]


def test_a_letter_case_change_of_a_cluster_keeps_its_folder(world: World) -> None:
    world.add("a.jpg")
    world.add("b.jpg")
    world.export({"a.jpg": "beach"})
    world.export({"a.jpg": "Beach", "b.jpg": "Beach"})
    assert list(world.files()) == ["beach/a.jpg", "beach/b.jpg"]


def test_images_of_one_name_can_swap_their_clusters(world: World) -> None:
    for folder in ("1", "2", "3"):
        world.add(f"{folder}/a.jpg")
    world.export({"1/a.jpg": "X", "2/a.jpg": "Y", "3/a.jpg": "Z"})
    result = world.export({"1/a.jpg": "Y", "2/a.jpg": "Z", "3/a.jpg": "X"})
    assert world.files() == {
        "X/a.jpg": "content of 3/a.jpg",
        "Y/a.jpg": "content of 1/a.jpg",
        "Z/a.jpg": "content of 2/a.jpg",
    }
    assert result.moved == 3
    assert world.export({"1/a.jpg": "Y", "2/a.jpg": "Z", "3/a.jpg": "X"}).kept == 3


def test_a_chain_of_moves_needs_no_numbers(world: World) -> None:
    for folder in ("1", "2"):
        world.add(f"{folder}/a.jpg")
    world.export({"1/a.jpg": "X", "2/a.jpg": "Y"})
    world.export({"1/a.jpg": "Y", "2/a.jpg": "Z"})
    assert world.files() == {
        "Y/a.jpg": "content of 1/a.jpg",
        "Z/a.jpg": "content of 2/a.jpg",
    }


def test_a_new_side_file_joins_its_numbered_unit(world: World) -> None:
    world.add("1/a.jpg")
    world.add("2/a.jpg")
    clusters = {"1/a.jpg": "X", "2/a.jpg": "X"}
    world.export(clusters)
    world.add("2/a.xmp")
    world.export(clusters)
    assert list(world.files()) == ["X/a (2).jpg", "X/a (2).xmp", "X/a.jpg"]


def test_a_changed_original_updates_our_copy(world: World) -> None:
    world.add("a.jpg")
    world.add("a.xmp", "stars: 1")
    world.export({"a.jpg": "X"})
    world.add("a.xmp", "stars: 5", mtime=1_000_000_100)
    assert world.plan({"a.jpg": "X"}).count(Action.UPDATE) == 1
    assert world.export({"a.jpg": "X"}) == ExportResult(updated=1, kept=1)
    assert world.files()["X/a.xmp"] == "stars: 5"


def test_an_original_that_changed_and_moved_does_both(world: World) -> None:
    world.add("a.jpg", "old")
    world.export({"a.jpg": "X"})
    world.add("a.jpg", "new!", mtime=1_000_000_100)
    result = world.export({"a.jpg": "Y"})
    assert (result.moved, result.updated, result.failed) == (1, 1, ())
    assert world.files() == {"Y/a.jpg": "new!"}
    assert world.export({"a.jpg": "Y"}) == ExportResult(kept=1)


def test_a_copy_that_was_changed_by_hand_is_never_touched(world: World) -> None:
    world.add("a.jpg")
    world.add("b.jpg")
    world.export({"a.jpg": "X", "b.jpg": "X"})
    (world.target / "X" / "a.jpg").write_text("retouched by hand")
    world.add("b.jpg", "new content", mtime=1_000_000_100)
    same = world.plan({"a.jpg": "X", "b.jpg": "X"})
    assert any("1 file in the export was changed by hand" in text for text in same.warnings)
    run_export(same, ignore_events, CancelToken())
    assert world.files() == {"X/a.jpg": "retouched by hand", "X/b.jpg": "new content"}
    world.export({"a.jpg": "Y", "b.jpg": "X"})
    assert world.files()["X/a.jpg"] == "retouched by hand"
    assert world.files()["Y/a.jpg"] == "content of a.jpg"


def test_a_copy_changed_between_plan_and_export_is_not_replaced(world: World) -> None:
    world.add("a.jpg", "old")
    world.export({"a.jpg": "X"})
    world.add("a.jpg", "new", mtime=1_000_000_100)
    plan = world.plan({"a.jpg": "X"})
    copy = world.target / "X" / "a.jpg"
    copy.write_text("own")
    result = run_export(plan, ignore_events, CancelToken())
    assert copy.read_text() == "own"
    assert "changed by hand" in result.failed[0][1]
    assert list(world.files()) == ["X/a.jpg"]


def test_a_copy_whose_time_alone_changed_is_still_ours(world: World) -> None:
    world.add("a.jpg")
    world.export({"a.jpg": "X"})
    os.utime(world.target / "X" / "a.jpg", (5, 5))
    assert world.export({"a.jpg": "Y"}).moved == 1


def test_files_that_a_person_added_stay(world: World) -> None:
    world.add("a.jpg")
    world.export({"a.jpg": "X"})
    (world.target / "X" / "mine.txt").write_text("mine")
    (world.target / "X" / ".dclust-part-mine").write_text("mine")
    world.export({"a.jpg": "Y"})
    assert list(world.files()) == ["X/.dclust-part-mine", "X/mine.txt", "Y/a.jpg"]


def test_a_deleted_copy_is_made_again(world: World) -> None:
    world.add("a.jpg")
    world.export({"a.jpg": "X"})
    (world.target / "X" / "a.jpg").unlink()
    assert world.export({"a.jpg": "X"}).copied == 1


def test_copies_follow_their_image_out_of_a_cluster_that_is_exported_alone(world: World) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        world.add(name)
    world.export({"a.jpg": "A", "b.jpg": "A", "c.jpg": "B"}, only={1})
    world.export({"a.jpg": "A", "b.jpg": "B", "c.jpg": "B"}, only={1})
    assert list(world.files()) == ["A/a.jpg", "B/b.jpg"]


def test_copies_stay_where_the_original_is_gone(world: World) -> None:
    world.add("a.jpg")
    world.add("b.jpg")
    world.export({"a.jpg": "X", "b.jpg": "X"})
    items = world.items({"a.jpg": "Y", "b.jpg": "Y"})
    (world.root / "a.jpg").unlink()
    plan = plan_export(items, [world.root], ExportRequest(world.target))
    assert run_export(plan, ignore_events, CancelToken()) == ExportResult(moved=2)
    assert list(world.files()) == ["Y/a.jpg", "Y/b.jpg"]


def test_a_moved_collection_finds_its_copies_again(world: World) -> None:
    for name in ("1/a.jpg", "1/a.xmp", "2/a.jpg"):
        world.add(name, "same" if name.endswith("jpg") else None)
    world.export({"1/a.jpg": "X", "2/a.jpg": "Y"})
    world.root = world.root.rename(world.root.with_name("moved"))
    result = world.export({"1/a.jpg": "X", "2/a.jpg": "Y"})
    assert result == ExportResult(kept=3)
    assert world.export({"1/a.jpg": "X", "2/a.jpg": "Y"}) == ExportResult(kept=3)
    assert list(world.files()) == ["X/a.jpg", "X/a.xmp", "Y/a.jpg"]


def test_unreadable_and_missing_images_are_left_out_and_counted(world: World) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        world.add(name)
    items = world.items({"a.jpg": "X", "b.jpg": "X", "c.jpg": "X"})
    bad = ImageFacts(ImageStatus.UNREADABLE, "The file is empty.")
    items[0] = replace(items[0], image=replace(items[0].image, facts=bad))
    (world.root / "b.jpg").unlink()
    plan = plan_export(items, [world.root], ExportRequest(world.target))
    assert [step.destination for step in plan.steps] == [b"X/c.jpg"]
    assert list(plan.warnings) == [
        "1 image could not be read and will be left out.",
        "1 file cannot be found and will be left out.",
    ]
    result = run_export(plan, ignore_events, CancelToken())
    assert [path.name for path, _ in result.failed] == ["b.jpg"]


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="the file system refuses such names")
def test_names_that_are_no_utf8_and_very_long_names_survive(world: World) -> None:
    raw = [b"1/caf\xe9.jpg", b"2/caf\xe9.jpg", b"1/" + b"n" * 250 + b".jpg"]
    raw.append(b"2/" + b"n" * 250 + b".jpg")
    for name in raw:
        world.add(os.fsdecode(name))
    result = world.export({os.fsdecode(name): "X" for name in raw})
    names = sorted(os.fsencode(path.name) for path in (world.target / "X").iterdir())
    assert names == sorted(
        [b"caf\xe9.jpg", b"caf\xe9 (2).jpg", b"n" * 250 + b".jpg", b"n" * 247 + b" (2).jpg"]
    )
    assert result == ExportResult(copied=4)
    assert world.export({os.fsdecode(name): "X" for name in raw}) == ExportResult(kept=4)


def test_clusters_whose_names_meet_on_the_disk_get_folders_of_their_own(world: World) -> None:
    titles = ["Beach", "beach", "a/b", "a:b", "CON", "Unassigned", "..", "x" * 400, "end. "]
    for i in range(len(titles)):
        world.add(f"{i}.jpg")
    world.add("rest.jpg")
    images = [item.image for item in world.items({})]
    clusters = {i + 1: Cluster(i + 1, title) for i, title in enumerate(titles)}
    labels = [*range(1, len(titles) + 1), UNASSIGNED]
    import numpy as np

    state = Clustering(
        np.array(labels, np.int32), np.zeros(len(labels), np.uint8), clusters, len(labels)
    )
    plan = plan_export(export_items(images, state), [world.root], ExportRequest(world.target))
    run_export(plan, ignore_events, CancelToken())
    assert sorted(world.files()) == sorted(
        [
            "Beach/0.jpg",
            "beach (2)/1.jpg",
            "a_b/2.jpg",
            "a_b (2)/3.jpg",
            "CON_/4.jpg",
            "Unassigned (2)/5.jpg",
            "_/6.jpg",
            "x" * 150 + "/7.jpg",
            "end/8.jpg",
            "Unassigned/rest.jpg",
        ]
    )


def test_a_target_inside_or_around_the_originals_is_refused(world: World) -> None:
    world.add("a.jpg")
    for target in (world.root, world.root / "sub" / "sorted", world.root.parent):
        world.target = target
        with pytest.raises(InputError, match="originals"):
            world.plan({})
    assert list(world.originals()) == [world.root / "a.jpg"]


@posix
def test_a_link_into_the_originals_is_seen_through(world: World) -> None:
    world.add("sub/a.jpg")
    world.target.symlink_to(world.root / "sub")
    with pytest.raises(InputError, match="inside"):
        world.plan({})


@posix
def test_a_cluster_folder_that_is_a_link_is_not_written_through(world: World) -> None:
    world.add("a.jpg")
    world.target.mkdir()
    (world.target / "X").symlink_to(world.root)
    world.export({"a.jpg": "X"})
    assert (world.target / "X (2)" / "a.jpg").is_file()
    assert list(world.originals()) == [world.root / "a.jpg"]


def test_a_file_as_target_is_refused(world: World) -> None:
    world.target.write_text("a file")
    with pytest.raises(InputError, match="It is a file"):
        world.plan({})


def test_too_little_space_is_refused_before_anything_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("a.jpg")
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(InputError, match="10 are free"):
        world.plan({"a.jpg": "X"})
    assert not world.target.exists()


def test_a_folder_that_is_not_empty_is_only_added_to(world: World) -> None:
    world.add("a.jpg")
    world.target.mkdir()
    (world.target / "notes.txt").write_text("mine")
    plan = world.plan({"a.jpg": "X"})
    assert any("not empty" in warning for warning in plan.warnings)
    run_export(plan, ignore_events, CancelToken())
    assert world.files() == {"X/a.jpg": "content of a.jpg", "notes.txt": "mine"}


def test_a_full_disk_stops_and_keeps_what_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5):
        world.add(f"{i}.jpg")
    clusters = {f"{i}.jpg": "X" for i in range(5)}
    real = verified_copy.write_copy

    def fill(source: str, temporary: str, *more: Any, **options: Any) -> verified_copy.WrittenCopy:
        if source.endswith("3.jpg"):
            Path(temporary).write_bytes(b"part")
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(source, temporary, *more, **options)

    monkeypatch.setattr(export_copies, "write_copy", fill)
    result = world.export(clusters)
    assert (result.copied, "full" in result.stopped) == (3, True)
    assert list(world.files()) == ["X/0.jpg", "X/1.jpg", "X/2.jpg"]
    monkeypatch.undo()
    assert world.export(clusters) == ExportResult(copied=2, kept=3)


def test_one_file_that_fails_does_not_end_the_export(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        world.add(name)
    plan = world.plan({"a.jpg": "X", "b.jpg": "X", "c.jpg": "X"})
    (world.root / "b.jpg").unlink()
    (world.root / "a.jpg").unlink()
    (world.root / "a.jpg").mkdir()
    events: list[Event] = []
    result = run_export(plan, events.append, CancelToken())
    assert {path.name: reason for path, reason in result.failed} == {
        "a.jpg": "It is not a regular file any more.",
        "b.jpg": "The original is not there any more.",
    }
    assert list(world.files()) == ["X/c.jpg"]
    assert sum(isinstance(event, ImageSkipped) for event in events) == 2
    last = [event for event in events if isinstance(event, StageProgressed)][-1]
    assert (last.stage, last.done, last.total) == (Stage.EXPORT, 3, 3)


def test_a_name_taken_between_plan_and_export_is_not_overwritten(world: World) -> None:
    world.add("a.jpg")
    plan = world.plan({"a.jpg": "X"})
    (world.target / "X").mkdir(parents=True)
    (world.target / "X" / "a.jpg").write_text("somebody's")
    result = run_export(plan, ignore_events, CancelToken())
    assert "took its name" in result.failed[0][1]
    assert world.files() == {"X/a.jpg": "somebody's"}
    world.export({"a.jpg": "X"})
    assert world.files()["X/a (2).jpg"] == "content of a.jpg"


def test_cancel_in_the_middle_keeps_whole_files_and_the_next_export_finishes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters = {f"{i}.jpg": "X" for i in range(6)}
    for name in clusters:
        world.add(name)
    token = CancelToken()
    real = verified_copy.content_hash
    copied: list[str] = []
    copy = verified_copy.write_copy

    def cancel_at_third(source: str, *more: Any, **options: Any) -> verified_copy.WrittenCopy:
        copied.append(source)
        if len(copied) == 3:
            token.cancel()
        return copy(source, *more, **options)

    monkeypatch.setattr(export_copies, "FILES_PER_BATCH", 2)
    monkeypatch.setattr(export_copies, "write_copy", cancel_at_third)
    with pytest.raises(Cancelled):
        run_export(world.plan(clusters), ignore_events, token)
    monkeypatch.undo()
    assert list(world.files()) == ["X/0.jpg", "X/1.jpg"]
    assert world.export(clusters) == ExportResult(copied=4, kept=2)
    assert all(real(world.target / "X" / n) == real(world.root / n) for n in clusters)


CRASH = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import ImageFacts, ImageRecord, ImageStatus
from dclust_gui.engine.scan import scan
from dclust_gui.services import export, export_copies, export_run
from dclust_gui.services.export_plan import ExportItem, ExportRequest, plan_export

root, target, where = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
title = sys.argv[5]
calls = {"n": 0}

def dies(function, at, before):
    def wrapped(*arguments, **options):
        calls["n"] += 1
        if before and calls["n"] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        if not before and calls["n"] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

if where == "before the name":
    export_run.place = dies(export_run.place, 3, True)
elif where == "after the name":
    export_run.place = dies(export_run.place, 3, False)
elif where == "between both names":
    os.link = dies(os.link, 3, False)
elif where == "while writing":
    export_copies.check_copy = dies(export_copies.check_copy, 3, True)
elif where == "placeholder":
    def refuse(*_, **__):
        raise PermissionError(1, "no hard links here")
    os.link = refuse
    os.replace = dies(os.replace, 3, True)
items = [
    ExportItem(ImageRecord(0, u.relative, u.stamp, b"", ImageFacts(ImageStatus.OK), u.companions),
               1, title)
    for u in scan([root], ignore_events, CancelToken()).units
]
export.run_export(plan_export(items, [root], ExportRequest(target)), ignore_events, CancelToken())
"""


def crash(world: World, where: str, title: str) -> None:
    checkout = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", CRASH, world.root, world.target, where, checkout, title],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@posix
@pytest.mark.parametrize(
    "where",
    ["while writing", "before the name", "between both names", "after the name", "placeholder"],
)
def test_after_a_kill_the_next_export_finishes_without_doubles(where: str, world: World) -> None:
    clusters = {f"{i}.jpg": "X" for i in range(5)}
    for name in clusters:
        world.add(name)
    (world.target).mkdir()
    (world.target / ".dclust-part-mine").write_text("mine")
    crash(world, where, "X")
    result = world.export(clusters)
    assert result.failed == ()
    assert world.files() == {
        ".dclust-part-mine": "mine",
        **{f"X/{name}": f"content of {name}" for name in clusters},
    }
    assert world.export(clusters) == ExportResult(kept=5)


@posix
@pytest.mark.parametrize(
    "where", ["before the name", "between both names", "after the name", "placeholder"]
)
@pytest.mark.parametrize("then", ["X", "Y", "Z"])
def test_after_a_kill_while_moving_inside_nothing_is_lost_or_doubled(
    where: str, then: str, world: World
) -> None:
    names = [f"{i}.jpg" for i in range(5)]
    for name in names:
        world.add(name)
    world.export(dict.fromkeys(names, "X"))
    crash(world, where, "Y")
    result = world.export(dict.fromkeys(names, then))
    assert result.failed == ()
    assert world.files() == {f"{then}/{name}": f"content of {name}" for name in names}
    assert world.export(dict.fromkeys(names, then)) == ExportResult(kept=5)


def test_drives_without_hard_links_work_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    world.add("1/a.jpg")
    world.add("2/a.jpg")
    world.export({"1/a.jpg": "X", "2/a.jpg": "Y"})
    world.export({"1/a.jpg": "Y", "2/a.jpg": "X"})
    assert world.files() == {
        "X/a.jpg": "content of 2/a.jpg",
        "Y/a.jpg": "content of 1/a.jpg",
    }


def test_two_exports_into_one_folder_do_not_meet(world: World) -> None:
    world.add("a.jpg")
    plan = world.plan({"a.jpg": "X"})
    with (
        ExportJournal(world.target),
        pytest.raises(StorageError, match="Another export into it is running"),
    ):
        run_export(plan, ignore_events, CancelToken())
    assert run_export(plan, ignore_events, CancelToken()).copied == 1


def test_the_journal_tells_what_was_done(world: World) -> None:
    path = world.add("a.jpg")
    world.export({"a.jpg": "X"})
    state = read_journal(world.target)
    assert state is not None
    done = state.finished[os.fsencode(path)]
    assert (done.destination, done.size, done.mode) == (b"X/a.jpg", path.stat().st_size, "copy")
    assert done.content == verified_copy.content_hash(path)
    assert state.started == {}
    lines = (world.target / JOURNAL_NAME).read_text().splitlines()
    assert json.loads(lines[0]) == {"dclust_export": JOURNAL_VERSION}


def test_an_export_is_not_scanned_as_originals(world: World, tmp_path: Path) -> None:
    world.add("a.jpg")
    world.export({"a.jpg": "X"})
    result = scan([tmp_path], ignore_events, CancelToken())
    assert [unit.relative for unit in result.units] == [b"photos/a.jpg"]
    assert result.ignored["our own export"] == 1


@pytest.mark.parametrize("seed", range(2))
def test_any_sequence_of_relabellings_ends_with_each_file_once_in_its_folder(
    seed: int, world: World
) -> None:
    draw = random.Random(seed)
    leaders = [f"{folder}/{name}.jpg" for folder in "123456" for name in "ab"]
    for leader in leaders:
        world.add(leader)
        if leader > "3":
            world.add(leader.replace(".jpg", ".nef"))
    clusters: dict[str, str] = {}
    for _ in range(5):
        clusters = {leader: draw.choice("XYZ") for leader in leaders if draw.random() < 0.8}
        result = world.export(clusters)
        assert result.failed == ()
        found = sorted((path.split("/")[0], text) for path, text in world.files().items())
        expected = []
        for path in world.originals():
            leader = path.relative_to(world.root).with_suffix(".jpg").as_posix()
            expected.append((clusters.get(leader, "Unassigned"), path.read_text()))
        assert found == sorted(expected)
        stems: dict[str, set[str]] = {}
        for name, text in world.files().items():
            stems.setdefault(text.rpartition(".")[0], set()).add(name.rpartition(".")[0])
        assert all(len(paths) == 1 for paths in stems.values())
    assert world.export(clusters).kept == 20

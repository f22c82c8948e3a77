"""What goes wrong while files are exported: said clearly, no loss, to be finished or undone."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import KnownError, StorageError
from dclust_gui.services import export_run, export_undo
from dclust_gui.services.export import ExportResult, run_export
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_plan import Action, ExportMode, ExportRequest, plan_export
from dclust_gui.services.export_undo import plan_undo, run_undo
from dclust_gui.storage import file_modes
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dclust_gui.services.export_plan import ExportPlan
    from tests.unit.services.conftest import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files and links")

LAYOUT = Layout(nested=True)
CLUSTERS = {f"{i % 3}/{i}.jpg": ("Birds/Gulls", "Birds", "City")[i % 3] for i in range(9)}
EXPORTED = {
    f"{cluster}/{name.rpartition('/')[2]}": f"content of {name}"
    for name, cluster in CLUSTERS.items()
}


@dataclass(frozen=True, slots=True)
class Way:
    """A mode, and whether a move goes to another drive."""

    mode: ExportMode
    other_drive: bool = False

    def __str__(self) -> str:
        return self.mode.value + (" to another drive" if self.other_drive else "")


WAYS = [*(Way(mode) for mode in ExportMode), Way(ExportMode.MOVE, other_drive=True)]


def clone(source: Path, temporary: Path) -> None:
    """In place of a reflink, which few drives of test machines can make."""
    with temporary.open("xb") as file:
        file.write(source.read_bytes())


@pytest.fixture
def full(world: World) -> World:
    """Nine originals in three clusters."""
    for name in CLUSTERS:
        world.add(name)
    return world


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Each way of exporting; another drive and reflinks are feigned."""
    assert isinstance(request.param, Way)
    if request.param.mode is ExportMode.REFLINK:
        monkeypatch.setattr(file_modes, "_clone", clone)
    if request.param.other_drive:
        monkeypatch.setattr(export_run, "is_same_device", lambda *_: False)
        monkeypatch.setattr(export_undo, "is_same_device", lambda *_: False)
    return request.param


def plan_of(world: World, way: Way) -> ExportPlan:
    return world.plan(CLUSTERS, mode=way.mode, layout=LAYOUT)


def run(plan: ExportPlan) -> ExportResult:
    return run_export(plan, ignore_events, CancelToken())


def contents(world: World) -> set[str]:
    """The content of every original, wherever it is now."""
    found = {os.fsdecode(data) for data, *_ in world.originals().values()}
    return found | set(world.files().values())


def finish(
    world: World, plan: ExportPlan, way: Way, before: dict[Path, tuple[bytes, int, int]]
) -> None:
    """Export again, which must end well; then undo all."""
    again = plan_export(world.items(CLUSTERS), [world.root], plan.request)
    assert run(again).failed == ()
    if way.mode is not ExportMode.MOVE:
        assert world.files() == EXPORTED
        assert world.originals() == before
        third = plan_of(world, way)
        assert {step.action for step in third.steps} == {Action.KEEP}
    else:
        assert set(EXPORTED.values()) <= contents(world)
    undone = run_undo(plan_undo(world.target), ignore_events, CancelToken())
    assert (undone.is_complete, undone.left) == (True, ())
    assert world.originals() == before


class Failing:
    """A call of the system that fails from the n-th time on, or that one time."""

    def __init__(self, name: str, at: int, number: int, *, lasts: bool) -> None:
        self._real = getattr(os, name)
        self._at = at
        self._number = number
        self._lasts = lasts
        self.n_calls = 0

    def __call__(self, *arguments: object, **options: object) -> object:
        self.n_calls += 1
        if self.n_calls == self._at or (self._lasts and self.n_calls > self._at):
            raise OSError(self._number, os.strerror(self._number))
        return self._real(*arguments, **options)


CALLS = ("write", "fsync", "link", "symlink", "mkdir", "open", "unlink", "utime")
ERRORS = (errno.ENOSPC, errno.EACCES, errno.EIO)
FAULTS = [
    (call, number, random.Random(f"{call} {number}").randrange(1, 9))
    for call, number in itertools.product(CALLS, ERRORS)
]


@pytest.mark.parametrize(
    ("call", "number", "at"), FAULTS, ids=[f"{c}-{errno.errorcode[n]}" for c, n, _ in FAULTS]
)
def test_after_feigned_failures_of_the_system_nothing_is_lost_and_all_can_be_finished(
    call: str, number: int, at: int, way: Way, full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = full.originals()
    plan = plan_of(full, way)
    with monkeypatch.context() as context:
        context.setattr(os, call, Failing(call, at, number, lasts=number != errno.EIO))
        with contextlib.suppress(KnownError):  # the journal itself could not be made
            result = run(plan)
            assert all(reason.endswith(".") for _, reason in result.failed)
    if call == "utime" and way.other_drive:  # a drive without times cannot bring them back
        assert set(EXPORTED.values()) <= contents(full)
        return
    if way.mode is not ExportMode.MOVE:
        assert full.originals() == before
    assert set(EXPORTED.values()) <= contents(full)
    finish(full, plan, way, before)


@pytest.mark.parametrize("call", ["write", "link"])
def test_a_feigned_full_disk_stops_at_once_and_says_so(
    call: str, full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(full, Way(ExportMode.COPY))
    with monkeypatch.context() as context:
        context.setattr(os, call, Failing(call, 6, errno.ENOSPC, lasts=True))
        result = run(plan)
    assert "full" in result.stopped or "journal" in result.stopped
    assert len(result.failed) <= 9
    assert run(plan_of(full, Way(ExportMode.COPY))).stopped == ""


# -- a real full disk, a real read-only one ----------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A drive of its own with 160 KB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=160k", "none", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small drive")
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a small drive be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


LARGE_WAYS = [Way(ExportMode.COPY), Way(ExportMode.MOVE), Way(ExportMode.SYMLINK)]


@pytest.mark.parametrize("kind", LARGE_WAYS, ids=str)
def test_a_really_full_disk_is_said_and_the_export_goes_on_when_there_is_room(
    kind: Way, world: World, small_disk: Path
) -> None:
    for name in CLUSTERS:
        world.add(name, f"content of {name}".ljust(10_000))
    world.target = small_disk / "sorted"
    before = world.originals()
    wanted = {os.fsdecode(data) for data, *_ in before.values()}
    plan = plan_of(world, kind)
    filler = small_disk / "filler"
    free = shutil.disk_usage(small_disk).free
    filler.write_bytes(bytes(free - (45_000 if kind.mode is not ExportMode.SYMLINK else 9_000)))
    try:
        result = run(plan)
    except StorageError as error:
        assert kind.mode is ExportMode.SYMLINK, error  # noqa: PT017 -- no room for the journal
    else:
        assert "full" in result.stopped or "journal" in result.stopped or not result.failed
        assert result.copied < 9 or kind.mode is ExportMode.SYMLINK
    assert wanted <= contents(world)
    if kind.mode is not ExportMode.MOVE:
        assert world.originals() == before
    filler.unlink()
    again = plan_export(world.items(CLUSTERS), [world.root], plan.request)
    assert run(again).failed == ()
    assert {text.split("/")[-1] for text in world.files()} >= {f"{i}.jpg" for i in range(9)}
    assert run_undo(plan_undo(world.target), ignore_events, CancelToken()).is_complete
    assert world.originals() == before


def test_a_really_read_only_drive_is_refused_with_a_sentence(full: World, small_disk: Path) -> None:
    full.target = small_disk / "sorted"
    plan = plan_of(full, Way(ExportMode.COPY))
    before = full.originals()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError, match=r"Read-only|Choose another folder"):
        run(plan)
    assert full.originals() == before


def test_a_drive_that_becomes_read_only_in_the_middle_is_said(
    full: World, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.target = small_disk / "sorted"
    kind = Way(ExportMode.COPY)
    plan = plan_of(full, kind)
    before = full.originals()

    def then() -> None:
        # the journal is open for writing, so the drive can only be forced
        context.setattr(os, "link", Failing("link", 1, errno.EROFS, lasts=True))

    with monkeypatch.context() as context:
        after_third_name(context, then)
        result = run(plan)
    assert result.copied == 3
    assert len(result.failed) == 6
    assert "Read-only" in result.failed[0][1]
    finish(full, plan, kind, before)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may do all")
@pytest.mark.parametrize("what", ["target", "original"])
def test_what_may_not_be_read_or_written_is_said(what: str, full: World) -> None:
    plan = plan_of(full, Way(ExportMode.COPY))
    if what == "target":
        full.target.mkdir(mode=0o500)
        with pytest.raises(StorageError, match="Permission denied"):
            run(plan)
        return
    (full.root / "0" / "0.jpg").chmod(0)
    result = run(plan)
    assert [(path.name, reason) for path, reason in result.failed] == [
        ("0.jpg", "Permission was denied.")
    ]


def test_an_original_that_is_feigned_to_be_forbidden_is_said_and_the_others_go_on(
    full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: str | Path, *arguments: int, **options: int) -> int:
        if str(path).endswith("0.jpg"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *arguments, **options)

    plan = plan_of(full, Way(ExportMode.COPY))
    with monkeypatch.context() as context:
        context.setattr(os, "open", refuse)
        result = run(plan)
    assert [(path.name, reason) for path, reason in result.failed] == [
        ("0.jpg", "Permission was denied.")
    ]
    assert result.copied == 8


# -- things that vanish or change in the middle ------------------------------------------------


def after_third_name(patch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Let something happen right after the third file of an export has its name."""
    n_calls = 0

    def wrap(name: str, module: object) -> None:
        real = getattr(module, name)

        def wrapped(*arguments: object) -> object:
            nonlocal n_calls
            found = real(*arguments)
            n_calls += 1
            if n_calls == 3:
                then()
            return found

        patch.setattr(module, name, wrapped)

    for name in ("place", "move_here", "hard_link", "symlink"):
        wrap(name, export_run)


def test_a_target_that_is_removed_in_the_middle_ends_the_export_with_one_sentence(
    way: Way, full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = full.originals()
    plan = plan_of(full, way)
    aside = full.target.with_name("aside")
    with monkeypatch.context() as context:
        after_third_name(context, lambda: (full.target.rename(aside), None)[1])
        result = run(plan)
    assert "not there any more" in result.stopped
    assert len(result.failed) == 1
    if way.mode is not ExportMode.MOVE:
        assert full.originals() == before
        assert not full.target.exists()
    aside.rename(full.target)  # the drive is connected again
    assert set(EXPORTED.values()) <= contents(full)
    finish(full, plan, way, before)


def test_originals_that_vanish_in_the_middle_are_said_and_come_later(
    way: Way, full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = full.originals()
    plan = plan_of(full, way)
    aside = full.root.with_name("aside")
    items = full.items(CLUSTERS)
    with monkeypatch.context() as context:
        after_third_name(context, lambda: (full.root.rename(aside), None)[1])
        result = run(plan)
    assert (
        all(reason == "The original is not there any more." for _, reason in result.failed)
        or way.mode is ExportMode.MOVE
    )
    assert result.stopped == ""
    if (full.root).exists():  # undoing a move may have made it anew
        shutil.rmtree(full.root)
    aside.rename(full.root)
    assert set(EXPORTED.values()) <= contents(full)
    if way.mode is not ExportMode.MOVE:
        assert full.originals() == before
    request = ExportRequest(full.target, way.mode, layout=LAYOUT)
    assert run(plan_export(items, [full.root], request)).failed == ()
    assert run_undo(plan_undo(full.target), ignore_events, CancelToken()).is_complete
    assert full.originals() == before


def test_originals_that_change_between_plan_and_export_are_taken_as_they_are(
    way: Way, full: World
) -> None:
    plan = plan_of(full, way)
    full.add("0/0.jpg", "longer than it was before", mtime=1_200_000_000)
    full.add("1/1.jpg", "Content of 1/1.jpg", mtime=1_200_000_000)
    before = full.originals()
    assert run(plan).failed == ()
    assert full.files()["Birds/Gulls/0.jpg"] == "longer than it was before"
    assert full.files()["Birds/1.jpg"] == "Content of 1/1.jpg"
    if way.mode is not ExportMode.MOVE:
        assert full.originals() == before
        assert {step.action for step in plan_of(full, way).steps} == {Action.KEEP}
    assert run_undo(plan_undo(full.target), ignore_events, CancelToken()).is_complete
    assert full.originals() == before
    assert not (full.target / JOURNAL_NAME).exists()

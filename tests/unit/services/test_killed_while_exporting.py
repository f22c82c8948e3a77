"""kill -9 while an export is under way: afterwards it is finished, or undone, without a loss."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.services.export import run_export
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_plan import Action, ExportMode
from dclust_gui.services.export_undo import plan_undo, run_undo
from dclust_gui.services.xmp.embedding import with_keywords
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from tests.unit.services.conftest import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")

LAYOUT = Layout(nested=True, keep_folders=True)
PLAIN = Layout(nested=True)
CLUSTERS = {f"{i % 3}/{i}.jpg": ("Birds/Gulls", "Birds", "City")[i % 3] for i in range(9)}

NAMES = ("0/a.jpg", "1/a.jpg", "2/a.jpg", "0/b.jpg", "1/c.jpg", "2/d.jpg")
EARLIER = dict(zip(NAMES, ("X", "Y", "Z", "X", "Old/Sea", "Y"), strict=True))
LATER = dict(zip(NAMES, ("Y", "Z", "X", "X/New", "Sea", "Y"), strict=True))
"""Three images of one name change places, two go to other clusters, one stays."""

CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.services import export, export_run
from tests.unit.services.conftest import World
from tests.unit.services.test_killed_while_exporting import CLUSTERS, LATER, LAYOUT, PLAIN

folder, mode, at, other_drive = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]
world = World.__new__(World)
world.root, world.target = folder / "photos", folder / "sorted"
calls = 0

def deadly(function):
    def wrapped(*arguments, **options):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **options)
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

embed = sys.argv[6] == "yes"
clusters, layout = (LATER, PLAIN) if sys.argv[7] == "yes" else (CLUSTERS, LAYOUT)
plan = world.plan(
    clusters, mode=export.ExportMode(mode), layout=layout, embed_keywords=embed
)
if other_drive == "yes":
    export_run.is_same_device = lambda *_: False
for name in ("link", "unlink", "replace", "rename", "mkdir", "symlink", "write", "fsync", "open",
             "utime"):
    setattr(os, name, deadly(getattr(os, name)))
export.run_export(plan, ignore_events, CancelToken())
"""


def killed(
    world: World,
    mode: ExportMode,
    at: int,
    *,
    other_drive: bool = False,
    embed: bool = False,
    later: bool = False,
) -> bool:
    """Export in another process that dies at its `at`-th call of the system; False if it ended."""
    checkout = str(Path(__file__).parents[3])
    flags = ["yes" if flag else "no" for flag in (other_drive, embed, later)]
    where = str(world.root.parent)
    command = [sys.executable, "-c", CHILD, checkout, where, mode.value, str(at), *flags]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=checkout)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def kill_once(world: World, seed: int) -> None:
    """One kill at a random moment, then the end of the export or its undoing."""
    draw = random.Random(seed)
    mode = draw.choice([ExportMode.COPY, ExportMode.MOVE, ExportMode.HARDLINK, ExportMode.SYMLINK])
    other_drive = mode is ExportMode.MOVE and draw.random() < 0.5
    contents = {f"content of {name}" for name in CLUSTERS}
    for name in CLUSTERS:
        world.add(name)
    before = world.originals()
    killed(world, mode, draw.randrange(1, 240), other_drive=other_drive)
    found = {data.decode() for data, *_ in world.originals().values()} | set(world.files().values())
    assert contents <= found
    if mode is not ExportMode.MOVE:
        assert world.originals() == before
    if draw.random() < 0.5 and (world.target / JOURNAL_NAME).exists():
        result = run_undo(plan_undo(world.target), ignore_events, CancelToken())
        assert (mode, result.is_complete, result.left) == (mode, True, ())
        assert world.originals() == before
        # at the earliest moment nothing tells yet who made the empty folder
        assert not world.target.exists() or not list(world.target.iterdir())
        return
    assert world.export(CLUSTERS, mode=mode, layout=LAYOUT).failed == ()
    names = {name: f"{CLUSTERS[name]}/{name}" for name in CLUSTERS}
    assert world.files() == {path: f"content of {name}" for name, path in names.items()}
    assert world.originals() == ({} if mode is ExportMode.MOVE else before)
    if mode is not ExportMode.MOVE:
        again = world.plan(CLUSTERS, mode=mode, layout=LAYOUT)
        assert {step.action for step in again.steps} == {Action.KEEP}
    result = run_undo(plan_undo(world.target), ignore_events, CancelToken())
    assert result.is_complete
    assert world.originals() == before


def jpeg(name: str) -> str:
    """A picture of its own for every name, as text."""
    out = io.BytesIO()
    Image.new("RGB", (9, 9), f"#{zlib.crc32(name.encode()) & 0xFFFFFF:06x}").save(out, "JPEG")
    return os.fsdecode(out.getvalue())


def kill_while_embedding(world: World, seed: int) -> None:
    """The same with the clusters' names in the copies, also where these are brought up to date."""
    draw = random.Random(seed)
    for name in CLUSTERS:
        world.add(name, jpeg(name))
    before = world.originals()
    start = draw.choice(["nothing", "without names", "other names", "other names"])
    if start != "nothing":  # what is there is then brought up to date, moved or both
        former = {n: f"Old/{c}" for n, c in CLUSTERS.items()} if start[0] == "o" else CLUSTERS
        plan = world.plan(former, layout=LAYOUT, embed_keywords=start == "other names")
        assert run_export(plan, ignore_events, CancelToken()).failed == ()
    killed(world, ExportMode.COPY, draw.randrange(1, 240), embed=True)
    assert world.originals() == before
    if draw.random() < 0.5 and (world.target / JOURNAL_NAME).exists():
        result = run_undo(plan_undo(world.target), ignore_events, CancelToken())
        assert (result.is_complete, result.left) == (True, ())
        assert not world.target.exists() or not list(world.target.iterdir())
        return
    plan = world.plan(CLUSTERS, layout=LAYOUT, embed_keywords=True)
    assert run_export(plan, ignore_events, CancelToken()).failed == ()
    expected = {
        f"{cluster}/{name}": os.fsdecode(with_keywords(os.fsencode(jpeg(name)), cluster)[0])
        for name, cluster in CLUSTERS.items()
    }
    assert world.files() == expected
    again = world.plan(CLUSTERS, layout=LAYOUT, embed_keywords=True)
    assert {step.action for step in again.steps} == {Action.KEEP}
    assert run_undo(plan_undo(world.target), ignore_events, CancelToken()).is_complete
    assert world.originals() == before


def kill_while_moving_inside(world: World, seed: int) -> None:
    """The same while copies or links are moved from cluster to cluster."""
    draw = random.Random(seed)
    mode = draw.choice([ExportMode.COPY, ExportMode.HARDLINK, ExportMode.SYMLINK])
    embed = mode is ExportMode.COPY and draw.random() < 0.6
    for name in NAMES:
        world.add(name, jpeg(name))
    before = world.originals()
    first = world.plan(EARLIER, mode=mode, layout=PLAIN, embed_keywords=embed)
    assert run_export(first, ignore_events, CancelToken()).failed == ()
    killed(world, mode, draw.randrange(1, 130), embed=embed, later=True)
    assert world.originals() == before
    if draw.random() < 0.4:
        result = run_undo(plan_undo(world.target), ignore_events, CancelToken())
        assert (mode, embed, result.is_complete, result.left) == (mode, embed, True, ())
        assert not world.target.exists()
        return
    plan = world.plan(LATER, mode=mode, layout=PLAIN, embed_keywords=embed)
    assert run_export(plan, ignore_events, CancelToken()).failed == ()
    expected = {
        f"{cluster}/{name.rpartition('/')[2]}": os.fsdecode(
            with_keywords(os.fsencode(jpeg(name)), cluster if embed else "")[0]
        )
        for name, cluster in LATER.items()
    }
    assert world.files() == expected
    again = world.plan(LATER, mode=mode, layout=PLAIN, embed_keywords=embed)
    assert {step.action for step in again.steps} == {Action.KEEP}
    assert run_undo(plan_undo(world.target), ignore_events, CancelToken()).is_complete
    assert not world.target.exists()


@pytest.mark.parametrize("seed", range(12))
def test_a_killed_export_is_finished_or_undone_without_a_loss(seed: int, world: World) -> None:
    kill_once(world, seed)


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_export_knows_its_copies_with_names_in_them(seed: int, world: World) -> None:
    kill_while_embedding(world, seed)


@pytest.mark.slow
@pytest.mark.usefixtures("only_when_asked")
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_hundred_killed_exports_lose_nothing(seed: int, world: World) -> None:
    kill_once(world, seed)


@pytest.mark.slow
@pytest.mark.usefixtures("only_when_asked")
@pytest.mark.parametrize("seed", range(100, 150))
def test_fifty_killed_exports_with_names_in_the_copies_lose_nothing(
    seed: int, world: World
) -> None:
    kill_while_embedding(world, seed)


@pytest.mark.parametrize("seed", range(8))
def test_a_kill_while_copies_and_links_are_moved_loses_and_doubles_nothing(
    seed: int, world: World
) -> None:
    kill_while_moving_inside(world, seed)


@pytest.mark.slow
@pytest.mark.usefixtures("only_when_asked")
@pytest.mark.parametrize("seed", range(100, 180))
def test_eighty_kills_while_copies_and_links_are_moved(seed: int, world: World) -> None:
    kill_while_moving_inside(world, seed)

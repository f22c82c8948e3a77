"""Finding copies in whole projects: equal files, copies of photos, hostile folders."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import ImageFacts, ImageStatus
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.collection import merge_ingest, merge_scan
from dclust_gui.services.duplicate_groups import (
    TURN_WORDS,
    DuplicateGroup,
    SharpnessMeter,
    check_threshold,
    groups_at,
)
from dclust_gui.services.duplicate_search import USUAL_THRESHOLD
from dclust_gui.services.duplicates import DuplicateJob
from dclust_gui.services.opening import create_project
from dclust_gui.services.sketching import SketchShelf
from dclust_gui.services.snapshot import Snapshot, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.domain.events import Event
    from dclust_gui.services.duplicates import DuplicateFinding
    from dclust_gui.services.workspace import Workspace

    Read = Callable[..., Snapshot]

SAMPLES = Path(__file__).parents[3] / ".." / "shared" / "data" / "clothing10"


def photo(seed: int, size: tuple[int, int] = (240, 180)) -> Image.Image:
    """Soft blobs of colour with sharp shapes, another picture for each seed."""
    random = np.random.default_rng(seed)
    soft = Image.fromarray(random.integers(0, 255, (5, 7, 3)).astype(np.uint8))
    picture = soft.resize(size, Image.Resampling.BICUBIC)
    for _ in range(8):
        x, y, w, h = (random.random(4) * (*size, size[0] / 4, size[1] / 4)).astype(int).tolist()
        picture.paste(tuple(random.integers(0, 255, 3).tolist()), (x, y, x + w + 8, y + h + 8))
    return picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of photos."""
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def read(tmp_path: Path, workspace: Workspace) -> Read:
    """Reads a folder into a new project, and gives its state."""
    number = 0

    def run(folder: Path, *, is_read: bool = True) -> Snapshot:
        nonlocal number
        number += 1
        session = create_project(tmp_path / f"{number}.dclust", [folder])
        token = CancelToken()
        found = workspace.engine.scan([folder], ignore_events, token)
        merge_scan(session, found)
        if is_read:
            request = RunRequest((folder,), RunSettings())
            merge_ingest(session, workspace.engine.ingest(found, request, ignore_events, token))
        snapshot = snapshot_of(session)
        session.close()
        return snapshot

    return run


def searched(
    workspace: Workspace,
    snapshot: Snapshot,
    *,
    exact_only: bool = False,
    with_turned: bool = False,
) -> tuple[DuplicateFinding, list[list[str]]]:
    """What is found, and the names in each group at the usual threshold."""
    job = DuplicateJob(workspace, snapshot, exact_only=exact_only, with_turned=with_turned)
    finding = job.run(ignore_events, CancelToken())
    return finding, [names(snapshot, g) for g in groups_at(finding, USUAL_THRESHOLD)]


def names(snapshot: Snapshot, group: DuplicateGroup) -> list[str]:
    return [snapshot.images[i].relative.decode() for i in group.images]


def test_equal_files_are_one_group_with_the_oldest_first(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    photo(1).save(folder / "b.jpg")
    shutil.copy(folder / "b.jpg", folder / "a.jpg")
    os.utime(folder / "b.jpg", (10**9, 10**9))
    photo(2).save(folder / "c.jpg")
    finding, groups = searched(workspace, read(folder))
    assert groups == [["b.jpg", "a.jpg"]]
    group = groups_at(finding, 1.0)[0]
    assert (group.is_exact, group.least, group.reason) == (True, 1.0, "oldest")


def test_copies_are_found_in_a_group_round_the_largest(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    one = photo(1)
    one.save(folder / "one.png")
    one.resize((120, 90)).save(folder / "half.jpg")
    one.save(folder / "bad.jpg", quality=30)
    ImageEnhance.Brightness(one).enhance(1.15).save(folder / "bright.jpg")
    one.crop((8, 6, 236, 176)).save(folder / "crop.jpg")
    for seed in (2, 3, 4):
        photo(seed).save(folder / f"other {seed}.jpg")
    shutil.copy(folder / "half.jpg", folder / "half again.jpg")
    finding, groups = searched(workspace, read(folder))
    assert len(groups) == 1
    assert groups[0][0] == "one.png"
    copies = {"half.jpg", "half again.jpg", "bad.jpg", "bright.jpg", "crop.jpg"}
    assert set(groups[0][1:]) == copies
    group = groups_at(finding, USUAL_THRESHOLD)[0]
    assert group.reason == "largest: 240 \u00d7 180, lossless PNG"
    assert not any(group.identical[1:])
    assert all(v >= USUAL_THRESHOLD for v in group.similarity)
    assert finding.n_compared == 9
    assert finding.note == ""


def test_mirrored_and_turned_copies_only_when_asked(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    photo(1).save(folder / "one.png")
    photo(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirror.jpg")
    photo(1).transpose(Image.Transpose.ROTATE_270).save(folder / "right.jpg")
    photo(2).save(folder / "other.jpg")
    snapshot = read(folder)
    assert searched(workspace, snapshot)[1] == []
    finding, groups = searched(workspace, snapshot, with_turned=True)
    assert [set(group) for group in groups] == [{"one.png", "mirror.jpg", "right.jpg"}]
    group = groups_at(finding, USUAL_THRESHOLD)[0]
    words = dict(zip(names(snapshot, group), (TURN_WORDS[t] for t in group.turns), strict=True))
    assert words == {"one.png": "", "mirror.jpg": "mirrored", "right.jpg": "turned 90° right"}


def test_exact_only_reads_no_features(folder: Path, read: Read, workspace: Workspace) -> None:
    photo(1).save(folder / "a.png")
    photo(1).save(folder / "b.jpg")
    shutil.copy(folder / "b.jpg", folder / "c.jpg")
    finding, groups = searched(workspace, read(folder), exact_only=True)
    assert [set(group) for group in groups] == [{"b.jpg", "c.jpg"}]
    assert (finding.n_compared, finding.note) == (0, "")


def test_a_project_that_was_never_read_has_its_equal_files_found(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    photo(1).save(folder / "a.jpg")
    shutil.copy(folder / "a.jpg", folder / "b.jpg")
    photo(2).save(folder / "c.jpg")
    finding, groups = searched(workspace, read(folder, is_read=False))
    assert [set(group) for group in groups] == [{"a.jpg", "b.jpg"}]
    assert "no image of this project has been read yet" in finding.note


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_images_have_no_duplicates(
    folder: Path, read: Read, workspace: Workspace, n: int
) -> None:
    for seed in range(n):
        photo(seed).save(folder / f"{seed}.jpg")
    assert searched(workspace, read(folder))[1] == []
    assert searched(workspace, read(folder), with_turned=True)[1] == []


def test_two_copies_of_one_photo_alone_in_a_folder_are_found(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    photo(1).save(folder / "a.png")
    photo(1).save(folder / "b.jpg", quality=60)
    assert searched(workspace, read(folder))[1] == [["a.png", "b.jpg"]]


def test_all_equal_files_are_one_group(folder: Path, read: Read, workspace: Workspace) -> None:
    photo(1, (64, 48)).save(folder / "000.jpg")
    for number in range(1, 300):
        shutil.copy(folder / "000.jpg", folder / f"{number:03d}.jpg")
    finding, groups = searched(workspace, read(folder))
    assert [len(group) for group in groups] == [300]
    assert len(finding.files) == 1


def test_equal_pictures_in_files_that_differ_are_one_group(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    photo(1, (64, 48)).save(folder / "000.png")
    data = (folder / "000.png").read_bytes()
    for number in range(1, 40):
        (folder / f"{number:03d}.png").write_bytes(data + number.to_bytes(2, "big"))
    groups = searched(workspace, read(folder))[1]
    assert [len(group) for group in groups] == [40]


def test_files_that_are_gone_empty_or_broken(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    photo(1).save(folder / "a.jpg")
    for name in ("b.jpg", "gone.jpg"):
        shutil.copy(folder / "a.jpg", folder / name)
    for name in ("empty 1.jpg", "empty 2.jpg"):
        (folder / name).write_bytes(b"")
    for name in ("broken 1.jpg", "broken 2.jpg"):
        (folder / name).write_bytes(b"no picture at all")
    snapshot = read(folder)
    gone = next(i for i, r in enumerate(snapshot.images) if r.relative == b"gone.jpg")
    images = list(snapshot.images)
    images[gone] = replace(images[gone], is_missing=True)
    (folder / "gone.jpg").unlink()
    finding, groups = searched(workspace, replace(snapshot, images=tuple(images)))
    assert groups[0] in (["a.jpg", "b.jpg"], ["b.jpg", "a.jpg"])
    assert {name[:6] for name in groups[1]} == {"broken"}
    assert len(groups) == 2
    assert "could not be compared" in finding.note


def test_pictures_are_compared_from_thumbnails_while_the_drive_is_away(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    photo(1).save(folder / "a.png")
    photo(1).save(folder / "b.jpg", quality=60)
    snapshot = read(folder)
    folder.rename(folder.with_name("elsewhere"))
    assert searched(workspace, snapshot)[1] == [["a.png", "b.jpg"]]


def test_without_thumbnails_the_files_are_read_again(
    folder: Path, read: Read, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(1).save(folder / "a.png")
    photo(1).save(folder / "b.jpg", quality=60)
    snapshot = read(folder)
    store = type(workspace.stores.thumbnails)
    monkeypatch.setattr(store, "get_many", lambda _self, _contents: {})
    assert searched(workspace, snapshot)[1] == [["a.png", "b.jpg"]]
    (folder / "b.jpg").unlink()
    finding, groups = searched(workspace, snapshot)
    assert groups == []
    assert "1 image could not be compared" in finding.note


def test_features_that_are_no_numbers_do_no_harm(
    folder: Path, read: Read, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in (1, 2, 3):
        photo(seed).save(folder / f"{seed}.png")
        photo(seed).save(folder / f"{seed}.jpg", quality=60)
    snapshot = read(folder)
    stored = workspace.engine.stored_features

    def spoilt(fingerprint: str, contents: list[bytes]) -> np.ndarray:
        rows = stored(fingerprint, contents)
        rows[0] = np.nan
        return rows

    monkeypatch.setattr(workspace.engine, "stored_features", spoilt)
    groups = searched(workspace, snapshot)[1]
    assert {tuple(sorted(group)) for group in groups} >= {("2.jpg", "2.png"), ("3.jpg", "3.png")}


def test_the_slider_goes_from_identical_to_similar(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    one = photo(1)
    one.save(folder / "a.png")
    shutil.copy(folder / "a.png", folder / "b.png")
    one.crop((14, 10, 240, 180)).save(folder / "crop.jpg", quality=40)
    changed = one.copy()
    changed.paste((0, 0, 0), (60, 60, 160, 130))
    changed.save(folder / "changed.jpg")
    snapshot = read(folder)
    finding = DuplicateJob(workspace, snapshot).run(ignore_events, CancelToken())
    sizes = [sum(len(g.images) for g in groups_at(finding, t)) for t in (1.0, 0.9, 0.6)]
    assert sizes == [2, 3, 4]
    for threshold in (0.5, 1.1, float("nan")):
        with pytest.raises(InputError):
            check_threshold(threshold)


def test_the_sharpest_of_level_copies_is_measured_once(
    folder: Path, read: Read, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft = photo(1).resize((120, 90)).resize((240, 180), Image.Resampling.BICUBIC)
    soft.save(folder / "soft.png")
    photo(1).save(folder / "sharp.png")
    snapshot = read(folder)
    level = [replace(r, stamp=replace(r.stamp, size=9000, mtime_ns=0)) for r in snapshot.images]
    snapshot = replace(snapshot, images=tuple(level))
    shelf = SketchShelf()
    finding = DuplicateJob(workspace, snapshot, shelf).run(ignore_events, CancelToken())
    meter = SharpnessMeter(workspace, snapshot.images, snapshot.roots, shelf)
    group = groups_at(finding, 0.8, meter.for_token(CancelToken()))[0]
    assert names(snapshot, group)[0] == "sharp.png"
    assert group.reason == "sharpest"
    monkeypatch.setattr(SharpnessMeter, "_measured", None)  # it would fail if it were called
    assert groups_at(finding, 0.8, meter.for_token(CancelToken())) == (group,)


def test_sketches_are_kept_for_the_next_search(
    folder: Path, read: Read, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(1).save(folder / "a.png")
    photo(1).save(folder / "b.jpg", quality=60)
    snapshot, shelf = read(folder), SketchShelf()
    DuplicateJob(workspace, snapshot, shelf).run(ignore_events, CancelToken())

    def fail(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("dclust_gui.services.sketching._sketch_of", fail)
    finding = DuplicateJob(workspace, snapshot, shelf).run(ignore_events, CancelToken())
    assert len(finding.pairs.similarity) == 1


def test_it_tells_its_progress_and_can_be_stopped(
    folder: Path, read: Read, workspace: Workspace
) -> None:
    for seed in range(6):
        photo(seed).save(folder / f"{seed}.jpg")
    snapshot = read(folder)
    told: list[Event] = []
    DuplicateJob(workspace, snapshot).run(told.append, CancelToken())
    assert told
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        DuplicateJob(workspace, snapshot).run(ignore_events, token)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample photos are not beside the checkout")
def test_real_photos_and_their_copies(folder: Path, read: Read, workspace: Workspace) -> None:
    chosen = sorted(SAMPLES.rglob("*.jpg"))[::150][:10]
    for number, path in enumerate(chosen):
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        picture.save(folder / f"{number}.jpg", quality=95)
        picture.save(folder / f"{number} web.jpg", quality=60)
        width, height = picture.size
        picture.resize((width // 2, height // 2)).save(folder / f"{number} half.jpg")
        edge = (width // 30, height // 30, width - width // 40, height - height // 40)
        picture.crop(edge).save(folder / f"{number} crop.jpg", quality=60)
    groups = searched(workspace, read(folder))[1]
    wanted = {
        frozenset(f"{n}{kind}.jpg" for kind in ("", " web", " half", " crop"))
        for n in range(len(chosen))
    }
    assert {frozenset(group) for group in groups} == wanted
    assert all(group[0] in {f"{n}.jpg" for n in range(10)} for group in groups)


def test_facts_without_a_size_rank_last(folder: Path, read: Read, workspace: Workspace) -> None:
    photo(1).save(folder / "a.jpg")
    shutil.copy(folder / "a.jpg", folder / "b.jpg")
    (folder / "x.jpg").write_bytes(b"none" * 10_000)
    shutil.copy(folder / "x.jpg", folder / "y.jpg")
    snapshot = read(folder)
    unread = ImageFacts(ImageStatus.UNREADABLE)
    images = [
        replace(r, facts=unread) if r.relative in (b"x.jpg", b"y.jpg") else r
        for r in snapshot.images
    ]
    groups = searched(workspace, replace(snapshot, images=tuple(images)))[1]
    assert {groups[0][0], groups[0][1]} == {"a.jpg", "b.jpg"}

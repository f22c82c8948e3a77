"""Scanning folders of photographs, and folders made to break scanners."""

from __future__ import annotations

import os
import socket
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Event, Stage, StageProgressed
from dclust_gui.domain.images import CompanionKind, ScanResult, absolute_path
from dclust_gui.engine.scan import scan
from dclust_gui.engine.scan_rules import ScanRules, is_cloud_only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file names or links")


def run(*roots: Path, rules: ScanRules | None = None) -> ScanResult:
    return scan(roots, ignore_events, CancelToken(), rules)


def names(result: ScanResult) -> list[str]:
    return [os.fsdecode(unit.relative) for unit in result.units]


def skipped(result: ScanResult) -> dict[str, str]:
    return {os.fsdecode(file.relative): file.reason for file in result.skipped}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def add(root: Path) -> Callable[..., Path]:
    def make(*relatives: str | bytes, content: bytes = b"x") -> Path:
        path = root
        for relative in relatives:
            path = root / os.fsdecode(relative)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return path

    return make


def test_images_below_all_folders_are_found_in_order_of_their_bytes(
    root: Path, add: Callable[..., Path]
) -> None:
    add("b.JPG", "a/2.png", "a/1.jpeg", "a/deep/x.TIFF", "Z.webp", "notes.txt", "no_extension")
    result = run(root)
    assert names(result) == ["Z.webp", "a/1.jpeg", "a/2.png", "a/deep/x.TIFF", "b.JPG"]
    assert result.ignored == {"not an image": 2}
    assert result.skipped == ()
    assert result.roots == (root,)


def test_stamp_is_the_files_own(root: Path, add: Callable[..., Path]) -> None:
    path = add("a.jpg", content=b"12345")
    stamp = run(root).units[0].stamp
    status = path.stat()
    assert (stamp.size, stamp.mtime_ns, stamp.inode) == (5, status.st_mtime_ns, status.st_ino)


AWKWARD = [
    "🏖️ été.jpg",
    "caf\u00e9.jpg",
    "cafe\u0301.jpg",
    "\u202egpj.exe.jpg",
    "new\nline.jpg",
    "quote'\"`.jpg",
    "CON.jpg",
    "aux.png",
    " leading and trailing .jpg",
    "-rf.jpg",
    "=1+1.jpg",
    "<b>bold</b>.jpg",
    "$(reboot);&|.jpg",
    "back\\slash.jpg",
    "n" * 250 + ".jpg",
    "two..dots.jpg",
    "tab\there.jpg",
    "#%?.jpg",
]


@posix
@pytest.mark.parametrize("name", AWKWARD, ids=range(len(AWKWARD)))
def test_awkward_names_survive(name: str, root: Path, add: Callable[..., Path]) -> None:
    path = add(name)
    result = run(root)
    assert [absolute_path(root, unit.relative) for unit in result.units] == [path]


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="the file system refuses such names")
def test_names_that_are_no_utf8_survive(root: Path, add: Callable[..., Path]) -> None:
    raw = [b"caf\xe9.jpg", b"\xff\xfe.png", b"folder\x80/a.jpg"]
    add(*raw)
    result = run(root)
    assert sorted(unit.relative for unit in result.units) == sorted(raw)
    assert all(absolute_path(root, unit.relative).exists() for unit in result.units)


@posix
def test_a_path_of_1600_bytes_is_listed(root: Path) -> None:
    folder = root
    for _ in range(8):
        folder = folder / ("d" * 200)
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"x")
    assert len(run(root).units[0].relative) > 1600


@pytest.mark.skipif(sys.platform != "linux", reason="paths beyond PATH_MAX are made with dir_fd")
def test_paths_beyond_path_max_are_reported(root: Path, add: Callable[..., Path]) -> None:
    add("near.jpg")
    handles = [os.open(root, os.O_RDONLY)]
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=handles[-1])
        handles.append(os.open("d" * 200, os.O_RDONLY, dir_fd=handles[-1]))
    try:
        result = run(root)
        assert names(result) == ["near.jpg"]
        assert [file.reason for file in result.skipped] == [
            "Its path is too long for this computer."
        ]
    finally:
        for parent, child in zip(handles[-2::-1], handles[:0:-1], strict=True):
            os.close(child)
            os.rmdir("d" * 200, dir_fd=parent)
        os.close(handles[0])


def test_a_tree_deeper_than_the_recursion_limit_is_walked(root: Path) -> None:
    depth = 1200 if sys.platform == "linux" else 60
    folders = [root]
    for _ in range(depth):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    image = folders[-1] / "a.jpg"
    image.write_bytes(b"x")
    assert run(root).units[0].relative.count(b"/") == depth
    image.unlink()
    for folder in folders[:0:-1]:  # removing such a tree is recursive in the standard library
        folder.rmdir()


def test_hidden_and_system_entries_are_left_out_and_counted(
    root: Path, add: Callable[..., Path]
) -> None:
    add(".hidden.jpg", ".git/a.jpg", "@eaDir/a.jpg", "$RECYCLE.BIN/b.jpg", "__MACOSX/c.jpg")
    add("System Volume Information/d.jpg", "Lib Previews.lrdata/e.jpg", "Thumbs.db", "desktop.ini")
    add("._a.jpg", "a.jpg")
    result = run(root)
    assert names(result) == ["a.jpg"]
    assert result.ignored == {"hidden": 2, "system": 8}


def test_a_root_inside_a_hidden_folder_is_scanned(root: Path, add: Callable[..., Path]) -> None:
    add(".cache/photos/a.jpg")
    assert names(run(root / ".cache")) == ["photos/a.jpg"]


def test_our_own_export_is_left_out_unless_it_is_the_root(
    root: Path, add: Callable[..., Path]
) -> None:
    add("a.jpg", "sorted/.dclust-journal.jsonl", "sorted/Cluster 01/a.jpg")
    result = run(root)
    assert names(result) == ["a.jpg"]
    assert result.ignored == {"our own export": 1}
    assert names(run(root / "sorted")) == ["Cluster 01/a.jpg"]


def test_a_folder_named_like_an_image_is_a_folder(root: Path, add: Callable[..., Path]) -> None:
    add("x.jpg/inside.jpg")
    assert names(run(root)) == ["x.jpg/inside.jpg"]


@posix
def test_pipes_sockets_and_devices_are_never_opened(
    root: Path, add: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add("a.jpg")
    os.mkfifo(root / "pipe.jpg")
    (root / "zero.jpg").symlink_to("/dev/zero")
    monkeypatch.chdir(root)  # the path of a socket is limited to about 100 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        result = run(root)
    assert names(result) == ["a.jpg"]
    assert skipped(result) == {
        "pipe.jpg": "It is a pipe, not an image file.",
        "socket.jpg": "It is a socket, not an image file.",
        "zero.jpg": "It is a device, not an image file.",
    }
    assert not any(file.is_image for file in result.skipped)


@posix
def test_links_that_loop_or_dangle_are_reported(root: Path, add: Callable[..., Path]) -> None:
    add("a.jpg", "sub/b.jpg")
    (root / "self.jpg").symlink_to("self.jpg")
    (root / "gone.jpg").symlink_to("nowhere.jpg")
    (root / "sub" / "up").symlink_to("..")
    (root / "sub" / "top").symlink_to("/")
    (root / "again").symlink_to("sub")
    result = run(root)
    assert names(result) == ["a.jpg", "sub/b.jpg"]
    assert skipped(result) == {
        "again": "It is a link to a folder that is listed already.",
        "gone.jpg": "It is a link to something that is not there.",
        "self.jpg": "It is a link that leads back to itself.",
        "sub/top": "It is a link to a folder around it.",
        "sub/up": "It is a link to a folder that is listed already.",
    }


@posix
def test_links_to_outside_are_followed_once(
    tmp_path: Path, root: Path, add: Callable[..., Path]
) -> None:
    outside = tmp_path / "drive"
    (outside / "inner").mkdir(parents=True)
    for relative in ("1.jpg", "inner/2.jpg", "alone.png"):
        (outside / relative).write_bytes(b"x")
    (outside / "inner" / "loop").symlink_to(outside)
    (root / "album").symlink_to(outside)
    (root / "same album").symlink_to(outside)
    (root / "favourite.png").symlink_to(outside / "alone.png")
    result = run(root)
    assert names(result) == ["album/1.jpg", "album/alone.png", "album/inner/2.jpg"]
    assert set(skipped(result)) == {"album/inner/loop", "favourite.png", "same album"}


@posix
def test_a_link_to_a_file_outside_is_an_image_and_gets_its_side_file(
    tmp_path: Path, root: Path, add: Callable[..., Path]
) -> None:
    (tmp_path / "original.jpg").write_bytes(b"12345")
    add("pick.xmp")
    for name in ("pick.jpg", "twin.jpg"):
        (root / name).symlink_to(tmp_path / "original.jpg")
    result = run(root)
    assert names(result) == ["pick.jpg"]
    assert result.units[0].stamp.size == 5
    assert [c.relative for c in result.units[0].companions] == [b"pick.xmp"]
    assert set(skipped(result)) == {"twin.jpg"}


@posix
def test_a_link_to_a_file_of_the_collection_is_not_a_second_image(
    root: Path, add: Callable[..., Path]
) -> None:
    add("sub/a.jpg")
    (root / "cover.jpg").symlink_to("sub/a.jpg")
    result = run(root)
    assert names(result) == ["sub/a.jpg"]
    assert set(skipped(result)) == {"cover.jpg"}


@posix
def test_hard_links_are_two_images(root: Path, add: Callable[..., Path]) -> None:
    path = add("a.jpg")
    (root / "b.jpg").hardlink_to(path)
    assert names(run(root)) == ["a.jpg", "b.jpg"]


@posix
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read every folder"
)
def test_an_unreadable_folder_is_reported(root: Path, add: Callable[..., Path]) -> None:
    add("locked/a.jpg", "b.jpg")
    (root / "locked").chmod(0)
    try:
        result = run(root)
    finally:
        (root / "locked").chmod(0o700)
    assert names(result) == ["b.jpg"]
    assert skipped(result) == {"locked": "Permission was denied."}


def test_a_folder_that_cannot_be_listed_is_reported(
    root: Path, add: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add("locked/a.jpg", "b.jpg")
    real = os.scandir

    def refuse(path: str) -> object:
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = run(root)
    assert names(result) == ["b.jpg"]
    assert skipped(result) == {"locked": "Permission was denied."}
    assert not result.skipped[0].is_image


def test_overlapping_roots_list_each_image_once(root: Path, add: Callable[..., Path]) -> None:
    add("a.jpg", "sub/b.jpg")
    outer_first = run(root, root / "sub")
    inner_first = run(root / "sub", root)
    twice = run(root, root / "sub" / "..")
    assert [(u.root, u.relative) for u in outer_first.units] == [(0, b"a.jpg"), (0, b"sub/b.jpg")]
    assert [(u.root, u.relative) for u in inner_first.units] == [(0, b"b.jpg"), (1, b"a.jpg")]
    assert twice.roots == (root,)
    assert len(twice.units) == 2


def test_two_roots_keep_their_own_images(root: Path, add: Callable[..., Path]) -> None:
    add("one/a.jpg", "two/a.jpg")
    result = run(root / "two", root / "one")
    assert [(u.root, u.relative) for u in result.units] == [(0, b"a.jpg"), (1, b"a.jpg")]


def test_a_root_that_cannot_be_scanned_is_refused(root: Path, add: Callable[..., Path]) -> None:
    file = add("a.jpg")
    with pytest.raises(InputError, match="no such folder"):
        run(root / "missing")
    with pytest.raises(InputError, match="It is a file"):
        run(file)
    with pytest.raises(InputError, match="No folder was given"):
        run()


def test_a_raw_file_joins_the_jpeg_of_its_stem(root: Path, add: Callable[..., Path]) -> None:
    add("IMG_1.JPG", "img_1.CR2", "IMG_2.nef", "other/IMG_1.dng")
    result = run(root)
    assert names(result) == ["IMG_1.JPG", "IMG_2.nef", "other/IMG_1.dng"]
    companion = result.units[0].companions[0]
    assert companion.relative == b"img_1.CR2"
    assert companion.kind is CompanionKind.IMAGE


def test_side_files_join_exactly_one_unit(root: Path, add: Callable[..., Path]) -> None:
    add("1.jpg", "1.nef", "1.xmp", "1.NEF.xmp", "1.jpg.xmp")
    add("2.jpg", "2.png", "2.xmp", "2.png.xmp")
    add("3.heic", "3.mov", "3.aae", "4.CRW", "4.THM")
    add("5.mov", "6.xmp")
    result = run(root)
    companions = {
        os.fsdecode(u.relative): [os.fsdecode(c.relative) for c in u.companions]
        for u in result.units
    }
    assert companions == {
        "1.jpg": ["1.NEF.xmp", "1.jpg.xmp", "1.nef", "1.xmp"],
        "2.jpg": ["2.xmp"],
        "2.png": ["2.png.xmp"],
        "3.heic": ["3.aae", "3.mov"],
        "4.CRW": ["4.THM"],
    }
    assert result.ignored == {"not an image": 2}
    kinds = {c.relative: c.kind for c in result.units[0].companions}
    assert kinds[b"1.nef"] is CompanionKind.IMAGE
    assert kinds[b"1.xmp"] is CompanionKind.SIDE


def test_apple_edits_join_the_original(root: Path, add: Callable[..., Path]) -> None:
    add("IMG_1234.HEIC", "IMG_E1234.HEIC", "IMG_1234.AAE", "IMG_O1234.AAE", "IMG_E1234.MOV")
    add("IMG_5678.JPG", "IMG_E5678.AAE")
    companions = {u.relative: [c.relative for c in u.companions] for u in run(root).units}
    assert companions == {
        b"IMG_1234.HEIC": [b"IMG_1234.AAE", b"IMG_O1234.AAE"],
        b"IMG_E1234.HEIC": [b"IMG_E1234.MOV"],
        b"IMG_5678.JPG": [b"IMG_E5678.AAE"],
    }


def test_the_exact_stem_wins_where_case_differs(root: Path, add: Callable[..., Path]) -> None:
    add("a.jpg")
    if (root / "A.jpg").exists():
        pytest.skip("the file system does not tell upper from lower case")
    add("A.jpg", "A.nef", "a.xmp")
    companions = {u.relative: [c.relative for c in u.companions] for u in run(root).units}
    assert companions == {b"A.jpg": [b"A.nef"], b"a.jpg": [b"a.xmp"]}


def test_cloud_only_files_are_listed_and_left_alone(root: Path, add: Callable[..., Path]) -> None:
    add("here.jpg")
    add("there.jpg", "there.nef", content=b"")
    add(".IMG_9.HEIC.icloud", ".notes.txt.icloud")
    rules = ScanRules(is_cloud_only=lambda status: status.st_size == 0)
    result = run(root, rules=rules)
    assert names(result) == ["here.jpg"]
    assert set(skipped(result)) == {"there.jpg", "there.nef", "IMG_9.HEIC"}
    assert all("not on this computer" in reason for reason in skipped(result).values())
    assert not any(file.is_image for file in result.skipped)
    assert result.ignored == {"hidden": 1}


class _Status:
    def __init__(self, attributes: int = 0, flags: int = 0) -> None:
        self.st_file_attributes = attributes
        self.st_flags = flags


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (_Status(attributes=0x400000), True),
        (_Status(attributes=stat.FILE_ATTRIBUTE_OFFLINE), True),
        (_Status(flags=0x40000000), True),
        (_Status(attributes=stat.FILE_ATTRIBUTE_ARCHIVE), False),
    ],
)
def test_marks_of_onedrive_and_icloud_are_known(status: os.stat_result, expected: bool) -> None:
    assert is_cloud_only(status) is expected


def test_a_normal_file_is_not_cloud_only(add: Callable[..., Path]) -> None:
    assert not is_cloud_only(add("a.jpg").stat())


def test_progress_ends_with_done_equal_to_total(root: Path, add: Callable[..., Path]) -> None:
    add(*[f"{number}.jpg" for number in range(1500)])
    events: list[Event] = []
    scan([root], events.append, CancelToken())
    progress = [event for event in events if isinstance(event, StageProgressed)]
    assert progress == events
    assert {event.stage for event in progress} == {Stage.SCAN}
    assert (progress[-1].done, progress[-1].total) == (1500, 1500)
    assert len(progress) < 60


def test_a_cancelled_scan_stops(root: Path, add: Callable[..., Path]) -> None:
    add("a.jpg")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        scan([root], ignore_events, token)


def test_an_empty_folder_has_no_images(root: Path) -> None:
    result = run(root)
    assert (result.units, result.skipped, dict(result.ignored)) == ((), (), {})


@posix
def test_nothing_is_opened_or_changed(
    root: Path, add: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = add("a.jpg")
    before = path.stat()

    def refuse(*_: object) -> None:
        raise AssertionError("opened a file")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    result = run(root)
    monkeypatch.undo()
    assert len(result.units) == 1
    assert path.stat() == before

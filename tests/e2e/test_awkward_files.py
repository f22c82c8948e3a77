"""Folders full of trouble: every file is read, told as unreadable, or left out; none is changed."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dclust_gui.imaging.formats import IMAGE_EXTENSIONS, RAW_EXTENSIONS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Dclust, MakeImages

SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "data" / "awkward"

GOOD = {
    b"16 bit.png", b"=sum.png", b"alpha.png", b"cmyk.jpg", b"grey.png", b"line\nbreak.png",
    b"pair.jpg", b"palette.gif", b"tiny.png", b"\xff\xfe name.png", b"a\rb.png", b"'quote\".png",
    b"linked.png", b"wrong ending.jpg", b"only.nef", b"deep/er/x.jpg",
}  # fmt: skip
BAD = {b"bomb.png", b"empty.jpg", b"html.jpg", b"noise.jpg", b"text.png", b"broken.cr2"}
DAMAGED = {b"cut.jpg"}
LEFT_OUT = {b"circle", b"dangling.png", b"pipe.jpg"}
NO_ROW = {b".hidden.jpg", b"Thumbs.db", b"notes.txt", b"pair.xmp", b"._pair.jpg"}


def bomb() -> bytes:
    """A PNG header that promises 2.5 gigapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def digest(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Content, time and mode of all regular files."""
    return {
        os.fsdecode(os.fsencode(path)): (
            hashlib.blake2b(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
            path.stat().st_mode,
        )
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def rows(path: Path) -> dict[str, dict[str, str]]:
    """A labels table by path."""
    with path.open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    found = {row["path"].removeprefix("./"): row for row in listed}
    assert len(found) == len(listed)
    return found


def shown(name: bytes) -> str:
    """A name as it stands in the table."""
    return name.decode("utf-8", "backslashreplace")


@pytest.fixture
def trouble(tmp_path: Path, make_images: MakeImages) -> Path:
    """The generated set."""
    folder = tmp_path / "trouble"
    folder.mkdir()
    source = make_images(tmp_path / "source", 3, 8)
    pngs = iter([path for path in source if path.suffix == ".png"])
    jpgs = iter([path for path in source if path.suffix == ".jpg"])
    ramp = np.arange(1024, dtype=np.uint16).reshape(32, 32) * 60
    Image.fromarray(ramp).save(folder / "16 bit.png")
    Image.new("RGBA", (20, 30), (255, 0, 0, 60)).save(folder / "alpha.png")
    Image.new("CMYK", (20, 30), (0, 200, 20, 0)).save(folder / "cmyk.jpg")
    Image.new("L", (20, 30), 70).save(folder / "grey.png")
    Image.new("P", (20, 30), 3).save(folder / "palette.gif")
    Image.new("RGB", (1, 1), "blue").save(folder / "tiny.png")
    for name in (
        b"=sum.png",
        b"line\nbreak.png",
        b"\xff\xfe name.png",
        b"a\rb.png",
        b"'quote\".png",
    ):
        shutil.copy(next(pngs), folder / os.fsdecode(name))
    shutil.copy(next(pngs), folder / "wrong ending.jpg")
    (folder / "deep" / "er").mkdir(parents=True)
    shutil.copy(next(jpgs), folder / "deep" / "er" / "x.jpg")
    shutil.copy(next(jpgs), folder / "pair.jpg")
    (folder / "pair.nef").write_bytes(b"II*\0" + bytes(200))
    (folder / "pair.xmp").write_text("<x/>")
    shutil.copy(next(jpgs), folder / "only.nef")
    (folder / "broken.cr2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(300))
    Image.effect_noise((200, 200), 90).save(folder / "whole.jpg")
    data = (folder / "whole.jpg").read_bytes()
    (folder / "whole.jpg").unlink()
    (folder / "cut.jpg").write_bytes(data[: len(data) // 2])
    (folder / "empty.jpg").touch()
    (folder / "html.jpg").write_text("<!DOCTYPE html><html><body>404</body></html>")
    (folder / "noise.jpg").write_bytes(np.random.default_rng(0).bytes(500))
    (folder / "text.png").write_text("hello")
    (folder / "bomb.png").write_bytes(bomb())
    for ignored in (".hidden.jpg", "Thumbs.db", "notes.txt", "._pair.jpg"):
        (folder / ignored).write_bytes(b"x")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "circle").symlink_to(folder)
    (folder / "dangling.png").symlink_to("nowhere.png")
    (folder / "linked.png").symlink_to(next(pngs))
    (folder / "a folder.jpg").mkdir()
    return folder


def test_every_file_has_one_outcome_and_stays_as_it_is(
    trouble: Path, tmp_path: Path, dclust: Dclust
) -> None:
    before = digest(trouble)
    options = ("--k", 3, "--labels", tmp_path / "l.csv", "--report", tmp_path / "r.json")
    more = ("--project", tmp_path / "p.dclust", "--export", tmp_path / "sorted")
    done = dclust("cluster", trouble, *options, *more)
    assert (done.code, done.err) == (0, "")
    table = rows(tmp_path / "l.csv")
    readable = {name for name, row in table.items() if row["status"] != "unreadable"}
    assert readable == {shown(name) for name in GOOD | DAMAGED | {b"pair.nef"}}
    assert {n for n, r in table.items() if r["status"] == "damaged"} == {shown(n) for n in DAMAGED}
    unreadable = {name: row for name, row in table.items() if row["status"] == "unreadable"}
    assert set(unreadable) == {shown(name) for name in BAD}
    assert all(
        row["cluster"] == row["name"] == row["confidence"] == "" for row in unreadable.values()
    )
    assert table["pair.jpg"]["cluster"] == table["pair.nef"]["cluster"]
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    reasons = {entry["path"]: entry["reason"] for entry in report["skipped"]}
    assert set(reasons) == {shown(name) for name in BAD | LEFT_OUT}
    assert all(reasons.values())
    assert (report["images"], report["unreadable"]) == (len(table), len(BAD))
    assert sum(report["ignored"].values()) == len(NO_ROW) - 1  # pair.xmp goes with its image
    assert digest(trouble) == before
    exported = [path for path in (tmp_path / "sorted").rglob("*") if path.is_file()]
    assert sum(not path.name.startswith(".") for path in exported) == len(readable) + 1


def test_second_run_and_evaluation_take_the_same_names(
    trouble: Path, tmp_path: Path, dclust: Dclust
) -> None:
    for name in ("a", "b"):
        done = dclust(
            "cluster", trouble, "--k", 3, "--labels", tmp_path / f"{name}.csv",
            "--report", tmp_path / f"{name}.json",
        )  # fmt: skip
        assert done.code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert json.loads((tmp_path / "b.json").read_text("utf-8"))["decoded"] == 0
    same = dclust("evaluate", tmp_path / "a.csv", "--truth", tmp_path / "b.csv")
    assert json.loads(same.out)["accuracy"] == 1.0


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample data are not beside the checkout")
def test_sample_files_have_one_outcome_each_in_little_memory(
    tmp_path: Path, start_slowly: Callable[..., subprocess.Popen[str]]
) -> None:
    process = start_slowly(
        "cluster", SAMPLES, "--k", 5, "--labels", tmp_path / "l.csv",
        "--report", tmp_path / "r.json", pause=0,
    )  # fmt: skip
    _, told = process.communicate(timeout=110)
    assert (process.returncode, told) == (0, "")
    with (SAMPLES / "manifest.csv").open(encoding="utf-8", newline="") as file:
        expected = {row["path"]: row["expected"] for row in csv.DictReader(file)}
    table = rows(tmp_path / "l.csv")
    report = json.loads((tmp_path / "r.json").read_text("utf-8"))
    reasons = {entry["path"]: entry["reason"] for entry in report["skipped"]}
    for path, row in table.items():
        assert (row["status"] == "unreadable") == (path in reasons)
        assert path in expected
    assert all(reasons.values())
    for path in expected.keys() - table.keys():
        assert Path(path).suffix.lower() not in IMAGE_EXTENSIONS | RAW_EXTENSIONS
    statuses = Counter((expected[path], row["status"]) for path, row in table.items())
    assert statuses["refuse-too-large", "ok"] == 0
    wanted = sum(n for (kind, _), n in statuses.items() if kind.startswith("decode"))
    assert statuses["decode", "unreadable"] <= wanted // 100
    assert report["peak_rss_mb"] < 1500

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dclust_gui.imaging.exif import exif_summary, find_exif, read_facts, read_tags

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def block() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "Canon EOS 5D", 6
    exif[0x0132] = "2020:01:02 03:04:05"
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = "2019:12:31 23:59:58"
    inner[0x829A], inner[0x829D], inner[0x8827], inner[0x920A] = 0.004, 2.8, 400, 50.0
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (48.0, 8.0, 0.0), "E", (11.0, 34.0, 30.0)
    return exif.tobytes()


def test_time_camera_and_orientation(block: bytes) -> None:
    facts = read_facts(block)
    assert (facts.orientation, facts.taken_at) == (6, "2019-12-31T23:59:58")
    assert facts.camera == "Canon EOS 5D"


def test_maker_is_put_before_a_model_that_lacks_it() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Apple", "iPhone 13 Pro"
    exif[0x0132] = "2020:01:02 03:04:05"
    facts = read_facts(exif.tobytes())
    assert (facts.camera, facts.taken_at) == ("Apple iPhone 13 Pro", "2020-01-02T03:04:05")


@pytest.mark.parametrize("date", ["0000:00:00 00:00:00", "    :  :     :  :  ", "soon", ""])
def test_empty_dates_are_unknown(date: str) -> None:
    exif = Image.Exif()
    exif[0x0132] = date
    assert read_facts(exif.tobytes()).taken_at == ""


def test_orientation_from_xmp_where_exif_has_none() -> None:
    assert read_facts(b"", b'<x tiff:Orientation="8"/>').orientation == 8
    assert read_facts(b"", b"<tiff:Orientation>3</tiff:Orientation>").orientation == 3


def test_every_cut_of_a_block_is_survived(block: bytes) -> None:
    for length in range(len(block)):
        read_facts(block[:length])
        read_tags(b"\0" * 6 + block[6:length])


def test_random_damage_is_survived(block: bytes) -> None:
    random = np.random.default_rng(1)
    for _ in range(500):
        broken = bytearray(block)
        for at in random.integers(6, len(block), 8):
            broken[at] = random.integers(256)
        facts = read_facts(bytes(broken))
        assert 1 <= facts.orientation <= 8


def test_directory_that_points_to_itself_ends() -> None:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    assert 0x8769 in read_tags(b"II*\0" + struct.pack("<IH", 8, 1) + entry)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_summary_rows_from_each_container(kind: str, block: bytes, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Image.new("RGB", (8, 8)).save(path, kind, exif=block)
    rows = dict(exif_summary(path))
    assert rows["Camera"] == "Canon EOS 5D"
    assert rows["Exposure"] == "1/250 s"
    assert rows["Aperture"] == "f/2.8"
    assert rows["ISO"] == "400"
    assert rows["Focal length"] == "50 mm"
    assert rows["Position"] == "48.13333° N, 11.57500° E"


def test_summary_of_nothing_is_empty(tmp_path: Path) -> None:
    assert exif_summary(tmp_path / "absent.jpg") == ()
    assert bytes(find_exif(b"GIF89a")) == b""

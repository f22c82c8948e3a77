from __future__ import annotations

import hashlib
import os
import struct
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import ImageUnreadableError
from dclust_gui.domain.images import ImageStatus
from dclust_gui.imaging.decode import DecodeLimits, ImageReader, content_hash

Encoder = Callable[..., bytes]
KINDS = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "TGA", "PPM"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_format_gives_upright_rgb_of_the_wanted_size(
    kind: str, reader: ImageReader, encode: Encoder, quadrants: np.ndarray
) -> None:
    image = reader.decode(encode(quadrants, kind), f"a.{kind.lower()}", 128)
    assert image.pixels.shape == (128, 192, 3)
    assert image.pixels.dtype == np.uint8
    assert not image.pixels.flags.writeable
    assert (image.facts.width, image.facts.height, image.facts.format) == (480, 320, kind)
    assert image.facts.status is ImageStatus.OK
    corners = image.pixels[20, 20], image.pixels[20, -20], image.pixels[-20, 20]
    assert [int(np.argmax(c)) for c in corners] == [0, 1, 2]


@pytest.mark.parametrize(
    ("kind", "orientation"),
    [*product(["JPEG", "PNG", "WEBP", "TIFF"], range(1, 9)), ("AVIF", 1), ("AVIF", 6)],
)
def test_exif_orientation_is_applied_once(
    kind: str, orientation: int, reader: ImageReader, encode: Encoder, quadrants: np.ndarray
) -> None:
    undo = {1: [], 2: [2], 3: [3], 4: [4], 5: [5], 6: [8], 7: [7], 8: [6]}[orientation]
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }  # fmt: skip
    stored = Image.fromarray(quadrants)
    for step in undo:
        stored = stored.transpose(turns[step])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = reader.decode(encode(stored, kind, exif=exif), f"a.{kind.lower()}", 160)
    assert (image.facts.width, image.facts.height) == (480, 320)
    assert image.pixels.shape == (160, 240, 3)
    assert int(np.argmax(image.pixels[20, 20])) == 0
    assert int(np.argmax(image.pixels[20, -20])) == 1
    assert int(np.argmax(image.pixels[-20, 20])) == 2
    assert image.pixels[-20, -20].min() > 200


def test_small_pictures_are_not_enlarged_and_strips_are_bounded(
    reader: ImageReader, encode: Encoder
) -> None:
    small = reader.decode(encode(np.zeros((10, 30, 3), np.uint8), "PNG"), "a.png", 256)
    assert small.pixels.shape == (10, 30, 3)
    strip = reader.decode(encode(np.zeros((40_000, 64, 3), np.uint8), "PNG"), "a.png", 32)
    assert strip.pixels.shape == (640, 1, 3)


def test_large_jpegs_decode_at_reduced_size(
    reader: ImageReader, encode: Encoder, noise: np.ndarray
) -> None:
    big = Image.fromarray(noise).resize((4800, 3200))
    image = reader.decode(encode(big, "JPEG"), "a.jpg", 256)
    assert (image.pixels.shape, image.facts.width) == ((256, 384, 3), 4800)
    reference = np.asarray(Image.fromarray(noise).resize((384, 256)))
    assert float(np.abs(image.pixels.astype(int) - reference).mean()) < 3


def test_embedded_profile_is_applied(
    reader: ImageReader, encode: Encoder, display_p3: bytes
) -> None:
    patch = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    for kind in ("PNG", "JPEG", "TIFF", "WEBP", "AVIF"):
        data = encode(patch, kind, icc_profile=display_p3, quality=95)
        got = reader.decode(data, "a", 32).pixels[5, 5].astype(int)
        assert np.abs(got - (215, 93, 31)).max() <= 4, kind


def test_alpha_palette_and_cmyk(reader: ImageReader, encode: Encoder) -> None:
    clear = reader.decode(encode(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG"), "a", 9)
    assert clear.pixels.min() == 255
    palette = Image.new("P", (9, 9), 1)
    palette.putpalette([0, 0, 0, 200, 0, 0])
    data = encode(palette, "PNG", transparency=1)
    assert reader.decode(data, "a", 9).pixels.min() == 255
    assert tuple(reader.decode(encode(palette, "GIF"), "a", 9).pixels[0, 0]) == (200, 0, 0)
    cyan = encode(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "JPEG")
    red, green, blue = (int(c) for c in reader.decode(cyan, "a", 16).pixels[5, 5])
    assert red < 60 < 150 < min(green, blue)


def test_sixteen_bit_and_float_are_not_black_or_white(reader: ImageReader, encode: Encoder) -> None:
    ramp = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    floats = ramp.astype(np.float32)
    floats[0, 0], floats[0, 1] = np.nan, np.inf
    for pixels, kind in (
        ((ramp * 4095).astype(np.uint16), "PNG"),
        ((ramp * 4095).astype(np.uint16), "TIFF"),
        (floats, "TIFF"),
    ):
        assert 110 < reader.decode(encode(pixels, kind), "a", 64).pixels.mean() < 145


def test_first_frame_of_many(reader: ImageReader, encode: Encoder) -> None:
    frames = [Image.new("RGB", (32, 32), (250, 0, 0)), Image.new("RGB", (32, 32), (0, 0, 250))]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        red, _, blue = (int(c) for c in reader.decode(data, "a", 32).pixels[9, 9])
        assert red > 200 > 60 > blue, kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("part", [0.5, 0.99])
def test_cut_off_files_are_damaged_with_a_reason(
    kind: str, part: float, reader: ImageReader, encode: Encoder, noise: np.ndarray, tmp_path: Path
) -> None:
    data = encode(noise, kind)
    path = tmp_path / f"a.{kind.lower()}"
    path.write_bytes(data[: int(len(data) * part)])
    result = reader.read(path, 64)
    assert result.content == content_hash(path)
    assert result.facts.status in (ImageStatus.DAMAGED, ImageStatus.UNREADABLE)
    assert "cut off" in result.facts.reason or kind == "TIFF"
    if kind in ("JPEG", "PNG", "BMP"):
        assert result.image is not None
        assert result.image.pixels.shape == (64, 96, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"<html><body>404", "web page"),
        (b"\0" * 9000, "only zeros"),
        (b"%!PS-Adobe-3.0 EPSF", "PostScript"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
        (b"random text", "not an image"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"x" * 99, "HEIF"),
    ],
)
def test_unreadable_files_are_results_with_hash_and_reason(
    content: bytes, words: str, reader: ImageReader, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    result = reader.read(path, 64)
    assert result.image is None
    assert result.facts.status is ImageStatus.UNREADABLE
    assert words in result.facts.reason
    assert str(tmp_path) not in result.facts.reason
    assert result.content == hashlib.blake2b(content, digest_size=16).digest()


def test_files_that_cannot_be_opened_have_no_hash(reader: ImageReader, tmp_path: Path) -> None:
    for path in (tmp_path / "absent.jpg", tmp_path):
        result = reader.read(path, 64)
        assert (result.content, result.image) == (b"", None)
        assert result.facts.reason
        assert str(tmp_path) not in result.facts.reason


def test_decode_and_full_raise_with_the_name(reader: ImageReader, tmp_path: Path) -> None:
    with pytest.raises(ImageUnreadableError, match=r"'a\.jpg'.*empty"):
        reader.decode(b"", "a.jpg", 64)
    with pytest.raises(ImageUnreadableError, match="no longer there"):
        reader.full(tmp_path / "a.jpg", 1000)


def png_header(width: int, height: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\0IEND\xae\x42\x60\x82"


def test_bombs_are_refused_from_the_header(
    reader: ImageReader, encode: Encoder, noise: np.ndarray
) -> None:
    jpeg = bytearray(encode(noise, "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    gif = bytearray(encode(noise, "GIF"))
    gif[6:10] = struct.pack("<HH", 30000, 30000)
    for data in (bytes(jpeg), bytes(gif), png_header(20_000, 20_000), png_header(10**9, 10**9)):
        with pytest.raises(ImageUnreadableError, match="megapixels"):
            reader.decode(data, "a", 64)


def test_progressive_jpegs_keep_the_lower_limit(encode: Encoder, noise: np.ndarray) -> None:
    limits = DecodeLimits(max_pixels=200_000)
    with ImageReader(limits) as reader:
        assert reader.decode(encode(noise, "JPEG"), "a", 64).facts.width == 600
        with pytest.raises(ImageUnreadableError, match="megapixels"):
            reader.decode(encode(noise, "JPEG", progressive=True), "a", 64)


def test_large_pictures_are_decoded_in_the_helper_with_the_same_result(
    reader: ImageReader, encode: Encoder, noise: np.ndarray
) -> None:
    data = encode(Image.fromarray(noise).resize((2500, 1700)).convert("RGBA"), "PNG")
    with ImageReader(DecodeLimits(large_pixels=1000)) as careful:
        there = careful.decode(data, "a.png", 128)
    here = reader.decode(data, "a.png", 128)
    assert there.facts == here.facts
    assert np.array_equal(there.pixels, here.pixels)
    assert not there.pixels.flags.writeable


def test_files_above_the_size_limit_are_hashed_only(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 3000)
    with ImageReader(DecodeLimits(max_file_bytes=2000)) as reader:
        result = reader.read(path, 64)
    assert result.content == content_hash(path)
    assert "larger than" in result.facts.reason


def test_misnamed_files_are_read_by_content(
    reader: ImageReader, encode: Encoder, quadrants: np.ndarray
) -> None:
    for kind, name in (("JPEG", "a.png"), ("PNG", "a.jpg"), ("JPEG", "a.nef"), ("WEBP", "a.heic")):
        assert reader.decode(encode(quadrants, kind), name, 64).facts.format == kind


def test_tiff_called_raw_is_still_read(
    reader: ImageReader, encode: Encoder, quadrants: np.ndarray
) -> None:
    assert reader.decode(encode(quadrants, "TIFF"), "a.dng", 64).facts.format == "TIFF"


def test_full_bounds_the_long_side(
    reader: ImageReader, encode: Encoder, quadrants: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(quadrants, "JPEG"))
    assert reader.full(path, 240).pixels.shape == (160, 240, 3)
    assert reader.full(path, 4000).pixels.shape == (320, 480, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="needs byte file names")
def test_names_that_are_not_utf8(
    reader: ImageReader, encode: Encoder, quadrants: np.ndarray, tmp_path: Path
) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\xfe.jpg"))
    path.write_bytes(encode(quadrants, "JPEG"))
    assert reader.read(path, 64).facts.status is ImageStatus.OK
    path.write_bytes(b"")
    with pytest.raises(ImageUnreadableError) as caught:
        reader.full(path, 64)
    str(caught.value).encode("utf-8")


def test_a_cancelled_token_stops_before_the_work(reader: ImageReader, tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        reader.read(tmp_path / "a.jpg", 64, token)


def test_many_threads_give_the_same_pixels_and_leave_no_file_open(
    reader: ImageReader, encode: Encoder, noise: np.ndarray, display_p3: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encode(noise, "JPEG", icc_profile=display_p3))
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: reader.read(path, 128), range(60)))
    first = results[0].image
    assert first is not None
    assert all(r.image and np.array_equal(r.image.pixels, first.pixels) for r in results)
    assert not [f for f in psutil.Process().open_files() if f.path == str(path)]
    assert threading.active_count() < 20

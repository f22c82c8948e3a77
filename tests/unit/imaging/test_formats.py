from __future__ import annotations

import struct

import pytest

from dclust_gui.imaging.formats import (
    IMAGE_EXTENSIONS,
    RAW_EXTENSIONS,
    SIDE_EXTENSIONS,
    extension_of,
    identify,
    sniff_format,
)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "WEBP"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIF"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00avifmif1miaf", "AVIF"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "RAW"),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", ""),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "RAW"),
        (b"II*\x00\x08\x00\x00\x00", "TIFF"),
        (b"FUJIFILMCCD-RAW 0201", "RAW"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", ""),
        (b"P6\n3 2\n255\n", "PPM"),
        (b"", ""),
    ],
)
def test_content_is_told_by_its_first_bytes(head: bytes, expected: str) -> None:
    assert sniff_format(head) == expected


def test_tiff_with_a_camera_extension_is_raw_and_jpeg_stays_jpeg() -> None:
    assert identify(b"II*\x00\x08\x00\x00\x00\x00\x00", "a.NEF") == "RAW"
    assert identify(b"II*\x00\x08\x00\x00\x00\x00\x00", "a.tif") == "TIFF"
    assert identify(b"\xff\xd8\xff\xe1", "a.nef") == "JPEG"


def test_a_dng_called_tif_is_raw() -> None:
    entry = struct.pack("<HHI4B", 50706, 1, 4, 1, 4, 0, 0)
    head = b"II*\x00" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    assert identify(head, "scan.tif") == "RAW"


def test_tga_has_no_mark_and_is_told_by_name() -> None:
    head = bytes([0, 0, 2, 0]) + bytes(60)
    assert identify(head, "a.TGA") == "TGA"
    assert identify(head, "a.cur") == "CUR"


def test_html_called_raw_is_no_image() -> None:
    assert identify(b"<!DOCTYPE html><html>", "a.raw") == ""


def test_extensions_are_lower_case_and_apart() -> None:
    groups = (IMAGE_EXTENSIONS, RAW_EXTENSIONS, SIDE_EXTENSIONS)
    assert all(e == e.lower() and e.startswith(".") for group in groups for e in group)
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert not {".eps", ".ps", ".pdf", ".mpg", ".wmf", ".fits", ".h5", ".blp"} & IMAGE_EXTENSIONS


def test_extension_of_names() -> None:
    assert extension_of("A.B.JPG") == ".jpg"
    assert extension_of(".jpg") == ""
    assert extension_of("name") == ""

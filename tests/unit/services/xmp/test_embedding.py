"""Keywords in the bytes of pictures: nothing else changes, and other programs read them."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from PIL import Image, PngImagePlugin

from dclust_gui.services.xmp import jpeg
from dclust_gui.services.xmp.embedded import embedded_packets
from dclust_gui.services.xmp.embedding import expected_copy, takes_keywords, with_keywords
from dclust_gui.services.xmp.packet import merge_keywords

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAME = "Birds/Gulls & <Terns>"
LEVELS = ["Birds", "Gulls & <Terns>"]
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
EARLIER = (
    merge_keywords(None, [])
    .replace(
        b'<rdf:Description rdf:about=""/>',
        b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        b' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4">'
        b"<dc:subject><rdf:Bag><rdf:li>Earlier</rdf:li></rdf:Bag></dc:subject></rdf:Description>",
    )
    .strip()
)


def picture(mode: str = "RGB", size: tuple[int, int] = (67, 45)) -> Image.Image:
    """A small picture with detail."""
    n = size[0] * size[1] * len(mode)
    data = b"".join(hashlib.sha256(bytes([i % 256, i // 256])).digest() for i in range(n // 32 + 1))
    return Image.frombytes(mode, size, data[:n])


def saved(form: str, mode: str = "RGB", **options: object) -> bytes:
    """A picture as a file of a format."""
    out = io.BytesIO()
    picture(mode).save(out, form, **options)
    return out.getvalue()


def exif() -> Image.Exif:
    """EXIF data with a few entries."""
    found = Image.Exif()
    found[0x010F] = "Maker"
    found[0x0112] = 6
    return found


def png_text() -> PngImagePlugin.PngInfo:
    """A compressed packet and another text."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Somebody")
    info.add_itxt("XML:com.adobe.xmp", EARLIER.decode(), zip=True)
    return info


FILES: dict[str, Callable[[], bytes]] = {
    "plain.jpg": lambda: saved("JPEG"),
    "exif.jpg": lambda: saved("JPEG", exif=exif(), icc_profile=b"i" * 7_000, comment=b"hello"),
    "progressive.jpg": lambda: saved("JPEG", progressive=True, restart_marker_rows=1),
    "xmp.jpg": lambda: saved("JPEG", exif=exif(), xmp=EARLIER),
    "grey.jpg": lambda: saved("JPEG", "L"),
    "cmyk.jpg": lambda: saved("JPEG", "CMYK"),
    "plain.png": lambda: saved("PNG"),
    "alpha.png": lambda: saved("PNG", "RGBA"),
    "text.png": lambda: saved("PNG", pnginfo=png_text()),
    "plain.tif": lambda: saved("TIFF"),
    "packed.tif": lambda: saved("TIFF", compression="tiff_lzw", exif=exif()),
    "big_endian.tif": lambda: saved("TIFF", big_endian=True),
    "lossy.webp": lambda: saved("WEBP"),
    "lossless.webp": lambda: saved("WEBP", "RGBA", lossless=True),
    "exif.webp": lambda: saved("WEBP", exif=exif(), xmp=EARLIER),
}
WITH_XMP = ("xmp.jpg", "text.png", "exif.webp")


def decoded(data: bytes) -> tuple[tuple[int, int], bytes]:
    """Size and pixels."""
    with Image.open(io.BytesIO(data)) as image:
        return image.size, image.convert("RGBA" if "A" in image.mode else "RGB").tobytes()


@pytest.fixture(scope="module")
def by_exiftool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What ExifTool reads of all files, before and after, by name; it is started once."""
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    folder = tmp_path_factory.mktemp("files")
    for name, make in FILES.items():
        (folder / f"before-{name}").write_bytes(make())
        (folder / name).write_bytes(with_keywords(make(), NAME)[0])
    command = ["exiftool", "-json", "-struct", "-G1", "-a", "-XMP:all", "-validate", "-warning"]
    done = subprocess.run([*command, str(folder)], check=True, capture_output=True, text=True)
    return {row["SourceFile"].rpartition("/")[2]: row for row in json.loads(done.stdout)}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", FILES)
def test_the_picture_stays_and_the_keywords_are_there(name: str, tmp_path: Path) -> None:
    before = FILES[name]()
    after, reason = with_keywords(before, NAME)
    assert reason == ""
    assert after != before
    assert decoded(after) == decoded(before)
    path = tmp_path / name
    path.write_bytes(after)
    (packet,) = embedded_packets(path)
    assert b"Gulls &amp; &lt;Terns&gt;" in packet
    if name in WITH_XMP:
        assert b"<rdf:li>Earlier</rdf:li>" in packet
        assert b'xmp:Rating="4"' in packet
    with Image.open(path) as image, Image.open(io.BytesIO(before)) as old:
        assert {*old.info} <= {*image.info}
        assert image.getexif().get(0x010F) == old.getexif().get(0x010F)


@pytest.mark.parametrize("name", FILES)
def test_the_same_name_again_changes_no_byte(name: str) -> None:
    once, _ = with_keywords(FILES[name](), NAME)
    assert with_keywords(once, NAME) == (once, "")


@pytest.mark.parametrize("name", FILES)
def test_exiftool_reads_every_property_and_finds_no_new_fault(
    name: str, by_exiftool: dict[str, dict[str, object]]
) -> None:
    found = by_exiftool[name]
    earlier = ["Earlier"] if name in WITH_XMP else []
    assert as_list(found["XMP-dc:Subject"]) == [*earlier, *LEVELS]
    assert as_list(found["XMP-lr:HierarchicalSubject"]) == ["|".join(LEVELS)]
    assert as_list(found["XMP-digiKam:TagsList"]) == ["/".join(LEVELS)]
    assert warnings(found) <= warnings(by_exiftool[f"before-{name}"])


def warnings(found: dict[str, object]) -> set[object]:
    return {value for key, value in found.items() if key.endswith(":Warning")}


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".jpg")])
def test_the_scan_of_a_jpeg_is_the_same_to_the_byte(name: str) -> None:
    before = FILES[name]()
    after, _ = with_keywords(before, NAME)
    start = before.index(b"\xff\xda")
    assert after.endswith(before[start:])
    assert after.index(b"\xff\xda") == start + len(after) - len(before)


def test_a_new_packet_goes_behind_exif() -> None:
    after, _ = with_keywords(FILES["exif.jpg"](), NAME)
    assert after.index(b"Exif\0\0") < after.index(XMP_HEADER) < after.index(b"ICC_PROFILE\0")


def test_the_chunks_of_a_png_are_right_and_the_packet_is_before_the_picture() -> None:
    after, _ = with_keywords(FILES["plain.png"](), NAME)
    assert after.index(b"XML:com.adobe.xmp") < after.index(b"IDAT")
    with Image.open(io.BytesIO(after)) as image:
        image.verify()  # checks every sum


def test_all_that_was_in_a_tiff_stays_in_its_place() -> None:
    before = FILES["packed.tif"]()
    after, _ = with_keywords(before, NAME)
    assert after[:4] == before[:4]
    assert after[8 : len(before)] == before[8:]


# -- more than one picture in a file -----------------------------------------------------------


def several(*, with_xmp: bool = False) -> bytes:
    """A file of two pictures."""
    out = io.BytesIO()
    picture().save(out, "MPO", save_all=True, append_images=[picture(size=(31, 21))])
    return with_keywords(out.getvalue(), "Earlier")[0] if with_xmp else out.getvalue()


@pytest.mark.parametrize("with_xmp", [False, True])
@pytest.mark.parametrize("tail", [b"", b"\0\0\0\x18ftypmp42" + b"video" * 99])
def test_other_pictures_and_videos_behind_stay_and_are_found(with_xmp: bool, tail: bytes) -> None:
    before = several(with_xmp=with_xmp) + tail
    after, reason = with_keywords(before, NAME)
    assert reason == ""
    assert after.endswith(tail)
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert new.format == "MPO"
        assert getattr(new, "n_frames", 1) == 2
        for i in range(2):
            old.seek(i)
            new.seek(i)
            assert new.tobytes() == old.tobytes()
        table = new.mpinfo[0xB002]  # type: ignore[attr-defined]
    grown = len(after) - len(before)
    assert after.endswith(before[before.index(b"\xff\xda") :])
    with Image.open(io.BytesIO(before)) as old:
        assert table[0]["Size"] == old.mpinfo[0xB002][0]["Size"] + grown  # type: ignore[attr-defined]


def test_a_packet_behind_the_table_of_pictures_keeps_it_right() -> None:
    before = several()
    table = before.index(b"\xff\xe2")
    size = int.from_bytes(before[table + 2 : table + 4], "big") + 2
    packet = XMP_HEADER + EARLIER
    segment = b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet
    end = table + size
    # put there by hand, with the table as it then must be
    moved = bytearray(before[:end] + segment + before[end:])
    at = table + 8
    order = "little" if moved[at : at + 2] == b"II" else "big"
    entries = moved.index(before[end - 48 : end - 16], table)
    for i in range(2):
        place = entries + 16 * i + (8 if i else 4)
        value = int.from_bytes(moved[place : place + 4], order) + len(segment)  # type: ignore[arg-type]
        moved[place : place + 4] = value.to_bytes(4, order)  # type: ignore[arg-type]
    after, reason = with_keywords(bytes(moved), NAME)
    assert reason == ""
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        for i in range(2):
            old.seek(i)
            new.seek(i)
            assert new.tobytes() == old.tobytes()


# -- refused -----------------------------------------------------------------------------------


def with_segment(marker: bytes, body: bytes) -> bytes:
    """A JPEG file with a segment of any kind at its beginning."""
    plain = saved("JPEG")
    return plain[:2] + b"\xff" + marker + (len(body) + 2).to_bytes(2, "big") + body + plain[2:]


def two_packets() -> bytes:
    once = saved("JPEG", xmp=EARLIER)
    body = XMP_HEADER + EARLIER
    return once[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + once[2:]


def with_preview_behind() -> bytes:
    """A preview behind the picture, whose place the camera's notes tell."""
    thumb = saved("JPEG", "L")
    marked = saved("JPEG", exif=exif(), xmp=merge_keywords(None, []) + b"<!--MotionPhoto-->")
    found = Image.Exif()
    place = len(marked) - marked.index(b"Exif\0\0") - 6
    found[0x010F] = "Maker"
    found[0x927C] = b"....."
    with_place = marked.replace(b"Maker", b"\xff" + place.to_bytes(4, "little"), 1)
    return with_place + thumb


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "not a picture": (lambda: b"text", "no JPEG"),
    "nothing": (lambda: b"", "no JPEG"),
    "cut off in its head": (lambda: FILES["exif.jpg"]()[:100], "damaged"),
    "cut off png": (lambda: FILES["plain.png"]()[:-20], "damaged"),
    "cut off tiff": (lambda: b"II*\0\xff\xff\xff\x00", "damaged"),
    "cut off webp": (lambda: FILES["lossy.webp"]()[:-9], "damaged"),
    "damaged packet": (lambda: saved("JPEG", xmp=b"<x:xmpmeta>"), "XMP is damaged"),
    "swelling packet": (lambda: saved("JPEG", xmp=b"<!DOCTYPE x><x/>"), "document type"),
    "two packets": (two_packets, "two XMP packets"),
    "too long": (
        lambda: saved("JPEG", xmp=EARLIER.replace(b"Earlier", b"e" * 65_000)),
        "longer than 64 KB",
    ),
    "content credentials": (lambda: with_segment(b"\xeb", b"JP\0\1jumbc2pa"), "credentials"),
    "keywords in the second part": (
        lambda: with_segment(
            b"\xe1", b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<dc:subject/>"
        ),
        "second part",
    ),
    "unknown data behind": (lambda: saved("JPEG") + b"unknown", "behind the picture"),
    "a preview found by place": (with_preview_behind, "say where another picture"),
    "damaged table": (lambda: with_segment(b"\xe2", b"MPF\0MM\0*\0\0\0\x08\0\0"), "table"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_take_keywords_safely_stays_to_the_byte_and_says_why(what: str) -> None:
    make, words = REFUSED[what]
    before = make()
    after, reason = with_keywords(before, NAME)
    assert after == before
    assert words in reason
    assert reason.endswith(".")


def test_a_second_part_without_keywords_stays_as_it_is() -> None:
    chunk = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<depth/>"
    after, reason = with_keywords(with_segment(b"\xe1", chunk), NAME)
    assert reason == ""
    assert chunk in after


def test_names_with_what_xml_cannot_hold_are_still_readable(tmp_path: Path) -> None:
    after, reason = with_keywords(saved("JPEG"), "a\x00b\x1f\ud800\uffff")
    assert reason == ""
    path = tmp_path / "a.jpg"
    path.write_bytes(after)
    (packet,) = embedded_packets(path)
    assert b"<rdf:li>a_b___</rdf:li>" in packet


def test_only_kinds_of_files_that_take_keywords_are_asked() -> None:
    assert takes_keywords("a.JPG", 10)
    assert not takes_keywords("a.nef", 10)
    assert not takes_keywords("a.heic", 10)
    assert not takes_keywords("a.jpg", 1 << 40)


def test_what_a_copy_will_be_is_known_before(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["exif.jpg"]())
    data, _ = with_keywords(path.read_bytes(), NAME)
    assert expected_copy(path, NAME) == (
        len(data),
        hashlib.blake2b(data, digest_size=16).digest(),
    )


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_off_anywhere_is_refused_or_taken_but_never_breaks(name: str) -> None:
    whole = FILES[name]()
    for size in {*range(0, min(len(whole), 400), 13), *range(0, len(whole), 1997)}:
        cut = whole[:size]
        after, reason = with_keywords(cut, NAME)
        assert after == cut if reason else after != cut


def test_fill_bytes_between_segments_are_read_over() -> None:
    plain = saved("JPEG")
    filled = plain[:2] + b"\xff\xff\xff" + plain[2:]
    after, reason = with_keywords(filled, NAME)
    assert reason == ""
    assert decoded(after) == decoded(plain)


def test_signatures_tell_formats_apart() -> None:
    assert saved("JPEG").startswith(jpeg.SIGNATURE)
    assert with_keywords(saved("GIF", "L"), NAME)[1] == "It is no JPEG, PNG, TIFF or WebP file."

"""Which keyword becomes the label of an image, from sidecars and from inside the file."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dclust_gui.services.xmp.embedded import embedded_packets
from dclust_gui.services.xmp.packet import merge_keywords

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.importing.conftest import Library

_PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:lr="http://ns.adobe.com/lightroom/1.0/">{}</rdf:Description></rdf:RDF></x:xmpmeta>'
)


def packet(flat: tuple[str, ...] = (), tree: tuple[str, ...] = ()) -> bytes:
    """A packet as Lightroom writes it."""
    parts = ""
    for name, texts in (("dc:subject", flat), ("lr:hierarchicalSubject", tree)):
        if texts:
            items = "".join(f"<rdf:li>{text}</rdf:li>" for text in texts)
            parts += f"<{name}><rdf:Bag>{items}</rdf:Bag></{name}>"
    return _PACKET.format(parts).encode()


def test_hierarchical_keywords_count_first_and_the_lowest_of_a_line(library: Library) -> None:
    for name in "abcdef":
        library.add(f"{name}.jpg")
    photos = library.folder / "photos"
    (photos / "a.xmp").write_bytes(packet(("holiday", "Gull"), ("Animals|Birds|Gull",)))
    (photos / "b.jpg.xmp").write_bytes(
        packet((), ("Animals", "animals|Birds", "Animals|Birds|Gull"))
    )
    (photos / "c.XMP").write_bytes(packet(("Gull",)))
    (photos / "d.xmp").write_bytes(packet(("Gull", "holiday")))
    (photos / "e.xmp").write_bytes(b"<not xml")
    session = library.project()
    plan = library.plan(session, "xmp")
    assert library.labelled(session, plan) == {
        "a.jpg": "Animals/Birds/Gull",
        "b.jpg": "Animals/Birds/Gull",
        "c.jpg": "Gull",
    }
    said = {p.what.rpartition("/")[2]: p.why for p in plan.problems}
    assert said["d.jpg"] == (
        "It has several keywords, and not one that names a cluster: Gull, holiday."
    )
    assert said["e.xmp"].startswith("It cannot be read")
    assert plan.notes == ("2 images without a keyword.",)


def test_of_several_keywords_the_one_that_names_a_cluster_counts(library: Library) -> None:
    for name in ("a", "b"):
        library.add(f"{name}.jpg")
    photos = library.folder / "photos"
    (photos / "a.xmp").write_bytes(packet(("gull", "holiday")))
    (photos / "b.xmp").write_bytes(packet(("gull", "Tern", "holiday")))
    session = library.project()
    session.new_cluster([], "Gull")
    session.new_cluster([], "Tern")
    plan = library.plan(session, "xmp")
    assert library.labelled(session, plan) == {"a.jpg": "Gull"}
    assert plan.problems[0].why == "It has keywords of several clusters: gull, Tern."


def test_what_we_have_written_counts_among_other_keywords(library: Library) -> None:
    library.add("a.jpg")
    place = library.folder / "photos/a.xmp"
    place.write_bytes(merge_keywords(packet(("holiday",), ("Places|Sea",)), ["Birds/Gulls"]))
    session = library.project()
    plan = library.plan(session, "xmp")
    assert library.labelled(session, plan) == {"a.jpg": "Birds/Gulls"}


def test_two_sidecars_of_an_image_must_agree(library: Library) -> None:
    library.add("a.jpg")
    photos = library.folder / "photos"
    (photos / "a.xmp").write_bytes(packet(("Gull",)))
    (photos / "a.jpg.xmp").write_bytes(packet(("gull",)))
    session = library.project()
    assert library.labelled(session, library.plan(session, "xmp")) == {"a.jpg": "gull"}
    (photos / "a.jpg.xmp").write_bytes(packet(("Tern",)))
    assert library.plan(session, "xmp").n_lost == 1


@pytest.mark.parametrize("form", ["jpeg", "png", "webp", "tiff"])
def test_packets_inside_files_are_read(library: Library, form: str) -> None:
    written = packet(("Gull",))
    out = BytesIO()
    picture = Image.new("RGB", (8, 8))
    if form == "tiff":
        picture.save(out, "TIFF", tiffinfo={700: written})
    elif form == "png":
        picture.save(out, "PNG")
        data = out.getvalue()
        body = b"XML:com.adobe.xmp\0\0\0\0\0" + written
        chunk = struct.pack(">I", len(body)) + b"iTXt" + body
        chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
        out = BytesIO(data[:33] + chunk + data[33:])
    else:
        picture.save(out, form.upper(), xmp=written)
    path = library.folder / "photos" / f"a.{form}"
    path.parent.mkdir()
    path.write_bytes(out.getvalue())
    assert embedded_packets(path) == [written]
    session = library.project()
    assert library.labelled(session, library.plan(session, "xmp")) == {path.name: "Gull"}


def test_compressed_packets_of_png_and_damaged_files(tmp_path: Path) -> None:
    written = packet(("Gull",))
    signature = b"\x89PNG\r\n\x1a\n"
    for flags, text, wanted in (
        (b"\1\0", zlib.compress(written), [written]),
        (b"\1\0", b"no zlib", []),
    ):
        body = b"XML:com.adobe.xmp\0" + flags + b"\0\0" + text
        path = tmp_path / "a.png"
        path.write_bytes(signature + struct.pack(">I", len(body)) + b"iTXt" + body + b"crc.")
        assert embedded_packets(path) == wanted
    for data in (
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xe1\0\1",
        b"RIFF....WEBPXMP ",
        signature + b"x" * 9,
    ):
        path = tmp_path / "b.jpg"
        path.write_bytes(data)
        assert embedded_packets(path) == []

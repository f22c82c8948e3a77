"""Keywords in XMP packets: added, taken back, and nothing else touched."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dclust_gui.services.xmp.document import DamagedXmlError, parse
from dclust_gui.services.xmp.packet import keywords_of, merge_keywords

if TYPE_CHECKING:
    from pathlib import Path

EXIFTOOL = shutil.which("exiftool")
needs_exiftool = pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")

LIGHTROOM = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000 1.000000">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <!-- a comment -->
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   xmp:Rating="4" crs:Exposure2012="+0.35" crs:Note="one&#10;two">
   <dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>Birds</rdf:li></rdf:Bag></dc:subject>
   <lr:hierarchicalSubject><rdf:Bag><rdf:li>Places|sea</rdf:li></rdf:Bag></lr:hierarchicalSubject>
   <crs:ToneCurvePV2012><rdf:Seq><rdf:li>0, 0</rdf:li><rdf:li>255, 255</rdf:li></rdf:Seq>
   </crs:ToneCurvePV2012>
   <dc:title>
    <rdf:Alt><rdf:li xml:lang="x-default">Gull &amp; co <![CDATA[<b>]]></rdf:li></rdf:Alt>
   </dc:title>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

OTHER_PREFIXES = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<m:xmpmeta xmlns:m="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<r:Description r:about="" xmlns:dc="urn:something-else" xmlns:d="http://purl.org/dc/elements/1.1/">
<d:subject><r:Seq><r:li>old</r:li></r:Seq></d:subject><dc:thing>kept</dc:thing></r:Description>
</r:RDF></m:xmpmeta><?xpacket end="w"?>"""


def exif(path: Path) -> dict[str, object]:
    """What exiftool reads in a sidecar."""
    assert EXIFTOOL is not None
    done = subprocess.run(
        [EXIFTOOL, "-j", "-G1", "-struct", "-n", str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    values: dict[str, object] = json.loads(done.stdout)[0]
    drop = ("SourceFile", "File:", "System:", "ExifTool:")
    return {name: value for name, value in values.items() if not name.startswith(drop)}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


@needs_exiftool
def test_a_new_packet_is_read_by_exiftool_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(merge_keywords(None, ['Birds/Gulls & "co" <x>', "海"]))
    found = exif(path)
    assert found["XMP-dc:Subject"] == ["Birds", 'Gulls & "co" <x>', "海"]
    assert found["XMP-lr:HierarchicalSubject"] == ['Birds|Gulls & "co" <x>', "海"]
    assert found["XMP-digiKam:TagsList"] == ['Birds/Gulls & "co" <x>', "海"]


@needs_exiftool
@pytest.mark.parametrize("packet", [LIGHTROOM, OTHER_PREFIXES])
def test_everything_else_is_read_as_before(packet: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.xmp"
    path.write_bytes(packet)
    before = exif(path)
    path.write_bytes(merge_keywords(packet, ["Birds/Gulls"]))
    after = exif(path)
    changed = {"XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList"}
    for name, value in before.items():
        if name in changed:
            assert as_list(after[name])[: len(as_list(value))] == as_list(value)
        else:
            assert after[name] == value, name
    assert set(after) - set(before) <= changed | {"XMP-dclust:Keywords"}
    path.write_bytes(merge_keywords(path.read_bytes(), []))
    assert exif(path) == before


def test_comments_instructions_cdata_and_line_breaks_in_values_survive() -> None:
    merged = merge_keywords(LIGHTROOM, ["Gulls"])
    assert b"<!-- a comment -->" in merged
    assert b"<![CDATA[<b>]]>" in merged
    assert b'crs:Note="one&#10;two"' in merged
    assert b"<?xpacket end=" in merge_keywords(OTHER_PREFIXES, ["x"])
    assert merge_keywords(merged, ["Gulls"]) == merged


def test_a_keyword_that_was_there_before_is_never_taken_away() -> None:
    merged = merge_keywords(LIGHTROOM, ["Birds/Gulls"])
    assert keywords_of(merged) == ["Places/sea", "Birds/Gulls"]
    moved = merge_keywords(merged, ["Cats"])
    assert keywords_of(moved) == ["Places/sea", "Cats"]
    flat = moved.partition(b"<dc:subject>")[2].partition(b"</dc:subject>")[0].decode()
    texts = re.findall("<rdf:li>(.*?)</rdf:li>", flat)
    assert texts == ["sea", "Birds", "Cats"]  # Birds was the photographer's own


def test_a_keyword_that_a_person_added_later_stays() -> None:
    merged = merge_keywords(None, ["Gulls"])
    edited = merged.replace(
        b"<rdf:li>Gulls</rdf:li>", b"<rdf:li>Gulls</rdf:li><rdf:li>own</rdf:li>", 1
    )
    assert b"own" in merge_keywords(edited, ["Terns"])
    assert b">Gulls<" not in merge_keywords(edited, ["Terns"])


def test_a_packet_that_needs_no_change_stays_byte_for_byte() -> None:
    assert merge_keywords(LIGHTROOM, []) == LIGHTROOM
    once = merge_keywords(LIGHTROOM, ["Gulls"])
    assert merge_keywords(once, ["Gulls"]) == once


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"not xml",
        b"<a/>",
        LIGHTROOM[:400],
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_xmp_is_refused_and_not_replaced(packet: bytes) -> None:
    with pytest.raises(DamagedXmlError):
        merge_keywords(packet, ["Gulls"])


def test_a_bar_in_a_name_makes_no_level() -> None:
    assert keywords_of(merge_keywords(None, ["a|b/c"])) == ["a_b/c"]


@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
            min_size=1,
            max_size=20,
        ),
        max_size=4,
    )
)
def test_any_names_are_added_and_taken_back(names: list[str]) -> None:
    merged = merge_keywords(LIGHTROOM, names)
    assert parse(merged)
    back = merge_keywords(merged, [])
    assert keywords_of(back) == ["Places/sea"]
    assert merge_keywords(back, []) == back

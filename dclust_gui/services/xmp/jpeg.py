"""Writes an XMP packet into the bytes of a JPEG file; the picture's own bytes stay as they are.

The segment with the packet is replaced, or put behind the EXIF segment. Behind the picture there
may be more: other pictures (multi-picture files, gain maps), whose places `mpf` keeps right, or
the video of a motion photo, which is found from the end of the file. Where a file might say in
another way where something lies, it is refused.

Source:
    Adobe, "XMP Specification Part 3: Storage in Files", section 1.1.3; CIPA DC-007 (MPF).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.services.xmp.container import CannotEmbedError, u16
from dclust_gui.services.xmp.mpf import Pictures, pictures_of, with_pictures_moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.services.xmp.container import Merge

SIGNATURE = b"\xff\xd8\xff"

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_EXIF = b"Exif\0"
_MPF = b"MPF\0"
_OURS = (b"subject", b"hierarchicalSubject", b"TagsList")
"""Properties that must not stand in an extended packet, where they would be there twice."""

_APP0, _APP1, _APP2, _APP11 = 0xE0, 0xE1, 0xE2, 0xEB
_SCAN, _END = 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_MOST_BYTES = 65_535 - 2 - len(_XMP)
_MARKER = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")
_FROM_THE_END = (b"MicroVideo", b"MotionPhoto", b"Container:Directory")
"""Properties that tell of data behind the picture by its distance from the end."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment: its marker, where it begins, where its content begins, where it ends."""

    marker: int
    start: int
    body: int
    end: int

    def begins(self, data: bytes, marker: int, text: bytes) -> bool:
        """Whether it is of a kind."""
        return self.marker == marker and data.startswith(text, self.body, self.end)


def embed(data: bytes, merge: Merge) -> bytes:
    """A JPEG file with another packet.

    Args:
        data: The file.
        merge: Makes the new packet.

    Returns:
        The new file; the same bytes where the packet does not change.

    Raises:
        CannotEmbedError: If that would need more than one segment, or might break something else
            in the file.
    """
    segments = _segments(data)
    found = [s for s in segments if s.begins(data, _APP1, _XMP)]
    if len(found) > 1:
        raise CannotEmbedError("It holds two XMP packets.")
    if any(s.marker == _APP11 and b"c2pa" in data[s.body : s.end] for s in segments):
        raise CannotEmbedError("It carries content credentials (C2PA), which a change would break.")
    before = data[found[0].body + len(_XMP) : found[0].end].strip(b"\0 \t\r\n") if found else None
    _check_extended(data, segments)
    packet = merge(before)
    if packet == before:
        return data
    if len(packet) > _MOST_BYTES:
        raise CannotEmbedError("Its XMP would be longer than 64 KB, which one segment cannot hold.")
    size = 2 + len(_XMP) + len(packet)
    segment = b"\xff\xe1" + size.to_bytes(2, "big") + _XMP + packet
    start, end = (found[0].start, found[0].end) if found else (_place(data, segments),) * 2
    pictures = _pictures(data, segments)
    if len(segment) != end - start:
        _check_behind(data, segments, pictures, before or b"")
    grown = len(segment) - (end - start)
    changed = data[:start] + segment + data[end:]
    return with_pictures_moved(changed, pictures, start, grown) if pictures else changed


def _segments(data: bytes) -> list[_Segment]:
    """The segments up to the first scan, that one's header too."""
    segments: list[_Segment] = []
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":  # filling
            at += 1
        if data[at : at + 1] != b"\xff" or at + 2 > len(data):
            raise CannotEmbedError("The file is damaged.")
        marker = data[at + 1]
        if marker in _ALONE:
            at += 2
            continue
        size = u16(data, at + 2, "big")
        end = at + 2 + size
        if marker == _END or size < 2 or end > len(data):
            raise CannotEmbedError("The file is damaged.")
        segments.append(_Segment(marker, at, at + 4, end))
        if marker == _SCAN:
            return segments
        at = end


def _place(data: bytes, segments: Sequence[_Segment]) -> int:
    """Where a new packet goes: behind EXIF, else behind JFIF, else at the beginning."""
    for segment in segments:
        if segment.begins(data, _APP1, _EXIF):
            return segment.end
    place = 2
    for segment in segments:
        if segment.marker != _APP0:
            break
        place = segment.end
    return place


def _check_extended(data: bytes, segments: Sequence[_Segment]) -> None:
    """Refuse a file whose keywords lie in the part of the packet that needs segments of its own.

    Its chunks otherwise stay as they are, and so does what the packet says of them.
    """
    chunks = [data[s.body : s.end] for s in segments if s.begins(data, _APP1, _EXTENSION)]
    skip = len(_EXTENSION) + 32 + 4 + 4  # GUID, full length, offset
    ordered = sorted(chunks, key=lambda chunk: chunk[len(_EXTENSION) + 36 : skip])
    text = b"".join(chunk[skip:] for chunk in ordered)
    if any(b":" + name in text for name in _OURS):
        raise CannotEmbedError("Its keywords lie in a second part of its XMP.")


def _pictures(data: bytes, segments: Sequence[_Segment]) -> Pictures | None:
    found = [s for s in segments if s.begins(data, _APP2, _MPF)]
    if len(found) > 1:
        raise CannotEmbedError("It holds two tables of pictures.")
    return pictures_of(data, found[0].body + len(_MPF), found[0].end) if found else None


def _check_behind(
    data: bytes, segments: Sequence[_Segment], pictures: Pictures | None, packet: bytes
) -> None:
    """Refuse a file in which something behind the picture may be looked for by its place."""
    end = _end_of_picture(data, segments[-1].end)
    behind = data[max(end, pictures.end if pictures else 0) :]
    is_video = behind[4:8] == b"ftyp" or behind[-4:] == b"SEFT"
    if behind.strip(b"\0\xff") and not is_video and not any(n in packet for n in _FROM_THE_END):
        raise CannotEmbedError("It holds data behind the picture that may be looked for by place.")
    exif = next((s for s in segments if s.begins(data, _APP1, _EXIF)), None)
    if exif is None:
        return
    notes = data[exif.body : exif.end]
    origin = exif.body + len(_EXIF) + 1
    at = data.find(SIGNATURE, end)
    while at >= 0:
        for place in (at, at - origin):
            if place.to_bytes(4, "little") in notes or place.to_bytes(4, "big") in notes:
                raise CannotEmbedError("Its EXIF data say where another picture in it lies.")
        at = data.find(SIGNATURE, at + 1)


def _end_of_picture(data: bytes, at: int) -> int:
    """Where the first picture ends, from its first scan on; the file's end where it is cut off."""
    while found := _MARKER.search(data, at):
        if data[found.end() - 1] == _END:
            return found.end()
        if found.end() + 2 > len(data):
            break
        at = found.end() + max(u16(data, found.end(), "big"), 2)
    return len(data)

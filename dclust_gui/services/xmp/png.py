"""Writes an XMP packet into the bytes of a PNG file; all other chunks stay as they are.

Source:
    Adobe, "XMP Specification Part 3: Storage in Files", section 1.1.5; W3C, "PNG Specification
    (Third Edition)", sections 5.3 and 11.3.3.4.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.services.xmp.container import CannotEmbedError, u32

if TYPE_CHECKING:
    from dclust_gui.services.xmp.container import Merge

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_KEYWORD = b"XML:com.adobe.xmp\0"
_OTHER_KEYWORD = b"Raw profile type xmp\0"
_MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk: its kind, where it begins, its content, where it ends."""

    kind: bytes
    start: int
    body: bytes
    end: int


def embed(data: bytes, merge: Merge) -> bytes:
    """A PNG file with another packet.

    Args:
        data: The file.
        merge: Makes the new packet.

    Returns:
        The new file; the same bytes where the packet does not change.

    Raises:
        CannotEmbedError: If the file is damaged or cannot take it.
    """
    chunks = _chunks(data)
    found = [chunk for chunk in chunks if chunk.kind == b"iTXt" and chunk.body.startswith(_KEYWORD)]
    if len(found) > 1:
        raise CannotEmbedError("It holds two XMP packets.")
    if any(chunk.body.startswith(_OTHER_KEYWORD) for chunk in chunks if chunk.kind != b"IDAT"):
        raise CannotEmbedError("It holds its XMP in a way that few programs know.")
    if any(chunk.kind == b"caBX" for chunk in chunks):
        raise CannotEmbedError("It carries content credentials (C2PA), which a change would break.")
    before = _packet(found[0].body) if found else None
    packet = merge(before)
    if packet == before:
        return data
    first = next(chunk for chunk in chunks if chunk.kind == b"IDAT")
    start, end = (found[0].start, found[0].end) if found else (first.start, first.start)
    body = _KEYWORD + b"\0\0\0\0" + packet  # not compressed, no language, no other keyword
    crc = zlib.crc32(body, zlib.crc32(b"iTXt"))
    chunk = len(body).to_bytes(4, "big") + b"iTXt" + body + crc.to_bytes(4, "big")
    return data[:start] + chunk + data[end:]


def _chunks(data: bytes) -> list[_Chunk]:
    """All chunks; the content of pictures is left out."""
    chunks: list[_Chunk] = []
    at = len(SIGNATURE)
    kind = b""
    while kind != b"IEND":
        size = u32(data, at, "big")
        kind, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data) or not kind.isalpha():
            raise CannotEmbedError("The file is damaged.")
        body = b"" if kind in (b"IDAT", b"fdAT") else data[at + 8 : end - 4]
        chunks.append(_Chunk(kind, at, body, end))
        at = end
    if chunks[0].kind != b"IHDR" or all(chunk.kind != b"IDAT" for chunk in chunks):
        raise CannotEmbedError("The file is damaged.")
    return chunks


def _packet(body: bytes) -> bytes:
    """The packet in a chunk: behind two bytes on compression, a language, a second keyword."""
    rest = body[len(_KEYWORD) :]
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        raise CannotEmbedError("Its XMP is damaged.")
    if not rest[0]:
        return parts[2].strip(b"\0 \t\r\n")
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(parts[2], _MOST_BYTES)
    except zlib.error as error:
        raise CannotEmbedError("Its XMP is damaged.") from error
    if not reader.eof:
        raise CannotEmbedError("Its XMP is damaged, or too long.")
    return text.strip(b"\0 \t\r\n")

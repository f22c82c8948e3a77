"""Writes an XMP packet into the bytes of a WebP file; the chunks of the picture stay as they are.

Source:
    RFC 9649, "WebP Image Format", sections 2.3 to 2.7 (RIFF, `VP8X`, `XMP `) and 3.4 (`VP8L`);
    RFC 6386, section 9.1 (size in a key frame of VP8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.services.xmp.container import CannotEmbedError, u16, u32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.services.xmp.container import Merge

SIGNATURE = b"RIFF"
KIND = b"WEBP"

_HAS_XMP, _HAS_ALPHA = 0x04, 0x10
_LIMIT = (1 << 32) - 10


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk: its kind, and its content without the byte that makes its length even."""

    kind: bytes
    body: bytes


def embed(data: bytes, merge: Merge) -> bytes:
    """A WebP file with another packet.

    Args:
        data: The file.
        merge: Makes the new packet.

    Returns:
        The new file; the same bytes where the packet does not change.

    Raises:
        CannotEmbedError: If the file is damaged or would be too large.
    """
    end = 8 + u32(data, 4, "little")
    if end > len(data):
        raise CannotEmbedError("The file is damaged.")
    chunks = _chunks(data[:end])
    found = [i for i, chunk in enumerate(chunks) if chunk.kind == b"XMP "]
    if len(found) > 1:
        raise CannotEmbedError("It holds two XMP packets.")
    if any(chunk.kind == b"C2PA" for chunk in chunks):
        raise CannotEmbedError("It carries content credentials (C2PA), which a change would break.")
    before = chunks[found[0]].body.strip(b"\0 \t\r\n") if found else None
    packet = merge(before)
    if packet == before:
        return data
    new = _Chunk(b"XMP ", packet)
    if found:
        chunks[found[0]] = new
    else:
        chunks.append(new)
    body = KIND + b"".join(_written(chunk) for chunk in _with_header(chunks))
    if len(body) > _LIMIT:
        raise CannotEmbedError("The file would be larger than WebP allows.")
    return SIGNATURE + len(body).to_bytes(4, "little") + body + data[end:]


def _chunks(data: bytes) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    at = 12
    while at < len(data):
        size = u32(data, at + 4, "little")
        if at + 8 + size > len(data):
            raise CannotEmbedError("The file is damaged.")
        chunks.append(_Chunk(data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    if not chunks:
        raise CannotEmbedError("The file is damaged.")
    return chunks


def _written(chunk: _Chunk) -> bytes:
    size = len(chunk.body)
    return chunk.kind + size.to_bytes(4, "little") + chunk.body + bytes(size % 2)


def _with_header(chunks: Sequence[_Chunk]) -> list[_Chunk]:
    """The chunks with a header that tells of XMP, made for a file of a single picture."""
    first = chunks[0]
    if first.kind == b"VP8X" and len(first.body) == 10:
        flags = bytes([first.body[0] | _HAS_XMP])
        return [_Chunk(b"VP8X", flags + first.body[1:]), *chunks[1:]]
    if first.kind == b"VP8L" and first.body[:1] == b"\x2f":
        bits = u32(first.body, 1, "little")
        width, height = bits & 0x3FFF, bits >> 14 & 0x3FFF  # both less one
        alpha = _HAS_ALPHA if bits >> 28 & 1 else 0
    elif first.kind == b"VP8 " and first.body[3:6] == b"\x9d\x01\x2a":
        width = (u16(first.body, 6, "little") & 0x3FFF) - 1
        height = (u16(first.body, 8, "little") & 0x3FFF) - 1
        alpha = 0
    else:
        raise CannotEmbedError("The file is damaged.")
    if width < 0 or height < 0:
        raise CannotEmbedError("The file is damaged.")
    size = width.to_bytes(3, "little") + height.to_bytes(3, "little")
    return [_Chunk(b"VP8X", bytes([_HAS_XMP | alpha, 0, 0, 0]) + size), *chunks]

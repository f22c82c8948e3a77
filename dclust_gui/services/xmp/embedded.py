"""Finds the XMP packets inside image files; reads only, and never more than it must.

Source:
    Adobe, "XMP Specification Part 3: Storage in Files": JPEG (APP1), PNG (iTXt), WebP (chunk
    `XMP `). In TIFF, DNG, other RAW files and HEIF packets stand as they are, in one piece.
"""

from __future__ import annotations

import mmap
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_JPEG_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEYWORD = b"XML:com.adobe.xmp\0"
_OPENING, _CLOSING = b"<x:xmpmeta", b"</x:xmpmeta>"
_MOST_PACKETS = 8
_MOST_BYTES = 16 * 1024 * 1024
"""Longer packets are left alone."""
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_SCAN = 0xDA


def embedded_packets(path: Path) -> list[bytes]:
    """The packets of an image file, in order; none where it is damaged or has none.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # an empty file
            return []
        with data:
            if data[:2] == b"\xff\xd8":
                found = list(_in_jpeg(data))
            elif data[:8] == _PNG_SIGNATURE:
                found = list(_in_png(data))
            elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
                found = list(_in_webp(data))
            else:
                found = list(_in_anything(data))
    return [packet.strip(b"\0 \t\r\n") for packet in found]


def _in_jpeg(data: mmap.mmap) -> Iterator[bytes]:
    """Segments up to the picture itself."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker in _NO_LENGTH:
            at += 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN or size < 2:
            return
        body = at + 4
        if marker == 0xE1 and data[body : body + len(_JPEG_HEADER)] == _JPEG_HEADER:
            yield data[body + len(_JPEG_HEADER) : at + 2 + size]
        at += 2 + size


def _in_png(data: mmap.mmap) -> Iterator[bytes]:
    at = len(_PNG_SIGNATURE)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 8 : at + 8 + len(_PNG_KEYWORD)]
        if data[at + 4 : at + 8] == b"iTXt" and body == _PNG_KEYWORD and size < _MOST_BYTES:
            yield from _text_of_png(data[at + 8 + len(_PNG_KEYWORD) : at + 8 + size])
        at += 12 + size


def _text_of_png(rest: bytes) -> Iterator[bytes]:
    """The text of a chunk behind its keyword: two bytes, language, keyword again, text."""
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return
    if not rest[0]:
        yield parts[2]
        return
    try:
        yield zlib.decompressobj().decompress(parts[2], _MOST_BYTES)
    except zlib.error:
        return


def _in_webp(data: mmap.mmap) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"XMP " and size < _MOST_BYTES:
            yield data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _in_anything(data: mmap.mmap) -> Iterator[bytes]:
    at = 0
    for _ in range(_MOST_PACKETS):
        start = data.find(_OPENING, at)
        end = data.find(_CLOSING, start, start + _MOST_BYTES) if start >= 0 else -1
        if end < 0:
            return
        at = end + len(_CLOSING)
        yield data[start:at]

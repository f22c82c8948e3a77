"""Writes an XMP packet into the bytes of a TIFF file, behind all that is there.

Where the first directory knows a packet, its entry leads to the new one; else a copy of the
directory with one entry more is written behind the file, and the header leads there. Nothing else
changes, so that all places that the file speaks of stay right.

Source:
    Adobe, "TIFF Revision 6.0", section 2; Adobe, "XMP Specification Part 3: Storage in Files",
    section 1.1.4 (tag 700).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.services.xmp.container import CannotEmbedError, u16, u32

if TYPE_CHECKING:
    from dclust_gui.services.xmp.container import Merge

SIGNATURES = (b"II*\0", b"MM\0*")

_XMP_TAG = 700
_BYTE, _UNDEFINED = 1, 7
_ENTRY_BYTES = 12
_LIMIT = 1 << 32


def embed(data: bytes, merge: Merge) -> bytes:
    """A TIFF file with another packet.

    Args:
        data: The file.
        merge: Makes the new packet.

    Returns:
        The new file; the same bytes where the packet does not change.

    Raises:
        CannotEmbedError: If the file is damaged or would be too large.
    """
    order = "little" if data[:2] == b"II" else "big"
    table = u32(data, 4, order)
    n_entries = u16(data, table, order)
    end = table + 2 + _ENTRY_BYTES * n_entries
    following = u32(data, end, order)
    entries = [data[at : at + _ENTRY_BYTES] for at in range(table + 2, end, _ENTRY_BYTES)]
    tags = [u16(entry, 0, order) for entry in entries]
    if not tags or tags.count(_XMP_TAG) > 1:
        raise CannotEmbedError("The file is damaged.")
    there = tags.index(_XMP_TAG) if _XMP_TAG in tags else -1
    before = _packet(data, entries[there], order) if there >= 0 else None
    packet = merge(before)
    if packet == before:
        return data
    place = len(data) + len(data) % 2
    if place + len(packet) + 2 * len(entries) * _ENTRY_BYTES >= _LIMIT:
        raise CannotEmbedError("The file would be larger than TIFF allows.")
    changed = bytearray(data)
    changed += bytes(place - len(data))
    entry = _bytes(_XMP_TAG, 2, order) + _bytes(_BYTE, 2, order) + _bytes(len(packet), 4, order)
    if there >= 0:
        at = table + 2 + _ENTRY_BYTES * there
        changed[at : at + _ENTRY_BYTES] = entry + _bytes(place, 4, order)
        return bytes(changed + packet)
    size = 2 + _ENTRY_BYTES * (n_entries + 1) + 4
    rows = sorted(
        [*entries, entry + _bytes(place + size, 4, order)], key=lambda e: u16(e, 0, order)
    )
    changed += _bytes(len(rows), 2, order) + b"".join(rows) + _bytes(following, 4, order)
    changed[4:8] = _bytes(place, 4, order)
    return bytes(changed + packet)


def _packet(data: bytes, entry: bytes, order: str) -> bytes:
    kind, size, place = u16(entry, 2, order), u32(entry, 4, order), u32(entry, 8, order)
    if kind not in (_BYTE, _UNDEFINED) or size <= 4 or place + size > len(data):
        raise CannotEmbedError("Its XMP is damaged.")
    return data[place : place + size].strip(b"\0 \t\r\n")


def _bytes(value: int, size: int, order: str) -> bytes:
    return value.to_bytes(size, "little" if order == "little" else "big")

"""The table of a JPEG file that holds several pictures, and keeping it right.

Source:
    CIPA DC-007-2009, "Multi-Picture Format", sections 5.2.2 and 5.2.3 (MP Entry: attribute, size,
    offset from the table's header, 0 for the first picture).
"""

from __future__ import annotations

from dataclasses import dataclass

from dclust_gui.services.xmp.container import CannotEmbedError, u16, u32

_MP_ENTRY = 0xB002
_ENTRY_BYTES = 16
_MOST_PICTURES = 1000
_DAMAGED = "Its table of pictures is damaged."


@dataclass(frozen=True, slots=True)
class Pictures:
    """The table of pictures of a file.

    Attributes:
        origin: Where its header stands; places of pictures count from there.
        entries: Where each picture's entry stands.
        order: Of bytes: `little` or `big`.
        end: Where the last picture ends.
    """

    origin: int
    entries: tuple[int, ...]
    order: str
    end: int


def pictures_of(data: bytes, origin: int, end: int) -> Pictures:
    """Read the table.

    Args:
        data: The file.
        origin: Where its header stands.
        end: Where its segment ends.

    Raises:
        CannotEmbedError: If it is damaged, or a picture does not lie where it says.
    """
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(data[origin : origin + 4], "")
    if not order:
        raise CannotEmbedError(_DAMAGED)
    table = origin + u32(data, origin + 4, order)
    n_fields = u16(data, table, order)
    if table + 2 + 12 * n_fields > end:
        raise CannotEmbedError(_DAMAGED)
    fields = (table + 2 + 12 * i for i in range(n_fields))
    field = next((at for at in fields if u16(data, at, order) == _MP_ENTRY), None)
    if field is None:
        raise CannotEmbedError(_DAMAGED)
    first = origin + u32(data, field + 8, order)
    n_pictures = u32(data, field + 4, order) // _ENTRY_BYTES
    if not 0 < n_pictures <= _MOST_PICTURES or first + _ENTRY_BYTES * n_pictures > end:
        raise CannotEmbedError(_DAMAGED)
    entries = tuple(first + _ENTRY_BYTES * i for i in range(n_pictures))
    last = 0
    for at in entries:
        size, offset = u32(data, at + 4, order), u32(data, at + 8, order)
        if not offset:
            continue
        start = origin + offset
        if not data.startswith(b"\xff\xd8", start) or start + size > len(data):
            raise CannotEmbedError(_DAMAGED)
        last = max(last, start + size)
    return Pictures(origin, entries, order, last)


def with_pictures_moved(data: bytes, pictures: Pictures, start: int, grown: int) -> bytes:
    """A file whose table is right again after bytes came or went before its pictures.

    Args:
        data: The file after that.
        pictures: The table before that.
        start: Where bytes came or went, in the first picture.
        grown: How many; negative where they went.
    """
    changed = bytearray(data)
    shift = grown if start <= pictures.origin else 0
    for i, entry in enumerate(pictures.entries):
        at = entry + shift
        size, offset = u32(data, at + 4, pictures.order), u32(data, at + 8, pictures.order)
        if offset:
            _put(changed, at + 8, offset + grown - shift, pictures.order)
        elif i == 0:
            _put(changed, at + 4, size + grown, pictures.order)
    return bytes(changed)


def _put(data: bytearray, at: int, value: int, order: str) -> None:
    if not 0 <= value < 1 << 32:
        raise CannotEmbedError(_DAMAGED)
    data[at : at + 4] = value.to_bytes(4, "little" if order == "little" else "big")

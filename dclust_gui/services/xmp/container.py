"""What the writers of XMP into files have in common."""

from __future__ import annotations

from collections.abc import Callable

Merge = Callable[[bytes | None], bytes]
"""Gives the new packet for the one that is there, None for none; the same bytes for no change."""

Embed = Callable[[bytes, Merge], bytes]
"""Writes a packet into the bytes of a file of one format; raises `CannotEmbedError`."""


class CannotEmbedError(ValueError):
    """A packet that cannot be written into a file; its text is a sentence that says why."""


def u32(data: bytes, at: int, order: str) -> int:
    """An unsigned number of four bytes; `order` is `little` or `big`."""
    return number(data, at, 4, order)


def u16(data: bytes, at: int, order: str) -> int:
    """An unsigned number of two bytes; `order` is `little` or `big`."""
    return number(data, at, 2, order)


def number(data: bytes, at: int, size: int, order: str) -> int:
    """An unsigned number.

    Raises:
        CannotEmbedError: If the file ends before it.
    """
    if not 0 <= at <= len(data) - size:
        raise CannotEmbedError("The file is damaged: it ends too early.")
    return int.from_bytes(data[at : at + size], "little" if order == "little" else "big")

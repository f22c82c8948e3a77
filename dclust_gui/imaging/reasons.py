"""Turns what decoders raise into sentences for the user, without paths of this computer."""

from __future__ import annotations

import struct
import zlib

from dclust_gui.imaging.formats import describe_other
from dclust_gui.imaging.limits import Refused

_CUT_OFF = (
    "truncated",
    "not enough",
    "unexpected end",
    "end of file",
    "premature",
    "not processed",
)
_NO_MEMORY = ("memory", "bad_alloc", "security limit", "too large")


def unknown_content(head: bytes) -> str:
    """Why a file of no known format cannot be read.

    Args:
        head: First bytes of the file.

    Returns:
        One sentence.
    """
    return describe_other(head) or "The content is not an image of a known format."


def reason_of(error: BaseException, format_name: str) -> str:
    """What a decoder's exception means for the file.

    Args:
        error: The exception.
        format_name: Format found by content.

    Returns:
        One sentence.
    """
    if isinstance(error, Refused):
        return str(error)
    name = format_name or "image"
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(word in text for word in _NO_MEMORY):
        return f"Decoding this {name} file needs too much memory."
    if isinstance(error, (EOFError, struct.error)) or any(word in text for word in _CUT_OFF):
        return f"The file is cut off: the last part of the {name} data is missing."
    if isinstance(error, NotImplementedError) or "unsupported" in text or "not supported" in text:
        return f"This kind of {name} is not supported."
    if isinstance(error, zlib.error) or "broken" in text or "corrupt" in text or "crc" in text:
        return f"The {name} data is damaged."
    if isinstance(error, SyntaxError):
        return f"The file starts like {name}, but its header is damaged."
    return f"The {name} data is damaged and could not be decoded."


def os_reason(error: OSError) -> str:
    """Why a file could not be opened or read.

    Args:
        error: What `open` or `read` raised.

    Returns:
        One sentence without the path.
    """
    if isinstance(error, FileNotFoundError):
        return "The file is no longer there."
    if isinstance(error, PermissionError):
        return "The file may not be read (permission denied)."
    if isinstance(error, IsADirectoryError):
        return "This is a folder, not a file."
    return f"The file could not be read ({error.strerror or 'input/output error'})."

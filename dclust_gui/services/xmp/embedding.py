"""Embeds the name of a cluster as XMP keywords in the bytes of a picture, for exported copies.

The packet that is there is merged into (`packet.py`); the picture's compressed bytes stay as they
are. The same bytes and the same name always give the same result, by which an export that was
killed knows its own copies again. Original files are never written to.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from dclust_gui.domain.images import CONTENT_HASH_BYTES
from dclust_gui.services.xmp import jpeg, png, tiff, webp
from dclust_gui.services.xmp.container import CannotEmbedError
from dclust_gui.services.xmp.document import DamagedXmlError
from dclust_gui.services.xmp.packet import merge_keywords

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.services.xmp.container import Embed

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp"})
"""Files that keywords are embedded in; RAW, HEIC, AVIF, GIF and BMP files are not."""

MOST_BYTES = 512 << 20
"""Larger files are left without, as they would have to be held in memory."""


def takes_keywords(name: str, size: int) -> bool:
    """Whether a file is of a kind that keywords are embedded in.

    Args:
        name: Its name or path.
        size: Bytes.
    """
    return PurePath(name).suffix.lower() in SUFFIXES and size <= MOST_BYTES


def with_keywords(data: bytes, name: str) -> tuple[bytes, str]:
    """A picture with the name of its cluster as keywords.

    Args:
        data: The whole file.
        name: `/` separates levels; empty gives the same bytes.

    Returns:
        The new file, and an empty text; or the same bytes, and a sentence that says why.
    """
    if not name:
        return data, ""
    embed = _writer(data)
    if embed is None:
        return data, "It is no JPEG, PNG, TIFF or WebP file."
    try:
        return embed(data, partial(_merged, name=name)), ""
    except CannotEmbedError as error:
        return data, str(error)
    except DamagedXmlError as error:
        return data, f"Its XMP is damaged. {error}"


def expected_copy(source: Path, name: str) -> tuple[int, bytes]:
    """Size and content hash of the copy of a file with the name of its cluster.

    Raises:
        OSError: If it cannot be read.
    """
    data, _ = with_keywords(source.read_bytes(), name)
    return len(data), hashlib.blake2b(data, digest_size=CONTENT_HASH_BYTES).digest()


def _merged(packet: bytes | None, name: str) -> bytes:
    return merge_keywords(packet, [name]).strip(b"\n")


def _writer(data: bytes) -> Embed | None:
    """The writer for a file, by its first bytes."""
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.embed
    if data.startswith(png.SIGNATURE):
        return png.embed
    if data.startswith(tiff.SIGNATURES):
        return tiff.embed
    if data.startswith(webp.SIGNATURE) and data[8:12] == webp.KIND:
        return webp.embed
    return None

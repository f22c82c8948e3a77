"""One immutable file of features: header, content hashes, float16 rows, checksums."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.images import CONTENT_HASH_BYTES
from dclust_gui.storage.files import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HASH_TYPE = np.dtype(f"S{CONTENT_HASH_BYTES}")
"""Content hashes as rows of an array; they compare as bytes."""

_MAGIC = b"DCLFEATS"
_VERSION = 1
_HEADER = struct.Struct("<8sIIQI")
"""Magic, version, dims, rows, CRC-32 of hashes and features; then its own CRC-32."""
_START = _HEADER.size + 4


class DamagedChunkError(Exception):
    """A file of features is cut off, changed or of another kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """What a chunk file holds, apart from its features.

    Attributes:
        path: The file.
        dims: Width of a row.
        hashes: S16 (n,), content hashes of the rows.
    """

    path: Path
    dims: int
    hashes: NDArray[np.bytes_]


def hash_array(contents: list[bytes] | tuple[bytes, ...]) -> NDArray[np.bytes_]:
    """Content hashes as S16 (n,).

    Raises:
        ValueError: If one is not 16 bytes long.
    """
    if any(len(content) != CONTENT_HASH_BYTES for content in contents):
        raise ValueError(f"a content hash has {CONTENT_HASH_BYTES} bytes")
    return np.frombuffer(b"".join(contents), HASH_TYPE)


def write_chunk(path: Path, hashes: NDArray[np.bytes_], features: NDArray[np.float16]) -> None:
    """Write a chunk so that it is there wholly or not at all.

    Args:
        path: Its place.
        hashes: S16 (n,).
        features: float16 (n, dims).

    Raises:
        OSError: If it cannot be written.
    """
    rows = np.ascontiguousarray(features, "<f2")
    keys = hashes.tobytes()
    body = rows.data.cast("B") if rows.size else memoryview(b"")
    checksum = zlib.crc32(body, zlib.crc32(keys))
    header = _HEADER.pack(_MAGIC, _VERSION, rows.shape[1], len(rows), checksum)
    write_file(path, [header, zlib.crc32(header).to_bytes(4, "little"), keys, body])


def read_chunk(path: Path) -> tuple[Chunk, NDArray[np.float16]]:
    """Read and check a whole chunk.

    Args:
        path: The file.

    Returns:
        The chunk and its features, float16 (n, dims), read-only.

    Raises:
        DamagedChunkError: If its content is not what was written.
        OSError: If it cannot be read.
    """
    data = path.read_bytes()
    if len(data) < _START:
        raise DamagedChunkError("the header is cut off")
    header = data[: _HEADER.size]
    magic, version, dims, n_rows, checksum = _HEADER.unpack(header)
    is_ours = magic == _MAGIC and version == _VERSION
    if not is_ours or zlib.crc32(header).to_bytes(4, "little") != data[_HEADER.size : _START]:
        raise DamagedChunkError("the header is damaged")
    middle = _START + n_rows * CONTENT_HASH_BYTES
    if len(data) != middle + n_rows * dims * 2:
        raise DamagedChunkError("the file is cut off")
    if zlib.crc32(memoryview(data)[_START:]) != checksum:
        raise DamagedChunkError("the content is damaged")
    hashes = np.frombuffer(data, HASH_TYPE, n_rows, _START)
    features = np.frombuffer(data, "<f2", n_rows * dims, middle).reshape(n_rows, dims)
    return Chunk(path, dims, hashes.copy()), features


def read_rows(chunk: Chunk, rows: NDArray[np.int64], out: NDArray[np.float16]) -> None:
    """Read some features of a chunk that has been checked before.

    Args:
        chunk: The chunk.
        rows: int64 (m,), which rows.
        out: float16 (m, dims), filled.

    Raises:
        DamagedChunkError: If the file is shorter than it was.
        OSError: If it cannot be read.
    """
    start = _START + len(chunk.hashes) * CONTENT_HASH_BYTES
    in_order = len(rows) == len(chunk.hashes) and bool((np.diff(rows) == 1).all())
    target = out if in_order and out.flags.c_contiguous else None
    if target is None:
        target = np.empty((len(chunk.hashes), chunk.dims), np.float16)
    with chunk.path.open("rb", buffering=0) as file:
        file.seek(start)
        if file.readinto(target.data.cast("B")) != target.nbytes:
            raise DamagedChunkError("the file is cut off")
    if target is not out:
        np.take(target, rows, axis=0, out=out)

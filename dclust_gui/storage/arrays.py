"""Named arrays as bytes and back: little-endian numbers with their types and shapes, no code."""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[np.generic]]

_HEAD = struct.Struct("<4sQII")
"""Magic, length of the unpacked content, its CRC-32, length of the table at its start."""
_PLAIN = b"DCA0"
_PACKED = b"DCA1"
_KINDS = "biuf"


class DamagedArraysError(ValueError):
    """Bytes that are not arrays, or no longer."""


def to_bytes(arrays: Arrays, level: int = 1) -> bytes:
    """Write arrays down.

    Args:
        arrays: Arrays of booleans, integers or floats by name.
        level: zlib's, 0 to store without compression.

    Raises:
        ValueError: If an array holds anything else.
    """
    table = []
    bodies = []
    for name, array in arrays.items():
        if array.dtype.kind not in _KINDS:
            raise ValueError(f"{name}: arrays of {array.dtype} are not stored")
        ordered = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        table.append([name, ordered.dtype.str, list(array.shape)])
        bodies.append(ordered.tobytes())
    start = json.dumps(table, separators=(",", ":")).encode()
    content = b"".join((start, *bodies))
    head = (len(content), zlib.crc32(content), len(start))
    if level == 0:
        return _HEAD.pack(_PLAIN, *head) + content
    return _HEAD.pack(_PACKED, *head) + zlib.compress(content, level)


def from_bytes(data: bytes) -> dict[str, NDArray[np.generic]]:
    """Read arrays that `to_bytes` has written.

    Returns:
        Read-only arrays by name.

    Raises:
        DamagedArraysError: If the bytes are not what was written.
    """
    try:
        magic, n_bytes, checksum, n_start = _HEAD.unpack_from(data)
        content = memoryview(data)[_HEAD.size :]
        if magic == _PACKED:
            content = memoryview(zlib.decompressobj().decompress(content, max(1, n_bytes)))
        if magic not in (_PLAIN, _PACKED) or len(content) != n_bytes:
            raise DamagedArraysError("the arrays are cut off")
        if zlib.crc32(content) != checksum:
            raise DamagedArraysError("the arrays are damaged")
        return _split(content, n_start)
    except (struct.error, zlib.error, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise DamagedArraysError(str(error)) from error


def _split(content: memoryview, n_start: int) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {}
    offset = n_start
    for name, kind, shape in json.loads(bytes(content[:n_start])):
        dtype = np.dtype(kind)
        count = math.prod(shape)
        if dtype.kind not in _KINDS or offset + count * dtype.itemsize > len(content):
            raise DamagedArraysError("the table of the arrays is damaged")
        array = np.frombuffer(content, dtype, count, offset).reshape(shape)
        array.setflags(write=False)
        arrays[name] = array
        offset += count * dtype.itemsize
    return arrays


def smallest(array: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same integers in the narrowest type that holds them."""
    if not array.size:
        return array.astype(np.int8)
    low, high = int(array.min()), int(array.max())
    for dtype in (np.int8, np.int16, np.int32):
        limits = np.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return array.astype(dtype)
    return array.astype(np.int64)

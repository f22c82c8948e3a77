"""Writes a graph as an ONNX file, and reads a file's metadata, without onnx.

An ONNX file is one protobuf message. The few kinds of fields that such a graph needs are written
here directly, so that neither the package onnx nor torch's exporter has to be installed; the
numbers of the fields are those of onnx.proto3, IR version 8, operator set 17.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

IR_VERSION, OPERATOR_SET = 8, 17
_FLOAT, _INT64 = 1, 7
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_METADATA = 14


@dataclass(slots=True)
class Graph:
    """Nodes and constants of a graph, in order.

    Attributes:
        name: Of the graph.
        body: Encoded nodes and constants.
        count: Values named so far.
    """

    name: str
    body: bytearray = field(default_factory=bytearray)
    count: int = 0

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a constant, int64 where `values` are whole numbers, else float32; gives its name."""
        is_whole = values.dtype.kind == "i"
        tensor = b"".join(_number(1, size) for size in values.shape)
        tensor += _number(2, _INT64 if is_whole else _FLOAT) + _text(8, name)
        tensor += _message(9, values.astype("<i8" if is_whole else "<f4", copy=False).tobytes())
        self.body += _message(5, tensor)
        return name

    def node(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str = "",
        **attributes: int | float | list[int],  # noqa: PYI041 -- they are told apart
    ) -> str:
        """Add an operation; gives the name of its result.

        Args:
            kind: Operator, as `Gemm`.
            inputs: Names of values.
            output: Name of the result; a new one if empty.
            **attributes: The operator's; numbers with a decimal point where it wants those.
        """
        self.count += 1
        output = output or f"value_{self.count}"
        node = b"".join(_text(1, name) for name in inputs) + _text(2, output)
        node += _text(3, f"{kind}_{self.count}") + _text(4, kind)
        for name, value in attributes.items():
            node += _message(5, _text(1, name) + _attribute(value))
        self.body += _message(1, node)
        return output


def model_bytes(
    graph: Graph,
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, Sequence[int]],
    metadata: Mapping[str, str],
    producer: tuple[str, str],
) -> bytes:
    """A whole file.

    Args:
        graph: The graph.
        inputs: Shape after the number of rows n, by name; each is float32 (n, *shape).
        outputs: The same.
        metadata: Further facts, by key.
        producer: Name and version of the program.
    """
    body = _text(2, graph.name) + bytes(graph.body)
    body += b"".join(_message(11, _value(name, shape)) for name, shape in inputs.items())
    body += b"".join(_message(12, _value(name, shape)) for name, shape in outputs.items())
    found = _number(1, IR_VERSION) + _text(2, producer[0]) + _text(3, producer[1])
    found += _message(7, body) + _message(8, _text(1, "") + _number(2, OPERATOR_SET))
    for key, value in metadata.items():
        found += _message(_METADATA, _text(1, key) + _text(2, value))
    return found


def read_metadata(data: bytes) -> dict[str, str]:
    """The metadata of an ONNX file.

    Args:
        data: The file.

    Raises:
        ValueError: If it is no such file.
    """
    found: dict[str, str] = {}
    for number, part in _fields(data):
        if number == _METADATA and isinstance(part, bytes):
            entry = {n: p for n, p in _fields(part) if isinstance(p, bytes)}
            found[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
    return found


def _attribute(value: int | float | list[int]) -> bytes:  # noqa: PYI041 -- told apart
    """What stands behind an attribute's name."""
    if isinstance(value, list):
        return b"".join(_number(8, item) for item in value) + _number(20, _ATTRIBUTE_INTS)
    if isinstance(value, float):
        number = _varint(2 << 3 | _FIXED32) + struct.pack("<f", value)
        return number + _number(20, _ATTRIBUTE_FLOAT)
    return _number(3, value) + _number(20, _ATTRIBUTE_INT)


def _value(name: str, shape: Sequence[int]) -> bytes:
    """A named float32 (n, *shape)."""
    sides = _message(1, _text(2, "n"))
    sides += b"".join(_message(1, _number(1, side)) for side in shape)
    return _text(1, name) + _message(2, _message(1, _number(1, _FLOAT) + _message(2, sides)))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _number(place: int, value: int) -> bytes:
    return _varint(place << 3 | _VARINT) + _varint(value)


def _message(place: int, content: bytes) -> bytes:
    return _varint(place << 3 | _BYTES) + _varint(len(content)) + content


def _text(place: int, content: str) -> bytes:
    return _message(place, content.encode())


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and contents of a message's fields."""
    place = 0
    while place < len(data):
        key, place = _read_varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _read_varint(data, place)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _read_varint(data, place)
        elif kind in (_FIXED64, _FIXED32):
            size = struct.calcsize("<q" if kind == _FIXED64 else "<i")
        else:
            raise ValueError(f"kind {kind} of field is unknown")
        if place + size > len(data):
            raise ValueError("the file ends early")
        yield number, data[place : place + size]
        place += size


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise ValueError("the file ends early")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, place

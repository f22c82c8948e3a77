"""A student as an ONNX graph for other programs: from pixels to probabilities.

Inputs: `pixels`, float32 (n, 3, height, width), red, green, blue from 0 to 1, scaled and cropped as
the metadata say. Outputs: `probabilities` (n, classes), calibrated; `distance` (n, classes), above
1 where an image is unlike a class; `features` (n, dims), the backbone's. Where the backbone has
operators that cannot be written, the graph begins at `features` instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dclust_gui.algorithms.distances import FeatureScale, Scaling
from dclust_gui.algorithms.student.onnx_file import Graph, model_bytes
from dclust_gui.algorithms.student.onnx_network import NetworkWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from dclust_gui.algorithms.student.classifier import StudentClassifier

_LEAST = 1e-30
_WIDTH_AXIS = 3
_TO_THE_START = -(2**31)


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """The network before a student.

    Attributes:
        network: On the CPU; normalised float (n, 3, height, width) to features (n, dims).
        input_size: Height and width in pixels.
        mean: Per channel, subtracted from pixels in [0, 1].
        std: Per channel, divided by after that.
        is_twofold: Features are those of the picture and of its mirror image: the mean of their
            directions, with the mean of their lengths.
    """

    network: nn.Module
    input_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    is_twofold: bool = False


def onnx_bytes(
    student: StudentClassifier,
    scale: FeatureScale,
    sight: Sight | None,
    metadata: Mapping[str, str],
    version: str,
) -> bytes:
    """The content of an ONNX file.

    Args:
        student: Fitted.
        scale: What is done to features first.
        sight: The network before it; None to begin at its features.
        metadata: Further facts, by key.
        version: The program's.

    Raises:
        UnknownOperatorError: If the network cannot be written.
    """
    graph = Graph("dclust student")
    width, count = int(student.n_features_in_), len(student.classes_)
    outputs = {"probabilities": [count], "distance": [count]}
    if sight is None:
        inputs = {"features": [width]}
    else:
        inputs = {"pixels": [3, *sight.input_size]}
        _add_sight(graph, sight)
        outputs["features"] = [width]
    rows = _scaled(graph, scale)
    _add_probabilities(graph, student, rows)
    _add_distance(graph, student, rows)
    begins_at = {"input": next(iter(inputs))}
    return model_bytes(graph, inputs, outputs, {**begins_at, **metadata}, ("dclust", version))


def _add_sight(graph: Graph, sight: Sight) -> None:
    """Nodes from `pixels` to `features`."""
    writer = NetworkWriter(graph, sight.network, sight.input_size)
    mean, std = (
        graph.constant(name, np.array(values, np.float32).reshape(1, 3, 1, 1))
        for name, values in (("pixel_mean", sight.mean), ("pixel_std", sight.std))
    )
    pixels = graph.node("Div", [graph.node("Sub", ["pixels", mean]), std])
    plain = writer.add(pixels)
    if not sight.is_twofold:
        graph.node("Identity", [plain], "features")
        return
    last, start, axis = (writer.integers([value]) for value in (-1, _TO_THE_START, _WIDTH_AXIS))
    mirrored = writer.add(graph.node("Slice", [pixels, last, start, axis, last]))
    both = [_length_and_direction(graph, rows) for rows in (plain, mirrored)]
    length, direction = (graph.node("Add", list(pair)) for pair in zip(*both, strict=True))
    quarter = graph.constant("quarter", np.array(0.25, np.float32))
    graph.node("Mul", [graph.node("Mul", [direction, length]), quarter], "features")


def _length_and_direction(graph: Graph, rows: str) -> tuple[str, str]:
    length = graph.node("ReduceL2", [rows], axes=[1], keepdims=1)
    least = graph.constant(f"least_{graph.count}", np.array([_LEAST], np.float32))
    return length, graph.node("Div", [rows, graph.node("Max", [length, least])])


def _scaled(graph: Graph, scale: FeatureScale) -> str:
    """Nodes that do what `FeatureScale.apply` does; gives the name of the scaled rows."""
    rows = "features"
    if len(scale.offset):
        offset = graph.constant("offset", scale.offset.astype(np.float32))
        rows = graph.node("Sub", [rows, offset])
    if len(scale.factor):
        factor = graph.constant("factor", scale.factor.astype(np.float32))
        rows = graph.node("Mul", [rows, factor])
    if scale.how in (Scaling.L2, Scaling.CENTRE_L2):
        rows = _length_and_direction(graph, rows)[1]
    return rows


def _add_probabilities(graph: Graph, student: StudentClassifier, rows: str) -> None:
    layers = [layer for layer in student.network_.layers if isinstance(layer, torch.nn.Linear)]
    found = rows
    for number, layer in enumerate(layers):
        weight, bias = layer.weight.numpy(), layer.bias.numpy()
        is_last = number == len(layers) - 1
        if is_last:
            weight = weight / np.float32(student.temperature_)
            bias = bias / np.float32(student.temperature_)
        names = [
            graph.constant(f"weight_{number}", np.ascontiguousarray(weight.T)),
            graph.constant(f"bias_{number}", bias),
        ]
        found = graph.node("Gemm", [found, *names])
        found = found if is_last else graph.node("Relu", [found])
    graph.node("Softmax", [found], "probabilities", axis=1)


def _add_distance(graph: Graph, student: StudentClassifier, rows: str) -> None:
    guard = student.guard_
    twice = graph.constant("means", np.ascontiguousarray(-2.0 * guard.means.T))
    lengths = graph.constant("lengths", np.square(guard.means).sum(1))
    across = graph.node("Gemm", [rows, twice, lengths])
    own = graph.node("ReduceSumSquare", [rows], axes=[1], keepdims=1)
    squared = graph.node("Relu", [graph.node("Add", [across, own])])
    away = graph.node("Sqrt", [squared])
    graph.node("Div", [away, graph.constant("reach", guard.reach)], "distance")

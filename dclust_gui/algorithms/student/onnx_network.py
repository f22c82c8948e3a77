"""Writes a convolutional network into an ONNX graph, operator by operator, without onnx.

`torch.export` gives the network as a list of core ATen operators; each of those that usual
convolutional backbones are made of (EfficientNet, MobileNet, ResNet, RegNet, DenseNet, ...) has
one or two nodes of operator set 17. A network with any other operator is refused.
"""

from __future__ import annotations

import operator
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch.export import ExportedProgram

    from dclust_gui.algorithms.student.onnx_file import Graph

_EXAMPLE = 2
"""Images in the batch that the network is traced with; the graph takes any number."""


class UnknownOperatorError(ValueError):
    """A network has an operator that is not known here."""


class NetworkWriter:
    """Adds a network to a graph, once or several times with the same weights.

    Args:
        graph: Takes the nodes and weights.
        network: In evaluation mode, on the CPU; float (n, 3, height, width) to (n, dims).
        input_size: Height and width in pixels.

    Raises:
        UnknownOperatorError: If it cannot be traced, or has an operator that is not known here.
    """

    def __init__(self, graph: Graph, network: nn.Module, input_size: tuple[int, int]) -> None:
        self._graph = graph
        self._program = _exported(network, input_size)
        self._names: dict[Node, str] = {}
        self._placed: set[str] = set()
        unknown = sorted(
            {
                str(node.target)
                for node in self._program.graph.nodes
                if node.op == "call_function"
                and node.target is not operator.getitem
                and str(node.target) not in _WRITERS
            }
        )
        if unknown:
            raise UnknownOperatorError(f"the operators {', '.join(unknown)} are not known here")

    def add(self, pixels: str) -> str:
        """Add the network.

        Args:
            pixels: Name of the value that it is fed.

        Returns:
            Name of its result, (n, dims).
        """
        weights = self._program.graph_signature
        held = {**weights.inputs_to_parameters, **weights.inputs_to_buffers}
        self._names.clear()
        for node in self._program.graph.nodes:
            if node.op == "placeholder":
                if node.name not in held:
                    self._names[node] = pixels
                elif node.users:  # the classifier's weights have none
                    self._names[node] = self._weight(held[node.name])
            elif node.op == "call_function":
                self._names[node] = self._operation(node)
        output = next(node for node in self._program.graph.nodes if node.op == "output")
        return self._names[output.args[0][0]]

    # -- for the operators -------------------------------------------------------------------

    def name(self, value: object) -> str:
        """Name of a node's result, or of a number as a constant."""
        if isinstance(value, Node):
            return self._names[value]
        if isinstance(value, int | float):
            return self.constant(f"number_{float(value)!r}", np.array(value, np.float32))
        raise UnknownOperatorError(f"a value of {type(value).__name__} is not known here")

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        """Name of a constant that is in the graph once."""
        if name not in self._placed:
            self._placed.add(name)
            self._graph.constant(name, values)
        return name

    def integers(self, values: Sequence[int]) -> str:
        """Name of a list of whole numbers."""
        text = "_".join(str(value).replace("-", "m") for value in values)
        return self.constant(f"integers_{text}", np.array(values, np.int64))

    def put(self, kind: str, inputs: Sequence[str], **attributes: float | list[int]) -> str:
        """Add a node; gives the name of its result."""
        return self._graph.node(kind, inputs, "", **attributes)

    def _weight(self, key: str) -> str:
        values = self._program.state_dict.get(key)
        if values is None:
            values = self._program.constants[key]
        if not isinstance(values, Tensor) or not values.is_floating_point():
            raise UnknownOperatorError(f"the weights {key} are of a kind that is not known here")
        return self.constant(f"network.{key}", values.detach().float().contiguous().numpy())

    def _operation(self, node: Node) -> str:
        if node.target is operator.getitem:
            source, place = node.args
            if place != 0:
                raise UnknownOperatorError(f"a second result of {source} is not known here")
            return self.name(source)
        return _WRITERS[str(node.target)](self, node)


def _exported(network: nn.Module, input_size: tuple[int, int]) -> ExportedProgram:
    example = torch.zeros(_EXAMPLE, 3, *input_size)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch about its own parts
            program = torch.export.export(network.eval(), (example,))
            core: ExportedProgram = program.run_decompositions()
            return core
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UnknownOperatorError(f"torch cannot trace it ({first})") from error


def _shape(node: Node) -> tuple[int, ...]:
    return tuple(node.meta["val"].shape)


def _list(value: object, count: int) -> list[int]:
    """Whole numbers, one a dimension; a single one counts for all."""
    found = [int(v) for v in value] if isinstance(value, list | tuple) else [int(str(value))]
    return found * count if len(found) == 1 else found


def _argument(node: Node, place: int, default: object) -> object:
    return node.args[place] if len(node.args) > place else default


# -- operators -------------------------------------------------------------------------------


def _convolution(writer: NetworkWriter, node: Node) -> str:
    rows, weight, bias, stride, padding, dilation, is_transposed, _more, groups = node.args
    if is_transposed or not isinstance(groups, int):
        raise UnknownOperatorError("a transposed convolution is not known here")
    inputs = [writer.name(part) for part in (rows, weight, bias) if part is not None]
    pads = _list(padding, 2)
    return writer.put(
        "Conv",
        inputs,
        strides=_list(stride, 2),
        pads=pads + pads,
        dilations=_list(dilation, 2),
        group=groups,
    )


def _batch_norm(writer: NetworkWriter, node: Node) -> str:
    *parts, _momentum, epsilon = node.args
    names = [writer.name(part) for part in parts]
    return writer.put("BatchNormalization", names, epsilon=float(str(epsilon)))


def _clip(writer: NetworkWriter, node: Node) -> str:
    least, most = _argument(node, 1, None), _argument(node, 2, None)
    names = ["" if end is None else writer.name(end) for end in (least, most)]
    return writer.put("Clip", [writer.name(node.args[0]), *names])


def _mean(writer: NetworkWriter, node: Node) -> str:
    axes = _list(node.args[1], 1)
    keeps = int(bool(_argument(node, 2, False)))  # noqa: FBT003 -- a default, not a switch
    return writer.put("ReduceMean", [writer.name(node.args[0])], axes=axes, keepdims=keeps)


def _view(writer: NetworkWriter, node: Node) -> str:
    source = node.args[0]
    if not isinstance(source, Node):
        raise UnknownOperatorError("a view of no value is not known here")
    before, after = _shape(source), list(_shape(node))
    if before[0] != _EXAMPLE or after[0] != _EXAMPLE:
        raise UnknownOperatorError("a view across images is not known here")
    return writer.put("Reshape", [writer.name(source), writer.integers([0, *after[1:]])])


def _permute(writer: NetworkWriter, node: Node) -> str:
    order = _list(node.args[1], 1)
    return writer.put("Transpose", [writer.name(node.args[0])], perm=order)


def _padded(writer: NetworkWriter, node: Node) -> str:
    source, pads, value = node.args[0], _list(node.args[1], 1), _argument(node, 2, 0.0)
    if not isinstance(source, Node):
        raise UnknownOperatorError("a pad of no value is not known here")
    rank = len(_shape(source))
    starts, ends = [0] * rank, [0] * rank
    for number, (start, end) in enumerate(zip(pads[::2], pads[1::2], strict=True)):
        starts[rank - 1 - number], ends[rank - 1 - number] = start, end
    names = [writer.name(source), writer.integers(starts + ends), writer.name(value)]
    return writer.put("Pad", names)


def _pool(kind: str) -> Callable[[NetworkWriter, Node], str]:
    def write(writer: NetworkWriter, node: Node) -> str:
        size = _list(node.args[1], 2)
        stride = _list(_argument(node, 2, None) or size, 2)
        pads = _list(_argument(node, 3, 0), 2)
        is_max = kind == "MaxPool"
        dilation = _list(_argument(node, 4, 1), 2) if is_max else [1, 1]
        attributes: dict[str, float | list[int]] = {
            "kernel_shape": size,
            "strides": stride,
            "pads": pads + pads,
            "ceil_mode": int(bool(_argument(node, 5 if is_max else 4, 0))),
        }
        if is_max:
            attributes["dilations"] = dilation
        else:
            attributes["count_include_pad"] = int(bool(_argument(node, 5, 1)))
        return writer.put(kind, [writer.name(node.args[0])], **attributes)

    return write


def _joined(writer: NetworkWriter, node: Node) -> str:
    parts = node.args[0]
    axis = int(str(_argument(node, 1, 0)))
    if not isinstance(parts, list | tuple):
        raise UnknownOperatorError("joining no list is not known here")
    return writer.put("Concat", [writer.name(part) for part in parts], axis=axis)


def _affine(writer: NetworkWriter, node: Node) -> str:
    bias, rows, weight = (writer.name(part) for part in node.args[:3])
    return writer.put("Gemm", [rows, weight, bias])


def _layer_norm(writer: NetworkWriter, node: Node) -> str:
    rows, shape, weight, bias, epsilon = node.args
    if weight is None or bias is None:
        raise UnknownOperatorError("a layer normalisation without weights is not known here")
    names = [writer.name(part) for part in (rows, weight, bias)]
    axis = -len(_list(shape, 1))
    return writer.put("LayerNormalization", names, epsilon=float(str(epsilon)), axis=axis)


def _gelu(writer: NetworkWriter, node: Node) -> str:
    if node.kwargs.get("approximate", "none") != "none":
        raise UnknownOperatorError("an approximate GELU is not known here")
    rows = writer.name(node.args[0])
    part = writer.put("Erf", [writer.put("Div", [rows, writer.name(2.0**0.5)])])
    share = writer.put("Mul", [writer.put("Add", [part, writer.name(1.0)]), writer.name(0.5)])
    return writer.put("Mul", [rows, share])


def _one(kind: str) -> Callable[[NetworkWriter, Node], str]:
    """An operator with one input."""
    return lambda writer, node: writer.put(kind, [writer.name(node.args[0])])


def _two(kind: str) -> Callable[[NetworkWriter, Node], str]:
    """An operator with two inputs, each of which may be a number."""

    def write(writer: NetworkWriter, node: Node) -> str:
        if node.kwargs.get("alpha", 1) != 1:
            raise UnknownOperatorError("a weighted sum is not known here")
        return writer.put(kind, [writer.name(part) for part in node.args[:2]])

    return write


_WRITERS: dict[str, Callable[[NetworkWriter, Node], str]] = {
    "aten.convolution.default": _convolution,
    "aten._native_batch_norm_legit_no_training.default": _batch_norm,
    "aten.hardtanh.default": _clip,
    "aten.clamp.default": _clip,
    "aten.mean.dim": _mean,
    "aten.view.default": _view,
    "aten.permute.default": _permute,
    "aten.constant_pad_nd.default": _padded,
    "aten.max_pool2d_with_indices.default": _pool("MaxPool"),
    "aten.avg_pool2d.default": _pool("AveragePool"),
    "aten.cat.default": _joined,
    "aten.addmm.default": _affine,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.gelu.default": _gelu,
    "aten.relu.default": _one("Relu"),
    "aten.sigmoid.default": _one("Sigmoid"),
    "aten.tanh.default": _one("Tanh"),
    "aten.clone.default": _one("Identity"),
    "aten.add.Tensor": _two("Add"),
    "aten.sub.Tensor": _two("Sub"),
    "aten.mul.Tensor": _two("Mul"),
    "aten.div.Tensor": _two("Div"),
}

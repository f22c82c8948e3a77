"""Networks as ONNX graphs: another program computes what torch does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.student.classifier import StudentClassifier
from dclust_gui.algorithms.student.onnx_file import Graph, model_bytes
from dclust_gui.algorithms.student.onnx_network import NetworkWriter, UnknownOperatorError
from dclust_gui.algorithms.student.onnx_student import Sight, onnx_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

SIDE = 16


class Block(nn.Module):
    """Squeeze, excite and join: what EfficientNet, MobileNet and DenseNet are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.wide = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.squeeze = nn.Conv2d(8, 8, 1)
        self.layer_norm = nn.LayerNorm(16)
        self.last = nn.Linear(16, 5)

    def forward(self, pixels: Tensor) -> Tensor:
        rows = functional.relu6(self.norm(self.stem(functional.pad(pixels, (0, 1, 1, 0)))))
        weight = torch.sigmoid(self.squeeze(rows.mean((2, 3), keepdim=True)))
        rows = functional.hardswish(self.wide(rows) * weight) + rows
        rows = functional.max_pool2d(rows, 3, 2, 1)
        rows = torch.cat([functional.avg_pool2d(part, 2, 2) for part in (rows, rows.tanh())], 1)
        rows = functional.gelu(rows) - 0.5
        rows = self.layer_norm(rows.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        found: Tensor = self.last(functional.relu(rows).mean((2, 3)).flatten(1))
        return found


class Sorting(nn.Module):
    """Has an operator that is not known."""

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.flatten(1).sort(1).values


def block() -> nn.Module:
    torch.manual_seed(0)
    network = Block().eval()
    network.norm.running_mean.normal_(0, 0.2)  # type: ignore[union-attr]
    network.norm.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return network


def pictures(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).random((count, 3, SIDE, SIDE)).astype(np.float32)


def features(network: nn.Module, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.no_grad():
        found: NDArray[np.float32] = network(torch.from_numpy(pixels)).numpy()
    return found


@pytest.mark.parametrize("count", [1, 5])
def test_a_graph_computes_what_the_network_does(count: int) -> None:
    network = block()
    graph = Graph("test")
    graph.node("Identity", [NetworkWriter(graph, network, (SIDE, SIDE)).add("pixels")], "features")
    data = model_bytes(graph, {"pixels": [3, SIDE, SIDE]}, {"features": [5]}, {}, ("x", "1"))
    found = runtime.InferenceSession(data).run(None, {"pixels": pictures(count)})[0]
    wanted = features(network, pictures(count))
    assert wanted.std() > 0.01
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("network", [Sorting(), nn.Sequential(nn.ConvTranspose2d(3, 4, 2))])
def test_an_unknown_operator_is_refused(network: nn.Module) -> None:
    graph = Graph("test")
    with pytest.raises(UnknownOperatorError, match="not known here"):
        NetworkWriter(graph, network, (SIDE, SIDE)).add("pixels")


@pytest.mark.parametrize("is_twofold", [False, True])
def test_a_file_goes_from_pixels_to_probabilities(*, is_twofold: bool) -> None:
    network = block()
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
    pixels = pictures(40)
    shape = (1, 3, 1, 1)
    normal = (pixels - np.reshape(mean, shape)) / np.reshape(std, shape)
    normal = normal.astype(np.float32)
    seen = features(network, normal)
    if is_twofold:
        mirrored = features(network, np.ascontiguousarray(normal[..., ::-1]))
        lengths = [np.linalg.norm(part, axis=1, keepdims=True) for part in (seen, mirrored)]
        seen = (seen / lengths[0] + mirrored / lengths[1]) / 2 * (lengths[0] + lengths[1]) / 2
    rows, scale = scale_features(seen, "centre-l2")
    labels = (rows[:, 0] > np.median(rows[:, 0])).astype(np.int32)
    student = StudentClassifier("linear", folds=2, max_epochs=5, random_state=0).fit(rows, labels)
    sight = Sight(network, (SIDE, SIDE), mean, std, is_twofold=is_twofold)
    session = runtime.InferenceSession(onnx_bytes(student, scale, sight, {}, "1"))
    assert session.get_modelmeta().custom_metadata_map["input"] == "pixels"
    names = ["probabilities", "features", "distance"]
    shares, given, away = session.run(names, {"pixels": pixels})
    np.testing.assert_allclose(given, seen, atol=1e-5)
    np.testing.assert_allclose(shares, student.predict_proba(rows), atol=1e-4)
    assert away.shape == (40, 2)

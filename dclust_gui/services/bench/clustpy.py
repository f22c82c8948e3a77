"""ClustPy's deep methods as a peer: pretrained once, then each method from the same weights.

ClustPy (https://github.com/collinleiber/ClustPy, BSD-3) comes as a source package that needs a C
compiler: `pip install clustpy`. Nothing of it is needed but for this comparison.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from numpy.typing import NDArray

Weights: TypeAlias = "Mapping[str, NDArray[np.float32]]"
"""Arrays by their names in ClustPy's network."""

NAME = "ClustPy"
PLAIN = "ae"
"""ClustPy's autoencoder: squared error."""
VARIATIONAL = "vae"
"""The one it pretrains for VaDE: Bernoulli cross entropy, a variance beside the code."""
OWN_LABELS = {
    "DEC": "dec_labels_",
    "IDEC": "dec_labels_",
    "DCN": "dcn_labels_",
    "VaDE": "vade_labels_",
}
"""Where ClustPy keeps a method's own labels; `labels_` are a fresh k-means or mixture."""
LAYOUT_DIMS = 2
"""Of t-SNE in ClustPy's N2D; its own default, the number of clusters, fails from 4 upwards."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What both get.

    Attributes:
        pretraining: Epochs.
        clustering: Epochs of each method after that.
        batch: Images of a step.
        hidden: Widths of the encoder's hidden layers.
        code: Width of the code.
        threads: Threads.
    """

    pretraining: int = 40
    clustering: int = 20
    batch: int = 256
    hidden: tuple[int, ...] = (500, 500, 2000)
    code: int = 10
    threads: int = 1

    def widths(self, n_features: int) -> list[int]:
        """From the input to the code."""
        return [n_features, *self.hidden, self.code]


class _Network(Protocol):
    """What is used of ClustPy's networks."""

    fitted: bool

    def state_dict(self) -> dict[str, object]: ...
    def fit(self, **settings: object) -> object: ...
    def transform(self, X: NDArray[np.float32]) -> NDArray[np.float32]: ...  # noqa: N803


def is_installed() -> bool:
    """Whether ClustPy can be imported."""
    return find_spec("clustpy") is not None


def pretrain(
    kind: str, rows: NDArray[np.float32], budget: Budget, seed: int
) -> tuple[Weights, NDArray[np.float32]]:
    """Pretrain a network of ClustPy's by its own code.

    Args:
        kind: `PLAIN` or `VARIATIONAL`.
        rows: float32 (n_images, d) in [0, 1].
        budget: Epochs, batch and widths.
        seed: Seed.

    Returns:
        The weights, and float32 (n_images, code) the codes.
    """
    with _quiet():
        network = _network(kind, rows.shape[1], budget, seed)
        network.fit(
            n_epochs=budget.pretraining,
            batch_size=budget.batch,
            data=rows,
            optimizer_params={"lr": 1e-3},
            ssl_loss_fn=_loss(kind),
        )
        weights = {name: _array(value) for name, value in network.state_dict().items()}
        return weights, network.transform(rows)


def cluster(
    method: str,
    rows: NDArray[np.float32],
    n_clusters: int,
    weights: Weights,
    budget: Budget,
    seed: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32] | None]:
    """Run one of ClustPy's methods from given weights, with its defaults but for the budget.

    Args:
        method: DEC, IDEC, DCN, VaDE or N2D.
        rows: float32 (n_images, d) in [0, 1].
        n_clusters: Number of clusters.
        weights: Of `pretrain`, variational for VaDE.
        budget: Epochs, batch and widths.
        seed: Seed.

    Returns:
        Its `labels_`, and the method's own labels where it keeps them apart.
    """
    with _quiet():
        kind = VARIATIONAL if method == "VaDE" else PLAIN
        network = _network(kind, rows.shape[1], budget, seed)
        _load(network, weights)
        settings: dict[str, object] = {"batch_size": budget.batch, "embedding_size": budget.code}
        if method == "N2D":
            settings["manifold_params"] = {"n_components": LAYOUT_DIMS}
        else:
            settings["clustering_epochs"] = budget.clustering
        make = getattr(import_module("clustpy.deep"), method)
        model = make(n_clusters, neural_network=network, random_state=seed, **settings).fit(rows)
    own = getattr(model, OWN_LABELS.get(method, ""), None)
    labels = np.asarray(model.labels_, dtype=np.int32)
    return labels, None if own is None else np.asarray(own, dtype=np.int32)


def load() -> None:
    """Import everything now, so that no measurement contains it."""
    with _quiet():
        _module("clustpy.deep")


def dense_layers(
    weights: Weights, part: str
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Weights and biases of the dense layers of a part of a network, in their order.

    Args:
        weights: Of `pretrain`.
        part: "encoder" or "decoder"; the code's mean is the last layer of a variational encoder.
    """
    numbers = sorted(
        int(name.split(".")[2])
        for name in weights
        if name.startswith(f"{part}.block.") and name.endswith(".weight")
    )
    for number in numbers:
        yield weights[f"{part}.block.{number}.weight"], weights[f"{part}.block.{number}.bias"]
    if part == "encoder" and "mean.weight" in weights:
        yield weights["mean.weight"], weights["mean.bias"]


def _network(kind: str, n_features: int, budget: Budget, seed: int) -> _Network:
    home, name = {
        PLAIN: ("clustpy.deep.neural_networks", "FeedforwardAutoencoder"),
        VARIATIONAL: ("clustpy.deep.vade", "_VaDE_VAE"),
    }[kind]
    _module("clustpy.deep._utils").set_torch_seed(seed)  # the first weights are drawn here
    make = getattr(_module(home), name)
    return cast("_Network", make(budget.widths(n_features), random_state=seed))


def _loss(kind: str) -> object:
    if kind == PLAIN:
        return _module("clustpy.deep").mean_squared_error
    return _module("clustpy.deep.vade").torch.nn.BCELoss()


def _load(network: _Network, weights: Weights) -> None:
    for name, value in network.state_dict().items():
        tensor = cast("_Tensor", value)
        tensor.copy_(tensor.new_tensor(weights[name]))
    network.fitted = True


class _Tensor(Protocol):
    """What is used of torch's tensors; torch itself is not imported here."""

    def new_tensor(self, values: NDArray[np.float32]) -> _Tensor: ...
    def copy_(self, other: _Tensor) -> _Tensor: ...
    def numpy(self) -> NDArray[np.float32]: ...


def _array(value: object) -> NDArray[np.float32]:
    array: NDArray[np.float32] = cast("_Tensor", value).numpy().copy()
    return array


def _module(name: str) -> ModuleType:
    """A module of ClustPy; torchvision is mended first where that is needed."""
    from dclust_gui.compute.torchvision_fix import import_timm

    import_timm()
    return import_module(name)


@contextmanager
def _quiet() -> Iterator[None]:
    """Its progress bars and messages go nowhere."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield

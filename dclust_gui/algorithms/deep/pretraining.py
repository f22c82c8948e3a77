"""The autoencoder that every head starts from: a network that learns to give its input back.

    L = mean over images and features of (x - g(f(x~)))^2,   x~ = x with 20 % of its values dropped

x is shifted and scaled by one factor (`scaling`), so that L is about 1 before training and the
share of the variance that is lost after it. The code f(x) and the output are linear.

"end-to-end" trains all layers at once with Adam, 4,000 steps, 1e-3 falling to 1e-5 along a cosine.
"stacked" first trains each layer and its mirror alone, on the outputs of the layer before, and then
all together.

Source:
    Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010; Xie, Girshick, Farhadi,
    "Unsupervised deep embedding for clustering analysis", ICML 2016, section 3.3 (widths).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep.denoising import Corruption, EpochWatch, LayerPair, train_pair
from dclust_gui.algorithms.deep.inputs import finite_rows
from dclust_gui.algorithms.deep.networks import (
    AutoencoderNetwork,
    code_width,
    encode,
    hidden_widths,
)
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.precision import precision_context
from dclust_gui.algorithms.deep.progress import (
    PRETRAINING,
    Callback,
    Progress,
    Tick,
    TrainingStep,
)
from dclust_gui.algorithms.deep.scaling import Scaling, learn_scaling
from dclust_gui.algorithms.deep.training import (
    TOTAL,
    Losses,
    Phase,
    Schedule,
    checked_epochs,
    epochs_for,
    generator_for,
    train,
)
from dclust_gui.compute.devices import pick_device

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from sklearn.utils import Tags

STEPS = 4000
MANY_ROWS = 20_000
WAYS = ("end-to-end", "stacked")


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Denoising autoencoder on features or flattened small images.

    Args:
        code_size: Width of the code; "auto" means 10 (32 where a head has more than 20 clusters).
        layers: Widths of the encoder's hidden layers; "auto" means 500-500-2000 for pixels and
            512-256 for features.
        activation: relu, leaky_relu, elu, gelu, silu, tanh or sigmoid.
        pretraining: "end-to-end", or "stacked": layer by layer first.
        corruption: Share of the input's values that are dropped in training.
        epochs: Passes over the images; "auto" makes about 4,000 steps, at most 200 epochs, and
            stops when the loss falls no more. With "stacked" each layer gets as many as a third.
        batch_size: Images of a step; "auto" means 256, or 1,024 above 20,000 images.
        learning_rate: Adam's first rate; it falls to a hundredth.
        scale: "auto", "pixels", "l2", "std" or "none"; see `scaling.learn_scaling`.
        precision: "auto", "float32" or "bfloat16"; see `precision.precision_context`.
        random_state: Seed; the same seed, device and thread count, the same code.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        embedding_: float32 (n_images, code_size).
        network_: The trained network, on the CPU.
        scaling_: What is done to the features first.
        history_: One `TrainingStep` an epoch.
        loss_: Mean loss of the last epoch.

    Source:
        See the module.
    """

    def __init__(
        self,
        code_size: int | str = "auto",
        *,
        layers: tuple[int, ...] | str = "auto",
        activation: str = "relu",
        pretraining: str = "end-to-end",
        corruption: float = 0.2,
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        learning_rate: float = 1e-3,
        scale: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.code_size = code_size
        self.layers = layers
        self.activation = activation
        self.pretraining = pretraining
        self.corruption = corruption
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.scale = scale
        self.precision = precision
        self.random_state = random_state
        self.device = device

    embedding_: NDArray[np.float32]
    network_: AutoencoderNetwork
    scaling_: Scaling
    history_: tuple[TrainingStep, ...]
    loss_: float
    n_features_in_: int

    def __sklearn_tags__(self) -> Tags:
        """scikit-learn's facts: codes are float32 whatever comes in."""
        tags: Tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: None = None,
        *,
        callback: Callback | None = None,
        tick: Tick | None = None,
    ) -> Self:
        """Train on the rows of X.

        Args:
            X: (n_images, d) features, finite.
            y: Ignored, as scikit-learn asks.
            callback: Takes reports; True stops early. May raise `Cancelled`.
            tick: Called at every step; may raise `Cancelled`.

        Returns:
            The estimator itself.

        Raises:
            UnusableDataError: If the features or parameters cannot be used.
            TrainingError: If the training diverges.
        """
        del y
        features = finite_rows(self, X, reset=True)
        device = pick_device(self.device).torch_name
        progress = Progress(callback, tick)
        self.scaling_ = learn_scaling(features, self.scale)
        rows = torch.from_numpy(self.scaling_.apply(features)).to(device)
        self.fit_rows(rows, progress)
        return self

    def fit_rows(self, rows: Tensor, progress: Progress) -> None:
        """Train on rows that were scaled already (`scaling_` is set).

        Args:
            rows: float32 (n_images, d), on the device to train on.
            progress: Told of every step.
        """
        self._check()
        self.n_features_in_ = rows.shape[1]
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=3).tolist()
        network = AutoencoderNetwork(
            self._widths(rows.shape[1]), self.activation, generator_for(seeds[0])
        ).to(rows.device)
        schedule = self._schedule(len(rows))
        before = len(progress.history)
        if self.pretraining == "stacked":
            self._stack(network, rows, schedule, progress, seeds[2])
        watch = EpochWatch(progress, schedule, len(rows), "", may_stop=self.epochs == "auto")
        context = precision_context(self.precision, str(rows.device))
        drop = Corruption(self.corruption, generator_for(seeds[2], rows.device))

        def loss(numbers: Tensor) -> Losses:
            batch = rows.index_select(0, numbers)
            with context:
                _, again = network(drop(batch))
            error = nn.functional.mse_loss(again, batch)
            return {"reconstruction": error, TOTAL: error}

        train(
            loss,
            list(network.parameters()),
            len(rows),
            schedule,
            Phase(PRETRAINING, method="the autoencoder"),
            progress,
            seed=seeds[1],
            update=watch,
        )
        self.history_ = progress.history[before:]
        self.loss_ = watch.last_loss
        self.embedding_ = encode(network.encoder, rows).cpu().numpy()
        self.network_ = network.to("cpu")
        self._n_features_out = self.embedding_.shape[1]

    def _stack(
        self,
        network: AutoencoderNetwork,
        rows: Tensor,
        schedule: Schedule,
        progress: Progress,
        seed: int,
    ) -> None:
        """Train each encoder layer with its mirror on the outputs of the layer before."""
        inputs = rows
        count = len(network.encoder.layers)
        short = Schedule(
            max(1, schedule.epochs // 3), schedule.batch_size, schedule.rate, schedule.last_rate
        )
        for number in range(count):
            if progress.is_stopped:
                return
            detail = f"layer {number + 1} of {count}"
            inner = LayerPair(network, number)
            drop = Corruption(self.corruption, generator_for(seed + number, rows.device))
            train_pair(inner, inputs, drop, short, progress, detail, seed + number)
            inputs = encode(inner.up, inputs)

    def _widths(self, n_features: int) -> tuple[int, ...]:
        hidden = self.layers
        if isinstance(hidden, str):
            hidden = hidden_widths(n_features, is_pixels=self.scaling_.is_pixels)
        code = code_width(n_features, 1) if self.code_size == "auto" else int(self.code_size)
        return (n_features, *(int(width) for width in hidden), code)

    def _schedule(self, n_rows: int) -> Schedule:
        batch = (1024 if n_rows > MANY_ROWS else 256) if self.batch_size == "auto" else None
        size = int(self.batch_size) if batch is None else batch
        epochs = checked_epochs(self.epochs, epochs_for(STEPS, n_rows, size))
        return Schedule(epochs, size, self.learning_rate, 0.01 * self.learning_rate)

    def _check(self) -> None:
        if self.pretraining not in WAYS:
            raise UnusableDataError(
                f"Could not pretrain {self.pretraining!r}.", "Ways: " + ", ".join(WAYS) + "."
            )
        if not 0 <= self.corruption < 1:
            raise UnusableDataError(
                "Could not train the autoencoder.", "corruption must be from 0 to below 1."
            )
        what = "the autoencoder"
        for name in ("batch_size", "code_size"):
            check_number(what, name, getattr(self, name), 1, is_whole=True, may_be_auto=True)
        check_number(what, "learning_rate", self.learning_rate, 0, is_above=True)
        if isinstance(self.layers, str):
            if self.layers != "auto":
                raise UnusableDataError(
                    "Could not train the autoencoder.",
                    f"layers={self.layers!r} cannot be used.",
                    "It must be 'auto' or the widths of the hidden layers.",
                )
            return
        for width in self.layers:
            check_number(what, "a width in layers", width, 1, is_whole=True)

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Codes of rows.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m, code_size).
        """
        rows = self._scaled(X)
        code: NDArray[np.float32] = encode(self.network_.encoder, rows).numpy()
        return code

    def reconstruction_error(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Mean squared error of each row's reconstruction, in units of the features' variance.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m,), >= 0.
        """
        rows = self._scaled(X)
        again = encode(self.network_.decoder, encode(self.network_.encoder, rows))
        error: NDArray[np.float32] = (again - rows).square_().mean(1).numpy()
        return error

    def _scaled(self, X: ArrayLike) -> Tensor:  # noqa: N803
        check_is_fitted(self)
        return torch.from_numpy(self.scaling_.apply(finite_rows(self, X, reset=False)))

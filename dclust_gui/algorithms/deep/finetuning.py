"""Fine-tuning: the last blocks of a backbone are trained end to end with the loss of DEC or DCN.

The network comes as an `nn.Module` from maps at a cut to features, the images as views of them; so
this knows neither files nor architectures. Batch norms keep their statistics and dropout is off
(the network stays in evaluation mode): batches of a few dozen images that all belong to one
collection would give poor statistics, and features must not depend on who else is in a batch.

Start: the clusters of the frozen features. They are not round in the code, so that for the first
quarter of the steps they are the target, as in `DEC`.

Which state is kept: the one whose labels agree best with the neighbours in the *frozen* features,
that is the share of the 10 nearest neighbours (fewer where clusters are small) with the image's own
label, less what chance would give other images of clusters of these sizes, over what is left of 1
(so that one large cluster scores 0).
Reasons: silhouettes of different codes cannot be compared (a code that shrinks its clusters always
wins), and the loss cannot be compared either, for KL(P || Q) against a target made of Q itself
grows while assignments get surer. The frozen neighbours are one fixed space that no training can
bend. The price: the measure is cautious, it favours what the backbone believed before. A best state
that is far below the start's own agreement is refused, like a collapse, and the frozen features
stay.

Source:
    Xie, Girshick, Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016; Yang
    et al., "Towards k-means-friendly spaces", ICML 2017; views that share a target as in Guo et
    al., "Deep embedded clustering with data augmentation", ACML 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from dclust_gui.algorithms.deep.health import Best, Health
from dclust_gui.algorithms.deep.precision import mixed_precision
from dclust_gui.algorithms.deep.progress import CLUSTERING, Progress, TrainingStep
from dclust_gui.algorithms.deep.training import Phase, Schedule, train
from dclust_gui.algorithms.deep.tuning_losses import (
    CodeSpace,
    DcnObjective,
    DecObjective,
    Objective,
)
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.domain.errors import ClusteringError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.tuning_views import Views

START_SHARE = 0.25
NEIGHBOURS, LEAST_NEIGHBOURS = 10, 3
"""Half a cluster of average size, within these: all images as neighbours would tell nothing."""
NEIGHBOUR_DIMS = 64
"""Neighbours are found in so many leading directions of the frozen features."""
EVALUATED_ROWS = 64
LEAST_INTERVAL = 5
REFUSED_BELOW = 0.8
"""A best state whose agreement lies farther below the start's than this leaves is refused."""
_CENTRE_FACTOR = 10.0
"""Centres and the linear layer learn so many times faster than the backbone."""


@dataclass(frozen=True, slots=True)
class TuningSettings:
    """How to train.

    Attributes:
        loss: "dec" or "dcn".
        n_clusters: Number of clusters.
        epochs: Passes over the images.
        batch_size: Images of a step; each is seen in two views.
        rate: Adam's first learning rate for the backbone; it falls to a hundredth.
        seed: Of the order of the images.
    """

    loss: str
    n_clusters: int
    epochs: int
    batch_size: int = 32
    rate: float = 1e-4
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """How a fine-tuning went; the network is left in its best state.

    Attributes:
        labels: int32 (n,), the clusters of the best state.
        start_agreement: Agreement of the start's labels with the frozen neighbours, see above.
        agreement: The same of `labels`.
        steps: Steps done.
        best_step: After how many of them the best state was.
        is_refused: It came to nothing: the network is as it was.
        note: What the user should know; empty for nothing.
        losses: Parts of the loss at the end.
    """

    labels: NDArray[np.int32]
    start_agreement: float
    agreement: float
    steps: int
    best_step: int
    is_refused: bool
    note: str
    losses: Mapping[str, float]


def fine_tune(
    tail: nn.Module,
    views: Views,
    features: NDArray[np.floating],
    labels: NDArray[np.int32],
    settings: TuningSettings,
    progress: Progress,
    device: str = "cpu",
) -> Tuned:
    """Train the weights of a network that ask for a gradient.

    Args:
        tail: From maps (n, ...) to features (n, dims), on the device, in evaluation mode.
        views: The images.
        features: (n, dims), frozen, of the same images.
        labels: int32 (n,), 0 to n_clusters - 1, all occupied.
        settings: How.
        progress: Told of the steps; may stop the training or raise.
        device: torch device.

    Raises:
        TrainingError: If the loss is no finite number.
        ClusteringError: If the device's memory is too small.
    """
    try:
        return _FineTuning(tail, views, features, labels, settings, progress, device).run()
    except torch.OutOfMemoryError as error:
        raise TuningMemoryError(
            "Could not train the backbone.", "The memory is too small for it."
        ) from error


class TuningMemoryError(ClusteringError):
    """The device has too little memory for this training."""


class Agreement:
    """How far labels agree with the neighbours in frozen features.

    Args:
        features: (n, dims), frozen.
        n_clusters: Number of clusters.
    """

    def __init__(self, features: NDArray[np.floating], n_clusters: int) -> None:
        rows = features.astype(np.float32)
        rows = rows - rows.mean(0)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        if rows.shape[1] > NEIGHBOUR_DIMS:
            table = torch.from_numpy(rows)
            basis = torch.linalg.eigh((table.T @ table).double()).eigenvectors
            rows = (table @ basis[:, -NEIGHBOUR_DIMS:].float()).numpy()
        half = max(LEAST_NEIGHBOURS, len(rows) // (2 * n_clusters))
        self._near = nearest_neighbours(rows, min(NEIGHBOURS, half, len(rows) - 1)).indices

    def of(self, labels: NDArray[np.int32]) -> float:
        """The agreement of labels.

        Args:
            labels: int32 (n,), 0 or more.

        Returns:
            At most 1; 0 for what chance gives, and for a single cluster.
        """
        found = float((labels[self._near] == labels[:, None]).mean())
        sizes, n = np.bincount(labels).astype(np.float64), len(labels)
        chance = float((sizes * (sizes - 1.0)).sum() / (n * (n - 1.0)))
        return (found - chance) / (1.0 - chance) if chance < 1.0 else 0.0


class _FineTuning:
    """One training."""

    def __init__(
        self,
        tail: nn.Module,
        views: Views,
        features: NDArray[np.floating],
        labels: NDArray[np.int32],
        settings: TuningSettings,
        progress: Progress,
        device: str,
    ) -> None:
        self._tail, self._views, self._settings = tail, views, settings
        self._progress, self._device = progress, torch.device(device)
        self._context, self._scaler = mixed_precision(device)
        self._start_labels = self._labels = labels.astype(np.int32)
        self._agreement = Agreement(features, settings.n_clusters)
        self._health = Health(settings.n_clusters, self._start_labels)
        batches = -(-len(labels) // settings.batch_size)
        interval = max(LEAST_INTERVAL, batches)
        rate = settings.rate
        self._schedule = Schedule(settings.epochs, settings.batch_size, rate, 0.01 * rate, interval)
        self._steps = self._schedule.steps(len(labels))
        self._start_steps = int(START_SHARE * self._steps)
        self._objective = self._made(torch.from_numpy(features.astype(np.float32)).to(device))
        trained = {n: p for n, p in tail.named_parameters() if p.requires_grad}
        self._weights = list(trained.values())
        tensors: dict[str, Tensor] = {f"tail.{n}": p for n, p in trained.items()}
        tensors |= {f"loss.{n}": t for n, t in self._objective.tensors().items()}
        self._start, self._best = Best(tensors), Best(tensors)
        self._start.offer(0.0, 0)
        self._best_labels = self._start_labels
        self._losses: Mapping[str, float] = {}

    def _made(self, features: Tensor) -> Objective:
        settings = self._settings
        space = CodeSpace.of(features, settings.n_clusters)
        labels = torch.from_numpy(self._start_labels.astype(np.int64)).to(self._device)
        code = self._codes(space)
        if settings.loss == "dcn":
            return DcnObjective(space, features, code, labels, settings.n_clusters)
        return DecObjective(space, code, labels, settings.n_clusters)

    def run(self) -> Tuned:
        """Train; the best state is put back, or the start where it came to nothing."""
        settings, beside = self._settings, self._objective.weights()
        groups: list[Mapping[str, object]] = [{"params": self._weights, "factor": 1.0}]
        groups.append({"params": beside, "factor": _CENTRE_FACTOR})
        steps = train(
            self._loss,
            [*self._weights, *beside],
            len(self._labels),
            self._schedule,
            Phase(CLUSTERING, method="the backbone"),
            self._progress,
            seed=settings.seed,
            update=self._update,
            after_step=self._objective.after_step,
            groups=groups,
            scaler=self._scaler,
        )
        start = self._agreement.of(self._start_labels)
        note = self._refusal(start)
        if note:
            self._start.restore()
            return Tuned(self._start_labels, start, start, steps, 0, True, note, self._losses)  # noqa: FBT003
        self._best.restore()
        note = "Stopped early." if self._progress.is_stopped else ""
        return Tuned(
            self._best_labels,
            start,
            -self._best.score,
            steps,
            self._best.step,
            is_refused=False,
            note=note,
            losses=self._losses,
        )

    def _refusal(self, start: float) -> str:
        """Why the training comes to nothing; empty where it does not."""
        stay = "The frozen features stay in use."
        if self._progress.is_stopped and self._best.step < 0:
            return f"Stopped before anything was learnt. {stay}"
        if self._health.is_collapsed or self._best.step < 0:
            return f"The training collapsed: the clusters ran together. {stay}"
        if -self._best.score < start - (1.0 - REFUSED_BELOW) * abs(start):
            return (
                "The training pulled apart images that look alike (agreement with their neighbours"
                f" {-self._best.score:.2f}, before {start:.2f}). {stay}"
            )
        return ""

    def _loss(self, numbers: Tensor) -> Mapping[str, Tensor]:
        with self._context:
            first, second = self._views.pair(numbers)
            features = self._tail(torch.cat([first, second]))
        one, other = features.float().chunk(2)
        return self._objective.loss((one, other), numbers)

    @torch.no_grad()
    def _codes(self, space: CodeSpace) -> Tensor:
        """Codes of the plain views of all images."""
        numbers = torch.arange(self._views.n_images, device=self._device)
        parts = []
        for part in torch.split(numbers, EVALUATED_ROWS):
            self._progress.tick()
            with self._context:
                features = self._tail(self._views.plain(part))
            parts.append(space.code(features))
        return torch.cat(parts)

    def _update(self, step: int, losses: Mapping[str, float]) -> bool:
        """Look at all images; whether to stop."""
        is_starting = step < self._start_steps
        found = self._objective.refresh(self._codes(self._objective.space), is_starting=is_starting)
        labels = found.cpu().numpy().astype(np.int32)
        change = float((labels != self._labels).mean())
        self._labels = labels
        occupied = self._health.check(labels)
        if losses:
            self._losses = losses
            score = -self._agreement.of(labels)
            if 2 * occupied >= self._settings.n_clusters and score < self._best.score:
                self._best.offer(score, step)
                self._best_labels = labels
        now = TrainingStep(CLUSTERING, "", step, self._steps, losses, change, occupied, labels)
        return self._progress.evaluated(now) or self._health.is_collapsed

"""What a fine-tuned backbone is taught by: the losses of DEC and of DCN, on two views an image.

Both work on a code: the features less the mean of the frozen ones, brought to length 1, and
projected on the leading directions of the frozen features. Projection and mean stay as they are,
so that only the backbone's last blocks can move an image. Student's t tells clusters apart by the
ratio of distances alone, and in all 1,280 dimensions these are nearly equal; hence the few.

DEC: the mean over both views of KL(P || Q), with one target P an image from the plain views of all
images. DCN: (lambda / 2) |z - m_s|^2 of both views; in the place of the pixels' reconstruction a
linear layer has to give back the frozen features of the plain view from either, without which all
codes would shrink to a point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from dclust_gui.algorithms.deep.alternation import FIRST_COUNT, START_WEIGHT, move_centres
from dclust_gui.algorithms.deep.networks import code_width
from dclust_gui.algorithms.deep.selftraining import NEAREST
from dclust_gui.algorithms.deep.soft import (
    divergence,
    log_soft_assignment,
    squared_distances,
    sure_target,
    target_distribution,
)
from dclust_gui.algorithms.deep.training import TOTAL, Losses

if TYPE_CHECKING:
    from collections.abc import Mapping

DCN_WEIGHT = 0.1
"""lambda, as of `DCN`."""
_LEAST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class CodeSpace:
    """From features to codes, the same throughout a training.

    Attributes:
        mean: float32 (dims,), of the frozen features.
        basis: float32 (dims, dz), leading directions of the frozen features of length 1.
        scale: float32 (), what the codes are multiplied by.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    @classmethod
    def of(cls, features: Tensor, n_clusters: int) -> CodeSpace:
        """The space of frozen features.

        Args:
            features: float32 (n, dims).
            n_clusters: Number of clusters.
        """
        mean = features.mean(0)
        rows = functional.normalize(features - mean).cpu().double()  # not every card has float64
        centred = rows - rows.mean(0)
        width = min(code_width(features.shape[1], n_clusters), len(features))
        basis = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -width:].flip(1).float()
        device = features.device
        return cls(mean, basis.contiguous().to(device), torch.ones((), device=device))

    def scaled(self, factor: float) -> CodeSpace:
        """The same with codes of another size."""
        return CodeSpace(self.mean, self.basis, self.scale * factor)

    def directions(self, features: Tensor) -> Tensor:
        """float32 (n, dims): features about the frozen mean, of length 1."""
        return functional.normalize(features.float() - self.mean)

    def code(self, features: Tensor) -> Tensor:
        """float32 (n, dz)."""
        return self.directions(features) @ self.basis * self.scale


class Objective(Protocol):
    """What the loop of the fine-tuning asks of a loss."""

    space: CodeSpace

    def weights(self) -> list[nn.Parameter]:
        """What is trained beside the backbone."""

    def tensors(self) -> Mapping[str, Tensor]:
        """What belongs to a state, to go back to it."""

    def refresh(self, code: Tensor, *, is_starting: bool) -> Tensor:
        """Look at the codes of all plain views; gives int64 (n,), the labels now."""

    def loss(self, features: tuple[Tensor, Tensor], numbers: Tensor) -> Losses:
        """The loss of a batch from the features of two views."""

    def after_step(self, numbers: Tensor) -> None:
        """The weights have moved."""


class DecObjective:
    """KL(P || Q) with the target of all images.

    Args:
        space: Of the frozen features.
        code: float32 (n, dz), of the plain views before the training.
        labels: int64 (n,), the clusters to start from; all have members.
        n_clusters: Number of clusters.
    """

    def __init__(self, space: CodeSpace, code: Tensor, labels: Tensor, n_clusters: int) -> None:
        centres = _means(code, labels, n_clusters)
        median = float(squared_distances(code, centres).amin(1).median())
        factor = (NEAREST / median) ** 0.5 if median > _LEAST else 1.0
        self.space = space.scaled(factor)
        self._centres = nn.Parameter(centres * factor)
        self._sure = sure_target(labels, n_clusters)
        self._target = self._sure

    def weights(self) -> list[nn.Parameter]:
        """See `Objective`."""
        return [self._centres]

    def tensors(self) -> Mapping[str, Tensor]:
        """See `Objective`."""
        return {"centres": self._centres}

    def refresh(self, code: Tensor, *, is_starting: bool) -> Tensor:
        """See `Objective`: a new target, or the start's labels as the target."""
        with torch.no_grad():
            log_q = log_soft_assignment(code, self._centres)
        self._target = self._sure if is_starting else target_distribution(log_q)
        return log_q.argmax(1)

    def loss(self, features: tuple[Tensor, Tensor], numbers: Tensor) -> Losses:
        """See `Objective`."""
        target = self._target.index_select(0, numbers)
        parts = [
            divergence(target, log_soft_assignment(self.space.code(view), self._centres))
            for view in features
        ]
        total = 0.5 * (parts[0] + parts[1])
        return {"clustering": total, TOTAL: total}

    def after_step(self, numbers: Tensor) -> None:
        """See `Objective`."""


class DcnObjective:
    """Distance to the own centre, beside giving back the frozen features.

    Args:
        space: Of the frozen features.
        features: float32 (n, dims), frozen.
        code: float32 (n, dz), of the plain views before the training.
        labels: int64 (n,), the clusters to start from; all have members.
        n_clusters: Number of clusters.
    """

    def __init__(
        self, space: CodeSpace, features: Tensor, code: Tensor, labels: Tensor, n_clusters: int
    ) -> None:
        spread = float((code - code.mean(0)).square().mean().sqrt())
        self.space = space.scaled(1.0 / spread) if spread > _LEAST else space
        self._centres = _means(code, labels, n_clusters) * (self.space.scale / space.scale)
        self._counts = torch.full_like(self._centres[:, 0], FIRST_COUNT)
        self._labels = self._start = labels
        self._wanted = space.directions(features)
        self._size = float(self._wanted.square().sum(1).mean().clamp_min(_LEAST))
        self._back = nn.Linear(code.shape[1], features.shape[1], device="meta")
        self._back = self._back.to_empty(device=str(code.device))
        with torch.no_grad():  # begins as the projection's own inverse
            self._back.weight.copy_(space.basis / self.space.scale)
            self._back.bias.zero_()
        self._is_starting = False
        self._code = code[:0]

    def weights(self) -> list[nn.Parameter]:
        """See `Objective`."""
        return list(self._back.parameters())

    def tensors(self) -> Mapping[str, Tensor]:
        """See `Objective`."""
        return {"centres": self._centres, **dict(self._back.named_parameters())}

    @torch.no_grad()
    def refresh(self, code: Tensor, *, is_starting: bool) -> Tensor:
        """See `Objective`: all images go to their nearest centre; empty clusters are revived."""
        nearest, found = squared_distances(code, self._centres).min(1)
        counts = torch.bincount(found, minlength=len(self._centres))
        self._is_starting = is_starting
        if is_starting:
            self._labels = self._start
            return found
        labels = found.clone()
        empty = torch.nonzero(counts == 0).flatten()
        if len(empty):
            far = nearest.topk(len(empty)).indices
            self._centres[empty] = code[far]
            self._counts[empty] = FIRST_COUNT
            labels[far] = empty
        self._labels = labels
        return found

    def loss(self, features: tuple[Tensor, Tensor], numbers: Tensor) -> Losses:
        """See `Objective`."""
        own = self._centres.index_select(0, self._labels.index_select(0, numbers))
        wanted = self._wanted.index_select(0, numbers)
        codes = [self.space.code(view) for view in features]
        error = sum((self._back(code) - wanted).square().sum(1).mean() for code in codes)
        distance = sum((code - own).square().sum(1).mean() for code in codes)
        self._code = 0.5 * (codes[0] + codes[1]).detach()
        weight = START_WEIGHT if self._is_starting else DCN_WEIGHT
        error, distance = 0.5 * error / self._size, torch.as_tensor(0.5 * distance)
        total = error + (0.5 * weight) * distance
        return {"reconstruction": error, "clustering": distance, TOTAL: total}

    @torch.no_grad()
    def after_step(self, numbers: Tensor) -> None:
        """See `Objective`: the batch is assigned anew and the centres move."""
        if self._is_starting:
            labels = self._labels.index_select(0, numbers)
        else:
            labels = squared_distances(self._code, self._centres).argmin(1)
            self._labels.index_copy_(0, numbers, labels)
        move_centres(self._centres, self._counts, self._code, labels)


def _means(code: Tensor, labels: Tensor, n_clusters: int) -> Tensor:
    """float32 (k, dz): mean code of each cluster."""
    counts = torch.bincount(labels, minlength=n_clusters).clamp_min(1).to(code.dtype)
    sums = torch.zeros(n_clusters, code.shape[1], device=code.device).index_add_(0, labels, code)
    return sums / counts[:, None]

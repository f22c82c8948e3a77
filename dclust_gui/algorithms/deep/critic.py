"""The critic of a generative adversarial network, its gradients written out by hand.

A critic with LeakyReLU is linear around almost every point, so that its gradient at an input is a
product of its weights with the slopes there, and the gradient of a penalty on that gradient needs
one pass forwards along its direction. With h_0 = x, a_l = h_l W_l + b_l, h_l+1 = leaky(a_l),
s = h_L w + b, and m_l the slopes of leaky at a_l:

    v_L-1 = m_L-1 * w,   v_l = m_l * (v_l+1 W_l+1^T),   ds/dx = v_0 W_0^T
    d sum(c s) / dW_l = h_l^T (c v_l),   d sum(c s) / dw = h_L^T c
    d sum(t . ds/dx) / dW_l = t_l^T v_l,   d / dw = sum t_L,   t_0 = t,  t_l+1 = m_l * (t_l W_l)

This is what automatic differentiation gives (tested), at about half its cost on a processor: no
graph is built, let alone a second one through the first.

Source:
    Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville, "Improved training of Wasserstein GANs",
    NIPS 2017, eq. 3 (wgan-gp). Goodfellow et al., "Generative adversarial nets", NIPS 2014
    (minimax, with the generator's loss of their section 3). Mescheder, Geiger, Nowozin, "Which
    training methods for GANs do actually converge?", ICML 2018, eq. 9 (its penalty).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.deep.stacked import StackedLayers

if TYPE_CHECKING:
    from collections.abc import Sequence

WASSERSTEIN = "wgan-gp"
MINIMAX = "minimax"
LOSSES = (WASSERSTEIN, MINIMAX)
SLOPE = 0.2
"""Of the critic's LeakyReLU below zero."""
_SHORT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class CriticLoss:
    """What one step of the critics found; all float32 (n_networks,).

    Attributes:
        loss: What they minimise.
        gap: Mean score of real rows less that of generated ones.
        penalty: The penalty, with its weight.
    """

    loss: Tensor
    gap: Tensor
    penalty: Tensor


class Critic(StackedLayers):
    """Several critics side by side; `accumulate` puts the gradients of their loss in place."""

    def scores(self, rows: Tensor) -> Tensor:
        """float32 (n_networks, n) of (n_networks, n, d); higher for what looks real."""
        last = len(self.weights) - 1
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = torch.baddbmm(bias, rows, weight)
            if place < last:
                rows = functional.leaky_relu(rows, SLOPE)
        return _exact(rows[..., 0])

    @torch.no_grad()
    def input_gradients(self, points: Tensor) -> Tensor:
        """(n_networks, n, d): gradients of the scores of (n_networks, n, d) points."""
        bent, _, _ = self._forward(points)
        return _exact(torch.bmm(self._slopes(bent)[0], self.weights[0].mT))

    @torch.no_grad()
    def accumulate(
        self, real: Tensor, made: Tensor, mix: Tensor, kind: str, weight: float
    ) -> CriticLoss:
        """Set the parameters' gradients to those of the critics' loss.

        Args:
            real: (n_networks, n, d) real rows.
            made: Likewise, generated ones.
            mix: (n_networks, n, 1) in 0..1: where between them the slope is held near 1
                (wgan-gp only).
            kind: One of `LOSSES`.
            weight: Of the penalty: lambda of wgan-gp, gamma / 2 of minimax.

        Returns:
            The loss.
        """
        n = real.shape[1]
        is_minimax = kind == MINIMAX
        # minimax holds the slope at the real rows, which are first already
        rows = [real, made] if is_minimax else [real, made, torch.lerp(made, real, mix)]
        bent, hidden, scores = self._forward(torch.cat(rows, 1))
        slopes = self._slopes(bent)
        at = slice(0, n) if is_minimax else slice(2 * n, 3 * n)
        reached = _exact(torch.bmm(slopes[0][:, at], self.weights[0].mT))
        penalty, pull = _penalty(reached, weight, target=0.0 if is_minimax else 1.0)
        loss, share = _loss(scores[:, : 2 * n, 0], is_minimax=is_minimax)
        self._set_gradients(hidden, slopes, share[..., None])
        self._add_penalty([bend[:, at] for bend in bent], [s[:, at] for s in slopes], pull)
        gap = scores[:, :n, 0].mean(1) - scores[:, n : 2 * n, 0].mean(1)
        return CriticLoss(loss + penalty, gap, penalty)

    def _forward(self, rows: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """What goes into each LeakyReLU, what goes into each layer, and the scores (s, n, 1)."""
        bent, hidden = [], [rows]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            bent.append(torch.baddbmm(bias, hidden[-1], weight))
            hidden.append(functional.leaky_relu(bent[-1], SLOPE))
        scores = torch.baddbmm(self.biases[-1], hidden[-1], self.weights[-1])
        return bent, hidden, _exact(scores)

    def _slopes(self, bent: Sequence[Tensor]) -> list[Tensor]:
        """v_l of each hidden layer."""
        back = self.weights[-1].mT.to(bent[-1].dtype).expand_as(bent[-1])
        slopes = [_bent_by(back, bent[-1])]
        for weight, bend in zip(self.weights[-2:0:-1], bent[-2::-1], strict=True):
            slopes.insert(0, _bent_by(torch.bmm(slopes[0], weight.mT), bend))
        return slopes

    def _set_gradients(
        self, hidden: Sequence[Tensor], slopes: Sequence[Tensor], share: Tensor
    ) -> None:
        """Gradients of the scores, each weighted by its (s, n, 1) share."""
        n = share.shape[1]
        share = share.to(slopes[0].dtype)
        backs = [*(slope[:, :n] * share for slope in slopes), share]
        for weight, bias, rows, back in zip(self.weights, self.biases, hidden, backs, strict=True):
            weight.grad = torch.bmm(rows[:, :n].mT, back).to(weight.dtype)
            bias.grad = back.sum(1, keepdim=True, dtype=bias.dtype)

    def _add_penalty(self, bent: Sequence[Tensor], slopes: Sequence[Tensor], pull: Tensor) -> None:
        """Gradients of sum(pull . input gradient), the pull held constant."""
        way = pull
        for weight, bend, slope in zip(self.weights[:-1], bent, slopes, strict=True):
            assert weight.grad is not None
            weight.grad += torch.bmm(way.mT, slope.to(way.dtype))
            way = _bent_by(torch.bmm(way, weight).to(bend.dtype), bend)
        last = self.weights[-1].grad
        assert last is not None
        last += way.sum(1, dtype=last.dtype)[..., None]


def _penalty(reached: Tensor, weight: float, target: float) -> tuple[Tensor, Tensor]:
    """The mean of weight * (|g| - target)^2 by network, and its gradient in g."""
    length = reached.norm(dim=2, keepdim=True)
    off = length - target
    pull = reached * (off * (2.0 * weight / reached.shape[1]) / length.clamp(min=_SHORT))
    return weight * off.square().mean((1, 2)), pull


def _loss(scores: Tensor, *, is_minimax: bool) -> tuple[Tensor, Tensor]:
    """The loss by network without the penalty, and its gradient in the scores (s, 2 n)."""
    n = scores.shape[1] // 2
    sign = torch.ones_like(scores)
    sign[:, :n] = -1.0
    if is_minimax:
        return functional.softplus(sign * scores).sum(1) / n, sign * torch.sigmoid(
            sign * scores
        ) / n
    return (sign * scores).sum(1) / n, sign / n


def generator_loss(scores: Tensor, kind: str) -> Tensor:
    """What the generators minimise against the critics.

    Args:
        scores: (n_networks, n) of generated rows.
        kind: One of `LOSSES`; minimax takes the form that does not saturate, -log sigmoid.

    Returns:
        (n_networks,)
    """
    return functional.softplus(-scores).mean(1) if kind == MINIMAX else -scores.mean(1)


def _bent_by(rows: Tensor, bend: Tensor) -> Tensor:
    """Rows times the slopes of LeakyReLU at `bend`."""
    bent: Tensor = torch.ops.aten.leaky_relu_backward(rows, bend, SLOPE, False)  # noqa: FBT003
    return bent


def _exact(values: Tensor) -> Tensor:
    """No less than float32."""
    return values.float() if values.dtype == torch.bfloat16 else values

"""The critics' gradients, written out by hand, against closed forms and differentiation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dclust_gui.algorithms.deep.critic import LOSSES, MINIMAX, SLOPE, Critic, generator_loss
from dclust_gui.algorithms.deep.stacked import drawn
from dclust_gui.algorithms.deep.training import generator_for


def critics(widths: tuple[int, ...] = (5, 7, 6, 1), count: int = 3) -> Critic:
    """Critics in float64, biases not zero."""
    made = Critic(drawn(widths, count, generator_for(0))).double()
    with torch.no_grad():
        for bias in made.biases:
            bias.normal_(generator=generator_for(1))
    return made


def rows(seed: int, count: int = 3, n: int = 9, width: int = 5) -> Tensor:
    """float64 (count, n, width)."""
    return torch.randn(count, n, width, dtype=torch.float64, generator=generator_for(seed))


def scored(points: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    """The scores as anybody would write them."""
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        points = functional.leaky_relu(points @ weight + bias, SLOPE)
    return (points @ weights[-1] + biases[-1])[..., 0]


def test_penalty_has_its_closed_form_where_the_critic_is_linear() -> None:
    # all hidden units above zero: D(x) = w W^T x, its slope v = W w wherever it is asked
    critic = critics((4, 6, 1), 1)
    with torch.no_grad():
        critic.biases[0].fill_(100.0)
    weight, last = critic.weights[0][0].detach(), critic.weights[1][0].detach()
    slope = weight @ last
    length = slope.norm()
    real, made = rows(2, 1, 8, 4), rows(3, 1, 8, 4)
    mix = torch.rand(1, 8, 1, dtype=torch.float64, generator=generator_for(4))
    found = critic.accumulate(real, made, mix, "wgan-gp", 10.0)
    torch.testing.assert_close(
        critic.input_gradients(real), slope.T.expand(1, 8, 4), rtol=1e-12, atol=1e-12
    )
    torch.testing.assert_close(found.penalty[0], 10.0 * (length - 1) ** 2, rtol=1e-12, atol=0)
    plain = critics((4, 6, 1), 1)
    with torch.no_grad():
        plain.biases[0].fill_(100.0)
    plain.accumulate(real, made, mix, "wgan-gp", 0.0)
    pull = 20.0 * (length - 1) / length * slope  # d 10 (|v| - 1)^2 / dv
    for place, expected in ((0, pull @ last.T), (1, weight.T @ pull)):
        with_penalty, without = critic.weights[place].grad, plain.weights[place].grad
        assert with_penalty is not None
        assert without is not None
        torch.testing.assert_close((with_penalty - without)[0], expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("widths", [(5, 7, 1), (5, 7, 6, 1), (5, 4, 6, 3, 1)])
def test_gradients_equal_differentiation_through_the_gradient(
    kind: str, widths: tuple[int, ...]
) -> None:
    critic = critics(widths)
    real, made = rows(2), rows(3) + 0.5
    mix = torch.rand(3, 9, 1, dtype=torch.float64, generator=generator_for(4))
    found = critic.accumulate(real, made, mix, kind, 3.0)

    weights = [w.detach().clone().requires_grad_() for w in critic.weights]
    biases = [b.detach().clone().requires_grad_() for b in critic.biases]
    points = (real if kind == MINIMAX else mix * real + (1 - mix) * made).requires_grad_()
    (slope,) = torch.autograd.grad(scored(points, weights, biases).sum(), points, create_graph=True)
    real_scores = scored(real.detach(), weights, biases)
    made_scores = scored(made, weights, biases)
    if kind == MINIMAX:
        one, zero = torch.ones_like(real_scores), torch.zeros_like(real_scores)
        entropy = functional.binary_cross_entropy_with_logits
        loss = entropy(real_scores, one, reduction="none").mean(1)
        loss = loss + entropy(made_scores, zero, reduction="none").mean(1)
        penalty = 3.0 * slope.square().sum(2).mean(1)
    else:
        loss = made_scores.mean(1) - real_scores.mean(1)
        penalty = 3.0 * (slope.norm(dim=2) - 1).square().mean(1)
    (loss + penalty).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(found.loss, (loss + penalty).detach(), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(found.penalty, penalty.detach(), rtol=1e-9, atol=1e-11)
    torch.testing.assert_close(
        found.gap, (real_scores - made_scores).mean(1).detach(), rtol=1e-9, atol=1e-11
    )
    for own, other in zip([*critic.weights, *critic.biases], [*weights, *biases], strict=True):
        expected = torch.zeros_like(other) if other.grad is None else other.grad
        torch.testing.assert_close(own.grad, expected, rtol=1e-9, atol=1e-11)


def test_the_generators_loss_of_minimax_does_not_saturate() -> None:
    scores = torch.tensor([[-8.0, 0.0, 8.0]], dtype=torch.float64, requires_grad=True)
    loss = generator_loss(scores, MINIMAX)
    torch.testing.assert_close(loss, -torch.log(torch.sigmoid(scores)).mean(1))
    loss.sum().backward()  # type: ignore[no-untyped-call]
    # rows that are surely found out pull most, where log(1 - D) would hardly pull at all
    assert scores.grad is not None
    torch.testing.assert_close(scores.grad, (torch.sigmoid(scores.detach()) - 1) / 3)
    torch.testing.assert_close(generator_loss(scores.detach(), "wgan-gp"), -scores.detach().mean(1))


def test_a_critic_without_slope_gives_finite_gradients() -> None:
    critic = critics()
    with torch.no_grad():
        for weight in critic.weights:
            weight.zero_()
    mix = torch.full((3, 9, 1), 0.5, dtype=torch.float64)
    for kind in LOSSES:
        found = critic.accumulate(rows(2), rows(3), mix, kind, 10.0)
        assert found.loss.isfinite().all()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in critic.parameters())


def test_a_broken_network_leaves_its_neighbours_alone() -> None:
    critic, sound = critics(), critics()
    real, made = rows(2), rows(3)
    mix = torch.full((3, 9, 1), 0.5, dtype=torch.float64)
    broken = made.clone()
    broken[1] = torch.nan
    critic.accumulate(real, broken, mix, "wgan-gp", 10.0)
    sound.accumulate(real, made, mix, "wgan-gp", 10.0)
    for own, other in zip(critic.parameters(), sound.parameters(), strict=True):
        assert own.grad is not None
        assert other.grad is not None
        torch.testing.assert_close(own.grad[[0, 2]], other.grad[[0, 2]])


def test_bfloat16_gradients_point_the_same_way() -> None:
    critic = critics().float()
    real, made = rows(2).float(), rows(3).float()
    mix = torch.full((3, 9, 1), 0.5)
    critic.accumulate(real, made, mix, "wgan-gp", 10.0)
    exact = [p.grad.clone() for p in critic.parameters() if p.grad is not None]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        critic.accumulate(real, made, mix, "wgan-gp", 10.0)
    for before, parameter in zip(exact, critic.parameters(), strict=True):
        assert parameter.grad is not None
        assert parameter.grad.dtype == torch.float32
        if before.norm() > 1e-6:
            likeness = torch.cosine_similarity(before.flatten(), parameter.grad.flatten(), dim=0)
            assert likeness > 0.99

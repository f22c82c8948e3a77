"""DEC's formulas against the paper's closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep.soft import (
    divergence,
    log_membership_prior,
    log_soft_assignment,
    squared_distances,
    target_distribution,
)


@pytest.fixture
def code() -> torch.Tensor:
    return torch.randn(40, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def centres() -> torch.Tensor:
    return torch.randn(4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize("alpha", [1.0, 2.5])
def test_gradients_are_those_of_the_paper(
    code: torch.Tensor, centres: torch.Tensor, alpha: float
) -> None:
    code.requires_grad_()
    centres.requires_grad_()
    log_q = log_soft_assignment(code, centres, alpha)
    target = target_distribution(log_q)
    (len(code) * divergence(target, log_q)).backward()  # type: ignore[no-untyped-call]

    z, mu = code.detach(), centres.detach()
    difference = z[:, None, :] - mu[None]
    kernel = 1.0 / (1.0 + difference.square().sum(2) / alpha)
    q = kernel ** ((alpha + 1) / 2)
    q /= q.sum(1, keepdim=True)
    p = q**2 / q.sum(0)
    p /= p.sum(1, keepdim=True)
    pull = (alpha + 1) / alpha * (kernel * (p - q))[:, :, None] * difference  # eq. 4 and 5
    assert code.grad is not None
    assert centres.grad is not None
    torch.testing.assert_close(target, p, rtol=0, atol=1e-12)
    torch.testing.assert_close(code.grad, pull.sum(1), rtol=0, atol=1e-8)
    torch.testing.assert_close(centres.grad, -pull.sum(0), rtol=0, atol=1e-8)


def test_the_target_uses_all_images(code: torch.Tensor, centres: torch.Tensor) -> None:
    log_q = log_soft_assignment(code, centres)
    of_all = target_distribution(log_q)
    q = log_q.exp()
    by_hand = q**2 / q.sum(0)
    torch.testing.assert_close(of_all, by_hand / by_hand.sum(1, keepdim=True))
    assert (of_all[:10] - target_distribution(log_q[:10])).abs().max() > 1e-3


def test_the_target_has_no_gradient(code: torch.Tensor, centres: torch.Tensor) -> None:
    log_q = log_soft_assignment(code.requires_grad_(), centres)
    assert not target_distribution(log_q).requires_grad


def test_the_divergence_is_never_negative_and_zero_for_equal_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        p = torch.rand(9, 3, generator=generator, dtype=torch.float64).softmax(1)
        log_q = torch.rand(9, 3, generator=generator, dtype=torch.float64).log_softmax(1)
        assert divergence(p, log_q) >= 0
        assert abs(float(divergence(log_q.exp(), log_q))) < 1e-12


def test_everything_is_finite_at_any_distance() -> None:
    code = torch.tensor([[0.0], [1e15], [-1e15], [1e-20]], requires_grad=True)
    log_q = log_soft_assignment(code, torch.tensor([[0.0], [1.0]]))
    loss = divergence(target_distribution(log_q), log_q)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert code.grad is not None
    assert torch.isfinite(code.grad).all()


def test_a_smaller_exponent_pushes_less_towards_equal_sizes() -> None:
    q = torch.tensor([[0.6, 0.4]] * 9 + [[0.3, 0.7]]).log()
    shares = [float(target_distribution(q, rho)[:, 0].mean()) for rho in (1.0, 0.5, 0.0)]
    assert shares == sorted(shares)


def test_a_prior_moves_the_target() -> None:
    log_q = torch.full((6, 3), 1 / 3).log()
    prior = log_membership_prior(np.array([0.8, 0.1, 0.1]), 6, 3)
    assert prior is not None
    target = target_distribution(log_q, 0.0, torch.from_numpy(prior))
    assert (target[:, 0] > 0.9).all()


@pytest.mark.parametrize("prior", [[1.0, 1.0], [[1.0, -1.0, 1.0]] * 6, [0.0, 0.0, 0.0]])
def test_a_prior_that_does_not_fit_is_refused(prior: list[object]) -> None:
    with pytest.raises(UnusableDataError):
        log_membership_prior(np.array(prior), 6, 3)


def test_distances_of_many_codes_equal_those_of_few(centres: torch.Tensor) -> None:
    code = torch.randn(300_000, 5, generator=torch.Generator().manual_seed(3)).double()
    with torch.no_grad():
        blocked = squared_distances(code, centres)
    torch.testing.assert_close(blocked[-50:], torch.cdist(code[-50:], centres).square())

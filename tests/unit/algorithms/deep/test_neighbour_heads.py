"""TEMI and SCAN: their losses, the prior of sizes, and what holds for every head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep.many_heads import ManyHeads
from dclust_gui.algorithms.deep.pair_training import Pairs
from dclust_gui.algorithms.deep.scan import SCAN, ScanTraining
from dclust_gui.algorithms.deep.size_prior import expected_sizes, laid_on
from dclust_gui.algorithms.deep.temi import TEMI, TemiTraining
from dclust_gui.algorithms.deep.training import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.neighbour_heads import NeighbourHeads

    Clouds = tuple[NDArray[np.float32], NDArray[np.int64]]

KINDS = (TEMI, SCAN)
K = 5


def made(kind: type[NeighbourHeads], n_clusters: int = 4, **parameters: object) -> NeighbourHeads:
    """A head with few steps."""
    chosen: dict[str, object] = {"epochs": 10, "batch_size": 64, "n_heads": 2, "random_state": 0}
    return kind(n_clusters, device="cpu", **{**chosen, **parameters})


@pytest.fixture
def heads() -> ManyHeads:
    """Three heads in double precision."""
    generator = torch.Generator().manual_seed(0)
    found = ManyHeads((6, 8, 4), K, 3, 0.5, generator, torch.device("cpu"))
    found.weights = [torch.nn.Parameter(weight.detach().double()) for weight in found.weights]
    return found


@pytest.fixture
def pairs() -> Pairs:
    """Twenty rows, each with one neighbour, so that nothing is left to chance."""
    random = np.random.default_rng(1)
    near = torch.from_numpy(random.permutation(20)[:, None])
    expected = torch.tensor([0.05, 0.1, 0.15, 0.3, 0.4], dtype=torch.float64)
    rows = torch.from_numpy(random.normal(size=(20, 6)))
    return Pairs(rows, near, expected, torch.Generator().manual_seed(0))


# -- the equations -------------------------------------------------------------------------------


def by_hand(heads: ManyHeads, head: int, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of one head, in NumPy."""
    first, bias, second, offset, prototypes = (w.detach().numpy() for w in heads.weights)
    mine = slice(8 * head, 8 * head + 8)
    code = np.maximum(rows @ first[:, mine] + bias[mine], 0) @ second[head] + offset[head]
    code /= np.linalg.norm(code, axis=1, keepdims=True)
    centres = prototypes[head] / np.linalg.norm(prototypes[head], axis=0)
    soft = np.exp(code @ centres / heads.temperature)
    found: NDArray[np.float64] = soft / soft.sum(1, keepdims=True)
    return found


def test_batched_heads_are_the_heads_one_by_one(heads: ManyHeads, pairs: Pairs) -> None:
    soft = heads.assignments(pairs.rows).numpy()
    for head in range(3):
        np.testing.assert_allclose(soft[head], by_hand(heads, head, pairs.rows.numpy()), rtol=1e-10)


def test_a_chosen_head_takes_the_rows_before_their_axes(heads: ManyHeads, pairs: Pairs) -> None:
    axes = torch.from_numpy(np.linalg.qr(np.random.default_rng(2).normal(size=(9, 6)))[0])
    wide = pairs.rows @ axes.T
    network, centres = heads.chosen(1, axes)
    soft = (network.encoder(wide.float()) @ centres.float().T / heads.temperature).softmax(1)
    wanted = by_hand(heads, 1, pairs.rows.numpy())
    np.testing.assert_allclose(soft.detach().numpy(), wanted, atol=1e-5)


def test_the_loss_of_scan_is_that_of_the_paper_with_a_prior(heads: ManyHeads, pairs: Pairs) -> None:
    training = ScanTraining(heads, pairs, Schedule(1), 5.0)
    numbers = torch.arange(20)
    losses = training._per_head(numbers)[0]
    rows = pairs.rows.numpy()
    for head in range(3):
        own = by_hand(heads, head, rows)
        other = by_hand(heads, head, rows[pairs.near[:, 0].numpy()])
        sizes = np.concatenate([own, other]).mean(0)
        wanted = np.sort(pairs.expected.numpy())[sizes.argsort().argsort()]
        found = -np.log((own * other).sum(1)).mean() + 5 * (sizes * np.log(sizes / wanted)).sum()
        assert float(losses[head].detach()) == pytest.approx(found, rel=1e-5)


def test_the_loss_of_temi_is_that_of_the_paper_with_a_prior(heads: ManyHeads, pairs: Pairs) -> None:
    training = TemiTraining(heads, pairs, Schedule(1), 0.6)
    training._shares = training._shares.double()
    before = training._shares.clone()
    losses = training._per_head(torch.arange(20))[0]
    rows, partner = pairs.rows.numpy(), pairs.near[:, 0].numpy()
    soft = [by_hand(heads, head, rows) for head in range(3)]
    weight = np.mean([(p * p[partner]).sum(1) for p in soft], 0)
    for head, own in enumerate(soft):
        other = own[partner]
        shares = 0.9 * before[head].numpy() + 0.1 * np.concatenate([own, other]).mean(0)
        prior = np.sort(pairs.expected.numpy())[shares.argsort().argsort()]
        pmi = np.log(((own * other) ** 0.6 * K * prior / shares).sum(1))
        assert float(losses[head].detach()) == pytest.approx(-(weight * pmi).mean(), rel=1e-6)


def test_sure_pairs_tell_most_where_sizes_are_the_expected_ones() -> None:
    # the derivation in temi.py: the mean over sure pairs is -KL(p || pi) + log k
    prior = np.array([0.1, 0.2, 0.7])

    def told(sizes: NDArray[np.float64]) -> float:
        return float((sizes * np.log(3 * prior / sizes)).sum())

    best = told(prior)
    assert best == pytest.approx(np.log(3.0) + (prior * np.log(prior / prior)).sum())
    draws = np.random.default_rng(0).dirichlet(np.ones(3), 200)
    assert max(told(draw) for draw in draws) <= best


def test_the_gradient_of_both_losses_is_right(heads: ManyHeads, pairs: Pairs) -> None:
    numbers = torch.arange(20)
    for training in (
        ScanTraining(heads, pairs, Schedule(1), 5.0),
        TemiTraining(heads, pairs, Schedule(1), 0.6),
    ):
        if isinstance(training, TemiTraining):
            training._shares = heads.assignments(pairs.rows).mean(1)
        weight = heads.weights[4]
        for any_weight in heads.weights:
            any_weight.grad = None
        start = training._shares.clone() if isinstance(training, TemiTraining) else None
        training._per_head(numbers)[0].sum().backward()  # type: ignore[no-untyped-call]
        assert weight.grad is not None
        found = weight.grad[1, 2, 3].item()
        values = []
        for step in (1e-6, -2e-6):
            with torch.no_grad():
                weight[1, 2, 3] += step
            if start is not None and isinstance(training, TemiTraining):
                training._shares = start.clone()
            values.append(float(training._per_head(numbers)[0].sum().detach()))
        with torch.no_grad():
            weight[1, 2, 3] += 1e-6
        assert found == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_expected_sizes_go_from_even_to_those_of_the_start() -> None:
    start = np.repeat(np.arange(3), [6, 3, 1]).astype(np.int32)
    np.testing.assert_allclose(expected_sizes(start, 3, 0.0), 1 / 3, rtol=1e-6)
    np.testing.assert_allclose(expected_sizes(start, 3, 1.0), [0.1, 0.3, 0.6], rtol=1e-6)
    np.testing.assert_allclose(
        expected_sizes(start, 3, 0.5), [0.13 / 0.6, 0.95 / 3, 1.4 / 3], rtol=2e-2
    )
    assert expected_sizes(start, 5, 1.0).min() > 0


def test_the_expected_sizes_are_laid_on_in_the_order_of_the_present_ones() -> None:
    sizes = torch.tensor([[0.5, 0.2, 0.3], [0.1, 0.6, 0.3]])
    laid = laid_on(sizes, torch.tensor([0.1, 0.3, 0.6]))
    torch.testing.assert_close(laid, torch.tensor([[0.6, 0.1, 0.3], [0.1, 0.6, 0.3]]))


# -- what holds for every head -------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("start", ["n2d", "random"])
def test_separated_clouds_are_found(kind: type, start: str, clouds: Clouds) -> None:
    rows, truth = clouds
    head = made(kind, start=start, epochs=40).fit(rows)
    assert adjusted_rand_score(truth, head.labels_) > 0.95
    assert head.labels_.dtype == np.int32
    assert head.soft_assignments_.shape == (240, 4)
    assert head.soft_assignments_.dtype == head.embedding_.dtype == np.float32
    np.testing.assert_allclose(head.soft_assignments_.sum(1), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(head.embedding_, axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(head.predict(rows), head.labels_)
    np.testing.assert_allclose(head.transform(rows), head.embedding_, atol=1e-5)
    assert head.note_ == ""
    assert not head.collapsed_
    assert head.history_[-1].step == head.n_iter_


@pytest.mark.parametrize("kind", KINDS)
def test_the_prior_of_sizes_lets_uneven_groups_be(kind: type) -> None:
    random = np.random.default_rng(3)
    truth = np.repeat(np.arange(3), [300, 60, 40])
    centres = random.normal(size=(3, 10)) * 1.6
    rows = (centres[truth] + random.normal(size=(400, 10))).astype(np.float32)
    start = truth.astype(np.int32)
    uneven = made(kind, 3, size_prior=1.0, initial_labels=start, epochs=40).fit(rows)
    even = made(kind, 3, size_prior=0.0, initial_labels=start, epochs=40).fit(rows)
    sizes = [np.sort(np.bincount(head.labels_, minlength=3)) for head in (uneven, even)]
    # groups that stand apart may stay whole even where even sizes are expected
    assert sizes[0][2] >= sizes[1][2]
    assert adjusted_rand_score(truth, uneven.labels_) > 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        {"size_prior": 1.5},
        {"start": "guess"},
        {"n_heads": 0},
        {"n_neighbors": 0},
        {"temperature": 0.0},
        {"learning_rate": 0.0},
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_setting_is_a_clear_error(kind: type, wrong: dict[str, object]) -> None:
    with pytest.raises(UnusableDataError):
        made(kind, 2, **wrong).fit(np.eye(12))


@pytest.mark.parametrize("kind", [TEMI, SCAN])
@pytest.mark.parametrize("start", ["n2d", "random"])
def test_stopped_at_once_it_knows_the_clusters_that_it_gives(
    kind: type[NeighbourHeads], start: str, clouds: Clouds
) -> None:
    model = made(kind, start=start).fit(clouds[0], callback=lambda _step: True)
    assert model.note_ == "Stopped early."
    np.testing.assert_array_equal(model.labels_, model.start_labels_)
    assert (model.predict(clouds[0]) == model.labels_).mean() > 0.98
    assert (model.soft_assignments_.argmax(1) == model.labels_).mean() > 0.98


def test_beta_and_the_weight_of_the_sizes_are_checked() -> None:
    with pytest.raises(UnusableDataError, match="beta"):
        made(TEMI, 2, beta=0.0).fit(np.eye(12))
    with pytest.raises(UnusableDataError, match="entropy_weight"):
        made(SCAN, 2, entropy_weight=-1.0).fit(np.eye(12))

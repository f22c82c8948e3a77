"""The loop: order of rows, early stop, cancelling, divergence, memory, collapse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dclust_gui.algorithms.deep.health import Best, Health
from dclust_gui.algorithms.deep.precision import precision_context
from dclust_gui.algorithms.deep.progress import PRETRAINING, Progress, TrainingStep
from dclust_gui.algorithms.deep.training import (
    TOTAL,
    Batches,
    Phase,
    Schedule,
    TrainingError,
    checked_epochs,
    epochs_for,
    generator_for,
    train,
)
from dclust_gui.domain.control import Cancelled

PHASE = Phase(PRETRAINING, method="a test")


def weights() -> nn.Parameter:
    return nn.Parameter(torch.ones(3))


def test_every_epoch_takes_every_row_once_in_another_order() -> None:
    batches = Batches(10, 4, generator_for(0), "cpu")
    epochs = [torch.cat([batches.next() for _ in range(3)]) for _ in range(2)]
    assert all(sorted(epoch.tolist()) == list(range(10)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()


def test_batches_of_an_epoch_are_of_one_size() -> None:
    batches = Batches(300, 256, generator_for(0), "cpu")
    assert [len(batches.next()) for _ in range(4)] == [150] * 4


def test_training_leaves_the_global_generators_alone() -> None:
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 -- the global state is what is looked at
    expected = torch.rand(1), np.random.rand()  # noqa: NPY002
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    w = weights()
    train(lambda _: {TOTAL: w.square().sum()}, [w], 8, Schedule(2, 4), PHASE, Progress(), seed=0)
    assert (torch.rand(1), np.random.rand()) == expected  # noqa: NPY002


def test_a_loss_is_minimised_and_steps_are_counted() -> None:
    w = weights()
    schedule = Schedule(100, 4, rate=0.1, last_rate=0.01)
    ticks: list[int] = []
    progress = Progress(tick=lambda: ticks.append(1))
    steps = train(lambda _: {TOTAL: w.square().sum()}, [w], 8, schedule, PHASE, progress, seed=0)
    assert steps == 200 == len(ticks)
    assert float(w.detach().abs().max()) < 0.05


def test_the_rate_falls_along_a_cosine() -> None:
    schedule = Schedule(10, 4, rate=1.0, last_rate=0.1)
    rates = [schedule.rate_at(step, 21) for step in (0, 10, 20)]
    assert rates == pytest.approx([1.0, 0.55, 0.1])


def test_a_tick_can_cancel() -> None:
    w = weights()

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        train(
            lambda _: {TOTAL: w.sum()}, [w], 8, Schedule(2, 4), PHASE, Progress(tick=stop), seed=0
        )
    torch.testing.assert_close(w.detach(), torch.ones(3))


def test_a_loss_that_is_no_number_is_a_clear_error() -> None:
    w = weights()
    with pytest.raises(TrainingError, match="learning rate"):
        train(
            lambda _: {TOTAL: (w * torch.inf).sum() * 0},
            [w],
            8,
            Schedule(2, 4),
            PHASE,
            Progress(),
            seed=0,
            update=lambda step, losses: False,
        )


def test_too_little_memory_halves_the_batch() -> None:
    w = weights()
    sizes: list[int] = []

    def loss(numbers: torch.Tensor) -> dict[str, torch.Tensor]:
        sizes.append(len(numbers))
        if len(numbers) > 32:
            raise torch.OutOfMemoryError("full")
        return {TOTAL: w.square().sum()}

    train(loss, [w], 128, Schedule(1, 128), PHASE, Progress(), seed=0)
    assert sizes == [128, 64, 32]
    with pytest.raises(torch.OutOfMemoryError):
        train(
            lambda numbers: (_ for _ in ()).throw(torch.OutOfMemoryError("full")),
            [w],
            128,
            Schedule(1, 128),
            PHASE,
            Progress(),
            seed=0,
        )


def test_a_callback_stops_early_and_history_has_no_labels() -> None:
    progress = Progress(callback=lambda step: step.step >= 2)
    labels = np.zeros(3, np.int32)
    assert not progress.evaluated(TrainingStep(PRETRAINING, step=1, labels=labels))
    assert progress.evaluated(TrainingStep(PRETRAINING, step=2, labels=labels))
    assert progress.is_stopped
    assert [step.labels for step in progress.history] == [None, None]


@pytest.mark.parametrize(("n", "expected"), [(300, 200), (10_000, 103), (1_000_000, 5)])
def test_epochs_follow_from_steps(n: int, expected: int) -> None:
    assert epochs_for(4000, n, 256) == expected


@pytest.mark.parametrize("epochs", ["many", -1])
def test_impossible_epochs_are_refused(epochs: int | str) -> None:
    with pytest.raises(ValueError, match="epochs"):
        checked_epochs(epochs, 5)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="float32"):
        precision_context("float8", "cpu")


def test_one_cluster_with_nearly_all_images_is_a_collapse() -> None:
    health = Health(4, (np.arange(100) % 4).astype(np.int32))
    assert health.check((np.arange(100) % 4).astype(np.int32)) == 4
    assert not health.is_collapsed
    labels = np.zeros(100, np.int32)
    labels[:5] = 1
    assert health.check(labels) == 2
    assert health.is_collapsed


def test_half_the_clusters_empty_three_times_is_a_collapse() -> None:
    health = Health(6, (np.arange(90) % 6).astype(np.int32))
    few = (np.arange(90) % 2).astype(np.int32)
    for expected in (False, False, True):
        health.check(few)
        assert health.is_collapsed is expected


def test_what_was_uneven_from_the_start_is_no_collapse() -> None:
    start = np.zeros(100, np.int32)
    start[:3] = 1
    health = Health(2, start)
    health.check(start)
    assert not health.is_collapsed


def test_the_best_state_is_put_back() -> None:
    w = torch.ones(2)
    best = Best({"w": w})
    assert not best.restore()
    for score, value in ((3.0, 3.0), (1.0, 1.5), (2.0, 9.0)):
        w.fill_(value)
        best.offer(score, int(score))
    assert best.restore()
    assert w.tolist() == [1.5, 1.5]
    assert best.step == 1

"""Fine-tuning: views, losses, which state is kept, and what happens when it goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from dclust_gui.algorithms.deep import finetuning
from dclust_gui.algorithms.deep.augmentation import Augmentation, augmented, centred
from dclust_gui.algorithms.deep.finetuning import Agreement, TuningSettings, fine_tune
from dclust_gui.algorithms.deep.progress import Progress, TrainingStep
from dclust_gui.algorithms.deep.soft import divergence, log_soft_assignment, target_distribution
from dclust_gui.algorithms.deep.training import TrainingError
from dclust_gui.algorithms.deep.tuning_losses import CodeSpace, DcnObjective, DecObjective
from dclust_gui.algorithms.deep.tuning_probe import time_steps
from dclust_gui.algorithms.deep.tuning_views import FixedViews, FreshViews, ViewPlan
from dclust_gui.domain.control import Cancelled

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIDE, VIEW = 16, 12
EACH, GROUPS = 8, 3


class Tail(nn.Module):
    """Colours of a coarse grid, then a layer that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.learns = nn.Linear(27, 24)
        with torch.no_grad():
            generator = torch.Generator().manual_seed(1)
            self.learns.weight.copy_(torch.randn(24, 27, generator=generator) / 5)
            self.learns.bias.zero_()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Features of maps (n, 3, 3, 3)."""
        features: torch.Tensor = self.learns(maps.flatten(1))
        return features


def embed(pixels: torch.Tensor) -> torch.Tensor:
    """The trunk: means of a 3 x 3 grid."""
    return nn.functional.adaptive_avg_pool2d(pixels / 255, 3)


def pictures() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Red, green and blue noise, and which is which."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(GROUPS, dtype=np.int32), EACH)
    pixels = random.integers(0, 90, (len(labels), SIDE, SIDE, 3))
    pixels[np.arange(len(labels)), :, :, labels] += 120
    return pixels.astype(np.uint8), labels


def filled(views: FixedViews | FreshViews) -> FixedViews | FreshViews:
    """Take the pictures in, in two parts."""
    pixels, _ = pictures()
    views.take(pixels[:10])
    views.take(pixels[10:])
    return views


def plan(file: Path | None = None, n_views: int = 3) -> ViewPlan:
    """Views of all pictures."""
    return ViewPlan(EACH * GROUPS, (VIEW, VIEW), n_views=n_views, file=file)


def frozen(tail: nn.Module, views: FixedViews | FreshViews) -> NDArray[np.float32]:
    """Features before the training."""
    with torch.no_grad():
        found: NDArray[np.float32] = tail(views.plain(torch.arange(EACH * GROUPS))).numpy()
    return found


def tuned(
    loss: str, progress: Progress | None = None, epochs: int = 8
) -> tuple[finetuning.Tuned, Tail]:
    """A short training from the true groups."""
    tail, views = Tail(), filled(FixedViews(plan(), embed))
    settings = TuningSettings(loss, GROUPS, epochs, 8, 1e-3)
    labels = pictures()[1]
    found = fine_tune(tail, views, frozen(tail, views), labels, settings, progress or Progress())
    return found, tail


# -- views ---------------------------------------------------------------------------------------


def test_views_are_of_the_size_asked_for_and_of_colours_that_exist() -> None:
    batch = torch.from_numpy(pictures()[0])
    views = augmented(batch, (VIEW, 10), torch.Generator().manual_seed(0))
    assert views.shape == (len(batch), 3, VIEW, 10)
    assert views.dtype == torch.float32
    assert float(views.min()) >= 0
    assert float(views.max()) <= 255
    again = augmented(batch, (VIEW, 10), torch.Generator().manual_seed(0))
    assert torch.equal(views, again)
    other = augmented(batch, (VIEW, 10), torch.Generator().manual_seed(1))
    assert not torch.equal(views, other)


def test_without_any_freedom_a_view_is_the_whole_picture() -> None:
    batch = torch.from_numpy(pictures()[0])
    still = Augmentation(least_area=1.0, most_ratio=1.0, jitter=0.0, is_mirrored=False)
    view = augmented(batch, (SIDE, SIDE), torch.Generator().manual_seed(0), still)
    torch.testing.assert_close(view, batch.permute(0, 3, 1, 2).float(), rtol=0, atol=0.01)


def test_the_plain_view_is_the_centre() -> None:
    batch = torch.from_numpy(pictures()[0])
    assert torch.equal(centred(batch, (VIEW, VIEW))[0, 0], batch[0, 2:14, 2:14, 0].float())


@pytest.mark.parametrize("on_disk", [False, True])
def test_kept_views_are_those_of_the_pictures(tmp_path: Path, on_disk: bool) -> None:
    views = filled(FixedViews(plan(tmp_path / "views" if on_disk else None), embed))
    numbers = torch.tensor([23, 0, 11])
    batch = torch.from_numpy(pictures()[0])[numbers]
    wanted = embed(centred(batch, (VIEW, VIEW)))
    torch.testing.assert_close(views.plain(numbers), wanted, rtol=1e-3, atol=1e-3)
    first, second = views.pair(numbers)
    assert first.shape == second.shape == wanted.shape
    assert not torch.equal(first, second)
    assert (on_disk, views.n_images) == ((tmp_path / "views").exists(), 24)


def test_fresh_views_are_new_each_time() -> None:
    views = filled(FreshViews(plan(), embed))
    numbers = torch.tensor([3, 4])
    assert not torch.equal(views.pair(numbers)[0], views.pair(numbers)[0])
    assert torch.equal(views.plain(numbers), views.plain(numbers))


# -- losses --------------------------------------------------------------------------------------


def test_dec_is_the_divergence_from_one_target_for_both_views() -> None:
    random = torch.Generator().manual_seed(0)
    features = torch.randn(12, 5, generator=random)
    labels = torch.arange(12) % 3
    space = CodeSpace.of(features, 3)
    objective = DecObjective(space, space.code(features), labels, 3)
    code = objective.space.code(features)
    objective.refresh(code, is_starting=False)
    views = (features + 0.1, features * 1.2)
    numbers = torch.tensor([4, 1, 7])
    found = objective.loss((views[0][numbers], views[1][numbers]), numbers)["total"]
    centres = objective.weights()[0].detach()
    target = target_distribution(log_soft_assignment(code, centres))[numbers]
    parts = [
        divergence(target, log_soft_assignment(objective.space.code(v[numbers]), centres))
        for v in views
    ]
    torch.testing.assert_close(found, (parts[0] + parts[1]) / 2)


def test_codes_are_projections_of_frozen_directions() -> None:
    features = torch.randn(30, 40, generator=torch.Generator().manual_seed(0))
    space = CodeSpace.of(features, 4)
    assert space.code(features).shape == (30, 10)
    torch.testing.assert_close(space.basis.T @ space.basis, torch.eye(10), rtol=0, atol=1e-5)
    assert torch.isfinite(CodeSpace.of(torch.ones(9, 6), 2).code(torch.ones(9, 6))).all()


def test_dcn_moves_the_centre_of_an_empty_cluster_to_the_farthest_image() -> None:
    features = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    space = CodeSpace.of(features, 2)
    labels = torch.arange(20) % 2
    objective = DcnObjective(space, features, space.code(features), labels, 2)
    centres = objective.tensors()["centres"]
    centres[1] = 1e3
    code = objective.space.code(features)
    objective.refresh(code, is_starting=False)
    assert float((code - centres[1]).square().sum(1).min()) == 0
    losses = objective.loss((features[:4], features[:4]), torch.arange(4))
    assert set(losses) == {"reconstruction", "clustering", "total"}


# -- which state is kept -------------------------------------------------------------------------


def test_agreement_is_zero_by_chance_and_one_for_the_neighbours_own_groups() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(4, dtype=np.int32), 30)
    features = random.normal(size=(4, 20))[labels] * 8 + random.normal(size=(120, 20))
    agreement = Agreement(features, 4)
    assert agreement.of(labels) == 1
    assert agreement.of(np.zeros(120, np.int32)) == 0
    assert abs(agreement.of(random.integers(0, 4, 120).astype(np.int32))) < 0.15


def test_agreement_of_a_dozen_images_tells_good_clusters_from_bad_ones() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3, dtype=np.int32), 4)
    features = random.normal(size=(3, 20))[labels] * 8 + random.normal(size=(12, 20))
    agreement = Agreement(features, 3)
    assert agreement.of(labels) == 1
    by_chance = [agreement.of(random.permutation(labels)) for _ in range(200)]
    assert abs(np.mean(by_chance)) < 0.03


@pytest.mark.parametrize("start", [-0.1, 0.0, 0.4])
def test_a_training_that_keeps_the_starts_agreement_is_not_refused(
    monkeypatch: pytest.MonkeyPatch, start: float
) -> None:
    monkeypatch.setattr(Agreement, "of", lambda _self, _labels: start)
    assert not tuned("dec")[0].is_refused


@pytest.mark.parametrize("loss", ["dec", "dcn"])
def test_it_trains_and_keeps_groups_that_were_right(loss: str) -> None:
    steps: list[TrainingStep] = []
    found, tail = tuned(loss, Progress(steps.append))
    assert not found.is_refused
    assert (found.labels == pictures()[1]).all()
    assert found.agreement >= found.start_agreement - 1e-6
    assert not torch.equal(tail.learns.weight, Tail().learns.weight)
    assert steps[-1].step == steps[-1].steps == found.steps
    assert steps[-1].occupied == GROUPS


@pytest.mark.parametrize("loss", ["dec", "dcn"])
def test_the_same_seed_gives_the_same_network(loss: str) -> None:
    assert torch.equal(tuned(loss)[1].learns.weight, tuned(loss)[1].learns.weight)


def test_a_collapse_is_refused_and_puts_the_network_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_in_one(self: DecObjective, code: torch.Tensor, *, is_starting: bool) -> torch.Tensor:
        return torch.zeros(len(code), dtype=torch.int64)

    monkeypatch.setattr(DecObjective, "refresh", all_in_one)
    found, tail = tuned("dec")
    assert found.is_refused
    assert "collapsed" in found.note
    assert torch.equal(tail.learns.weight, Tail().learns.weight)
    assert (found.labels == pictures()[1]).all()


def test_clusters_that_cut_through_neighbours_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def scattered(self: DecObjective, code: torch.Tensor, *, is_starting: bool) -> torch.Tensor:
        return torch.arange(len(code)) % GROUPS

    monkeypatch.setattr(DecObjective, "refresh", scattered)
    found, tail = tuned("dec")
    assert found.is_refused
    assert "look alike" in found.note
    assert torch.equal(tail.learns.weight, Tail().learns.weight)


def test_a_loss_that_is_no_number_ends_the_training_in_words() -> None:
    tail, views = Tail(), filled(FixedViews(plan(), embed))
    features = frozen(tail, views)
    settings = TuningSettings("dec", GROUPS, 4, 8, rate=float("inf"))
    with pytest.raises(TrainingError, match="Could not train the backbone"):
        fine_tune(tail, views, features, pictures()[1], settings, Progress())


def test_stopping_early_keeps_the_best_so_far() -> None:
    found, _ = tuned("dec", Progress(lambda step: step.step >= 5), epochs=50)
    assert found.note == "Stopped early."
    assert 0 < found.steps < 150


def test_stopping_before_the_first_step_learns_nothing_and_says_so() -> None:
    found, tail = tuned("dec", Progress(lambda _step: True))
    assert (found.is_refused, found.steps) == (True, 0)
    assert found.note.startswith("Stopped before anything was learnt.")
    assert torch.equal(tail.learns.weight, Tail().learns.weight)


def test_cancelling_goes_straight_through() -> None:
    ticks = []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 9:
            raise Cancelled

    with pytest.raises(Cancelled):
        tuned("dec", Progress(None, tick))
    assert len(ticks) == 9


def test_timing_steps_changes_nothing() -> None:
    tail, views = Tail(), filled(FixedViews(plan(), embed))
    before = tail.learns.weight.clone()
    times = time_steps(tail, views, 64, "cpu", lambda: None)
    assert min(times.trained, times.looked_at) > 0
    assert torch.equal(tail.learns.weight, before)

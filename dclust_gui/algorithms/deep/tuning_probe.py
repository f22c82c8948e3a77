"""How long steps of a fine-tuning take here: a few are done and timed, nothing is learnt."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dclust_gui.algorithms.deep.precision import mixed_precision

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from dclust_gui.algorithms.deep.tuning_views import Views

_TIMED = 2


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Seconds for one image.

    Attributes:
        trained: In a step of the training, both views.
        looked_at: When all images are looked at, in the plain view.
    """

    trained: float
    looked_at: float


def time_steps(
    tail: nn.Module, views: Views, batch_size: int, device: str, tick: Callable[[], None]
) -> StepTimes:
    """Time steps of the training on images that were taken in.

    Args:
        tail: The network, on the device; its weights stay as they are.
        views: Some images; they are used more than once where a batch has more.
        batch_size: Images of a step.
        device: torch device.
        tick: Called between the steps; may raise.
    """
    context, _ = mixed_precision(device)
    numbers = (torch.arange(batch_size) % views.n_images).to(device)

    def step() -> None:
        with context:
            features = tail(torch.cat(views.pair(numbers)))
        features.float().square().mean().backward()
        tail.zero_grad(set_to_none=True)

    def look() -> None:
        with torch.no_grad(), context:
            tail(views.plain(numbers))

    trained = _seconds(step, device, tick)
    return StepTimes(trained / batch_size, _seconds(look, device, tick) / batch_size)


def _seconds(work: Callable[[], None], device: str, tick: Callable[[], None]) -> float:
    """The mean time of some calls after one that does not count."""
    work()
    _wait(device)
    begun = time.perf_counter()
    for _ in range(_TIMED):
        tick()
        work()
    _wait(device)
    return (time.perf_counter() - begun) / _TIMED


def _wait(device: str) -> None:
    """Until the card has done what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)

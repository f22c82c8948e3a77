"""What a training reports while it runs, and how a caller watches, stops or cancels it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRETRAINING = "pretraining"
START = "start"
CLUSTERING = "clustering"
REPORT_SECONDS = 0.5
"""Reports between two evaluations are at least so far apart."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingStep:
    """How far a training has come.

    Attributes:
        phase: `PRETRAINING`, `START` or `CLUSTERING`.
        detail: More words on the phase, such as "layer 1 of 4"; may be empty.
        step: Optimiser steps done within the phase.
        steps: Most optimiser steps of the phase.
        losses: Parts of the loss by name, means since the last report; "total" is minimised.
        label_change: Share 0..1 of the images whose cluster changed since the last evaluation;
            None between evaluations.
        occupied: Clusters with members; None between evaluations.
        labels: int32 (n_images,), read-only, the clusters now; None between evaluations.
    """

    phase: str
    detail: str = ""
    step: int = 0
    steps: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    label_change: float | None = None
    occupied: int | None = None
    labels: NDArray[np.int32] | None = None


Callback: TypeAlias = Callable[[TrainingStep], bool | None]
"""Takes a report; True stops the training early with the best state so far.

What it raises (`Cancelled`, InterruptedError) goes straight through the fit.
"""
Tick: TypeAlias = Callable[[], None]
"""Called at every optimiser step: the place to pause or to cancel by raising."""


class Progress:
    """Hands reports on to a callback and keeps the evaluations among them.

    Args:
        callback: Takes the reports; None for nobody.
        tick: Called at every step; None for nobody.
    """

    def __init__(self, callback: Callback | None = None, tick: Tick | None = None) -> None:
        self._callback = callback
        self._tick = tick
        self._told_at = time.monotonic()
        self._history: list[TrainingStep] = []
        self.is_stopped = False
        """The callback asked to stop early."""

    @property
    def history(self) -> tuple[TrainingStep, ...]:
        """The evaluations so far, without their labels."""
        return tuple(self._history)

    @property
    def is_due(self) -> bool:
        """Whether somebody listens and the last report is half a second old."""
        if self._callback is None:
            return False
        return time.monotonic() - self._told_at >= REPORT_SECONDS

    def tick(self) -> None:
        """Give the caller the word; it may raise."""
        if self._tick is not None:
            self._tick()

    def evaluated(self, step: TrainingStep) -> bool:
        """Keep an evaluation and report it.

        Returns:
            Whether to stop early.
        """
        self._history.append(replace(step, labels=None))
        if step.labels is not None:
            step.labels.setflags(write=False)
        return self.tell(step)

    def tell(self, step: TrainingStep) -> bool:
        """Report without keeping.

        Returns:
            Whether to stop early.
        """
        self._told_at = time.monotonic()
        if self._callback is not None and self._callback(step):
            self.is_stopped = True
        return self.is_stopped

    def part(self, phase: str, detail: str) -> Callable[[int, int], None]:
        """A (done, total) callback for library steps, such as a layout or k-means, of a phase."""

        def told(done: int, total: int) -> None:
            self.tick()
            if self.is_due:
                self.tell(TrainingStep(phase, detail, done, total))

        return told

"""What a fine-tuning will do and how long it will take: from settings and measured times."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import FINETUNE_PREFIX, NO_FINETUNE

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.domain.runs import RunSettings

STEPS = 300
"""About so many steps are done: enough to move the last blocks, few enough not to forget."""
LEAST_EPOCHS, MOST_EPOCHS = 2, 20
FIXED_VIEWS = 4
"""Views of an image that are kept on a processor."""
BATCH_CPU, BATCH_GPU = 32, 64
MEMORY_SHARE = 0.25
"""Part of the free memory that kept views may take; of the free disk, likewise."""
FEWEST_VIEWS = 2


@dataclass(frozen=True, slots=True)
class TuningWishes:
    """The parameters of a fine-tuning; 0 and -1 where the program chooses.

    Attributes:
        method: "dec" or "dcn".
        blocks: Last blocks that are trained.
        epochs: Passes; 0 chooses.
        views: Views kept of an image; 0 keeps pictures instead, -1 chooses.
        batch_size: Images of a step; 0 chooses.
        rate: First learning rate.
        most_images: Images that are learnt from at most.
    """

    method: str
    blocks: int
    epochs: int
    views: int
    batch_size: int
    rate: float
    most_images: int

    @classmethod
    def of(cls, settings: RunSettings) -> TuningWishes:
        """The wishes of a run that fine-tunes.

        Raises:
            InputError: If there is no such fine-tuning, or a value cannot be used.
        """
        from dclust_gui.algorithms.finetune_rows import finetuner

        values = finetuner(settings.finetune).parse(settings.finetune_parameters)

        def whole(name: str, chooses: int) -> int:
            value = values[name]
            return chooses if value in (None, "auto") else int(str(value))

        views = whole("views", -1)
        if 0 < views < FEWEST_VIEWS:
            raise InputError(
                "Could not use finetune.views=1.",
                "A step compares two views of an image.",
                "Use 2 or more, or 0 for new ones at each step.",
            )
        return cls(
            settings.finetune,
            whole("blocks", 1),
            whole("epochs", 0),
            views,
            whole("batch_size", 0),
            float(str(values["learning_rate"])),
            whole("images", 1),
        )


def check_finetune(settings: RunSettings) -> None:
    """Refuse a fine-tuning or a setting of it that does not exist, before any work.

    Raises:
        InputError: If so.
    """
    from dclust_gui.algorithms.finetune_rows import FINETUNERS

    if settings.finetune == NO_FINETUNE:
        if settings.finetune_parameters:
            name = next(iter(settings.finetune_parameters))
            raise InputError(
                f"Could not set '{FINETUNE_PREFIX}{name}'.",
                "The run does not fine-tune.",
                "Add --finetune dec or dcn.",
            )
        return
    names = [NO_FINETUNE, *(f.name for f in FINETUNERS)]
    if settings.finetune not in names:
        raise InputError(
            f"There is no --finetune '{settings.finetune}'.",
            "",
            f"Choose one of: {', '.join(names)}.",
        )
    TuningWishes.of(settings)


@dataclass(frozen=True, slots=True)
class MeasuredTimes:
    """Seconds for one image, measured on this computer.

    Attributes:
        decoded: Until its picture is read, with all threads at work.
        embedded: For one view through the trunk.
        trained: For a step, both views.
        looked_at: For one view through the tail.
    """

    decoded: float
    embedded: float
    trained: float
    looked_at: float


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """What will be done.

    Attributes:
        n_images: Images that are learnt from.
        epochs: Passes over them.
        batch_size: Images of a step.
        views: Views kept of an image; 0 keeps the pictures and draws new views at each step.
        is_on_disk: Whether they are kept in a file.
    """

    n_images: int
    epochs: int
    batch_size: int
    views: int
    is_on_disk: bool

    @property
    def steps(self) -> int:
        """Steps of the training."""
        return self.epochs * -(-self.n_images // self.batch_size)


@dataclass(frozen=True, slots=True)
class TuningEstimate:
    """How long a fine-tuning will take, from steps that were timed on this computer.

    Attributes:
        plan: What is done.
        seconds: In all, the reading with the trained backbone too.
        device: Where, for people.
        is_cpu: Whether that is the processor.
    """

    plan: TuningPlan
    seconds: float
    device: str
    is_cpu: bool

    @property
    def text(self) -> str:
        """In one or two sentences."""
        what = f"{count_of(self.plan.n_images)}, {self.plan.steps:,} steps"
        text = f"Fine-tuning will take about {_duration(self.seconds)} ({what}) on {self.device}."
        return f"{text} A graphics card would be many times faster." if self.is_cpu else text


def plan_tuning(
    wishes: TuningWishes,
    n_images: int,
    view_bytes: int,
    picture_bytes: int,
    place: PlaceForViews,
    *,
    is_cut: bool = True,
) -> TuningPlan:
    """Decide how much is done and kept.

    Args:
        wishes: What was asked for.
        n_images: Images that could be learnt from.
        view_bytes: Size of one kept view.
        picture_bytes: Size of one kept picture.
        place: What memory and disk have room for.
        is_cut: Whether kept views spare a part of the network.

    Raises:
        InputError: If neither has room for even a small part of the images.
    """
    n = min(n_images, wishes.most_images)
    batch = wishes.batch_size or (BATCH_CPU if place.is_cpu else BATCH_GPU)
    views = wishes.views
    if views < 0:
        views = FIXED_VIEWS if place.is_cpu and is_cut else 0
    room = max(place.memory_bytes, place.disk_bytes)
    if views > FEWEST_VIEWS and wishes.views < 0 and n * (views + 1) * view_bytes > room:
        views = FEWEST_VIEWS
    each = (views + 1) * view_bytes if views else picture_bytes
    if views and n * each > room and picture_bytes < each and wishes.views < 0:
        views, each = 0, picture_bytes
    n = min(n, room // max(1, each))
    if n < min(n_images, batch):
        raise InputError(
            "There is too little room to train the backbone.",
            f"Each image takes {each / 1e6:.1f} MB, and {room / 1e6:.0f} MB may be used.",
            "Free some memory or disk space, or use the frozen features.",
        )
    automatic = math.ceil(STEPS * batch / max(1, n))
    epochs = wishes.epochs or max(LEAST_EPOCHS, min(MOST_EPOCHS, automatic))
    return TuningPlan(n, epochs, batch, views, n * each > place.memory_bytes)


@dataclass(frozen=True, slots=True)
class PlaceForViews:
    """Where views can be kept.

    Attributes:
        memory_bytes: What they may take of the memory.
        disk_bytes: What they may take of the cache's disk.
        is_cpu: Whether the processor trains.
    """

    memory_bytes: int
    disk_bytes: int
    is_cpu: bool

    @classmethod
    def of(cls, folder: Path, *, is_cpu: bool) -> PlaceForViews:
        """What is free now.

        Args:
            folder: An existing folder on the cache's disk.
            is_cpu: Whether the processor trains.
        """
        from dclust_gui.compute.memory import memory_budget_bytes

        free = int(MEMORY_SHARE * shutil.disk_usage(folder).free)
        return cls(memory_budget_bytes(MEMORY_SHARE), free, is_cpu)


def estimate_seconds(plan: TuningPlan, times: MeasuredTimes, n_images: int) -> float:
    """Seconds that a plan takes.

    Args:
        plan: What is done.
        times: As measured.
        n_images: Images that are read with the trained backbone at the end.
    """
    n, epochs = plan.n_images, plan.epochs
    if plan.views:
        reading = n * (times.decoded + (plan.views + 1) * times.embedded)
        training = epochs * n * times.trained + (epochs + 2) * n * times.looked_at
    else:
        reading = n * times.decoded
        training = epochs * n * (times.trained + 2 * times.embedded)
        training += (epochs + 2) * n * (times.looked_at + times.embedded)
    return reading + training + n_images * (times.decoded + times.embedded + times.looked_at)


def _duration(seconds: float) -> str:
    """`40 s`, `7 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"

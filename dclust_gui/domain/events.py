"""Messages of a running job to whoever watches it; immutable, safe to hand to any thread."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Stages of a job, in the order in which they usually run."""

    SCAN = "scan"
    DECODE = "decode"
    FEATURES = "features"
    REDUCE = "reduce"
    HEAD = "head"
    CLUSTER = "cluster"
    TREE = "tree"
    MEASURE = "measure"
    EXPORT = "export"
    IMPORT = "import"


class Severity(StrEnum):
    """How urgent a notice is."""

    INFO = "info"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class StageProgressed:
    """How far a stage has come.

    Attributes:
        stage: The stage.
        done: Steps finished; equals `total` exactly once, at the end of the stage.
        total: Steps in all; 0 while it is not known.
        rate: Steps per second over the last seconds; 0 while it is not known.
        seconds_left: Estimated time to the end of the stage; None while it is not known.
    """

    stage: Stage
    done: int
    total: int
    rate: float = 0.0
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class ImageSkipped:
    """One file that the job goes on without.

    Attributes:
        path: The file, as text fit to show.
        reason: Why, in words.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ThumbnailReady:
    """One image has been decoded and its thumbnail is in the store.

    Attributes:
        image: Index of the image in the job's collection.
        content: Content hash (16 bytes), the thumbnail store's key.
    """

    image: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know about the job as a whole.

    Attributes:
        severity: How much it matters.
        text: One or two sentences.
        is_passing: Nobody need know it any more once the job has ended.
    """

    severity: Severity
    text: str
    is_passing: bool = False


@dataclass(frozen=True, slots=True)
class TrainingProgressed:
    """How the training of a head goes; one point of its curve.

    Attributes:
        head: Name of the head.
        phase: `pretraining`, `start` or `clustering`.
        detail: More words, such as `layer 1 of 4`; empty for none.
        step: Steps of the phase that are done.
        steps: Most steps of the phase.
        done: Share of the whole training that is done, 0 to 1; never goes back.
        losses: Parts of the loss by name, the total among them.
        label_change: Share of images that changed their cluster since the last look; None between
            looks.
        occupied: Clusters that have images; None between looks.
        quality: Mean silhouette of the clusters in the features as stored, on a sample of the
            images; no true labels are used. None between looks.
    """

    head: str
    phase: str
    detail: str
    step: int
    steps: int
    done: float
    losses: tuple[tuple[str, float], ...] = ()
    label_change: float | None = None
    occupied: int | None = None
    quality: float | None = None


Event = StageProgressed | ImageSkipped | ThumbnailReady | Notice | TrainingProgressed

"""What a fine-tuning is given and what it tells, as immutable values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dclust_gui.engine.tuning_plan import TuningEstimate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.features.backbones import BackboneSpec
    from dclust_gui.imaging.decode import ImageReader
    from dclust_gui.storage.model_files import ModelFiles

Approve: TypeAlias = Callable[[TuningEstimate], bool]
"""Asked before a training on the processor; False gives the job up."""


@dataclass(frozen=True, slots=True, eq=False)
class TuningPlace:
    """What a fine-tuning works with.

    Attributes:
        spec: The backbone, in its standard view.
        reader: Decodes files.
        models: Keeps trained backbones.
        folder: An existing folder on the cache's disk, for views that memory has no room for.
        device: auto, cpu, cuda or mps.
        threads: Decoding threads; 0 for one per core.
        is_any_size: Whether the backbone can be fed larger pictures.
        approve: Asked with an estimate before the processor trains; None asks nobody.
    """

    spec: BackboneSpec
    reader: ImageReader
    models: ModelFiles
    folder: Path
    device: str = "auto"
    threads: int = 0
    is_any_size: bool = False
    approve: Approve | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TuningImages:
    """What is learnt from.

    Attributes:
        title: Name of the collection.
        files: The files, in the order of the rows below.
        contents: Content hash of each.
        features: float16 (n, dims), frozen.
        labels: int32 (n,), the clusters to start from, 0 and up.
    """

    title: str
    files: Sequence[Path]
    contents: Sequence[bytes]
    features: NDArray[np.float16]
    labels: NDArray[np.int32]

    def at(self, rows: NDArray[np.int32]) -> TuningImages:
        """Some of them; clusters without images are dropped."""
        chosen = rows.tolist()
        labels = np.unique(self.labels[rows], return_inverse=True)[1]
        return TuningImages(
            self.title,
            [self.files[i] for i in chosen],
            [self.contents[i] for i in chosen],
            self.features[rows],
            labels.astype(np.int32),
        )


@dataclass(frozen=True, slots=True)
class TuningFacts:
    """How a fine-tuning went.

    Attributes:
        method: "dec" or "dcn".
        base: Name of the backbone before.
        name: Name of the trained one; empty where the frozen features stay.
        blocks: Names of the blocks that were trained.
        images: Images learnt from.
        views: Views kept of each; 0 for new ones at each step.
        epochs: Passes over them at most.
        steps: Steps done.
        best_step: After how many of them the kept state was.
        agreement_start: Agreement of the start's clusters with the frozen neighbours.
        agreement: The same of the kept state's.
        seconds: Wall time; 0 where it was known from before.
        estimated_s: What was foretold; 0 where it was known from before.
        device: Where, for people.
        note: What the user should know; empty for nothing.
        is_refused: The training came to nothing.
    """

    method: str
    base: str
    name: str
    blocks: tuple[str, ...] = ()
    images: int = 0
    views: int = 0
    epochs: int = 0
    steps: int = 0
    best_step: int = 0
    agreement_start: float = 0.0
    agreement: float = 0.0
    seconds: float = 0.0
    estimated_s: float = 0.0
    device: str = ""
    note: str = ""
    is_refused: bool = False

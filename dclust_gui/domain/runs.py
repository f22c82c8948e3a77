"""What one finished run of the engine gives to a project, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

HEAD_PREFIX = "head."
"""Begins the names of a head's parameters among those of a run."""

NO_HEAD = "none"
"""Name of no head: the features are clustered as they are."""

FINETUNE_PREFIX = "finetune."
"""Begins the names of a fine-tuning's parameters among those of a run."""

NO_FINETUNE = "none"
"""Name of no fine-tuning: the backbone stays as it is."""

TUNED_PREFIX = "tuned:"
"""Begins the names of backbones that were trained on the user's images."""


class Quality(StrEnum):
    """How much time a run may take for how good a result."""

    FAST = "fast"
    BETTER = "better"
    BEST = "best"


class Sizes(StrEnum):
    """What is known beforehand of the sizes of the groups."""

    AUTO = "auto"
    EVEN = "even"
    UNEVEN = "uneven"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How images are turned into clusters; the same values give the same labels.

    Attributes:
        backbone: Alias, timm name, `NAME=FILE` or a weights file.
        scale: none, l2, centre-l2, standard or minmax.
        reduce: none, pca, umap, ... or auto.
        dims: Width after the reduction; 0 for the method's default.
        head: Deep-clustering head, or none.
        finetune: dec or dcn to train the backbone's last blocks first, or none. The run that
            comes of it names the trained backbone, and none.
        algorithm: Name in the registry, or auto.
        k: Number of clusters; 0 chooses it.
        linkage: ward, average, complete or single.
        metric: euclidean, cosine, ...
        seed: For everything random.
        parameters: Further parameters of the algorithm by name, as text; those of the head as
            `head.NAME`, those of the fine-tuning as `finetune.NAME`.
        quality: fast, better or best; best has features of its own, from several views of
            each image.
        sizes: even or uneven where that is known of the groups, else auto.
        time_weight: Weight of the capture time in the distance, 0 to 1; the content has the rest.
    """

    backbone: str = "efficientnet-lite0"
    scale: str = "centre-l2"
    reduce: str = "none"
    dims: int = 0
    head: str = "none"
    algorithm: str = "kmeans"
    k: int = 0
    linkage: str = "ward"
    metric: str = "euclidean"
    seed: int = 0
    parameters: Mapping[str, str] = field(default_factory=dict)
    quality: str = Quality.FAST.value
    sizes: str = Sizes.AUTO.value
    finetune: str = NO_FINETUNE
    time_weight: float = 0.0

    @property
    def trains(self) -> bool:
        """Whether something learns from the images before they are grouped."""
        return self.head != NO_HEAD or self.finetune != NO_FINETUNE

    def reads_like(self, other: RunSettings) -> bool:
        """Whether images get the same features: by the same backbone from the same views."""
        views = {self.quality == Quality.BEST, other.quality == Quality.BEST}
        return self.backbone == other.backbone and len(views) == 1

    @property
    def method_parameters(self) -> dict[str, str]:
        """The parameters of the algorithm."""
        prefixes = (HEAD_PREFIX, FINETUNE_PREFIX)
        return {n: v for n, v in self.parameters.items() if not n.startswith(prefixes)}

    @property
    def head_parameters(self) -> dict[str, str]:
        """The parameters of the head, by their own names."""
        return self._parameters_of(HEAD_PREFIX)

    @property
    def finetune_parameters(self) -> dict[str, str]:
        """The parameters of the fine-tuning, by their own names."""
        return self._parameters_of(FINETUNE_PREFIX)

    def _parameters_of(self, prefix: str) -> dict[str, str]:
        return {
            n.removeprefix(prefix): v for n, v in self.parameters.items() if n.startswith(prefix)
        }


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A finished run as a project keeps it.

    Attributes:
        id: Number within the project, from 1; 0 before it is stored.
        created: ISO 8601 time with offset.
        settings: What was asked for.
        backbone: Fingerprint of the backbone.
        images: int32 (m,), ids of the images that were clustered, in the order of the rows.
        labels: int32 (m,), 0 to k - 1, or -1 for Unassigned.
        confidence: float32 (m,), 0 to 1.
        tree: float64 (m - 1, 4), SciPy linkage matrix over the rows; cut at k gives `labels`.
        report: The report's JSON text.
        errors: float32 (m,), reconstruction errors; None where no head gave them.
    """

    id: int
    created: str
    settings: RunSettings
    backbone: str
    images: NDArray[np.int32]
    labels: NDArray[np.int32]
    confidence: NDArray[np.float32]
    tree: NDArray[np.float64]
    report: str = "{}"
    errors: NDArray[np.float32] | None = None

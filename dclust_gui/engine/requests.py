"""What the engine is asked and what it answers, as immutable values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dclust_gui.domain.runs import RunSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.algorithms.shortlist import Shortlist
    from dclust_gui.algorithms.structure import Structure
    from dclust_gui.domain.images import ImageFacts, ScanResult
    from dclust_gui.engine.tuning_values import TuningFacts


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One whole run: from folders to clusters.

    Attributes:
        folders: Root folders.
        settings: How to cluster.
        device: auto, cpu, cuda or mps.
        batch: Images per step of the network; 0 chooses.
        allow_download: Weights may be fetched from the model hub.
    """

    folders: tuple[Path, ...]
    settings: RunSettings = field(default_factory=RunSettings)
    device: str = "auto"
    batch: int = 0
    allow_download: bool = False


@dataclass(frozen=True, slots=True)
class BackboneFacts:
    """Which features were used.

    Attributes:
        name: The backbone's name.
        fingerprint: Of model, weights, preprocessing and precision, hexadecimal.
        dims: Width of a feature vector.
    """

    name: str
    fingerprint: str
    dims: int


@dataclass(frozen=True, slots=True)
class IngestResult:
    """All images of a collection read, their features and thumbnails in the cache.

    Attributes:
        scan: What was found.
        contents: Content hash of each unit's picture; empty where nothing could be read.
        facts: What reading each unit told.
        sources: Path below the root of the file that was really read, for each unit: the
            leading file, or a companion where the leading file is unreadable.
        backbone: The features' backbone.
        device: Device in words, as far as it was used; "none" when nothing was computed.
        decoded: Files decoded in this run.
        embedded: Feature vectors computed in this run.
        cached: Units whose features were there before.
        timings: Wall seconds by stage; decode and features overlap.
    """

    scan: ScanResult
    contents: tuple[bytes, ...]
    facts: tuple[ImageFacts, ...]
    sources: tuple[bytes, ...]
    backbone: BackboneFacts
    device: str
    decoded: int
    embedded: int
    cached: int
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class HeadFacts:
    """How the training of a head went.

    Attributes:
        name: The head.
        n_clusters: Clusters it was trained for.
        losses: Parts of the loss at the end, by name.
        steps: Steps of the optimiser, or rounds, as the head counts them.
        note: What the user should know; empty for nothing.
        collapsed: The training came to nothing, and the clusters are those of its start.
        stopped_early: It was asked to be content with the best so far.
        start_agreement: Share of images that are in the cluster they started in.
        start_nmi: Normalised mutual information of the clusters with those of the start.
        quality_start: Mean silhouette of the start's clusters in the features, on a sample of the
            images; nan where it is not defined.
        quality_end: The same of the clusters at the end.
        seconds: Wall time.
        model: File of the trained model; empty when it is not kept.
        threshold: Reconstruction error above which images are Unassigned; nan without one.
        prototypes: Rows of images that stand for what the head makes of the clusters, the most
            typical of each first; empty where it makes nothing.
    """

    name: str
    n_clusters: int
    losses: Mapping[str, float]
    steps: int
    note: str
    collapsed: bool
    stopped_early: bool
    start_agreement: float
    start_nmi: float
    quality_start: float
    quality_end: float
    seconds: float
    model: str = ""
    threshold: float = math.nan
    prototypes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ClusterResult:
    """Clusters of rows of features.

    Attributes:
        labels: int32 (m,), 0 to k - 1 from the largest cluster down, -1 for Unassigned.
        confidence: float32 (m,), 0 to 1.
        tree: float64 (m - 1, 4), linkage matrix over the rows; cut at k gives `labels`.
        k_candidates: Numbers of clusters looked at, with their scores; empty when k was given.
        space: Name of the space that was clustered and measured.
        internal: Internal measures by name, in that space; only those that are defined.
        timings: Wall seconds by stage.
        shortlist: Numbers of clusters to choose from, with the evidence; None when k was given or
            there was nothing to choose between.
        structure: How far the clusters can be trusted; None where no neighbours are known.
        head: How the head's training went; None without a head.
        errors: float32 (m,), reconstruction errors; None where no head gives them.
    """

    labels: NDArray[np.int32]
    confidence: NDArray[np.float32]
    tree: NDArray[np.float64]
    k_candidates: tuple[tuple[int, float], ...]
    space: str
    internal: Mapping[str, float]
    timings: Mapping[str, float]
    shortlist: Shortlist | None = None
    structure: Structure | None = None
    head: HeadFacts | None = None
    errors: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """A finished run.

    Attributes:
        ingest: The images.
        rows: int32 (m,), index in `ingest.scan.units` of each row that was clustered.
        clusters: The clusters of these rows.
        settings: The settings as they were used, with `auto` resolved.
        seconds: Wall seconds of the whole run.
        peak_rss_mb: Greatest memory of the process (and its helpers) so far.
        tuning: How the backbone was trained for it; None where it was not.
    """

    ingest: IngestResult
    rows: NDArray[np.int32]
    clusters: ClusterResult
    settings: RunSettings
    seconds: float
    peak_rss_mb: float
    tuning: TuningFacts | None = None

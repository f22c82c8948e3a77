"""How good the present clusters are: measures of each, of the accepted run, and against classes.

Everything here reads features and may take seconds; ask on the query thread.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.images import ImageStatus, display_path
from dclust_gui.services.evaluation import measures_of
from dclust_gui.services.truth import class_table, true_classes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.truth import Truth
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.snapshot import Snapshot

MOST_CLASSES = 40
"""Most classes or clusters that are compared; a larger table cannot be read."""

FOLDER, CLASS = "folder", "class"

_RUN_MEASURES = ("silhouette", "davies_bouldin", "calinski_harabasz", "mse")


@dataclass(frozen=True, slots=True)
class ClusterBar:
    """One cluster's quality.

    Attributes:
        cluster: Its id.
        title: Its title.
        colour: Palette index.
        size: Number of images.
        silhouette: Mean silhouette of its images, -1 to 1; nan where it is not defined.
    """

    cluster: int
    title: str
    colour: int
    size: int
    silhouette: float


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Clusters counted against true classes.

    Attributes:
        classes: Names of the classes: the rows.
        titles: Titles of the clusters, in the order in which they match the classes best, then
            Unassigned if some images are: the columns.
        counts: int64 (n_classes, n_columns) images.
        accuracy: Share of images in the cluster matched with their class.
        nmi: Normalised mutual information.
        ari: Adjusted Rand index.
        noun: What the classes are: folders, or classes that the project was told.
        n_images: Images that have a class.
    """

    classes: tuple[str, ...]
    titles: tuple[str, ...]
    counts: NDArray[np.int64]
    accuracy: float
    nmi: float
    ari: float
    noun: str = FOLDER
    n_images: int = 0

    @property
    def is_readable(self) -> bool:
        """Whether a table of it is small enough to be read."""
        return bool(max(self.counts.shape) <= MOST_CLASSES)


@dataclass(frozen=True, slots=True, eq=False)
class QualityReport:
    """What the quality panel shows.

    Attributes:
        bars: One for each cluster that has images, in order of id.
        silhouette: Mean silhouette of the clusters as they are now, each image counting once;
            nan where it is not defined.
        run: Measures of the accepted run as it was, by name: silhouette, davies_bouldin,
            calinski_harabasz, mse; those that are not known are left out.
        run_space: Space in which the run was measured; empty when not known.
        has_folders: There are true classes, or folders below the root, to compare with.
        agreement: Comparison with them; None when it was not asked for or cannot be made.
        trust: How far the accepted run's clusters can be trusted, in sentences; none where nothing
            speaks against them.
        truth_source: Where the true classes come from; empty where there are none.
    """

    bars: tuple[ClusterBar, ...]
    silhouette: float
    run: dict[str, float]
    run_space: str
    has_folders: bool
    agreement: Agreement | None
    trust: tuple[str, ...] = ()
    truth_source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class QualityQuery:
    """Ask how good the clusters are: a `QualityReport`."""

    service: SimilarService
    snapshot: Snapshot
    with_folders: bool
    truth: Truth | None = None

    def run(self, token: CancelToken) -> QualityReport:
        """See `quality_report`."""
        return quality_report(
            self.service,
            self.snapshot,
            with_folders=self.with_folders,
            truth=self.truth,
            token=token,
        )


def quality_report(
    service: SimilarService,
    snapshot: Snapshot,
    *,
    with_folders: bool = False,
    truth: Truth | None = None,
    token: CancelToken,
) -> QualityReport:
    """Measure the clusters of a project as they are now.

    Silhouettes are computed on centred features of length 1; with many images, on a sample from
    each cluster.

    Args:
        service: Has the features.
        snapshot: The project.
        with_folders: Compare with the true classes, or the first folder below the root.
        truth: The true classes that the project was told; they count before the folders.
        token: Stops the work.

    Raises:
        InputError: If no image has been read.
        StorageError: If the cache cannot be read.
        Cancelled: If the token says so.
    """
    if truth is None:
        classes, noun = folder_classes(snapshot.images), FOLDER
    else:
        classes, noun = true_classes(truth, snapshot.images), CLASS
    known = [name for name in classes if name]
    has_folders = truth is not None or len(set(known)) > 1
    agreement = None
    if with_folders and has_folders:
        agreement = _agreement(snapshot.clustering, classes, noun)
    bars = _bars(service, snapshot, token)
    defined = [bar for bar in bars if math.isfinite(bar.silhouette)]
    n_images = sum(bar.size for bar in defined)
    mean = sum(bar.size * bar.silhouette for bar in defined) / n_images if n_images else math.nan
    report = "{}" if snapshot.run is None else snapshot.run.report
    run, space = _run_measures(report)
    source = "" if truth is None else truth.source
    trust = trust_notes(report)
    return QualityReport(bars, mean, run, space, has_folders, agreement, trust, source)


def folder_classes(images: tuple[ImageRecord, ...]) -> list[str]:
    """The first folder below the root of each image; empty for images outside or unreadable."""
    return [
        display_path(head) if rest and record.facts.status is not ImageStatus.UNREADABLE else ""
        for record in images
        for head, _, rest in [record.relative.partition(b"/")]
    ]


def _bars(
    service: SimilarService, snapshot: Snapshot, token: CancelToken
) -> tuple[ClusterBar, ...]:
    clustering = snapshot.clustering
    counts = clustering.counts()
    if not any(n for key, n in counts.items() if key != UNASSIGNED):
        return ()
    matrix = service.matrix(snapshot, token)
    labels = clustering.labels[matrix.image_ids]
    silhouette: dict[int, float] = {}
    if len(set(labels.tolist()) - {UNASSIGNED}) > 1:
        from dclust_gui.algorithms.validation import cluster_quality

        found = cluster_quality(matrix.rows, labels, callback=lambda _done, _n: token.checkpoint())
        pairs = zip(found.labels.tolist(), found.silhouette.tolist(), strict=True)
        silhouette = {int(key): float(value) for key, value in pairs}
    return tuple(
        ClusterBar(key, row.title, row.colour, counts[key], silhouette.get(key, math.nan))
        for key, row in clustering.clusters.items()
        if counts[key]
    )


def _run_measures(report: str) -> tuple[dict[str, float], str]:
    """The measures in a run's report that are numbers, and the space they hold in."""
    internal = json.loads(report).get("internal", {})
    values = {
        name: float(internal[name])
        for name in _RUN_MEASURES
        if isinstance(internal.get(name), int | float)
    }
    return values, str(internal.get("space", ""))


def trust_notes(report: str) -> tuple[str, ...]:
    """What a run's report says against trusting its clusters, in sentences."""
    trust = json.loads(report).get("trust")
    notes = trust.get("notes") if isinstance(trust, dict) else None
    return tuple(str(note) for note in notes) if isinstance(notes, list) else ()


def _agreement(clustering: Clustering, classes: list[str], noun: str) -> Agreement | None:
    """The comparison; None where no image with a class is in a cluster."""
    if not any(classes):
        return None
    table = class_table(clustering, classes)
    if (table.labels == UNASSIGNED).all():
        return None
    measures = measures_of(table.labels, table.truth)
    return Agreement(
        table.classes,
        table.titles,
        table.counts,
        measures["accuracy"],
        measures["nmi"],
        measures["ari"],
        noun,
        len(table.labels),
    )

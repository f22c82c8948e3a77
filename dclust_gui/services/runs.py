"""Runs for whoever has no window: over bare folders, or into a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import Clustering
from dclust_gui.domain.identity import adopt_labels
from dclust_gui.domain.images import ImageRecord
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.collection import image_ids, merge_ingest, stacks_of_units
from dclust_gui.services.editing.past_runs import last_run_summary
from dclust_gui.services.jobs import run_record
from dclust_gui.services.labels_table import LabelRow, label_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.images import ScanResult
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.engine.requests import IngestResult, RunResult
    from dclust_gui.services.session import ProjectSession


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Images with their clusters after a run, the same for folders and projects.

    Attributes:
        result: What the engine found.
        roots: The root folders.
        records: All images.
        clustering: Their clusters.
        confidence: float32 (n_images,), NaN where unknown.
        changes: What stayed, moved, split, merged, appeared, in words; empty for a first run.
    """

    result: RunResult
    roots: tuple[Path, ...]
    records: tuple[ImageRecord, ...]
    clustering: Clustering
    confidence: NDArray[np.float32]
    changes: str = ""

    def rows(self) -> list[LabelRow]:
        """The labels table."""
        return label_rows(
            self.records,
            self.roots,
            self.clustering,
            self.confidence,
            self.result.ingest.scan.skipped,
        )


def run_on_folders(
    engine: Engine, request: RunRequest, sink: EventSink, token: CancelToken
) -> Outcome:
    """Cluster the images below some folders; nothing is kept but the cache."""
    result = engine.run(request, sink, token)
    ingest = result.ingest
    records = tuple(
        ImageRecord(u.root, u.relative, u.stamp, content, facts, u.companions)
        for u, content, facts in zip(ingest.scan.units, ingest.contents, ingest.facts, strict=True)
    )
    empty = Clustering.empty(len(records))
    labels, table = adopt_labels(empty, result.rows.astype(np.int64), result.clusters.labels)
    clustering = Clustering(labels, empty.flags, table, max(table, default=0) + 1)
    confidence = np.full(len(records), np.nan, np.float32)
    confidence[result.rows] = result.clusters.confidence
    return Outcome(result, ingest.scan.roots, records, clustering, confidence)


def run_in_project(
    session: ProjectSession,
    engine: Engine,
    request: RunRequest,
    sink: EventSink,
    token: CancelToken,
) -> Outcome:
    """Bring a project up to date, cluster its images, and accept the run as one step.

    Args:
        session: The project, open for writing; its roots are clustered.
        engine: The engine.
        request: How; its folders are passed over.
        sink: Takes messages.
        token: Stops or pauses the run; a stopped run leaves the project as it was.
    """
    whole = RunRequest(
        session.scanned_roots,
        request.settings,
        request.device,
        request.batch,
        request.allow_download,
    )

    def stacks_of(scan: ScanResult) -> NDArray[np.int32]:
        return stacks_of_units(session.clustering.stacks, image_ids(session, scan))

    result = engine.run(whole, sink, token, stacks_of)
    merge_ingest(session, result.ingest)
    session.accept_run(run_record(result, image_ids(session, result.ingest.scan)))
    return Outcome(
        result,
        session.roots,
        session.images,
        session.clustering,
        session.confidence(),
        last_run_summary(session),
    )


def add_images(
    session: ProjectSession,
    engine: Engine,
    request: RunRequest,
    sink: EventSink,
    token: CancelToken,
) -> IngestResult:
    """Read what is new below a project's folders; new images are Unassigned.

    Returns:
        What was read.
    """
    found = engine.scan(session.scanned_roots, sink, token)
    ingest = engine.ingest(found, request, sink, token)
    merge_ingest(session, ingest)
    return ingest

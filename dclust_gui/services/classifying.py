"""Sorts the images of folders by a student; those it is not sure of are Unassigned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering
from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.domain.images import ImageRecord
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.labels_table import LabelRow, label_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.algorithms.student.classifier import Sorted
    from dclust_gui.algorithms.student.files import TaughtStudent
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.engine.requests import IngestResult


class Doubt(StrEnum):
    """Why an image is left Unassigned."""

    NONE = ""
    UNSURE = "unsure"
    UNLIKE = "unlike"

    @property
    def words(self) -> str:
        """It in words, fit to show."""
        return {
            Doubt.NONE: "",
            Doubt.UNSURE: "not sure enough",
            Doubt.UNLIKE: "unlike the images of every cluster",
        }[self]


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Images of folders with the clusters that a student gave them.

    Attributes:
        ingest: What was read.
        roots: The root folders.
        records: All images.
        clustering: Their clusters, under the ids of the student's project.
        confidence: float32 (n_images,), of the likeliest cluster; NaN for unreadable images.
        suggestion: int32 (n_images,), the likeliest cluster, also where it is not sure.
        doubts: Of each image.
        threshold: Confidence that was asked for.
    """

    ingest: IngestResult
    roots: tuple[Path, ...]
    records: tuple[ImageRecord, ...]
    clustering: Clustering
    confidence: NDArray[np.float32]
    suggestion: NDArray[np.int32]
    doubts: tuple[Doubt, ...]
    threshold: float

    def rows(self) -> list[LabelRow]:
        """The labels table."""
        skipped = self.ingest.scan.skipped
        return label_rows(self.records, self.roots, self.clustering, self.confidence, skipped)


def classify_folders(
    engine: Engine,
    taught: TaughtStudent,
    request: RunRequest,
    sink: EventSink,
    token: CancelToken,
    threshold: float | None = None,
) -> Classified:
    """Sort all images below some folders; nothing is kept but the cache.

    Args:
        engine: Reads images; features that are in the cache are not computed again.
        taught: The student.
        request: Folders and device; see `request_for`.
        sink: Takes messages.
        token: Stops or pauses the work.
        threshold: Least confidence, 0 to 1; None for the student's own.

    Raises:
        BackboneError: If the backbone is not the student's.
        InputError: If a folder or the threshold cannot be used, or there is no image.
        Cancelled: If the job was cancelled; what was read stays in the cache.
    """
    check_threshold(threshold)
    check_backbone(engine, taught, request)
    ingest = engine.ingest(engine.scan(request.folders, sink, token), request, sink, token)
    from dclust_gui.engine.pipeline import readable_rows

    rows = readable_rows(ingest)
    if not len(rows):
        folders = ", ".join(f"'{folder}'" for folder in request.folders)
        raise InputError(
            "There is nothing to classify.", f"No image below {folders} could be read."
        )
    features = engine.features(ingest, rows)
    found = taught.student.sort(taught.scale.apply(features), threshold)
    least = taught.student.threshold_ if threshold is None else threshold
    return _classified(ingest, taught, rows, found, least)


def request_for(
    taught: TaughtStudent, folders: tuple[Path, ...], device: str = "auto", backbone: str = ""
) -> RunRequest:
    """What to read so that images get the student's features.

    Args:
        taught: The student.
        folders: Where the images are.
        device: auto, cpu, cuda or mps.
        backbone: Where the student's backbone is on this computer; empty for its own name.
    """
    settings = RunSettings(backbone=backbone or taught.facts.backbone, quality=taught.facts.quality)
    return RunRequest(folders, settings, device)


def check_backbone(engine: Engine, taught: TaughtStudent, request: RunRequest) -> None:
    """Refuse features that the student does not know.

    Raises:
        BackboneError: If the backbone is missing or another one.
    """
    facts = taught.facts
    what = f"The model needs the backbone '{facts.backbone}' ({facts.fingerprint[:12]})."
    hint = "Give its weights file with --backbone, or distil the project again on this computer."
    try:
        spec = engine.backbone(request)
    except BackboneError as error:
        raise BackboneError(what, f"{error.what} {error.why}".strip(), hint) from error
    if spec.fingerprint != facts.fingerprint:
        why = (
            f"'{request.settings.backbone}' is another one here ({spec.fingerprint[:12]}), whose"
            " features cannot be compared: other weights, another size of picture or precision."
        )
        raise BackboneError(what, why, hint)


def check_threshold(threshold: float | None) -> None:
    """Refuse a threshold that is no probability.

    Raises:
        InputError: If so.
    """
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        raise InputError(
            f"The threshold {threshold:g} cannot be used.", "It is a confidence from 0 to 1."
        )


def doubts_of(found: Sorted) -> tuple[Doubt, ...]:
    """Why each image is left Unassigned; unlikeness says more than a low confidence."""
    pairs = zip(found.is_far.tolist(), found.is_unsure.tolist(), strict=True)
    return tuple(
        Doubt.UNLIKE if far else Doubt.UNSURE if unsure else Doubt.NONE for far, unsure in pairs
    )


def _classified(
    ingest: IngestResult,
    taught: TaughtStudent,
    rows: NDArray[np.int32],
    found: Sorted,
    threshold: float,
) -> Classified:
    units = ingest.scan.units
    records = tuple(
        ImageRecord(u.root, u.relative, u.stamp, content, facts, u.companions)
        for u, content, facts in zip(units, ingest.contents, ingest.facts, strict=True)
    )
    ids = np.array([cluster.id for cluster in taught.facts.clusters], np.int32)
    table = {c.id: Cluster(c.id, c.name, c.colour) for c in taught.facts.clusters}
    suggestion = np.full(len(units), UNASSIGNED, np.int32)
    suggestion[rows] = ids[found.classes]
    labels = np.full(len(units), UNASSIGNED, np.int32)
    labels[rows] = np.where(found.is_sorted, ids[found.classes], UNASSIGNED)
    confidence = np.full(len(units), np.nan, np.float32)
    confidence[rows] = found.confidence
    doubts = [Doubt.NONE] * len(units)
    for row, doubt in zip(rows.tolist(), doubts_of(found), strict=True):
        doubts[row] = doubt
    empty = Clustering.empty(len(units))
    clustering = replace(empty, labels=labels, clusters=table, next_id=max(table, default=0) + 1)
    return Classified(
        ingest,
        ingest.scan.roots,
        records,
        clustering,
        confidence,
        suggestion,
        tuple(doubts),
        threshold,
    )

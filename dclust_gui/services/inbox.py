"""The Inbox: files that came into a project after its run, sorted by a student of its clusters.

Nothing is assigned before a person accepts it: a finding holds a proposal for the images that the
student is sure of, and the others, which the review asks about one by one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import Edit, count_of
from dclust_gui.domain.identity import decided_images
from dclust_gui.domain.images import ImageStatus
from dclust_gui.domain.proposals import Proposal
from dclust_gui.services.classifying import doubts_of
from dclust_gui.services.distilling import DistilJob, Lesson

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from dclust_gui.algorithms.student.files import TaughtStudent
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.classifying import Doubt
    from dclust_gui.services.snapshot import Snapshot

_READ = (ImageStatus.OK, ImageStatus.DAMAGED)


@dataclass(frozen=True, slots=True, eq=False)
class InboxFinding:
    """Where new images would go.

    Attributes:
        proposal: Moves of the images that the student is sure of, the surest first.
        unsure: int32 (m,), ids of the others, the surest first; they stay Unassigned.
        suggestion: int32 (m,), the likeliest cluster of each of these.
        confidence: float32 (m,), how likely it is.
        doubts: Why each of these is not sorted.
        threshold: Least confidence of a move.
        accuracy: Share of images it had not seen on which the student agrees with the clusters.
        precision: Share of such images that it was sure of and right.
    """

    proposal: Proposal
    unsure: NDArray[np.int32]
    suggestion: NDArray[np.int32]
    confidence: NDArray[np.float32]
    doubts: tuple[Doubt, ...]
    threshold: float
    accuracy: float
    precision: float

    @property
    def images(self) -> NDArray[np.int32]:
        """int32, ids of all images that it is about."""
        return np.concatenate([self.proposal.images, self.unsure]).astype(np.int32)

    def still_sure(self, state: Clustering) -> NDArray[np.bool_]:
        """Which of the proposed moves make sense in a later state: bool (m,)."""
        return _waits(state, self.proposal.images) & np.isin(
            self.proposal.after, list(state.clusters)
        )

    def still_unsure(self, state: Clustering) -> NDArray[np.bool_]:
        """Which of the others are still Unassigned and undecided: bool (m,)."""
        return _waits(state, self.unsure)

    def edit(self, state: Clustering, without: Collection[int] = ()) -> Edit:
        """Accept the moves, or a part, as one step.

        Args:
            state: The present state; images that were moved or decided on since stay.
            without: Ids of images that stay Unassigned all the same.
        """
        edit = self.proposal.edit(state, without=without)
        n_clusters = len(np.unique(edit.labels_after))
        title = f"sort {_new(len(edit.images))} into {count_of(n_clusters, 'cluster')}"
        return replace(edit, title=title)


class StudentShelf:
    """Keeps the student of the present clusters until they change; one thread at a time."""

    def __init__(self) -> None:
        self._key = b""
        self._taught: TaughtStudent | None = None

    def get(self, key: bytes) -> TaughtStudent | None:
        """The student of a partition, if it is the one that is kept."""
        return self._taught if key == self._key else None

    def put(self, key: bytes, taught: TaughtStudent) -> None:
        """Keep a student in place of the last one."""
        self._key, self._taught = key, taught


@dataclass(frozen=True, slots=True, eq=False)
class InboxJob:
    """Sort the new images of a project; teaches a student first where the clusters have changed.

    Attributes:
        engine: Gives the features.
        snapshot: The project, with its saved clusters.
        shelf: Keeps the student.
        lesson: How it is taught.
        title: What it does.
    """

    engine: Engine
    snapshot: Snapshot
    shelf: StudentShelf
    lesson: Lesson = field(default_factory=Lesson)
    title: str = "Sorting new images"

    def run(self, sink: EventSink, token: CancelToken) -> InboxFinding | None:
        """Do it; any thread.

        Returns:
            What was found; None where there is no new image, or nothing that could sort it.

        Raises:
            ClusteringError: If fewer than two clusters have enough images.
            FeaturesMissingError: If features of the run are not in the cache any more.
            BackboneError: If the run's backbone is not on this computer any more.
            Cancelled: If the token says so.
        """
        run, records = self.snapshot.run, self.snapshot.images
        if run is None:
            return None
        images = arrivals(self.snapshot)
        has = self.engine.has_features(run.backbone, [records[i].content for i in images.tolist()])
        images = images[has]
        if not len(images):
            return None
        key = partition_key(self.snapshot, self.lesson)
        taught = self.shelf.get(key)
        if taught is None:
            taught = DistilJob(self.engine, self.snapshot, "", self.lesson).run(sink, token)
            self.shelf.put(key, taught)
        contents = [records[i].content for i in images.tolist()]
        features = self.engine.stored_features(run.backbone, contents)
        token.checkpoint()
        return sorted_by(taught, self.snapshot.clustering, images, features)


def sorted_by(
    taught: TaughtStudent,
    state: Clustering,
    images: NDArray[np.int32],
    features: NDArray[np.float16],
) -> InboxFinding:
    """What a student makes of some Unassigned images.

    Args:
        taught: The student; its clusters are the project's.
        state: The present state.
        images: int32 (n,), ids.
        features: float16 (n, d), theirs.
    """
    student = taught.student
    found = student.sort(taught.scale.apply(features))
    ids = student.classes_.astype(np.int32)[found.classes]
    is_sorted = found.is_sorted
    proposal = Proposal.of(
        "inbox",
        state,
        images,
        np.where(is_sorted, ids, UNASSIGNED).astype(np.int32),
        found.confidence,
        0,
    )
    rest = np.flatnonzero(~is_sorted)
    rest = rest[np.argsort(-found.confidence[rest], kind="stable")]
    doubts = doubts_of(found)
    return InboxFinding(
        proposal,
        images[rest],
        ids[rest],
        found.confidence[rest],
        tuple(doubts[i] for i in rest.tolist()),
        float(student.threshold_),
        float(student.accuracy_),
        float(student.sorted_accuracy_),
    )


def arrivals(snapshot: Snapshot) -> NDArray[np.int32]:
    """Images that came after the accepted run and that nobody has decided on: int32, ids.

    They have been read, their files are there, and they are Unassigned. Without a run there are
    none.
    """
    if snapshot.run is None:
        return np.empty(0, np.int32)
    return _arrived(snapshot.images, snapshot.clustering, snapshot.run.images)


def partition_key(snapshot: Snapshot, lesson: Lesson) -> bytes:
    """Changes whenever a student would learn something else: clusters, decisions, run, lesson."""
    state, run = snapshot.clustering, snapshot.run
    digest = hashlib.blake2b(digest_size=16)
    backbone = "" if run is None else run.backbone
    digest.update(f"{lesson} {state.run_id} {backbone}".encode())
    placed = np.flatnonzero(state.labels != UNASSIGNED).astype(np.int32)
    for part in (placed, state.labels[placed], state.flags[placed]):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.digest()


def _arrived(
    records: Sequence[ImageRecord], state: Clustering, known: NDArray[np.int32]
) -> NDArray[np.int32]:
    candidates = np.ones(len(records), bool)
    candidates[known] = False
    candidates &= state.labels[: len(records)] == UNASSIGNED
    candidates &= ~decided_images(state)[: len(records)]
    found = [
        i
        for i in np.flatnonzero(candidates).tolist()
        if records[i].facts.status in _READ and not records[i].is_missing
    ]
    return np.array(found, np.int32)


def _waits(state: Clustering, images: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which images are Unassigned and undecided: bool (m,)."""
    waits: NDArray[np.bool_] = state.labels[images] == UNASSIGNED
    return waits & ~decided_images(state)[images]


def _new(n: int) -> str:
    return count_of(n, "new image")

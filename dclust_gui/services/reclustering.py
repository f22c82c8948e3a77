"""Re-cluster the rest: what a person decided stays and steers where all other images go.

Decided are images placed by hand or approved, and those of pinned clusters
(`domain.identity.decided_images`). The answer is a `domain.proposals.Proposal`; nothing changes
before a person accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.identity import decided_images, match_by_overlap
from dclust_gui.domain.proposals import Proposal
from dclust_gui.domain.stacks import agreed_labels
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.reduction import ReductionCache
from dclust_gui.engine.stacked_rows import StackedRows
from dclust_gui.services.reclustering_ways import Question, Rows, Way, answer, unit_rows
from dclust_gui.services.run_space import run_space, with_times
from dclust_gui.services.teaching import Teacher

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.runs import Run
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.storage.array_cache import ArrayCache


@dataclass(frozen=True, slots=True, eq=False)
class ReclusterJob:
    """Find out where the images that nobody decided on should go.

    Attributes:
        engine: Gives the features.
        arrays: Keeps neighbours and layouts, those of runs among them.
        snapshot: The project.
        way: How.
        place_unassigned: Find a cluster for Unassigned images, too; new arrivals always get one,
            and images taken out by hand never.
        into_pinned: Let images come into pinned clusters. Otherwise those that would fit one
            stay where they are, and the proposal's note says how many.
        teacher: Whose clusters the classifier of `Way.STUDENT` is taught by.
        title: What it does.
    """

    engine: Engine
    arrays: ArrayCache
    snapshot: Snapshot
    way: Way = Way.SPREADING
    place_unassigned: bool = False
    into_pinned: bool = False
    teacher: Teacher = Teacher.PRESENT
    title: str = "Re-clustering the rest"

    def run(self, sink: EventSink, token: CancelToken) -> Proposal:
        """Do it; any thread.

        Raises:
            InputError: If there is no run, or nothing has been decided yet.
            FeaturesMissingError: If features of the run are not in the cache any more.
            Cancelled: If the token says so.
        """
        run = self.snapshot.run
        if run is None:
            raise InputError(
                "There is nothing to re-cluster.", "No run has been accepted yet.", "Cluster first."
            )
        rows = self._rows(run)
        contents = [self.snapshot.images[i].content for i in rows.images.tolist()]
        stacks = self.snapshot.clustering.stacks[rows.images]
        bound = StackedRows.of(stacks)
        features = bound.shared(self.engine.stored_features(run.backbone, contents))
        # A row for each image here, one for each stack in runs: their graphs are kept apart.
        more = "" if bound.is_plain else f"{bound.key} shared"
        cache = ReductionCache.of(self.arrays, run.backbone, contents, more)
        meter = StageMeter(Stage.CLUSTER, 0, sink, token)
        scaled = unit_rows(features, run.settings.scale)
        space = None if rows.is_new.any() else run_space(self.arrays, self.snapshot, run)
        question = Question(
            self.snapshot,
            run,
            rows,
            scaled,
            with_times(self.snapshot, run, rows.images, scaled) if space is None else space,
            cache,
            self.place_unassigned,
            meter,
            token,
            self.teacher,
        )
        found = answer(self.way, question)
        meter.finish()
        labels, n_held = self._kept(rows, agreed_labels(stacks, found.labels))
        ids = np.where(labels >= 0, rows.clusters[np.maximum(labels, 0)], UNASSIGNED)
        return Proposal.of(
            self.way.words,
            self.snapshot.clustering,
            rows.images,
            ids.astype(np.int32),
            found.margin,
            len(rows.decided),
            " ".join(part for part in (found.note, _held_note(n_held)) if part),
            n_held,
        )

    # -- inside ----------------------------------------------------------------------------

    def _rows(self, run: Run) -> Rows:
        """The run's images, then those that came later and have features."""
        state = self.snapshot.clustering
        has = self.engine.has_features(run.backbone, [r.content for r in self.snapshot.images])
        later = np.setdiff1d(np.flatnonzero(has), run.images).astype(np.int32)
        images = np.concatenate([run.images, later]).astype(np.int32)
        clusters, numbers = np.unique(state.labels[images], return_inverse=True)
        if len(clusters) and clusters[0] == UNASSIGNED:
            clusters, numbers = clusters[1:], numbers - 1
        decided = np.flatnonzero(decided_images(state)[images])
        if not len(decided) and self.way.needs_decisions:
            raise InputError(
                "There is nothing that could steer the other images.",
                "No image was placed by hand or approved, and no cluster is pinned.",
                "Move some images, approve some that are right, or pin a cluster.",
            )
        if len(clusters) < 2:
            raise InputError(
                "There is nothing to re-cluster.",
                "All images are in one cluster." if len(clusters) else "No image is in a cluster.",
                "Make another cluster with some images first.",
            )
        earlier = np.full(len(images), -1, np.int32)
        earlier[: len(run.images)] = _earlier(run, numbers[: len(run.images)])
        is_new = np.arange(len(images)) >= len(run.images)
        return Rows(
            images,
            numbers.astype(np.int32),
            clusters.astype(np.int32),
            decided,
            earlier,
            is_new,
        )

    def _kept(self, rows: Rows, labels: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
        """The labels with those put back that nobody wants changed.

        Returns:
            int32 (m,), numbers of clusters, and how many images a pinned cluster did not get.
        """
        labels = labels.copy()
        labels[rows.decided] = rows.labels[rows.decided]
        if not self.place_unassigned:
            stays = (rows.labels < 0) & ~rows.is_new
            labels[stays] = -1
        if self.into_pinned:
            return labels, 0
        table = self.snapshot.clustering.clusters
        is_pinned = np.array([table[key].is_pinned for key in rows.clusters.tolist()], np.bool_)
        held = (labels >= 0) & is_pinned[labels] & (labels != rows.labels)
        labels[held] = rows.labels[held]
        return labels, int(held.sum())


def _held_note(n_held: int) -> str:
    if not n_held:
        return ""
    if n_held == 1:
        return "1 image that would fit a pinned cluster stays where it is."
    return f"{n_held:,} images that would fit pinned clusters stay where they are."


def accept(
    session: ProjectSession, proposal: Proposal, clusters: tuple[int, ...] | None = None
) -> int:
    """Accept a proposal, or what of it comes to some clusters, as one step.

    Returns:
        How many images moved.
    """
    edit = proposal.edit(session.saved_clustering, clusters)
    session.apply(edit)
    return len(edit.images)


def propose(
    engine: Engine,
    arrays: ArrayCache,
    snapshot: Snapshot,
    token: CancelToken,
    way: Way = Way.SPREADING,
    sink: EventSink = ignore_events,
) -> Proposal:
    """As `ReclusterJob`, for callers without a queue of jobs."""
    return ReclusterJob(engine, arrays, snapshot, way).run(sink, token)


def _earlier(run: Run, numbers: NDArray[np.intp]) -> NDArray[np.int32]:
    """What the run said of its images, in the numbers of the present clusters; -1 if unknown."""
    pairs = match_by_overlap(numbers.astype(np.int32), run.labels, 0.0)
    table = np.full(int(run.labels.max(initial=-1)) + 2, -1, np.int32)
    for label, number in pairs.items():
        table[label] = number
    return table[run.labels]  # -1 reads the last entry, which stays -1

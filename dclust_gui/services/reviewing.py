"""The review queue: where a second look pays most, one decision at a time, each undoable."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits, image_edits
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.identity import decided_images
from dclust_gui.domain.splits import SplitProposal, propose_merge
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.reduction import ReductionCache, known_layout
from dclust_gui.services.reclustering_ways import nearest_of, unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.edits import Edit
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.storage.array_cache import ArrayCache

LEAST_DOUBT = 0.5
"""From here on the other cluster has as many of an image's neighbours as its own."""
LEAST_MIXED = 0.25
"""Two clusters that are less mixed are not offered for merging."""
LEAST_APART = 0.75
"""A cluster whose halves are less apart is not offered for splitting."""
SMALLEST_PART = 3
MOST_ITEMS = 1_000


class ReviewKind(StrEnum):
    """What is asked."""

    DOUBTFUL = "doubtful"
    ARRIVAL = "arrival"
    MERGE = "merge"
    SPLIT = "split"


class Choice(StrEnum):
    """What a person may answer."""

    KEEP = "keep"
    SUGGESTION = "suggestion"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, eq=False)
class ReviewItem:
    """One question.

    Attributes:
        kind: What is asked.
        images: int32, the image in question; of a merge the images of the smaller cluster, of a
            split those of the part that would leave, the most typical or surest first.
        cluster: Where they are, or `UNASSIGNED`.
        suggestion: Where they would go; `UNASSIGNED` for a split, which makes a cluster.
        gain: How many images the suggestion is expected to put right.
        score: 0 to 1: doubt, how mixed, or how apart.
        parts: How a cluster would be split; else None.
    """

    kind: ReviewKind
    images: NDArray[np.int32]
    cluster: int
    suggestion: int
    gain: float
    score: float
    parts: SplitProposal | None = None

    def question(self, state: Clustering) -> str:
        """It in words."""
        here = _title(state, self.cluster)
        there = _title(state, self.suggestion)
        match self.kind:
            case ReviewKind.DOUBTFUL:
                return f"Is this image in the right cluster? It is in {here}; {there} fits better."
            case ReviewKind.ARRIVAL:
                return f"A new image: does it belong to {there}?"
            case ReviewKind.MERGE:
                return f"Are {here} and {there} one cluster?"
            case ReviewKind.SPLIT:
                return f"Is {here} two clusters? {edits.count_of(len(self.images))} would leave."

    def edit(self, state: Clustering, choice: Choice) -> Edit | None:
        """The step a choice stands for; None where it needs none."""
        if choice is Choice.SKIP:
            return None
        is_image = self.kind in (ReviewKind.DOUBTFUL, ReviewKind.ARRIVAL)
        if choice is Choice.KEEP:
            return image_edits.approve(state, self.images) if is_image else None
        if is_image:
            return edits.move(state, self.images, self.suggestion)
        if self.kind is ReviewKind.MERGE:
            return propose_merge(state, (self.cluster, self.suggestion)).edit(state)
        return None if self.parts is None else self.parts.edit(state)

    def still_holds(self, state: Clustering) -> bool:
        """Whether the question makes sense in a later state."""
        wanted = {self.cluster, self.suggestion} - {UNASSIGNED}
        if not wanted <= state.clusters.keys():
            return False
        if self.kind in (ReviewKind.DOUBTFUL, ReviewKind.ARRIVAL):
            image = int(self.images[0])
            return bool(state.labels[image] == self.cluster) and not _is_decided(state, image)
        return bool((state.labels == self.cluster).any())


@dataclass(frozen=True, slots=True, eq=False)
class ReviewJob:
    """Find what is worth a second look.

    Attributes:
        engine: Gives the features.
        arrays: Keeps neighbours and layouts.
        snapshot: The project.
        title: What it does.
    """

    engine: Engine
    arrays: ArrayCache
    snapshot: Snapshot
    title: str = "Looking for what to review"

    def run(self, sink: EventSink, token: CancelToken) -> tuple[ReviewItem, ...]:
        """The questions, the greatest expected gain first; any thread.

        Raises:
            InputError: If there is no run.
            FeaturesMissingError: If features of the run are not in the cache any more.
            Cancelled: If the token says so.
        """
        run, state = self.snapshot.run, self.snapshot.clustering
        if run is None:
            raise InputError(
                "There is nothing to review.", "No run has been accepted yet.", "Cluster first."
            )
        records = self.snapshot.images
        has = self.engine.has_features(run.backbone, [r.content for r in records])
        later = np.setdiff1d(np.flatnonzero(has), run.images).astype(np.int32)
        images = np.concatenate([run.images, later]).astype(np.int32)
        contents = [records[i].content for i in images.tolist()]
        cache = ReductionCache.of(self.arrays, run.backbone, contents)
        meter = StageMeter(Stage.CLUSTER, 0, sink, token)
        rows = unit_rows(self.engine.stored_features(run.backbone, contents), run.settings.scale)
        near = nearest_of(rows, run.settings.scale, cache, meter)
        space = None if len(later) else known_layout(run.settings, cache)
        found = _Finder(state, images, near, rows if space is None else space, len(run.images))
        items = found.items(meter)
        meter.finish()
        return items


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was answered: to which question, how, and by which step of the history."""

    position: int
    choice: Choice
    step: int | None


class ReviewSession:
    """A walk through the queue: answers, going back, and how fast it goes.

    Args:
        session: The project.
        items: The queue.
        clock: Seconds that only rise; for tests.
    """

    def __init__(
        self,
        session: ProjectSession,
        items: tuple[ReviewItem, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._items = items
        self._clock = clock
        self._position = 0
        self._answers: list[_Answer] = []
        self._times: list[float] = [clock()]
        self._find()

    @property
    def current(self) -> ReviewItem | None:
        """The question now; None at the end."""
        return self._items[self._position] if self._position < len(self._items) else None

    @property
    def n_left(self) -> int:
        """Questions from here on, some of which may have become pointless."""
        return len(self._items) - self._position

    @property
    def n_decided(self) -> int:
        """Answers given."""
        return len(self._answers)

    @property
    def per_minute(self) -> float:
        """Answers a minute over the last twenty; 0 before the first."""
        times = self._times[-21:]
        seconds = times[-1] - times[0]
        return 60.0 * (len(times) - 1) / seconds if seconds > 0 else 0.0

    @property
    def answers(self) -> tuple[Choice, ...]:
        """The answers so far, in order."""
        return tuple(answer.choice for answer in self._answers)

    def coming(self, n: int) -> tuple[ReviewItem, ...]:
        """The next questions after the present one, as far as they make sense now."""
        state = self._session.saved_clustering
        found: list[ReviewItem] = []
        for item in self._items[self._position + 1 :]:
            if len(found) == n:
                break
            if item.still_holds(state):
                found.append(item)
        return tuple(found)

    def refresh(self) -> None:
        """Follow decisions made elsewhere.

        An answer whose step was undone there is asked again; a question that has become pointless
        is passed over. Not to be called while `answer` or `back` is under way.
        """
        history = self._session.history.position
        while self._answers:
            answer = self._answers[-1]
            if answer.step is None or answer.step <= history:
                break
            self._forget_last()
        self._find()

    def answer(self, choice: Choice) -> None:
        """Decide and go to the next question.

        Raises:
            StorageError: If it could not be saved; the question stays.
        """
        item = self.current
        if item is None:
            return
        edit = item.edit(self._session.saved_clustering, choice)
        is_step = edit is not None and self._session.apply(edit)
        step = self._session.history.position if is_step else None
        self._answers.append(_Answer(self._position, choice, step))
        self._times.append(self._clock())
        self._position += 1
        self._find()

    def back(self) -> bool:
        """Take the last answer back and ask again; False at the start.

        A step that other steps followed meanwhile stays; undo takes these back first.
        """
        if not self._answers:
            return False
        step = self._answers[-1].step
        if step is not None and step == self._session.history.position:
            self._session.undo()
        self._forget_last()
        return True

    def _forget_last(self) -> None:
        self._position = self._answers.pop().position
        self._times.pop()

    def _find(self) -> None:
        """Go on to the next question that still makes sense."""
        state = self._session.saved_clustering
        while self.current is not None and not self.current.still_holds(state):
            self._position += 1


class _Finder:
    """Turns neighbours into questions.

    Args:
        state: Labels and clusters.
        images: int32 (m,), the image of each row.
        near: Neighbours of the rows.
        space: (m, d), where the clusters were found.
        n_run: How many rows the run had; the others are arrivals.
    """

    def __init__(
        self,
        state: Clustering,
        images: NDArray[np.int32],
        near: Neighbours,
        space: NDArray[np.float32],
        n_run: int,
    ) -> None:
        ids = [key for key, cluster in state.clusters.items() if not cluster.is_ignored]
        self._state = state
        self._images = images
        self._near = near
        self._space = space
        self._ids = np.array(ids, np.int32)
        lookup = {key: number for number, key in enumerate(ids)}
        labels = state.labels[images].tolist()
        self._labels = np.array([lookup.get(label, -1) for label in labels], np.int32)
        self._is_free = ~decided_images(state)[images]
        self._is_new = np.arange(len(images)) >= n_run

    def items(self, meter: StageMeter) -> tuple[ReviewItem, ...]:
        """All questions, the greatest gain first."""
        if not len(self._ids):
            return ()
        found = [*self._images_in_doubt(), *self._merges(), *self._splits(meter)]
        found.sort(key=lambda item: (-item.gain, item.kind, int(item.images[0])))
        return tuple(found[:MOST_ITEMS])

    def _images_in_doubt(self) -> list[ReviewItem]:
        from dclust_gui.algorithms.review_scores import neighbour_votes

        votes = neighbour_votes(self._near, self._labels, len(self._ids))
        doubt = votes.doubt
        arrives = self._is_new & (self._labels < 0)
        asked = self._is_free & (votes.other >= 0)
        asked &= arrives | ((self._labels >= 0) & (doubt >= LEAST_DOUBT))
        found = []
        for row in np.flatnonzero(asked).tolist():
            is_new = bool(arrives[row])
            found.append(
                ReviewItem(
                    ReviewKind.ARRIVAL if is_new else ReviewKind.DOUBTFUL,
                    self._images[row : row + 1],
                    UNASSIGNED if is_new else int(self._ids[self._labels[row]]),
                    int(self._ids[votes.other[row]]),
                    float(votes.share[row]),
                    float(votes.share[row] if is_new else doubt[row]),
                )
            )
        return found

    def _merges(self) -> list[ReviewItem]:
        from dclust_gui.algorithms.review_scores import mixed_pairs

        found = []
        for pair in mixed_pairs(self._near, self._labels, len(self._ids)):
            first, second = int(self._ids[pair.first]), int(self._ids[pair.second])
            pinned = [self._state.clusters[key].is_pinned for key in (first, second)]
            if pair.score < LEAST_MIXED or all(pinned):
                continue
            images = self._images[self._labels == pair.second]
            gain = pair.score * len(images)
            found.append(ReviewItem(ReviewKind.MERGE, images, second, first, gain, pair.score))
        return found

    def _splits(self, meter: StageMeter) -> list[ReviewItem]:
        from dclust_gui.algorithms.review_scores import apart_parts

        found = []
        for parts in apart_parts(
            self._space, self._near, self._labels, len(self._ids), callback=meter.set
        ):
            key = int(self._ids[parts.cluster])
            smaller = parts.rows[parts.part == 1]
            cluster = self._state.clusters[key]
            if parts.score < LEAST_APART or len(smaller) < SMALLEST_PART or cluster.is_pinned:
                continue
            order = np.argsort(self._images[parts.rows])
            proposal = SplitProposal(
                key, self._images[parts.rows][order], parts.part[order].astype(np.int32)
            )
            share = (parts.score - LEAST_APART) / (1.0 - LEAST_APART)
            gain = share * len(smaller)
            leaving = self._images[smaller]
            found.append(
                ReviewItem(ReviewKind.SPLIT, leaving, key, UNASSIGNED, gain, parts.score, proposal)
            )
        return found


def _title(state: Clustering, cluster: int) -> str:
    known = state.clusters.get(cluster)
    return "Unassigned" if known is None else f"'{known.title}'"


def _is_decided(state: Clustering, image: int) -> bool:
    return bool(decided_images(state)[image])

"""The review queue: where a second look pays most, one decision at a time, each undoable."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Stage
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.reduction import ReductionCache
from dclust_gui.services.reclustering_ways import nearest_of, unit_rows
from dclust_gui.services.review_items import Choice, Likeness, ReviewItem, ReviewKind
from dclust_gui.services.review_search import QuestionFinder
from dclust_gui.services.run_space import run_space

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.storage.array_cache import ArrayCache

__all__ = ["Choice", "ReviewItem", "ReviewJob", "ReviewKind", "ReviewSession"]

LONGEST_THOUGHT_S = 60.0
"""A longer time between two answers was a pause."""


@dataclass(frozen=True, slots=True, eq=False)
class ReviewJob:
    """Find what is worth a second look.

    Attributes:
        engine: Gives the features.
        arrays: Keeps neighbours and layouts.
        snapshot: The project.
        without: Ids of new images that the Inbox asks about.
        title: What it does.
    """

    engine: Engine
    arrays: ArrayCache
    snapshot: Snapshot
    without: frozenset[int] = frozenset()
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
        space = None if len(later) else run_space(self.arrays, self.snapshot, run)
        found = QuestionFinder(
            state, images, near, rows if space is None else space, len(run.images)
        )
        items = tuple(i for i in found.items(meter) if not self._is_elsewhere(i))
        meter.finish()
        return items

    def _is_elsewhere(self, item: ReviewItem) -> bool:
        return item.kind is ReviewKind.ARRIVAL and int(item.images[0]) in self.without


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
        self._likeness: tuple[NDArray[np.int32], Clustering, Likeness] | None = None
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
    def n_dropped(self) -> int:
        """Questions passed over because other decisions have made them pointless."""
        return self._position - len(self._answers)

    @property
    def per_minute(self) -> float:
        """Answers a minute over the last twenty, pauses left out; 0 before the first."""
        taken = [after - before for before, after in pairwise(self._times[-21:])]
        taken = [seconds for seconds in taken if seconds <= LONGEST_THOUGHT_S]
        seconds = sum(taken)
        return 60.0 * len(taken) / seconds if seconds > 0 else 0.0

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
            if item.still_holds(state, self._likeness_of(item, state)):
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

    def answer(self, choice: Choice) -> bool:
        """Decide and go to the next question.

        Returns:
            False if there is no question, or it has become pointless meanwhile: then nothing was
            answered, and the next question that makes sense is the present one.

        Raises:
            StorageError: If it could not be saved; the question stays.
        """
        item = self.current
        self._find()
        if item is None or item is not self.current:
            return False
        edit = item.edit(self._session.saved_clustering, choice)
        is_step = edit is not None and self._session.apply(edit)
        step = self._session.history.position if is_step else None
        self._answers.append(_Answer(self._position, choice, step))
        self._times.append(self._clock())
        self._position += 1
        self._find()
        return True

    def back(self) -> bool:
        """Take the last answer back and ask again; False at the start.

        Raises:
            InputError: If other steps have followed that answer; nothing has changed then.
            StorageError: If it could not be saved.
        """
        if not self._answers:
            return False
        step, position = self._answers[-1].step, self._session.history.position
        if step is not None and step < position:
            raise InputError(
                "The last answer cannot be taken back alone.",
                f"{count_of(position - step, 'other step')} followed it.",
                "Undo first what came after it.",
            )
        if step is not None and step == position:
            self._session.undo()
        self._forget_last()
        return True

    def _forget_last(self) -> None:
        self._position = self._answers.pop().position
        self._times.pop()

    def _find(self) -> None:
        """Go on to the next question that still makes sense."""
        state = self._session.saved_clustering
        while (item := self.current) is not None:
            if item.still_holds(state, self._likeness_of(item, state)):
                break
            self._position += 1

    def _likeness_of(self, item: ReviewItem, state: Clustering) -> Likeness:
        """Worked out once for all questions that were asked together."""
        known = self._likeness
        if known is None or known[0] is not item.asked_in or known[1] is not state:
            known = (item.asked_in, state, Likeness.between(item.asked_in, state))
            self._likeness = known
        return known[2]

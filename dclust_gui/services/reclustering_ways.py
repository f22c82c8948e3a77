"""The ways in which decided images steer the others; each answers with labels for all rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import ImageFlag
from dclust_gui.domain.control import ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.identity import match_by_overlap
from dclust_gui.engine.reduction import ReductionCache, neighbours
from dclust_gui.services.teaching import Teacher, self_trained

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.progress import TrainingStep
    from dclust_gui.algorithms.knn import Neighbours
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.runs import Run
    from dclust_gui.engine.progress import StageMeter
    from dclust_gui.services.snapshot import Snapshot


class Way(StrEnum):
    """How decisions steer the other images; the value is its name on the command line."""

    SPREADING = "spreading"
    SEEDED = "seeded-kmeans"
    LINKED = "pck-kmeans"
    DEC = "dec"
    VADE = "vade"
    ANEW = "anew"
    STUDENT = "student"

    @property
    def needs_decisions(self) -> bool:
        """Whether it can do nothing before something has been decided."""
        return self is not Way.STUDENT

    @property
    def words(self) -> str:
        """What it does, for people."""
        return {
            Way.SPREADING: "Spread to the nearest images",
            Way.SEEDED: "k-means from the decided images",
            Way.LINKED: "k-means with links between decided images",
            Way.DEC: "Train DEC, decided images known beforehand",
            Way.VADE: "Train VaDE, decided images known beforehand",
            Way.ANEW: "The last run's method again, decided images fixed",
            Way.STUDENT: "Train a classifier, take what it is sure of",
        }[self]


APPROVALS_A_MOVE = 3
"""Images that count as right for each one placed by hand, where too few were approved."""
MOST_LINKS_A_CLUSTER = 100
"""Decided images of a cluster that are linked (`Way.LINKED`)."""
ENDS = 3
"""Images of each of two clusters between which links say that they differ."""
SURE = 0.99
"""Probability of a decided image's cluster beforehand (`Way.DEC`, `Way.VADE`)."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The images that take part, one to a row.

    Attributes:
        images: int32 (m,), ids.
        labels: int32 (m,), number of the cluster (0 to k - 1), -1 for Unassigned.
        clusters: int32 (k,), the cluster of each number.
        decided: int64, rows that stay.
        earlier: int32 (m,), what the run had said, in the same numbers; -1 where unknown.
        is_new: bool (m,), rows that came after the run.
    """

    images: NDArray[np.int32]
    labels: NDArray[np.int32]
    clusters: NDArray[np.int32]
    decided: NDArray[np.int64]
    earlier: NDArray[np.int32]
    is_new: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a way works with.

    Attributes:
        snapshot: The project.
        run: The accepted run.
        rows: Who takes part.
        scaled: float32 (m, d), features of length 1.
        space: float32 (m, e), where the run's clusters were found; `scaled` if that is unknown.
        cache: Of these features.
        place_unassigned: Find a cluster for Unassigned images, too.
        meter: Told of progress.
        token: Stops the work.
        teacher: Whose clusters the classifier is taught by (`Way.STUDENT`).
    """

    snapshot: Snapshot
    run: Run
    rows: Rows
    scaled: NDArray[np.float32]
    space: NDArray[np.float32]
    cache: ReductionCache
    place_unassigned: bool
    meter: StageMeter
    token: CancelToken
    teacher: Teacher = Teacher.PRESENT


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Labels as a way would have them.

    Attributes:
        labels: int32 (m,), numbers of clusters, -1 for Unassigned.
        margin: float32 (m,), how sure each is.
        note: What else the user should know.
    """

    labels: NDArray[np.int32]
    margin: NDArray[np.float32]
    note: str = ""


def answer(way: Way, question: Question) -> Answer:
    """The labels of a way, decided images included as it sees them.

    Raises:
        Cancelled: If the question's token says so.
        ClusteringError: If the way cannot use these images.
    """
    match way:
        case Way.SPREADING:
            return _spread(question)
        case Way.SEEDED | Way.LINKED:
            return _kmeans(question, is_linked=way is Way.LINKED)
        case Way.DEC | Way.VADE:
            return _trained(question, way.value)
        case Way.ANEW:
            return _anew(question)
        case Way.STUDENT:
            found, note = self_trained(question, question.teacher)
            return Answer(found.labels, found.confidence, note)


def nearest_of(
    rows: NDArray[np.float32], scale: str, cache: ReductionCache, meter: StageMeter
) -> Neighbours:
    """Nearest images in `unit_rows`, from the cache where a run left them.

    Args:
        rows: float32 (m, d), of length 1.
        scale: How the run scaled them.
        cache: Of these features.
        meter: Told of progress.
    """
    from dclust_gui.algorithms.umap import neighbour_count

    name = scale if scale in ("l2", "centre-l2") else f"{scale} of length 1"
    return neighbours(rows, name, neighbour_count(len(rows)), cache, ignore_events, meter.set)


def unit_rows(features: NDArray[np.float16], scale: str) -> NDArray[np.float32]:
    """Features scaled as a run did; of length 1 where that did not do so.

    Args:
        features: float16 (m, d).
        scale: The run's scaling.
    """
    from dclust_gui.algorithms.distances import normalise_rows, scale_features

    rows = scale_features(features, scale)[0]
    if scale not in ("l2", "centre-l2"):
        normalise_rows(rows)
    return rows


def _spread(question: Question) -> Answer:
    from dclust_gui.algorithms.label_spreading import spread_labels

    rows, scaled = question.rows, question.scaled
    believed = _believed(question)
    earlier = rows.earlier.copy()
    earlier[believed] = rows.labels[believed]
    near = nearest_of(scaled, question.run.settings.scale, question.cache, question.meter)
    found = spread_labels(
        scaled,
        near,
        rows.labels,
        np.concatenate([rows.decided, believed]),
        earlier=earlier,
        space=question.space,
        place_unassigned=question.place_unassigned or bool(rows.is_new.any()),
        callback=question.meter.set,
    )
    return Answer(found.labels, found.margin, _approval_note(rows, question.snapshot))


def _n_moved_and_right(rows: Rows, snapshot: Snapshot) -> tuple[int, int]:
    """How many decided images were placed by hand, and how many approved where they were."""
    flags = snapshot.clustering.flags[rows.images[rows.decided]]
    moved = int(((flags & np.uint8(ImageFlag.HAND_PLACED)) != 0).sum())
    return moved, len(rows.decided) - moved


def _believed(question: Question) -> NDArray[np.int64]:
    """Rows that stand in for approvals where there are fewer of these than corrections.

    Corrections alone would say that the clusters are wrong wherever one looks. So of each cluster
    some undecided images count as right, taken evenly from the surer half of it, three to a
    correction in all. Points gained on untouched images by 30 corrections alone, mean of five
    draws, without and with the stand-ins: textures10 -3.7 and +1.9, clothing10 +2.8 and +4.2,
    trash6 +10.0 and +6.8; by one correction within 0.2 of each other.
    """
    rows = question.rows
    moved, right = _n_moved_and_right(rows, question.snapshot)
    if right >= moved:
        return np.empty(0, np.int64)
    is_free = rows.labels >= 0
    is_free[rows.decided] = False
    is_free &= ~rows.is_new
    sureness = np.nan_to_num(question.snapshot.confidence[rows.images], nan=-1.0)
    count = len(rows.clusters)
    n_each = -(-(APPROVALS_A_MOVE * moved - right) // max(1, count))
    found = [np.empty(0, np.int64)]
    for number in range(count):
        members = np.flatnonzero(is_free & (rows.labels == number))
        surer = members[np.argsort(-sureness[members], kind="stable")][: (len(members) + 1) // 2]
        if len(surer):
            places = np.linspace(0, len(surer) - 1, min(n_each, len(surer))).astype(np.int64)
            found.append(surer[np.unique(places)])
    return np.concatenate(found)


def _approval_note(rows: Rows, snapshot: Snapshot) -> str:
    """Corrections alone are a biased sample; say so."""
    moved, right = _n_moved_and_right(rows, snapshot)
    if right < moved:
        approved = f"only {right:,} approved" if right else "none approved"
        return (
            f"{count_of(moved)} placed by hand, {approved}: the surest images of each cluster were"
            " taken for right. Approve some that are right for a better proposal."
        )
    return ""


def _kmeans(question: Question, *, is_linked: bool) -> Answer:
    from dclust_gui.algorithms.base import confidence_from_margin
    from dclust_gui.algorithms.constrained import pck_means, seeded_kmeans
    from dclust_gui.algorithms.lloyd import nearest_two

    rows, space, tell = question.rows, question.space, question.meter.set
    seeds = np.full(len(rows.labels), -1, np.int32)
    seeds[rows.decided] = rows.labels[rows.decided]
    count = len(rows.clusters)
    # clusters without a decided image start from all of their images
    lacking = np.setdiff1d(np.arange(count), seeds[seeds >= 0])
    first = np.where(np.isin(rows.labels, lacking), rows.labels, seeds)
    start = seeded_kmeans(space, first, count, clamp=False, max_iter=1, random_state=0).centres
    note = ""
    if is_linked:
        must, cannot = _links(seeds, count)
        found = pck_means(space, count, must, cannot, start=start, random_state=0, callback=tell)
        broken = found.broken_must + found.broken_cannot
        if broken:
            note = f"{count_of(broken, 'link')} between decided images could not be kept."
    else:
        found = seeded_kmeans(space, seeds, count, start=start, random_state=0, callback=tell)
    nearest, second = nearest_two(space, found.centres)[1:]
    return Answer(found.labels, confidence_from_margin(nearest, second), note)


def _links(
    seeds: NDArray[np.int32], count: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Decided images of a cluster in a chain, and the first ones of two clusters apart."""
    members = [np.flatnonzero(seeds == c)[:MOST_LINKS_A_CLUSTER].tolist() for c in range(count)]
    must = [pair for some in members for pair in pairwise(some)]
    cannot = [
        (a, b)
        for i, some in enumerate(members)
        for others in members[i + 1 :]
        for a in some[:ENDS]
        for b in others[:ENDS]
    ]
    return must, cannot


def _trained(question: Question, head: str) -> Answer:
    """A head trained from the spread labels; decided images are known to it beforehand."""
    from dclust_gui.algorithms.registry import build_head

    rows, count = question.rows, len(question.rows.clusters)
    start = _spread(replace(question, place_unassigned=True))
    initial = np.maximum(start.labels, 0)
    prior = np.full((len(initial), count), 1.0 / count, np.float32)
    decided = rows.decided[rows.labels[rows.decided] >= 0]
    prior[decided] = (1.0 - SURE) / max(1, count - 1)
    prior[decided, rows.labels[decided]] = SURE
    model = build_head(head, n_clusters=count, random_state=question.run.settings.seed)
    model.set_params(initial_labels=initial, membership_prior=prior)

    def tell(step: TrainingStep) -> None:
        question.meter.set(step.step, step.steps)

    model.fit(question.scaled, callback=tell, tick=question.token.checkpoint)
    two = np.sort(model.soft_assignments_, axis=1)[:, -2:]
    margin = (two[:, 1] - two[:, 0]).astype(np.float32)
    notes = [note for note in (start.note, model.note_) if note]
    return Answer(model.labels_.astype(np.int32), margin, " ".join(notes))


def _anew(question: Question) -> Answer:
    """The last run's method on the same space; its clusters are matched with the present ones."""
    from dclust_gui.algorithms.registry import build, method

    rows, settings = question.rows, question.run.settings
    chosen = method(settings.algorithm)
    model = build(
        settings.algorithm,
        n_clusters=len(rows.clusters),
        random_state=settings.seed,
        metric=settings.metric if len(chosen.metrics) > 1 else None,
        linkage=settings.linkage if chosen.linkages else None,
        params=settings.method_parameters,
    )
    found = model.fit(question.space, callback=question.meter.set).labels_
    pairs = match_by_overlap(rows.labels, found, 0.0)
    table = np.full(int(found.max(initial=-1)) + 2, -1, np.int32)
    for label, number in pairs.items():
        table[label] = number
    labels = table[found]
    lost = (labels < 0) & (found >= 0)
    labels[lost] = rows.labels[lost]
    note = (
        f"{count_of(int(lost.sum()))} in clusters that match none of the present ones stay."
        if lost.any()
        else ""
    )
    return Answer(labels, model.confidence_, note)

"""Clusters as a teacher: whose labels a student learns, and what it then proposes."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.identity import match_by_overlap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.progress import TrainingStep
    from dclust_gui.algorithms.student.classifier import StudentClassifier
    from dclust_gui.algorithms.student.selftraining import SelfTrained
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.reclustering_ways import Question

_PARTS = 1_000
_SHOWN = 3


class Teacher(StrEnum):
    """Whose clusters are taught; the value is its name on the command line."""

    PRESENT = "present"
    TREE = "tree"
    KMEANS = "kmeans"
    COMPLETE = "complete"

    @property
    def words(self) -> str:
        """Which clusters these are, for people."""
        return {
            Teacher.PRESENT: "the present clusters",
            Teacher.TREE: "the last run's tree, cut anew",
            Teacher.KMEANS: "k-means on the features",
            Teacher.COMPLETE: "complete linkage on the features",
        }[self]


def teacher_labels(question: Question, teacher: Teacher) -> NDArray[np.int32]:
    """What a teacher says of all rows, decisions put in.

    The clusters of other teachers than the present ones are matched with these by overlap; images
    in clusters that match none teach nothing, see `self_trained`.

    Args:
        question: The rows.
        teacher: Who.

    Returns:
        int32 (m,), numbers of the present clusters; -1 teaches nothing.

    Raises:
        ClusteringError: If the teacher cannot use these rows.
        Cancelled: If the question's token says so.
    """
    rows, count = question.rows, len(question.rows.clusters)
    if teacher is Teacher.PRESENT:
        return rows.labels
    found = np.full(len(rows.labels), -1, np.int32)
    if teacher is Teacher.TREE:
        from dclust_gui.algorithms.agglomerative import cut_at_count

        n_leaves = len(question.run.images)
        found[:n_leaves] = cut_at_count(question.run.tree, min(count, n_leaves))
    else:
        found[:] = _grouped(question, teacher, count)
    found[rows.is_new] = -1
    pairs = match_by_overlap(rows.labels, found, 0.0)
    table = np.full(int(found.max(initial=-1)) + 2, -1, np.int32)
    for label, number in pairs.items():
        table[label] = number
    labels = table[found]
    labels[rows.decided] = rows.labels[rows.decided]
    return labels


def _grouped(question: Question, teacher: Teacher, count: int) -> NDArray[np.int32]:
    from dclust_gui.algorithms.registry import build

    is_linkage = teacher is Teacher.COMPLETE
    model = build(
        "agglomerative" if is_linkage else "kmeans",
        n_clusters=count,
        random_state=question.run.settings.seed,
        metric="cosine" if is_linkage else None,
        linkage="complete" if is_linkage else None,
        params={},
    )
    found: NDArray[np.int32] = model.fit(question.scaled, callback=question.meter.set).labels_
    return found


def self_trained(question: Question, teacher: Teacher) -> tuple[SelfTrained, str]:
    """Self-training by a teacher, and what the user should know of it.

    Images of which neither teacher nor student knows anything stay where they are.

    Raises:
        ClusteringError: If too few clusters are large enough.
        Cancelled: If the question's token says so.
    """
    from dclust_gui.algorithms.student.selftraining import MOST_ROUNDS, self_train

    rows = question.rows
    labels = teacher_labels(question, teacher)
    decided = np.zeros(len(labels), bool)
    decided[rows.decided] = True
    found = self_train(
        question.scaled,
        labels,
        decided,
        random_state=question.run.settings.seed,
        callback=network_meter(question.meter.set, MOST_ROUNDS),
        tick=question.token.checkpoint,
    )
    clustering = question.snapshot.clustering
    titles = [
        clustering.clusters[int(rows.clusters[number])].title
        for number in found.student.left_out_.tolist()
    ]
    labels = np.where(found.labels < 0, rows.labels, found.labels).astype(np.int32)
    return replace(found, labels=labels), self_training_note(found, teacher, titles)


def network_meter(
    tell: Callable[[int, int], None], rounds: int = 1
) -> Callable[[TrainingStep], None]:
    """Turns the reports of several networks taught one after another into one progress.

    Args:
        tell: Takes (done, total).
        rounds: So many times are the folds and the whole taught at most.
    """
    total = 6 * rounds * _PARTS
    seen: list[str] = []

    def told(step: TrainingStep) -> None:
        if not seen or seen[-1] != step.detail:
            seen.append(step.detail)
        share = step.step / max(1, step.steps)
        tell(min(total, int((len(seen) - 1 + share) * _PARTS)), total)

    return told


def self_training_note(found: SelfTrained, teacher: Teacher, left_out: Iterable[str]) -> str:
    """What came out, in words."""
    parts = [f"A classifier was taught by {teacher.words}.", *quality_words(found.student)]
    if found.is_drifting:
        parts.append("A second round would have moved more images than the first: it was dropped.")
    parts += left_out_words(left_out)
    return " ".join(parts)


def quality_words(student: StudentClassifier) -> list[str]:
    """How good a student is, as sentences."""
    if np.isnan(student.accuracy_):
        return [student.note_]
    text = f"On images it had not seen it agrees with them in {student.accuracy_:.0%} of the cases"
    if not np.isnan(student.edited_accuracy_):
        text += f", with what you decided in {student.edited_accuracy_:.0%}"
    if student.note_:
        return [f"{text}.", student.note_]
    sure = f"Only what it is at least {student.threshold_:.0%} sure of is proposed"
    return [f"{text}.", f"{sure}: {student.sorted_accuracy_:.0%} of that was right."]


def left_out_words(titles: Iterable[str]) -> list[str]:
    """Which clusters were too small to teach, as a sentence; none where all were taught."""
    names = [f"'{title}'" for title in titles]
    if not names:
        return []
    shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    verb = "has" if len(names) == 1 else "have"
    return [f"{count_of(len(names), 'cluster')} {verb} too few images to be taught: {shown}."]


def titles_of(clustering: Clustering, ids: Iterable[int]) -> list[str]:
    """Titles of some clusters."""
    return [clustering.clusters[key].title for key in ids if key in clustering.clusters]

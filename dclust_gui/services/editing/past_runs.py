"""Runs of a project beside each other: what a run changed, two compared, an older one kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED, Cluster
from dclust_gui.domain.comparison import ABSENT, compare
from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.identity import match_by_overlap
from dclust_gui.domain.image_edits import keep_groups
from dclust_gui.services.editing.naming import one_called

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.comparison import Comparison
    from dclust_gui.domain.edits import Edit
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore


@dataclass(frozen=True, slots=True, eq=False)
class RunGroups:
    """What a run made of a project's images, as clusters of the project.

    Attributes:
        run: Its number.
        labels: int32 (n_images,), cluster ids, `UNASSIGNED`, or `ABSENT` for images that it did
            not have.
        clusters: Its clusters by id: as they are now, or as they were if they are gone.
    """

    run: int
    labels: NDArray[np.int32]
    clusters: Mapping[int, Cluster]

    @property
    def titles(self) -> dict[int, str]:
        """Title of each cluster by id."""
        return {key: cluster.title for key, cluster in self.clusters.items()}


@dataclass(frozen=True, slots=True, eq=False)
class RunsCompared:
    """Two runs counted against each other.

    Attributes:
        first: The one whose clusters are the rows.
        second: The one whose clusters are the columns.
        comparison: Counts, and who moved.
    """

    first: RunGroups
    second: RunGroups
    comparison: Comparison

    @property
    def titles(self) -> dict[int, str]:
        """Title of each cluster of both by id; Unassigned included."""
        return {UNASSIGNED: "Unassigned", **self.first.titles, **self.second.titles}

    @property
    def sentence(self) -> str:
        """What stayed, moved, split, merged, appeared, in words."""
        return self.comparison.changes.sentence(self.titles)


def run_groups(session: ProjectSession, run_id: int) -> RunGroups:
    """What a run made of a project's images.

    A run that was never accepted has its groups named after the present clusters that they
    overlap with; its other groups get numbers above all clusters' ids.

    Raises:
        InputError: If there is no such run.
        StorageError: If it cannot be read.
    """
    return groups_of(session.store, session.saved_clustering, run_id)


def groups_of(store: ProjectStore, state: Clustering, run_id: int) -> RunGroups:
    """As `run_groups`, on any thread.

    Args:
        store: The project file.
        state: The saved clusters.
        run_id: The run.
    """
    try:
        run = store.run(run_id)
        adopted = store.run_clusters(run_id)
    except KeyError:
        known = ", ".join(str(s.id) for s in store.runs()) or "none"
        raise InputError(f"There is no run {run_id}.", "", f"There are: {known}.") from None
    if adopted is None:
        lookup, table = _guessed(state, run.images, run.labels)
    else:
        lookup, table = adopted.ids, dict(adopted.clusters)
    labels = np.full(state.n_images, ABSENT, np.int32)
    is_grouped = run.labels >= 0
    labels[run.images] = UNASSIGNED
    labels[run.images[is_grouped]] = lookup[run.labels[is_grouped]]
    table = {key: state.clusters.get(key, row) for key, row in table.items()}
    return RunGroups(run_id, labels, table)


def compare_runs(session: ProjectSession, first: int, second: int) -> RunsCompared:
    """Compare two runs over the images that both had.

    Raises:
        InputError: If there is no such run.
        StorageError: If one cannot be read.
    """
    before, after = run_groups(session, first), run_groups(session, second)
    return RunsCompared(before, after, compare(before.labels, after.labels))


def keep_run(session: ProjectSession, run_id: int, clusters: Iterable[str | int]) -> Edit:
    """Keep an older run for some clusters; see `domain.image_edits.keep_groups`.

    Args:
        session: The project.
        run_id: The older run.
        clusters: Its clusters by id, name or title.

    Raises:
        InputError: If there is no such run, or it has no such cluster.
        StorageError: If it cannot be read.
    """
    groups = run_groups(session, run_id)
    where = f"in run {run_id}"
    wanted = [one_called(groups.clusters, str(text), where).id for text in clusters]
    return keep_groups(
        session.saved_clustering, groups.labels, groups.clusters, wanted, f"run {run_id}"
    )


def changes_between(before: Clustering, after: Clustering) -> tuple[Comparison, str]:
    """What one step or several changed: the counts, and a sentence.

    Args:
        before: A state of a project.
        after: A later or earlier one.
    """
    found = compare(before.grown(max(after.n_images, before.n_images)).labels, after.labels)
    table = {**before.clusters, **after.clusters}
    titles = {key: cluster.title for key, cluster in table.items()}
    return found, found.changes.sentence(titles)


def last_run_summary(session: ProjectSession) -> str:
    """What the last accepted run in force changed, in words; empty where there was none before."""
    steps = session.history.steps[: session.history.position]
    at = [place for place, step in enumerate(steps) if step.kind is EditKind.RUN]
    if not at:
        return ""
    before, after = session.store.state_at(at[-1]), session.store.state_at(at[-1] + 1)
    return changes_between(before, after)[1] if before.clusters else ""


def _guessed(
    state: Clustering, images: NDArray[np.int32], labels: NDArray[np.int32]
) -> tuple[NDArray[np.int32], dict[int, Cluster]]:
    matched = match_by_overlap(state.labels[images], labels)
    lookup = np.full(int(labels.max(initial=-1)) + 1, UNASSIGNED, np.int32)
    table: dict[int, Cluster] = {}
    next_id = state.next_id
    for label in np.unique(labels[labels >= 0]).tolist():
        if label in matched:
            lookup[label] = matched[label]
            table[matched[label]] = state.clusters[matched[label]]
        else:
            lookup[label] = next_id
            table[next_id] = Cluster(next_id)
            next_id += 1
    return lookup, table

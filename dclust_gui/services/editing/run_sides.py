"""What runs are compared with: runs, the present clusters, and those before the last run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.domain.comparison import compare
from dclust_gui.domain.edits import EditKind, count_of
from dclust_gui.domain.image_edits import keep_groups
from dclust_gui.services.editing.past_runs import RunGroups, RunsCompared, groups_of
from dclust_gui.services.methods import methods

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.edits import Edit
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.storage.project import ProjectStore


class SideKind(StrEnum):
    """Where the clusters of a side come from."""

    NOW = "now"
    BEFORE = "before"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two ways to group the images.

    Attributes:
        kind: Where they come from.
        number: The run; for `BEFORE` the number of steps that were in force; 0 for now.
    """

    kind: SideKind
    number: int = 0


NOW = Side(SideKind.NOW)


@dataclass(frozen=True, slots=True)
class SideOffer:
    """A side with its words.

    Attributes:
        side: The side.
        text: For a list to choose from: `Run 2 · 10 clusters, k-means`.
        short: For sentences: `run 2`.
        time: ISO 8601 with offset; empty for now.
    """

    side: Side
    text: str
    short: str
    time: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class SidesCompared:
    """Two sides counted against each other.

    Attributes:
        first: The side of the rows.
        second: The side of the columns.
        found: The counts.
    """

    first: Side
    second: Side
    found: RunsCompared


@dataclass(frozen=True, slots=True, eq=False)
class SidesQuery:
    """Ask what differs between two sides: a `SidesCompared`.

    Attributes:
        store: The project file.
        state: The saved clusters.
        first: The side of the rows.
        second: The side of the columns.
    """

    store: ProjectStore
    state: Clustering
    first: Side
    second: Side

    def run(self, token: CancelToken) -> SidesCompared:
        """Read both and count.

        Raises:
            InputError: If a run is not there any more.
            StorageError: If it cannot be read.
            Cancelled: If the token says so.
        """
        before = groups_of_side(self.store, self.state, self.first)
        token.checkpoint()
        after = groups_of_side(self.store, self.state, self.second)
        token.checkpoint()
        counted = compare(before.labels, after.labels)
        return SidesCompared(self.first, self.second, RunsCompared(before, after, counted))


@dataclass(frozen=True, slots=True, eq=False)
class SummaryQuery:
    """Ask what a step has changed, in words.

    Attributes:
        before: The clusters before it.
        after: The clusters after it.
    """

    before: Clustering
    after: Clustering

    def run(self, token: CancelToken) -> str:
        """The sentence."""
        from dclust_gui.services.editing.past_runs import changes_between

        token.checkpoint()
        return changes_between(self.before, self.after)[1]


def offers(session: ProjectSession) -> tuple[SideOffer, ...]:
    """What can be compared: now, before the last run, and all runs, the newest first."""
    found = [SideOffer(NOW, "Now", "the present clusters")]
    history = session.history
    place = last_run_step(session)
    if place > 0:
        side = Side(SideKind.BEFORE, place)
        time = history.steps[place].time
        found.append(
            SideOffer(side, "Before the last run", "the clusters before the last run", time)
        )
    titles = {method.name: method.title for method in methods()}
    for run in reversed(session.store.runs()):
        what = f"{titles.get(run.settings.algorithm, run.settings.algorithm)}, {k_text(run.k)}"
        if run.settings.time_weight:
            what += f", capture time {run.settings.time_weight:g}"
        is_now = " · accepted" if run.id == session.saved_clustering.run_id else ""
        text = f"Run {run.id} · {what}{is_now}"
        found.append(SideOffer(Side(SideKind.RUN, run.id), text, f"run {run.id}", run.created))
    return tuple(found)


def k_text(k: int) -> str:
    """`10 clusters`."""
    return count_of(k, "cluster")


def last_run_step(session: ProjectSession) -> int:
    """Number of steps before the last run in force; -1 without one."""
    steps = session.history.steps[: session.history.position]
    return max((place for place, step in enumerate(steps) if step.kind is EditKind.RUN), default=-1)


def groups_of_side(store: ProjectStore, state: Clustering, side: Side) -> RunGroups:
    """The clusters of a side.

    Raises:
        InputError: If a run is not there any more.
        StorageError: If it cannot be read.
    """
    match side.kind:
        case SideKind.NOW:
            return RunGroups(0, state.labels, state.clusters)
        case SideKind.BEFORE:
            old = store.state_at(side.number).grown(state.n_images)
            table = {key: state.clusters.get(key, row) for key, row in old.clusters.items()}
            return RunGroups(0, old.labels, table)
        case SideKind.RUN:
            return groups_of(store, state, side.number)


def keep_side(state: Clustering, groups: RunGroups, wanted: Iterable[int], name: str) -> Edit:
    """Keep some clusters as a side has them; see `domain.image_edits.keep_groups`.

    Args:
        state: The saved clusters.
        groups: The side's clusters, over the same images.
        wanted: Ids of those to keep.
        name: What the side is called: `run 2`.
    """
    return keep_groups(state, groups.labels, groups.clusters, wanted, name)

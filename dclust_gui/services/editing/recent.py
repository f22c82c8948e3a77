"""Where images were moved to last, as the history knows it: also after the project was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import EditKind

if TYPE_CHECKING:
    from dclust_gui.domain.edits import Edit
    from dclust_gui.services.session import ProjectSession

MOST_STEPS = 64
"""Steps that are looked at, the last ones; each takes a fraction of a millisecond to read."""


def recent_targets(session: ProjectSession, most: int = 9) -> tuple[int, ...]:
    """Clusters that images were moved to by hand, or that were made of them, the last first.

    To be asked once when a project is opened. Undone steps and clusters that are gone do not
    count, and neither do steps that moved images to several clusters.

    Args:
        session: The project.
        most: How many at most.

    Returns:
        Ids of present clusters.

    Raises:
        StorageError: If the history cannot be read.
    """
    steps = session.history.steps[: session.history.position]
    placed = [i for i, s in enumerate(steps) if s.kind in (EditKind.MOVE, EditKind.NEW)]
    present = session.saved_clustering.clusters
    found: dict[int, None] = {}
    for index in reversed(placed[-MOST_STEPS:]):
        target = _target_of(session.store.edit_at(index))
        if target in present:
            found.setdefault(target)
        if len(found) == most:
            break
    return tuple(found)


def _target_of(edit: Edit) -> int:
    """The one cluster that images came to; `UNASSIGNED` if there is none, or several."""
    if edit.kind is EditKind.NEW:
        return max(edit.clusters_after, default=UNASSIGNED)
    targets = np.unique(edit.labels_after)
    return int(targets[0]) if len(targets) == 1 else UNASSIGNED

"""Typical images of clusters, as the head of a run found them; kept with the run in its report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED

if TYPE_CHECKING:
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.runs import Run


def run_prototypes(run: Run | None) -> tuple[int, ...]:
    """The images that stand for what a run's head makes of its clusters.

    Args:
        run: The run; None for none.

    Returns:
        Image ids, the most typical of a cluster first; empty where the head makes nothing, or
        without a head.
    """
    if run is None:
        return ()
    head = json.loads(run.report).get("head")
    listed = head.get("prototypes") if isinstance(head, dict) else None
    if not isinstance(listed, list):
        return ()
    rows = [row for part in listed for row in part.get("rows", ())]
    n_rows = len(run.images)
    return tuple(int(run.images[r]) for r in rows if isinstance(r, int) and 0 <= r < n_rows)


def typical_images(
    prototypes: tuple[int, ...], clustering: Clustering, cluster: int
) -> tuple[int, ...]:
    """Those of a run's prototypes that are in a cluster now.

    Args:
        prototypes: Of `run_prototypes`.
        clustering: The clusters now; images that were moved count where they are.
        cluster: Its id; `UNASSIGNED` has none.

    Returns:
        Image ids, the most typical first.
    """
    if cluster == UNASSIGNED:
        return ()
    labels = clustering.labels
    return tuple(i for i in prototypes if i < len(labels) and int(labels[i]) == cluster)

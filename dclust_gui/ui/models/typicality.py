"""How typical each image is of the cluster it is in now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import ImageFlag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering


def typicality(confidence: NDArray[np.float32], clustering: Clustering) -> NDArray[np.float32]:
    """Confidence as a measure of how typical images are of their present clusters.

    A run's confidence is for the cluster that it chose; it says nothing of one chosen by hand.

    Args:
        confidence: float32 (n_images,), 0 to 1; NaN where the run did not have the image.
        clustering: The present labels and flags of the same images.

    Returns:
        float32 (n_images,); NaN for images placed by hand or by a proposal, too.
    """
    is_placed = (clustering.flags & np.uint8(ImageFlag.HAND_PLACED | ImageFlag.REFINED)) != 0
    values = confidence.copy()
    values[: len(is_placed)][is_placed[: len(values)]] = np.nan
    return values


def typical_members(
    typical: NDArray[np.float32], clustering: Clustering, cluster: int, n: int
) -> NDArray[np.int32]:
    """The images that are most typical of a cluster, the most typical first.

    Args:
        typical: float32 (n_images,), from `typicality`.
        clustering: The present labels.
        cluster: Its id, or `UNASSIGNED`.
        n: How many at most.

    Returns:
        int32 (up to n,), ids; those without a value come last.
    """
    members = clustering.members(cluster)
    values = np.nan_to_num(typical[members], nan=-1.0)
    if len(members) > 4 * n:
        chosen = np.sort(np.argpartition(-values, n)[:n])
        members, values = members[chosen], values[chosen]
    order = np.argsort(-values, kind="stable")[:n]
    return members[order].astype(np.int32)

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
        float32 (n_images,); NaN for images placed by hand, too.
    """
    is_placed = (clustering.flags & np.uint8(ImageFlag.HAND_PLACED)) != 0
    values = confidence.copy()
    values[: len(is_placed)][is_placed[: len(values)]] = np.nan
    return values

"""Stacks: images bound together, such as a burst, that share one cluster at all times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import NO_STACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering


def whole_stacks(stacks: NDArray[np.int32], ids: NDArray[np.int32]) -> NDArray[np.int32]:
    """The images with all that are bound to them.

    Args:
        stacks: int32 (n_images,), the stack of each image.
        ids: int32 (m,), ids; any order.

    Returns:
        int32, distinct, ascending; `ids` itself where no image of them is bound.
    """
    bound = np.unique(stacks[ids])
    bound = bound[bound != NO_STACK]
    if not len(bound):
        return ids
    return np.union1d(ids, np.flatnonzero(np.isin(stacks, bound))).astype(np.int32)


def stack_members(state: Clustering, image: int) -> NDArray[np.int32]:
    """The images bound to an image, itself among them: int32; itself alone if there are none."""
    stack = int(state.stacks[image])
    if stack == NO_STACK:
        return np.array([image], np.int32)
    return np.flatnonzero(state.stacks == stack).astype(np.int32)


def stack_count(stacks: NDArray[np.int32], ids: NDArray[np.int32]) -> int:
    """Number of stacks that some images are in."""
    bound = np.unique(stacks[ids])
    return int((bound != NO_STACK).sum())


def stack_sizes(stacks: NDArray[np.int32]) -> NDArray[np.int32]:
    """Images in the stack of each image: int32 (n_images,); 0 for those in none."""
    sizes = np.bincount(stacks)
    sizes[NO_STACK : NO_STACK + 1] = 0
    return sizes[stacks].astype(np.int32)


def followers(stacks: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which images are in a stack without being its first: bool (n_images,)."""
    _, first = np.unique(stacks, return_index=True)
    follows: NDArray[np.bool_] = stacks != NO_STACK
    follows[first] = False
    return follows


def agreed_labels(
    stacks: NDArray[np.int32], labels: NDArray[np.int32], *, without: int | None = None
) -> NDArray[np.int32]:
    """Labels with one for each stack: that of most of its images, of equals that of the first.

    Args:
        stacks: int32 (n_images,), the stack of each image.
        labels: int32 (n_images,), any labels.
        without: A label that does not count where a stack has another one; None for none.

    Returns:
        int32 (n_images,); `labels` itself where all stacks agree already.
    """
    bound = np.flatnonzero(stacks != NO_STACK)
    if not len(bound):
        return labels
    _, place = np.unique(stacks[bound], return_inverse=True)
    values, number = np.unique(labels[bound], return_inverse=True)
    pairs, first, counts = np.unique(
        place.astype(np.int64) * len(values) + number, return_index=True, return_counts=True
    )
    owner, value = pairs // len(values), values[pairs % len(values)]
    is_real = np.ones(len(pairs), np.bool_) if without is None else value != without
    # The last of each owner wins: real before others, then the most images, then the first.
    order = np.lexsort((-first, counts, is_real, owner))
    chosen = np.empty(int(owner.max()) + 1, labels.dtype)
    chosen[owner[order]] = value[order]
    if np.array_equal(chosen[place], labels[bound]):
        return labels
    agreed = labels.copy()
    agreed[bound] = chosen[place]
    return agreed

"""Decisions on stacks: bind, unbind, and the rule that no decision tears one apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import NO_STACK, UNASSIGNED, Clustering, ImageFlag
from dclust_gui.domain.edits import Edit, EditKind, count_of, distinct_ids, images_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.identity import decided_images
from dclust_gui.domain.stacks import agreed_labels, whole_stacks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_SAID = np.uint8(ImageFlag.HAND_PLACED | ImageFlag.APPROVED)
_BRACKET = np.uint8(ImageFlag.BRACKET)


@dataclass(frozen=True, slots=True)
class Binding:
    """Images that shall be one stack.

    Attributes:
        images: Their ids.
        is_bracket: They are one subject at several exposures.
    """

    images: tuple[int, ...]
    is_bracket: bool = False


def bind(state: Clustering, bindings: Sequence[Binding]) -> Edit:
    """Bind images into stacks; stacks that some of them are in already grow together.

    All images of a stack go to one cluster: that of the images placed by hand, approved or
    pinned among them, else that of most that are not Unassigned. What was said of one image,
    that it was placed by hand or approved, is said of the whole stack from now on.

    Args:
        state: The present state.
        bindings: The stacks; at least one.

    Raises:
        InputError: If a stack would have fewer than two images.
    """
    stacks = _bound(state.stacks, bindings)
    touched = np.isin(stacks, stacks[[i for b in bindings for i in b.images]])
    flags = state.flags.copy()
    numbers = stacks[touched]
    said = np.zeros(int(numbers.max()) + 1, np.uint8)
    np.bitwise_or.at(said, numbers, flags[touched] & _SAID)
    for binding in bindings:
        if binding.is_bracket:
            said[stacks[binding.images[0]]] |= _BRACKET
    flags[touched] = (flags[touched] & ~_BRACKET) | said[numbers]
    labels = _common_labels(state, stacks, touched)
    ids = np.flatnonzero(touched).astype(np.int32)
    n_stacks = len(np.unique(stacks[ids]))
    kind = "bracket" if all(b.is_bracket for b in bindings) else "stack"
    what = f"a {kind}" if n_stacks == 1 else count_of(n_stacks, kind)
    title = f"bind {count_of(len(ids))} as {what}"
    return _edit(state, EditKind.BIND, title, ids, labels, flags, stacks)


def unbind(state: Clustering, images: Iterable[int]) -> Edit:
    """Take the stacks of some images apart; all stay in their cluster.

    Args:
        state: The present state.
        images: Ids; one of a stack is enough.

    Raises:
        InputError: If none of them is in a stack.
    """
    ids = whole_stacks(state.stacks, distinct_ids(images))
    ids = ids[state.stacks[ids] != NO_STACK]
    if not len(ids):
        raise InputError("There is nothing to unbind.", "None of these images is in a stack.")
    stacks, flags = state.stacks.copy(), state.flags.copy()
    stacks[ids] = NO_STACK
    flags[ids] &= ~_BRACKET
    title = f"unbind {images_of(state, ids)}"
    return _edit(state, EditKind.UNBIND, title, ids, state.labels, flags, stacks)


def kept_together(state: Clustering, edit: Edit) -> Edit:
    """A decision with the images of each stack in one cluster, that of most of them.

    Args:
        state: The state it was made for.
        edit: Any decision but one that binds.

    Returns:
        The edit itself where it tears no stack apart.
    """
    if not state.stacks.any() or not len(edit.images) or len(edit.stacks_before):
        return edit
    labels, flags = state.labels.copy(), state.flags.copy()
    labels[edit.images] = edit.labels_after
    agreed = agreed_labels(state.stacks, labels)
    if agreed is labels:
        return edit
    flags[edit.images] = edit.flags_after
    torn = np.isin(state.stacks, state.stacks[agreed != labels])
    numbers = state.stacks[torn]
    gained = np.zeros(int(numbers.max()) + 1, np.uint8)
    np.bitwise_or.at(gained, numbers, (flags & ~state.flags)[torn])
    moved = (agreed != state.labels)[torn]
    flags[torn] = np.where(moved, flags[torn] | gained[numbers], state.flags[torn])
    changed = np.flatnonzero((agreed != state.labels) | (flags != state.flags))
    ids = np.union1d(edit.images, changed).astype(np.int32)
    # Clusters that were made for images of which a stack has taken the last.
    void = set(np.unique(edit.labels_after).tolist()) - set(np.unique(agreed).tolist())
    void = {key for key in void if key in edit.clusters_after and key not in state.clusters}
    return replace(
        edit,
        clusters_before={k: v for k, v in edit.clusters_before.items() if k not in void},
        clusters_after={k: v for k, v in edit.clusters_after.items() if k not in void},
        images=ids,
        labels_before=state.labels[ids],
        labels_after=agreed[ids].astype(np.int32),
        flags_before=state.flags[ids],
        flags_after=flags[ids],
    )


def _bound(stacks: NDArray[np.int32], bindings: Sequence[Binding]) -> NDArray[np.int32]:
    """Stacks of all images with the new ones, which take in those that they touch.

    Raises:
        InputError: If one would have fewer than two images.
    """
    number = int(stacks.max(initial=NO_STACK))
    found = stacks.copy()
    for binding in bindings:
        number += 1
        ids = np.array(binding.images, np.int32)
        if found[ids].any():
            ids = whole_stacks(found, ids)
        if len(set(ids.tolist())) < 2:
            raise InputError("A stack needs two images or more.", "", "Select more images.")
        own = found[ids]
        if own[0] == NO_STACK or (own != own[0]).any():
            found[ids] = number
    return found


def _common_labels(
    state: Clustering, stacks: NDArray[np.int32], touched: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Labels of all images with one for each new stack."""
    ignored = np.int32(np.iinfo(np.int32).min)
    is_decided = decided_images(state)
    has_decided = np.isin(stacks, stacks[is_decided & touched])
    votes = np.where(has_decided & ~is_decided, ignored, state.labels)
    votes = np.where(~has_decided & (votes == UNASSIGNED), ignored, votes).astype(np.int32)
    agreed = agreed_labels(np.where(touched, stacks, NO_STACK), votes, without=int(ignored))
    labels = np.where(touched & (agreed != ignored), agreed, state.labels)
    return labels.astype(np.int32)


def _edit(
    state: Clustering,
    kind: EditKind,
    title: str,
    ids: NDArray[np.int32],
    labels: NDArray[np.int32],
    flags: NDArray[np.uint8],
    stacks: NDArray[np.int32],
) -> Edit:
    return Edit(
        kind,
        title,
        ids,
        state.labels[ids],
        labels[ids],
        state.flags[ids],
        flags[ids],
        run_before=state.run_id,
        run_after=state.run_id,
        stacks_before=state.stacks[ids],
        stacks_after=stacks[ids],
    )

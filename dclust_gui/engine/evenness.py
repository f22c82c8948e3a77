"""What a run knows beforehand of the sizes of its groups: similar, uneven, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import HEAD_PREFIX, Sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.method import Method
    from dclust_gui.domain.runs import RunSettings

METHODS = {Sizes.EVEN: "balanced-kmeans", Sizes.UNEVEN: "uneven-kmeans"}
"""What takes the place of k-means."""

PARAMETERS = {
    "size_prior": {Sizes.EVEN: "0.0", Sizes.UNEVEN: "1.0"},
    "exponent": {Sizes.EVEN: "1.0", Sizes.UNEVEN: "0.5"},
}
"""Settings of heads that hold the sizes, and what they become unless they are set."""

LEARNS_SIZES = frozenset({"vade"})
"""Heads whose clusters have weights of their own."""


def check_sizes(settings: RunSettings) -> None:
    """Refuse a wish that does not exist.

    Raises:
        InputError: If so.
    """
    if settings.sizes not in set(Sizes):
        names = ", ".join(Sizes)
        raise InputError(f"There is no --sizes '{settings.sizes}'.", "", f"Choose one of: {names}.")


def with_sizes(settings: RunSettings) -> RunSettings:
    """The settings with the method or the head's settings that the wish stands for.

    Args:
        settings: Algorithm and head as they are used.

    Raises:
        InputError: If method or head cannot follow the wish.
    """
    check_sizes(settings)
    wish = Sizes(settings.sizes)
    if wish is Sizes.AUTO:
        return settings
    if settings.algorithm == "auto":
        return _with_head(settings, wish)
    if settings.algorithm in ("kmeans", METHODS[wish]):
        return replace(settings, algorithm=METHODS[wish])
    from dclust_gui.algorithms.registry import method

    raise InputError(
        f"Could not make {_WORDS[wish]} with {method(settings.algorithm).title}.",
        "Only k-means and heads follow a wish for the sizes of groups.",
        "Leave the method on auto, or leave the wish out.",
    )


_WORDS = {Sizes.EVEN: "groups of similar size", Sizes.UNEVEN: "groups of uneven size"}


def _with_head(settings: RunSettings, wish: Sizes) -> RunSettings:
    from dclust_gui.algorithms.registry import head

    chosen = head(settings.head)
    names = [p.name for p in chosen.parameters if p.name in PARAMETERS]
    if not follows(chosen, wish):
        raise InputError(
            f"Could not make {_WORDS[wish]} with {chosen.title}.",
            "It has no setting for that."
            if chosen.needs_k
            else "It finds the groups with their sizes by itself.",
            f"Leave the wish out, or choose {_followers(wish)}.",
        )
    parameters = dict(settings.parameters)
    for name in names:
        parameters.setdefault(f"{HEAD_PREFIX}{name}", PARAMETERS[name][wish])
    return replace(settings, parameters=parameters)


def _followers(wish: Sizes) -> str:
    """Heads that can follow a wish, as `DEC, IDEC or VaDE`; not those that follow it always."""
    from dclust_gui.algorithms.registry import heads

    titles = [h.title for h in heads() if follows(h, wish) and follows(h, Sizes.UNEVEN)]
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


def follows(chosen: Method, wish: Sizes) -> bool:
    """Whether a head can follow a wish: uneven by a setting or its nature, even always.

    A head that finds the number of clusters itself has no size to aim at.
    """
    if wish is Sizes.EVEN:
        return chosen.needs_k
    return chosen.name in LEARNS_SIZES or any(p.name in PARAMETERS for p in chosen.parameters)


def even_labels(soft: NDArray[np.floating], labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """The likeliest clusters of images under which all clusters are of similar size.

    Args:
        soft: (m, k), memberships, rows sum to 1.
        labels: int32 (m,), the head's own; negative ones stay.

    Returns:
        int32 (m,).
    """
    from dclust_gui.algorithms.sizes import bounded_labels, size_bounds

    found = labels.copy()
    inside = np.flatnonzero(labels >= 0)
    k = soft.shape[1]
    if len(inside) < k:
        return found
    costs = -np.log(np.maximum(soft[inside].astype(np.float64), 1e-12))
    found[inside] = bounded_labels(costs, *size_bounds(len(inside), k))
    return found

"""Groups of near-copies: each has a centre that all of its members are like.

Single linkage lets chains run away (A is like B, B like C, A nothing like C). Complete linkage
needs all pairs of a group, n * n of them for n equal images. A star needs each member to be like
one image, the best copy, which is also what a person wants to know: "is this a copy of that?".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Compare = Callable[[int, "NDArray[np.int64]"], "NDArray[np.float32]"]
"""Gives the similarity of a node with some others."""

Prefer = Callable[["list[int]"], int]
"""Chooses one of some nodes."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of nodes that were compared.

    Attributes:
        left: int64 (p,), nodes.
        right: int64 (p,), other nodes; each pair stands once.
        similarity: float32 (p,).
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    similarity: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Star:
    """A group.

    Attributes:
        centre: The node that all others are like.
        members: int64 (m,), the others, the most similar first.
        similarity: float32 (m,), of each with the centre.
    """

    centre: int
    members: NDArray[np.int64]
    similarity: NDArray[np.float32]


def star_groups(
    order: NDArray[np.int64],
    pairs: Pairs,
    threshold: float,
    compare: Compare,
    prefer: Prefer | None = None,
    check: Callable[[], None] | None = None,
) -> list[Star]:
    """Group nodes round centres; no node is in two groups.

    The first node of `order` that is left becomes a centre. Its group grows along the pairs: who
    is like the centre itself joins, and so may bring in nodes that it was compared with and the
    centre was not. Each pair is followed once in each direction, so n equal nodes with k
    neighbours each cost n * k comparisons, not n * n.

    Args:
        order: All nodes, 0 to n - 1, the best first.
        pairs: Pairs that were compared; those below the threshold do no harm.
        threshold: Least similarity of a member with its centre.
        compare: Asked for pairs that are not there.
        prefer: Chooses the best of a group's nodes when a closer look at them pays; the group is
            then made round that one, and who is not like it is left for other groups. None for
            the centre that was there.
        check: Called now and then; may raise `Cancelled`.

    Returns:
        Groups of two and more, in the order of their centres.
    """
    graph = _Graph.of(pairs, threshold, len(order))
    is_free = np.ones(len(order), bool)
    stars = []
    for centre in order.tolist():
        if not is_free[centre] or graph.starts[centre] == graph.starts[centre + 1]:
            continue
        if check is not None:
            check()
        is_free[centre] = False
        members = _grown(centre, graph, is_free, threshold, compare)
        if not members:
            continue
        best = centre if prefer is None else prefer([centre, *members])
        if best != centre:
            is_free[[centre, *members]] = True
            is_free[best] = False
            members = _grown(best, graph, is_free, threshold, compare)
            centre = best  # noqa: PLW2901 -- the same group
        nodes = np.fromiter(members, np.int64, len(members))
        values = np.fromiter(members.values(), np.float32, len(members))
        rank = np.lexsort((nodes, -values))
        stars.append(Star(centre, nodes[rank], values[rank]))
    return stars


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    """Pairs above the threshold by node: those of node i lie from starts[i] to starts[i + 1]."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    similarity: NDArray[np.float32]

    @classmethod
    def of(cls, pairs: Pairs, threshold: float, n_nodes: int) -> _Graph:
        keep = pairs.similarity >= threshold
        left, right, value = pairs.left[keep], pairs.right[keep], pairs.similarity[keep]
        source, target = np.concatenate([left, right]), np.concatenate([right, left])
        order = np.lexsort((target, source))
        starts = np.zeros(n_nodes + 1, np.int64)
        np.cumsum(np.bincount(source, minlength=n_nodes), out=starts[1:])
        return cls(starts, target[order], np.concatenate([value, value])[order])

    def around(self, node: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        part = slice(self.starts[node], self.starts[node + 1])
        return self.ends[part], self.similarity[part]


def _grown(
    centre: int,
    graph: _Graph,
    is_free: NDArray[np.bool_],
    threshold: float,
    compare: Compare,
) -> dict[int, float]:
    """Members of a centre's group with their similarity; takes them out of the free ones."""
    near, value = graph.around(centre)
    known = dict(zip(near.tolist(), value.tolist(), strict=True))
    members: dict[int, float] = {}
    seen = {centre}
    front = [n for n in known if is_free[n]]
    while front:
        seen.update(front)
        unknown = np.array([n for n in front if n not in known], np.int64)
        if len(unknown):
            known.update(zip(unknown.tolist(), compare(centre, unknown).tolist(), strict=True))
        joined = [n for n in front if known[n] >= threshold]
        for node in joined:
            members[node] = known[node]
            is_free[node] = False
        reached = {other for node in joined for other in graph.around(node)[0].tolist()}
        front = sorted(n for n in reached - seen if is_free[n])
    return members

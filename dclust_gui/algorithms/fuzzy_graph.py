"""The weighted graph of nearest neighbours that a layout follows, and its leading eigenvectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial.distance import cdist

from dclust_gui.algorithms.base import Callback, FloatArray, report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.algorithms.knn import Neighbours

BISECTIONS = 64
LEAST_SCALE = 1e-3
"""Least width of a kernel over the mean distance to the neighbours."""
WEAK = 0.1
"""Weight of an edge that only holds components together."""
DENSE_UP_TO = 200
"""Up to so many images all eigenvectors are computed."""
ROUNDS = 4
DEGREE = 20
"""Rounds of the eigenvector search, and matrix products in each."""
SPARE = 6
MOST_MEMBERS = 1_000
MOST_COMPONENTS = 2_000
"""Above so many components they are joined in a chain instead of by their nearest."""


def fuzzy_graph(neighbours: Neighbours) -> sparse.csr_array:
    """Symmetric weights of the edges between neighbours, in (0, 1].

    Args:
        neighbours: Of n images, `count` each.

    Returns:
        float32 (n, n) with sorted indices: exp(-max(0, d - rho) / sigma) with rho the least
        distance above 0 and sigma such that a row sums to log2(count), and for both directions
        a and b of an edge a + b - a b.

    Source:
        McInnes, Healy, Melville, "UMAP", arXiv 1802.03426, section 3.1.
    """
    total, count = neighbours.indices.shape
    if not count:
        return sparse.csr_array((total, total), dtype=np.float32)
    weights = _memberships(neighbours.distances.astype(np.float64))
    starts = np.arange(0, total * count + 1, count)
    shape = (total, total)
    one_way = sparse.csr_array((weights.ravel(), neighbours.indices.ravel(), starts), shape=shape)
    other = one_way.T.tocsr()
    graph = (one_way + other - one_way * other).astype(np.float32)
    graph.eliminate_zeros()
    graph.sort_indices()
    return graph


def _memberships(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of each neighbour; the kernel's width by bisection."""
    positive = np.where(distances > 0, distances, np.inf).min(axis=1)
    rho = np.where(np.isfinite(positive), positive, 0.0)
    beyond = np.maximum(distances - rho[:, None], 0.0)
    target = np.log2(max(2, distances.shape[1]))
    low, high = np.zeros(len(distances)), np.full(len(distances), np.inf)
    sigma = np.maximum(beyond.mean(axis=1), 1e-12)
    for _ in range(BISECTIONS):
        is_large = np.exp(-beyond / sigma[:, None]).sum(axis=1) > target
        high = np.where(is_large, sigma, high)
        low = np.where(is_large, low, sigma)
        sigma = np.where(np.isfinite(high), (low + high) / 2, np.minimum(2 * sigma, 1e30))
    least = LEAST_SCALE * np.where(rho > 0, distances.mean(axis=1), distances.mean())
    sigma = np.maximum(sigma, np.maximum(least, 1e-12))
    weights: NDArray[np.float64] = np.exp(-beyond / sigma[:, None])
    return weights


def connected(graph: sparse.csr_array, features: FloatArray) -> sparse.csr_array:
    """The graph with weak edges between its components, so that it holds together.

    Args:
        graph: (n, n), symmetric.
        features: (n, d), whose distances say which components are near.
    """
    count, part = csgraph.connected_components(graph, directed=False)
    if count == 1:
        return graph
    sizes = np.bincount(part)
    order = np.argsort(part, kind="stable")
    starts = np.cumsum(sizes) - sizes
    members = [_thinned(rows) for rows in np.split(order, starts[1:])]
    centres = np.stack([features[rows].mean(axis=0) for rows in members])
    pairs = np.stack([np.arange(count - 1), np.arange(1, count)], 1)
    if count <= MOST_COMPONENTS:
        between = cdist(centres, centres)
        # the tree leaves edges of length 0 out; equal centres are as near as can be
        tree = csgraph.minimum_spanning_tree(between + between.max() * 1e-6 + 1e-30)
        pairs = np.stack(tree.nonzero(), 1)
    ends = np.empty((len(pairs), 2), dtype=np.int64)
    for row, (one, two) in enumerate(pairs.tolist()):
        for side, (mine, other) in enumerate(((one, two), (two, one))):
            squared = ((features[members[mine]] - centres[other]) ** 2).sum(axis=1)
            ends[row, side] = members[mine][int(squared.argmin())]
    weak = np.full(len(ends), WEAK, dtype=np.float32)
    bridge = sparse.coo_array((weak, (ends[:, 0], ends[:, 1])), shape=graph.shape)
    joined: sparse.csr_array = (graph + bridge + bridge.T).tocsr()
    return joined


def _thinned(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most MOST_MEMBERS of the rows, evenly: enough to say where a component lies."""
    return rows[:: -(-len(rows) // MOST_MEMBERS)]


def leading_vectors(
    graph: sparse.csr_array, count: int, *, seed: int = 0, callback: Callback | None = None
) -> NDArray[np.float32]:
    """Eigenvectors of the normalised graph with the largest eigenvalues but the first.

    Args:
        graph: (n, n), symmetric, connected.
        count: Wanted number.
        seed: Of the search's start.
        callback: Called with (done, total); may raise `Cancelled`.

    Returns:
        float32 (n, at most count) of length 1, good enough to start a layout from; fewer where
        n is not above `count`.

    Source:
        Zhou, Saad, Tiago, Chelikowsky, "Self-consistent-field calculations using
        Chebyshev-filtered subspace iteration", J. Comput. Phys. 219, 2006.
    """
    total = graph.shape[0]
    weight = np.maximum(np.asarray(graph.sum(axis=1), dtype=np.float64), 1e-12)
    scale = sparse.diags_array((1.0 / np.sqrt(weight)).astype(np.float32))
    normal = (scale @ graph @ scale).tocsr()
    if total <= max(DENSE_UP_TO, 2 * (count + SPARE)):
        vectors = np.linalg.eigh(normal.toarray().astype(np.float64))[1][:, ::-1]
        return _fixed_signs(vectors[:, 1 : count + 1])
    width = count + 1 + SPARE
    block = np.random.default_rng(seed).normal(size=(total, width)).astype(np.float32)
    block[:, 0] = np.sqrt(weight)
    values = np.zeros(width)
    for turn in range(ROUNDS + 1):
        block = np.linalg.qr(block)[0].astype(np.float32)
        image = normal @ block
        values, turned = np.linalg.eigh(((block.T @ image) + (block.T @ image).T).astype(float) / 2)
        block, image = block @ turned.astype(np.float32), image @ turned.astype(np.float32)
        if turn < ROUNDS:
            report(callback, turn, ROUNDS)
            block = _filtered(normal, block, image, float(values[0]))
    return _fixed_signs(block[:, ::-1][:, 1 : count + 1])


def _filtered(
    normal: sparse.csr_array, block: NDArray[np.float32], image: NDArray[np.float32], edge: float
) -> NDArray[np.float32]:
    """Chebyshev's polynomial of the graph times a block: damps eigenvalues from -1 to `edge`."""
    edge = min(max(edge, -0.9), 1.0 - 1e-4)
    half, centre = np.float32((edge + 1.0) / 2.0), np.float32((edge - 1.0) / 2.0)
    # scaled at each step so that the value at 1 stays 1
    first = half / (np.float32(1.0) - centre)
    before, ratio = block, first
    now = (image - centre * block) * (ratio / half)
    for _ in range(DEGREE - 1):
        following = np.float32(1.0) / (np.float32(2.0) / first - ratio)
        step = (normal @ now - centre * now) * (2.0 * following / half)
        before, now = now, step - (ratio * following) * before
        ratio = following
    return np.asarray(now, dtype=np.float32)


def _fixed_signs(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The largest entry of each vector positive."""
    if not vectors.size:
        return vectors.astype(np.float32)
    largest = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return (vectors * np.where(signs == 0, 1.0, signs)).astype(np.float32)

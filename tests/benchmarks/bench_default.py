"""Small changes to the default pipeline on kept features, k given: does any of them win?

`python tests/benchmarks/bench_default.py DIR [--seeds 5]`: DIR holds files
`NAME.npz` with `features` (n, d) and `labels` (n,). Prints a Markdown table: mean accuracy and NMI
over the sets and seeds, the difference to the default run with the same seed, the standard error
of that difference over the seeds, and on how many sets it is positive.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import sparse
from scipy.cluster.hierarchy import fcluster

from dclust_gui.algorithms.distances import normalise_rows, scale_features
from dclust_gui.algorithms.fuzzy_graph import connected, fuzzy_graph, leading_vectors
from dclust_gui.algorithms.hierarchy import linkage
from dclust_gui.algorithms.knn import Neighbours, nearest_neighbours
from dclust_gui.algorithms.lloyd import lloyd, prepare
from dclust_gui.algorithms.measures import external_measures
from dclust_gui.algorithms.mixture import GaussianMixture
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.reduce import PCA
from dclust_gui.algorithms.umap import graph_layout, neighbour_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Labels = NDArray[np.integer]

MOST_NEIGHBOURS = 30
VOTES = 5


class Collection:
    """One set of features and what all variants share."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as kept:
            self.features = kept["features"].astype(np.float32)
            self.truth = kept["labels"]
        self.name = path.name.partition(".")[0]
        self.k = len(np.unique(self.truth))
        self.rows = scale_features(self.features, "centre-l2")[0]
        self.near = nearest_neighbours(self.rows, MOST_NEIGHBOURS)
        self.count = neighbour_count(len(self.rows))

    def layout(self, seed: int, *, count: int = 0, dims: int = 10, min_dist: float = 0.0) -> Floats:
        """The default layout but for what is said."""
        graph = fuzzy_graph(self.near.first(count or self.count))
        return graph_layout(graph, self.rows, dims, min_dist=min_dist, seed=seed)

    def layout_of(self, near: Neighbours, rows: Floats, seed: int) -> Floats:
        """A layout of other neighbours."""
        return graph_layout(fuzzy_graph(near), rows, 10, seed=seed)


def variants(one: Collection, seed: int) -> Iterator[tuple[str, Labels]]:
    """Each variant's name and its clusters; the default first."""
    base, k = one.layout(seed), one.k
    default = KMeans(k, random_state=seed).fit(base).labels_
    yield "default: 20 or 12 neighbours, UMAP-10, k-means", default
    yield from of_one_layout(one, base, default, seed)
    for count in (12, 15, 30):
        if count != one.count:
            layout = one.layout(seed, count=count)
            yield f"{count} neighbours", KMeans(k, random_state=seed).fit(layout).labels_
        else:
            yield f"{count} neighbours", default
    for dims in (5, 15):
        layout = one.layout(seed, dims=dims)
        yield f"UMAP-{dims}", KMeans(k, random_state=seed).fit(layout).labels_
    layout = one.layout(seed, min_dist=0.1)
    yield "least distance 0.1", KMeans(k, random_state=seed).fit(layout).labels_
    for name, near, rows in other_neighbours(one):
        layout = one.layout_of(near, rows, seed)
        yield name, KMeans(k, random_state=seed).fit(layout).labels_
    for name, graph in other_graphs(one):
        layout = graph_layout(graph, one.rows, 10, seed=seed)
        yield name, KMeans(k, random_state=seed).fit(layout).labels_
    yield from of_three_layouts(one, base, default, seed)


def of_one_layout(
    one: Collection, base: Floats, default: Labels, seed: int
) -> Iterator[tuple[str, Labels]]:
    """Other clusterings of the default's layout or graph."""
    k = one.k
    for n_init in (1, 10, 100):
        labels = KMeans(k, n_init=n_init, random_state=seed).fit(base).labels_
        yield f"{n_init} restart{'s' * (n_init > 1)}", labels
    ward = fcluster(linkage(base.astype(np.float64), "ward"), k, "maxclust") - 1
    yield "Ward", ward
    yield "k-means from Ward's clusters", started_from(base, ward)
    mixture = GaussianMixture(k, random_state=seed).fit(base)
    yield "Gaussian mixture", mixture.labels_
    vectors = leading_vectors(connected(fuzzy_graph(one.near.first(one.count)), one.rows), k)
    vectors = np.ascontiguousarray(vectors)
    normalise_rows(vectors)
    yield "spectral, same graph", KMeans(k, random_state=seed).fit(vectors).labels_
    yield "votes of the neighbours afterwards", voted(one.near.first(one.count), default, k)


def started_from(rows: Floats, labels: Labels) -> Labels:
    """k-means from the means of given clusters."""
    tensor, mean = prepare(rows, "cpu")
    centres = np.stack([rows[labels == c].mean(axis=0) for c in range(labels.max() + 1)]) - mean
    seeds = torch.from_numpy(centres.astype(np.float32))[None]
    return lloyd(tensor, seeds, max_iter=300, tol=1e-4).labels


def voted(near: Neighbours, labels: Labels, k: int) -> Labels:
    """Each image takes the cluster that most of its neighbours and itself have, some rounds."""
    for _ in range(VOTES):
        chosen = np.eye(k)[labels]
        labels = (chosen[near.indices].sum(axis=1) + chosen).argmax(axis=1)
    return labels


def other_neighbours(one: Collection) -> Iterator[tuple[str, Neighbours, Floats]]:
    """Neighbours in another space or by another distance, and the rows."""
    narrow = PCA(64).fit(one.rows).transform(one.rows)
    yield "PCA-64 first", nearest_neighbours(narrow, one.count), narrow
    plain = scale_features(one.features, "l2")[0]
    yield "not centred", nearest_neighbours(plain, one.count), plain
    roots = scale_features(np.sqrt(np.maximum(one.features, 0)), "centre-l2")[0]
    yield "square roots of the features", nearest_neighbours(roots, one.count), roots
    reach = one.near.distances[:, 6]
    scaled = one.near.distances / np.sqrt(reach[:, None] * reach[one.near.indices])
    order = np.argsort(scaled, axis=1, kind="stable")
    local = Neighbours(
        np.take_along_axis(one.near.indices, order, 1),
        np.take_along_axis(scaled, order, 1).astype(np.float32),
    )
    yield "distances scaled locally", local.first(one.count), one.rows


def other_graphs(one: Collection) -> Iterator[tuple[str, sparse.csr_array]]:
    """Graphs of other edges."""
    ones = one_way(one.near)
    wide = fuzzy_graph(one.near)
    mutual = (ones * ones.T) * wide
    yield "mutual neighbours among 30", sorted_graph(mutual)
    ones = one_way(one.near.first(one.count)) + sparse.eye_array(len(one.rows))
    shared = (ones @ ones.T) * ones.maximum(ones.T)
    shared = shared - sparse.diags_array(shared.diagonal())
    shared = shared / float(one.count)
    yield "weights by shared neighbours", sorted_graph(shared)


def one_way(near: Neighbours) -> sparse.csr_array:
    """1 where an image has a neighbour."""
    total, count = near.indices.shape
    starts = np.arange(0, total * count + 1, count)
    ones = np.ones(total * count)
    return sparse.csr_array((ones, near.indices.ravel(), starts), shape=(total, total))


def sorted_graph(graph: sparse.sparray) -> sparse.csr_array:
    """As a layout wants it."""
    found = sparse.csr_array(graph).astype(np.float32)
    found.eliminate_zeros()
    found.sort_indices()
    return found


def of_three_layouts(
    one: Collection, base: Floats, default: Labels, seed: int
) -> Iterator[tuple[str, Labels]]:
    """Ensembles: layouts side by side, and clusters by agreement."""
    k = one.k
    layouts = [base, *(one.layout(1000 + 10 * seed + i) for i in range(2))]
    beside = np.concatenate([part - part.mean(axis=0) for part in layouts], axis=1)
    yield "3 layouts side by side", KMeans(k, random_state=seed).fit(beside).labels_
    fits = [KMeans(k, random_state=seed).fit(part) for part in layouts]
    noise = np.random.default_rng(seed).normal(0, 1e-3, (len(base), 3 * k))
    votes = np.concatenate([np.eye(k)[fit.labels_] for fit in fits], axis=1) + noise
    votes = votes.astype(np.float32)
    yield "agreement of 3 layouts", KMeans(k, random_state=seed).fit(votes).labels_
    spread = [
        fit.inertia_ / float(((p - p.mean(axis=0)) ** 2).sum())
        for fit, p in zip(fits, layouts, strict=True)
    ]
    yield "the tightest of 3 layouts", fits[int(np.argmin(spread))].labels_


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sets = [Collection(path) for path in sorted(options.folder.glob("*.npz"))]
    scores: dict[str, list[list[tuple[float, float]]]] = defaultdict(list)
    for seed in range(options.seeds):
        for one in sets:
            for name, labels in variants(one, seed):
                found = external_measures(np.asarray(labels, np.int32), one.truth)
                if not scores[name] or len(scores[name][-1]) == len(sets):
                    scores[name].append([])
                scores[name][-1].append((found.accuracy, found.nmi))
        stream = sys.stdout if seed + 1 == options.seeds else sys.stderr
        stream.write(table(scores, [one.name for one in sets]))
        stream.flush()


def table(scores: dict[str, list[list[tuple[float, float]]]], names: list[str]) -> str:
    """The table as far as it is known."""
    lines = [
        f"Sets: {', '.join(names)}",
        "",
        "| variant | ACC | NMI | ACC - default | NMI - default | sets better (ACC) |",
        "|---" * 6 + "|",
    ]
    reference = np.array(next(iter(scores.values())))  # (seeds, sets, 2)
    for name, values in scores.items():
        found = np.array(values)
        gap = (found - reference).mean(axis=1)  # (seeds, 2)
        error = gap.std(axis=0, ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.zeros(2)
        accuracy, nmi = found.mean(axis=(0, 1))
        better = int(((found - reference).mean(axis=0)[:, 0] > 0).sum())
        cells = [f"{m:+.4f} ± {e:.4f}" for m, e in zip(gap.mean(axis=0), error, strict=True)]
        lines.append(f"| {name} | {accuracy:.4f} | {nmi:.4f} | {' | '.join(cells)} | {better} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

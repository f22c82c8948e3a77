"""Exact neighbours and UMAP-10 on generated features; umap-learn is timed where it is installed.

`python tests/benchmarks/bench_umap.py [COUNT] [WIDTH]` prints seconds; the project's own pytest
options leave benchmarks out.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from dclust_gui.algorithms.fuzzy_graph import fuzzy_graph
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.umap import graph_layout, neighbour_count


def generated(count: int, width: int) -> np.ndarray:
    """Rows of length 1 on sixteen-dimensional clusters, with noise."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(20, 16)) * 2
    inner = centres[random.integers(0, 20, count)] + random.normal(size=(count, 16))
    rows = np.maximum(inner @ random.normal(size=(16, width)), 0).astype(np.float32)
    rows += 0.5 * random.normal(size=rows.shape).astype(np.float32)
    rows -= rows.mean(axis=0)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def ours(rows: np.ndarray) -> tuple[float, float]:
    """Seconds for the neighbours, and for graph and layout."""
    started = time.perf_counter()
    near = nearest_neighbours(rows, neighbour_count(len(rows)))
    between = time.perf_counter()
    graph_layout(fuzzy_graph(near), rows, 10)
    return between - started, time.perf_counter() - between


def peer(rows: np.ndarray) -> float:
    """Seconds of umap-learn, its second run in the process."""
    umap = import_module("umap")
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        umap.UMAP(n_components=10, n_neighbors=20, min_dist=0.0).fit_transform(rows)
        seconds = time.perf_counter() - started
    return seconds


def main() -> None:
    """Print the times."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    width = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    rows = generated(count, width)
    ours(rows[:1000])
    search, layout = ours(rows)
    write = sys.stdout.write
    write(f"{count:,} x {width}: neighbours {search:.2f} s, graph and layout {layout:.2f} s\n")
    if find_spec("umap") is not None:
        write(f"umap-learn, warm: {peer(rows):.2f} s\n")


if __name__ == "__main__":
    main()

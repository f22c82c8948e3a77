"""What a wish for even or uneven groups gains and costs: ACC and NMI of the default pipeline.

`python tests/benchmarks/bench_sizes.py [--features DIR] [--seeds 0 1 2] [--results FILE]` lays each
set of features out as the default pipeline does (centre + L2, UMAP-10), groups the layout in every
way with the true number of clusters, and prints a table. DIR holds NAME.npz files with `features`
(n, d) and `labels`. The sets are told apart by how even their classes are, which a user may know.
How uneven groups are found was chosen among a dozen ways on these very sets, so its gains are
optimistic.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms import UMAP, BalancedKMeans, KMeans, UnevenKMeans
from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.measures import external_measures
from dclust_gui.compute.threads import use_threads
from dclust_gui.services.bench.results import write_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

FEATURES = Path(__file__).parents[3] / "shared" / "data" / "features"
TITLE = "Groups of similar and of uneven size"
WAYS = {"auto (k-means)": KMeans, "even": BalancedKMeans, "uneven": UnevenKMeans}
NOTE = (
    "Default pipeline (UMAP-10, one layout a seed) with the true number of clusters; ACC / NMI, "
    "means over the seeds +- standard error of ACC, then the largest and smallest cluster. "
    "Evenness is the entropy of the class sizes over that of equal ones: 1 is even."
)


@dataclass(frozen=True, slots=True)
class Result:
    """One way on one set with one seed."""

    data: str
    evenness: float
    way: str
    accuracy: float
    nmi: float
    largest: int
    smallest: int


def evenness(truth: NDArray[np.integer]) -> float:
    """Entropy of the sizes over the greatest there can be, 0 to 1."""
    share = np.bincount(truth) / len(truth)
    return float(-(share * np.log(share)).sum() / np.log(len(share)))


def results(folder: Path, seeds: list[int]) -> Iterator[Result]:
    """Every way on every set with every seed."""
    for path in sorted(folder.glob("*.npz"), key=lambda p: p.stat().st_size):
        with np.load(path) as data:
            features = data["features"].astype(np.float16)
            truth = np.unique(data["labels"], return_inverse=True)[1]
        rows = scale_features(features, "centre-l2")[0]
        k = int(truth.max()) + 1
        for seed in seeds:
            layout = UMAP(10, random_state=seed).fit(rows).embedding_
            for way, kind in WAYS.items():
                labels = kind(k, random_state=seed).fit(layout).labels_
                found = external_measures(labels, truth)
                sizes = np.bincount(labels)
                yield Result(
                    path.name.split(".")[0],
                    evenness(truth),
                    way,
                    float(found.accuracy),
                    float(found.nmi),
                    int(sizes.max()),
                    int(sizes.min()),
                )


def table(found: list[Result]) -> str:
    """Markdown: a row for each set, the most even first."""
    names = sorted({(-r.evenness, r.data) for r in found})
    lines = ["| set | evenness | " + " | ".join(WAYS) + " |", "|---" * (len(WAYS) + 2) + "|"]
    for negative, name in names:
        cells = []
        for way in WAYS:
            mine = [r for r in found if (r.data, r.way) == (name, way)]
            scores = np.array([r.accuracy for r in mine])
            error = scores.std(ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else np.nan
            nmi = np.mean([r.nmi for r in mine])
            largest = round(float(np.mean([r.largest for r in mine])))
            smallest = round(float(np.mean([r.smallest for r in mine])))
            cells.append(f"{scores.mean():.3f} +- {error:.3f} / {nmi:.3f}; {largest} to {smallest}")
        lines.append(f"| {name} | {-negative:.3f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and put the table into a file where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, default=FEATURES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--results", type=Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    with use_threads(1):
        found = list(results(options.features, options.seeds))
    text = table(found)
    sys.stdout.write(f"{text}\n")
    if options.results is not None:
        command = "`python tests/benchmarks/bench_sizes.py`"
        write_section(options.results, TITLE, f"{NOTE}\n\n{text}\n\n{command}")


if __name__ == "__main__":
    main()

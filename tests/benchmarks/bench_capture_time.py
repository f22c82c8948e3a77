"""What the weight of the capture time does: from content at 0 to events at 1.

`python tests/benchmarks/bench_capture_time.py [--features FILE.npz] [--results FILE]` gives real
photos made-up capture times, in eight events of mixed content, and clusters them into eight with
rising weights. FILE.npz holds `features` (n, d) and `labels`. Beside it stands the same with times
and contents divided by their greatest distance, as imagecluster does it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import adjusted_rand_score

from dclust_gui.algorithms import KMeans
from dclust_gui.algorithms.capture_time import thermometer
from dclust_gui.algorithms.distances import scale_features
from dclust_gui.compute.threads import use_threads
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.grouping import group_rows, resolve
from dclust_gui.engine.stacked_rows import RowFacts
from dclust_gui.services.bench.results import write_section

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEATURES = Path(__file__).parents[3] / "shared" / "data" / "features" / "clothing10.lite0.npz"
TITLE = "Capture time beside the content"
N_IMAGES, N_EVENTS = 600, 8
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
HOUR, DAY = 3600.0, 86400.0
PLANS = {
    "20 minutes apart": (np.arange(8) * HOUR / 3, 120.0),
    "4 hours apart": (np.arange(8) * 4 * HOUR, HOUR / 2),
    "hours to a month apart": (np.array([0, 0.2, 1, 2, 9, 10, 40, 41]) * DAY, HOUR / 2),
    "hours to 20 years apart": (np.array([0, 0.25, 1, 400, 401, 2000, 2001, 9000]) * DAY, HOUR / 2),
    "a day apart, 9 hours long": (np.arange(8) * DAY, 9 * HOUR),
}
NOTE = (
    "600 photos of clothing10 in 8 events of mixed content, 8 clusters; each cell is the adjusted"
    " Rand index with the 10 kinds of clothing / with the events. `by maximum` is k-means with"
    " distances divided by their greatest, as imagecluster does."
)


def divided_by_maximum(
    features: NDArray[np.float16], times: NDArray[np.float64], weight: float
) -> NDArray[np.int32]:
    """Labels of k-means on the mixture of distances, each divided by its greatest."""
    rows = scale_features(features, "centre-l2")[0]
    greatest = float(2.0 - 2.0 * (rows @ rows.T).min())
    code = thermometer((times - times.min()) / np.ptp(times), len(times))
    mixed = np.concatenate(
        [rows * np.sqrt((1.0 - weight) / greatest), code * np.sqrt(weight)], axis=1
    )
    found = KMeans(N_EVENTS, random_state=0).fit(mixed.astype(np.float32))
    return np.asarray(found.labels_, np.int32)


def ours(
    features: NDArray[np.float16], times: NDArray[np.float64], settings: RunSettings
) -> NDArray[np.int32]:
    """Labels of a run."""
    facts = RowFacts(times, np.ones(len(times), np.int64))
    token = CancelToken()
    return group_rows(features, resolve(settings), ignore_events, token, None, None, facts).labels


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, default=FEATURES)
    parser.add_argument("--results", type=Path)
    wishes = parser.parse_args()
    use_threads(1)
    with np.load(wishes.features) as file:
        features, kinds = file["features"].astype(np.float16), file["labels"]
    random = np.random.default_rng(0)
    some = np.sort(random.permutation(len(features))[:N_IMAGES])
    features, kinds = features[some], kinds[some]
    lines = [
        "| events | way | " + " | ".join(f"{a:g}" for a in WEIGHTS) + " |",
        "|---|---|" + "---|" * len(WEIGHTS),
    ]
    for name, (starts, length) in PLANS.items():
        events = random.integers(0, N_EVENTS, N_IMAGES)
        times = starts[events] + random.uniform(0, length, N_IMAGES)
        for way in ("default (UMAP + k-means)", "k-means", "Ward", "by maximum"):
            cells = []
            for weight in WEIGHTS:
                method = "agglomerative" if way == "Ward" else "kmeans"
                reduce = "auto" if way.startswith("default") else "none"
                settings = RunSettings(
                    algorithm=method, reduce=reduce, k=N_EVENTS, time_weight=weight
                )
                labels = (
                    divided_by_maximum(features, times, weight)
                    if way == "by maximum"
                    else ours(features, times, settings)
                )
                pair = [adjusted_rand_score(truth, labels) for truth in (kinds, events)]
                cells.append(" / ".join(f"{max(0.0, value):.2f}" for value in pair))
            lines.append(f"| {name} | {way} | {' | '.join(cells)} |")
            sys.stdout.write(lines[-1] + "\n")
            sys.stdout.flush()
    text = "\n".join([*lines, "", NOTE, "", "`python tests/benchmarks/bench_capture_time.py`"])
    if wishes.results:
        write_section(wishes.results, TITLE, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Every head on frozen features beside k-means and the default pipeline; the table for RESULTS.md.

`python tests/benchmarks/bench_heads.py run OUT.jsonl [--features DIR] [--seeds 0 1 2 3 4]` appends
one line a run and goes on where it was interrupted; `... table OUT.jsonl` prints means with their
standard errors, and with `--results FILE` puts them into their section of a Markdown file. DIR
holds NAME.npz files with `features` (n, d) and `labels`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms import UMAP, KMeans, Unimodal, deep
from dclust_gui.algorithms.measures import external_measures
from dclust_gui.compute.threads import use_threads
from dclust_gui.services.bench.results import write_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

FEATURES = Path(__file__).parents[3] / "shared" / "data" / "features"
K_MEANS = "k-means"
DEFAULT = "UMAP-10, k-means (the default)"
VALLEYS = "UMAP-10, valleys (k not given)"
PLAIN = (K_MEANS, DEFAULT, VALLEYS)
PRETRAINED = ("AutoencoderClustering", "DEC", "IDEC", "DCN", "VaDE", "DCAT")
"""Heads that go on from an autoencoder."""
WAYS: dict[str, dict[str, object]] = {
    "AutoencoderClustering": {},
    "N2D": {},
    "DEC kmeans": {"start": "kmeans"},
    "DEC n2d": {"start": "n2d"},
    "IDEC kmeans": {"start": "kmeans"},
    "IDEC n2d": {"start": "n2d"},
    "DCN kmeans": {"start": "kmeans"},
    "DCN n2d": {"start": "n2d"},
    "VaDE gmm": {"start": "gmm"},
    "VaDE n2d": {"start": "n2d"},
    "DCAT": {},
    "TEMI": {},
    "TEMI even": {"size_prior": 0.0},
    "TEMI random": {"start": "random"},
    "TEMI random even": {"start": "random", "size_prior": 0.0},
    "SCAN": {},
    "SCAN even": {"size_prior": 0.0},
    "SCAN random": {"start": "random"},
    "SCAN random even": {"start": "random", "size_prior": 0.0},
    "ClusterGAN": {},
    "ClusterGAN minimax": {"loss": "minimax"},
}
"""Heads as they are, by class and start; "even": told that clusters are of the same size."""

TITLE = "Deep heads on frozen features"
NOTE = (
    "ACC of each set, +- standard error over the seeds; mean ACC, NMI and ARI over the sets. Heads "
    "as they are: nothing set but the start. The heads of a set and seed share one pretraining, "
    "whose processor seconds are counted for each; N2D, TEMI and SCAN take the features as they "
    "are. ClusterGAN, at minutes a run, has two seeds, all others five. One thread."
)


@dataclass(frozen=True, slots=True)
class Run:
    """One way on one set with one seed."""

    data: str
    way: str
    seed: int
    accuracy: float
    nmi: float
    ari: float
    cpu_seconds: float
    collapsed: bool


def centred(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The default preprocessing: centre, then length 1."""
    rows: NDArray[np.float32] = features - features.mean(axis=0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return rows


def cluster(
    way: str, features: NDArray[np.float32], n_clusters: int, seed: int, network: deep.Autoencoder
) -> tuple[NDArray[np.int32], bool]:
    """Labels of one way, and whether it fell back to its start."""
    if way == K_MEANS:
        return KMeans(n_clusters, random_state=seed).fit(centred(features)).labels_, False
    if way in PLAIN:
        layout = UMAP(10, random_state=seed).fit(centred(features)).embedding_
        if way == VALLEYS:
            return Unimodal(random_state=seed).fit(layout).labels_, False
        return KMeans(n_clusters, random_state=seed).fit(layout).labels_, False
    settings = dict(WAYS[way])
    if is_pretrained(way):
        settings["autoencoder"] = network
    kind = getattr(deep, way.split(maxsplit=1)[0])
    model = kind(n_clusters, random_state=seed, device="cpu", **settings).fit(features)
    return model.labels_, model.collapsed_


def is_pretrained(way: str) -> bool:
    """Whether a way starts from the shared autoencoder."""
    return way.split(maxsplit=1)[0] in PRETRAINED


def make_runs(options: argparse.Namespace) -> None:
    """Make the runs that are missing; the heads of a set and seed share a pretraining."""
    known = {(run.data, run.way, run.seed) for run in read(options.out)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.features.glob("*.npz"), key=lambda p: p.stat().st_size):
        name = path.name.split(".")[0]
        with np.load(path) as data:
            features = data["features"].astype(np.float32)
            truth = np.unique(data["labels"], return_inverse=True)[1]
        n_clusters = len(np.unique(truth))
        for seed in options.seeds:
            todo = [w for w in options.ways if (name, w, seed) not in known]
            if not todo:
                continue
            width = 10 if n_clusters <= 20 else 32
            network = deep.Autoencoder(width, random_state=seed, device="cpu")
            pretraining = 0.0
            if any(is_pretrained(way) for way in todo):
                started = time.process_time()
                network.fit(features)
                pretraining = time.process_time() - started
            for way in todo:
                started = time.process_time()
                labels, collapsed = cluster(way, features, n_clusters, seed, network)
                seconds = time.process_time() - started
                if is_pretrained(way):
                    seconds += pretraining
                found = external_measures(labels, truth)
                scores = (float(found.accuracy), float(found.nmi), float(found.ari))
                run = Run(name, way, seed, *scores, seconds, bool(collapsed))
                with options.out.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(run)) + "\n")
                sys.stdout.write(f"{time.strftime('%H:%M:%S')} {run}\n")
                sys.stdout.flush()


def read(path: Path) -> tuple[Run, ...]:
    """The runs in a file."""
    if not path.is_file():
        return ()
    lines = path.read_text("utf-8").splitlines()
    return tuple(Run(**json.loads(line)) for line in lines if line.strip())


def table(runs: Iterable[Run]) -> str:
    """Markdown: ACC of every way on every set, mean ACC, NMI and ARI, processor seconds."""
    runs = tuple(runs)
    names = sorted({run.data for run in runs})
    lines = [
        "| way | " + " | ".join(names) + " | mean ACC | mean NMI | mean ARI | CPU s | fell back |",
        "|---" * (len(names) + 6) + "|",
    ]
    for way in (*PLAIN, *WAYS):
        mine = [run for run in runs if run.way == way]
        if not mine:
            continue
        cells = [_mean([run.accuracy for run in mine if run.data == name]) for name in names]
        # over the sets' means, so that a set with more seeds done does not count more
        means = [
            np.mean([np.mean([getattr(r, f) for r in mine if r.data == n]) for n in _of(mine)])
            for f in ("accuracy", "nmi", "ari")
        ]
        seconds = np.mean([run.cpu_seconds for run in mine])
        fell = f"{sum(run.collapsed for run in mine)} of {len(mine)}"
        cells += [*(f"{mean:.3f}" for mean in means), f"{seconds:.0f}", fell]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _of(runs: Sequence[Run]) -> list[str]:
    return sorted({run.data for run in runs})


def _mean(values: Sequence[float]) -> str:
    """Mean and, over several seeds, its standard error."""
    if not values:
        return ""
    if len(values) < 2:
        return f"{np.mean(values):.3f}"
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "table"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--features", type=Path, default=FEATURES)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--ways", nargs="+", default=[*PLAIN, *WAYS], choices=[*PLAIN, *WAYS])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=None)
    options = parser.parse_args()
    if options.what == "run":
        with use_threads(options.threads):
            make_runs(options)
    text = table(read(options.out))
    sys.stdout.write(text + "\n")
    if options.results is not None:
        command = "`python tests/benchmarks/bench_heads.py run OUT.jsonl`"
        write_section(options.results, TITLE, f"{command}\n\n{text}\n\n{NOTE}")


if __name__ == "__main__":
    main()

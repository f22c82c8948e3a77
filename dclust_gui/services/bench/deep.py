"""Deep heads beside ClustPy's: same network, data, epochs, seeds and threads, in one process.

The pretraining has a row of its own; then every method of both sides goes on from the very same
pretrained weights, ClustPy's (of its own VaDE autoencoder for VaDE), and is timed alone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.services.bench import clustpy
from dclust_gui.services.bench.clustpy import Budget
from dclust_gui.services.bench.deep_runs import OURS, PRETRAINING, Images, Run, RunFile
from dclust_gui.services.bench.rows import BenchRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep import Autoencoder

BENCH = "deep"
METHODS = ("DEC", "IDEC", "DCN", "VaDE", "N2D")
OUR_STARTS = {
    "DEC": ("kmeans", "n2d"),
    "IDEC": ("kmeans", "n2d"),
    "DCN": ("kmeans", "n2d"),
    "VaDE": ("gmm", "n2d"),
    "N2D": ("",),
}
PEER_STARTS = {"DEC": "kmeans", "IDEC": "kmeans", "DCN": "kmeans", "VaDE": "gmm", "N2D": ""}
SHORT = Budget(pretraining=40, clustering=20)


class Comparison:
    """Runs both sides on the same images and keeps what comes out.

    Args:
        images: What to cluster.
        budget: What both get.
        file: Takes the runs; those it has are not made again.
        say: Told what is measured.
        methods: Which of `METHODS`.
        with_peer: Also run ClustPy; without it, ours start from our own pretraining.
    """

    def __init__(
        self,
        images: Images,
        budget: Budget,
        file: RunFile,
        say: Callable[[str], None],
        *,
        methods: Iterable[str] = METHODS,
        with_peer: bool = True,
    ) -> None:
        self._images = images
        self._budget = budget
        self._file = file
        self._say = say
        self._methods = tuple(methods)
        self._with_peer = with_peer

    def run(self, seeds: Iterable[int]) -> None:
        """Make the runs that are missing, each method's sides one after the other."""
        from dclust_gui.compute.threads import use_threads

        if self._with_peer:
            clustpy.load()
        with use_threads(self._budget.threads):
            for seed in seeds:
                self._seed(seed)

    def _seed(self, seed: int) -> None:
        if self._with_peer:
            self._peer_weights(clustpy.PLAIN, seed)
        own = self._own_pretraining(seed)
        for method in self._methods:
            if self._with_peer:
                self._peer(method, seed)
            for start in OUR_STARTS[method]:
                self._ours(method, start, seed, own)

    def _peer_weights(self, kind: str, seed: int) -> clustpy.Weights:
        """ClustPy's pretrained weights, made and timed where they are not there yet."""
        name = f"{self._images.name}-{kind}-{seed}"
        method = PRETRAINING if kind == clustpy.PLAIN else f"{PRETRAINING} of VaDE"
        kept = self._file.weights(name)
        if kept is not None and self._file.has((self._images.name, seed, method, clustpy.NAME, "")):
            return kept
        self._say(f"{self._images.name}, seed {seed}: {method} by {clustpy.NAME}")
        made: list[tuple[clustpy.Weights, NDArray[np.float32]]] = []
        times = _timed(
            lambda: made.append(clustpy.pretrain(kind, self._images.rows, self._budget, seed))
        )
        weights, codes = made[0]
        self._file.keep_weights(name, weights)
        self._keep(seed, method, clustpy.NAME, "", self._k_means(codes, seed), None, times)
        return weights

    def _own_pretraining(self, seed: int) -> Autoencoder | None:
        """Our pretraining; given back only where it is what ours start from."""
        from dclust_gui.algorithms.deep import Autoencoder

        is_known = self._file.has((self._images.name, seed, PRETRAINING, OURS, ""))
        if is_known and self._with_peer:
            return None
        self._say(f"{self._images.name}, seed {seed}: pretraining, ours")
        budget = self._budget
        network = Autoencoder(
            budget.code,
            layers=budget.hidden,
            activation="leaky_relu",
            epochs=budget.pretraining,
            batch_size=budget.batch,
            scale="pixels",
            random_state=seed,
            device="cpu",
        )
        times = _timed(lambda: network.fit(self._images.rows))
        if not is_known:
            labels = self._k_means(network.embedding_, seed)
            self._keep(seed, PRETRAINING, OURS, "", labels, None, times)
        return network

    def _peer(self, method: str, seed: int) -> None:
        start = PEER_STARTS[method]
        if self._file.has((self._images.name, seed, method, clustpy.NAME, start)):
            return
        kind = clustpy.VARIATIONAL if method == "VaDE" else clustpy.PLAIN
        weights = self._peer_weights(kind, seed)
        self._say(f"{self._images.name}, seed {seed}: {method} by {clustpy.NAME}")
        found: list[tuple[NDArray[np.int32], NDArray[np.int32] | None]] = []
        images, budget = self._images, self._budget
        times = _timed(
            lambda: found.append(
                clustpy.cluster(method, images.rows, images.n_clusters, weights, budget, seed)
            )
        )
        self._keep(seed, method, clustpy.NAME, start, *found[0], times)

    def _ours(self, method: str, start: str, seed: int, own: Autoencoder | None) -> None:
        from dclust_gui.algorithms import deep

        if self._file.has((self._images.name, seed, method, OURS, start)):
            return
        network = own
        if self._with_peer:
            kind = clustpy.VARIATIONAL if method == "VaDE" else clustpy.PLAIN
            network = from_clustpy(self._peer_weights(kind, seed), self._images.rows)
        self._say(f"{self._images.name}, seed {seed}: {method} {start}, ours")
        settings: dict[str, object] = {"autoencoder": network, "random_state": seed}
        if method == "N2D":
            settings["clusterer"] = "gmm"
        else:
            settings |= {
                "start": start,
                "epochs": self._budget.clustering,
                "batch_size": self._budget.batch,
            }
        model = getattr(deep, method)(self._images.n_clusters, device="cpu", **settings)
        times = _timed(lambda: model.fit(self._images.rows))
        own_labels = getattr(model, "mixture_labels_", None)
        self._keep(seed, method, OURS, start, model.labels_, own_labels, times)

    def _k_means(self, codes: NDArray[np.float32], seed: int) -> NDArray[np.int32]:
        from dclust_gui.algorithms import KMeans

        labels: NDArray[np.int32] = (
            KMeans(self._images.n_clusters, n_init=20, random_state=seed).fit(codes).labels_
        )
        return labels

    def _keep(
        self,
        seed: int,
        method: str,
        who: str,
        start: str,
        labels: NDArray[np.int32],
        own: NDArray[np.int32] | None,
        times: tuple[float, float],
    ) -> None:
        from dclust_gui.algorithms.measures import external_measures

        truth = self._images.truth
        found = external_measures(labels, truth)
        own_accuracy = None if own is None else float(external_measures(own, truth).accuracy)
        scores = (float(found.accuracy), float(found.nmi), float(found.ari))
        self._file.add(
            Run(self._images.name, seed, method, who, start, *scores, own_accuracy, *times)
        )


def from_clustpy(weights: clustpy.Weights, rows: NDArray[np.float32]) -> Autoencoder:
    """Our autoencoder with ClustPy's pretrained weights: the same codes of the same rows.

    Args:
        weights: Of `clustpy.pretrain`.
        rows: float32 (n_images, d) in [0, 1], on which it was trained.

    Returns:
        A fitted autoencoder; with weights of its variational one VaDE starts from its very logits.
    """
    from dclust_gui.algorithms.deep.networks import AutoencoderNetwork
    from dclust_gui.algorithms.deep.pretraining import Autoencoder
    from dclust_gui.algorithms.deep.scaling import learn_scaling
    from dclust_gui.algorithms.deep.variational import GAIN

    encoder = list(clustpy.dense_layers(weights, "encoder"))
    decoder = list(clustpy.dense_layers(weights, "decoder"))
    widths = [encoder[0][0].shape[1], *(bias.shape[0] for _, bias in encoder)]
    scaling = learn_scaling(rows, "pixels")
    factor = scaling.factor
    encoder[0] = (encoder[0][0] / factor, encoder[0][1])
    last_weight, last_bias = decoder[-1]
    if "mean.weight" in weights:  # logits; VaDE makes its own logits of the output again
        last_weight, last_bias = last_weight / GAIN, last_bias / GAIN + 0.5
        factor *= float(rows.max())
    decoder[-1] = (last_weight * factor, last_bias * factor)
    network = AutoencoderNetwork(widths, "leaky_relu")
    for part, layers in ((network.encoder, encoder), (network.decoder, decoder)):
        for layer, (weight, bias) in zip(part.layers, layers, strict=True):
            for name, values in (("weight", weight), ("bias", bias)):
                kept = getattr(layer, name).data
                kept.copy_(kept.new_tensor(values))
    model = Autoencoder(widths[-1], layers=tuple(widths[1:-1]), activation="leaky_relu")
    model.n_features_in_ = widths[0]
    model.scaling_, model.network_ = scaling, network
    return model


def bench_deep(say: Callable[[str], None], *, long: bool = False) -> Iterator[BenchRow]:
    """Every head beside ClustPy's on scikit-learn's digits; ours alone where it is not installed.

    Args:
        say: Told what is measured.
        long: 40 + 20 epochs and three seeds rather than 20 + 10 and one.

    Yields:
        Accuracy and seconds of each method, ours from its best start and from the peer's.
    """
    has_peer = clustpy.is_installed()
    if not has_peer:
        say("ClustPy is not installed (pip install clustpy needs a C compiler): ours alone")
    budget = SHORT if long else Budget(pretraining=20, clustering=10)
    file = RunFile(None)
    comparison = Comparison(digits(), budget, file, say, with_peer=has_peer)
    comparison.run((1, 2, 3) if long else (1,))
    yield from rows_of(file.runs)


def digits() -> Images:
    """scikit-learn's 1,797 digits of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    values, truth = load_digits(return_X_y=True)
    return Images("digits", (values / 16.0).astype(np.float32), truth)


def rows_of(runs: Iterable[Run]) -> Iterator[BenchRow]:
    """Means over the seeds as rows of a benchmark, ours beside the peer's."""
    runs = tuple(runs)
    for data in dict.fromkeys(run.data for run in runs):
        for method in (PRETRAINING, *METHODS):
            chosen = [run for run in runs if (run.data, run.method) == (data, method)]
            peer = [run for run in chosen if run.who == clustpy.NAME]
            for start in dict.fromkeys(run.start for run in chosen if run.who == OURS):
                ours = [run for run in chosen if (run.who, run.start) == (OURS, start)]
                what = f"{method} of {data}" + (f", {start} start" if start else "")
                yield _row(f"{what}: accuracy", ours, peer, "accuracy", is_time=False)
                yield _row(f"{what}: time", ours, peer, "cpu_seconds", is_time=True)


def _row(what: str, ours: list[Run], peer: list[Run], name: str, *, is_time: bool) -> BenchRow:
    mine = float(np.mean([getattr(run, name) for run in ours]))
    unit = "s CPU" if is_time else ""
    if not peer:
        return BenchRow(BENCH, what, mine, unit)
    theirs = float(np.mean([getattr(run, name) for run in peer]))
    ratio = theirs / mine if is_time else mine / theirs
    return BenchRow(BENCH, what, mine, unit, clustpy.NAME, theirs, ratio)


def _timed(function: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu

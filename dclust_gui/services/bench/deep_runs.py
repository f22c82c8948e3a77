"""Runs of deep heads, ours and the peer's, kept in a file so that a comparison can go on later."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.services.bench.clustpy import Weights

OURS = "dclust"
PRETRAINING = "pretraining"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one method of one side.

    Attributes:
        data: Name of the images.
        seed: Seed.
        method: DEC, IDEC, DCN, VaDE, N2D or "pretraining".
        who: "dclust" or "ClustPy".
        start: What it started from: kmeans, gmm or n2d; empty where nothing is chosen.
        accuracy: Of `labels_`; of k-means on the code for the pretraining.
        nmi: Likewise.
        ari: Likewise.
        own_accuracy: Of the labels that the method itself gives, where `labels_` are others.
        seconds: Wall time.
        cpu_seconds: Processor time, which other work on the computer disturbs less.
    """

    data: str
    seed: int
    method: str
    who: str
    start: str
    accuracy: float
    nmi: float
    ari: float
    own_accuracy: float | None
    seconds: float
    cpu_seconds: float

    @property
    def key(self) -> tuple[str, int, str, str, str]:
        """What a run is known by."""
        return self.data, self.seed, self.method, self.who, self.start


class RunFile:
    """Runs as JSON lines in a file, so that an interrupted comparison goes on where it was.

    Args:
        path: The file, made if absent; pretrained weights are kept beside it. None keeps all in
            memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._runs: list[Run] = []
        self._weights: dict[str, Weights] = {}
        if path is not None and path.is_file():
            lines = path.read_text("utf-8").splitlines()
            self._runs = [Run(**json.loads(line)) for line in lines if line.strip()]

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs so far."""
        return tuple(self._runs)

    def has(self, key: tuple[str, int, str, str, str]) -> bool:
        """Whether this run was made."""
        return any(run.key == key for run in self._runs)

    def add(self, run: Run) -> None:
        """Keep a run."""
        self._runs.append(run)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as out:
                out.write(json.dumps(asdict(run)) + "\n")

    def weights(self, name: str) -> Weights | None:
        """Pretrained weights that were kept; None for none."""
        if name not in self._weights and self._path is not None:
            kept = self._weights_path(name)
            if kept.is_file():
                with np.load(kept) as arrays:
                    self._weights[name] = {key: arrays[key] for key in arrays.files}
        return self._weights.get(name)

    def keep_weights(self, name: str, weights: Weights) -> None:
        """Keep pretrained weights."""
        self._weights[name] = weights
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._weights_path(name).open("wb") as out:
                np.savez(out, allow_pickle=False, **dict(weights))

    def _weights_path(self, name: str) -> Path:
        assert self._path is not None
        return self._path.with_name(f"{self._path.stem}-{name}.npz")


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """What both sides cluster.

    Attributes:
        name: Short name.
        rows: float32 (n_images, d) in [0, 1], square grey images.
        truth: int (n_images,).
    """

    name: str
    rows: NDArray[np.float32]
    truth: NDArray[np.integer]

    @property
    def n_clusters(self) -> int:
        """Number of classes."""
        return len(np.unique(self.truth))

"""Views of an image and layers of the network: what each adds to the default clusters, and costs.

`python tests/benchmarks/bench_views.py FOLDER... [--seeds 5] [--keep DIR]`: each folder
holds a folder per true class. Prints a Markdown table: mean accuracy and NMI of the default
pipeline with the true number of clusters over the seeds, standard error of the mean, processor
seconds for an image over those of the standard view. `--keep` keeps features for the next time.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageOps

from dclust_gui.algorithms.distances import normalise_rows, scale_features
from dclust_gui.algorithms.fuzzy_graph import fuzzy_graph
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.measures import external_measures
from dclust_gui.algorithms.partition import KMeans
from dclust_gui.algorithms.umap import graph_layout, neighbour_count
from dclust_gui.compute.devices import cpu_device
from dclust_gui.features.backbones import BackboneSpec, resolve_backbone
from dclust_gui.features.execution import Execution
from dclust_gui.features.extractor import FeatureExtractor
from dclust_gui.features.preprocess import resize_and_crop
from dclust_gui.features.views import View, combined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

BATCH = 8
LAYERS = (4, 5, 6)
"""Blocks whose maps are averaged and kept beside the features."""


@dataclass(frozen=True, slots=True)
class Look:
    """One view at one size of the network's input."""

    zoom: float = 1.0
    shift: float = 0.0
    is_mirrored: bool = False
    size: int = 224

    @property
    def view(self) -> View:
        """Without the size."""
        return View(self.zoom, self.shift, self.is_mirrored)

    @property
    def key(self) -> str:
        """Name in the file of kept features."""
        place = f" at {self.shift:+.0f}" if self.shift else ""
        return f"{self.size} {self.zoom:.4f}{place}{' mirrored' * self.is_mirrored}"


OWN, MIRRORED = Look(), Look(is_mirrored=True)
TIGHT, TIGHT_MIRRORED = Look(4 / 3), Look(4 / 3, is_mirrored=True)
TIGHTER = Look(7 / 4)
WHOLE, WHOLE_MIRRORED = Look(7 / 8), Look(7 / 8, is_mirrored=True)
FIRST, LAST = Look(7 / 8, -1), Look(7 / 8, 1)
LARGE, LARGE_MIRRORED = Look(size=256), Look(is_mirrored=True, size=256)


@dataclass(frozen=True, slots=True)
class Variant:
    """Looks whose features are averaged, and layers (with weights) that are put beside."""

    name: str
    looks: tuple[Look, ...]
    head: float = 1.0
    layers: tuple[tuple[int, float], ...] = ()


VARIANTS = (
    Variant("standard", (OWN,)),
    Variant("standard + mirrored", (OWN, MIRRORED)),
    Variant("standard + tight", (OWN, TIGHT)),
    Variant("standard + whole", (OWN, WHOLE)),
    Variant("standard, tight, whole", (OWN, TIGHT, WHOLE)),
    Variant("standard, mirrored, tight", (OWN, MIRRORED, TIGHT)),
    Variant("standard and tight, both mirrored too", (OWN, MIRRORED, TIGHT, TIGHT_MIRRORED)),
    Variant("standard and whole, both mirrored too", (OWN, MIRRORED, WHOLE, WHOLE_MIRRORED)),
    Variant(
        "standard, tight, whole, all mirrored too",
        (OWN, MIRRORED, TIGHT, TIGHT_MIRRORED, WHOLE, WHOLE_MIRRORED),
    ),
    Variant("both ends", (FIRST, LAST)),
    Variant("standard, both ends", (OWN, FIRST, LAST)),
    Variant("whole, both ends", (WHOLE, FIRST, LAST)),
    Variant("256 px", (LARGE,)),
    Variant("256 px + mirrored", (LARGE, LARGE_MIRRORED)),
    Variant("block 6 alone", (OWN,), 0, ((6, 1),)),
    Variant("head + blocks 4, 5, 6", (OWN,), 1, ((4, 1), (5, 1), (6, 1))),
    Variant("head + blocks 4, 5, 6 at half weight", (OWN,), 1, ((4, 0.5), (5, 0.5), (6, 0.5))),
)


class Features:
    """Features of the looks at a folder, kept in a file each."""

    def __init__(self, folder: Path, keep: Path, spec: BackboneSpec) -> None:
        self.name, self._spec = folder.name, spec
        self.files = sorted(p for p in folder.rglob("*") if p.is_file())
        self.truth = np.array([p.relative_to(folder).parts[0] for p in self.files])
        self._keep = keep / folder.name
        self._keep.mkdir(parents=True, exist_ok=True)

    def ensure(self, looks: Sequence[Look]) -> None:
        """Compute what is not kept, all looks of a size in one pass over the files."""
        for size in sorted({look.size for look in looks}):
            missing = [k for k in looks if k.size == size and not self._path(k).is_file()]
            if missing:
                self._compute(missing, size)

    def of(self, variant: Variant) -> Floats:
        """float32 (n, width), as the store would give them."""
        rows = [np.load(self._path(look)) for look in variant.looks]
        starts = np.cumsum([0, self._spec.dims, 112, 192, 320])
        parts = []
        if variant.head:
            heads = combined([r[:, : starts[1]] for r in rows])
            if not variant.layers:
                return heads.astype(np.float16).astype(np.float32)
            normalise_rows(heads)
            parts.append(heads * variant.head)
        for layer, weight in variant.layers:
            place = LAYERS.index(layer) + 1
            part = combined([r[:, starts[place] : starts[place + 1]] for r in rows])
            normalise_rows(part)
            parts.append(part * weight)
        return np.concatenate(parts, axis=1).astype(np.float16).astype(np.float32)

    def _path(self, look: Look) -> Path:
        return self._keep / f"{look.key}.npy"

    def _compute(self, looks: Sequence[Look], size: int) -> None:
        spec = replace(self._spec, input_size=(size, size))
        network = Execution(spec, cpu_device(), BATCH)
        pooled: dict[int, Floats] = {}
        for layer in LAYERS:
            block = network._network.get_submodule(f"model.blocks.{layer}")

            def note(
                _module: object, _inputs: object, maps: torch.Tensor, layer: int = layer
            ) -> None:
                pooled[layer] = maps.mean((2, 3)).numpy()

            block.register_forward_hook(note)
        rows: dict[Look, list[Floats]] = {look: [] for look in looks}
        for start in range(0, len(self.files), BATCH):
            pictures = [decoded(f) for f in self.files[start : start + BATCH]]
            for look, found in rows.items():
                resize = look.view.resize_size(spec.input_size, spec.resize_size)
                crops = np.zeros((BATCH, size, size, 3), np.uint8)
                for row, picture in enumerate(pictures):
                    crops[row] = resize_and_crop(
                        picture, spec.input_size, resize, spec.interpolation, look.shift
                    )
                head = network.run(crops, is_mirrored=look.is_mirrored)
                full = np.concatenate([head, *(pooled[i] for i in LAYERS)], axis=1)
                found.append(full[: len(pictures)])
        for look, found in rows.items():
            np.save(self._path(look), np.concatenate(found))


def decoded(path: Path) -> NDArray[np.uint8]:
    """A picture as it is to be looked at: uint8 (height, width, 3)."""
    with Image.open(path) as image:
        return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def cost(spec: BackboneSpec, variant: Variant, files: Sequence[Path]) -> float:
    """Processor seconds for an image, decoding included."""
    size = variant.looks[0].size
    views = tuple(look.view for look in variant.looks)
    extractor = FeatureExtractor(
        replace(spec, input_size=(size, size), views=views), "cpu", batch_size=BATCH
    )
    extractor.warm_up()
    started = time.process_time()
    for start in range(0, len(files), BATCH):
        extractor.extract([extractor.prepare(decoded(f)) for f in files[start : start + BATCH]])
    return (time.process_time() - started) / len(files)


def purity(features: Floats, truth: NDArray[np.str_]) -> float:
    """Share of the 20 nearest neighbours that are of the same class; nothing random in it."""
    near = nearest_neighbours(scale_features(features, "centre-l2")[0], 20)
    return float((truth[near.indices] == truth[:, None]).mean())


def measure(features: Floats, truth: NDArray[np.str_], n_seeds: int) -> list[tuple[float, float]]:
    """Accuracy and NMI of the default pipeline with each seed."""
    rows = scale_features(features, "centre-l2")[0]
    graph = fuzzy_graph(nearest_neighbours(rows, neighbour_count(len(rows))))
    scores = []
    for seed in range(n_seeds):
        layout = graph_layout(graph, rows, 10, seed=seed)
        labels = KMeans(len(np.unique(truth)), random_state=seed).fit(layout).labels_
        found = external_measures(labels, truth)
        scores.append((found.accuracy, found.nmi))
    return scores


def cells(scores: NDArray[np.float64]) -> str:
    """Mean and standard error of (seeds, 2) as two cells."""
    error = scores.std(axis=0, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else (0, 0)
    return " | ".join(f"{m:.3f} ± {e:.3f}" for m, e in zip(scores.mean(axis=0), error, strict=True))


def main() -> None:
    """Print the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", help="part of the names of the variants to try")
    parser.add_argument("--cost", type=int, default=16, help="images to time each variant on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    variants = [v for v in VARIANTS if options.only in v.name or v is VARIANTS[0]]
    write = sys.stdout.write
    with TemporaryDirectory() as spare:
        spec = resolve_backbone(weights_dir=Path(spare))
        sets = [Features(f, options.keep or Path(spare), spec) for f in options.folders]
        for one in sets:
            one.ensure(list(dict.fromkeys(look for v in variants for look in v.looks)))
        names = (f"{s.name} {what}" for s in sets for what in ("neighbours", "ACC", "NMI"))
        heads = " | ".join(names)
        write(f"| variant | {heads} | mean ACC | mean NMI | cost |\n")
        write("|---" * (3 * len(sets) + 4) + "|\n")
        files, standard = sets[0].files[: options.cost], 0.0
        for variant in variants:
            scores = np.array(  # by set, seed and measure
                [measure(one.of(variant), one.truth, options.seeds) for one in sets]
            )
            seconds = cost(spec, variant, files)
            standard = standard or seconds
            shares = [purity(one.of(variant), one.truth) for one in sets]
            columns = " | ".join(
                f"{share:.3f} | {cells(part)}" for share, part in zip(shares, scores, strict=True)
            )
            mean = cells(scores.mean(axis=0))
            write(f"| {variant.name} | {columns} | {mean} | {seconds / standard:.1f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

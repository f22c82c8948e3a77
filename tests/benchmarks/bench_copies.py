"""Which share of turned, mirrored and re-encoded copies is recognised, with the default network.

`python tests/benchmarks/bench_copies.py FOLDER [COUNT]` takes COUNT photos (90) below a folder,
makes copies in memory and prints the share of images that count as near-duplicates.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from dclust_gui.algorithms.distances import scale_features
from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.structure import NEIGHBOURS_LOOKED_AT, assess
from dclust_gui.features.backbones import resolve_backbone
from dclust_gui.features.extractor import FeatureExtractor
from dclust_gui.storage.locations import weights_dir

Turn = Image.Transpose
TURNS = {
    "turned 90": Turn.ROTATE_90,
    "turned 180": Turn.ROTATE_180,
    "turned 270": Turn.ROTATE_270,
    "mirrored": Turn.FLIP_LEFT_RIGHT,
    "upside down": Turn.FLIP_TOP_BOTTOM,
}
SETS = (
    ("no copies", ()),
    ("turned by 90, 180 and 270 degrees", ("turned 90", "turned 180", "turned 270")),
    ("turned by 180 degrees", ("turned 180",)),
    ("turned by 90 degrees", ("turned 90",)),
    ("mirrored", ("mirrored",)),
    ("upside down", ("upside down",)),
    ("JPEG quality 40", ("re-encoded",)),
    ("half the size", ("halved",)),
    ("cropped by 5 % a side", ("cropped",)),
)


def variants(picture: Image.Image) -> dict[str, Image.Image]:
    """A photo and its copies by name."""
    found = {"photo": picture} | {name: picture.transpose(turn) for name, turn in TURNS.items()}
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=40)
    found["re-encoded"] = Image.open(file).convert("RGB")
    width, height = picture.size
    found["halved"] = picture.resize((width // 2, height // 2))
    edge = (width // 20, height // 20, width - width // 20, height - height // 20)
    found["cropped"] = picture.crop(edge)
    return found


def features_of(paths: list[Path]) -> dict[str, np.ndarray]:
    """float16 (n, d) by name of the copy."""
    extractor = FeatureExtractor(resolve_backbone("efficientnet-lite0", weights_dir=weights_dir()))
    rows: dict[str, list[np.ndarray]] = {}
    for path in paths:
        with Image.open(path) as opened:
            copies = variants(opened.convert("RGB"))
        pictures = [extractor.prepare(np.asarray(copy)) for copy in copies.values()]
        for name, row in zip(copies, extractor.extract(pictures), strict=True):
            rows.setdefault(name, []).append(row)
    return {name: np.stack(found) for name, found in rows.items()}


def main() -> None:
    """Print a line to each kind of copies."""
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 90
    paths = sorted(p for p in Path(sys.argv[1]).rglob("*.jp*g") if p.is_file())
    chosen = np.random.default_rng(0).permutation(len(paths))[:count]
    found = features_of([paths[i] for i in chosen.tolist()])
    for title, names in SETS:
        rows = np.concatenate([found["photo"], *(found[name] for name in names)])
        near = nearest_neighbours(scale_features(rows, "centre-l2")[0], NEIGHBOURS_LOOKED_AT)
        share = assess(near, np.zeros(len(rows), np.int32)).copies
        sys.stdout.write(f"{title}: {share:.0%} of {len(rows)}\n")


if __name__ == "__main__":
    main()

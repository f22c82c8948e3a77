"""What similarity images of one burst or bracket have, and what other images have.

`python tests/benchmarks/bench_bursts.py [--photos DIR] [--results FILE]` makes variants of real
photos (DIR has a folder per kind): framed a little otherwise, as in a burst, and exposed otherwise,
as in a bracket; then compares features. The least similarity at which two images that follow each
other are taken for a stack rests on it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dclust_gui.compute.threads import use_threads
from dclust_gui.domain.bursts import LEAST_SIMILARITY
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.bench.results import write_section
from dclust_gui.services.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "clothing10"
TITLE = "Similarity in bursts and brackets"
N_EACH, N_VARIED = 9, 3


def exposed(stops: float) -> Callable[[Image.Image], Image.Image]:
    """Another exposure: light times 2 to the power of the stops, clipped as a sensor does."""

    def change(picture: Image.Image) -> Image.Image:
        levels = (np.arange(256) / 255) ** 2.2 * 2.0**stops
        table = np.clip(levels, 0, 1) ** (1 / 2.2) * 255
        return picture.point(table.astype(int).tolist() * 3)

    return change


def framed(left: float, top: float, turn: float) -> Callable[[Image.Image], Image.Image]:
    """Another frame: parts cut off, turned by degrees."""

    def change(picture: Image.Image) -> Image.Image:
        w, h = picture.size
        box = (int(left * w), int(top * h), w - int(left * w / 2), h)
        return picture.crop(box).rotate(turn)

    return change


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "framed a little otherwise": framed(0.04, 0.03, 1.5),
    "framed much otherwise": framed(0.1, 0.1, -4.0),
    "1 stop darker": exposed(-1),
    "1 stop brighter": exposed(1),
    "2 stops darker": exposed(-2),
    "2 stops brighter": exposed(2),
    "3 stops darker": exposed(-3),
}


def make(photos: Path, place: Path) -> list[tuple[int, str, int]]:
    """Write photos and variants; kind, variant (empty for the photo itself) and photo of each."""
    rows: list[tuple[int, str, int]] = []
    kinds = sorted(folder for folder in photos.iterdir() if folder.is_dir())
    for kind, folder in enumerate(kinds):
        for number, path in enumerate(sorted(folder.iterdir())[:N_EACH]):
            with Image.open(path) as opened:
                picture = opened.convert("RGB")
            photo = len({row[2] for row in rows})
            wanted = {"": picture}
            if number < N_VARIED:
                wanted |= {name: change(picture) for name, change in VARIANTS.items()}
            for name, image in wanted.items():
                image.save(place / f"{len(rows):05d}.jpg", quality=92)
                rows.append((kind, name, photo))
    return rows


def directions(place: Path) -> NDArray[np.float32]:
    """Features of all images in order of name, of length 1."""
    with Workspace(place / "cache") as workspace:
        request = RunRequest((place / "photos",), RunSettings())
        found = workspace.engine.scan(request.folders)
        ingest = workspace.engine.ingest(found, request)
        every = np.arange(len(ingest.contents), dtype=np.int32)
        rows = workspace.engine.features(ingest, every).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def table(rows: list[tuple[int, str, int]], features: NDArray[np.float32]) -> list[str]:
    """Lines of the table."""
    original = {photo: i for i, (_, name, photo) in enumerate(rows) if not name}
    found: dict[str, list[float]] = {}
    for i, (_, name, photo) in enumerate(rows):
        if name:
            value = float(features[i] @ features[original[photo]])
            found.setdefault(name, []).append(value)
    plain = list(original.values())
    for a, i in enumerate(plain):
        for j in plain[:a]:
            name = "another photo of its kind" if rows[i][0] == rows[j][0] else "any other photo"
            found.setdefault(name, []).append(float(features[i] @ features[j]))
    lines = [
        f"| compared with a photo | pairs | 1 % | 10 % | median | 90 % | 99 % |"
        f" from {LEAST_SIMILARITY:g} |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, values in found.items():
        shares = " | ".join(f"{np.percentile(values, p):.2f}" for p in (1, 10, 50, 90, 99))
        above = float((np.array(values) >= LEAST_SIMILARITY).mean())
        lines.append(f"| {name} | {len(values):,} | {shares} | {above:.1%} |")
    return lines


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--results", type=Path)
    wishes = parser.parse_args()
    use_threads(1)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "photos").mkdir()
        rows = make(wishes.photos, place / "photos")
        lines = table(rows, directions(place))
    note = (
        "Cosine of the features (efficientnet-lite0) as the backbone gives them, and the part of"
        f" the pairs at {LEAST_SIMILARITY:g} and above, which are taken for one stack if a camera"
        " took them within the gap."
    )
    text = "\n".join([*lines, "", note, "", "`python tests/benchmarks/bench_bursts.py`"])
    sys.stdout.write(text + "\n")
    if wishes.results:
        write_section(wishes.results, TITLE, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

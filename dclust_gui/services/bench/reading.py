"""Feature extraction beside the plain loop, and the second run on an unchanged folder."""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.images import ImageFacts, ImageStatus, absolute_path
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.bench.algorithms import groups_of_rows
from dclust_gui.services.bench.rows import BenchRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from dclust_gui.services.workspace import Workspace


def write_photos(folder: Path, n: int, size: tuple[int, int] = (4000, 3000)) -> None:
    """Write JPEGs with the detail of camera photos (about 1.5 bits per pixel).

    Args:
        folder: Where.
        n: How many.
        size: Width and height in pixels.
    """
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        random = np.random.default_rng(number)
        layers = []
        for step in (1, 4, 40):
            small = random.normal(size=(size[1] // step + 1, size[0] // step + 1, 3))
            grey = (128 + 40 * small).clip(0, 255).astype(np.uint8)
            layers.append(np.asarray(Image.fromarray(grey).resize(size), np.float32))
        weights = (0.12, 0.3, 0.58)
        mixed = sum(w * layer for w, layer in zip(weights, layers, strict=True))
        picture = Image.fromarray(np.asarray(mixed).clip(0, 255).astype(np.uint8))
        picture.save(folder / f"photo-{number:03d}.jpg", quality=92)


def bench_extract(say: Callable[[str], None], *, long: bool = False) -> Iterator[BenchRow]:
    """Images per second from 12-megapixel JPEG files to stored features.

    Args:
        say: Takes a line about what is being measured.
        long: More images.
    """
    from dclust_gui.features.plain_loop import PlainLoop
    from dclust_gui.services.workspace import Workspace

    n = 96 if long else 32
    with tempfile.TemporaryDirectory() as name:
        photos, warm = Path(name) / "photos", Path(name) / "warm"
        say(f"making {n} JPEGs of 12 megapixels")
        write_photos(photos, n)
        write_photos(warm, 1)
        paths = sorted(photos.iterdir())
        rates: dict[str, list[float]] = {"ours": [], "peer": []}
        plain: PlainLoop | None = None
        likeness = 1.0
        say("dclust and the plain loop in turns")
        for turn in range(3):
            with Workspace(Path(name) / f"cache-{turn}") as workspace:
                spec = workspace.engine.backbone(RunRequest((photos,)))
                plain = plain or PlainLoop(spec)
                _ingest(workspace, warm)  # libraries, network and helpers are loaded for both
                rates["ours"].append(n / _ingest(workspace, photos))
                started = time.perf_counter()
                reference = plain.features(paths)
                rates["peer"].append(n / (time.perf_counter() - started))
                likeness = _likeness(workspace, photos, reference)
    ours, peer = statistics.median(rates["ours"]), statistics.median(rates["peer"])
    yield BenchRow(
        "extract", "features of 12 MP JPEGs", ours, "images/s", "plain timm loop", peer, ours / peer
    )
    yield BenchRow("extract", "lowest cosine of our features with the peer's", likeness, "")


def _ingest(workspace: Workspace, folder: Path) -> float:
    """Wall seconds of reading a folder."""
    engine = workspace.engine
    started = time.perf_counter()
    engine.ingest(engine.scan([folder]), RunRequest((folder,)))
    return time.perf_counter() - started


def _likeness(workspace: Workspace, folder: Path, reference: NDArray[np.float32]) -> float:
    """Lowest cosine between stored features and the reference's."""
    engine = workspace.engine
    ingest = engine.ingest(engine.scan([folder]), RunRequest((folder,)))
    ours = engine.features(ingest, np.arange(len(reference), dtype=np.int32)).astype(np.float64)
    dots = (ours * reference).sum(1)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(reference, axis=1)
    return float((dots / lengths).min())


def bench_rescan(say: Callable[[str], None], *, long: bool = False) -> Iterator[BenchRow]:
    """The second run on an unchanged folder: scan, look-up, load, k-means.

    Args:
        say: Takes a line about what is being measured.
        long: 100,000 files instead of 10,000.
    """
    from dclust_gui.services.workspace import Workspace

    n = 100_000 if long else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "photos"
        say(f"making {n:,} files with features in the cache")
        _make_files(folder, n)
        with Workspace(Path(name) / "cache") as workspace:
            _fill_cache(workspace, folder)
        say("the second run")
        with Workspace(Path(name) / "cache") as workspace:
            settings = RunSettings(algorithm="kmeans", k=10)
            result = workspace.engine.run(RunRequest((folder,), settings))
    if result.ingest.decoded or result.ingest.embedded:
        raise AssertionError("the second run read images again")
    timings = {**result.ingest.timings, **result.clusters.timings}
    yield BenchRow("rescan", f"scan of {n:,} unchanged files", timings["scan"], "s")
    yield BenchRow("rescan", f"k-means to labels, {n:,} x 1280", timings["cluster"], "s")
    yield BenchRow("rescan", f"composed tree, {n:,} x 1280", timings["tree"], "s")
    yield BenchRow("rescan", f"whole second run of {n:,} files", result.seconds, "s")


def _make_files(folder: Path, n: int) -> None:
    """Small distinct files with an image extension, 1,000 to a folder."""
    for number in range(n):
        if number % 1000 == 0:
            (folder / f"{number // 1000:03d}").mkdir(parents=True, exist_ok=True)
        path = folder / f"{number // 1000:03d}" / f"{number:06d}.jpg"
        path.write_bytes(number.to_bytes(8, "big"))


def _fill_cache(workspace: Workspace, folder: Path) -> None:
    """Make the cache believe that these files were read."""
    found = workspace.engine.scan([folder])
    contents = [
        hashlib.blake2b(absolute_path(folder, u.relative).read_bytes(), digest_size=16).digest()
        for u in found.units
    ]
    paths = [os.fsencode(absolute_path(found.roots[0], u.relative)) for u in found.units]
    stamps = [u.stamp for u in found.units]
    stores = workspace.stores
    stores.file_index.remember(zip(paths, stamps, contents, strict=True))
    facts = ImageFacts(ImageStatus.OK, width=8, height=8, format="JPEG")
    stores.file_index.remember_facts((c, facts) for c in contents)
    stores.thumbnails.put_many([(c, b"thumbnail") for c in contents])
    spec = workspace.engine.backbone(RunRequest((folder,)))
    rows = groups_of_rows(len(contents), spec.dims, 10).astype(np.float16)
    with stores.features.writer(spec.fingerprint, spec.dims) as writer:
        for start in range(0, len(contents), 4096):
            part = slice(start, start + 4096)
            writer.add(contents[part], rows[part])

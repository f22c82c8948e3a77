"""Which copies of photos are found as duplicates, and which other photos are called so by mistake.

`python tests/benchmarks/bench_duplicates.py FOLDER... [--count 120] [--keep DIR]` takes COUNT
photos below each folder, writes copies of them beside each other (re-encoded, halved, cropped,
brightened, all of it together, mirrored, turned), reads them with the engine, looks for duplicates
as the window does, and writes the share of pairs found, by threshold, into RESULTS.md. `--time`
measures a search among 100,000 made-up images instead.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image, ImageEnhance

from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.likeness import likeness
from dclust_gui.compute.memory import peak_rss_mb
from dclust_gui.domain.clustering import Clustering
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.imaging.thumbnails import make_thumbnail
from dclust_gui.services.bench.results import write_section
from dclust_gui.services.collection import merge_ingest, merge_scan
from dclust_gui.services.duplicate_decisions import open_groups
from dclust_gui.services.duplicate_groups import groups_at
from dclust_gui.services.duplicate_search import USUAL_THRESHOLD
from dclust_gui.services.duplicates import DuplicateJob
from dclust_gui.services.opening import create_project
from dclust_gui.services.snapshot import Snapshot, snapshot_of
from dclust_gui.services.workspace import Workspace
from dclust_gui.storage.array_cache import ArrayCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dclust_gui.services.duplicates import DuplicateFinding

Turn = Image.Transpose
RESULTS = Path(__file__).parent / "RESULTS.md"
THRESHOLDS = (0.6, 0.7, 0.8, 0.85, 0.88, 0.9, 0.92, 0.95, 0.98)
QUALITY = 92


def cropped(left: float, top: float, right: float, below: float) -> Callable[..., Image.Image]:
    """Cuts shares of the sides off."""

    def cut(photo: Image.Image) -> Image.Image:
        w, h = photo.size
        box = (round(w * left), round(h * top), round(w * (1 - right)), round(h * (1 - below)))
        return photo.crop(box)

    return cut


def halved(photo: Image.Image) -> Image.Image:
    """At half the size."""
    return photo.resize((photo.width // 2, photo.height // 2))


def brighter(photo: Image.Image, by: float = 1.15) -> Image.Image:
    """A little brighter; light parts may burn out."""
    return ImageEnhance.Brightness(photo).enhance(by)


def altogether(photo: Image.Image) -> Image.Image:
    """Cropped by 2 % a side, brighter, at half the size."""
    return halved(brighter(cropped(0.02, 0.02, 0.02, 0.02)(photo), 1.1))


@dataclass(frozen=True)
class Kind:
    """A way to copy a photo."""

    name: str
    make: Callable[[Image.Image], Image.Image]
    quality: int = QUALITY
    is_turned: bool = False


KINDS = (
    Kind("JPEG 60", lambda photo: photo, 60),
    Kind("JPEG 75", lambda photo: photo, 75),
    Kind("JPEG 90", lambda photo: photo, 90),
    Kind("half the size", halved),
    Kind("cropped by 3 % a side", cropped(0.03, 0.03, 0.03, 0.03)),
    Kind("cropped by 6 % a side", cropped(0.06, 0.06, 0.06, 0.06)),
    Kind("cropped by 5 % left and below", cropped(0.05, 0, 0, 0.05)),
    Kind("15 % brighter", brighter),
    Kind("2 % cropped, 10 % brighter, halved, JPEG 70", altogether, 70),
    Kind("mirrored", lambda p: p.transpose(Turn.FLIP_LEFT_RIGHT), is_turned=True),
    Kind("turned by 90 degrees", lambda p: p.transpose(Turn.ROTATE_90), is_turned=True),
)


def make_copies(folders: list[Path], count: int, target: Path) -> None:
    """Write photos and their copies as `SET-NUMBER/KIND.jpg`; nothing where they are there."""
    for folder in folders:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg"))
        chosen = np.random.default_rng(0).permutation(len(paths))[:count]
        for number, index in enumerate(chosen.tolist()):
            place = target / f"{folder.name}-{number:03d}"
            if place.is_dir():
                continue
            place.mkdir(parents=True)
            with Image.open(paths[index]) as opened:
                photo = opened.convert("RGB")
            (place / "photo.jpg").write_bytes(paths[index].read_bytes())
            for n, kind in enumerate(KINDS):
                copy = kind.make(photo)
                copy.save(place / f"{n:02d}.jpg", quality=kind.quality, exif=opened.getexif())


def searched(
    workspace: Workspace, images: Path, project: Path
) -> tuple[DuplicateFinding, DuplicateFinding, float]:
    """What is found, without and with turned copies, and the seconds of the first search."""
    session = create_project(project, [images])
    request = RunRequest((images,), RunSettings())
    token = CancelToken()
    scan = workspace.engine.scan([images], ignore_events, token)
    merge_scan(session, scan)
    merge_ingest(session, workspace.engine.ingest(scan, request, ignore_events, token))
    snapshot = snapshot_of(session)
    started = time.perf_counter()
    plain = DuplicateJob(workspace, snapshot).run(ignore_events, token)
    seconds = time.perf_counter() - started
    turned = DuplicateJob(workspace, snapshot, with_turned=True).run(ignore_events, token)
    session.close()
    return plain, turned, seconds


@dataclass(frozen=True)
class Found:
    """Pairs as ids of images, with what they are."""

    pairs: dict[tuple[int, int], float]
    source: dict[int, str]
    kind: dict[int, int]
    n_photos: int

    @classmethod
    def of(cls, finding: DuplicateFinding) -> Found:
        """All pairs of a finding."""
        source: dict[int, str] = {}
        kind: dict[int, int] = {}
        for image, record in enumerate(finding.records):
            folder, _, name = record.relative.decode().partition("/")
            source[image] = folder
            kind[image] = -1 if name.startswith("photo") else int(name[:2])
        pairs = {}
        rows = zip(
            finding.pairs.left.tolist(),
            finding.pairs.right.tolist(),
            finding.pairs.similarity.tolist(),
            strict=True,
        )
        for a, b, value in rows:
            for i in finding.files[a].tolist():
                for j in finding.files[b].tolist():
                    pairs[min(i, j), max(i, j)] = value
        for images in finding.files:
            ids = images.tolist()
            pairs |= {(i, j): 1.0 for i in ids for j in ids if i < j}
        return cls(pairs, source, kind, sum(k == -1 for k in kind.values()))

    def wrong(self, threshold: float, prefix: str = "") -> tuple[int, int]:
        """Pairs of different photos, and all pairs, from a threshold on."""
        n_wrong = n_all = 0
        for (i, j), value in self.pairs.items():
            if value >= threshold and self.source[i].startswith(prefix):
                n_all += 1
                n_wrong += self.source[i] != self.source[j]
        return n_wrong, n_all

    def recall(self, threshold: float, kinds: set[int], prefix: str = "") -> float:
        """Share of photos whose copies of some kinds are paired with the photo itself."""
        n_hit = n_all = 0
        photo = {self.source[i]: i for i, kind in self.kind.items() if kind == -1}
        for image, kind in self.kind.items():
            if kind in kinds and self.source[image].startswith(prefix):
                other = photo[self.source[image]]
                pair = (min(image, other), max(image, other))
                n_all += 1
                n_hit += self.pairs.get(pair, 0.0) >= threshold
        return n_hit / max(1, n_all)


def by_cosine(workspace: Workspace, finding: DuplicateFinding) -> Found:
    """Pairs by the features alone: the cosine of each image with its nearest ones."""
    request = RunRequest((Path(),), RunSettings())
    fingerprint = workspace.engine.backbone(request).fingerprint
    contents = [record.content for record in finding.records]
    features = workspace.engine.stored_features(fingerprint, contents).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    near = nearest_neighbours(features, 14)
    known = Found.of(finding)
    pairs = {}
    for i, (ids, distances) in enumerate(zip(near.indices, near.distances, strict=True)):
        for j, distance in zip(ids.tolist(), distances.tolist(), strict=True):
            pairs[min(i, j), max(i, j)] = 1 - distance**2 / 2
    return Found(pairs, known.source, known.kind, known.n_photos)


def report(
    names: list[str],
    plain: DuplicateFinding,
    turned: DuplicateFinding,
    workspace: Workspace,
    seconds: float,
) -> str:
    """The section's text."""
    found, both = Found.of(plain), Found.of(turned)
    cosine = by_cosine(workspace, plain)
    upright = {n for n, kind in enumerate(KINDS) if not kind.is_turned}
    lines = [
        f"{found.n_photos} photos of {', '.join(names)} with {len(KINDS)} copies each;"
        f" {len(plain.records):,} images in one folder, compared in {seconds:.0f} s on one thread."
        " Recall: share of copies paired with their photo; wrong: pairs of different photos among"
        " all pairs from the threshold on. The turned copies are not counted here.",
        "",
        "| threshold | recall | wrong | recall by cosine alone | wrong by cosine alone |",
        "|---|---|---|---|---|",
    ]
    for threshold in THRESHOLDS:
        cells = [f"{threshold:g}"]
        for way in (found, cosine):
            n_wrong, n_all = way.wrong(threshold)
            cells += [f"{way.recall(threshold, upright):.2%}", f"{n_wrong:,} of {n_all:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"Recall by kind at the default threshold, {USUAL_THRESHOLD:g}:", ""]
    lines += [f"| copy | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for n, kind in enumerate(KINDS):
        way = both if kind.is_turned else found
        cells = [f"{way.recall(USUAL_THRESHOLD, {n}, name):.1%}" for name in names]
        lines.append(f"| {kind.name} | {' | '.join(cells)} |")
    n_wrong, n_all = both.wrong(USUAL_THRESHOLD)
    groups = groups_at(plain, USUAL_THRESHOLD)
    mixed = sum(len({found.source[i] for i in group.images}) > 1 for group in groups)
    smaller = {n for n, kind in enumerate(KINDS) if "half" in kind.name or "crop" in kind.name}
    right = sum(found.kind[g.best] not in smaller for g in groups)
    lines += [
        "",
        f"With mirrored and turned copies looked for: {n_wrong:,} of {n_all:,} pairs are wrong.",
        f"Groups at the default: {len(groups):,}, {mixed} of them with images of two photos. The"
        f" best of {right:,} has all the photo's pixels (a copy saved at a higher quality than"
        " the photo is larger in bytes and is taken for the better one).",
        "",
        "`python tests/benchmarks/bench_duplicates.py FOLDER...`",
    ]
    return "\n".join(lines)


class MadeUpEngine:
    """Gives features of images that do not exist; the same number means the same features."""

    def __init__(self, n: int, n_copies: int, dims: int) -> None:
        random = np.random.default_rng(0)
        self.rows = random.standard_normal((n, dims)).astype(np.float16)
        noise = 0.1 * random.standard_normal((n_copies, dims))
        self.rows[n - n_copies :] = self.rows[:n_copies] + noise

    def backbone(self, _request: object) -> SimpleNamespace:
        """Has a fingerprint only."""
        return SimpleNamespace(fingerprint="made up")

    def has_features(self, _fingerprint: str, contents: list[bytes]) -> NDArray[np.bool_]:
        """All have."""
        return np.ones(len(contents), np.bool_)

    def stored_features(self, _fingerprint: str, contents: list[bytes]) -> NDArray[np.float16]:
        """By number."""
        return self.rows[[int.from_bytes(content, "big") for content in contents]]


class MadeUpThumbnails:
    """Gives one of some real thumbnails for each content; copies have that of their original."""

    def __init__(self, n: int, n_copies: int) -> None:
        self._first_copy = n - n_copies
        random = np.random.default_rng(0)
        soft = random.integers(0, 255, (300, 9, 12, 3)).astype(np.uint8)
        pictures = (Image.fromarray(p).resize((256, 192), Image.Resampling.BICUBIC) for p in soft)
        self._data = [make_thumbnail(np.asarray(picture)) for picture in pictures]

    def get_many(self, contents: list[bytes]) -> dict[bytes, bytes]:
        """By number."""
        found = {}
        for content in contents:
            number = int.from_bytes(content, "big")
            number -= self._first_copy if number >= self._first_copy else 0
            found[content] = self._data[number % len(self._data)]
        return found


def measured_time(n: int = 100_000, n_copies: int = 10_000, dims: int = 128) -> str:
    """A whole search among made-up images: neighbours, sketches, comparisons, groups."""
    facts = ImageFacts(ImageStatus.OK, width=400, height=300, format="JPEG")
    records = tuple(
        ImageRecord(0, f"{i}.jpg".encode(), FileStamp(1000 + i, 0), i.to_bytes(16, "big"), facts)
        for i in range(n)
    )
    unknown = np.full(n, np.nan, np.float32)
    snapshot = Snapshot(records, (Path(),), Clustering.empty(n), None, unknown)
    with TemporaryDirectory() as folder:
        stores = SimpleNamespace(
            arrays=ArrayCache(Path(folder)), thumbnails=MadeUpThumbnails(n, n_copies)
        )
        place = SimpleNamespace(engine=MadeUpEngine(n, n_copies, dims), stores=stores)
        job = DuplicateJob(cast(Workspace, place), snapshot)
        started = time.perf_counter()
        finding = job.run(ignore_events, CancelToken())
        whole = time.perf_counter() - started
        started = time.perf_counter()
        DuplicateJob(cast(Workspace, place), snapshot).run(ignore_events, CancelToken())
        again = time.perf_counter() - started
    started = time.perf_counter()
    groups = groups_at(finding, USUAL_THRESHOLD)
    grouping = time.perf_counter() - started
    unlike = np.roll(finding.sketches, 1, axis=0)
    started = time.perf_counter()
    likeness(finding.sketches, unlike, 0.6)
    compare = (time.perf_counter() - started) / len(unlike)
    started = time.perf_counter()
    shown = open_groups(groups, records, snapshot.clustering)
    opening = time.perf_counter() - started
    return (
        f"{n:,} made-up images with features of {dims} values, {n_copies:,} of them copies of"
        " others; one thread of a busy machine.\n\n"
        "| what | time |\n|---|---|\n"
        f"| the whole search | {whole:.0f} s |\n"
        f"| the same with the neighbours in the cache, as after a run | {again:.1f} s |\n"
        f"| {len(groups):,} groups at a threshold, off the window's thread | {grouping:.2f} s |\n"
        f"| those still open, in the window's thread ({len(shown):,}) | {opening * 1e3:.0f} ms |\n"
        f"| comparing two unlike pictures | {compare * 1e3:.2f} ms |\n\n"
        f"Memory at the peak: {peak_rss_mb():,.0f} MB.\n\n"
        "`python tests/benchmarks/bench_duplicates.py --time`"
    )


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=120)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--time", action="store_true")
    wanted = parser.parse_args()
    if wanted.time:
        text = measured_time()
        write_section(RESULTS, "Duplicates: time", text)
        sys.stdout.write(text + "\n")
        return
    with TemporaryDirectory() as folder:
        place = wanted.keep or Path(folder)
        make_copies(wanted.folders, wanted.count, place / "images")
        with Workspace(place / "cache") as workspace, TemporaryDirectory() as other:
            found = searched(workspace, place / "images", Path(other) / "p.dclust")
            names = [p.name for p in wanted.folders]
            text = report(names, *found[:2], workspace, found[2])
    write_section(RESULTS, "Duplicates: copies of photos", text)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()

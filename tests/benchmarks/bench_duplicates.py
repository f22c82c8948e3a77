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
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance

from dclust_gui.algorithms.knn import nearest_neighbours
from dclust_gui.algorithms.likeness import likeness
from dclust_gui.algorithms.stars import Pairs, star_groups
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.bench.results import write_section
from dclust_gui.services.collection import merge_ingest, merge_scan
from dclust_gui.services.duplicate_groups import groups_at
from dclust_gui.services.duplicate_search import USUAL_THRESHOLD
from dclust_gui.services.duplicates import DuplicateJob
from dclust_gui.services.opening import create_project
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

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


def measured_time() -> str:
    """How long 100,000 made-up images take: neighbours, comparisons, groups."""
    random = np.random.default_rng(0)
    n, n_pairs = 100_000, 20_000
    rows = random.standard_normal((n, 128)).astype(np.float32)
    rows[n // 2 :][:5000] = rows[:5000] + 0.1 * random.standard_normal((5000, 128))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    started = time.perf_counter()
    near = nearest_neighbours(rows, 15)
    search = time.perf_counter() - started
    left = np.repeat(np.arange(n), 14)
    right = near.indices[:, :14].astype(np.int64).ravel()
    value = 1 - near.distances[:, :14].ravel() ** 2 / 2
    sketches = random.integers(0, 255, (2000, 96, 64)).astype(np.uint8)
    ends = random.integers(0, len(sketches), (2, n_pairs))
    started = time.perf_counter()
    likeness(sketches[ends[0]], sketches[ends[1]], 0.6)
    compare = (time.perf_counter() - started) / n_pairs
    started = time.perf_counter()
    likeness(sketches, sketches, 0.6)
    copies = (time.perf_counter() - started) / len(sketches)
    started = time.perf_counter()
    stars = star_groups(
        np.arange(n),
        Pairs(left, right, value.astype(np.float32)),
        0.9,
        lambda centre, others: (rows[others] @ rows[centre]).astype(np.float32),
    )
    grouping = time.perf_counter() - started
    return (
        "A tenth of 100,000 x 128 made-up features has a copy; one thread, a busy machine.\n\n"
        "| what | time |\n|---|---|\n"
        f"| 15 exact neighbours of each, unless a run has kept them | {search:.0f} s |\n"
        f"| comparing two unlike pictures | {compare * 1e3:.2f} ms |\n"
        f"| comparing two copies | {copies * 1e3:.2f} ms |\n"
        f"| {len(stars):,} groups from {len(left):,} neighbours | {grouping:.1f} s |\n\n"
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

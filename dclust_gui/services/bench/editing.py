"""Every kind of edit, undo and redo on a project of 100,000 images, until they are durable."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.services.bench.edit_kinds import KINDS, RandomEdits
from dclust_gui.services.bench.rows import BenchRow, seconds_of
from dclust_gui.services.bench.window import bench_edit_window
from dclust_gui.services.session import ProjectSession, now
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAME = "edit"
_N_IMAGES = 100_000
_N_CLUSTERS = 40
_N_PICKED = 20_000
_REPEATS = 5
_LONG_REPEATS = 25


def bench_edit(say: Callable[[str], None], *, long: bool = False) -> Iterator[BenchRow]:
    """Edit a project of 100,000 images; each edit is on the disk when its time ends.

    Args:
        say: Told what is measured.
        long: Repeat more often.

    Yields:
        Milliseconds of each kind of edit, its undo and its redo, the slowest of all repeats, with
        selections of up to 20,000 images; the slowest of all; and the same in the window until
        it is painted.
    """
    say("Editing a project of 100,000 images")
    slowest = 0.0
    with tempfile.TemporaryDirectory(prefix="dclust-") as name:
        session = large_session(Path(name))
        try:
            random = np.random.default_rng(0)
            for kind in KINDS:
                times = [
                    time_edit(session, kind, random)
                    for _ in range(_LONG_REPEATS if long else _REPEATS)
                ]
                for what, taken in zip(
                    (kind, f"undo {kind}", f"redo {kind}"), zip(*times, strict=True), strict=True
                ):
                    slowest = max(slowest, *taken)
                    yield BenchRow(_NAME, f"{what}, session", 1e3 * max(taken), "ms")
        finally:
            session.close()
    yield BenchRow(_NAME, "slowest edit, undo or redo, session", 1e3 * slowest, "ms")
    yield from bench_edit_window(say)


def time_edit(
    session: ProjectSession, kind: str, random: np.random.Generator
) -> tuple[float, float, float]:
    """Do, undo and redo one edit.

    Args:
        session: A project with clusters.
        kind: One of `KINDS`.
        random: Chooses images and clusters.

    Returns:
        Seconds of the edit (made and applied), of undo, and of redo.
    """
    state = session.clustering
    picked = random.choice(state.n_images, min(_N_PICKED, state.n_images), replace=False)
    session.select(picked.tolist())
    maker = RandomEdits(state, random, _N_PICKED)
    return (
        seconds_of(lambda: session.apply(maker.make(kind))),
        seconds_of(session.undo),
        seconds_of(session.redo),
    )


def large_session(folder: Path, n_images: int = _N_IMAGES) -> ProjectSession:
    """A project of made-up images in 40 clusters.

    Args:
        folder: Where its file goes.
        n_images: How many images it has.
    """
    photos = folder / "photos"
    photos.mkdir()
    session = ProjectSession(ProjectStore.create(folder / "large.dclust", [photos]))
    facts = ImageFacts(ImageStatus.OK, "", 4000, 3000, "2024-05-01T10:00:00", "Camera")
    session.add_images(
        [
            ImageRecord(
                0, b"trip %02d/IMG_%06d.JPG" % (i // 5000, i), FileStamp(i + 1, 1), _key(i), facts
            )
            for i in range(n_images)
        ]
    )
    random = np.random.default_rng(0)
    labels = random.integers(_N_CLUSTERS, size=n_images).astype(np.int32)
    confidence = random.random(n_images, np.float32)
    ids = np.arange(n_images, dtype=np.int32)
    tree = np.zeros((n_images - 1, 4))
    session.accept_run(Run(0, now(), RunSettings(), "00", ids, labels, confidence, tree))
    return session


def _key(number: int) -> bytes:
    return (number + 1).to_bytes(16, "big")

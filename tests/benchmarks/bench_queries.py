"""Questions the window asks while a person waits: find similar, and the filter box.

`python tests/benchmarks/bench_queries.py [COUNT]` prints medians in milliseconds beside what is
allowed (200 ms for 100,000 images).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.services.feature_matrix import FeatureMatrix, unit_rows
from dclust_gui.services.filter_terms import parse_filter
from dclust_gui.services.filtering import FilterService
from dclust_gui.services.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 1280
REPEATS = 7


def median_ms(call: Callable[[], object]) -> float:
    """Median milliseconds of a call."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))


def similar(count: int) -> float:
    """The hundred nearest of `count` images in half precision."""
    random = np.random.default_rng(0)
    rows = np.empty((count, WIDTH), np.float16)
    for start in range(0, count, 4096):
        size = min(4096, count - start)
        rows[start : start + size] = unit_rows(random.standard_normal((size, WIDTH), np.float32))
    ids = np.arange(count, dtype=np.int32)
    matrix = FeatureMatrix(ids, ids, np.zeros(WIDTH, np.float32), rows)
    direction = rows[5].astype(np.float32)
    return median_ms(lambda: matrix.nearest(direction, 100))


def filtered(count: int) -> float:
    """A filter of six terms over `count` images."""
    images = tuple(
        ImageRecord(
            0,
            f"folder {i % 97}/img-{i:06d}.jpg".encode(),
            FileStamp(1000, 0),
            b"",
            ImageFacts(
                ImageStatus.OK,
                width=40,
                height=30,
                taken_at=f"{2010 + i % 12}-05-04T10:00:00",
                format="JPEG",
                camera="Maker Model" if i % 2 else "Other",
            ),
        )
        for i in range(count)
    )
    clusters = {k: Cluster(k) for k in range(1, 41)}
    labels = (np.arange(count) % 40 + 1).astype(np.int32)
    clustering = Clustering(labels, np.zeros(count, np.uint8), clusters, 41)
    confidence = np.random.default_rng(0).random(count, np.float32)
    snapshot = Snapshot(images, (Path("/photos"),), clustering, None, confidence)
    service = FilterService()
    service.columns(snapshot)
    text = "img -999 camera:maker date:2015..2020 confidence:<0.9 cluster:cluster reviewed:no"
    return median_ms(lambda: service.find(snapshot, parse_filter(text)))


def main() -> None:
    """Print both."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for what, milliseconds in (("find similar", similar(count)), ("filter", filtered(count))):
        sys.stdout.write(f"{what}, {count:,} images: {milliseconds:.0f} ms (allowed: 200)\n")


if __name__ == "__main__":
    main()

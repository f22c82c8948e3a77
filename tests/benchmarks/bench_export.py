"""Exporting many small files on a memory file system, beside `cp -r`; prints a table.

`python tests/benchmarks/bench_export.py [--files 10000] [--folder /dev/shm] [--rounds 5]` takes
turns, so that all rows have the same company, and prints medians. Verified copies are read back,
hashed on both sides and written through; `unverified` leaves out hash and reading back, to tell
what these cost; nothing but this benchmark does that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import ImageFacts, ImageRecord, ImageStatus
from dclust_gui.engine.scan import scan
from dclust_gui.services import export
from dclust_gui.services.export_plan import ExportItem, ExportMode, ExportRequest, plan_export
from dclust_gui.storage.verified_copy import CopiedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

N_CLUSTERS = 20
FILE_BYTES = 4096


def make_originals(root: Path, n_files: int) -> list[ExportItem]:
    """Small files in folders of 500, and the clusters they belong to."""
    for i in range(n_files):
        path = root / f"{i // 500:03d}" / f"{i:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(i.to_bytes(8, "big") * (FILE_BYTES // 8))
    facts = ImageFacts(ImageStatus.OK)
    units = scan([root], ignore_events, CancelToken()).units
    return [
        ExportItem(
            ImageRecord(0, unit.relative, unit.stamp, b"", facts),
            1 + i % N_CLUSTERS,
            f"Cluster {1 + i % N_CLUSTERS:02d}",
        )
        for i, unit in enumerate(units)
    ]


def copy_plain(source: Path, temporary: Path, _token: CancelToken) -> CopiedFile:
    """A copy that nobody checks: what `cp` does."""
    shutil.copy2(source, temporary)
    status = source.stat()
    return CopiedFile(status.st_size, status.st_mtime_ns, b"")


def export_all(items: Sequence[ExportItem], root: Path, target: Path, mode: ExportMode) -> None:
    """Plan and export, as `dclust export` does after it has read the project."""
    plan = plan_export(items, [root], ExportRequest(target, mode))
    result = export.run_export(plan, ignore_events, CancelToken())
    if result.failed or result.copied != len(items):
        raise SystemExit(f"the export failed: {result.failed[:1]}")


def timed(work: Callable[[Path], None], folder: Path) -> float:
    """Wall seconds of one export into a new folder, which is removed afterwards."""
    target = folder / "target"
    started = time.perf_counter()
    work(target)
    seconds = time.perf_counter() - started
    shutil.rmtree(target)
    return seconds


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dclust-bench-", dir=options.folder))
    root = folder / "photos"
    try:
        items = make_originals(root, options.files)

        def with_cp(target: Path) -> None:
            subprocess.run(["cp", "-r", os.fspath(root), os.fspath(target)], check=True)

        def unverified(target: Path) -> None:
            with mock.patch.object(export, "copy_verified", copy_plain):
                export_all(items, root, target, ExportMode.COPY)

        ways: dict[str, Callable[[Path], None]] = {
            "cp -r": with_cp,
            "copy, unverified": unverified,
            "copy (verified)": lambda target: export_all(items, root, target, ExportMode.COPY),
            "hard links": lambda target: export_all(items, root, target, ExportMode.HARDLINK),
            "symlinks": lambda target: export_all(items, root, target, ExportMode.SYMLINK),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, work in ways.items():
                seconds[name].append(timed(work, folder))
        peer = statistics.median(seconds["cp -r"])
        sys.stdout.write("| way | seconds | files/s | speed of cp -r |\n|---|---|---|---|\n")
        for name, found in seconds.items():
            middle = statistics.median(found)
            rate = options.files / middle
            sys.stdout.write(f"| {name} | {middle:.2f} | {rate:,.0f} | {peer / middle:.0%} |\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

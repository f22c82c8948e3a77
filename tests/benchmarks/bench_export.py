"""Exporting many small files, or fewer large ones, beside `cp -r`; prints a table.

`python tests/benchmarks/bench_export.py [--files 10000] [--bytes 4096] [--folder /dev/shm]
[--rounds 7] [--results RESULTS.md]` takes turns, so that all rows have the same company. A row
gives medians: wall time of the planning and of the work, and their share of the speed of `cp -r`,
by wall time and by processor time, which tells more on a busy machine. Copies are written under a
temporary name, journalled and waited for until they are on the disk, verified or not; verified
ones are hashed and read back, too. `cp -r` does none of that; with `sync` behind it, it does one.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import ImageFacts, ImageRecord, ImageStatus
from dclust_gui.engine.scan import scan
from dclust_gui.services.bench.results import write_section
from dclust_gui.services.export import run_export
from dclust_gui.services.export_plan import ExportItem, ExportMode, ExportRequest, plan_export

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

N_CLUSTERS = 20


@dataclass(slots=True)
class Times:
    """Seconds of each round.

    Attributes:
        plan: Wall seconds of the planning.
        work: Wall seconds of the work.
        plan_cpu: Processor seconds of the planning.
        work_cpu: Processor seconds of the work.
    """

    plan: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    plan_cpu: list[float] = field(default_factory=list)
    work_cpu: list[float] = field(default_factory=list)

    def median(self, *names: str) -> float:
        """Median over the rounds of a sum."""
        return statistics.median(
            map(sum, zip(*(getattr(self, name) for name in names), strict=True))
        )


def make_originals(root: Path, n_files: int, n_bytes: int = 4096) -> list[ExportItem]:
    """Files in folders of 500, and the clusters they belong to."""
    for i in range(n_files):
        path = root / f"{i // 500:03d}" / f"{i:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(i.to_bytes(8, "big") * (n_bytes // 8))
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


def now() -> tuple[float, float]:
    """Wall seconds; user and system seconds of this process and of those it started."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(found.ru_utime + found.ru_stime for found in used)


def measure(
    items: Sequence[ExportItem], root: Path, folder: Path, n_rounds: int
) -> dict[str, Times]:
    """Every way, in turns."""
    target = folder / "target"
    shell = f"cp -r '{root}' '{target}'"
    peers = {"cp -r": shell, "cp -r and sync": f"{shell} && sync -f '{target}'"}
    ways = {
        "copy, unverified": (ExportMode.COPY, False),
        "copy (verified, the default)": (ExportMode.COPY, True),
        "hard links": (ExportMode.HARDLINK, True),
        "symlinks": (ExportMode.SYMLINK, True),
    }
    times = {name: Times() for name in (*peers, *ways)}
    for _ in range(n_rounds):
        for name, command in peers.items():
            started = now()
            subprocess.run(["sh", "-c", command], check=True)
            note(times[name], started, started, now())
            shutil.rmtree(target)
        for name, (mode, verify) in ways.items():
            started = now()
            plan = plan_export(items, [root], ExportRequest(target, mode, verify=verify))
            planned = now()
            result = run_export(plan, ignore_events, CancelToken())
            note(times[name], started, planned, now())
            if result.failed or result.copied != len(items):
                raise SystemExit(f"the export failed: {result.failed[:1]}")
            shutil.rmtree(target)
    return times


def note(
    times: Times, start: tuple[float, float], planned: tuple[float, float], end: tuple[float, float]
) -> None:
    """Add one round."""
    times.plan.append(planned[0] - start[0])
    times.work.append(end[0] - planned[0])
    times.plan_cpu.append(planned[1] - start[1])
    times.work_cpu.append(end[1] - planned[1])


def table(times: dict[str, Times], n_files: int) -> Iterator[str]:
    """Markdown."""
    peer, peer_cpu = times["cp -r"].median("work"), times["cp -r"].median("work_cpu")
    yield "| way | plan, s | work, s | files/s, work | work: speed of cp -r | by processor time "
    yield "| plan and work: speed of cp -r | by processor time |\n"
    yield "|---" * 8 + "|\n"
    for name, found in times.items():
        work, whole = found.median("work"), found.median("plan", "work")
        cpu, whole_cpu = found.median("work_cpu"), found.median("plan_cpu", "work_cpu")
        cells = [
            name,
            f"{found.median('plan'):.2f}",
            f"{work:.2f}",
            f"{n_files / work:,.0f}",
            *(f"{a / b:.0%}" for a, b in ((peer, work), (peer_cpu, cpu))),
            *(f"{a / b:.0%}" for a, b in ((peer, whole), (peer_cpu, whole_cpu))),
        ]
        yield f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=4096)
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--results", type=Path, help="put the table into this Markdown file")
    parser.add_argument("--title", default="Exports beside cp -r", help="of the section there")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dclust-bench-", dir=options.folder))
    try:
        root = folder / "photos"
        items = make_originals(root, options.files, options.bytes)
        text = "".join(table(measure(items, root, folder, options.rounds), options.files))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(text)
    if options.results is not None:
        size = f"--files {options.files} --bytes {options.bytes} --rounds {options.rounds}"
        command = f"`python tests/benchmarks/bench_export.py {size}`"
        write_section(options.results, options.title, f"{command}\n\n{text}")


if __name__ == "__main__":
    main()

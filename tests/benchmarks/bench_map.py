"""A map of 100,000 images: frame times while zooming, panning, lassoing and pointing.

Run with `pytest tests/benchmarks/bench_map.py --benchmark-only -s`, or as `dclust bench map`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dclust_gui.ui.bench import map as map_bench

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

FRAME_MS = 16.7


def test_frames_are_in_time(benchmark: Callable[..., object], qtbot: QtBot) -> None:
    rows = benchmark.pedantic(map_bench.measure, rounds=1)  # type: ignore[attr-defined]
    sys.stdout.write("\n" + "\n".join(f"{w}: {v:.1f} {unit}" for w, v, unit in rows) + "\n")
    values = {what: value for what, value, _ in rows}
    benchmark.extra_info.update(values)  # type: ignore[attr-defined]
    busy = [v for what, v in values.items() if what.endswith("processor time")]
    assert busy
    assert max(busy) < FRAME_MS

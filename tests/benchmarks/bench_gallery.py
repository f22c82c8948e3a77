"""Scrolling through 100,000 images: frame times, idle and with extraction running, and memory.

Run with `pytest tests/benchmarks/bench_gallery.py --benchmark-only -s`, or as
`dclust bench gallery`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dclust_gui.ui.bench import gallery

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

FRAME_MS = 16.7
MEMORY_LIMIT_MB = 1_000


def test_frames_are_in_time(benchmark: Callable[..., object], qtbot: QtBot) -> None:
    rows = benchmark.pedantic(gallery.measure, rounds=1)  # type: ignore[attr-defined]
    sys.stdout.write("\n" + "\n".join(f"{w}: {v:.1f} {unit}" for w, v, unit in rows) + "\n")
    values = {what: value for what, value, _ in rows}
    benchmark.extra_info.update(values)  # type: ignore[attr-defined]
    busy = [v for what, v in values.items() if what.endswith("processor time")]
    assert any("with extraction running" in what for what in values)
    assert busy
    assert max(busy) < FRAME_MS
    assert values["resident memory"] < MEMORY_LIMIT_MB

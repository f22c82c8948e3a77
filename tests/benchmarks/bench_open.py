"""A project of 100,000 images in the real window: time to open it, and its longest pauses.

Run with `pytest tests/benchmarks/bench_open.py --benchmark-only -s`, or as `dclust bench open`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dclust_gui.ui.bench import opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

PAUSE_LIMIT_MS = 100
OPEN_LIMIT_S = 2.0


def test_window_never_waits(benchmark: Callable[..., object], qtbot: QtBot) -> None:
    rows = benchmark.pedantic(opening.measure, rounds=1)  # type: ignore[attr-defined]
    sys.stdout.write("\n" + "\n".join(f"{w}: {v:.2f} {unit}" for w, v, unit in rows) + "\n")
    values = {what: value for what, value, _ in rows}
    benchmark.extra_info.update(values)  # type: ignore[attr-defined]
    assert values["project opened"] < OPEN_LIMIT_S
    assert max(v for what, v, unit in rows if unit == "ms") < PAUSE_LIMIT_MS

"""Measurements of the window itself, in a process of their own: `dclust bench gallery` and others.

`dclust_gui.services.bench.window` starts them; nothing else in the window knows of them.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.ui.bench.common import Row


def run(name: str) -> int:
    """Measure, and print one JSON list of [what, value, unit] to the standard output.

    Args:
        name: `gallery`, `dendrogram`, `map`, `edit` or `open`.

    Returns:
        The exit code: 2 for an unknown name.
    """
    use_offscreen_without_display()
    measure = _measure_of(name)
    if measure is None:
        sys.stderr.write(f"There is no measurement of the window called '{name}'.\n")
        return 2
    rows = measure()
    sys.stdout.write(json.dumps(rows) + "\n")
    sys.stdout.flush()
    return 0


def use_offscreen_without_display() -> None:
    """Let Qt paint into memory where there is no screen; before the first widget."""
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if sys.platform.startswith("linux") and not has_display:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _measure_of(name: str) -> Callable[[], list[Row]] | None:
    if name == "gallery":
        from dclust_gui.ui.bench import gallery

        return gallery.measure
    if name == "dendrogram":
        from dclust_gui.ui.bench import dendrogram

        return dendrogram.measure
    if name == "map":
        from dclust_gui.ui.bench import map as map_bench

        return map_bench.measure
    if name == "edit":
        from dclust_gui.ui.bench import editing

        return editing.measure
    if name == "open":
        from dclust_gui.ui.bench import opening

        return opening.measure
    return None

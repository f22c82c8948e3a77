"""The window's measurements: what they are made of, on a small scale."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PIL import Image

from dclust_gui.ui.app import SWITCH_S
from dclust_gui.ui.bench import editing
from dclust_gui.ui.bench.common import BUSY, FrameTimes, as_in_the_window
from dclust_gui.ui.bench.extraction import multiply

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_tell_what_else_went_on() -> None:
    times = FrameTimes(BUSY)
    times.frame("zoom", lambda: None)
    names = [what for what, _, unit in times.rows() if unit == "ms"]
    assert names == [
        "frame 99th percentile, zoom, with extraction running",
        "frame 99th percentile, zoom, with extraction running, GUI thread's processor time",
    ]


def test_copies_of_photos_are_other_files_with_the_same_picture(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), (200, 10, 10)).save(tmp_path / "a.jpg")
    multiply(tmp_path, 3)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    assert len({path.read_bytes() for path in files}) == 4
    for path in files:
        with Image.open(path) as picture:
            assert picture.convert("RGB").tobytes() == Image.open(files[0]).convert("RGB").tobytes()


def test_threads_switch_as_in_the_window_only_while_it_is_measured(qapp: object) -> None:
    before = sys.getswitchinterval()
    with as_in_the_window():
        assert sys.getswitchinterval() == SWITCH_S
    assert sys.getswitchinterval() == before


def test_edits_are_timed_with_their_undo_and_redo(qapp: object) -> None:
    rows = {what: value for what, value, _ in editing.measure(60, ("move",), 1)}
    whole = [what for what in rows if what.endswith(", window")]
    assert whole == [
        "move, window",
        "undo move, window",
        "redo move, window",
        "slowest edit, undo or redo, window",
    ]
    assert rows["slowest edit, undo or redo, window"] == max(rows[what] for what in whole)
    assert all(value > 0 for value in rows.values())

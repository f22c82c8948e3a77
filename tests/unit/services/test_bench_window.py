"""The benchmarks of the window read what a process of their own prints."""

from __future__ import annotations

import sys

import pytest

from dclust_gui.domain.errors import InputError
from dclust_gui.services.bench.rows import BenchRow
from dclust_gui.services.bench.window import rows_of


def printing(text: str) -> list[str]:
    return [sys.executable, "-c", f"print({text!r})"]


def test_rows_are_read_from_the_last_line() -> None:
    text = 'a note\n[["frame 99th percentile, wheel", 7.25, "ms"], ["resident memory", 300, "MB"]]'
    assert rows_of("gallery", printing(text)) == [
        BenchRow("gallery", "frame 99th percentile, wheel", 7.25, "ms"),
        BenchRow("gallery", "resident memory", 300.0, "MB"),
    ]


@pytest.mark.parametrize("text", ["", "no rows", "7", "[[1, 2]]", '[["a", "b", "c"]]'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="could not be measured") as told:
        rows_of("open", printing(text))
    assert "no list of rows" in told.value.why


def test_failure_tells_the_last_line_of_the_process() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('first\\nno screen')"]
    with pytest.raises(InputError) as told:
        rows_of("open", command)
    assert told.value.why == "no screen"


def test_unknown_measurement_is_refused() -> None:
    command = [sys.executable, "-m", "dclust_gui", "--window-bench", "nothing"]
    with pytest.raises(InputError) as told:
        rows_of("nothing", command)
    assert "'nothing'" in told.value.why

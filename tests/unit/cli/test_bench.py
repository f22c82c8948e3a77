"""The command that measures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dclust_gui.cli import bench
from dclust_gui.services.bench.rows import BenchRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest


def test_unknown_name_fails_and_tells_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    from dclust_gui.cli.main import run

    assert run(["bench", "nothing"], lambda _: 0) == 1
    told = capsys.readouterr().err
    assert "no benchmark 'nothing'" in told
    for name in ("gallery", "dendrogram", "open"):
        assert name in told


def test_json_has_machine_and_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dclust_gui.cli.main import run

    def measured(say: Callable[[str], None], *, long: bool) -> Iterator[BenchRow]:
        yield BenchRow("gallery", "frame 99th percentile, wheel, idle", 7.25, "ms")

    monkeypatch.setitem(bench._BENCHES, "gallery", measured)
    assert run(["bench", "gallery", "--json"], lambda _: 0) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"machine", "rows"}
    assert told["rows"][0]["what"] == "frame 99th percentile, wheel, idle"
    assert told["rows"][0]["ours"] == 7.25

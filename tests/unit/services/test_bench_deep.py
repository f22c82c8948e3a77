"""The comparison with ClustPy: its file, its rows, and ours alone where ClustPy is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.services.bench import clustpy, deep
from dclust_gui.services.bench.clustpy import Budget
from dclust_gui.services.bench.deep_runs import OURS, PRETRAINING, Images, Run, RunFile

if TYPE_CHECKING:
    from pathlib import Path

TINY = Budget(pretraining=1, clustering=1, batch=32, hidden=(8,), code=2)


def run(method: str = "DEC", who: str = OURS, start: str = "n2d", seed: int = 1) -> Run:
    accuracy = 0.9 if who == OURS else 0.6
    return Run("digits", seed, method, who, start, accuracy, 0.5, 0.4, None, 2.0, 1.0)


def images() -> Images:
    random = np.random.default_rng(0)
    rows = random.random((60, 64)).astype(np.float32)
    rows[:, 0], rows[:, 1] = 0.0, 1.0
    return Images("noise", rows, np.arange(60) % 2)


def test_runs_and_weights_outlive_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "new" / "runs.jsonl"
    file = RunFile(path)
    file.add(run())
    file.keep_weights("digits-ae-1", {"encoder.block.0.weight": np.ones((2, 3), np.float32)})
    again = RunFile(path)
    assert again.runs == (run(),)
    assert again.has(run().key)
    assert not again.has(run(seed=2).key)
    kept = again.weights("digits-ae-1")
    assert kept is not None
    np.testing.assert_array_equal(kept["encoder.block.0.weight"], np.ones((2, 3)))
    assert again.weights("digits-ae-2") is None


def test_rows_are_means_beside_the_peers() -> None:
    runs = [run(), run(seed=2), run(who=clustpy.NAME, start="kmeans")]
    accuracy, seconds = deep.rows_of(runs)
    assert accuracy.what == "DEC of digits, n2d start: accuracy"
    assert accuracy.ours == pytest.approx(0.9)
    assert accuracy.peer == pytest.approx(0.6)
    assert accuracy.ratio == pytest.approx(1.5)
    assert seconds.unit == "s CPU"
    assert seconds.ratio == pytest.approx(1.0)


def test_ours_alone_where_the_peer_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustpy, "is_installed", lambda: False)
    monkeypatch.setattr(deep, "digits", images)
    monkeypatch.setattr(deep, "Budget", lambda **_: TINY)
    monkeypatch.setattr(deep, "METHODS", ("N2D",))
    monkeypatch.setattr(deep.Comparison.__init__, "__kwdefaults__", {"methods": ("N2D",)})
    said: list[str] = []
    rows = list(deep.bench_deep(said.append))
    assert any("ours alone" in text for text in said)
    assert {row.what.split()[0] for row in rows} == {PRETRAINING, "N2D"}
    assert all(row.peer is None for row in rows)


def test_finished_runs_are_not_made_again() -> None:
    file = RunFile(None)
    said: list[str] = []
    comparison = deep.Comparison(
        images(), TINY, file, said.append, methods=("DEC",), with_peer=False
    )
    comparison.run((1,))
    before = file.runs
    assert {(r.method, r.start) for r in before} == {
        (PRETRAINING, ""),
        ("DEC", "kmeans"),
        ("DEC", "n2d"),
    }
    comparison.run((1,))
    assert file.runs == before


def test_clustpys_weights_give_the_same_codes_and_logits() -> None:
    import torch
    from torch import nn

    from dclust_gui.algorithms.deep.networks import encode
    from dclust_gui.algorithms.deep.variational import output_logits

    rows = images().rows
    torch.manual_seed(0)
    up = nn.Sequential(nn.Linear(64, 8), nn.LeakyReLU(), nn.Linear(8, 2))
    down = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(), nn.Linear(8, 64))
    weights = {
        f"{part}.block.{number}.{name}": getattr(net[number], name).detach().numpy()
        for part, net in (("encoder", up), ("decoder", down))
        for number in (0, 2)
        for name in ("weight", "bias")
    }
    tensor = torch.from_numpy(rows)
    plain = deep.from_clustpy(weights, rows)
    np.testing.assert_allclose(plain.transform(rows), up(tensor).detach(), atol=1e-5)
    scaled = encode(plain.network_.decoder, up(tensor).detach())
    expected = down(up(tensor)).detach() * plain.scaling_.factor
    torch.testing.assert_close(scaled, expected, atol=1e-4, rtol=1e-4)
    weights["mean.weight"] = weights.pop("encoder.block.2.weight")
    weights["mean.bias"] = weights.pop("encoder.block.2.bias")
    variational = deep.from_clustpy(weights, rows)
    output_logits(variational.network_, float(variational.scaling_.apply(rows).max()))
    logits = encode(variational.network_.decoder, up(tensor).detach())
    torch.testing.assert_close(logits, down(up(tensor)).detach(), atol=1e-4, rtol=1e-4)

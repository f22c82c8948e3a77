"""Fine-tuning on the command line: what is refused, listed and asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dclust_gui.cli import cluster as command
from dclust_gui.engine.tuning_plan import TuningEstimate, TuningPlan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dclust_gui.cli.output import ProgressView
    from tests.conftest import Dclust


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--finetune", "magic"), "none, dec, dcn"),
        (("--finetune", "dec", "--param", "finetune.blocks=0"), "finetune.blocks=0|blocks=0"),
        (("--param", "finetune.blocks=2"), "does not fine-tune"),
        (("--backbone", "tuned:beach"), "no trained backbone 'beach'"),
    ],
)
def test_what_cannot_be_done_is_refused_before_images_are_read(
    dclust: Dclust,
    make_images: Callable[..., list[Path]],
    tmp_path: Path,
    embedded: list[int],
    options: tuple[str, ...],
    words: str,
) -> None:
    make_images(tmp_path / "photos")
    done = dclust("cluster", tmp_path / "photos", *options)
    assert done.code == 1
    assert any(word in done.error_line for word in words.split("|"))
    assert embedded == []


def test_fine_tunings_are_among_the_methods(dclust: Dclust) -> None:
    told = dclust("methods").out
    assert "--finetune dec:" in told
    assert "--param finetune.blocks=1" in told
    rows = json.loads(dclust("methods", "--json").out)
    assert [r["name"] for r in rows if r["kind"] == "finetune"] == ["dec", "dcn"]


def test_a_trained_backbone_that_is_not_there_cannot_be_removed(
    dclust: Dclust,
) -> None:
    done = dclust("models", "remove", "tuned:beach")
    assert done.code == 1
    assert "no trained backbone 'beach'" in done.error_line


class View:
    """Answers no, and keeps the questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, question: str) -> bool:
        self.asked.append(question)
        return False


def test_only_a_long_training_is_asked_about() -> None:
    view = View()
    short, long = (
        TuningEstimate(TuningPlan(100, 2, 32, 4, is_on_disk=False), s, "CPU", is_cpu=True)
        for s in (30.0, 600.0)
    )
    ask: Callable[[ProgressView, TuningEstimate], bool] = command._approve
    assert ask(view, short)  # type: ignore[arg-type]
    assert view.asked == []
    assert not ask(view, long)  # type: ignore[arg-type]
    assert "--yes" in view.asked[0]

"""The commands `distil` and `classify`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Dclust, MakeImages


@pytest.fixture
def project(
    tmp_path: Path, make_images: MakeImages, dclust: Dclust, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Three classes in three clusters, and a folder of other images of them."""
    make_images(tmp_path / "photos", 3, 8)
    make_images(tmp_path / "new", 3, 9)
    (tmp_path / "new" / "bad.jpg").write_bytes(b"no image")
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 3, "--project", "p.dclust").code == 0
    assert dclust("edit", "p.dclust", "rename", "1", "first").code == 0
    return Path("p.dclust")


def test_a_project_is_distilled_and_new_images_are_sorted(dclust: Dclust, project: Path) -> None:
    content = project.read_bytes()
    done = dclust("distil", project, "m.pt", "--kind", "linear", "--precision", 0.8)
    assert (done.code, done.err) == (0, "")
    assert "Taught 3 clusters by 24 images" in done.out
    assert "On images it had not seen (5 folds)" in done.out
    assert project.read_bytes() == content
    done = dclust(
        "classify", "m.pt", "new", "--threshold", 0.4, "--out", "l.csv", "--export", "sorted"
    )
    assert done.code == 0
    assert "Unassigned" in done.out
    with Path("l.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "cluster", "name", "confidence", "status"]
    assert len(rows) == 28
    assert {row["cluster"] for row in rows if row["status"] == "unreadable"} == {""}
    assert "first" in {row["name"] for row in rows}
    assert (Path("sorted") / "first").is_dir()
    assert len(list(Path("new").rglob("*.*"))) == 28  # originals are where they were


def test_json_says_why(dclust: Dclust, project: Path) -> None:
    told = json.loads(dclust("distil", project, "m.onnx", "--json").out)
    assert told["images"] == 24
    assert len(told["clusters"]) == 3
    assert 0 <= told["accuracy"] <= 1
    told = json.loads(dclust("classify", "m.onnx", "new", "--threshold", 1, "--json").out)
    readable = [row for row in told["images"] if row["status"] == "ok"]
    left = [row for row in readable if row["name"] == "Unassigned"]
    assert told["sorted"] + len(left) == len(readable)
    assert all(row["why"] and row["suggestion"] for row in left)
    assert not any(row["why"] for row in readable if row not in left)
    assert dclust("classify", "m.onnx", "new", "--out", "l.json").code == 0
    assert len(json.loads(Path("l.json").read_text("utf-8"))["images"]) == 28


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("distil", "p.dclust", "m.txt"), 1, "ends in .pt"),
        (("distil", "p.dclust", "m.pt", "--kind", "forest"), 2, ""),
        (("distil", "none.dclust", "m.pt"), 1, "none.dclust"),
        (("classify", "none.pt", "new"), 1, "none.pt"),
        (("classify", "p.dclust", "new"), 1, "p.dclust"),
        (("classify", "m.pt", "nowhere"), 1, "nowhere"),
        (("classify", "m.pt", "new", "--threshold", "7"), 1, "threshold"),
    ],
)
def test_mistakes_are_told(
    dclust: Dclust, project: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = dclust(*arguments)
    assert done.code == code
    assert words in done.err

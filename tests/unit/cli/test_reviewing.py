"""The command `review`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.opening import open_project

if TYPE_CHECKING:
    from tests.conftest import Dclust, MakeImages


@pytest.fixture
def project(
    tmp_path: Path, make_images: MakeImages, dclust: Dclust, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Three classes in two clusters."""
    make_images(tmp_path / "photos", 3, 10)
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 2, "--project", "p.dclust").code == 0
    return Path("p.dclust")


def test_a_cluster_of_two_classes_is_asked_about(dclust: Dclust, project: Path) -> None:
    content = project.read_bytes()
    done = dclust("review", project)
    assert (done.code, done.err) == (0, "")
    assert "two clusters? 10 images would leave." in done.out
    assert project.read_bytes() == content


def test_json_lists_all_questions(dclust: Dclust, project: Path) -> None:
    asked = json.loads(dclust("review", project, "--json").out)["questions"]
    assert asked[0]["kind"] == "split"
    assert len(asked[0]["paths"]) == 10
    assert all((Path("photos") / path).is_file() for path in asked[0]["paths"])


def test_nothing_to_ask(dclust: Dclust, project: Path) -> None:
    assert dclust("cluster", "photos", "--k", 3, "--project", project).code == 0
    session = open_project(project, read_only=True)
    session.close()
    assert "nothing to review" in dclust("review", project).out

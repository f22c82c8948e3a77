"""The command `names`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.session import ProjectSession
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from tests.conftest import Dclust, MakeImages

FISH = {"tench", "goldfish", "great white shark"}


@pytest.fixture
def project(
    tmp_path: Path, make_images: MakeImages, dclust: Dclust, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with a red, a green and a blue cluster."""
    make_images(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 3, "--project", "p.dclust").code == 0
    return Path("p.dclust")


def names_of(dclust: Dclust, project: Path) -> set[str]:
    told = json.loads(dclust("names", project, "--json").out)
    return {cluster["name"] for cluster in told["clusters"]}


def test_suggestions_are_shown_and_nothing_is_changed(dclust: Dclust, project: Path) -> None:
    done = dclust("names", project)
    assert (done.code, done.err) == (0, "")
    head, *rows = done.out.splitlines()
    assert head.split() == ["Cluster", "Images", "Suggestions"]
    assert len(rows) == 3
    assert all(any(fish in row for fish in FISH) for row in rows)
    assert names_of(dclust, project) == {"Cluster 01", "Cluster 02", "Cluster 03"}


def test_json_tells_scores(dclust: Dclust, project: Path) -> None:
    told = json.loads(dclust("names", project, "--json").out)
    assert told["named"] == 0
    first = {c["suggestions"][0]["name"] for c in told["clusters"]}
    assert first == FISH
    for cluster in told["clusters"]:
        assert cluster["images"] == 4
        assert 0 < cluster["suggestions"][0]["score"] <= 1
        assert cluster["suggestions"][0]["own_word"] is False


def test_apply_names_clusters_once_and_undo_takes_all_back(dclust: Dclust, project: Path) -> None:
    done = dclust("names", project, "--apply")
    assert done.code == 0
    assert done.out.splitlines()[-1] == "Named 3 clusters."
    assert names_of(dclust, project) == FISH
    assert dclust("names", project, "--apply").out.splitlines()[-1] == "No cluster was named."
    session = ProjectSession(ProjectStore.open(project))
    session.undo()
    session.close()
    assert names_of(dclust, project) == {"Cluster 01", "Cluster 02", "Cluster 03"}


def test_a_name_given_by_hand_stays(dclust: Dclust, project: Path) -> None:
    session = ProjectSession(ProjectStore.open(project))
    session.rename(2, "Mine")
    session.close()
    assert dclust("names", project, "--apply").out.splitlines()[-1] == "Named 2 clusters."
    found = names_of(dclust, project)
    assert "Mine" in found
    assert len(found & FISH) == 2


def test_own_words_come_first(dclust: Dclust, project: Path) -> None:
    Path("words.txt").write_text("# mine\ngoldfish\nzeppelin field\n", encoding="utf-8")
    told = json.loads(dclust("names", project, "--vocabulary", "words.txt", "--json").out)
    best = [c["suggestions"][0] for c in told["clusters"]]
    assert [b["name"] for b in best if b["own_word"]] == ["goldfish"]


def test_failures_say_what_to_do(dclust: Dclust, project: Path) -> None:
    done = dclust("names", project, "--vocabulary", "none.txt")
    assert done.code == 1
    assert "none.txt" in done.error_line
    assert dclust("names", "nothing.dclust").code == 1
    assert dclust("names").code == 2

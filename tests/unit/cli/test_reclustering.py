"""The command `recluster`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.editing.naming import cluster_called
from dclust_gui.services.opening import open_project

if TYPE_CHECKING:
    from tests.conftest import Dclust, MakeImages


@pytest.fixture
def project(
    tmp_path: Path, make_images: MakeImages, dclust: Dclust, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Three classes in two clusters; three images of one of them were put into a new one."""
    make_images(tmp_path / "photos", 3, 10)
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 2, "--project", "p.dclust").code == 0
    session = open_project(Path("p.dclust"))
    labels = session.clustering.labels
    shared = 0 if labels[0] in (labels[10], labels[20]) else 10
    session.new_cluster(range(shared, shared + 4), "mine")
    session.close()
    return Path("p.dclust")


def test_it_shows_and_changes_nothing(dclust: Dclust, project: Path) -> None:
    content = project.read_bytes()
    done = dclust("recluster", project)
    assert (done.code, done.err) == (0, "")
    assert "6 images would move, steered by 4 decided images." in done.out
    assert "mine" in done.out
    assert "Nothing has changed." in done.out
    assert project.read_bytes() == content


def test_all_is_accepted_as_one_step(dclust: Dclust, project: Path) -> None:
    done = dclust("recluster", project, "--accept", "all")
    assert done.out.splitlines()[-1] == "Moved 6 images."
    session = open_project(project, read_only=True)
    assert session.history.undo_step is not None
    assert session.history.undo_step.title.startswith("re-cluster the rest: move 6 images")
    mine = cluster_called(session.clustering, "mine")
    assert len(session.clustering.members(mine.id)) == 10
    session.close()
    assert "No image would move." in dclust("recluster", project, "--accept", "all").out


def test_json_lists_clusters_and_moves(dclust: Dclust, project: Path) -> None:
    told = json.loads(dclust("recluster", project, "--accept", "mine", "--json").out)
    assert (told["decided"], told["would_move"], told["moved"]) == (4, 6, 6)
    assert {m["to"] for m in told["moves"]} == {
        c["cluster"] for c in told["clusters"] if c["name"] == "mine"
    }
    assert all((Path("photos") / m["path"]).is_file() for m in told["moves"])


def test_bad_arguments(dclust: Dclust, project: Path) -> None:
    assert dclust("recluster", project, "--way", "magic").code == 2
    assert dclust("recluster", project, "--way", "anew", "--teacher", "tree").code == 2
    assert dclust("recluster", project, "--accept", "all", "--accept", "mine").code == 2
    done = dclust("recluster", project, "--accept", "nowhere")
    assert done.code == 1
    assert "There is no cluster 'nowhere'" in done.error_line

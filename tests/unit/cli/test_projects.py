"""Commands on a project, in this process: add, relink, evaluate, export, and who holds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.services.opening import open_project

if TYPE_CHECKING:
    from tests.conftest import Dclust, MakeImages


@pytest.fixture
def project(
    tmp_path: Path, make_images: MakeImages, dclust: Dclust, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A clustered project `p.dclust` over twelve images in `photos`."""
    make_images(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 3, "--project", "p.dclust").code == 0
    return Path("p.dclust")


def names(project: Path) -> dict[str, int]:
    """Label by path of all images that are there."""
    session = open_project(project, read_only=True)
    labels = session.clustering.labels.tolist()
    found = {
        record.relative.decode(): label
        for record, label in zip(session.images, labels, strict=True)
        if not record.is_missing
    }
    session.close()
    return found


# -- runs ----------------------------------------------------------------------------------


def test_hand_placed_images_and_names_survive_runs(dclust: Dclust, project: Path) -> None:
    session = open_project(project)
    session.rename(1, "Discs")
    mine = session.new_cluster([0, 5], "Mine")
    session.move([11], UNASSIGNED)
    session.close()
    for k in (2, 4):
        assert dclust("cluster", "photos", "--k", k, "--project", project).code == 0
    session = open_project(project, read_only=True)
    state = session.clustering
    assert state.labels[[0, 5, 11]].tolist() == [mine, mine, UNASSIGNED]
    assert all(state.flags[[0, 5, 11]] & ImageFlag.HAND_PLACED)
    assert {"Discs", "Mine"} <= {cluster.name for cluster in state.clusters.values()}
    assert len(session.history.steps) == 6
    session.close()


def test_failed_run_leaves_the_project_as_it_was(dclust: Dclust, project: Path) -> None:
    before = names(project)
    assert dclust("cluster", "photos", "--k", 99, "--project", project).code == 1
    assert project.exists()
    assert names(project) == before


def test_folder_around_a_root_is_refused(dclust: Dclust, project: Path) -> None:
    done = dclust("cluster", ".", "--k", 3, "--project", project)
    assert done.code == 1
    assert "contains" in done.error_line
    assert dclust("add", project).code == 0


# -- add -----------------------------------------------------------------------------------


def test_add_takes_new_renamed_and_removed_files(
    dclust: Dclust, project: Path, make_images: MakeImages
) -> None:
    before = names(project)
    Path("photos/class 0/image-00.png").rename("photos/renamed.png")
    Path("photos/class 1/image-01.jpg").unlink()
    make_images(Path("photos/new"), 1, 2)
    (Path("photos") / "new" / "class 0" / "image-00.png").write_bytes(b"broken")
    done = dclust("add", project)
    assert (done.code, done.err) == (0, "")
    assert "2 new images; 14 in the project." in done.out
    assert "1 image was not found" in done.out
    assert "new/class 0/image-00.png: " in done.out
    after = names(project)
    assert after["renamed.png"] == before["class 0/image-00.png"]
    assert "class 1/image-01.jpg" not in after
    assert after["new/class 0/image-01.jpg"] == UNASSIGNED
    again = dclust("add", project)
    assert "0 new images; 14 in the project." in again.out


def test_file_that_comes_back_has_its_cluster_again(dclust: Dclust, project: Path) -> None:
    before = names(project)
    image = Path("photos/class 1/image-01.jpg")
    image.rename("away.jpg")
    dclust("add", project)
    assert "class 1/image-01.jpg" not in names(project)
    Path("away.jpg").rename(image)
    dclust("add", project)
    assert names(project) == before


def test_add_of_a_further_folder(dclust: Dclust, project: Path, make_images: MakeImages) -> None:
    make_images(Path("other"), 1, 2)
    assert "2 new images" in dclust("add", project, "other").out
    assert "0 new images" in dclust("add", project, "other", "photos/class 0").out
    session = open_project(project, read_only=True)
    assert [root.name for root in session.roots] == ["photos", "other"]
    session.close()


def test_missing_folder_is_told(dclust: Dclust, project: Path) -> None:
    Path("photos").rename("moved")
    done = dclust("add", project)
    assert done.code == 1
    assert "photos" in done.error_line
    assert dclust("add", project, "nowhere").code == 1


# -- relink --------------------------------------------------------------------------------


def test_relink_follows_a_moved_folder(dclust: Dclust, project: Path) -> None:
    before = names(project)
    Path("archive").mkdir()
    Path("photos").rename("archive/2024")
    done = dclust("relink", project, "photos", "archive/2024")
    assert (done.code, done.err) == (0, "")
    assert "12 of 12 images" in done.out
    assert dclust("add", project).code == 0
    assert names(project) == before
    again = dclust("cluster", "archive/2024", "--k", 3, "--project", project)
    assert "0 decoded, 0 embedded" in again.out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("nowhere", "photos", "not a folder of this project"),
        ("photos", "nowhere", "no folder"),
        ("photos", "user-cache", "None of 12 images"),
    ],
)
def test_wrong_relink_changes_nothing(
    dclust: Dclust, project: Path, old: str, new: str, words: str
) -> None:
    done = dclust("relink", project, old, new)
    assert done.code == 1
    assert words in done.error_line
    session = open_project(project, read_only=True)
    assert session.roots == (Path("photos").resolve(),)
    session.close()


# -- evaluate ------------------------------------------------------------------------------


def test_project_table_and_two_tables_are_measured_alike(dclust: Dclust, project: Path) -> None:
    dclust("cluster", "photos", "--k", 3, "--labels", "a.csv")
    of_project = dclust("evaluate", project, "--truth", "folders")
    of_table = dclust("evaluate", "a.csv", "--truth", "folders")
    of_two = dclust("evaluate", "a.csv", "a.csv")
    assert [done.code for done in (of_project, of_table, of_two)] == [0, 0, 0]
    assert json.loads(of_project.out) == json.loads(of_table.out)
    assert json.loads(of_two.out)["accuracy"] == 1.0


def test_unassigned_counts_as_wrong(dclust: Dclust, project: Path) -> None:
    session = open_project(project)
    session.move([0, 4, 8], UNASSIGNED)
    session.close()
    found = json.loads(dclust("evaluate", project, "--truth", "folders").out)
    assert found["accuracy"] == 0.75


@pytest.mark.parametrize("name", ["nowhere.csv", "p.txt", "photos", "photos/class 0/image-00.png"])
def test_evaluate_of_no_table_is_told(dclust: Dclust, project: Path, name: str) -> None:
    Path("p.txt").write_text("a,b\n1,2\n")
    Path("ok.csv").write_text("path,label\nx.png,1\n")
    done = dclust("evaluate", name, "ok.csv")
    assert done.code == 1
    assert done.error_line
    assert "unexpected" not in done.error_line


# -- export --------------------------------------------------------------------------------


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder but the journal."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_export_follows_edits(dclust: Dclust, project: Path) -> None:
    assert dclust("export", project, "sorted", "--dry-run").code == 0
    assert not Path("sorted").exists()
    assert dclust("export", project, "sorted").code == 0
    assert len(tree(Path("sorted"))) == 12
    session = open_project(project)
    session.rename(2, "Squares")
    session.move([0], UNASSIGNED)
    session.close()
    done = dclust("export", project, "sorted")
    assert (done.code, done.err) == (0, "")
    assert "export 12 files to 'sorted'" in dclust("edit", project, "history").out
    found = tree(Path("sorted"))
    assert len(found) == 12
    assert {Path(name).parts[0] for name in found} == {
        "Cluster 01", "Squares", "Cluster 03", "Unassigned"
    }  # fmt: skip
    assert found["Unassigned/image-00.png"] == Path("photos/class 0/image-00.png").read_bytes()
    assert "12 unchanged" in dclust("export", project, "sorted").out


def test_export_with_a_missing_original_says_so(dclust: Dclust, project: Path) -> None:
    Path("photos/class 0/image-00.png").unlink()
    done = dclust("export", project, "sorted")
    assert done.code == 1
    assert "not there" in done.error_line
    assert len(tree(Path("sorted"))) == 11


def test_originals_are_untouched_by_everything(dclust: Dclust, project: Path) -> None:
    def stamps() -> dict[str, tuple[bytes, int, int]]:
        return {
            str(p): (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_mode)
            for p in Path("photos").rglob("*.*")
        }

    before = stamps()
    dclust("cluster", "photos", "--k", 2, "--project", project, "--export", "sorted")
    dclust("add", project)
    dclust("export", project, "sorted")
    dclust("evaluate", project, "--truth", "folders")
    assert stamps() == before


# -- who holds it --------------------------------------------------------------------------


def test_held_project_is_not_written_but_can_be_read(dclust: Dclust, project: Path) -> None:
    session = open_project(project)
    before = len(session.images)
    for command in (
        ("cluster", "photos", "--k", "3", "--project", project),
        ("add", project),
        ("relink", project, "photos", "photos"),
    ):
        done = dclust(*command)
        assert done.code == 1
        assert "held for writing by process" in done.error_line
    assert dclust("export", project, "sorted").code == 0
    assert dclust("evaluate", project, "--truth", "folders").code == 0
    session.move([0], UNASSIGNED)
    assert len(session.images) == before
    session.close()
    assert dclust("add", project).code == 0


@pytest.mark.parametrize("command", ["add", "export", "evaluate", "relink", "cluster"])
def test_file_that_is_no_project_is_told_and_kept(
    dclust: Dclust, project: Path, command: str
) -> None:
    other = Path("other.dclust")
    other.write_text("something of mine")
    arguments: dict[str, tuple[object, ...]] = {
        "add": (other,),
        "export": (other, "sorted"),
        "evaluate": (other, "--truth", "folders"),
        "relink": (other, "photos", "photos"),
        "cluster": ("photos", "--project", other),
    }
    done = dclust(command, *arguments[command])
    assert done.code == 1
    assert "not a dclust project" in done.error_line
    assert other.read_text() == "something of mine"

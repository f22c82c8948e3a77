"""`dclust edit` and `dclust runs`: every wish, its sentence, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.services.opening import open_project

if TYPE_CHECKING:
    from dclust_gui.domain.clustering import Clustering
    from tests.conftest import Dclust, MakeImages


@pytest.fixture
def project(
    tmp_path: Path, make_images: MakeImages, dclust: Dclust, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A clustered project `p.dclust` over twelve images in `photos`."""
    make_images(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    done = dclust(
        *("cluster", "photos", "--k", 3, "--project", "p.dclust"),
        *("--algorithm", "kmeans", "--reduce", "none"),
    )
    assert done.code == 0, done.err
    return Path("p.dclust")


def state(project: Path) -> Clustering:
    """What is in the file."""
    session = open_project(project, read_only=True)
    found = session.clustering
    session.close()
    return found


def test_every_edit_says_its_scope_and_is_kept(dclust: Dclust, project: Path) -> None:
    first, second = "photos/class 0/image-00.png", "class 0/image-01.jpg"
    for arguments, said in (
        (("rename", 1, "Beach"), "Rename 'Cluster 01' to 'Beach'."),
        (("move", first, second, "--to", "Cluster 02"), "Move 2 images to 'Cluster 02'."),
        (("move", first, "--to", "Cluster 02"), "Nothing changed."),
        (("new", "Sea", first), "New cluster 'Sea' from 1 image."),
        (("unassign", second), "Move 1 image to Unassigned."),
        (("approve", "photos/class 1"), "Approve 4 images."),
        (("pin", "Beach", 2), "Pin 2 clusters."),
        (("pin", "Beach", "--off"), "Unpin 'Beach'."),
        (("review", "Beach"), "Mark 'Beach' as reviewed."),
        (("ignore", "Sea"), "Ignore 'Sea'."),
        (("note", "Sea", "look again"), "Change the notes of 'Sea'."),
        (("colour", "Sea", 12), "Change the colour of 'Sea'."),
        (("merge", "Sea", "Beach", "--keep", "Sea"), "Merge 'Beach' into 'Sea'."),
        (("undo",), "Undone: merge 'Beach' into 'Sea'."),
        (("redo",), "Done again: merge 'Beach' into 'Sea'."),
    ):
        done = dclust("edit", project, *arguments)
        assert (done.code, done.err) == (0, "")
        assert done.out.splitlines()[-1] == said
    found = state(project)
    sea = next(c for c in found.clusters.values() if c.name == "Sea")
    assert (sea.notes, sea.colour, sea.is_ignored) == ("look again", 11, True)
    assert found.clusters[2].is_pinned
    assert 1 not in found.clusters
    assert (found.labels == UNASSIGNED).sum() == 1
    assert ((found.flags & ImageFlag.APPROVED) != 0).sum() == 4


def test_splits_and_second_best(dclust: Dclust, project: Path) -> None:
    done = dclust("edit", project, "merge", 1, 2, 3)
    assert "Merge 2 clusters into" in done.out
    only = next(iter(state(project).clusters))
    dry = dclust("edit", project, "split", only, "--k", 3, "--dry-run")
    assert dry.out.splitlines()[-1] == f"Would split 'Cluster 0{only}' into 3 clusters."
    assert len(state(project).clusters) == 1
    done = dclust("edit", project, "split", only, "--k", 3)
    assert done.out.splitlines()[0] == f"'Cluster 0{only}' in parts of 4, 4, 4 images."
    assert sorted(state(project).counts().values()) == [0, 4, 4, 4]
    assert dclust("edit", project, "undo").code == 0
    done = dclust(
        *("edit", project, "split", only, "--like", "class 2/image-00.png"),
        *("class 2/image-02.png", "--name", "Stripes"),
    )
    assert done.out.splitlines()[-1].endswith(f"out of 'Cluster 0{only}' as 'Stripes'.")
    stripes = next(c.id for c in state(project).clusters.values() if c.name == "Stripes")
    assert state(project).members(stripes).tolist() == [8, 9, 10, 11]
    done = dclust("edit", project, "not-here", "class 2/image-00.png")
    assert "its second-best fit." in done.out
    assert state(project).labels[8] == only


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("move", "nowhere.jpg", "--to", 1), "no image 'nowhere.jpg'"),
        (("move", "class 0", "--to", "Beech"), "no cluster 'Beech'"),
        (("merge", 1), "at least two"),
        (("merge", 1, 1), "at least two"),
        (("split", 1, "--k", 9), "cannot be split"),
        (("redo",), "nothing to redo"),
        (("jump", 9), "no step 9"),
        (("rename", "", "x"), "no cluster"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    dclust: Dclust, project: Path, arguments: tuple[object, ...], words: str
) -> None:
    done = dclust("edit", project, *arguments)
    assert done.code == 1
    assert words in done.error_line
    assert len(open_project(project, read_only=True).history.steps) == 1


@pytest.mark.parametrize(
    "arguments",
    [("split", 1), ("split", 1, "--k", 2, "--like", "x.png"), ("colour", 1, 13), ("move", "x.png")],
)
def test_wrong_use_ends_with_2(
    dclust: Dclust, project: Path, arguments: tuple[object, ...]
) -> None:
    assert dclust("edit", project, *arguments).code == 2


def test_ambiguous_names_ask_for_an_id(dclust: Dclust, project: Path) -> None:
    dclust("edit", project, "rename", 1, "2")
    done = dclust("edit", project, "pin", "2")
    assert done.code == 1
    assert "'2' is the name of one cluster and the number of 'Cluster 02'." in done.error_line
    assert "Write id:1 or id:2." in done.error_line
    assert dclust("edit", project, "pin", "id:2").out == "Pin 'Cluster 02'.\n"
    assert dclust("edit", project, "pin", "id:9").code == 1


def test_a_name_that_is_taken_is_refused(dclust: Dclust, project: Path) -> None:
    dclust("edit", project, "rename", 1, " Sandy \n beach\t")
    assert dclust("edit", project, "pin", "sandy BEACH").out == "Pin 'Sandy beach'.\n"
    for arguments in (("rename", 2, "sandy beach"), ("new", "Sandy  Beach")):
        done = dclust("edit", project, *arguments)
        assert done.code == 1
        assert "There is a cluster 'Sandy beach' already." in done.error_line
    assert dclust("edit", project, "new", " \n").code == 1
    assert dclust("edit", project, "rename", 2, "Cluster 09").code == 1
    assert dclust("edit", project, "rename", 2, "Cluster 02").out == "Nothing changed.\n"


def test_parts_are_named_in_the_same_step(dclust: Dclust, project: Path) -> None:
    taken = dclust("edit", project, "split", 1, "--k", 2, "--name", "A", "--name", "a", "--dry-run")
    assert taken.code == 1
    assert dclust("edit", project, "split", 1, "--k", 2, *("--name", "x") * 3).code == 2
    done = dclust("edit", project, "split", 1, "--k", 2, "--name", "Sand", "--name", "Sky")
    assert done.code == 0
    assert dclust("edit", project, "pin", "Sand", "Sky").code == 0
    dclust("edit", project, "undo")
    dclust("edit", project, "undo")
    assert dclust("edit", project, "pin", "Sky").code == 1


def test_history_jump_and_nothing_to_undo(dclust: Dclust, project: Path) -> None:
    dclust("edit", project, "rename", 1, "Beach")
    dclust("edit", project, "rename", 2, "Sea")
    assert dclust("edit", project, "jump", 1).out.strip() == "At step 1 of 3."
    assert dclust("edit", project, "jump", 1).out.strip() == "Nothing changed."
    assert "(undone)" in dclust("edit", project, "history").out
    told = json.loads(dclust("edit", project, "history", "--json").out)
    assert told["position"] == 1
    assert [s["in_force"] for s in told["steps"]] == [True, True, False, False]
    assert dclust("edit", project, "undo").code == 0
    done = dclust("edit", project, "undo")
    assert (done.code, done.error_line) == (1, "dclust: There is nothing to undo.")


def test_a_held_project_names_its_holder(dclust: Dclust, project: Path) -> None:
    session = open_project(project)
    done = dclust("edit", project, "rename", 1, "Beach")
    assert done.code == 1
    assert "held for writing by process" in done.error_line
    assert dclust("edit", project, "history").code == 0
    assert dclust("runs", project, "keep", 1, 1).code == 1
    session.close()


def test_runs_are_listed_compared_and_kept(dclust: Dclust, project: Path) -> None:
    dclust("edit", project, "rename", 1, "Discs")
    before = state(project)
    again = ("--algorithm", "kmeans", "--reduce", "none", "--project", project)
    done = dclust("cluster", "photos", "--k", 2, *again)
    assert "Since the last step: 8 of 12 images stayed, 4 moved." in done.out
    listed = json.loads(dclust("runs", project, "--json").out)
    assert [(r["run"], r["accepted"], r["clusters"]) for r in listed] == [
        (1, False, 3), (2, True, 2)
    ]  # fmt: skip
    assert "kmeans" in dclust("runs", project).out
    done = dclust("runs", project, "compare", 1, 2)
    assert done.code == 0
    assert "merged into" in done.out.splitlines()[-1]
    told = json.loads(dclust("runs", project, "compare", 1, 2, "--json").out)
    assert sum(map(sum, told["counts"])) == 12
    assert len(told["moved"]) == told["images"]["moved"] == 4
    names = [c.title for c in before.clusters.values()]
    done = dclust("runs", project, "keep", 1, *names)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Keep run 1 for 'Discs'")
    assert state(project).labels.tolist() == before.labels.tolist()
    assert dclust("runs", project, "keep", 1, *names).out.strip() == "Nothing changed."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("compare", 1), 2),
        (("keep", 1), 2),
        (("keep", "x", 1), 2),
        (("drop", 1), 2),
        (("compare", 1, 7), 1),
        (("keep", 1, "Beach"), 1),
    ],
)
def test_wrong_runs_are_told(
    dclust: Dclust, project: Path, arguments: tuple[object, ...], code: int
) -> None:
    assert dclust("runs", project, *arguments).code == code

"""`dclust import`: sources, what becomes of labels, what is said, and `evaluate` with the truth."""

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
    """A clustered project `p.dclust` over twelve images in three folders of `photos`."""
    make_images(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    done = dclust(
        *("cluster", "photos", "--k", 3, "--project", "p.dclust"),
        *("--algorithm", "kmeans", "--reduce", "none"),
    )
    assert done.code == 0, done.err
    return Path("p.dclust")


def titles(project: Path) -> dict[str, str]:
    session = open_project(project, read_only=True)
    state = session.clustering
    found = {
        record.relative.decode(): state.clusters[label].title if label >= 0 else "-"
        for record, label in zip(session.images, state.labels.tolist(), strict=True)
    }
    session.close()
    return found


def test_what_was_exported_is_imported_into_another_project(dclust: Dclust, project: Path) -> None:
    assert dclust("edit", project, "rename", 1, "Möwen").code == 0
    before = titles(project)
    for form, source in (
        ("csv", "out/csv/labels.csv"),
        ("json", "out/json/labels.json"),
        ("coco", "out/coco/coco.json"),
        ("txt", "out/txt"),
        ("folders", "out/folders"),
        ("fiftyone", "out/fiftyone"),
        ("huggingface", "out/huggingface/metadata.csv"),
    ):
        assert dclust("export", project, f"out/{form}", "--format", form).code == 0
        other = Path(f"{form}.dclust")
        made = dclust(
            *("cluster", "photos", "--k", 2, "--project", other),
            *("--algorithm", "kmeans", "--reduce", "none"),
        )
        assert made.code == 0
        done = dclust("import", other, source, "--as", "clusters", "--others", "unassigned")
        assert (done.code, done.err) == (0, "")
        assert partition(titles(other)) == partition(before), form
        assert dclust("edit", other, "undo").out.startswith("Undone: import labels of 12 images")


def partition(found: dict[str, str]) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for path, title in found.items():
        groups.setdefault(title, set()).add(path)
    return {frozenset(group) for group in groups.values()}


def test_a_dry_run_says_all_and_changes_nothing(dclust: Dclust, project: Path) -> None:
    Path("l.csv").write_text(
        "image;species;who\nclass 0/image-00.png;Gull;a\nnone.png;Tern;a\n"
        "class 0/image-00.png;gull;b\nclass 1/image-00.png;;a\n"
    )
    before = titles(project)
    done = dclust(
        "import", project, "l.csv", "--as", "clusters", "--dry-run", "--problems", "left.csv"
    )
    assert done.out.splitlines() == [
        "Matching labels: 4",
        "'l.csv': 3 columns separated by semicolons, UTF-8, labels from 'species'.",
        "1 of 12 images has a label: 1 by path.",
        "1 cluster, all new: 'Gull'.",
        "Note: 'Gull' and 'gull' are taken for one name: 'Gull'.",
        "2 labels not taken:",
        "  line 3: none.png: There is no such image in the project.",
        "  line 5: class 1/image-00.png: There is no label.",
        "1 label repeated:",
        "  line 4: class 0/image-00.png: The image was named before (line 2), with the same label.",
    ]
    assert titles(project) == before
    assert len(Path("left.csv").read_text().splitlines()) == 4
    as_json = dclust("import", project, "l.csv", "--as", "clusters", "--dry-run", "--json")
    values = json.loads(as_json.out)
    assert values["found"] == {"path": 1, "content": 0, "name": 0}
    assert values["labels"] == [{"name": "Gull", "images": 1, "cluster": 4, "new": True}]
    assert [p["where"] for p in values["problems"]] == ["line 3", "line 4", "line 5"]
    assert (values["done"], values["dry_run"], values["as"]) == (None, True, "clusters")


def test_truth_is_kept_compared_with_and_forgotten(dclust: Dclust, project: Path) -> None:
    refused = dclust("evaluate", project)
    assert (refused.code, "knows no true classes" in refused.err) == (1, True)
    done = dclust("import", project, "folders", "--as", "truth")
    assert done.out.splitlines()[-1] == "Import true classes of 12 images from folder names."
    own, folders = dclust("evaluate", project), dclust("evaluate", project, "--truth", "folders")
    values, expected = json.loads(own.out), json.loads(folders.out)
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert values["images"] == 12
    assert values["confusion"]["rows"] == ["class 0", "class 1", "class 2"]
    assert sum(map(sum, values["confusion"]["counts"])) == 12
    assert (
        "Would forget the true"
        in dclust("import", project, "none", "--as", "truth", "--dry-run").out
    )
    assert dclust("import", project, "none", "--as", "truth").code == 0
    assert dclust("import", project, "none", "--as", "truth").code == 1
    history = json.loads(dclust("edit", project, "history", "--json").out)
    assert [s["kind"] for s in history["steps"]] == ["start", "run", "truth", "truth"]
    assert [s["title"] for s in history["steps"] if s["marker"]] == [
        "import true classes of 12 images from folder names",
        "forget the true classes",
    ]


def test_keywords_of_sidecars_come_back(dclust: Dclust, project: Path) -> None:
    for cluster, name in ((1, "Birds/Gulls"), (2, "Birds/Terns"), (3, "Sea")):
        assert dclust("edit", project, "rename", cluster, name).code == 0
    before = titles(project)
    assert dclust("export", project, "photos", "--format", "xmp", "--sidecars", "full").code == 0
    made = dclust("cluster", "photos", "--k", 2, "--project", "q.dclust")
    assert made.code == 0
    done = dclust("import", "q.dclust", "xmp", "--as", "clusters")
    assert done.out.splitlines()[-1] == "Import labels of 12 images from keywords."
    assert titles(Path("q.dclust")) == before


def test_wrong_sources_and_words_are_refused(dclust: Dclust, project: Path) -> None:
    Path("l.csv").write_text("a,b,c\n1,2,3\n")
    for arguments, code, said in (
        (("l.csv",), 2, "--as"),
        (("l.csv", "--as", "guess"), 2, "clusters"),
        (("none.csv", "--as", "truth"), 1, "There is no such file."),
        (("l.csv", "--as", "truth"), 1, "No column of 'l.csv' is known to hold the paths"),
        (("l.csv", "--as", "truth", "--path-column", "z"), 1, "has no column 'z'"),
        (
            ("l.csv", "--as", "clusters", "--path-column", "1", "--label-column", "b"),
            1,
            "Nothing could be imported from 'l.csv'. line 2: 1: There is no such image",
        ),
        (("none", "--as", "clusters"), 1, "There is no such file."),
        (("folders", "--as", "truth", "--others", "unassigned"), 2, "--others goes with"),
        (("l.csv", "--as", "truth", "--levels", "1"), 2, "--levels goes with 'folders'"),
    ):
        done = dclust("import", project, *arguments)
        assert done.code == code
        assert said in done.err
    holder = open_project(project)
    done = dclust("import", project, "folders", "--as", "clusters")
    assert (done.code, "dclust:" in done.err) == (1, True)
    assert dclust("import", project, "folders", "--as", "clusters", "--dry-run").code == 0
    holder.close()

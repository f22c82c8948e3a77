"""The command `duplicates`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dclust_gui.services.opening import create_project

if TYPE_CHECKING:
    from tests.conftest import Dclust


def make_photos(folder: Path) -> None:
    """Six pictures; two of them with a smaller copy, one of these with an equal file, too."""
    folder.mkdir()
    for seed in range(6):
        noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
        picture = Image.fromarray(noise).resize((160, 120), Image.Resampling.NEAREST)
        picture.save(folder / f"photo {seed}.png")
        if seed < 2:
            picture.resize((80, 60)).save(folder / f"small {seed}.jpg")
    shutil.copy(folder / "photo 0.png", folder / "photo 0 (2).png")


@pytest.fixture
def project(tmp_path: Path, dclust: Dclust, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project over these pictures."""
    make_photos(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 2, "--project", "p.dclust").code == 0
    return Path("p.dclust")


def test_groups_are_listed_with_the_best_and_why_and_nothing_changes(
    dclust: Dclust, project: Path
) -> None:
    before = project.read_bytes()
    files = {p: p.read_bytes() for p in Path("photos").iterdir()}
    done = dclust("duplicates", project)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "1. 3 similar pictures"
    assert lines[1].startswith("   keep  photo 0.png  160 x 120, ")
    assert "largest: 160" in lines[1]
    assert "2 groups; 3 images besides the best copies" in done.out
    assert project.read_bytes() == before
    assert {p: p.read_bytes() for p in Path("photos").iterdir()} == files


def test_json_tells_everything(dclust: Dclust, project: Path) -> None:
    told = json.loads(dclust("duplicates", project, "--json").out)
    assert (told["threshold"], told["images"], told["compared"]) == (0.9, 9, 9)
    assert (told["note"], told["extra_images"]) == ("", 3)
    first, second = told["groups"]
    assert (first["kind"], first["best"]) == ("similar", "photo 0.png")
    by_path = {row["path"]: row for row in first["images"]}
    assert by_path["photo 0 (2).png"]["identical"] is True
    assert by_path["small 0.jpg"]["similarity"] >= 0.9
    assert by_path["small 0.jpg"]["width"] == 80
    assert [row["path"] for row in second["images"]] == ["photo 1.png", "small 1.jpg"]
    assert told["extra_bytes"] == sum(
        row["bytes"] for group in told["groups"] for row in group["images"][1:]
    )


def test_exact_only_and_a_strict_threshold(dclust: Dclust, project: Path) -> None:
    for wish in (("--exact-only",), ("--threshold", "1")):
        told = json.loads(dclust("duplicates", project, *wish, "--json").out)
        assert [group["kind"] for group in told["groups"]] == ["identical"]
        assert told["groups"][0]["why"] in ("oldest", "original name")


def test_images_that_were_ignored_are_not_listed_again(dclust: Dclust, project: Path) -> None:
    others = ["photos/photo 0 (2).png", "photos/small 0.jpg", "photos/small 1.jpg"]
    assert dclust("edit", project, "new", "Duplicates", *others).code == 0
    assert dclust("edit", project, "ignore", "Duplicates").code == 0
    done = dclust("duplicates", project)
    assert (done.code, done.out.splitlines()[0]) == (0, "There are no duplicates.")


def test_a_project_without_a_run_has_its_equal_files_found(
    dclust: Dclust, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_photos(tmp_path / "photos")
    create_project(Path("p.dclust"), [tmp_path / "photos"]).close()
    assert dclust("duplicates", "p.dclust").out == "There are no duplicates.\n"  # it has no image
    assert dclust("cluster", "photos", "--k", 2, "--project", "q.dclust").code == 0
    shutil.rmtree(tmp_path / "user-cache")
    done = dclust("duplicates", "q.dclust")
    assert done.code == 0
    assert "2 equal files" in done.out
    assert "Only equal files were looked for" in done.out


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (("--threshold", "0.1"), 1),
        (("--threshold", "2"), 1),
        (("--threshold", "much"), 2),
        (("--exact-only", "--turned"), 2),
        (("--exact-only", "--threshold", "0.9"), 2),
        (("-n", "0"), 2),
    ],
)
def test_wrong_wishes_are_refused(
    dclust: Dclust, project: Path, wish: tuple[str, ...], code: int
) -> None:
    done = dclust("duplicates", project, *wish)
    assert done.code == code
    if code == 1:
        assert "A similarity is from 0.6 (similar) to 1" in done.error_line


def test_a_project_that_is_not_there(dclust: Dclust, tmp_path: Path) -> None:
    done = dclust("duplicates", tmp_path / "none.dclust")
    assert done.code == 1
    assert done.error_line

"""The command `similar`."""

from __future__ import annotations

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
    """A clustered project over twelve images."""
    make_images(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 3, "--project", "p.dclust").code == 0
    return Path("p.dclust")


def test_image_of_the_project_by_either_path(dclust: Dclust, project: Path) -> None:
    done = dclust("similar", project, "photos/class 1/image-00.png", "-n", 3)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0].split() == ["Image", "Cluster", "Similarity"]
    assert len(done.out.splitlines()) == 4
    assert all("class 1/image-0" in line for line in done.out.splitlines()[1:])
    assert dclust("similar", project, "class 1/image-00.png", "-n", 3).out == done.out


def test_json_tells_place_likeness_and_cluster(
    dclust: Dclust, project: Path, make_images: MakeImages
) -> None:
    make_images(Path("other"), 3, 5)
    done = dclust("similar", project, "other/class 2/image-04.png", "-n", "2", "--json")
    told = json.loads(done.out)
    assert told["image"] == "other/class 2/image-04.png"
    assert told["known"] is False
    assert len(told["similar"]) == 2
    best = told["similar"][0]
    assert best["path"].startswith("class 2/")
    assert best["similarity"] >= told["similar"][1]["similarity"]
    assert best["name"] == f"Cluster {best['cluster']:02d}"


def test_ten_images_where_no_number_is_given(dclust: Dclust, project: Path) -> None:
    told = json.loads(dclust("similar", project, "class 0/image-00.png", "--json").out)
    assert told["known"] is True
    assert len(told["similar"]) == 10


def test_bad_image_and_bad_number(dclust: Dclust, project: Path) -> None:
    Path("x.jpg").write_bytes(b"nothing")
    done = dclust("similar", project, "x.jpg")
    assert done.code == 1
    assert done.error_line.startswith("dclust: 'x.jpg' cannot be read.")
    absent = dclust("similar", project, "none.jpg")
    assert absent.code == 1
    assert "'none.jpg' cannot be read. There is no such file" in absent.error_line
    assert dclust("similar", project, "x.jpg", "-n", 0).code == 2

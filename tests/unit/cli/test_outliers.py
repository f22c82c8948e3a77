"""The command `outliers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.services.session import ProjectSession
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from tests.conftest import Dclust, MakeImages


@pytest.fixture
def project(
    tmp_path: Path, make_images: MakeImages, dclust: Dclust, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with a red, a green and a blue cluster."""
    make_images(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert dclust("cluster", "photos", "--k", 3, "--project", "p.dclust").code == 0
    return Path("p.dclust")


@pytest.mark.parametrize("measure", ["reconstruction", "density", "confidence"])
def test_every_measure_lists_images_and_changes_nothing(
    dclust: Dclust, project: Path, measure: str
) -> None:
    before = project.read_bytes()
    done = dclust("outliers", project, "--by", measure, "--deviations", -50, "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["by"] == measure
    assert (len(told["images"]), told["set_aside"]) == (12, 0)
    assert {row["cluster"] for row in told["images"]} == {"Cluster 01", "Cluster 02", "Cluster 03"}
    assert project.read_bytes() == before


def test_apply_is_one_step_that_undo_takes_back(dclust: Dclust, project: Path) -> None:
    done = dclust("outliers", project, "--by", "density", "--deviations", -50, "--apply")
    assert done.code == 0
    assert "Set aside 12 images" in done.out
    session = ProjectSession(ProjectStore.open(project))
    assert (session.clustering.labels == -1).all()
    assert session.history.steps[-1].title.startswith("set aside 12 images")
    session.undo()
    assert (session.clustering.labels > 0).all()
    session.close()


def test_decided_images_stay_and_this_is_said(dclust: Dclust, project: Path) -> None:
    photos = sorted(p.relative_to("photos") for p in Path("photos").rglob("*.*"))
    assert dclust("edit", project, "approve", Path("photos") / photos[0]).code == 0
    assert dclust("edit", project, "pin", "2").code == 0
    done = dclust("outliers", project, "--by", "density", "--deviations", -50, "--apply")
    assert "you placed, approved or pinned stay" in done.out
    told = json.loads(dclust("outliers", project, "--by", "density", "--json").out)
    assert told["set_aside"] == 0


def test_a_threshold_in_the_measures_own_unit(dclust: Dclust, project: Path) -> None:
    told = json.loads(
        dclust("outliers", project, "--by", "confidence", "--threshold", 0.999999, "--json").out
    )
    assert told["threshold"] == pytest.approx(0.999999, abs=1e-6)
    assert all(row["value"] <= 0.999999 for row in told["images"])


@pytest.mark.parametrize(
    "wrong",
    [
        ("--threshold", "1", "--deviations", "2"),
        ("--threshold", "1", "--per-cluster"),
        ("--by", "magic"),
    ],
)
def test_wrong_usage_ends_with_2(dclust: Dclust, project: Path, wrong: tuple[str, ...]) -> None:
    assert dclust("outliers", project, *wrong).code == 2


def test_an_impossible_probability_and_an_unknown_cluster_are_told(
    dclust: Dclust, project: Path
) -> None:
    done = dclust("outliers", project, "--by", "confidence", "--threshold", 3)
    assert done.code == 1
    assert "probability" in done.err
    assert dclust("outliers", project, "--cluster", "nobody").code == 1

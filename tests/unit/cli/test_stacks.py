"""The command `stacks`, binding by hand, and the weight of the capture time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dclust_gui.services.editing.run_sides import offers
from dclust_gui.services.formats.run_card import run_card
from dclust_gui.services.session import ProjectSession
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Dclust


@pytest.fixture
def project(
    tmp_path: Path,
    write_photo: Callable[..., Path],
    dclust: Dclust,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Two bursts of three and two single photos, in two events of mixed content."""
    monkeypatch.chdir(tmp_path)
    colours = [(200, 0, 0), (0, 0, 200)]
    for event in range(2):
        for colour in range(2):
            for number in range(3 if colour == event else 1):
                taken = f"2024:05:0{1 + event} 1{colour}:00:0{number}"
                picture = Image.new("RGB", (40, 40), colours[colour])
                write_photo(Path("photos") / f"e{event}c{colour}n{number}.jpg", picture, taken)
    done = dclust("cluster", "photos", "--k", 2, "--project", "p.dclust")
    assert (done.code, done.err) == (0, "")
    return Path("p.dclust")


def labels_of(path: Path) -> dict[str, str]:
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    return {row[0]: row[1] for row in rows}


def test_stacks_are_listed_and_nothing_is_changed(dclust: Dclust, project: Path) -> None:
    before = project.read_bytes()
    done = dclust("stacks", project)
    assert (done.code, done.err) == (0, "")
    assert "2 bursts of 6 images in 8 images." in done.out
    assert "--bind binds them all" in done.out
    assert project.read_bytes() == before
    told = json.loads(dclust("stacks", project, "--json").out)
    assert [len(stack["paths"]) for stack in told["stacks"]] == [3, 3]
    assert told["stacks"][0]["kind"] == "burst"
    assert told["bound"] is False
    assert dclust("stacks", project, "--gap", 0.5, "--json").out.count("kind") == 0


def test_bind_is_one_step(dclust: Dclust, project: Path) -> None:
    done = dclust("stacks", project, "--bind")
    assert "Bound: 2 stacks." in done.out
    again = dclust("stacks", project, "--bind")
    assert "2 more are bound already" in again.out
    assert "bind 6 images as 2 stacks" in dclust("edit", project, "history").out
    assert "Undone: bind 6 images as 2 stacks." in dclust("edit", project, "undo").out


def test_bound_by_hand_images_move_as_one(dclust: Dclust, project: Path) -> None:
    done = dclust("edit", project, "bind", "e0c0n0.jpg", "e0c1n0.jpg", "--bracket")
    assert done.out.strip() == "Bind 2 images as a bracket."
    moved = dclust("edit", project, "new", "Pair", "e0c0n0.jpg")
    assert moved.out.strip() == "New cluster 'Pair' from 2 images (1 stack)."
    done = dclust("edit", project, "unbind", "e0c1n0.jpg")
    assert done.out.strip() == "Unbind 2 images (1 stack)."
    failed = dclust("edit", project, "unbind", "e0c1n0.jpg")
    assert failed.code == 1
    assert "nothing to unbind" in failed.err
    assert dclust("edit", project, "bind", "e0c0n0.jpg").code == 1


def test_bound_images_of_unlike_content_get_one_label(dclust: Dclust, project: Path) -> None:
    assert dclust("edit", project, "bind", "e0c0n0.jpg", "e0c1n0.jpg").code == 0
    done = dclust(
        "cluster", "photos", "--k", 3, "--project", project, "--labels", "l.csv", "--seed", 1
    )
    assert done.code == 0, done.err
    labels = labels_of(Path("l.csv"))
    assert labels["e0c0n0.jpg"] == labels["e0c1n0.jpg"]


def test_time_weight_finds_events_and_0_finds_content(dclust: Dclust, project: Path) -> None:
    found = {}
    for weight in ("0", "1"):
        done = dclust("cluster", "photos", "--k", 2, "--time-weight", weight, "--labels", "l.csv")
        assert (done.code, done.err) == (0, "")
        labels = labels_of(Path("l.csv"))
        found[weight] = {
            key: {
                name[:2] if weight == "1" else name[2:4] for name in labels if labels[name] == key
            }
            for key in set(labels.values())
        }
        assert all(len(kinds) == 1 for kinds in found[weight].values())
    assert dclust("cluster", "photos", "--time-weight", 2).code == 1


def test_the_report_and_the_run_card_tell_the_weight(dclust: Dclust, project: Path) -> None:
    arguments = ("--time-weight", 0.5, "--k", 2, "--report", "r.json", "--project", project)
    assert dclust("cluster", "photos", *arguments).code == 0
    told = json.loads(Path("r.json").read_text())
    assert told["time"] == {"weight": 0.5, "images_without": 0}
    assert "capture time (0.5)" in told["internal"]["space"]
    session = ProjectSession(ProjectStore.open(project))
    assert session.run is not None
    assert session.run.settings.time_weight == 0.5
    assert session.history.steps[-1].title.endswith("2 clusters, capture time 0.5")
    assert offers(session)[-1].text.endswith("2 clusters")
    assert any(offer.text.endswith("capture time 0.5 · accepted") for offer in offers(session))
    card = run_card("p", "now", snapshot_of(session), session.history)
    session.close()
    assert "mixed with the capture times (weight 0.5)" in card
    assert "| weight of capture time | 0.5 |" in card


def test_wrong_values_are_said(dclust: Dclust, project: Path) -> None:
    done = dclust("stacks", project, "--gap", -1)
    assert done.code == 1
    assert "gap of -1 seconds" in done.err

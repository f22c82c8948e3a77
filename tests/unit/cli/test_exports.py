"""Exports from the command line, in this process: layouts, modes, formats, undo."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Dclust, MakeImages

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX links")


@pytest.fixture
def project(
    dclust: Dclust,
    make_images: MakeImages,
    tmp_path: Path,
    embedded: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Twelve images in three clusters, one of them named `Shapes/Discs`."""
    monkeypatch.chdir(tmp_path)
    make_images(tmp_path / "photos")
    assert dclust("cluster", "photos", "--k", 3, "--project", "p.dclust").code == 0
    assert dclust("edit", "p.dclust", "rename", 1, "Shapes/Discs").code == 0
    return tmp_path / "p.dclust"


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@posix
def test_a_move_takes_the_project_along_and_undo_brings_everything_back(
    dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    before = files(tmp_path / "photos")
    done = dclust("export", project, "sorted", "--mode", "move", "--nested")
    assert (done.code, done.err) == (0, "")
    assert "12 to move" in done.out
    assert "Shapes/Discs/" in done.out
    assert files(tmp_path / "photos") == {}
    assert "12 unchanged" in dclust("export", project, "sorted", "--mode", "move", "--nested").out
    dry = dclust("undo-export", "sorted", "--dry-run")
    assert "12 files back to where they were" in dry.out
    assert files(tmp_path / "photos") == {}
    undone = dclust("undo-export", "sorted")
    assert "12 files moved back" in undone.out
    assert "p.dclust has followed 12 images" in undone.out
    assert files(tmp_path / "photos") == before
    assert not (tmp_path / "sorted").exists()
    assert dclust("export", project, "again").code == 0
    history = dclust("edit", project, "history").out
    assert "export 12 files to 'sorted'" in history
    assert "undo export of 12 images" in history


@posix
def test_a_run_that_exports_by_moving_takes_its_project_along(
    dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    done = dclust(
        "cluster", "photos", "--k", 3, "--project", project, "--export", "out", "--mode", "move"
    )
    assert (done.code, done.err) == (0, "")
    assert dclust("export", project, "copies").code == 0
    assert len(files(tmp_path / "copies")) == 13  # twelve and the journal


def test_a_project_in_use_elsewhere_is_not_moved_away_from_under_it(
    dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    from dclust_gui.services.opening import open_project

    before = files(tmp_path / "photos")
    holder = open_project(project)
    try:
        assert dclust("export", project, "sorted", "--mode", "move").code == 1
        assert dclust("export", project, "copies").code == 0
    finally:
        holder.close()
    assert files(tmp_path / "photos") == before
    assert not (tmp_path / "sorted").exists()


def test_choices_of_clusters_by_name_and_id(dclust: Dclust, project: Path, tmp_path: Path) -> None:
    done = dclust("export", project, "out", "--what", "Shapes/Discs")
    assert done.code == 0
    assert {name.split("/")[0] for name in files(tmp_path / "out") if "/" in name} == {
        "Shapes_Discs"
    }
    unknown = dclust("export", project, "out", "--what", "Nothing")
    assert unknown.code == 1
    assert "no cluster 'Nothing'" in unknown.error_line
    reviewed = dclust("export", project, "seen", "--format", "csv", "--what", "reviewed")
    assert reviewed.code == 1
    assert "nothing to export" in reviewed.error_line
    dclust("edit", project, "review", 1)
    assert dclust("export", project, "seen", "--format", "csv", "--what", "reviewed").code == 0
    with (tmp_path / "seen" / "labels.csv").open(encoding="utf-8", newline="") as table:
        assert {row["name"] for row in csv.DictReader(table)} == {"Shapes/Discs"}


def test_tree_formats_put_unassigned_images_where_their_readers_want_them(
    dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    first = min((tmp_path / "photos").rglob("*.png"))
    assert dclust("edit", project, "unassign", first).code == 0
    for form in ("imagefolder", "fiftyone", "huggingface"):
        assert dclust("export", project, form, "--format", form).code == 0
    tops = {
        form: {p.name for p in (tmp_path / form).iterdir() if p.is_dir()}
        for form in ("imagefolder", "fiftyone", "huggingface")
    }
    assert "Unassigned" not in tops["imagefolder"]
    assert "_unlabeled" in tops["fiftyone"]
    with (tmp_path / "huggingface" / "metadata.csv").open(encoding="utf-8", newline="") as table:
        rows = {row["file_name"]: row["label"] for row in csv.DictReader(table)}
    assert len(rows) == 12
    assert all((tmp_path / "huggingface" / name).is_file() for name in rows)
    assert sorted(rows.values()).count("") == 1
    assert "Shapes/Discs" in rows.values()
    assert dclust("undo-export", "huggingface").code == 0
    assert not (tmp_path / "huggingface").exists()


def test_metadata_is_renewed_but_never_in_place_of_somebodys(
    dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "metadata.csv").write_text("mine")
    for _ in range(2):
        assert dclust("export", project, out, "--format", "huggingface").code == 0
    assert (out / "metadata.csv").read_text() == "mine"
    assert sorted(p.name for p in out.glob("*.csv")) == ["metadata (2).csv", "metadata.csv"]


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("csv", "labels.csv"),
        ("json", "labels.json"),
        ("coco", "coco.json"),
        ("html", "contact-sheet.html"),
        ("runcard", "run-card.md"),
    ],
)
def test_every_file_format_writes_its_file(
    dclust: Dclust, project: Path, tmp_path: Path, form: str, name: str
) -> None:
    assert "12 images" in dclust("export", project, "out", "--format", form, "--dry-run").out
    assert not (tmp_path / "out").exists()
    done = dclust("export", project, "out", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "out" / name).stat().st_size > 100
    assert "Shapes/Discs" in (tmp_path / "out" / name).read_text("utf-8") or form == "runcard"


def test_what_cannot_be_exported_says_what_can(dclust: Dclust, project: Path) -> None:
    wrong = dclust("export", project, "out", "--format", "pdf")
    assert wrong.code == 1
    assert "coco" in wrong.error_line
    wrong = dclust("export", project, "out", "--name", "{nam}")
    assert wrong.code == 1
    assert "{number}" in wrong.error_line
    wrong = dclust("export", project, "out", "--mode", "teleport")
    assert "hardlink" in wrong.error_line
    assert dclust("undo-export", "photos").code == 1


def test_undo_says_what_it_left_and_exits_with_one(
    dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    assert dclust("export", project, "out").code == 0
    changed = next(p for p in (tmp_path / "out").rglob("*.png"))
    changed.write_bytes(b"mine")
    done = dclust("undo-export", "out")
    assert done.code == 1
    assert changed.name in done.error_line
    assert changed.read_bytes() == b"mine"
    assert len(files(tmp_path / "out")) == 2  # the changed file and the journal


def test_cluster_names_are_embedded_in_copies_and_never_in_originals(
    dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    before = files(tmp_path / "photos")
    done = dclust("export", project, "sorted", "--embed-xmp")
    assert (done.code, done.err) == (0, "")
    assert "4 files to get the name of the cluster as XMP keywords." in done.out
    assert files(tmp_path / "photos") == before
    named = [data for data in files(tmp_path / "sorted").values() if b"Shapes|Discs" in data]
    assert len(named) == 4
    assert "12 unchanged" in dclust("export", project, "sorted", "--embed-xmp").out
    assert dclust("edit", project, "undo").code == 0
    done = dclust("export", project, "plain", "--embed-xmp", "--dry-run")
    assert "clusters without a name have none" in done.out
    assert dclust("edit", project, "redo").code == 0
    assert "4 updated, 8 unchanged" in dclust("export", project, "sorted", "--no-verify").out
    assert sorted(files(tmp_path / "photos").values()) == sorted(
        data for name, data in files(tmp_path / "sorted").items() if not name.startswith(".")
    )
    assert dclust("undo-export", "sorted").code == 0
    assert not (tmp_path / "sorted").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mode", "hardlink"), "never written to"),
        (("--mode", "move"), "never written to"),
        (("--format", "csv"), "copies no images"),
    ],
)
def test_embedding_where_nothing_is_copied_is_refused(
    options: tuple[str, ...], words: str, dclust: Dclust, project: Path, tmp_path: Path
) -> None:
    done = dclust("export", project, "sorted", "--embed-xmp", *options)
    assert done.code == 1
    assert words in done.err.replace("\n", " ")
    assert not (tmp_path / "sorted").exists()


@pytest.fixture
def taken(project: Path, tmp_path: Path) -> list[Path]:
    """Somebody's files; six of twelve images would get their names in the export `out`."""
    there: list[Path] = []
    for photo in sorted((tmp_path / "photos").rglob("*.png"))[:2]:
        for cluster in ("Shapes_Discs", "Cluster 02", "Cluster 03"):
            path = tmp_path / "out" / cluster / photo.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("mine")
            there.append(path)
    return there


def answer(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Sit at a terminal and give answers; what was asked."""
    asked: list[str] = []
    given = iter(answers)

    def prompt(question: str, **_options: object) -> str:
        asked.append(question)
        return next(given)

    monkeypatch.setattr("dclust_gui.cli.output.typer.prompt", prompt)
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda _self: True})())
    return asked


def test_conflicts_are_asked_about_one_by_one_and_for_all_that_follow(
    dclust: Dclust,
    project: Path,
    tmp_path: Path,
    taken: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answer(monkeypatch, "what?", "l", "K")
    done = dclust("export", project, "out", "--on-conflict", "ask")
    assert (done.code, done.err) == (0, "")
    assert len(asked) == 3
    assert "is there already and is another file than" in asked[0]
    assert all(path.read_text() == "mine" for path in taken)
    names = [name for name in files(tmp_path / "out") if "(2)" in name]
    assert len(names) == 5  # one was left out


def test_a_person_can_stop_at_a_conflict_and_nothing_was_written(
    dclust: Dclust,
    project: Path,
    tmp_path: Path,
    taken: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer(monkeypatch, "q")
    done = dclust("export", project, "out", "--on-conflict", "ask")
    assert done.code == 1
    assert "You stopped it" in done.error_line
    assert len(files(tmp_path / "out")) == len(taken)


def test_without_a_terminal_conflicts_are_refused_with_what_to_choose(
    dclust: Dclust, project: Path, tmp_path: Path, taken: list[Path]
) -> None:
    done = dclust("export", project, "out", "--on-conflict", "ask")
    assert done.code == 1
    assert "no terminal to ask at" in done.error_line
    assert "--on-conflict number" in done.error_line
    assert len(files(tmp_path / "out")) == len(taken)
    assert (
        "6 images would get names"
        in dclust("export", project, "out", "--on-conflict", "ask", "--dry-run").out
    )
    assert dclust("export", project, "free", "--on-conflict", "ask").code == 0


def test_a_table_that_is_there_is_asked_about(
    dclust: Dclust, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "labels.csv").write_text("mine")
    refused = dclust("export", project, "out", "--format", "csv", "--on-conflict", "ask")
    assert refused.code == 1
    answer(monkeypatch, "k")
    done = dclust("export", project, "out", "--format", "csv", "--on-conflict", "ask")
    assert done.code == 0
    assert sorted(files(tmp_path / "out")) == ["labels (2).csv", "labels.csv"]
    assert (tmp_path / "out" / "labels.csv").read_text() == "mine"


def test_a_drive_that_cannot_share_blocks_is_told_before_anything_is_written(
    dclust: Dclust, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.services.export_abilities.file_system", lambda _: "ext4")
    for more in ((), ("--dry-run",)):
        wrong = dclust("export", project, "sorted", "--mode", "reflink", *more)
        assert wrong.code == 1
        assert "cannot share blocks" in wrong.error_line
        assert "another --mode" in wrong.error_line
        assert not (tmp_path / "sorted").exists()

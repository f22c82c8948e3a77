"""Formats that other programs read, from a real project."""

from __future__ import annotations

import base64
import csv
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.images import display_path
from dclust_gui.imaging.thumbnails import decode_thumbnail
from dclust_gui.services.export_steps import OnConflict
from dclust_gui.services.formats.contact_sheet import Sheet, contact_sheet
from dclust_gui.services.formats.images import Scope, labelled_images
from dclust_gui.services.formats.run_card import run_card
from dclust_gui.services.formats.writing import FileFormat, FormatRequest, write_format
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.services.formats.images import LabelledImage
    from dclust_gui.services.formats.writing import FormatResult
    from dclust_gui.services.session import ProjectSession

AWKWARD = 'Vögel/<b>Möwe</b> & "Co", 海'
NOW = "2026-11-21T12:00:00+00:00"


def _no_picture(image: LabelledImage) -> bytes | None:
    raise AssertionError(f"no picture of {image.path} was needed")


def _write(
    session: ProjectSession,
    target: Path,
    kind: FileFormat,
    scope: Scope | None = None,
    on_conflict: OnConflict = OnConflict.NUMBER,
    token: CancelToken | None = None,
) -> FormatResult:
    request = FormatRequest(target, kind, "Gulls & terns", NOW, scope or Scope(), on_conflict)
    return write_format(
        request, snapshot_of(session), session.history, _no_picture, token or CancelToken()
    )


def _truth(session: ProjectSession) -> dict[str, int]:
    """Cluster by path, of the images that can be read."""
    labels = session.clustering.labels.tolist()
    rows = zip(session.images, labels, strict=True)
    return {display_path(r.relative): v for r, v in rows if r.relative != b"broken.jpg"}


def test_csv_is_the_labels_table_with_a_row_for_the_unreadable_file(
    session: ProjectSession, tmp_path: Path
) -> None:
    result = _write(session, tmp_path / "out", FileFormat.CSV)
    assert [path.name for path in result.files] == ["labels.csv"]
    with result.files[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 13
    assert {r["path"]: int(r["cluster"]) for r in rows if r["cluster"]} == _truth(session)
    assert [r["path"] for r in rows if r["status"] == "unreadable"] == ["broken.jpg"]
    assert AWKWARD in {r["name"] for r in rows}


def test_json_has_every_label_and_says_what_a_person_decided(
    session: ProjectSession, tmp_path: Path
) -> None:
    result = _write(session, tmp_path / "out", FileFormat.JSON)
    values = json.loads(result.files[0].read_text("utf-8"))
    assert {r["path"]: r["cluster"] for r in values["images"]} == _truth(session)
    moved = {r["path"] for r in values["images"] if r["decided"] == "moved"}
    flags = session.clustering.flags & int(ImageFlag.HAND_PLACED) != 0
    assert len(moved) == flags.sum() == 2
    named = [c for c in values["clusters"] if c["name"]]
    assert [c["name"] for c in named] == [AWKWARD]
    assert sum(c["images"] for c in values["clusters"]) == 11
    assert all(r["width"] == 32 and r["height"] == 32 for r in values["images"])


def test_coco_has_one_category_an_image_and_none_for_unassigned(
    session: ProjectSession, tmp_path: Path
) -> None:
    result = _write(session, tmp_path / "out", FileFormat.COCO)
    values = json.loads(result.files[0].read_text("utf-8"))
    paths = {row["id"]: row["file_name"] for row in values["images"]}
    clusters = {row["id"]: row["cluster"] for row in values["categories"]}
    assert sorted(paths) == list(range(1, 13))
    assert sorted(clusters) == list(range(1, len(clusters) + 1))
    found = {paths[r["image_id"]]: clusters[r["category_id"]] for r in values["annotations"]}
    assert found == {p: c for p, c in _truth(session).items() if c != UNASSIGNED}
    gulls = next(c for c in values["categories"] if c["name"] == AWKWARD)
    assert gulls["supercategory"] == AWKWARD.rpartition("/")[0]


def test_lists_have_a_file_for_each_cluster_with_names_that_every_system_takes(
    session: ProjectSession, tmp_path: Path
) -> None:
    result = _write(session, tmp_path / "out", FileFormat.TXT)
    lists = [path for path in result.files if path.suffix == ".txt"]
    assert len(lists) == len(set(_truth(session).values()))
    assert not any(set('<>:"/\\|?*') & set(path.name) for path in lists)
    lines = [line for path in lists for line in path.read_text("utf-8").splitlines()]
    assert sorted(lines) == sorted(_truth(session))
    assert (tmp_path / "out" / "Unassigned.txt").read_text("utf-8").count("\n") == 1


class _Page(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[str] = []
        self.elements: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        if tag == "img":
            self.pictures.append(dict(attrs)["src"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_contact_sheet_holds_every_picture_and_refers_to_nothing_else(
    session: ProjectSession, tmp_path: Path
) -> None:
    with Workspace(tmp_path / "cache") as workspace:
        thumbnails = workspace.thumbnails
        request = FormatRequest(tmp_path / "out", FileFormat.HTML, "Gulls & terns", NOW)

        def picture(image: LabelledImage) -> bytes | None:
            return thumbnails.encoded(image.source, image.record.content, 160)

        result = write_format(
            request, snapshot_of(session), session.history, picture, CancelToken()
        )
    text = result.files[0].read_text("utf-8")
    page = _Page()
    page.feed(text)
    assert len(page.pictures) == 12
    prefix = "data:image/jpeg;base64,"
    sizes = {
        decode_thumbnail(base64.b64decode(p.removeprefix(prefix))).shape for p in page.pictures
    }
    assert sizes == {(32, 32, 3)}
    assert AWKWARD in page.text
    assert "b" not in page.elements  # a name is text, not HTML
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)


def test_a_large_cluster_shows_its_most_typical_pictures_and_counts_the_rest(
    session: ProjectSession,
) -> None:
    images = labelled_images(snapshot_of(session))
    page = "".join(contact_sheet(images, lambda image: b"jpeg", Sheet("Gulls", most=2)))
    groups = len({image.cluster and image.cluster.id for image in images})
    assert page.count("<img") <= 2 * groups
    assert re.findall(r"and (\d+) images? more", page)
    hidden = sum(int(n) for n in re.findall(r"and (\d+) images? more", page))
    assert page.count("<img") + hidden == 12


def test_an_image_without_a_picture_keeps_its_place(session: ProjectSession) -> None:
    images = labelled_images(snapshot_of(session))
    page = "".join(contact_sheet(images, lambda image: None, Sheet("Gulls")))
    assert page.count("no picture") == 12


def test_the_run_card_tells_how_the_clusters_came_to_be(session: ProjectSession) -> None:
    text = run_card("Gulls\nand | terns", NOW, snapshot_of(session), session.history)
    assert text.startswith("# Gulls and | terns: run card\n")
    assert "12 images (1 more could not be read) were grouped with dclust" in text
    assert "k-means" in text
    assert "into 3 clusters (seed 0)" in text
    assert "2 were placed by hand" in text
    assert "named a cluster | 1 |" in text
    assert "moved images | 2 |" in text
    assert "silhouette" in text
    assert "| torch | " in text


def test_undone_decisions_are_not_on_the_run_card(session: ProjectSession) -> None:
    session.undo()
    session.undo()
    text = run_card("p", NOW, snapshot_of(session), session.history)
    assert "moved images" not in text
    assert "placed by hand" not in text


def test_a_choice_of_clusters_leaves_the_others_out(
    session: ProjectSession, tmp_path: Path
) -> None:
    key = max(session.clustering.clusters)
    scope = Scope(frozenset({key}), with_unassigned=False)
    result = _write(session, tmp_path / "out", FileFormat.CSV, scope)
    lines = result.files[0].read_text("utf-8").splitlines()[1:]
    assert len(lines) == len(session.clustering.members(key)) == result.images


def test_only_reviewed_with_nothing_reviewed_says_so(
    session: ProjectSession, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="nothing to export"):
        _write(session, tmp_path / "out", FileFormat.CSV, Scope(only_reviewed=True))
    assert not (tmp_path / "out").exists()


def test_a_second_export_is_numbered_or_left_out_and_replaces_nothing(
    session: ProjectSession, tmp_path: Path
) -> None:
    first = _write(session, tmp_path / "out", FileFormat.JSON)
    first.files[0].write_text("mine", "utf-8")
    second = _write(session, tmp_path / "out", FileFormat.JSON)
    assert [p.name for p in second.files] == ["labels (2).json"]
    assert first.files[0].read_text("utf-8") == "mine"
    third = _write(session, tmp_path / "out", FileFormat.JSON, on_conflict=OnConflict.SKIP)
    assert third.files == ()
    assert third.skipped == ("labels.json",)
    assert third.title == ""


def test_nothing_is_written_among_the_originals(session: ProjectSession) -> None:
    before = sorted(session.roots[0].rglob("*"))
    with pytest.raises(InputError, match="inside the folder of the originals"):
        _write(session, session.roots[0] / "labels", FileFormat.CSV)
    assert sorted(session.roots[0].rglob("*")) == before


def test_a_folder_that_cannot_be_made_is_named(session: ProjectSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises((StorageError, InputError), match="file"):
        _write(session, tmp_path / "file" / "out", FileFormat.CSV)


def test_a_cancelled_export_leaves_no_half_file(session: ProjectSession, tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        _write(session, tmp_path / "out", FileFormat.CSV, token=token)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())

"""The table of labels as other programs read it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.images import (
    Companion,
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageRecord,
    ImageStatus,
    SkippedFile,
)
from dclust_gui.services.labels_table import (
    LabelRow,
    label_rows,
    read_labels,
    root_prefixes,
    write_labels,
)

STAMP = FileStamp(1, 1)


def image(
    name: bytes, status: ImageStatus = ImageStatus.OK, *companions: Companion, root: int = 0
) -> ImageRecord:
    """A made-up image."""
    return ImageRecord(root, name, STAMP, b"", ImageFacts(status), companions)


def table(path: Path) -> list[dict[str, str]]:
    """A CSV file as other programs read it."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_regular_file_has_the_row_of_its_kind() -> None:
    raw = Companion(b"b.nef", CompanionKind.IMAGE, STAMP)
    side = Companion(b"b.xmp", CompanionKind.SIDE, STAMP)
    gone = ImageRecord(0, b"gone.png", STAMP, b"", ImageFacts(ImageStatus.OK), is_missing=True)
    records = [
        image(b"z.png", ImageStatus.DAMAGED),
        image(b"b.jpg", ImageStatus.OK, raw, side),
        image(b"bad.jpg", ImageStatus.UNREADABLE),
        image(b"new.jpg", ImageStatus.PENDING),
        gone,
        image(b"out.png"),
    ]
    labels = np.array([2, 1, 1, 1, 1, UNASSIGNED], np.int32)
    clusters = {1: Cluster(1), 2: Cluster(2, "Dogs, big")}
    state = Clustering(labels, np.zeros(6, np.uint8), clusters, 3)
    confidence = np.array([0.5, 0.12345, 1, 1, 1, np.nan], np.float32)
    skipped = [SkippedFile(0, b"denied.jpg", "No.", is_image=True), SkippedFile(0, b"x", "No.")]
    rows = label_rows(records, [Path("/photos")], state, confidence, skipped)
    assert [(r.path, r.cluster, r.name, r.status.value) for r in rows] == [
        ("b.jpg", 1, "Cluster 01", "ok"),
        ("b.nef", 1, "Cluster 01", "ok"),
        ("bad.jpg", None, "", "unreadable"),
        ("denied.jpg", None, "", "unreadable"),
        ("new.jpg", None, "", "unreadable"),
        ("out.png", UNASSIGNED, "Unassigned", "ok"),
        ("z.png", 2, "Dogs, big", "damaged"),
    ]
    assert rows[5].confidence is None


def test_file_is_plain_csv_that_reads_back(tmp_path: Path) -> None:
    odd = [
        "=1+1.png",
        "a\rb.png",
        'q"uote, comma.png',
        "new\nline.png",
        "\\xff.png",
        "é 😀.png",
        " s ",
    ]
    rows = [LabelRow(name, 1, "-name", 0.5, ImageStatus.OK) for name in odd]
    rows.append(LabelRow("bad.jpg", None, "", None, ImageStatus.UNREADABLE))
    rows.append(LabelRow("out.jpg", UNASSIGNED, "Unassigned", 1.0, ImageStatus.OK))
    write_labels(tmp_path / "l.csv", rows)
    data = (tmp_path / "l.csv").read_bytes()
    assert data.splitlines()[0] == b"path,cluster,name,confidence,status"
    assert data.endswith(b"\nout.jpg,-1,Unassigned,1.0000,ok\n")
    assert b"\nbad.jpg,,,,unreadable\n" in data
    found = table(tmp_path / "l.csv")
    assert [row["path"].removeprefix("./") for row in found] == [row.path for row in rows]
    assert found[0]["path"] == "./=1+1.png"
    assert found[0]["name"] == "'-name"
    assert read_labels(tmp_path / "l.csv") == dict.fromkeys(odd, "1") | {"out.jpg": "-1"}


def test_several_roots_have_different_prefixes() -> None:
    roots = [Path("/a/x"), Path("/b/x"), Path("/c/y"), Path("/")]
    assert root_prefixes(roots) == ["x/", "x (2)/", "y/", "root/"]
    assert root_prefixes(roots[:1]) == [""]
    assert root_prefixes([Path("/a/\udcff"), Path("/b")])[0] == "\\xff/"


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "l.csv"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(StorageError, match="No space left"):
        write_labels(path, [])
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["l.csv"]


@pytest.mark.parametrize("name", ["photo.jpg", "photo.NEF", "work.dclust"])
def test_images_and_projects_are_never_replaced(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_labels(path, [])  # a new file may be called anything
    path.write_bytes(b"precious")
    with pytest.raises(InputError, match="cannot be written"):
        write_labels(path, [])
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"path\nx\n", b"path,label\n\xff,1\n"])
def test_files_that_are_no_tables_are_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "l.csv").write_bytes(content)
    with pytest.raises(InputError):
        read_labels(tmp_path / "l.csv")


def test_reading_is_lenient_about_marks_and_short_rows(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_bytes(
        b"\xef\xbb\xbfpath,label,x\r\na,1,\r\n\r\nb\r\n./c,2,3,4\r\n,5\r\n"
    )
    assert read_labels(tmp_path / "l.csv") == {"a": "1", "c": "2"}

"""Clusters against true labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import ImageStatus
from dclust_gui.services.evaluation import (
    FOLDERS,
    evaluate,
    evaluate_files,
    labels_of_rows,
    read_pass,
    truth_for,
)
from dclust_gui.services.labels_table import LabelRow

if TYPE_CHECKING:
    from pathlib import Path


def test_folders_are_the_first_below_the_root() -> None:
    paths = ["a/x.png", "b/deep/y.png", "z.png"]
    assert truth_for(paths, FOLDERS) == {"a/x.png": "a", "b/deep/y.png": "b"}
    several = [f"root/{path}" for path in paths]
    assert truth_for(several, FOLDERS, several_roots=True) == {
        "root/a/x.png": "a", "root/b/deep/y.png": "b"
    }  # fmt: skip
    with pytest.raises(InputError, match="No image has a true label"):
        truth_for(["z.png"], FOLDERS)


def test_label_column_of_a_truth_file_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("path,cluster,label\na,1,cat\nb,1,dog\n")
    assert truth_for(["a", "b", "c"], str(path)) == {"a": "cat", "b": "dog"}


def test_unreadable_rows_are_left_out() -> None:
    rows = [
        LabelRow("a", 1, "x", 1.0, ImageStatus.OK),
        LabelRow("b", -1, "Unassigned", None, ImageStatus.OK),
        LabelRow("c", None, "", None, ImageStatus.UNREADABLE),
    ]
    assert labels_of_rows(rows) == {"a": "1", "b": "-1"}


def test_unassigned_and_unmatched_clusters_are_wrong() -> None:
    truth = {"a": "x", "b": "x", "c": "y", "d": "y"}
    assert evaluate({"a": "1", "b": "1", "c": "7", "d": "7"}, truth)["accuracy"] == 1.0
    assert evaluate({"a": "1", "b": "1", "c": "-1", "d": "-1"}, truth)["accuracy"] == 0.5
    assert evaluate({"a": "1", "b": "2", "c": "7", "d": "7"}, truth)["accuracy"] == 0.75


def test_beta_weighs_recall() -> None:
    truth = {"a": "x", "b": "x", "c": "x", "d": "y"}
    labels = {"a": "1", "b": "2", "c": "2", "d": "1"}
    low, high = evaluate(labels, truth, 0.1), evaluate(labels, truth, 10)
    assert low["f1"] == high["f1"]
    assert low["fbeta"] != high["fbeta"]
    for beta in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="beta"):
            evaluate(labels, truth, beta)


def test_tables_without_common_images_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image in common"):
        evaluate({"a": "1"}, {"b": "1"})
    path = tmp_path / "l.csv"
    path.write_text("path,cluster\na/1.png,1\nb/1.png,2\n")
    assert evaluate_files(path, FOLDERS)["accuracy"] == 1.0


def test_passes_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    path = tmp_path / "second pass.csv"
    path.write_bytes(
        "File;Species\r\n./a.jpg;Möwe\r\nb.jpg;\r\nc.jpg;Seestern\r\n".encode("cp1252")
    )
    assert read_pass(path) == {"a.jpg": "Möwe", "c.jpg": "Seestern"}
    for text in ("path,cluster\na.jpg,1\na.jpg,1\n./a.jpg,2\n", "file;label\na.jpg;x\na.jpg;y\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"two labels for '(\./)?a\.jpg'"):
            read_pass(path)
    path.write_text("foo,bar\n1,2\n")
    with pytest.raises(InputError, match="It needs a column 'path'"):
        read_pass(path)

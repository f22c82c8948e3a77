"""Tables as people have them: separators, encodings, headings, lines that cannot be read."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dclust_gui.domain.control import CancelToken
from dclust_gui.domain.errors import InputError
from dclust_gui.services.importing.columns import chosen_columns
from dclust_gui.services.importing.sources import read_labels
from dclust_gui.services.importing.text import decode, read_delimited

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.services.importing.values import LabelTable
    from tests.unit.services.importing.conftest import Library


def read(library: Library, name: str, data: str | bytes) -> LabelTable:
    return read_labels(library.write(name, data), CancelToken())


def pairs(table: LabelTable) -> list[tuple[str, str]]:
    """Path and label of each row, by the likely columns."""
    chosen = chosen_columns(table, "", "")
    at, label = chosen.path_column, chosen.label_column
    assert at is not None
    assert label is not None
    return [(row.cells[at], row.cells[label]) for row in chosen.rows]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("encoding", "words"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
)
def test_separator_and_encoding_are_found(
    library: Library, separator: str, encoding: str, words: str
) -> None:
    text = f'file name{separator}Class\r\nMöwe.jpg{separator}Vögel\r\nb.jpg{separator}"a\nb"\r\n'
    table = read(library, "labels.csv", text.encode(encoding))
    assert pairs(table) == [("Möwe.jpg", "Vögel"), ("b.jpg", "a\nb")]
    assert words in table.about
    assert [row.where for row in table.rows] == ["line 2", "line 3"]


def test_our_own_table_gives_names_rather_than_numbers(library: Library) -> None:
    text = "path,cluster,name,confidence,status\na.jpg,7,Beach,0.5,ok\nb.jpg,-1,Unassigned,,ok\n"
    assert pairs(read(library, "l.csv", text)) == [("a.jpg", "Beach"), ("b.jpg", "Unassigned")]


def test_tables_without_headings_and_of_other_programs_are_understood(library: Library) -> None:
    assert pairs(read(library, "a.csv", "a.jpg,x\nb.png,y\n")) == [("a.jpg", "x"), ("b.png", "y")]
    excel = "sep=;\nx;image\nCats;a.jpg\n"
    table = read(library, "b.csv", excel)
    assert pairs(table) == [("a.jpg", "Cats")]
    assert table.rows[0].where == "line 3"
    ecotaxa = (
        "object_id\timg_file_name\tobject_annotation_category\n[t]\t[t]\t[t]\n1\tp.png\tCopepoda\n"
    )
    assert pairs(read(library, "c.tsv", ecotaxa)) == [("p.png", "Copepoda")]
    kaggle = "id,breed\n000bec18,boxer\n"
    assert pairs(read(library, "d.csv", kaggle)) == [("000bec18", "boxer")]


def test_columns_are_chosen_by_heading_or_number(library: Library) -> None:
    table = read(library, "a.csv", "when,shot,what,who\n1,a.jpg,x,anna\n2,b.jpg,y,anna\n")
    assert table.path_column == 1
    with pytest.raises(InputError, match=r"hold the labels.*'what', 'who'"):
        chosen_columns(table, "", "")
    assert chosen_columns(table, "", "What").label_column == 2
    assert chosen_columns(table, "2", "4").label_column == 3
    with pytest.raises(InputError, match="has no column 'cat'"):
        chosen_columns(table, "", "cat")
    with pytest.raises(InputError, match="both path and label"):
        chosen_columns(table, "shot", "2")


def test_lines_that_cannot_be_read_are_said_with_their_number(library: Library) -> None:
    long = "x" * 200_000
    text = f'path,label\na.jpg,x\n"{long}",y\n\nb.jpg,z,and,more\nc.jpg\nd.jpg,w\n'
    table = read(library, "l.csv", text)
    assert [problem.where for problem in table.problems] == ["line 3", "line 5"]
    assert "4 columns, not 2" in table.problems[1].why
    assert pairs(table) == [("a.jpg", "x"), ("c.jpg", ""), ("d.jpg", "w")]


def test_bytes_that_are_no_utf_8_become_escapes_in_a_text_of_utf_8(library: Library) -> None:
    table = read(
        library, "l.csv", "path,label\nMöwe.jpg,x\n".encode() + b"b\xff.jpg,y\nZoo.jpg,z\n"
    )
    assert pairs(table)[0][0] in ("Möwe.jpg", "MÃ¶we.jpg")
    table = read(library, "l.csv", "path,label\nMöwe.jpg,ä\nx.jpg,ö\n".encode() + b"b\xff.jpg,y\n")
    assert pairs(table)[2] == ("b\\xff.jpg", "y")
    assert "with errors" in table.about


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n\n \n", "empty"),
        ("a.csv", b"\x00\x01\x02,a\n", "not a text"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b"3", "no labels that are known"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.xlsx", b"PK", "Save it as CSV"),
        ("a.jsonl", b"3\nx\n", "No line of it"),
    ],
)
def test_files_that_hold_no_labels_are_refused_in_words(
    library: Library, name: str, data: bytes, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        read(library, name, data)


def test_missing_files_and_empty_folders_are_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_labels(tmp_path / "none.csv", CancelToken())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no labels in"):
        read_labels(tmp_path / "empty", CancelToken())


def test_json_of_other_programs(library: Library) -> None:
    objects = [{"file": "a.jpg", "label": "x", "n": 3}, {"file": "b.jpg", "label": ["y"]}, 7]
    assert pairs(read(library, "a.json", json.dumps(objects))) == [("a.jpg", "x"), ("b.jpg", "y")]
    assert pairs(read(library, "b.json", '{"a.jpg": "x", "b.jpg": 2}'))[1] == ("b.jpg", "2")
    lines = '{"file_name": "a.jpg", "label": "x"}\n\nnonsense\n{"file_name": "b.jpg", "label": "y"}'
    table = read(library, "metadata.jsonl", lines)
    assert pairs(table) == [("a.jpg", "x"), ("b.jpg", "y")]
    assert [problem.where for problem in table.problems] == ["line 3"]
    fiftyone = {"classes": ["cat", "dog"], "labels": {"img-1": 1, "img-2": {"label": "cat"}}}
    assert pairs(read(library, "labels.json", json.dumps(fiftyone))) == [
        ("img-1", "dog"),
        ("img-2", "cat"),
    ]
    samples = {"samples": [{"filepath": "/x/a.jpg", "ground_truth": {"label": "cat"}, "tags": []}]}
    assert pairs(read(library, "s.json", json.dumps(samples))) == [("/x/a.jpg", "cat")]


def test_coco_takes_one_category_an_image(library: Library) -> None:
    coco = {
        "images": [{"id": i, "file_name": f"{i}.jpg"} for i in range(1, 5)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"image_id": 1, "category_id": 1},
            {"image_id": 1, "category_id": 1},
            {"image_id": 2, "category_id": 1},
            {"image_id": 2, "category_id": 2},
            {"image_id": 3, "category_id": 9},
            {"image_id": 77, "category_id": 1},
        ],
    }
    table = read(library, "coco.json", json.dumps(coco))
    assert pairs(table) == [("1.jpg", "cat"), ("3.jpg", ""), ("4.jpg", "")]
    assert [(p.where, p.what) for p in table.problems] == [
        ("annotation 5", "category 9"),
        ("image 2", "2.jpg"),
        ("", "image 77"),
    ]


def test_a_list_of_paths_is_named_by_its_file(library: Library) -> None:
    table = read(library, "Beach.txt", "a, b.jpg\r\n\nsub/c.jpg\n")
    assert pairs(table) == [("a, b.jpg", "Beach"), ("sub/c.jpg", "Beach")]
    assert pairs(read(library, "val.txt", "path\tlabel\na.jpg\t3\n")) == [("a.jpg", "3")]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


@given(
    st.lists(st.tuples(cells.filter(str.strip), cells), min_size=1, max_size=8),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_table_that_was_written_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    separator: str,
    encoding: str,
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(
        [("file_name", "label"), *rows]
    )
    text, words = decode(out.getvalue().encode(encoding), "x.csv")
    table = read_delimited(text, tmp_path_factory.getbasetemp() / "x.csv", words)
    assert [row.cells for row in table.rows] == rows
    assert table.problems == ()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    for name in ("x.csv", "x.txt", "x.json", "x.jsonl"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(data)
        try:
            table = read_labels(path, CancelToken())
        except InputError as error:
            assert str(error)  # noqa: PT017 -- either is right
        else:
            assert all(len(row.cells) == len(table.columns) for row in table.rows)


@pytest.mark.parametrize("line", ['b.jpg,"cat', '"b.jpg,cat', 'b.jpg,"' + "x" * 200_000])
def test_a_quotation_mark_that_is_not_closed_costs_its_own_line_only(
    library: Library, line: str
) -> None:
    rest = "".join(f"{i}.jpg,dog\n" for i in range(20_000))
    table = read(library, "l.csv", f'path,label\na.jpg,cat\n{line}\n{rest}z.jpg,"gull"\n')
    found = pairs(table)
    assert len(found) == 20_002
    assert (found[0], found[1], found[-1]) == (
        ("a.jpg", "cat"),
        ("0.jpg", "dog"),
        ("z.jpg", "gull"),
    )
    assert [problem.where for problem in table.problems] == ["line 3"]
    assert [row.where for row in table.rows[:2]] == ["line 2", "line 4"]


def test_a_file_of_one_endless_line_is_not_called_empty(library: Library) -> None:
    with pytest.raises(InputError, match="Line 1 cannot be read"):
        read(library, "l.csv", "z" * 1_000_000)


def test_a_first_row_with_an_image_is_no_heading_whatever_its_label(library: Library) -> None:
    assert pairs(read(library, "l.csv", "a.jpg,target\nb.jpg,cat\n"))[0] == ("a.jpg", "target")

"""Reads a file or folder of labels into a table."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import display_path
from dclust_gui.domain.names import UNASSIGNED_NAME
from dclust_gui.services.importing.columns import is_image_name, n_known
from dclust_gui.services.importing.json_files import read_json
from dclust_gui.services.importing.text import decode, read_bytes, read_delimited
from dclust_gui.services.importing.values import LabelTable, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dclust_gui.domain.control import CancelToken

FILE_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson")
"""Files that are read as labels."""

_JSON = (".json", ".jsonl", ".ndjson")
_UNLABELLED = "_unlabeled"
"""FiftyOne's folder of images without a class."""


def read_labels(path: Path, token: CancelToken) -> LabelTable:
    """What a file or folder says of images; nothing is matched yet.

    A folder holds lists of paths, one for each cluster (`Beach.txt`), or the images themselves,
    sorted into folders.

    Args:
        path: The file or folder.
        token: Stops the work.

    Raises:
        InputError: If it cannot be read, or is of no kind that is known.
        Cancelled: If the job was cancelled.
    """
    if path.is_dir():
        return _read_folder(path, token)
    if path.suffix.lower() in (".dclust", ".xlsx", ".ods", ".xls"):
        hint = "Save it as CSV first." if path.suffix.lower() != ".dclust" else "Export it first."
        raise InputError(f"'{path.name}' cannot be imported.", "It is no table of text.", hint)
    data = read_bytes(path)
    text, encoding = decode(data, path.name)
    token.checkpoint()
    if path.suffix.lower() in _JSON or text.lstrip()[:1] in ("{", "["):
        return read_json(text, path)
    table = read_delimited(text, path, encoding)
    if path.suffix.lower() == ".txt" and not (n_known(table.columns) > 1 or "\t" in text):
        rows = tuple(_listed(text, path.stem, ""))
        return _list_table(f"'{path.name}'", f"list of paths, {encoding}", rows, path.parent)
    return table


def _read_folder(folder: Path, token: CancelToken) -> LabelTable:
    try:
        lists = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".txt" and p.is_file())
    except OSError as error:
        raise InputError(
            f"Could not read the folder '{folder}'.", f"{error.strerror or error}."
        ) from error
    copies = tuple(_sorted_images(folder.absolute(), token))
    if copies:
        title = f"the folders of '{folder.name}'"
        table = LabelTable(title, "images sorted into folders", ("path", "label"), copies)
        return replace(
            table,
            base=folder.absolute(),
            path_column=0,
            label_column=1,
            is_named_by_files=True,
            are_copies=True,
        )
    if not lists:
        raise InputError(
            f"There are no labels in '{folder}'.",
            "It holds neither images in folders nor lists of paths (.txt).",
            "Choose the file with the labels.",
        )
    rows: list[Row] = []
    for path in lists:
        token.checkpoint()
        text, _ = decode(read_bytes(path), path.name)
        rows += _listed(text, path.stem, f"{path.name} ")
    return _list_table(f"the lists of '{folder.name}'", "lists of paths", tuple(rows), folder)


def _listed(text: str, label: str, place: str) -> Iterator[Row]:
    """The paths of a list; its name is their label."""
    for number, line in enumerate(text.split("\n"), 1):
        path = line.removesuffix("\r")
        if path.strip():
            yield Row(f"{place}line {number}", (path, label))


def _list_table(title: str, about: str, rows: tuple[Row, ...], base: Path) -> LabelTable:
    return LabelTable(
        title,
        about,
        ("path", "label"),
        rows,
        base=base,
        path_column=0,
        label_column=1,
        is_named_by_files=True,
    )


def _sorted_images(folder: Path, token: CancelToken) -> Iterator[Row]:
    """Images below a folder with the names of their folders; hidden files are passed over."""
    for place, folders, files in os.walk(folder):
        token.checkpoint()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(place).relative_to(folder).as_posix()
        label = "" if below == "." else display_path(os.fsencode(below))
        if label == _UNLABELLED:
            label = UNASSIGNED_NAME
        for name in sorted(files):
            if is_image_name(name) and not name.startswith("."):
                yield Row("", (os.path.join(place, name), label))  # noqa: PTH118 -- as a text

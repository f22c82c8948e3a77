"""Finds out which columns of a table hold paths, labels and content hashes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.imaging.formats import IMAGE_EXTENSIONS, RAW_EXTENSIONS, extension_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.services.importing.values import LabelTable, Row

_PATHS = (
    *("path", "filepath", "imagepath", "relativepath", "file", "filename", "imagefile"),
    *("imgfilename", "image", "img", "imagename", "photo", "picture", "imageid", "id", "uuid"),
)
_LABELS = (
    *("label", "labels", "class", "classname", "category", "categoryname", "clustername"),
    *("objectannotationcategory", "species", "taxon", "scientificname", "cluster", "name"),
    *("tag", "tags", "keyword", "target", "group", "annotation", "labelname", "breed"),
)
_CONTENT = "content"
_LOOKED_AT = 200
_HASH = re.compile(r"[0-9a-f]{32}")


def is_heading(cells: Sequence[str]) -> bool:
    """Whether the first row of a table is its headings rather than data."""
    return not any(is_image_name(cell) for cell in cells)


def n_known(cells: Sequence[str]) -> int:
    """How many of path and label have a heading that is known."""
    plain = {_plain(cell) for cell in cells}
    return bool(plain.intersection(_PATHS)) + bool(plain.intersection(_LABELS))


def is_image_name(text: str) -> bool:
    """Whether a text ends like the name of an image file."""
    return extension_of(text.strip()) in IMAGE_EXTENSIONS | RAW_EXTENSIONS


def unique_columns(cells: Sequence[str]) -> tuple[str, ...]:
    """Headings without spaces around, none empty, none twice."""
    columns: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = " ".join(cell.split()) or f"column {number}"
        columns.append(name if name not in columns else f"{name} ({number})")
    return tuple(columns)


def with_columns(table: LabelTable) -> LabelTable:
    """A table with its likely columns."""
    paths = _path_column(table)
    labels = _label_column(table, paths)
    plain = [_plain(name) for name in table.columns]
    content = plain.index(_CONTENT) if _CONTENT in plain else None
    if content is not None and not _are_hashes(table.rows, content):
        content = None
    return replace(table, path_column=paths, label_column=labels, content_column=content)


def chosen_columns(table: LabelTable, path_column: str, label_column: str) -> LabelTable:
    """A table with the columns that a person has chosen, the likely ones where they have not.

    Args:
        table: The table.
        path_column: Heading or number from 1; empty for the likely one.
        label_column: The same.

    Raises:
        InputError: If there is no such column, or none is likely.
    """
    paths = _chosen(table, path_column, table.path_column, "paths", "--path-column")
    labels = _chosen(table, label_column, table.label_column, "labels", "--label-column")
    if paths == labels:
        raise InputError(
            f"The column '{table.columns[paths]}' of {table.title} cannot be both path and label.",
            "",
            "Choose another one.",
        )
    return replace(table, path_column=paths, label_column=labels)


def _chosen(table: LabelTable, wanted: str, likely: int | None, what: str, option: str) -> int:
    known = ", ".join(f"'{name}'" for name in table.columns[:20]) or "none"
    if not wanted:
        if likely is None:
            raise InputError(
                f"No column of {table.title} is known to hold the {what}.",
                f"It has {known}.",
                f"Choose the column ({option}).",
            )
        return likely
    if wanted in table.columns:
        return table.columns.index(wanted)
    alike = [i for i, name in enumerate(table.columns) if _plain(name) == _plain(wanted)]
    if len(alike) == 1:
        return alike[0]
    if wanted.isdecimal() and 1 <= int(wanted) <= len(table.columns):
        return int(wanted) - 1
    raise InputError(f"{table.title} has no column '{wanted}'.", f"It has {known}.")


def _path_column(table: LabelTable) -> int | None:
    """The column of a known name, else the one whose texts end like image files."""
    plain = [_plain(name) for name in table.columns]
    shares = [_share_of_images(table.rows, column) for column in range(len(plain))]
    known = [plain.index(name) for name in _PATHS if name in plain]
    for column in known:
        if shares[column] > 0.5:
            return column
    best = max(range(len(plain)), key=lambda column: shares[column], default=None)
    if best is not None and shares[best] > 0.5:
        return best
    return known[0] if known else None


def _label_column(table: LabelTable, paths: int | None) -> int | None:
    plain = [_plain(name) for name in table.columns]
    known = [plain.index(name) for name in _LABELS if name in plain]
    known = [column for column in known if column != paths]
    if known and plain[known[0]] == "cluster" and "name" in plain:
        return plain.index("name")  # our own tables: the cluster is a number there
    if known:
        return known[0]
    others = [column for column in range(len(plain)) if column != paths]
    return others[0] if paths is not None and len(others) == 1 else None


def _share_of_images(rows: Sequence[Row], column: int) -> float:
    some = [row.cells[column] for row in rows[:_LOOKED_AT] if row.cells[column].strip()]
    return sum(map(is_image_name, some)) / len(some) if some else 0.0


def _are_hashes(rows: Sequence[Row], column: int) -> bool:
    some = [row.cells[column] for row in rows[:_LOOKED_AT] if row.cells[column]]
    return bool(some) and all(_HASH.fullmatch(text) for text in some)


def _plain(name: str) -> str:
    """A heading without case, spaces, hyphens and underscores."""
    return "".join(c for c in name.casefold() if c.isalnum())

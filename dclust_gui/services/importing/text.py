"""Text files whose encoding and separator nobody has written down."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.services.importing.columns import (
    is_heading,
    n_known,
    unique_columns,
    with_columns,
)
from dclust_gui.services.importing.values import LabelTable, Problem, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST_BYTES = 512 * 1024 * 1024
"""Larger files are no tables of labels."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LOOKED_AT = 40
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
_TYPES = frozenset({"[t]", "[f]"})
_WHY_NOT = "a quotation mark is not closed, or it is too long"


def read_bytes(path: Path) -> bytes:
    """A file of labels.

    Raises:
        InputError: If it cannot be read, or is far too large.
    """
    what = f"Could not read the labels in '{path}'."
    try:
        if not path.is_file():
            raise InputError(what, "There is no such file.", "Give the file's place.")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(what, "It is too large for a table of labels.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(what, f"{error.strerror or error}.") from error
    except ValueError as error:
        raise InputError(what, "Its name holds a character that no file can have.") from error


def decode(data: bytes, name: str) -> tuple[str, str]:
    r"""A file's text and its encoding in words.

    UTF-8 and UTF-16 are known by their marks, UTF-8 by its form; the rest is taken for
    Windows-1252, of which Latin-1 is a part. Single bytes that are wrong in a text of UTF-8 become
    `\xNN`, as in our own tables.

    Raises:
        InputError: If it is no text.
    """
    for mark, encoding, words in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "backslashreplace"), words
    if b"\0" in data:
        raise InputError(f"'{name}' is not a table of labels.", "It is not a text.")
    try:
        return data.decode(), "UTF-8"
    except UnicodeDecodeError:
        pass
    if _n_lines_of_utf8(data) > 0:
        return data.decode("utf-8", "backslashreplace"), "UTF-8, with errors"
    try:
        return data.decode("cp1252"), "Windows-1252 (Latin-1)"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "Latin-1"


def read_delimited(text: str, path: Path, encoding: str) -> LabelTable:
    """A table of rows and columns, separated by commas, semicolons, tabs or bars.

    Args:
        text: The file's content.
        path: The file.
        encoding: Its encoding in words.

    Raises:
        InputError: If it holds no row.
    """
    lines = text.splitlines(keepends=True)
    skipped = 0
    separator = ""
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip("\r\n")) == 5:
        separator, skipped = lines[0][4], 1
    separator = separator or _separator("".join(lines[:_LOOKED_AT]))
    rows, problems = _rows("".join(lines[skipped:]), separator, skipped)
    if not rows and problems:
        raise InputError(
            f"'{path.name}' is no table of labels.",
            f"Line {skipped + 1} cannot be read: {_WHY_NOT}.",
        )
    if not rows:
        raise InputError(f"'{path.name}' is empty.", "There is no row in it.")
    has_heading = is_heading(rows[0].cells)
    width = len(rows[0].cells) if has_heading else max(len(row.cells) for row in rows)
    heading = rows.pop(0).cells if has_heading else ("",) * width
    columns = unique_columns(heading)
    kept, more = _fitted(rows, len(columns))
    about = f"{len(columns)} columns separated by {_SEPARATORS.get(separator, repr(separator))}"
    table = LabelTable(
        f"'{path.name}'",
        f"{about}, {encoding}",
        columns,
        tuple(kept),
        (*problems, *more),
        path.parent,
        is_spreadsheet=True,
    )
    return with_columns(table)


def _n_lines_of_utf8(data: bytes) -> int:
    """Lines with characters of UTF-8 less those that are none."""
    balance = 0
    for line in data.splitlines():
        if not line.isascii():
            try:
                line.decode()
                balance += 1
            except UnicodeDecodeError:
                balance -= 1
    return balance


def _separator(beginning: str) -> str:
    """The separator that gives known headings, else the most columns in most rows."""

    def merit(separator: str) -> tuple[int, float, int]:
        rows = [row for row in _safe_rows(beginning, separator) if row]
        if not rows:
            return 0, 0.0, 0
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=widths.count)
        is_table = usual > 1
        return n_known(rows[0]), widths.count(usual) / len(widths) * is_table, usual

    return max(_SEPARATORS, key=merit)


def _safe_rows(text: str, separator: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error:
        return []


def _rows(text: str, separator: str, skipped: int) -> tuple[list[Row], list[Problem]]:
    """All rows that are not empty, with the line on which each begins."""
    rows: list[Row] = []
    problems: list[Problem] = []
    for line, cells in _records(text, separator):
        where = f"line {line + skipped}"
        if cells is None:
            problems.append(Problem(where, "", f"The line cannot be read: {_WHY_NOT}."))
        elif any(cell.strip() for cell in cells) and not _TYPES.issuperset(cells):
            rows.append(Row(where, tuple(cells)))
    return rows, problems


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str] | None]]:
    """Records with the line on which each begins; None for a line that cannot be read.

    A quotation mark that is never closed, or only by the next one somewhere below, would hide the
    lines in between: such a line is given up alone, and reading goes on with the next.
    """
    lines = list(io.StringIO(text, newline=""))
    start = 0
    while start < len(lines):
        reader = csv.reader(_from(lines, start), delimiter=separator)
        place = start
        try:
            for cells in reader:
                end = start + reader.line_num
                if end - place > 1 and not _is_whole(lines[place:end], separator):
                    break
                yield place + 1, cells
                place = end
        except csv.Error:
            pass
        if place < len(lines):
            yield place + 1, None
        start = place + 1


def _from(lines: Sequence[str], start: int) -> Iterator[str]:
    for place in range(start, len(lines)):
        yield lines[place]


def _is_whole(lines: Sequence[str], separator: str) -> bool:
    """Whether lines are one record whose quotation marks all stand where they may."""
    try:
        return len(list(csv.reader(lines, delimiter=separator, strict=True))) == 1
    except csv.Error:
        return False


def _fitted(rows: Sequence[Row], width: int) -> tuple[list[Row], list[Problem]]:
    """Rows with a text for each column; longer ones are told apart."""
    kept: list[Row] = []
    problems: list[Problem] = []
    for row in rows:
        if len(row.cells) > width and any(cell.strip() for cell in row.cells[width:]):
            why = (
                f"The line has {len(row.cells)} columns, not {width}; is a quotation mark missing?"
            )
            problems.append(Problem(row.where, row.cells[0], why))
        else:
            cells = (*row.cells, *[""] * (width - len(row.cells)))[:width]
            kept.append(Row(row.where, cells))
    return kept, problems

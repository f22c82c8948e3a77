"""Labels in JSON: our own, COCO, FiftyOne's, and any list of objects."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.names import UNASSIGNED_NAME
from dclust_gui.services.importing.columns import unique_columns, with_columns
from dclust_gui.services.importing.values import LabelTable, Problem, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_Object = dict[str, object]
_PATH, _LABEL, _CONTENT = "path", "label", "content"


def read_json(text: str, path: Path) -> LabelTable:
    """A file of JSON, or of a JSON object on each line.

    Args:
        text: The file's content.
        path: The file.

    Raises:
        InputError: If it is no JSON, or of no kind that is known.
    """
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _of_lines(text, path)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{path.name}' is not JSON.", f"{error}.") from error
    table = _of_value(value, path)
    if table is None:
        raise InputError(
            f"'{path.name}' holds no labels that are known.",
            "Known are our own labels, COCO, FiftyOne, lists of objects with a path and a label,"
            " and objects with a label for each path.",
        )
    return table


def _of_value(value: object, path: Path) -> LabelTable | None:
    if isinstance(value, list):
        return _of_objects("list of objects", _objects(value), path)
    if not isinstance(value, dict):
        return None
    images, labels, samples = value.get("images"), value.get("labels"), value.get("samples")
    if isinstance(images, list) and isinstance(value.get("annotations"), list):
        return _of_coco(value, path)
    if isinstance(images, list) and isinstance(value.get("clusters"), list):
        return _of_ours(images, path)
    if isinstance(samples, list):
        return _of_samples(samples, path)
    if isinstance(labels, dict):
        return _of_fiftyone(labels, value.get("classes"), path)
    for found in (images, labels):
        if isinstance(found, list):
            return _of_objects("list of objects", _objects(found), path)
    if value and all(isinstance(label, str | int) for label in value.values()):
        rows = [Row(f"entry {i}", (k, str(v))) for i, (k, v) in enumerate(value.items(), 1)]
        return _table("object of labels by path", (_PATH, _LABEL), rows, path)
    return None


def _of_ours(images: Sequence[object], path: Path) -> LabelTable:
    """What `dclust export --format json` writes."""
    rows = [
        Row(f"image {i}", tuple(_text(image.get(key)) for key in (_PATH, "name", _CONTENT)))
        for i, image in _objects(images)
    ]
    return _table("JSON of dclust", (_PATH, "name", _CONTENT), rows, path)


def _of_coco(value: _Object, path: Path) -> LabelTable:
    """Image-level categories: those of all annotations of an image."""
    names = {_key(c.get("id")): _text(c.get("name")) for _, c in _objects(value.get("categories"))}
    found: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for i, annotation in _objects(value.get("annotations")):
        name = names.get(_key(annotation.get("category_id")))
        if name is None:
            why = "There is no category of this number in the file."
            what = f"category {_text(annotation.get('category_id'))}"
            problems.append(Problem(f"annotation {i}", what, why))
            continue
        labels = found.setdefault(_key(annotation.get("image_id")), [])
        labels += [name] if name not in labels else []
    info = value.get("info")
    by_us = isinstance(info, dict) and _text(info.get("contributor")).startswith("dclust ")
    rows: list[Row] = []
    listed: set[str] = set()
    for i, image in _objects(value.get("images")):
        key, name = _key(image.get("id")), _text(image.get("file_name"))
        labels = found.get(key, [UNASSIGNED_NAME] if by_us else [])
        listed.add(key)
        if len(labels) > 1:
            why = f"The image has several categories: {', '.join(labels)}."
            problems.append(Problem(f"image {i}", name, why))
        else:
            rows.append(Row(f"image {i}", (name, "".join(labels), _text(image.get(_CONTENT)))))
    problems += [
        Problem("", f"image {key}", "It has annotations, but is not listed.")
        for key in found
        if key not in listed
    ]
    table = _table("COCO", (_PATH, "category", _CONTENT), rows, path)
    return replace(table, problems=tuple(problems))


def _of_fiftyone(labels: _Object, classes: object, path: Path) -> LabelTable:
    """FiftyOne's `FiftyOneImageClassificationDataset`: labels by the stem of the file's name."""
    names = classes if isinstance(classes, list) else None
    rows: list[Row] = []
    for i, (stem, found) in enumerate(labels.items(), 1):
        label = found
        if isinstance(label, int) and names is not None and 0 <= label < len(names):
            label = names[label]
        rows.append(Row(f"entry {i}", (stem, _label(label))))
    return _table("FiftyOne's labels", (_PATH, _LABEL), rows, path)


def _of_samples(samples: Sequence[object], path: Path) -> LabelTable | None:
    """FiftyOne's export of whole samples: each field with a label becomes a column."""
    flat: list[tuple[int, _Object]] = []
    for i, sample in _objects(samples):
        row: _Object = {_PATH: sample.get("filepath")}
        row |= {
            key: value
            for key, value in sample.items()
            if isinstance(value, dict) and isinstance(value.get("label"), str)
        }
        flat.append((i, row))
    return _of_objects("FiftyOne's samples", flat, path)


def _of_lines(text: str, path: Path) -> LabelTable:
    found: list[tuple[int, _Object]] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            found.append((number, value))
        else:
            problems.append(Problem(f"line {number}", "", "The line is no JSON object."))
    table = _of_objects("JSON, an object a line", found, path, "line")
    if table is None:
        raise InputError(f"'{path.name}' holds no labels.", "No line of it is a JSON object.")
    return replace(table, problems=tuple(problems))


def _of_objects(
    about: str, found: Iterable[tuple[int, _Object]], path: Path, word: str = "entry"
) -> LabelTable | None:
    """A table with a column for each key."""
    rows = list(found)
    keys = list(dict.fromkeys(key for _, value in rows for key in value))
    if not keys:
        return None
    cells = [Row(f"{word} {i}", tuple(_label(value.get(key)) for key in keys)) for i, value in rows]
    return _table(about, unique_columns(keys), cells, path)


def _table(about: str, columns: tuple[str, ...], rows: Sequence[Row], path: Path) -> LabelTable:
    return with_columns(LabelTable(f"'{path.name}'", about, columns, tuple(rows), base=path.parent))


def _objects(values: object) -> list[tuple[int, _Object]]:
    """The objects in a list with their numbers from 1; anything else in it is passed over."""
    if not isinstance(values, list):
        return []
    return [(i, value) for i, value in enumerate(values, 1) if isinstance(value, dict)]


def _label(value: object) -> str:
    """A label as it may be written: a text, a number, an object with one, a list of one."""
    if isinstance(value, dict):
        return _text(value.get("label", value.get("name")))
    if isinstance(value, list):
        return _label(value[0]) if len(value) == 1 else "; ".join(map(_label, value))
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return "" if value is None else str(value)


def _key(value: object) -> str:
    """An id, which may be a number or a text."""
    return _text(value)

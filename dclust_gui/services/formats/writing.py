"""Writes one format into a folder; nothing that is there is ever replaced."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.services.export_names import numbered
from dclust_gui.services.export_plan import check_target
from dclust_gui.services.export_steps import OnConflict
from dclust_gui.services.formats.coco import coco_json
from dclust_gui.services.formats.contact_sheet import Sheet, contact_sheet
from dclust_gui.services.formats.images import Scope, labelled_images
from dclust_gui.services.formats.run_card import run_card
from dclust_gui.services.formats.tables import labels_json, path_lists
from dclust_gui.services.labels_table import label_rows, labels_text
from dclust_gui.storage.files import write_new_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.history import History
    from dclust_gui.services.formats.contact_sheet import Picture
    from dclust_gui.services.formats.images import LabelledImage
    from dclust_gui.services.labels_table import LabelRow
    from dclust_gui.services.snapshot import Snapshot

RUN_CARD = "run-card.md"
MOST_PICTURES = 200
"""Pictures of a cluster on a contact sheet."""


class FileFormat(StrEnum):
    """Formats that are files about the images, not copies of them."""

    CSV = "csv"
    JSON = "json"
    COCO = "coco"
    TXT = "txt"
    HTML = "html"
    RUNCARD = "runcard"


_NAMES = {
    FileFormat.CSV: "labels.csv",
    FileFormat.JSON: "labels.json",
    FileFormat.COCO: "coco.json",
    FileFormat.HTML: "contact-sheet.html",
    FileFormat.RUNCARD: RUN_CARD,
}


@dataclass(frozen=True, slots=True)
class FormatRequest:
    """What a person asks for.

    Attributes:
        target: The folder; need not exist, and must not lie in the originals' folders.
        format: Which.
        title: What the collection is called.
        created: ISO 8601 time.
        scope: Which images.
        on_conflict: What to do where a name is taken: number the new file, or leave it out.
        choices: What a person has decided where `on_conflict` asks, by name of the new file.
    """

    target: Path
    format: FileFormat
    title: str
    created: str
    scope: Scope = field(default_factory=Scope)
    on_conflict: OnConflict = OnConflict.NUMBER
    choices: Mapping[str, OnConflict] = field(default_factory=dict)

    def rule(self, name: str) -> OnConflict:
        """What to do where the name of a new file is taken."""
        asks = self.on_conflict is OnConflict.ASK
        return self.choices.get(name, OnConflict.ASK) if asks else self.on_conflict


@dataclass(frozen=True, slots=True)
class FormatResult:
    """What was written.

    Attributes:
        files: The new files.
        skipped: Names that were left out as they are taken.
        images: Images in them.
    """

    files: tuple[Path, ...]
    skipped: tuple[str, ...]
    images: int

    @property
    def title(self) -> str:
        """How it is called in the history; empty where nothing was written."""
        if not self.files:
            return ""
        return f"export labels of {count_of(self.images)} to '{self.files[0].name}'"


def format_names(form: FileFormat, images: Sequence[LabelledImage]) -> list[str]:
    """Names of the files of a format.

    Args:
        form: The format.
        images: What goes out.
    """
    if form is FileFormat.TXT:
        return list(path_lists(images))
    return [_NAMES[form]]


def write_format(
    request: FormatRequest,
    snapshot: Snapshot,
    history: History,
    picture: Picture,
    token: CancelToken,
) -> FormatResult:
    """Write the files of a format.

    Args:
        request: What is asked for.
        snapshot: The project.
        history: Its decisions, for the run card.
        picture: Gives the pictures of a contact sheet; not called by other formats.
        token: Stops the work; a file is there whole or not at all.

    Raises:
        InputError: If the target cannot be used, or no image is asked for.
        StorageError: If a file cannot be written; those before it stay.
        Cancelled: If the job was cancelled.
    """
    check_target(request.target, snapshot.roots)
    images = labelled_images(snapshot, request.scope)
    if not images:
        raise InputError(
            "There is nothing to export.",
            "No image that could be read is in what you chose.",
            "Choose other clusters, or all.",
        )
    files: list[Path] = []
    skipped: list[str] = []
    for name, parts in _contents(request, snapshot, images, history, picture):
        token.checkpoint()
        path = _write(request, name, _watched(parts, token))
        if path is None:
            skipped.append(name)
        else:
            files.append(path)
    return FormatResult(tuple(files), tuple(skipped), len(images))


def _contents(
    request: FormatRequest,
    snapshot: Snapshot,
    images: list[LabelledImage],
    history: History,
    picture: Picture,
) -> Iterator[tuple[str, Iterable[str]]]:
    """Name and text of every file."""
    match request.format:
        case FileFormat.CSV:
            yield _NAMES[request.format], [labels_text(_rows(snapshot, request.scope))]
        case FileFormat.JSON:
            yield _NAMES[request.format], [labels_json(images)]
        case FileFormat.COCO:
            yield _NAMES[request.format], [coco_json(images, request.title, request.created)]
        case FileFormat.TXT:
            for name, text in path_lists(images).items():
                yield name, [text]
        case FileFormat.HTML:
            sheet = Sheet(request.title, request.created[:10], MOST_PICTURES)
            yield _NAMES[request.format], contact_sheet(images, picture, sheet)
        case FileFormat.RUNCARD:
            yield (
                _NAMES[request.format],
                [run_card(request.title, request.created, snapshot, history)],
            )


def _rows(snapshot: Snapshot, scope: Scope) -> Iterator[LabelRow]:
    """Rows of the labels table as `--labels` writes it; unreadable files where all is asked for."""
    clusters = snapshot.clustering.clusters
    everything = scope == Scope()
    for row in label_rows(
        snapshot.images, snapshot.roots, snapshot.clustering, snapshot.confidence
    ):
        if row.cluster is None:
            if everything:
                yield row
        elif scope.wants(clusters.get(row.cluster)):
            yield row


def _watched(parts: Iterable[str], token: CancelToken) -> Iterator[bytes]:
    for part in parts:
        token.checkpoint()
        yield part.encode("utf-8", "backslashreplace")


def _write(request: FormatRequest, name: str, parts: Iterable[bytes]) -> Path | None:
    """Write one file under a free name; None where its name is taken and such are left out."""
    target = request.target
    try:
        target.mkdir(parents=True, exist_ok=True)
        rule = request.rule(name)
        if rule is not OnConflict.NUMBER and os.path.lexists(target / name):
            if rule is OnConflict.SKIP:
                return None
            raise InputError(
                f"'{name}' was not written.",
                f"There is a file of this name in '{target}', and nothing is decided about it.",
                "Number the new file or leave it out.",
            )
        return write_new_file((target / n for n in _names(name)), parts)
    except OSError as error:
        raise StorageError(
            f"Could not write '{name}' to '{target}'.", f"{error.strerror or error}."
        ) from error


def _names(name: str) -> Iterator[str]:
    for number in range(1, 10_000):
        yield numbered([name], number)[0]

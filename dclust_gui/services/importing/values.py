"""What an import is asked for, what was read, and what could not be taken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dclust_gui.domain.imports import ImageLabels


class SourceKind(StrEnum):
    """Where labels come from."""

    FILE = "file"
    FOLDERS = "folders"
    XMP = "xmp"


class How(StrEnum):
    """How the image of a label was found, the surest way first."""

    PATH = "path"
    CONTENT = "content"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What a person asks for.

    Attributes:
        kind: Where the labels come from.
        path: The file, or a folder of lists or of sorted copies; None for other kinds.
        path_column: Heading (or number from 1) of the column of paths; found if empty.
        label_column: The same for the labels.
        base: Where the paths of the table begin; None for the table's own folder.
        levels: How many folders below the root make a label; 0 for all.
    """

    kind: SourceKind
    path: Path | None = None
    path_column: str = ""
    label_column: str = ""
    base: Path | None = None
    levels: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was not taken as it stands.

    Attributes:
        where: Place in the source: `line 12`; empty where the image itself is the source.
        what: The path or label in question.
        why: The reason, a sentence.
        is_harmless: Nothing is lost by it.
    """

    where: str
    what: str
    why: str
    is_harmless: bool = False

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}: {self.why}" if self.what else f"{place}{self.why}"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of a table: its place, and a text for each column."""

    where: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A table as it was read; nothing is matched yet.

    Attributes:
        title: What it is called in the history: `'labels.csv'`.
        about: What kind of file it is, in words.
        columns: Headings, no two alike.
        rows: The entries.
        problems: Entries that could not be read.
        base: The folder that its paths may be relative to.
        path_column: The likely column of paths; None if none is.
        label_column: The likely column of labels.
        content_column: The column of content hashes; None if there is none.
        is_named_by_files: Labels are names of files or folders, so that some characters of a
            cluster's name may be missing.
        are_copies: The paths are files that lie elsewhere, sorted by hand.
        is_spreadsheet: Texts that a spreadsheet would take for formulas have a `'` before them.
    """

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    base: Path | None = None
    path_column: int | None = None
    label_column: int | None = None
    content_column: int | None = None
    is_named_by_files: bool = False
    are_copies: bool = False
    is_spreadsheet: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A label and the images that it may be for.

    Attributes:
        where: Place in the source.
        what: The path as it stands there.
        label: The label as it stands there.
        images: Ids; more than one where equal pictures cannot be told apart.
        file: The file of the first image that is meant, so that a RAW and its JPEG are no doubles.
        how: How it was found.
    """

    where: str
    what: str
    label: str
    images: tuple[int, ...]
    file: bytes
    how: How


@dataclass(frozen=True, slots=True, eq=False)
class ImportPlan:
    """What an import will do; nothing has changed yet.

    Attributes:
        labels: The labels by image.
        how: Number of images by the way in which they were found.
        problems: What was not taken, entry by entry; harmless ones, too.
        notes: What else there is to know, in sentences.
        n_images: Images of the project.
        places: Place in the source and path, by image.
        about: What was read, in words; may be empty.
    """

    labels: ImageLabels
    how: Mapping[How, int]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    n_images: int
    places: Mapping[int, tuple[str, str]]
    about: str = ""

    @property
    def n_lost(self) -> int:
        """Entries that were not taken."""
        return sum(not problem.is_harmless for problem in self.problems)

    def check(self) -> None:
        """See that there is something to import.

        Raises:
            InputError: If there is not.
        """
        if not len(self.labels.images):
            raise InputError(
                f"Nothing could be imported from {self.labels.source}.",
                str(self.problems[0]) if self.problems else "It has no labels for these images.",
                "The paths must be those of the project's images; see what was not taken."
                if self.problems
                else "",
            )

"""The images of a collection as plain values: files, units, stamps and outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONTENT_HASH_BYTES = 16
"""Length of a content hash: BLAKE2b of the whole file, 16 bytes."""


class ImageStatus(StrEnum):
    """What became of an image file when it was read; PENDING until then."""

    PENDING = "pending"
    OK = "ok"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"


class CompanionKind(StrEnum):
    """Why a file belongs to another file's unit."""

    IMAGE = "image"
    SIDE = "side"


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells, without reading it, that a file is unchanged.

    Attributes:
        size: Bytes.
        mtime_ns: Time of the last change of the content, nanoseconds since the epoch.
        ctime_ns: Time of the last change of the entry (creation on Windows), nanoseconds.
        inode: Number of the file on its volume; 0 where there is none.
    """

    size: int
    mtime_ns: int
    ctime_ns: int = 0
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that moves with an image: the RAW beside a JPEG, a side file (.xmp, .aae, .thm).

    Attributes:
        relative: Path below the unit's root, bytes, separated by `/`.
        kind: An image or RAW file of its own, or a side file.
        stamp: Its stamp.
    """

    relative: bytes
    kind: CompanionKind
    stamp: FileStamp


@dataclass(frozen=True, slots=True)
class Unit:
    """One picture: the file that is shown and clustered, and the files that move with it.

    Attributes:
        root: Index of the root folder in `ScanResult.roots`.
        relative: Path of the leading file below the root, bytes, separated by `/`.
        stamp: The leading file's stamp.
        companions: Files of the same stem that belong to it.
    """

    root: int
    relative: bytes
    stamp: FileStamp
    companions: tuple[Companion, ...] = ()


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file or folder that was listed but cannot be part of the collection.

    Attributes:
        root: Index of the root folder.
        relative: Path below the root, bytes, separated by `/`.
        reason: Why, in words.
        is_image: Whether it is a regular file with an image extension: such files appear in
            the labels table as unreadable; folders, links and cloud-only files do not.
    """

    root: int
    relative: bytes
    reason: str
    is_image: bool = False


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan found.

    Attributes:
        roots: The folders that were scanned, absolute.
        units: The pictures, sorted by root and path bytes.
        skipped: Files and folders that could not be taken, each with a reason.
        ignored: How many files and folders were left out, by kind ("hidden", "system",
            "not an image", "our own export", ...).
    """

    roots: tuple[Path, ...]
    units: tuple[Unit, ...]
    skipped: tuple[SkippedFile, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What reading one image told, kept in the cache by content.

    Attributes:
        status: Whether and how it could be read.
        reason: Why it is damaged or unreadable; empty when it is fine.
        width: Width in pixels after the EXIF turn; 0 when unreadable.
        height: Height in pixels after the EXIF turn; 0 when unreadable.
        taken_at: Capture time from EXIF as `YYYY-MM-DDTHH:MM:SS`; empty when unknown.
        camera: Maker and model from EXIF; empty when unknown.
        format: Name of the file format as found by content ("JPEG", "HEIF", "RAW", ...).
    """

    status: ImageStatus
    reason: str = ""
    width: int = 0
    height: int = 0
    taken_at: str = ""
    camera: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a project; its id is its place in the project's list and never changes.

    Attributes:
        root: Index of its root folder in the project.
        relative: Path below the root, bytes, separated by `/`.
        stamp: The file's stamp when it was last read.
        content: Content hash, 16 bytes; empty when the file could never be read.
        facts: What reading it told.
        companions: Files that move with it.
        is_missing: The file was not there at the last scan.
    """

    root: int
    relative: bytes
    stamp: FileStamp
    content: bytes
    facts: ImageFacts
    companions: tuple[Companion, ...] = ()
    is_missing: bool = False


def display_path(path: bytes) -> str:
    r"""Path bytes as text for labels, logs and tables; undecodable bytes become `\xNN`.

    Args:
        path: File system bytes.

    Returns:
        Text that can always be encoded as UTF-8.
    """
    return path.decode("utf-8", "backslashreplace")


def absolute_path(root: Path, relative: bytes) -> Path:
    """The file on this computer.

    Args:
        root: The root folder.
        relative: Path below it, bytes, separated by `/`.

    Returns:
        The joined path; non-UTF-8 names survive as surrogate escapes.
    """
    return root / relative.decode("utf-8", "surrogateescape")

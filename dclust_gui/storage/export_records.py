"""What an export's journal says: its records, read and written as JSON lines."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as _quoted
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.images import display_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

JOURNAL_NAME = ".dclust-journal.jsonl"
"""Name of the journal in the folder of an export; folders that hold one are never scanned."""

JOURNAL_VERSION = 3
"""2 knows links, moves, folders that the export made, and what was undone; 3 keywords in copies."""

TEMPORARY_PREFIX = ".dclust-part-"

GENERATED = b"dclust:"
"""Begins the source of a file of an export that is no copy of an original."""

VERSION_KEY = "dclust_export"
Record = dict[str, str | int]


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every file, in a fifth of the time
class ExportedFile:
    """A file that an export has put into its folder.

    Attributes:
        source: Absolute path of the original, bytes.
        destination: Path below the export's folder, bytes, separated by `/`.
        size: Bytes.
        source_mtime_ns: The original's time of change when it was copied.
        mtime_ns: The copy's own time of change as the file system keeps it.
        content: Content hash, 16 bytes; empty for links and for files moved on their drive, which
            nobody needs to read for that.
        mode: How it was made: a value of `ExportMode`.
        link: Text of a symlink; empty for all else.
        keywords: Name that was to be embedded in the copy, also where its format takes none.
        source_size: Bytes of the original; differs from `size` where a name was embedded.
    """

    source: bytes
    destination: bytes
    size: int
    source_mtime_ns: int
    mtime_ns: int
    content: bytes
    mode: str = "copy"
    link: str = ""
    keywords: str = ""
    source_size: int = -1

    @property
    def source_stamp(self) -> tuple[int, int]:
        """Size and time of change of the original when it was copied."""
        size = self.size if self.source_size < 0 else self.source_size
        return (size, self.source_mtime_ns)


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every file, in a fifth of the time
class StartedFile:
    """A file that an export was about to put into its folder, or to move there within it.

    Attributes:
        source: Absolute path of the original, bytes.
        destination: Path below the export's folder, bytes.
        size: Bytes of the original.
        previous: Where it was in the export before; empty for a new one.
        mode: How it was to be made; a value of `ExportMode`.
        mtime_ns: The original's time of change.
        keywords: Name that was to be embedded in the copy.
    """

    source: bytes
    destination: bytes
    size: int
    previous: bytes = b""
    mode: str = "copy"
    mtime_ns: int = 0
    keywords: str = ""


@dataclass(frozen=True, slots=True)
class JournalState:
    """What a journal says.

    Attributes:
        finished: By source, the last that was finished.
        started: By source, what was started after that and not finished.
        temporaries: Names of temporary files of all sessions, below the export's folder.
        n_damaged: Lines that cannot be read, as after a power failure.
        folders: Folders that the export made, below its own, which is the empty path; in order.
        modes: Ways in which its sessions exported files.
        projects: Project files that it was made from, the last one last.
        undone: Files that were taken out again and not exported since, by source.
    """

    finished: Mapping[bytes, ExportedFile] = field(default_factory=dict)
    started: Mapping[bytes, StartedFile] = field(default_factory=dict)
    temporaries: tuple[str, ...] = ()
    n_damaged: int = 0
    folders: tuple[bytes, ...] = ()
    modes: frozenset[str] = frozenset()
    projects: tuple[bytes, ...] = ()
    undone: Mapping[bytes, ExportedFile] = field(default_factory=dict)


def path_text(path: Path) -> str:
    """A path as text that can always be shown."""
    return display_path(os.fsencode(path))


def read_journal(folder: Path) -> JournalState | None:
    """Read an export's journal; changes nothing.

    Args:
        folder: The export's folder; need not exist.

    Returns:
        What it says, or None where there is no journal.

    Raises:
        StorageError: If it cannot be read or was written by a newer version.
    """
    what = f"Could not read the export journal in {path_text(folder)}."
    try:
        lines = (folder / JOURNAL_NAME).read_bytes().split(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(what, str(error.strerror), "Check its permissions.") from error
    reading = _Reading()
    for line in filter(None, lines):
        try:
            record: Record = json.loads(line)
            if int(record.get(VERSION_KEY, 0)) > JOURNAL_VERSION:
                hint = "Use the newer version, or another folder."
                raise StorageError(what, "A newer version of dclust wrote it.", hint)
            reading.take(record)
        except (ValueError, KeyError, TypeError, AttributeError):
            reading.n_damaged += 1
    return reading.state()


class _Reading:
    """A journal as far as it has been read."""

    def __init__(self) -> None:
        self.n_damaged = 0
        self._finished: dict[bytes, ExportedFile] = {}
        self._undone: dict[bytes, ExportedFile] = {}
        self._owners: dict[bytes, bytes] = {}
        self._started: dict[bytes, StartedFile] = {}
        self._pending: Counter[bytes] = Counter()
        self._temporaries: list[str] = []
        self._folders: dict[bytes, None] = {}
        self._modes: set[str] = set()
        self._projects: dict[bytes, None] = {}

    def state(self) -> JournalState:
        """What it says."""
        return JournalState(
            self._finished,
            self._started,
            tuple(self._temporaries),
            self.n_damaged,
            tuple(self._folders),
            frozenset(self._modes),
            tuple(self._projects),
            self._undone,
        )

    def take(self, record: Record) -> None:
        """Apply one line."""
        operation = record.get("op")
        if operation == "begin":
            self._begin(record)
        elif operation == "start":
            previous = _path(record["previous"]) if "previous" in record else b""
            begun = StartedFile(
                _path(record["source"]),
                _inside(record["to"]),
                int(record["size"]),
                previous,
                str(record.get("mode", "copy")),
                int(record.get("mtime_ns", 0)),
                str(record.get("keywords", "")),
            )
            self._started[begun.source] = begun
            self._pending[begun.source] += 1
        elif operation == "done":
            done = _finished(record)
            self._finish(done)
            self._pending[done.source] -= 1
            if self._pending[done.source] <= 0:  # else a second step with this file is under way
                self._started.pop(done.source, None)
        elif operation == "folder":
            self._folders[_inside(record["to"])] = None
        elif operation == "undone":
            source = _path(record["source"])
            former = self._finished.pop(source, None)
            if former is not None:
                self._undone[source] = former
            self._started.pop(source, None)
            del self._pending[source]

    def _finish(self, done: ExportedFile) -> None:
        """Note a file; one place holds one, so it is no more that of an original elsewhere.

        What a move put there is the only copy of its own original, and is not struck off.
        """
        owner = self._owners.get(done.destination, done.source)
        former = self._finished.get(owner)
        is_same_place = former is not None and former.destination == done.destination
        if former is not None and is_same_place and former.mode != "move":
            del self._finished[owner]
        self._finished[done.source] = done
        self._undone.pop(done.source, None)
        self._owners[done.destination] = done.source

    def _begin(self, record: Record) -> None:
        name = str(record["temporary"])
        if name.startswith(TEMPORARY_PREFIX) and "/" not in name and "\\" not in name:
            self._temporaries.append(name)
        self._modes.add(str(record.get("mode", "copy")))
        self._pending.clear()
        if "project" in record:
            project = _path(record["project"])
            self._projects.pop(project, None)
            self._projects[project] = None


def _finished(record: Record) -> ExportedFile:
    return ExportedFile(
        _path(record["source"]),
        _inside(record["to"]),
        int(record["size"]),
        int(record["source_mtime_ns"]),
        int(record["mtime_ns"]),
        bytes.fromhex(str(record["hash"])),
        str(record["mode"]),
        str(record.get("link", "")),
        str(record.get("keywords", "")),
        int(record.get("source_size", -1)),
    )


def _path(text: str | int) -> bytes:
    return str(text).encode("utf-8", "surrogateescape")


def _inside(text: str | int) -> bytes:
    """A path that stays below the export's folder, whoever wrote the journal."""
    path = _path(text)
    if path.startswith(b"/") or b".." in path.split(b"/") or b":" in path.split(b"/")[0][:2]:
        raise ValueError("a destination outside the export")
    return path


def text_of(path: bytes) -> str:
    """A path as the text that a record keeps."""
    return path.decode("utf-8", "surrogateescape")


def line_of(record: Record) -> str:
    """A record as a line."""
    return json.dumps(record, separators=(",", ":")) + "\n"


def start_line(file: StartedFile) -> str:
    """What `line_of` makes of it, in a third of the time: there is one for every file."""
    more = ""
    if file.mode != "copy":
        more = f',"mode":{_quoted(file.mode)},"mtime_ns":{file.mtime_ns}'
    if file.previous:
        more += f',"previous":{_quoted(text_of(file.previous))}'
    if file.keywords:
        more += f',"keywords":{_quoted(file.keywords)}'
    source, to = _quoted(text_of(file.source)), _quoted(text_of(file.destination))
    return f'{{"op":"start","source":{source},"to":{to},"size":{file.size}{more}}}\n'


def done_line(file: ExportedFile) -> str:
    """The line that says that a file is whole and in its place."""
    more = f',"link":{_quoted(file.link)}' if file.link else ""
    if file.keywords:
        more += f',"keywords":{_quoted(file.keywords)}'
    if file.source_size not in (-1, file.size):
        more += f',"source_size":{file.source_size}'
    source, to = _quoted(text_of(file.source)), _quoted(text_of(file.destination))
    return (
        f'{{"op":"done","source":{source},"to":{to},"size":{file.size},'
        f'"hash":"{file.content.hex()}","mode":{_quoted(file.mode)},'
        f'"source_mtime_ns":{file.source_mtime_ns},"mtime_ns":{file.mtime_ns}{more}}}\n'
    )

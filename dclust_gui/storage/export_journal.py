r"""The journal that an export leaves in its folder: what it began and what it finished.

JSON lines. The first holds the version; `begin` opens a session and names its temporary file;
`start` says what is about to be done and reaches the disk before it is done; `done` says that a
file is whole and checked. Paths are text whose undecodable bytes are surrogate escapes
(`\\udc80` ... `\\udcff`), so that they can be turned back to the same bytes.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.images import display_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

JOURNAL_NAME = ".dclust-journal.jsonl"
"""Name of the journal in the folder of an export; folders that hold one are never scanned."""

JOURNAL_VERSION = 1
TEMPORARY_PREFIX = ".dclust-part-"

_VERSION_KEY = "dclust_export"
_Record = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file that an export has put into its folder.

    Attributes:
        source: Absolute path of the original, bytes.
        destination: Path below the export's folder, bytes, separated by `/`.
        size: Bytes.
        source_mtime_ns: The original's time of change when it was copied.
        mtime_ns: The copy's own time of change as the file system keeps it.
        content: Content hash, 16 bytes.
        mode: How it was made: `copy`.
    """

    source: bytes
    destination: bytes
    size: int
    source_mtime_ns: int
    mtime_ns: int
    content: bytes
    mode: str = "copy"


@dataclass(frozen=True, slots=True)
class StartedFile:
    """A file that an export was about to put into its folder, or to move there within it.

    Attributes:
        source: Absolute path of the original, bytes.
        destination: Path below the export's folder, bytes.
        size: Bytes expected.
        previous: Where it was in the export before; empty for a new copy.
    """

    source: bytes
    destination: bytes
    size: int
    previous: bytes = b""


@dataclass(frozen=True, slots=True)
class JournalState:
    """What a journal says.

    Attributes:
        finished: By source, the last that was finished.
        started: By source, what was started after that and not finished.
        temporaries: Names of temporary files of all sessions, below the export's folder.
        n_damaged: Lines that cannot be read, as after a power failure.
    """

    finished: Mapping[bytes, ExportedFile] = field(default_factory=dict)
    started: Mapping[bytes, StartedFile] = field(default_factory=dict)
    temporaries: tuple[str, ...] = ()
    n_damaged: int = 0


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
    finished: dict[bytes, ExportedFile] = {}
    started: dict[bytes, StartedFile] = {}
    temporaries: list[str] = []
    n_damaged = 0
    for line in filter(None, lines):
        try:
            record: _Record = json.loads(line)
            if int(record.get(_VERSION_KEY, 0)) > JOURNAL_VERSION:
                hint = "Use the newer version, or another folder."
                raise StorageError(what, "A newer version of dclust wrote it.", hint)
            _take(record, finished, started, temporaries)
        except (ValueError, KeyError, TypeError, AttributeError):
            n_damaged += 1
    return JournalState(finished, started, tuple(temporaries), n_damaged)


def _take(
    record: _Record,
    finished: dict[bytes, ExportedFile],
    started: dict[bytes, StartedFile],
    temporaries: list[str],
) -> None:
    """Apply one line."""
    operation = record.get("op")
    if operation == "begin":
        name = str(record["temporary"])
        if name.startswith(TEMPORARY_PREFIX) and "/" not in name and "\\" not in name:
            temporaries.append(name)
    elif operation == "start":
        previous = _path(record["previous"]) if "previous" in record else b""
        file = StartedFile(
            _path(record["source"]), _inside(record["to"]), int(record["size"]), previous
        )
        started[file.source] = file
    elif operation == "done":
        done = ExportedFile(
            _path(record["source"]),
            _inside(record["to"]),
            int(record["size"]),
            int(record["source_mtime_ns"]),
            int(record["mtime_ns"]),
            bytes.fromhex(str(record["hash"])),
            str(record["mode"]),
        )
        finished[done.source] = done
        started.pop(done.source, None)


def _path(text: str | int) -> bytes:
    return str(text).encode("utf-8", "surrogateescape")


def _inside(text: str | int) -> bytes:
    """A path that stays below the export's folder, whoever wrote the journal."""
    path = _path(text)
    if path.startswith(b"/") or b".." in path.split(b"/") or b":" in path.split(b"/")[0][:2]:
        raise ValueError("a destination outside the export")
    return path


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


class ExportJournal:
    """An export's journal, open for one session that no other process shares.

    Args:
        folder: The export's folder; made where it is missing.
        mode: How files are exported.

    Raises:
        StorageError: If it cannot be written, or another export into the folder is running.
    """

    def __init__(self, folder: Path, mode: str = "copy") -> None:
        self._folder = folder
        self._mode = mode
        what = f"Could not export to {path_text(folder)}."
        try:
            folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            flags |= getattr(os, "O_BINARY", 0)
            self._handle = os.open(folder / JOURNAL_NAME, flags, 0o644)
        except OSError as error:
            raise StorageError(what, f"{error.strerror}.", "Choose another folder.") from error
        if not _lock(self._handle):
            os.close(self._handle)
            raise StorageError(what, "Another export into it is running.", "Wait for its end.")
        try:
            self.state = read_journal(folder) or JournalState()
            self.temporary = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
            self._begin()
        except OSError as error:
            os.close(self._handle)
            raise StorageError(what, f"{error.strerror}.", "Choose another folder.") from error
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.temporary.unlink(missing_ok=True)
            os.fsync(self._handle)
        except OSError:
            pass  # a drive that was pulled out; what the journal says is still true
        finally:
            os.close(self._handle)

    def start(self, files: Iterable[StartedFile]) -> None:
        """Say what is about to be done; on the disk when this returns.

        Raises:
            OSError: If it cannot be written.
        """
        records: list[_Record] = []
        for file in files:
            record: _Record = {
                "op": "start",
                "source": _text(file.source),
                "to": _text(file.destination),
                "size": file.size,
            }
            if file.previous:
                record["previous"] = _text(file.previous)
            records.append(record)
        self._write(records)
        os.fsync(self._handle)

    def finish(self, file: ExportedFile) -> None:
        """Say that a file is whole and in its place; reaches the disk with the next `start`.

        Raises:
            OSError: If it cannot be written.
        """
        record: _Record = {
            "op": "done",
            "source": _text(file.source),
            "to": _text(file.destination),
            "size": file.size,
            "hash": file.content.hex(),
            "mode": file.mode,
            "source_mtime_ns": file.source_mtime_ns,
            "mtime_ns": file.mtime_ns,
        }
        self._write([record])

    def _begin(self) -> None:
        """Remove what earlier sessions left unfinished, and open this one."""
        for name in self.state.temporaries:
            (self._folder / name).unlink(missing_ok=True)
        size = os.fstat(self._handle).st_size
        now = datetime.now(UTC).isoformat(timespec="seconds")
        records: list[_Record] = [] if size else [{_VERSION_KEY: JOURNAL_VERSION}]
        records.append(
            {"op": "begin", "temporary": self.temporary.name, "mode": self._mode, "time": now}
        )
        if size and not (self._folder / JOURNAL_NAME).read_bytes().endswith(b"\n"):
            _write_all(self._handle, b"\n")  # the last line was cut off
        self._write(records)
        os.fsync(self._handle)

    def _write(self, records: list[_Record]) -> None:
        text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)
        _write_all(self._handle, text.encode("ascii"))


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _lock(handle: int) -> bool:
    """Take the journal for this process; True where the file system knows no locks."""
    try:
        import fcntl
    except ImportError:
        return _lock_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _lock_windows(handle: int) -> bool:
    import importlib

    msvcrt = importlib.import_module("msvcrt")
    far_away = 1 << 40  # beyond the content: a locked range cannot be read by others there
    os.lseek(handle, far_away, os.SEEK_SET)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True

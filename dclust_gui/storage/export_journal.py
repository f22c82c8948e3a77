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
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.images import display_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

JOURNAL_NAME = ".dclust-journal.jsonl"
"""Name of the journal in the folder of an export; folders that hold one are never scanned."""

JOURNAL_VERSION = 3
"""2 knows links, moves, folders that the export made, and what was undone; 3 keywords in copies."""

TEMPORARY_PREFIX = ".dclust-part-"

GENERATED = b"dclust:"
"""Begins the source of a file of an export that is no copy of an original."""

_VERSION_KEY = "dclust_export"
_Record = dict[str, str | int]


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
    """

    finished: Mapping[bytes, ExportedFile] = field(default_factory=dict)
    started: Mapping[bytes, StartedFile] = field(default_factory=dict)
    temporaries: tuple[str, ...] = ()
    n_damaged: int = 0
    folders: tuple[bytes, ...] = ()
    modes: frozenset[str] = frozenset()
    projects: tuple[bytes, ...] = ()


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
            record: _Record = json.loads(line)
            if int(record.get(_VERSION_KEY, 0)) > JOURNAL_VERSION:
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
        self._started: dict[bytes, StartedFile] = {}
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
        )

    def take(self, record: _Record) -> None:
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
        elif operation == "done":
            done = _finished(record)
            self._finished[done.source] = done
            self._started.pop(done.source, None)
        elif operation == "folder":
            self._folders[_inside(record["to"])] = None
        elif operation == "undone":
            source = _path(record["source"])
            self._finished.pop(source, None)
            self._started.pop(source, None)

    def _begin(self, record: _Record) -> None:
        name = str(record["temporary"])
        if name.startswith(TEMPORARY_PREFIX) and "/" not in name and "\\" not in name:
            self._temporaries.append(name)
        self._modes.add(str(record.get("mode", "copy")))
        if "project" in record:
            project = _path(record["project"])
            self._projects.pop(project, None)
            self._projects[project] = None


def _finished(record: _Record) -> ExportedFile:
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


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


class ExportJournal:
    """An export's journal, open for one session that no other process shares.

    Args:
        folder: The export's folder; made where it is missing.
        mode: How files are exported; a value of `ExportMode`.
        project: The project file they come from; empty for none.

    Raises:
        StorageError: If it cannot be written, or another export into the folder is running.
    """

    def __init__(self, folder: Path, mode: str = "copy", project: bytes = b"") -> None:
        self._folder = folder
        self._mode = mode
        self._project = project
        self._n_temporaries = 0
        what = f"Could not export to {path_text(folder)}."
        try:
            is_new = not folder.exists()
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
            self._begin(is_new=is_new)
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
            for path in (str(self.temporary), *self.temporaries(self._n_temporaries)):
                Path(path).unlink(missing_ok=True)
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
        self._write_text("".join([_start_line(file) for file in files]))
        os.fsync(self._handle)

    def finish(self, *files: ExportedFile) -> None:
        """Say that files are whole and in their places; on the disk with the next `start`.

        Raises:
            OSError: If it cannot be written.
        """
        self._write_text("".join([_done_line(file) for file in files]))

    def temporaries(self, n_files: int) -> list[str]:
        """Paths for files on their way into the export; always the same ones.

        Whatever a session leaves there is removed at its end, or else by the next one.
        """
        self._n_temporaries = max(self._n_temporaries, n_files)
        return [f"{self.temporary}-{n}" for n in range(n_files)]

    def will_make_folder(self, folder: bytes) -> None:
        """Say that the export is about to make a folder; reaches the disk with the next `start`.

        Args:
            folder: Its path below the export's folder; empty for that itself.

        Raises:
            OSError: If it cannot be written.
        """
        self._write([{"op": "folder", "to": _text(folder)}])

    def undone(self, source: bytes) -> None:
        """Say that a file is not in the export any more; reaches the disk with `sync`.

        Raises:
            OSError: If it cannot be written.
        """
        self._write([{"op": "undone", "source": _text(source)}])

    def sync(self) -> None:
        """Wait until all that was written is on the disk.

        Raises:
            OSError: If it cannot be written.
        """
        os.fsync(self._handle)

    def remove(self) -> None:
        """Remove the journal itself, when the export is undone; nothing may be written after.

        Raises:
            OSError: If the system refuses.
        """
        (self._folder / JOURNAL_NAME).unlink(missing_ok=True)

    def _begin(self, *, is_new: bool) -> None:
        """Remove what earlier sessions left unfinished, and open this one."""
        former = self.state.temporaries
        if former:
            several = tuple(f"{name}-" for name in former)
            for name in os.listdir(self._folder):  # noqa: PTH208 -- names only
                if name in former or name.startswith(several):
                    (self._folder / name).unlink(missing_ok=True)
        size = os.fstat(self._handle).st_size
        now = datetime.now(UTC).isoformat(timespec="seconds")
        # also in a journal that an older version began, whose programs must not read on
        begun: _Record = {
            "op": "begin",
            "temporary": self.temporary.name,
            "mode": self._mode,
            "time": now,
        }
        if self._project:
            begun["project"] = _text(self._project)
        records: list[_Record] = [{_VERSION_KEY: JOURNAL_VERSION}, begun]
        if is_new:
            records.append({"op": "folder", "to": ""})
        if size and not (self._folder / JOURNAL_NAME).read_bytes().endswith(b"\n"):
            _write_all(self._handle, b"\n")  # the last line was cut off
        self._write(records)
        os.fsync(self._handle)

    def _write(self, records: list[_Record]) -> None:
        self._write_text("".join(map(_line, records)))

    def _write_text(self, text: str) -> None:
        _write_all(self._handle, text.encode("ascii"))


def _line(record: _Record) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"


def _start_line(file: StartedFile) -> str:
    """What `_line` makes of it, in a third of the time: there is one for every file."""
    more = ""
    if file.mode != "copy":
        more = f',"mode":{_quoted(file.mode)},"mtime_ns":{file.mtime_ns}'
    if file.previous:
        more += f',"previous":{_quoted(_text(file.previous))}'
    if file.keywords:
        more += f',"keywords":{_quoted(file.keywords)}'
    source, to = _quoted(_text(file.source)), _quoted(_text(file.destination))
    return f'{{"op":"start","source":{source},"to":{to},"size":{file.size}{more}}}\n'


def _done_line(file: ExportedFile) -> str:
    more = f',"link":{_quoted(file.link)}' if file.link else ""
    if file.keywords:
        more += f',"keywords":{_quoted(file.keywords)}'
    if file.source_size not in (-1, file.size):
        more += f',"source_size":{file.source_size}'
    source, to = _quoted(_text(file.source)), _quoted(_text(file.destination))
    return (
        f'{{"op":"done","source":{source},"to":{to},"size":{file.size},'
        f'"hash":"{file.content.hex()}","mode":{_quoted(file.mode)},'
        f'"source_mtime_ns":{file.source_mtime_ns},"mtime_ns":{file.mtime_ns}{more}}}\n'
    )


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

r"""The journal that an export leaves in its folder: what it began and what it finished.

JSON lines. The first holds the version; `begin` opens a session and names its temporary file;
`start` says what is about to be done and reaches the disk before it is done; `done` says that a
file is whole and checked. Paths are text whose undecodable bytes are surrogate escapes
(`\\udc80` ... `\\udcff`), so that they can be turned back to the same bytes.
"""

from __future__ import annotations

import errno
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dclust_gui.domain.errors import StorageError
from dclust_gui.storage.export_records import (
    GENERATED,
    JOURNAL_NAME,
    JOURNAL_VERSION,
    TEMPORARY_PREFIX,
    VERSION_KEY,
    ExportedFile,
    JournalState,
    Record,
    StartedFile,
    done_line,
    line_of,
    path_text,
    read_journal,
    start_line,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

__all__ = [
    "GENERATED",
    "JOURNAL_NAME",
    "JOURNAL_VERSION",
    "TEMPORARY_PREFIX",
    "ExportJournal",
    "ExportedFile",
    "JournalState",
    "StartedFile",
    "path_text",
    "read_journal",
]


class ExportJournal:
    """An export's journal, open for one session that no other process shares.

    Args:
        folder: The export's folder; made where it is missing.
        mode: How files are exported; a value of `ExportMode`.
        project: The project file they come from; empty for none.
        purpose: What it is opened for, in the words of an error.

    Raises:
        StorageError: If it cannot be written, or another export into the folder is running.
    """

    def __init__(
        self,
        folder: Path,
        mode: str = "copy",
        project: bytes = b"",
        purpose: str = "export to",
    ) -> None:
        self._folder = folder
        self._mode = mode
        self._project = project
        self._n_temporaries = 0
        what = f"Could not {purpose} {path_text(folder)}."
        hint = "Choose another folder." if purpose == "export to" else "Check its permissions."
        try:
            is_new = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
            flags |= getattr(os, "O_BINARY", 0)
            self._handle = os.open(folder / JOURNAL_NAME, flags, 0o644)
        except OSError as error:
            raise StorageError(what, f"{error.strerror}.", hint) from error
        if not _lock(self._handle):
            os.close(self._handle)
            raise StorageError(what, "Another export into it is running.", "Wait for its end.")
        try:
            self.state = read_journal(folder) or JournalState()
            self.temporary = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
            self._begin(is_new=is_new)
        except OSError as error:
            os.close(self._handle)
            raise StorageError(what, f"{error.strerror}.", hint) from error
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
            OSError: If it cannot be written, or was taken away: without it nothing could be undone.
        """
        if not os.path.lexists(self._folder / JOURNAL_NAME):
            raise FileNotFoundError(errno.ENOENT, "it was removed while the export was running")
        self._write_text("".join([start_line(file) for file in files]))
        os.fsync(self._handle)

    def finish(self, *files: ExportedFile) -> None:
        """Say that files are whole and in their places; on the disk with the next `start`.

        Raises:
            OSError: If it cannot be written.
        """
        self._write_text("".join([done_line(file) for file in files]))

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
        self._write([{"op": "folder", "to": text_of(folder)}])

    def undone(self, source: bytes) -> None:
        """Say that a file is not in the export any more; reaches the disk with `sync`.

        Raises:
            OSError: If it cannot be written.
        """
        self._write([{"op": "undone", "source": text_of(source)}])

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
        begun: Record = {
            "op": "begin",
            "temporary": self.temporary.name,
            "mode": self._mode,
            "time": now,
        }
        if self._project:
            begun["project"] = text_of(self._project)
        records: list[Record] = [{VERSION_KEY: JOURNAL_VERSION}, begun]
        if is_new:
            records.append({"op": "folder", "to": ""})
        if size and not (self._folder / JOURNAL_NAME).read_bytes().endswith(b"\n"):
            _write_all(self._handle, b"\n")  # the last line was cut off
        self._write(records)
        os.fsync(self._handle)

    def _write(self, records: list[Record]) -> None:
        self._write_text("".join(map(line_of, records)))

    def _write_text(self, text: str) -> None:
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

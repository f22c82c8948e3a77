"""A SQLite file of the cache: shared by processes and threads, remade when it is damaged."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import TYPE_CHECKING, TypeVar

from dclust_gui.domain.errors import StorageError
from dclust_gui.storage.failures import is_damage, is_environment, sqlite_code, storage_error
from dclust_gui.storage.files import set_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

T = TypeVar("T")

_Numbered = tuple[int, sqlite3.Connection]
"""The file's generation and a connection to it."""

_BUSY_SECONDS = 30.0
_ATTEMPTS = 40
_IDLE_CONNECTIONS = 8
_VARIABLES = 900
"""Values in one statement; SQLite allows 999 in every build."""


def in_groups(values: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Split values into groups that fit one `IN (?, ...)`."""
    for start in range(0, len(values), _VARIABLES):
        yield values[start : start + _VARIABLES]


def marks(n: int) -> str:
    """`?,?,?`: placeholders for n values."""
    return ",".join("?" * n)


class CacheDatabase:
    """A pool of connections to one file; every method may be called on any thread.

    Reading never fails: what cannot be read is not cached. Writing tells of its first failure
    and then keeps quiet, so that a full or read-only disk costs one message, not a run.
    """

    def __init__(self, path: Path, schema: str) -> None:
        """Remember the place; the file is opened when it is first needed.

        Args:
            path: The file; a change of the schema needs another name.
            schema: Statements that make the tables if they are not there.
        """
        self._path = path
        self._schema = schema
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._idle: list[_Numbered] = []
        self._generation = 0
        self._file_id: tuple[int, int] | None = None
        self._has_failed = False
        self._is_closed = False

    @property
    def has_failed(self) -> bool:
        """Whether a write has failed since the start."""
        return self._has_failed

    def read(self, job: Callable[[sqlite3.Connection], T]) -> T | None:
        """Run a query.

        Args:
            job: Takes a connection, gives the answer.

        Returns:
            The answer; None when the cache cannot be read.
        """
        for _ in range(2):
            try:
                with self._borrowed() as connection:
                    return job(connection)
            except sqlite3.Error as error:
                if not is_environment(error):
                    raise
                if not is_damage(error):
                    return None
                self._remake()
            except OSError:
                return None
        return None

    def write(self, job: Callable[[sqlite3.Connection], None]) -> None:
        """Run statements as one transaction.

        Args:
            job: Takes a connection inside a transaction; may be called twice.

        Raises:
            StorageError: If it fails, the first time only.
        """
        try:
            self._write(job)
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and not is_environment(error):
                raise
            self._report(error)

    def close(self) -> None:
        """Close all connections; reading gives None afterwards."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _write(self, job: Callable[[sqlite3.Connection], None]) -> None:
        with self._write_lock:
            for attempt in range(2):
                try:
                    with self._borrowed() as connection:
                        _in_transaction(connection, job)
                except sqlite3.Error as error:
                    if attempt or not is_damage(error):
                        raise
                    self._remake()
                else:
                    return

    def _report(self, error: sqlite3.Error | OSError) -> None:
        if self._has_failed:
            return
        self._has_failed = True
        what = f"Could not write to the cache {self._path}."
        told = storage_error(what, error)
        raise StorageError(
            what,
            f"{told.why} The run goes on, but results will have to be computed again.",
            told.hint,
        ) from error

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._is_closed:
                raise OSError("the cache is closed")
            idle = self._idle.pop() if self._idle else None
        numbered = idle or self._connect()
        is_kept = False
        try:
            yield numbered[1]
            is_kept = self._keep(numbered)
        finally:
            if not is_kept:
                numbered[1].close()

    def _keep(self, numbered: _Numbered) -> bool:
        """Keep a connection for the next caller, unless it is out of date or one too many."""
        with self._lock:
            is_current = numbered[0] == self._generation and not self._is_closed
            if not is_current or len(self._idle) >= _IDLE_CONNECTIONS:
                return False
            self._idle.append(numbered)
            return True

    def _connect(self) -> _Numbered:
        with self._lock:
            generation = self._generation
            with contextlib.suppress(OSError):
                self._file_id = _file_id(self._path)
            try:
                connection = self._open()
            except (sqlite3.Error, OSError) as error:
                if isinstance(error, sqlite3.Error) and is_damage(error):
                    raise
                readable = self._open_for_reading()
                if readable is None:
                    raise
                connection = readable
            with contextlib.suppress(OSError):
                self._file_id = _file_id(self._path)
        return generation, connection

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _set_up(connection, self._schema)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_for_reading(self) -> sqlite3.Connection | None:
        """Open a file on a disk that cannot be written; None where it has no tables yet."""
        uri = self._path.absolute().as_uri()
        for options in ("?mode=ro", "?mode=ro&immutable=1"):
            with contextlib.suppress(sqlite3.Error):
                connection = sqlite3.connect(
                    uri + options, uri=True, isolation_level=None, check_same_thread=False
                )
                with contextlib.suppress(sqlite3.Error):
                    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                        return connection
                connection.close()
        return None

    def _remake(self) -> None:
        """Put a damaged file aside, unless another process has done so already."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._generation += 1
            for _, connection in idle:
                connection.close()
            with contextlib.suppress(OSError):
                if self._file_id is not None and self._file_id != _file_id(self._path):
                    return
                set_aside(self._path)
                for end in ("-wal", "-shm"):
                    self._path.with_name(self._path.name + end).unlink(missing_ok=True)


def _file_id(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _set_up(connection: sqlite3.Connection, schema: str) -> None:
    """Set the journal and make the tables; two processes may do so at once."""
    pause = threading.Event()
    for attempt in range(_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA journal_size_limit=67108864")
            connection.executescript(schema)
        except sqlite3.OperationalError as error:
            # Switching to WAL does not wait for other connections, whatever the timeout is.
            if sqlite_code(error) != sqlite3.SQLITE_BUSY or attempt == _ATTEMPTS - 1:
                raise
            pause.wait(0.05)
        else:
            return


def _in_transaction(
    connection: sqlite3.Connection, job: Callable[[sqlite3.Connection], None]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        job(connection)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise

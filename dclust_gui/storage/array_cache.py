"""Results that take long to compute and little room to keep, by key: graphs, layouts, labels."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import StorageError
from dclust_gui.storage.arrays import DamagedArraysError, from_bytes, to_bytes
from dclust_gui.storage.failures import storage_error
from dclust_gui.storage.files import remove_stale, set_aside, write_file

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.storage.arrays import Arrays

_END = ".arrays"


class ArrayCache:
    """A folder of bounded size; the entries used longest ago go first; any thread or process."""

    def __init__(self, root: Path, limit_bytes: int = 2 << 30) -> None:
        """Use the cache in a folder, which is made when something is written.

        Args:
            root: The folder.
            limit_bytes: Size of all entries together that is not exceeded for long.
        """
        self._root = root
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._has_failed = False

    def get(self, key: str) -> dict[str, NDArray[np.generic]] | None:
        """The arrays kept under a key, read-only; None when there are none or they are damaged.

        Args:
            key: Everything the arrays were computed from, as text.
        """
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        try:
            arrays = from_bytes(data)
        except DamagedArraysError:
            set_aside(path)
            return None
        with contextlib.suppress(OSError):
            path.touch(exist_ok=True)
        return arrays

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep arrays under a key.

        Args:
            key: Everything the arrays were computed from, as text.
            arrays: Arrays of booleans, integers or floats by name.

        Raises:
            StorageError: If the cache cannot be written; the first time only.
        """
        data = to_bytes(arrays, level=0)
        if len(data) > self._limit:
            return
        try:
            write_file(self._path(key), [data])
        except OSError as error:
            self._report(error)
            return
        self._shrink()

    def _path(self, key: str) -> Path:
        return self._root / (hashlib.blake2b(key.encode(), digest_size=16).hexdigest() + _END)

    def _report(self, error: OSError) -> None:
        if self._has_failed:
            return
        self._has_failed = True
        told = storage_error(f"Could not write to the cache {self._root}.", error)
        raise StorageError(
            told.what, f"{told.why} Results will have to be computed again.", told.hint
        ) from error

    def _shrink(self) -> None:
        remove_stale(self._root)
        entries = []
        with self._lock, contextlib.suppress(OSError):
            for path in self._root.iterdir():
                with contextlib.suppress(OSError):
                    status = path.stat()
                    entries.append((status.st_mtime_ns, status.st_size, path))
            total = sum(size for _, size, _ in entries)
            for _, size, path in sorted(entries):
                if total <= self._limit:
                    return
                with contextlib.suppress(OSError):
                    path.unlink()
                    total -= size

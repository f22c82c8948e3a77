"""Features by backbone fingerprint and image content, in immutable files that need no locks."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING, Self

import numpy as np

from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.images import CONTENT_HASH_BYTES
from dclust_gui.storage.chunk_file import (
    HASH_TYPE,
    DamagedChunkError,
    hash_array,
    read_chunk,
    read_rows,
    write_chunk,
)
from dclust_gui.storage.chunk_index import ChunkIndex
from dclust_gui.storage.failures import storage_error
from dclust_gui.storage.files import remove_stale

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import NDArray

CHUNK_BYTES = 32 << 20
"""Size up to which chunks are merged; also the most that is read at once."""

_SMALL = CHUNK_BYTES // 2
_MANY_SMALL = 8
_ATTEMPTS = 5


class FeaturesMissingError(StorageError):
    """Features are not in the store, or no longer.

    Attributes:
        n_missing: How many.
    """

    def __init__(self, n_missing: int, n_images: int) -> None:
        super().__init__(
            f"Features of {n_missing:,} of {n_images:,} images are not in the cache.",
            "They were never computed, or their files are damaged or were deleted.",
            "Run the clustering again; only the missing ones are computed.",
        )
        self.n_missing = n_missing


class FeatureStore:
    """Features of all projects of a user; any thread, several processes, no locks.

    Each fingerprint has a folder of chunk files. They are written under a temporary name and
    renamed, never changed, and merged from time to time. The same image in two chunks does no
    harm; a damaged chunk is renamed and its images count as missing.
    """

    def __init__(self, root: Path) -> None:
        """Use the store in a folder, which is made when something is written."""
        self._root = root
        self._lock = threading.Lock()
        self._indexes: dict[str, ChunkIndex] = {}

    def contains(self, fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.bool_]:
        """Which contents have features; each chunk is checked when it is first seen.

        Args:
            fingerprint: The backbone's.
            contents: Content hashes; `b""` is never there.

        Returns:
            bool (n,).
        """
        keys = _keys(contents)
        with self._lock:
            index = self._index(fingerprint)
            index.refresh()
            chunks, _ = index.find(keys)
        return (chunks >= 0) & _is_hash(contents)

    def load(self, fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.float16]:
        """Features in the order of the contents.

        Args:
            fingerprint: The backbone's.
            contents: Content hashes, at least one.

        Returns:
            float16 (n, dims).

        Raises:
            FeaturesMissingError: If some are not there.
            StorageError: If a file cannot be read.
        """
        keys = _keys(contents)
        is_hash = _is_hash(contents)
        with self._lock:
            index = self._index(fingerprint)
            for _ in range(_ATTEMPTS):
                index.refresh()
                chunks, rows = index.find(keys)
                n_missing = int(np.count_nonzero((chunks < 0) | ~is_hash))
                if n_missing or not len(contents):
                    raise FeaturesMissingError(n_missing, len(contents))
                try:
                    return _gather(index, chunks, rows)
                except (DamagedChunkError, FileNotFoundError):
                    # Another process has merged or removed files since they were listed.
                    index.forget_changed()
                except OSError as error:
                    raise storage_error("Could not read features from the cache.", error) from error
        raise FeaturesMissingError(len(contents), len(contents))

    def writer(
        self,
        fingerprint: str,
        dims: int,
        chunk_rows: int = 4096,
        flush_seconds: float = 5.0,
    ) -> FeatureWriter:
        """A writer for one run.

        Args:
            fingerprint: The backbone's.
            dims: Width of the features.
            chunk_rows: Rows after which a chunk is written.
            flush_seconds: Time after which a chunk is written: what a crash may lose.
        """
        return FeatureWriter(self, fingerprint, dims, chunk_rows, flush_seconds)

    def compact(self, fingerprint: str) -> None:
        """Merge small chunks; other processes may read, write and merge meanwhile.

        Args:
            fingerprint: The backbone's.

        Raises:
            StorageError: If the cache cannot be written; nothing is lost.
        """
        folder = self._folder(fingerprint)
        remove_stale(folder)
        with self._lock:
            index = self._index(fingerprint)
            index.refresh()
            small = [c for c in index.chunks if len(c.hashes) * (c.dims * 2 + 16) < _SMALL]
            small_paths = [chunk.path for chunk in small]
        while len(small_paths) > 1:
            group, small_paths = _merge_some(folder, small_paths)
            for path in group:
                with contextlib.suppress(OSError):
                    path.unlink()

    def write(
        self, fingerprint: str, hashes: NDArray[np.bytes_], features: NDArray[np.float16]
    ) -> None:
        """Write one chunk.

        Args:
            fingerprint: The backbone's.
            hashes: S16 (n,).
            features: float16 (n, dims).

        Raises:
            OSError: If it cannot be written.
        """
        write_chunk(_new_chunk_path(self._folder(fingerprint)), hashes, features)

    def has_many_small(self, fingerprint: str) -> bool:
        """Whether merging is worth while."""
        with self._lock:
            index = self._index(fingerprint)
            index.refresh()
            small = [c for c in index.chunks if len(c.hashes) * (c.dims * 2 + 16) < _SMALL]
        return len(small) >= _MANY_SMALL

    def _index(self, fingerprint: str) -> ChunkIndex:
        if fingerprint not in self._indexes:
            self._indexes[fingerprint] = ChunkIndex(self._folder(fingerprint))
        return self._indexes[fingerprint]

    def _folder(self, fingerprint: str) -> Path:
        """A folder name that every file system takes and no two fingerprints share."""
        digest = hashlib.blake2b(fingerprint.encode("utf-8"), digest_size=8).hexdigest()
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", fingerprint)[:40].strip("-")
        return self._root / f"{readable}-{digest}".lstrip("-")


class FeatureWriter:
    """Takes the features of a run as they come; one thread; use it in a `with` statement."""

    def __init__(
        self,
        store: FeatureStore,
        fingerprint: str,
        dims: int,
        chunk_rows: int,
        flush_seconds: float,
    ) -> None:
        """See `FeatureStore.writer`."""
        self._store = store
        self._fingerprint = fingerprint
        self._dims = dims
        self._chunk_rows = max(1, chunk_rows)
        self._flush_seconds = flush_seconds
        self._hashes: list[NDArray[np.bytes_]] = []
        self._features: list[NDArray[np.float16]] = []
        self._n_rows = 0
        self._oldest = 0.0
        self._has_failed = False

    @property
    def has_failed(self) -> bool:
        """Whether a chunk could not be written; later ones are dropped."""
        return self._has_failed

    def add(self, contents: Sequence[bytes], features: NDArray[np.floating]) -> None:
        """Take features of some images.

        Args:
            contents: Content hashes, 16 bytes each.
            features: (n, dims), kept as float16.

        Raises:
            ValueError: If shapes do not fit.
            StorageError: If the cache cannot be written; the first time only.
        """
        if features.shape != (len(contents), self._dims):
            raise ValueError(f"expected {len(contents)} rows of {self._dims}")
        if not len(contents) or self._has_failed:
            return
        if not self._n_rows:
            self._oldest = time.monotonic()
        self._hashes.append(hash_array(tuple(contents)))
        self._features.append(features.astype(np.float16))
        self._n_rows += len(contents)
        is_due = time.monotonic() - self._oldest >= self._flush_seconds
        if is_due or self._n_rows >= self._chunk_rows:
            self.flush()

    def flush(self) -> None:
        """Write what has been taken so far.

        Raises:
            StorageError: If the cache cannot be written; the first time only.
        """
        if not self._n_rows:
            return
        hashes = np.concatenate(self._hashes)
        features = np.concatenate(self._features)
        self._hashes, self._features, self._n_rows = [], [], 0
        try:
            self._store.write(self._fingerprint, hashes, features)
        except OSError as error:
            self._has_failed = True
            told = storage_error("Could not write features to the cache.", error)
            raise StorageError(
                told.what, f"{told.why} They will have to be computed again.", told.hint
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write the rest, and merge small files after a run that went well."""
        if kind is not None:
            with contextlib.suppress(StorageError):
                self.flush()
            return
        self.flush()
        if not self._has_failed and self._store.has_many_small(self._fingerprint):
            with contextlib.suppress(StorageError):
                self._store.compact(self._fingerprint)


def _keys(contents: Sequence[bytes]) -> NDArray[np.bytes_]:
    return np.array(contents, HASH_TYPE) if len(contents) else np.empty(0, HASH_TYPE)


def _is_hash(contents: Sequence[bytes]) -> NDArray[np.bool_]:
    lengths = np.fromiter(map(len, contents), np.int64, len(contents))
    return np.equal(lengths, CONTENT_HASH_BYTES)


def _new_chunk_path(folder: Path) -> Path:
    return folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}.chunk"


def _gather(
    index: ChunkIndex, chunks: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float16]:
    """Read the rows from their chunks, one file at a time."""
    order = np.argsort(chunks, kind="stable")
    bounds = np.flatnonzero(np.diff(chunks[order], prepend=-1))
    out = np.empty((len(chunks), index.chunks[int(chunks[0])].dims), np.float16)
    for start, end in zip(bounds, [*bounds[1:], len(order)], strict=True):
        places = order[start:end]
        chunk = index.chunks[int(chunks[places[0]])]
        if bool((np.diff(places) == 1).all()):
            read_rows(chunk, rows[places], out[places[0] : places[-1] + 1])
            continue
        part = np.empty((len(places), chunk.dims), np.float16)
        read_rows(chunk, rows[places], part)
        out[places] = part
    return out


def _merge_some(folder: Path, paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Write one chunk with the content of the first few of some small chunks.

    Returns:
        The chunks that are now superfluous, and the ones that were not looked at.
    """
    hashes: list[NDArray[np.bytes_]] = []
    features: list[NDArray[np.float16]] = []
    merged: list[Path] = []
    size = 0
    rest = list(paths)
    while rest and size < CHUNK_BYTES:
        path = rest.pop(0)
        try:
            chunk, rows = read_chunk(path)
        except (OSError, DamagedChunkError):
            continue
        hashes.append(chunk.hashes)
        features.append(rows)
        merged.append(path)
        size += rows.nbytes
    if len(merged) < 2:
        return [], rest
    keys = np.concatenate(hashes)
    # In the order in which they came, so that the usual reader reads straight through.
    first = np.sort(np.unique(keys, return_index=True)[1])
    try:
        write_chunk(_new_chunk_path(folder), keys[first], np.concatenate(features)[first])
    except OSError as error:
        raise storage_error("Could not merge files of the feature cache.", error) from error
    return merged, rest

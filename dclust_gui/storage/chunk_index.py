"""Which chunk file holds which image's features: a folder's content, looked at again each time."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.storage.chunk_file import HASH_TYPE, Chunk, DamagedChunkError, read_chunk
from dclust_gui.storage.files import set_aside

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_Identity = tuple[int, int]


class ChunkIndex:
    """The checked chunks of one folder; the caller keeps threads apart.

    Attributes:
        chunks: All good chunks, in order of their names; `find` gives places in it.
    """

    def __init__(self, folder: Path) -> None:
        """Know nothing of a folder yet."""
        self._folder = folder
        self._known: dict[str, tuple[_Identity, Chunk]] = {}
        self.chunks: list[Chunk] = []
        self._hashes = np.empty(0, HASH_TYPE)
        self._chunk_of = np.empty(0, np.int64)
        self._row_of = np.empty(0, np.int64)

    def refresh(self) -> None:
        """Look for new, changed and vanished chunks; read and check the new ones."""
        present = self._list()
        if {name: known[0] for name, known in self._known.items()} == present:
            return
        self._known = {
            name: known for name, known in self._known.items() if present.get(name) == known[0]
        }
        for name in sorted(present.keys() - self._known.keys()):
            chunk = self._read(self._folder / name)
            if chunk is not None:
                self._known[name] = (present[name], chunk)
        self._sort()

    def find(self, keys: NDArray[np.bytes_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where features are.

        Args:
            keys: S16 (n,), content hashes.

        Returns:
            int64 (n,) places in `chunks`, -1 where there is none; int64 (n,) rows.
        """
        if not len(self._hashes):
            return np.full(len(keys), -1), np.zeros(len(keys), np.int64)
        order = np.argsort(keys, kind="stable")
        places = np.empty(len(keys), np.int64)
        places[order] = np.searchsorted(self._hashes, keys[order])
        places[places == len(self._hashes)] = 0
        is_there = self._hashes[places] == keys
        return np.where(is_there, self._chunk_of[places], -1), self._row_of[places]

    def forget_changed(self) -> None:
        """Check all chunks anew at the next refresh."""
        self._known = {}

    def _list(self) -> dict[str, _Identity]:
        found: dict[str, _Identity] = {}
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".chunk"):
                    with contextlib.suppress(OSError):
                        status = entry.stat()
                        found[entry.name] = (status.st_size, status.st_mtime_ns)
        return found

    def _read(self, path: Path) -> Chunk | None:
        try:
            chunk, _ = read_chunk(path)
        except DamagedChunkError:
            set_aside(path)
            return None
        except OSError:
            return None
        if self._known and chunk.dims != next(iter(self._known.values()))[1].dims:
            set_aside(path)
            return None
        return chunk

    def _sort(self) -> None:
        self.chunks = [self._known[name][1] for name in sorted(self._known)]
        if not self.chunks:
            self._hashes = np.empty(0, HASH_TYPE)
            return
        sizes = [len(chunk.hashes) for chunk in self.chunks]
        hashes = np.concatenate([chunk.hashes for chunk in self.chunks])
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._chunk_of = np.repeat(np.arange(len(sizes)), sizes)[order]
        self._row_of = np.concatenate([np.arange(size) for size in sizes])[order]

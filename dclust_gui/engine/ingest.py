"""Reads all images of a collection once: facts, thumbnails and features into the cache.

What the cache has is not read again: an unchanged file is known by its stamp, a renamed one by its
content. Decoding runs in threads; the network runs on the calling thread; a bounded queue between
them keeps memory flat. Results are written in chunks, so that a stop at any time loses seconds.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from dclust_gui.compute.threads import set_torch_threads, thread_budget
from dclust_gui.domain.control import Cancelled
from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.events import ImageSkipped, Notice, Severity, Stage, ThumbnailReady
from dclust_gui.domain.images import (
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageStatus,
    absolute_path,
    display_path,
)
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.requests import BackboneFacts, IngestResult
from dclust_gui.imaging.thumbnails import make_thumbnail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.images import ScanResult, Unit
    from dclust_gui.features.backbones import BackboneSpec
    from dclust_gui.features.extractor import FeatureExtractor
    from dclust_gui.imaging.decode import ImageReader
    from dclust_gui.storage.feature_store import FeatureWriter
    from dclust_gui.storage.stores import Stores

_Row = TypeVar("_Row")

_WAITING_PER_THREAD = 8
_FACTS_PER_WRITE = 64
_SECONDS_PER_WRITE = 2.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class _Source:
    """One file that may give a unit its picture."""

    relative: bytes
    path: Path
    stamp: FileStamp


@dataclass(slots=True)
class _Read:
    """What a decoding thread found for one unit."""

    unit: int
    source: _Source
    content: bytes
    facts: ImageFacts
    remembered: list[tuple[bytes, FileStamp, bytes]] = field(default_factory=list)
    known_facts: list[tuple[bytes, ImageFacts]] = field(default_factory=list)
    thumbnail: bytes | None = None
    prepared: NDArray[np.uint8] | None = None
    decoded: int = 0


def sources_of(unit: Unit, root: Path) -> tuple[_Source, ...]:
    """The files that can show a unit, best first: the leading file, then RAW companions."""
    pairs = [(unit.relative, unit.stamp)]
    pairs += [(c.relative, c.stamp) for c in unit.companions if c.kind is CompanionKind.IMAGE]
    return tuple(_Source(name, absolute_path(root, name), stamp) for name, stamp in pairs)


class Ingest:
    """One pass over a collection.

    Args:
        stores: The cache.
        reader: Decodes files.
        spec: The backbone.
        extractor: Computes features; loads its network only when something is missing.
        sink: Takes messages.
        token: Stops or pauses the pass.
        threads: Decoding threads; 0 for one per core.
    """

    def __init__(
        self,
        stores: Stores,
        reader: ImageReader,
        spec: BackboneSpec,
        extractor: FeatureExtractor,
        sink: EventSink,
        token: CancelToken,
        *,
        threads: int = 0,
    ) -> None:
        self._stores = stores
        self._reader = reader
        self._spec = spec
        self._extractor = extractor
        self._sink = sink
        self._token = token
        self._threads = threads or max(1, os.cpu_count() or 1)
        self._stop = threading.Event()
        self._decoded = 0
        self._embedded = 0

    def run(self, scan: ScanResult) -> IngestResult:
        """Read what is missing.

        Args:
            scan: The collection.

        Raises:
            Cancelled: If the job was cancelled; what is finished stays in the cache.
            StorageError: If the cache cannot be written.
        """
        known = self._look_up(scan)
        missing = [i for i, entry in enumerate(known) if not self._is_complete(entry)]
        n_cached = len(known) - len(missing)
        timings = {"decode": 0.0, "features": 0.0}
        if missing:
            meter = StageMeter(Stage.FEATURES, len(known), self._sink, self._token)
            meter.set(n_cached, len(known))
            try:
                self._read_missing(scan, known, missing, meter, timings)
            finally:
                self._stop.set()
            timings["features"] = meter.finish()
        for unit, entry in zip(scan.units, known, strict=True):
            if entry.facts.status is ImageStatus.UNREADABLE:
                self._sink(ImageSkipped(_shown(scan, unit), entry.facts.reason))
        return IngestResult(
            scan,
            tuple(entry.content for entry in known),
            tuple(entry.facts for entry in known),
            tuple(entry.source.relative for entry in known),
            BackboneFacts(self._spec.name, self._spec.fingerprint, self._spec.dims),
            self._extractor.device.name if self._embedded else "none",
            self._decoded,
            self._embedded,
            sum(e.facts.status is not ImageStatus.UNREADABLE for e in known) - self._embedded,
            timings,
        )

    # -- what is there ---------------------------------------------------------------------

    def _look_up(self, scan: ScanResult) -> list[_Read]:
        """What the cache knows of each unit, by the stamps of its files."""
        sources = [sources_of(unit, scan.roots[unit.root]) for unit in scan.units]
        flat = [source for group in sources for source in group]
        contents = self._stores.file_index.known(
            [os.fsencode(s.path) for s in flat], [s.stamp for s in flat]
        )
        facts = self._stores.file_index.facts(contents)
        found = iter(zip(flat, contents, facts, strict=True))
        entries = []
        for unit, group in enumerate(sources):
            rows = [next(found) for _ in group]
            entries.append(self._best(unit, rows))
        self._mark_present(entries)
        return entries

    def _best(self, unit: int, rows: list[tuple[_Source, bytes, ImageFacts | None]]) -> _Read:
        """The first file of a unit that is known to be readable, if none before is unknown."""
        for source, content, facts in rows:
            if not content or facts is None:
                return _Read(unit, rows[0][0], b"", ImageFacts(ImageStatus.PENDING))
            if facts.status is not ImageStatus.UNREADABLE:
                return _Read(unit, source, content, facts)
        source, content, facts = rows[0]
        return _Read(unit, source, content, facts or ImageFacts(ImageStatus.PENDING))

    def _mark_present(self, entries: list[_Read]) -> None:
        contents = [entry.content for entry in entries]
        self._has_features = self._stores.features.contains(self._spec.fingerprint, contents)
        self._has_thumbnail = self._stores.thumbnails.contains(contents)

    def _is_complete(self, entry: _Read) -> bool:
        if entry.facts.status is ImageStatus.UNREADABLE:
            return True
        return (
            entry.facts.status is not ImageStatus.PENDING
            and bool(self._has_features[entry.unit])
            and bool(self._has_thumbnail[entry.unit])
        )

    # -- reading ---------------------------------------------------------------------------

    def _read_missing(
        self,
        scan: ScanResult,
        known: list[_Read],
        missing: list[int],
        meter: StageMeter,
        timings: dict[str, float],
    ) -> None:
        """Decode in threads, embed here, write in chunks."""
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for unit in missing:
            todo.put(unit)
        n_threads = min(self._threads, len(missing))
        done: queue.Queue[_Read | BaseException] = queue.Queue(n_threads * _WAITING_PER_THREAD)
        arguments = (scan, todo, done)
        threads = [
            threading.Thread(
                target=self._decode_loop, args=arguments, name=f"decode-{i}", daemon=True
            )
            for i in range(n_threads)
        ]
        for thread in threads:
            thread.start()
        try:
            self._consume(known, len(missing), done, meter, timings)
        finally:
            self._stop.set()
            _drain(done)
            for thread in threads:
                thread.join(timeout=_POLL_S)

    def _decode_loop(
        self,
        scan: ScanResult,
        todo: queue.SimpleQueue[int],
        done: queue.Queue[_Read | BaseException],
    ) -> None:
        """Body of a decoding thread."""
        try:
            while not self._stop.is_set():
                try:
                    unit = todo.get_nowait()
                except queue.Empty:
                    return
                self._offer(done, self._read_unit(unit, scan))
        except Cancelled:
            return
        except BaseException as error:  # noqa: BLE001 -- handed to the engine's thread
            self._offer(done, error)

    def _offer(self, done: queue.Queue[_Read | BaseException], item: _Read | BaseException) -> None:
        """Put into the bounded queue, unless the pass has ended."""
        while not self._stop.is_set():
            try:
                done.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return

    def _read_unit(self, unit: int, scan: ScanResult) -> _Read:
        """Read a unit's picture from the first of its files that can be read."""
        entry = scan.units[unit]
        sources = sources_of(entry, scan.roots[entry.root])
        first: _Read | None = None
        remembered: list[tuple[bytes, FileStamp, bytes]] = []
        known_facts: list[tuple[bytes, ImageFacts]] = []
        decoded = 0
        for source in sources:
            read = self._read_file(unit, source)
            decoded += read.decoded
            if read.content:
                remembered.append((os.fsencode(source.path), source.stamp, read.content))
                known_facts.append((read.content, read.facts))
            first = first or read
            if read.facts.status is not ImageStatus.UNREADABLE:
                first = read
                break
        assert first is not None  # a unit has at least its leading file
        first.remembered, first.known_facts, first.decoded = remembered, known_facts, decoded
        return first

    def _read_file(self, unit: int, source: _Source) -> _Read:
        """Read one file; nothing is decoded when its content is known already."""
        result = self._reader.read(
            source.path, self._extractor.min_side, self._token, is_known=self._is_known
        )
        if result.image is None:
            facts = result.facts
            if facts.status is ImageStatus.PENDING:
                facts = self._stores.file_index.facts([result.content])[0] or facts
                return _Read(unit, source, result.content, facts)
            return _Read(unit, source, result.content, facts, decoded=int(bool(result.content)))
        read = _Read(unit, source, result.content, result.facts, decoded=1)
        read.thumbnail = make_thumbnail(result.image)
        read.prepared = self._extractor.prepare(result.image.pixels)
        return read

    def _is_known(self, content: bytes) -> bool:
        """Whether the cache has all there is to know of a file with this content."""
        facts = self._stores.file_index.facts([content])[0]
        if facts is None:
            return False
        if facts.status is ImageStatus.UNREADABLE:
            return True
        has_features = self._stores.features.contains(self._spec.fingerprint, [content])[0]
        return bool(has_features and self._stores.thumbnails.contains([content])[0])

    # -- taking in -------------------------------------------------------------------------

    def _consume(
        self,
        known: list[_Read],
        n_missing: int,
        done: queue.Queue[_Read | BaseException],
        meter: StageMeter,
        timings: dict[str, float],
    ) -> None:
        """Take what the threads give; embed and write it in batches."""
        waiting: list[_Read] = []
        unwritten: list[_Read] = []
        written_at = time.monotonic()
        with self._stores.features.writer(self._spec.fingerprint, self._spec.dims) as writer:
            try:
                while n_missing:
                    read = self._next(done)
                    n_missing -= 1
                    self._decoded += read.decoded
                    known[read.unit] = read
                    unwritten.append(read)
                    if read.prepared is not None:
                        waiting.append(read)
                        timings["decode"] = meter.seconds
                    if waiting and (not n_missing or len(waiting) >= self._extractor.batch_size):
                        self._share_cores(done)
                        self._embed(waiting, writer)
                        waiting = []
                    is_due = time.monotonic() - written_at >= _SECONDS_PER_WRITE
                    if len(unwritten) >= _FACTS_PER_WRITE or is_due or not n_missing:
                        self._write_facts(unwritten)
                        unwritten, written_at = [], time.monotonic()
                    meter.advance()
            finally:
                self._write_facts(unwritten)
                set_torch_threads(thread_budget())

    def _next(self, done: queue.Queue[_Read | BaseException]) -> _Read:
        """The next result; wakes often enough to be cancelled."""
        while True:
            self._token.checkpoint()
            try:
                item = done.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if isinstance(item, BaseException):
                raise item
            return item

    def _share_cores(self, done: queue.Queue[_Read | BaseException]) -> None:
        """One core for the network while decoding is behind, all of them while it is ahead.

        Two busy torch threads on one free core are several times slower than one.
        """
        is_ahead = done.qsize() >= self._extractor.batch_size
        set_torch_threads(thread_budget() if is_ahead else 1)

    def _embed(self, batch: list[_Read], writer: FeatureWriter) -> None:
        """Features of a batch, to the store."""
        pixels = [read.prepared for read in batch if read.prepared is not None]
        features = self._extractor.extract(pixels)
        writer.add([read.content for read in batch], features)
        self._embedded += len(batch)
        for read in batch:
            read.prepared = None

    def _write_facts(self, reads: list[_Read]) -> None:
        """Facts, stamps and thumbnails of some units, to the cache."""
        if not reads:
            return
        index = self._stores.file_index
        pictures = [(r.content, r.thumbnail) for r in reads if r.thumbnail is not None]
        self._keep(self._stores.thumbnails.put_many, pictures)
        self._keep(index.remember_facts, [row for r in reads for row in r.known_facts])
        self._keep(index.remember, [row for r in reads for row in r.remembered])
        for read in reads:
            if read.thumbnail is not None:
                self._sink(ThumbnailReady(read.unit, read.content))
                read.thumbnail = None

    def _keep(self, write: Callable[[list[_Row]], None], rows: list[_Row]) -> None:
        """Write what only saves work next time; the run goes on if that fails."""
        try:
            write(rows)
        except StorageError as error:
            self._sink(Notice(Severity.WARNING, str(error)))


def _shown(scan: ScanResult, unit: Unit) -> str:
    """A unit's path as text; with its folder where there are several."""
    if len(scan.roots) == 1:
        return display_path(unit.relative)
    return display_path(os.fsencode(absolute_path(scan.roots[unit.root], unit.relative)))


def _drain(items: queue.Queue[_Read | BaseException]) -> None:
    """Empty a queue, so that threads that wait to put can end."""
    while True:
        try:
            items.get_nowait()
        except queue.Empty:
            return

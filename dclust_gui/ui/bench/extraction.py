"""Real feature extraction on the engine's thread while frames are measured."""

from __future__ import annotations

import itertools
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from dclust_gui.domain.events import Stage, StageProgressed
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.bench.reading import write_photos
from dclust_gui.services.workspace import Workspace
from dclust_gui.ui.bench.common import wait_until
from dclust_gui.ui.bridge.engine_host import EngineHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dclust_gui.domain.control import CancelToken, EventSink

_N_PHOTOS = 4
_N_COPIES = 60
_PHOTO_SIZE = (2000, 1500)
_START_LIMIT_S = 120.0
_FIRST_IMAGES = 8


@dataclass(frozen=True)
class ExtractionJob:
    """Reads the same photos again and again, each time into an empty cache, until cancelled.

    Attributes:
        photos: Folder of images.
        caches: Folder in which caches are made.
        title: What it does.
    """

    photos: Path
    caches: Path
    title: str = "Reading images"

    def run(self, sink: EventSink, token: CancelToken) -> object:
        """Decode and embed; never returns but by `Cancelled`."""
        for turn in itertools.count():
            with Workspace(self.caches / f"cache-{turn}") as workspace:
                engine = workspace.engine
                found = engine.scan([self.photos], sink, token)
                engine.ingest(found, RunRequest((self.photos,)), sink, token)
        return None


class _Witness(QObject):
    """Counts what has been embedded, and notes a failure."""

    def __init__(self) -> None:
        super().__init__()
        self.n_embedded = 0
        self.error: Exception | None = None

    @Slot(int, object)
    def _on_host_progressed(self, _job: int, event: object) -> None:
        if isinstance(event, StageProgressed) and event.stage is Stage.FEATURES:
            self.n_embedded = event.done

    @Slot(int, object)
    def _on_host_failed(self, _job: int, error: Exception) -> None:
        self.error = error

    def follow(self, host: EngineHost) -> None:
        """Hear what the thread does."""
        host.progressed.connect(self._on_host_progressed)
        host.failed.connect(self._on_host_failed)

    def has_begun(self) -> bool:
        """Whether images are being embedded by now.

        Raises:
            Exception: What the extraction failed with.
        """
        if self.error is not None:
            raise self.error
        return self.n_embedded >= _FIRST_IMAGES


@contextmanager
def extraction_running() -> Iterator[None]:
    """Keep the real engine busy in its thread, as while a new folder is read.

    What is loaded once (torch, the network) is loaded when the block begins.

    Raises:
        TimeoutError: If no image is embedded within two minutes.
        Exception: What the extraction failed with.
    """
    with tempfile.TemporaryDirectory(prefix="dclust-", ignore_cleanup_errors=True) as name:
        photos = Path(name) / "photos"
        write_photos(photos, _N_PHOTOS, _PHOTO_SIZE)
        multiply(photos, _N_COPIES)
        host, witness = EngineHost("engine"), _Witness()
        witness.follow(host)
        host.start(ExtractionJob(photos, Path(name)))
        try:
            wait_until(witness.has_begun, _START_LIMIT_S)
            yield
            witness.has_begun()
        finally:
            host.shutdown(30_000)


def multiply(folder: Path, n_copies: int) -> None:
    """Give each JPEG of a folder copies that differ in a comment alone, so in content.

    Args:
        folder: Of JPEG files.
        n_copies: Of each.
    """
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        for number in range(n_copies):
            words = f"copy {number}".encode()
            comment = b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words
            copy = path.with_name(f"{path.stem}-{number:03d}.jpg")
            copy.write_bytes(data[:2] + comment + data[2:])

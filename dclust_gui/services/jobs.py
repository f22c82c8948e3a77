"""Long jobs as frozen values that any thread can run: the window's engine thread or the CLI."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from dclust_gui.domain.control import CancelToken, EventSink
from dclust_gui.domain.runs import Run
from dclust_gui.services.collection import plan_merge, stacks_of_units
from dclust_gui.services.report import report_text
from dclust_gui.services.session import ProjectSession, now

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.images import ImageRecord, ScanResult
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.engine.requests import IngestResult, RunRequest, RunResult
    from dclust_gui.services.collection import Merge
    from dclust_gui.storage.project import ProjectStore


class Job(Protocol):
    """Something long; ends by returning, by `Cancelled`, or by another exception."""

    @property
    def title(self) -> str:
        """What it does, in words: `Reading 412 images`."""

    def run(self, sink: EventSink, token: CancelToken, /) -> object:
        """Do it; called once, off the window's thread."""


@dataclass(frozen=True)
class ScanJob:
    """Find the images below some folders."""

    engine: Engine
    roots: tuple[Path, ...]
    title: str = "Looking for images"

    def run(self, sink: EventSink, token: CancelToken) -> ScanResult:
        """See `Engine.scan`."""
        return self.engine.scan(self.roots, sink, token)


@dataclass(frozen=True)
class WarmUpJob:
    """Load the heavy libraries before they are needed."""

    title: str = "Getting ready"

    def run(self, _sink: EventSink, token: CancelToken, /) -> str:
        """Import what features and clustering need; returns the device's name."""
        from dclust_gui.compute.torchvision_fix import import_timm
        from dclust_gui.services.estimate import device_badge

        import_timm()
        token.checkpoint()
        return device_badge()


@dataclass(frozen=True)
class IngestJob:
    """Read all images of a collection."""

    engine: Engine
    scan: ScanResult
    request: RunRequest
    title: str = "Reading images"

    def run(self, sink: EventSink, token: CancelToken) -> IngestResult:
        """See `Engine.ingest`."""
        return self.engine.ingest(self.scan, self.request, sink, token)


@dataclass(frozen=True, eq=False)
class ClusterJob:
    """Cluster images of a project.

    Attributes:
        engine: The engine.
        ingest: The images as they were read.
        request: How.
        image_ids: int32 (n_units,), the project's image of each unit; -1 leaves a unit out.
        store: Where the run is stored at once, for it is large; None leaves that to
            `ProjectSession.accept_run`.
        title: What it does.
        stacks: int32 (n_images,), the stack of each of the project's images; None for no stacks.
    """

    engine: Engine
    ingest: IngestResult
    request: RunRequest
    image_ids: NDArray[np.int32]
    store: ProjectStore | None = None
    title: str = "Clustering"
    stacks: NDArray[np.int32] | None = None

    def run(self, sink: EventSink, token: CancelToken) -> Run:
        """See `Engine.cluster`; the result is ready for `ProjectSession.accept_run`."""
        from dclust_gui.engine.pipeline import readable_rows

        rows = readable_rows(self.ingest)
        rows = rows[self.image_ids[rows] >= 0]
        stacks = None if self.stacks is None else stacks_of_units(self.stacks, self.image_ids)
        result = self.engine.cluster(self.ingest, self.request, sink, token, rows, stacks)
        run = run_record(result, self.image_ids)
        token.checkpoint()
        return run if self.store is None else replace(run, id=self.store.add_run(run))


@dataclass(frozen=True, eq=False)
class MergeJob:
    """Find out what a scan or an ingest changes in a project, and write it to its file.

    The session, on its own thread, takes over the result with `take_images`.

    Attributes:
        store: The project's file.
        images: The project's images now.
        scan: What was found.
        ingest: What was read of it; None when nothing has been read yet.
        title: What it does.
    """

    store: ProjectStore
    images: tuple[ImageRecord, ...]
    scan: ScanResult
    ingest: IngestResult | None = None
    title: str = "Updating the project"

    def run(self, _sink: EventSink, token: CancelToken, /) -> Merge:
        """See `services.collection.plan_merge`."""
        merge = plan_merge(self.images, self.store.roots(), self.scan, self.ingest)
        token.checkpoint()
        self.store.write_images(merge.rows)
        return merge


@dataclass(frozen=True)
class OpenJob:
    """Open a project file, or a folder as its draft project."""

    path: Path
    title: str = "Opening"

    def run(self, _sink: EventSink, _token: CancelToken, /) -> ProjectSession:
        """See `services.opening`; the session is used on one other thread from then on."""
        from dclust_gui.services.opening import is_project, open_folder, open_project

        session = open_project(self.path) if is_project(self.path) else open_folder(self.path)
        session.confidence()  # reads the accepted run here, not when the window first needs it
        return session


@dataclass(frozen=True)
class SampleJob:
    """Write the sample collection."""

    folder: Path
    title: str = "Making the sample collection"

    def run(self, _sink: EventSink, token: CancelToken, /) -> Path:
        """See `services.sample.make_sample_collection`; returns the folder."""
        from dclust_gui.services.sample import make_sample_collection

        make_sample_collection(self.folder)
        token.checkpoint()
        return self.folder


def run_record(result: RunResult, image_ids: NDArray[np.int32]) -> Run:
    """A run as a project keeps it.

    Args:
        result: What the engine found.
        image_ids: int32 (n_units,), the project's image of each unit.
    """
    clusters = result.clusters
    return Run(
        0,
        now(),
        result.settings,
        result.ingest.backbone.fingerprint,
        image_ids[result.rows].astype(np.int32),
        clusters.labels,
        clusters.confidence,
        clusters.tree,
        report_text(result),
        clusters.errors,
    )

"""The engine: the only place that knows the order of the stages."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.control import CancelToken, EventSink, ignore_events
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import ClusteringError
from dclust_gui.domain.images import ImageStatus, display_path
from dclust_gui.domain.runs import FINETUNE_PREFIX, NO_FINETUNE, RunSettings
from dclust_gui.engine.grouping import group_rows, resolve
from dclust_gui.engine.heads import TrainingPlace
from dclust_gui.engine.reduction import ReductionCache
from dclust_gui.engine.requests import IngestResult, RunRequest, RunResult
from dclust_gui.engine.row_times import time_key, times_of, usable_time
from dclust_gui.engine.scan import scan
from dclust_gui.engine.stacked_rows import RowFacts, StackedRows
from dclust_gui.engine.tuning_plan import TuningWishes, check_finetune
from dclust_gui.storage.feature_store import FeaturesMissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.images import ScanResult
    from dclust_gui.engine.tuning_values import Approve, TuningPlace
    from dclust_gui.features.backbones import BackboneSpec
    from dclust_gui.features.extractor import FeatureExtractor
    from dclust_gui.features.views import Variant
    from dclust_gui.imaging.decode import ImageReader
    from dclust_gui.storage.stores import Stores


_NO_LIMIT = 1 << 62


class Engine:
    """Runs stages on the calling thread; knows no window and no project.

    Args:
        stores: The cache.
        reader: Decodes files; made when first needed if None.
        weights_dir: Folder of weights the user added; the user's own when None.
        threads: Decoding threads; 0 for one per core.

    Attributes:
        approve_training: Asked with an estimate before a backbone is trained on the processor;
            None asks nobody.
    """

    def __init__(
        self,
        stores: Stores,
        reader: ImageReader | None = None,
        *,
        weights_dir: Path | None = None,
        threads: int = 0,
    ) -> None:
        self._stores = stores
        self._reader = reader
        self._weights_dir = weights_dir
        self._threads = threads
        self._extractors: dict[tuple[str, str, int], FeatureExtractor] = {}
        self.approve_training: Approve | None = None

    @property
    def reader(self) -> ImageReader:
        """Decodes files; shared by all jobs."""
        if self._reader is None:
            from dclust_gui.imaging.decode import ImageReader

            self._reader = ImageReader()
        return self._reader

    def close(self) -> None:
        """End helper processes and forget networks; the stores stay open."""
        if self._reader is not None:
            self._reader.close()
        self._extractors.clear()

    def scan(
        self,
        roots: Sequence[Path],
        sink: EventSink = ignore_events,
        token: CancelToken | None = None,
    ) -> ScanResult:
        """Find the images below some folders.

        Raises:
            InputError: If a folder cannot be read.
            Cancelled: If the job was cancelled.
        """
        return scan(roots, sink, token or CancelToken())

    def backbone(self, request: RunRequest) -> BackboneSpec:
        """The backbone a request names, looking at images as the quality asks.

        Raises:
            BackboneError: If there is no such model, or its weights are not on this computer.
            InputError: If there is no such quality.
        """
        from dclust_gui.features.views import variant_of

        return self._resolved(request, variant_of(request.settings.quality))

    def _resolved(self, request: RunRequest, variant: Variant) -> BackboneSpec:
        from dclust_gui.features.backbones import resolve_backbone
        from dclust_gui.storage.locations import backbone_memory

        return resolve_backbone(
            request.settings.backbone,
            weights_dir=self.weights_dir,
            allow_download=request.allow_download,
            memory=backbone_memory(),
            variant=variant,
        )

    @property
    def weights_dir(self) -> Path:
        """Folder of weights that the user added; those that were trained here lie within."""
        from dclust_gui.storage.locations import weights_dir

        return self._weights_dir or weights_dir()

    def check(self, request: RunRequest) -> None:
        """Find out before any work that a request cannot be carried out.

        Raises:
            KnownError: If the device, the backbone, the method or a value cannot be used.
        """
        from dclust_gui.compute.devices import check_device_name

        check_finetune(request.settings)
        resolve(request.settings)
        check_device_name(request.device)
        self.backbone(request)

    def ingest(
        self,
        found: ScanResult,
        request: RunRequest,
        sink: EventSink = ignore_events,
        token: CancelToken | None = None,
    ) -> IngestResult:
        """Bring facts, thumbnails and features of all images into the cache.

        Raises:
            BackboneError: If the backbone cannot be used.
            Cancelled: If the job was cancelled; what is finished stays in the cache.
        """
        from dclust_gui.engine.ingest import Ingest

        spec = self.backbone(request)
        extractor = self._extractor(spec, request, sink)
        job = Ingest(
            self._stores,
            self.reader,
            spec,
            extractor,
            sink,
            token or CancelToken(),
            threads=self._threads,
        )
        return job.run(found)

    def features(self, ingest: IngestResult, rows: NDArray[np.int32]) -> NDArray[np.float16]:
        """Features from the store.

        Args:
            ingest: The images.
            rows: int32 (m,), indices of units.

        Returns:
            float16 (m, dims).
        """
        contents = [ingest.contents[i] for i in rows.tolist()]
        return self.stored_features(ingest.backbone.fingerprint, contents)

    def stored_features(self, fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.float16]:
        """Features from the store by backbone and content; any thread.

        Returns:
            float16 (n, dims).

        Raises:
            FeaturesMissingError: If some are not there.
        """
        return self._stores.features.load(fingerprint, contents)

    def has_features(self, fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.bool_]:
        """Which contents have features in the store: bool (n,); any thread."""
        return self._stores.features.contains(fingerprint, contents)

    def cluster(
        self,
        ingest: IngestResult,
        request: RunRequest,
        sink: EventSink = ignore_events,
        token: CancelToken | None = None,
        rows: NDArray[np.int32] | None = None,
        stacks: NDArray[np.int32] | None = None,
    ) -> RunResult:
        """Cluster images that have been ingested.

        Where the settings ask for fine-tuning, the backbone is trained first, starting from the
        clusters of the features as they are, and the images are read once more with it; the
        result names the trained backbone.

        Args:
            ingest: The images.
            request: How.
            sink: Takes messages.
            token: Stops or pauses the work.
            rows: int32 (m,), indices of the units to cluster; None for all readable ones.
            stacks: int32 (n_units,), the stack of each unit, or `NO_STACK`: those of one stack
                are clustered as one image and get one label; None for no stacks.

        Raises:
            ClusteringError: If they cannot be clustered as asked.
            Cancelled: If the job was cancelled.
        """
        from dclust_gui.compute.memory import peak_rss_mb

        started = time.perf_counter()
        settings = resolve(request.settings)
        if rows is None:
            rows = readable_rows(ingest)
        if not len(rows):
            raise _nothing_to_cluster(ingest)
        if settings.finetune != NO_FINETUNE:
            token = token or CancelToken()
            return self._cluster_tuned(ingest, request, sink, token, rows, stacks)
        settings = usable_time(settings, ingest, rows, sink)
        bound = StackedRows.of(np.zeros(len(rows), np.int32) if stacks is None else stacks[rows])
        features = bound.merged(self.features(ingest, rows))
        times = bound.mean_times(times_of(ingest, rows))
        cache = ReductionCache.of(
            self._stores.arrays,
            ingest.backbone.fingerprint,
            [ingest.contents[i] for i in rows.tolist()],
            bound.key + time_key(settings.time_weight, times),
        )
        # A head that has learnt times could not be used on other images.
        models = None if settings.time_weight else self._stores.models
        place = TrainingPlace(request.device, models, cache.source, ingest.backbone.fingerprint)
        facts = RowFacts(times, bound.counts)
        token = token or CancelToken()
        result = bound.spread(group_rows(features, settings, sink, token, cache, place, facts))
        seconds = time.perf_counter() - started
        return RunResult(
            ingest, rows, result, settings, seconds, peak_rss_mb(include_children=True)
        )

    def _cluster_tuned(
        self,
        ingest: IngestResult,
        request: RunRequest,
        sink: EventSink,
        token: CancelToken,
        rows: NDArray[np.int32],
        stacks: NDArray[np.int32] | None,
    ) -> RunResult:
        """Cluster, train the backbone on the clusters, read with it, cluster again."""
        from dclust_gui.engine.tuning import BackboneTuning
        from dclust_gui.engine.tuning_images import image_files
        from dclust_gui.engine.tuning_values import TuningImages

        started = time.perf_counter()
        settings = request.settings
        wishes = TuningWishes.of(settings)
        place = self.tuning_place(request)
        plain = replace(request, settings=untrained(settings))
        frozen = self.cluster(ingest, plain, sink, token, rows, stacks)
        images = TuningImages(
            ingest.scan.roots[0].name,
            image_files(ingest, rows),
            [ingest.contents[i] for i in rows.tolist()],
            self.features(ingest, rows),
            frozen.clusters.labels,
        )
        facts = BackboneTuning(place, wishes, settings.seed, sink, token).run(images)
        del images
        wanted = replace(
            settings,
            backbone=facts.name or settings.backbone,
            finetune=NO_FINETUNE,
            k=settings.k or int(frozen.clusters.labels.max()) + 1,
            parameters={
                n: v for n, v in settings.parameters.items() if not n.startswith(FINETUNE_PREFIX)
            },
        )
        request = replace(request, settings=wanted)
        if facts.name:
            ingest = _both_passes(ingest, self.ingest(ingest.scan, request, sink, token))
            rows = np.intersect1d(rows, readable_rows(ingest)).astype(np.int32)
        result = self.cluster(ingest, request, sink, token, rows, stacks)
        timings = dict(result.clusters.timings)
        timings["head"] = timings.get("head", 0.0) + facts.seconds
        return replace(
            result,
            clusters=replace(result.clusters, timings=timings),
            seconds=time.perf_counter() - started,
            tuning=facts,
        )

    def tuning_time(
        self, files: Sequence[Path], n_images: int, request: RunRequest, token: CancelToken
    ) -> str:
        """How long a fine-tuning would take, in words; reads some files and does some steps.

        Args:
            files: Some of the images' files.
            n_images: Number of images.
            request: The run.
            token: Stops the measuring.

        Raises:
            KnownError: If it cannot be done.
            Cancelled: If the token says so.
        """
        from dclust_gui.engine.tuning import BackboneTuning

        wishes = TuningWishes.of(request.settings)
        job = BackboneTuning(self.tuning_place(request), wishes, 0, ignore_events, token)
        return job.estimate(files, n_images, token.checkpoint)

    def tuning_place(self, request: RunRequest) -> TuningPlace:
        """What a backbone is trained with.

        Raises:
            BackboneError: If there is no such backbone, or its weights are not on this computer.
        """
        from dclust_gui.engine.tuning_values import TuningPlace
        from dclust_gui.features.tuned import tuned_dir
        from dclust_gui.features.views import BEST, STANDARD
        from dclust_gui.storage.model_files import ModelFiles

        spec = self._resolved(request, STANDARD)
        folder = self._stores.models.root.parent
        folder.mkdir(parents=True, exist_ok=True)
        return TuningPlace(
            spec,
            self.reader,
            # Nothing is thrown away: a project may need a backbone that cannot be had again.
            ModelFiles(tuned_dir(self.weights_dir), _NO_LIMIT),
            folder,
            request.device,
            self._threads,
            is_any_size=self._resolved(request, BEST).input_size != spec.input_size,
            approve=self.approve_training,
        )

    def run(
        self,
        request: RunRequest,
        sink: EventSink = ignore_events,
        token: CancelToken | None = None,
        stacks_of: Callable[[ScanResult], NDArray[np.int32]] | None = None,
    ) -> RunResult:
        """Scan, ingest and cluster.

        Args:
            request: Folders and settings.
            sink: Takes messages.
            token: Stops or pauses the work.
            stacks_of: Tells the stack of each unit, see `cluster`; None for no stacks.

        Raises:
            KnownError: If the folders, the backbone or the method cannot be used.
            Cancelled: If the job was cancelled; what is finished stays in the cache.
        """
        started = time.perf_counter()
        token = token or CancelToken()
        self.check(request)
        found = self.scan(request.folders, sink, token)
        scan_seconds = time.perf_counter() - started
        ingest = self.ingest(found, request, sink, token)
        ingest = _with_timing(ingest, "scan", scan_seconds)
        stacks = None if stacks_of is None else stacks_of(found)
        try:
            result = self.cluster(ingest, request, sink, token, stacks=stacks)
        except FeaturesMissingError:  # somebody has emptied the cache meanwhile
            ingest = self.ingest(found, request, sink, token)
            ingest = _with_timing(ingest, "scan", scan_seconds)
            result = self.cluster(ingest, request, sink, token, stacks=stacks)
        return replace(result, seconds=time.perf_counter() - started)

    def _extractor(
        self, spec: BackboneSpec, request: RunRequest, sink: EventSink
    ) -> FeatureExtractor:
        """The network of a backbone, kept for the next job."""
        from dclust_gui.features.extractor import FeatureExtractor

        key = (spec.fingerprint, request.device, request.batch)
        if key not in self._extractors:
            self._extractors.clear()
            self._extractors[key] = FeatureExtractor(
                spec, request.device, request.batch or None, sink=sink
            )
        return self._extractors[key]


def readable_rows(ingest: IngestResult) -> NDArray[np.int32]:
    """Indices of the units that have features: int32 (m,)."""
    return np.array(
        [i for i, f in enumerate(ingest.facts) if f.status is not ImageStatus.UNREADABLE], np.int32
    )


def _nothing_to_cluster(ingest: IngestResult) -> ClusteringError:
    """Why there is no image."""
    what, n_found = "There is nothing to cluster.", len(ingest.contents)
    if n_found:
        why = f"None of {count_of(n_found)} could be read. The first: {ingest.facts[0].reason}"
        return ClusteringError(what, why, "Each file's reason is listed.")
    folders = ", ".join(f"'{display_path(os.fsencode(root))}'" for root in ingest.scan.roots)
    left_out = sum(ingest.scan.ignored.values())
    others = f", only {count_of(left_out, 'item')} of other kinds" if left_out else ""
    return ClusteringError(what, f"There is no image below {folders}{others}.")


def untrained(settings: RunSettings) -> RunSettings:
    """The recommended run on the features as they are, for as many clusters."""
    return RunSettings(
        backbone=settings.backbone,
        scale=settings.scale,
        reduce="auto",
        algorithm="auto",
        k=settings.k,
        seed=settings.seed,
        quality=settings.quality,
    )


def _both_passes(first: IngestResult, second: IngestResult) -> IngestResult:
    """The second reading of a collection with the work of both."""
    names = {*first.timings, *second.timings}
    timings = {n: first.timings.get(n, 0.0) + second.timings.get(n, 0.0) for n in names}
    return replace(
        second,
        decoded=first.decoded + second.decoded,
        embedded=first.embedded + second.embedded,
        timings=timings,
        device=second.device if second.embedded else first.device,
    )


def _with_timing(ingest: IngestResult, stage: str, seconds: float) -> IngestResult:
    return replace(ingest, timings={**ingest.timings, stage: seconds})

"""Fine-tuning wired up: pictures from files, the network's parts, the training, the file kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.compute.threads import set_torch_threads, thread_budget
from dclust_gui.domain.control import Cancelled
from dclust_gui.domain.errors import ClusteringError
from dclust_gui.domain.events import Notice, Severity
from dclust_gui.domain.runs import TUNED_PREFIX
from dclust_gui.engine.heads import FEWEST_IMAGES
from dclust_gui.engine.tuning_images import PictureSource
from dclust_gui.engine.tuning_plan import (
    MeasuredTimes,
    PlaceForViews,
    TuningEstimate,
    TuningPlan,
    TuningWishes,
    estimate_seconds,
    plan_tuning,
)
from dclust_gui.engine.tuning_values import TuningFacts, TuningImages, TuningPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from dclust_gui.algorithms.deep.finetuning import Tuned
    from dclust_gui.algorithms.deep.tuning_views import FixedViews, FreshViews
    from dclust_gui.compute.devices import Device
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.engine.tuning_progress import TuningFollower
    from dclust_gui.features.tuning import TuningNetwork

CODE = 2
"""Raised whenever the same images and settings begin to give another backbone."""
PROBED = 16
"""Images on which times are measured."""
_TAKEN = 8
"""Images that go through the trunk together."""
_VIEWS_PREFIX = ".views-"
_STALE_S = 24 * 3600.0
_SHORT_S = 20.0
"""Shorter trainings are not announced."""


class BackboneTuning:
    """One fine-tuning.

    Args:
        place: What it works with.
        wishes: What was asked for.
        seed: Of everything random.
        sink: Takes messages.
        token: Stops, pauses or ends the training early.
    """

    def __init__(
        self,
        place: TuningPlace,
        wishes: TuningWishes,
        seed: int,
        sink: EventSink,
        token: CancelToken,
    ) -> None:
        self._place, self._wishes, self._seed = place, wishes, seed
        self._sink, self._token = sink, token

    def estimate(self, files: Sequence[Path], n_images: int, tick: Callable[[], None]) -> str:
        """How long it would take, in words; some files are read and some steps done.

        Args:
            files: Some of the files.
            n_images: Images in all.
            tick: Called between the parts; may raise.
        """
        from dclust_gui.compute.devices import pick_device

        device = pick_device(self._place.device)
        set_torch_threads(thread_budget())
        return self._foretold(self._network(device), device, files, n_images, tick).text

    def run(self, images: TuningImages) -> TuningFacts:
        """Train, and keep the trained backbone.

        Args:
            images: All images of the run.

        Raises:
            KnownError: If it cannot be trained on these images.
            Cancelled: If the job was cancelled, or not approved.
        """
        from dclust_gui.compute.devices import DeviceKind, cpu_device, pick_device
        from dclust_gui.features.execution import free_memory, is_out_of_memory

        images = self._sampled(images)
        key = self._key(images)
        known = self._known(key)
        if known is not None:
            return known
        device = pick_device(self._place.device, self._sink)
        try:
            return self._trained(images, device, key)
        except (RuntimeError, MemoryError, ClusteringError) as error:
            reason = error.__cause__ or error
            if device.kind is DeviceKind.CPU or not is_out_of_memory(reason):
                raise
        free_memory(device)
        text = f"{device.name}: its memory is too small for the training. The processor is used."
        self._sink(Notice(Severity.WARNING, text))
        return self._trained(images, cpu_device(), key)

    # -- before ------------------------------------------------------------------------------

    def _sampled(self, images: TuningImages) -> TuningImages:
        n = len(images.files)
        if n < FEWEST_IMAGES:
            raise ClusteringError(
                f"A backbone cannot learn from {n} images.",
                f"Training takes at least {FEWEST_IMAGES}.",
                "Cluster them without --finetune.",
            )
        if images.labels.max(initial=0) < 1:
            raise ClusteringError(
                "A backbone cannot learn from a single cluster.",
                "It is trained to tell clusters apart.",
                "Ask for two or more clusters, or cluster without --finetune.",
            )
        if n <= self._wishes.most_images:
            return images
        random = np.random.default_rng(self._seed)
        rows = np.sort(random.choice(n, self._wishes.most_images, replace=False))
        return images.at(rows.astype(np.int32))

    def _key(self, images: TuningImages) -> str:
        """Everything the trained backbone depends on, as text."""
        data = hashlib.blake2b(digest_size=16)
        for content in images.contents:
            data.update(content)
        data.update(np.ascontiguousarray(images.labels).tobytes())
        wishes = self._wishes
        used = {
            "code": CODE,
            "base": self._place.spec.fingerprint,
            "images": data.hexdigest(),
            "method": wishes.method,
            "blocks": wishes.blocks,
            "epochs": wishes.epochs,
            "views": wishes.views,
            "batch_size": wishes.batch_size,
            "rate": wishes.rate,
            "seed": self._seed,
            "device": self._place.device,
        }
        return json.dumps(used, sort_keys=True)

    def _known(self, key: str) -> TuningFacts | None:
        """The outcome of the same training, done before."""
        from dclust_gui.domain.errors import StorageError

        path = self._place.models.path(key)
        if not path.is_file():
            return None
        try:
            facts = self._place.models.facts(path)
        except StorageError:
            return None
        numbers = facts.get("outcome")
        if not isinstance(numbers, dict) or "name" not in facts:
            return None
        try:
            known = TuningFacts(
                self._wishes.method,
                self._place.spec.name,
                str(facts["name"]),
                tuple(str(b) for b in numbers.pop("blocks", ())),
                **numbers,
            )
        except TypeError:  # of another version: it is trained anew
            return None
        text = f"These images were trained on before: {known.name} is used again."
        self._sink(Notice(Severity.INFO, text))
        return known

    def _network(self, device: Device) -> TuningNetwork:
        from dclust_gui.features.tuning import TuningNetwork

        return TuningNetwork(self._place.spec, device, self._wishes.blocks)

    def _foretold(
        self,
        network: TuningNetwork,
        device: Device,
        files: Sequence[Path],
        n_images: int,
        tick: Callable[[], None],
    ) -> TuningEstimate:
        """Read a few files, do a few steps, and reckon."""
        from dclust_gui.algorithms.deep.tuning_probe import time_steps
        from dclust_gui.algorithms.deep.tuning_views import FixedViews, ViewPlan
        from dclust_gui.compute.devices import DeviceKind

        is_cpu = device.kind is DeviceKind.CPU
        source = self._source()
        begun = time.perf_counter()
        found = list(source.batches(files[:PROBED], _TAKEN))
        decoded = (time.perf_counter() - begun) / max(1, min(len(files), PROBED))
        pictures = found[0].pixels if found else np.zeros((2, *source.size, 3), np.uint8)
        size, name = self._place.spec.input_size, device.torch_name
        probe = ViewPlan(3 * len(pictures), size, name, n_views=2)
        views = FixedViews(probe, network.maps)
        views.take(pictures)
        tick()
        begun = time.perf_counter()
        views.take(pictures)
        views.take(pictures)
        embedded = (time.perf_counter() - begun) / (6 * len(pictures))
        tick()
        place = PlaceForViews.of(self._place.folder, is_cpu=is_cpu)
        picture_bytes = int(np.prod(source.size)) * 3
        plan = plan_tuning(
            self._wishes,
            n_images,
            views.view_bytes,
            picture_bytes,
            place,
            is_cut=network.is_cut,
        )
        times = time_steps(network.tail, views, min(plan.batch_size, 16), name, tick)
        measured = MeasuredTimes(decoded, embedded, times.trained, times.looked_at)
        seconds = estimate_seconds(plan, measured, n_images)
        return TuningEstimate(plan, seconds, device.name, is_cpu)

    def _source(self) -> PictureSource:
        return PictureSource(self._place.reader, self._place.spec, self._token, self._place.threads)

    # -- the work ----------------------------------------------------------------------------

    def _trained(self, images: TuningImages, device: Device, key: str) -> TuningFacts:
        """Measure, ask, read, train, keep."""
        from dclust_gui.engine.tuning_progress import TuningFollower

        set_torch_threads(thread_budget())
        follower = TuningFollower(
            images.features, self._wishes.method, self._seed, self._sink, self._token
        )
        network = self._network(device)
        tick = self._token.checkpoint
        foretold = self._foretold(network, device, images.files, len(images.files), tick)
        self._ask(foretold)
        begun, plan = time.perf_counter(), foretold.plan
        if plan.n_images < len(images.files):
            random = np.random.default_rng(self._seed)
            rows = np.sort(random.choice(len(images.files), plan.n_images, replace=False))
            images = images.at(rows.astype(np.int32))
        folder = self._place.folder if plan.is_on_disk else None
        _remove_left_over(self._place.folder)
        with tempfile.TemporaryDirectory(
            prefix=_VIEWS_PREFIX, dir=folder, ignore_cleanup_errors=True
        ) as name:
            file = Path(name) / "views" if plan.is_on_disk else None
            views, images = self._taken(network, device, images, plan, file, follower)
            tuned = self._fit(network, device, images, plan, views, follower)
            del views
        follower.finish()
        facts = TuningFacts(
            self._wishes.method,
            self._place.spec.name,
            "",
            network.blocks,
            len(images.files),
            plan.views,
            plan.epochs,
            tuned.steps,
            tuned.best_step,
            round(tuned.start_agreement, 4),
            round(tuned.agreement, 4),
            round(time.perf_counter() - begun, 2),
            round(foretold.seconds, 1),
            device.name,
            tuned.note,
            tuned.is_refused,
        )
        if facts.note:
            level = Severity.WARNING if facts.is_refused else Severity.INFO
            self._sink(Notice(level, facts.note))
        return facts if facts.is_refused else self._kept(network, images, facts, key)

    def _ask(self, foretold: TuningEstimate) -> None:
        """Tell how long it will take; on the processor, ask."""
        if foretold.seconds >= _SHORT_S:
            level = Severity.WARNING if foretold.is_cpu else Severity.INFO
            self._sink(Notice(level, foretold.text, is_passing=True))
        approve = self._place.approve
        if foretold.is_cpu and approve is not None and not approve(foretold):
            raise Cancelled

    def _taken(
        self,
        network: TuningNetwork,
        device: Device,
        images: TuningImages,
        plan: TuningPlan,
        file: Path | None,
        follower: TuningFollower,
    ) -> tuple[FixedViews | FreshViews, TuningImages]:
        """Decode all pictures; gives their views and those images that could be read."""
        from dclust_gui.algorithms.deep.tuning_views import FixedViews, FreshViews, ViewPlan

        def embed(pixels: Tensor) -> Tensor:
            self._token.checkpoint()  # all views of a few images take longer than a cancel may
            return network.maps(pixels)

        kind = FixedViews if plan.views else FreshViews
        n, size = len(images.files), self._place.spec.input_size
        views = kind(
            ViewPlan(n, size, device.torch_name, self._seed, max(2, plan.views), file),
            embed,
        )
        source = self._source()
        rows: list[NDArray[np.int32]] = []
        set_torch_threads(max(1, thread_budget() - 1))
        try:
            for batch in source.batches(images.files, _TAKEN):
                views.take(batch.pixels)
                rows.append(batch.rows)
                follower.has_read(int(batch.rows[-1]) + 1, n)
        finally:
            set_torch_threads(thread_budget())
        if source.n_unreadable:
            text = f"{source.n_unreadable:,} files could not be read again; training without them."
            self._sink(Notice(Severity.WARNING, text))
        left = images.at(np.concatenate(rows) if rows else np.empty(0, np.int32))
        return views, self._sampled(left)

    def _fit(
        self,
        network: TuningNetwork,
        device: Device,
        images: TuningImages,
        plan: TuningPlan,
        views: FixedViews | FreshViews,
        follower: TuningFollower,
    ) -> Tuned:
        from dclust_gui.algorithms.deep.finetuning import TuningSettings, fine_tune
        from dclust_gui.algorithms.deep.progress import Progress

        follower.learns_from(images.features)
        settings = TuningSettings(
            self._wishes.method,
            int(images.labels.max()) + 1,
            plan.epochs,
            plan.batch_size,
            self._wishes.rate,
            self._seed,
        )
        progress = Progress(follower, self._token.checkpoint)
        return fine_tune(
            network.tail,
            views,
            images.features.astype(np.float32),
            images.labels,
            settings,
            progress,
            device.torch_name,
        )

    # -- after -------------------------------------------------------------------------------

    def _kept(
        self, network: TuningNetwork, images: TuningImages, facts: TuningFacts, key: str
    ) -> TuningFacts:
        """Write the trained backbone; gives the facts with its name."""
        if facts.note:  # stopped early: another result than that of the whole training
            key = json.dumps({**json.loads(key), "stopped": facts.steps}, sort_keys=True)
        digest = hashlib.blake2b(key.encode(), digest_size=3).hexdigest()
        name = f"{TUNED_PREFIX}{_slug(images.title)}-{facts.method}-{digest}"
        kept = replace(facts, name=name)
        spec = self._place.spec
        outcome = {
            field: getattr(kept, field)
            for field in (
                "images",
                "views",
                "epochs",
                "steps",
                "best_step",
                "agreement_start",
                "agreement",
                "device",
                "note",
            )
        }
        self._place.models.put(
            key,
            network.save,
            {
                "name": name,
                "base": spec.name,
                "base_fingerprint": spec.fingerprint,
                "timm_name": spec.timm_name,
                "any_size": self._place.is_any_size,
                "created": datetime.now().astimezone().isoformat(timespec="seconds"),
                "images": kept.images,
                "clusters": int(images.labels.max()) + 1,
                "seed": self._seed,
                "trained_from": json.loads(key),
                "outcome": {**outcome, "blocks": list(kept.blocks)},
            },
        )
        return kept


def _remove_left_over(folder: Path) -> None:
    """Delete views of trainings that were killed, a day ago or longer."""
    for left in folder.glob(f"{_VIEWS_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def _slug(title: str) -> str:
    """A name that every shell takes without quotes."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:24] or "images"

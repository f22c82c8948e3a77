"""The head stage: a small network learns from the features, watched, stoppable, measured."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import ClusteringError, StorageError
from dclust_gui.domain.events import Notice, Severity, Stage, TrainingProgressed
from dclust_gui.domain.runs import NO_HEAD, Sizes
from dclust_gui.engine.evenness import even_labels
from dclust_gui.engine.isolation import Fitted
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.requests import HeadFacts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.algorithms.deep.base import DeepClusterer
    from dclust_gui.algorithms.deep.progress import TrainingStep
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.runs import RunSettings
    from dclust_gui.storage.model_files import ModelFiles

LEAST_OWN_SHARE = 0.9
"""A head that would place fewer of its own images where they are is not kept for new ones."""

FEWEST_IMAGES = 10
"""With fewer images nothing can be learnt."""

QUALITY_SAMPLE = 1_500
"""Images on which the clusters are measured while a head trains."""

_PARTS = {"pretraining": (0.0, 0.6), "start": (0.6, 0.7), "clustering": (0.7, 1.0)}
"""Which part of the whole training a phase is, about."""

_PARTS_ALONE = {"start": (0.0, 0.2), "clustering": (0.2, 1.0)}
"""The same for heads that nothing is pretrained for."""

_LEAST_GAP_S = 0.05
_MEASURE_GAP_S = 0.5
_MEASURE_SHARE = 0.1
"""Measuring takes at most this share of the training's time."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPlace:
    """Where a head trains, and where it is kept.

    Attributes:
        device: auto, cpu, cuda or mps.
        models: Keeps trained models; None keeps none.
        source: What the features are, as text: the same text, the same rows.
        backbone: Fingerprint of the backbone.
    """

    device: str = "auto"
    models: ModelFiles | None = None
    source: str = ""
    backbone: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A head after its training.

    Attributes:
        embedding: float32 (m, z), where the head puts the images.
        found: The head's own clusters; None where it gives none or a method was named.
        facts: For the report, without its file.
        estimator: The head itself.
        errors: float32 (m,), reconstruction errors; None where the head gives none.
    """

    embedding: NDArray[np.float32]
    found: Fitted | None
    facts: HeadFacts
    estimator: DeepClusterer
    errors: NDArray[np.float32] | None = None


def gives_labels(name: str) -> bool:
    """Whether a head groups the images itself; True for no other name than a head's."""
    from dclust_gui.algorithms.registry import head

    return name != NO_HEAD and head(name).gives_labels


def uses_own_labels(settings: RunSettings) -> bool:
    """Whether a run's clusters come from its head: no method was named, and the head has some."""
    return settings.head != NO_HEAD and settings.algorithm == "auto"


def check_head(settings: RunSettings) -> None:
    """Refuse a head or a setting of it that does not exist, before any work.

    Raises:
        InputError: If so.
    """
    from dclust_gui.algorithms.registry import head, heads
    from dclust_gui.domain.errors import InputError

    if settings.head == NO_HEAD:
        if settings.head_parameters:
            name = next(iter(settings.head_parameters))
            raise InputError(f"Could not set 'head.{name}'.", "The run has no head.", "Name one.")
        return
    names = [NO_HEAD, *(h.name for h in heads())]
    if settings.head not in names:
        raise InputError(
            f"There is no --head '{settings.head}'.", "", f"Choose one of: {', '.join(names)}."
        )
    chosen = head(settings.head)
    meant = set(settings.method_parameters) & {p.name for p in chosen.parameters}
    if meant and settings.algorithm == "auto" and chosen.gives_labels:
        name = min(meant)
        raise InputError(
            f"Could not set '{name}'.",
            f"{chosen.title} groups the images itself, so there is no method to set it for.",
            f"The head's own is named head.{name}.",
        )
    chosen.parse(settings.head_parameters)


def train_head(
    rows: NDArray[np.float32],
    settings: RunSettings,
    k: int | None,
    place: TrainingPlace,
    sink: EventSink,
    token: CancelToken,
) -> Trained:
    """Train the head that the settings name.

    Args:
        rows: float32 (m, d), the space it learns from.
        settings: Resolved settings.
        k: Number of clusters; None for a head that finds it.
        place: Where to train.
        sink: Takes messages, the points of the curve among them.
        token: Stops, pauses or ends the training early; looked at in every step.

    Raises:
        KnownError: If the head cannot be trained on these rows.
        Cancelled: If the job was cancelled.
    """
    from dclust_gui.algorithms.registry import build_head, head

    if len(rows) < FEWEST_IMAGES:
        raise ClusteringError(
            f"{head(settings.head).title} cannot learn from {len(rows)} images.",
            f"Training takes at least {FEWEST_IMAGES}.",
            "Cluster them without a head.",
        )
    started = time.perf_counter()
    pretrains = any(p.name == "pretraining" for p in head(settings.head).parameters)
    parts = _PARTS if pretrains else _PARTS_ALONE
    follower = Follower(rows, settings, sink, token, parts)
    estimator = build_head(
        settings.head,
        n_clusters=k,
        random_state=settings.seed,
        device=place.device,
        params=settings.head_parameters,
    )
    estimator.fit(rows, callback=follower, tick=token.checkpoint)
    follower.finish()
    facts = _facts(estimator, settings, follower, time.perf_counter() - started)
    if facts.note:
        level = Severity.WARNING if facts.collapsed else Severity.INFO
        sink(Notice(level, facts.note))
    embedding = np.ascontiguousarray(estimator.embedding_, np.float32)
    found = None
    if uses_own_labels(settings):
        labels = np.asarray(estimator.labels_, np.int32)
        soft = np.asarray(estimator.soft_assignments_)
        if settings.sizes == Sizes.EVEN:
            labels = even_labels(soft, labels)
        confidence = soft_confidence(soft, labels)
        found = Fitted(labels, confidence, None, embedding, "")
    errors = getattr(estimator, "reconstruction_errors_", None)
    errors = None if errors is None else np.asarray(errors, np.float32)
    return Trained(embedding, found, facts, estimator, errors)


def soft_confidence(soft: NDArray[np.floating], labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """How clearly each image belongs to its cluster rather than the next best one.

    Args:
        soft: (m, k), memberships, rows sum to 1.
        labels: int32 (m,), the columns of the images' own clusters; negative for none.

    Returns:
        float32 (m,) in [0, 1]: 1 less the ratio of the best other membership to the own one.
    """
    from dclust_gui.algorithms.base import confidence_from_margin

    every = np.arange(len(labels))
    column = np.maximum(labels, 0)
    others = soft.astype(np.float64)
    own = others[every, column].copy()
    others[every, column] = 0.0
    confidence = confidence_from_margin(others.max(axis=1), own)
    confidence[labels < 0] = 0.0
    return confidence


def keep_model(
    trained: Trained,
    settings: RunSettings,
    features: NDArray[np.float16],
    labels: NDArray[np.int32],
    place: TrainingPlace,
    sink: EventSink,
) -> HeadFacts:
    """Keep a trained head for later images where it can place them by their features alone.

    A disk that is full costs a warning only. A head whose training collapsed or was ended before
    it began has the clusters of its start, which it may not tell apart itself: it is not kept.

    Args:
        trained: The head.
        settings: Resolved settings.
        features: float16 (m, d), as stored.
        labels: int32 (m,), the run's clusters.
        place: Where to keep it.
        sink: Takes messages.

    Returns:
        What the report tells, with the head's file.
    """
    from dclust_gui.algorithms.deep.saving import save_model
    from dclust_gui.algorithms.distances import scale_features

    facts = trained.facts
    if place.models is None or trained.found is None or settings.reduce != "none":
        return facts
    if _own_share(trained) < LEAST_OWN_SHARE:
        return facts
    scale = scale_features(features, settings.scale)[1]
    kept: dict[str, object] = {
        "head": settings.head,
        "backbone": place.backbone,
        "scale": {
            "how": str(scale.how),
            "offset": scale.offset.tolist(),
            "factor": scale.factor.tolist(),
        },
        "clusters": _run_numbers(trained.found.labels, labels),
    }
    try:
        path = place.models.put(
            _key(settings, facts, place), lambda path: save_model(trained.estimator, path), kept
        )
    except StorageError as error:
        sink(Notice(Severity.WARNING, str(error)))
        return facts
    return replace(facts, model=str(path))


def _own_share(trained: Trained) -> float:
    """Share of the images that the head itself puts where the run has them."""
    labels = np.asarray(trained.estimator.labels_)
    best = np.asarray(trained.estimator.soft_assignments_).argmax(axis=1)
    is_placed = labels >= 0
    return float((best == labels)[is_placed].mean()) if is_placed.any() else 0.0


def predict_labels(
    models: ModelFiles, path: Path, features: NDArray[np.float16], backbone: str = ""
) -> NDArray[np.int32]:
    """The clusters in which a trained head puts new images.

    Args:
        models: Where it is kept.
        path: Its file, as the run's report names it.
        features: float16 (m, d), of the same backbone.
        backbone: Fingerprint of the features' backbone, compared with the head's; empty for no
            comparison.

    Returns:
        int32 (m,), numbered as the run's clusters; -1 for a cluster that had no image then.

    Raises:
        StorageError: If the model cannot be read.
        ClusteringError: If the features do not fit it.
    """
    from dclust_gui.algorithms.deep.saving import load_model
    from dclust_gui.algorithms.distances import FeatureScale, Scaling

    facts = models.facts(path)
    if backbone and facts.get("backbone") != backbone:
        raise ClusteringError(
            f"Could not use the trained model {path.name}.",
            "It was trained on the features of another backbone.",
            "Describe the images with the backbone of the run that trained it.",
        )
    damaged = StorageError(f"Could not read the trained model {path}.", "Its facts are damaged.")
    try:
        kept, clusters = facts["scale"], facts["clusters"]
        if not isinstance(kept, dict) or not isinstance(clusters, list):
            raise damaged
        offset, factor = (np.array(kept[name], np.float64) for name in ("offset", "factor"))
        scale = FeatureScale(Scaling(kept["how"]), offset, factor)
        numbers = np.array(clusters, np.int32)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise damaged from error
    model = load_model(path)
    width = int(model.n_features_in_)
    if features.ndim != 2 or features.shape[1] != width:
        raise ClusteringError(
            f"Could not use the trained model {path.name}.",
            f"It takes {width} features of an image, not {features.shape[-1]}.",
            "Describe the images with the backbone of the run that trained it.",
        )
    fits = all(part.shape in ((0,), (width,)) for part in (scale.offset, scale.factor))
    count = len(np.asarray(getattr(model, "cluster_centers_", ())))
    if not fits or numbers.ndim != 1 or len(numbers) > count:
        raise damaged
    found = model.predict(scale.apply(features))
    # clusters after the last that had an image have no number
    known = np.concatenate([numbers, np.full(count + 1 - len(numbers), -1, np.int32)])
    result: NDArray[np.int32] = known[found]
    return result


def _key(settings: RunSettings, facts: HeadFacts, place: TrainingPlace) -> str:
    """Everything a model depends on, as text."""
    used = {
        "source": place.source,
        "head": settings.head,
        "parameters": settings.head_parameters,
        "k": facts.n_clusters,
        "scale": settings.scale,
        "sizes": settings.sizes,
        "seed": settings.seed,
        "device": place.device,
    }
    return json.dumps(used, sort_keys=True)


def _run_numbers(own: NDArray[np.int32], labels: NDArray[np.int32]) -> list[int]:
    """The run's number of each of the head's clusters; -1 for one without images."""
    numbers = np.full(int(own.max()) + 1, -1, np.int32)
    numbers[own[own >= 0]] = labels[own >= 0]
    return [int(number) for number in numbers]


def _facts(
    estimator: DeepClusterer, settings: RunSettings, follower: Follower, seconds: float
) -> HeadFacts:
    from dclust_gui.algorithms.measures import external_measures

    labels = np.asarray(estimator.labels_, np.int32)
    start = np.asarray(estimator.start_labels_, np.int32)
    agreement = external_measures(labels, start)
    last = estimator.history_[-1].losses if estimator.history_ else {}
    return HeadFacts(
        name=settings.head,
        n_clusters=int(np.asarray(estimator.soft_assignments_).shape[1]),
        losses={name: float(value) for name, value in last.items() if math.isfinite(value)},
        steps=int(estimator.n_iter_),
        note=str(estimator.note_),
        collapsed=bool(estimator.collapsed_),
        stopped_early=follower.stopped,
        start_agreement=float(agreement.accuracy),
        start_nmi=float(agreement.nmi),
        quality_start=follower.measure(start),
        quality_end=follower.measure(labels),
        seconds=seconds,
        threshold=float(getattr(estimator, "threshold_", math.nan)),
        prototypes=_prototypes(estimator),
    )


def _prototypes(estimator: DeepClusterer) -> tuple[int, ...]:
    """Rows of the images that a head that makes images finds typical, cluster by cluster."""
    found = np.ravel(getattr(estimator, "prototypes_", np.empty(0, np.int32)))
    return tuple(int(row) for row in found if row >= 0)


class Follower:
    """Turns a training's reports into progress and points of the curve.

    Args:
        rows: float32 (m, d), the space in which clusters are measured.
        settings: Name what trains, and the seed of the sample that is measured.
        sink: Takes messages.
        token: Looked at in every report.
        parts: Which part of the whole training a phase is, about; by its name.
    """

    def __init__(
        self,
        rows: NDArray[np.float32],
        settings: RunSettings,
        sink: EventSink,
        token: CancelToken,
        parts: Mapping[str, tuple[float, float]] = _PARTS,
    ) -> None:
        self.stopped = False
        self._parts = parts
        self._settings = settings
        self._sink = sink
        self._token = token
        self._meter = StageMeter(Stage.HEAD, 1000, sink, token)
        random = np.random.default_rng(settings.seed)
        n_sample = min(len(rows), QUALITY_SAMPLE)
        self._sample = np.sort(random.choice(len(rows), n_sample, replace=False))
        self._rows = rows[self._sample]
        self._done = 0.0
        self._sent_at = -math.inf
        self._measure_at = -math.inf
        self._held: TrainingProgressed | None = None

    def __call__(self, step: TrainingStep) -> bool:
        """Take a report; True asks the head to stop and keep its best state."""
        self._token.checkpoint()
        low, high = self._parts.get(step.phase, self._parts["clustering"])
        share = min(1.0, step.step / max(step.steps, 1))
        self._done = max(self._done, low + (high - low) * share)
        self._meter.set(min(999, int(1000 * self._done)), 1000)
        self._send(self._point(step))
        self.stopped = self._token.is_ending_early
        return self.stopped

    def finish(self) -> None:
        """Send what was held back, and the end of the stage."""
        if self._held is not None:
            self._sink(self._held)
        self._meter.finish()

    def measure(self, labels: NDArray[np.int32]) -> float:
        """Mean silhouette of clusters on the sample, in the features; nan with fewer than two."""
        from dclust_gui.algorithms.internal import silhouette_values

        found = silhouette_values(self._rows, labels[self._sample])
        known = found[np.isfinite(found)]
        return float(known.mean()) if len(known) else math.nan

    def _point(self, step: TrainingStep) -> TrainingProgressed:
        losses = tuple((n, float(v)) for n, v in step.losses.items() if math.isfinite(v))
        return TrainingProgressed(
            self._settings.head,
            step.phase,
            step.detail,
            step.step,
            step.steps,
            self._done,
            losses,
            step.label_change,
            step.occupied,
            self._quality(step.labels),
        )

    def _quality(self, labels: NDArray[np.int32] | None) -> float | None:
        """The clusters' quality now, unless it was measured a moment ago."""
        begun = time.perf_counter()
        if labels is None or begun < self._measure_at:
            return None
        value = self.measure(np.asarray(labels))
        now = time.perf_counter()
        self._measure_at = now + max(_MEASURE_GAP_S, (now - begun) / _MEASURE_SHARE)
        return value if math.isfinite(value) else None

    def _send(self, point: TrainingProgressed) -> None:
        now = time.perf_counter()
        if point.quality is None and now - self._sent_at < _LEAST_GAP_S:
            self._held = point
            return
        self._held = None
        self._sent_at = now
        self._sink(point)

"""Distils a finished clustering into a student: a small classifier that sorts other images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui import __version__
from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.errors import BackboneError, InputError, StorageError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.outputs import check_output
from dclust_gui.services.session import now
from dclust_gui.services.teaching import network_meter, titles_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.algorithms.student.classifier import StudentClassifier
    from dclust_gui.algorithms.student.files import StudentFacts, TaughtStudent
    from dclust_gui.algorithms.student.onnx_student import Sight
    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.runs import Run
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.features.backbones import BackboneSpec
    from dclust_gui.services.snapshot import Snapshot

SUFFIXES = (".pt", ".onnx")


@dataclass(frozen=True, slots=True)
class Lesson:
    """How a student is taught.

    Attributes:
        kind: mlp or linear.
        precision: Share of what it sorts that shall be right.
        folds: Folds by which it is measured.
        seed: For everything random.
    """

    kind: str = "mlp"
    precision: float = 0.95
    folds: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class DistilJob:
    """Teach a student the present clusters, what a person decided weighted five times.

    Attributes:
        engine: Gives the features.
        snapshot: The project.
        name: The project's name, kept with the student.
        lesson: How.
        title: What it does.
    """

    engine: Engine
    snapshot: Snapshot
    name: str = ""
    lesson: Lesson = Lesson()
    title: str = "Teaching a classifier"

    def run(self, sink: EventSink, token: CancelToken) -> TaughtStudent:
        """Do it; any thread.

        Raises:
            InputError: If there is no run, or no image is in a cluster.
            ClusteringError: If fewer than two clusters have enough images.
            FeaturesMissingError: If features of the run are not in the cache any more.
            BackboneError: If the run's backbone is not on this computer any more.
            Cancelled: If the token says so.
        """
        from dclust_gui.algorithms.distances import scale_features
        from dclust_gui.algorithms.student.classifier import StudentClassifier
        from dclust_gui.algorithms.student.files import TaughtStudent

        run, state = self.snapshot.run, self.snapshot.clustering
        if run is None:
            raise InputError(
                "There is nothing to distil.", "No run has been accepted yet.", "Cluster first."
            )
        if not (state.labels != UNASSIGNED).any():
            raise InputError(
                "There is nothing to distil.",
                "All images are Unassigned.",
                "Move some into clusters, or undo what emptied them.",
            )
        spec = backbone_of(self.engine, run)
        images = self._images(run)
        features = self._features(run, images)
        rows, scale = scale_features(features, run.settings.scale)
        del features
        token.checkpoint()
        meter = StageMeter(Stage.HEAD, 0, sink, token)
        said = np.uint8(ImageFlag.HAND_PLACED | ImageFlag.APPROVED)
        edited = (state.flags[images] & said) != 0
        taught = state.labels[images] != UNASSIGNED
        student = StudentClassifier(
            self.lesson.kind,
            folds=self.lesson.folds,
            precision=self.lesson.precision,
            random_state=self.lesson.seed,
            device="auto",
        )
        student.fit(
            rows[taught],
            state.labels[images][taught],
            edited=edited[taught],
            callback=network_meter(meter.set),
            tick=token.checkpoint,
        )
        meter.finish()
        student.held_out_proba_ = student.held_out_proba_[:0]  # of no use outside
        facts = self._facts(run, spec, student, (int(taught.sum()), int(edited[taught].sum())))
        return TaughtStudent(student, scale, facts)

    def _images(self, run: Run) -> NDArray[np.int32]:
        """Images of the run, then those that came later and have features."""
        records = self.snapshot.images
        has = self.engine.has_features(run.backbone, [r.content for r in records])
        later = np.setdiff1d(np.flatnonzero(has), run.images)
        return np.concatenate([run.images, later]).astype(np.int32)

    def _features(self, run: Run, images: NDArray[np.int32]) -> NDArray[np.float16]:
        records = self.snapshot.images
        return self.engine.stored_features(
            run.backbone, [records[i].content for i in images.tolist()]
        )

    def _facts(
        self, run: Run, spec: BackboneSpec, student: StudentClassifier, counts: tuple[int, int]
    ) -> StudentFacts:
        from dclust_gui.algorithms.student.files import StudentFacts, TaughtCluster

        state = self.snapshot.clustering
        sizes = state.counts()
        clusters = [state.clusters[int(key)] for key in student.classes_.tolist()]
        return StudentFacts(
            dclust=__version__,
            created=now(),
            project=self.name,
            backbone=run.settings.backbone,
            fingerprint=spec.fingerprint,
            timm_name=spec.timm_name,
            quality=run.settings.quality,
            input_size=spec.input_size,
            crop_pct=spec.crop_pct,
            mean=spec.mean,
            std=spec.std,
            interpolation=spec.interpolation,
            clusters=tuple(TaughtCluster(c.id, c.name, c.colour, sizes[c.id]) for c in clusters),
            left_out=tuple(titles_of(state, student.left_out_.tolist())),
            n_images=counts[0],
            n_edited=counts[1],
        )


def backbone_of(engine: Engine, run: Run) -> BackboneSpec:
    """The backbone that a run's features come from.

    Raises:
        BackboneError: If it is not on this computer, or has become another one.
    """
    spec = engine.backbone(RunRequest((), run.settings))
    if spec.fingerprint != run.backbone:
        raise BackboneError(
            f"The backbone '{run.settings.backbone}' is not the one that the last run used.",
            f"Its fingerprint is {spec.fingerprint[:12]}, the run's {run.backbone[:12]}.",
            "Cluster again, then distil.",
        )
    return spec


def check_model_path(path: Path) -> None:
    """Find out before any work that a model cannot be written there.

    Raises:
        InputError: If its ending is neither .pt nor .onnx, or the place cannot be used.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(
            f"The model cannot be written to '{path}'.",
            f"'{path.suffix or path.name}' is no kind of model.",
            "Choose a name that ends in .pt, or in .onnx for other programs.",
        )
    check_output(path, "The model")


def save_student(engine: Engine, taught: TaughtStudent, path: Path) -> str:
    """Write a student whole or not at all; an existing file is replaced.

    Args:
        engine: Knows where the backbone's weights are.
        taught: The student.
        path: Where; `.onnx` holds the backbone, too.

    Returns:
        A note where the backbone could not be written and the graph begins at its features; else
        nothing.

    Raises:
        InputError: If the place or the ending cannot be used.
        BackboneError: If the backbone is not on this computer any more.
        StorageError: If it cannot be written.
    """
    from dclust_gui.algorithms.student.files import student_bytes
    from dclust_gui.algorithms.student.onnx_network import UnknownOperatorError
    from dclust_gui.storage.files import write_file

    check_model_path(path)
    note, suffix = "", path.suffix.lower()
    sight = _sight(engine, taught.facts) if suffix == ".onnx" else None
    try:
        content = student_bytes(taught, suffix, sight)
    except UnknownOperatorError as error:
        content = student_bytes(taught, suffix)
        note = (
            f"The file holds the classifier alone and begins at the features of"
            f" '{taught.facts.timm_name}': the network itself cannot be written ({error})."
        )
    try:
        write_file(path.resolve(), [content])
    except OSError as error:
        raise StorageError(
            f"Could not write the model to '{path}'.", f"{error.strerror or error}."
        ) from error
    return note


def _sight(engine: Engine, facts: StudentFacts) -> Sight:
    """The backbone of a student, as an image passes through it."""
    from dclust_gui.algorithms.student.onnx_student import Sight
    from dclust_gui.features.network import PooledFeatures
    from dclust_gui.features.weights import load_network

    settings = RunSettings(backbone=facts.backbone, quality=facts.quality)
    spec = engine.backbone(RunRequest((), settings))
    network = PooledFeatures(load_network(spec.timm_name, spec.weights_path)).eval()
    return Sight(network, spec.input_size, spec.mean, spec.std, is_twofold=len(spec.views) > 1)

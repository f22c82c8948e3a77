"""A student: a linear or two-layer classifier on frozen features, taught by a finished clustering.

It is taught by cross entropy against the teacher's classes (or probabilities) with label
smoothing (Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016, section 7), on the
most central rows of each class only; rows that a person placed or approved are always taught, and
count five times as much (the confidence filter and the weights of ALGORITHMS.md 4.17).

Five folds do four things at once: they say when to stop (best agreement on rows held out inside
each fold), how good the student is (agreement with the teacher on rows it never saw, apart for
edited rows), how its confidences must be tempered to be probabilities, and from which confidence
on so many of its answers are right. The network that is kept is then taught on all folds together
for the median of their epochs. Soft targets: Hinton, Vinyals, Dean, "Distilling the Knowledge in
a Neural Network", 2015.

Defaults: share 0.6, smoothing 0.1, weight 5 (the specification); Adam with cosine decay, weight
decay 1e-4, about 2,000 steps at most, patience 5 epochs (ours; see `learning`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from dclust_gui.algorithms.base import UnusableDataError
from dclust_gui.algorithms.deep.inputs import finite_rows
from dclust_gui.algorithms.deep.progress import Callback, Progress, Tick
from dclust_gui.algorithms.student.calibration import (
    NEVER,
    calibration_error,
    fit_temperature,
    sorting_threshold,
)
from dclust_gui.algorithms.student.guard import Guard, learn_guard
from dclust_gui.algorithms.student.learning import Learnt, Recipe, logits_of, teach
from dclust_gui.algorithms.student.lessons import Lessons, central_rows, fold_numbers
from dclust_gui.compute.devices import pick_device

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from dclust_gui.algorithms.base import FloatArray
    from dclust_gui.algorithms.deep.networks import DenseLayers

KINDS = ("linear", "mlp")
HIDDEN = 256
HELD_OUT_PARTS = 8
"""One part in so many of what a fold is taught on is held out to stop by."""


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Where new images go.

    Attributes:
        classes: int64 (n,), number in `classes_` of the likeliest class.
        confidence: float32 (n,), its calibrated probability.
        is_unsure: bool (n,), the confidence is below the threshold.
        is_far: bool (n,), the image is unlike all that was taught of the class.
    """

    classes: NDArray[np.int64]
    confidence: NDArray[np.float32]
    is_unsure: NDArray[np.bool_]
    is_far: NDArray[np.bool_]

    @property
    def is_sorted(self) -> NDArray[np.bool_]:
        """The image gets its class: bool (n,); the others are for a person to decide."""
        return ~(self.is_unsure | self.is_far)


class StudentClassifier(ClassifierMixin, BaseEstimator):
    """Classifier taught by clusters: `fit(X, y, *, soft_targets, edited, callback, tick)`.

    Args:
        kind: "mlp" with a hidden layer of 256, which agrees with its teacher on 1 to 3 points
            more of unseen images (RESULTS.md), or "linear".
        core_share: Share of each class, the most central rows, that is taught.
        smoothing: Share of each target spread over all classes, 0 to below 1.
        edit_weight: How many times as much an edited row counts.
        folds: Folds for its measures; below 2 for none, then confidences are not calibrated.
        precision: Share of what it sorts that shall be right; sets `threshold_`.
        least_images: Classes of fewer rows are left out.
        max_epochs: Most epochs of each network; 0 for what makes about 2,000 steps.
        random_state: Seed.
        device: torch device to train on, or "auto".

    Attributes:
        classes_: (k,), sorted, those left out not among them.
        left_out_: Classes with fewer than `least_images` rows.
        network_: Dense layers from features to logits, on the CPU.
        temperature_: What logits are divided by.
        threshold_: Confidence from which on `sort` trusts itself.
        guard_: Where the classes lie; tells images that are unlike all of them.
        accuracy_: Share of unseen rows on which it agrees with the teacher; NaN if unknown.
        edited_accuracy_: The same on edited rows alone.
        calibration_error_: Expected calibration error on unseen rows.
        sorted_share_: Share of unseen rows that it would sort.
        sorted_accuracy_: Share of these on which it agrees with the teacher.
        n_taught_: Rows that the kept network was taught on.
        n_folds_: Folds that there were; fewer than asked for with few images, 0 for none.
        held_out_proba_: float32 (n, k), of each row of X by the fold that had not seen it;
            the kept network's where there were no folds.
        n_iter_: Epochs of the kept network.
        note_: What the user should know; empty for nothing.
    """

    classes_: NDArray[np.generic]
    left_out_: NDArray[np.generic]
    network_: DenseLayers
    temperature_: float
    threshold_: float
    guard_: Guard
    accuracy_: float
    edited_accuracy_: float
    calibration_error_: float
    sorted_share_: float
    sorted_accuracy_: float
    n_taught_: int
    n_folds_: int
    held_out_proba_: NDArray[np.float32]
    n_iter_: int
    note_: str

    def __init__(
        self,
        kind: str = "mlp",
        *,
        core_share: float = 0.6,
        smoothing: float = 0.1,
        edit_weight: float = 5.0,
        folds: int = 5,
        precision: float = 0.95,
        least_images: int = 3,
        max_epochs: int = 0,
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.kind = kind
        self.core_share = core_share
        self.smoothing = smoothing
        self.edit_weight = edit_weight
        self.folds = folds
        self.precision = precision
        self.least_images = least_images
        self.max_epochs = max_epochs
        self.random_state = random_state
        self.device = device

    # -- teaching --------------------------------------------------------------------------

    def fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        *,
        soft_targets: NDArray[np.float32] | None = None,
        edited: NDArray[np.bool_] | None = None,
        typicality: NDArray[np.floating] | None = None,
        callback: Callback | None = None,
        tick: Tick | None = None,
    ) -> Self:
        """Teach it.

        Args:
            X: (n, d) features, finite, scaled as the rest of the program does.
            y: (n,) the teacher's classes.
            soft_targets: float32 (n, classes in y), the teacher's probabilities, in the order of
                the sorted classes of y; None where it has none. Edited rows keep y.
            edited: bool (n,), rows that a person placed or approved.
            typicality: (n,), the more the more central to its class in the teacher's own view;
                NaN where it has none. None for the distance to the class's mean in X.
            callback: Takes a `TrainingStep` now and then.
            tick: Called at every step; may raise `Cancelled`.

        Returns:
            The estimator itself.

        Raises:
            UnusableDataError: If rows or parameters cannot be used, or fewer than two classes
                have enough rows.
            TrainingError: If the training diverges.
        """
        self._check()
        rows = finite_rows(self, X, reset=True, is_float32=True).astype(np.float32, copy=False)
        used, classes, soft = self._classes_of(y, len(rows), soft_targets)
        is_edited = np.zeros(len(rows), bool) if edited is None else np.asarray(edited, bool)
        if is_edited.shape != (len(rows),):
            raise _refused(f"There are {len(rows)} rows, but {len(is_edited)} marks of edits.")
        random = check_random_state(self.random_state)
        typical = None if typicality is None else np.asarray(typicality, np.float64)[used]
        lessons, scale = self._lessons(rows[used], classes, soft, is_edited[used], typical)
        device = pick_device(self.device).torch_name
        progress = Progress(callback, tick)
        found = self._measure(lessons, device, progress, random)
        self.held_out_proba_ = np.zeros((len(rows), len(self.classes_)), np.float32)
        taught = np.flatnonzero(lessons.is_core)
        nothing = np.empty(0, np.int64)
        recipe = Recipe(self._widths(), self.smoothing, device, found.epochs, self.max_epochs)
        seed = int(random.randint(2**31 - 1))
        learnt = teach(lessons, taught, nothing, recipe, progress, seed=seed, detail="all folds")
        self.n_taught_, self.n_iter_ = len(taught), learnt.epochs
        self.network_ = _unscaled(learnt.network, scale)
        self.guard_ = learn_guard(rows[used], classes, len(self.classes_))
        if found.logits is None:
            self.held_out_proba_[:] = self._probabilities(rows)
        else:
            self.held_out_proba_[used] = softmax(found.logits / self.temperature_, axis=1)
            rest = np.ones(len(rows), bool)
            rest[used] = False
            if rest.any():
                self.held_out_proba_[rest] = self._probabilities(rows[rest])
        return self

    def _check(self) -> None:
        if self.kind not in KINDS:
            raise _refused(f"There is no kind {self.kind!r}; there are {', '.join(KINDS)}.")
        if not 0.0 < self.core_share <= 1.0 or not 0.0 <= self.smoothing < 1.0:
            raise _refused("core_share must be above 0 to 1, smoothing 0 to below 1.")
        if not self.edit_weight > 0.0 or not 0.0 < self.precision <= 1.0:
            raise _refused("edit_weight must be above 0, precision above 0 to 1.")

    def _classes_of(
        self, y: ArrayLike, n_rows: int, soft: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32] | None]:
        """Rows whose class is large enough, their classes, and their soft targets."""
        if y is None:
            raise _refused("It requires y to be passed, but the target y is None.")
        labels = np.asarray(y)
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise _refused("Input y contains NaN or infinity.")
        check_classification_targets(labels)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = _flattened(labels)
        if labels.shape != (n_rows,):
            raise _refused(f"There are {n_rows} rows, but classes of shape {labels.shape}.")
        every, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        is_large = sizes >= max(1, self.least_images)
        self.classes_, self.left_out_ = every[is_large], every[~is_large]
        if is_large.sum() < 2:
            raise UnusableDataError(
                "Could not teach a classifier.",
                f"It needs two classes of at least {max(1, self.least_images)} images; there is"
                f" {'only 1 class' if is_large.any() else 'none'}.",
                "Make more clusters, or put more images into them.",
            )
        renumbered = np.cumsum(is_large) - 1
        used = np.flatnonzero(is_large[numbers])
        if soft is not None:
            soft = np.asarray(soft, np.float32)
            if soft.shape != (n_rows, len(every)) or not np.isfinite(soft).all():
                raise _refused("The soft targets do not fit the rows and classes.")
            soft = soft[used][:, is_large]
            soft = soft / np.maximum(soft.sum(axis=1, keepdims=True), 1e-12)
        return used, renumbered[numbers[used]].astype(np.int64), soft

    def _lessons(
        self,
        rows: NDArray[np.float32],
        classes: NDArray[np.int64],
        soft: NDArray[np.float32] | None,
        is_edited: NDArray[np.bool_],
        typical: NDArray[np.float64] | None,
    ) -> tuple[Lessons, tuple[NDArray[np.float32], float]]:
        """Rows with zero mean and unit spread, and what was done to them."""
        count = len(self.classes_)
        mean = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        changed = rows - mean
        spread = float(changed.std(dtype=np.float64))
        factor = 1.0 / spread if spread > 1e-12 else 1.0
        changed *= np.float32(factor)
        is_core = central_rows(rows, classes, count, self.core_share, typical) | is_edited
        weights = np.where(is_edited, self.edit_weight, 1.0).astype(np.float32)
        if soft is not None:
            given = np.flatnonzero(is_edited | (soft.sum(axis=1) <= 0))
            soft[given] = 0.0
            soft[given, classes[given]] = 1.0
        return Lessons(changed, classes, soft, is_edited, is_core, weights), (mean, factor)

    def _widths(self) -> tuple[int, ...]:
        hidden = (HIDDEN,) if self.kind == "mlp" else ()
        return (int(self.n_features_in_), *hidden, len(self.classes_))

    def _measure(
        self, lessons: Lessons, device: str, progress: Progress, random: np.random.RandomState
    ) -> _Measured:
        """Teach the folds; sets the measures, temperature and threshold."""
        classes = lessons.classes
        n_folds = min(int(self.folds), int(np.bincount(classes).max()), len(classes) // 2)
        self.note_ = ""
        self.n_folds_ = n_folds if n_folds > 1 else 0
        if n_folds < 2:
            self.accuracy_ = self.edited_accuracy_ = self.calibration_error_ = float("nan")
            self.sorted_share_ = self.sorted_accuracy_ = float("nan")
            self.temperature_, self.threshold_ = 1.0, self.precision
            self.note_ = "It was not measured, so its confidences are not calibrated."
            return _Measured(self._stop_epoch(lessons, device, progress, random), None)
        folds = fold_numbers(classes, n_folds, random)
        logits = np.zeros((len(classes), len(self.classes_)), np.float32)
        epochs = []
        for fold in range(n_folds):
            seed = int(random.randint(2**31 - 1))
            own = np.flatnonzero(folds != fold)
            learnt = self._fold(lessons, own, device, progress, seed, f"{fold + 1} of {n_folds}")
            unseen = folds == fold
            logits[unseen] = logits_of(learnt.network, lessons.rows[unseen], device)
            epochs.append(learnt.epochs)
        self._judge(lessons, folds, logits)
        return _Measured(max(1, int(np.median(epochs))), logits)

    def _fold(
        self,
        lessons: Lessons,
        own: NDArray[np.int64],
        device: str,
        progress: Progress,
        seed: int,
        detail: str,
    ) -> Learnt:
        """Teach one network, stopped by rows held out from its own."""
        random = np.random.RandomState(seed)
        parts = fold_numbers(lessons.classes[own], HELD_OUT_PARTS, random)
        held_out, rest = own[parts == 0], own[parts != 0]
        taught = rest[lessons.is_core[rest]]
        if not len(taught):
            taught = own
        recipe = Recipe(self._widths(), self.smoothing, device, most_epochs=self.max_epochs)
        return teach(lessons, taught, held_out, recipe, progress, seed=seed, detail=detail)

    def _stop_epoch(
        self, lessons: Lessons, device: str, progress: Progress, random: np.random.RandomState
    ) -> int:
        """After how many epochs to stop where there are no folds."""
        own = np.arange(len(lessons.classes))
        seed = int(random.randint(2**31 - 1))
        return max(1, self._fold(lessons, own, device, progress, seed, "").epochs)

    def _judge(
        self, lessons: Lessons, folds: NDArray[np.int64], logits: NDArray[np.float32]
    ) -> None:
        """Measures from rows that the fold's network had not seen."""
        truth = lessons.classes
        found = logits.argmax(axis=1)
        is_right = found == truth
        confidence = np.empty(len(truth), np.float32)
        for fold in range(int(folds.max()) + 1):  # nor had the temperature seen them
            inside = folds == fold
            heat = fit_temperature(logits[~inside], truth[~inside])
            confidence[inside] = softmax(logits[inside] / heat, axis=1).max(axis=1)
        self.temperature_ = fit_temperature(logits, truth)
        self.accuracy_ = float(is_right.mean())
        edits = is_right[lessons.is_edited]
        self.edited_accuracy_ = float(edits.mean()) if len(edits) else float("nan")
        self.calibration_error_ = calibration_error(confidence, is_right)
        self.threshold_ = sorting_threshold(confidence, is_right, self.precision)
        chosen = confidence >= self.threshold_
        self.sorted_share_ = float(chosen.mean())
        self.sorted_accuracy_ = float(is_right[chosen].mean()) if chosen.any() else float("nan")
        if self.threshold_ >= NEVER:
            self.note_ = (
                f"It is not sure of any image: no confidence makes {self.precision:.0%} of its"
                " answers right. Sort more images by hand, or accept a lower precision."
            )

    # -- answers ---------------------------------------------------------------------------

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Logits over the temperature: float32 (n, k); (n,) for two classes, as scikit-learn has.

        Raises:
            NotFittedError: If it has not been taught.
            UnusableDataError: If the rows cannot be used.
        """
        logits = self._logits(finite_rows(self, X, reset=False, is_float32=True))
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Calibrated probabilities of the classes: float32 (n, k), rows of sum 1."""
        return self._probabilities(finite_rows(self, X, reset=False, is_float32=True))

    def predict(self, X: ArrayLike) -> NDArray[np.generic]:  # noqa: N803
        """The likeliest class of each row."""
        logits = self._logits(finite_rows(self, X, reset=False, is_float32=True))
        found: NDArray[np.generic] = self.classes_[logits.argmax(axis=1)]
        return found

    def sort(self, X: ArrayLike, threshold: float | None = None) -> Sorted:  # noqa: N803
        """Where images go, and which ones a person should look at.

        Args:
            X: (n, d).
            threshold: Least confidence; None for `threshold_`.
        """
        rows = finite_rows(self, X, reset=False, is_float32=True)
        probabilities = self._probabilities(rows)
        classes = probabilities.argmax(axis=1)
        confidence = probabilities[np.arange(len(rows)), classes]
        least = self.threshold_ if threshold is None else threshold
        far = self.guard_.distance(rows, classes) > 1.0
        return Sorted(classes, confidence, confidence < least, far)

    def _logits(self, rows: FloatArray) -> NDArray[np.float32]:
        found = logits_of(self.network_, rows.astype(np.float32, copy=False))
        return found / np.float32(self.temperature_)

    def _probabilities(self, rows: FloatArray) -> NDArray[np.float32]:
        found: NDArray[np.float32] = softmax(self._logits(rows), axis=1)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """How long to teach, and the logits of rows by the folds that had not seen them."""

    epochs: int
    logits: NDArray[np.float32] | None


def _unscaled(network: DenseLayers, scale: tuple[NDArray[np.float32], float]) -> DenseLayers:
    """The network with the change of scale folded into its first layer, so that it takes X."""
    mean, factor = scale
    first = network.first
    first.weight.mul_(factor)
    first.bias.sub_(first.weight @ torch.from_numpy(mean))
    return network


def _refused(why: str) -> UnusableDataError:
    return UnusableDataError("Could not teach a classifier.", why)


def _flattened(labels: NDArray[np.generic]) -> NDArray[np.generic]:
    """A column of classes as a vector, with scikit-learn's own warning."""
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected.",
        DataConversionWarning,
        stacklevel=4,
    )
    return labels.ravel()

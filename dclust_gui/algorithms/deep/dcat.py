"""DCAT: an autoencoder's code grouped by MeanShift; what it cannot restore belongs to no cluster.

    z_i = E(x_i)                                  code of at most 10 numbers, each with variance 1
    r_i = |x_i - D(E(x_i))|^2 / d                 what the network loses of an image
    T   = median(r) + 3 * 1.4826 * MAD(r)         adaptive and robust; r_i > T -> Unassigned
    h   = mean distance to the neighbour at the quantile q of the others (q = 0.2)

MeanShift with a flat kernel of radius h climbs from every image with r_i <= T to a peak of the
density of these; peaks are the clusters, and their number comes out of h. Where a number is asked
for, q is found by halving an interval, on at most 2,000 images, and the nearest number wins; of
too many peaks the densest stay. Where q = 0.2 puts nearly all images in one cluster (it did on each
of two sets of 2,000 photographs), smaller ones are tried as `MeanShift` does by itself, and the
note says so. Above 5,000 images the peaks are those of 5,000 of them, and every image goes to the
nearest.

Nothing is trained after the autoencoder, so DCAT cannot collapse; but density has few dips in ten
dimensions. For groups of use, UMAP and k-means are the better way; with the true number DCAT
reached an accuracy of about 0.5 where these reach 0.6. The errors are what it is for.

Source:
    No publication; E(x) is read as the reconstruction, for only then do its parts subtract.
    Fukunaga, Hostetler, "The estimation of the gradient of a density function", 1975; Comaniciu,
    Meer, "Mean shift: a robust approach toward feature space analysis", 2002; the threshold:
    Iglewicz, Hoaglin, "How to detect and handle outliers", 1993.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.utils import check_random_state

from dclust_gui.algorithms.base import (
    NOISE,
    NOTED_FROM,
    ONE_CLUSTER,
    FloatArray,
    LabelArray,
    UnusableDataError,
    check_cluster_count,
    outcome_note,
)
from dclust_gui.algorithms.deep.base import DeepClusterer
from dclust_gui.algorithms.deep.inputs import finite_rows
from dclust_gui.algorithms.deep.networks import ENCODED_ROWS, AutoencoderNetwork, encode
from dclust_gui.algorithms.deep.progress import START, Progress
from dclust_gui.algorithms.lloyd import nearest_two
from dclust_gui.algorithms.meanshift import MeanShift
from dclust_gui.algorithms.robust import robust_threshold
from dclust_gui.domain.edits import count_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

    from dclust_gui.algorithms.deep.pretraining import Autoencoder

MOST_DIMS = 10
"""Widest code in which densities are looked for."""
QUANTILE = 0.2
FITTED_ON = 5_000
"""Most images whose density is climbed."""
TRIED_ON = 2_000
"""Most images on which quantiles are tried for a wanted number."""
SMALLEST, LARGEST = 0.005, 0.8
HALVINGS = 10


class DCAT(DeepClusterer):
    """MeanShift on an autoencoder's code; images it cannot restore stay Unassigned.

    Args:
        n_clusters: Wanted number of clusters; None takes what the bandwidth gives.
        quantile: Of the automatic bandwidth, in (0, 1]; "auto" means 0.2, or what comes nearest
            to `n_clusters`, or less where 0.2 gives a single cluster.
        deviations: Robust standard deviations from the median error to the threshold.
        autoencoder: Pretrained (used as a copy) or only its settings; None chooses.
        initial_labels: Ignored; here so that every head takes the same arguments.
        scale: As of `Autoencoder`; "auto" leaves it to the autoencoder.
        random_state: Seed.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Attributes:
        labels_: int32 (n_images,); -1 where the error is above the threshold.
        reconstruction_errors_: float32 (n_images,), r above; 1 is the variance of a feature.
        threshold_: T above.
        bandwidth_: h above, in codes of variance 1.
        quantile_: q above; nan where `MeanShift` searched by itself.
        cluster_centers_: float32 (n_clusters, dz), the peaks, in codes of variance 1.
        embedding_: float32 (n_images, dz), the codes of variance 1.

    Source:
        See the module.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        quantile: float | str = "auto",
        deviations: float = 3.0,
        autoencoder: Autoencoder | None = None,
        initial_labels: ArrayLike | None = None,
        scale: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.quantile = quantile
        self.deviations = deviations
        self.autoencoder = autoencoder
        self.initial_labels = initial_labels
        self.scale = scale
        self.random_state = random_state
        self.device = device

    _keeps_noise = True

    n_clusters: int | None  # type: ignore[assignment]  # None leaves it to the bandwidth
    reconstruction_errors_: NDArray[np.float32]
    threshold_: float
    bandwidth_: float
    quantile_: float
    axes_: NDArray[np.float32]
    code_mean_: NDArray[np.float32]

    def _check_count(self, n_images: int) -> None:
        if self.n_clusters is not None:
            check_cluster_count(self.n_clusters, n_images)

    def _check(self, features: FloatArray) -> None:
        del features
        given = self.quantile
        if given != "auto" and (isinstance(given, str) or not 0 < given <= 1):
            raise UnusableDataError("Could not run DCAT.", "quantile must be in (0, 1], or auto.")
        if not self.deviations > 0:
            raise UnusableDataError("Could not run DCAT.", "deviations must be above 0.")

    def _code_size(self, n_features: int) -> int:
        return min(n_features, MOST_DIMS)

    def _run(self, features: FloatArray, device: str, progress: Progress, notes: list[str]) -> None:
        random = check_random_state(self.random_state)
        network, rows = self._pretrained(features, device, progress, random)
        code = encode(network.encoder, rows)
        errors = _errors(network, rows, code)
        self.reconstruction_errors_ = errors
        self.threshold_ = robust_threshold(errors, self.deviations)
        self._learn_axes(code.cpu().numpy())
        self.embedding_ = self._standard(code.cpu().numpy())
        self.network_ = network.to("cpu")
        is_inside = errors <= self.threshold_
        self._group(self.embedding_[is_inside], int(random.randint(2**31 - 1)), progress)
        nearest = nearest_two(self.embedding_, self.cluster_centers_.astype(np.float64))[0]
        self.labels_ = np.where(is_inside, nearest, NOISE).astype(np.int32)
        self.start_labels_ = self.labels_
        self.soft_assignments_ = self._soft_of(self.embedding_)
        self.history_ = progress.history
        self.collapsed_ = False
        self.n_iter_ = 0
        notes.extend(self._notes())
        if progress.is_stopped:
            notes.append("Stopped early.")
        self.note_ = " ".join(notes)
        self._n_features_out = self.embedding_.shape[1]

    def _learn_axes(self, code: FloatArray) -> None:
        """At most ten axes of the code, each scaled to variance 1; a flat one is left out."""
        self.code_mean_ = code.mean(axis=0, dtype=np.float64).astype(np.float32)
        centred = code - self.code_mean_
        if code.shape[1] > MOST_DIMS:
            vectors = np.linalg.svd(centred.T @ centred)[0][:, :MOST_DIMS]
        else:
            vectors = np.eye(code.shape[1])
        spread = (centred @ vectors).std(axis=0, dtype=np.float64)
        least = 1e-6 * max(float(spread.max()), 1e-12)
        self.axes_ = (
            vectors * np.where(spread > least, 1.0 / np.maximum(spread, least), 0.0)
        ).astype(np.float32)

    def _standard(self, code: FloatArray) -> NDArray[np.float32]:
        """Codes of variance 1."""
        standard: NDArray[np.float32] = np.ascontiguousarray(
            (code - self.code_mean_) @ self.axes_, np.float32
        )
        return standard

    def _group(self, codes: NDArray[np.float32], seed: int, progress: Progress) -> None:
        """Peaks of the codes; sets `cluster_centers_`, `bandwidth_` and `quantile_`."""
        random = np.random.default_rng(seed)
        fitted = _some(codes, FITTED_ON, random)
        told = progress.part(START, "MeanShift")
        self.quantile_ = QUANTILE if self.quantile == "auto" else float(self.quantile)
        if self.quantile == "auto" and self.n_clusters is not None:
            self.quantile_ = _quantile_for(
                self.n_clusters, _some(fitted, TRIED_ON, random), progress
            )
        model = MeanShift(quantile=self.quantile_, random_state=seed).fit(fitted, callback=told)
        if self.quantile == "auto" and self.n_clusters is None and _is_one(model.labels_):
            self.quantile_ = float("nan")
            model = MeanShift(random_state=seed).fit(fitted, callback=told)
        self.bandwidth_ = model.bandwidth_
        # the densest come first; as many as were asked for at most
        peaks = model.cluster_centers_[: self.n_clusters]
        self.cluster_centers_ = peaks.astype(np.float32)

    def _notes(self) -> list[str]:
        """What the user should know of the groups."""
        if len(self.labels_) < NOTED_FROM:
            return []
        found = []
        n_far = int((self.labels_ < 0).sum())
        if n_far:
            share = f"{n_far / len(self.labels_):.1%}"
            found.append(f"Restored badly, and so Unassigned: {count_of(n_far)} ({share}).")
        k, wanted = len(self.cluster_centers_), self.n_clusters
        if wanted == 1:
            return found
        outcome = outcome_note("DCAT", self.labels_, "a smaller quantile", "more deviations")
        if outcome:
            found.append(outcome)
        elif np.isnan(self.quantile_):
            found.append(
                "The usual kernel made one cluster of nearly all; a narrower one was taken."
            )
        elif wanted is not None and k < wanted:
            found.append(
                f"DCAT found {count_of(k, 'cluster')}, not {wanted}: the density has no more peaks."
            )
        return found

    def _soft_of(self, codes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Student's t of the distances to the peaks."""
        soft = self._soft(torch.from_numpy(codes), torch.from_numpy(self.cluster_centers_))
        found: NDArray[np.float32] = soft.float().numpy()
        return found

    def reconstruction_error(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """What the network loses of each row.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m,), >= 0; above `threshold_` a row belongs to no cluster.
        """
        rows = self._rows(X)
        return _errors(self.network_, rows, encode(self.network_.encoder, rows))

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Codes of variance 1.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m, dz).
        """
        return self._standard(self._encoded(X).numpy())

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:  # noqa: N803
        """Soft assignments to the peaks, also of rows that belong to no cluster.

        Args:
            X: (m, d) features.

        Returns:
            float32 (m, n_clusters), rows sum to 1.
        """
        return self._soft_of(self.transform(X))

    def predict(self, X: ArrayLike) -> LabelArray:  # noqa: N803
        """The nearest peak of each row, or -1 where it cannot be restored.

        Args:
            X: (m, d) features.

        Returns:
            int32 (m,).
        """
        rows = self._rows(X)
        code = encode(self.network_.encoder, rows)
        is_far = _errors(self.network_, rows, code) > self.threshold_
        standard = self._standard(code.numpy())
        nearest = nearest_two(standard, self.cluster_centers_.astype(np.float64))[0]
        labels: LabelArray = np.where(is_far, NOISE, nearest).astype(np.int32)
        return labels

    def _rows(self, X: ArrayLike) -> Tensor:  # noqa: N803
        """Rows as the network takes them."""
        features = finite_rows(self, X, reset=False, is_float32=True)
        return torch.from_numpy(self.scaling_.apply(features))


@torch.no_grad()
def _errors(network: AutoencoderNetwork, rows: Tensor, code: Tensor) -> NDArray[np.float32]:
    """Mean squared error over the features of each row."""
    parts = [
        (network.decoder(c) - r).square().mean(dim=1)
        for r, c in zip(
            torch.split(rows, ENCODED_ROWS), torch.split(code, ENCODED_ROWS), strict=True
        )
    ]
    found: NDArray[np.float32] = torch.cat(parts).float().cpu().numpy()
    return found


def _is_one(labels: LabelArray) -> bool:
    """Whether nearly all images are in one cluster, of enough images to tell."""
    share = float(np.bincount(labels, minlength=1).max()) / len(labels)
    return len(labels) >= NOTED_FROM and share > ONE_CLUSTER


def _some(rows: NDArray[np.float32], most: int, random: np.random.Generator) -> NDArray[np.float32]:
    """At most so many of the rows."""
    if len(rows) <= most:
        return rows
    return rows[np.sort(random.choice(len(rows), most, replace=False))]


def _quantile_for(wanted: int, rows: NDArray[np.float32], progress: Progress) -> float:
    """The quantile whose number of peaks comes nearest; of equals the one nearest to 0.2."""
    low, high = np.log(SMALLEST), np.log(LARGEST)
    middle = np.log(QUANTILE)
    tried: list[tuple[int, float, float]] = []
    for step in range(HALVINGS):
        progress.part(START, "bandwidth")(step, HALVINGS)
        quantile = float(np.exp(middle))
        count = len(MeanShift(quantile=quantile, random_state=0).fit(rows).cluster_centers_)
        tried.append((abs(count - wanted), abs(float(np.log(quantile / QUANTILE))), quantile))
        if count == wanted:
            break
        low, high = (low, middle) if count < wanted else (middle, high)
        middle = 0.5 * (low + high)
    return min(tried)[2]

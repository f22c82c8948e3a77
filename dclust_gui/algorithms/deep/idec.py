"""Improved deep embedded clustering: DEC that keeps its decoder, so that the code keeps its sense.

    L = L_rec + gamma KL(P || Q),   gamma = 0.1 on the divergence, as published (eq. 1 and 12)

L_rec is the MEAN squared error over images and features, with features of unit variance: 1 before
any training, the lost share of the variance after. Summed over features (as some implementations
do) the reconstruction outweighs the divergence by hundreds and IDEC is its start again. All else as
in `dec`: P from all images, the start, the scale of the code, the stop.

Source:
    Guo, Gao, Liu, Yin, "Improved deep embedded clustering with local structure preservation",
    IJCAI 2017, https://www.ijcai.org/proceedings/2017/243
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.algorithms.base import FloatArray
from dclust_gui.algorithms.deep.dec import DEC
from dclust_gui.algorithms.deep.parameters import check_number
from dclust_gui.algorithms.deep.pretraining import Autoencoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike


class IDEC(DEC):
    """Improved deep embedded clustering.

    Args:
        n_clusters: Number of clusters.
        autoencoder: Pretrained (used as a copy) or only its settings; None chooses.
        start: "n2d" (k-means on a UMAP layout) or "kmeans" (on the code).
        initial_labels: (n_images,) labels to start from in place of `start`; -1 leaves open.
        membership_prior: (n_clusters,) or (n_images, n_clusters) probabilities known beforehand.
        gamma: Weight of the divergence beside the mean-square reconstruction error.
        alpha: Degrees of freedom of Student's t.
        exponent: rho, how strongly the target evens out cluster sizes, 0 to 1.
        start_share: Share of the steps in which the start's labels are the target; "auto" means a
            quarter, or none with start="kmeans".
        epochs: Passes over the images; "auto" makes about 2,000 steps, at most 200 epochs.
        update_interval: Steps between two targets; "auto" means an epoch's, at least 30.
        tol: The training ends when a smaller share of the labels changes between two targets.
        batch_size: Images of a step.
        learning_rate: Adam's first rate; it falls to a hundredth.
        scale: As of `Autoencoder`; "auto" leaves it to the autoencoder.
        precision: "auto", "float32" or "bfloat16".
        random_state: Seed; the same seed, device and thread count, the same labels.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Source:
        See the module.
    """

    _method = "IDEC"

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        autoencoder: Autoencoder | None = None,
        start: str = "n2d",
        initial_labels: ArrayLike | None = None,
        membership_prior: ArrayLike | None = None,
        gamma: float = 0.1,
        alpha: float = 1.0,
        exponent: float = 1.0,
        start_share: float | str = "auto",
        epochs: int | str = "auto",
        update_interval: int | str = "auto",
        tol: float = 1e-3,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        scale: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        super().__init__(
            n_clusters,
            autoencoder=autoencoder,
            start=start,
            initial_labels=initial_labels,
            membership_prior=membership_prior,
            alpha=alpha,
            exponent=exponent,
            start_share=start_share,
            epochs=epochs,
            update_interval=update_interval,
            tol=tol,
            batch_size=batch_size,
            learning_rate=learning_rate,
            scale=scale,
            precision=precision,
            random_state=random_state,
            device=device,
        )
        self.gamma = gamma

    def _check(self, features: FloatArray) -> None:
        super()._check(features)
        check_number(self._method, "gamma", self.gamma, 0)

    def _weight(self) -> float | None:
        return self.gamma

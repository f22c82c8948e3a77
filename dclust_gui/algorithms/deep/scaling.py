"""How features are shifted and scaled before a network sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import FloatArray, UnusableDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCALES = ("auto", "pixels", "l2", "std", "none")
WIDE = 128
"""So many features or more come from a network and are compared by their direction."""
FAR = 20.0
"""A row so many times as far from the middle as the median row is drawn in to that distance."""
LARGEST_IMAGE = 4096
LEAST_SPREAD = 1e-37
"""Features that vary less are all equal; float32 holds no smaller numbers in full."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """A learned change of scale; new images go through the same one.

    Attributes:
        kind: "pixels", "l2", "std" or "none".
        mean: float32 (d,), taken off first.
        limit: Largest length of a row after that; inf for none.
        factor: What the rows are multiplied with at last.
    """

    kind: str
    mean: NDArray[np.float32]
    limit: float
    factor: float

    @property
    def is_pixels(self) -> bool:
        """Whether the rows are small images."""
        return self.kind == "pixels"

    def apply(self, features: FloatArray) -> NDArray[np.float32]:
        """The scaled rows.

        Args:
            features: (n, d).

        Returns:
            float32 (n, d), a new array.
        """
        rows = np.subtract(features, self.mean, dtype=np.float64 if self.kind != "none" else None)
        if self.kind == "l2" or np.isfinite(self.limit):
            lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
            if self.kind == "l2":
                rows /= np.where(lengths > 0, lengths, 1.0)
            else:
                rows *= np.minimum(1.0, self.limit / np.where(lengths > 0, lengths, 1.0))
        return np.ascontiguousarray(rows * self.factor, dtype=np.float32)


def learn_scaling(features: FloatArray, kind: str = "auto") -> Scaling:
    """Choose and learn a change of scale, with one factor for all features.

    Args:
        features: (n, d), finite.
        kind: "pixels" divides by one standard deviation; "std" also takes the mean off and draws
            in far rows; "l2" takes the mean off and brings the rows to one length; "none" leaves
            them; "auto" takes "pixels" for square images in [0, 1] or [0, 255], "l2" for 128
            features or more, else "std".

    Returns:
        What to apply; where it is not "none", the mean squared value is then about 1.

    Raises:
        UnusableDataError: If the kind is unknown.
    """
    if kind not in SCALES:
        raise UnusableDataError(
            f"Could not use the scale {kind!r}.", "Scales: " + ", ".join(SCALES) + "."
        )
    width = features.shape[1]
    if kind == "auto":
        kind = "l2" if width >= WIDE else "std"
        kind = "pixels" if _looks_like_pixels(features) else kind
    nothing = np.zeros(width, np.float32)
    if kind == "none":
        return Scaling(kind, nothing, np.inf, 1.0)
    mean, limit = nothing, np.inf
    if kind != "pixels":
        mean, limit = _middle(features)
    unscaled = Scaling(kind, mean, limit, 1.0).apply(features)
    spread = float(unscaled.std(dtype=np.float64))
    return Scaling(kind, mean, limit, 1.0 / spread if spread > LEAST_SPREAD else 1.0)


def _middle(features: FloatArray) -> tuple[NDArray[np.float32], float]:
    """Mean of the rows that are not far off, and the length beyond which a row is far."""
    rows = features.astype(np.float64)
    lengths = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
    limit = FAR * float(np.median(lengths))
    is_near = lengths <= limit
    if limit <= 0 or is_near.all():
        return rows.mean(axis=0).astype(np.float32), np.inf
    return rows[is_near].mean(axis=0).astype(np.float32), limit


def _looks_like_pixels(features: FloatArray) -> bool:
    """Square grey or colour images, white and black among their values."""
    width = features.shape[1]
    sides = [round(np.sqrt(width / channels)) for channels in (1, 3)]
    is_square = any(s * s * c == width and s >= 8 for s, c in zip(sides, (1, 3), strict=True))
    if not is_square or width > LARGEST_IMAGE:
        return False
    low, high = float(features.min()), float(features.max())
    return low == 0.0 and (0.95 <= high <= 1.0 or 200.0 <= high <= 255.0)

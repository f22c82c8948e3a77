"""How heights of merges become distances on the screen: in proportion or as logarithms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOW_SHARE = 0.05
_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class HeightScale:
    """Maps heights to 0 (leaves) to 1 (`top`); steady and rising.

    Attributes:
        top: The height that becomes 1, above 0.
        unit: Heights well below it are drawn in proportion, above it as logarithms; 0 draws all
            in proportion.
    """

    top: float
    unit: float = 0.0

    @classmethod
    def of(
        cls, heights: NDArray[np.float64], top: float = 0.0, *, is_log: bool = False
    ) -> HeightScale:
        """The scale that fits a tree.

        Args:
            heights: float64 (n,), of all merges.
            top: The height to reach; 0 for the greatest one.
            is_log: Spread out the low merges.
        """
        greatest = top if top > 0 else float(heights.max(initial=0.0))
        greatest = greatest if greatest > 0 else 1.0
        above_zero = heights[heights > 0]
        if not is_log or not len(above_zero):
            return cls(greatest)
        return cls(greatest, max(float(np.quantile(above_zero, _LOW_SHARE)), greatest * 1e-9))

    def to_unit(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Heights as parts of the whole; above 1 for those above `top`."""
        if not self.unit:
            return heights / self.top
        parts: NDArray[np.float64] = np.log1p(heights / self.unit)
        return parts / float(np.log1p(self.top / self.unit))

    def at(self, height: float) -> float:
        """One height as a part of the whole."""
        return float(self.to_unit(np.array([height]))[0])

    def from_unit(self, part: float) -> float:
        """The height at a part of the whole; negative parts give 0."""
        part = max(part, 0.0)
        if not self.unit:
            return part * self.top
        return float(self.unit * np.expm1(part * np.log1p(self.top / self.unit)))

    def ticks(self, most: int = 6) -> tuple[float, ...]:
        """Round heights from 0 to `top`, well apart on the screen.

        Args:
            most: About how many.
        """
        if self.unit:
            exponents = np.arange(np.floor(np.log10(self.unit)), np.log10(self.top) + 1)
            chosen = [0.0]
            for value in (10.0**exponents).tolist():
                if value <= self.top and self.at(value) - self.at(chosen[-1]) >= 0.6 / most:
                    chosen.append(value)
            return tuple(chosen)
        raw = self.top / max(most, 1)
        power = 10.0 ** np.floor(np.log10(raw))
        step = next(float(s * power) for s in _STEPS if s * power >= raw * 0.999)
        return tuple(float(i * step) for i in range(int(self.top / step * 1.000001) + 1))

"""The views of all images that a fine-tuning learns from: kept maps, or fresh ones each time.

* `FixedViews` (a processor): every image is decoded once, a plain view and a few random ones go
  through the trunk once, and what comes out at the cut is kept as float16. A step of the training
  then computes the last blocks alone, which is most of the time saved.
* `FreshViews` (a graphics card, or a cut with very large maps): the pictures are kept as bytes,
  and each step draws new views and sends them through the trunk.

Both live in memory, or in a file where they are larger than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
from torch import Tensor

from dclust_gui.algorithms.deep.augmentation import augmented, centred

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Embed: TypeAlias = Callable[[Tensor], Tensor]
"""From float32 (n, 3, height, width), 0 to 255, to the maps at the cut, without gradients."""
Pictures: TypeAlias = "Iterable[NDArray[np.uint8]]"
"""Batches of uint8 (n, height, width, 3), all images in their order."""
_Number = TypeVar("_Number", np.float16, np.uint8)
_LARGEST = 65_504.0
"""The largest float16."""


class Views(Protocol):
    """What a training takes its inputs from."""

    @property
    def n_images(self) -> int:
        """Number of images."""

    def plain(self, numbers: Tensor) -> Tensor:
        """Maps of the plain views of images: (n, ...)."""

    def pair(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of two random views of images: (n, ...) each."""


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """How views are made and where they are kept.

    Attributes:
        n_images: Number of images.
        size: Height and width of a view.
        device: torch device.
        seed: Of everything random.
        n_views: Random views of an image that are kept, at least 2.
        file: Where to keep them; None for memory.
    """

    n_images: int
    size: tuple[int, int]
    device: str = "cpu"
    seed: int = 0
    n_views: int = 4
    file: Path | None = None


class FixedViews:
    """Maps at the cut of a plain view and a few random ones of each image."""

    def __init__(self, plan: ViewPlan, embed: Embed) -> None:
        """Note what is wanted; `take` fills it.

        Args:
            plan: How many views, and where.
            embed: The trunk.
        """
        self._plan, self._embed = plan, embed
        self._chance = torch.Generator().manual_seed(plan.seed)
        self._maps: NDArray[np.float16] | None = None
        self._n_taken = 0

    @property
    def n_images(self) -> int:
        """Number of images taken in."""
        return self._n_taken

    @property
    def view_bytes(self) -> int:
        """Size of one kept view; 0 before the first image."""
        return 0 if self._maps is None else self._maps[0, 0].nbytes

    def take(self, pictures: NDArray[np.uint8]) -> None:
        """Take in the next images.

        Args:
            pictures: uint8 (n, height, width, 3).
        """
        batch = torch.from_numpy(pictures).to(self._plan.device)
        rows = slice(self._n_taken, self._n_taken + len(pictures))
        for view in range(self._plan.n_views + 1):
            pixels = (
                augmented(batch, self._plan.size, self._chance)
                if view
                else centred(batch, self._plan.size)
            )
            maps = _rows_last(self._embed(pixels).float()).clamp_(-_LARGEST, _LARGEST)
            self._place(list(maps.shape[1:]))[rows, view] = maps.half().cpu().numpy()
        self._n_taken += len(pictures)

    def plain(self, numbers: Tensor) -> Tensor:
        """See `Views`."""
        return self._at(numbers, np.zeros(len(numbers), np.int64))

    def pair(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """See `Views`: two different ones of those that are kept."""
        count = self._plan.n_views
        first = torch.randint(count, (len(numbers),), generator=self._chance)
        step = torch.randint(1, max(2, count), (len(numbers),), generator=self._chance)
        second = (first + step) % count
        return self._at(numbers, 1 + first.numpy()), self._at(numbers, 1 + second.numpy())

    def _at(self, numbers: Tensor, views: NDArray[np.int64]) -> Tensor:
        assert self._maps is not None
        found = torch.from_numpy(self._maps[numbers.cpu().numpy(), views])
        return _channels_second(found.to(self._plan.device)).float()

    def _place(self, shape: list[int]) -> NDArray[np.float16]:
        """Where the maps are kept; made with the first."""
        if self._maps is None:
            whole = (self._plan.n_images, self._plan.n_views + 1, *shape)
            self._maps = _array(whole, np.float16, self._plan.file)
        return self._maps


class FreshViews:
    """Pictures as bytes; every view is a new one."""

    def __init__(self, plan: ViewPlan, embed: Embed) -> None:
        """Note what is wanted; `take` fills it.

        Args:
            plan: How large a view is, and where the pictures are kept.
            embed: The trunk.
        """
        self._plan, self._embed = plan, embed
        self._chance = torch.Generator().manual_seed(plan.seed)
        self._pictures: NDArray[np.uint8] | None = None
        self._n_taken = 0

    @property
    def n_images(self) -> int:
        """Number of images taken in."""
        return self._n_taken

    def take(self, pictures: NDArray[np.uint8]) -> None:
        """Take in the next images: uint8 (n, height, width, 3)."""
        if self._pictures is None:
            whole = (self._plan.n_images, *pictures.shape[1:])
            self._pictures = _array(whole, np.uint8, self._plan.file)
        self._pictures[self._n_taken : self._n_taken + len(pictures)] = pictures
        self._n_taken += len(pictures)

    def plain(self, numbers: Tensor) -> Tensor:
        """See `Views`."""
        return self._embed(centred(self._at(numbers), self._plan.size))

    def pair(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """See `Views`."""
        batch, size = self._at(numbers), self._plan.size
        first, second = (augmented(batch, size, self._chance) for _ in range(2))
        return self._embed(first), self._embed(second)

    def _at(self, numbers: Tensor) -> Tensor:
        assert self._pictures is not None
        found = torch.from_numpy(self._pictures[numbers.cpu().numpy()])
        if self._plan.device.startswith("cuda"):
            return found.pin_memory().to(self._plan.device, non_blocking=True)
        return found.to(self._plan.device)


def _array(shape: tuple[int, ...], kind: type[_Number], file: Path | None) -> NDArray[_Number]:
    """An array in memory or in a file."""
    if file is None:
        return np.empty(shape, kind)
    return np.memmap(file, kind, "w+", shape=shape)


def _rows_last(maps: Tensor) -> Tensor:
    """Maps (n, channels, height, width) with the channels last; others as they are."""
    return maps.permute(0, 2, 3, 1) if maps.ndim == 4 else maps


def _channels_second(maps: Tensor) -> Tensor:
    """The inverse, channels last in memory."""
    return maps.permute(0, 3, 1, 2) if maps.ndim == 4 else maps

"""Random crops, mirror images and colours of pictures, a whole batch at a time on tensors.

Mild on purpose: a view has to stay what the picture shows, and in many collections (clothes, blood
cells, satellite images) the colour is part of that. A crop keeps at least half of the area, and
brightness, contrast and saturation change by at most a fifth.

Source:
    Random resized crop: Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_GREY = (0.299, 0.587, 0.114)
_WHITE = 255.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a view may be from its picture.

    Attributes:
        least_area: Part of the picture's area that a crop keeps at least, in (0, 1].
        most_ratio: Largest ratio of a crop's sides, at least 1.
        jitter: Largest change of brightness, contrast and saturation, 0 to below 1.
        is_mirrored: Whether left and right may be exchanged.
    """

    least_area: float = 0.5
    most_ratio: float = 4 / 3
    jitter: float = 0.2
    is_mirrored: bool = True


def augmented(
    pictures: Tensor,
    size: tuple[int, int],
    generator: torch.Generator,
    settings: Augmentation = Augmentation(),
) -> Tensor:
    """A random view of each picture.

    Args:
        pictures: uint8 (n, height, width, 3), RGB, on any device.
        size: Height and width of the views.
        generator: Source of chance, on the CPU: the same views on every device.
        settings: How far to go.

    Returns:
        float32 (n, 3, *size), 0 to 255, channels last in memory.
    """
    pixels = pictures.permute(0, 3, 1, 2).float()
    places = _places(len(pictures), generator, settings).to(pictures.device)
    grid = functional.affine_grid(places, [len(pictures), 3, *size], align_corners=False)
    views = functional.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    if settings.jitter:
        views = _recoloured(views, generator, settings.jitter)
    return views.contiguous(memory_format=torch.channels_last)


def centred(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """The plain view of each picture: its centre.

    Args:
        pictures: uint8 (n, height, width, 3), RGB, at least as large as the view.
        size: Height and width of the view.

    Returns:
        float32 (n, 3, *size), 0 to 255, channels last in memory.
    """
    top, left = ((s - v) // 2 for s, v in zip(pictures.shape[1:3], size, strict=True))
    part = pictures[:, top : top + size[0], left : left + size[1]]
    return part.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)


def _places(n: int, generator: torch.Generator, settings: Augmentation) -> Tensor:
    """float32 (n, 2, 3): where in its picture each view lies, as `affine_grid` takes it."""
    area, ratio, x, y, side = torch.rand(5, n, generator=generator)
    area = settings.least_area + (1 - settings.least_area) * area
    ratio = torch.exp((2 * ratio - 1) * math.log(settings.most_ratio))
    width = (area * ratio).sqrt().clamp_(max=1.0)
    height = (area / ratio).sqrt().clamp_(max=1.0)
    mirror = torch.where(side < 0.5, -1.0, 1.0) if settings.is_mirrored else torch.ones(n)
    places = torch.zeros(n, 2, 3)
    places[:, 0, 0] = width * mirror
    places[:, 1, 1] = height
    places[:, 0, 2] = (2 * x - 1) * (1 - width)
    places[:, 1, 2] = (2 * y - 1) * (1 - height)
    return places


def _recoloured(views: Tensor, generator: torch.Generator, jitter: float) -> Tensor:
    """Brightness, contrast and saturation changed by random factors."""
    factors = 1 + jitter * (2 * torch.rand(3, len(views), 1, 1, 1, generator=generator) - 1)
    bright, contrast, colour = factors.to(views.device)
    weights = torch.tensor(_GREY, device=views.device).view(1, 3, 1, 1)
    views = views * bright
    grey = (views * weights).sum(1, keepdim=True)
    mean = grey.mean((2, 3), keepdim=True)
    # Both steps are linear: saturation about each place's grey, then contrast about the mean.
    views = (views * colour + grey * (1 - colour)) * contrast + mean * (1 - contrast)
    return views.clamp_(0.0, _WHITE)

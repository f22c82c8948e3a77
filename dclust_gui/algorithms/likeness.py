"""Whether two pictures are copies of each other: aligned first, then compared by their edges.

The comparison knows nothing of any network. Features say which images may be alike; they also say
so of two photos of the same thing. Edges of brightness and colour that lie on each other tell
copies from such photos.

A sketch is uint8 (3 s / 2, s): the brightness (s, s), and below it the two colour differences of
YCbCr at half the size, side by side; s is a multiple of 32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

UPRIGHT = 0
"""Turn of a picture that is as the other one."""

N_TURNS = 8
"""Ways in which a picture can lie: turned to the left by 0 to 3 quarters, as it is or mirrored."""

_COARSE = 32
_ROUGH = 16
_BATCH = 256
_COARSE_STAGES = ((1, 0.3), (3, 0.15))
"""Steps on small pictures, and how far below the wanted value they may then be to go on. Copies
are mostly found by the first step, at which nineteen of twenty other pairs are given up."""
_FINE_STEPS = 3
_LIMIT = 0.16
"""Most that edges may be cut off or shifted, in halves of the picture's width."""
_LEAST_SPREAD = 2.0
"""Standard deviation of the brightness (of 255) below which it is only noise."""
_SAME_LEVEL = 6.0
_KEEP = (0.3, 0.3, 0.3, 0.3, 0.05, 0.05)
_COARSE_PULL, _FINE_PULL = 1e-2, 1e-3
_ROUGH_LEAST = 0.4

Check = Callable[[int, int], None]


def likeness(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    least: float = 0.0,
    check: Check | None = None,
) -> NDArray[np.float32]:
    """How alike pictures are, pair by pair, after a small crop, stretch or shift is undone.

    Brightness and contrast do not matter. The crop is found by Gauss-Newton steps on scale and
    shift of both axes, first on small pictures, then on whole ones; the value is the correlation
    of the gradients of brightness and colour of both where they overlap.

    Args:
        left: uint8 (m, 3 s / 2, s), sketches.
        right: uint8 (m, 3 s / 2, s), what each is compared with.
        least: Pairs that cannot reach so much may get a lower value than they have.
        check: Told (done, total); may raise `Cancelled`.

    Returns:
        float32 (m,), -1 to 1; 1 for the same picture.

    Source:
        Lucas and Kanade, "An iterative image registration technique", IJCAI 1981, with gain and
        offset as further unknowns.
    """
    found = np.zeros(len(left), np.float32)
    with torch.inference_mode():
        for start in range(0, len(left), _BATCH):
            if check is not None:
                check(start, len(left))
            part = slice(start, start + _BATCH)
            pair = _Pictures.of(left[part]), _Pictures.of(right[part])
            found[part] = _compared(*pair, least).numpy()
    return found


def turned_likeness(
    left: NDArray[np.uint8],
    right: NDArray[np.uint8],
    least: float = 0.0,
    check: Check | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The same for pictures one of which is mirrored or turned by a multiple of 90 degrees.

    Args:
        left: uint8 (m, 3 s / 2, s), sketches.
        right: uint8 (m, 3 s / 2, s).
        least: As in `likeness`.
        check: As in `likeness`.

    Returns:
        float32 (m,), likeness for the best of the seven turns, 0 where none comes near; and
        uint8 (m,), that turn, a number below `N_TURNS`.
    """
    turns = np.zeros(len(left), np.uint8)
    if not len(left):
        return np.zeros(0, np.float32), turns
    rough = np.full(len(left), -1.0, np.float32)
    small = _normal(_shrunk(_Pictures.of(left).grey, _ROUGH)).flatten(1)
    other = _normal(_shrunk(_Pictures.of(right).grey, _ROUGH))
    for turn in range(1, N_TURNS):
        value = (small * _turned(other, turn).flatten(1)).mean(1).numpy()
        is_better = value > rough
        rough[is_better], turns[is_better] = value[is_better], turn
    found = np.zeros(len(left), np.float32)
    for turn in range(1, N_TURNS):
        rows = np.flatnonzero((turns == turn) & (rough >= _ROUGH_LEAST))
        found[rows] = likeness(left[rows], turned_sketches(right[rows], turn), least, check)
    return found, turns


def turned_sketches(sketches: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Sketches of turned pictures, turned so that they lie as the others.

    Args:
        sketches: uint8 (m, 3 s / 2, s).
        turn: A number below `N_TURNS`.
    """
    side = sketches.shape[2]
    planes = torch.from_numpy(sketches.copy())
    grey, below = planes[:, :side], planes[:, side:]
    colours = [_turned(part, turn) for part in below.chunk(2, dim=2)]
    whole = torch.cat([_turned(grey, turn), torch.cat(colours, 2)], 1)
    return whole.numpy()


def _turned(pictures: Tensor, turn: int) -> Tensor:
    mirrored = pictures.flip(-1) if turn >= 4 else pictures
    return torch.rot90(mirrored, turn % 4, (-2, -1))


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """Sketches taken apart: float32 (m, s, s), and twice (m, s / 2, s / 2)."""

    grey: Tensor
    colours: tuple[Tensor, ...]

    @classmethod
    def of(cls, sketches: NDArray[np.uint8]) -> _Pictures:
        side = sketches.shape[2]
        planes = torch.from_numpy(sketches.astype(np.float32))
        return cls(planes[:, :side], planes[:, side:].chunk(2, dim=2))

    def some(self, rows: Tensor) -> _Pictures:
        return _Pictures(self.grey[rows], tuple(part[rows] for part in self.colours))

    @property
    def scaled(self) -> _Pictures:
        """Of one contrast: the spread of the brightness is 1, and the mean of all planes 0."""
        spread = _spread(self.grey)
        parts = (self.grey, *self.colours)
        grey, *colours = (
            (_smooth(part) - part.mean((1, 2), keepdim=True)) / spread for part in parts
        )
        return _Pictures(grey, tuple(colours))


def _compared(left: _Pictures, right: _Pictures, least: float) -> Tensor:
    """float32 (m,) likeness of pictures."""
    small, other = (_normal(_smooth(_shrunk(part.grey, _COARSE))) for part in (left, right))
    place, value = torch.zeros(len(small), 4), torch.zeros(len(small))
    hopeful = torch.arange(len(small))
    for steps, slack in _COARSE_STAGES:
        found = _aligned(small[hopeful], other[hopeful], place[hopeful], steps, _COARSE_PULL)
        place[hopeful], value[hopeful] = found
        hopeful = hopeful[found[1] >= least - slack]
    if len(hopeful):
        ours, theirs = left.some(hopeful).scaled, right.some(hopeful).scaled
        fine, _ = _aligned(ours.grey, theirs.grey, place[hopeful], _FINE_STEPS, _FINE_PULL)
        value[hopeful] = _edges_alike(ours, theirs, fine)
    flat = _are_flat(left.grey, right.grey)
    return torch.where(flat, _level_likeness(left, right), value)


def _edges_alike(left: _Pictures, right: _Pictures, place: Tensor) -> Tensor:
    """Correlation (m,) of all edges, those of brightness and of both colours."""
    sums = torch.zeros(3, len(place))
    planes = zip((left.grey, *left.colours), (right.grey, *right.colours), strict=True)
    for ours, theirs in planes:
        moved, inside = _moved(ours, place)
        sums += _edge_sums(moved, theirs, inside)
    return _correlation(sums)


def _aligned(
    left: Tensor, right: Tensor, start: Tensor, steps: int, pull: float
) -> tuple[Tensor, Tensor]:
    """Best scale and shift (m, 4) of `left`, and the edge correlation (m,) there."""
    side = left.shape[-1]
    axis = _axis(side)
    across, down = axis[None, None, :].expand_as(left), axis[None, :, None].expand_as(left)
    damping = torch.diag(torch.tensor(_KEEP)) * pull * side * side
    now = best = start.clone()
    highest = torch.full((len(left),), -2.0)
    for step in range(steps + 1):
        moved, inside = _moved(left, now)
        value = _correlation(_edge_sums(moved, right, inside))
        is_better = value > highest
        highest = torch.where(is_better, value, highest)
        best = torch.where(is_better[:, None], now, best)
        if step == steps:
            break
        slope_x, slope_y = _gradient(moved, -1) * (side / 2), _gradient(moved, -2) * (side / 2)
        columns = (
            slope_x * across,
            slope_x,
            slope_y * down,
            slope_y,
            moved,
            torch.ones_like(moved),
        )
        jacobian = (torch.stack(columns, 1) * inside[:, None]).flatten(2)
        error = ((right - moved) * inside).flatten(1)[:, :, None]
        normal = jacobian @ jacobian.transpose(1, 2) + damping
        change = torch.linalg.solve(normal, jacobian @ error)[:, :4, 0]
        now = (now + change).clamp(-_LIMIT, _LIMIT)
    return best, highest


def _axis(side: int) -> Tensor:
    return (torch.arange(side, dtype=torch.float32) + 0.5) / side * 2 - 1


def _moved(pictures: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures (m, s, s) looked at through a scale and shift, and where they have pixels."""
    axis = _axis(pictures.shape[-1])
    across = axis[None] * (1 + place[:, 0:1]) + place[:, 1:2]
    down = axis[None] * (1 + place[:, 2:3]) + place[:, 3:4]
    shape = (len(pictures), len(axis), len(axis))
    grid = torch.stack([across[:, None, :].expand(shape), down[:, :, None].expand(shape)], -1)
    moved = functional.grid_sample(
        pictures[:, None], grid, mode="bilinear", padding_mode="border", align_corners=False
    )[:, 0]
    inside = (across.abs() <= 1)[:, None, :] & (down.abs() <= 1)[:, :, None]
    return moved, inside.to(torch.float32)


def _gradient(pictures: Tensor, axis: int) -> Tensor:
    gradient: Tensor = torch.gradient(pictures, dim=axis)[0]
    return gradient


def _edge_sums(left: Tensor, right: Tensor, inside: Tensor) -> Tensor:
    """Sums (3, m) over the gradients of two planes where both are: l r, l l, r r."""
    sums = torch.zeros(3, len(left))
    for axis in (-1, -2):
        ours, theirs = (_gradient(part, axis) * inside for part in (left, right))
        products = (ours * theirs, ours * ours, theirs * theirs)
        sums += torch.stack([product.sum((1, 2)) for product in products])
    return sums


def _correlation(sums: Tensor) -> Tensor:
    return sums[0] / torch.sqrt(sums[1] * sums[2]).clamp_min(1e-6)


def _smooth(pictures: Tensor) -> Tensor:
    """A little blurred, by 1 2 1 along both axes, against noise and the rounding of pixels."""
    for axis in (1, 2):  # several times faster than a convolution of one channel
        last = pictures.shape[axis] - 1
        inner = pictures.narrow(axis, 0, last), pictures.narrow(axis, 1, last)
        before = torch.cat([pictures.narrow(axis, 0, 1), inner[0]], axis)
        after = torch.cat([inner[1], pictures.narrow(axis, last, 1)], axis)
        pictures = (before + after).add_(pictures, alpha=2).mul_(0.25)
    return pictures


def _shrunk(pictures: Tensor, side: int) -> Tensor:
    return functional.avg_pool2d(pictures[:, None], pictures.shape[-1] // side)[:, 0]


def _normal(pictures: Tensor) -> Tensor:
    """With mean 0 and variance 1, but for pictures that are only noise."""
    return (pictures - pictures.mean((1, 2), keepdim=True)) / _spread(pictures)


def _spread(pictures: Tensor) -> Tensor:
    return _deviation(pictures).clamp_min(_LEAST_SPREAD)[:, None, None]


def _deviation(pictures: Tensor) -> Tensor:
    """Standard deviation (m,) of the pixels."""
    flat = pictures.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    deviation: Tensor = torch.linalg.vector_norm(centred, dim=1) / flat.shape[1] ** 0.5
    return deviation


def _are_flat(left: Tensor, right: Tensor) -> Tensor:
    """Whether both pictures have no edges at all: empty pages, black frames."""
    is_flat = [_deviation(part) < _LEAST_SPREAD / 2 for part in (left, right)]
    return is_flat[0] & is_flat[1]


def _level_likeness(left: _Pictures, right: _Pictures) -> Tensor:
    """1 for pictures without edges of the same brightness and colour, 0 for others."""
    planes = zip((left.grey, *left.colours), (right.grey, *right.colours), strict=True)
    differences = [(a.mean((1, 2)) - b.mean((1, 2))).abs() for a, b in planes]
    return (torch.stack(differences).amax(0) < _SAME_LEVEL).to(torch.float32)

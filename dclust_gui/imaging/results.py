"""What reading one file gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dclust_gui.domain.images import ImageFacts

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """A picture ready for thumbnail and features.

    Attributes:
        pixels: uint8 (height, width, 3), sRGB, upright, read-only.
        facts: Size of the original, camera, status OK or DAMAGED.
    """

    pixels: Pixels
    facts: ImageFacts


@dataclass(frozen=True, slots=True, eq=False)
class ReadResult:
    """What became of one file.

    Attributes:
        content: Content hash, 16 bytes; empty if the file could not be opened, or if
            no helper process could be started for it (nothing to remember then).
        image: The picture; None if the file is unreadable.
        facts: As in the picture; status UNREADABLE and a reason where there is none.
    """

    content: bytes
    image: DecodedImage | None
    facts: ImageFacts

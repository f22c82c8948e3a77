"""What one cell of the gallery shows, as a plain value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.images import CompanionKind, ImageStatus
from dclust_gui.ui.models.palette import NO_COLOUR

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord


class Badge(Enum):
    """A small sign on a thumbnail; the value is what a screen reader says."""

    MISSING = "file is missing"
    DAMAGED = "damaged"
    RAW_PAIR = "RAW and JPEG"
    HAND_PLACED = "placed by hand"


class PictureState(Enum):
    """What is known of a thumbnail."""

    LOADING = "loading"
    READY = "ready"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, eq=False)
class CellLook:
    """One cell.

    Attributes:
        image: Id of the image.
        name: File name, fit to show.
        colour: Palette index of its cluster, `NO_COLOUR` for Unassigned.
        badges: Signs, the most urgent first.
        state: Whether there is a picture.
        picture: The picture when `state` is READY; its size may be another than the cell's.
        stack: Images of its stack; 0 for none.
        is_bracket: Its stack is a series of exposures.
    """

    image: int
    name: str
    colour: int
    badges: tuple[Badge, ...]
    state: PictureState
    picture: QPixmap | None
    stack: int = 0
    is_bracket: bool = False


def badges_of(record: ImageRecord, flag: int) -> tuple[Badge, ...]:
    """The signs of one image."""
    is_plain = record.facts.status is not ImageStatus.DAMAGED and not record.is_missing
    if is_plain and not flag & ImageFlag.HAND_PLACED and not record.companions:  # as most are
        return ()
    signs: list[Badge] = []
    if record.is_missing:
        signs.append(Badge.MISSING)
    if record.facts.status is ImageStatus.DAMAGED:
        signs.append(Badge.DAMAGED)
    if any(c.kind is CompanionKind.IMAGE for c in record.companions):
        signs.append(Badge.RAW_PAIR)
    if flag & ImageFlag.HAND_PLACED:
        signs.append(Badge.HAND_PLACED)
    return tuple(signs)


def cluster_title(clustering: Clustering, cluster: int) -> str:
    """A cluster's name for people, `Unassigned` among them."""
    known = clustering.clusters.get(cluster)
    return "Unassigned" if known is None else known.title


def cluster_colour_index(clustering: Clustering, cluster: int) -> int:
    """A cluster's place in the palette."""
    known = clustering.clusters.get(cluster)
    return NO_COLOUR if cluster == UNASSIGNED or known is None else known.colour


def spoken_text(
    name: str,
    clustering: Clustering,
    cluster: int,
    place: tuple[int, int],
    signs: tuple[Badge, ...],
    stack: str = "",
) -> str:
    """What a screen reader says of a thumbnail: `img1.jpg, Beach, 3 of 412, pinned`.

    Args:
        name: File name.
        clustering: The present clusters.
        cluster: The image's cluster, or `UNASSIGNED`.
        place: Its row, from 1, and the number of rows.
        signs: Its badges.
        stack: What is to be said of its stack, see `stack_text`.
    """
    words = [name, cluster_title(clustering, cluster), f"{place[0]} of {place[1]}"]
    known = clustering.clusters.get(cluster)
    if known is not None and known.is_pinned:
        words.append("pinned")
    words += [stack] if stack else []
    return ", ".join([*words, *(sign.value for sign in signs)])


def stack_text(n_images: int, flag: int) -> str:
    """What an image's stack is, in words: `in a stack of 5`; empty for none.

    Args:
        n_images: Images of the stack; 0 for none.
        flag: The image's flags.
    """
    kind = "bracket" if flag & ImageFlag.BRACKET else "stack"
    return f"in a {kind} of {n_images:,}" if n_images else ""

"""The values that an export plan is made of, and the order of moves inside an export."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import NO_STACK
from dclust_gui.services.export_names import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.export_present import Present


class OnConflict(StrEnum):
    """What to do where a name is taken.

    `ASK` lists every file of somebody else's that has the name of an image and other content; a
    person then decides for each between the other two. Images of the export itself that would be
    called the same are numbered.
    """

    NUMBER = "number"
    SKIP = "skip"
    ASK = "ask"


class Action(StrEnum):
    """What an export does with one file.

    `COPY` brings a file in, in whichever mode; `RENAME` moves a file of ours inside the export;
    `UPDATE` replaces a copy of ours, that nobody changed, after its original changed; `RELEASE`
    takes an original away whose move to another drive was cut short.
    """

    COPY = "copy"
    KEEP = "keep"
    RENAME = "rename"
    UPDATE = "update"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class ExportItem:
    """One image and the cluster it belongs to.

    Attributes:
        image: The image with its companions.
        cluster: The cluster's id or `UNASSIGNED`.
        folder: The cluster's title.
        name: The name that a person gave the cluster; empty for none.
        stack: The stack that it is bound into, or `NO_STACK`; it goes where its stack goes.
    """

    image: ImageRecord
    cluster: int
    folder: str
    name: str = ""
    stack: int = NO_STACK


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every file, in a fifth of the time
class ExportStep:
    """What is done with one file.

    Attributes:
        action: What.
        source: The original.
        destination: Path below the export's folder, bytes, separated by `/`.
        size: Bytes.
        present: The copy that is there; None for a new one.
        mtime_ns: The original's time of change; 0 where it is gone.
        keywords: Name to embed in the copy; empty for none.
    """

    action: Action
    source: Path
    destination: bytes
    size: int
    present: Present | None = None
    mtime_ns: int = 0
    keywords: str = ""


@dataclass(frozen=True, slots=True)
class SkippedExport:
    """A file that a plan leaves out.

    Attributes:
        source: The original.
        reason: Why, in words.
        is_failure: It should have been exported; False where conflicts are skipped on demand.
        is_undecided: A person has not decided about it yet.
    """

    source: Path
    reason: str
    is_failure: bool = True
    is_undecided: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name that an image would get, and that a file with other content has already.

    Attributes:
        source: The image's leading file; its path is the key of `ExportRequest.choices`.
        destination: The taken path below the export's folder.
        choice: What a person has decided: number the image or leave it out; None for nothing yet.
    """

    source: Path
    destination: bytes
    choice: OnConflict | None = None


@dataclass(slots=True)  # not frozen: made for every file, in a fifth of the time
class UnitFiles:
    """The files of one image that take part in an export, the leading one first.

    Attributes:
        item: The image.
        sources: Originals.
        present: For each, its copy in the export.
        stamps: For each, size and time of change; None where the original is gone.
    """

    item: ExportItem
    sources: Sequence[Path]
    present: Sequence[Present | None]
    stamps: Sequence[tuple[int, int] | None]

    def only(self, keep: Sequence[bool]) -> UnitFiles:
        """The same unit with some of its files."""
        rows = [i for i, kept in enumerate(keep) if kept]
        return replace(
            self,
            sources=[self.sources[i] for i in rows],
            present=[self.present[i] for i in rows],
            stamps=[self.stamps[i] for i in rows],
        )

    @property
    def names(self) -> list[str]:
        """File names of the originals."""
        return [source.name for source in self.sources]

    @property
    def leader(self) -> str:
        """File name of the leading image, whether it takes part or not."""
        return name_of(self.item.image.relative)


def folder_of(destination: bytes) -> bytes:
    """The folder of a path below the export."""
    return destination.rpartition(b"/")[0]


def name_of(destination: bytes) -> str:
    """The file name of a path below the export, as text."""
    return destination.rpartition(b"/")[2].decode("utf-8", "surrogateescape")


def folded_path(destination: bytes) -> str:
    """Equal for paths that some file system takes for the same."""
    return folded(destination.decode("utf-8", "surrogateescape"))


def ordered_renames(
    renames: Sequence[ExportStep], unused_name: Callable[[bytes], bytes]
) -> list[ExportStep]:
    """Order moves so that each finds its destination free; rings go through a third name.

    Args:
        renames: Steps of `Action.RENAME`; no two share a source or a destination.
        unused_name: Gives a new path in the folder of a path.

    Returns:
        The same steps, and one more for each ring.
    """
    waiting = {folded_path(_previous(step)): step for step in renames}
    order: list[ExportStep] = []
    for first in renames:
        start = folded_path(_previous(first))
        if start not in waiting:
            continue
        chain = [waiting.pop(start)]
        while (key := folded_path(chain[-1].destination)) in waiting:
            chain.append(waiting.pop(key))
        if key == start:  # a ring: the first one steps aside
            aside = replace(first, destination=unused_name(first.destination))
            order.append(aside)
            if first.present is not None:
                moved = first.present.moved(aside.destination)
                chain[0] = replace(first, present=moved)
        order += reversed(chain)
    return order


def _previous(step: ExportStep) -> bytes:
    return step.present.file.destination if step.present else b""

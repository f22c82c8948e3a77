"""Labels that the images of a project bring along: their folders, their keywords."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.images import absolute_path, display_path
from dclust_gui.domain.names import same_name
from dclust_gui.services.importing.values import Found, How, Problem
from dclust_gui.services.xmp.document import DamagedXmlError
from dclust_gui.services.xmp.embedded import embedded_packets
from dclust_gui.services.xmp.packet import keywords_of, own_keywords_of
from dclust_gui.services.xmp.sidecars import MOST_BYTES, sidecars_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.engine.progress import StageMeter
    from dclust_gui.services.snapshot import Snapshot

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class OwnLabels:
    """What was found.

    Attributes:
        found: A label each.
        problems: Images whose label cannot be told.
        notes: What else there is to say, in sentences.
    """

    found: tuple[Found, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def folder_labels(snapshot: Snapshot, levels: int) -> OwnLabels:
    """The folder of each image below its root; folders in folders are joined by `/`.

    Args:
        snapshot: The project.
        levels: How many folders, from the root; 0 for all.
    """
    found: list[Found] = []
    problems: list[Problem] = []
    for image, record in enumerate(snapshot.images):
        if record.is_missing:
            continue
        what = _shown(snapshot.images, snapshot.roots, image)
        folders = display_path(record.relative).split("/")[:-1]
        label = "/".join(folders[:levels] if levels else folders)
        if label:
            found.append(Found("", what, label, (image,), record.relative, How.PATH))
        else:
            problems.append(Problem("", what, "It lies in no folder below the root."))
    return OwnLabels(tuple(found), tuple(problems))


def keyword_labels(snapshot: Snapshot, meter: StageMeter) -> OwnLabels:
    """The keyword of each image, from its sidecars, else from inside its file.

    Hierarchical keywords count before flat ones, and keywords that contain another one's levels
    count alone. Of several, those that dclust has written are taken, else those that are names of
    clusters; if that leaves not exactly one, the image is reported.

    Args:
        snapshot: The project.
        meter: Counts the images.

    Raises:
        Cancelled: If the job was cancelled.
    """
    names = _names_of(snapshot.clustering)
    found: list[Found] = []
    problems: list[Problem] = []
    n_without = 0
    for image, record in enumerate(snapshot.images):
        meter.advance()
        if record.is_missing:
            continue
        what = _shown(snapshot.images, snapshot.roots, image)
        own: list[str] = []
        every: list[str] = []
        for place, packet in _packets(record, snapshot.roots):
            if isinstance(packet, str):
                problems.append(Problem("", str(place), packet))
                continue
            try:
                own += own_keywords_of(packet)
                every += keywords_of(packet)
            except DamagedXmlError as error:
                problems.append(Problem("", str(place), str(error)))
        labels = _meant(own, every, names)
        if not labels:
            n_without += 1
        elif len(labels) == 1:
            found.append(Found("", what, labels[0], (image,), record.relative, How.PATH))
        else:
            shown = ", ".join(labels[:_SHOWN]) + (", …" if len(labels) > _SHOWN else "")
            why = f"It has several keywords, and not one that names a cluster: {shown}."
            if own or any(same_name(label) in names for label in labels):
                why = f"It has keywords of several clusters: {shown}."
            problems.append(Problem("", what, why))
    n_read = len(found) + len(problems)
    notes = () if not n_without or not n_read else (f"{count_of(n_without)} without a keyword.",)
    return OwnLabels(tuple(found), tuple(problems), notes)


def _meant(own: Sequence[str], every: Sequence[str], names: frozenset[str]) -> list[str]:
    """The keywords that may be the label; exactly one if that can be told."""
    if own:
        return _distinct(own)
    labels = _distinct(every)
    if len(labels) < 2:
        return labels
    lower = [label.casefold() for label in labels]
    leaves = [
        label
        for label, plain in zip(labels, lower, strict=True)
        if not any(other.startswith(plain + "/") for other in lower)
    ]
    named = [label for label in leaves if same_name(label) in names]
    return named or leaves


def _distinct(labels: Sequence[str]) -> list[str]:
    kept: dict[str, str] = {}
    for label in labels:
        if same_name(label):
            kept.setdefault(same_name(label), label)
    return list(kept.values())


def _names_of(clustering: Clustering) -> frozenset[str]:
    return frozenset(same_name(row.title) for row in clustering.clusters.values())


def _packets(record: ImageRecord, roots: Sequence[Path]) -> Iterator[tuple[Path, bytes | str]]:
    """The packets of an image: those of its sidecars, else those inside it; or why not."""
    path = absolute_path(roots[record.root], record.relative)
    beside = [path.with_name(path.name + ending) for ending in (".xmp", ".XMP")]
    beside += [path.with_suffix(ending) for ending in (".xmp", ".XMP")]
    places = [*sidecars_of(record, roots), *(place for place in beside if place.is_file())]
    read: list[Path] = []
    for place in places:
        if any(place.samefile(other) for other in read):
            continue
        read.append(place)
        try:
            is_large = place.stat().st_size > MOST_BYTES
            yield place, "It is too large for a sidecar." if is_large else place.read_bytes()
        except OSError as error:
            yield place, f"It cannot be read: {error.strerror or error}."
    if read:
        return
    try:
        for packet in embedded_packets(path):
            yield path, packet
    except OSError as error:
        yield path, f"It cannot be read: {error.strerror or error}."


def _shown(images: Sequence[ImageRecord], roots: Sequence[Path], image: int) -> str:
    """An image as tables write it."""
    from dclust_gui.services.labels_table import root_prefixes

    record = images[image]
    prefix = root_prefixes(roots)[record.root] if len(roots) > 1 else ""
    return prefix + display_path(record.relative)

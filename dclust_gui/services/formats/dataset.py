"""Trees of images that training libraries read: ImageFolder, FiftyOne, Hugging Face.

* ImageFolder: a folder for each class, as torchvision's `ImageFolder` and Keras read it.
* FiftyOne: the same with `_unlabeled`, FiftyOne's `ImageClassificationDirectoryTree`.
* Hugging Face: the same with `metadata.csv` (`file_name,label,...`) for the `imagefolder` loader.
"""

from __future__ import annotations

import csv
import io
import os
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.images import CompanionKind, absolute_path, display_path
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_names import numbered
from dclust_gui.services.export_present import is_untouched, path_in
from dclust_gui.services.formats.images import decision
from dclust_gui.storage.export_journal import (
    GENERATED,
    ExportedFile,
    ExportJournal,
    read_journal,
)
from dclust_gui.storage.files import write_file, write_new_file
from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dclust_gui.services.snapshot import Snapshot

METADATA = "metadata.csv"


class TreeFormat(StrEnum):
    """Formats that are folders of images."""

    FOLDERS = "folders"
    IMAGEFOLDER = "imagefolder"
    FIFTYONE = "fiftyone"
    HUGGINGFACE = "huggingface"

    @property
    def takes_unassigned(self) -> bool:
        """Whether images without a cluster go along: elsewhere they would become a class."""
        return self is not TreeFormat.IMAGEFOLDER

    def layout(self, wanted: Layout) -> Layout:
        """The layout that the format asks for."""
        if self is TreeFormat.FIFTYONE:
            return Layout(pattern=wanted.pattern, unassigned="_unlabeled")
        if self is TreeFormat.IMAGEFOLDER:
            return Layout(pattern=wanted.pattern)
        return wanted


def write_metadata(target: Path, snapshot: Snapshot) -> Path:
    """Write or renew `metadata.csv` of an export that has ended.

    Args:
        target: The export's folder.
        snapshot: The project.

    Returns:
        The file; numbered where one of somebody else has its name.

    Raises:
        StorageError: If the journal cannot be read, or an export into the folder is running.
        OSError: If the file cannot be written.
    """
    state = read_journal(target)
    files = state.finished if state else {}
    data = _metadata(target.resolve(), files.values(), snapshot).encode()
    mode = next((f.mode for f in files.values()), "copy")
    known = files.get(GENERATED + METADATA.encode())
    with ExportJournal(target, mode) as journal:
        if known is not None and is_untouched(path_in(target, known.destination), known):
            path = path_in(target, known.destination)
            write_file(path, [data])
        else:
            names = (target / numbered([METADATA], n)[0] for n in range(1, 10_000))
            path = write_new_file(names, [data])
        status = path.stat()
        when = status.st_mtime_ns
        source = GENERATED + METADATA.encode()
        name = os.fsencode(path.name)
        content = content_hash(path)
        journal.finish(ExportedFile(source, name, status.st_size, when, when, content))
    return path


def _metadata(target: Path, files: Iterable[ExportedFile], snapshot: Snapshot) -> str:
    """A row for every picture that is in the export, and whose name CSV can hold.

    The loader stops at a row whose file it does not find.
    """
    images: dict[bytes, int] = {}
    for image, record in enumerate(snapshot.images):
        names = [record.relative]
        names += [c.relative for c in record.companions if c.kind is CompanionKind.IMAGE]
        for name in names:
            images[os.fsencode(absolute_path(snapshot.roots[record.root], name))] = image
    rows = []
    for file in files:
        here = os.fsencode(path_in(target, file.destination))  # after a move the project is there
        image = images.get(file.source, images.get(here, -1))
        if image >= 0 and _is_text(file.destination) and os.path.lexists(here):
            rows.append((display_path(file.destination), *_values(snapshot, image)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("file_name", "label", "cluster", "confidence", "decided"))
    writer.writerows(sorted(rows))
    return out.getvalue()


def _is_text(name: bytes) -> bool:
    """Whether a name can be written as UTF-8."""
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _values(snapshot: Snapshot, image: int) -> tuple[str, str, str, str]:
    label = int(snapshot.clustering.labels[image])
    value = float(snapshot.confidence[image])
    title = "" if label == UNASSIGNED else snapshot.clustering.clusters[label].title
    known = "" if np.isnan(value) else f"{value:.4f}"
    flags = int(snapshot.clustering.flags[image])
    return (title, str(label), known, decision(flags))

"""What a person means by a cluster's name or number and by an image's path."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import absolute_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dclust_gui.domain.clustering import Cluster, Clustering
    from dclust_gui.domain.images import ImageRecord

UNASSIGNED_WORD = "Unassigned"


def cluster_called(state: Clustering, text: str) -> Cluster:
    """The cluster of a name, a title like `Cluster 07`, or an id.

    Raises:
        InputError: If there is none, or several have the name.
    """
    wanted = text.strip()
    named = [c for c in state.clusters.values() if wanted and wanted in (c.name, c.title)]
    if len(named) > 1:
        ids = ", ".join(str(c.id) for c in named)
        raise InputError(f"Several clusters are called '{wanted}'.", "", f"Give an id: {ids}.")
    found = named[0] if named else state.find(wanted)
    if found is None:
        raise _no_cluster(state, wanted)
    return found


def target_called(state: Clustering, text: str) -> int:
    """As `cluster_called`, as an id; `Unassigned` is a target, too."""
    is_bin = text.strip().casefold() == UNASSIGNED_WORD.casefold()
    if is_bin and not any(c.name == text.strip() for c in state.clusters.values()):
        return UNASSIGNED
    return cluster_called(state, text).id


def images_at(
    images: Sequence[ImageRecord], roots: Sequence[Path], paths: Sequence[Path]
) -> tuple[int, ...]:
    """Ids of the images that paths name; a folder names all images below it.

    Args:
        images: All images of a project.
        roots: Its root folders.
        paths: Places of files or folders, or paths below a root folder.

    Raises:
        InputError: If a path names no image of the project.
    """
    bases = [os.fsencode(absolute_path(root, b"")) for root in roots]
    places: dict[bytes, int] = {}
    relatives: dict[bytes, int] = {}
    for image, record in enumerate(images):
        relatives.setdefault(record.relative, image)
        places[os.path.join(bases[record.root], record.relative)] = image  # noqa: PTH118 -- bytes
    found: dict[int, None] = {}
    for path in paths:
        hits = _named_by(path, places, relatives)
        if not hits:
            raise InputError(
                f"There is no image '{path}' in this project.",
                "",
                "Give its place, or its path below the folder; 'dclust add' adds new ones.",
            )
        found.update(dict.fromkeys(hits))
    return tuple(found)


def _named_by(path: Path, places: dict[bytes, int], relatives: dict[bytes, int]) -> list[int]:
    place = os.path.abspath(path)  # noqa: PTH100 -- keeps links as they are
    known = (os.fsencode(place), os.fsencode(os.path.realpath(place)))
    relative = os.fsencode(path.as_posix().removeprefix("./"))
    for table, keys in ((places, known), (relatives, (relative,))):
        for key in keys:
            if key in table:
                return [table[key]]
    for table, keys in ((places, known), (relatives, (relative,))):
        for key in keys:
            below = key.rstrip(b"/") + b"/"
            hits = [image for name, image in table.items() if name.startswith(below)]
            if hits:
                return hits
    return []


def _no_cluster(state: Clustering, wanted: str) -> InputError:
    titles = [c.title for c in state.clusters.values()]
    near = difflib.get_close_matches(wanted, titles, n=3)
    hint = f"Did you mean {' or '.join(repr(t) for t in near)}?" if near else ""
    if not hint and titles:
        shown = ", ".join(f"'{t}'" for t in titles[:8])
        hint = f"There are {shown}{' and others' if len(titles) > 8 else ''}."
    return InputError(f"There is no cluster '{wanted}' in this project.", "", hint)

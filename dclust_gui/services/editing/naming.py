"""What a person means by a cluster's name or number and by an image's path."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import absolute_path
from dclust_gui.domain.names import UNASSIGNED_NAME, clean_name, same_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dclust_gui.domain.clustering import Cluster, Clustering
    from dclust_gui.domain.images import ImageRecord

_ID = "id:"
_DIGITS = 12


def cluster_called(state: Clustering, text: str) -> Cluster:
    """The cluster of a name, a title like `Cluster 07`, or an id; `id:7` is always an id.

    Raises:
        InputError: If there is none, or more than one may be meant.
    """
    return one_called(state.clusters, text, "in this project")


def one_called(clusters: Mapping[int, Cluster], text: str, where: str) -> Cluster:
    """As `cluster_called`, in any table of clusters.

    Args:
        clusters: The table.
        text: What a person wrote.
        where: Ends the sentence `There is no cluster 'x' ...`.

    Raises:
        InputError: If there is none, or more than one may be meant.
    """
    wanted = clean_name(text)
    number = wanted.removeprefix(_ID)
    by_id = clusters.get(int(number)) if number.isdecimal() and len(number) < _DIGITS else None
    if number != wanted:
        if by_id is None:
            raise _no_cluster(clusters, wanted, where)
        return by_id
    rows = clusters.values()
    named = [c for c in rows if wanted and wanted in (c.name, c.title)]
    named = named or [c for c in rows if wanted and same_name(c.title) == same_name(wanted)]
    meant = {c.id: c for c in (*named, *([by_id] if by_id else []))}
    if not meant:
        raise _no_cluster(clusters, wanted, where)
    if len(meant) > 1:
        ids = " or ".join(f"{_ID}{c.id}" for c in meant.values())
        what = f"Several clusters are called '{wanted}'."
        if by_id and by_id not in named:
            what = f"'{wanted}' is the name of one cluster and the number of '{by_id.title}'."
        raise InputError(what, "", f"Write {ids}.")
    return next(iter(meant.values()))


def target_called(state: Clustering, text: str) -> int:
    """As `cluster_called`, as an id; `Unassigned` is a target, too."""
    wanted = clean_name(text)
    is_bin = same_name(wanted) == same_name(UNASSIGNED_NAME)
    if is_bin and not any(c.name == wanted for c in state.clusters.values()):
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


def _no_cluster(clusters: Mapping[int, Cluster], wanted: str, where: str) -> InputError:
    titles = [c.title for c in clusters.values()]
    near = difflib.get_close_matches(wanted, titles, n=3)
    hint = f"Did you mean {' or '.join(repr(t) for t in near)}?" if near else ""
    if not hint and titles:
        shown = ", ".join(f"'{t}'" for t in titles[:8])
        verb = "is" if len(titles) == 1 else "are"
        hint = f"There {verb} {shown}{' and others' if len(titles) > 8 else ''}."
    return InputError(f"There is no cluster '{wanted}' {where}.", "", hint)

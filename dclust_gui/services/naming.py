"""Suggests names for a project's clusters, and gives them to clusters without one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits
from dclust_gui.domain.edits import EditKind, count_of
from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dclust_gui.algorithms.naming import Suggestion
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot

LARGEST_VOCABULARY = 1 << 20
"""Bytes; a longer file is no list of words."""


@dataclass(frozen=True, slots=True)
class ClusterNames:
    """Suggestions for one cluster.

    Attributes:
        cluster: Its id.
        name: The name it has; empty if it has none.
        n_images: Its images.
        suggestions: The best first; none where nothing stands out.
    """

    cluster: int
    name: str
    n_images: int
    suggestions: tuple[Suggestion, ...]


def read_vocabulary(path: Path) -> tuple[str, ...]:
    """The words of a file, one to a line; lines that start with # do not count.

    Raises:
        InputError: If it cannot be read as text or holds no word.
    """
    what = f"Could not read the words in '{path.name}'."
    try:
        if path.stat().st_size > LARGEST_VOCABULARY:
            raise InputError(what, "The file is larger than 1 MB.", "Give one word a line.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(what, str(error), "Give a UTF-8 text file.") from error
    words = tuple(
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")
    )
    if not words:
        raise InputError(what, "It holds no word.", "Give one word a line.")
    return words


def suggest(
    snapshot: Snapshot,
    engine: Engine,
    vocabulary: tuple[str, ...] = (),
    token: CancelToken | None = None,
) -> tuple[ClusterNames, ...]:
    """Names for every cluster that holds images, by contrast to the other clusters.

    May take seconds: loads the features and the backbone's classifier.

    Args:
        snapshot: The project.
        engine: Gives features and the backbone.
        vocabulary: The user's own words; those that fit come first.
        token: Stops the work.

    Returns:
        One entry to a cluster, by id.

    Raises:
        InputError: If nothing has been clustered or read yet.
        BackboneError: If the backbone has no classes with known names.
        Cancelled: If the token says so.
    """
    from dclust_gui.algorithms.naming import ClassName, class_shares, suggest_names
    from dclust_gui.features.class_names import imagenet_classes
    from dclust_gui.features.extractor import FeatureExtractor

    if snapshot.run is None:
        raise InputError("There are no clusters to name.", "", "Cluster the project first.")
    used = snapshot.run.settings
    settings = RunSettings(backbone=used.backbone, quality=used.quality)
    spec = engine.backbone(RunRequest(snapshot.roots, settings))
    head = FeatureExtractor(spec, batch_size=1).classifier()
    classes = () if head is None else imagenet_classes(len(head[0]))
    if head is None or not classes or spec.fingerprint != snapshot.run.backbone:
        raise BackboneError(
            f"The backbone '{spec.name}' suggests no names.",
            "It has no classes with known names, or is not the one the clusters were made with.",
            "Name the clusters by hand.",
        )
    contents = [record.content for record in snapshot.images]
    is_there = engine.has_features(spec.fingerprint, contents)
    rows = np.flatnonzero(is_there & (snapshot.clustering.labels >= 0))
    ids, codes = np.unique(snapshot.clustering.labels[rows], return_inverse=True)
    if not len(rows):
        raise InputError("There are no clusters to name.", "", "Cluster the project first.")
    features = engine.stored_features(spec.fingerprint, [contents[i] for i in rows.tolist()])
    weights, bias = head
    shares = class_shares(features, codes, weights, bias, _checkpoint(token))
    named = [ClassName(*entry) for entry in classes]
    counts = np.bincount(codes, minlength=len(ids)).tolist()
    found = suggest_names(shares, named, vocabulary=vocabulary)
    table = snapshot.clustering.clusters
    return tuple(
        ClusterNames(cluster, table[cluster].name, count, names)
        for cluster, count, names in zip(ids.tolist(), counts, found, strict=True)
    )


def _checkpoint(token: CancelToken | None) -> Callable[[int, int], None] | None:
    if token is None:
        return None

    def check(done: int, total: int) -> None:
        del done, total
        token.checkpoint()

    return check


def apply_names(session: ProjectSession, names: Mapping[int, str]) -> int:
    """Give names to clusters that have none, as one step; names given by hand stay.

    Args:
        session: The project, open for writing.
        names: Name of each cluster by id; those that exist no longer are passed over.

    Returns:
        How many clusters were named.
    """
    state = session.clustering
    table = dict(state.clusters)
    used = {cluster.name.casefold() for cluster in table.values() if cluster.name}
    n_named = 0
    for cluster, name in names.items():
        known = table.get(cluster)
        if known is None or known.name or not name.strip() or name.casefold() in used:
            continue
        table[cluster] = replace(known, name=name.strip())
        used.add(name.casefold())
        n_named += 1
    if n_named:
        title = f"name {count_of(n_named, 'cluster')}"
        labels = state.labels
        session.apply(edits.replace_all(state, EditKind.RENAME, title, labels, table, state.run_id))
    return n_named

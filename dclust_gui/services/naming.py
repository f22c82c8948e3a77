"""Suggests names for a project's clusters, and gives them to clusters without one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain import edits
from dclust_gui.domain.edits import EditKind, count_of
from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.domain.names import clean_name, same_name
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.algorithms.naming import ClassName, Suggestion
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.images import ImageRecord
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
    except OSError as error:
        raise InputError(what, f"{error.strerror or error}.", "Give a text file.") from error
    except UnicodeDecodeError as error:
        raise InputError(what, "It is no text in UTF-8.", "Save it as UTF-8 text.") from error
    words = tuple(
        line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")
    )
    if not words:
        raise InputError(what, "It holds no word.", "Give one word a line.")
    return words


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    """A backbone's classifier.

    Attributes:
        fingerprint: Of the backbone.
        weights: float32 (n_classes, d).
        bias: float32 (n_classes,).
        classes: Its classes in order.
    """

    fingerprint: str
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: tuple[ClassName, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """Mean probability of each class in each cluster, and what it was computed of.

    Attributes:
        fingerprint: Of the backbone.
        images: The records, compared by identity.
        labels: int32 (n_images,).
        clusters: Ids of the clusters that hold images with features.
        counts: Number of those images.
        values: float64 (n_clusters, n_classes).
    """

    fingerprint: str
    images: tuple[ImageRecord, ...]
    labels: NDArray[np.int32]
    clusters: tuple[int, ...]
    counts: tuple[int, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NamesReport:
    """Suggestions for all clusters, by id."""

    names: tuple[ClusterNames, ...]


class NamingService:
    """Keeps the classifier and the last clusters' shares, so that other words are ranked at once.

    Calls from several threads wait for each other.

    Args:
        engine: Gives features and the backbone.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._head: _Head | None = None
        self._shares: _Shares | None = None

    def forget(self) -> None:
        """Another project is open, or none; the classifier is kept."""
        self._shares = None

    def suggest(
        self,
        snapshot: Snapshot,
        vocabulary: tuple[str, ...] = (),
        token: CancelToken | None = None,
    ) -> NamesReport:
        """See `suggest`."""
        from dclust_gui.algorithms.naming import suggest_names

        with self._lock:
            if snapshot.run is None:
                raise _nothing_to_name()
            if self._head is None or self._head.fingerprint != snapshot.run.backbone:
                self._head = _head_of(snapshot, self._engine)
            known = self._shares
            if known is None or not _still_holds(known, self._head, snapshot):
                known = _shares_of(snapshot, self._engine, self._head, token)
                self._shares = known
            found = suggest_names(known.values, self._head.classes, vocabulary=vocabulary)
        table = snapshot.clustering.clusters
        rows = zip(known.clusters, known.counts, found, strict=True)
        return NamesReport(
            tuple(ClusterNames(c, table[c].name, count, names) for c, count, names in rows)
        )


@dataclass(frozen=True, slots=True, eq=False)
class NamesQuery:
    """Suggest names for a project's clusters: a `NamesReport`."""

    service: NamingService
    snapshot: Snapshot
    vocabulary: tuple[str, ...] = ()

    def run(self, token: CancelToken) -> NamesReport:
        """See `NamingService.suggest`."""
        return self.service.suggest(self.snapshot, self.vocabulary, token)


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
    return NamingService(engine).suggest(snapshot, vocabulary, token).names


def _head_of(snapshot: Snapshot, engine: Engine) -> _Head:
    """The classifier of the run's backbone, with the names of its classes."""
    from dclust_gui.algorithms.naming import ClassName
    from dclust_gui.features.class_names import imagenet_classes
    from dclust_gui.features.extractor import FeatureExtractor

    if snapshot.run is None:
        raise _nothing_to_name()
    used = snapshot.run.settings
    settings = RunSettings(backbone=used.backbone, quality=used.quality)
    spec = engine.backbone(RunRequest(snapshot.roots, settings))
    is_same = spec.fingerprint == snapshot.run.backbone
    head = FeatureExtractor(spec, batch_size=1).classifier() if is_same else None
    classes = () if head is None else imagenet_classes(len(head[0]))
    if head is None or not classes:
        raise BackboneError(
            f"The backbone '{spec.name}' suggests no names.",
            "It has no classes with known names, or is not the one the clusters were made with.",
            "Name the clusters by hand.",
        )
    return _Head(spec.fingerprint, *head, tuple(ClassName(*entry) for entry in classes))


def _still_holds(known: _Shares, head: _Head, snapshot: Snapshot) -> bool:
    return (
        known.fingerprint == head.fingerprint
        and known.images is snapshot.images
        and np.array_equal(known.labels, snapshot.clustering.labels)
    )


def _shares_of(
    snapshot: Snapshot, engine: Engine, head: _Head, token: CancelToken | None
) -> _Shares:
    """What the classifier takes the images of each cluster for."""
    from dclust_gui.algorithms.naming import class_shares

    labels = snapshot.clustering.labels
    contents = [record.content for record in snapshot.images]
    is_there = engine.has_features(head.fingerprint, contents)
    rows = np.flatnonzero(is_there & (labels >= 0))
    if not len(rows):
        raise _nothing_to_name()
    ids, codes = np.unique(labels[rows], return_inverse=True)
    features = engine.stored_features(head.fingerprint, [contents[i] for i in rows.tolist()])
    values = class_shares(features, codes, head.weights, head.bias, _checkpoint(token))
    counts = np.bincount(codes, minlength=len(ids))
    return _Shares(
        head.fingerprint,
        snapshot.images,
        labels,
        tuple(ids.tolist()),
        tuple(counts.tolist()),
        values,
    )


def _nothing_to_name() -> InputError:
    return InputError("There are no clusters to name.", "", "Cluster the project first.")


def _checkpoint(token: CancelToken | None) -> Callable[[int, int], None] | None:
    if token is None:
        return None

    def check(done: int, total: int) -> None:
        del done, total
        token.checkpoint()

    return check


def names_to_give(state: Clustering, found: Sequence[ClusterNames]) -> dict[int, str]:
    """The best suggestion for each cluster without a name, none twice and none that is taken.

    Where two clusters have the same best one, it goes to the one that it fits better, and the
    other gets its next best.

    Args:
        state: The present state.
        found: Suggestions.

    Returns:
        Name by cluster; clusters for which none is left are missing.
    """
    table = state.clusters
    used = {same_name(cluster.title) for cluster in table.values()}
    offers = sorted(
        (rank, -suggestion.score, one.cluster, suggestion.name)
        for one in found
        if one.cluster in table and not table[one.cluster].name
        for rank, suggestion in enumerate(one.suggestions)
    )
    chosen: dict[int, str] = {}
    for _, _, cluster, name in offers:
        if cluster not in chosen and same_name(name) and same_name(name) not in used:
            chosen[cluster] = name
            used.add(same_name(name))
    return chosen


def apply_names(session: ProjectSession, names: Mapping[int, str]) -> int:
    """Give names to clusters that have none, as one step; names given by hand stay.

    Args:
        session: The project, open for writing.
        names: Name of each cluster by id, see `names_to_give`; those that exist no longer are
            passed over, and so are names that are taken.

    Returns:
        How many clusters were named.
    """
    state = session.saved_clustering
    table = dict(state.clusters)
    used = {same_name(cluster.title) for cluster in table.values()}
    n_named = 0
    for cluster, wanted in names.items():
        known, name = table.get(cluster), clean_name(wanted)
        if known is None or known.name or not name or same_name(name) in used:
            continue
        table[cluster] = replace(known, name=name)
        used.add(same_name(name))
        n_named += 1
    if n_named:
        title = f"name {count_of(n_named, 'cluster')}"
        rows = {key: row for key, row in table.items() if row != state.clusters[key]}
        session.apply(edits.update_clusters(state, rows, EditKind.RENAME, title))
    return n_named

"""Runs a clusterer in a process of its own, so that calls that cannot be stopped can be ended."""

from __future__ import annotations

import multiprocessing
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.errors import ClusteringError, KnownError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from numpy.typing import NDArray

    from dclust_gui.domain.runs import RunSettings

_POLL_S = 0.1
_END_S = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What a clusterer found.

    Attributes:
        labels: int32 (m,); -1 for Unassigned.
        confidence: float32 (m,), 0 to 1.
        tree: float64 (m - 1, 4) of a hierarchical method; None for others.
        space: float (m, d), the rows in the space in which the method measured distances.
        note: What the user should know about the result; empty if nothing.
    """

    labels: NDArray[np.int32]
    confidence: NDArray[np.float32]
    tree: NDArray[np.float64] | None
    space: NDArray[np.floating]
    note: str


def fit(
    rows: NDArray[np.float32],
    settings: RunSettings,
    k: int | None,
    callback: Callable[[int, int], None],
) -> Fitted:
    """Fit the method that the settings name.

    Args:
        rows: float32 (m, d).
        settings: Method, its parameters, distance, linkage and seed.
        k: Number of clusters; None where the method finds it.
        callback: Told (done, total); may raise `Cancelled`.

    Raises:
        KnownError: If the method cannot be used so.
    """
    from dclust_gui.algorithms.registry import build

    estimator = build(
        settings.algorithm,
        n_clusters=k,
        random_state=settings.seed,
        metric=None if settings.metric == "euclidean" else settings.metric,
        linkage=settings.linkage,
        params=settings.method_parameters,
    )
    estimator.fit(rows, callback=callback)
    tree = getattr(estimator, "tree_", None)
    return Fitted(
        np.asarray(estimator.labels_, np.int32),
        np.asarray(estimator.confidence_, np.float32),
        None if tree is None else np.asarray(tree, np.float64),
        estimator.metric_map_.apply(rows),
        str(getattr(estimator, "note_", "") or ""),
    )


def fit_isolated(
    rows: NDArray[np.float32],
    settings: RunSettings,
    k: int | None,
    callback: Callable[[int, int], None],
) -> Fitted:
    """The same as `fit`, in a process that is ended when the callback raises `Cancelled`.

    Raises:
        KnownError: If the method cannot be used so, or its process died.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="dclust-") as name:
        np.save(Path(name) / "rows.npy", rows)
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, name, settings, k), daemon=True)
        process.start()
        theirs.close()
        try:
            _follow(ours, callback)
            with np.load(Path(name) / "fitted.npz", allow_pickle=False) as found:
                tree = found["tree"]
                return Fitted(
                    found["labels"],
                    found["confidence"],
                    tree if len(tree) else None,
                    found["space"],
                    str(found["note"]),
                )
        finally:
            _end(process)
            ours.close()


def call_isolated(
    function: Callable[[NDArray[np.float32], int, int], NDArray[np.float32]],
    rows: NDArray[np.float32],
    arguments: tuple[int, int],
    callback: Callable[[int, int], None],
) -> NDArray[np.float32]:
    """What a function of a module makes of rows, in a process that a `Cancelled` ends.

    Raises:
        KnownError: If the function raised one, or its process died.
    """
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="dclust-") as name:
        np.save(Path(name) / "rows.npy", rows)
        ours, theirs = context.Pipe()
        body = (theirs, name, function, arguments)
        process = context.Process(target=_serve_call, args=body, daemon=True)
        process.start()
        theirs.close()
        try:
            _follow(ours, callback)
            found: NDArray[np.float32] = np.load(Path(name) / "found.npy")
            return found
        finally:
            _end(process)
            ours.close()


def _end(process: BaseProcess) -> None:
    process.terminate()
    process.join(_END_S)
    if process.is_alive():
        process.kill()
        process.join()


def _serve_call(
    pipe: Connection,
    folder: str,
    function: Callable[[NDArray[np.float32], int, int], NDArray[np.float32]],
    arguments: tuple[int, int],
) -> None:
    """Body of the process."""
    try:
        found = function(np.load(Path(folder) / "rows.npy"), *arguments)
    except KnownError as error:
        pipe.send(KnownError(error.what, error.why, error.hint))
        return
    np.save(Path(folder) / "found.npy", found)
    pipe.send("done")


def _follow(pipe: Connection, callback: Callable[[int, int], None]) -> None:
    """Pass on progress until the process has finished."""
    while True:
        if not pipe.poll(_POLL_S):
            callback(0, 0)
            continue
        try:
            message = pipe.recv()
        except EOFError:
            raise ClusteringError(
                "The clustering ended early.",
                "Its process was ended, perhaps because memory ran out.",
                "Choose another method, or cluster fewer images.",
            ) from None
        match message:
            case int(done), int(total):
                callback(done, total)
            case str():
                return
            case KnownError():
                raise message
            case _:
                raise TypeError(f"an unknown message: {message!r}")


def _serve(pipe: Connection, folder: str, settings: RunSettings, k: int | None) -> None:
    """Body of the process."""
    rows = np.load(Path(folder) / "rows.npy")
    try:
        found = fit(rows, settings, k, lambda done, total: pipe.send((done, total)))
    except KnownError as error:
        pipe.send(KnownError(error.what, error.why, error.hint))
        return
    np.savez(
        Path(folder) / "fitted.npz",
        labels=found.labels,
        confidence=found.confidence,
        tree=np.empty((0, 4)) if found.tree is None else found.tree,
        space=found.space,
        note=np.array(found.note),
    )
    pipe.send("done")

"""Clustering methods and heads by name: their records, and their estimators when needed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from dclust_gui.algorithms.head_rows import AUTOENCODER, DEFAULT_HEAD, HEADS
from dclust_gui.algorithms.method import Kind, Method, Parameter, Value, check_k, find
from dclust_gui.algorithms.method_rows import METHODS
from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from dclust_gui.algorithms.clusterer import Clusterer
    from dclust_gui.algorithms.deep.base import DeepClusterer

__all__ = [
    "DEFAULT_HEAD",
    "Kind",
    "Method",
    "Parameter",
    "Value",
    "build",
    "build_head",
    "head",
    "heads",
    "method",
    "methods",
]


def methods() -> tuple[Method, ...]:
    """Every clustering method, in the order in which to offer them."""
    return METHODS


def method(name: str) -> Method:
    """The method of that name.

    Args:
        name: As on the command line.

    Raises:
        InputError: If there is none; the hint lists the names.
    """
    return find(METHODS, name, "method")


def heads() -> tuple[Method, ...]:
    """Every deep-clustering head, in the order in which to offer them."""
    return HEADS


def head(name: str) -> Method:
    """The head of that name.

    Args:
        name: As on the command line.

    Raises:
        InputError: If there is none; the hint lists the names.
    """
    return find(HEADS, name, "head")


def build(
    name: str,
    *,
    n_clusters: int | None = None,
    random_state: int | None = None,
    metric: str | None = None,
    linkage: str | None = None,
    params: Mapping[str, Value] | None = None,
) -> Clusterer:
    """Make the estimator of a method; its libraries load now.

    Args:
        name: Name of the method.
        n_clusters: Number of clusters; methods that find it themselves leave it aside.
        random_state: Seed.
        metric: Distance; None for the method's own.
        linkage: Linkage of a hierarchical method; None for its own.
        params: Further settings, as text or values.

    Returns:
        The estimator, not fitted.

    Raises:
        InputError: If the method, a distance, a linkage or a setting cannot be used.
    """
    chosen = method(name)
    values = chosen.parse(params or {})
    if chosen.needs_k:
        values["n_clusters"] = check_k(chosen, n_clusters)
    if chosen.seeded:
        values["random_state"] = random_state
    if metric is not None:
        _check_choice(chosen, "distance", metric, chosen.metrics)
    if len(chosen.metrics) > 1:
        values["metric"] = metric or chosen.metrics[0]
    if linkage is not None and chosen.linkages:
        _check_choice(chosen, "linkage", linkage, chosen.linkages)
    if chosen.linkages:
        values["linkage"] = linkage or chosen.linkages[0]
    estimator: Clusterer = getattr(*_home_of(chosen))(**values)
    return estimator


def build_head(
    name: str,
    *,
    n_clusters: int | None = None,
    random_state: int | None = None,
    device: str = "auto",
    params: Mapping[str, Value] | None = None,
) -> DeepClusterer:
    """Make the estimator of a head; its libraries load now.

    Args:
        name: Name of the head.
        n_clusters: Number of clusters; None only for a head that finds it.
        random_state: Seed.
        device: auto, cpu, cuda, cuda:N or mps.
        params: Further settings, as text or values.

    Returns:
        The estimator, not fitted.

    Raises:
        InputError: If the head or a setting cannot be used.
    """
    chosen = head(name)
    given = chosen.parse(params or {})
    values: dict[str, object] = {n: v for n, v in given.items() if n not in AUTOENCODER}
    changed = {
        AUTOENCODER[p.name]: given[p.name]
        for p in chosen.parameters
        if p.name in AUTOENCODER and given[p.name] != p.default
    }
    if changed:
        from dclust_gui.algorithms.deep.pretraining import Autoencoder  # noqa: PLC0415 -- torch

        values["autoencoder"] = Autoencoder(**changed)  # type: ignore[arg-type]  # parsed above
    values["n_clusters"] = check_k(chosen, n_clusters) if chosen.needs_k else n_clusters
    values["random_state"] = random_state
    values["device"] = device
    estimator: DeepClusterer = getattr(*_home_of(chosen))(**values)
    return estimator


def _home_of(chosen: Method) -> tuple[ModuleType, str]:
    """The module of an estimator, imported now, and the name of its class."""
    module, _, class_name = chosen.estimator.partition(":")
    return import_module(module), class_name


def _check_choice(chosen: Method, what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(
            f"Could not use the {what} {value!r} with {chosen.title}.",
            f"The method allows: {', '.join(allowed)}.",
        )

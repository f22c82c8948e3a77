"""The clustering methods as plain data: parameters and import strings, no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, TypeAlias

from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.algorithms.clusterer import Clusterer

Value: TypeAlias = bool | int | float | str | None


class Kind(StrEnum):
    """What a parameter holds."""

    INTEGER = "integer"
    NUMBER = "number"
    CHOICE = "choice"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a method.

    Attributes:
        name: Name of the estimator's constructor argument.
        kind: What it holds.
        default: Its value when it is not given; None where the method chooses by itself
            ("auto" when given as text).
        minimum: Least value.
        maximum: Largest value.
        choices: Allowed texts of a choice.
        help: One sentence.
    """

    name: str
    kind: Kind
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""

    def parse(self, text: Value) -> Value:
        """The typed value of what a user wrote.

        Args:
            text: Text such as `0.5`, `auto` or `true`, or a value of the right type.

        Returns:
            The value.

        Raises:
            InputError: If it is of another kind or out of range.
        """
        chooses = self.default is None or self.default == "auto"
        if text is None or (chooses and str(text).strip().lower() == "auto"):
            return self.default
        try:
            value = self._convert(str(text).strip())
        except ValueError:
            raise self._wrong(text) from None
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low = self.minimum is not None and not value >= self.minimum
            high = self.maximum is not None and not value <= self.maximum
            if low or high:
                raise self._wrong(text)
        return value

    def _convert(self, text: str) -> Value:
        match self.kind:
            case Kind.INTEGER:
                return int(text)
            case Kind.NUMBER:
                return float(text)
            case Kind.CHOICE:
                if text not in self.choices:
                    raise ValueError
                return text
            case Kind.FLAG:
                flags = {"true": True, "yes": True, "1": True}
                flags |= {"false": False, "no": False, "0": False}
                if text.lower() not in flags:
                    raise ValueError
                return flags[text.lower()]

    @property
    def default_text(self) -> str:
        """The default, in words."""
        return "auto" if self.default is None else str(self.default)

    @property
    def range_text(self) -> str:
        """What may be given, in words."""
        match self.kind:
            case Kind.CHOICE:
                text = "one of " + ", ".join(self.choices)
            case Kind.FLAG:
                text = "true or false"
            case _:
                text = "a whole number" if self.kind is Kind.INTEGER else "a number"
                if self.minimum is not None:
                    text += f" from {_number(self.minimum)}"
                if self.maximum is not None:
                    text += f" to {_number(self.maximum)}"
        chooses = self.default in (None, "auto") and "auto" not in self.choices
        return f"{text}, or auto" if chooses else text

    def _wrong(self, text: Value) -> InputError:
        return InputError(
            f"Could not use {self.name}={text}.", f"It must be {self.range_text}.", self.help
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


@dataclass(frozen=True, slots=True)
class Method:
    """One clustering method.

    Attributes:
        name: Name on the command line and in project files.
        title: Name in the window.
        summary: One sentence on what it is good for.
        estimator: `module:Class` of its estimator.
        parameters: Its settings, beyond those below.
        needs_k: Whether it takes a number of clusters (`n_clusters`).
        hierarchical: Whether it has a tree of its own (`tree_`) and takes a linkage.
        seeded: Whether it takes a `random_state`.
        finds_noise: Whether it may leave images Unassigned.
        metrics: The distances it allows, the default first.
        linkages: The linkages it allows, the default first.
        cost: Its cost in words.
        blocks: Whether its library calls cannot be stopped half-way.
        blocking_linkages: The linkages for which that is so, where it is not so for all.
    """

    name: str
    title: str
    summary: str
    estimator: str
    parameters: tuple[Parameter, ...] = ()
    needs_k: bool = True
    hierarchical: bool = False
    seeded: bool = True
    finds_noise: bool = False
    metrics: tuple[str, ...] = ("euclidean",)
    linkages: tuple[str, ...] = ()
    cost: str = ""
    blocks: bool = False
    blocking_linkages: tuple[str, ...] = ()

    def parameter(self, name: str) -> Parameter:
        """The setting of that name.

        Raises:
            InputError: If the method has none of that name.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        names = ", ".join(p.name for p in self.parameters) or "none"
        raise InputError(
            f"Could not set {name!r} for {self.name}.",
            "The method has no such parameter.",
            f"Its parameters: {names}.",
        )

    def parse(self, params: Mapping[str, Value]) -> dict[str, Value]:
        """The typed values of settings written as text; those not named keep their defaults.

        Args:
            params: Name to text or value.

        Returns:
            Name to value, for every parameter of the method.

        Raises:
            InputError: If a name is unknown or a value cannot be used.
        """
        values = {p.name: p.default for p in self.parameters}
        for name, text in params.items():
            values[name] = self.parameter(name).parse(text)
        return values


def methods() -> tuple[Method, ...]:
    """Every clustering method, in the order in which to offer them."""
    return _METHODS


def method(name: str) -> Method:
    """The method of that name.

    Args:
        name: As on the command line.

    Raises:
        InputError: If there is none; the hint lists the names.
    """
    for candidate in _METHODS:
        if candidate.name == name:
            return candidate
    raise InputError(
        f"Could not use the method {name!r}.",
        "There is no method of that name.",
        "Methods: " + ", ".join(m.name for m in _METHODS) + ".",
    )


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
        if n_clusters is None:
            raise InputError(
                f"Could not run {chosen.title}.", "It needs a number of clusters.", "Give k."
            )
        values["n_clusters"] = n_clusters
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
    module, _, class_name = chosen.estimator.partition(":")
    estimator: Clusterer = getattr(import_module(module), class_name)(**values)
    return estimator


def _check_choice(chosen: Method, what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(
            f"Could not use the {what} {value!r} with {chosen.title}.",
            f"The method allows: {', '.join(allowed)}.",
        )


_HOME = "dclust_gui.algorithms."
_EUCLIDEAN_LIKE = ("euclidean", "sqeuclidean", "cosine", "correlation", "mahalanobis")
_EVERY = (*_EUCLIDEAN_LIKE, "manhattan")
_N_INIT = Parameter("n_init", Kind.INTEGER, "auto", 1, 1000, help="Restarts; the best is kept.")
_MAX_ITER = Parameter("max_iter", Kind.INTEGER, 300, 1, 100_000, help="Most iterations.")
_AXES = Parameter("axes", Kind.INTEGER, None, 1, 100_000, help="Leading axes that are looked at.")
_TOL = Parameter("tol", Kind.NUMBER, 1e-4, 0.0, 1.0, help="Smallest move that counts.")

_METHODS: tuple[Method, ...] = (
    Method(
        name="kmeans",
        title="k-means",
        summary="Compact clusters of similar size around their means; the safe first choice.",
        estimator=_HOME + "partition:KMeans",
        parameters=(_N_INIT, _MAX_ITER, _TOL),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n k d) per iteration",
    ),
    Method(
        name="minibatch-kmeans",
        title="Mini-batch k-means",
        summary="k-means by small batches, for very many images.",
        estimator=_HOME + "kmeans_variants:MiniBatchKMeans",
        parameters=(
            Parameter("n_init", Kind.INTEGER, "auto", 1, 1000, help="Seedings that are tried."),
            Parameter("max_iter", Kind.INTEGER, 100, 1, 100_000, help="Most passes."),
            Parameter("batch_size", Kind.INTEGER, 4096, 16, 1_000_000, help="Images of a batch."),
            Parameter("full_iter", Kind.INTEGER, 10, 1, 1000, help="Full iterations at the end."),
        ),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(batch k d) per step",
    ),
    Method(
        name="spherical-kmeans",
        title="Spherical k-means",
        summary="k-means of directions: only the angle between features counts.",
        estimator=_HOME + "kmeans_variants:SphericalKMeans",
        parameters=(_N_INIT, _MAX_ITER, _TOL),
        metrics=("cosine",),
        cost="O(n k d) per iteration",
    ),
    Method(
        name="meanshift",
        title="MeanShift",
        summary="Finds the number of clusters by itself: the peaks of the density of the images.",
        estimator=_HOME + "meanshift:MeanShift",
        parameters=(
            Parameter("bandwidth", Kind.NUMBER, None, 1e-12, help="Radius of the kernel."),
            Parameter(
                "quantile",
                Kind.NUMBER,
                None,
                0.001,
                1.0,
                help="For the radius; less: more clusters.",
            ),
            _AXES,
            Parameter(
                "kernel",
                Kind.CHOICE,
                "flat",
                choices=("flat", "gaussian"),
                help="Shape of the kernel.",
            ),
            Parameter("max_seeds", Kind.INTEGER, 5000, 1, 1_000_000, help="Images that climb."),
            _MAX_ITER,
        ),
        needs_k=False,
        metrics=_EUCLIDEAN_LIKE,
        cost="O(seeds n d) per step, at most 5,000 seeds, 8 axes of wide features",
    ),
    Method(
        name="agglomerative",
        title="Hierarchical",
        summary="Merges near clusters step by step; one tree, which can be cut anywhere later.",
        estimator=_HOME + "agglomerative:Agglomerative",
        hierarchical=True,
        seeded=False,
        metrics=_EVERY,
        linkages=("ward", "average", "complete", "single"),
        blocking_linkages=("average", "complete"),
        cost="O(n^2 d); memory O(n d) for Ward and single linkage, O(n^2) for the others",
    ),
    Method(
        name="dbscan",
        title="DBSCAN",
        summary="Dense regions of any shape; many images between them may stay Unassigned.",
        estimator=_HOME + "density:DBSCAN",
        blocks=True,
        parameters=(
            Parameter("eps", Kind.NUMBER, None, 1e-12, help="Radius that counts as near."),
            Parameter("min_samples", Kind.INTEGER, 5, 1, 100_000, help="Neighbours of a core."),
            _AXES,
        ),
        needs_k=False,
        seeded=False,
        finds_noise=True,
        metrics=_EVERY,
        cost="O(n^2 d)",
    ),
    Method(
        name="hdbscan",
        title="HDBSCAN",
        summary="Dense groups of varying density, for a first look; the rest stays Unassigned.",
        estimator=_HOME + "density:HDBSCAN",
        blocks=True,
        parameters=(
            Parameter("min_cluster_size", Kind.INTEGER, None, 2, 1_000_000, help="Least size."),
            Parameter("min_samples", Kind.INTEGER, None, 1, 100_000, help="Caution against noise."),
            Parameter(
                "selection", Kind.CHOICE, "eom", choices=("eom", "leaf"), help="Few large or many."
            ),
            _AXES,
        ),
        needs_k=False,
        seeded=False,
        finds_noise=True,
        metrics=_EVERY,
        cost="O(n^2 d)",
    ),
    Method(
        name="gmm",
        title="Gaussian mixture",
        summary="Clusters with a shape of their own and a probability for every image.",
        estimator=_HOME + "mixture:GaussianMixture",
        blocks=True,
        parameters=(
            Parameter(
                "covariance",
                Kind.CHOICE,
                "auto",
                choices=("auto", "full", "tied", "diag", "spherical"),
                help="Shape of the clusters.",
            ),
            Parameter("n_init", Kind.INTEGER, 5, 1, 1000, help="Starts; the best is kept."),
            Parameter("max_iter", Kind.INTEGER, 100, 1, 100_000, help="Most iterations."),
            Parameter("regularisation", Kind.NUMBER, 1e-3, 0.0, 1.0, help="Least variance."),
        ),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n k d^2) per iteration",
    ),
    Method(
        name="spectral",
        title="Spectral",
        summary="Cuts the graph of nearest neighbours; finds clusters of any shape.",
        estimator=_HOME + "spectral:SpectralClustering",
        blocks=True,
        parameters=(
            Parameter("n_neighbors", Kind.INTEGER, 15, 1, 10_000, help="Neighbours in the graph."),
        ),
        metrics=_EUCLIDEAN_LIKE,
        cost="O(n^2 d)",
    ),
)

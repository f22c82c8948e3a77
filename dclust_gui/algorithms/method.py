"""A method and its settings as plain data; loads no library."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from dclust_gui.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        ends: What the least and the largest value mean, in a few words; a number with ends is
            shown as a slider.
    """

    name: str
    kind: Kind
    default: Value
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    help: str = ""
    ends: tuple[str, str] | None = None

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
    """One clustering method, or one head.

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
        gives_labels: Whether it groups the images itself; a head that does not only gives an
            embedding, which a clustering method groups.
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
    gives_labels: bool = True

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


def find(rows: Sequence[Method], name: str, noun: str) -> Method:
    """The method of a name.

    Args:
        rows: Where to look.
        name: As on the command line.
        noun: What the rows are, in words.

    Raises:
        InputError: If there is none; the hint lists the names.
    """
    for candidate in rows:
        if candidate.name == name:
            return candidate
    raise InputError(
        f"Could not use the {noun} {name!r}.",
        f"There is no {noun} of that name.",
        f"{noun.capitalize()}s: " + ", ".join(m.name for m in rows) + ".",
    )


def check_k(chosen: Method, n_clusters: int | None) -> int:
    """The number of clusters that a method needs.

    Raises:
        InputError: If it is not given.
    """
    if n_clusters is None:
        raise InputError(
            f"Could not run {chosen.title}.", "It needs a number of clusters.", "Give k."
        )
    return n_clusters

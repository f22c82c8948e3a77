"""The filter box's language: text to terms, and errors that say where and what instead.

    beach camera:canon date:2024-05..2024-06 confidence:<0.4 -reviewed:yes path:"my trip/"

Words stand side by side and all must hold; `-` before one turns it around; quotes keep spaces.
`OR`, in capitals, between two words lets either hold: `beach OR dunes camera:canon`.
"""

from __future__ import annotations

import calendar
import difflib
import math
import re
import unicodedata
from dataclasses import dataclass, replace
from enum import StrEnum

from dclust_gui.domain.errors import InputError


class Key(StrEnum):
    """What a term looks at."""

    ANY = ""
    NAME = "name"
    PATH = "path"
    CLUSTER = "cluster"
    CAMERA = "camera"
    DATE = "date"
    CONFIDENCE = "confidence"
    REVIEWED = "reviewed"
    STATUS = "status"
    IS = "is"


class State(StrEnum):
    """Values of `is:`."""

    PINNED = "pinned"
    UNASSIGNED = "unassigned"
    PLACED = "placed"
    APPROVED = "approved"
    REVIEWED = "reviewed"
    IGNORED = "ignored"
    MISSING = "missing"
    STACKED = "stacked"
    BRACKET = "bracket"


NONE = "none"
"""Value for "not known" of dates, cameras, confidences and clusters."""

HINTS = {
    Key.NAME: "part of the file name, as name:img_12",
    Key.PATH: "part of the folder or file, as path:trip/",
    Key.CLUSTER: "part of a cluster's name, as cluster:beach, or cluster:none",
    Key.CAMERA: "part of the camera's name, as camera:canon, or camera:none",
    Key.DATE: "when it was taken, as date:2024, date:2024-05..2024-06 or date:none",
    Key.CONFIDENCE: "0 to 1, as confidence:<0.4, confidence:0.2..0.5 or confidence:none",
    Key.REVIEWED: "reviewed:yes or reviewed:no",
    Key.STATUS: "status:ok, status:damaged, status:unreadable or status:pending",
    Key.IS: "is:pinned, is:unassigned, is:placed, is:approved, is:reviewed, is:ignored,"
    " is:missing, is:stacked or is:bracket",
}
"""What each key is for, with examples."""

CHOICES = {
    Key.REVIEWED: ("yes", "no"),
    Key.STATUS: ("ok", "damaged", "unreadable", "pending"),
    Key.IS: tuple(state.value for state in State),
}
"""Keys that take one of a few values."""

_KEYS = tuple(key for key in Key if key)
_KEY = re.compile(r"([A-Za-z]{2,}):")
_QUOTES = '"\u201c\u201d\u201e'
_DATE = re.compile(r"(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?")
_COMPARED = re.compile(r"(<=|>=|<|>|=)?(.*)", re.DOTALL)


class FilterError(InputError):
    """A term that cannot be understood.

    Attributes:
        start: Where it begins in the text.
        stop: Where it ends.
        is_unfinished: Nothing is wrong so far; the term is only not complete.
    """

    def __init__(
        self, what: str, hint: str, start: int, stop: int, *, is_unfinished: bool = False
    ) -> None:
        super().__init__(what, "", hint)
        self.start = start
        self.stop = stop
        self.is_unfinished = is_unfinished


@dataclass(frozen=True, slots=True)
class Bounds:
    """A range of numbers; dates are numbers such as 20240517.

    Attributes:
        low: Its lower end; -inf for none.
        high: Its upper end; inf for none.
        has_low: Whether the lower end belongs to it.
        has_high: Whether the upper end belongs to it.
    """

    low: float = -math.inf
    high: float = math.inf
    has_low: bool = True
    has_high: bool = True


@dataclass(frozen=True, slots=True)
class Term:
    """One condition.

    Attributes:
        key: What it looks at.
        text: The value, folded (see `fold`); `NONE` for "not known".
        is_negated: The condition must not hold.
        is_exact: The value is the whole name, not a part of it.
        bounds: The range, for dates and confidences.
        others: It is enough that one of these holds.
    """

    key: Key
    text: str
    is_negated: bool = False
    is_exact: bool = False
    bounds: Bounds | None = None
    others: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; without terms it lets everything through.

    Attributes:
        terms: All must hold.
    """

    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text, as it stands there.

    Attributes:
        start: Where it begins.
        stop: Where it ends.
        is_negated: It has a `-` before it.
        key: Text before the colon, in lower case; empty for a plain word.
        value: The rest, without quotes.
        value_start: Where the value begins, an opening quote included.
        is_quoted: The value has quotes.
    """

    start: int
    stop: int
    is_negated: bool
    key: str
    value: str
    value_start: int
    is_quoted: bool


def fold(text: str) -> str:
    """Text for comparing: composed and without case; cheap for ASCII."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def parse_filter(text: str) -> Filter:
    """Understand what was typed.

    Raises:
        FilterError: If a term cannot be understood.
    """
    terms: list[Term] = []
    joint: Token | None = None
    for token in split_words(text):
        if _is_empty(token):
            continue
        if is_or(token):
            if not terms or joint is not None:
                raise _or_error(token, is_unfinished=False)
            joint = token
        elif joint is not None:
            terms[-1] = replace(terms[-1], others=(*terms[-1].others, _term(token)))
            joint = None
        else:
            terms.append(_term(token))
    if joint is not None:
        raise _or_error(joint, is_unfinished=True)
    return Filter(tuple(terms))


def is_or(token: Token) -> bool:
    """Whether a word stands for "either": OR in capitals, without quotes."""
    return not (token.key or token.is_quoted or token.is_negated) and token.value == "OR"


def _or_error(token: Token, *, is_unfinished: bool) -> FilterError:
    return FilterError(
        "OR stands between two conditions.",
        'Write as in: beach OR dunes. To find the text itself, put it in quotes: "OR".',
        token.start,
        token.stop,
        is_unfinished=is_unfinished,
    )


def split_words(text: str) -> list[Token]:
    """The words of a text; a quote that is not closed reaches to the end."""
    tokens, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        start, in_quotes = at, False
        while at < len(text) and (in_quotes or not text[at].isspace()):
            in_quotes ^= text[at] in _QUOTES
            at += 1
        tokens.append(_token(text, start, at))
    return tokens


def _token(text: str, start: int, stop: int) -> Token:
    word = text[start:stop]
    is_negated = word.startswith("-") and len(word) > 1
    body = word[is_negated:]
    found = _KEY.match(body)
    key = found[1].lower() if found else ""
    value = body[found.end() :] if found else body
    plain = "".join(c for c in value if c not in _QUOTES)
    place = stop - len(value)
    return Token(start, stop, is_negated, key, plain, place, plain != value)


def _is_empty(token: Token) -> bool:
    return not token.key and not token.value.strip()


def _term(token: Token) -> Term:
    key = _key(token)
    value = fold(token.value.strip())
    if not value and key:
        raise FilterError(
            f"{key}: needs a value.",
            f"Write {_hint(key)}.",
            token.start,
            token.stop,
            is_unfinished=True,
        )
    if key is Key.DATE and value != NONE:
        return Term(key, value, token.is_negated, bounds=_dates(token, value))
    if key is Key.CONFIDENCE and value != NONE:
        return Term(key, value, token.is_negated, bounds=_numbers(token, value))
    if key in CHOICES:
        return Term(key, _choice(token, key, value), token.is_negated)
    is_exact = key in (Key.CLUSTER, Key.CAMERA, Key.NAME) and value.startswith("=")
    if is_exact and len(value) == 1:
        raise _error(token, key, is_unfinished=True)
    return Term(key, value[is_exact:], token.is_negated, is_exact)


def _hint(key: Key) -> str:
    return HINTS[key].split(", as ", 1)[-1]


def _key(token: Token) -> Key:
    if token.key in _KEYS or not token.key:
        return Key(token.key)
    near = difflib.get_close_matches(token.key, _KEYS, 1)
    hint = f"Did you mean {near[0]}:?" if near else f"There are {', '.join(_KEYS)}."
    raise FilterError(
        f"There is no filter '{token.key}:'.",
        f'{hint} To find the text itself, put it in quotes: "{token.key}:{token.value}".',
        token.start,
        token.stop,
    )


def _error(token: Token, key: Key, *, is_unfinished: bool = False) -> FilterError:
    return FilterError(
        f"'{token.value}' cannot be used with {key}:.",
        f"Write {_hint(key)}.",
        token.start,
        token.stop,
        is_unfinished=is_unfinished,
    )


def _choice(token: Token, key: Key, value: str) -> str:
    choices = CHOICES[key]
    if value in choices:
        return value
    is_unfinished = any(choice.startswith(value) for choice in choices)
    raise _error(token, key, is_unfinished=is_unfinished)


def _dates(token: Token, value: str) -> Bounds:
    low, high = _ends(value)
    first = _day(token, low[1]) if low[1] else (-math.inf, -math.inf)
    last = _day(token, high[1]) if high[1] else (math.inf, math.inf)
    # `>2024` begins after the year's last day, `<2024` ends before its first.
    bounds = Bounds(
        first[0] if low[0] else first[1],
        last[1] if high[0] else last[0],
        low[0],
        high[0],
    )
    return _checked(token, bounds)


def _numbers(token: Token, value: str) -> Bounds:
    low, high = _ends(value)
    bounds = Bounds(
        _number(token, low[1]) if low[1] else -math.inf,
        _number(token, high[1]) if high[1] else math.inf,
        low[0],
        high[0],
    )
    return _checked(token, bounds)


def _checked(token: Token, bounds: Bounds) -> Bounds:
    if bounds.low == -math.inf and bounds.high == math.inf:
        raise _error(token, Key(token.key), is_unfinished=True)
    if bounds.low > bounds.high:
        raise FilterError(
            f"'{token.value}' is empty: it ends before it begins.",
            "Write the smaller value first.",
            token.start,
            token.stop,
        )
    return bounds


def _ends(value: str) -> tuple[tuple[bool, str], tuple[bool, str]]:
    """Both ends of `a..b`, `<a`, `>=a` or `a`: whether they are included, and their text."""
    first, dots, last = value.partition("..")
    if dots:
        return (True, first.strip()), (True, last.strip())
    match = _COMPARED.fullmatch(value)
    assert match is not None  # it matches everything
    sign, rest = match[1] or "=", match[2].strip()
    if sign[0] == "<":
        return (True, ""), (sign == "<=", rest)
    if sign[0] == ">":
        return (sign == ">=", rest), (True, "")
    return (True, rest), (True, rest)


def _day(token: Token, text: str) -> tuple[int, int]:
    """First and last day of a date as numbers."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise _error(token, Key.DATE, is_unfinished=text.isdecimal() and len(text) < 4)
    year, month, day = (int(part) if part else 0 for part in match.groups())
    last_month = month or 12
    is_month = year > 0 and 1 <= last_month <= 12
    if (match[2] and not month) or not is_month:
        raise _error(token, Key.DATE)
    last_day = calendar.monthrange(year, last_month)[1]
    if (match[3] and not day) or day > last_day:
        raise _error(token, Key.DATE)
    first = year * 10000 + (month or 1) * 100 + (day or 1)
    return first, year * 10000 + last_month * 100 + (day or last_day)


def _number(token: Token, text: str) -> float:
    """A confidence: 0 to 1, or in percent."""
    try:
        number = float(text.removesuffix("%").replace(",", "."))
    except ValueError:
        raise _error(token, Key.CONFIDENCE) from None
    number = number / 100 if text.endswith("%") else number
    if not 0 <= number <= 1:
        raise _error(token, Key.CONFIDENCE)
    return number

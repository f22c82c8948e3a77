"""What may come next in the filter box: keys, then the values that the project has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.edits import count_of
from dclust_gui.services.filter_terms import CHOICES, HINTS, NONE, Key, Token, fold, split_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.services.filtering import Columns
    from dclust_gui.services.snapshot import Snapshot

MOST_WORDS = 12
"""Proposals that are shown at once."""

_MOST_VALUES = 2000
_CONFIDENCES = (("<0.4", "doubtful"), ("0.4..0.7", "fair"), (">0.7", "sure"), (NONE, "not known"))


@dataclass(frozen=True, slots=True)
class Word:
    """One proposal.

    Attributes:
        text: What takes the place of the word at the cursor.
        detail: What it means, or how many images it has.
    """

    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """Proposals for the word at the cursor.

    Attributes:
        start: Where that word begins.
        stop: Where it ends.
        options: The best first; empty where there is nothing to propose.
    """

    start: int
    stop: int
    options: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Values that a project has, each with a number of images, the most useful first."""

    clusters: tuple[tuple[str, int], ...] = ()
    cameras: tuple[tuple[str, int], ...] = ()
    dates: tuple[tuple[str, int], ...] = ()
    folders: tuple[tuple[str, int], ...] = ()

    def values(self, key: Key) -> tuple[Word, ...]:
        """Proposals for one key."""
        if key in CHOICES:
            return tuple(Word(choice) for choice in CHOICES[key])
        if key is Key.CONFIDENCE:
            return tuple(Word(text, detail) for text, detail in _CONFIDENCES)
        found = {
            Key.CLUSTER: self.clusters,
            Key.CAMERA: self.cameras,
            Key.DATE: self.dates,
            Key.PATH: self.folders,
        }.get(key, ())
        return tuple(Word(text, count_of(n)) for text, n in found)


def vocabulary_of(snapshot: Snapshot, columns: Columns) -> Vocabulary:
    """The values of a project; any thread, some tens of milliseconds at 100,000 images.

    Args:
        snapshot: The project.
        columns: Its columns.
    """
    counts = snapshot.clustering.counts()
    clusters = [(c.title, counts[c.id]) for c in snapshot.clustering.clusters.values()]
    n_cameras = np.bincount(columns.camera, minlength=len(columns.cameras)).tolist()
    cameras = sorted(
        ((name or NONE, n) for name, n in zip(columns.cameras, n_cameras, strict=True)),
        key=lambda row: (row[0] == NONE, -row[1], row[0]),
    )
    folders: dict[bytes, int] = {}
    for record in columns.images:
        folder = record.relative.rpartition(b"/")[0]
        folders[folder] = folders.get(folder, 0) + 1
    texts = [(f.decode("utf-8", "backslashreplace") + "/", n) for f, n in folders.items() if f]
    return Vocabulary(
        tuple(clusters[:_MOST_VALUES]),
        tuple(cameras[:_MOST_VALUES]) if len(cameras) > 1 or columns.cameras != ("",) else (),
        _dates(columns),
        tuple(sorted(texts)[:_MOST_VALUES]),
    )


def _dates(columns: Columns) -> tuple[tuple[str, int], ...]:
    """Years, then months, the latest first."""
    known = columns.dates[columns.dates > 0]
    years, n_years = np.unique(known // 10000, return_counts=True)
    months, n_months = np.unique(known // 100, return_counts=True)
    rows = [(f"{year:04d}", n) for year, n in zip(years.tolist(), n_years.tolist(), strict=True)]
    rows.reverse()
    late = [
        (f"{month // 100:04d}-{month % 100:02d}", n)
        for month, n in zip(months.tolist(), n_months.tolist(), strict=True)
    ]
    late.reverse()
    return tuple((rows + late)[:_MOST_VALUES])


def words_for(text: str, cursor: int, vocabulary: Vocabulary) -> Words:
    """What may stand at the cursor.

    Args:
        text: All that was typed.
        cursor: Index of the character before which the cursor stands.
        vocabulary: Values that the project has.
    """
    token = next((t for t in split_words(text) if t.start < cursor <= t.stop), None)
    if token is None:
        options = [Word(f"{key}:", HINTS[key]) for key in HINTS] if not text.strip() else []
        return Words(cursor, cursor, tuple(options))
    sign = "-" if token.is_negated else ""
    if token.key in tuple(Key) and token.key:
        options = _values(token, Key(token.key), vocabulary, sign)
    elif token.is_quoted or token.key:
        options = []
    else:
        options = _keys(token, vocabulary, sign)
    if len(options) == 1 and options[0].text == text[token.start : token.stop]:
        options = []
    return Words(token.start, token.stop, tuple(options[:MOST_WORDS]))


def _values(token: Token, key: Key, vocabulary: Vocabulary, sign: str) -> list[Word]:
    typed = fold(token.value).removeprefix("=")
    words = vocabulary.values(key)
    first = [w for w in words if fold(w.text).startswith(typed)]
    later = [w for w in words if typed in fold(w.text) and w not in first]
    return [Word(f"{sign}{key}:{_quoted(w.text)}", w.detail) for w in (*first, *later)]


def _keys(token: Token, vocabulary: Vocabulary, sign: str) -> list[Word]:
    """Keys that begin so, then clusters and states that have the word in them."""
    typed = fold(token.value)
    options = [Word(f"{sign}{key}:", HINTS[key]) for key in HINTS if key.startswith(typed)]
    if len(typed) < 2:
        return options
    for key in (Key.CLUSTER, Key.CAMERA):
        options += _matching(typed, key, vocabulary.values(key), sign)
    options += _matching(typed, Key.IS, vocabulary.values(Key.IS), sign)
    return options


def _matching(typed: str, key: Key, words: Sequence[Word], sign: str) -> list[Word]:
    found = [w for w in words if typed in fold(w.text)]
    return [Word(f"{sign}{key}:{_quoted(w.text)}", w.detail) for w in found]


def _quoted(text: str) -> str:
    clean = text.replace('"', "")
    return f'"{clean}"' if any(c.isspace() for c in clean) else clean

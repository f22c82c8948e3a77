"""Suggestions for names of clusters, from the classes that the backbone itself was trained on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.algorithms.base import Callback, FloatArray, UnusableDataError, report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK = 4096
LEAST_CONTRAST = 0.6
"""Least share here over the sum of the shares here and elsewhere: half as much again as there."""
LEAST_SHARE = 0.02
"""Least mean probability of a class within a cluster for it to be suggested."""
VOCABULARY_LIFT = 1.0
"""Added to the score of a word of the user's own, which puts it before every class."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name for a cluster.

    Attributes:
        name: The name.
        score: 0 to 1: share of the cluster's probability that speaks for it, weighed by how much
            more of it there is here than in the other clusters.
        is_own_word: Whether it comes from the user's vocabulary.
    """

    name: str
    score: float
    is_own_word: bool = False


@dataclass(frozen=True, slots=True)
class ClassName:
    """A class of the backbone.

    Attributes:
        lemmas: Its names, the usual one first.
        definition: A sentence on what it is, or empty.
    """

    lemmas: tuple[str, ...]
    definition: str = ""


def class_shares(
    features: FloatArray,
    labels: NDArray[np.integer],
    weights: FloatArray,
    bias: FloatArray,
    callback: Callback | None = None,
) -> NDArray[np.float64]:
    """Mean probability of each class in each cluster.

    Args:
        features: (n_images, d), as the backbone gives them.
        labels: int (n_images,), 0 to k - 1, or -1 for images that do not count.
        weights: (n_classes, d) of the backbone's classifier.
        bias: (n_classes,).
        callback: Called with (images done, images); may raise `Cancelled`.

    Returns:
        float64 (k, n_classes); rows of clusters that hold images sum to 1.

    Raises:
        UnusableDataError: If the widths or lengths differ.
    """
    if features.shape[1] != weights.shape[1] or len(features) != len(labels):
        raise UnusableDataError(
            "Could not suggest names.",
            f"The features have {features.shape[1]} values, the classifier {weights.shape[1]}.",
        )
    n_clusters = int(labels.max(initial=-1)) + 1
    sums = np.zeros((n_clusters, len(weights)))
    turned = np.ascontiguousarray(weights.T, dtype=np.float32)
    for start in range(0, len(features), BLOCK):
        report(callback, start, len(features))
        part = labels[start : start + BLOCK]
        scores = features[start : start + BLOCK].astype(np.float32) @ turned + bias
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        order = np.argsort(part, kind="stable")
        order = order[part[order] >= 0]
        if len(order):
            groups, first = np.unique(part[order], return_index=True)
            sums[groups] += np.add.reduceat(scores[order], first, axis=0, dtype=np.float64)
    report(callback, len(features), len(features))
    counts = np.bincount(labels[labels >= 0], minlength=n_clusters)
    shares: NDArray[np.float64] = sums / np.maximum(counts, 1)[:, None]
    return shares


def suggest_names(
    shares: NDArray[np.float64],
    classes: Sequence[ClassName],
    *,
    vocabulary: Sequence[str] = (),
    count: int = 3,
) -> list[tuple[Suggestion, ...]]:
    """Names for each cluster by contrast to the other clusters; the first ones all differ.

    A word of the vocabulary stands for every class in whose names or definition it occurs.

    Args:
        shares: float64 (k, n_classes) of `class_shares`.
        classes: The backbone's classes in order.
        vocabulary: The user's own words; those that fit come before all classes.
        count: Most suggestions to a cluster.

    Returns:
        For each cluster its suggestions, the best first; none where nothing stands out.

    Raises:
        UnusableDataError: If there are not as many classes as columns.
    """
    if len(classes) != shares.shape[1]:
        raise UnusableDataError(
            "Could not suggest names.",
            f"There are {len(classes)} names for {shares.shape[1]} classes.",
        )
    found: list[list[Suggestion]] = [[] for _ in range(len(shares))]
    words, columns = _word_shares(shares, classes, vocabulary)
    if words:
        _collect(found, columns, words, count, is_own=True)
    _collect(found, shares, [c.lemmas[0] for c in classes], count, is_own=False)
    return _first_ones_differ(found, count)


def _word_shares(
    shares: NDArray[np.float64], classes: Sequence[ClassName], vocabulary: Sequence[str]
) -> tuple[list[str], NDArray[np.float64]]:
    """Words that stand for any class, and their share (k, words) of each cluster."""
    texts = [" ".join((*c.lemmas, c.definition)).lower() for c in classes]
    words, columns = [], []
    for word in dict.fromkeys(w.strip() for w in vocabulary if w.strip()):
        forms = "|".join(re.escape(form) for form in _forms(word.lower()))
        pattern = re.compile(rf"\b({forms})\b")
        fits = np.array([bool(pattern.search(text)) for text in texts])
        if fits.any():
            words.append(word)
            columns.append(shares[:, fits].sum(axis=1))
    return words, np.stack(columns, 1) if columns else np.empty((len(shares), 0))


def _forms(word: str) -> list[str]:
    """An English noun as it is, in the plural and in the singular, whichever it was."""
    forms = [word, word + "s", word + "es"]
    if word.endswith("y"):
        forms.append(word[:-1] + "ies")
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        forms.append(word[:-1])
        if word.endswith("ies"):
            forms.append(word[:-3] + "y")
        elif word.endswith("es"):
            forms.append(word[:-2])
    return forms


def _collect(
    found: list[list[Suggestion]],
    shares: NDArray[np.float64],
    names: Sequence[str],
    count: int,
    *,
    is_own: bool,
) -> None:
    """Append the best names of each cluster."""
    n_clusters = len(shares)
    rest = (shares.sum(axis=0) - shares) / max(1, n_clusters - 1)
    contrast = (
        shares / np.maximum(shares + rest, 1e-12) if n_clusters > 1 else np.ones(shares.shape)
    )
    scores = shares * contrast
    for cluster, row in enumerate(scores):
        best = np.argsort(-row, kind="stable")[: 3 * count]
        taken = {s.name for s in found[cluster]}
        for at in best.tolist():
            is_clear = contrast[cluster, at] >= LEAST_CONTRAST
            is_clear &= shares[cluster, at] >= LEAST_SHARE
            if is_clear and names[at] not in taken:
                taken.add(names[at])
                found[cluster].append(Suggestion(names[at], float(row[at]), is_own))


def _first_ones_differ(found: list[list[Suggestion]], count: int) -> list[tuple[Suggestion, ...]]:
    """The clusters of the highest scores choose their first name before the others."""
    order = sorted(
        (c for c in range(len(found)) if found[c]),
        key=lambda c: -(found[c][0].score + VOCABULARY_LIFT * found[c][0].is_own_word),
    )
    taken: set[str] = set()
    for cluster in order:
        first = _free_name(found[cluster], taken)
        others = [s for s in found[cluster] if first is not None and s.name != first.name]
        found[cluster] = [] if first is None else [first, *others]
        if first is not None:
            taken.add(first.name)
    return [tuple(suggestions[:count]) for suggestions in found]


def _free_name(suggestions: list[Suggestion], taken: set[str]) -> Suggestion | None:
    """The best name that is free; a far weaker one follows the taken one: `jean, pajama`."""
    best = suggestions[0]
    free = next((s for s in suggestions if s.name not in taken), None)
    if free is None or free.score >= best.score / 2:
        return free
    both = f"{best.name}, {free.name}"
    return None if both in taken else Suggestion(both, best.score, best.is_own_word)

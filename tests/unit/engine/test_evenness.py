"""What is known beforehand of the sizes of groups, from the wish to the clusters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dclust_gui.algorithms.registry import build_head, heads
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import RunSettings, Sizes
from dclust_gui.engine.evenness import even_labels, follows
from dclust_gui.engine.grouping import group_rows, resolve
from dclust_gui.engine.heads import TrainingPlace

WISHED = RunSettings(algorithm="auto", reduce="auto", k=3)
BRIEF = {"head.pretrain_epochs": "4", "head.epochs": "4", "head.code_size": "3"}


def lopsided() -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
    """A large wide group of 100 and two tight ones of 10 beside it."""
    random = np.random.default_rng(0)
    wide = random.normal(size=(100, 12)) * 0.9
    tight = [random.normal(size=(10, 12)) * 0.1 + 4 * np.eye(12)[i] for i in (0, 1)]
    return np.vstack([wide, *tight]).astype(np.float16)


@pytest.mark.parametrize(
    ("wish", "method"),
    [("auto", "kmeans"), ("even", "balanced-kmeans"), ("uneven", "uneven-kmeans")],
)
def test_the_default_method_follows_the_wish(wish: str, method: str) -> None:
    resolved = resolve(replace(WISHED, sizes=wish))
    assert resolved.algorithm == method
    assert resolved.reduce == "umap"
    assert resolve(resolved) == resolved


def test_even_groups_are_of_similar_size_and_uneven_ones_are_not() -> None:
    rows = lopsided()
    sizes = {}
    for wish in ("even", "uneven"):
        settings = resolve(replace(WISHED, sizes=wish, reduce="none", scale="none"))
        result = group_rows(rows, settings, ignore_events, CancelToken())
        sizes[wish] = np.bincount(result.labels).tolist()
    assert max(sizes["even"]) <= 50
    assert min(sizes["even"]) >= 30
    assert sizes["uneven"][0] >= 95


def test_a_head_gets_its_own_setting_unless_it_is_set() -> None:
    settings = replace(WISHED, head="dec", sizes="uneven")
    assert resolve(settings).head_parameters == {"exponent": "0.5"}
    given = replace(settings, parameters={"head.exponent": "0.8"})
    assert resolve(given).head_parameters == {"exponent": "0.8"}
    assert resolve(replace(settings, sizes="even")).head_parameters == {"exponent": "1.0"}


def test_a_heads_groups_are_made_even() -> None:
    settings = resolve(replace(WISHED, head="dec", sizes="even", parameters=BRIEF))
    result = group_rows(
        lopsided(), settings, ignore_events, CancelToken(), None, TrainingPlace("cpu")
    )
    sizes = np.bincount(result.labels)
    assert (sizes.min(), sizes.max()) >= (30, 40)
    assert sizes.max() <= 50


def test_even_labels_leave_unassigned_images_alone() -> None:
    soft = np.tile([[0.9, 0.1]], (9, 1))
    labels = np.array([0] * 8 + [-1], np.int32)
    found = even_labels(soft, labels)
    assert found[8] == -1
    assert sorted(np.bincount(found[:8]).tolist()) == [3, 5]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sizes": "equal"}, "auto, even, uneven"),
        ({"sizes": "even", "algorithm": "hdbscan"}, "with HDBSCAN"),
        ({"sizes": "uneven", "algorithm": "balanced-kmeans"}, "uneven size with k-means"),
        ({"sizes": "uneven", "head": "dcn"}, "DEC, IDEC, VaDE, TEMI or SCAN"),
        ({"sizes": "uneven", "head": "dcat"}, "by itself"),
        ({"sizes": "even", "head": "dcat"}, "similar size with DCAT"),
    ],
)
def test_what_cannot_follow_the_wish_says_so(changes: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        resolve(replace(WISHED, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "head", [h for h in heads() if follows(h, Sizes.UNEVEN)], ids=lambda h: h.name
)
def test_every_head_that_follows_takes_its_settings(head: object) -> None:
    name = str(getattr(head, "name", ""))
    for wish in ("even", "uneven"):
        settings = resolve(replace(WISHED, head=name, sizes=wish))
        assert build_head(name, n_clusters=2, params=settings.head_parameters) is not None

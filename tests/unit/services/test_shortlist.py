"""The short list as a report keeps it, and what its numbers would look like."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.cutting import tree_of
from dclust_gui.services.jobs import run_record
from dclust_gui.services.session import ProjectSession
from dclust_gui.services.shortlist import (
    KCandidate,
    KShortlist,
    ShortlistQuery,
    exemplars,
    shortlist_of,
)
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.services.workspace import Workspace


@pytest.fixture
def run(workspace: Workspace, photos: Path) -> Run:
    """A run that chose its number of clusters."""
    request = RunRequest((photos,), RunSettings(k=0, reduce="none"))
    result = workspace.engine.run(request, ignore_events, CancelToken())
    return run_record(result, np.arange(12, dtype=np.int32))


def chain() -> Run:
    """Three pairs, the pairs joined one after another."""
    tree = np.array(
        [[0, 1, 1, 2], [2, 3, 1, 2], [4, 5, 1, 2], [6, 7, 2, 4], [8, 9, 3, 6]], np.float64
    )
    confidence = np.array([0.1, 0.9, 0.8, 0.2, 0.3, 0.4], np.float32)
    ids = np.arange(10, 16, dtype=np.int32)
    labels = np.array([0, 0, 1, 1, 2, 2], np.int32)
    return Run(1, "", RunSettings(), "00", ids, labels, confidence, tree)


def with_report(run: Run, **values: object) -> Run:
    return replace(run, report=json.dumps(values))


def listed(*ks: int) -> list[dict[str, object]]:
    levels = ("coarse", "medium", "fine")
    return [
        {"k": k, "level": level, "reason": "because", "silhouette": 0.5, "tree_silhouette": 0.4}
        for k, level in zip(ks, levels, strict=False)
    ]


def test_a_run_that_chose_its_number_keeps_the_list_and_its_evidence(run: Run) -> None:
    found = shortlist_of(run)
    assert found.has_choice
    assert [c.k for c in found.candidates] == sorted({c.k for c in found.candidates})
    chosen = [c for c in found.candidates if c.is_preselected]
    assert [c.k for c in chosen] == [len(set(run.labels.tolist()))]
    assert chosen[0].tree_silhouette == pytest.approx(chosen[0].silhouette, abs=0.02)
    assert all(c.reason for c in found.candidates)
    assert len(found.evidence.silhouette) == len(found.evidence.ks)
    assert not found.evidence.gap


def test_the_list_survives_closing_the_project(run: Run, tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "p.dclust"
    session = ProjectSession(ProjectStore.create(path, [photos]))
    facts = ImageFacts(ImageStatus.OK)
    session.add_images(
        [ImageRecord(0, f"{i}".encode(), FileStamp(1, 1), b"", facts) for i in range(12)]
    )
    session.accept_run(run)
    session.close()
    again = ProjectSession(ProjectStore.open(path))
    assert repr(shortlist_of(again.run)) == repr(shortlist_of(run))  # nan is not equal to nan
    again.close()


def test_no_run_no_list() -> None:
    assert shortlist_of(None) == KShortlist()


@pytest.mark.parametrize(
    "report",
    ["", "[]", '{"k_candidates": 3}', '{"k_candidates": [{"k": 5, "silhouette": 0.2}, "x"]}'],
)
def test_other_reports_give_an_empty_list(report: str) -> None:
    assert not shortlist_of(replace(chain(), report=report)).has_choice


def test_evidence_of_another_length_is_left_out() -> None:
    known = {"ks": [2, 3], "silhouette": [0.1, None], "gap": [1.0], "eigengap": "x"}
    evidence = shortlist_of(with_report(chain(), k_evidence=known)).evidence
    assert evidence.silhouette[0] == 0.1
    assert math.isnan(evidence.silhouette[1])
    assert evidence.gap == ()
    assert evidence.eigengap == 0


def test_exemplars_are_the_surest_image_of_each_branch_the_largest_first() -> None:
    run = chain()
    layout = tree_of(run)
    assert exemplars(run, layout, 2) == (11, 15)
    assert set(exemplars(run, layout, 3)) == {11, 12, 15}
    assert len(exemplars(run, layout, 99)) == 6


def test_the_query_leaves_out_numbers_beyond_the_tree() -> None:
    run = with_report(chain(), k_candidates=listed(2, 3, 40))
    report = ShortlistQuery(run).run(CancelToken())
    assert [c.k for c in report.found.candidates] == [2, 3]
    assert [cut.k for cut in report.cuts] == [2, 3]
    assert [len(strip) for strip in report.strips] == [2, 3]


def test_a_damaged_tree_leaves_the_evidence() -> None:
    run = with_report(chain(), k_candidates=listed(2, 3), k_evidence={"ks": [2, 3]})
    report = ShortlistQuery(replace(run, tree=run.tree[:-1])).run(CancelToken())
    assert report.cuts == ()
    assert report.found.candidates == ()
    assert report.found.evidence.ks == (2, 3)


@pytest.mark.parametrize(
    ("tree", "preselected", "warns"),
    [(0.2, False, True), (0.49, False, False), (0.2, True, False), (math.nan, False, False)],
)
def test_a_cut_that_is_worse_than_clustering_anew_says_so(
    tree: float, preselected: bool, warns: bool
) -> None:
    caution = KCandidate(8, "fine", "because", 0.5, tree, preselected).caution
    assert bool(caution) == warns
    assert not warns or "clustering anew with 8" in caution

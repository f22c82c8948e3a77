"""What runs are compared with: offered, counted, kept; on any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.editing.run_sides import (
    NOW,
    Side,
    SideKind,
    SidesQuery,
    SummaryQuery,
    keep_side,
    offers,
)
from dclust_gui.services.opening import create_project
from dclust_gui.services.runs import run_in_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.workspace import Workspace

FIRST, SECOND = Side(SideKind.RUN, 1), Side(SideKind.RUN, 2)


def cluster(session: ProjectSession, workspace: Workspace, k: int) -> None:
    settings = RunSettings(k=k, algorithm="kmeans", reduce="none")
    request = RunRequest(session.roots, settings, "cpu")
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())


@pytest.fixture
def session(tmp_path: Path, workspace: Workspace, photos: Path) -> Iterator[ProjectSession]:
    """Twelve images in three clusters."""
    opened = create_project(tmp_path / "p.dclust", [photos])
    cluster(opened, workspace, 3)
    yield opened
    opened.close()


def query(session: ProjectSession, first: Side, second: Side) -> SidesQuery:
    return SidesQuery(session.store, session.saved_clustering, first, second)


def test_one_run_can_be_compared_with_now_only(session: ProjectSession) -> None:
    found = offers(session)
    assert [offer.side for offer in found] == [NOW, FIRST]
    assert found[1].text == "Run 1 · k-means, 3 clusters · accepted"
    assert found[1].short == "run 1"
    assert found[1].time


def test_a_second_run_offers_both_and_the_clusters_before_it(
    session: ProjectSession, workspace: Workspace
) -> None:
    session.rename(1, "Discs")
    cluster(session, workspace, 2)
    assert [offer.side for offer in offers(session)] == [
        NOW,
        Side(SideKind.BEFORE, 2),
        SECOND,
        FIRST,
    ]
    session.undo()
    assert Side(SideKind.BEFORE, 2) not in [offer.side for offer in offers(session)]


def test_sides_are_counted_on_another_thread(session: ProjectSession, workspace: Workspace) -> None:
    before = session.saved_clustering
    cluster(session, workspace, 2)
    with ThreadPoolExecutor(1) as pool:
        runs = pool.submit(query(session, FIRST, SECOND).run, CancelToken()).result()
        states = query(session, Side(SideKind.BEFORE, 1), NOW)
        steps = pool.submit(states.run, CancelToken()).result()
        said = pool.submit(SummaryQuery(before, session.saved_clustering).run, CancelToken())
    assert runs.found.comparison.counts.sum() == 12
    assert np.array_equal(runs.found.comparison.counts, steps.found.comparison.counts)
    assert runs.found.sentence == steps.found.sentence == said.result()
    assert "8 of 12 images stayed, 4 moved." in said.result()


@pytest.mark.parametrize("side", [FIRST, Side(SideKind.BEFORE, 1)])
def test_clusters_of_an_earlier_side_are_kept(
    session: ProjectSession, workspace: Workspace, side: Side
) -> None:
    before = session.saved_clustering.labels
    cluster(session, workspace, 2)
    found = query(session, side, NOW).run(CancelToken())
    edit = keep_side(session.saved_clustering, found.found.first, [1, 2, 3], "run 1")
    assert session.apply(edit)
    assert session.clustering.labels.tolist() == before.tolist()
    assert edit.title.startswith("keep run 1 for ")


def test_a_run_that_is_not_there_is_an_error_and_a_stopped_query_answers_nothing(
    session: ProjectSession,
) -> None:
    with pytest.raises(InputError, match="no run 9"):
        query(session, Side(SideKind.RUN, 9), NOW).run(CancelToken())
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        query(session, FIRST, NOW).run(token)

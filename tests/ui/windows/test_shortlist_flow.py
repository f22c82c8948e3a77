"""Numbers of clusters and names, from the run to the project, as a person meets them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from dclust_gui.algorithms.naming import Suggestion
from dclust_gui.algorithms.shortlist import Candidate, Evidence, Level, Shortlist
from dclust_gui.algorithms.structure import Structure
from dclust_gui.domain.errors import BackboneError
from dclust_gui.services.naming import ClusterNames, NamesReport
from dclust_gui.ui.views.evidence_plot import EvidencePlot
from dclust_gui.ui.views.names_row import Naming
from dclust_gui.ui.windows.shortlist import CLUSTER_ANEW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.app import App
    from tests.ui.windows.conftest import QuickEngine


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def n_clusters(app: App) -> int:
    return len(set(session_of(app).clustering.labels.tolist()))


def some_list() -> Shortlist:
    nan = math.nan
    candidates = (
        Candidate(2, Level.COARSE, "two parts", 0.5, 0.49),
        Candidate(3, Level.MEDIUM, "three kinds", 0.4, 0.4),
        Candidate(6, Level.FINE, "more detail", 0.4, 0.1),
    )
    evidence = Evidence((2, 3, 6), (0.5, 0.4, nan), (1, 2, 3), (0.1, 0.1, 0.1), (1, 1, 1), 3, (9,))
    return Shortlist(candidates, 3, evidence)


@pytest.fixture
def listed_app(open_app: App, engine: QuickEngine, qtbot: QtBot) -> App:
    """The window after a run that was unsure between 2, 3 and 6."""
    engine.shortlist = some_list()
    with qtbot.waitSignal(open_app.work.run_accepted, timeout=10_000):
        open_app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(lambda: not open_app.work.is_busy, timeout=10_000)
    qtbot.waitUntil(open_app.window.shortlist.isVisible, timeout=5000)
    return open_app


def test_without_a_project_there_is_nothing_to_ask(app: App) -> None:
    assert not app.window.actions_["how_many"].isEnabled()
    assert not app.window.actions_["names"].isEnabled()


def test_a_run_offers_three_numbers_and_marks_its_own(listed_app: App, qtbot: QtBot) -> None:
    cards = listed_app.window.shortlist.cards
    assert [c.choice.candidate.k for c in cards] == [2, 3, 6]
    assert [len(c.choice.images) for c in cards] == [2, 3, 6]
    qtbot.waitUntil(lambda: [c.isChecked() for c in cards] == [False, True, False])
    first = cards[0].choice.images[0]
    qtbot.waitUntil(lambda: listed_app.shortlist._pictures.picture(first) is not None)


def test_looking_changes_nothing_taking_is_one_step(listed_app: App, qtbot: QtBot) -> None:
    app, strip = listed_app, listed_app.window.shortlist
    steps = len(session_of(app).history.steps)
    before = session_of(app).clustering.labels.copy()
    strip.preview_requested.emit(2)
    assert n_clusters(app) == 2
    assert np.array_equal(session_of(app).saved_clustering.labels, before)
    strip.preview_requested.emit(0)
    assert np.array_equal(session_of(app).clustering.labels, before)
    strip.cards[0].click()
    assert n_clusters(app) == 2
    assert len(session_of(app).history.steps) == steps + 1
    assert strip.cards[0].isChecked()
    app.controller.undo()
    assert np.array_equal(session_of(app).clustering.labels, before)
    qtbot.waitUntil(strip.cards[1].isChecked, timeout=5000)


def test_a_rougher_cut_says_so_and_offers_a_run(listed_app: App, qtbot: QtBot) -> None:
    app = listed_app
    app.window.shortlist.cards[2].click()
    found = [m for m in app.window.messages.messages if m.action == CLUSTER_ANEW]
    assert len(found) == 1
    assert "less well than clustering anew with 6" in found[0].text
    with qtbot.waitSignal(app.work.run_accepted, timeout=10_000):
        app.window.messages.action_requested.emit(CLUSTER_ANEW)
    assert session_of(app).run is not None
    assert session_of(app).run.settings.k == 6  # type: ignore[union-attr]


def test_the_list_is_closed_and_comes_back_with_the_command(listed_app: App, qtbot: QtBot) -> None:
    window = listed_app.window
    window.shortlist.dismissed.emit()
    assert not window.shortlist.isVisible()
    window.actions_["how_many"].trigger()
    assert window.shortlist.isVisible()
    assert n_clusters(listed_app) == 3  # nothing is previewed by the command
    window.shortlist.evidence_requested.emit()
    assert window.evidence.isVisible()
    assert len(window.evidence.findChildren(EvidencePlot)) == 3


def test_the_list_comes_back_with_the_project(
    listed_app: App, qtbot: QtBot, photos: Path, start: Callable[[App, Path], None]
) -> None:
    app = listed_app
    app.controller.close()
    assert not app.window.shortlist.isVisible()
    start(app, photos)
    qtbot.waitUntil(app.window.shortlist.isVisible, timeout=5000)
    assert [c.choice.candidate.k for c in app.window.shortlist.cards] == [2, 3, 6]
    app.controller.move([0], 2)
    app.controller.close()
    start(app, photos)
    qtbot.waitUntil(app.window.actions_["how_many"].isEnabled, timeout=5000)
    qtbot.waitUntil(lambda: len(app.window.shortlist.cards) == 3, timeout=5000)
    assert not app.window.shortlist.isVisible()  # work has begun; the command still shows it


def test_undoing_the_run_takes_the_list_away(listed_app: App, qtbot: QtBot) -> None:
    listed_app.controller.undo()
    qtbot.waitUntil(lambda: not listed_app.window.shortlist.isVisible(), timeout=5000)
    assert not listed_app.window.actions_["how_many"].isEnabled()


def test_a_run_with_a_given_number_says_that_nothing_was_compared(clustered_app: App) -> None:
    assert not clustered_app.window.shortlist.isVisible()
    clustered_app.window.actions_["how_many"].trigger()
    assert "compared no numbers" in clustered_app.window.messages.messages[-1].text


# -- names ---------------------------------------------------------------------------------


class Names:
    """Stands for the naming service; the words go before the classes.

    Attributes:
        asked: Own words of each question.
        failure: Raised by the next question.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.failure: Exception | None = None

    def forget(self) -> None:
        """Nothing is kept."""

    def suggest(
        self, snapshot: Snapshot, vocabulary: tuple[str, ...], token: CancelToken
    ) -> NamesReport:
        """A class for each cluster."""
        token.checkpoint()
        self.asked.append(vocabulary)
        if self.failure is not None:
            raise self.failure
        words = tuple(Suggestion(word, 0.9, is_own_word=True) for word in vocabulary)
        table = snapshot.clustering.clusters
        return NamesReport(
            tuple(
                ClusterNames(
                    key,
                    cluster.name,
                    8,
                    (*words, Suggestion(f"kind {key}", 0.5), Suggestion("any", 0.1)),
                )
                for key, cluster in table.items()
            )
        )


@pytest.fixture
def names(clustered_app: App) -> Names:
    """The naming service of the window."""
    names = Names()
    clustered_app.names._service = names  # type: ignore[assignment]
    return names


def open_names(app: App, qtbot: QtBot) -> None:
    app.window.actions_["names"].trigger()
    qtbot.waitUntil(lambda: len(app.window.names.rows) == 3, timeout=5000)


def titles(app: App) -> list[str]:
    return [c.title for c in session_of(app).clustering.clusters.values()]


def test_after_a_run_names_are_offered_until_all_have_one(
    clustered_app: App, names: Names, qtbot: QtBot
) -> None:
    app, offer = clustered_app, clustered_app.window.clusters._names
    assert offer.isVisible()
    offer.click()
    qtbot.waitUntil(lambda: len(app.window.names.rows) == 3, timeout=5000)
    assert not offer.isVisible()
    app.window.names.all_requested.emit()
    assert titles(app) == ["kind 1", "kind 2", "kind 3"]
    assert app.window.messages.messages[-1].text == "Named 3 clusters."
    app.controller.undo()
    assert titles(app) == ["Cluster 01", "Cluster 02", "Cluster 03"]
    assert names.asked == [()]


def test_one_click_names_one_cluster_and_can_be_taken_back(
    clustered_app: App, names: Names, qtbot: QtBot
) -> None:
    app = clustered_app
    open_names(app, qtbot)
    app.window.names.rows[1].buttons[0].click()
    assert titles(app) == ["Cluster 01", "kind 2", "Cluster 03"]
    assert app.window.names.rows[1].buttons[0].isChecked()
    app.window.names.rows[1].buttons[1].click()  # another suggestion in its place
    assert titles(app)[1] == "any"
    assert not app.window.names.rows[0].buttons[1].isEnabled()  # "any" is taken
    app.controller.undo()
    app.controller.undo()
    assert titles(app) == ["Cluster 01", "Cluster 02", "Cluster 03"]
    qtbot.waitUntil(lambda: not app.window.names.rows[1].buttons[0].isChecked(), timeout=5000)
    assert names.asked == [()]  # names alone ask nothing anew


def test_names_given_by_hand_are_never_replaced(
    clustered_app: App, names: Names, qtbot: QtBot
) -> None:
    app = clustered_app
    app.controller.rename(2, "Mine")
    open_names(app, qtbot)
    assert app.window.names.rows[1].offers.naming is Naming.BY_HAND
    assert not app.window.names.rows[1].buttons[0].isEnabled()
    app.window.names.all_requested.emit()
    assert titles(app) == ["kind 1", "Mine", "kind 3"]


def test_moved_images_ask_again(clustered_app: App, names: Names, qtbot: QtBot) -> None:
    open_names(clustered_app, qtbot)
    clustered_app.controller.move([0, 1], 2)
    qtbot.waitUntil(lambda: len(names.asked) == 2, timeout=5000)


def test_own_words_rank_first_and_are_remembered(
    clustered_app: App,
    names: Names,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, words = clustered_app, tmp_path / "words.txt"
    open_names(app, qtbot)
    words.write_text("beach\n", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(words), ""))
    app.window.names.vocabulary_requested.emit()
    qtbot.waitUntil(lambda: names.asked[-1] == ("beach",), timeout=5000)
    qtbot.waitUntil(lambda: app.window.names.rows[0].offers.offers[0].name == "beach", timeout=5000)
    assert app.names._settings.text("own words") == str(words)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "no"), ""))
    app.window.names.vocabulary_requested.emit()
    assert "Could not read the words" in app.window.messages.messages[-1].text
    app.window.names.vocabulary_cleared.emit()
    qtbot.waitUntil(lambda: names.asked[-1] == (), timeout=5000)
    assert app.names._settings.text("own words") == ""


def test_a_backbone_without_names_says_so(clustered_app: App, names: Names, qtbot: QtBot) -> None:
    names.failure = BackboneError("The backbone 'x' suggests no names.", "", "Name them by hand.")
    clustered_app.window.actions_["names"].trigger()
    panel = clustered_app.window.names
    qtbot.waitUntil(lambda: "suggests no names" in panel._note.text(), timeout=5000)


# -- trust ---------------------------------------------------------------------------------


def test_doubts_stay_in_the_quality_panel(open_app: App, engine: QuickEngine, qtbot: QtBot) -> None:
    engine.structure = Structure(agreement=0.2, chance=0.15, copies=0.6)
    with qtbot.waitSignal(open_app.work.run_accepted, timeout=10_000):
        open_app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(lambda: not open_app.work.is_busy, timeout=10_000)
    report = session_of(open_app).run
    assert report is not None
    assert '"trust"' in report.report
    assert "Little structure" in report.report
    assert "near-duplicate" in report.report

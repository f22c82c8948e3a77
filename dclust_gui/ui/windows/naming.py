"""Keeps the names panel up to date while it can be seen, and carries out what is accepted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot
from PySide6.QtWidgets import QFileDialog

from dclust_gui.domain.errors import KnownError
from dclust_gui.services.naming import (
    NamesQuery,
    NamesReport,
    NamingService,
    apply_names,
    read_vocabulary,
)
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.names_panel import NO_CLUSTERS
from dclust_gui.ui.views.names_row import NameOffers, Offer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.settings import Settings
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow

_CHANNEL = "names"
_REST_MS = 400
_SETTING = "own words"
_WORDS = "Text files (*.txt *.csv *.md);;All files (*)"


class NamesKeeper(QObject):
    """Asks for suggestions when clusters change, never when only names do.

    Args:
        window: Has the panel.
        controller: Has the open project.
        queries: The query thread.
        engine: Gives features and the backbone.
        settings: Remembers the file of own words.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        queries: QueryHost,
        engine: Engine,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._panel = window.names
        self._controller = controller
        self._queries = queries
        self._service = NamingService(engine)
        self._settings = settings
        self._words: tuple[str, ...] = ()
        self._ticket = -1
        self._asked: tuple[NDArray[np.int32], int | None, tuple[str, ...]] | None = None
        self._report: NamesReport | None = None
        self._failure = ""
        self._is_seen = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._connect()
        self._read_words(settings.text(_SETTING), is_silent=True)
        self._refresh_offer()

    def _connect(self) -> None:
        panel = self._panel
        panel.shown_changed.connect(self._on_panel_shown_changed)
        panel.name_requested.connect(self._on_panel_name_requested)
        panel.all_requested.connect(self._on_panel_all_requested)
        panel.vocabulary_requested.connect(self._on_panel_vocabulary_requested)
        panel.vocabulary_cleared.connect(self._on_panel_vocabulary_cleared)
        panel.cluster_requested.connect(self._window.clusters.select_cluster)
        self._window.actions_["names"].triggered.connect(self._window.show_names)
        self._window.clusters.names_requested.connect(self._window.show_names)
        self._controller.session_changed.connect(self._on_controller_session_changed)
        self._controller.state_changed.connect(self._on_controller_state_changed)
        self._queries.answered.connect(self._on_queries_answered)
        self._queries.failed.connect(self._on_queries_failed)
        self._timer.timeout.connect(self._on_timer_timeout)

    # -- inside ------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for suggestions, unless the last ones still hold."""
        session = self._controller.session
        if session is None or not self._panel.isVisible():
            return
        state = session.saved_clustering
        if state.run_id is None or not state.clusters:
            self._forget()
            self._panel.set_note(NO_CLUSTERS)
            return
        wanted = (state.labels, state.run_id, self._words)
        if self._asked is not None and _is_same(self._asked, wanted):
            self._show()
            return
        self._asked, self._failure = wanted, ""
        self._panel.set_busy()
        query = NamesQuery(self._service, snapshot_of(session), self._words)
        self._ticket = self._queries.ask(_CHANNEL, query)

    def _show(self) -> None:
        """Show the suggestions with the names that the clusters have now."""
        session, report = self._controller.session, self._report
        if self._failure:
            self._panel.show_failure(self._failure)
        elif session is not None and report is not None:
            table = session.saved_clustering.clusters
            used = {c.name.casefold(): c.id for c in table.values() if c.name}
            rows = []
            for entry in report.names:
                cluster = table.get(entry.cluster)
                if cluster is None or cluster.is_ignored:
                    continue
                offers = []
                for found in entry.suggestions:
                    holder = used.get(found.name.casefold(), cluster.id)
                    taken = "" if holder == cluster.id else table[holder].title
                    offers.append(Offer(found.name, found.score, found.is_own_word, taken))
                rows.append(
                    NameOffers(
                        cluster.id,
                        cluster.title,
                        cluster.name,
                        cluster.colour,
                        entry.n_images,
                        tuple(offers),
                    )
                )
            self._panel.set_names(rows, editable=self._controller.is_editable)

    def _forget(self) -> None:
        self._queries.drop(_CHANNEL)
        self._asked = self._report = None
        self._failure = ""

    def _read_words(self, path: str, *, is_silent: bool = False) -> bool:
        """Use a file of own words; True if that could be done."""
        words: tuple[str, ...] = ()
        if path:
            try:
                words = read_vocabulary(Path(path))
            except KnownError as error:
                if not is_silent:
                    self._window.messages.show_message(Message(MessageKind.ERROR, str(error)))
                return False
        self._words = words
        self._panel.set_vocabulary(Path(path).name if path else "", len(words))
        return True

    def _refresh_offer(self) -> None:
        """Offer suggestions in the cluster panel while some cluster has no name."""
        session = self._controller.session
        state = None if session is None else session.saved_clustering
        has_room = state is not None and state.run_id is not None
        unnamed = state is not None and any(
            not c.name and not c.is_ignored for c in state.clusters.values()
        )
        is_offered = has_room and unnamed and self._controller.is_editable
        self._window.actions_["names"].setEnabled(has_room)
        self._window.clusters.set_names_offered(is_offered and not self._is_seen)

    # -- slots -------------------------------------------------------------------------------

    @Slot(bool)
    def _on_panel_shown_changed(self, is_shown: bool) -> None:
        self._is_seen = is_shown
        if is_shown:
            self._timer.start(0)
        self._refresh_offer()

    @Slot()
    def _on_timer_timeout(self) -> None:
        self._ask()

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._forget()
        self._service.forget()
        self._panel.set_note(NO_CLUSTERS)

    @Slot()
    def _on_controller_state_changed(self) -> None:
        self._refresh_offer()
        if not self._timer.isActive() or self._timer.interval() == _REST_MS:
            self._timer.start(_REST_MS)

    @Slot(int, str)
    def _on_panel_name_requested(self, cluster: int, name: str) -> None:
        self._controller.rename(cluster, name)
        self._show()

    @Slot()
    def _on_panel_all_requested(self) -> None:
        session, report = self._controller.session, self._report
        if session is None or report is None:
            return
        table = session.saved_clustering.clusters
        chosen = {
            entry.cluster: entry.suggestions[0].name
            for entry in report.names
            if entry.suggestions and entry.cluster in table and not table[entry.cluster].is_ignored
        }
        self._controller.decide(lambda: apply_names(session, chosen))
        self._show()

    @Slot()
    def _on_panel_vocabulary_requested(self) -> None:
        start = self._settings.text(_SETTING, str(Path.home()))
        found, _ = QFileDialog.getOpenFileName(self._window, "Own words", start, _WORDS)
        if found and self._read_words(found):
            self._settings.set_text(_SETTING, found)
            self._ask()

    @Slot()
    def _on_panel_vocabulary_cleared(self) -> None:
        self._settings.set_text(_SETTING, "")
        self._read_words("")
        self._ask()

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if ticket == self._ticket and isinstance(answer, NamesReport):
            self._report = answer
            self._show()

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self._report, self._failure = None, str(error)
            self._show()


def _is_same(
    before: tuple[NDArray[np.int32], int | None, tuple[str, ...]],
    after: tuple[NDArray[np.int32], int | None, tuple[str, ...]],
) -> bool:
    """Whether the same question was asked already."""
    return before[1:] == after[1:] and np.array_equal(before[0], after[0])

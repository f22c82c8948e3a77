"""A training in the window: its curves while it runs, before and after when it is done."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from dclust_gui.domain.clustering import Clustering
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.events import TrainingProgressed
from dclust_gui.domain.runs import FINETUNE_PREFIX, RunSettings
from dclust_gui.services.before_after import BeforeAfter, BeforeAfterQuery
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.tuning import BackbonesQuery, TuningTimeQuery
from dclust_gui.ui.bridge.query_host import QueryHost
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.comparison_view import TO_EARLIER, TO_FROZEN, ComparisonView
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.training_panel import title_of
from dclust_gui.ui.views.view_bar import View

if TYPE_CHECKING:
    from dclust_gui.domain.history import Step
    from dclust_gui.domain.runs import Run
    from dclust_gui.engine.pipeline import Engine
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.looking import Looking
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.work import Work

_CHANNEL = "before and after"
_TIME_LATER = "How long it takes is measured, and told, when it begins."


class TrainingKeeper(QObject):
    """Shows trainings and their outcome; the way back is one step of the history.

    Args:
        window: What is seen.
        controller: Has the open project.
        work: Runs the training.
        looking: Knows which view is open.
        queries: Thread of the comparison.
        service: Has the features.
        thumbnails: Gives pictures.
        engine: Measures how long a fine-tuning takes.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        work: Work,
        looking: Looking,
        queries: QueryHost,
        service: SimilarService,
        thumbnails: ThumbnailService,
        engine: Engine,
    ) -> None:
        super().__init__(window)
        self._engine = engine
        self._timer = QueryHost("training time", self)
        self._time_ticket = self._list_ticket = -1
        self._window = window
        self._controller = controller
        self._work = work
        self._looking = looking
        self._queries = queries
        self._service = service
        self._loader = ThumbnailLoader(thumbnails, self, 1)
        self._view: ComparisonView | None = None
        self._before: Clustering | None = None
        self._step: Step | None = None
        self._ticket = -1
        self._way_back = TO_FROZEN
        work.training_shown.connect(self._on_work_training_shown)
        work.training_accepted.connect(self._on_work_training_accepted)
        work.state_changed.connect(self._on_work_state_changed)
        window.training.end_requested.connect(work.end_training)
        window.training.cancel_requested.connect(window.jobs.cancel_requested)
        controller.session_changed.connect(self._on_controller_session_changed)
        controller.state_changed.connect(self._on_controller_state_changed)
        queries.answered.connect(self._on_queries_answered)
        queries.failed.connect(self._on_queries_failed)
        window.run_panel.tuning_time_requested.connect(self._on_panel_tuning_time_requested)
        self._timer.answered.connect(self._on_timer_answered)
        self._timer.failed.connect(self._on_timer_failed)
        window.actions_["comparison"].triggered.connect(self._on_comparison_triggered)
        self._follow()

    @property
    def view(self) -> ComparisonView:
        """The page; made at the first question."""
        if self._view is None:
            self._view = ComparisonView(self._loader, self._window)
            self._view.kept.connect(self._on_view_kept)
            self._view.return_requested.connect(self._on_view_return_requested)
            self._view.strips.preview_requested.connect(self._window.preview.open_image)
            self._view.strips.cluster_requested.connect(self._on_strips_cluster_requested)
            self._window.add_page(self._view)
        return self._view

    @property
    def is_shown(self) -> bool:
        """Whether the comparison is the page in sight."""
        return self._view is not None and self._window.page is self._view

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        is_done = self._timer.shutdown(timeout_ms)
        return self._loader.shutdown(timeout_ms) and is_done

    def _show_gallery(self) -> None:
        if self.is_shown:
            self._looking.show_view(View.GALLERY)

    def _forget(self) -> None:
        """There is nothing to compare any more."""
        self._queries.drop(_CHANNEL)
        self._before = None
        self._show_gallery()
        self._follow()

    def _follow(self) -> None:
        self._window.actions_["comparison"].setEnabled(self._before is not None)

    @Slot(object)
    def _on_panel_tuning_time_requested(self, settings: RunSettings) -> None:
        session = self._controller.session
        if session is None or self._work.is_busy:
            self._window.run_panel.set_tuning_time(_TIME_LATER)
            return
        query = TuningTimeQuery(self._engine, snapshot_of(session), settings)
        self._time_ticket = self._timer.ask("time", query)

    @Slot(int, object)
    def _on_timer_answered(self, ticket: int, answer: object) -> None:
        if ticket == self._time_ticket:
            self._window.run_panel.set_tuning_time(str(answer))
        elif ticket == self._list_ticket and isinstance(answer, tuple):
            self._window.run_panel.set_backbones(answer)

    @Slot(int, object)
    def _on_timer_failed(self, ticket: int, error: object) -> None:
        if ticket == self._time_ticket:
            text = str(error) if isinstance(error, KnownError) else _TIME_LATER
            self._window.run_panel.set_tuning_time(text)

    @Slot(object)
    def _on_work_training_shown(self, event: TrainingProgressed) -> None:
        self._window.training.show_point(event)

    @Slot()
    def _on_work_state_changed(self) -> None:
        if not self._work.is_clustering:
            self._window.training.set_ended()

    @Slot(object)
    def _on_work_training_accepted(self, before: Clustering) -> None:
        session = self._controller.session
        self._window.training.set_ended()
        if session is None or before.run_id is None:
            return
        self._before, self._step = before, session.history.undo_step
        run = session.run
        method = "" if run is None else method_of(run)
        run_before = session.store.run(before.run_id)
        self._way_back = TO_EARLIER if run_before.settings.trains else TO_FROZEN
        self.view.set_busy(f"Trained on your images with {title_of(method)}", self._way_back)
        self.view.set_editable(self._controller.is_editable)
        self._window.show_page(self.view)
        self._follow()
        after = snapshot_of(session)
        # Other features may be in use now; both are measured in those from before.
        space = replace(after, run=run_before)
        self._list_backbones()
        query = BeforeAfterQuery(self._service, before, after, space)
        self._ticket = self._queries.ask(_CHANNEL, query)

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        session = self._controller.session
        if ticket == self._ticket and session is not None and isinstance(answer, BeforeAfter):
            note = "" if session.run is None else note_of(session.run.report)
            self.view.set_found(answer, ImageFiles(session.images, session.roots), note)

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self.view.set_failure(f"The comparison could not be made: {error}")

    @Slot()
    def _on_view_kept(self) -> None:
        self._show_gallery()

    @Slot()
    def _on_comparison_triggered(self) -> None:
        if self._before is not None:
            self._window.show_page(self.view)

    @Slot()
    def _on_view_return_requested(self) -> None:
        session, before = self._controller.session, self._before
        if session is None or before is None or before.run_id is None:
            self._forget()
            return
        try:
            if session.history.undo_step is self._step:
                session.undo()
            else:
                title = self._way_back[0].lower() + self._way_back[1:]
                session.accept_run(session.store.run(before.run_id), title)
        except KnownError as error:
            self._window.messages.show_message(Message(MessageKind.ERROR, str(error)))
            return
        self._forget()
        self._window.statusBar().showMessage("The clusters are those from before the training")

    @Slot(int)
    def _on_strips_cluster_requested(self, cluster: int) -> None:
        self._looking.show_view(View.GALLERY)
        self._window.clusters.select_cluster(cluster)

    def _list_backbones(self) -> None:
        """Offer the backbones that were trained here."""
        self._list_ticket = self._timer.ask("backbones", BackbonesQuery(self._engine))

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._list_backbones()
        self._window.training.set_ended()
        self._forget()

    @Slot()
    def _on_controller_state_changed(self) -> None:
        """An undo of the training ends the comparison."""
        session = self._controller.session
        if self._before is None or session is None:
            return
        self.view.set_editable(self._controller.is_editable)
        in_force = session.history.steps[: session.history.position]
        if not any(step is self._step for step in in_force):
            self._forget()


def method_of(run: Run) -> str:
    """Name of the head of a run, or of its fine-tuning with the prefix."""
    found = json.loads(run.report).get("finetune")
    if isinstance(found, dict):
        return f"{FINETUNE_PREFIX}{found.get('method', '')}"
    return run.settings.head


def note_of(report: str) -> str:
    """What a training told, from the report of its run; empty for nothing."""
    values = json.loads(report)
    parts = [values.get(name) for name in ("finetune", "head")]
    notes = [str(part.get("note") or "") for part in parts if isinstance(part, dict)]
    tuned = parts[0]
    if isinstance(tuned, dict) and tuned.get("backbone"):
        agreement = tuned.get("agreement") or {}
        notes.append(
            f"Kept as {tuned['backbone']}. Images agree with their neighbours in the frozen"
            f" features: {agreement.get('start')} before, {agreement.get('end')} after."
        )
    return " ".join(note for note in notes if note)

"""Keeps the outliers panel up to date while it can be seen, and sets images aside."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.images import absolute_path, display_path
from dclust_gui.services.outliers import (
    USUAL_PROBABILITY,
    Measure,
    OutlierQuery,
    OutlierReport,
    Outside,
    beyond,
    deviations_of,
    errors_of,
    set_aside,
    usual_deviations,
)
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures
from dclust_gui.ui.models.gallery_order import SortKey
from dclust_gui.ui.views.outlier_panel import NO_IMAGES, OutsideImages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.storage.array_cache import ArrayCache
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.models.gallery_model import GalleryModel
    from dclust_gui.ui.models.inspection_model import InspectionModel
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow

_CHANNEL = "outliers"
_REST_MS = 400
_MOST_SHOWN = 300


class OutlierKeeper(QObject):
    """Asks for a measure when clusters change; the threshold is followed at once.

    Args:
        window: Has the panel.
        controller: Has the open project.
        queries: The query thread.
        service: Has the features.
        arrays: Has graphs of neighbours.
        thumbnails: Gives pictures.
        gallery: Is sorted by the measure where that is wished.
        inspection: Tells an image's reconstruction error.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        queries: QueryHost,
        service: SimilarService,
        arrays: ArrayCache,
        thumbnails: ThumbnailService,
        gallery: GalleryModel,
        inspection: InspectionModel,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._panel = window.outliers
        self._controller = controller
        self._queries = queries
        self._service = service
        self._arrays = arrays
        self._gallery = gallery
        self._inspection = inspection
        self._loader = ThumbnailLoader(thumbnails, self, 1)
        self._pictures = DendrogramPictures(self._loader, self, self)
        self._ticket = -1
        self._asked: tuple[object, ...] = ()
        self._report: OutlierReport | None = None
        self._scores: dict[bool, NDArray[np.float32]] = {}
        self._scored: NDArray[np.int32] | None = None
        self._outside: Outside | None = None
        self._run: int | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REST_MS)
        self._connect()
        self._follow_run()

    def _connect(self) -> None:
        panel = self._panel
        panel.wall.wall.set_pictures(self._pictures)
        panel.wall.pictures_wanted.connect(self._on_wall_pictures_wanted)
        self._pictures.arrived.connect(panel.wall.wall.refresh)
        panel.shown_changed.connect(self._on_panel_shown_changed)
        panel.measure_changed.connect(self._on_panel_measure_changed)
        panel.threshold_changed.connect(self._on_panel_threshold_changed)
        panel.sorting_toggled.connect(self._on_panel_sorting_toggled)
        panel.set_aside_requested.connect(self._on_panel_set_aside_requested)
        panel.image_chosen.connect(self._on_panel_image_chosen)
        self._window.actions_["outliers"].triggered.connect(self._window.show_outliers)
        self._controller.session_changed.connect(self._on_controller_session_changed)
        self._controller.state_changed.connect(self._on_controller_state_changed)
        self._queries.answered.connect(self._on_queries_answered)
        self._queries.failed.connect(self._on_queries_failed)
        self._timer.timeout.connect(self._on_timer_timeout)

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        return self._loader.shutdown(timeout_ms)

    # -- files, for the pictures -------------------------------------------------------------

    def path_of(self, image: int) -> Path:
        """An image's file."""
        session = self._controller.session
        if session is None or image >= len(session.images):
            return Path()
        record = session.images[image]
        return absolute_path(session.roots[record.root], record.relative)

    def content_of(self, image: int) -> bytes:
        """Its content hash."""
        session = self._controller.session
        known = session is not None and image < len(session.images)
        return session.images[image].content if session is not None and known else b""

    # -- inside ------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Ask for the measure, unless the last answer still holds."""
        session = self._controller.session
        if session is None or not self._is_wanted():
            return
        state = session.saved_clustering
        if state.run_id is None or not state.clusters:
            self._forget()
            self._panel.set_note(NO_IMAGES)
            return
        measure = self._panel.measure
        # by the features alone nothing changes while only clusters do
        depends = state.labels.tobytes() if measure is Measure.CONFIDENCE else b""
        wanted = (measure, state.run_id, len(session.images), depends)
        if wanted == self._asked:
            self._show()
            return
        self._asked, self._report = wanted, None
        self._scores.clear()
        self._panel.set_about("")
        self._panel.set_busy()
        query = OutlierQuery(self._service, self._arrays, snapshot_of(session), measure)
        self._ticket = self._queries.ask(_CHANNEL, query)

    def _is_wanted(self) -> bool:
        return self._panel.isVisible() or self._panel.sorting.isChecked()

    def _show(self) -> None:
        """Show what lies beyond the threshold in the clusters as they are now."""
        session, report = self._controller.session, self._report
        if session is None or report is None:
            return
        panel, state = self._panel, session.saved_clustering
        is_per_cluster = panel.is_per_cluster
        if state.labels is not self._scored:
            self._scored = state.labels
            self._scores.clear()
        if is_per_cluster not in self._scores:
            self._scores[is_per_cluster] = deviations_of(report, state, per_cluster=is_per_cluster)
        usual = usual_deviations(report, per_cluster=is_per_cluster)
        panel.set_usual(usual, _usual_text(report, is_per_cluster=is_per_cluster))
        found = beyond(
            report,
            state,
            panel.deviations,
            per_cluster=is_per_cluster,
            scores=self._scores[is_per_cluster],
        )
        self._outside = found
        panel.set_about(report.about)
        shown = tuple(found.images[:_MOST_SHOWN].tolist())
        values = [report.text(float(report.values[i])) for i in shown]
        panel.set_outside(
            OutsideImages(
                shown,
                tuple(value.partition(" likely")[0] for value in values),
                tuple(self._tip(session, i, v) for i, v in zip(shown, values, strict=True)),
                len(found.images),
                int(np.isfinite(report.values).sum()),
                _limit_text(report, found, panel.deviations),
                found.text(),
            ),
            editable=self._controller.is_editable,
        )
        self._sort_gallery()

    def _tip(self, session: ProjectSession, image: int, value: str) -> str:
        state = session.saved_clustering
        label = int(state.labels[image])
        title = "Unassigned" if label == UNASSIGNED else state.clusters[label].title
        return f"{display_path(session.images[image].relative)}\n{title}\n{value}"

    def _sort_gallery(self) -> None:
        """Let "least typical" mean the measure, or the run's confidence again."""
        scores = self._scores.get(self._panel.is_per_cluster)
        is_on = self._panel.sorting.isChecked() and scores is not None
        self._gallery.set_typicality(-scores if is_on and scores is not None else None)

    def _forget(self) -> None:
        self._queries.drop(_CHANNEL)
        self._ticket = -1
        self._asked, self._report, self._outside, self._scored = (), None, None, None
        self._scores.clear()
        self._panel.set_sorting(is_on=False)
        self._gallery.set_typicality(None)

    def _follow_run(self) -> None:
        """Tell gallery and inspector the reconstruction errors of the accepted run."""
        session = self._controller.session
        run_id = None if session is None else session.saved_clustering.run_id
        self._window.actions_["outliers"].setEnabled(run_id is not None)
        if session is not None and run_id == self._run and run_id is not None:
            return
        self._run = run_id
        errors = None
        if session is not None and run_id is not None:
            errors = errors_of(session.run, len(session.images))
        self._gallery.set_errors(errors)
        self._inspection.set_errors(errors)
        for action in self._window.actions_.sorts.actions():
            if action.data() == SortKey.RECONSTRUCTION_ERROR:
                action.setVisible(errors is not None)

    # -- slots -------------------------------------------------------------------------------

    @Slot(bool)
    def _on_panel_shown_changed(self, is_shown: bool) -> None:
        if is_shown:
            self._timer.start(0)

    @Slot()
    def _on_timer_timeout(self) -> None:
        self._ask()

    @Slot(object)
    def _on_panel_measure_changed(self, _measure: object) -> None:
        self._ask()

    @Slot()
    def _on_panel_threshold_changed(self) -> None:
        self._show()

    @Slot(bool)
    def _on_panel_sorting_toggled(self, is_on: bool) -> None:
        actions = self._window.actions_
        self._sort_gallery()
        if is_on:
            actions.choose(actions.sorts, SortKey.LEAST_TYPICAL)
            actions.sort_requested.emit(SortKey.LEAST_TYPICAL)

    @Slot()
    def _on_panel_set_aside_requested(self) -> None:
        session, found = self._controller.session, self._outside
        if session is None or found is None or not self._controller.is_editable:
            return
        edit = set_aside(session.saved_clustering, found.images, self._panel.measure)
        if edit is not None:
            self._controller.decide(lambda: session.apply(edit))
        self._show()

    @Slot(int)
    def _on_panel_image_chosen(self, image: int) -> None:
        session = self._controller.session
        if session is not None and image < len(session.images):
            self._window.show_page(self._window.gallery)
            self._controller.select([image], image)

    @Slot(object, int)
    def _on_wall_pictures_wanted(self, images: object, side_px: int) -> None:
        if isinstance(images, tuple) and self._controller.session is not None:
            self._pictures.want(images, side_px)

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._forget()
        self._pictures.clear()
        self._panel.set_note(NO_IMAGES)
        self._run = None
        self._follow_run()

    @Slot()
    def _on_controller_state_changed(self) -> None:
        self._follow_run()
        if self._is_wanted():
            self._timer.start(_REST_MS)

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if ticket == self._ticket and isinstance(answer, OutlierReport):
            self._report = answer
            self._scores.clear()
            self._show()

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._ticket:
            self._report, self._outside = None, None
            self._panel.set_failure(str(error))


def _usual_text(report: OutlierReport, *, is_per_cluster: bool) -> str:
    """Where the threshold is put by itself, in words."""
    if report.measure is Measure.CONFIDENCE and not is_per_cluster:
        return f"The usual threshold: less than {USUAL_PROBABILITY:.0%} likely in its cluster"
    return "The usual threshold: three times the usual spread above the middle value"


def _limit_text(report: OutlierReport, found: Outside, deviations: float) -> str:
    """Where the threshold is, in words."""
    times = f"{deviations:.1f} times the usual spread"
    if not math.isfinite(found.threshold):
        return f"More than {times} beyond the middle of the own cluster"
    if report.measure is Measure.CONFIDENCE:
        return f"Less than {report.text(found.threshold)}; {times}"
    return f"Above {report.text(found.threshold)}; {times} from the middle"

"""Outliers in the window: measured, seen, set aside, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.image_edits import approve
from dclust_gui.services.outliers import Measure, OutlierQuery, OutlierReport, RunErrors
from dclust_gui.ui.models.gallery_order import SortKey

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App


def odd_report(query: OutlierQuery, _token: CancelToken) -> OutlierReport:
    """All images alike but the last one."""
    n = len(query.snapshot.images)
    values = np.linspace(0.4, 0.5, n, dtype=np.float32)
    values[-1] = 9.0
    return OutlierReport(query.measure, values, "As told.", query.snapshot.clustering.labels)


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


@pytest.fixture
def clustered(open_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> App:
    """The window after a run, with a measure by which one image is odd."""
    monkeypatch.setattr(OutlierQuery, "run", odd_report)
    with qtbot.waitSignal(open_app.work.run_accepted, timeout=10_000):
        open_app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(lambda: not open_app.work.is_busy, timeout=10_000)
    panel = open_app.window.outliers
    panel.measures.setCurrentIndex(panel.measures.findData(Measure.DENSITY.value))
    open_app.window.actions_["outliers"].trigger()
    qtbot.waitUntil(lambda: bool(panel.wall.wall.images), timeout=10_000)
    return open_app


def test_without_a_run_there_is_nothing_to_find(app: App) -> None:
    assert not app.window.actions_["outliers"].isEnabled()
    shown = [a.data() for a in app.window.actions_.sorts.actions() if a.isVisible()]
    assert SortKey.RECONSTRUCTION_ERROR not in shown


def test_the_odd_image_is_found_set_aside_and_taken_back(clustered: App, qtbot: QtBot) -> None:
    panel, session = clustered.window.outliers, session_of(clustered)
    odd = len(session.images) - 1
    assert panel.wall.wall.images[0] == odd
    before = session.clustering.labels.copy()
    steps = session.history.position
    qtbot.mouseClick(panel.button, Qt.MouseButton.LeftButton)
    assert session.clustering.labels[odd] == UNASSIGNED
    assert session.history.position == steps + 1
    assert odd not in panel.wall.wall.images
    clustered.window.actions_["undo"].trigger()
    assert (session.clustering.labels == before).all()
    qtbot.waitUntil(lambda: odd in panel.wall.wall.images, timeout=5000)


def test_an_approved_image_stays_and_is_told(clustered: App, qtbot: QtBot) -> None:
    panel, session = clustered.window.outliers, session_of(clustered)
    odd = len(session.images) - 1
    clustered.controller.decide(lambda: session.apply(approve(session.clustering, [odd])))
    qtbot.waitUntil(lambda: "approved" in panel.left_out.text(), timeout=5000)
    assert odd not in panel.wall.wall.images


def test_the_gallery_is_sorted_by_the_measure(clustered: App, qtbot: QtBot) -> None:
    panel, session = clustered.window.outliers, session_of(clustered)
    clustered.window.actions_["show_all"].trigger()
    clustered.gallery.set_grouped(False)
    panel.sorting.setChecked(True)
    assert clustered.gallery.sort_key is SortKey.LEAST_TYPICAL
    assert int(clustered.gallery.ids[0]) == len(session.images) - 1
    panel.sorting.setChecked(False)
    assert int(clustered.gallery.ids[0]) == 0  # the run's confidence rises from image to image


def test_reconstruction_errors_sort_and_are_told(clustered: App) -> None:
    gallery, session = clustered.gallery, session_of(clustered)
    gallery.set_grouped(False)
    errors = np.linspace(0, 1, len(session.images), dtype=np.float32)
    gallery.set_errors(RunErrors(errors, 0.5))
    gallery.set_sort(SortKey.RECONSTRUCTION_ERROR)
    assert gallery.ids.tolist() == list(range(len(errors)))[::-1]
    tip = gallery.index(0).data(Qt.ItemDataRole.ToolTipRole)
    assert "Reconstruction error: 1 (above the threshold 0.5)" in tip


def test_closing_the_project_in_the_middle_forgets_all(clustered: App, qtbot: QtBot) -> None:
    panel = clustered.window.outliers
    panel.measures.setCurrentIndex(0)
    clustered.controller.close()
    qtbot.waitUntil(lambda: clustered.controller.session is None, timeout=5000)
    assert panel.wall.wall.images == ()
    assert not clustered.window.actions_["outliers"].isEnabled()

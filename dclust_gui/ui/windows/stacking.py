"""Stacks in the window: bursts are found and bound, selected images bound or taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.clustering import NO_STACK
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import KnownError
from dclust_gui.domain.stack_edits import Binding, bind, unbind
from dclust_gui.domain.stacks import stack_count, whole_stacks
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.stacking import FindStacksJob, StackReport
from dclust_gui.ui.bridge.own_job import OwnJob
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.windows.editing import files_of
from dclust_gui.ui.windows.stack_dialog import StackDialog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.workspace import Workspace
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.dialogs import Dialogs
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.presenter import Presenter
    from dclust_gui.ui.windows.work import Work

_NAME = "stacks"


class StackKeeper(QObject):
    """Carries out what is wished about stacks.

    Args:
        window: What is seen.
        controller: Has the open project.
        presenter: Knows which images commands act on.
        dialogs: Shows dialogs.
        work: Takes reports of bugs.
        host: Thread of reading and writing files.
        workspace: Engine and pictures.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        presenter: Presenter,
        dialogs: Dialogs,
        work: Work,
        host: EngineHost,
        workspace: Workspace,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._presenter = presenter
        self._dialogs = dialogs
        self._work = work
        self._engine = workspace.engine
        self._loader = ThumbnailLoader(workspace.thumbnails, self, 1)
        self._job = OwnJob(host, self)
        self._dialog: StackDialog | None = None
        # Never start a job from a finished slot of the same host.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._on_soon_timeout)
        actions = window.actions_
        for name, slot in {
            "stacks": self._on_stacks_triggered,
            "bind": self._on_bind_triggered,
            "unbind": self._on_unbind_triggered,
            "close_stacks": window.gallery.gallery.set_stacks_closed,
        }.items():
            actions[name].triggered.connect(slot)
        presenter.refreshed.connect(self._on_presenter_refreshed)
        controller.session_changed.connect(self._on_controller_session_changed)
        self._job.succeeded.connect(self._on_job_succeeded)
        self._job.cancelled.connect(self._on_job_cancelled)
        self._job.failed.connect(self._on_job_failed)
        self._on_presenter_refreshed(presenter.selected)

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        self._soon.stop()
        return self._loader.shutdown(timeout_ms)

    # -- by hand -----------------------------------------------------------------------------

    @Slot(object)
    def _on_presenter_refreshed(self, selected: tuple[int, ...]) -> None:
        session, actions = self._controller.session, self._window.actions_
        edit = self._controller.is_editable and session is not None
        state = None if session is None else session.saved_clustering
        ids = _whole(state, selected)
        n_stacks = 0 if state is None else stack_count(state.stacks, ids)
        is_one = n_stacks == 1 and state is not None and bool((state.stacks[ids] > NO_STACK).all())
        what = count_of(len(ids)) if len(ids) > 1 else "images"
        actions["bind"].setText(f"Bind {what} as a stack")
        actions["unbind"].setText(
            f"Unbind {count_of(n_stacks, 'stack')}" if n_stacks else "Unbind stack"
        )
        actions.set_enabled(
            {
                "stacks": edit,
                "bind": edit and len(ids) > 1 and not is_one,
                "unbind": edit and n_stacks > 0,
                "close_stacks": state is not None and bool(state.stacks.any()),
            }
        )

    @Slot()
    def _on_bind_triggered(self) -> None:
        session, ids = self._controller.session, self._presenter.selected
        if session is not None and len(ids) > 1:
            edit = bind(session.saved_clustering, [Binding(tuple(ids))])
            self._controller.decide(lambda: session.apply(edit))

    @Slot()
    def _on_unbind_triggered(self) -> None:
        session, ids = self._controller.session, self._presenter.selected
        if session is not None and len(ids):
            edit = unbind(session.saved_clustering, ids)
            self._controller.decide(lambda: session.apply(edit))

    # -- found -------------------------------------------------------------------------------

    @Slot()
    def _on_stacks_triggered(self) -> None:
        session = self._controller.session
        if session is None or self._dialogs.raise_open(_NAME):
            return
        dialog = StackDialog(files_of(session), self._loader, self._window)
        self._dialog = dialog
        dialog.wishes_changed.connect(self._on_dialog_wishes_changed)
        dialog.bind_requested.connect(self._on_dialog_bind_requested)
        dialog.finished.connect(self._on_dialog_finished)
        self._dialogs.show_dialog(_NAME, dialog)
        self._soon.start()

    @Slot()
    def _on_soon_timeout(self) -> None:
        session, dialog = self._controller.session, self._dialog
        if session is None or dialog is None:
            return
        job = FindStacksJob(
            self._engine, snapshot_of(session), dialog.gap_s, dialog.least_similarity
        )
        self._job.start(job)

    @Slot()
    def _on_dialog_wishes_changed(self) -> None:
        self._soon.start()

    @Slot(object)
    def _on_dialog_bind_requested(self, bindings: object) -> None:
        session = self._controller.session
        if session is None or not isinstance(bindings, list) or not bindings:
            return
        edit = bind(session.saved_clustering, bindings)
        self._controller.decide(lambda: session.apply(edit))

    @Slot()
    def _on_dialog_finished(self) -> None:
        self._dialog = None
        self._soon.stop()
        self._job.stop()

    @Slot(object)
    def _on_job_succeeded(self, result: object) -> None:
        if self._dialog is not None and isinstance(result, StackReport):
            self._dialog.set_report(result)

    @Slot()
    def _on_job_cancelled(self) -> None:
        if self._dialog is not None:
            self._dialog.set_failure("The search was stopped. Change a value to look again.")

    @Slot(object)
    def _on_job_failed(self, error: object) -> None:
        if self._dialog is None:
            return
        if isinstance(error, KnownError):
            self._dialog.set_failure(str(error))
        elif isinstance(error, BaseException):
            self._dialog.set_failure("Something went wrong. Nothing was changed.")
            self._work.report(error, "look for bursts and brackets")

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._soon.stop()
        self._job.stop()
        if self._dialog is not None:
            self._dialog.reject()


def _whole(state: Clustering | None, selected: Sequence[int]) -> NDArray[np.int32]:
    """The selected images with their stacks: int32."""
    ids = np.array(selected, np.int32)
    return ids if state is None or not len(ids) else whole_stacks(state.stacks, ids)

"""What keepers of pages share: their parts, a job, pictures, and the project they follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.ui.bridge.own_job import OwnJob
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.services.workspace import Workspace
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.work import Work


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What keepers of pages work with.

    Attributes:
        window: What is seen.
        controller: Has the open project.
        work: The project's own jobs, which go before.
        host: Thread of long jobs.
        workspace: Engine, cache and pictures.
    """

    window: MainWindow
    controller: Controller
    work: Work
    host: EngineHost
    workspace: Workspace


class PageKeeper(QObject):
    """Keeps one page up to date; the base of those that do.

    A subclass makes the page at the first question, and says what happens when the project
    changes, when its job goes on or ends, and when a moment has passed after `_rest.start()`:
    never start a job from a finished slot of the same host, and not at each small change.

    Args:
        parts: What it works with.
        rest_ms: That moment, in milliseconds.
    """

    def __init__(self, parts: Parts, rest_ms: int) -> None:
        super().__init__(parts.window)
        self._window = parts.window
        self._controller = parts.controller
        self._work = parts.work
        self._workspace = parts.workspace
        self._loader = ThumbnailLoader(parts.workspace.thumbnails, self, 1)
        self._job = OwnJob(parts.host, self)
        self._page: QWidget | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(rest_ms)
        self._rest.timeout.connect(self._on_rest_timeout)
        self._controller.session_changed.connect(self._on_controller_session_changed)
        self._controller.state_changed.connect(self._on_controller_state_changed)
        self._work.state_changed.connect(self._on_work_state_changed)
        self._job.progressed.connect(self._on_job_progressed)
        self._job.succeeded.connect(self._on_job_succeeded)
        self._job.cancelled.connect(self._on_job_cancelled)
        self._job.failed.connect(self._on_job_failed)

    @property
    def is_shown(self) -> bool:
        """Whether the page is in sight."""
        return self._page is not None and self._window.page is self._page

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        self._rest.stop()
        self._stop_following()
        return self._loader.shutdown(timeout_ms)

    def _follow_project(self) -> None:
        """Hear of the changes of the open project, and of no other any more."""
        self._stop_following()
        session = self._controller.session
        if session is not None:
            self._unsubscribe = session.subscribe(self._follow)

    def _stop_following(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _follow(self, change: ChangeSet) -> None:
        """The project has changed."""
        raise NotImplementedError

    @Slot()
    def _on_rest_timeout(self) -> None:
        raise NotImplementedError

    @Slot()
    def _on_controller_session_changed(self) -> None:
        raise NotImplementedError

    @Slot()
    def _on_controller_state_changed(self) -> None:
        raise NotImplementedError

    @Slot()
    def _on_work_state_changed(self) -> None:
        raise NotImplementedError

    @Slot(object)
    def _on_job_progressed(self, event: object) -> None:
        """The job goes on; nothing is shown of it here."""

    @Slot(object)
    def _on_job_succeeded(self, result: object) -> None:
        raise NotImplementedError

    @Slot()
    def _on_job_cancelled(self) -> None:
        raise NotImplementedError

    @Slot(object)
    def _on_job_failed(self, error: object) -> None:
        raise NotImplementedError

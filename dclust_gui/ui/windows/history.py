"""The history in the window: shows the open project's steps and goes to the one that is clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

if TYPE_CHECKING:
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow


class HistoryKeeper(QObject):
    """Fills the history panel.

    Args:
        window: Has the panel.
        controller: Has the open project and jumps.
    """

    def __init__(self, window: MainWindow, controller: Controller) -> None:
        super().__init__(window)
        self._panel = window.history
        self._controller = controller
        self._panel.jump_requested.connect(controller.jump)
        window.actions_["history"].triggered.connect(window.show_history)
        controller.state_changed.connect(self._on_controller_state_changed)
        controller.session_changed.connect(self._on_controller_state_changed)

    @Slot()
    def _on_controller_state_changed(self) -> None:
        session = self._controller.session
        history = None if session is None else session.history
        self._panel.set_history(history, editable=self._controller.is_editable)

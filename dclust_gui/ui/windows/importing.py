"""Imports of labels in the window: the dialog, the step or the true classes, what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from dclust_gui.domain.errors import KnownError
from dclust_gui.services.importing.plan import apply_import
from dclust_gui.services.snapshot import Snapshot
from dclust_gui.services.truth import keep_truth
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.windows.dialog_parts import sentence

if TYPE_CHECKING:
    from dclust_gui.domain.truth import Truth
    from dclust_gui.services.importing.values import ImportPlan
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.settings import Settings
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.dialogs import Dialogs
    from dclust_gui.ui.windows.import_dialog import ImportWish
    from dclust_gui.ui.windows.main_window import MainWindow

UNDO_TRUTH = "undo true classes"
"""Message action: know the true classes again that were known before."""

_DIALOG = "import"
_FOLDER = "last import"
_KEY = "true classes"


class ImportKeeper(QObject):
    """Opens the dialog and carries out what was decided.

    Args:
        window: Has the command and the panels.
        controller: Has the open project.
        dialogs: Keeps the dialog.
        io: The thread on which labels are read.
        settings: Remembers the folder.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        dialogs: Dialogs,
        io: EngineHost,
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._dialogs = dialogs
        self._io = io
        self._settings = settings
        self._former: Truth | None = None
        self._action = window.actions_["import_labels"]
        self._action.triggered.connect(self._on_action_triggered)
        self._action.setEnabled(False)
        controller.state_changed.connect(self._on_controller_state_changed)
        controller.session_changed.connect(self._on_controller_session_changed)
        window.quality.forget_requested.connect(self._on_quality_forget_requested)
        window.messages.action_requested.connect(self._on_messages_action_requested)

    @Slot(object)
    def open(self, path: Path | None = None) -> None:
        """Open the dialog.

        Args:
            path: The file or folder with the labels; None to ask for it.
        """
        session = self._controller.session
        if session is None or not self._controller.is_editable or self._dialogs.raise_open(_DIALOG):
            return
        from dclust_gui.services.importing.values import SourceKind
        from dclust_gui.ui.windows.import_dialog import ImportDialog

        snapshot = Snapshot(
            session.images,
            session.roots,
            session.saved_clustering,
            session.run,
            session.confidence(),
        )
        folder = Path(self._settings.text(_FOLDER, str(Path.home())))
        dialog = ImportDialog(snapshot, self._io, folder, self._window)
        dialog.decided.connect(self._on_dialog_decided)
        if path is not None:
            dialog.source.choose(SourceKind.FILE, path)
        self._dialogs.show_dialog(_DIALOG, dialog)

    # -- inside ------------------------------------------------------------------------------

    def _carry_out(self, session: ProjectSession, wish: ImportWish) -> None:
        if wish.as_truth:
            self._keep_truth(session, wish.plan)
            return
        before = session.history
        is_free = wish.others_unassigned
        self._controller.decide(lambda: apply_import(session, wish.plan, others_unassigned=is_free))
        if session.history is before:
            source = wish.plan.labels.source
            self._controller.said.emit(f"Nothing changes: all labels from {source} hold already")

    def _keep_truth(self, session: ProjectSession, plan: ImportPlan) -> None:
        try:
            former = session.truth()
            truth = keep_truth(session, plan)
        except KnownError as error:
            self._say(MessageKind.ERROR, str(error))
            return
        self._window.quality.compare()
        self._window.show_quality()
        self._tell(sentence(truth.title.replace("import ", "imported ", 1)), former)

    def _tell(self, text: str, former: Truth | None) -> None:
        """Tell of other true classes, with the way back to those before."""
        self._former = former
        message = Message(MessageKind.DONE, text, UNDO_TRUTH, "Undo", _KEY)
        self._controller.message_posted.emit(message)

    def _say(self, kind: MessageKind, text: str) -> None:
        self._controller.message_posted.emit(Message(kind, text, key=_KEY))

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_action_triggered(self) -> None:
        self.open()

    @Slot(object)
    def _on_dialog_decided(self, wish: ImportWish) -> None:
        if wish.folder is not None:
            self._settings.set_text(_FOLDER, str(wish.folder))
        session = self._controller.session
        if session is not None:
            self._carry_out(session, wish)

    @Slot()
    def _on_quality_forget_requested(self) -> None:
        session = self._controller.session
        if session is None:
            return
        try:
            former = session.truth()
            session.set_truth(None)
        except KnownError as error:
            self._say(MessageKind.ERROR, str(error))
            return
        self._tell("The project knows no true classes any more.", former)

    @Slot(str)
    def _on_messages_action_requested(self, action: str) -> None:
        session = self._controller.session
        if action != UNDO_TRUTH or session is None:
            return
        try:
            session.set_truth(self._former)
        except KnownError as error:
            self._say(MessageKind.ERROR, str(error))
            return
        self._controller.message_outdated.emit(_KEY)
        self._controller.said.emit("The true classes are those of before again")

    @Slot()
    def _on_controller_state_changed(self) -> None:
        self._action.setEnabled(self._controller.is_editable)

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._former = None
        self._controller.message_outdated.emit(_KEY)
        dialog = self._dialogs.opened(_DIALOG)
        if dialog is not None:
            dialog.reject()

"""Exports of the open project and their undoing: the dialogs, the memory, the session's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.services.export_follow import Following
from dclust_gui.services.export_jobs import FollowMoveJob
from dclust_gui.services.export_memory import ExportMemory
from dclust_gui.services.snapshot import Snapshot
from dclust_gui.ui.bridge.own_job import OwnJob
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.windows.export_text import shown

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.settings import Settings
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.ui.bridge.engine_host import EngineHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.dialogs import Dialogs
    from dclust_gui.ui.windows.export_dialog import ExportDialog
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.undo_export_dialog import UndoExportDialog
    from dclust_gui.ui.windows.work import Work

FINISH_EXPORT = "finish export"
"""Message action: open the export that was interrupted."""

_KEY = "interrupted export"


class ExportKeeper(QObject):
    """Opens the dialogs of exports and takes over what they have done.

    Args:
        window: Their parent.
        controller: Owns the session.
        work: Looks for the images again after they have moved.
        dialogs: Asks for exports.
        io: Thread of exports.
        settings: Remembers them.
        thumbnails: Gives the pictures of contact sheets.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        work: Work,
        dialogs: Dialogs,
        io: EngineHost,
        settings: Settings,
        thumbnails: ThumbnailService,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._work = work
        self._dialogs = dialogs
        self._io = io
        self._thumbnails = thumbnails
        self._target: Path | None = None
        self._place: Path | None = None
        self._unfollowed: Path | None = None
        self._jobs = OwnJob(io, self)
        self._jobs.succeeded.connect(self._on_dialog_followed)
        self.memory = ExportMemory(settings)
        dialogs.export_requested.connect(self._on_dialogs_export_requested)
        dialogs.undo_export_requested.connect(self._on_dialogs_undo_export_requested)
        controller.session_changed.connect(self._on_controller_session_changed)
        controller.state_changed.connect(self._on_controller_state_changed)
        work.state_changed.connect(self._on_work_state_changed)
        window.messages.action_requested.connect(self._on_messages_action_requested)

    # -- inside ------------------------------------------------------------------------------

    def _open_export(self, session: ProjectSession, selected: tuple[int, ...]) -> None:
        from dclust_gui.ui.windows.export_dialog import ExportDialog
        from dclust_gui.ui.windows.export_source import ExportSource

        source = ExportSource(
            _snapshot(session),
            session.history,
            session.store,
            self._controller.name,
            selected,
            self._thumbnails,
        )
        past = self.memory.of(session.path)
        target = self._target or (past[0].wish.target if past else None)
        dialog = ExportDialog(source, self.memory, self._io, target, self._window)
        dialog.set_busy(is_busy=self._work.is_busy)
        dialog.export_ended.connect(self._controller.mark)
        dialog.exported.connect(self._on_dialog_exported)
        dialog.followed.connect(self._on_dialog_followed)
        dialog.state_changed.connect(self._on_dialog_state_changed)
        dialog.undo_requested.connect(self._on_dialog_undo_requested)
        self._dialogs.show_dialog("export", dialog)

    def _open_undo(self, session: ProjectSession, target: Path | None) -> None:
        from dclust_gui.ui.windows.undo_export_dialog import UndoExportDialog

        past = [p.wish.target for p in self.memory.of(session.path) if p.can_be_undone]
        dialog = UndoExportDialog(session.store, session.images, past, self._io, self._window)
        dialog.set_busy(is_busy=self._work.is_busy)
        dialog.undone.connect(self._on_dialog_undone)
        dialog.followed.connect(self._on_dialog_followed)
        dialog.state_changed.connect(self._on_dialog_state_changed)
        if target is not None:
            dialog.choose(target)
        self._dialogs.show_dialog("undo export", dialog)

    def _bring_up_to_date(
        self, dialog: ExportDialog | UndoExportDialog, session: ProjectSession
    ) -> None:
        """Let a dialog go on with the images as they are now."""
        from dclust_gui.ui.windows.export_dialog import ExportDialog

        if isinstance(dialog, ExportDialog):
            dialog.set_snapshot(_snapshot(session))
        else:
            dialog.set_images(session.images)

    def _opened(self) -> list[ExportDialog | UndoExportDialog]:
        """The dialogs that are open."""
        from dclust_gui.ui.windows.export_dialog import ExportDialog
        from dclust_gui.ui.windows.undo_export_dialog import UndoExportDialog

        found = (self._dialogs.opened("export"), self._dialogs.opened("undo export"))
        return [d for d in found if isinstance(d, ExportDialog | UndoExportDialog)]

    @Slot()
    def _follow_later(self) -> None:
        """Follow a move that a crash cut short, as soon as no scan is under way."""
        session = self._controller.session
        past = None if session is None else self.memory.interrupted(session.path)
        if past is not None and past.wish.moves:
            self._unfollowed = past.wish.target
            self._on_work_state_changed()

    # -- slots -------------------------------------------------------------------------------

    @Slot(object)
    def _on_dialogs_export_requested(self, selected: tuple[int, ...]) -> None:
        session = self._controller.session
        if session is not None and not self._dialogs.raise_open("export"):
            self._open_export(session, selected)

    @Slot()
    def _on_dialogs_undo_export_requested(self) -> None:
        session = self._controller.session
        if session is not None and not self._dialogs.raise_open("undo export"):
            self._open_undo(session, None)

    @Slot(object)
    def _on_dialog_undo_requested(self, target: Path) -> None:
        session = self._controller.session
        if session is not None and not self._dialogs.raise_open("undo export"):
            self._open_undo(session, target)

    @Slot(object)
    def _on_dialog_followed(self, following: Following) -> None:
        session = self._controller.session
        if session is not None and following.n_images:
            session.take_images(following.onto(session.images))
            self._work.rescan()

    @Slot(str, object, bool)
    def _on_dialog_undone(self, title: str, target: Path, is_complete: bool) -> None:
        session = self._controller.session
        if title:
            self._controller.mark(title)
        if session is not None and is_complete:
            for past in self.memory.of(session.path):
                if past.wish.target in (target, target.absolute()):
                    self.memory.forget(session.path, past.wish.target)

    @Slot(object)
    def _on_dialog_state_changed(self, _state: object) -> None:
        self._dialogs.tell_if_settled()

    @Slot(object)
    def _on_dialog_exported(self, target: Path) -> None:
        self._target = target

    @Slot()
    def _on_work_state_changed(self) -> None:
        session = self._controller.session
        if self._unfollowed is not None and session is not None and not self._work.is_busy:
            target, self._unfollowed = self._unfollowed, None
            self._jobs.start(FollowMoveJob(session.store, session.images, target))
        for dialog in self._opened():
            dialog.set_busy(is_busy=self._work.is_busy)
            if session is not None and dialog.images is not session.images:
                self._bring_up_to_date(dialog, session)

    @Slot()
    def _on_controller_session_changed(self) -> None:
        session = self._controller.session
        self._jobs.stop()
        self._target = self._unfollowed = None
        self._place = None if session is None else session.path
        self._window.messages.remove_key(_KEY)
        if session is None or session.is_read_only:
            return
        past = self.memory.interrupted(session.path)
        if past is not None:
            name = shown(past.wish.target.name)
            text = f"The export to '{name}' was interrupted."
            if past.wish.moves:
                text = f"The move to '{name}' was interrupted; some files are there, some are not."
                QTimer.singleShot(0, self, self._follow_later)  # the first scan waits by then
            message = Message(MessageKind.WARNING, text, FINISH_EXPORT, "Finish it…", _KEY)
            self._window.messages.show_message(message)

    @Slot()
    def _on_controller_state_changed(self) -> None:
        session = self._controller.session
        if session is not None and self._place is not None and session.path != self._place:
            self.memory.rename(self._place, session.path)  # it was saved under another name
            self._place = session.path

    @Slot(str)
    def _on_messages_action_requested(self, action: str) -> None:
        session = self._controller.session
        if action != FINISH_EXPORT or session is None:
            return
        past = self.memory.interrupted(session.path)
        if past is not None:
            self._target = past.wish.target
            self._window.messages.remove_key(_KEY)
            self._dialogs.export(())


def _snapshot(session: ProjectSession) -> Snapshot:
    """The saved state of a project, whatever preview is shown."""
    confidence = session.confidence()
    return Snapshot(
        session.images, session.roots, session.saved_clustering, session.run, confidence
    )

"""The dendrogram as a page of the window: made when first shown, its wishes carried out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QFileDialog

from dclust_gui.domain.errors import KnownError
from dclust_gui.services.cutting import CutPreview, CutRequest, accept_cut
from dclust_gui.services.tree_export import export_tree
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.dendrogram_model import DendrogramModel
from dclust_gui.ui.views.dendrogram_export import PICTURE_SUFFIXES, save_view
from dclust_gui.ui.views.dendrogram_pane import DendrogramPane
from dclust_gui.ui.views.message_bar import Message, MessageKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.dialogs import Dialogs
    from dclust_gui.ui.windows.main_window import MainWindow

_NOTE_MS = 5000
_KINDS = (
    "Picture of the view (*.svg);;Picture of the view (*.png);;"
    "Tree for other programs (*.nwk);;SciPy linkage matrix (*.npy)"
)


class TreePage(QObject):
    """Hosts the dendrogram.

    Args:
        window: Shows it.
        controller: Carries out wishes.
        dialogs: Asks for names and export folders.
        thumbnails: Gives pictures.

    Signals:
        preview_requested: id of an image to show large.
        menu_opened: A branch's `QMenu` that is about to be shown, ids (a tuple) of its images.
        rename_requested: id of a cluster to rename.
    """

    preview_requested = Signal(int)
    rename_requested = Signal(int)
    menu_opened = Signal(object, object)

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        dialogs: Dialogs,
        thumbnails: ThumbnailService,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._dialogs = dialogs
        self._loader = ThumbnailLoader(thumbnails, self)
        self._model: DendrogramModel | None = None
        self._pane: DendrogramPane | None = None
        self._filtered: frozenset[int] | None = None
        self._to_reveal: tuple[int, ...] = ()
        controller.session_changed.connect(self._on_controller_session_changed)
        controller.state_changed.connect(self._on_controller_state_changed)

    @property
    def pane(self) -> DendrogramPane:
        """The dendrogram with its bar; made at the first question."""
        if self._pane is None:
            self._model = DendrogramModel(self)
            self._pane = DendrogramPane(self._model, self._loader, self._window)
            # After the view's own connection: a new tree must be in place before it is shown.
            self._model.tree_changed.connect(self._on_model_tree_changed)
            self._connect(self._pane)
            self._window.add_page(self._pane)
            self._pane.set_source(self._controller.session)
            self._pane.set_editable(self._controller.is_editable)
            self._model.set_filtered(self._filtered)
        return self._pane

    @property
    def is_shown(self) -> bool:
        """Whether the dendrogram is the page in sight."""
        return self._pane is not None and self._window.page is self._pane

    def set_filtered(self, images: frozenset[int] | None) -> None:
        """Fade what a filter hides.

        Args:
            images: Ids of the images that it lets through; None for no filter.
        """
        self._filtered = images
        if self._model is not None:
            self._model.set_filtered(images)

    def show_images(self, images: Iterable[int]) -> None:
        """Reveal the smallest branch that holds some images, once the tree is there."""
        self._to_reveal = tuple(images)
        self._reveal()

    def _reveal(self) -> None:
        pane, model = self.pane, self._model
        if model is None or model.tree is None or not self._to_reveal:
            return
        images, self._to_reveal = self._to_reveal, ()
        positions = model.positions_of(images)
        if len(positions):
            first, last = int(positions.min()), int(positions.max())
            pane.view.reveal(model.layout.spanning(first, last + 1))
        else:
            self._window.statusBar().showMessage("These images are not in the tree", _NOTE_MS)

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        if self._pane is not None:
            self._pane.set_source(None)
        if self._model is not None:
            self._model.shutdown()
        return self._loader.shutdown(timeout_ms)

    def _connect(self, pane: DendrogramPane) -> None:
        view = pane.view
        view.selection_requested.connect(self._on_view_selection_requested)
        view.preview_requested.connect(self.preview_requested)
        view.cut_previewed.connect(self._on_view_cut_previewed)
        view.cut_requested.connect(self._on_view_cut_requested)
        view.move_requested.connect(self._on_view_move_requested)
        view.merge_requested.connect(self._on_view_merge_requested)
        view.new_cluster_requested.connect(self._on_view_new_cluster_requested)
        view.rename_requested.connect(self.rename_requested)
        view.menu_opened.connect(self.menu_opened)
        view.export_requested.connect(self._on_view_export_requested)
        view.said.connect(self._on_view_said)
        pane.save_requested.connect(self._on_pane_save_requested)
        self._window.messages.height_changed.connect(view.navigator.set_room_below)
        view.navigator.set_room_below(self._window.messages.covered_px)

    def _tell(self, error: KnownError) -> None:
        self._window.messages.show_message(Message(MessageKind.ERROR, str(error)))

    @Slot()
    def _on_model_tree_changed(self) -> None:
        if self._to_reveal:
            self._reveal()

    @Slot()
    def _on_controller_session_changed(self) -> None:
        self._filtered, self._to_reveal = None, ()
        if self._pane is not None:
            self._pane.set_source(self._controller.session)

    @Slot()
    def _on_controller_state_changed(self) -> None:
        if self._pane is not None:
            self._pane.set_editable(self._controller.is_editable)

    @Slot(object)
    def _on_view_selection_requested(self, wanted: Selection) -> None:
        self._controller.select(wanted.images, wanted.current)

    @Slot(object)
    def _on_view_cut_previewed(self, preview: CutPreview | None) -> None:
        session = self._controller.session
        if session is not None:
            session.show_preview(None if preview is None else preview.clustering())

    @Slot(object)
    def _on_view_cut_requested(self, request: CutRequest) -> None:
        session = self._controller.session
        if session is None:
            return
        session.show_preview(None)
        try:
            accept_cut(session, request)
        except KnownError as error:
            self._tell(error)

    @Slot(object, int)
    def _on_view_move_requested(self, images: object, cluster: int) -> None:
        if isinstance(images, tuple | list):
            self._controller.move(images, cluster)

    @Slot(object, int)
    def _on_view_merge_requested(self, sources: object, target: int) -> None:
        if isinstance(sources, tuple | list | set | frozenset):
            self._controller.merge(sources, target)

    @Slot(object)
    def _on_view_new_cluster_requested(self, images: object) -> None:
        if isinstance(images, tuple | list):
            self._controller.new_cluster(images)

    @Slot(object)
    def _on_view_export_requested(self, clusters: object) -> None:
        if isinstance(clusters, tuple | list):
            self._dialogs.export(tuple(clusters))

    @Slot(str)
    def _on_view_said(self, text: str) -> None:
        self._window.statusBar().showMessage(text, _NOTE_MS)

    @Slot()
    def _on_pane_save_requested(self) -> None:
        session = self._controller.session
        if session is None:
            return
        name, kind = QFileDialog.getSaveFileName(self._window, "Save the tree", "", _KINDS)
        if not name:
            return
        path = Path(name)
        if not path.suffix:
            path = path.with_suffix(kind[kind.rindex("*") + 1 : -1])
        try:
            if path.suffix.lower() in PICTURE_SUFFIXES:
                save_view(self.pane.view, path)
            else:
                export_tree(session, path)
        except KnownError as error:
            self._tell(error)
        else:
            self._window.statusBar().showMessage(f"Saved {path.name}")

"""Edits that need more than a click: merge, split, split by example, not here, approve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QMenu

from dclust_gui.domain import image_edits, splits
from dclust_gui.domain.clustering import UNASSIGNED, Clustering, ImageFlag
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.splits import ExampleProposal, SplitProposal
from dclust_gui.services.editing.proposals import (
    ExampleQuery,
    PartsQuery,
    SecondBest,
    SecondBestQuery,
)
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.typicality import typicality
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.windows.controller import GONE
from dclust_gui.ui.windows.dialog_parts import menu_text, short_title
from dclust_gui.ui.windows.key_guard import KeyGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dclust_gui.services.inspection import InspectionService
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.similar import SimilarService
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.dialogs import Dialogs
    from dclust_gui.ui.windows.example_dialog import ExampleDialog
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.presenter import Presenter
    from dclust_gui.ui.windows.split_dialog import SplitDialog

_PARTS, _LIKE, _SECOND = "split in parts", "split by example", "not here"


class EditKeeper(QObject):
    """Connects the commands, and opens the dialogs with live previews.

    Args:
        window: Has the commands.
        controller: Carries out edits.
        presenter: Knows what commands act on.
        dialogs: Keeps each dialog open at most once.
        queries: Thread of the previews.
        similar: Has the features.
        inspection: Knows the means of the clusters.
        thumbnails: Gives pictures.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        presenter: Presenter,
        dialogs: Dialogs,
        queries: QueryHost,
        similar: SimilarService,
        inspection: InspectionService,
        thumbnails: ThumbnailService,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._presenter = presenter
        self._dialogs = dialogs
        self._queries = queries
        self._similar = similar
        self._inspection = inspection
        self._loader = ThumbnailLoader(thumbnails, self, 1)
        self._tickets: dict[str, int] = {}
        self._split: SplitDialog | None = None
        self._example: ExampleDialog | None = None
        actions = window.actions_
        for name, slot in {
            "merge": self._on_merge_triggered,
            "split": self._on_split_triggered,
            "split_example": self._on_split_example_triggered,
            "split_out": self._on_split_out_triggered,
            "not_here": self._on_not_here_triggered,
            "approve": self._on_approve_triggered,
            "approve_cluster": self._on_approve_cluster_triggered,
        }.items():
            actions[name].triggered.connect(slot)
        presenter.refreshed.connect(self._on_presenter_refreshed)
        queries.answered.connect(self._on_queries_answered)
        queries.failed.connect(self._on_queries_failed)
        window.inspector.move_requested.connect(self._on_inspector_move_requested)
        KeyGuard(window)
        self._on_presenter_refreshed(presenter.selected)

    def shutdown(self, timeout_ms: int = 0) -> bool:
        """Stop reading pictures; True when it has ended."""
        return self._loader.shutdown(timeout_ms)

    @Slot(object, object)
    def extend_menu(self, menu: object, images: object) -> None:
        """Offer what can be done with images in another view's menu; selects them if need be.

        Args:
            menu: A `QMenu` about to be shown.
            images: ids (a tuple).
        """
        session = self._controller.session
        if session is None or not isinstance(menu, QMenu) or not isinstance(images, tuple):
            return
        if not session.selection.images.issuperset(images):
            self._controller.select(images)
        self._presenter.refresh()
        menu.addSeparator()
        menu.addMenu(self._window.menus.image)

    # -- what commands say -------------------------------------------------------------------

    def _clusters(self) -> tuple[int, ...]:
        """The selected clusters that there are."""
        session = self._controller.session
        table = {} if session is None else session.saved_clustering.clusters
        return tuple(c for c in self._window.clusters.selected_clusters() if c in table)

    def _cluster_to_split(self, own: Sequence[int]) -> int | None:
        """The one selected cluster, else the one that all selected images are in.

        Args:
            own: The clusters that the selected images are in.
        """
        chosen = self._clusters() or tuple(own)
        return chosen[0] if len(chosen) == 1 and chosen[0] != UNASSIGNED else None

    @Slot(object)
    def _on_presenter_refreshed(self, selected: tuple[int, ...]) -> None:
        session, actions = self._controller.session, self._window.actions_
        edit = self._controller.is_editable
        self._window.inspector.one.set_editable(edit)
        state = Clustering.empty(0) if session is None else session.saved_clustering
        own = own_clusters(state, selected) if session is not None else ()
        has_run = state.run_id is not None
        images = count_of(len(selected)) if selected else "images"
        place = menu_text(place_of(state, own))
        actions["split_out"].setText(f"Split {images} out of {place or 'their clusters'}")
        if own:
            actions["unassign"].setText(f"Take {images} out of {place or 'their clusters'}")
        like = "it" if len(selected) == 1 else "them"
        actions["split_example"].setText(f"Split {images} and what is like {like} out…")
        actions["not_here"].setText(f"Not here: move {images} to second-best fit")
        undo = bool(own) and all_approved(state, selected)
        actions["approve"].setText(
            f"Take back the approval of {images}" if undo else f"Approve {images}"
        )
        to_split = self._cluster_to_split(own)
        title = "" if to_split is None else menu_text(short_title(state.clusters[to_split].title))
        actions["split"].setText(f"Split '{title}' in parts…" if title else "Split in parts…")
        self._say_approve_cluster(state)
        is_in_cluster = any(key != UNASSIGNED for key in own)
        actions.set_enabled(
            {
                "split_out": edit and is_in_cluster,
                "split_example": edit and bool(own) and has_run,
                "not_here": edit and is_in_cluster and has_run,
                "approve": edit and is_in_cluster,
                "split": edit and bool(title) and has_run,
                "approve_cluster": edit and bool(self._clusters()),
            }
        )

    def _say_approve_cluster(self, state: Clustering) -> None:
        clusters, action = self._clusters(), self._window.actions_["approve_cluster"]
        if not clusters:
            action.setText("Approve all images of cluster")
            return
        n = int(np.isin(state.labels, clusters).sum())
        what = menu_text(f"'{short_title(state.clusters[clusters[0]].title)}'")
        if len(clusters) > 1:
            what = count_of(len(clusters), "cluster")
        action.setText(f"Approve {count_of(n)} of {what}")

    # -- at once -----------------------------------------------------------------------------

    @Slot()
    def _on_split_out_triggered(self) -> None:
        session, ids = self._controller.session, self._presenter.selected
        if session is not None and ids:
            made = session.saved_clustering.next_id
            edit = splits.split_out(session.saved_clustering, ids)
            if self._controller.decide(lambda: session.apply(edit)):
                self._window.clusters.edit_cluster(made)

    @Slot()
    def _on_approve_triggered(self) -> None:
        session, ids = self._controller.session, self._presenter.selected
        if session is not None and ids:
            wanted = not all_approved(session.saved_clustering, ids)
            self._window.preview.step_on()
            self._approve(session, np.array(ids, np.int32), is_approved=wanted)

    @Slot()
    def _on_approve_cluster_triggered(self) -> None:
        session, clusters = self._controller.session, self._clusters()
        if session is not None and clusters:
            members = np.flatnonzero(np.isin(session.saved_clustering.labels, clusters))
            self._approve(session, members.astype(np.int32), is_approved=True)

    def _approve(
        self, session: ProjectSession, images: NDArray[np.int32], *, is_approved: bool
    ) -> None:
        edit = image_edits.approve(session.saved_clustering, images, is_approved=is_approved)
        self._controller.decide(lambda: session.apply(edit))

    @Slot(object, int)
    def _on_inspector_move_requested(self, images: object, cluster: int) -> None:
        if isinstance(images, tuple):
            self._controller.move(images, cluster)

    # -- merge -------------------------------------------------------------------------------

    @Slot()
    def _on_merge_triggered(self) -> None:
        session, clusters = self._controller.session, self._clusters()
        if session is None or len(clusters) < 2 or self._dialogs.raise_open("merge"):
            return
        from dclust_gui.ui.windows.merge_dialog import MergeDialog

        typical = typicality(session.confidence(), session.saved_clustering)
        dialog = MergeDialog(
            session.saved_clustering,
            clusters,
            typical,
            files_of(session),
            self._loader,
            self._window,
        )
        dialog.merge_requested.connect(self._on_dialog_merge_requested)
        self._dialogs.show_dialog("merge", dialog)

    @Slot(object, int)
    def _on_dialog_merge_requested(self, ended: object, survivor: int) -> None:
        if isinstance(ended, tuple):
            self._controller.merge(ended, survivor)

    # -- split in parts ----------------------------------------------------------------------

    @Slot()
    def _on_split_triggered(self) -> None:
        session = self._controller.session
        if session is None:
            return
        cluster = self._cluster_to_split(
            own_clusters(session.saved_clustering, self._presenter.selected)
        )
        if cluster is None or self._dialogs.raise_open("split"):
            return
        from dclust_gui.ui.windows.split_dialog import SplitDialog

        typical = np.nan_to_num(
            typicality(session.confidence(), session.saved_clustering), nan=-1.0
        )
        dialog = SplitDialog(
            session.saved_clustering,
            cluster,
            typical,
            files_of(session),
            self._loader,
            self._window,
        )
        self._split = dialog
        dialog.parts_requested.connect(self._on_dialog_parts_requested)
        dialog.split_requested.connect(self._on_dialog_split_requested)
        dialog.finished.connect(self._on_split_finished)
        self._dialogs.show_dialog("split", dialog)

    @Slot(int)
    def _on_dialog_parts_requested(self, n_parts: int) -> None:
        session, dialog = self._controller.session, self._split
        if session is not None and dialog is not None:
            query = PartsQuery(self._similar, snapshot_of(session), dialog.cluster, n_parts)
            self._tickets[_PARTS] = self._queries.ask(_PARTS, query)

    @Slot(object, object)
    def _on_dialog_split_requested(self, proposal: object, names: object) -> None:
        session = self._controller.session
        if session is None or not isinstance(proposal, SplitProposal):
            return
        if proposal.cluster not in session.saved_clustering.clusters:
            self._window.messages.show_message(Message(MessageKind.WARNING, GONE))
            return
        wanted = names if isinstance(names, dict) else {}
        edit = proposal.edit(session.saved_clustering, wanted)
        self._controller.decide(lambda: session.apply(edit))

    @Slot()
    def _on_split_finished(self) -> None:
        self._split = None
        self._queries.drop(_PARTS)

    # -- split by example --------------------------------------------------------------------

    @Slot()
    def _on_split_example_triggered(self) -> None:
        session, ids = self._controller.session, self._presenter.selected
        if session is None or not ids or self._dialogs.raise_open("split example"):
            return
        from dclust_gui.ui.windows.example_dialog import ExampleDialog

        state = session.saved_clustering
        place = place_of(state, own_clusters(state, ids)) or "their clusters"
        dialog = ExampleDialog(state, ids, place, files_of(session), self._loader, self._window)
        self._example = dialog
        dialog.split_requested.connect(self._on_dialog_example_requested)
        dialog.finished.connect(self._on_example_finished)
        self._dialogs.show_dialog("split example", dialog)
        query = ExampleQuery(self._similar, snapshot_of(session), tuple(ids))
        self._tickets[_LIKE] = self._queries.ask(_LIKE, query)

    @Slot(object, float, object, str)
    def _on_dialog_example_requested(
        self, proposal: object, threshold: float, unchecked: object, name: str
    ) -> None:
        session = self._controller.session
        if session is None or not isinstance(proposal, ExampleProposal):
            return
        out = unchecked if isinstance(unchecked, frozenset) else frozenset()
        edit = proposal.edit(session.saved_clustering, threshold, out, name)
        self._controller.decide(lambda: session.apply(edit))

    @Slot()
    def _on_example_finished(self) -> None:
        self._example = None
        self._queries.drop(_LIKE)

    # -- not here ----------------------------------------------------------------------------

    @Slot()
    def _on_not_here_triggered(self) -> None:
        session, ids = self._controller.session, self._presenter.selected
        if session is None or not ids:
            return
        query = SecondBestQuery(self._inspection, snapshot_of(session), tuple(ids))
        self._tickets[_SECOND] = self._queries.ask(_SECOND, query)
        self._window.preview.step_on()
        self._window.statusBar().showMessage("Looking for the cluster that fits second best…")

    def _send_away(self, found: SecondBest) -> None:
        session = self._controller.session
        self._window.statusBar().clearMessage()
        if session is None:
            return
        state = session.saved_clustering
        targets = {
            image: cluster
            for image, cluster in found.targets().items()
            if cluster in state.clusters and image < state.n_images
        }
        if not targets:
            text = "No other cluster fits these images. Move them by hand."
            self._window.messages.show_message(Message(MessageKind.INFO, text, key=_SECOND))
            return
        edit = image_edits.not_here(state, targets)
        self._controller.decide(lambda: session.apply(edit))

    # -- answers -----------------------------------------------------------------------------

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if isinstance(answer, SplitProposal) and ticket == self._tickets.get(_PARTS):
            if self._split is not None:
                self._split.set_proposal(answer)
        elif isinstance(answer, ExampleProposal) and ticket == self._tickets.get(_LIKE):
            if self._example is not None:
                self._example.set_proposal(answer)
        elif isinstance(answer, SecondBest) and ticket == self._tickets.get(_SECOND):
            self._send_away(answer)

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._tickets.get(_PARTS) and self._split is not None:
            self._split.set_failure(str(error))
        elif ticket == self._tickets.get(_LIKE) and self._example is not None:
            self._example.set_failure(str(error))
        elif ticket == self._tickets.get(_SECOND):
            self._window.statusBar().clearMessage()
            self._window.messages.show_message(Message(MessageKind.WARNING, str(error)))


def files_of(session: ProjectSession) -> ImageFiles:
    """Where the images of a project are."""
    return ImageFiles(session.images, session.roots)


def own_clusters(state: Clustering, images: Sequence[int]) -> tuple[int, ...]:
    """The clusters that images are in, `UNASSIGNED` among them; empty for no image."""
    return tuple(np.unique(state.labels[np.array(images, np.int64)]).tolist())


def place_of(state: Clustering, own: Sequence[int]) -> str:
    """The one cluster, as `'Beach'`; empty if there are several or none."""
    if len(own) != 1:
        return ""
    return (
        "Unassigned" if own[0] == UNASSIGNED else f"'{short_title(state.clusters[own[0]].title)}'"
    )


def all_approved(state: Clustering, images: Sequence[int]) -> bool:
    """Whether each of these images is approved."""
    flags = state.flags[np.array(images, np.int64)]
    return bool(((flags & np.uint8(ImageFlag.APPROVED)) != 0).all())

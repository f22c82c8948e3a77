"""What is looked at: the page, the clusters shown, a filter, a search result; back and forward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.navigation import Navigation, Place
from dclust_gui.services.filter_words import Vocabulary
from dclust_gui.services.filtering import FilterResult, FilterService
from dclust_gui.services.inspection import branch_images
from dclust_gui.services.queries import FilterQuery, SimilarQuery, VocabularyQuery
from dclust_gui.services.similar import SimilarResult, SimilarService
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.ui.views.message_bar import Message, MessageKind
from dclust_gui.ui.views.view_bar import View
from dclust_gui.ui.windows.controller import members_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.filter_terms import Filter
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.views.inspector import Inspector
    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.main_window import MainWindow
    from dclust_gui.ui.windows.map_page import MapPage
    from dclust_gui.ui.windows.presenter import Presenter
    from dclust_gui.ui.windows.review import ReviewKeeper
    from dclust_gui.ui.windows.tree_page import TreePage

_REST_MS = 150
"""After a change, before a filter is asked for again."""

_WORDS_REST_MS = 1500
"""The same for the words that the filter box offers: a project that opens has more urgent work,
and each thread that runs Python code makes the window wait."""


class Looking(QObject):
    """Keeps gallery, dendrogram, panel and filter box at one place.

    Args:
        window: What is seen.
        controller: Has the open project and selects.
        presenter: Shows images in the gallery.
        tree: The dendrogram's page.
        map_page: The map's page.
        review: The review's page.
        inspector: Tells wishes to look elsewhere.
        queries: Thread of searches.
        filters: Thread of filters, so that typing never waits for a search.
        similar: Finds images like others.
    """

    def __init__(
        self,
        window: MainWindow,
        controller: Controller,
        presenter: Presenter,
        tree: TreePage,
        map_page: MapPage,
        review: ReviewKeeper,
        inspector: Inspector,
        queries: QueryHost,
        filters: QueryHost,
        similar: SimilarService,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._presenter = presenter
        self._tree = tree
        self._map = map_page
        self._review = review
        self._queries = queries
        self._filters = filters
        self._similar = similar
        self._service = FilterService()
        self._navigation = Navigation()
        self._filter: Filter | None = None
        self._filtered: frozenset[int] | None = None
        self._is_going = False
        self._similar_ticket = self._filter_ticket = self._words_ticket = -1
        self._unsubscribe: list[Callable[[], None]] = []
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._on_rest_timeout)
        self._words_rest = QTimer(self)
        self._words_rest.setSingleShot(True)
        self._words_rest.setInterval(_WORDS_REST_MS)
        self._words_rest.timeout.connect(self._on_words_rest_timeout)
        self._connect(inspector)

    def _connect(self, inspector: Inspector) -> None:
        bar, actions = self._window.view_bar, self._window.actions_
        bar.view_requested.connect(self._on_bar_view_requested)
        bar.back_requested.connect(self._on_back_triggered)
        bar.forward_requested.connect(self._on_forward_triggered)
        bar.result_closed.connect(self._on_bar_result_closed)
        bar.filter.filter_requested.connect(self._on_filter_filter_requested)
        bar.filter.left.connect(self._on_filter_left)
        self._window.clusters.shown_requested.connect(self._on_clusters_shown_requested)
        actions["back"].triggered.connect(self._on_back_triggered)
        actions["forward"].triggered.connect(self._on_forward_triggered)
        actions["filter"].triggered.connect(bar.filter.focus)
        actions["similar"].triggered.connect(self._on_similar_triggered)
        actions["reveal"].triggered.connect(self._on_reveal_triggered)
        actions["reveal_cluster"].triggered.connect(self._on_reveal_cluster_triggered)
        actions["gallery"].triggered.connect(self._on_gallery_triggered)
        actions["dendrogram"].triggered.connect(self._on_dendrogram_triggered)
        actions["map"].triggered.connect(self._on_map_triggered)
        actions["review_page"].triggered.connect(self._on_review_page_triggered)
        inspector.select_requested.connect(self._on_inspector_select_requested)
        inspector.cluster_requested.connect(self._on_inspector_cluster_requested)
        inspector.similar_requested.connect(self._on_inspector_similar_requested)
        inspector.branch_requested.connect(self._on_inspector_branch_requested)
        inspector.preview_requested.connect(self._on_preview_requested)
        self._tree.preview_requested.connect(self._on_preview_requested)
        self._map.preview_requested.connect(self._on_preview_requested)
        self._review.preview_requested.connect(self._on_preview_requested)
        self._review.gallery_requested.connect(self._on_gallery_triggered)
        self._controller.session_changed.connect(self._on_controller_session_changed)
        self._queries.answered.connect(self._on_queries_answered)
        self._queries.failed.connect(self._on_queries_failed)
        self._filters.answered.connect(self._on_queries_answered)
        self._filters.failed.connect(self._on_filters_failed)

    # -- pages -----------------------------------------------------------------------------

    def show_view(self, view: View) -> None:
        """Open the gallery, the dendrogram, the map or the review."""
        window = self._window
        match view:
            case View.GALLERY:
                window.show_page(window.gallery)
            case View.DENDROGRAM:
                window.show_page(self._tree.pane)
            case View.MAP:
                window.show_page(self._map.pane)
                self._map.wake()
            case View.REVIEW:
                window.show_page(self._review.page)
                self._review.wake()
        window.view_bar.set_view(view)

    def show_result(self, images: Iterable[int], title: str) -> None:
        """Show some images in the gallery, under a title that can be closed."""
        self.show_view(View.GALLERY)
        self._visit(Place(result=tuple(images), title=title))

    def open_preview(self, image: int) -> None:
        """Show an image large; of several selected ones the preview walks through these."""
        self._reveal(image)
        self._window.preview.open_image(image)

    # -- places ----------------------------------------------------------------------------

    def find_similar(self, images: Iterable[int] = (), path: Path | None = None) -> None:
        """Search by images of the project, or by a file from outside."""
        session, wanted = self._controller.session, tuple(images)
        if session is None or not (wanted or path):
            return
        query = SimilarQuery(self._similar, snapshot_of(session), wanted, path)
        self._similar_ticket = self._queries.ask("similar", query)
        self._window.statusBar().showMessage("Looking for similar images…")

    def _visit(self, place: Place) -> None:
        """Go to a place that is worth coming back from."""
        self._navigation = self._navigation.visited(place)
        self._show_place()

    def _show_place(self) -> None:
        """Bring all views to the present place."""
        here, navigation = self._navigation.here, self._navigation
        self._is_going = True
        try:
            self._show_in_panel(here.clusters)
            if self._window.view_bar.filter.text != here.filter_text:
                self._window.view_bar.filter.set_text(here.filter_text)
            self._presenter.set_limits(self._filtered, here.result)
            self._tree.set_filtered(self._filtered)
            self._window.clusters.set_matching(self._filtered)
            self._presenter.show_clusters(here.clusters)
        finally:
            self._is_going = False
        bar, actions = self._window.view_bar, self._window.actions_
        bar.set_result(here.title)
        steps = (navigation.can_go_back, navigation.can_go_forward)
        bar.set_steps(can_go_back=steps[0], can_go_forward=steps[1])
        actions["back"].setEnabled(steps[0])
        actions["forward"].setEnabled(steps[1])

    def _show_in_panel(self, clusters: tuple[int, ...]) -> None:
        panel = self._window.clusters
        if not clusters:
            panel.show_all()
        elif len(clusters) == 1 and clusters[0] != UNASSIGNED:
            panel.select_cluster(clusters[0])
        elif len(clusters) > 1:
            panel.select_clusters(clusters)

    def _go(self, navigation: Navigation) -> None:
        session = self._controller.session
        if session is None:
            return
        place = navigation.here.within(len(session.images), session.clustering.clusters)
        self._navigation = navigation.updated(place)
        self._show_place()
        self._controller.select(place.selection.images, place.selection.current)

    def _ask_filter(self) -> None:
        session = self._controller.session
        if session is None or self._filter is None:
            return
        query = FilterQuery(self._service, snapshot_of(session), self._filter)
        self._filter_ticket = self._filters.ask("filter", query)

    def _ask_words(self) -> None:
        session = self._controller.session
        if session is not None and session.images:
            query = VocabularyQuery(self._service, snapshot_of(session))
            self._words_ticket = self._filters.ask("words", query)

    # -- slots -----------------------------------------------------------------------------

    @Slot(object)
    def _on_bar_view_requested(self, view: View) -> None:
        self.show_view(view)

    @Slot()
    def _on_gallery_triggered(self) -> None:
        self.show_view(View.GALLERY)

    @Slot()
    def _on_dendrogram_triggered(self) -> None:
        self.show_view(View.DENDROGRAM)

    @Slot()
    def _on_map_triggered(self) -> None:
        self.show_view(View.MAP)

    @Slot()
    def _on_review_page_triggered(self) -> None:
        self.show_view(View.REVIEW)

    @Slot()
    def _on_back_triggered(self) -> None:
        self._go(self._navigation.back())

    @Slot()
    def _on_forward_triggered(self) -> None:
        self._go(self._navigation.forward())

    @Slot()
    def _on_bar_result_closed(self) -> None:
        here = self._navigation.here
        self._visit(Place(here.clusters, here.filter_text, selection=here.selection))

    @Slot(object)
    def _on_clusters_shown_requested(self, clusters: tuple[int, ...]) -> None:
        if not self._is_going:
            here = self._navigation.here
            self._visit(Place(tuple(clusters), here.filter_text, selection=here.selection))

    @Slot(object)
    def _on_filter_filter_requested(self, wanted: Filter | None) -> None:
        self._filter = wanted
        here, text = self._navigation.here, self._window.view_bar.filter.text
        if text != here.filter_text:
            place = Place(here.clusters, text, here.result, here.title, here.selection)
            self._navigation = self._navigation.visited(place)
        if wanted is None:
            self._filters.drop("filter")
            self._filtered = None
            self._show_place()
        else:
            self._ask_filter()

    @Slot()
    def _on_filter_left(self) -> None:
        self._window.page.setFocus()

    @Slot()
    def _on_similar_triggered(self) -> None:
        self.find_similar(self._presenter.selected)

    def reveal_in_tree(self, images: Iterable[int]) -> None:
        """Open the dendrogram where some images are, their branch highlighted."""
        self.show_view(View.DENDROGRAM)
        self._tree.show_images(images)

    @Slot()
    def _on_reveal_triggered(self) -> None:
        self.reveal_in_tree(self._presenter.selected)

    @Slot()
    def _on_reveal_cluster_triggered(self) -> None:
        session = self._controller.session
        if session is not None:
            self.reveal_in_tree(members_of(session, self._window.clusters.selected_clusters()))

    @Slot(object)
    def on_file_dropped(self, path: object) -> None:
        """Search by a file from outside."""
        if isinstance(path, Path):
            self.find_similar(path=path)

    @Slot(object)
    def _on_inspector_similar_requested(self, images: object) -> None:
        if isinstance(images, tuple | list):
            self.find_similar(images)

    @Slot(object, int)
    def _on_inspector_select_requested(self, images: object, current: int) -> None:
        if isinstance(images, tuple | list):
            self._reveal(current)
            self._controller.select(images, current)

    @Slot(int)
    def _on_inspector_cluster_requested(self, cluster: int) -> None:
        self._visit(Place((cluster,)))

    @Slot(int)
    def _on_inspector_branch_requested(self, node: int) -> None:
        session = self._controller.session
        if session is None or session.run is None:
            return
        self.reveal_in_tree(branch_images(session.run, node))

    @Slot(int)
    def _on_preview_requested(self, image: int) -> None:
        self.open_preview(image)

    def _reveal(self, image: int) -> None:
        """Widen what the gallery shows until it has the image, and scroll there."""
        model = self._window.gallery.gallery
        if model.row_of(image) < 0:
            self._window.view_bar.filter.set_text("")
            self._filter = self._filtered = None
            self._visit(Place())
        if model.row_of(image) >= 0:
            self._window.gallery.show_row(model.row_of(image))

    @Slot()
    def _on_controller_session_changed(self) -> None:
        for stop in self._unsubscribe:
            stop()
        session, self._unsubscribe = self._controller.session, []
        self._similar.forget()
        self._service.forget()
        self._navigation = Navigation()
        self._filter = self._filtered = None
        self._window.view_bar.filter.clear()
        self.show_view(View.GALLERY)
        self._show_place()
        if session is not None:
            self._unsubscribe = [
                session.subscribe(self._follow),
                session.subscribe_selection(self._follow_selection),
            ]
            self._words_rest.start()

    def _follow(self, change: ChangeSet) -> None:
        if not change.is_preview:
            self._rest.start()
            self._words_rest.start()

    def _follow_selection(self, selection: Selection) -> None:
        here = self._navigation.here
        place = Place(here.clusters, here.filter_text, here.result, here.title, selection)
        self._navigation = self._navigation.updated(place)

    @Slot()
    def _on_rest_timeout(self) -> None:
        self._ask_filter()

    @Slot()
    def _on_words_rest_timeout(self) -> None:
        self._ask_words()

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if isinstance(answer, SimilarResult) and ticket == self._similar_ticket:
            self._window.statusBar().clearMessage()
            self.show_view(View.GALLERY)
            self._visit(Place(result=answer.ordered, title=answer.title))
        elif isinstance(answer, FilterResult) and ticket == self._filter_ticket:
            self._filtered = frozenset(answer.images.tolist())
            self._window.view_bar.filter.set_found(len(self._filtered), answer.n_images)
            self._show_place()
        elif isinstance(answer, Vocabulary) and ticket == self._words_ticket:
            self._window.view_bar.filter.set_vocabulary(answer)

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket == self._similar_ticket:
            self._window.statusBar().clearMessage()
            self._window.messages.show_message(Message(MessageKind.WARNING, str(error)))

    @Slot(int, object)
    def _on_filters_failed(self, ticket: int, error: object) -> None:
        if ticket == self._filter_ticket:
            self._window.messages.show_message(Message(MessageKind.WARNING, str(error)))

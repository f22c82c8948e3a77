"""The tree, its cut and its clusters as the dendrogram shows them; follows the session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from dclust_gui.domain.clustering import Cluster, ImageFlag
from dclust_gui.domain.cut_trial import CutTrial, TriedCut
from dclust_gui.domain.cuts import Cut
from dclust_gui.domain.images import absolute_path
from dclust_gui.services.cutting import CutPreview, present_cut
from dclust_gui.ui.models.dendrogram_builder import BuiltTree, TreeBuilder
from dclust_gui.ui.models.dendrogram_shapes import heights_on_stems
from dclust_gui.ui.models.dendrogram_strip import Exemplars
from dclust_gui.ui.models.gallery_order import file_name
from dclust_gui.ui.models.gallery_source import GallerySource
from dclust_gui.ui.models.palette import NO_COLOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.runs import Run
    from dclust_gui.domain.selection import Selection
    from dclust_gui.domain.tree_layout import TreeLayout
    from dclust_gui.domain.tree_levels import TreeLevels


class DendrogramSource(GallerySource, Protocol):
    """The part of `ProjectSession` that the dendrogram reads and follows."""

    @property
    def run(self) -> Run | None:
        """The run that was accepted last."""

    @property
    def saved_clustering(self) -> Clustering:
        """The labels as they are saved, whatever is previewed."""


class DendrogramModel(QObject):
    """Holds no labels of its own but those of a cut that is being tried out.

    Args:
        parent: Owner.

    Signals:
        tree_changed: Another tree, or none, is shown.
        changed: Clusters, colours, the cut or the selection are other ones.
    """

    tree_changed = Signal()
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source: DendrogramSource | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._builder = TreeBuilder(self)
        self._builder.built.connect(self._on_builder_built)
        self._builder.failed.connect(self._on_builder_failed)
        self._wanted_run: int | None = None
        self._filtered: frozenset[int] | None = None
        self.message = ""
        self._forget_tree()

    def _forget_tree(self) -> None:
        self._tree: BuiltTree | None = None
        self._cut: Cut | None = None
        self._tried: tuple[Cut, TriedCut] | None = None
        self._trial: CutTrial | None = None
        self._exemplars: Exemplars | None = None
        self._refresh_arrays()

    # -- what is shown -----------------------------------------------------------------------

    def set_source(self, source: DendrogramSource | None) -> None:
        """Show another project, or none."""
        for stop in self._unsubscribe:
            stop()
        self._unsubscribe = []
        self._source = source
        self._wanted_run = None
        self._filtered = None
        if source is not None:
            self._unsubscribe = [
                source.subscribe(self._follow),
                source.subscribe_selection(self._follow_selection),
            ]
        self._take_run()

    @property
    def source(self) -> DendrogramSource | None:
        """The project shown."""
        return self._source

    @property
    def tree(self) -> BuiltTree | None:
        """The tree; None while there is none or it is being laid out."""
        return self._tree

    @property
    def layout(self) -> TreeLayout:
        """The tree laid out; only while there is one."""
        assert self._tree is not None
        return self._tree.layout

    @property
    def levels(self) -> TreeLevels:
        """Its levels of detail; only while there is one."""
        assert self._tree is not None
        return self._tree.levels

    @property
    def cut(self) -> Cut:
        """The cut that is shown: the one tried out, else the present one."""
        assert self._cut is not None
        return self._cut if self._tried is None else self._tried[0]

    @property
    def present(self) -> Cut:
        """The cut that gives the present clusters."""
        assert self._cut is not None
        return self._cut

    @property
    def is_trying(self) -> bool:
        """Whether a cut is tried out."""
        return self._tried is not None

    @property
    def preview(self) -> CutPreview | None:
        """What the cut that is tried out would give, image by image; None when none is."""
        if self._tried is None or self._source is None:
            return None
        state, tried = self._source.saved_clustering, self._tried[1]
        labels = state.labels.copy()
        labels[self._images] = tried.labels
        labels.setflags(write=False)
        return CutPreview(state, labels, tried.clusters)

    @property
    def exemplars(self) -> Exemplars:
        """Which images stand for branches; only while there is a tree."""
        assert self._exemplars is not None
        return self._exemplars

    @property
    def clusters(self) -> Mapping[int, Cluster]:
        """The cluster table that is shown."""
        if self._tried is not None:
            return self._tried[1].clusters
        return {} if self._source is None else self._source.saved_clustering.clusters

    def try_cut(self, cut: Cut) -> None:
        """Show a cut without writing anything."""
        source, tree = self._source, self._tree
        if tree is None or source is None:
            return
        if self._tried is not None and cut.is_same_as(self._tried[0]):
            self._tried = (cut, self._tried[1])
            self.cut_heights = heights_on_stems(cut)
        else:
            if self._trial is None:
                self._trial = CutTrial(source.saved_clustering, tree.run.images, tree.layout)
            self._tried = (cut, self._trial.of(cut))
            self._refresh_cut()
        self.changed.emit()

    def drop_preview(self) -> None:
        """Show the present clusters again."""
        if self._tried is not None:
            self._tried = None
            self._refresh_cut()
            self.changed.emit()

    def set_filtered(self, images: frozenset[int] | None) -> None:
        """Tell apart images that a filter lets through.

        Args:
            images: Their ids; None for no filter.
        """
        if images != self._filtered:
            self._filtered = images
            self._mark_matches()
            self.changed.emit()

    @property
    def match_sums(self) -> NDArray[np.int64] | None:
        """int64 (n_leaves + 1,), how many images before each position the filter lets through.

        None when there is no filter.
        """
        return self._match_sums

    def n_matching(self, start: int, stop: int) -> int:
        """How many of the images at some positions the filter lets through; all without one."""
        sums = self._match_sums
        return stop - start if sums is None else int(sums[stop] - sums[start])

    def count_words(self, start: int, stop: int) -> str:
        """The number of images at some positions: `24`, or `3 of 24` where a filter is set."""
        if self._match_sums is None:
            return f"{stop - start:,}"
        return f"{self.n_matching(start, stop):,} of {stop - start:,}"

    def shutdown(self) -> bool:
        """Let go of the project and end the thread; True if it ended in time."""
        self.set_source(None)
        return self._builder.shutdown()

    # -- branches ----------------------------------------------------------------------------

    def images_of(self, start: int, stop: int) -> tuple[int, ...]:
        """Ids of the images at some positions."""
        return tuple(self._images[start:stop].tolist())

    def image_at(self, position: int) -> int:
        """Id of the image at a position."""
        return int(self._images[position])

    def position_of(self, image: int | None) -> int:
        """The position of an image; -1 when it is not in the tree."""
        if image is None:
            return -1
        found = np.flatnonzero(self._images == image)
        return int(found[0]) if len(found) else -1

    def positions_of(self, images: Iterable[int]) -> NDArray[np.int64]:
        """Positions of those of some images that are in the tree, from the left."""
        wanted = np.fromiter(images, np.int64)
        found: NDArray[np.int64] = np.flatnonzero(np.isin(self._images, wanted))
        return found

    def quality(self, start: int, stop: int) -> float:
        """Mean confidence of the images at some positions; NaN when it is not known."""
        total, count = (a[stop] - a[start] for a in self._confidence_sums)
        return float(total / count) if count else float("nan")

    def n_placed(self, start: int, stop: int) -> int:
        """How many of the images at some positions were placed by hand."""
        return int(self.placed_sums[stop] - self.placed_sums[start])

    def cluster_at(self, position: int) -> int:
        """The cluster of the image at a position, or `UNASSIGNED`."""
        return int(self.labels[position])

    def clusters_in(self, start: int, stop: int) -> dict[int, int]:
        """Clusters of the images at some positions and how many of them are there."""
        values, counts = np.unique(self.labels[start:stop], return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    def colour_of(self, cluster: int) -> int:
        """A cluster's place in the palette."""
        known = self.clusters.get(cluster)
        return NO_COLOUR if known is None else known.colour

    def title_of(self, cluster: int) -> str:
        """A cluster's name for people."""
        known = self.clusters.get(cluster)
        return "Unassigned" if known is None else known.title

    def name_of(self, position: int) -> str:
        """File name of the image at a position, fit to show."""
        return file_name(self._record(self.image_at(position)))

    def path_of(self, image: int) -> Path:
        """An image's file."""
        record = self._record(image)
        assert self._source is not None
        return absolute_path(self._source.roots[record.root], record.relative)

    def content_of(self, image: int) -> bytes:
        """An image's content hash."""
        return self._record(image).content

    def words_for(self, node: int) -> str:
        """A branch in words, for tool tips and screen readers."""
        layout = self.layout
        start, stop = int(layout.start[node]), int(layout.stop[node])
        inside = self.clusters_in(start, stop)
        title = self.title_of(max(inside, key=lambda c: inside[c]))
        if stop - start == 1:
            return f"{self.name_of(start)}, {title}"
        rest = f" and {len(inside) - 1} more" if len(inside) > 1 else ""
        matching = "" if self._match_sums is None else f"{self.n_matching(start, stop):,} of "
        words = [f"{matching}{stop - start:,} images", f"{title}{rest}"]
        quality = self.quality(start, stop)
        if not np.isnan(quality):
            words.append(f"quality {quality:.2f}")
        words.append(f"height {layout.height[node]:.4g}")
        placed = self.n_placed(start, stop)
        if placed:
            words.append(f"{placed:,} moved since")
        return ", ".join(words)

    # -- inside ------------------------------------------------------------------------------

    def _record(self, image: int) -> ImageRecord:
        if self._source is None:
            raise IndexError(image)
        return self._source.images[image]

    def _take_run(self) -> None:
        run = None if self._source is None else self._source.run
        self._forget_tree()
        self._builder.cancel()
        self._wanted_run = None if run is None else run.id
        if run is None:
            self.message = "Cluster the images to see their tree."
        else:
            self.message = "Laying out the tree…"
            self._builder.start(run)
        self.tree_changed.emit()

    def _follow(self, change: ChangeSet) -> None:
        """Take over what the session says has changed."""
        source = self._source
        if source is None:
            return
        if change.is_preview:
            self._colour_preview(source)
        elif change.has_new_project or source.saved_clustering.run_id != self._wanted_run:
            self._take_run()
        elif self._tree is not None:
            self._tried = None
            self._cut = present_cut(source.saved_clustering, self._tree.run, self._tree.layout)
            self._refresh_arrays()
            self.changed.emit()

    def _colour_preview(self, source: DendrogramSource) -> None:
        """Colour the leaves by what another view tries out; cuts stay where they are."""
        if self._tree is not None and self._tried is None:
            self.labels = source.clustering.labels[self._images]
            self.changed.emit()

    def _follow_selection(self, selection: Selection) -> None:
        self._mark_selected(selection)
        self.changed.emit()

    def _refresh_arrays(self) -> None:
        """Bring labels and marks into the order of the leaves."""
        source, tree = self._source, self._tree
        self._trial = None
        if source is None or tree is None or self._cut is None:
            self._match_sums: NDArray[np.int64] | None = None
            self._images = np.empty(0, np.int64)
            self.labels = np.empty(0, np.int32)
            self.is_selected = self.is_placed = np.empty(0, np.bool_)
            self.selected_sums = self.placed_sums = np.zeros(1, np.int64)
            self.cut_clusters = np.empty(0, np.int64)
            self.cut_heights = np.empty(0)
            self.strays = np.empty(0, np.int64)
            return
        state = source.saved_clustering
        flags = state.flags[self._images]
        self.is_placed = (flags & np.uint8(ImageFlag.HAND_PLACED | ImageFlag.REFINED)) != 0
        self.placed_sums = np.concatenate([[0], np.cumsum(self.is_placed)])
        pinned = [c.id for c in state.clusters.values() if c.is_pinned]
        may_move = ~self.is_placed
        if pinned:
            may_move &= ~np.isin(state.labels[self._images], pinned)
        self._may_move = np.append(np.flatnonzero(may_move), tree.layout.n_leaves)
        self._placed = np.flatnonzero(self.is_placed)
        self._refresh_cut()

    def _refresh_cut(self) -> None:
        """Take over the labels of the cut that is shown."""
        source = self._source
        assert source is not None
        if self._tried is None:
            self.labels = source.saved_clustering.labels[self._images]
        else:
            self.labels = self._tried[1].labels
        self.cut_heights = heights_on_stems(self.cut)
        self.cut_clusters = self._main_clusters()
        placed = self._placed
        branches = np.searchsorted(self.cut.starts, placed, side="right") - 1
        self.strays = placed[self.labels[placed] != self.cut_clusters[branches]]
        if self._tried is None:  # colours show what another view tries out, cuts never do
            self.labels = source.clustering.labels[self._images]

    def _main_clusters(self) -> NDArray[np.int64]:
        """The cluster of each branch of the cut: that of its images nobody placed by hand."""
        starts = self.cut.starts
        stops = self.layout.stop[self.cut.nodes]
        following = self._may_move[np.searchsorted(self._may_move, starts)]
        places = np.where(following < stops, following, starts)
        return self.labels[places].astype(np.int64)

    def _mark_matches(self) -> None:
        """Which leaves the filter lets through; they stand for their branches, if any do."""
        source, tree, images = self._source, self._tree, self._filtered
        if source is None or tree is None:
            return
        self._match_sums = None
        confidence = tree.run.confidence
        if images is not None:
            is_match = np.zeros(len(source.images), np.bool_)
            ids = np.fromiter(images, np.int64, len(images))
            is_match[ids[ids < len(is_match)]] = True
            self._match_sums = np.concatenate([[0], np.cumsum(is_match[self._images])])
            matches = is_match[tree.run.images]
            confidence = np.nan_to_num(confidence, nan=-1.0) + 2 * matches.astype(np.float32)
        self._exemplars = Exemplars(tree.layout, confidence)

    def _mark_selected(self, selection: Selection) -> None:
        """Which leaves are selected."""
        if self._source is None or self._tree is None:
            return
        chosen = np.zeros(len(self._source.images), np.bool_)
        chosen[np.fromiter(selection.images, np.int64, len(selection.images))] = True
        self.is_selected = chosen[self._images]
        self.selected_sums = np.concatenate([[0], np.cumsum(self.is_selected)])

    @Slot(object)
    def _on_builder_built(self, tree: BuiltTree) -> None:
        source = self._source
        if source is None:
            return
        self._tree = tree
        self.message = ""
        self._images = tree.run.images.astype(np.int64)[tree.layout.order]
        confidence = tree.run.confidence[tree.layout.order].astype(np.float64)
        known = ~np.isnan(confidence)
        sums = (np.where(known, confidence, 0.0), known)
        self._confidence_sums = tuple(np.concatenate([[0.0], np.cumsum(a)]) for a in sums)
        self._mark_matches()
        self._cut = present_cut(source.saved_clustering, tree.run, tree.layout)
        self._refresh_arrays()
        self._mark_selected(source.selection)
        self.tree_changed.emit()

    @Slot(str)
    def _on_builder_failed(self, text: str) -> None:
        self.message = text
        self.tree_changed.emit()

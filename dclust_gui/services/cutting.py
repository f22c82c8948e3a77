"""Cuts of the accepted run's tree: what they would give, and taking them over as one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.clustering import Clustering, ImageFlag
from dclust_gui.domain.cut_identity import adopt_groups
from dclust_gui.domain.cuts import Cut, branch_from_height, branch_from_k, groups_of
from dclust_gui.domain.edits import EditKind, count_of, replace_all
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.stacks import agreed_labels
from dclust_gui.domain.tree import check_tree
from dclust_gui.domain.tree_layout import NO_NODE, TreeLayout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.domain.edits import Edit
    from dclust_gui.domain.runs import Run
    from dclust_gui.services.session import ProjectSession


@dataclass(frozen=True, slots=True, eq=False)
class CutRequest:
    """A wish to make clusters of some branches.

    Attributes:
        layout: The tree, that of the accepted run.
        nodes: int64 (k,), the branches from left to right, none inside another.
        title: Name of the step, as after "Undo": `cut the tree into 12 clusters`.
    """

    layout: TreeLayout
    nodes: NDArray[np.int64]
    title: str

    @classmethod
    def whole(cls, cut: Cut) -> CutRequest:
        """Make clusters of all branches of a cut."""
        return cls(cut.layout, cut.nodes, f"cut the tree into {count_of(cut.k, 'cluster')}")

    @classmethod
    def opened(cls, cut: Cut, node: int) -> CutRequest:
        """Divide one branch of a cut into its two parts, leaving all others alone.

        Raises:
            ValueError: If it is no branch of the cut, or a single image.
        """
        after = cut.opened(node)
        nodes = after.nodes[after.numbers_in(node)]
        return cls(cut.layout, nodes, f"open a branch of {count_of(cut.layout.size(node))}")

    @classmethod
    def closed(cls, cut: Cut, node: int) -> CutRequest:
        """Join all branches of a cut that lie below a node, leaving all others alone."""
        title = f"join {count_of(len(cut.numbers_in(node)), 'cluster')} of a branch"
        return cls(cut.layout, np.array([node], np.int64), title)


def tree_of(run: Run | None) -> TreeLayout:
    """The laid-out tree of a run.

    Raises:
        InputError: If there is no run, or its tree is damaged.
    """
    if run is None:
        raise InputError(
            "This project has no tree yet.", "", "Cluster its images first: 'dclust cluster'."
        )
    if len(run.images) == 0:
        raise InputError("The accepted run has no images, and so no tree.")
    try:
        n_leaves = check_tree(run.tree)
    except ValueError as error:
        raise InputError("The run's tree is damaged.", f"{error}.", "Cluster again.") from error
    if n_leaves != len(run.images):
        raise InputError("The run's tree does not fit its images.", "", "Cluster again.")
    return TreeLayout.of(run.tree)


def present_cut(state: Clustering, run: Run, layout: TreeLayout) -> Cut:
    """The cut that gives the present clusters, as nearly as a cut can."""
    flags = state.flags[run.images]
    placed = (flags & np.uint8(ImageFlag.HAND_PLACED)) != 0
    refined = (flags & np.uint8(ImageFlag.REFINED)) != 0
    return Cut.from_labels(layout, state.labels[run.images], placed, refined)


@dataclass(frozen=True, slots=True, eq=False)
class CutPreview:
    """What a cut would give; nothing is written.

    Attributes:
        before: The present state.
        labels: int32 (n_images,), cluster ids.
        clusters: The whole cluster table.
    """

    before: Clustering
    labels: NDArray[np.int32]
    clusters: Mapping[int, Cluster]

    def clustering(self) -> Clustering:
        """The state after the cut, for views that show a whole one."""
        before = self.before
        next_id = max(before.next_id, max(self.clusters, default=0) + 1)
        return Clustering(
            self.labels, before.flags, self.clusters, next_id, before.run_id, before.stacks
        )


def preview_cut(state: Clustering, run: Run, request: CutRequest) -> CutPreview:
    """What a cut would give.

    Clusters whose images do not change keep id, name and marks; so does the part that holds most
    of a cluster. Images placed by hand, approved or pinned stay where they are.
    """
    groups = groups_of(request.layout, request.nodes)
    labels, clusters = adopt_groups(state, run.images, groups)
    return CutPreview(state, agreed_labels(state.stacks, labels), clusters)


def cut_edit(state: Clustering, run: Run, request: CutRequest) -> Edit:
    """The step that takes a cut over."""
    after = preview_cut(state, run, request)
    labels, clusters = after.labels, after.clusters
    return replace_all(state, EditKind.CUT, request.title, labels, clusters, state.run_id)


def accept_cut(session: ProjectSession, request: CutRequest) -> bool:
    """Take a cut over as one step of the history.

    Returns:
        False if it changes nothing.

    Raises:
        InputError: If the cut is of another tree than the accepted run's.
        StorageError: If it could not be saved.
    """
    run = session.run
    if run is None or not np.array_equal(run.tree, request.layout.tree):
        raise InputError("The cut belongs to another run.", "", "Cut the present tree again.")
    edit = cut_edit(session.saved_clustering, run, request)
    session.apply(edit)
    return not edit.changes_nothing


def request_from(
    layout: TreeLayout, *, k: int = 0, height: float | None = None, branch: int = NO_NODE
) -> CutRequest:
    """What a person asks for in words: a number of clusters or a height, perhaps of one branch.

    Args:
        layout: The tree.
        k: Number of clusters; 0 where a height is given.
        height: Height of the cut; None where k is given.
        branch: The node to cut; `NO_NODE` for the whole tree.

    Raises:
        InputError: If there is no such branch, or k or the height is out of range.
    """
    node = layout.root if branch == NO_NODE else branch
    if not 0 <= node < layout.n_nodes:
        raise InputError(
            f"There is no branch {branch} in this tree.",
            f"Branches are 0 to {layout.root}.",
            "'dclust cut' and 'dclust tree OUT.nwk' show them.",
        )
    if height is None and not 1 <= k <= layout.size(node):
        raise InputError(f"The number of clusters must be 1 to {layout.size(node):,}.")
    if height is not None and not (np.isfinite(height) and height >= 0):
        raise InputError("The height must be a number of at least 0.")
    nodes = (
        branch_from_k(layout, node, k)
        if height is None
        else branch_from_height(layout, node, height)
    )
    where = "the tree" if node == layout.root else f"branch {node}"
    return CutRequest(layout, nodes, f"cut {where} into {count_of(len(nodes), 'cluster')}")

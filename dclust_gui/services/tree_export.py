"""Writes a run's tree for other programs: SciPy's Z, Newick, and a drawing as SVG."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.height_scale import HeightScale
from dclust_gui.domain.images import display_path
from dclust_gui.domain.tree_levels import TreeLevels
from dclust_gui.services.cutting import present_cut, tree_of
from dclust_gui.services.outputs import check_output, write_output
from dclust_gui.storage.files import write_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.cuts import Cut
    from dclust_gui.domain.tree_layout import TreeLayout
    from dclust_gui.services.session import ProjectSession

FORMATS = (".npy", ".nwk", ".svg")
"""Suffixes that `export_tree` knows."""

PRINT_COLOURS = (
    *("#3153a8", "#df741d", "#259f8a", "#a23d4f", "#b37dc6", "#3188f2"),
    *("#89581a", "#3234d6", "#a2905e", "#551a65", "#685c81", "#471d27"),
)
"""The cluster colours of the light look, by `Cluster.colour`."""

_NEUTRAL = "#6f6f6f"
_WIDTH_PX = 920
_TREE_PX = 640
_LEAST_PX = 8.0
_MOST_HEIGHT_PX = 1600
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class TreeFile:
    """What was written.

    Attributes:
        path: The tree.
        names: The table that says which image each leaf is; None where the tree says so itself.
        n_leaves: Number of images in the tree.
    """

    path: Path
    names: Path | None
    n_leaves: int


def export_tree(session: ProjectSession, path: Path) -> TreeFile:
    """Write the accepted run's tree; the suffix says how.

    `.npy` is SciPy's linkage matrix, with a table `NAME.leaves.csv` beside it; `.nwk` is Newick
    with the images' paths as leaves and the branches' numbers inside; `.svg` is a drawing.

    Raises:
        InputError: If there is no tree, the suffix is unknown, or an image would be overwritten.
        StorageError: If the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            f"'{path.name}' names no format for trees.", "", f"Use one of {', '.join(FORMATS)}."
        )
    run = session.run
    layout = tree_of(run)
    assert run is not None
    names = [display_path(session.images[i].relative) for i in run.images.tolist()]
    table: Path | None = None
    if suffix == ".npy":
        table = path.with_suffix(".leaves.csv")
        check_output(table, "The table of leaves")
        write_bytes(path, npy_bytes(layout.tree))
        write_output(table, leaves_csv(run.images.tolist(), names), "the table of leaves")
    elif suffix == ".nwk":
        write_output(path, newick(layout, names) + "\n", "the tree")
    else:
        cut = present_cut(session.clustering, run, layout)
        labels = session.clustering.labels[run.images]
        write_output(path, svg(layout, cut, session.clustering, labels), "the tree")
    return TreeFile(path, table, layout.n_leaves)


def npy_bytes(tree: NDArray[np.float64]) -> bytes:
    """A linkage matrix as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(tree, np.float64), allow_pickle=False)
    return buffer.getvalue()


def leaves_csv(images: Sequence[int], names: Sequence[str]) -> str:
    """Which image each leaf is, as CSV: leaf, image, path.

    Args:
        images: Ids by leaf.
        names: Paths by leaf.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["leaf", "image", "path"])
    table.writerows([leaf, i, n] for leaf, (i, n) in enumerate(zip(images, names, strict=True)))
    return text.getvalue()


def newick(layout: TreeLayout, names: Sequence[str]) -> str:
    """The tree in Newick's format, branch lengths as differences of height.

    Args:
        layout: The tree.
        names: Names by leaf; quoted where the format asks for it.

    Source:
        J. Felsenstein, "The Newick tree format", 1986.
    """
    length = np.where(
        layout.parent >= 0, layout.height[layout.parent], layout.height[-1]
    ) - np.maximum(layout.height, 0.0)
    tails = [f":{value:.9g}" for value in length.tolist()]
    left, right = layout.left.tolist(), layout.right.tolist()
    parts: list[str] = []
    waiting: list[int | str] = [layout.root]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parts.append(item)
        elif item < layout.n_leaves:
            parts.append(_quoted(names[item]) + tails[item])
        else:
            tail = "" if item == layout.root else tails[item]
            waiting += [f"){item}{tail}", right[item], ",", left[item], "("]
    return "".join(parts) + ";"


def svg(
    layout: TreeLayout,
    cut: Cut,
    clustering: Clustering,
    labels: NDArray[np.int32],
) -> str:
    """A drawing of the tree, root at the left, with the clusters' names and counts.

    Args:
        layout: The tree.
        cut: Which branches are clusters.
        clustering: Gives names and colours.
        labels: int32 (n_leaves,), present cluster by leaf.
    """
    height_px = float(min(max(14 * cut.k, 2 * layout.n_leaves, 240), _MOST_HEIGHT_PX))
    scale = height_px / layout.n_leaves
    level = TreeLevels(layout).level(_LEAST_PX / scale)
    heights = HeightScale.of(layout.tree[:, 2])
    x = 20 + _TREE_PX * (1 - np.clip(heights.to_unit(layout.height), 0, 1))
    y = 20 + layout.centre * scale
    clusters = [_cluster_of(layout, node, labels) for node in cut.nodes.tolist()]
    colours = [
        PRINT_COLOURS[clustering.clusters[c].colour % len(PRINT_COLOURS)]
        if c in clustering.clusters
        else _NEUTRAL
        for c in clusters
    ]
    lines: dict[str, list[str]] = {}
    blocks: list[str] = []
    shown = zip(level.nodes.tolist(), level.below.tolist(), level.is_end.tolist(), strict=True)
    for node, below, ends in shown:
        own = _colour(cut, colours, node)
        places = [y[node], *(y[child] for child in below)]
        lines.setdefault(own, []).append(f"M{x[node]:.1f} {min(places):.1f}V{max(places):.1f}")
        for child, is_end in zip(below, ends, strict=True):
            colour = _colour(cut, colours, child)
            lines.setdefault(colour, []).append(f"M{x[node]:.1f} {y[child]:.1f}H{x[child]:.1f}")
            if is_end and not layout.is_leaf(child):
                first, last = 20 + layout.start[child] * scale, 20 + layout.stop[child] * scale
                blocks.append(
                    f'<path d="M{x[child]:.1f} {y[child]:.1f}L{20 + _TREE_PX} {first:.1f}'
                    f'V{last:.1f}Z" fill="{colour}" fill-opacity="0.45"/>'
                )
    texts = [
        _svg_label(layout, node, scale, colour, clustering, cluster)
        for node, colour, cluster in zip(cut.nodes.tolist(), colours, clusters, strict=True)
    ]
    paths = [
        f'<path d="{"".join(parts)}" fill="none" stroke="{colour}"/>'
        for colour, parts in sorted(lines.items())
    ]
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'width="{_WIDTH_PX}" height="{height_px + 40:.0f}" '
        'font-family="sans-serif" font-size="12">'
        f"<title>Tree of {count_of(layout.n_leaves)}</title>"
        f'<rect width="{_WIDTH_PX}" height="{height_px + 40:.0f}" fill="#ffffff"/>'
    )
    return "\n".join([head, *blocks, *paths, *(t for t in texts if t), "</svg>\n"])


def _svg_label(
    layout: TreeLayout,
    node: int,
    scale: float,
    colour: str,
    clustering: Clustering,
    cluster: int,
) -> str:
    first, room = 20 + layout.start[node] * scale, layout.size(node) * scale
    left = 20 + _TREE_PX + 4
    ribbon = (
        f'<rect x="{left}" y="{first:.1f}" width="8" height="{max(room - 0.5, 0.5):.1f}" '
        f'fill="{colour}"/>'
    )
    if room < 12:
        return ribbon
    known = clustering.clusters.get(cluster)
    title = "Unassigned" if known is None else known.title
    text = escape(f"{title} · {layout.size(node):,}")
    return f'{ribbon}<text x="{left + 14}" y="{first + room / 2 + 4:.1f}">{text}</text>'


def _cluster_of(layout: TreeLayout, node: int, labels: NDArray[np.int32]) -> int:
    """The cluster that most leaves of a branch are in."""
    values, counts = np.unique(labels[layout.leaves(node)], return_counts=True)
    return int(values[np.argmax(counts)])


def _colour(cut: Cut, colours: Sequence[str], node: int) -> str:
    holder = cut.holder(node)
    if holder < 0:
        return _NEUTRAL
    return colours[cut.index_of(float(cut.layout.start[node]))]


def _quoted(name: str) -> str:
    """A leaf's name, in single quotes where Newick's own signs are in it."""
    return name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a drawing or table of the tree whole or not at all.

    Raises:
        InputError: If it would take the place of an image or project.
        StorageError: If it cannot be written.
    """
    check_output(path, "The tree")
    try:
        write_file(path.resolve(), [data])
    except OSError as error:
        raise StorageError(
            f"Could not write the tree to '{path}'.", f"{error.strerror or error}."
        ) from error

"""A contact sheet: one HTML file with all pictures inside it, to look at, print and send."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.services.formats.images import UNASSIGNED_NAME, clusters_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dclust_gui.domain.clustering import Cluster
    from dclust_gui.services.formats.images import LabelledImage

Picture = Callable[["LabelledImage"], bytes | None]
"""Gives a small JPEG of an image; None if there is none."""

_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1b1b; --soft: #6a6a6a; --line: #ddd; }
@media (prefers-color-scheme: dark) {
  :root { --back: #1e1e1e; --text: #ececec; --soft: #a5a5a5; --line: #3a3a3a; } }
* { box-sizing: border-box; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1.5rem; background: var(--back);
  color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .2rem; overflow-wrap: anywhere; break-after: avoid; }
p { margin: .2rem 0 .8rem; color: var(--soft); max-width: 60rem; white-space: pre-line; }
nav { columns: 16rem; margin: 1.2rem 0; border-top: 1px solid var(--line); padding-top: .8rem; }
nav a { display: block; color: inherit; text-decoration: none; padding: .1rem 0;
  overflow-wrap: anywhere; }
nav a:hover { text-decoration: underline; } nav span { color: var(--soft); }
.sheet { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
figure { margin: 0; break-inside: avoid; }
figure div { height: 9rem; display: flex; align-items: center; justify-content: center; }
img { max-width: 100%; max-height: 100%; }
figcaption { font-size: .75rem; color: var(--soft); overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; text-align: center; padding-top: .2rem; }
.none { border: 1px dashed var(--line); color: var(--soft); font-size: .75rem; width: 100%; }
.more { grid-column: 1 / -1; } footer { margin-top: 3rem; color: var(--soft); font-size: .8rem; }
@media print { body { margin: 0; max-width: none; } nav { display: none; }
  .sheet { grid-template-columns: repeat(6, 1fr); } figure div { height: 7rem; } }
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on a contact sheet besides the pictures.

    Attributes:
        title: Heading: the project's name.
        note: A sentence below it, such as the date.
        most: Most pictures of a cluster; 0 for all. The most typical ones are shown, the rest is
            counted.
    """

    title: str
    note: str = ""
    most: int = 0


def contact_sheet(images: Sequence[LabelledImage], picture: Picture, sheet: Sheet) -> Iterator[str]:
    """The sheet, piece by piece: it may be large.

    Args:
        images: What goes out; the second file of a RAW+JPEG pair is left out.
        picture: Gives the pictures, in the order in which they stand on the sheet.
        sheet: Heading and limits.

    Yields:
        HTML that refers to no other file. Light and dark by the reader's setting; fit to print.
    """
    leading = [image for image in images if image.is_leader]
    groups: list[tuple[Cluster | None, list[LabelledImage]]] = [
        (c, []) for c in clusters_of(leading)
    ]
    places = {cluster.id: rows for cluster, rows in groups if cluster is not None}
    rest: list[LabelledImage] = []
    for image in leading:
        (rest if image.cluster is None else places[image.cluster.id]).append(image)
    if rest:
        groups.append((None, rest))
    yield _head(sheet, len(leading), groups)
    for cluster, members in groups:
        yield _group_head(cluster, len(members))
        shown = members
        if sheet.most and len(members) > sheet.most:
            typical = sorted(members, key=lambda m: -(m.confidence or 0.0))[: sheet.most]
            shown = sorted(typical, key=lambda m: m.path)
        for image in shown:
            yield _figure(image, picture(image))
        if len(shown) < len(members):
            yield f'<p class="more">and {count_of(len(members) - len(shown))} more</p>\n'
        yield "</div></section>\n"
    yield "<footer>Made with dclust</footer>\n</body></html>\n"


def _key(cluster: Cluster | None) -> str:
    return "unassigned" if cluster is None else f"cluster-{cluster.id}"


def _title(cluster: Cluster | None) -> str:
    return UNASSIGNED_NAME if cluster is None else cluster.title


def _head(
    sheet: Sheet, n_images: int, groups: Sequence[tuple[Cluster | None, Sequence[object]]]
) -> str:
    """All above the first group."""
    n_clusters = sum(cluster is not None for cluster, _ in groups)
    links = "".join(
        f'<a href="#{_key(c)}">{_text(_title(c))} <span>{len(rows):,}</span></a>\n'
        for c, rows in groups
    )
    counts = f"{count_of(n_images)} in {count_of(n_clusters, 'cluster')}"
    note = f". {_text(sheet.note)}" if sheet.note else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(sheet.title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        f"<h1>{_text(sheet.title)}</h1>\n<p>{counts}{note}</p>\n<nav>{links}</nav>\n"
    )


def _group_head(cluster: Cluster | None, n_images: int) -> str:
    notes = f"\n{_text(cluster.notes)}" if cluster is not None and cluster.notes else ""
    return (
        f'<section id="{_key(cluster)}"><h2>{_text(_title(cluster))}</h2>\n'
        f'<p>{count_of(n_images)}{notes}</p>\n<div class="sheet">\n'
    )


def _figure(image: LabelledImage, jpeg: bytes | None) -> str:
    name = _text(image.path.rpartition("/")[2])
    if jpeg is None:
        inside = '<div class="none">no picture</div>'
    else:
        data = base64.b64encode(jpeg).decode("ascii")
        inside = f'<div><img alt="{name}" src="data:image/jpeg;base64,{data}"></div>'
    path = _text(image.path)
    return f'<figure title="{path}">{inside}<figcaption>{name}</figcaption></figure>\n'


def _text(text: str) -> str:
    """Text as HTML, without characters that HTML forbids."""
    return escape("".join(c for c in text if c >= " " or c in "\n\t"), quote=True)

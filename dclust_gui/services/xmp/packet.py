"""Merges keywords into an XMP packet; everything else in it stays.

Written are, for a cluster `Birds/Gulls`:

* `dc:subject` (bag): `Birds` and `Gulls`, for programs that know flat keywords only;
* `lr:hierarchicalSubject` (bag): `Birds|Gulls`, as Lightroom, darktable and Bridge read it;
* `digiKam:TagsList` (sequence): `Birds/Gulls`.

What was added is noted in `dclust:keywords`, so that the next merge takes back what no longer
holds, and never a keyword that was there before or that a person added.

Source:
    ISO 16684-1 (XMP); Adobe, "XMP Specification Part 1 to 3"; the names of Lightroom's and
    digiKam's properties as ExifTool documents them (XMP tags `lr`, `digiKam`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.services.xmp.document import (
    DamagedXmlError,
    children,
    parse,
    prefix_for,
    remove,
    serialise,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.dom.minidom import Document, Element

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
DIGIKAM = "http://www.digikam.org/ns/1.0/"
DCLUST = "https://dclust.org/ns/1.0/"

_EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="dclust">\n'
    f' <rdf:RDF xmlns:rdf="{RDF}">\n'
    '  <rdf:Description rdf:about=""/>\n'
    " </rdf:RDF>\n"
    "</x:xmpmeta>\n"
    '<?xpacket end="w"?>'
)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTAINERS = ("Bag", "Seq", "Alt")


@dataclass(frozen=True, slots=True)
class _Property:
    """Where keywords stand.

    Attributes:
        uri: Namespace.
        prefix: The usual one.
        name: Name of the property.
        container: Kind of list for a new one.
        mark: Begins its entries in `dclust:keywords`.
    """

    uri: str
    prefix: str
    name: str
    container: str
    mark: str


_FLAT = _Property(DC, "dc", "subject", "Bag", "dc:")
_LIGHTROOM = _Property(LIGHTROOM, "lr", "hierarchicalSubject", "Bag", "lr:")
_DIGIKAM = _Property(DIGIKAM, "digiKam", "TagsList", "Seq", "digiKam:")
_OURS = _Property(DCLUST, "dclust", "keywords", "Bag", "")


def merge_keywords(packet: bytes | None, names: Sequence[str]) -> bytes:
    """A packet with the names of clusters as keywords.

    Args:
        packet: What is there; None for a new one.
        names: Names of the image's clusters; `/` separates levels. Empty takes back what was
            added before.

    Returns:
        UTF-8. The same bytes as `packet` where nothing changes.

    Raises:
        DamagedXmlError: If the packet cannot be read.
    """
    document = parse(_EMPTY.encode() if packet is None else packet)
    changed = _merge(document, names)
    if packet is not None and not changed:
        return packet
    has_declaration = packet is not None and packet.lstrip().startswith(b"<?xml ")
    return serialise(document, with_declaration=has_declaration)


def keywords_of(packet: bytes) -> list[str]:
    """Hierarchical keywords of a packet, levels separated by `/`; else the flat ones.

    Raises:
        DamagedXmlError: If the packet cannot be read.
    """
    document = parse(packet)
    for where, separator in ((_LIGHTROOM, "|"), (_DIGIKAM, "/"), (_FLAT, "")):
        found = [text_of(item) for item in _items(document, where)]
        if found:
            return [text.replace(separator, "/") if separator else text for text in found]
    return []


def own_keywords_of(packet: bytes) -> list[str]:
    """Names of clusters that `merge_keywords` has added and that are still there.

    Args:
        packet: The packet.

    Returns:
        Their levels separated by `/`; empty where we have added nothing.

    Raises:
        DamagedXmlError: If the packet cannot be read.
    """
    document = parse(packet)
    ours = [text_of(item) for item in _items(document, _OURS)]
    for where, separator in ((_DIGIKAM, "/"), (_LIGHTROOM, "|")):
        there = {text_of(item) for item in _items(document, where)}
        texts = (e.removeprefix(where.mark) for e in ours if e.startswith(where.mark))
        found = [text.replace(separator, "/") for text in texts if text in there]
        if found:
            return found
    return []


def _wanted(names: Sequence[str]) -> dict[_Property, list[str]]:
    """What must stand in each property."""
    wanted: dict[_Property, list[str]] = {_FLAT: [], _LIGHTROOM: [], _DIGIKAM: []}
    for name in names:
        text = _NOT_IN_XML.sub("_", name)
        levels = [part.strip() for part in text.split("/") if part.strip()]
        if not levels:
            continue
        for text, where in (
            *((level, _FLAT) for level in levels),
            ("|".join(level.replace("|", "_") for level in levels), _LIGHTROOM),
            ("/".join(levels), _DIGIKAM),
        ):
            if text not in wanted[where]:
                wanted[where].append(text)
    return wanted


def _merge(document: Document, names: Sequence[str]) -> bool:
    """Bring the keywords up to date; whether anything changed."""
    before = [text_of(item) for item in _items(document, _OURS)]
    wanted = _wanted(names)
    ours: list[str] = []
    changed = False
    for where, texts in wanted.items():
        mine = {e.removeprefix(where.mark) for e in before if e.startswith(where.mark)}
        changed |= _remove(document, where, mine - set(texts))
        there = {text_of(item) for item in _items(document, where)}
        new = [text for text in texts if text not in there]
        if new:
            _add(document, where, new)
            changed = True
        ours += [where.mark + text for text in texts if text in mine or text in new]
    if ours != before:
        _remove(document, _OURS, set(before))
        _add(document, _OURS, ours)
        changed = True
    return changed


def _items(document: Document, where: _Property) -> list[Element]:
    """The entries of a property, wherever it stands."""
    return [
        item
        for element in document.getElementsByTagNameNS(where.uri, where.name)
        for container in _containers(element)
        for item in children(container, RDF, "li")
    ]


def _remove(document: Document, where: _Property, texts: set[str]) -> bool:
    """Take entries away, and the property with its last one; whether there were any."""
    removed = False
    for element in document.getElementsByTagNameNS(where.uri, where.name):
        for container in _containers(element):
            items = children(container, RDF, "li")
            gone = [item for item in items if text_of(item) in texts]
            for item in gone:
                remove(item)
            removed |= bool(gone)
            if gone and len(gone) == len(items):
                remove(element)
    return removed


def _add(document: Document, where: _Property, texts: Sequence[str]) -> None:
    """Add entries to a property, which is made if need be."""
    if not texts:
        return
    container = _container(document, where)
    prefix = prefix_for(container, RDF, "rdf")
    for text in texts:
        item = document.createElementNS(RDF, f"{prefix}:li")
        item.appendChild(document.createTextNode(text))
        container.appendChild(item)


def _container(document: Document, where: _Property) -> Element:
    """The list of a property."""
    for element in document.getElementsByTagNameNS(where.uri, where.name):
        for container in _containers(element):
            return container
    description = _description(document)
    prefix = prefix_for(description, where.uri, where.prefix)
    rdf = prefix_for(description, RDF, "rdf")
    element = document.createElementNS(where.uri, f"{prefix}:{where.name}")
    container = document.createElementNS(RDF, f"{rdf}:{where.container}")
    element.appendChild(container)
    description.appendChild(element)
    return container


def _containers(element: Element) -> list[Element]:
    """The lists in a property, of whatever kind."""
    return [c for kind in _CONTAINERS for c in children(element, RDF, kind)]


def _description(document: Document) -> Element:
    """The description of the image itself; made if there is none."""
    trees = document.getElementsByTagNameNS(RDF, "RDF")
    if not trees:
        raise DamagedXmlError("It has no rdf:RDF, so it is no XMP.")
    for description in children(trees[0], RDF, "Description"):
        return description
    prefix = prefix_for(trees[0], RDF, "rdf")
    description = document.createElementNS(RDF, f"{prefix}:Description")
    description.setAttributeNS(RDF, f"{prefix}:about", "")
    trees[0].appendChild(description)
    return description

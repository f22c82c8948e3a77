"""XML read and written without losing anything: prefixes, comments, processing instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.dom import minidom
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from xml.dom.minidom import Document, Element

XMLNS = "http://www.w3.org/2000/xmlns/"

_IN_TEXT = {"\r": "&#13;"}
_IN_VALUE = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;", '"': "&quot;"}


class DamagedXmlError(ValueError):
    """What should be XML is not, or is of a kind that is not read; its text says what is wrong."""


def parse(data: bytes) -> Document:
    """Read a document.

    Raises:
        DamagedXmlError: If it cannot be read, or declares a document type: XMP has none, and
            entities in it could be made to swell.
    """
    if b"<!DOCTYPE" in data or "<!DOCTYPE".encode("utf-16-le") in data:
        raise DamagedXmlError("It declares a document type.")
    try:
        return minidom.parseString(data.strip(b" \t\r\n"))  # noqa: S318 -- no document type
    except (ExpatError, ValueError, UnicodeError) as error:
        raise DamagedXmlError(f"It cannot be read: {error}.") from error


def serialise(document: Document, *, with_declaration: bool) -> bytes:
    """A document as UTF-8.

    Python's own writer loses line breaks in attribute values, which are then read as spaces.
    """
    parts = ['<?xml version="1.0" encoding="UTF-8"?>'] if with_declaration else []
    for node in document.childNodes:
        piece: list[str] = []
        _write(node, piece)
        parts.append("".join(piece))
    return ("\n".join(parts) + "\n").encode("utf-8")


def _write(node: object, out: list[str]) -> None:
    if isinstance(node, minidom.Element):
        _write_element(node, out)
    elif isinstance(node, minidom.CDATASection):  # before text, of which it is a kind
        out.append(f"<![CDATA[{node.data}]]>")
    elif isinstance(node, minidom.Text):
        out.append(escape(node.data, _IN_TEXT))
    elif isinstance(node, minidom.Comment):
        out.append(f"<!--{node.data}-->")
    elif isinstance(node, minidom.ProcessingInstruction):
        out.append(f"<?{node.target} {node.data}?>")
    else:
        raise DamagedXmlError("It holds something that XMP has not.")


def _write_element(element: minidom.Element, out: list[str]) -> None:
    out.append(f"<{element.tagName}")
    out += [f' {name}="{escape(v, _IN_VALUE)}"' for name, v in element.attributes.items()]
    if not element.childNodes:
        out.append("/>")
        return
    out.append(">")
    for child in element.childNodes:
        _write(child, out)
    out.append(f"</{element.tagName}>")


def prefix_for(element: Element, uri: str, wanted: str) -> str:
    """A prefix that stands for a namespace within an element; declared there if need be."""
    bound: dict[str, str] = {}
    above: object = element
    while isinstance(above, minidom.Element):
        for name, value in above.attributes.items():
            prefix, _, local = name.partition(":")
            if prefix == "xmlns" and local:
                bound.setdefault(local, value)
        above = above.parentNode
    for prefix, value in bound.items():
        if value == uri:
            return prefix
    prefix, number = wanted, 1
    while prefix in bound:
        number += 1
        prefix = f"{wanted}{number}"
    element.setAttributeNS(XMLNS, f"xmlns:{prefix}", uri)
    return prefix


def children(element: Element, uri: str, name: str) -> list[Element]:
    """Child elements of a name."""
    found = [child for child in element.childNodes if isinstance(child, minidom.Element)]
    return [child for child in found if (child.namespaceURI, child.localName) == (uri, name)]


def remove(element: Element) -> None:
    """Take an element out of its document."""
    if element.parentNode is not None:
        element.parentNode.removeChild(element)


def text_of(element: Element) -> str:
    """The text within an element, without white space around it."""
    texts = [child.data for child in element.childNodes if isinstance(child, minidom.Text)]
    return "".join(texts).strip()

"""All keys of the window in groups, from the table of actions and from what pages do with keys."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QKeySequence

from dclust_gui.ui.windows.actions import SPECS, Spec

GROUPS: tuple[tuple[str, str], ...] = (
    (
        "Images",
        "move not_here unassign approve split_out split_example bind unbind preview similar",
    ),
    ("Clusters", "new_cluster merge split rename approve_cluster cluster recluster names"),
    ("Undo", "undo redo"),
    ("Select and find", "select_all select_none invert filter find reveal"),
    (
        "Views",
        "gallery dendrogram map review_page show_all back forward group close_stacks full_screen",
    ),
    ("Thumbnails", "zoom_in zoom_out zoom_reset"),
    (
        "Folders and projects",
        "open_folder open_project rescan save_as import_labels export close quit",
    ),
)
"""Names of actions by the title of their group; the others come under `REST`."""

REST = "Help and more"

_ALT_DIGITS = ("Move to one of nine clusters: the pinned ones, or the first", "Alt+1 … Alt+9")
PAGES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "In the gallery",
        (
            ("Preview", "Space or Enter"),
            ("Close preview, then filter, then selection", "Esc"),
            ("Move the focus; extend the selection", "Arrows; Shift+arrows"),
            ("Add or take away the image with the focus", "Ctrl+Space"),
            ("One image of a stack, not all of it", "Alt+click"),
            ("First, last image; page up, page down", "Home, End, Page up, Page down"),
            ("Zoom thumbnails", "Ctrl+mouse wheel"),
            ("Menu of the selected images", "Menu or Shift+F10"),
        ),
    ),
    (
        "In the preview",
        (
            ("Previous, next image", "Left, Right"),
            ("Zoom; whole picture; 100 %", "+ and -; 0; Z"),
            ("Show or hide details", "I"),
        ),
    ),
    (
        "In the review",
        (
            ("Accept: keep it as it is", "A"),
            ("Take the suggestion", "M or R"),
            ("Skip", "Space"),
            ("Back: take the last answer back", "Backspace or Shift+Space"),
            ("Show the picture large", "Enter"),
        ),
    ),
    (
        "Among duplicates",
        (
            ("Next group; next picture of it", "Up and Down; Left and Right"),
            ("Compare: large, one after the other", "Space or Enter"),
            ("Ignore all but the best", "I"),
            ("They are no duplicates", "X"),
            ("Make this picture the best", "B"),
            ("Select all but the best", "S"),
        ),
    ),
    (
        "In the dendrogram",
        (
            ("Walk along the tree", "Arrows"),
            ("Select the branch; preview it", "Enter; Space"),
            ("Zoom to the branch", "Z"),
            ("Zoom", "+ and -"),
            ("More, fewer clusters", "] and ["),
        ),
    ),
    (
        "On the map",
        (
            ("Lasso, box, hand", "L, R, H"),
            ("Zoom to the selected images", "Z"),
            ("Zoom", "+ and -"),
            ("Show everything", "Home or Ctrl+0"),
        ),
    ),
)
"""Keys that only mean something in one place."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One line of the sheet.

    Attributes:
        group: Title of its group.
        what: What happens.
        keys: By which keys.
    """

    group: str
    what: str
    keys: str


def sheet_rows() -> tuple[KeyRow, ...]:
    """All lines, group by group; every action with a key is among them."""
    known = {name for _, names in GROUPS for name in names.split()}
    rest = " ".join(name for name in SPECS if name not in known)
    rows = []
    for title, names in (*GROUPS, (REST, rest)):
        for name in names.split():
            keys = keys_text(SPECS[name])
            if keys:
                rows.append(KeyRow(title, SPECS[name].text.rstrip("…"), keys))
        if title == GROUPS[0][0]:
            rows.append(KeyRow(title, *_ALT_DIGITS))
    rows += [KeyRow(title, *line) for title, lines in PAGES for line in lines]
    return tuple(rows)


def keys_text(spec: Spec) -> str:
    """The keys of a command as this system writes them; empty for none."""
    texts: list[str] = []
    for key in spec.keys:
        if isinstance(key, QKeySequence.StandardKey):
            found = QKeySequence.keyBindings(key)[:1]
        else:
            found = [QKeySequence(key)]
        texts += [k.toString(QKeySequence.SequenceFormat.NativeText) for k in found]
    return " or ".join(dict.fromkeys(texts))


def matching(rows: tuple[KeyRow, ...], text: str) -> tuple[KeyRow, ...]:
    """The lines that have all words of a text in their group, words or keys."""
    words = text.casefold().split()
    return tuple(
        row
        for row in rows
        if all(word in f"{row.group} {row.what} {row.keys}".casefold() for word in words)
    )

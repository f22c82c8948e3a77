"""Small parts that the editing dialogs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialogButtonBox, QLayout, QVBoxLayout

from dclust_gui.domain import edits
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.names import check_names, same_name, wanted_name
from dclust_gui.ui.views.grid_scroller import GridScroller
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QDialog, QPushButton, QWidget

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.ui.views.section_grid import SectionGrid

MOST_NAMED = 24
"""Longer names are cut in menus."""

MOST_SAID = 72
"""Longer titles of steps are cut in menus."""


def dialog_buttons(dialog: QDialog, apply: QPushButton) -> QDialogButtonBox:
    """A button that applies, which Enter presses, and Cancel.

    Args:
        dialog: Is rejected by Cancel.
        apply: Does what the dialog is for.
    """
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, dialog)
    box.addButton(apply, QDialogButtonBox.ButtonRole.AcceptRole)
    apply.setDefault(True)
    box.button(QDialogButtonBox.StandardButton.Cancel).setIcon(QIcon())
    box.rejected.connect(dialog.reject)
    return box


def place_above_pictures(
    dialog: QDialog, parts: Sequence[QWidget | QLayout], grid: SectionGrid, apply: QPushButton
) -> None:
    """Lay a dialog out: parts below each other, then its pictures, then the buttons.

    Args:
        dialog: Has no layout so far.
        parts: What stands above the pictures.
        grid: The pictures; they take the room that is left.
        apply: Does what the dialog is for.
    """
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
    layout.setSpacing(GRID)
    for part in parts:
        if isinstance(part, QLayout):
            layout.addLayout(part)
        else:
            layout.addWidget(part)
    layout.addWidget(GridScroller(grid, dialog), 1)
    layout.addWidget(dialog_buttons(dialog, apply))


def name_problem(state: Clustering, names: Sequence[str]) -> str:
    """Why new clusters cannot get these names, in words; empty if they can.

    Args:
        state: The present state.
        names: As they were typed; empty for none.
    """
    seen: set[str] = set()
    for name in names:
        try:
            edit = edits.new_cluster(state, (), wanted_name(name))
            check_names(state.clusters, edit)
        except InputError as error:
            return str(error)
        key = same_name(name)
        if key and key in seen:
            return f"Two clusters cannot both be called '{short_title(name)}'."
        seen.add(key)
    return ""


def sentence(title: str) -> str:
    """A step's title as a sentence."""
    return f"{title[:1].upper()}{title[1:]}."


def short_title(title: str) -> str:
    """A name fit for a menu: its end is cut where it is long."""
    return title if len(title) <= MOST_NAMED else f"{title[: MOST_NAMED - 1].rstrip()}…"


def short_step(title: str) -> str:
    """A step's title fit for a menu: its middle is cut where it is long; names are at its end."""
    if len(title) <= MOST_SAID:
        return title
    half = (MOST_SAID - 1) // 2
    return f"{title[:half].rstrip()}…{title[-half:].lstrip()}"


def menu_text(text: str) -> str:
    """Words of a menu in which `&` is no mark of a key."""
    return text.replace("&", "&&")

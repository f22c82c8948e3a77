"""Marks, colour and notes of the selected clusters: their commands and the menu of colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction, QIcon

from dclust_gui.domain.clustering import PALETTE_SIZE, Cluster
from dclust_gui.domain.edits import count_of
from dclust_gui.services.marks import Mark, has_mark
from dclust_gui.ui.models.palette import mark_name, mark_pixmap
from dclust_gui.ui.views.theme import is_dark
from dclust_gui.ui.windows.dialog_parts import menu_text, short_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.ui.windows.controller import Controller
    from dclust_gui.ui.windows.dialogs import Dialogs
    from dclust_gui.ui.windows.main_window import MainWindow

_ICON_SIDE = 16

_WORDS = {
    "pin": (Mark.PINNED, "Pin {}", "Unpin {}"),
    "review": (Mark.REVIEWED, "Mark {} reviewed", "Mark {} not reviewed"),
    "ignore": (Mark.IGNORED, "Ignore {}", "Stop ignoring {}"),
}


class ClusterMarks(QObject):
    """Connects the commands for marks, colours and notes.

    Args:
        window: Has the commands and the cluster panel.
        controller: Carries them out.
        dialogs: Lets the user type notes.
    """

    def __init__(self, window: MainWindow, controller: Controller, dialogs: Dialogs) -> None:
        super().__init__(window)
        self._window = window
        self._controller = controller
        self._dialogs = dialogs
        actions, menu = window.actions_, window.menus.colour
        actions["pin"].triggered.connect(self._on_pin_triggered)
        actions["review"].triggered.connect(self._on_review_triggered)
        actions["ignore"].triggered.connect(self._on_ignore_triggered)
        actions["notes"].triggered.connect(self._on_notes_triggered)
        for colour in range(PALETTE_SIZE):
            action = menu.addAction(mark_name(colour).capitalize())
            action.setData(colour)
            action.setCheckable(True)
        menu.aboutToShow.connect(self._on_colour_about_to_show)
        menu.triggered.connect(self._on_colour_triggered)

    def refresh(self, *, is_editable: bool) -> None:
        """Say what each command would do to the selected clusters."""
        rows, actions = self._rows(), self._window.actions_
        what = menu_text(_names(rows))
        actions["rename"].setText(f"Rename {what}…" if len(rows) == 1 else "Rename cluster…")
        actions["notes"].setText(f"Notes of {what}…" if what else "Notes…")
        for name, (mark, set_text, take_text) in _WORDS.items():
            has_all = bool(rows) and all(has_mark(row, mark) for row in rows)
            text = take_text if has_all else set_text
            actions[name].setText(text.format(what) if what else text.replace(" {}", ""))
            actions[name].setEnabled(is_editable and bool(rows))
        actions["notes"].setEnabled(is_editable and bool(rows))
        session = self._controller.session
        actions["reveal_cluster"].setEnabled(
            bool(rows) and session is not None and session.run is not None
        )
        self._window.menus.colour.setEnabled(is_editable and bool(rows))

    def _rows(self) -> list[Cluster]:
        session = self._controller.session
        if session is None:
            return []
        table = session.clustering.clusters
        return [table[c] for c in self._window.clusters.selected_clusters() if c in table]

    def _toggle(self, mark: Mark) -> None:
        self._controller.toggle_mark(self._window.clusters.selected_clusters(), mark)

    @Slot()
    def _on_pin_triggered(self) -> None:
        self._toggle(Mark.PINNED)

    @Slot()
    def _on_review_triggered(self) -> None:
        self._toggle(Mark.REVIEWED)

    @Slot()
    def _on_ignore_triggered(self) -> None:
        self._toggle(Mark.IGNORED)

    @Slot()
    def _on_notes_triggered(self) -> None:
        rows = self._rows()
        if rows:
            self._dialogs.notes(rows)

    @Slot()
    def _on_colour_about_to_show(self) -> None:
        """Draw the marks in the colours of the present look; tick the one that all have."""
        dark = is_dark(self._window.palette())
        here = {row.colour for row in self._rows()}
        scale = self._window.devicePixelRatioF()
        for action in self._window.menus.colour.actions():
            colour = int(action.data())
            action.setIcon(QIcon(mark_pixmap(_ICON_SIDE, colour, dark, scale)))
            action.setChecked(here == {colour})

    @Slot(QAction)
    def _on_colour_triggered(self, action: QAction) -> None:
        clusters = self._window.clusters.selected_clusters()
        self._controller.recolour(clusters, int(action.data()))


def _names(rows: Sequence[Cluster]) -> str:
    """What the commands act on: `'Beach'`, `3 clusters`; empty for nothing."""
    if not rows:
        return ""
    return f"'{short_title(rows[0].title)}'" if len(rows) == 1 else count_of(len(rows), "cluster")

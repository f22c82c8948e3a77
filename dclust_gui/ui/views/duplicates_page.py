"""The page of duplicates: how alike copies have to be, the groups, and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.services.duplicate_search import LEAST_THRESHOLD, USUAL_THRESHOLD
from dclust_gui.ui.views.duplicate_list import DuplicateList
from dclust_gui.ui.views.duplicate_painter import CopyGroup
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.image_files import ImageFiles

TITLE = "Duplicates"
_STEPS = 100
"""Steps of the slider for a similarity of 1."""
_TURNED = "Also mirrored and turned copies"


@dataclass(frozen=True, slots=True)
class Command:
    """What can be done with one group.

    Attributes:
        text: Words on its button.
        tip: What it does.
        is_edit: It changes the project.
    """

    text: str
    tip: str
    is_edit: bool = False


COMMANDS: dict[str, Command] = {
    "compare": Command("Compare", "Large, one after the other at the same place (Space)"),
    "I": Command(
        "Ignore the others",
        "Put all but the best into the ignored cluster 'Duplicates'; one Undo takes it back (I)",
        is_edit=True,
    ),
    "X": Command("Not duplicates", "Do not show this group again while the project is open (X)"),
    "B": Command("Make this the best", "Keep the picture with the focus instead (B)"),
    "S": Command("Select the others", "Select all but the best in the gallery (S)"),
    "reveal": Command("Show in file manager", "Open the folder of the picture with the focus"),
}
"""By key, or by name where there is none."""
_BUTTONS = ("compare", "I", "X")


class DuplicatesPage(QWidget):
    """Shows groups of copies; says what is wished.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        threshold_changed: Copies have to be more or less alike now.
        turned_toggled: Whether mirrored and turned copies count.
        command_requested: Name of a command in `COMMANDS`, for the current group.
        select_all_requested: Select all but the best copies.
        ignore_all_requested: Ignore all but the best copies.
        restore_requested: Show dismissed groups again.
        again_requested: Look for duplicates once more.
    """

    threshold_changed = Signal()
    turned_toggled = Signal(bool)
    command_requested = Signal(str)
    select_all_requested = Signal()
    ignore_all_requested = Signal()
    restore_requested = Signal()
    again_requested = Signal()

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_editable = True
        self._n_others = 0
        self._title = QLabel(TITLE, self)
        self._title.setProperty("look", "heading")
        self._text = QLabel(self)
        self._text.setProperty("look", "faint")
        self._text.setWordWrap(True)
        self.list = DuplicateList(loader, self)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.limit = QLabel(self)
        self.usual = QToolButton(self)
        self.turned = QCheckBox(_TURNED, self)
        self.select_all = QPushButton(self)
        self.ignore_all = QPushButton(self)
        self.restore = QPushButton(self)
        self.again = QPushButton("Look again", self)
        self.more = QToolButton(self)
        self.menu = QMenu(self)
        self.commands = {name: self._action(name) for name in COMMANDS}
        self.buttons = {name: self._button(name) for name in _BUTTONS}
        self._controls = QWidget(self)
        self._group_bar = QWidget(self)
        self._place()
        self._connect()
        self.setFocusProxy(self.list)
        self.set_message("")

    # -- what is shown -----------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What the head says."""
        return self._text.text()

    @property
    def threshold(self) -> float:
        """Least similarity of copies; 1 for equal files only."""
        return 1 - self.slider.value() / _STEPS

    def set_threshold(self, threshold: float) -> None:
        """Put the slider there."""
        self.slider.setValue(round((1 - threshold) * _STEPS))

    def set_editable(self, is_editable: bool) -> None:
        """Let the user decide, or only look."""
        self._is_editable = is_editable
        self._refresh()

    def set_message(
        self, text: str, *, can_again: bool = False, keeps_controls: bool = False
    ) -> None:
        """Show no groups, but why there are none.

        Args:
            text: Why.
            can_again: Offer to look once more.
            keeps_controls: Another threshold may help.
        """
        self._text.setText(text)
        self.list.set_groups((), self.list.files)
        self._n_others = 0
        self._controls.setVisible(keeps_controls)
        self.again.setVisible(can_again)
        self._refresh()

    def set_groups(
        self, groups: Sequence[CopyGroup], files: ImageFiles, text: str, n_others: int
    ) -> None:
        """Show other groups.

        Args:
            groups: As they shall stand.
            files: Where images are.
            text: What there is to know.
            n_others: How many images are no best copies.
        """
        self._text.setText(text)
        self._n_others = n_others
        self.list.set_groups(groups, files)
        self._controls.show()
        self.again.hide()
        self._refresh()

    def set_dismissed(self, n: int) -> None:
        """Say how many groups a person has sent away."""
        words = "1 dismissed group" if n == 1 else f"{n:,} dismissed groups"
        self.restore.setText(f"Show {words}")
        self.restore.setVisible(n > 0)

    # -- inside ------------------------------------------------------------------------------

    def _refresh(self) -> None:
        has_groups = bool(self.list.groups)
        self.list.setVisible(has_groups)
        self._group_bar.setVisible(has_groups)
        for button, words in ((self.select_all, "Select"), (self.ignore_all, "Ignore")):
            button.setText(f"{words} all but the best ({self._n_others:,})")
            button.setVisible(has_groups)
        self.ignore_all.setEnabled(self._is_editable and self._n_others > 0)
        for name, command in COMMANDS.items():
            is_allowed = has_groups and (self._is_editable or not command.is_edit)
            self.commands[name].setEnabled(is_allowed)
        self._tell_limit()

    def _tell_limit(self) -> None:
        is_exact = self.slider.value() == 0
        self.limit.setText(
            "Equal files only" if is_exact else f"At least {self.threshold:.0%} alike"
        )
        self.usual.setEnabled(abs(self.threshold - USUAL_THRESHOLD) > 0.5 / _STEPS)

    def _action(self, name: str) -> QAction:
        command = COMMANDS[name]
        action = QAction(command.text, self)
        action.setToolTip(command.tip)
        action.setData(name)
        action.triggered.connect(self._on_action_triggered)
        self.menu.addAction(action)
        return action

    def _button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(self.commands[name])
        return button

    def _place(self) -> None:
        self.slider.setRange(0, round((1 - LEAST_THRESHOLD) * _STEPS))
        self.slider.setPageStep(5)
        self.set_threshold(USUAL_THRESHOLD)
        self.slider.setAccessibleName("How alike copies have to be")
        self.slider.setMinimumWidth(GRID * 16)
        self.slider.setToolTip(
            "How alike pictures have to be. From about 90% they are copies of one photo; below,"
            " they may be different photos of the same thing."
        )
        self.limit.setMinimumWidth(GRID * 18)
        self.usual.setText("Usual")
        self.usual.setToolTip("The threshold that tells copies from other photos best")
        self.turned.setToolTip("Copies that were mirrored or turned by quarters; takes longer")
        self.select_all.setToolTip("Select them in the gallery, to move them where you like")
        self.ignore_all.setToolTip(
            "Put them into the ignored cluster 'Duplicates'; one Undo takes it back. No file is"
            " moved or deleted."
        )
        self.more.setText("More")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(self.menu)
        controls = QHBoxLayout(self._controls)
        controls.setContentsMargins(0, 0, 0, 0)
        controls.setSpacing(GRID)
        for part in ("Identical", self.slider, "Similar", self.usual, self.limit):
            if isinstance(part, str):
                label = QLabel(part, self)
                label.setProperty("look", "faint")
                controls.addWidget(label)
            else:
                controls.addWidget(part, 1 if part is self.slider else 0)
        group = QHBoxLayout(self._group_bar)
        group.setContentsMargins(0, 0, 0, 0)
        group.setSpacing(GRID)
        label = QLabel("This group:", self)
        label.setProperty("look", "faint")
        for widget in (label, *self.buttons.values(), self.more):
            group.addWidget(widget)
        group.addStretch(1)
        whole = QHBoxLayout()
        whole.setSpacing(GRID)
        for button in (self.again, self.select_all, self.ignore_all, self.restore):
            whole.addWidget(button)
        whole.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(self._title)
        layout.addWidget(self._text)
        layout.addWidget(self._controls)
        layout.addWidget(self.turned)
        layout.addLayout(whole)
        layout.addWidget(self._group_bar)
        layout.addWidget(self.list, 1)
        layout.addStretch(0)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.usual.clicked.connect(self._on_usual_clicked)
        self.turned.toggled.connect(self.turned_toggled)
        self.select_all.clicked.connect(self.select_all_requested)
        self.ignore_all.clicked.connect(self.ignore_all_requested)
        self.restore.clicked.connect(self.restore_requested)
        self.again.clicked.connect(self.again_requested)
        self.list.compare_requested.connect(self.commands["compare"].trigger)
        self.list.command_requested.connect(self._on_list_command_requested)
        self.list.menu_requested.connect(self._on_list_menu_requested)

    @Slot()
    def _on_slider_value_changed(self) -> None:
        self._tell_limit()
        self.threshold_changed.emit()

    @Slot()
    def _on_usual_clicked(self) -> None:
        self.set_threshold(USUAL_THRESHOLD)
        self.slider.setFocus()

    @Slot()
    def _on_action_triggered(self) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            self.command_requested.emit(str(action.data()))

    @Slot(str)
    def _on_list_command_requested(self, name: str) -> None:
        self.commands[name].trigger()

    @Slot(QPoint)
    def _on_list_menu_requested(self, place: QPoint) -> None:
        self.menu.popup(place)

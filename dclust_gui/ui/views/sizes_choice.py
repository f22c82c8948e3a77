"""What the user knows of the sizes of the groups: similar, uneven, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox

from dclust_gui.domain.runs import Sizes
from dclust_gui.ui.views.noted_choice import NotedChoice

if TYPE_CHECKING:
    from collections.abc import Collection

    from PySide6.QtWidgets import QWidget

_TITLES = {
    Sizes.AUTO: "Not known",
    Sizes.EVEN: "Of similar size",
    Sizes.UNEVEN: "Of uneven size",
}
_NOTES = {
    Sizes.AUTO: "",
    Sizes.EVEN: "Every cluster keeps near the mean size. Only where you know that it is so: groups"
    " that are not of similar size are torn apart or mixed.",
    Sizes.UNEVEN: "Large groups stay whole, and small ones beside them are found. Groups of similar"
    " size come out worse.",
}
_TIP = "Leave it at 'Not known' unless you are sure"
_UNABLE = "The chosen method cannot follow a wish for the sizes"


class SizesChoice(NotedChoice):
    """A choice of `Sizes`, with what it means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QComboBox(self)
        self.box.setAccessibleName("Sizes of the groups")
        for size, title in _TITLES.items():
            self.box.addItem(title, size.value)
        self._place(self.box)
        self.set_possible(tuple(Sizes))
        self.box.currentIndexChanged.connect(self._on_box_changed)

    @property
    def sizes(self) -> Sizes:
        """The wish; `AUTO` where the method cannot follow it."""
        found = Sizes(str(self.box.currentData()))
        return found if found in self._possible else Sizes.AUTO

    def set_sizes(self, name: str) -> None:
        """Choose one; an unknown name changes nothing."""
        row = self.box.findData(name)
        if row >= 0:
            self.box.setCurrentIndex(row)

    def set_possible(self, wishes: Collection[Sizes]) -> None:
        """Offer only what the chosen method can follow.

        Args:
            wishes: `AUTO` always belongs to them.
        """
        self._possible = frozenset((Sizes.AUTO, *wishes))
        model = self.box.model()
        for row, size in enumerate(_TITLES):
            if isinstance(model, QStandardItemModel):
                model.item(row).setEnabled(size in self._possible)
        can_choose = len(self._possible) > 1
        self.box.setEnabled(can_choose)
        self.box.setToolTip(_TIP if can_choose else _UNABLE)
        if Sizes(str(self.box.currentData())) not in self._possible:
            with QSignalBlocker(self.box):
                self.box.setCurrentIndex(0)
        self._say()

    def _say(self) -> None:
        self._tell(_NOTES[self.sizes])

    @Slot()
    def _on_box_changed(self) -> None:
        self._say()
        self.changed.emit()

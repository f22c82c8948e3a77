"""How much the capture time counts beside the content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.noted_choice import NotedChoice
from dclust_gui.ui.views.number_slider import NumberSlider

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

_TIP = "To the right, images taken at the same event are drawn together"
_NO_TIMES = "None of these images has a capture time."


class TimeChoice(NotedChoice):
    """A slider from content to capture time, with what it means."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._n_timed, self._n_images = 0, 0
        self.slider = NumberSlider(0.0, 1.0, ("Content", "Capture time"), self)
        self.slider.setAccessibleName("Content or capture time")
        self._place(self.slider)
        self.slider.changed.connect(self._on_slider_changed)
        self._say()

    @property
    def weight(self) -> float:
        """Weight of the capture time, 0 to 1; 0 where no image has one."""
        return self.slider.value if self._can_choose else 0.0

    @property
    def wanted(self) -> float:
        """Where the slider stands, whatever the images have."""
        return self.slider.value

    def set_weight(self, weight: float) -> None:
        """Move the slider."""
        self.slider.set_value(min(max(weight, 0.0), 1.0))

    def set_times(self, n_timed: int, n_images: int) -> None:
        """Say how many of the images have a capture time."""
        if (n_timed, n_images) != (self._n_timed, self._n_images):
            self._n_timed, self._n_images = n_timed, n_images
            self._say()

    @property
    def _can_choose(self) -> bool:
        return self._n_timed > 1 or not self._n_images

    def _say(self) -> None:
        weight, without = self.weight, self._n_images - self._n_timed
        self.slider.setEnabled(self._can_choose)
        self.slider.setToolTip(_TIP if self._can_choose else _NO_TIMES)
        text = ""
        if not self._can_choose:
            text = _NO_TIMES
        elif weight:
            text = "Images of one event are drawn together."
            if weight >= 1.0:
                text = "Only the capture time counts, whatever the images show."
            if without > 0:
                has = "has" if without == 1 else "have"
                text += f" {count_of(without)} {has} no time and count as taken in the middle."
        self._tell(text)

    @Slot()
    def _on_slider_changed(self) -> None:
        self._say()
        self.changed.emit()

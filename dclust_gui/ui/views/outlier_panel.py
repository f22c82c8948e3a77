"""The outliers panel: what lies outside, by which measure, from where on; set aside in one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.services.outliers import USUAL_DEVIATIONS, Measure
from dclust_gui.ui.views.picture_wall import PictureWall
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QShowEvent

NO_IMAGES = "Cluster the images; then those that fit nowhere can be found."
_INTRO = (
    "Images unlike the rest, or unlike their cluster. Nothing happens until you set them aside."
)
_STEPS = 10
"""Steps of the slider in one robust standard deviation."""
_LEAST, _MOST = 0.5, 12.0


@dataclass(frozen=True, slots=True)
class OutsideImages:
    """What the panel shows for a threshold.

    Attributes:
        images: Ids, the farthest first.
        values: The value of each, as text.
        tips: File, cluster and value of each.
        n_outside: Images that can be set aside, also those that are not shown.
        n_measured: Images that have a value.
        threshold: Where the limit is, in words.
        left_out: What stays where it is, in words; empty for nothing.
    """

    images: tuple[int, ...]
    values: tuple[str, ...]
    tips: tuple[str, ...]
    n_outside: int
    n_measured: int
    threshold: str
    left_out: str


class OutlierPanel(QWidget):
    """Shows `OutsideImages`; says what is wished.

    Signals:
        shown_changed: Whether somebody can see it now.
        measure_changed: Another `Measure` was chosen.
        threshold_changed: Another threshold, or another comparison.
        sorting_toggled: Whether the gallery's "typical" goes by this measure.
        set_aside_requested: Put the images into Unassigned.
        image_chosen: id of an image to show.
    """

    shown_changed = Signal(bool)
    measure_changed = Signal(object)
    threshold_changed = Signal()
    sorting_toggled = Signal(bool)
    set_aside_requested = Signal()
    image_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._note = QLabel(_INTRO, self)
        self.measures = QComboBox(self)
        self._about = QLabel(self)
        self.compared = QComboBox(self)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self._few = QLabel("Fewer", self)
        self._many = QLabel("More", self)
        self.automatic = QToolButton(self)
        self.count = QLabel(self)
        self.limit = QLabel(self)
        self.wall = PictureWall(self)
        self.sorting = QCheckBox("Sort the gallery by this", self)
        self.left_out = QLabel(self)
        self.button = QPushButton("Set aside", self)
        self._usual = USUAL_DEVIATIONS
        self._place()
        self._connect()
        self.set_note(NO_IMAGES)

    @property
    def measure(self) -> Measure:
        """The chosen measure."""
        return Measure(str(self.measures.currentData()))

    @property
    def is_per_cluster(self) -> bool:
        """Whether an image is compared with its own cluster."""
        return bool(self.compared.currentData())

    @property
    def deviations(self) -> float:
        """The threshold: robust standard deviations above the median."""
        return (self.slider.maximum() - self.slider.value()) / _STEPS + _LEAST

    def set_deviations(self, deviations: float) -> None:
        """Put the slider there."""
        self.slider.setValue(self.slider.maximum() - round((deviations - _LEAST) * _STEPS))

    def set_usual(self, deviations: float, text: str) -> None:
        """Say where the threshold is put by itself; it goes there unless a person has moved it.

        Nobody is told.
        """
        is_moved = self._is_moved()
        self._usual = min(max(deviations, _LEAST), _MOST)
        self.automatic.setToolTip(text)
        if not is_moved:
            with QSignalBlocker(self.slider):
                self.set_deviations(self._usual)

    def _is_moved(self) -> bool:
        return abs(self.deviations - self._usual) > 0.6 / _STEPS

    def set_note(self, text: str) -> None:
        """Say why there is nothing to show."""
        self._note.setText(text)
        self._show_parts(is_shown=False)
        self.wall.wall.set_images((), (), ())

    def set_busy(self) -> None:
        """A measure is on its way."""
        self.count.setText("Measuring…")
        self.limit.setText("")
        self.left_out.setText("")
        self.button.setEnabled(False)

    def set_failure(self, text: str) -> None:
        """Say that this measure cannot be had; another can be chosen."""
        self._note.setText(text)
        self._show_parts(is_shown=False)
        for part in (self.measures, self._label):
            part.show()
        self.wall.wall.set_images((), (), ())

    def set_about(self, text: str) -> None:
        """Say what the measure is."""
        self._note.setText(_INTRO)
        self._about.setText(text)
        self._show_parts(is_shown=True)

    def set_outside(self, found: OutsideImages, *, editable: bool) -> None:
        """Show what lies beyond the threshold."""
        self.count.setText(
            f"{found.n_outside:,} of {count_of(found.n_measured)} outside"
            if found.n_outside
            else "Nothing lies outside"
        )
        self.limit.setText(found.threshold)
        self.left_out.setText(found.left_out)
        self.left_out.setVisible(bool(found.left_out))
        self.wall.wall.set_images(found.images, found.values, found.tips)
        self.button.setText(
            f"Set aside {count_of(found.n_outside)}" if found.n_outside else "Set aside"
        )
        self.button.setEnabled(editable and found.n_outside > 0)
        self.automatic.setEnabled(self._is_moved())

    # -- inside ------------------------------------------------------------------------------

    def _place(self) -> None:
        self.setMinimumWidth(GRID * 28)
        for label in (self._note, self._about, self.limit, self.left_out):
            label.setWordWrap(True)
        for label in (self._note, self._about, self.limit, self.left_out, self._few, self._many):
            label.setProperty("look", "faint")
        self.count.setProperty("look", "section")
        for measure in Measure:
            self.measures.addItem(measure.words, measure.value)
        self.measures.setAccessibleName("Measure")
        self.compared.addItem("All images", False)  # noqa: FBT003 -- Qt's data
        self.compared.addItem("Its own cluster", True)  # noqa: FBT003 -- Qt's data
        self.compared.setAccessibleName("Compared with")
        self.slider.setRange(0, round((_MOST - _LEAST) * _STEPS))
        self.slider.setPageStep(_STEPS)
        self.set_deviations(USUAL_DEVIATIONS)
        self.slider.setAccessibleName("Threshold")
        self.automatic.setText("Automatic")
        self.sorting.setToolTip("'Least typical' in the gallery goes by this measure")
        self.button.setProperty("look", "primary")
        self.button.setToolTip(
            "Moves them to Unassigned; one Undo takes it back. No file is moved or deleted."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID)
        layout.setSpacing(GRID)
        layout.addWidget(self._note)
        form = QFormLayout()
        form.setSpacing(GRID)
        form.addRow("Measure", self.measures)
        form.addRow("Compare with", self.compared)
        self._label = form.labelForField(self.measures)
        self._compare_label = form.labelForField(self.compared)
        layout.addLayout(form)
        layout.addWidget(self._about)
        ends = QHBoxLayout()
        ends.addWidget(self._few)
        ends.addStretch(1)
        ends.addWidget(self.automatic)
        ends.addStretch(1)
        ends.addWidget(self._many)
        layout.addWidget(self.slider)
        layout.addLayout(ends)
        layout.addWidget(self.count)
        layout.addWidget(self.limit)
        layout.addWidget(self.wall, 1)
        layout.addWidget(self.sorting)
        layout.addWidget(self.left_out)
        layout.addWidget(self.button)

    def _connect(self) -> None:
        self.measures.currentIndexChanged.connect(self._on_measures_changed)
        self.compared.currentIndexChanged.connect(self.threshold_changed)
        self.slider.valueChanged.connect(self.threshold_changed)
        self.automatic.clicked.connect(self._on_automatic_clicked)
        self.sorting.toggled.connect(self.sorting_toggled)
        self.button.clicked.connect(self._on_button_clicked)
        self.wall.image_chosen.connect(self.image_chosen)

    def _show_parts(self, *, is_shown: bool) -> None:
        for part in (
            self.measures,
            self._label,
            self.compared,
            self._compare_label,
            self._about,
            self.slider,
            self._few,
            self._many,
            self.automatic,
            self.count,
            self.limit,
            self.wall,
            self.sorting,
            self.button,
        ):
            part.setVisible(is_shown)
        self.left_out.setVisible(is_shown and bool(self.left_out.text()))

    def set_sorting(self, *, is_on: bool) -> None:
        """Show whether the gallery is sorted by this, without asking for it."""
        with QSignalBlocker(self.sorting):
            self.sorting.setChecked(is_on)

    @Slot()
    def _on_measures_changed(self) -> None:
        self.measure_changed.emit(self.measure)

    @Slot()
    def _on_automatic_clicked(self) -> None:
        self.set_deviations(self._usual)
        self.slider.setFocus()

    @Slot()
    def _on_button_clicked(self) -> None:
        self.slider.setFocus()  # the button is about to be disabled, and focus would go anywhere
        self.set_aside_requested.emit()

    def showEvent(self, event: QShowEvent) -> None:
        """It can be seen now."""
        super().showEvent(event)
        self.shown_changed.emit(True)  # noqa: FBT003 -- a Qt signal

    def hideEvent(self, event: QHideEvent) -> None:
        """It cannot be seen any more."""
        super().hideEvent(event)
        self.shown_changed.emit(False)  # noqa: FBT003 -- a Qt signal

"""Split by example: a slider for how alike, a live preview, and strays that are taken out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.section_grid import Section, SectionGrid, image_ids
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.dialog_parts import name_problem, place_above_pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.domain.splits import ExampleProposal
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.image_files import ImageFiles

_MOST_STEPS = 400
"""Up to so many candidates each step of the slider brings one more image."""

_N_NEXT = 60
_ABOVE = 1e-3
"""Added to the best score when no image is to come along."""


class ExampleDialog(QDialog):
    """Shows who would come along with some examples; nothing changes before the button is pressed.

    Args:
        state: The present state.
        examples: Ids of the images that were picked.
        place: Where they are, in words: `'Beach'`.
        files: Where images are.
        loader: Brings thumbnails.
        parent: The window.

    Signals:
        split_requested: A proposal, the threshold, ids (a frozenset) that stay, a name.
    """

    split_requested = Signal(object, float, object, str)

    def __init__(
        self,
        state: Clustering,
        examples: Sequence[int],
        place: str,
        files: ImageFiles,
        loader: ThumbnailLoader,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Split by example")
        self._proposal: ExampleProposal | None = None
        self._state = state
        self._examples = tuple(examples)
        self._place_words = place
        what = count_of(len(self._examples), "example")
        self._text = QLabel(f"Split {what} and what is like them out of {place}", self)
        if len(self._examples) == 1:
            self._text.setText(f"Split one example and what is like it out of {place}")
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setProperty("look", "section")
        self._text.setWordWrap(True)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, _MOST_STEPS)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName("How much comes along")
        self.name = QLineEdit(self)
        self.name.setPlaceholderText("None yet")
        self.name.setAccessibleName("Name of the new cluster")
        self.name.setProperty("look", "field")
        self.note = QLabel("Comparing the images…", self)
        self.note.setProperty("look", "faint")
        self.note.setWordWrap(True)
        self.grid = SectionGrid(loader, GRID * 9, self)
        self.grid.set_files(files)
        self.apply = QPushButton("Split out 100,000 images", self)
        self._place()
        self.slider.valueChanged.connect(self._on_changed)
        self.name.textChanged.connect(self._refresh_words)
        self.grid.unchecked_changed.connect(self._on_changed)
        self.apply.clicked.connect(self._on_apply_clicked)
        self.resize(GRID * 96, GRID * 84)
        self._show_examples()
        self.slider.setFocus()

    @property
    def threshold(self) -> float:
        """The likeness from which images come along."""
        proposal = self._proposal
        if proposal is None or not len(proposal.scores):
            return 1.0
        count = count_at(self.slider.value(), self.slider.maximum(), len(proposal.scores))
        if not count:
            return float(proposal.scores[0]) + _ABOVE
        return float(proposal.scores[count - 1])

    @property
    def chosen(self) -> tuple[int, ...]:
        """Ids of the images that would be split out."""
        if self._proposal is None:
            return ()
        return self._proposal.chosen(self.threshold, self.grid.unchecked)

    def set_proposal(self, proposal: ExampleProposal) -> None:
        """Show who would come along."""
        self._proposal = proposal
        self.slider.setEnabled(True)
        n_others = len(proposal.images)
        wanted = len(proposal.proposed(proposal.suggested))
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, min(_MOST_STEPS, n_others))
            self.slider.setValue(step_for(wanted, self.slider.maximum(), n_others))
        if not self.name.text():
            self.slider.setFocus()
        self._on_changed()

    def set_failure(self, text: str) -> None:
        """Say why nothing can be proposed."""
        self._proposal = None
        self.note.setText(text)
        self.slider.setEnabled(False)
        self.apply.setEnabled(False)

    def _show_examples(self) -> None:
        self.slider.setEnabled(False)
        self.apply.setEnabled(False)
        self.apply.setText("Split out")
        self.grid.set_sections([self._examples_section()])

    def _examples_section(self) -> Section:
        n = count_of(len(self._examples))
        return Section("Examples", n, image_ids(self._examples), n_lines=2)

    def _place(self) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(GRID)
        form.setVerticalSpacing(GRID)
        ends = QHBoxLayout()
        ends.setSpacing(GRID)
        few, many = QLabel("fewer", self), QLabel("more", self)
        for label in (few, many):
            label.setProperty("look", "faint")
        ends.addWidget(few)
        ends.addWidget(self.slider, 1)
        ends.addWidget(many)
        slider_label, name_label = QLabel("Comes along:", self), QLabel("Name:", self)
        slider_label.setBuddy(self.slider)
        name_label.setBuddy(self.name)
        form.addWidget(slider_label, 0, 0)
        form.addLayout(ends, 0, 1)
        form.addWidget(name_label, 1, 0)
        form.addWidget(self.name, 1, 1)
        place_above_pictures(self, (self._text, form, self.note), self.grid, self.apply)

    @Slot()
    def _on_changed(self) -> None:
        proposal = self._proposal
        if proposal is None:
            return
        comes = proposal.proposed(self.threshold)
        n_all = len(proposal.images)
        rest = proposal.images[len(comes) : len(comes) + _N_NEXT]
        stays = f"{count_of(n_all - len(comes))}, the nearest first"
        sections = [self._examples_section()]
        if len(comes):
            sections.append(Section("Come along", count_of(len(comes)), comes, is_checkable=True))
        if len(rest):
            n_rest = n_all - len(comes)
            sections.append(Section("Stay", stays, rest, n_lines=2, is_faded=True, n_all=n_rest))
        self.grid.set_sections(sections)
        self._refresh_words()

    @Slot()
    def _refresh_words(self) -> None:
        """Say what would come along, or what is wrong with the name."""
        proposal = self._proposal
        if proposal is None:
            return
        comes, n_all = proposal.proposed(self.threshold), len(proposal.images)
        n_out = len(self.grid.unchecked.intersection(comes.tolist()))
        text = f"{len(comes):,} of {count_of(n_all, 'other image')} would come along."
        if n_out:
            text += f" {n_out:,} of them unchecked: they stay."
        elif len(comes):
            text += " Click those that should stay."
        problem = name_problem(self._state, [self.name.text()])
        text = text if n_all else "There is no other image to compare with."
        self.note.setText(problem or text)
        chosen = len(self.chosen)
        self.apply.setText(f"Split out {count_of(chosen)}")
        self.apply.setEnabled(bool(chosen) and not problem)

    @Slot()
    def _on_apply_clicked(self) -> None:
        if self._proposal is not None:
            self.accept()
            name = self.name.text()
            self.split_requested.emit(self._proposal, self.threshold, self.grid.unchecked, name)


def count_at(step: int, n_steps: int, n_others: int) -> int:
    """How many of the likest images come along at a step of the slider.

    One more a step where there are enough steps; else finer where few come along, for there the
    choice is made.
    """
    if n_steps >= n_others:
        return min(step, n_others)
    return round(n_others * (step / n_steps) ** 2)


def step_for(count: int, n_steps: int, n_others: int) -> int:
    """The step of the slider at which so many images come along."""
    if n_steps >= n_others:
        return count
    return round(n_steps * math.sqrt(count / n_others))

"""Bursts and brackets: what was found, picture by picture, before anything is bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from dclust_gui.domain.bursts import GAP_S, LEAST_SIMILARITY, StackKind
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.stack_edits import Binding
from dclust_gui.services.stacking import LONGEST_GAP_S
from dclust_gui.ui.views.number_slider import NumberSlider
from dclust_gui.ui.views.section_grid import Section, SectionGrid, image_ids
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.dialog_parts import place_above_pictures

if TYPE_CHECKING:
    from dclust_gui.domain.bursts import FoundStack
    from dclust_gui.services.stacking import StackReport
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.image_files import ImageFiles

MOST_SHOWN = 1000
"""Stacks whose pictures are shown; more are bound, too, and this is said."""

_REST_MS = 400
_TITLES = {StackKind.BURST: "Burst", StackKind.BRACKET: "Bracket"}
_WHAT = (
    "Images that one camera took right after each other, and that look alike. Bound, they move,"
    " cluster and export as one; Undo takes it back."
)


class StackDialog(QDialog):
    """Shows bursts and brackets; nothing changes before the button is pressed.

    Args:
        files: Where images are.
        loader: Brings thumbnails.
        parent: The window.

    Signals:
        wishes_changed: Look again, with this `gap_s` and `least_similarity`.
        bind_requested: A list of `Binding`.
    """

    wishes_changed = Signal()
    bind_requested = Signal(object)

    def __init__(
        self, files: ImageFiles, loader: ThumbnailLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Bursts and brackets")
        self._report: StackReport | None = None
        self._text = QLabel(_WHAT, self)
        self._text.setWordWrap(True)
        self.gap = QDoubleSpinBox(self)
        self.gap.setRange(0.1, LONGEST_GAP_S)
        self.gap.setDecimals(1)
        self.gap.setSuffix(" s")
        self.gap.setValue(GAP_S)
        self.gap.setAccessibleName("Seconds between images, at most")
        self.similarity = NumberSlider(0.0, 1.0, ("anything", "nearly the same"), self)
        self.similarity.set_value(LEAST_SIMILARITY)
        self.similarity.setAccessibleName("How alike images must be")
        self.note = QLabel(self)
        self.note.setProperty("look", "faint")
        self.note.setWordWrap(True)
        self.grid = SectionGrid(loader, GRID * 10, self)
        self.grid.set_files(files)
        self.apply = QPushButton("Bind 10,000 stacks", self)
        # What is typed or dragged settles before the images are compared again.
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._place()
        self.gap.valueChanged.connect(self._on_wish_changed)
        self.similarity.changed.connect(self._on_wish_changed)
        self._rest.timeout.connect(self.wishes_changed)
        self.grid.unchecked_changed.connect(self._refresh_words)
        self.apply.clicked.connect(self._on_apply_clicked)
        self.resize(GRID * 96, GRID * 84)
        self.set_looking()

    @property
    def gap_s(self) -> float:
        """Seconds between neighbours, at most."""
        return float(self.gap.value())

    @property
    def least_similarity(self) -> float:
        """Similarity of neighbours, at least."""
        return self.similarity.value

    def bindings(self) -> list[Binding]:
        """The stacks without the pictures that were clicked away."""
        if self._report is None:
            return []
        out = self.grid.unchecked
        found = []
        for binding in self._report.bindings():
            kept = tuple(i for i in binding.images if i not in out)
            if len(kept) > 1:
                found.append(Binding(kept, binding.is_bracket))
        return found

    def set_looking(self) -> None:
        """Say that the images are being compared."""
        self._report = None
        self.apply.setEnabled(False)
        self.apply.setText("Bind")
        self.note.setText("Comparing images that follow each other…")

    def set_report(self, report: StackReport) -> None:
        """Show what was found."""
        self._report = report
        self.grid.restore_unchecked(())
        shown = report.stacks[:MOST_SHOWN]
        self.grid.set_sections([_section(s, n % 2) for n, s in enumerate(shown)])
        self._refresh_words()

    def set_failure(self, text: str) -> None:
        """Say why nothing can be found."""
        self.set_looking()
        self.grid.set_sections([])
        self.note.setText(text)

    def _place(self) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(GRID * 2)
        form.setVerticalSpacing(GRID)
        gap_label, like_label = QLabel("Time between images:", self), QLabel("Alike:", self)
        gap_label.setBuddy(self.gap)
        like_label.setBuddy(self.similarity)
        gap = QHBoxLayout()
        gap.setSpacing(GRID)
        gap.addWidget(QLabel("up to", self))
        gap.addWidget(self.gap)
        gap.addStretch(1)
        form.addWidget(gap_label, 0, 0)
        form.addLayout(gap, 0, 1)
        form.addWidget(like_label, 1, 0, Qt.AlignmentFlag.AlignTop)
        form.addWidget(self.similarity, 1, 1)
        form.setColumnStretch(1, 1)
        place_above_pictures(self, (self._text, form, self.note), self.grid, self.apply)

    @Slot()
    def _on_wish_changed(self) -> None:
        self.set_looking()
        self._rest.start()

    @Slot()
    def _refresh_words(self) -> None:
        report = self._report
        if report is None:
            return
        bindings = self.bindings()
        text = report.sentence()
        if report.stacks:
            text += " Click a picture that should not be bound."
        more = len(report.stacks) - MOST_SHOWN
        if more > 0:
            text += f" The last {more:,} are not shown here, but will be bound, too."
        self.note.setText(text)
        what = count_of(len(bindings), "stack")
        self.apply.setText(f"Bind {what}" if bindings else "Bind")
        self.apply.setEnabled(bool(bindings))

    @Slot()
    def _on_apply_clicked(self) -> None:
        bindings = self.bindings()
        self.accept()
        self.bind_requested.emit(bindings)


def _section(stack: FoundStack, column: int) -> Section:
    seconds = f"{stack.seconds:.1f}".removesuffix(".0")
    detail = f"{count_of(len(stack.images))}, {seconds} s, alike {stack.similarity:.2f}"
    images = image_ids(stack.images)
    return Section(_TITLES[stack.kind], detail, images, is_checkable=True, column=column)

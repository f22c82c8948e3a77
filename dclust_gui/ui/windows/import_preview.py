"""What an import would do, in its dialog: the labels, and everything that is not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.services.importing.reports import found_text, new_names
from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.clustering import Clustering
    from dclust_gui.services.importing.values import ImportPlan, Problem

MOST_ROWS = 5_000
"""More problems are saved, but not listed."""


class ImportPreview(QWidget):
    """Shows a plan.

    Signals:
        save_requested: Keep the list of what is not taken.
    """

    save_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._summary = QLabel(self)
        self._notes = QLabel(self)
        self._labels = RowsModel(("Label", "Images", "Becomes"), (1,), self)
        self._problems = RowsModel(("Where", "What", "Why"), parent=self)
        self._label_table = TextTable(self._labels, 0, self)
        self._problem_table = TextTable(self._problems, 2, self)
        self._save = QPushButton("Save list…", self)
        self._more = QLabel(self)
        self._tabs = QTabWidget(self)
        self._place()
        self.clear("")

    @property
    def text(self) -> str:
        """What it says in words."""
        return " ".join(t for t in (self._summary.text(), self._notes.text()) if t)

    @property
    def label_rows(self) -> tuple[tuple[str, ...], ...]:
        """The labels as they are listed."""
        return self._labels.rows

    @property
    def problem_rows(self) -> tuple[tuple[str, ...], ...]:
        """What is not taken, as it is listed."""
        return self._problems.rows

    def clear(self, text: str, *, is_error: bool = False) -> None:
        """Show nothing but a sentence."""
        self._labels.set_rows([])
        self._tell(text, "", is_error=is_error)
        self._show_problems(())
        self._tabs.hide()

    def show_plan(
        self,
        plan: ImportPlan,
        problems: Sequence[Problem],
        state: Clustering | None,
        hint: str = "",
    ) -> None:
        """Show what would be done.

        Args:
            plan: The plan.
            problems: What is not taken, all of it.
            state: The present clusters; None where labels become true classes.
            hint: Said where no image at all was found.
        """
        counts = plan.labels.counts().tolist()
        becomes = dict.fromkeys(plan.labels.names, "true class")
        if state is not None:
            becomes = dict.fromkeys(plan.labels.names, "existing cluster")
            becomes |= dict.fromkeys(new_names(plan.labels.names, state), "new cluster")
        rows = [
            (name, f"{n:,}", becomes[name])
            for name, n in zip(plan.labels.names, counts, strict=True)
        ]
        n_out = int((plan.labels.codes < 0).sum())
        if n_out:
            rows.append(("Unassigned", f"{n_out:,}", "no class" if state is None else "Unassigned"))
        self._labels.set_rows(rows)
        notes = plan.notes if rows or not problems or not hint else (*plan.notes, hint)
        self._tell(found_text(plan), "\n".join(notes))
        self._show_problems(problems)
        if problems and not rows:
            self._tabs.setCurrentIndex(1)
        elif self._tabs.isHidden():
            self._tabs.setCurrentIndex(0)
        self._tabs.show()

    # -- inside ------------------------------------------------------------------------------

    def _place(self) -> None:
        for label in (self._summary, self._notes):
            label.setWordWrap(True)
        self._summary.setProperty("look", "section")
        self._more.setProperty("look", "faint")
        self._label_table.setAccessibleName("Labels and what they become")
        self._problem_table.setAccessibleName("What is not taken, and why")
        header = self._problem_table.horizontalHeader()
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(1, GRID * 22)
        self._save.setAutoDefault(False)
        self._save.clicked.connect(self._on_save_clicked)
        lost = QWidget(self)
        below = QHBoxLayout()
        below.setContentsMargins(GRID, 0, GRID // 2, 0)
        below.addWidget(self._more, 1)
        below.addWidget(self._save)
        inner = QVBoxLayout(lost)
        inner.setContentsMargins(0, 0, 0, GRID // 2)
        inner.setSpacing(GRID)
        inner.addWidget(self._problem_table, 1)
        inner.addLayout(below)
        self._tabs.addTab(self._label_table, "Labels")
        self._tabs.addTab(lost, "Not taken")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self._summary)
        layout.addWidget(self._notes)
        layout.addWidget(self._tabs, 1)
        layout.addStretch()

    def _tell(self, summary: str, notes: str, *, is_error: bool = False) -> None:
        look = colours(self.palette())
        self._summary.setText(summary)
        self._summary.setStyleSheet(f"color: {look.error};" if is_error else "")
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))
        self._notes.setStyleSheet(f"color: {look.warning};")

    def _show_problems(self, problems: Sequence[Problem]) -> None:
        lost = sum(not p.is_harmless for p in problems)
        ordered = sorted(problems, key=lambda p: p.is_harmless)
        self._problems.set_rows([(p.where, p.what, p.why) for p in ordered[:MOST_ROWS]])
        rest = len(problems) - MOST_ROWS
        texts = [f"{count_of(lost, 'label')} not taken"] if lost else []
        texts += (
            [f"{count_of(len(problems) - lost, 'label')} repeated"] if lost < len(problems) else []
        )
        texts += [f"{rest:,} more are in the saved list"] if rest > 0 else []
        self._more.setText(", ".join(texts) if problems else "Everything is taken.")
        self._save.setEnabled(bool(problems))
        self._tabs.setTabText(0, f"Labels ({len(self._labels.rows):,})")
        self._tabs.setTabText(1, f"Not taken ({lost:,})")

    @Slot()
    def _on_save_clicked(self) -> None:
        self.save_requested.emit()

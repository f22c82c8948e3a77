"""The quality panel: how good the clusters are, and how they agree with folders or classes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout
from PySide6.QtWidgets import QWidget as Widget

from dclust_gui.services.cluster_quality import FOLDER
from dclust_gui.ui.views.agreement_table import AgreementTable
from dclust_gui.ui.views.quality_bars import QualityBars, silhouette_text
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QShowEvent

    from dclust_gui.services.cluster_quality import Agreement, QualityReport

_EXPLAIN = (
    "Silhouette: near 1, images are much closer to their own cluster than to the next; near 0 they"
    " lie between two; below 0 they are closer to another."
)
_MEASURES = (
    ("silhouette", "Silhouette", "Higher is better, at most 1"),
    ("davies_bouldin", "Davies-Bouldin", "Lower is better"),
    ("calinski_harabasz", "Calinski-Harabasz", "Higher is better"),
    ("mse", "Mean squared error", "Mean squared distance to the own centre; lower is better"),
)


class QualityPanel(QScrollArea):
    """Shows a `QualityReport`.

    Signals:
        shown_changed: Whether somebody can see it now.
        folders_toggled: Whether to compare with the true classes, or the folders.
        cluster_requested: Id of a cluster to show.
        forget_requested: Know the true classes no more.
    """

    shown_changed = Signal(bool)
    folders_toggled = Signal(bool)
    cluster_requested = Signal(int)
    forget_requested = Signal()

    def __init__(self, parent: Widget | None = None) -> None:
        super().__init__(parent)
        self._note = QLabel(self)
        self._trust = QLabel(self)
        self._now = QLabel(self)
        self._bars = QualityBars(self)
        self._run_title = QLabel("The accepted run, as it was", self)
        self._run = QGridLayout()
        self._folders = QCheckBox("Compare with folders", self)
        self._truth_source = QLabel(self)
        self._agreement_text = QLabel(self)
        self._table = AgreementTable(self)
        self._table_area = QScrollArea(self)
        self._lay_out()
        self._bars.cluster_requested.connect(self.cluster_requested)
        self._truth_source.linkActivated.connect(self._on_truth_source_link_activated)
        self._folders.toggled.connect(self.folders_toggled)
        self.set_note("Cluster the images to see how well the clusters hold.")

    @property
    def is_comparing(self) -> bool:
        """Whether a comparison with the true classes, or the folders, is asked for."""
        return self._folders.isChecked()

    def compare(self) -> None:
        """Ask for the comparison."""
        self._folders.setChecked(True)

    def set_note(self, text: str) -> None:
        """Say why there is nothing to show."""
        self._note.setText(text)
        self._show_parts(has_report=False)

    def set_busy(self) -> None:
        """A newer report is on its way; the old one stays in sight."""
        if not self._bars.isHidden():
            return
        self.set_note("Measuring…")

    def set_report(self, report: QualityReport) -> None:
        """Show a report."""
        if not report.bars:
            self.set_note("There are no clusters yet.")
        else:
            self._show_parts(has_report=True)
            self._trust.setText("\n\n".join(report.trust))
            self._trust.setVisible(bool(report.trust))
            self._now.setText(f"<b>{silhouette_text(report.silhouette)}</b> mean silhouette now")
            self._bars.set_bars(report.bars)
            self._fill_run(report)
        self._folders.setVisible(report.has_folders)
        has_truth = bool(report.truth_source)
        self._folders.setText("Compare with true classes" if has_truth else "Compare with folders")
        self._truth_source.setVisible(has_truth)
        self._truth_source.setText(
            f"From {escape(report.truth_source)}. <a href='forget'>Forget them</a>"
        )
        self._fill_agreement(report.agreement, is_asked=report.has_folders and self.is_comparing)

    def showEvent(self, event: QShowEvent) -> None:
        """It can be seen now."""
        super().showEvent(event)
        self.shown_changed.emit(True)  # noqa: FBT003 -- a Qt signal

    def hideEvent(self, event: QHideEvent) -> None:
        """It cannot be seen any more."""
        super().hideEvent(event)
        self.shown_changed.emit(False)  # noqa: FBT003 -- a Qt signal

    # -- inside ------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self._table_area.setWidget(self._table)
        self._table_area.setFrameShape(QFrame.Shape.NoFrame)
        self._table_area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table_area.setAccessibleName("Folders against clusters")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumWidth(GRID * 28)
        for label in (self._note, self._truth_source, self._agreement_text):
            label.setWordWrap(True)
            label.setProperty("look", "faint")
        for label in (self._now, self._run_title):
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setWordWrap(True)
        self._truth_source.setTextFormat(Qt.TextFormat.RichText)
        self._truth_source.hide()
        self._trust.setWordWrap(True)
        self._trust.setTextFormat(Qt.TextFormat.PlainText)
        self._trust.setProperty("look", "warning")
        self._trust.setAccessibleName("How far the clusters can be trusted")
        self._now.setToolTip(_EXPLAIN)
        self._run_title.setProperty("look", "section")
        self._bars.setToolTip(_EXPLAIN)
        self._run.setHorizontalSpacing(GRID * 2)
        self._run.setColumnStretch(1, 1)
        holder = Widget(self)
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(GRID, GRID // 2, GRID, GRID)
        layout.setSpacing(GRID)
        for part in (self._note, self._trust, self._now, self._bars, self._run_title):
            layout.addWidget(part)
        layout.addLayout(self._run)
        layout.addSpacing(GRID // 2)
        layout.addWidget(self._folders)
        layout.addWidget(self._truth_source)
        layout.addWidget(self._agreement_text)
        layout.addWidget(self._table_area)
        layout.addStretch(1)
        self.setWidget(holder)
        self._folders.hide()
        self._fill_agreement(None, is_asked=False)

    def _show_parts(self, *, has_report: bool) -> None:
        self._note.setVisible(not has_report)
        for part in (self._now, self._bars):
            part.setVisible(has_report)
        if not has_report:
            self._trust.hide()
            self._run_title.hide()
            self._clear_run()

    def _clear_run(self) -> None:
        while (item := self._run.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _fill_run(self, report: QualityReport) -> None:
        self._clear_run()
        self._run_title.setVisible(bool(report.run))
        rows = [row for row in _MEASURES if row[0] in report.run]
        for line, (name, title, tip) in enumerate(rows):
            label, value = QLabel(title), QLabel(measure_text(report.run[name]))
            label.setProperty("look", "faint")
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            for column, part in enumerate((label, value)):
                part.setToolTip(f"{tip}. Measured in the space of: {report.run_space}")
                self._run.addWidget(part, line, column)
                part.show()

    def _fill_agreement(self, agreement: Agreement | None, *, is_asked: bool) -> None:
        is_shown = is_asked and agreement is not None and agreement.is_readable
        self._table.set_agreement(agreement if is_shown else None)
        self._table_area.setVisible(is_shown)
        bar = self._table_area.horizontalScrollBar().sizeHint().height()
        self._table_area.setFixedHeight(self._table.height() + bar + 2)
        self._agreement_text.setVisible(is_asked)
        if agreement is not None:
            self._agreement_text.setText(_agreement_text(agreement))
        elif is_asked:
            self._agreement_text.setText("Nothing to compare: no image is in a cluster.")

    @Slot()
    def _on_truth_source_link_activated(self) -> None:
        self.forget_requested.emit()

    @Slot(str)
    def show_failure(self, text: str) -> None:
        """Say that it could not be measured, and why."""
        self.set_note(text)


def _agreement_text(agreement: Agreement) -> str:
    images = "the images"
    if agreement.noun != FOLDER:
        images = f"the {agreement.n_images:,} images with a true class"
    text = (
        f"{agreement.accuracy:.1%} of {images} are in the cluster that matches"
        f" their {agreement.noun}; NMI {agreement.nmi:.2f}, ARI {agreement.ari:.2f}."
    )
    if not agreement.is_readable:
        text += " There are too many for a table."
    return text


def measure_text(value: float) -> str:
    """A measure with a sensible number of digits."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}".replace("-", "\u2212")

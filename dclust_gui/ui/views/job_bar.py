"""Progress of the running job: stage, count, rate, time left, Pause and Cancel."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QToolButton, QWidget

from dclust_gui.domain.events import Stage, StageProgressed
from dclust_gui.ui.views.message_bar import announce
from dclust_gui.ui.views.theme import GRID, icon

STAGE_TEXT = {
    Stage.SCAN: "Looking for images",
    Stage.DECODE: "Reading images",
    Stage.FEATURES: "Describing images",
    Stage.REDUCE: "Preparing",
    Stage.HEAD: "Learning",
    Stage.CLUSTER: "Clustering",
    Stage.TREE: "Building the tree",
    Stage.MEASURE: "Measuring",
    Stage.EXPORT: "Exporting",
    Stage.IMPORT: "Matching labels",
}
_STEADY = frozenset({Stage.SCAN, Stage.DECODE, Stage.FEATURES, Stage.EXPORT, Stage.IMPORT})
"""Stages whose steps are images or files, so that a rate says something."""


class JobBar(QWidget):
    """Shows one job.

    Signals:
        pause_requested: Wait at the next safe point.
        resume_requested: Go on.
        cancel_requested: Stop; what is finished is kept.
    """

    pause_requested = Signal()
    resume_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Job progress")
        self._is_paused = False
        self._stages: dict[Stage, StageProgressed] = {}
        self._stage: Stage | None = None
        self._title = QLabel(self)
        self._title.setProperty("look", "section")
        self._numbers = QLabel(self)
        self._numbers.setProperty("look", "faint")
        self._next = QLabel(self)
        self._next.setProperty("look", "faint")
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self._bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._bar.setMinimumWidth(GRID * 12)
        self._pause = self._button("Pause")
        self._cancel = self._button("Cancel")
        self._pause.clicked.connect(self._on_pause_clicked)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID // 2, GRID, GRID // 2)
        layout.setSpacing(GRID * 2)
        layout.addWidget(self._title)
        layout.addWidget(self._bar, 1)
        layout.addWidget(self._numbers)
        layout.addWidget(self._next)
        layout.addWidget(self._pause)
        layout.addWidget(self._cancel)
        self._set_icons()
        self.hide()

    @property
    def text(self) -> str:
        """All that it says, for tests and screen readers."""
        parts = (self._title.text(), self._numbers.text(), self._next.text())
        return " · ".join(p for p in parts if p)

    def set_job(self, title: str) -> None:
        """Show a job that starts now."""
        self._stages.clear()
        self._stage = None
        self._title.setText(title)
        self._numbers.clear()
        self._numbers.setMinimumWidth(0)
        self._bar.setRange(0, 0)
        self.set_paused(False)
        self._cancel.setEnabled(True)
        self.show()
        announce(self, title)

    def set_progress(self, event: StageProgressed) -> None:
        """Show how far a stage has come; of two stages that overlap, the later one."""
        self._stages[event.stage] = event
        shown = self._leading()
        if shown.stage is not self._stage:
            self._stage = shown.stage
            self._title.setText(STAGE_TEXT[shown.stage])
            announce(self, STAGE_TEXT[shown.stage])
        self._bar.setRange(0, 1000 if shown.total else 0)
        if shown.total:
            self._bar.setValue(round(1000 * shown.done / shown.total))
        self._numbers.setText(numbers_text(shown))
        # It only grows, so that the bar beside it does not jump.
        width = max(self._numbers.minimumWidth(), self._numbers.sizeHint().width())
        self._numbers.setMinimumWidth(width)

    def set_next(self, text: str) -> None:
        """Say what follows after this job; empty for nothing."""
        self._next.setText(text)

    def set_paused(self, paused: bool) -> None:
        """Show whether the job waits."""
        self._is_paused = paused
        self._set_icons()
        if paused:
            self._numbers.setText("Paused")

    def set_cancelling(self) -> None:
        """Show that the job is on its way out."""
        self._title.setText("Stopping")
        self._cancel.setEnabled(False)

    def clear(self) -> None:
        """No job runs."""
        self._stages.clear()
        self._next.clear()
        self.hide()

    def _leading(self) -> StageProgressed:
        """The last stage, in order, that has begun and is not finished; else the last begun."""
        begun = [self._stages[s] for s in Stage if s in self._stages]
        running = [e for e in begun if not e.total or e.done < e.total]
        working = [e for e in running if e.done]
        return (working or running or begun)[-1]

    def _button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button

    def _set_icons(self) -> None:
        name = "Resume" if self._is_paused else "Pause"
        self._pause.setIcon(icon(name.lower(), self.palette()))
        self._pause.setAccessibleName(name)
        self._pause.setToolTip(name)
        self._cancel.setIcon(icon("close", self.palette()))

    @Slot()
    def _on_pause_clicked(self) -> None:
        if self._is_paused:
            self.resume_requested.emit()
        else:
            self.pause_requested.emit()

    @Slot()
    def _on_cancel_clicked(self) -> None:
        self.cancel_requested.emit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._set_icons)


def numbers_text(event: StageProgressed) -> str:
    """`212 of 412 · 38 per second · 5 s left`."""
    if not event.total:
        return f"{event.done:,}" if event.done else ""
    if event.stage not in _STEADY:
        return f"{round(100 * event.done / event.total)} %"
    parts = [f"{event.done:,} of {event.total:,}"]
    if event.done < event.total:
        if event.rate:
            parts.append(f"{event.rate:,.0f} per second" if event.rate >= 1 else "slow")
        if event.seconds_left is not None:
            parts.append(f"{duration_text(event.seconds_left)} left")
    return " · ".join(parts)


def duration_text(seconds: float) -> str:
    """`8 s`, `3 min`, `1 h 20 min`: no finer than anybody can use."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"

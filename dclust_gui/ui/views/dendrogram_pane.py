"""The dendrogram with its bar: number of clusters, height, direction, scale, zoom, saving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.ui.views.dendrogram_view import DendrogramView
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.dendrogram_model import DendrogramModel, DendrogramSource

_COMMIT_MS = 700
_ZOOM_STEP = 1.5


class DendrogramPane(QWidget):
    """A `DendrogramView` and what sets it; the window connects the view's signals.

    Args:
        model: The tree and its clusters.
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        save_requested: The user wants the view as a picture or the tree as a file.
    """

    save_requested = Signal()

    def __init__(
        self, model: DendrogramModel, loader: ThumbnailLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.view = DendrogramView(model, loader, self)
        self._count = QSpinBox(self)
        self._height = QDoubleSpinBox(self)
        self._upright = QCheckBox("Root at the top", self)
        self._log = QCheckBox("Log height", self)
        self._fit = QPushButton("Fit", self)
        self._nearer = QPushButton("+", self)
        self._farther = QPushButton("−", self)  # noqa: RUF001 -- a minus sign
        self._save = QPushButton("Save…", self)
        self._commit = QTimer(self)
        self._commit.setSingleShot(True)
        self._commit.setInterval(_COMMIT_MS)
        self._place()
        self._name()
        self._connect()
        self._on_view_cut_shown()

    def set_source(self, source: DendrogramSource | None) -> None:
        """Show another project, or none."""
        self._commit.stop()
        self.view.set_source(source)

    def set_editable(self, is_editable: bool) -> None:
        """Let the cut be moved and branches be edited, or only looked at."""
        self.view.set_editable(is_editable)
        self._on_view_cut_shown()

    def _place(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        bar.setSpacing(GRID)
        for label, field in (("&Clusters", self._count), ("&Height", self._height)):
            words = QLabel(label, self)
            words.setBuddy(field)
            bar.addWidget(words)
            bar.addWidget(field)
        bar.addSpacing(GRID)
        bar.addWidget(self._upright)
        bar.addWidget(self._log)
        bar.addStretch(1)
        for button in (self._farther, self._nearer, self._fit, self._save):
            bar.addWidget(button)
        for button in (self._farther, self._nearer):
            button.setFixedWidth(GRID * 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self.view, 1)

    def _name(self) -> None:
        for widget, name, tip in (
            (self._count, "Number of clusters", "Cut the whole tree into so many clusters ([ ])"),
            (self._height, "Height of the cut", "Cut the whole tree at a height"),
            (self._nearer, "Zoom in", "Zoom in (Ctrl++)"),
            (self._farther, "Zoom out", "Zoom out (Ctrl+-)"),
            (self._fit, "Show the whole tree", "Show the whole tree (Ctrl+0)"),
            (self._save, "Save the tree", "Save the view as SVG or PNG, or the tree"),
            (self._upright, "Root at the top", "Draw from top to bottom"),
            (self._log, "Logarithmic height", "Spread out the low merges"),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        self._count.setKeyboardTracking(False)
        self._height.setKeyboardTracking(False)
        self._height.setDecimals(4)
        self._height.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setFocusProxy(self.view)

    def _connect(self) -> None:
        view = self.view
        self._count.valueChanged.connect(self._on_count_value_changed)
        self._height.valueChanged.connect(self._on_height_value_changed)
        self._commit.timeout.connect(view.cutting.commit)
        self._upright.toggled.connect(view.navigator.set_upright)
        self._log.toggled.connect(view.navigator.set_log)
        self._fit.clicked.connect(view.navigator.fit)
        self._nearer.clicked.connect(self._on_nearer_clicked)
        self._farther.clicked.connect(self._on_farther_clicked)
        self._save.clicked.connect(self.save_requested)
        view.cut_shown.connect(self._on_view_cut_shown)

    @Slot(int)
    def _on_count_value_changed(self, count: int) -> None:
        self.view.cutting.try_k(count)
        self._commit.start()

    @Slot(float)
    def _on_height_value_changed(self, height: float) -> None:
        self.view.cutting.try_height(height)
        self._commit.start()

    @Slot()
    def _on_nearer_clicked(self) -> None:
        self.view.navigator.zoom(_ZOOM_STEP)

    @Slot()
    def _on_farther_clicked(self) -> None:
        self.view.navigator.zoom(1 / _ZOOM_STEP)

    @Slot()
    def _on_view_cut_shown(self) -> None:
        """Show the cut's numbers; does not answer with a wish."""
        model = self.view.model
        has_tree = model.tree is not None
        for field in (self._count, self._height):
            field.setEnabled(has_tree and self.view.is_editable)
        for button in (self._fit, self._nearer, self._farther, self._save):
            button.setEnabled(has_tree)
        if not has_tree:
            self._commit.stop()
            return
        with QSignalBlocker(self._count), QSignalBlocker(self._height):
            self._count.setRange(1, self.view.cutting.most_clusters)
            self._height.setRange(0.0, max(model.layout.top * 1.05, 1e-4))
            self._count.setValue(model.cut.k)
            self._height.setValue(model.cut.height)
        self._count.setAlignment(Qt.AlignmentFlag.AlignRight)

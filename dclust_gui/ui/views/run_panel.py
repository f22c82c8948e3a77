"""How to cluster: fast, better or best, how many clusters, and the method under Advanced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.runs import Quality, RunSettings
from dclust_gui.services.estimate import best_cost
from dclust_gui.services.methods import methods
from dclust_gui.services.sizes import possible_sizes
from dclust_gui.ui.views.job_bar import duration_text
from dclust_gui.ui.views.parameter_form import ParameterForm
from dclust_gui.ui.views.sizes_choice import SizesChoice
from dclust_gui.ui.views.theme import GRID, colours, icon, icon_pixmap
from dclust_gui.ui.views.time_choice import TimeChoice
from dclust_gui.ui.views.training_choice import HeadChoice, TrainingSwitch, head_of
from dclust_gui.ui.views.tuning_choice import TuningChoice, finetune_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.services.methods import Method
    from dclust_gui.services.tuning import BackboneChoice

AUTOMATIC = "auto"
"""Name of the method that chooses by itself."""

_BETTER_TIP = (
    "Lays the images out five times instead of once and groups over all five, with the automatic"
    " method: about five times the grouping time, and the clusters depend less on chance."
)
_MOST_CLUSTERS = 9999
_BADGE_SIDE = 16


class RunPanel(QWidget):
    """Gathers a run's settings.

    Signals:
        run_requested: Cluster with these `RunSettings`.
        changed: A setting is another one now.
        tuning_time_requested: How long would the fine-tuning of these `RunSettings` take?
    """

    run_requested = Signal(object)
    changed = Signal()
    tuning_time_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._methods = {m.name: m for m in methods()}
        self._fast = QRadioButton("Fast", self)
        self._better = QRadioButton("Better", self)
        self._best = QRadioButton("Best", self)
        self._auto_k = QRadioButton("Automatic", self)
        self._fixed_k = QRadioButton("Exactly", self)
        self._k = QSpinBox(self)
        self._sizes = SizesChoice(self)
        self._time = TimeChoice(self)
        self._qualities = (
            (self._fast, Quality.FAST),
            (self._better, Quality.BETTER),
            (self._best, Quality.BEST),
        )
        self._quality_group = QButtonGroup(self)
        self._number_group = QButtonGroup(self)
        self._advanced = QToolButton(self)
        self._body = QWidget(self)
        self._method = QComboBox(self)
        self._summary = QLabel(self)
        self._metric = QComboBox(self)
        self._linkage = QComboBox(self)
        self._seed = QSpinBox(self)
        self._form = ParameterForm(self)
        self._training = TrainingSwitch(self)
        self._head = HeadChoice(self)
        self._tuning = TuningChoice(self)
        self._backbone = QComboBox(self)
        self._n_images = 0
        self._run = QPushButton("Cluster", self)
        self._reason = QLabel(self)
        self._quality_note = QLabel(self)
        self._estimate = QLabel(self)
        self._badge_icon = QLabel(self)
        self._badge = QLabel(self)
        self._fill()
        self._place()
        self._connect()
        self._show_method()
        self._follow_look()

    # -- what it says ------------------------------------------------------------------------

    def settings(self) -> RunSettings:
        """The settings as they stand."""
        name = str(self._method.currentData())
        chosen = self._methods.get(name)
        parameters = self._form.values()
        is_trained = self._training.is_on
        is_tuned = is_trained and self._tuning.is_backbone
        if is_trained:
            chosen_form = self._tuning.form if is_tuned else self._head
            parameters |= chosen_form.values()
        default = RunSettings()
        has_metric = chosen is not None and len(chosen.metrics) > 1
        has_linkage = chosen is not None and bool(chosen.linkages)
        return RunSettings(
            reduce=AUTOMATIC if chosen is None else default.reduce,
            backbone=str(self._backbone.currentData() or default.backbone),
            head=default.head if is_tuned else head_of(self._training, self._head),
            finetune=finetune_of(self._tuning, is_on=is_trained),
            algorithm=name,
            k=self._k.value() if self._fixed_k.isChecked() else 0,
            metric=self._metric.currentText() if has_metric else default.metric,
            linkage=self._linkage.currentText() if has_linkage else default.linkage,
            seed=self._seed.value(),
            parameters=parameters,
            quality=self._quality().value,
            sizes=self._sizes.sizes.value,
            time_weight=self._time.weight,
        )

    def _quality(self) -> Quality:
        if self._best.isChecked():
            return Quality.BEST
        return Quality.BETTER if self._better.isChecked() else Quality.FAST

    def text(self) -> str:
        """All entries as text, for `restore`."""
        return json.dumps(
            {
                "quality": self._quality().value,
                "fixed": self._fixed_k.isChecked(),
                "k": self._wanted_k,
                "method": self._method.currentData(),
                "seed": self._seed.value(),
                "advanced": self._advanced.isChecked(),
                "parameters": self._form.values()
                | self._head.values()
                | self._tuning.form.values(),
                "finetune": finetune_of(self._tuning, is_on=True),
                "sizes": self._sizes.sizes.value,
                "time": self._time.wanted,
                "training": self._training.is_on,
                "head": self._head.method.name,
            }
        )

    def restore(self, text: str) -> None:
        """Take over entries that `text` gave; anything else changes nothing."""
        try:
            found = json.loads(text)
        except ValueError:
            return
        if not isinstance(found, dict):
            return
        for button, quality in self._qualities:
            if found.get("quality") == quality.value:
                button.setChecked(True)
        for spin, name in ((self._k, "k"), (self._seed, "seed")):
            value = found.get(name)
            if isinstance(value, int):
                spin.setValue(value)
        (self._fixed_k if found.get("fixed") is True else self._auto_k).setChecked(True)
        row = self._method.findData(found.get("method"))
        if row >= 0:
            self._method.setCurrentIndex(row)
        self._advanced.setChecked(found.get("advanced") is True)
        self._training.set_on(found.get("training") is True)
        self._head.set_method(str(found.get("head")))
        self._sizes.set_sizes(str(found.get("sizes")))
        weight = found.get("time")
        if isinstance(weight, (int, float)):
            self._time.set_weight(weight)
        self._tuning.set_method(str(found.get("finetune")))
        parameters = found.get("parameters")
        if isinstance(parameters, dict):
            texts = {str(k): str(v) for k, v in parameters.items()}
            self._form.set_values(texts)
            self._head.set_values(texts)
            self._tuning.form.set_values(texts)

    def set_scope(self, n_images: int, *, can_run: bool, reason: str = "") -> None:
        """Say what a run would cluster.

        Args:
            n_images: Number of images.
            can_run: Whether it can be started now.
            reason: Why not.
        """
        self._run.setText(f"Cluster {count_of(n_images)}" if n_images else "Cluster")
        self._run.setEnabled(can_run and not self._problem())
        self._run.setToolTip(reason or "Group the images; one Undo takes it back")
        is_new = n_images != self._n_images
        self._n_images = n_images
        self._can_run = can_run
        if is_new:
            self._ask_time()
        blocked = self._k.blockSignals(True)  # noqa: FBT003 -- a limit is no wish of the user
        self._k.setMaximum(max(1, n_images or _MOST_CLUSTERS))
        self._k.setValue(self._wanted_k)
        self._k.blockSignals(blocked)
        self._reason.setText("" if can_run else reason)
        self._reason.setVisible(bool(reason) and not can_run)

    def set_times(self, n_timed: int, n_images: int) -> None:
        """Say how many of the images have a capture time."""
        self._time.set_times(n_timed, n_images)

    def set_estimate(self, n_new: int, seconds: float) -> None:
        """Say how long the images that are not read yet will take."""
        text = ""
        if n_new:
            text = f"About {duration_text(seconds)} to read {count_of(n_new)} first"
        self._estimate.setText(text)
        self._estimate.setVisible(bool(text))

    def set_tuning_time(self, text: str) -> None:
        """Say how long a fine-tuning takes here; empty for not known."""
        self._tuning.set_time(text)

    def set_backbones(self, choices: Sequence[BackboneChoice]) -> None:
        """Offer backbones that were trained here beside the usual one.

        Args:
            choices: The latest first; none hides the choice.
        """
        chosen = self._backbone.currentData()
        blocked = self._backbone.blockSignals(True)  # noqa: FBT003 -- no wish of the user
        self._backbone.clear()
        self._backbone.addItem("As usual (frozen)", RunSettings().backbone)
        for choice in choices:
            self._backbone.addItem(choice.title, choice.name)
            last = self._backbone.count() - 1
            self._backbone.setItemData(last, choice.origin, Qt.ItemDataRole.ToolTipRole)
        self._backbone.setCurrentIndex(max(0, self._backbone.findData(chosen)))
        self._backbone.blockSignals(blocked)
        self._rows.setRowVisible(self._backbone, bool(choices))

    def set_device(self, name: str) -> None:
        """Show the device's name; empty while it is not known."""
        self._badge.setText(name or "Device is found when images are read")

    # -- inside ------------------------------------------------------------------------------

    def _fill(self) -> None:
        self._can_run = False
        for group, buttons in (
            (self._quality_group, tuple(button for button, _ in self._qualities)),
            (self._number_group, (self._auto_k, self._fixed_k)),
        ):
            for button in buttons:
                group.addButton(button)
        self._fast.setChecked(True)
        self._auto_k.setChecked(True)
        self._fast.setToolTip("A good result in seconds once the images are read")
        self._better.setToolTip(_BETTER_TIP)
        self._best.setToolTip(f"{_best_note()} What it adds to Better is small. {_BETTER_TIP}")
        self._quality_note.setText(_best_note())
        self._quality_note.hide()
        self._k.setRange(1, _MOST_CLUSTERS)
        self._wanted_k = 10
        self._k.setValue(self._wanted_k)
        self._k.setAccessibleName("Number of clusters")
        self._seed.setRange(0, 999_999)
        self._seed.setAccessibleName("Seed")
        self._seed.setToolTip("The same seed gives the same clusters")
        self._method.setAccessibleName("Method")
        self._method.addItem("Automatic", AUTOMATIC)
        for method in self._methods.values():
            self._method.addItem(method.title, method.name)
        self._advanced.setText("Advanced")
        self._advanced.setCheckable(True)
        self._advanced.setAutoRaise(True)
        self._advanced.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._run.setProperty("look", "primary")
        self._run.setEnabled(False)
        for label in (self._quality_note, self._summary, self._reason, self._estimate, self._badge):
            label.setWordWrap(True)
            label.setProperty("look", "faint")
        self._reason.hide()
        self._estimate.hide()
        self.set_device("")

    def _place(self) -> None:
        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(section("Result"))
        layout.addLayout(row_of(self._fast, self._better, self._best))
        layout.addWidget(self._quality_note)
        layout.addSpacing(GRID)
        layout.addWidget(section("Number of clusters"))
        layout.addWidget(self._auto_k)
        layout.addLayout(row_of(self._fixed_k, self._k))
        layout.addSpacing(GRID)
        layout.addWidget(section("Groups are"))
        layout.addWidget(self._sizes)
        layout.addSpacing(GRID)
        layout.addWidget(section("Group by"))
        layout.addWidget(self._time)
        layout.addSpacing(GRID)
        layout.addWidget(self._training)
        layout.addWidget(self._tuning)
        layout.addSpacing(GRID)
        layout.addWidget(self._run)
        layout.addWidget(self._reason)
        layout.addWidget(self._estimate)
        badge = QHBoxLayout()
        badge.setSpacing(GRID)
        badge.addWidget(self._badge_icon)
        badge.addWidget(self._badge, 1)
        layout.addLayout(badge)
        layout.addSpacing(GRID)
        layout.addWidget(self._advanced)
        layout.addWidget(self._body)
        layout.addStretch(1)
        self._place_advanced()
        scroller = QScrollArea(self)
        scroller.setWidget(content)
        scroller.setWidgetResizable(True)
        scroller.setFrameShape(QScrollArea.Shape.NoFrame)
        scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroller)
        self.setMinimumWidth(GRID * 32)

    def _place_advanced(self) -> None:
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GRID)
        rows = QFormLayout()
        rows.setSpacing(GRID)
        rows.addRow("Method", self._method)
        rows.addRow("Distance", self._metric)
        rows.addRow("Linkage", self._linkage)
        rows.addRow("Backbone", self._backbone)
        rows.addRow("Seed", self._seed)
        self._rows = rows
        body.addWidget(self._summary)
        body.addLayout(rows)
        body.addWidget(self._form)
        body.addWidget(self._head)
        body.addWidget(self._tuning.form)
        self._backbone.setAccessibleName("Backbone")
        self._backbone.setToolTip("The network that looks at the images")
        self.set_backbones(())
        for widget in (self._head, self._tuning, self._tuning.form):
            widget.hide()
        self._body.hide()

    def _connect(self) -> None:
        self._run.clicked.connect(self._on_run_clicked)
        self._advanced.toggled.connect(self._on_advanced_toggled)
        self._method.currentIndexChanged.connect(self._on_method_changed)
        self._k.valueChanged.connect(self._on_k_value_changed)
        self._fixed_k.toggled.connect(self._on_setting_changed)
        self._better.toggled.connect(self._on_setting_changed)
        self._best.toggled.connect(self._quality_note.setVisible)
        self._best.toggled.connect(self._on_setting_changed)
        self._seed.valueChanged.connect(self._on_setting_changed)
        self._form.changed.connect(self._on_setting_changed)
        self._sizes.changed.connect(self._on_setting_changed)
        self._time.changed.connect(self._on_setting_changed)
        self._training.toggled.connect(self._on_training_toggled)
        self._head.changed.connect(self._on_setting_changed)
        self._tuning.changed.connect(self._on_tuning_changed)
        self._tuning.time_wanted.connect(self._on_tuning_time_wanted)
        self._backbone.currentIndexChanged.connect(self._on_setting_changed)

    def _problem(self) -> str:
        """What is wrong with an entry that counts; empty when all is well."""
        problem = self._form.problem()
        if self._training.is_on and not problem:
            form = self._tuning.form if self._tuning.is_backbone else self._head
            problem = form.problem()
        return problem

    def _show_method(self) -> None:
        """Fields and words of the chosen method."""
        chosen = self._methods.get(str(self._method.currentData()))
        self._summary.setText(
            chosen.summary if chosen else "The recommended way for photographs and other pictures."
        )
        self._form.set_parameters(chosen.parameters if chosen else ())
        self._offer(self._metric, chosen.metrics if chosen else ())
        self._offer(self._linkage, chosen.linkages if chosen else ())
        self._show_number(chosen)

    def _show_number(self, chosen: Method | None) -> None:
        needs_k = chosen is None or chosen.needs_k
        for widget in (self._auto_k, self._fixed_k, self._k):
            widget.setEnabled(needs_k)
            widget.setToolTip("" if needs_k else "This method finds the number by itself")

    def _offer(self, box: QComboBox, choices: tuple[str, ...]) -> None:
        box.clear()
        box.addItems(list(choices))
        self._rows.setRowVisible(box, len(choices) > 1)

    @Slot()
    def _on_run_clicked(self) -> None:
        self.run_requested.emit(self.settings())

    @Slot(bool)
    def _on_advanced_toggled(self, is_open: bool) -> None:
        self._body.setVisible(is_open)
        self._follow_look()
        self.changed.emit()

    @Slot()
    def _on_method_changed(self) -> None:
        self._show_method()
        self._on_setting_changed()

    @Slot()
    def _on_k_value_changed(self) -> None:
        self._wanted_k = self._k.value()
        self._fixed_k.setChecked(True)
        self._on_setting_changed()

    @Slot(bool)
    def _on_training_toggled(self, is_on: bool) -> None:
        self._tuning.setVisible(is_on)
        self._show_training()
        if is_on:
            self._ask_time()
        self._on_setting_changed()

    def _show_training(self) -> None:
        """The settings of what learns."""
        is_on, is_backbone = self._training.is_on, self._tuning.is_backbone
        self._head.setVisible(is_on and not is_backbone)
        self._tuning.form.setVisible(is_on and is_backbone)

    def _ask_time(self) -> None:
        """Have measured how long a fine-tuning takes, where one is chosen."""
        if self._training.is_on and self._tuning.is_backbone and self._n_images:
            self._tuning.set_measuring()
            self.tuning_time_requested.emit(self.settings())

    @Slot()
    def _on_tuning_changed(self) -> None:
        self._show_training()
        self._on_setting_changed()

    @Slot()
    def _on_tuning_time_wanted(self) -> None:
        self._ask_time()

    @Slot()
    def _on_setting_changed(self) -> None:
        self._sizes.set_possible(possible_sizes(self.settings()))
        self._run.setEnabled(self._can_run and not self._problem())
        self.changed.emit()

    def _follow_look(self) -> None:
        name = "down" if self._advanced.isChecked() else "right"
        self._advanced.setIcon(icon(name, self.palette()))
        faint = QColor(colours(self.palette()).faint)
        scale = self.devicePixelRatioF()
        self._badge_icon.setPixmap(icon_pixmap("device", faint, _BADGE_SIDE, scale))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._follow_look)


def _best_note() -> str:
    """What the best quality does and costs."""
    times = f"about {best_cost():.1f} times the reading time"
    return f"Looks at each image larger, and mirrored too: {times}, the first time only."


def row_of(*widgets: QWidget) -> QHBoxLayout:
    """Widgets side by side, at the left."""
    row = QHBoxLayout()
    row.setSpacing(GRID * 2)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row


def section(text: str) -> QLabel:
    """A small heading."""
    label = QLabel(text)
    label.setProperty("look", "section")
    return label

"""The evidence panel: what the short list of numbers of clusters rests on, and how far to go."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout
from PySide6.QtWidgets import QWidget as Widget

from dclust_gui.ui.views.evidence_axis import KAxis
from dclust_gui.ui.views.evidence_marks import Estimate, EvidenceMarks
from dclust_gui.ui.views.evidence_plot import Curve, EvidencePlot
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from dclust_gui.services.shortlist import KEvidence, KShortlist

NO_EVIDENCE = (
    "Nothing was compared: the number of clusters was given, or the method finds it by itself."
    " Cluster with the number of clusters on Automatic to see which numbers fit."
)
_INTRO = (
    "No measure knows the right number. These are hints, and they often disagree: look at the"
    " images, and take the number that serves you. Dashed lines mark the short list."
)


class EvidencePanel(QScrollArea):
    """Shows curves and estimates of a run; hovering reads the numbers."""

    def __init__(self, parent: Widget | None = None) -> None:
        super().__init__(parent)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumWidth(GRID * 28)
        self.setAccessibleName("Evidence for the number of clusters")
        self.set_shortlist(None)

    def set_shortlist(self, found: KShortlist | None) -> None:
        """Show what a run was unsure between; None or an empty one shows why there is nothing."""
        holder = Widget(self)
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, GRID)
        layout.setSpacing(GRID * 2)
        evidence = None if found is None else found.evidence
        if found is None or evidence is None or not evidence.ks:
            layout.addWidget(_label(NO_EVIDENCE, "faint"))
        else:
            marked = tuple(c.k for c in found.candidates)
            axis = KAxis(min(evidence.ks), max(*evidence.ks, 3), marked)
            layout.addWidget(_label(_INTRO, "faint"))
            for curve in curves_of(evidence):
                layout.addWidget(EvidencePlot(curve, axis, holder))
            estimates = estimates_of(evidence)
            if estimates:
                layout.addWidget(EvidenceMarks(estimates, axis, holder))
            for candidate in found.candidates:
                if candidate.caution:
                    layout.addWidget(_label(candidate.caution, "faint"))
            if evidence.n_sampled:
                layout.addWidget(_label(f"Measured on {evidence.n_sampled:,} images.", "faint"))
        layout.addStretch(1)
        old = self.takeWidget()
        if old is not None:
            old.deleteLater()
        self.setWidget(holder)


def curves_of(evidence: KEvidence) -> tuple[Curve, ...]:
    """The curves that were measured, the most telling first."""
    silhouette = (
        "Mean silhouette: how much nearer images are to their own cluster than to the next. It"
        " favours few, large clusters."
    )
    gap = (
        "Gap statistic: how much tighter the clusters are than those of structureless images. Bars"
        " are standard errors; where the curve flattens, more clusters add little."
    )
    bouldin = "Davies-Bouldin index, lower is better. On images it seldom tells the right number."
    found = (
        Curve("Silhouette", "higher is better", silhouette, evidence.ks, evidence.silhouette),
        Curve(
            "Gap",
            "look where it stops rising",
            gap,
            evidence.ks,
            evidence.gap,
            evidence.gap_error,
        ),
        Curve(
            "Davies-Bouldin",
            "lower is better",
            bouldin,
            evidence.ks,
            evidence.davies_bouldin,
            is_weak=True,
        ),
    )
    return tuple(c for c in found if any(math.isfinite(v) for v in c.values))


def estimates_of(evidence: KEvidence) -> tuple[Estimate, ...]:
    """The single numbers that were found."""
    found = (
        Estimate(
            "Dense regions",
            "how many dense groups HDBSCAN finds that hold a fiftieth of the images each",
            (evidence.density,) if evidence.density else (),
        ),
        Estimate(
            "Eigengap",
            "into how many loose parts the graph of nearest neighbours falls",
            (evidence.eigengap,) if evidence.eigengap else (),
        ),
        Estimate(
            "First neighbours",
            "how many groups are left when images join their nearest one, level by level",
            tuple(reversed(evidence.first_neighbour)),
        ),
    )
    return tuple(e for e in found if e.numbers)


def _label(text: str, look: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setProperty("look", look)
    label.setContentsMargins(GRID, 0, GRID, 0)
    return label

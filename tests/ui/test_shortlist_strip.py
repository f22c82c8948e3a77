"""The strip of numbers of clusters, and the evidence behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QPixmap
from PySide6.QtWidgets import QLabel, QToolButton

from dclust_gui.services.shortlist import KCandidate, KEvidence, KShortlist
from dclust_gui.ui.views.evidence_axis import KAxis
from dclust_gui.ui.views.evidence_marks import EvidenceMarks
from dclust_gui.ui.views.evidence_panel import NO_EVIDENCE, EvidencePanel, curves_of
from dclust_gui.ui.views.evidence_plot import EvidencePlot
from dclust_gui.ui.views.shortlist_card import Choice, ShortlistCard
from dclust_gui.ui.views.shortlist_strip import ShortlistStrip

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def candidate(
    k: int, level: str, *, preselected: bool = False, tree: float = math.nan
) -> KCandidate:
    return KCandidate(k, level, "there are so many dense regions", 0.5, tree, preselected)


CHOICES = (
    Choice(candidate(3, "coarse"), (1, 2, 3)),
    Choice(candidate(8, "medium", preselected=True), tuple(range(8))),
    Choice(candidate(21, "fine", tree=0.2), tuple(range(21))),
)
EVIDENCE = KEvidence(
    (2, 3, 5, 8, 21),
    (0.2, 0.5, 0.3, 0.4, math.nan),
    (1.0, 1.2, 1.5, 1.6, 1.7),
    (0.1, 0.1, 0.05, 0.1, 0.1),
    (1.0, 0.8, 0.9, 1.1, 1.2),
    5,
    (400, 80, 9),
    8,
    1500,
)


class Pictures:
    """One picture for all."""

    def picture(self, image: int) -> QPixmap | None:
        if image == 2:
            return None
        picture = QPixmap(40, 30)
        picture.fill(Qt.GlobalColor.red)
        return picture


@pytest.fixture
def strip(qtbot: QtBot) -> ShortlistStrip:
    strip = ShortlistStrip()
    qtbot.addWidget(strip)
    strip.set_pictures(Pictures())
    strip.resize(760, 110)
    strip.show()
    strip.set_choices(CHOICES)
    return strip


def enter(card: ShortlistCard) -> None:
    middle = QPointF(card.rect().center())
    card.enterEvent(QEnterEvent(middle, middle, middle))


def test_cards_say_number_level_reason_and_caution(strip: ShortlistStrip) -> None:
    coarse, medium, fine = strip.cards
    assert coarse.accessibleName() == "Coarse: 3 clusters"
    assert "dense regions" in coarse.toolTip()
    assert "Suggested" in medium.accessibleDescription()
    assert "Suggested" not in coarse.accessibleDescription()
    assert "clustering anew with 21" in fine.toolTip()
    assert not strip.grab().isNull()


def test_a_click_takes_a_number(strip: ShortlistStrip, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.choice_requested) as asked:
        qtbot.mouseClick(strip.cards[2], Qt.MouseButton.LeftButton)
    assert asked.args == [21]
    assert not strip.cards[2].isChecked()  # the window says what is in force
    strip.set_present(21)
    assert [c.isChecked() for c in strip.cards] == [False, False, True]
    assert strip.cards[2].accessibleName() == "Fine: 21 clusters, shown now"
    strip.set_present(0)
    assert not any(c.isChecked() for c in strip.cards)


def test_the_pointer_previews_and_leaving_ends_it(strip: ShortlistStrip, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.preview_requested) as asked:
        enter(strip.cards[0])
    assert asked.args == [3]
    with qtbot.waitSignal(strip.preview_requested) as asked:
        strip.cards[0].leaveEvent(QEvent(QEvent.Type.Leave))
        enter(strip.cards[1])
    assert asked.args == [8]
    with qtbot.waitSignal(strip.preview_requested) as asked:
        strip.hide()
    assert asked.args == [0]


def test_taking_a_number_ends_its_preview_first(strip: ShortlistStrip, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.preview_requested):
        enter(strip.cards[0])
    told: list[tuple[str, int]] = []
    strip.preview_requested.connect(lambda k: told.append(("preview", k)))
    strip.choice_requested.connect(lambda k: told.append(("choice", k)))
    qtbot.mouseClick(strip.cards[0], Qt.MouseButton.LeftButton)
    assert told == [("preview", 0), ("choice", 3)]


def test_a_read_only_project_can_only_be_looked_at(strip: ShortlistStrip, qtbot: QtBot) -> None:
    strip.set_editable(False)
    with qtbot.assertNotEmitted(strip.choice_requested):
        qtbot.mouseClick(strip.cards[0], Qt.MouseButton.LeftButton)


def test_only_pictures_that_fit_are_wanted(strip: ShortlistStrip, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.pictures_wanted) as asked:
        strip.resize(500, 110)
    images, side = asked.args
    assert set(range(3)) <= set(images) < set(range(21))
    assert side >= 36


def test_other_choices_take_the_place_of_the_old_ones(strip: ShortlistStrip) -> None:
    strip.set_choices(CHOICES[:2])
    assert [c.choice.candidate.k for c in strip.cards] == [3, 8]
    strip.set_choices(())
    assert strip.cards == ()


def test_evidence_and_closing_are_asked_for(strip: ShortlistStrip, qtbot: QtBot) -> None:
    buttons = strip.findChildren(QToolButton)
    with qtbot.waitSignals([strip.evidence_requested, strip.dismissed]):
        for button in buttons:
            button.click()


# -- evidence ------------------------------------------------------------------------------


@pytest.fixture
def panel(qtbot: QtBot) -> EvidencePanel:
    panel = EvidencePanel()
    qtbot.addWidget(panel)
    panel.resize(260, 900)
    panel.show()
    return panel


def plots(panel: EvidencePanel) -> list[EvidencePlot]:
    return panel.findChildren(EvidencePlot)


def test_without_evidence_it_says_why(panel: EvidencePanel) -> None:
    assert [label.text() for label in panel.findChildren(QLabel)] == [NO_EVIDENCE]
    panel.set_shortlist(KShortlist())
    assert not plots(panel)


def test_all_measures_are_shown_and_the_weak_one_is_called_so(panel: EvidencePanel) -> None:
    panel.set_shortlist(KShortlist(tuple(c.candidate for c in CHOICES), EVIDENCE))
    assert [curve.title for curve in curves_of(EVIDENCE)] == [
        "Silhouette",
        "Gap",
        "Davies-Bouldin",
    ]
    assert [curve.is_weak for curve in curves_of(EVIDENCE)] == [False, False, True]
    marks = panel.findChild(EvidenceMarks)
    assert isinstance(marks, EvidenceMarks)
    assert marks.accessibleDescription() == (
        "Dense regions: 8; Eigengap: 5; First neighbours: 9, 80, 400"
    )
    words = " ".join(label.text() for label in panel.findChildren(QLabel))
    assert "No measure knows the right number" in words
    assert "clustering anew with 21" in words
    assert "1,500 images" in words
    assert not panel.grab().isNull()


def test_hovering_and_arrow_keys_read_the_numbers(panel: EvidencePanel, qtbot: QtBot) -> None:
    panel.set_shortlist(KShortlist(tuple(c.candidate for c in CHOICES), EVIDENCE))
    gap = plots(panel)[1]
    assert gap.reading == ""
    axis = KAxis(2, 21, (3, 8, 21))
    qtbot.mouseMove(gap, QPoint(round(axis.x(5, gap.width())), gap.height() - 40))
    qtbot.waitUntil(lambda: gap.reading == "5 clusters: 1.500 ± 0.050")
    qtbot.keyClick(gap, Qt.Key.Key_Right)
    assert gap.reading.startswith("8 clusters")
    gap.leaveEvent(QEvent(QEvent.Type.Leave))
    assert gap.reading == ""


def test_silhouettes_alone_are_evidence_too(panel: EvidencePanel) -> None:
    panel.set_shortlist(KShortlist((), KEvidence((2, 3), (0.5, 0.4))))
    assert len(plots(panel)) == 1
    assert panel.findChild(EvidenceMarks) is None
    assert not panel.grab().isNull()


def test_the_axis_keeps_numbers_beyond_it_at_its_ends() -> None:
    axis = KAxis(2, 40)
    assert axis.x(1, 200) == axis.x(2, 200) < axis.x(6, 200) < axis.x(40, 200)
    assert axis.x(400, 200) == axis.x(40, 200)
    assert axis.nearest((2, 5, 40), axis.x(6, 200), 200) == 1
    assert axis.nearest((), 3.0, 200) == -1

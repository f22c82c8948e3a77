"""The names panel shows what it is given; clicks tell wishes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton

from dclust_gui.ui.views.names_panel import NO_CLUSTERS, NamesPanel
from dclust_gui.ui.views.names_row import NameHeading, NameOffers, Naming, Offer

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

LONG = "Greater Swiss Mountain dog of the " + "very " * 30 + "high Alps"
FREE = NameOffers(1, "Cluster 01", "", 0, 120, (Offer("cat", 0.6), Offer("tabby", 0.1)))
NAMED = NameOffers(2, "dog", "dog", 1, 30, (Offer("dog", 0.5), Offer("cat", 0.2, taken_by="x")))
BY_HAND = NameOffers(3, "Rex", "Rex", 2, 9, (Offer(LONG, 0.4, is_own_word=True),))
NOTHING = NameOffers(4, "Cluster 04", "", 3, 5, ())
ROWS = [FREE, NAMED, BY_HAND, NOTHING]


@pytest.fixture
def panel(qtbot: QtBot) -> NamesPanel:
    panel = NamesPanel()
    qtbot.addWidget(panel)
    panel.resize(260, 600)
    panel.show()
    panel.set_names(ROWS, editable=True)
    return panel


def accept_button(panel: NamesPanel) -> QPushButton:
    found = [b for b in panel.findChildren(QPushButton) if b.text().startswith("Accept")]
    return found[0]


def n_rows(panel: NamesPanel) -> int:
    return len(panel.rows)


def test_where_a_name_comes_from() -> None:
    assert [row.naming for row in ROWS] == [
        Naming.NONE,
        Naming.SUGGESTED,
        Naming.BY_HAND,
        Naming.NONE,
    ]


def test_a_click_asks_for_a_name(panel: NamesPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.name_requested) as asked:
        qtbot.mouseClick(panel.rows[0].buttons[1], Qt.MouseButton.LeftButton)
    assert asked.args == [1, "tabby"]


def test_names_given_by_hand_and_taken_names_cannot_be_clicked(
    panel: NamesPanel, qtbot: QtBot
) -> None:
    by_hand, taken = panel.rows[2].buttons[0], panel.rows[1].buttons[1]
    with qtbot.assertNotEmitted(panel.name_requested):
        for button in (by_hand, taken, panel.rows[1].buttons[0]):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert "by hand" in by_hand.accessibleDescription()
    assert "has this name" in taken.accessibleDescription()
    assert panel.rows[1].buttons[0].isChecked()


def test_accept_all_counts_what_it_would_name(panel: NamesPanel, qtbot: QtBot) -> None:
    button = accept_button(panel)
    assert button.text() == "Accept 1 name"
    with qtbot.waitSignal(panel.all_requested):
        button.click()
    named = replace(FREE, name="cat", title="cat")
    panel.set_names([named, *ROWS[1:]], editable=True)
    assert not button.isEnabled()


def test_the_same_suggestions_keep_their_rows(panel: NamesPanel) -> None:
    before = panel.rows
    panel.set_names([replace(FREE, name="cat", title="cat"), *ROWS[1:]], editable=True)
    assert panel.rows == before
    assert panel.rows[0].buttons[0].isChecked()
    panel.set_names(ROWS[1:], editable=True)
    assert len(panel.rows) == 3


def test_a_read_only_project_takes_no_names(panel: NamesPanel, qtbot: QtBot) -> None:
    panel.set_names(ROWS, editable=False)
    assert not accept_button(panel).isEnabled()
    with qtbot.assertNotEmitted(panel.name_requested):
        qtbot.mouseClick(panel.rows[0].buttons[0], Qt.MouseButton.LeftButton)


def test_long_names_never_widen_the_panel(panel: NamesPanel) -> None:
    panel.set_names([replace(BY_HAND, name=LONG, title=LONG)], editable=True)
    panel.set_vocabulary("a file with a really long name " * 5 + ".txt", 12)
    assert panel.width() == 260
    assert panel.minimumSizeHint().width() <= 260
    assert not panel.grab().isNull()


def test_a_heading_shows_its_cluster(panel: NamesPanel, qtbot: QtBot) -> None:
    heading = panel.rows[1].findChild(NameHeading)
    assert isinstance(heading, NameHeading)
    with qtbot.waitSignal(panel.cluster_requested) as asked:
        qtbot.mouseClick(heading, Qt.MouseButton.LeftButton)
    assert asked.args == [2]


def test_own_words_can_be_taken_and_left(panel: NamesPanel, qtbot: QtBot) -> None:
    clear = panel.findChild(QToolButton)
    assert isinstance(clear, QToolButton)
    assert clear.isHidden()
    panel.set_vocabulary("words.txt", 3)
    assert not clear.isHidden()
    with qtbot.waitSignal(panel.vocabulary_cleared):
        clear.click()


def test_notes_take_the_place_of_rows(panel: NamesPanel) -> None:
    panel.set_busy()
    assert n_rows(panel) == 4  # old suggestions stay until the new ones are there
    panel.show_failure("The backbone suggests no names.")
    assert n_rows(panel) == 0
    texts = [label.text() for label in panel.findChildren(QLabel)]
    assert "The backbone suggests no names." in texts
    panel.set_names([], editable=True)
    assert NO_CLUSTERS in [label.text() for label in panel.findChildren(QLabel)]
    panel.set_busy()
    assert any("Looking" in label.text() for label in panel.findChildren(QLabel))


def test_where_nothing_stands_out_own_words_are_recommended(panel: NamesPanel) -> None:
    panel.set_names([NOTHING], editable=True)
    assert any("Own words" in label.text() for label in panel.findChildren(QLabel))
